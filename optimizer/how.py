"""`How`: how to solve, checked before anything is done."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from optimizer.errors import InputError, Issue
from optimizer.instance.models import Instance
from optimizer.methods import METHODS, Method
from optimizer.plan.models import Asked, Plan

if TYPE_CHECKING:
    from optimizer.solve.parameters import Parameters
    from optimizer.solve.solution import Progress

Then = Literal["carbon"]
MOST_THREADS = 1024
"""The solver ends the whole process when the system gives it no more threads."""
MOST_SWITCHING = 20
"""Figures whose switching values may be asked for: each takes a few solves."""
NO_DOCSTRINGS = 2
"""Level of `sys.flags.optimize`."""


@dataclass(frozen=True)
class How:
    """How to solve: the arguments of `solve`."""

    gap: float = 1e-3
    time_limit_seconds: float = 300.0
    threads: int | None = None
    method: Method = "auto"
    then: Then | None = None
    progress: Callable[[Progress], None] | None = None
    cancel: threading.Event | None = None
    workers: str = "threads"
    check_rate: float = 0.1
    check_seed: int | None = None
    start: Plan | None = None
    switching: int = 0
    parameters: Parameters | Mapping[str, Any] | Path | str | None = None
    opportunity_costs: bool = True

    def check(self) -> None:
        """Raise InputError where an argument means nothing."""
        check_arguments(self.gap, self.time_limit_seconds, self.threads, self.method, self.then)
        _check_workers(self.workers, self.check_rate, self.check_seed)
        self.numbers()
        whole = isinstance(self.switching, int) and not isinstance(self.switching, bool)
        if not whole or not 0 <= self.switching <= MOST_SWITCHING:
            raise InputError(Issue(f"is {self.switching!r}, not from 0 to {MOST_SWITCHING}", where="switching"))
        if not isinstance(self.opportunity_costs, bool):
            raise InputError(Issue(f"is {self.opportunity_costs!r}, not true or false", where="opportunity_costs"))
        if self.start is not None and not isinstance(self.start, Plan):
            what = f"is {type(self.start).__name__}, not a Plan"
            raise InputError(Issue(what, where="start", maybe="read it first: domicile.Plan.read(path)"))

    def numbers(self) -> Parameters:
        """Return the parameters of the solver; raises InputError as `parameters_from` does."""
        from optimizer.solve.parameters import parameters_from

        return parameters_from(self.parameters)

    @property
    def asked(self) -> Asked:
        """What a plan says of it."""
        limit = self.time_limit_seconds if math.isfinite(self.time_limit_seconds) else None
        return Asked(
            gap=self.gap, time_limit_seconds=limit, threads=self.threads, method=self.method, then=self.then
        )


def require_docstrings() -> None:
    """Raise InputError under `python -OO`: Pyomo builds on docstrings and cannot be imported without them."""
    if sys.flags.optimize >= NO_DOCSTRINGS:
        raise InputError(Issue("python -OO removes the docstrings that Pyomo needs", maybe="run python -O, or neither"))


def check_objects(instance: object, progress: object, cancel: object, base_dir: object) -> None:
    """Refuse what is no instance, function, event or path: all of it at once."""
    issues = []
    if not isinstance(instance, Instance):
        what = f"is {type(instance).__name__}, not an Instance"
        issues.append(Issue(what, where="instance", maybe="load it first: domicile.load(path or mapping)"))
    if progress is not None and not callable(progress):
        issues.append(Issue(f"is {type(progress).__name__}, not a function", where="progress"))
    if cancel is not None and not isinstance(cancel, threading.Event):
        issues.append(Issue(f"is {type(cancel).__name__}, not a threading.Event", where="cancel"))
    if base_dir is not None and not isinstance(base_dir, str | Path):
        issues.append(Issue(f"is {type(base_dir).__name__}, not a path", where="base_dir"))
    if issues:
        raise InputError(_of_arguments(issues))


def check_arguments(gap: object, seconds: object, threads: object, method: object, then: object) -> None:
    """Refuse how to solve where an argument means nothing: all of it at once.

    Raises InputError.
    """
    issues = []
    if not (_is_number(gap) and 0 <= gap < math.inf):  # type: ignore[operator]
        issues.append(Issue(f"is {gap!r}, not a share of at least 0", where="gap"))
    if not (_is_number(seconds) and seconds > 0):  # type: ignore[operator]
        issues.append(Issue(f"is {seconds!r}, not seconds above 0", where="time_limit_seconds"))
    if threads is not None and (
        isinstance(threads, bool) or not (isinstance(threads, int) and 1 <= threads <= MOST_THREADS)
    ):
        issues.append(Issue(f"is {threads!r}, not a whole number from 1 to {MOST_THREADS}", where="threads"))
    if not isinstance(method, str) or method not in METHODS:
        issues.append(Issue(f"is {method!r}; should be one of {', '.join(METHODS)}", where="method"))
    if then is not None and not (isinstance(then, str) and then in get_args(Then)):
        issues.append(Issue(f"is {then!r}; should be None or one of {', '.join(get_args(Then))}", where="then"))
    if issues:
        raise InputError(_of_arguments(issues))


def _is_number(value: object) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return abs(value) <= sys.float_info.max or value == math.inf


def _check_workers(workers: object, rate: object, seed: object) -> None:
    """Refuse workers, and ways of checking what they answer, that mean nothing."""
    from optimizer.solve.decomposition.spot_checks import SEED_BITS
    from optimizer.solve.decomposition.workers import is_address

    issues = []
    if not isinstance(workers, str) or (workers != "threads" and not is_address(workers)):
        what = f"is {workers!r}; should be threads or the address of a Dask scheduler"
        issues.append(Issue(what, where="workers", maybe="write the address as tcp://host:8786"))
    if not (_is_number(rate) and 0 <= rate <= 1):  # type: ignore[operator]
        issues.append(Issue(f"is {rate!r}, not a share from 0 to 1", where="check_rate"))
    if seed is not None and (isinstance(seed, bool) or not (isinstance(seed, int) and 0 <= seed < 2**SEED_BITS)):
        issues.append(Issue(f"is {seed!r}, not a whole number from 0 to {2**SEED_BITS - 1}", where="check_seed"))
    if issues:
        raise InputError(_of_arguments(issues))


def _of_arguments(issues: list[Issue]) -> list[Issue]:
    """Return the problems of arguments that mean nothing, with their code."""
    return [replace(issue, code="argument") for issue in issues]
