"""How far times to the first token and per output token lie from the curves that were measured.

    python -m benchmarks.latency

kind                what is predicted, and from what
tpot-estimated      time per output token at a stated number of requests in flight, by the roofline
ttft-estimated      time to the first token there; its three constants fitted without any curve of the model
curve-transferred   both times, from the curve of the nearest other shape of the same model, precision and system

An error is max(predicted / measured, measured / predicted). Rows go to `results/latency.csv`: median, ninth decile and
the worst, by accelerator and by model, and over all (`*`). Prints the constants fitted to all curves: those of
`optimizer/catalogue/roofline.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from optimizer.catalogue import Catalogue, load_catalogue, roofline
from optimizer.catalogue.operating import Curve, paced, scaled
from optimizer.catalogue.saturated import NEAR
from optimizer.catalogue.speed_facts import OUTPUT, Question, architecture_of

RESULTS = Path(__file__).parent / "results" / "latency.csv"
START = (0.05, 9.0, 0.1)
"""Seconds, steps, and prompts for each request in flight."""
Errors = list[tuple[str, str, str, float]]


@dataclass(frozen=True)
class Points:
    """Measured points beside what the roofline says of a prompt and a step there."""

    model: np.ndarray
    accelerator: np.ndarray
    prompt_s: np.ndarray
    step_s: np.ndarray
    requests: np.ndarray
    ttft_s: np.ndarray
    tpot_errors: np.ndarray

    def predicted(self, constants: np.ndarray) -> np.ndarray:
        """Return the time to the first token by three constants."""
        fixed, steps, queued = np.abs(constants)
        return np.asarray(fixed + steps * self.step_s + self.prompt_s * (1 + queued * self.requests))


def main() -> None:
    """Predict, print, write."""
    catalogue = load_catalogue()
    points = measured(catalogue)
    everything = np.ones(len(points.model), dtype=bool)
    print("seconds, steps, prompts per request in flight:", fit(points, everything).round(3))
    columns = points.accelerator, points.model, points.tpot_errors
    errors: Errors = [("tpot-estimated", str(a), str(m), e) for a, m, e in zip(*columns, strict=True)]
    for name in sorted(set(points.model)):
        here = points.model == name
        logs = np.log(points.predicted(fit(points, ~here))[here] / points.ttft_s[here])
        errors += [("ttft-estimated", str(a), name, float(np.exp(abs(e))))
                   for a, e in zip(points.accelerator[here], logs, strict=True)]  # fmt: skip
    errors += transferred(catalogue)
    table = summary(errors)
    table.to_csv(RESULTS, index=False, lineterminator="\n")
    print(table.to_string(index=False))


def question_of(catalogue: Catalogue, name: str, curve: Curve) -> Question:
    """Return the question that a curve answers."""
    model = architecture_of(catalogue, name)
    assert model is not None
    width = {4: roofline.FOUR, 8: roofline.EIGHT}.get(curve.bits or 16, roofline.SIXTEEN)
    return Question(model, width, roofline.Shape(curve.input_tokens, curve.output_tokens), OUTPUT, None, None)


def measured(catalogue: Catalogue) -> Points:
    """Collect every point of every curve whose requests fit into memory."""
    rows = []
    for name, curves in catalogue.curves.items():
        for curve in curves:
            question, limits = question_of(catalogue, name, curve), catalogue.limits[curve.accelerator]
            held = roofline.requests_that_fit(
                question.model, question.precision, question.shape, limits.device, curve.devices
            )
            for requests, ttft, tpot in zip(curve.requests, curve.ttft_ms, curve.tpot_ms, strict=True):
                if requests <= held:
                    at = paced(question, limits, curve.devices, requests)
                    away = math.exp(abs(math.log(at.tpot_s(curve.output_tokens) * 1000 / tpot)))
                    rows.append((name, curve.accelerator, at.prompt_s, at.step_s, requests, ttft / 1000, away))
    return Points(*(np.array(column) for column in zip(*rows, strict=True)))


def fit(points: Points, kept: np.ndarray) -> np.ndarray:
    """Return the constants with the least mean error, a factor."""

    def loss(constants: np.ndarray) -> float:
        logs = np.log(np.maximum(points.predicted(constants), 1e-6) / points.ttft_s)
        return float(np.abs(logs[kept]).mean())

    return np.abs(minimize(loss, START, method="Nelder-Mead", options={"maxiter": 2000}).x)


def transferred(catalogue: Catalogue) -> Errors:
    """Predict every curve from the nearest other shape of its model, precision and system."""
    found: Errors = []
    for name, curves in catalogue.curves.items():
        for curve in curves:
            others = []
            for other in curves:
                i, o = (abs(math.log(a / b)) for a, b in ((other.input_tokens, curve.input_tokens),
                                                          (other.output_tokens, curve.output_tokens)))  # fmt: skip
                same = (other.accelerator, other.devices, other.bits) == (curve.accelerator, curve.devices, curve.bits)
                if same and i + o > 0 and max(i, o) <= math.log(NEAR) + 1e-9:
                    others.append((i + o, other))
            if not others:
                continue
            nearest = min(others, key=lambda pair: pair[0])[1]
            limits = catalogue.limits[curve.accelerator]
            told = scaled(replace(nearest), question_of(catalogue, name, curve), limits, limits)
            if told is None:
                continue
            for requests, ttft, tpot in zip(curve.requests, curve.ttft_ms, curve.tpot_ms, strict=True):
                if told.requests[0] <= requests <= told.requests[-1]:
                    at = told.at(requests)
                    for kind, said, had in (("ttft", at.ttft_ms, ttft), ("tpot", at.tpot_ms, tpot)):
                        error = math.exp(abs(math.log(said / had)))
                        found.append((f"{kind}-transferred", curve.accelerator, name, error))
    return found


def summary(errors: Errors) -> pd.DataFrame:
    """Return median, ninth decile and worst error of each kind, over all, by accelerator and by model."""
    each = pd.DataFrame(errors, columns=["kind", "accelerator", "model", "error"])
    parts = [each.assign(accelerator="*", model="*"), each.assign(model="*"), each.assign(accelerator="*")]
    grouped = pd.concat(parts).groupby(["kind", "accelerator", "model"]).error
    found = pd.DataFrame({
        "points": grouped.size(), "median_error": grouped.median(), "ninth_decile": grouped.quantile(0.9),
        "worst": grouped.max(),
    })  # fmt: skip
    return found.round(3).reset_index()


if __name__ == "__main__":
    main()
