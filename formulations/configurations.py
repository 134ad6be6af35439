r"""The master of the decomposition: whole configurations of workloads, tied together by the coupling rows.

The compact model falls apart at its coupling rows: what remains of one workload is a small model of its own, and a
*configuration* x is one of its solutions. Seen through the coupling rows alone it is a column: a cost and a use.

Sets: workloads w · configurations x, each of one workload w(x) · coupling rows ρ · shared decisions s (copies,
transfers, mechanisms, regions in use, with the rows among themselves).

Parameters: k[w] workloads that w stands for (identical ones are one, with a count) · C[x] USD · U[ρ,x] what the
configuration adds to the row · c[s], U[ρ,s] the same of a shared decision · l[ρ] <= . <= u[ρ] the sides of the row, as
in the compact model · e[ρ] penalty (USD per unit), only on rows in which shared decisions cannot make all the room ·
o[w] penalty (USD) of leaving the workload without a configuration.

Variables:
    chosen_share  λ[x] >= 0        workloads, or shares of one, placed by the configuration; whole in the integer one
    shared        y[s]             shared decisions as in the compact model, with their bounds; continuous ones
    shared_whole  y[s]             and integer ones
    excess        e+[ρ] >= 0       by how much the row is exceeded
    lack          e-[ρ] >= 0       by how much the row falls short
    unplaced      o[w] >= 0        the workload has no configuration

Constraints:
    use[ρ]                 l[ρ] <= sum_x U[ρ,x] λ[x] + sum_s U[ρ,s] y[s] - e+[ρ] + e-[ρ] <= u[ρ]
    one_configuration[w]   sum_{x of w} λ[x] + o[w] = k[w]                           where k[w] > 0

Objective: minimise sum_x C[x] λ[x] + sum_s c[s] y[s] + penalties.

Over all configurations and without penalties its linear relaxation bounds the compact model from below, at least as
well as that model's own: it is the minimum over the convex hull of every workload's solutions (Dantzig and Wolfe 1960).
For any prices π of the rows (>= 0 on lower sides, <= 0 on upper sides) the Lagrangian bound

    sum_ρ π[ρ] side[ρ] + sum_s min over the bounds of (c[s] - π U[.,s]) y[s] + sum_w k[w] min_x (C[x] - π U[.,x])

holds as well, with the last minimum over *all* solutions of the workload: it is what a solve reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from formulations.algebra import Expression, Model
from formulations.arrays import ArrayModel, Arrays
from formulations.domains import Domain
from formulations.indexing import every
from formulations.problem import Bools, Floats, Ints, Membership

if TYPE_CHECKING:
    from pyomo.core import ConcreteModel


@dataclass(frozen=True)
class MasterProblem:
    """The sets and parameters of the master as arrays.

    `row_lower`, `row_upper` and `penalty_usd` (0: the row may not be broken) have one entry per row; `shared_*` one per
    shared decision and `shared_use` its membership (row, shared); `unplaced_usd` and `workload_count` one per workload;
    `configuration_*` one per configuration and `use` its membership (row, configuration).
    """

    row_lower: Floats
    row_upper: Floats
    penalty_usd: Floats
    shared_cost_usd: Floats
    shared_upper: Floats
    shared_whole: Bools
    shared_use: Membership
    unplaced_usd: Floats
    workload_count: Ints
    configuration_workload: Ints
    configuration_cost_usd: Floats
    use: Membership


def build_master(problem: MasterProblem, *, whole: bool) -> ConcreteModel:
    """Build the Pyomo model over the configurations given: the integer program if `whole`, else its relaxation."""
    from formulations.pyomo_model import PyomoModel

    model = PyomoModel("configurations")
    _state(model, problem, whole)
    return model.pyomo


def master_arrays(problem: MasterProblem, *, whole: bool) -> Arrays:
    """Return the same model as arrays: with tens of thousands of configurations components take seconds to build."""
    model = ArrayModel()
    _state(model, problem, whole)
    return model.finish()


def _state(model: Model, problem: MasterProblem, whole: bool) -> None:
    _add_variables(model, problem, whole)
    λ, y, y_whole, over, under, o = model.vars("chosen_share", "shared", "shared_whole", "excess", "lack", "unplaced")
    lower, upper, k, w = problem.row_lower, problem.row_upper, problem.workload_count, problem.configuration_workload
    use = problem.use @ λ + problem.shared_use @ y + problem.shared_use @ y_whole - over + under
    equal = lower == upper  # a row with two different sides gets one row for each
    model.add("use_equal", equal, use == upper)
    model.add("use_upper", ~equal & np.isfinite(upper), use <= upper)
    model.add("use_lower", ~equal & np.isfinite(lower), use >= lower)
    model.add("one_configuration", k > 0, λ.sum(by=w) + o == k)
    model.minimise("cost", _cost(model, problem))


def _add_variables(model: Model, problem: MasterProblem, whole: bool) -> None:
    domain, rows, elastic = Domain.WHOLE if whole else Domain.REAL, problem.row_lower.size, problem.penalty_usd > 0
    k, w, is_whole, most = (
        problem.workload_count, problem.configuration_workload, problem.shared_whole, problem.shared_upper,
    )  # fmt: skip
    model.add_family("chosen_share", every(w.size), domain, upper=k[w] if whole else None)
    model.add_family("shared", ~is_whole, Domain.REAL, upper=most)
    model.add_family("shared_whole", is_whole, domain, upper=most)
    model.add_family("excess", elastic & np.isfinite(problem.row_upper), Domain.REAL, size=rows)
    model.add_family("lack", elastic & np.isfinite(problem.row_lower), Domain.REAL, size=rows)
    model.add_family("unplaced", k > 0, Domain.REAL)


def _cost(model: Model, problem: MasterProblem) -> Expression:
    total = Expression(())
    for name, usd in (
        ("chosen_share", problem.configuration_cost_usd), ("shared", problem.shared_cost_usd),
        ("shared_whole", problem.shared_cost_usd), ("excess", problem.penalty_usd), ("lack", problem.penalty_usd),
        ("unplaced", problem.unplaced_usd),
    ):  # fmt: skip
        total = total + (usd * model[name]).sum()
    return total
