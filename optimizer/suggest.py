"""Did you mean: the nearest known name."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from optimizer.also_called import holding, meant_by
from optimizer.errors import Issue

COMPARISONS = 100_000
"""Most names compared for the suggestions of one load: tens of thousands of wrong names need no advice each."""

LONGEST_NAME = 128
"""Longest name that is compared."""

_left: ContextVar[list[int] | None] = ContextVar("comparisons_left", default=None)


@contextmanager
def limited_suggestions() -> Iterator[None]:
    """Let `did_you_mean` compare at most 100,000 names inside; afterwards it has no advice."""
    token = _left.set([COMPARISONS])
    try:
        yield
    finally:
        _left.reset(token)


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return advice that names what a name is another name of, else the nearest of the known names; a short list when
    none is near and there are few.
    """
    listed = known if isinstance(known, Collection) else list(known)
    if len(name) > LONGEST_NAME or not _afford(len(listed)):
        return None
    choices = sorted(set(listed))
    lowered = {choice.lower(): choice for choice in choices if len(choice) <= LONGEST_NAME}
    meant = meant_by(name, choices)
    if meant:
        return "you mean " + " or ".join(map(repr, meant[:3]))
    near = difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)
    if near:
        return "you mean " + " or ".join(repr(lowered[choice]) for choice in near)
    longer = holding(name, choices)
    if longer:
        return "you mean " + " or ".join(map(repr, longer))
    if 0 < len(choices) <= 30:
        return "it is one of " + ", ".join(choices)
    return None


def unknown_name(what: str, name: str, known: Iterable[str], where: str | None = None) -> Issue:
    """Return the problem of a name that nothing defines, with the names probably meant."""
    return Issue(what, where=where, maybe=did_you_mean(name, known), code="unknown_name")


def _afford(comparisons: int) -> bool:
    left = _left.get()
    if left is None:
        return True
    left[0] -= comparisons
    return left[0] >= 0
