"""What a plan gives to whom, as arrays over the slots of the compiled problem, and who uses most of what is full."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Problem
from optimizer.explain.full import is_full, least_draws
from optimizer.plan.models import Plan
from optimizer.plan.start import slots_of_rows

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

@dataclass(frozen=True, eq=False)
class Base:
    """A plan by slot: `instances` that run there (of a job, those of its gangs), and whether it is used at all."""

    plan: Plan
    instances: Floats
    is_used: Bools

    @classmethod
    def of(cls, compiled: Compiled, plan: Plan) -> Base:
        """Read a plan; what the compiled instance does not have is left out."""
        size = compiled.problem.slots.workload.size
        slot = slots_of_rows(compiled, plan.placements)
        there = slot >= 0
        held = np.array([row.instances for row in plan.placements])[there]
        instances = np.rint(np.bincount(slot[there], weights=held, minlength=size))
        return cls(plan, instances, np.isin(np.arange(size), slot))

    @property
    def used(self) -> Ints:
        """The slots that the plan uses."""
        return np.flatnonzero(self.is_used)

    def users_of_what_is_full(self, problem: Problem) -> list[int]:
        """Return the workloads that draw on quotas and budgets without room, those that draw most first."""
        share = np.zeros(len(problem.workload_ids))
        least = least_draws(problem)
        full = {one.id for one in self.plan.quotas if is_full(one.slack, one.limit, least.get(one.id, 0.0))}
        pools, slots = problem.pools, problem.slots
        rows = np.isin(pools.by_instances.row, [k for k, name in enumerate(pools.ids) if name in full])
        row, column = pools.by_instances.row[rows], pools.by_instances.column[rows]
        drawn = pools.by_instances.weight[rows] * self.instances[column] / pools.limit[row]
        np.add.at(share, slots.workload[column], drawn)
        tight = {budget.id for budget in self.plan.budgets if is_full(budget.slack, budget.limit)}
        for k, name in enumerate(problem.budgets.ids):
            if name in tight and problem.budgets.limit[k] > 0:
                of_metric = slots.running.of(problem.budgets.metric[k]) * self.instances
                np.add.at(share, slots.workload, of_metric / problem.budgets.limit[k])
        order = np.argsort(-share, kind="stable")
        return [int(w) for w in order if share[w] > 0]
