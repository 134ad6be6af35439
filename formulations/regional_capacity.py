r"""Regional capacity: regions in use, power per region, and the work rate of endpoints.

Sets: regions r with a fixed cost, presences p = (w, r), copies c = (dataset, r), pools κ (each a (pool, period)).

Parameters: Q[κ] kW, or units/s · p[κ,i] kW of one instance · ω[κ,q] units/s of the pool taken by one unit/s of flow.

Variable:
    region_used  s[r] binary     something is placed in r; only where a fixed cost is charged for it

Constraints (coupling):
    in_use[p]          a[w,r] <= s[r]
    copy_in_use[c]     d[c] <= s[r(c)]                                           a stored copy uses the region, too
    power_kw[κ]        sum_i p[κ,i] n[i] + sum_i p[κ,i] k[i] b[i] <= Q[κ] s[κ]   kW
    work_rate[κ]       sum_q ω[κ,q] f[q] <= Q[κ] s[κ]                            units/s

s[κ] is s[r] for a pool within one region r with a fixed cost, and 1 for every other (see accelerator_availability).
"""

from __future__ import annotations

import numpy as np

from formulations.accelerator_availability import draws_and_openings, rows_of_kind
from formulations.algebra import Model
from formulations.domains import Domain
from formulations.problem import Problem


def add_variables(model: Model, problem: Problem) -> None:
    """Add region_used for the regions with a fixed cost that something can use."""
    fixed = problem.regions.fixed_usd
    usable = np.zeros(fixed.size, dtype=np.bool_)
    usable[problem.presence.region] = True
    usable[problem.datasets.copy_region] = True
    model.add_family("region_used", usable & (fixed > 0), Domain.BINARY)


def add_local_constraints(model: Model, problem: Problem) -> None:
    """Add nothing: regions and their capacity are shared."""


def add_coupling_constraints(model: Model, problem: Problem) -> None:
    """Add in_use, copy_in_use, power_kw and work_rate."""
    a, d, s = model.vars("present", "copy", "region_used")
    charged, r = problem.regions.fixed_usd > 0, problem.presence.region
    model.add("in_use", charged[r], a <= s[r])
    r = problem.datasets.copy_region
    model.add("copy_in_use", charged[r], d <= s[r])
    Q, draws, s = problem.pools.limit, *draws_and_openings(model, problem)
    model.add("power_kw", rows_of_kind(problem, "kw"), draws <= Q * s)
    model.add("work_rate", rows_of_kind(problem, "units_per_s"), draws <= Q * s)
