"""The systems that meet service objectives, each at its operating point, and how near the others come.

level         what stands for a system
measured      its curve over requests in flight at this token shape
transferred   its curve, or that of a smaller sibling, at the nearest shape, scaled by the roofline; else the
              roofline, corrected by the nearest measurement at saturation on either
estimated     the roofline at its cautious end: all times `spread` times longer, that to the first token at least 3.3
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from optimizer.catalogue import roofline
from optimizer.catalogue.operating import Curve, Objectives, Operating, estimated_point, most_within, scaled
from optimizer.catalogue.roofline import Shape
from optimizer.catalogue.saturated import (
    NEAR,
    SPREAD_TRANSFERRED,
    as_measured_on,
    estimate_like,
    estimated_row,
    near_points,
    open_limits,
    row_at,
    source_of,
    spread_at,
)
from optimizer.catalogue.speed_facts import Limits, Point, Question, Row

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue


def systems_within(
    catalogue: Catalogue, name: str, question: Question, objectives: Objectives, weakest: str
) -> tuple[list[Row], dict[tuple[str, float], Operating]]:
    """Return the systems that meet the objectives, each at its operating point, and how near the others come."""
    found: list[Row] = []
    missed: dict[tuple[str, float], Operating] = {}
    at_most: dict[tuple[str, float], float] = {}
    for system, (curve, level) in _curves(catalogue, name, question).items():
        if level == "transferred" and weakest == "measured":
            continue
        point = curve.within(objectives, question.requests)
        if point is not None:
            how = ("measured", level) if level == "measured" else ("transferred_speed", level)
            spread = 1.0 if level == "measured" else SPREAD_TRANSFERRED
            found.append(row_at(point, question, system, how=how, spread=spread, source=curve.source))
        elif level == "measured" and question.requests is None:
            missed[system] = curve.at(curve.requests[0])
            at_most[system] = curve.requests[0] - 1  # what a measurement contradicts is not estimated
    had = {row[:2] for row in found}
    if weakest != "measured":
        near = near_points(catalogue, name, question).items()
        rows = (_from_saturated(catalogue, question, objectives, system[0], points) for system, points in near
                if system not in had and system not in missed)  # fmt: skip
        found += [row for row in rows if row is not None]
    if weakest == "estimated":
        for limits in open_limits(catalogue):
            for size in [question.devices] if question.devices else roofline.REPLICA_SIZES:
                _estimate_within(question, limits, objectives, size, at_most, found, missed)
    for system in {row[:2] for row in found} & set(missed):
        del missed[system]
    return found, missed


def _estimate_within(  # noqa: PLR0917
    question: Question, limits: Limits, objectives: Objectives, size: float,
    at_most: dict[tuple[str, float], float], found: list[Row], missed: dict[tuple[str, float], Operating],
) -> None:  # fmt: skip
    """Add the estimate of a replica at its operating point to what is found, or to what misses the objectives."""
    system, spread = (limits.device.name, float(size)), spread_at(question, limits, size)
    first = max(spread, roofline.SPREAD_TTFT)
    most = at_most.get(system, roofline.MOST_REQUESTS)
    point = most_within(question, limits, size, objectives, lambda at: at.slower(spread, first), most)
    if point is not None:
        found.append(estimated_row(question, limits, size, point.slower(1 / spread, 1 / first)))
        return
    least = question.requests or 1
    asked = question.model, question.precision, question.shape, limits.device, size
    if system not in missed and roofline.requests_that_fit(*asked) >= least:
        missed[system] = estimated_point(question, limits, size, least).slower(spread, first)


def _curves(catalogue: Catalogue, name: str, question: Question) -> dict[tuple[str, float], tuple[Curve, str]]:
    """Return the curve of each system: of the shape asked, or of the nearest shape, scaled to it; where the accelerator
    has none near, that of a smaller sibling.
    """
    i, o = question.shape.input_tokens, question.shape.output_tokens
    near: dict[tuple[str, float], tuple[float, Curve]] = {}
    of_siblings: dict[tuple[str, float], tuple[float, Curve]] = {}
    for curve in catalogue.curves.get(name, ()):
        apart = abs(math.log(curve.input_tokens / i)), abs(math.log(curve.output_tokens / o))
        alike = curve.bits == question.precision.bits and max(apart) <= math.log(NEAR) + 1e-9
        sized = question.devices in (None, curve.devices)
        if alike and sized and curve.accelerator in catalogue.limits:
            _keep_nearest(near, curve.accelerator, sum(apart), curve)
            for larger in catalogue.siblings.get(curve.accelerator, ()):
                _keep_nearest(of_siblings, larger, sum(apart), curve)
    found: dict[tuple[str, float], tuple[Curve, str]] = {}
    for (accelerator, devices), (far, curve) in {**of_siblings, **near}.items():
        own = curve.accelerator == accelerator
        if own and far < 1e-9:
            found[accelerator, devices] = curve, "measured"
            continue
        limits = as_measured_on(catalogue, accelerator, curve.accelerator)
        moved = scaled(curve, question, limits, catalogue.limits[curve.accelerator])
        if moved is not None:
            source = source_of(accelerator, curve.accelerator, curve.source)
            found[accelerator, devices] = replace(moved, accelerator=accelerator, source=source), "transferred"
    return found


def _keep_nearest(
    kept: dict[tuple[str, float], tuple[float, Curve]], accelerator: str, far: float, curve: Curve
) -> None:
    """Keep a curve for a system where it is nearer than the one kept, the first of equally near ones."""
    system = accelerator, curve.devices
    kept[system] = min(kept.get(system, (math.inf, curve)), (far, curve), key=lambda pair: pair[0])


def _from_saturated(
    catalogue: Catalogue, question: Question, objectives: Objectives, accelerator: str, near: list[tuple[float, Point]]
) -> Row | None:
    """Return a system at its operating point by the estimate, corrected by what its nearest saturated measurement is of
    the estimate there; the time to the first token, which saturation says nothing of, at its cautious end.
    """
    _, nearest = min(near, key=lambda pair: (pair[0], pair[1].units_per_s))
    measured_on, devices = catalogue.limits[nearest.accelerator], nearest.devices
    limits = as_measured_on(catalogue, accelerator, nearest.accelerator)
    at = Shape(nearest.input_tokens, nearest.output_tokens)
    there = estimate_like(nearest, question, at, measured_on.device, measured_on.efficiency)
    if not there > 0:
        return None
    slower = there / nearest.units_per_s
    asked = question.model, question.precision, question.shape, limits.device
    found = []
    for size in [question.devices] if question.devices else roofline.REPLICA_SIZES:
        if devices % size:
            continue
        point = most_within(question, limits, size, objectives,
                            lambda at: at.slower(slower, slower * roofline.SPREAD_TTFT))  # fmt: skip
        if point is not None:
            most = roofline.bound(*asked, size, requests=point.requests)
            units = min(point.tokens_per_s, most) * devices / size
            found.append(replace(point, tokens_per_s=units))
    if not found:
        return None
    best = max(found, key=lambda p: p.tokens_per_s)
    return row_at(best, question, (accelerator, devices), how=("transferred_speed", "transferred"),
                  spread=SPREAD_TRANSFERRED,
                  source=source_of(accelerator, nearest.accelerator, nearest.source))  # fmt: skip
