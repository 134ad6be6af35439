"""What speeds are made of: the question asked, dimensions of models, limits of accelerators, measured points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.catalogue import roofline
from optimizer.catalogue.roofline import Architecture, Device, Efficiency, Precision, Shape

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue

OUTPUT, TOTAL = "output_tokens_per_s", "total_tokens_per_s"
SPREAD_SMALL_MODEL, SPREAD_FULL_MEMORY, SPREAD_UNFITTED = 12.0, 6.0, 3.0
SMALL_PARAMETERS, FULL_MEMORY, SHORT_ANSWER, WIDE_REPLICA = 3e9, 0.85, 100, 16
"""Where estimates have these spreads, see `spread_of`: parameters, share of memory, output tokens, devices."""
NAN = float("nan")
SATURATED = ("max-throughput", "mlperf-offline", "saturated")


@dataclass(frozen=True)
class Question:
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
    usable = facts.usable_memory_gb.fillna(facts.memory_gb)
    figures = zip(facts.accelerator, usable, facts.memory_bandwidth_gb_per_s, facts.software, strict=True)
    known = {name: (memory, bandwidth, software) for name, memory, bandwidth, software in figures
             if memory > 0 and bandwidth > 0}  # fmt: skip
    found: dict[str, Limits] = {}
    for row in lines(catalogue.accelerator_speed):
        if row.accelerator in known:
            memory, bandwidth, software = known[row.accelerator]
            fit = Efficiency(row.bandwidth_efficiency, row.flops_efficiency, row.step_ms_per_32_layers,
                             row.replica_exponent, row.spread, row.fit != "default")  # fmt: skip
            device = Device(row.accelerator, memory, bandwidth, row.tflops_16bit, row.tflops_8bit, row.tops_8bit,
                            row.tflops_4bit)  # fmt: skip
            found[row.accelerator] = Limits(device, fit, software)
    return found


SAME_ARITHMETIC, LARGER_MEMORY = 1.03, 2.0
"""Siblings: peaks this close to each other, memory and bandwidth at most so many times those of the smaller one."""


def siblings_of(limits: Mapping[str, Limits]) -> dict[str, tuple[str, ...]]:
    """Return by accelerator those of the same arithmetic and software with no less memory and bandwidth.

    They are the same chip with other memory (H100 and H200, A100 of 40 and of 80 GB), so that what is measured on the
    smaller one says, scaled by the roofline, what the larger one does (benchmarks/results/speed.csv, `sibling`).
    Neuron devices have none: no fit of theirs carries over.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, small in limits.items():
        larger = [other for other, large in limits.items() if other != name and _is_sibling(small, large)]
        if larger and small.software != "neuron":
            found[name] = tuple(larger)
    return found


def _is_sibling(small: Limits, large: Limits) -> bool:
    """Return whether the second accelerator is the first one's chip with as much memory and bandwidth, or more."""
    a, b = small.device, large.device
    peaks = ((a.tflops_16, b.tflops_16), (a.tflops_8, b.tflops_8), (a.tops_8, b.tops_8), (a.tflops_4, b.tflops_4))
    alike = all(
        x / SAME_ARITHMETIC <= y <= x * SAME_ARITHMETIC if x > 0 and y > 0 else not x > 0 and not y > 0
        for x, y in peaks
    )
    memory = b.memory_gb / a.memory_gb, b.bandwidth_gb_per_s / a.bandwidth_gb_per_s
    within = all(1.0 <= ratio <= LARGER_MEMORY + 1e-9 for ratio in memory)
    return alike and within and small.software == large.software


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


Row = tuple[str, float, float, str, str, float, str, float, float, float]
"""Accelerator, devices, units/s, quality, level, spread, source; requests in flight and their times in ms (NaN: of what
was measured at saturation nobody says).
"""


def lines(table: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows of a table, cells by name."""
    yield from table.itertuples(index=False)


def row_of(point: Any, level: str, spread: float, quality: str, units: float | None = None) -> Row:
    """Return the row of a figure measured at full load, or scaled from one."""
    speed, requests = float(point.units_per_s if units is None else units), float(point.requests)
    return point.accelerator, float(point.devices), speed, quality, level, spread, point.source, requests, NAN, NAN


@dataclass(frozen=True)
class Point:
    """A measurement at full load, in output tokens per second; `bits` of its weights, None where nobody says.

    `requests` in flight where the client capped them, and `replica_devices` that its one replica took; NaN: nobody
    says, and the memory of all devices is the limit.
    """

    accelerator: str
    devices: float
    input_tokens: float
    output_tokens: float
    units_per_s: float
    bits: int | None
    source: str
    replica_devices: float = NAN
    requests: float = NAN


def points_of(catalogue: Catalogue) -> dict[str, list[Point]]:
    """Return the saturated measurements of a known token shape, by model."""
    found: dict[str, list[Point]] = {}
    for table in (catalogue.throughput, catalogue.serving):
        kept = table.scenario.isin(SATURATED) & table.input_tokens.gt(0) & table.output_tokens.gt(0)
        if "metric" in table:
            kept &= table.metric.eq(OUTPUT)
        for row in lines(table[kept]):
            width = roofline.precision_of(row.precision)
            point = Point(row.accelerator, row.devices, row.input_tokens, row.output_tokens, row.units_per_s,
                          None if width is None else width.bits, row.source, row.replica_devices,
                          getattr(row, "requests", NAN))  # fmt: skip
            found.setdefault(row.model, []).append(point)
    return found
