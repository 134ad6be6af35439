"""Amounts and times that must agree: rates, units, windows, horizon."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from optimizer.instance.models import Instance
from optimizer.instance.place import Finding, Path
from optimizer.instance.shape import all_fields, hints_of, shape_of
from optimizer.instance.workloads import Job, Service

LARGEST = 1e15
"""Of rates, work and prices: beyond it the solver takes a coefficient for infinite."""

Rate = float | Sequence[float] | None

YEARS = range(2000, 2200)
_OUTSIDE = f"outside the years {YEARS[0]} to {YEARS[-1]}"

HORIZON = ("horizon",)
"""What a finding names when a broken horizon alone may have caused it."""


def _streams(instance: Instance) -> Iterator[tuple[Path, Service, int]]:
    for at, workload in enumerate(instance.workloads):
        if isinstance(workload, Service):
            for row in range(len(workload.streams)):
                yield ("workloads", at, "streams", row), workload, row


def rate_lists(instance: Instance) -> Iterator[Finding]:
    """A rate given as a list has one value per period."""
    periods = len(instance.horizon.resolved())
    for path, service, row in _streams(instance):
        for field in ("rate", "mean_rate"):
            rate: Rate = getattr(service.streams[row], field)
            if isinstance(rate, tuple) and len(rate) != periods:
                what = f"has {len(rate)} values for {periods} period{'s' * (periods != 1)}"
                yield Finding((*path, field), what, names=HORIZON)


def grid_lists(instance: Instance) -> Iterator[Finding]:
    """Grid carbon given as a list has one value per period."""
    own = instance.catalogue.inline
    periods = len(instance.horizon.resolved())
    for at, region in enumerate(own.regions if own is not None else ()):
        grid = region.grid_g_per_kwh
        if isinstance(grid, tuple) and len(grid) != periods:
            what = f"has {len(grid)} values for {periods} period{'s' * (periods != 1)}"
            yield Finding(("catalogue", "inline", "regions", at, "grid_g_per_kwh"), what, names=HORIZON)


def mean_below_peak(instance: Instance) -> Iterator[Finding]:
    """The mean rate of a period does not exceed its peak."""
    for path, service, row in _streams(instance):
        stream = service.streams[row]
        if stream.mean_rate is None:
            continue
        peak = stream.rate if isinstance(stream.rate, tuple) else (stream.rate,)
        mean = stream.mean_rate if isinstance(stream.mean_rate, tuple) else (stream.mean_rate,)
        longest = max(len(peak), len(mean))
        if not (peak and mean) or {len(peak), len(mean)} - {1, longest}:
            continue  # lengths disagree: reported by rate_lists
        peaks, means = peak * (longest // len(peak)), mean * (longest // len(mean))
        over = [(at, low, high) for at, (high, low) in enumerate(zip(peaks, means, strict=True)) if low > high]
        if over:
            at, low, high = over[0]
            where = f" in period {at}" if longest > 1 else ""
            yield Finding((*path, "mean_rate"), f"is {low:g}{where}, above the peak rate {high:g}")


def demand(instance: Instance) -> Iterator[Finding]:
    """A service has some demand."""
    for at, workload in enumerate(instance.workloads):
        if isinstance(workload, Service):
            rates = [stream.rate for stream in workload.streams]
            if not any(any(rate) if isinstance(rate, tuple) else rate for rate in rates):
                yield Finding(("workloads", at, "streams"), "empty demand: every rate is 0", "leave the workload out")


def magnitudes(instance: Instance) -> Iterator[Finding]:
    """Rates, work and prices are such that the solver can count with them: it takes figures up to 1e15."""
    for path, service, row in _streams(instance):
        rate = service.streams[row].rate
        peak = max(rate, default=0.0) if isinstance(rate, tuple) else rate
        if peak > LARGEST:
            yield Finding((*path, "rate"), f"is {peak:g}, above {LARGEST:g}", "count work in a larger unit")
    for at, workload in enumerate(instance.workloads):
        if isinstance(workload, Job) and workload.work > LARGEST:
            path = ("workloads", at, "work")
            yield Finding(path, f"is {workload.work:g}, above {LARGEST:g}", "count work in a larger unit")
    for path, price in _dear(instance, (), priced=False):
        yield Finding(path, f"is {price:g}, above {LARGEST:g}")


def _dear(value: object, path: Path, *, priced: bool) -> Iterator[tuple[Path, float]]:
    """Yield every price above `LARGEST` with its path: figures in USD that are no limit; `priced`: the path says so."""
    fields: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, BaseModel):
        names = type(value).model_fields if priced else _fields_with_prices(type(value))
        fields = [(name, getattr(value, name)) for name in names]
    elif isinstance(value, dict):
        fields = value.items()
    elif isinstance(value, tuple):
        fields = enumerate(value)
    for name, below in fields:
        here = priced or _says_price(name)
        if isinstance(below, float | int):
            if here and below > LARGEST:
                yield (*path, name), float(below)
        elif isinstance(below, BaseModel | dict | tuple):
            yield from _dear(below, (*path, name), priced=here)


def _says_price(name: str | int) -> bool:
    return isinstance(name, str) and "usd" in name and "limit" not in name


@functools.cache
def _fields_with_prices(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the fields of a model that are prices or have some below them: nearly all rows of an instance have few."""
    return tuple(name for name, hint in hints_of(model).items() if _says_price(name) or _holds_prices(hint))


