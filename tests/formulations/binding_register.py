"""One hand-computed case per constraint family: where it binds, one unit looser, and what each costs.

A case is a function of `loose` that builds a problem; `CASES` maps the family to it and to the two optima (USD). The
cases are in `binding_*.py` by room; `binding_cases` has them all.
"""

from __future__ import annotations

from collections.abc import Callable

from problem_toys import Builder

from formulations.problem import Problem

REDUNDANT = {"cover"}
"""Families that follow from others, in the relaxation too, and are only there for branch and bound."""
TIGHTENING = {"goes_on", "in_time", "lies", "begins_late", "runs_over", "full_before"}
"""Families that follow from others and from integrality: they tighten the relaxation."""

CASES: dict[str, tuple[Callable[[bool], Problem], float, float]] = {}


def case(
    *families: str, tight: float, loose: float
) -> Callable[[Callable[[bool], Builder]], Callable[[bool], Builder]]:
    """Register a case for the families that bind in it."""

    def register(build: Callable[[bool], Builder]) -> Callable[[bool], Builder]:
        for family in families:
            assert family not in CASES
            CASES[family] = (lambda looser: build(looser).build(), tight, loose)
        return build

    return register
