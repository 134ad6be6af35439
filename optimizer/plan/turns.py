"""Law that changes inside a period: verdicts are taken on its first day, so what tightens later must be told."""

from __future__ import annotations

import dataclasses
import datetime
from bisect import bisect_right
from collections import Counter
from datetime import date, timedelta

import numpy as np

from optimizer.compile.assemble import Compiled
from optimizer.compile.judgements import Judgement
from optimizer.compile.law import LawView, build_law_view
from optimizer.compile.legal_days import turning_points
from optimizer.plan.placements import Lines, signatures_of
from optimizer.plan.usage import Floats

Change = tuple[str, date, str]
"""Law, day on which it tightens, period."""


def change_warnings(compiled: Compiled, lines: Lines, judgements: list[Judgement], copies: Floats) -> tuple[str, ...]:
    """Return one sentence per law that tightens for something in the plan inside a period; `copies` [copies] is 0/1."""
    world = compiled.world
    if world.laws is None:
        return ()
    inside = days_inside(compiled)
    changes = _stored(compiled, copies, inside)
    for rank in range(max(map(len, inside), default=0)):
        days = tuple(
            turns[min(rank, len(turns) - 1)] if turns else first
            for turns, first in zip(inside, world.period_dates, strict=True)
        )
        view = build_law_view(dataclasses.replace(world, period_dates=days))
        changes += _placed(compiled, view, lines, judgements)
    earliest: dict[tuple[str, str], tuple[date, int]] = {}
    for (law, day, period), rows in sorted(Counter(changes).items(), key=lambda item: item[0][1]):
        earliest.setdefault((law, period), (day, rows))
    return tuple(
        f"{law} tightens on {day}, inside period {period}: {rows} rows of the plan, judged by its first day, then ask "
        "for more or are forbidden; split the horizon on that day"
        for (law, period), (day, rows) in earliest.items()
    )


def days_inside(compiled: Compiled) -> list[list[date]]:
    """Return for each period the days after its first on which the law can change."""
    world = compiled.world
    assert world.laws is not None
    turns = sorted(set(turning_points(world.laws, world.instance)))
    origin = datetime.datetime.combine(world.instance.horizon.start, datetime.time())
    ends = np.cumsum(world.period_hours)
    inside = []
    for first, end in zip(world.period_dates, ends.tolist(), strict=True):
        last = (origin + timedelta(hours=end, microseconds=-1)).date()
        inside.append(turns[bisect_right(turns, first) : bisect_right(turns, last)])
    return inside


def _placed(compiled: Compiled, view: LawView, lines: Lines, judgements: list[Judgement]) -> list[Change]:
    """Return what tightens for a placement, once per row."""
    slots, world = compiled.problem.slots, compiled.world
    labels = signatures_of(compiled, lines)
    found: list[Change] = []
    for one in np.unique(labels).tolist():
        rows = np.flatnonzero(labels == one)
        period = slots.period[lines.slot[rows]]
        later = view.judgements_of(one, slots.offer[lines.slot[rows]], period)
        for row, judgement, t in zip(rows.tolist(), later, period.tolist(), strict=True):
            day, name = view.world.period_dates[t], world.periods[t].id
            found += [(law, day, name) for law in tightened(judgements[row], judgement)]
    return found


def _stored(compiled: Compiled, copies: Floats, inside: list[list[date]]) -> list[Change]:
    """Return what tightens for a copy, which has to be lawful all along: once per copy and day."""
    data, table, world = compiled.problem.datasets, compiled.datasets, compiled.world
    made = np.flatnonzero(np.rint(copies) > 0).tolist()
    found: list[Change] = []
    for t, day in ((t, day) for t, days in enumerate(inside) for day in days if made):
        view = build_law_view(dataclasses.replace(world, period_dates=(day,) * len(world.period_dates)))
        for c in made:
            k, r = int(data.copy_dataset[c]), int(data.copy_region[c])
            mask = view.storage_mask(table.info[k].profile)
            later = mask.table[int(mask.judgement[r, 0])]
            found += [(law, day, world.periods[t].id) for law in tightened(table.copy_judgement[c], later)]
    return found


def tightened(before: Judgement, after: Judgement) -> list[str]:
    """Return the laws that forbid what they did not, or ask for what nothing asked for."""
    laws = [law for reason, law in after.exclusions if (reason, law) not in before.exclusions]
    for need in after.needs:
        if not any(set(earlier.mechanisms) <= set(need.mechanisms) for earlier in before.needs):
            laws += need.laws
    return list(dict.fromkeys(laws))
