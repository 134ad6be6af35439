"""Rows of services, regions in use and jobs, written by hand."""

from __future__ import annotations

import numpy as np

from benchmarks.hand_frame import Frame, numbers
from benchmarks.program import Floats

COUNTED_SHARE = 0.01
COVER_SLOTS = 20_000


class Workloads(Frame):
    """What workloads ask for, each on its own."""

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
        row, first = numbers(flows.stream[on], slots.region[flows.slot[on]], self.flow_period[on])
        head = on[first]
        count = np.arange(head.size)
        parts = [part("flow", row, on, 1.0), part("present", count, flow_presence[head], -self.flow_demand[head])]
        program.add_rows("present_flow", parts, head.size, upper=0.0)
        for name, family, own, most in (
            ("present_instances", "instances", self.serving, np.floor(slots.max_instances)),
            ("present_gangs", "gangs", slots.is_job, None),
        ):
            at = np.flatnonzero(own & (self.presence >= 0))
            row, first = numbers(self.presence[at], slots.period[at])
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
        row, first = numbers(job, slots.period[own])
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
        pair, _ = numbers(slots.workload[own], slots.offer[own])
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
        row, head = numbers(self.job[later], periods[later])
        of = self.job[later[head]]
        most = jobs.max_gangs[of].astype(np.float64)
        parts = [part("gangs", row, later, 1.0), part("done_first", np.arange(of.size), of, most)]
        program.add_rows("none_later", parts, of.size, upper=most)
