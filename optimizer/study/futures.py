"""What a study decides and what may happen: its scenarios apart into decisions (levers) and futures (uncertainties).

A decision is the value of every lever; a future the value of every uncertainty, or a scenario that is written out. The
instance of a decision in a future has the changes of both, in the order of the study's axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optimizer.errors import InputError, Issue
from optimizer.study.folder import Record, StudyFolder
from optimizer.study.models import BASE, Scalar, Study
from optimizer.study.spanning import Changes, level_of, value_text

Values = Mapping[str, Scalar]


@dataclass(frozen=True)
class Future:
    """What may happen: values of the uncertainties, or the changes of a scenario that is written out."""

    name: str
    values: Values = field(default_factory=dict)
    written: Changes = ()


@dataclass(frozen=True)
class Case:
    """A scenario of a study: its levers, its future, and what came of it (None: nothing yet)."""

    scenario: str
    key: str
    levers: Values
    future: Future
    record: Record | None


class Cases:
    """The scenarios of one base of a study, as stated (without reruns), each as a decision in a future.

    Raises InputError where there are several bases and none is named, or there is none of that name.
    """

    def __init__(self, folder: StudyFolder, base: str | None = None) -> None:
        manifest = folder.manifest()
        self.study = Study.model_validate(manifest["study"])
        self.base = _base_named(base, [one["name"] for one in manifest["bases"]])
        self._axes = {axis.id: axis for axis in self.study.axes}
        own = [one for one in manifest["scenarios"] if one["base"] == self.base and not one["rerun"]]
        scenarios = [one for one in own if one["frontier"] is None]
        self._order = next((list(one["values"]) for one in scenarios if one["values"]), [])
        self.all = [_case(one, self._axes, folder.record(one["key"])) for one in scenarios]
        self.uncertainties = tuple(axis.id for axis in self.study.axes if axis.kind == "uncertainty")

    @property
    def futures(self) -> tuple[Future, ...]:
        """Every future, once; the instance as it is counts as one where no uncertainty is spanned."""
        spans = bool(self.uncertainties)
        named = {case.future.name: case.future for case in self.all if case.future.name != BASE or not spans}
        return tuple(one for one in named.values() if one.name != BASE or not spans)

    def changes(self, levers: Values, future: Future) -> Changes:
        """Return the changes that make the instance of a decision in a future."""
        values = {**levers, **future.values}
        levels = [level_of(self._axes[name], values[name]) for name in self._order if name in values]
        return (*(change for level in levels for change in level.changes), *future.written)


def _base_named(base: str | None, names: Sequence[str]) -> str:
    if base is None and len(names) == 1:
        return names[0]
    if base is None or base not in names:
        what = "the study has several bases, which have plans of their own" if base is None else f"no base {base!r}"
        raise InputError(Issue(what, where="base", maybe=f"name one: --base {names[0]}"))
    return base


def _case(one: Mapping[str, Any], axes: Mapping[str, Any], record: Record | None) -> Case:
    values: Values = one["values"]
    levers = {name: value for name, value in values.items() if axes[name].kind == "lever"}
    uncertain = {name: value for name, value in values.items() if axes[name].kind == "uncertainty"}
    if values or one["name"] == BASE:
        future = Future(values_text(uncertain) or BASE, uncertain)
    else:
        future = Future(one["name"], {}, tuple(one["changes"]))
    return Case(one["id"], one["key"], levers, future, record)


def values_text(values: Values) -> str:
    """Return values of axes as people read them: `devices=4,price=1.2`."""
    return ",".join(f"{name}={value_text(value)}" for name, value in values.items())
