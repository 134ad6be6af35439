"""At how many requests in flight a replica meets service objectives, and how fast it then is.

`ttft` is the time to the first token, `tpot` the time per output token after it, as serving engines count them: at the
replica, without the network. More requests in flight make a replica faster and each request slower, so that the
operating point is the fastest one within both objectives. On a measured curve it is sought inside the curve's range,
interpolated between neighbours; by the roofline among 1 to `MOST_REQUESTS` requests that fit into memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.catalogue import roofline
from optimizer.catalogue.roofline import Pace
from optimizer.catalogue.speed_facts import Question, lines

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue
    from optimizer.catalogue.speed_facts import Limits


EXACT = 1e-9
"""By how much, relative, a time may lie above an objective that it keeps exactly."""


@dataclass(frozen=True)
class Objectives:
    """What a service promises, in ms; None promises nothing."""

    ttft_ms: float | None = None
    tpot_ms: float | None = None

    @property
    def some(self) -> bool:
        """Whether anything is promised."""
        return self.ttft_ms is not None or self.tpot_ms is not None

    def kept(self, point: Operating) -> bool:
        """Return whether an operating point keeps both."""
        return self.missed_by(point.ttft_ms, point.tpot_ms) <= 1 + EXACT

    def missed_by(self, ttft_ms: float, tpot_ms: float) -> float:
        """Return the largest factor by which either is missed; at most 1 where both are met."""
        return max(
            0.0 if self.ttft_ms is None else ttft_ms / self.ttft_ms,
            0.0 if self.tpot_ms is None else tpot_ms / self.tpot_ms,
        )


NO_OBJECTIVES = Objectives()


@dataclass(frozen=True)
class Operating:
    """An operating point of one replica: requests in flight, its times, and output tokens/s of all requests."""

    requests: float
    ttft_ms: float
    tpot_ms: float
    tokens_per_s: float

    def slower(self, factor: float, ttft_factor: float | None = None) -> Operating:
        """Return the point of a replica that is so many times slower."""
        of_first = factor if ttft_factor is None else ttft_factor
        return replace(self, ttft_ms=self.ttft_ms * of_first, tpot_ms=self.tpot_ms * factor,
                       tokens_per_s=self.tokens_per_s / factor)  # fmt: skip


@dataclass(frozen=True)
class Curve:
    """A concurrency sweep of one replica: times at requests in flight, in rising order of these."""

    accelerator: str
    devices: float
    input_tokens: float
    output_tokens: float
    bits: int | None
    requests: tuple[float, ...]
    ttft_ms: tuple[float, ...]
    tpot_ms: tuple[float, ...]
    source: str

    def at(self, requests: float) -> Operating:
        """Return the operating point at so many requests, inside the range; both times as straight lines between
        neighbours, in logarithms.
        """
        x = np.log(self.requests)
        ttft, tpot = (float(np.exp(np.interp(math.log(requests), x, np.log(y)))) for y in (self.ttft_ms, self.tpot_ms))
        seconds = (ttft + tpot * (self.output_tokens - 1)) / 1000
        return Operating(requests, ttft, tpot, requests * self.output_tokens / seconds)

    def within(self, objectives: Objectives, requests: float | None) -> Operating | None:
        """Return the fastest point within the objectives, or that of the stated requests; None where there is none."""
        low, high = self.requests[0], self.requests[-1]
        if requests is not None:
            asked = [requests] if low <= requests <= high else []
        else:
            asked = [float(b) for b in range(math.ceil(low), math.floor(high) + 1)]
        points = (self.at(b) for b in asked)
        met = [p for p in points if objectives.kept(p)]
        return max(met, key=lambda p: p.tokens_per_s, default=None)


def curves_of(catalogue: Catalogue) -> dict[str, list[Curve]]:
    """Return the measured curves of each model."""
    keys = ["model", "precision", "input_tokens", "output_tokens", "accelerator", "devices", "engine", "source"]
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for row in lines(catalogue.curve_points):
        groups.setdefault(tuple(getattr(row, key) for key in keys), []).append(row)
    found: dict[str, list[Curve]] = {}
    for (model, precision, i, o, accelerator, devices, engine, source), rows in groups.items():
        rows.sort(key=lambda row: row.requests)
        width, named = roofline.precision_of(precision), f"{engine}, {source}" if engine else source
        curve = Curve(
            accelerator, devices, i, o, None if width is None else width.bits, tuple(row.requests for row in rows),
            tuple(row.ttft_ms for row in rows), tuple(row.tpot_ms for row in rows), named,
        )  # fmt: skip
        found.setdefault(model, []).append(curve)
    return found


def scaled(curve: Curve, question: Question, limits: Limits, measured_on: Limits) -> Curve | None:
    """Return a curve of another token shape, or of a sibling, as that of the accelerator at the shape asked, both times
    scaled by the roofline; of those requests that fit into memory. None where none does.
    """
    there = roofline.Shape(curve.input_tokens, curve.output_tokens)
    here = question.shape
    held = roofline.requests_that_fit(
        question.model, question.precision, here, limits.device, curve.devices, share=1.0
    )
    points = []
    for requests, ttft, tpot in zip(curve.requests, curve.ttft_ms, curve.tpot_ms, strict=True):
        if requests <= held:
            to, of = (
                paced(replace(question, shape=shape), by, curve.devices, requests)
                for shape, by in ((here, limits), (there, measured_on))
            )
            slower = to.tpot_s(here.output_tokens) / of.tpot_s(there.output_tokens)
            points.append((requests, ttft * to.ttft_s / of.ttft_s, tpot * slower))
    if not points:
        return None
    return replace(
        curve, input_tokens=here.input_tokens, output_tokens=here.output_tokens,
        requests=tuple(p[0] for p in points), ttft_ms=tuple(p[1] for p in points), tpot_ms=tuple(p[2] for p in points),
    )  # fmt: skip


def paced(question: Question, limits: Limits, devices: float, requests: float) -> Pace:
    """Return the pace of a replica of so many devices that answers a question with so many requests in flight."""
    return roofline.pace(
        question.model, question.precision, question.shape, limits.device, limits.efficiency, devices, requests
    )


def estimated_point(question: Question, limits: Limits, devices: float, requests: float) -> Operating:
    """Return what a replica is likely to do with so many requests in flight."""
    at, o = paced(question, limits, devices, requests), question.shape.output_tokens
    return Operating(requests, at.ttft_s * 1000, at.tpot_s(o) * 1000, at.tokens_per_s(o))


def most_within(  # noqa: PLR0917
    question: Question,
    limits: Limits,
    devices: float,
    objectives: Objectives,
    adjust: Callable[[Operating], Operating],
    most: float = roofline.MOST_REQUESTS,
) -> Operating | None:
    """Return the point of the most requests in flight at which a replica, adjusted (to its cautious end, or by what was
    measured), meets the objectives; None where not even one request fits or meets them. `most`: requests, at most.
    """
    held = roofline.requests_that_fit(question.model, question.precision, question.shape, limits.device, devices)
    stated = question.requests
    if min(held, most) < (stated or 1):
        return None

    def at(requests: float) -> Operating:
        return adjust(estimated_point(question, limits, devices, requests))

    def met(requests: float) -> bool:
        return objectives.kept(at(requests))

    if stated is not None:
        return at(stated) if met(stated) else None
    low, high = 1, int(min(held, most))
    if not met(low):
        return None
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if met(middle) else (low, middle - 1)
    return at(low)
