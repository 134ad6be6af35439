"""Two tables of one's own with their families, as a contributor would add them; no module of the product knows of them.

    kept          k[x] integer >= 0                  instances kept in reserve by a service, one per row of Reserves
    reserve       sum_{i in x} n[i] >= k[x]          local
    reserve_least k[x] >= least[x]                   local
    licence       sum_i w n[i] + sum_q w f[q] <= L   coupling, one per row of Licences
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from formulations.columns import Floats, Ints, Membership, Strings, index, members, names, numbers, table
from formulations.domains import Domain
from formulations.families import COUPLING, LIMIT, LOCAL, NEED, Rows, Variable, registered
from formulations.indexing import every
from formulations.problem import Problem


@dataclass(frozen=True)
class Reserves:
    """Services that keep instances in reserve."""

    ids: Strings = names("reserve", rule="policy")
    workload: Ints = index("reserve", "workload", "the service")
    least: Floats = numbers("reserve", "R[x]", "least instances kept", "instances", least=0.0)
    slots: Membership = members("reserve", "slot", "the slots that count")


@dataclass(frozen=True)
class Licences:
    """Licences that instances and what they serve draw on."""

    ids: Strings = names("licence", rule="quota")
    limit: Floats = numbers("licence", "L[x]", "limit of a licence", "licences")
    by_instances: Membership = members("licence", "slot", "what an instance draws")
    by_flow: Membership = members("licence", "flow", "what a unit/s draws", counted_in={"workload": -1})


@dataclass(frozen=True)
class OwnProblem(Problem):
    """A problem with both tables. Reserves say nothing of streams; licences add up what all of them draw."""

    reserves: Reserves = table(Reserves)
    licences: Licences = table(Licences, in_proportion=True)


def add_variables(model, problem):
    model.add_family("kept", every(problem.reserves.least.size), Domain.WHOLE, upper=100.0)


def add_local_constraints(model, problem):
    n, k = model.vars("instances", "kept")
    reserves, rows = problem.reserves, every(problem.reserves.least.size)
    model.add("reserve", rows, reserves.slots @ n >= k)
    model.add("reserve_least", rows, k >= reserves.least)


def add_coupling_constraints(model, problem):
    n, f = model.vars("instances", "flow")
    licences = problem.licences
    drawn = licences.by_instances @ n + licences.by_flow @ f
    model.add("licence", every(licences.limit.size), drawn <= licences.limit)


VARIABLES = {
    "kept": Variable("k[x]", "reserve", "integer", "instances kept in reserve", "rows of reserves", "own_tables"),
}
ROWS = {
    "reserve": Rows(LOCAL, "reserve", "Σ n[i] ≥ k[x]", "what is kept runs", "own_tables"),
    "reserve_least": Rows(LOCAL, "reserve", "k[x] ≥ R[x]", "so many are kept", "own_tables", gives=NEED),
    "licence": Rows(
        COUPLING, "licence", "Σ w n[i] + Σ w f[q] ≤ L[x]", "a licence", "own_tables", gives=LIMIT, rises=True
    ),
}


def own_families():
    """Return the context in which the model has these families."""
    import own_tables

    return registered(own_tables, variables=VARIABLES, rows=ROWS)


def member(entries):
    """Return a membership of (row, column, weight)."""
    row, column, weight = zip(*entries, strict=True) if entries else ((), (), ())
    return Membership(
        np.array(row, dtype=np.int64), np.array(column, dtype=np.int64), np.array(weight, dtype=np.float64)
    )


def with_own(problem, *, reserves=(), licences=()):
    """Return the problem with reserves (workload, least, slots) and licences (limit, by slot, by flow: weights)."""
    slots = [(x, slot, 1.0) for x, (_, _, own) in enumerate(reserves) for slot in own]
    by_instances = [(x, slot, w) for x, (_, own, _) in enumerate(licences) for slot, w in own.items()]
    by_flow = [(x, flow, w) for x, (_, _, own) in enumerate(licences) for flow, w in own.items()]
    return OwnProblem(
        **{part.name: getattr(problem, part.name) for part in fields(problem)},
        reserves=Reserves(
            ids=tuple(f"reserve{x}" for x in range(len(reserves))),
            workload=np.array([w for w, _, _ in reserves], dtype=np.int64),
            least=np.array([least for _, least, _ in reserves], dtype=np.float64),
            slots=member(slots),
        ),
        licences=Licences(
            ids=tuple(f"licence{x}" for x in range(len(licences))),
            limit=np.array([limit for limit, _, _ in licences], dtype=np.float64),
            by_instances=member(by_instances),
            by_flow=member(by_flow),
        ),
    )