def _holds_prices(hint: Any) -> bool:
    shape = shape_of(hint)
    inner = [layer for layer in (shape.item, shape.value) if layer is not None]
    named = any(_says_price(name) for model in shape.models for name in all_fields(model))
    return named or any(_holds_prices(layer) for layer in inner)


def units(instance: Instance) -> Iterator[Finding]:
    """Streams of one service count the same kind of work."""
    for path, service, row in _streams(instance):
        first, this = service.streams[0].unit, service.streams[row].unit
        if this.split("/")[0] != first.split("/")[0]:
            yield Finding((*path, "unit"), f"is {this!r}, where the first stream counts {first.split('/')[0]!r}")


def horizon_dates(instance: Instance) -> Iterator[Finding]:
    """The horizon lies in years of which prices and laws can speak."""
    hours = sum(period.hours for period in instance.horizon.resolved())
    begins = instance.horizon.start
    if begins.year not in YEARS:
        # in 1027 no law of the pack is in force: a slip of the pen would make everything lawful
        yield Finding((*HORIZON, "start"), f"is {begins}, {_OUTSIDE}", names=HORIZON)
        return
    start = datetime.datetime.combine(begins, datetime.time())
    try:
        within = (start + datetime.timedelta(hours=hours)).year in YEARS
    except OverflowError:
        within = False
    if not within:
        yield Finding(HORIZON, f"{hours:g} hours from {begins} end after the year {YEARS[-1]}", names=HORIZON)


def knowledge(instance: Instance) -> Iterator[Finding]:
    """The date of knowledge is of these times."""
    as_of = instance.laws.as_of
    if as_of is not None and as_of.year not in YEARS:
        yield Finding(("laws", "as_of"), f"is {as_of}, {_OUTSIDE}")


def windows(instance: Instance) -> Iterator[Finding]:
    """A job's window lies within the horizon."""
    hours = sum(period.hours for period in instance.horizon.resolved())
    for at, workload in enumerate(instance.workloads):
        if not isinstance(workload, Job):
            continue
        if workload.release_hours >= hours:
            what = f"is {workload.release_hours:g}, not before the end of the horizon ({hours:g} hours)"
            yield Finding(("workloads", at, "release_hours"), what, names=HORIZON)
        if workload.deadline_hours is not None and workload.deadline_hours > hours * (1 + 1e-9):
            what = f"is {workload.deadline_hours:g}, beyond the end of the horizon ({hours:g} hours)"
            yield Finding(("workloads", at, "deadline_hours"), what, "lengthen the horizon", HORIZON)


def overrides(instance: Instance) -> Iterator[Finding]:
    """A signed override, or an acceptance, is still in force when the horizon starts."""
    said = instance.legal_assertions
    dated = [("overrides", at, one.expires) for at, one in enumerate(said.overrides)]
    dated += [("accepts", at, one.expires) for at, one in enumerate(said.accepts)]
    for name, at, expires in dated:
        if expires < instance.horizon.start:
            what = f"is {expires}, before the horizon starts on {instance.horizon.start}"
            yield Finding(("legal_assertions", name, at, "expires"), what, "renew it or remove it", HORIZON)


CHECKS: tuple[Callable[[Instance], Iterable[Finding]], ...] = (
    rate_lists,
    grid_lists,
    mean_below_peak,
    demand,
    magnitudes,
    units,
    horizon_dates,
    knowledge,
    windows,
    overrides,
)
