r"""Data localization: what the law asks for before data may be served, worked on or kept somewhere.

What the law forbids outright never becomes a variable. What it allows on conditions becomes a row here.

Sets: mechanisms m, each with the key of its charge scope · requirements ρ, with admissible mechanisms M(ρ) · duties y,
with the copies C(y) that fulfil them.

Parameters: B[ρ] the most the activities of ρ can add up to (units/s, gangs, copies: the weights make them
commensurable), B[y] those that owe a duty · β weights · c[y] copies that a duty asks for.

Variable:
    bought  z[m] binary       the mechanism is in force for its key

Constraints:
    requirement[ρ]           sum_q β f[q] + sum_i β b[i] + sum_c β d[c] <= B[ρ] sum_{m in M(ρ)} z[m]        coupling
                             one of the mechanisms suffices; several laws are several rows
    duty[y]                  sum_{c in C(y)} d[c] >= c[y]                              local to one dataset
                             a copy in the country, the primary copy there, the least number of copies
    owed[y]                  sum_q β f[q] + sum_i β b[i] <= B[y] sum_{c in C(y)} d[c]                       coupling
                             a copy of what a workload keeps, owed once any of it is served or worked on
    failover_requirement[ρ]  the same rows for failure flows: see `formulations.survival`
"""

from __future__ import annotations

import numpy as np

from formulations.algebra import Model
from formulations.domains import Domain
from formulations.indexing import every
from formulations.problem import Problem


def add_variables(model: Model, problem: Problem) -> None:
    """Add bought."""
    model.add_family("bought", every(problem.mechanisms.cost_usd.size), Domain.BINARY)


def add_local_constraints(model: Model, problem: Problem) -> None:
    """Add the duties, which concern one dataset each."""
    (d,) = model.vars("copy")
    C, c = problem.datasets.duty, problem.datasets.duty_copies
    model.add("duty", c > 0, C @ d >= c)


def add_coupling_constraints(model: Model, problem: Problem) -> None:
    """Add the requirements, whose mechanisms are shared by all that need them, and the copies that activities owe."""
    f, b, d, z = model.vars("flow", "gangs", "copy", "bought")
    datasets, mechanisms = problem.datasets, problem.mechanisms
    B = np.pad(datasets.owed_bound, (0, datasets.duty_copies.size - datasets.owed_bound.size))
    model.add("owed", B > 0, datasets.owed_by_flow @ f + datasets.owed_by_gang @ b <= B * (datasets.duty @ d))
    B, M = mechanisms.bound, mechanisms.satisfied_by
    does = mechanisms.by_flow @ f + mechanisms.by_gang @ b + mechanisms.by_copy @ d
    model.add("requirement", every(B.size), does <= B * (M @ z))
