"""Conflicts: minimal sets of members that cannot hold together.

A set S is a conflict where the instance in which everything but S is lifted has no plan (proven). It is minimal where
for each member m a plan of the instance in which everything but S \\ {m} is lifted was found and audited. A member is
left out of S while no plan appears: halves of S first, single members last (deletion filter). What begins as S is all
members, or where the relaxation has no solution the workloads and limits of a proof of that, or where somebody has no
option at all the rules that shut them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from optimizer.explain.members import LEGAL, Member, legal_members, liftable, stated_members
from optimizer.explain.trying import Clock, Tried, Tries
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan

TURNS = (("dataset",), ("workload",), (*LEGAL, "field", "latency"), ("quota", "policy", "budget"))
"""Kinds that are tried together to be left out, in turn."""
ROUNDS = 4
"""Times that options are opened to see which rules shut them further."""


@dataclass
class Found:
    """A conflict: its members, whether it is proven to have no plan, and by member the audited plan without it (None:
    a plan of nothing, where nothing is asked for any more).
    """

    members: tuple[Member, ...]
    infeasible: bool
    without: dict[Member, Plan | None] = field(default_factory=dict)

    @property
    def proven_minimal(self) -> bool:
        """Whether it is proven, and a plan was found and audited without each member."""
        return self.infeasible and all(one in self.without for one in self.members)

    @property
    def movable(self) -> tuple[Member, ...]:
        """The members that somebody may move."""
        return tuple(one for one in self.members if not one.immovable)


class Conflicts:
    """The conflicts of one instance."""

    def __init__(self, instance: Instance, tries: Tries, clock: Clock) -> None:
        self.instance, self.tries, self.clock = instance, tries, clock
        self.members: dict[Member, None] = dict.fromkeys(sorted(stated_members(instance), key=lambda one: one.place))

    def learn(self, tried: Tried) -> bool:
        """Add the legal rules that shut options in what was tried; return whether there were new ones."""
        every = legal_members(self.instance, tried.ledgers, tried.asked_by)
        found = [one for one in every if one not in self.members]
        found = liftable(self.instance, found)
        if found:
            self.members = dict.fromkeys(sorted([*self.members, *found], key=lambda one: one.place))
        return bool(found)

    def find(self, lifted: frozenset[Member], tried: Tried) -> Found | None:
        """Return a conflict of the instance in which some members are lifted, and which is known to have no plan."""
        self.learn(tried)
        few = self._begin(lifted, tried)
        if few is None:
            return None
        return self._shrink(few)

    def _begin(self, lifted: frozenset[Member], tried: Tried) -> list[Member] | None:
        """Return members that are known to be in conflict: few, where a proof names them."""
        from optimizer.explain.first_guess import guess

        for chosen in guess(tried, [one for one in self.members if one not in lifted], self.clock):
            some = self._opened(lifted, {*chosen, *self._shutting(tried, chosen)})
            if self._of(some).possible is False:
                return some
        every = self._opened(lifted, self.members)
        return every if self._of(every).possible is False else None

    def _shutting(self, tried: Tried, chosen: Iterable[Member]) -> list[Member]:
        """Return the quotas, policies and budgets that shut options of the workloads chosen."""
        names = {one.name for one in chosen if one.kind == "workload"}
        keys = {
            key.id for ledger in tried.ledgers for workload, key in ledger.shutting() if workload in names
        }  # fmt: skip
        of_defaults = any(one.startswith("quota:") for one in keys)
        return [
            one for one in self.members
            if one.id in keys or (of_defaults and one.id.startswith("quota:quotas."))
        ]  # fmt: skip

    def _opened(self, lifted: frozenset[Member], some: Iterable[Member]) -> list[Member]:
        """Return members with all that excludes options of their workloads; what shows behind those is learnt too."""
        chosen = set(some) - lifted
        owners = {one.owner for one in chosen if one.kind == "workload"}
        gone = {one for one in self.members if one.kind in ("workload", "dataset") and one not in chosen}
        for _ in range(ROUNDS):
            shutting = {one for one in self.members if one.kind in LEGAL or one.workload in owners}
            if not self.learn(self.tries.without(shutting | gone | lifted)):
                break
        kept = (chosen | shutting) - lifted
        return [one for one in self.members if one in kept]

    def _of(self, kept: Iterable[Member]) -> Tried:
        """Try the instance in which all other members are lifted."""
        return self.tries.without(frozenset(self.members) - frozenset(kept))

    def _shrink(self, some: Sequence[Member]) -> Found:
        found = Found(tuple(some), infeasible=True)
        for kinds in TURNS:
            self._leave_out(found, [one for one in found.members if one.kind in kinds])
        return found

    def _leave_out(self, found: Found, chunk: Sequence[Member], *, has_plan: bool = False) -> None:
        """Leave out as much of a chunk as can be; `has_plan`: without all of it there is a plan."""
        chunk = [one for one in chunk if one in found.members]
        if not chunk:
            return
        self.clock.say(f"conflict of {len(found.members)}")
        kept = _without_owned(found.members, chunk)
        if not (has_plan and len(chunk) > 1):
            tried = self._of(kept)
            if tried.possible is False:
                found.members = kept
                return
            if len(chunk) == 1:
                if tried.possible:
                    found.without[chunk[0]] = tried.plan()
                return
        if self.clock.left_seconds() <= 0.0:
            self.clock.late = True
            return
        half = len(chunk) // 2
        before = set(found.members)
        self._leave_out(found, chunk[:half])
        gone = before - set(found.members)
        self._leave_out(found, chunk[half:], has_plan=gone >= set(chunk[:half]))


def _without_owned(members: Sequence[Member], chunk: Iterable[Member]) -> tuple[Member, ...]:
    """Return the members without some, and without what says nothing when a workload of these is gone."""
    out = set(chunk)
    gone = {one.name for one in out if one.kind == "workload"}
    return tuple(one for one in members if one not in out and one.workload not in gone)
