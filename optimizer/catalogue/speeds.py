"""How fast a model serves on every accelerator: measured, transferred or estimated, and on how many devices at least.

level         a figure of
measured      the asked model, precision, token shape and accelerator
transferred   the same model, width of weights and accelerator at another token shape, scaled by the roofline
estimated     the roofline with efficiencies fitted to other measurements; its cautious end (estimate / spread) counts

A row is one system of `devices` that works by itself; machines run whole copies of it. Rows that physics
contradicts are quarantined: they are told and never used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.catalogue import roofline
from optimizer.catalogue.roofline import Architecture, Device, Efficiency, Precision, Shape
from optimizer.catalogue.throughput import LEVELS, fitting_profiles, select_throughput

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue

__all__ = ["LEVELS", "SpeedRequest", "Speeds", "devices_for_weights", "find_speeds"]

OUTPUT, TOTAL = "output_tokens_per_s", "total_tokens_per_s"
NEAR = 4.0
"""How far, as a factor in input and in output tokens, a figure is transferred at most."""
SPREAD_TRANSFERRED = 1.8
"""Of ten transferred figures nine lie within this factor of the measurement (benchmarks/results/speed.csv)."""
SPREAD_SMALL_MODEL, SPREAD_FULL_MEMORY, SPREAD_UNFITTED = 12.0, 6.0, 3.0
SMALL_PARAMETERS, FULL_MEMORY, SHORT_ANSWER, WIDE_REPLICA = 3e9, 0.85, 100, 16
"""Where estimates have these spreads, see `spread_of`: parameters, share of memory, output tokens, devices."""
SATURATED = ("max-throughput", "mlperf-offline", "saturated")
NEURON = "throughput_neuron"
COLUMNS = ("accelerator", "devices", "units_per_s", "quality", "level", "spread", "source")


@dataclass(frozen=True)
class SpeedRequest:
    """What is asked: a model at a precision and a token shape; None leaves a matter open.

    `requests` in flight and `devices` are those of one replica; `weakest` is the weakest level that is allowed.
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


@dataclass(frozen=True, eq=False)
class Speeds:
    """The answer: the profile whose figures are measured (None: none), metric, precision, and one row per system.

    `smallest`: devices of the smallest replica that holds the model, by accelerator (inf: more than any machine has);
    empty where the model's dimensions are not known.
    """

    profile: str | None
    metric: str
    precision: str
    rows: pd.DataFrame
    smallest: dict[str, float]
    reasons: Callable[[], dict[str, str]] = field(repr=False)

    @cached_property
    def quarantined(self) -> dict[str, str]:
        """By accelerator, why measured figures do not count; looked up when first asked for."""
        return self.reasons()


@dataclass(frozen=True)
class _Question:
    """A request whose model, precision and shape are settled."""

    model: Architecture
    precision: Precision
    shape: Shape
    metric: str
    requests: int | None
    devices: int | None

    @property
    def units_per_output_token(self) -> float:
        """What one output token counts in the metric."""
        shape = self.shape
        return (shape.input_tokens + shape.output_tokens) / shape.output_tokens if self.metric == TOTAL else 1.0


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
    rows = [_row(r, "measured", 1.0, r.quality) for r in _lines(measured)]
    precision = request.precision or (str(measured.precision.iloc[0]) if len(measured) else "")
    question = _question(request, model, precision, metric, measured)
    kept = rows if question is None else [row for row in rows if _holds(catalogue, question, row)]
    if question is not None and request.profile is None:
        if request.weakest != "measured":
            kept += _transferred(catalogue, name, question, {row[:2] for row in rows})
        if request.weakest == "estimated":
            kept += _estimated(catalogue, question)
    return Speeds(
        profile, metric, precision or (model.native_name if model is not None else ""),
        pd.DataFrame(kept, columns=list(COLUMNS)),
        _smallest(catalogue, question) if question is not None else {},
        partial(_quarantined, catalogue, name, profile, request),
    )  # fmt: skip


def architecture_of(catalogue: Catalogue, name: str) -> Architecture | None:
    """Return the dimensions of a model by its canonical name, None if they are not known."""
    table = catalogue.architectures
    if name not in table.index:
        return None
    row: Any = table.loc[name]
    latent = float(row.cached_values_per_layer)
    native = roofline.precision_of(row.native_precision)
    assert native is not None
    return Architecture(
        name, float(row.parameters_b) * 1e9, float(row.active_b) * 1e9, int(row.layers), int(row.full_attention_layers),
        float(row.window_tokens), int(row.heads), int(row.kv_heads), int(row.head_dim),
        None if np.isnan(latent) else latent, int(row.experts), int(row.experts_per_token), native,
        str(row.native_precision),
    )  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """An accelerator: what limits it, how much of that serving reaches, and its software stack."""

    device: Device
    efficiency: Efficiency
    software: str


