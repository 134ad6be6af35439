"""How fast a model serves on every accelerator: measured, transferred or estimated, and on how many devices at least.

level         a figure of
measured      the asked model, precision, token shape and accelerator, or interpolated between shapes of the system
transferred   the same model, width of weights and accelerator at another token shape, scaled by the roofline
estimated     the roofline with efficiencies fitted to other measurements; its cautious end (estimate / spread) counts

A row is one system of `devices` that works by itself; machines run whole copies of it. Rows that physics
contradicts are quarantined: they are told and never used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.catalogue import roofline
from optimizer.catalogue.operating import NO_OBJECTIVES, Objectives, Operating
from optimizer.catalogue.roofline import Architecture, Shape
from optimizer.catalogue.saturated import estimated, transferred
from optimizer.catalogue.speed_facts import (
    OUTPUT,
    TOTAL,
    Question,
    Row,
    architecture_of,
    devices_for_weights,
    lines,
    row_of,
)
from optimizer.catalogue.throughput import LEVELS, SAMPLE_OF_CLASS, fitting_profiles, select_throughput
from optimizer.catalogue.within import systems_within
from optimizer.errors import InputError, Issue

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue

__all__ = ["LEVELS", "SpeedRequest", "Speeds", "devices_for_weights", "find_speeds"]

LEVEL = 4
"""Where a row has its level."""
COLUMNS = ("accelerator", "devices", "units_per_s", "quality", "level", "spread", "source", "requests", "ttft_ms",
           "tpot_ms")  # fmt: skip


@dataclass(frozen=True)
class SpeedRequest:
    """What is asked: a model at a precision and a token shape; None leaves a matter open.

    `requests` in flight and `devices` are those of one replica; `weakest` is the weakest level that is allowed.
    `objectives` choose the operating point; without them a replica is saturated: as many requests as memory holds.
    """

    model: str
    profile: str | None = None
    precision: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    metric: str | None = None
    requests: int | None = None
    devices: int | None = None
    weakest: str = "estimated"
    objectives: Objectives = NO_OBJECTIVES


@dataclass(frozen=True, eq=False)
class Speeds:
    """The answer: the profile whose figures are measured (None: none), metric, precision, and one row per system.

    `sample`: what one sample is where the metric counts samples ("": not known).

    `smallest`: devices of the smallest replica that holds the model, by accelerator (inf: more than any machine has);
    empty where the model's dimensions are not known. `missed`: systems that hold the model and miss the objectives,
    by accelerator and devices, with the nearest they come.
    """

    profile: str | None
    metric: str
    precision: str
    rows: pd.DataFrame
    smallest: dict[str, float]
    reasons: Callable[[], dict[str, str]] = field(repr=False)
    sample: str = ""
    missed: dict[tuple[str, float], Operating] = field(default_factory=dict, repr=False)

    @cached_property
    def quarantined(self) -> dict[str, str]:
        """By accelerator, why measured figures do not count; looked up when first asked for."""
        return self.reasons()


def find_speeds(catalogue: Catalogue, request: SpeedRequest) -> Speeds:
    """Return all figures of a model, the best level for every system.

    Raises
    ------
    InputError
        Nothing is known of the model; no profile has what is asked and too little is known to estimate; several
        profiles fit and none is the default.
    """
    asked = {"profile": request.profile, "precision": request.precision, "input_tokens": request.input_tokens,
             "output_tokens": request.output_tokens, "metric": request.metric}  # fmt: skip
    name = catalogue.canonical_model(request.model)
    model = architecture_of(catalogue, name)
    shaped = request.input_tokens is not None and request.output_tokens is not None
    unmeasured = request.profile is None and not fitting_profiles(catalogue, name, **asked)
    known = catalogue.throughput
    if unmeasured and model is not None and shaped and request.metric in (None, OUTPUT):
        profile, metric, measured = None, OUTPUT, known.iloc[:0]
    else:
        profile, _ = select_throughput(catalogue, request.model, **asked)  # type: ignore[arg-type]
        measured = known[known.profile_id.eq(profile)]
        metric = str(measured.metric.iloc[0])
    rows = [row_of(r, "measured", 1.0, r.quality) for r in lines(measured)]
    precision = request.precision or (str(measured.precision.iloc[0]) if len(measured) else "")
    question = _question(request, model, precision, metric, measured)
    if question is not None and request.profile is None and (request.objectives.some or request.requests is not None):
        kept, missed = systems_within(catalogue, name, question, request.objectives, request.weakest)
        profile = None
    elif request.objectives.some:
        raise InputError(Issue(
            f"no time to the first token or per output token is known of {request.profile or request.model!r}",
            maybe="leave ttft_ms and tpot_ms out, or name a model whose dimensions the catalogue knows, with its "
            "input_tokens and output_tokens and no profile",
        ))  # fmt: skip
    else:
        kept, missed = rows if question is None else [row for row in rows if _holds(question, row)], {}
        if question is not None and request.profile is None:
            others = transferred(catalogue, name, question, {row[:2] for row in rows})
            kept += [row for row in others if request.weakest != "measured" or row[LEVEL] == "measured"]
            if request.weakest == "estimated":
                kept += estimated(catalogue, question)
    return Speeds(
        profile, metric, precision or (model.native_name if model is not None else ""),
        pd.DataFrame(kept, columns=list(COLUMNS)),
        _smallest(catalogue, question) if question is not None else {},
        partial(_quarantined, catalogue, name, profile, request), _sample(metric, measured), missed,
    )  # fmt: skip


def _sample(metric: str, measured: pd.DataFrame) -> str:
    """Return what one sample of the measured rates is; of tokens nothing."""
    if metric != "samples_per_s" or measured.empty:
        return ""
    return SAMPLE_OF_CLASS.get(str(measured.workload_class.iloc[0]), "")


def _question(
    request: SpeedRequest, model: Architecture | None, precision: str, metric: str, measured: pd.DataFrame
) -> Question | None:
    """Return what the roofline is asked, None where it has no answer: other metrics, unknown dimensions or shape."""
    if model is None or metric not in (OUTPUT, TOTAL):
        return None
    first = measured.iloc[0] if len(measured) else None
    i = request.input_tokens if request.input_tokens is not None else (None if first is None else first.input_tokens)
    o = request.output_tokens if request.output_tokens is not None else (None if first is None else first.output_tokens)
    if i is None or o is None or np.isnan(i) or not o > 0:
        return None
    width = roofline.precision_of(precision) or model.native
    return Question(model, width, Shape(float(i), float(o)), metric, request.requests, request.devices)


def _holds(question: Question, row: Row) -> bool:
    """Return whether a measured system is of whole replicas of the stated size."""
    return not question.devices or row[1] % question.devices == 0


def _smallest(catalogue: Catalogue, question: Question) -> dict[str, float]:
    """Return the devices of the smallest replica that holds the weights and the requests, by accelerator."""
    asked = (question.model, question.precision, question.shape)
    least = max(1, question.requests or 1)
    found = {}
    for name, limits in catalogue.limits.items():
        sizes = [question.devices] if question.devices else roofline.REPLICA_SIZES
        fitting = (s for s in sizes if roofline.requests_that_fit(*asked, limits.device, s) >= least)
        found[name] = float(next(fitting, np.inf))
    return found


def quarantined_by_model(catalogue: Catalogue) -> dict[str, list[Any]]:
    """Return the quarantined rows of each model."""
    found: dict[str, list[Any]] = {}
    for row in lines(catalogue.quarantined):
        found.setdefault(row.model, []).append(row)
    return found


def _quarantined(catalogue: Catalogue, name: str, profile: str | None, request: SpeedRequest) -> dict[str, str]:
    """Return, by accelerator, which figures of the profile or the asked shape do not count and why."""
    told: dict[str, list[str]] = {}
    for row in catalogue.quarantined_rows.get(name, ()):
        shaped = all(asked is None or asked == had for asked, had in (
            (request.input_tokens, row.input_tokens), (request.output_tokens, row.output_tokens)))  # fmt: skip
        if row.profile_id == profile if profile is not None else shaped:
            what = f"{row.units_per_s:,.4g} on {row.devices:g} x {row.accelerator} is quarantined: {row.reason}"
            told.setdefault(row.accelerator, []).append(what)
    return {accelerator: "; ".join(parts) for accelerator, parts in told.items()}
