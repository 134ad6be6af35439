"""Figures that nobody has, for want of which options are out: whether with estimates for them there would be a plan."""

from __future__ import annotations

from collections import Counter

from optimizer.explain.conflict_rows import FigureWanted
from optimizer.explain.trying import Clock, Tried, Tries

MOST_FIGURES = 3
"""Figures that are tried: those that most options lack."""


def wanted_figures(tries: Tries, base: Tried, clock: Clock) -> tuple[FigureWanted, ...]:
    """Return by figure how many options are out only for want of figures, it among them, and whether estimates for it
    alone admit a plan; as many as there was time for.
    """
    from optimizer.compile.estimates import FIGURES
    from optimizer.compile.wanting import wanting_of

    if base.world is None:
        return ()
    options: Counter[str] = Counter()
    for row in wanting_of(base.ledgers[0], base.ledgers[1], base.world):
        options[row.reason] += row.options
    found = []
    for reason, count in sorted(options.items(), key=lambda one: (-one[1], one[0]))[:MOST_FIGURES]:
        clock.say(f"figures: {FIGURES[reason]}")
        admits = tries.estimated(reason).possible
        found.append(FigureWanted(figure=FIGURES[reason], options=count, admits_plan=admits))
    return tuple(found)
