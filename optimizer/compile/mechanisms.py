"""Transfer mechanisms: what must be bought, once per charge, so that flows, gangs and copies become lawful.

A law's requirement is a set of mechanisms, any one of which will do. All slots of a stream in a period that ask for the
same set share one row with bound = demand; a job's slots share one with bound = gangs; a copy has its own with bound 1.
A set that holds a mechanism already in hand needs no row: it stays in the table, so that the plan can name it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Flows, Jobs, Mechanisms, Membership, Services, Slots
from optimizer.compile.judgements import Judgement, Need
from optimizer.laws.types import MechanismKey

if TYPE_CHECKING:
    from optimizer.compile.datasets import DatasetTable
    from optimizer.compile.law import LawView
    from optimizer.compile.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class MechanismInfo:
    """A mechanism for one charge: `cost_usd` over the horizon (0 if held), and the laws that ask for it."""

    key: MechanismKey
    cost_usd: float
    held: bool
    laws: tuple[str, ...]

    @property
    def id(self) -> str:
        """The mechanism with its charge, `SCC_EU:acme:aws`."""
        return ":".join((self.key.mechanism, *self.key.key))


@dataclass(frozen=True, eq=False)
class MechanismTable:
    """`problem` with what lies behind it.

    `info`: first the mechanisms of `problem` in order, then the held ones. `sets`: for every distinct requirement the
    positions in `info` of what satisfies it; `set_laws` who asks. `by_flow`, `by_slot` (jobs), `by_copy`: row = flow,
    slot or copy, column = set, requirements satisfied by held mechanisms included.
    """

    problem: Mechanisms
    info: tuple[MechanismInfo, ...] = ()
    sets: tuple[tuple[int, ...], ...] = ()
    set_laws: tuple[tuple[str, ...], ...] = ()
    by_flow: Membership = field(default_factory=Membership)
    by_slot: Membership = field(default_factory=Membership)
    by_copy: Membership = field(default_factory=Membership)

    def chosen(self, bought: Floats) -> Ints:
        """Return for each set the position in `info` of the mechanism that satisfies it, -1 if none does.

        Held ones come first, then the cheapest of those bought; `bought` is by the problem's mechanisms.
        """
        out = np.full(len(self.sets), -1, dtype=np.int64)
        for s, members in enumerate(self.sets):
            there = [m for m in members if self.info[m].held or (m < len(bought) and bought[m] > 0.5)]
            if there:
                out[s] = min(there, key=lambda m: (not self.info[m].held, self.info[m].cost_usd, m))
        return out


@dataclass
class _Sets:
    """Distinct requirements by position."""

    needs: list[Need]
    laws: list[dict[str, None]]
    _at: dict[tuple[tuple[MechanismKey, ...], tuple[MechanismKey, ...]], int]

    def add(self, need: Need) -> int:
        key = need.mechanisms, need.held
        at = self._at.get(key)
        if at is None:
            at = self._at[key] = len(self.needs)
            self.needs.append(need)
            self.laws.append({})
        self.laws[at].update(dict.fromkeys(need.laws))
        return at

    def used_by(self, *parts: Membership) -> tuple[_Sets, list[Membership]]:
        """Return only the sets that appear as a column, renumbered, and the parts with the new numbers."""
        used = np.unique(np.concatenate([part.column for part in parts]))
        kept = _Sets([self.needs[s] for s in used.tolist()], [self.laws[s] for s in used.tolist()], {})
        return kept, [Membership(p.row, np.searchsorted(used, p.column).astype(np.int64), p.weight) for p in parts]

    def of(self, table: Sequence[Judgement]) -> tuple[Ints, Ints]:
        """Return (offsets, set ids): the sets of judgement k are ids[offsets[k]:offsets[k + 1]]."""
        ids = [[self.add(need) for need in judgement.needs] for judgement in table]
        offsets = np.cumsum([0, *(len(row) for row in ids)]).astype(np.int64)
        return offsets, np.array([s for row in ids for s in row], dtype=np.int64)


def build_mechanisms(
    world: World, law: LawView, *, slots: Slots, flows: Flows, services: Services, jobs: Jobs, datasets: DatasetTable
) -> MechanismTable:
    """Return mechanisms by charge, requirement rows with tight bounds, and the table behind them."""
    sets = _Sets([], [], {})
    stream_signature = _signatures(law.of_stream, len(services.workload), law)
    by_flow = _needs(law, sets, stream_signature[flows.stream], slots.offer[flows.slot], slots.period[flows.slot])
    working = np.flatnonzero(slots.is_job)
    job_signature = _signatures(law.of_job, len(world.instance.workloads), law)
    by_slot = _needs(law, sets, job_signature[slots.workload[working]], slots.offer[working], slots.period[working])
    by_slot = Membership(working[by_slot.row].astype(np.int64), by_slot.column, by_slot.weight)
    offsets, ids = sets.of(datasets.copy_judgement)
    by_copy = _expand(np.arange(len(datasets.copy_judgement)), np.arange(len(datasets.copy_judgement)), offsets, ids)
    sets, (by_flow, by_slot, by_copy) = sets.used_by(by_flow, by_slot, by_copy)
    info, members = _register(law, sets)
    rows = _Rows(world, law, sets, slots=slots, flows=flows, services=services, jobs=jobs, datasets=datasets)
    bought = [k for k, one in enumerate(info) if not one.held]
    problem = rows.problem(by_flow, by_slot, by_copy, members, [info[k] for k in bought])
    return MechanismTable(
        problem, info, members, tuple(tuple(laws) for laws in sets.laws), by_flow, by_slot, by_copy
    )


def _signatures(of: dict[int, int] | dict[int | None, int], size: int, law: LawView) -> Ints:
    out = np.full(size, -1, dtype=np.int64)
    for position, activity in of.items():
        assert position is not None
        out[position] = law.signature(activity)
    return out


def _needs(law: LawView, sets: _Sets, signature: Ints, offer: Ints, period: Ints) -> Membership:
    """Which sets each item (flow or job slot) asks for, by its activity's signature, offer and period."""
    order = np.argsort(signature, kind="stable")
    cuts = np.flatnonzero(np.diff(signature[order])) + 1
    parts = [Membership()]
    for items in np.split(order, cuts) if len(order) else ():
        judgement, table = law.judgement_at(int(signature[items[0]]), offer[items], period[items])
        offsets, ids = sets.of(table)
        if len(ids):
            parts.append(_expand(items, judgement, offsets, ids))
    return Membership(
        np.concatenate([p.row for p in parts]),
        np.concatenate([p.column for p in parts]),
        np.concatenate([p.weight for p in parts]),
    )


