"""Two tables of one's own with their families, as a contributor would add them; no module of the product knows of them.

    kept          k[x] integer >= 0                  instances kept in reserve by a service, one per row of Reserves
    reserve       sum_{i in x} n[i] >= k[x]          local
    reserve_least k[x] >= least[x]                   local
    licence       sum_i w n[i] + sum_q w f[q] <= L   coupling, one per row of Licences
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from formulations.bulk import add_family, add_rows, block
from formulations.columns import Floats, Ints, Membership, Strings, index, members, names, numbers, table
from formulations.domains import Domain
from formulations.families import COUPLING, LIMIT, LOCAL, NEED, Rows, Variables, registered
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
    every = np.arange(problem.reserves.least.size)
    add_family(model, "kept", every, Domain.WHOLE, size=every.size, upper=np.full(every.size, 100.0))


def add_local_constraints(model, problem):
    reserves = problem.reserves
    every = np.arange(reserves.least.size)
    kept = block(model, "kept", every, every, -1.0)
    held = block(model, "instances", reserves.slots.row, reserves.slots.column, reserves.slots.weight)
    add_rows(model, "reserve", [held, kept], keys=every, lower=np.zeros(every.size))
    add_rows(model, "reserve_least", [block(model, "kept", every, every, 1.0)], keys=every, lower=reserves.least)


def add_coupling_constraints(model, problem):
    licences = problem.licences
    blocks = [
        block(model, family, part.row, part.column, part.weight)
        for family, part in (("instances", licences.by_instances), ("flow", licences.by_flow))
    ]
    add_rows(model, "licence", blocks, keys=np.arange(licences.limit.size), upper=licences.limit)


VARIABLES = (
    Variables("kept", "k[x]", ("reserve",), "rows of reserves", "integer", "instances kept in reserve", "own_tables"),
)
ROWS = (
    Rows("reserve", LOCAL, ("reserve",), "Σ n[i] ≥ k[x]", "own_tables"),
    Rows("reserve_least", LOCAL, ("reserve",), "k[x] ≥ R[x]", "own_tables", gives=NEED),
    Rows("licence", COUPLING, ("licence",), "Σ w n[i] + Σ w f[q] ≤ L[x]", "own_tables", gives=LIMIT, rises=True),
)


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
