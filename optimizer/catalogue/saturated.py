"""How fast replicas are at full load: as many requests in flight as memory holds, or as the client of a run sent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.catalogue import roofline
from optimizer.catalogue.operating import Operating, estimated_point
from optimizer.catalogue.roofline import Device, Efficiency, Shape
from optimizer.catalogue.speed_facts import Limits, Point, Question, Row, row_of, spread_of

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue

NEAR = 4.0
"""How far, as a factor in input and in output tokens, a figure is transferred at most."""
SPREAD_TRANSFERRED = 1.8
"""Of ten transferred figures nine lie within this factor of the measurement (benchmarks/results/speed.csv)."""
SPREAD_INTERPOLATED = 1.2
"""The same of figures interpolated between shapes that were measured on the system."""
NEURON = "throughput_neuron"


def estimate_like(point: Point, question: Question, shape: Shape, device: Device, fit: Efficiency) -> float:
    """Return the estimate of the system of a measurement at a shape, run as that one was: one replica of the devices it
    took, with the requests its client sent. Where nobody says, saturated, in the replicas that make the most of it.
    """
    asked = question.model, question.precision, shape, device
    if point.requests > 0:
        held = min(roofline.requests_that_fit(*asked, point.replica_devices), point.requests)
        return roofline.estimate(*asked, fit, point.replica_devices, requests=held) if held >= 1 else 0.0
    sizes = [question.devices] if question.devices else roofline.REPLICA_SIZES
    told = [
        point.devices / size * roofline.estimate(*asked, fit, size)
        for size in sizes if size <= point.devices and point.devices % size == 0
    ]  # fmt: skip
    return max(told, default=0.0)


def near_points(
    catalogue: Catalogue, name: str, question: Question
) -> dict[tuple[str, float], list[tuple[float, Point]]]:
    """Return the saturated measurements at near shapes, and how far these are, by accelerator and devices: those on the
    accelerator, where there are none those on its smaller siblings.
    """
    i, o = question.shape.input_tokens, question.shape.output_tokens
    near: dict[tuple[str, float], list[tuple[float, Point]]] = {}
    of_siblings: dict[tuple[str, float], list[tuple[float, Point]]] = {}
    for point in catalogue.points.get(name, ()):
        apart = abs(math.log(point.input_tokens / i)), abs(math.log(point.output_tokens / o))
        alike = point.bits == question.precision.bits and max(apart) <= math.log(NEAR) + 1e-9
        whole = not question.devices or point.devices % question.devices == 0
        if alike and whole and point.accelerator in catalogue.limits:
            near.setdefault((point.accelerator, point.devices), []).append((sum(apart), point))
            for larger in catalogue.siblings.get(point.accelerator, ()):
                of_siblings.setdefault((larger, point.devices), []).append((sum(apart), point))
    return {**of_siblings, **near}


def as_measured_on(catalogue: Catalogue, accelerator: str, measured_on: str) -> Limits:
    """Return the limits of an accelerator with the efficiency of the one, itself or a sibling, that was measured."""
    return replace(catalogue.limits[accelerator], efficiency=catalogue.limits[measured_on].efficiency)


def source_of(accelerator: str, measured_on: str, source: str) -> str:
    """Return the source of a figure; of a sibling's it says so."""
    return source if accelerator == measured_on else f"{measured_on}, the same chip with other memory: {source}"


def transferred(catalogue: Catalogue, name: str, question: Question, had: set[tuple[str, float]]) -> list[Row]:
    """Return figures of other shapes scaled to the one asked, by system; those of the very shape are measured."""
    near = near_points(catalogue, name, question).items()
    found = (_from_points(catalogue, question, system[0], points) for system, points in near if system not in had)
    return [row for row in found if row is not None]


