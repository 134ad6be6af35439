"""How far the speed figures lie from measurements that they were made without.

    python -m benchmarks.speed

kind                what is predicted, and from what
estimated-all       every source on an accelerator with a fit: both of the next two
estimated           every source on an accelerator with a fit, from a fit to the other sources
estimated-wide      the same, where the estimate carries a wider spread (`spread_of`): small models, full memory, …
mlperf-server       server results of one MLPerf round, from a fit without any result of that round
mlperf-offline      offline results of that round, from the same fit
interpolated        every measurement between other shapes of its model, precision and system, from all near ones
interpolated-by-nearest  the same measurements, from the nearest shape alone
transferred         every other measurement, from the nearest shape
sibling             every measurement of which a smaller sibling (the same chip with less memory) has the same shape

An error is max(predicted / measured, measured / predicted). Rows go to `results/speed.csv`: median, ninth decile and
the worst, by accelerator and left-out source, and over all (`*`). Every server result stands beside its prediction in
`results/mlperf_server.csv`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.speed_fit import SERVER, Points, constants_of, fit, measurements
from optimizer.catalogue import Catalogue, load_catalogue, roofline
from optimizer.catalogue.roofline import Efficiency, Shape
from optimizer.catalogue.saturated import NEAR, estimate_like
from optimizer.catalogue.speed_facts import OUTPUT, Limits, Point, Question, architecture_of, spread_of

RESULTS = Path(__file__).parent / "results" / "speed.csv"
SERVER_RESULTS = RESULTS.with_name("mlperf_server.csv")
ROUNDS = ("mlcommons/inference_results_v5.1", "mlcommons/inference_results_v6.0")
Errors = list[tuple[str, str, str, float]]


def main() -> None:
    """Predict, print, write."""
    catalogue = load_catalogue()
    rows = measurements(catalogue)
    errors = [*_left_out(catalogue, rows), *_rounds(catalogue, rows), *_transferred(catalogue, rows),
              *_siblings(catalogue, rows)]  # fmt: skip
    server_results(catalogue, rows).to_csv(SERVER_RESULTS, index=False, lineterminator="\n")
    table = summary(errors)
    table.to_csv(RESULTS, index=False, lineterminator="\n")
    print(table.to_string(index=False))


def summary(errors: Errors) -> pd.DataFrame:
    """Return median, ninth decile and worst error of each kind, accelerator and source, and over all of a kind."""
    each = pd.DataFrame(errors, columns=["kind", "accelerator", "left_out", "error"])
    over_all = each.assign(accelerator="*", left_out="*")
    grouped = pd.concat([over_all, each]).groupby(["kind", "accelerator", "left_out"]).error
    found = pd.DataFrame({
        "points": grouped.size(), "median_error": grouped.median(), "ninth_decile": grouped.quantile(0.9),
        "worst": grouped.max(),
    })  # fmt: skip
    return found.round(3).reset_index()


def _errors(kind: str, accelerator: str, source: str, logs: np.ndarray) -> Errors:
    return [(kind, accelerator, source, float(np.exp(abs(e)))) for e in logs[~np.isnan(logs)]]


def _fitted(catalogue: Catalogue, rows: pd.DataFrame) -> Efficiency | None:
    """Fit to the points whose estimates have the spread of the fit."""
    rows = rows[~rows.wide]
    return fit(Points.of(catalogue, rows)) if len(rows) else None


def _left_out(catalogue: Catalogue, rows: pd.DataFrame) -> Errors:
    found: Errors = []
    for accelerator, here in rows.groupby("accelerator"):
        if not catalogue.limits[str(accelerator)].efficiency.fitted:
            continue
        for source in sorted(set(here.source)):
            rest = here[here.source.ne(source)]
            fitted = _fitted(catalogue, rest)
            left = here[here.source.eq(source)]
            for kind, part in (("estimated", left[~left.wide]), ("estimated-wide", left[left.wide])):
                if fitted is not None and len(part):
                    logs = Points.of(catalogue, part).errors(constants_of(fitted))
                    found += _errors(kind, str(accelerator), source, logs)
                    found += _errors("estimated-all", str(accelerator), source, logs)
    return found


def _rounds(catalogue: Catalogue, rows: pd.DataFrame) -> Errors:
    found: Errors = []
    server = measurements(catalogue, SERVER)
    for source in ROUNDS:
        for accelerator, rest in rows[rows.source.ne(source)].groupby("accelerator"):
            fitted = _fitted(catalogue, rest)
            if fitted is None:
                continue
            offline = rows[rows.scenario.eq("mlperf-offline")]
            for kind, table in ((SERVER, server), ("mlperf-offline", offline)):
                here = table[table.source.eq(source) & table.accelerator.eq(accelerator)]
                if len(here):
                    logs = Points.of(catalogue, here).errors(constants_of(fitted))
                    found += _errors(kind, str(accelerator), source, logs)
    return found


def server_results(catalogue: Catalogue, rows: pd.DataFrame) -> pd.DataFrame:
    """Return every server result of the rounds beside what a fit without any result of its round predicts.

    `ratio` is predicted / measured. `within` says whether the measurement lies inside the range that a plan would
    state: the spread of that fit, or the wider one of its point.
    """
    server, found = measurements(catalogue, SERVER), []
    for source in ROUNDS:
        for accelerator, rest in rows[rows.source.ne(source)].groupby("accelerator"):
            here = server[server.source.eq(source) & server.accelerator.eq(accelerator)]
            fitted = _fitted(catalogue, rest)
            if fitted is None or here.empty:
                continue
            ratio = np.exp(Points.of(catalogue, here).errors(constants_of(fitted)))
            spread = [_spread(catalogue, row, fitted) for row in here.itertuples(index=False)]
            error = np.maximum(ratio, 1 / ratio)
            found.append(here.assign(
                round=source.rpartition("_")[2], measured_per_s=here.units_per_s,
                predicted_per_s=(ratio * here.units_per_s).round(1), ratio=ratio.round(3), spread=np.round(spread, 3),
                within=np.where(np.isnan(ratio), "does not fit", np.where(error <= spread, "yes", "no")),
                fit_points=int((~rest.wide).sum()),
            ))  # fmt: skip
    columns = ["round", "accelerator", "devices", "model", "precision", "input_tokens", "output_tokens",
               "measured_per_s", "predicted_per_s", "ratio", "spread", "within", "fit_points"]  # fmt: skip
    return pd.concat(found)[columns].sort_values(columns[:5], ignore_index=True)


def _spread(catalogue: Catalogue, row: object, fitted: Efficiency) -> float:
    """Return the spread that a plan would state of the point: of the replica that makes the most of its devices."""
    model, limits = architecture_of(catalogue, row.model), catalogue.limits[row.accelerator]  # type: ignore[attr-defined]
    assert model is not None
    width = roofline.precision_of(row.precision) or model.native  # type: ignore[attr-defined]
    shape, devices = Shape(row.input_tokens, row.output_tokens), row.devices  # type: ignore[attr-defined]
    whole = [r for r in roofline.REPLICA_SIZES if r <= devices and devices % r == 0]
    size = max(whole, key=lambda r: devices / r * roofline.estimate(model, width, shape, limits.device, fitted, r))
    return spread_of(model, width, shape, limits.device, fitted, size)


def _transferred(catalogue: Catalogue, rows: pd.DataFrame) -> Errors:
    """Predict every measurement from the other shapes of its system, as the catalogue does."""
    found: Errors = []
    for (name, accelerator, _), group in rows.groupby(["model", "accelerator", "devices"]):
        model, limits = architecture_of(catalogue, str(name)), catalogue.limits[str(accelerator)]
        assert model is not None
        widths = [roofline.precision_of(p) or model.native for p in group.precision]
        points = list(zip(group.itertuples(index=False), widths, strict=True))
        for row, width in points:
            likely = partial(_likely, Question(model, width, _shape(row), OUTPUT, None, None), limits)
            near = [
                (apart, other, other.units_per_s / likely(other, _shape(other)))
                for other, w in points
                if w.bits == width.bits and 0 < (apart := _apart(row, other)) < np.inf
            ]
            if not near:
                continue
            nearest = min(near, key=lambda one: (one[0], one[1].units_per_s))
            here = likely(nearest[1], _shape(row))
            if not here > 0:
                continue
            inside = all(
                min(there) <= getattr(row, side) <= max(there)
                for side in ("input_tokens", "output_tokens")
                for there in [[getattr(other, side) for _, other, _ in near]]
            )
            each = near if inside else [nearest]
            part = np.average([np.log(p) for _, _, p in each], weights=[1 / apart for apart, _, _ in each])
            error = float(np.exp(abs(part + np.log(here / row.units_per_s))))
            found.append(("interpolated" if inside else "transferred", str(accelerator), str(row.source), error))
            if inside:
                by_nearest = float(np.exp(abs(np.log(nearest[2] * here / row.units_per_s))))
                found.append(("interpolated-by-nearest", str(accelerator), str(row.source), by_nearest))
    return found


def _siblings(catalogue: Catalogue, rows: pd.DataFrame) -> Errors:
    """Predict every measurement from the slowest of the same model, shape and devices on a smaller sibling."""
    found: Errors = []
    for name, group in rows.groupby("model"):
        model = architecture_of(catalogue, str(name))
        assert model is not None
        runs = list(group.itertuples(index=False))
        for row in runs:
            limits, width = catalogue.limits[row.accelerator], roofline.precision_of(row.precision) or model.native
            question = Question(model, width, _shape(row), OUTPUT, None, None)
            there = [
                run for run in runs
                if row.accelerator in catalogue.siblings.get(run.accelerator, ()) and run.devices == row.devices
                and _shape(run) == _shape(row)
                and (roofline.precision_of(run.precision) or model.native).bits == width.bits
            ]  # fmt: skip
            if there:
                run = min(there, key=lambda one: one.units_per_s)
                small = catalogue.limits[run.accelerator]
                part = run.units_per_s / _likely(question, small, run, _shape(run))
                told = part * _likely(question, replace(limits, efficiency=small.efficiency), run, _shape(run))
                error = float(np.exp(abs(np.log(told / row.units_per_s))))
                found.append(("sibling", str(row.accelerator), str(row.source), error))
    return found


def _apart(a: object, b: object) -> float:
    """Return how far two shapes are apart; beyond what is transferred at most: inf."""
    sides = [abs(np.log(getattr(a, side) / getattr(b, side))) for side in ("input_tokens", "output_tokens")]
    return float(sum(sides)) if max(sides) <= np.log(NEAR) + 1e-9 else np.inf


def _shape(row: object) -> Shape:
    return Shape(float(row.input_tokens), float(row.output_tokens))  # type: ignore[attr-defined]


def _likely(question: Question, limits: Limits, run: object, shape: Shape) -> float:
    """Return the estimate of a run's system at a shape, as the catalogue makes it to scale a measurement."""
    at = (run.accelerator, run.devices, run.input_tokens, run.output_tokens, run.units_per_s)  # type: ignore[attr-defined]
    point = Point(*at, question.precision.bits, "", run.replica_devices, run.requests)  # type: ignore[attr-defined]
    return estimate_like(point, question, shape, limits.device, limits.efficiency)


if __name__ == "__main__":
    main()
