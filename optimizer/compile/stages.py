"""Stages of compiling, each with all that it reads: a compile takes over from an earlier one what reads the same.

A stage is a name, its inputs and a function of nothing else. Whether inputs are the same is asked of what they hold:
arrays and tables are compared by content, so that a stage whose inputs were made anew and came out alike is not made
again. What a stage gives may be filled in later, in any order (verdicts, speeds): who takes it over finds what it would
have made. Stages taken over count as the steps they took (`effort`).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
import pandas as pd

from optimizer.compile.effort import spend, spent_in

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class _Kept:
    """What a stage gave, from what, and the steps it took."""

    inputs: tuple[object, ...]
    result: object
    steps: Counter[str]


class Stages:
    """The stages of one compile; with `before`, those of an earlier one to take over from.

    `lock` is shared by all that take over from each other, since what stages keep fills in while compiling: one of them
    compiles at a time.
    """

    def __init__(self, before: Stages | None = None) -> None:
        self.lock: threading.RLock = before.lock if before is not None else threading.RLock()
        self._before = before._kept if before is not None else {}
        self._kept: dict[str, _Kept] = {}

    def get(self, name: str, inputs: tuple[object, ...], make: Callable[[], T]) -> T:
        """Return what a stage gives: that of the earlier compile if its inputs were the same, else made now."""
        kept = self._before.get(name)
        if kept is not None and same(kept.inputs, inputs):
            for kind, steps in kept.steps.items():
                spend(kind, steps)
        else:
            with spent_in() as spent:
                result = make()
            kept = _Kept(inputs, result, spent)
        self._kept[name] = kept
        return cast(T, kept.result)

    def of_part(self, name: str, part: object, make: Callable[[], T]) -> T:
        """Return what follows from one part of an instance alone."""
        return self.get(name, (part,), make)

    def earlier(self, name: str) -> object | None:
        """Return what the stage of a name gave in the earlier compile, whatever its inputs."""
        kept = self._before.get(name)
        return kept.result if kept is not None else None

    def close(self) -> None:
        """Let go of the earlier compile."""
        self._before = {}


def same(a: Any, b: Any) -> bool:
    """Return True if two inputs hold the same, to the last bit; what cannot be compared is the same if it is one."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return _same_array(a, b)
    if isinstance(a, pd.DataFrame):
        return list(a.columns) == list(b.columns) and all(_same_column(a[name], b[name]) for name in a.columns)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


def _same_column(a: Any, b: Any) -> bool:
    return a is b or _same_array(a.to_numpy(), b.to_numpy())


def _same_array(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind == "O":
        return bool(a.tolist() == b.tolist())
    return a.tobytes() == b.tobytes()
