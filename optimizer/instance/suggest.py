"""Did you mean: the nearest known name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return advice naming the nearest of the known names; a short list when none is near and there are few."""
    choices = sorted(set(known))
    lowered = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)
    if near:
        return "you mean " + " or ".join(repr(lowered[choice]) for choice in near)
    if 0 < len(choices) <= 30:
        return "it is one of " + ", ".join(choices)
    return None
