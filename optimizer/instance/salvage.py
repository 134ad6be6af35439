"""What can still be read of a broken instance, so that one error does not hide the next.

pydantic stops at the first level: while a rate is negative, nothing checks whether the reader of a dataset exists.
Here the broken values are taken out or replaced by harmless ones until the rest validates; the whole is then checked,
and findings that could stem from the repair itself are dropped.
"""

from __future__ import annotations

import copy
import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from optimizer.instance.models import Instance
from optimizer.instance.place import Finding, Path
from optimizer.instance.shape import Shape, hints_of, members_of, narrow, shape_of
from optimizer.instance.validate import distinct

_ROUNDS = 6
_GONE = object()
_WHOLE = frozenset(("value_error", "union_tag_invalid", "union_tag_not_found", "too_short"))
"""Errors of a mapping or list as a whole rather than of one value."""


@dataclass
class Salvage:
    """The instance that could be saved, where it was repaired, and which names the repair lost.

    `touched` holds paths of the data as read; `everything_lost` means that no missing name may be blamed on the user.
    """

    instance: Instance
    touched: set[Path] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    everything_lost: bool = False
    original: dict[Path, list[int]] = field(default_factory=dict)

    def own(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings that the repair cannot have caused, with paths into the data as read."""
        kept: list[Finding] = []
        above = {spot[:depth] for spot in self.touched for depth in range(len(spot))}
        beside = {spot[:-1] for spot in self.touched}
        for finding in findings:
            path = _as_read(finding.path, self.original)
            names = set(finding.names)
            near = path in above or any(path[:depth] in self.touched for depth in range(len(path) + 1))
            # Amounts are compared with their neighbours (mean and peak rate): a replaced neighbour proves nothing.
            near = near or (not names and path[:-1] in beside)
            if near or names & self.lost or (names and self.everything_lost):
                continue
            kept.append(replace(finding, path=path))
        return kept


def _as_read(path: Path, original: dict[Path, list[int]]) -> Path:
    """Return the path a value had before list items ahead of it were taken out."""
    result: Path = ()
    for key in path:
        positions = original.get(result)
        result = (*result, positions[key] if positions is not None and isinstance(key, int) else key)
    return result


def salvage(data: dict[str, Any]) -> Salvage | None:
    """Return what can be saved of data that does not validate; None if its core cannot."""
    work = copy.deepcopy(data)
    touched: set[Path] = set()
    lost: set[str] = set()
    for _ in range(_ROUNDS):
        marked = _without_gone(work, ())
        try:
            instance = Instance.model_validate(marked.data)
        except ValidationError as error:
            for seen, details in distinct(error.errors(include_url=False), marked.data):
                path = _as_read(seen, marked.original)
                fixed = _repair(work, path, details["type"], lost)
                if fixed is None:
                    return None
                touched.add(fixed)
                if fixed[:1] == ("horizon",):
                    lost.add("horizon")
        else:
            return Salvage(instance, touched, lost, original=marked.original)
    return None


@dataclass
class _Marked:
    data: Any
    original: dict[Path, list[int]]


def _without_gone(work: Any, path: Path) -> _Marked:
    """Copy the data without the list items taken out; remember the position each remaining item had."""
    original: dict[Path, list[int]] = {}

    def strip(value: Any, here: Path) -> Any:
        if isinstance(value, dict):
            return {key: strip(below, (*here, key)) for key, below in value.items()}
        if isinstance(value, list):
            kept = [at for at, below in enumerate(value) if below is not _GONE]
            if len(kept) < len(value):
                original[here] = kept
            return [strip(value[at], (*here, at)) for at in kept]
        return value

    return _Marked(strip(work, path), original)


def _repair(work: Any, path: Path, kind: str, lost: set[str]) -> Path | None:
    """Make the value at `path` harmless; return the path touched, or None if nothing can be done."""
    owner = _at(work, path[:-1])
    if not path:
        return None
    if _inside_gone(work, path):
        return path
    if not isinstance(owner, dict | list):
        return _take_out(work, path, lost)
    key = path[-1]
    if kind == "extra_forbidden" and isinstance(owner, dict):
        _forget(owner.pop(key, None), lost)
        return path
    if kind not in _WHOLE or not isinstance(_at(work, path), dict | list):
        shape, optional = _field(work, path)
        dummy = _dummy(shape)
        if isinstance(owner, dict):
            _forget(owner.get(key), lost)
        if dummy is not None:
            cast(dict[str | int, Any], owner)[key] = dummy
            return path
        if optional and isinstance(owner, dict) and key in owner:
            del owner[key]
            return path
    return _take_out(work, path, lost)


def _inside_gone(work: Any, path: Path) -> bool:
    """Return True if an error found earlier took this value out already."""
    return any(_at(work, path[:depth]) is _GONE for depth in range(1, len(path) + 1))


def _take_out(work: Any, path: Path, lost: set[str]) -> Path | None:
    """Take the nearest enclosing list item out."""
    for depth in range(len(path), 0, -1):
        key, owner = path[depth - 1], _at(work, path[: depth - 1])
        if isinstance(key, int) and isinstance(owner, list) and key < len(owner):
            _forget(owner[key], lost)
            owner[key] = _GONE
            return path[:depth]
    return None


def _at(work: Any, path: Path) -> Any:
    for key in path:
        try:
            work = work[key]
        except (KeyError, IndexError, TypeError):
            return None
    return work


def _forget(value: Any, lost: set[str]) -> None:
    """Remember every text inside what is taken out: someone may refer to it."""
    if isinstance(value, str):
        lost.add(value)
    elif isinstance(value, dict):
        for key, below in value.items():
            lost.add(key)
            _forget(below, lost)
    elif isinstance(value, list):
        for below in value:
            _forget(below, lost)


def _field(work: Any, path: Path) -> tuple[Shape, bool]:
    """Return the shape of the field at `path` and whether it may be left out."""
    shape, optional, here = Shape(models=(Instance,)), False, work
    for key in path:
        if isinstance(key, int):
            shape, optional = shape_of(shape.item), False
        elif shape.models:
            owners: list[type[BaseModel]] = [m for m in narrow(shape, here) if key in m.model_fields]
            if not owners:
                return Shape(), True
            optional = not owners[0].model_fields[key].is_required()
            hint = hints_of(owners[0])[key]
            shape = shape_of(hint)
            if datetime.date in members_of(hint):
                shape = Shape(words=("2000-01-01",))
        else:
            shape, optional = shape_of(shape.value), True
        here = _at(here, (key,))
    return shape, optional


def _dummy(shape: Shape) -> Any:
    """Return a harmless value of a scalar shape; None where there is none."""
    if shape.number:
        return 1
    if shape.words and not shape.models:
        return shape.words[0]
    return None
