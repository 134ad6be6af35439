"""What the law says of an activity at a site, in the compile step's words; how such words are joined and broadcast."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.ledger import Exclusion, Packed
from optimizer.compile.scope import exclusion_rows
from optimizer.laws.types import MechanismKey

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Need:
    """One thing that laws ask for: any one of `mechanisms`, all of them available; `held` are those already in hand."""

    mechanisms: tuple[MechanismKey, ...]
    held: tuple[MechanismKey, ...]
    laws: tuple[str, ...]


@dataclass(frozen=True)
class Judgement:
    """All that the law says of one activity at one site on one day.

    `exclusions`: (ledger reason, law) of everything that forbids it; empty means allowed. `needs`: mechanisms, ANDed.
    `laws` decided something, `conditions` were taken as met, `risks` remain, `unreviewed` laws have no reviewed
    trigger, `unmodelled` laws could touch this and have no effect on it; `assumed` of mechanisms, for the warnings;
    `unknown` (rule, sentence): what of the operator is not known or not confirmed, and has to be found out.
    """

    exclusions: tuple[tuple[str, str], ...] = ()
    needs: tuple[Need, ...] = ()
    laws: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    unreviewed: tuple[str, ...] = ()
    unmodelled: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()

    @property
    def allowed(self) -> bool:
        """True if nothing forbids it."""
        return not self.exclusions


FREE = Judgement()


def join(judgements: Iterable[Judgement]) -> Judgement:
    """AND of judgements: everything that forbids, everything that is asked for, everybody who had a say."""
    found = [j for j in judgements if j is not FREE]
    if len(found) == 1:
        return found[0]

    def union(name: str) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(item for j in found for item in getattr(j, name)))

    return Judgement(
        exclusions=tuple(dict.fromkeys(cause for j in found for cause in j.exclusions)),
        needs=merge_needs(need for j in found for need in j.needs),
        laws=union("laws"),
        conditions=union("conditions"),
        risks=union("risks"),
        unreviewed=union("unreviewed"),
        unmodelled=union("unmodelled"),
        assumed=union("assumed"),
        unknown=union("unknown"),
    )


def merge_needs(needs: Iterable[Need]) -> tuple[Need, ...]:
    """Return the needs with those that the same mechanisms satisfy made one; their laws are joined."""
    laws: dict[tuple[tuple[MechanismKey, ...], tuple[MechanismKey, ...]], dict[str, None]] = {}
    for need in needs:
        laws.setdefault((need.mechanisms, need.held), {}).update(dict.fromkeys(need.laws))
    return tuple(Need(mechanisms, held, tuple(names)) for (mechanisms, held), names in laws.items())


@dataclass
class Interned:
    """Distinct judgements by position."""

    table: list[Judgement] = field(default_factory=list)
    _at: dict[Judgement, int] = field(default_factory=dict)

    def add(self, judgement: Judgement) -> int:
        """Return the position of a judgement, new or known."""
        at = self._at.get(judgement)
        if at is None:
            at = self._at[judgement] = len(self.table)
            self.table.append(judgement)
        return at


@dataclass(frozen=True, eq=False)
class LawMask:
    """Verdicts of one activity: `judgement` indexes `table`; [offers, periods], or [regions, 1] for data at rest."""

    judgement: Ints
    table: tuple[Judgement, ...]

    @cached_property
    def allowed(self) -> Bools:
        """What the law leaves open, in the shape of `judgement`."""
        return np.array([j.allowed for j in self.table], dtype=bool)[self.judgement]

    @cached_property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """Why the rest is not open: one exclusion per (reason, law), for good or in some periods."""
        by_cause: dict[tuple[str, str], list[int]] = {}
        present: list[int] = np.unique(self.judgement).tolist()
        for k in present:
            for cause in self.table[k].exclusions:
                by_cause.setdefault(cause, []).append(k)
        rows: list[Exclusion] = []
        for (reason, law), ids in by_cause.items():
            out = np.zeros(len(self.table), dtype=bool)
            out[ids] = True
            rows.extend(exclusion_rows(reason, law, out[self.judgement]))
        return tuple(rows)


@dataclass(eq=False)
class Judged:
    """Verdicts: [sites, dates] into a table; once asked for, what they leave open and why not the rest."""

    by_site: Ints
    table: tuple[Judgement, ...]
    opened: tuple[Bools, tuple[Packed, ...]] | None = None