def limits_of(catalogue: Catalogue) -> dict[str, Limits]:
    """Return every accelerator whose limits are known, by name."""
    facts = catalogue.accelerators
    figures = zip(facts.accelerator, facts.memory_gb, facts.memory_bandwidth_gb_per_s, facts.software, strict=True)
    known = {name: (memory, bandwidth, software) for name, memory, bandwidth, software in figures
             if memory > 0 and bandwidth > 0}  # fmt: skip
    found: dict[str, Limits] = {}
    for row in _lines(catalogue.accelerator_speed):
        if row.accelerator in known:
            memory, bandwidth, software = known[row.accelerator]
            fit = Efficiency(row.bandwidth_efficiency, row.flops_efficiency, row.step_ms_per_32_layers,
                             row.replica_exponent, row.spread, row.fit != "default")  # fmt: skip
            device = Device(row.accelerator, memory, bandwidth, row.tflops_16bit, row.tflops_8bit, row.tops_8bit,
                            row.tflops_4bit)  # fmt: skip
            found[row.accelerator] = Limits(device, fit, software)
    return found


def devices_for_weights(catalogue: Catalogue, model: str, precision: str | None) -> dict[str, float]:
    """Return how many devices of each accelerator the weights of a model take at least; of an unknown model nothing.

    Without a precision the narrowest counts (four bits), and nothing but weights fills the memory: less cannot do.
    """
    known = architecture_of(catalogue, catalogue.canonical_model(model))
    if known is None:
        return {}
    width = (roofline.precision_of(precision) if precision else None) or roofline.FOUR
    gb = known.parameters * width.weight_bytes / 1e9
    return {name: gb / limits.device.memory_gb for name, limits in catalogue.limits.items()}


def spread_of(  # noqa: PLR0917
    model: Architecture, precision: Precision, shape: Shape, device: Device, fit: Efficiency, devices: float
) -> float:
    """Return the spread of an estimate: that of the fit, or wider where the fit says little.

    Small models are limited by their engine; weights that fill the memory leave few requests; 4-bit experts without
    4-bit arithmetic, short answers and wide replicas were hardly measured.
    """
    filled = model.parameters * precision.weight_bytes / (devices * device.memory_gb * 1e9)
    emulated = precision.bits == 4 and model.experts > 0 and not device.tflops_4 > 0
    reasons = {
        SPREAD_SMALL_MODEL: model.parameters < SMALL_PARAMETERS,
        SPREAD_FULL_MEMORY: filled > FULL_MEMORY,
        SPREAD_UNFITTED: emulated or shape.output_tokens < SHORT_ANSWER or devices > WIDE_REPLICA,
    }
    return max(fit.spread, *(spread for spread, holds in reasons.items() if holds), 1.0)


def _question(
    request: SpeedRequest, model: Architecture | None, precision: str, metric: str, measured: pd.DataFrame
) -> _Question | None:
    """Return what the roofline is asked, None where it has no answer: other metrics, unknown dimensions or shape."""
    if model is None or metric not in (OUTPUT, TOTAL):
        return None
    first = measured.iloc[0] if len(measured) else None
    i = request.input_tokens if request.input_tokens is not None else (None if first is None else first.input_tokens)
    o = request.output_tokens if request.output_tokens is not None else (None if first is None else first.output_tokens)
    if i is None or o is None or np.isnan(i) or not o > 0:
        return None
    width = roofline.precision_of(precision) or model.native
    return _Question(model, width, Shape(float(i), float(o)), metric, request.requests, request.devices)


_Row = tuple[str, float, float, str, str, float, str]


