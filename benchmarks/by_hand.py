"""The formulation written straight into arrays, without Pyomo and without the modules of `formulations`.

Written from the mathematics in `docs/formulation.md` on the tables of `Problem`. It is the yardstick: the least that
building this model can cost in Python. Survival and jobs that move between regions are not covered: `NotCovered`.
"""

from __future__ import annotations

import numpy as np

from benchmarks.hand_frame import numbers
from benchmarks.hand_workloads import Workloads
from benchmarks.program import Floats, Ints, Program
from formulations.problem import Membership, Problem


class NotCovered(Exception):
    """The instance uses a part of the formulation that is not written by hand."""


def build_by_hand(problem: Problem) -> Program:
    """Return the program of a problem. Raises NotCovered for survival and for jobs that move."""
    if problem.survival.workload.size:
        raise NotCovered("survival")
    if problem.moves.job.size:
        raise NotCovered("jobs that move between regions")
    return _Hand(problem).program


class _Hand(Workloads):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._services()
        self._regions()
        self._jobs()
        self._pools()
        self._data()
        self._mechanisms()
        self._budgets_and_shares()

    def _pools(self) -> None:
        p, program = self.p, self.program
        pools, held = p.pools, p.pools.by_instances
        part = program.part
        parts = [
            part("instances", held.row, held.column, held.weight),
            part("gangs", held.row, held.column, held.weight * p.slots.gang_instances[held.column]),
            part("flow", pools.by_flow.row, pools.by_flow.column, pools.by_flow.weight),
        ]
        limit, region = self._whole_nodes(parts), self._region_of_pools()
        opens = np.flatnonzero(region >= 0)
        parts.append(part("region_used", opens, region[opens], -limit[opens]))
        program.add_rows("pools", parts, pools.limit.size, upper=np.where(region >= 0, 0.0, limit))

    def _region_of_pools(self) -> Ints:
        """Return the one region with a fixed cost that a pool opens with; -1: none, or nothing ever fills the pool."""
        p, slots, held, flowing = self.p, self.p.slots, self.p.pools.by_instances, self.p.pools.by_flow
        upper = np.floor(slots.max_instances) * self.serving
        own = self.job_slots
        upper[own] = p.jobs.max_gangs[self.job[own]] * slots.gang_instances[own]
        size = p.pools.limit.size
        row, slot = np.append(held.row, flowing.row), np.append(held.column, p.flows.slot[flowing.column])
        most = np.zeros(size)
        np.add.at(most, held.row, held.weight * upper[held.column])
        np.add.at(most, flowing.row, flowing.weight * self.flow_demand[flowing.column])
        touched = np.zeros((size, len(p.regions.ids)), dtype=np.bool_)
        touched[row, slots.region[slot]] = True
        opens = (touched.sum(axis=1) == 1) & (most > p.pools.limit)
        opens[row[p.regions.fixed_usd[slots.region[slot]] <= 0]] = False
        return np.where(opens, touched.argmax(axis=1), -1)

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
        flow, gang, bound = data.owed_by_flow, data.owed_by_gang, np.zeros(data.duty_copies.size)
        bound[: data.owed_bound.size] = data.owed_bound
        parts = [
            part("flow", flow.row, flow.column, flow.weight),
            part("gangs", gang.row, gang.column, gang.weight),
            part("copy", data.duty.row, data.duty.column, -bound[data.duty.row]),
        ]
        program.add_rows("owed", parts, bound.size, upper=0.0)
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
        of, first = numbers(of_read[flow.row], p.flows.stream[flow.column], self.flow_period[flow.column])
        heaviest = np.zeros(first.size)
        np.maximum.at(heaviest, of, flow.weight)
        np.add.at(most, of_read[flow.row[first]], heaviest * self.flow_demand[flow.column[first]])
        if work.row.size:
            of, first = numbers(of_read[work.row], self.job[work.column])
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
                parts.append(part("instances", row, slot, w * p.slots.running.of(metric)[slot]))
                parts.append(part("work_hours", row, slot, w * p.slots.working.of(metric)[slot]))
                count = starts[slot + 1] - starts[slot]
                within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
                flow = flows_by_slot[np.repeat(starts[slot], count) + within]
                worth = np.repeat(w, count) * p.flows.serving.of(metric)[flow]
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
                parts.append(part(family, row, column, members.weight[mine] * coefficients.of(metric)[column]))
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
