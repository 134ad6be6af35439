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

from typing import Any

import numpy as np

from formulations.accelerator_availability import add_pools, pool_blocks, rows_of_kind
from formulations.bulk import add_family, add_rows, block
from formulations.domains import Domain
from formulations.problem import Problem


def add_variables(model: Any, problem: Problem) -> None:
    """Add region_used for the regions with a fixed cost that something can use."""
    regions = problem.regions
    size = regions.fixed_usd.size
    usable = np.zeros(size, dtype=np.bool_)
    usable[problem.presence.region] = True
    usable[problem.datasets.copy_region] = True
    add_family(model, "region_used", np.flatnonzero(usable & (regions.fixed_usd > 0)), Domain.BINARY, size=size)


def add_local_constraints(model: Any, problem: Problem) -> None:
    """Add nothing: regions and their capacity are shared."""


def add_coupling_constraints(model: Any, problem: Problem) -> None:
    """Add in_use, copy_in_use, power_kw and work_rate."""
    fixed = problem.regions.fixed_usd > 0
    for name, family, region in (
        ("in_use", "present", problem.presence.region),
        ("copy_in_use", "copy", problem.datasets.copy_region),
    ):
        charged = np.flatnonzero(fixed[region])
        row = np.arange(charged.size)
        blocks = [block(model, family, row, charged, 1.0), block(model, "region_used", row, region[charged], -1.0)]
        add_rows(model, name, blocks, keys=charged, upper=np.zeros(charged.size))
    for name, kind in (("power_kw", "kw"), ("work_rate", "units_per_s")):
        kept = rows_of_kind(problem, kind)
        blocks = pool_blocks(model, problem, kept)
        add_pools(model, problem, name, kept, blocks=blocks, limit=problem.pools.limit[kept])
