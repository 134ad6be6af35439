"""The formulation written straight into arrays, without Pyomo and without the modules of `formulations`.

Written from the mathematics in `docs/formulation.md` on the tables of `Problem`. It is the yardstick: the least that
building this model can cost in Python. Survival and jobs that move between regions are not covered: `NotCovered`.
"""

from __future__ import annotations

import numpy as np

from benchmarks.program import Floats, Ints, Program
from formulations.problem import Bools, Coefficients, Membership, Problem

COUNTED_SHARE = 0.01
COVER_SLOTS = 20_000


class NotCovered(Exception):
    """The instance uses a part of the formulation that is not written by hand."""


def build_by_hand(problem: Problem) -> Program:
    """Return the program of a problem. Raises NotCovered for survival and for jobs that move."""
    if problem.survival.workload.size:
        raise NotCovered("survival")
    if problem.moves.job.size:
        raise NotCovered("jobs that move between regions")
    return _Hand(problem).program


def _numbers(*labels: Ints) -> tuple[Ints, Ints]:
    """Number distinct tuples of labels; return the number of each and the first element with each number."""
    key = np.zeros(labels[0].shape, dtype=np.int64)
    for label in labels:
        key = key * (int(label.max(initial=0)) + 1) + label
    _, first, of = np.unique(key, return_index=True, return_inverse=True)
    return of, first


