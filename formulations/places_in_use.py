r"""How many places are in use: at most so many, at least so many, at a price for each.

Sets: rules π, places z of a rule (regions, metros, countries or providers that its workloads could use), presences
p = (w, r) of the workloads that a rule selects, each in one place z(p) of the rule.

Parameters: L[π], U[π] least and most places in use · price[z] USD for one in use.

Variable:
    place_used  q[z] binary     the place is in use

Constraints (coupling):
    place_in_use[p,z]   a[p] <= q[z]                what is present uses the place
    place_backed[z]     q[z] <= sum_{p in z} a[p]   where L[π] > 0: a place counts only if something is present
    most_places[π]      sum_{z of π} q[z] <= U[π]
    least_places[π]     sum_{z of π} q[z] >= L[π]

Where L[π] > 0 the presences are backed (`present_backed`): an instance or gang is kept, or endpoints serve 1 % of the
workload's demand. Exactly p sites (L = U = p), capacities as pools and one site per customer (U[w] = 1) make a
capacitated p-median.
"""

from __future__ import annotations

from formulations.algebra import Model
from formulations.domains import Domain
from formulations.indexing import every
from formulations.problem import Problem


def add_variables(model: Model, problem: Problem) -> None:
    """Add place_used."""
    model.add_family("place_used", every(len(problem.places.place_ids)), Domain.BINARY)


def add_local_constraints(model: Model, problem: Problem) -> None:
    """Add nothing: places are shared."""


def add_coupling_constraints(model: Model, problem: Problem) -> None:
    """Add place_in_use, place_backed, most_places and least_places."""
    a, q = model.vars("present", "place_used")
    places = problem.places
    p, z, π = places.use_presence, places.use_place, places.place_rule
    L, U = places.least, places.most
    model.add("place_in_use", every(p.size), a[p] <= q[z])
    model.add("place_backed", L[π] > 0, q <= a[p].sum(by=z))
    model.add("most_places", every(U.size), q.sum(by=π) <= U)
    model.add("least_places", L > 0, q.sum(by=π) >= L)
