r"""What jobs of one period cost at given prices, in closed form over all options at once.

At prices of the master's rows a job of W work units over slots i is: minimise sum_i q[i] b[i] + r[i] H[i] subject to
sum_i 3600 K[i] H[i] = W, H[i] <= h[i] k[i] b[i], sum_i b[i] <= M, b whole.

    lower bound   W min_i (r[i] + q[i] / F[i]) / (3600 K[i]),  F[i] = min(h[i] k[i], W / (3600 K[i])): the relaxation
    upper bound   the best single slot with as many gangs as its hours need
    regret        of one gang on i: q[i] + F[i] min(0, r[i] - 3600 K[i] (lower bound / W))
    dominance     a gang on i stands in for one on i' where it costs no more, does no less work in all (3600 K[i] F[i])
                  and no unit of it dearer (r[i] / (3600 K[i]))
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations import Problem
from optimizer.solve.decomposition.configuration_rows import as_rows
from optimizer.solve.decomposition.service_bounds import Estimate, columns_by_key
from optimizer.solve.decomposition.slot_pairs import least_of
from optimizer.solve.matrix import Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class JobBounds:
    """Closed-form estimates for jobs; right for problems of one period."""

    def __init__(self, problem: Problem, matrix: Matrix) -> None:
        slots, jobs = problem.slots, problem.jobs
        self.workloads = len(problem.workload_ids)
        self.slots, self.columns = slots.workload.size, matrix.cost.size
        job_of = np.full(self.workloads, -1, dtype=np.int64)
        job_of[jobs.workload] = np.arange(jobs.workload.size)
        self.own = np.flatnonzero(slots.is_job)
        self.workload = slots.workload[self.own]
        job = job_of[self.workload]
        work = jobs.work_units[job]
        self.speed = 3600.0 * slots.capacity_per_s[self.own]
        self.hours = work / self.speed
        held = slots.usable_hours[self.own] * slots.gang_instances[self.own]
        self.useful = np.minimum(held, self.hours)
        self.gangs = np.maximum(np.ceil(self.hours / held - 1e-9), 1.0)
        self.most_gangs = jobs.max_gangs[job].astype(np.float64)
        self.fits = self.gangs <= self.most_gangs
        self.work = work
        self.job_workloads = jobs.workload
        self.column_of_gangs = columns_by_key(matrix, "gangs", self.slots)[self.own]
        self.column_of_hours = columns_by_key(matrix, "work_hours", self.slots)[self.own]
        self.place = np.full(self.slots, -1, dtype=np.int64)
        self.place[self.own] = np.arange(self.own.size)

    def estimate(self, reduced_cost: Floats) -> tuple[Estimate, Floats, Ints]:
        """Return the estimate at the reduced costs of all columns; by workload what its best single slot costs (inf:
        none fits) and the position of that slot in `own` (-1).
        """
        gang, hour = reduced_cost[self.column_of_gangs], reduced_cost[self.column_of_hours]
        paid, gained = np.maximum(gang, 0.0), np.minimum(gang, 0.0)
        unit = (hour + paid / self.useful) / self.speed
        least = np.full(self.workloads, np.inf)
        np.minimum.at(least, self.workload, unit)
        work = np.zeros(self.workloads)
        work[self.workload] = self.work
        has = np.isfinite(least)
        lower = np.where(has, work * np.where(has, least, 0.0), 0.0)
        lower[self.job_workloads[~has[self.job_workloads]]] = np.inf
        if gained.any():  # never more gangs at once than a job may have
            most_gained = np.zeros(self.workloads)
            np.minimum.at(most_gained, self.workload, gained * self.most_gangs)
            lower = lower + most_gained
        cost = np.where(self.fits, gang * self.gangs + hour * self.hours, np.inf)
        upper, best = least_of(cost, self.workload, self.workloads)

        def regret() -> Floats:
            usd = np.zeros(self.slots)
            price = np.where(has, least, 0.0)[self.workload]
            usd[self.own] = paid + self.useful * np.minimum(0.0, hour - self.speed * price)
            return usd

        none = np.zeros(0)
        return Estimate(lower, none, none, regret), upper, best

    def dominated(self, slots: Ints, reduced_cost: Floats, alike: Ints) -> Bools:
        """Return which of a job's slots another can replace at no higher cost, gang by gang, so that the count of gangs
        stays.

        `alike` labels what a slot asks for besides (0: nothing): a slot replaces those of its own label, one that asks
        for nothing all. Of equal slots the first is kept.
        """
        place = self.place[slots]
        gang = reduced_cost[self.column_of_gangs[place]]
        unit = reduced_cost[self.column_of_hours[place]] / self.speed[place]
        most = self.speed[place] * self.useful[place]
        gone = _beaten_at_most(gang, unit, most, alike)
        order = np.lexsort((-most, unit, gang))
        order = order[~gone[order]]
        kept = order[:0]
        for one in order.tolist():  # what replaces a slot comes before it, and is itself kept or replaced
            wins = (unit[kept] <= unit[one]) & (most[kept] >= most[one])
            wins &= (alike[kept] == 0) | (alike[kept] == alike[one])
            gone[one] = wins.any()
            if not gone[one]:
                kept = np.append(kept, one)
        return gone

    def configurations(self, positions: Ints) -> sparse.csr_array:
        """Return jobs done on one slot each, by its position in `own`: shape [positions, columns of the model]."""
        every = np.arange(positions.size)
        gangs = (every, self.column_of_gangs[positions], self.gangs[positions])
        return as_rows(
            [gangs, (every, self.column_of_hours[positions], self.hours[positions])], positions.size, self.columns
        )


def _beaten_at_most(gang: Floats, unit: Floats, most: Floats, alike: Ints) -> Bools:
    """Return which slots are dearer by unit than one that is no dearer by gang, does as much as any and asks for
    nothing: most of those that any other replaces.
    """
    best = np.flatnonzero((most >= most.max(initial=0.0)) & (alike == 0))
    best = best[np.argsort(gang[best], kind="stable")]
    least = np.append(np.minimum.accumulate(unit[best]), np.inf)
    return np.asarray(least[np.searchsorted(gang[best], gang, side="right") - 1] < unit)
