"""Ranges of the figures a user states: a warning outside the plausible one, an error beyond the possible one.

A figure a thousand times too large or small is a slip of units (W for kW, kg for g) and makes a proven plan of a wrong
question. The ranges stand in `ranges.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from optimizer.instance.models import Instance
from optimizer.instance.place import Finding, Path, show_path
from optimizer.instance.plausible_spot import low_spot
from optimizer.instance.ranges import RANGES, VCPUS_AS_A_DEVICE, Range, shown
from optimizer.instance.shape import Shape, hints_of, shape_of
from optimizer.instance.world import InlineOffer

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue

Outlier = tuple[Path, float, Range]
"""Where a figure stands, the figure, and its range."""
OfPart = Callable[[str, object, Callable[[], list[Any]]], list[Any]]
TOLD = 100
"""Most figures told one by one."""
SERIES = 48
"""Figures from which a series (one by period) is looked at as a whole."""


def implausible(
    instance: Instance, catalogue: Catalogue | None = None, of_part: OfPart = lambda name, part, make: make()
) -> tuple[str, ...]:
    """Return a warning for every figure outside its plausible range: the figure and the range.

    Figures of `catalogue.overlay` are looked at in the `catalogue` that they apply to, which says how many devices a
    machine has, and speeds of a model that it knows against the model's roofline; without it they are left out.
    `of_part` may remember what was found in a part of an instance.
    """
    found: list[Outlier] = []
    for name, span in _fields_with_figures(Instance):
        look = partial(_outside_in, instance, name, span)
        found += of_part(f"figures of {name}", getattr(instance, name), look)
    found += _outside(_overridden(instance, catalogue))
    found += _outside(_speeds(instance, catalogue))
    data = instance.model_dump() if found else None
    told = [
        f"{show_path(path, data)} is {shown(value)} {span.of}; plausible is {shown(span.low)} to {shown(span.high)}"
        for path, value, span in found[:TOLD]
    ]
    rest = len(found) - len(told)
    cheap = tuple(of_part("spot prices", (instance.catalogue, catalogue), lambda: list(low_spot(instance, catalogue))))
    return (*told, *([f"{rest:,} more figures outside their plausible range"] if rest else ()), *cheap)


def _outside_in(instance: Instance, name: str, span: Range | None) -> list[Outlier]:
    """Return the figures of a field of the instance that lie outside their range."""
    return _outside(_figures_of(instance, name, span, ()))


def _outside(figures: Iterable[Outlier]) -> list[Outlier]:
    return [(path, value, span) for path, value, span in figures if not span.low <= value <= span.high]


def beyond_physics(instance: Instance) -> Iterator[Finding]:
    """No figure is larger than anything that exists could make it."""
    parts: list[tuple[BaseModel | None, Path]] = [
        (instance.catalogue.inline, ("catalogue", "inline")),
        (instance.carbon, ("carbon",)),
    ]
    for part, path in parts:
        for at, value, span in _figures(part, path) if part is not None else ():
            if span.possible is not None and value > span.possible:
                yield Finding(at, span.impossible(value), span.advice)


def _overridden(instance: Instance, catalogue: Catalogue | None) -> Iterator[Outlier]:
    if catalogue is None or not instance.catalogue.overlay:
        return
    from optimizer.catalogue.overlay import stated_figures

    for at, part, column, value, span in stated_figures(catalogue, instance.catalogue.overlay):
        yield ("catalogue", "overlay", at, part, column), value, span


def _speeds(instance: Instance, catalogue: Catalogue | None) -> Iterator[Outlier]:
    from optimizer.instance.plausible_speed import stated_speeds

    yield from stated_speeds(instance, catalogue)


def _figures(owner: BaseModel, path: Path) -> Iterator[Outlier]:
    """Yield every stated figure below a model that has a range, with its path; per device where the range is."""
    for name, span in _fields_with_figures(type(owner)):
        yield from _figures_of(owner, name, span, path)


def _figures_of(owner: BaseModel, name: str, span: Range | None, path: Path) -> Iterator[Outlier]:
    value = getattr(owner, name)
    if span is not None:
        count = _devices(owner) if span.each and isinstance(owner, InlineOffer) else 1.0
        if isinstance(value, tuple) and len(value) >= SERIES:
            yield from _outside_of_series(value, count, span, (*path, name))
            return
        yield from ((at, figure / count, span) for at, figure in _numbers(value, (*path, name)))
    elif isinstance(value, BaseModel):
        yield from _figures(value, (*path, name))
    elif isinstance(value, tuple):
        for at, below in enumerate(value):
            if isinstance(below, BaseModel):
                yield from _figures(below, (*path, name, at))


def _outside_of_series(values: tuple[object, ...], count: float, span: Range, path: Path) -> Iterator[Outlier]:
    """Yield the figures of a long series that lie outside their range: nothing asks for the others."""
    figures = np.asarray(values, dtype=float) / count
    for at in np.flatnonzero(~((figures >= span.low) & (figures <= span.high))).tolist():
        yield (*path, at), float(figures[at]), span


def _numbers(value: object, path: Path) -> Iterator[tuple[Path, float]]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield path, float(value)
    elif isinstance(value, tuple | dict):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _numbers(below, (*path, key))


def _devices(offer: InlineOffer) -> float:
    counted = offer.devices if offer.vcpus is None else offer.vcpus / VCPUS_AS_A_DEVICE
    return max(1.0, counted)


@functools.cache
def _fields_with_figures(model: type[BaseModel]) -> tuple[tuple[str, Range | None], ...]:
    """Return the fields of a model that have a range (with it) or models below them that have."""
    fields: list[tuple[str, Range | None]] = []
    for name, hint in hints_of(model).items():
        span = RANGES.get((model.__name__, name))
        inside = (below for below in _models_in(shape_of(hint)) if below is not model)
        if span is not None or any(_fields_with_figures(below) for below in inside):
            fields.append((name, span))
    return tuple(fields)


def _models_in(shape: Shape) -> tuple[type[BaseModel], ...]:
    return shape.models if shape.item is None else (*shape.models, *_models_in(shape_of(shape.item)))


CHECKS: tuple[Callable[[Instance], Iterable[Finding]], ...] = (beyond_physics,)
