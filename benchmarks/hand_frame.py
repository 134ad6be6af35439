"""Variables of the formulation written by hand, and the places its rows need."""

from __future__ import annotations

import numpy as np

from benchmarks.program import Floats, Ints, Program
from formulations.problem import Bools, Coefficients, Problem


def numbers(*labels: Ints) -> tuple[Ints, Ints]:
    """Number distinct tuples of labels; return the number of each and the first element with each number."""
    key = np.zeros(labels[0].shape, dtype=np.int64)
    for label in labels:
        key = key * (int(label.max(initial=0)) + 1) + label
    _, first, of = np.unique(key, return_index=True, return_inverse=True)
    return of, first


class Frame:
    """Where every slot, flow and job stands, and the variables of the program."""

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
        of, first = numbers(data.copy_dataset[spread], p.regions.country[data.copy_region[spread]])
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
        of, first = numbers(self.job[self.choosing], p.slots.offer[self.choosing])
        self.first_of_choice = self.choosing[first][of]