def _lines(table: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows of a table, cells by name."""
    yield from table.itertuples(index=False)


def _row(point: Any, level: str, spread: float, quality: str, units: float | None = None) -> _Row:
    speed = float(point.units_per_s if units is None else units)
    return point.accelerator, float(point.devices), speed, quality, level, spread, point.source


def _holds(catalogue: Catalogue, question: _Question, row: _Row) -> bool:
    """Return whether a measured system is of whole replicas of the stated size, each with room for the requests."""
    if question.devices is None and question.requests is None:
        return True
    size = question.devices or row[1]
    if row[1] % size:
        return False
    limits = catalogue.limits.get(row[0])
    if limits is None or question.requests is None:
        return True
    asked = (question.model, question.precision, question.shape, limits.device)
    return roofline.requests_that_fit(*asked, size, share=1.0) >= question.requests


def _best(question: _Question, shape: Shape, device: Device, fit: Efficiency, devices: float) -> float:
    """Return the estimate of a system of so many devices, in the replicas that make the most of them."""
    sizes = [question.devices] if question.devices else roofline.REPLICA_SIZES
    told = [
        devices / size
        * roofline.estimate(question.model, question.precision, shape, device, fit, size, requests=question.requests)
        for size in sizes if size <= devices and devices % size == 0
    ]  # fmt: skip
    return max(told, default=0.0)


@dataclass(frozen=True)
class Point:
    """A saturated measurement, in output tokens per second; `bits` of its weights, None where nobody says."""

    accelerator: str
    devices: float
    input_tokens: float
    output_tokens: float
    units_per_s: float
    bits: int | None
    source: str


def points_of(catalogue: Catalogue) -> dict[str, list[Point]]:
    """Return the saturated measurements of a known token shape, by model."""
    found: dict[str, list[Point]] = {}
    for table in (catalogue.throughput, catalogue.serving):
        kept = table.scenario.isin(SATURATED) & table.input_tokens.gt(0) & table.output_tokens.gt(0)
        if "metric" in table:
            kept &= table.metric.eq(OUTPUT)
        for row in _lines(table[kept]):
            width = roofline.precision_of(row.precision)
            point = Point(row.accelerator, row.devices, row.input_tokens, row.output_tokens, row.units_per_s,
                          None if width is None else width.bits, row.source)  # fmt: skip
            found.setdefault(row.model, []).append(point)
    return found


def _transferred(catalogue: Catalogue, name: str, question: _Question, had: set[tuple[str, float]]) -> list[_Row]:
    """Return figures of other shapes scaled to the one asked, by system; those of the very shape are measured."""
    i, o = question.shape.input_tokens, question.shape.output_tokens
    near: dict[tuple[str, float], list[tuple[float, Point]]] = {}
    for point in catalogue.points.get(name, ()):
        system = point.accelerator, point.devices
        apart = abs(math.log(point.input_tokens / i)), abs(math.log(point.output_tokens / o))
        alike = point.bits == question.precision.bits and max(apart) <= math.log(NEAR) + 1e-9
        whole = not question.devices or point.devices % question.devices == 0
        if alike and whole and system not in had and point.accelerator in catalogue.limits:
            near.setdefault(system, []).append((sum(apart), point))
    found = (_from_points(catalogue, question, points) for points in near.values())
    return [row for row in found if row is not None]


def _from_points(catalogue: Catalogue, question: _Question, near: list[tuple[float, Point]]) -> _Row | None:
    """Return the figure of a system by its nearest measurement, the slower of equally near ones."""
    far, nearest = min(near, key=lambda pair: (pair[0], pair[1].units_per_s))
    if far < 1e-9 and question.requests is None:
        same = [point.units_per_s for away, point in near if away < 1e-9]
        return _row(nearest, "measured", 1.0, "measured", float(np.median(same)) * question.units_per_output_token)
    limits = catalogue.limits[nearest.accelerator]
    at, devices = Shape(nearest.input_tokens, nearest.output_tokens), nearest.devices
    here, there = (_best(question, s, limits.device, limits.efficiency, devices) for s in (question.shape, at))
    if not (here > 0 and there > 0):
        return None
    most = roofline.bound(question.model, question.precision, question.shape, limits.device, devices)
    units = min(nearest.units_per_s * here / there, most) * question.units_per_output_token
    return _row(nearest, "transferred", SPREAD_TRANSFERRED, "transferred_speed", units)


def _estimated(catalogue: Catalogue, question: _Question) -> list[_Row]:
    """Return the cautious end of the estimate of one replica, by accelerator and size."""
    asked = (question.model, question.precision, question.shape)
    found: list[_Row] = []
    for limits in catalogue.limits.values():
        device, fit = limits.device, limits.efficiency
        if limits.software == "neuron" and NEURON not in catalogue.fallback_kinds:
            continue
        for size in [question.devices] if question.devices else roofline.REPLICA_SIZES:
            likely = roofline.estimate(*asked, device, fit, size, requests=question.requests)
            if likely > 0:
                spread = spread_of(*asked, device, fit, size)
                units = likely / spread * question.units_per_output_token
                how = "fitted to measurements on it" if fit.fitted else "default efficiencies: nothing fitted on it"
                told = ("estimated_speed", "estimated", spread, f"roofline, {how}")
                found.append((device.name, float(size), units, *told))
    return found


def _smallest(catalogue: Catalogue, question: _Question) -> dict[str, float]:
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
    for row in _lines(catalogue.quarantined):
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