def _from_points(
    catalogue: Catalogue, question: Question, accelerator: str, near: list[tuple[float, Point]]
) -> Row | None:
    """Return the figure of a system: measured at the shape, interpolated between shapes, else transferred from the
    nearest one, the slower of equally near ones; what siblings did is transferred from the nearest shape.
    """
    far, nearest = min(near, key=lambda pair: (pair[0], pair[1].units_per_s))
    own = nearest.accelerator == accelerator
    if own and far < 1e-9:
        same = [point.units_per_s for away, point in near if away < 1e-9]
        return row_of(nearest, "measured", 1.0, "measured", float(np.median(same)) * question.units_per_output_token)
    limits = as_measured_on(catalogue, accelerator, nearest.accelerator)
    here = estimate_like(nearest, question, question.shape, limits.device, limits.efficiency)
    inside = own and _is_inside(question.shape, [point for _, point in near])
    part = _part_of_estimate(catalogue, question, near if inside else [(1.0, nearest)])
    if not (here > 0 and part > 0):
        return None
    most = roofline.bound(question.model, question.precision, question.shape, limits.device, nearest.devices)
    units = min(here * part, most) * question.units_per_output_token
    if inside:
        return row_of(nearest, "measured", SPREAD_INTERPOLATED, "measured", units)
    source = source_of(accelerator, nearest.accelerator, nearest.source)
    at = replace(nearest, accelerator=accelerator, source=source)
    return row_of(at, "transferred", SPREAD_TRANSFERRED, "transferred_speed", units)


def _is_inside(shape: Shape, points: list[Point]) -> bool:
    """Return whether a shape lies among the points: neither side of it is longer, or shorter, than all of theirs."""
    sides = (
        (shape.input_tokens, [point.input_tokens for point in points]),
        (shape.output_tokens, [point.output_tokens for point in points]),
    )
    return all(min(had) * (1 - 1e-9) <= asked <= max(had) * (1 + 1e-9) for asked, had in sides)


def _part_of_estimate(catalogue: Catalogue, question: Question, near: list[tuple[float, Point]]) -> float:
    """Return which part of the estimate measurements are, in the mean of logarithms, each by one over its distance."""
    logs, weights = [], []
    for far, point in near:
        limits = catalogue.limits[point.accelerator]
        at = Shape(point.input_tokens, point.output_tokens)
        there = estimate_like(point, question, at, limits.device, limits.efficiency)
        if there > 0:
            logs.append(math.log(point.units_per_s / there))
            weights.append(1.0 / far)
    return math.exp(float(np.average(logs, weights=weights))) if logs else 0.0


def open_limits(catalogue: Catalogue) -> Iterator[Limits]:
    """Yield the accelerators on which speeds may be estimated."""
    for limits in catalogue.limits.values():
        if limits.software != "neuron" or NEURON in catalogue.fallback_kinds:
            yield limits


def estimated(catalogue: Catalogue, question: Question) -> list[Row]:
    """Return the cautious end of the estimate of one replica that is saturated, by accelerator and size."""
    asked = (question.model, question.precision, question.shape)
    found: list[Row] = []
    for limits in open_limits(catalogue):
        for size in [question.devices] if question.devices else roofline.REPLICA_SIZES:
            held = roofline.requests_that_fit(*asked, limits.device, size)
            if held >= 1:
                point = estimated_point(question, limits, size, min(held, roofline.MOST_REQUESTS))
                found.append(estimated_row(question, limits, size, point))
    return found


def estimated_row(question: Question, limits: Limits, devices: float, likely: Operating) -> Row:
    """Return the row of the cautious end of an estimate."""
    spread = spread_at(question, limits, devices)
    at = likely.slower(spread, max(spread, roofline.SPREAD_TTFT))
    fitted = limits.efficiency.fitted
    how = "fitted to measurements on it" if fitted else "default efficiencies: nothing fitted on it"
    return row_at(at, question, (limits.device.name, devices), how=("estimated_speed", "estimated"), spread=spread,
                  source=f"roofline, {how}")  # fmt: skip


def row_at(
    at: Operating, question: Question, system: tuple[str, float], *, how: tuple[str, str], spread: float, source: str
) -> Row:
    """Return the row of a system at an operating point; `how`: quality and level."""
    units = at.tokens_per_s * question.units_per_output_token
    return (*system[:1], float(system[1]), units, *how, spread, source, at.requests, at.ttft_ms, at.tpot_ms)


def spread_at(question: Question, limits: Limits, devices: float) -> float:
    """Return the spread of the estimate of a replica of so many devices."""
    model, precision, shape = question.model, question.precision, question.shape
    return spread_of(model, precision, shape, limits.device, limits.efficiency, devices)
