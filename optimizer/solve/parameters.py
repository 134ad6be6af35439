"""The parameters of the solver: one tree of frozen dataclasses, each number with a range and a sentence.

`--parameters FILE` and `solve(parameters=...)` set them from TOML or a mapping; what is not the default is in the plan:

    [auto]
    decompose_from_integers = 500
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from optimizer.errors import InputError, Issue

MANY = 10**12


def number(default: float, least: float, most: float, says: str) -> Any:
    """Return a field of a component: its default, its range, and what it is."""
    return field(default=default, metadata={"least": least, "most": most, "says": says})


@dataclass(frozen=True)
class Component:
    """Numbers of one part of the solver; raises InputError for one that is out of its range."""

    def __post_init__(self) -> None:
        found = (_issue(one.name, getattr(self, one.name), one) for one in fields(self))
        issues = [issue for issue in found if issue is not None]
        if issues:
            raise InputError(issues)


def _issue(name: str, value: Any, one: Any) -> Issue | None:
    """Return what is wrong with a value; whole numbers stay whole."""
    least, most, says = one.metadata["least"], one.metadata["most"], one.metadata["says"]
    is_whole = isinstance(one.default, int)
    kind = "a whole number" if is_whole else "a number"
    fits = isinstance(value, int if is_whole else int | float) and not isinstance(value, bool)
    if fits and least <= value <= most:
        return None
    return Issue(f"is {value!r}, not {kind} from {least:g} to {most:g}", where=f"parameters: {name}", maybe=says)


@dataclass(frozen=True)
class Auto(Component):
    """What `auto` decides by."""

    decompose_from_integers: int = number(2_000, 0, MANY, "Integer columns from which a model is decomposed.")
    many_workloads: int = number(6, 0, MANY, "Workloads from which half as many counts of machines do.")
    settled_share: float = number(0.9, 0, 1, "Share of the options that one choice settles, for kernel search.")
    kernel_slots: int = number(500_000, 0, MANY, "Options up to which kernels are searched.")


@dataclass(frozen=True)
class Model(Component):
    """How the model is built."""

    pyomo_up_to_columns: int = number(20_000, 0, MANY, "Columns up to which Pyomo states a model, arrays above.")


@dataclass(frozen=True)
class Shortlist(Component):
    """The first plan of a large problem, from a shortlist of its options."""

    from_slots: int = number(100_000, 0, MANY, "Options from which a first plan comes from a shortlist.")
    time_share: float = number(0.2, 0, 1, "Part of the time left that the shortlist and its plan may take.")
    built_after: float = number(6.0, 0, 1e3, "How many times as long as the shortlist building the whole model takes.")


@dataclass(frozen=True)
class Decomposition(Component):
    """Column generation and what follows it."""

    rounds_share: float = number(0.5, 0, 1, "Part of the time left that generating configurations may take.")
    most_rough_rounds: int = number(30, 1, 10_000, "Rounds of closed forms alone, at most.")
    penalty_factor: float = number(5.0, 1e-3, 1e6, "Penalty of breaking a row, in what a unit of it is worth.")
    greedy_each: int = number(12, 1, 10_000, "Simple configurations of a workload for the first plan, at a time.")
    greedy_attempts: int = number(3, 1, 1_000, "How often they are generated, at new prices.")
    branch_to_integers: int = number(15_000, 0, MANY, "Integer columns up to which HiGHS branches on the whole.")


@dataclass(frozen=True)
class Workers(Component):
    """Who solves the small programs of pricing elsewhere."""

    tick_seconds: float = number(0.5, 1e-3, 60, "How often to look whether to stop.")
    ask_seconds: float = number(5.0, 0, 3600, "After how long a silence to ask whether anybody is left.")
    patience_seconds: float = number(30.0, 0, 3600, "How much longer than it may take an answer is waited for.")


@dataclass(frozen=True)
class Kernels(Component):
    """Kernel search."""

    small_columns: int = number(5_000, 0, MANY, "Columns up to which HiGHS solves the model as it is.")
    few_integers: int = number(2_000, 0, MANY, "Integer columns up to which it does.")
    first_nodes: int = number(2_000, 1, MANY, "Nodes of HiGHS' first turn beside packings.")
    more_nodes: int = number(8, 2, 1_000, "By what factor turns grow.")
    packings_first: int = number(2_000, 0, MANY, "Rounds packings get before it where few choices fill a place.")
    packings_share: float = number(0.25, 0, 1e3, "Work of packings in parts of HiGHS' where many choices fill a place.")
    packings_share_of_few: float = number(2.0, 0, 1e3, "The same where few do.")
    turns_to_columns: int = number(6_000, 0, MANY, "Columns up to which HiGHS gets turns beside packings.")


@dataclass(frozen=True)
class Location(Component):
    """The relaxation of location problems."""

    sift_from_columns: int = number(5_000, 0, MANY, "Columns from which the relaxation begins with some of them.")
    cheapest: int = number(10, 1, 10_000, "How many of each row it begins with.")
    stall: float = number(3e-5, 0, 1, "Relative rise of the bound in a round below which no more rows are sought.")


@dataclass(frozen=True)
class Diagnosis(Component):
    """Why no plan exists."""

    configurations_from_slots: int = number(20_000, 0, MANY, "Options from which configurations are chosen.")


@dataclass(frozen=True)
class Parameters:
    """All components."""

    auto: Auto = Auto()
    model: Model = Model()
    shortlist: Shortlist = Shortlist()
    decomposition: Decomposition = Decomposition()
    workers: Workers = Workers()
    kernels: Kernels = Kernels()
    location: Location = Location()
    diagnosis: Diagnosis = Diagnosis()

    def changed(self) -> dict[str, float]:
        """Return what is not the default, by component and name: `auto.many_workloads`."""
        return {
            f"{name}.{one.name}": getattr(component, one.name)
            for name, component in self._components() for one in fields(component)
            if getattr(component, one.name) != one.default
        }  # fmt: skip

    def _components(self) -> Iterator[tuple[str, Any]]:
        for one in fields(self):
            yield one.name, getattr(self, one.name)


DEFAULTS = Parameters()


def parameters_from(source: Parameters | Mapping[str, Any] | Path | str | None) -> Parameters:
    """Return parameters: as they are, from a mapping of components, or from a TOML file; None: the defaults.

    Raises InputError for a file that cannot be read, a component or a name that there is none of, and a number out of
    its range.
    """
    if source is None or isinstance(source, Parameters):
        return source or DEFAULTS
    if isinstance(source, Mapping):
        return _from_mapping(source)
    if not isinstance(source, str | Path):
        what = f"is {type(source).__name__}, not a path or a mapping"
        raise InputError(Issue(what, where="parameters", maybe="write {'auto': {'kernel_slots': 0}}"))
    try:
        return _from_mapping(tomllib.loads(Path(source).read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(Issue(f"cannot be read as TOML: {error}", where=f"parameters: {source}")) from error


def _from_mapping(source: Mapping[str, Any]) -> Parameters:
    kinds: dict[str, Any] = {one.name: type(one.default) for one in fields(Parameters)}
    issues, found = list[Issue](), dict[str, Any]()
    for name, values in source.items():
        if name not in kinds:
            issues.append(_unknown(name, "component", kinds))
        elif not isinstance(values, Mapping):
            issues.append(Issue(f"is {values!r}, not a table", where=f"parameters: {name}", maybe=f"write [{name}]"))
        else:
            known = {one.name: one for one in fields(kinds[name])}
            issues += [_unknown(f"{name}.{key}", "parameter", known) for key in values if key not in known]
            issues += [
                issue for key, value in values.items()
                if key in known and (issue := _issue(f"{name}.{key}", value, known[key])) is not None
            ]  # fmt: skip
            if not issues:
                found[name] = kinds[name](**values)
    if issues:
        raise InputError(issues)
    return Parameters(**found)


def _unknown(name: str, what: str, known: Mapping[str, Any]) -> Issue:
    near = get_close_matches(name.rpartition(".")[2], known, 1)
    maybe = f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
    return Issue(f"is no {what}", where=f"parameters: {name}", maybe=maybe)