def _expand(items: Ints, judgement: Ints, offsets: Ints, ids: Ints) -> Membership:
    """Pairs (item, set) of items whose judgements ask for sets listed in compressed rows."""
    count = (offsets[1:] - offsets[:-1])[judgement]
    row = np.repeat(items, count).astype(np.int64)
    within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return Membership(row, ids[np.repeat(offsets[judgement], count) + within], np.ones(len(row)))


def _register(law: LawView, sets: _Sets) -> tuple[tuple[MechanismInfo, ...], tuple[tuple[int, ...], ...]]:
    """Return the mechanisms to buy, then those held, and the members of each set; held sets need nothing bought."""
    laws: dict[tuple[bool, MechanismKey], dict[str, None]] = {}
    choices: list[tuple[tuple[bool, MechanismKey], ...]] = []
    for need, names in zip(sets.needs, sets.laws, strict=True):
        keys = tuple((True, k) for k in need.held) or tuple((False, k) for k in need.mechanisms)
        choices.append(keys)
        for key in keys:
            laws.setdefault(key, {}).update(dict.fromkeys(names))
    order = sorted(laws, key=lambda key: (key[0], key[1].mechanism, key[1].key))
    at = {key: k for k, key in enumerate(order)}
    info = tuple(
        MechanismInfo(key, 0.0 if held else law.supply.cost_usd(key), held, tuple(sorted(laws[held, key])))
        for held, key in order
    )
    return info, tuple(tuple(at[key] for key in keys) for keys in choices)