class _Hand:
    def __init__(self, problem: Problem) -> None:
        self.p = problem
        self.program = Program()
        slots, flows = problem.slots, problem.flows
        self.periods = problem.period_hours.size
        self.slot_count = slots.workload.size
        self.flow_period = slots.period[flows.slot]
        self.flow_demand = problem.services.demand_per_s[flows.stream, self.flow_period]
        self.serving = ~slots.is_job & ~slots.is_endpoint
        self.job_slots = np.flatnonzero(slots.is_job)
        of_workload = np.full(len(problem.workload_ids), -1, dtype=np.int64)
        of_workload[problem.jobs.workload] = np.arange(problem.jobs.workload.size)
        self.job = np.where(slots.is_job, of_workload[slots.workload], -1)
        self.presence = self._presence_of_slots()
        self._variables()
        self._services()
        self._regions()
        self._jobs()
        self._pools()
        self._data()
        self._mechanisms()
        self._budgets_and_shares()

    def _presence_of_slots(self) -> Ints:
        problem, regions = self.p, len(self.p.regions.ids)
        at = np.full(len(problem.workload_ids) * regions, -1, dtype=np.int64)
        at[problem.presence.workload * regions + problem.presence.region] = np.arange(problem.presence.workload.size)
        return at[problem.slots.workload * regions + problem.slots.region]

    def _priced(self, coefficients: Coefficients) -> Floats:
        return coefficients.spend_usd + self.p.carbon_price_usd_per_kg * coefficients.carbon_kg

    def _variables(self) -> None:
        p, add = self.p, self.program.add_family
        slots, jobs, size = p.slots, p.jobs, self.slot_count
        nothing = np.zeros(size)
        served = np.flatnonzero(self.serving)
        most = np.floor(slots.max_instances[served])
        add("instances", size, served, self._priced(slots.running), most, integer=True)
        every = np.arange(p.flows.stream.size)
        add("flow", every.size, every, self._priced(p.flows.serving), self.flow_demand)
        demand = p.services.demand_per_s.ravel()
        may = np.flatnonzero(np.repeat(p.services.may_be_unserved, self.periods) & (demand > 0))
        add("unserved", demand.size, may, p.services.unserved_usd.ravel(), demand[may])
        every = np.arange(p.presence.workload.size)
        add("present", every.size, every, np.zeros(every.size), 1.0, integer=True)
        own = self.job_slots
        gangs = jobs.max_gangs[self.job[own]].astype(np.float64)
        add("gangs", size, own, nothing, gangs, integer=True)
        self.full_hours = slots.usable_hours * slots.gang_instances
        alone = jobs.work_units[self.job[own]] / (3600.0 * slots.capacity_per_s[own])
        self.useful_hours = np.minimum(self.full_hours[own], alone)
        add("work_hours", size, own, self._priced(slots.working), self.useful_hours * gangs)
        may = np.flatnonzero(jobs.may_be_undone)
        add("undone", jobs.workload.size, may, jobs.undone_usd, jobs.work_units[may])
        self._choose_offers()
        add("chosen", size, np.unique(self.first_of_choice), nothing, 1.0)
        steady = own[~jobs.interruptible[self.job[own]]] if own.size else own
        self.steady = steady[self._in_several_periods(steady)]
        add("starts", size, self.steady, nothing, 1.0)
        late = own[slots.period[own] > jobs.first_period[self.job[own]]]
        self.prompt = np.unique(self.job[late][~jobs.deferrable[self.job[late]]])
        every = np.zeros(jobs.workload.size)
        add("done_first", every.size, self.prompt, every, 1.0, integer=True)
        data = p.datasets
        every = np.arange(data.copy_dataset.size)
        add("copy", every.size, every, self._priced(data.copying), 1.0, integer=True)
        spread = every[data.min_countries[data.copy_dataset] >= 2] if every.size else every
        self.spread = spread
        of, first = _numbers(data.copy_dataset[spread], p.regions.country[data.copy_region[spread]])
        self.country_of, self.country_first = of, spread[first]
        add("in_country", every.size, self.country_first, np.zeros(every.size), 1.0)
        every = np.arange(data.transfer_copy.size)
        add("transfer", every.size, every, self._priced(data.moving))
        every = np.arange(p.mechanisms.cost_usd.size)
        add("bought", every.size, every, p.mechanisms.cost_usd, 1.0, integer=True)
        usable = np.zeros(p.regions.fixed_usd.size, dtype=np.bool_)
        usable[p.presence.region] = True
        usable[data.copy_region] = True
        used = np.flatnonzero(usable & (p.regions.fixed_usd > 0))
        add("region_used", usable.size, used, p.regions.fixed_usd, 1.0, integer=True)

    def _in_several_periods(self, own: Ints) -> Bools:
        """Whether the job of each slot has slots (among these) in more than one period."""
        first, last = np.full(self.p.jobs.workload.size, self.periods), np.full(self.p.jobs.workload.size, -1)
        np.minimum.at(first, self.job[own], self.p.slots.period[own])
        np.maximum.at(last, self.job[own], self.p.slots.period[own])
        return (last > first)[self.job[own]]

    def _choose_offers(self) -> None:
        """Jobs of one gang, interruptible, with slots in several periods, keep to one offer."""
        p, own = self.p, self.job_slots
        if not own.size:
            self.choosing = self.first_of_choice = own
            return
        sticky = p.jobs.interruptible & ~p.jobs.may_move & (p.jobs.max_gangs == 1)
        self.choosing = own[sticky[self.job[own]] & self._in_several_periods(own)]
        of, first = _numbers(self.job[self.choosing], p.slots.offer[self.choosing])
        self.first_of_choice = self.choosing[first][of]

    def _services(self) -> None:
        p, program = self.p, self.program
        part, flows, slots = program.part, p.flows, p.slots
        demand = p.services.demand_per_s.ravel()
        every = np.arange(flows.stream.size)
        place = np.arange(demand.size)
        parts = [
            part("flow", flows.stream * self.periods + self.flow_period, every, (self.flow_demand > 0) * 1.0),
            part("unserved", place, place, 1.0),
        ]
        program.add_rows("demand", parts, demand.size, demand, demand)
        on = np.flatnonzero(self.serving[flows.slot])
        served = np.unique(flows.slot[on])
        wanted = np.bincount(flows.slot, weights=self.flow_demand, minlength=self.slot_count)
        useful = np.minimum(slots.capacity_per_s, wanted)
        parts = [
            part("flow", np.searchsorted(served, flows.slot[on]), on, 1.0),
            part("instances", np.arange(served.size), served, -useful[served]),
        ]
        program.add_rows("throughput", parts, served.size, upper=0.0)
        if self.slot_count <= COVER_SLOTS:
            self._cover(useful)

    def _cover(self, useful: Floats) -> None:
        """What all instances of a service hold, in parts of its demand: helps branch and bound, changes no plan."""
        p, part = self.p, self.program.part
        slots, flows, services = p.slots, p.flows, p.services
        total = np.zeros((len(p.workload_ids), self.periods))
        np.add.at(total, services.workload, services.demand_per_s)
        of_slot, of_flow = total[slots.workload, slots.period], total[slots.workload[flows.slot], self.flow_period]
        row = slots.workload * self.periods + slots.period
        held = np.flatnonzero(self.serving & (of_slot > 0))
        ends = np.flatnonzero(slots.is_endpoint[flows.slot] & (of_flow > 0))
        left_row = (services.workload[:, None] * self.periods + np.arange(self.periods)).ravel()
        left = np.flatnonzero(total.ravel()[left_row] > 0)
        parts = [
            part("instances", row[held], held, useful[held] / of_slot[held]),
            part("flow", row[flows.slot[ends]], ends, 1.0 / of_flow[ends]),
            part("unserved", left_row[left], left, 1.0 / total.ravel()[left_row[left]]),
        ]
        self.program.add_rows("cover", parts, total.size, lower=np.where(total.ravel() > 0, 1.0, -np.inf))

    def _regions(self) -> None:
        p, program = self.p, self.program
        part, flows, slots, presence = program.part, p.flows, p.slots, p.presence
        flow_presence = self.presence[flows.slot]
        on = np.flatnonzero(flow_presence >= 0)
        row, first = _numbers(flows.stream[on], slots.region[flows.slot[on]], self.flow_period[on])
        head = on[first]
        count = np.arange(head.size)
        parts = [part("flow", row, on, 1.0), part("present", count, flow_presence[head], -self.flow_demand[head])]
        program.add_rows("present_flow", parts, head.size, upper=0.0)
        for name, family, own, most in (
            ("present_instances", "instances", self.serving, np.floor(slots.max_instances)),
            ("present_gangs", "gangs", slots.is_job, None),
        ):
            at = np.flatnonzero(own & (self.presence >= 0))
            row, first = _numbers(self.presence[at], slots.period[at])
            head = at[first]
            if most is None:
                bound = p.jobs.max_gangs[self.job[head]].astype(np.float64) if head.size else np.zeros(0)
            else:
                bound = np.bincount(row, weights=most[at], minlength=head.size)
            count = np.arange(head.size)
            parts = [part(family, row, at, 1.0), part("present", count, self.presence[head], -bound)]
            program.add_rows(name, parts, head.size, upper=0.0)
        bounded = np.full(len(p.workload_ids), -1, dtype=np.int64)
        bounded[presence.bounded_workload] = np.arange(presence.bounded_workload.size)
        row = bounded[presence.workload]
        with_row = np.flatnonzero(row >= 0)
        possible = np.bincount(row[with_row], minlength=presence.bounded_workload.size)
        for name, kept, lower, upper in (
            ("most_regions", presence.max_regions < possible, -np.inf, presence.max_regions.astype(np.float64)),
            ("least_regions", presence.min_regions >= 2, presence.min_regions.astype(np.float64), np.inf),
        ):
            mine = with_row[kept[row[with_row]]]
            low = np.where(kept, lower, -np.inf)
            high = np.where(kept, upper, np.inf)
            program.add_rows(name, [part("present", row[mine], mine, 1.0)], kept.size, low, high)
        asks = np.zeros(len(p.workload_ids), dtype=np.bool_)
        asks[presence.bounded_workload[presence.min_regions >= 2]] = True
        backed = np.flatnonzero(asks[presence.workload])
        at = np.flatnonzero((self.presence >= 0) & asks[slots.workload])
        on = np.flatnonzero(
            (flow_presence >= 0)
            & asks[slots.workload[flows.slot]]
            & slots.is_endpoint[flows.slot]
            & (self.flow_demand > 0)
        )
        total = np.zeros(len(p.workload_ids))
        np.add.at(total, p.services.workload, p.services.demand_per_s.sum(axis=1))
        parts = [
            part("present", backed, backed, 1.0),
            part("instances", self.presence[at], at, -1.0),
            part("gangs", self.presence[at], at, -1.0),
            part("flow", flow_presence[on], on, -1.0 / (COUNTED_SHARE * total[slots.workload[flows.slot[on]]])),
        ]
        program.add_rows("present_backed", parts, presence.workload.size, upper=0.0)
        for name, family, region in (
            ("in_use", "present", presence.region),
            ("copy_in_use", "copy", p.datasets.copy_region),
        ):
            charged = np.flatnonzero(p.regions.fixed_usd[region] > 0)
            count = np.arange(charged.size)
            parts = [part(family, count, charged, 1.0), part("region_used", count, region[charged], -1.0)]
            program.add_rows(name, parts, charged.size, upper=0.0)

    def _jobs(self) -> None:
        p, program, own = self.p, self.program, self.job_slots
        if not own.size:
            return
        part, slots, jobs = program.part, p.slots, p.jobs
        job = self.job[own]
        every, count = np.arange(jobs.workload.size), np.arange(own.size)
        parts = [
            part("work_hours", job, own, 3600.0 * slots.capacity_per_s[own] / jobs.work_units[job]),
            part("undone", every, every, 1.0 / jobs.work_units),
        ]
        program.add_rows("work", parts, every.size, 1.0, 1.0)
        parts = [part("work_hours", count, own, 1.0), part("gangs", count, own, -self.useful_hours)]
        program.add_rows("hours_held", parts, own.size, upper=0.0)
        row, first = _numbers(job, slots.period[own])
        most = jobs.max_gangs[job[first]].astype(np.float64)
        program.add_rows("gangs_at_once", [part("gangs", row, own, 1.0)], first.size, upper=most)
        count = np.arange(self.choosing.size)
        parts = [part("gangs", count, self.choosing, 1.0), part("chosen", count, self.first_of_choice, -1.0)]
        program.add_rows("one_offer", parts, count.size, upper=0.0)
        heads = np.unique(self.first_of_choice)
        program.add_rows("chosen_once", [part("chosen", self.job[heads], heads, 1.0)], every.size, upper=1.0)
        self._runs()
        self._releases()

    def _runs(self) -> None:
        """Jobs that are not interruptible: one start, no idling inside."""
        p, program, own = self.p, self.program, self.steady
        part, slots, jobs = program.part, p.slots, p.jobs
        pair, _ = _numbers(slots.workload[own], slots.offer[own])
        grid = np.full((int(pair.max(initial=-1)) + 1, self.periods + 2), -1, dtype=np.int64)
        grid[pair, slots.period[own] + 1] = own
        before, after = grid[pair, slots.period[own]], grid[pair, slots.period[own] + 2]
        count, full = np.arange(own.size), self.full_hours[own]
        follows = np.flatnonzero(before >= 0)
        parts = [
            part("gangs", count, own, 1.0),
            part("gangs", follows, before[follows], -1.0),
            part("starts", count, own, -1.0),
        ]
        program.add_rows("start", parts, own.size, upper=0.0)
        program.add_rows("start_once", [part("starts", self.job[own], own, 1.0)], jobs.workload.size, upper=1.0)
        inner = np.flatnonzero((before >= 0) & (after >= 0))
        count = np.arange(inner.size)
        parts = [
            part("work_hours", count, own[inner], 1.0),
            part("gangs", count, before[inner], -full[inner]),
            part("gangs", count, after[inner], -full[inner]),
        ]
        program.add_rows("interior", parts, inner.size, lower=-full[inner])

    def _releases(self) -> None:
        """Jobs that may not be deferred: a gang's hours are worked in the first period, or none later."""
        p, program, jobs = self.p, self.program, self.p.jobs
        part, periods = program.part, p.slots.period
        own = self.job_slots[np.isin(self.job[self.job_slots], self.prompt)]
        is_first = periods[own] == jobs.first_period[self.job[own]]
        first, later = own[is_first], own[~is_first]
        parts = [
            part("work_hours", self.job[first], first, 1.0 / self.full_hours[first]),
            part("done_first", self.prompt, self.prompt, 1.0),
        ]
        asked = np.full(jobs.workload.size, -np.inf)
        asked[self.prompt] = 1.0
        program.add_rows("at_release", parts, jobs.workload.size, lower=asked)
        row, head = _numbers(self.job[later], periods[later])
        of = self.job[later[head]]
        most = jobs.max_gangs[of].astype(np.float64)
        parts = [part("gangs", row, later, 1.0), part("done_first", np.arange(of.size), of, most)]
        program.add_rows("none_later", parts, of.size, upper=most)

    def _pools(self) -> None:
        p, program = self.p, self.program
        pools, held = p.pools, p.pools.by_instances
        part = program.part
        parts = [
            part("instances", held.row, held.column, held.weight),
            part("gangs", held.row, held.column, held.weight * p.slots.gang_instances[held.column]),
            part("flow", pools.by_flow.row, pools.by_flow.column, pools.by_flow.weight),
        ]
        program.add_rows("pools", parts, pools.limit.size, upper=self._whole_nodes(parts))

    def _whole_nodes(self, parts: list) -> Floats:
        """Round device pools down to a multiple of what their instances take at a time."""
        pools = self.p.pools
        row = np.concatenate([one.row for one in parts[:2]])
        weight = np.concatenate([one.weight for one in parts[:2]])
        whole = np.array([kind == "devices" for kind in pools.kind] or np.ones(pools.limit.size, dtype=np.bool_))
        whole[row[weight != np.floor(weight)]] = False
        whole[parts[2].row] = False
        unit = np.zeros(pools.limit.size, dtype=np.int64)
        kept = whole[row]
        np.gcd.at(unit, row[kept], weight[kept].astype(np.int64))
        step = np.maximum(unit, 1)
        return np.where(unit > 0, np.floor(pools.limit / step + 1e-9) * step, pools.limit)

    def _data(self) -> None:
        p, program = self.p, self.program
        data, part = p.datasets, program.part
        regions = max(len(p.regions.ids), 1)
        moved = data.copy_dataset[data.transfer_copy] * regions + data.transfer_region
        read = data.read_dataset * regions + data.read_region
        pairs = np.unique(np.concatenate([moved, read]))
        of_moved, of_read = np.searchsorted(pairs, moved), np.searchsorted(pairs, read)
        flow, work = data.read_by_flow, data.read_by_work
        every = np.arange(moved.size)
        parts = [
            part("transfer", of_moved, every, 1.0),
            part("flow", of_read[flow.row], flow.column, -flow.weight),
            part("work_hours", of_read[work.row], work.column, -work.weight),
        ]
        program.add_rows("read", parts, pairs.size, 0.0, 0.0)
        most = self._most_read(pairs, of_read, regions)[of_moved]
        parts = [part("transfer", every, every, 1.0), part("copy", every, data.transfer_copy, -most)]
        program.add_rows("transfer_limit", parts, every.size, upper=0.0)
        program.add_rows(
            "duty", [part("copy", data.duty.row, data.duty.column, data.duty.weight)], data.duty_copies.size,
            lower=data.duty_copies.astype(np.float64),
        )  # fmt: skip
        first, every = self.country_first, np.arange(self.country_first.size)
        parts = [part("in_country", every, first, 1.0), part("copy", self.country_of, self.spread, -1.0)]
        program.add_rows("country_backed", parts, every.size, upper=0.0)
        parts = [part("in_country", data.copy_dataset[first], first, 1.0)]
        least = np.where(data.min_countries >= 2, data.min_countries, -np.inf)
        program.add_rows("least_countries", parts, data.min_countries.size, lower=least)

    def _most_read(self, pairs: Ints, of_read: Ints, regions: int) -> Floats:
        """Return the most GB that all demand and work can read of each (dataset, region)."""
        p, data = self.p, self.p.datasets
        most = np.zeros(pairs.size)
        flow, work = data.read_by_flow, data.read_by_work
        of, first = _numbers(of_read[flow.row], p.flows.stream[flow.column], self.flow_period[flow.column])
        heaviest = np.zeros(first.size)
        np.maximum.at(heaviest, of, flow.weight)
        np.add.at(most, of_read[flow.row[first]], heaviest * self.flow_demand[flow.column[first]])
        if work.row.size:
            of, first = _numbers(of_read[work.row], self.job[work.column])
            heaviest = np.zeros(first.size)
            np.maximum.at(heaviest, of, work.weight / (3600.0 * p.slots.capacity_per_s[work.column]))
            units = p.jobs.work_units[self.job[work.column[first]]]
            np.add.at(most, of_read[work.row[first]], heaviest * units)
        return np.minimum(most, data.max_gb[pairs // regions])

    def _mechanisms(self) -> None:
        law, part = self.p.mechanisms, self.program.part
        parts = [
            part("flow", law.by_flow.row, law.by_flow.column, law.by_flow.weight),
            part("gangs", law.by_gang.row, law.by_gang.column, law.by_gang.weight),
            part("copy", law.by_copy.row, law.by_copy.column, law.by_copy.weight),
            part("bought", law.satisfied_by.row, law.satisfied_by.column, -law.bound[law.satisfied_by.row]),
        ]
        self.program.add_rows("requirement", parts, law.bound.size, upper=0.0)

    def _budgets_and_shares(self) -> None:
        p, program = self.p, self.program
        budgets, shares, part = p.budgets, p.shares, program.part
        flows_by_slot = np.argsort(p.flows.slot, kind="stable")
        starts = np.searchsorted(p.flows.slot[flows_by_slot], np.arange(self.slot_count + 1))

        def slot_parts(members: Membership, metrics: tuple[str, ...], weight: Floats) -> list:
            parts = []
            for metric in set(metrics):
                mine = np.array([name == metric for name in metrics])[members.row]
                row, slot, w = members.row[mine], members.column[mine], weight[mine]
                parts.append(part("instances", row, slot, w * getattr(p.slots.running, metric)[slot]))
                parts.append(part("work_hours", row, slot, w * getattr(p.slots.working, metric)[slot]))
                count = starts[slot + 1] - starts[slot]
                within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
                flow = flows_by_slot[np.repeat(starts[slot], count) + within]
                worth = np.repeat(w, count) * getattr(p.flows.serving, metric)[flow]
                parts.append(part("flow", np.repeat(row, count), flow, worth))
            return parts

        parts = slot_parts(budgets.slots, budgets.metric, budgets.slots.weight)
        for family, members, coefficients in (
            ("copy", budgets.copies, p.datasets.copying),
            ("transfer", budgets.transfers, p.datasets.moving),
        ):
            for metric in set(budgets.metric):
                mine = np.array([name == metric for name in budgets.metric])[members.row]
                row, column = members.row[mine], members.column[mine]
                parts.append(part(family, row, column, members.weight[mine] * getattr(coefficients, metric)[column]))
        on_money = np.array([name == "spend_usd" for name in budgets.metric], dtype=np.bool_)
        for budget in np.flatnonzero(budgets.whole & on_money):
            for family, cost in (("bought", p.mechanisms.cost_usd), ("region_used", p.regions.fixed_usd)):
                parts.append(part(family, np.full(cost.size, budget), np.arange(cost.size), cost))
        program.add_rows("budget", parts, budgets.limit.size, upper=budgets.limit)
        size, slots = len(shares.ids), self.slot_count
        for name, bound, sign in (("share_upper", shares.upper, 1.0), ("share_lower", shares.lower, -1.0)):
            active = bound < 1.0 if sign > 0 else bound > 0.0
            key = np.concatenate(
                [shares.part.row * slots + shares.part.column, shares.all.row * slots + shares.all.column]
            )
            worth = np.concatenate([shares.part.weight, -bound[shares.all.row] * shares.all.weight])
            keys, of = np.unique(key, return_inverse=True)
            weight = sign * np.bincount(of, weights=worth, minlength=keys.size)
            members = Membership(keys // max(slots, 1), keys % max(slots, 1), weight)
            weight = np.where(active[members.row], members.weight, 0.0) if keys.size else weight
            program.add_rows(name, slot_parts(members, shares.measure, weight), size, upper=0.0)
