"""Repairs: changes after which the instance has a plan, tried, audited and ranked.

A set of members that somebody may move is a repair where the instance without them has a plan; such sets hit every
conflict (Reiter 1987): from the empty set on, each set without a plan is extended by the members of a conflict that it
does not hit. A member that has a figure is not lifted but moved: a limit by the least change that admits a plan, a
round trip to the first place that it opens.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from optimizer.errors import InputError
from optimizer.explain.conflict_rows import Repair
from optimizer.explain.conflicts import Conflicts, Found
from optimizer.explain.members import LEGAL, Member, lifts
from optimizer.explain.moving import Move, as_stated, figure_of, first_round_trip, legal_moves, moves_of
from optimizer.explain.trying import Clock, Tried, Tries
from optimizer.instance.models import Instance

Change = dict[str, Any]
MOST_REPAIRS, MOST_SETS, MOST_MEMBERS = 6, 40, 5
"""Repairs told, sets of members tried, and members of one set."""
GIVES_UP = ("drop_workload", "drop_dataset", "scale_demand")
"""Changes after which something is no longer served."""
CONFIRMED = {
    "coverage": "review the rules of {}", "access": "ask {} from where its staff see the data",
    "certificate": "confirm certificate {1} of {0}", "seal": "have the level of sovereignty {1} of {0} confirmed",
    "chip": "state the figures of {} that export rules ask for",
    "tenant": "state who uses the capacity ({}), as rules on export and sanctions ask",
}  # fmt: skip
"""What is to be done about what nobody knows."""


class Repairs:
    """The repairs of one instance."""

    def __init__(self, conflicts: Conflicts, found: Sequence[Found], base: Tried, gap: float) -> None:
        self.conflicts, self.known, self.base, self.gap = conflicts, list(found), base, gap
        self.tries: Tries = conflicts.tries
        self.clock: Clock = conflicts.clock
        self.undecided: list[tuple[str, ...]] = []
        self._moves: dict[tuple[Member, ...], list[Move]] = {}

    def find(self, most: int = MOST_REPAIRS) -> tuple[Repair, ...]:
        """Return so many repairs at most: those that serve everything first, then those of least effort, of equal ones
        the cheapest.
        """
        told: dict[str, Repair] = {}
        for changes, least in self._candidates():
            if len(told) == most or self.clock.left_seconds() <= 0.0:
                self.clock.late |= len(told) < most
                break
            self.clock.say(f"repair {len(told) + 1}")
            repair = self._tried(changes, least=least)
            if repair is not None:
                told.setdefault(repair.sentence, repair)
        return tuple(sorted(told.values(), key=_rank))

    def _candidates(self) -> Iterator[tuple[list[Change], bool]]:
        """Yield changes that may be enough, and whether a limit among them is proven to move least."""
        for move in self._moves_after(()):
            yield list(move.changes), move.is_least
        yield from self._legal()
        for members in self._sets():
            yield from self._in_figures(members)

    def _sets(self) -> Iterator[tuple[Member, ...]]:
        """Yield sets of movable members that hit every conflict known, the smallest first."""
        waiting: list[tuple[int, int, tuple[Member, ...]]] = [(0, 0, ())]
        seen: set[frozenset[Member]] = set()
        enough = [self._members_of(move) for move in self._moves_after(())]
        number = asked = 0
        while waiting and asked < MOST_SETS:
            _, _, members = heapq.heappop(waiting)
            if any(one <= set(members) for one in enough):
                continue
            missed = next((one for one in self.known if not set(one.members) & set(members)), None)
            if missed is None:
                asked += 1
                tried = self.tries.without(members, gap=self.gap)
                if tried.possible:
                    enough.append(frozenset(members))
                    yield members
                if tried.possible is None:
                    self.undecided.append(tuple(one.id for one in members))
                if tried.possible is not False or len(members) == MOST_MEMBERS:
                    continue
                missed = self.conflicts.find(frozenset(members), tried)
                if missed is None:
                    continue
                self.known.append(missed)
            for member in missed.movable:
                wider = (*members, member)
                if len(wider) <= MOST_MEMBERS and frozenset(wider) not in seen:
                    seen.add(frozenset(wider))
                    number += 1
                    heapq.heappush(waiting, (len(wider), number, wider))

    def _members_of(self, move: Move) -> frozenset[Member]:
        """Return the members that a move is about: lifted they admit a plan as well."""
        rules = {as_stated(rule, self.base.instance) for rule in move.rules}
        return frozenset(one for one in self.conflicts.members if one.id in rules and one.workload is None)

    def _in_figures(self, members: tuple[Member, ...]) -> Iterator[tuple[list[Change], bool]]:
        """Yield the changes for a set of members: figures moved as little as is known to do, the rest lifted."""
        moved: list[Change] = []
        rest: list[Member] = []
        for member in members:
            trip = self._round_trip(member, members) if member.kind == "latency" else None
            if trip is None:
                rest.append(member)
            else:
                moved.append(trip)
        fixed = [one for one in rest if one.kind not in ("budget", "quota", "policy")]
        limits = [one for one in rest if one not in fixed]
        moves = self._moves_after(tuple(fixed), moved) if limits else []
        for move in moves if fixed or moved else ():
            yield [*moved, *move.changes, *lifts(fixed)], move.is_least
        asked = {one.id for one in limits}
        if not any({as_stated(rule, self.base.instance) for rule in move.rules} <= asked for move in moves):
            yield [*moved, *lifts(rest)], bool(moved) and not rest

    def _moves_after(self, fixed: tuple[Member, ...], moved: Sequence[Change] = ()) -> list[Move]:
        """Return by how much limits have to move once some members are lifted, as far as nobody forbids that."""
        key = (*fixed, *(Member(str(one)) for one in moved))
        if key not in self._moves:
            tried = self.base if not key else self.tries.after([*moved, *lifts(fixed)])
            stays = {one.id for one in self.conflicts.members if one.immovable}
            asked = self.known[0].movable if not key else self.conflicts.members
            found = moves_of(tried, self.clock, asked)
            self._moves[key] = [
                one for one in found if not any(as_stated(rule, self.base.instance) in stays for rule in one.rules)
            ]
        return self._moves[key]

    def _round_trip(self, member: Member, members: Iterable[Member]) -> Change | None:
        """Return the change to the shortest round trip that admits a plan of the conflict it is in, others lifted."""
        found = next((one for one in self.known if member in one.members), None)
        kept = set() if found is None else set(found.members) - set(members)
        others = [one for one in self.conflicts.members if one not in kept and one != member]
        return first_round_trip(member, self.base, self.tries, lifts(others))

    def _legal(self) -> Iterator[tuple[list[Change], bool]]:
        """Yield what a law asks for and nobody has: approvals and mechanisms, also of laws that nobody can move."""
        laws = dict.fromkeys(one for found in self.known for one in found.members if one.kind == "law")
        for member in laws:
            for change in legal_moves(member, self.base):
                yield [change], False

    def _tried(self, changes: list[Change], *, least: bool) -> Repair | None:
        """Return a repair that was solved and audited; None where it does not do, or there was no time to tell."""
        try:
            tried = self.tries.after(changes, gap=self.gap)
        except InputError:
            return None
        plan = tried.plan() if tried.possible else None
        if plan is None:
            return None
        return Repair(
            changes=tuple(changes), sentence="; ".join(_sentence(one) for one in changes),
            effort=sum(_effort(one, self.base.instance) for one in changes),
            cost_usd=plan.objective_usd, bound_usd=plan.bound_usd, carbon_kg=plan.carbon_kg, verified=True, least=least,
        )  # fmt: skip


def _rank(repair: Repair) -> tuple[bool, float, float, str]:
    gives_up = any(change["op"] in GIVES_UP for change in repair.changes)
    return gives_up, round(repair.effort, 6), repair.cost_usd or 0.0, repair.sentence


def _effort(change: Change, instance: Instance) -> float:
    """Return the part of itself by which a limit or a demand moves; 1 for all else."""
    if change["op"] == "scale_demand":
        return 1.0 - float(change["factor"])
    before = figure_of(instance, change)
    return abs(float(change["to"]) - before) / before if before else 1.0


def _sentence(change: Change) -> str:
    """Say what is to be done."""
    op, rule = change["op"], str(change.get("rule", ""))
    kind, _, name = rule.partition(":")
    whose = ", ".join(change.get("scope", {}).get("workloads", ()))
    if op == "set_limit":
        verb = "let the round trip of" if kind == "latency" else "set"
        what = f"{whose} be" if kind == "latency" else f"{kind} {name} to"
        return f"{verb} {what} {change['to']:,.8g}{' ms' if kind == 'latency' else ''}"
    if op == "scale_demand":
        return f"serve {100 * change['factor']:.4g} % of the demand of {whose}"
    if op in ("drop_workload", "drop_dataset"):
        what = op.removeprefix("drop_")
        return f"{'defer or drop' if what == 'workload' else 'drop'} {what} {change[what]}"
    if op == "grant":
        return f"get the approval that {change['law']} asks for"
    if op == "add_mechanism":
        return f"put mechanism {change['held']['id']} in place (its own price apart)"
    if kind in LEGAL and kind != "law":
        first, _, second = name.partition("/")
        return CONFIRMED[kind].format(first, second)
    return f"lift {kind} {name}" + (f" of {whose}" if whose else "")
