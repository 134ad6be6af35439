"""From axes to scenarios: product or zip of lists, ranges and options, with joint draws of what is sampled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from optimizer.errors import InputError, Issue
from optimizer.study.models import BASE, MOST_SCENARIOS, Axis, LogNormal, Normal, Scalar, Study, Triangular, Uniform

PLACE = "$value"
Changes = tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Level:
    """One value of one axis, and the changes that it comes to."""

    axis: str
    value: Scalar
    changes: Changes


@dataclass(frozen=True)
class Scenario:
    """What is solved: the changes to the instance of a base, and the value of every axis (none for one written out).

    `id` is unique in the study: `name`, with the base ahead where there are several (`bank/annulled`), and the rerun
    behind (`bank/annulled@quotas-half`). `frontier`: what is traded against cost, where it is a frontier.
    """

    id: str
    base: str
    name: str
    rerun: str
    values: Mapping[str, Scalar]
    changes: Changes
    frontier: Mapping[str, Any] | None = None


def span(
    study: Study, bases: Sequence[str], draws: Mapping[str, Sequence[Scalar]] | None = None
) -> tuple[Scenario, ...]:
    """Return the scenarios of a study, base by base: that without changes, those that its axes span, those written
    out, frontiers; then the same in each rerun. `bases` are the names of the bases.

    `draws` are values drawn elsewhere, by axis, all of one length: they take the place of what these axes state.

    Raises:
        InputError: too many scenarios; axes to be zipped that have not the same number of values; draws of no axis.
    """
    found = [one for base in bases for one in _of_base(study, base, draws or {}, several=len(bases) > 1)]
    if len(found) > MOST_SCENARIOS:
        raise InputError(Issue(f"has {len(found):,} scenarios; the limit is {MOST_SCENARIOS:,}", where="scenarios"))
    twice = [name for name, times in Counter(one.id for one in found).items() if times > 1]
    if twice:
        raise InputError(Issue(f"scenario {twice[0]!r} is spanned by axes and written out", where="scenarios"))
    return tuple(found)


def _of_base(study: Study, base: str, draws: Mapping[str, Sequence[Scalar]], several: bool) -> list[Scenario]:
    stated: list[tuple[str, Changes, dict[str, Scalar], Mapping[str, Any] | None]] = [("", (), {}, None)]
    stated += [(*_scenario(parts), None) for parts in _combined(study, _blocks(study, base, draws)) if parts]
    stated += [(one.id, one.changes, {}, None) for one in study.scenarios if not one.bases or base in one.bases]
    stated += [(one.id, one.changes, {}, one.walk) for one in study.frontiers if not one.bases or base in one.bases]
    ahead = f"{base}/" if several else ""
    return [
        Scenario(f"{ahead}{name or BASE}{behind}", base, name or BASE, rerun, values, (*first, *changes), walk)
        for rerun, behind, first in [("", "", ()), *((one.id, f"@{one.id}", one.changes) for one in study.reruns)]
        for name, changes, values, walk in stated
    ]


def levels_of(study: Study, scenarios: Iterable[Scenario]) -> tuple[Level, ...]:
    """Return every value of every axis that some scenario has, once."""
    axes = {axis.id: axis for axis in study.axes}
    seen = {(name, repr(value)): level_of(axes[name], value) for one in scenarios for name, value in one.values.items()}
    return tuple(seen.values())


@dataclass(frozen=True)
class _Part:
    """Levels that go together, one for each axis of a block, and what they are called."""

    name: str
    levels: tuple[Level, ...]


def _blocks(study: Study, base: str, draws: Mapping[str, Sequence[Scalar]]) -> list[list[_Part]]:
    """Return what is varied: a block for each axis, and one for all that are drawn."""
    axes = {axis.id: axis for axis in study.axes}
    unknown = [name for name in draws if name not in axes]
    if unknown:
        raise InputError(Issue(f"samples are of {unknown[0]!r}, which is no axis", maybe=f"axes are {', '.join(axes)}"))
    rng = np.random.default_rng(study.seed)
    joint: dict[str, Sequence[Scalar]] = {}
    blocks: list[list[_Part]] = []
    for axis in study.axes:
        if axis.bases and base not in axis.bases:
            continue
        if axis.id in draws:
            joint[axis.id] = draws[axis.id]
        elif axis.sample is not None:
            joint[axis.id] = _drawn(axis.sample, study.samples or 0, rng)
        else:
            levels = [level_of(axis, value) for value in _values(axis)]
            blocks.append([_Part(f"{axis.id}={value_text(level.value)}", (level,)) for level in levels])
    if joint:
        lengths = sorted({len(values) for values in joint.values()})
        if len(lengths) > 1:
            told = f"draws of {' and '.join(map(str, lengths))} values cannot be joint"
            raise InputError(Issue(told, where="samples", maybe="draw as many of each, or all of them elsewhere"))
        rows = zip(*([level_of(axes[name], value) for value in values] for name, values in joint.items()), strict=True)
        blocks.append([_Part(f"sample-{number:04d}", levels) for number, levels in enumerate(rows, start=1)])
    return blocks


def _combined(study: Study, blocks: list[list[_Part]]) -> list[tuple[_Part, ...]]:
    lengths = [len(block) for block in blocks]
    if study.combine == "zip":
        if len(set(lengths)) > 1:
            told = f"axes of {' and '.join(map(str, sorted(set(lengths))))} values cannot be zipped"
            raise InputError(Issue(told, where="combine", maybe="combine: product"))
        return list(zip(*blocks, strict=True))
    if prod(lengths) >= MOST_SCENARIOS:
        told = f"span {prod(lengths):,} scenarios; the limit is {MOST_SCENARIOS:,}"
        raise InputError(Issue(told, where="axes", maybe="sample the axes, or zip them"))
    return list(product(*blocks))


def _scenario(parts: tuple[_Part, ...]) -> tuple[str, Changes, dict[str, Scalar]]:
    levels = [level for part in parts for level in part.levels]
    changes = tuple(change for level in levels for change in level.changes)
    return ",".join(part.name for part in parts), changes, {level.axis: level.value for level in levels}


def value_text(value: Scalar) -> str:
    """Return a value as it stands in names of scenarios."""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _values(axis: Axis) -> Sequence[Scalar]:
    if axis.options is not None:
        return tuple(axis.options)
    return axis.values if axis.values is not None else axis.range.values  # type: ignore[union-attr]


def level_of(axis: Axis, value: Scalar) -> Level:
    """Return a value of an axis with the changes that it comes to."""
    if axis.options is not None:
        if value not in axis.options:
            told = f"{value!r} is no option of the axis {axis.id}"
            raise InputError(Issue(told, where="samples", maybe=f"options are {', '.join(axis.options)}"))
        return Level(axis.id, value, axis.options[str(value)])
    return Level(axis.id, value, tuple(_with(value, change) for change in axis.changes))


def _with(value: Scalar, item: Any) -> Any:
    """Return what a change becomes with a value in the place of `$value`."""
    if isinstance(item, dict):
        return {key: _with(value, one) for key, one in item.items()}
    if isinstance(item, list | tuple):
        return [_with(value, one) for one in item]
    if item == PLACE:
        return value
    return item.replace(PLACE, value_text(value)) if isinstance(item, str) else item


def _drawn(of: Uniform | Triangular | Normal | LogNormal, count: int, rng: np.random.Generator) -> Sequence[float]:
    if isinstance(of, Uniform):
        found = rng.uniform(of.low, of.high, count)
    elif isinstance(of, Triangular):
        found = rng.triangular(of.low, of.mode, of.high, count)
    elif isinstance(of, Normal):
        found = rng.normal(of.mean, of.sd, count)
    else:
        found = of.median * np.exp(of.sigma * rng.standard_normal(count))
    values: Sequence[float] = found.tolist()
    return values