class _Rows:
    """Gathers requirement rows of flows, gangs and copies into the problem's table."""

    def __init__(
        self, world: World, law: LawView, sets: _Sets, *, slots: Slots, flows: Flows, services: Services, jobs: Jobs,
        datasets: DatasetTable,
    ) -> None:  # fmt: skip
        self._periods = [period.id for period in world.periods]
        self._slots, self._flows, self._services, self._datasets = slots, flows, services, datasets
        self._streams = {a.stream: f"{a.workload_id}/{a.stream_id}" for a in law.activities}
        self._workloads = [workload.id for workload in world.instance.workloads]
        self._gangs = np.zeros(len(self._workloads))
        self._gangs[jobs.workload] = jobs.max_gangs
        self._open = np.array([not need.held for need in sets.needs], dtype=bool)
        self._laws = ["+".join(laws) for laws in sets.laws]
        self._rules = [tuple(f"law:{law}" for law in laws) for laws in sets.laws]

    def problem(
        self, by_flow: Membership, by_slot: Membership, by_copy: Membership, members: Sequence[tuple[int, ...]],
        info: Sequence[MechanismInfo],
    ) -> Mechanisms:  # fmt: skip
        """Return the table: rows of flows first, then of gangs, then of copies."""
        periods, slots = max(len(self._periods), 1), self._slots
        flow_slot = self._flows.slot[by_flow.row]
        flow = self._aggregate(by_flow, self._flows.stream[by_flow.row] * periods + slots.period[flow_slot])
        gang = self._aggregate(by_slot, slots.workload[by_slot.row] * periods + slots.period[by_slot.row])
        copy = self._aggregate(by_copy, by_copy.row)
        demand = self._services.demand_per_s
        bounds, names, sets = [], [], []
        for (_, group, which), bound, name in (
            (flow, lambda g: demand[g // periods, g % periods], lambda g: self._at(self._streams[g // periods], g)),
            (gang, lambda g: self._gangs[g // periods], lambda g: self._at(self._workloads[g // periods], g)),
            (copy, lambda g: np.ones(len(g)), self._copy_name),
        ):
            bounds.append(bound(group) if len(group) else np.zeros(0))
            names += [f"{self._laws[s]}@{name(g)}" for g, s in zip(group.tolist(), which.tolist(), strict=True)]
            sets.append(which)
        second, third = len(flow[1]), len(flow[1]) + len(gang[1])
        return Mechanisms(
            ids=tuple(one.id for one in info),
            cost_usd=np.array([one.cost_usd for one in info], dtype=float),
            charged_by=tuple((f"field:mechanism_costs[id={one.key.mechanism}]",) for one in info),
            requirement_ids=tuple(names),
            requirement_rules=tuple(self._rules[s] for s in np.concatenate(sets).tolist()),
            bound=np.concatenate(bounds),
            by_flow=flow[0],
            by_gang=Membership(gang[0].row + second, gang[0].column, gang[0].weight),
            by_copy=Membership(copy[0].row + third, copy[0].column, copy[0].weight),
            satisfied_by=_satisfied(np.concatenate(sets), members),
        )

    def _aggregate(self, items: Membership, group: Ints) -> tuple[Membership, Ints, Ints]:
        """(membership row → item, group of each row, set of each row) of the sets that nothing held satisfies."""
        keep = self._open[items.column] if len(items.column) else np.zeros(0, dtype=bool)
        item, which, group = items.row[keep], items.column[keep], group[keep]
        count = max(len(self._open), 1)
        keys, row = np.unique(group * count + which, return_inverse=True)
        members = Membership(row.reshape(-1).astype(np.int64), item, np.ones(len(item)))
        return members, keys // count, keys % count

    def _at(self, name: str, group: int) -> str:
        return f"{name}:{self._periods[group % len(self._periods)]}"

    def _copy_name(self, copy: int) -> str:
        problem = self._datasets.problem
        return f"{problem.ids[problem.copy_dataset[copy]]}:copy{copy}"


def _satisfied(sets: Ints, members: Sequence[tuple[int, ...]]) -> Membership:
    count = np.array([len(members[s]) for s in sets.tolist()], dtype=np.int64)
    row = np.repeat(np.arange(len(sets)), count).astype(np.int64)
    column = np.array([m for s in sets.tolist() for m in members[s]], dtype=np.int64)
    return Membership(row, column, np.ones(len(row)))
