"""The bound that prices of a decomposition prove, in the terms of a plan, and back again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.plan.rows import Row

if TYPE_CHECKING:
    from formulations.problem import Problem
    from optimizer.plan.models import Plan
    from optimizer.solve.decomposition import lagrangian


class RowPrice(Row):
    """What a unit more of a row's side is worth in the relaxation that proved the bound (see `Lagrangian`).

    `family` and `number` are those of the row in the formulation, `rules` those that state it. A price of a relaxation
    is no price of a rule: machines are whole, and the next step may save more, less or nothing.
    """

    family: str
    number: int
    rules: tuple[str, ...] = ()
    usd: float


class WorkloadBound(Row):
    """What a workload costs at least at the prices of `row_prices`, which are counted in it."""

    workload: str
    usd: float


class Lagrangian(Row):
    """A bound that prices of the rows that workloads share prove: `bound_usd` is what the sides of these rows are worth
    at `row_prices`, and every workload at its cheapest at these prices (`workload_bounds`).

    It may be lower than the plan's bound. `explain why` takes from it what another place of one workload costs at
    least. `model_sha256` tells the model that the prices are of; `split_mechanisms`: in it, workloads have copies of
    their own of the mechanisms they need.
    """

    bound_usd: float
    split_mechanisms: bool
    model_sha256: str


def told_lagrangian(problem: Problem, found: lagrangian.Lagrangian | None) -> dict[str, Any]:
    """Return the fields of a plan that say what prices prove; none where nothing does."""
    from formulations.families import CONSTRAINTS, rules_of

    if found is None:
        return {}
    rules: list[tuple[str, ...]] = [()] * len(found.family)
    for family in set(found.family) & set(CONSTRAINTS):
        own = [k for k, name in enumerate(found.family) if name == family]
        for k, names in zip(own, rules_of(problem, family, found.key[own]), strict=True):
            rules[k] = tuple(names)
    return {
        "lagrangian": Lagrangian(bound_usd=found.usd, split_mechanisms=found.is_split, model_sha256=found.model),
        "row_prices": tuple(
            RowPrice(family=family, number=number, rules=names, usd=usd) for family, number, names, usd in
            zip(found.family, found.key.tolist(), rules, found.price.tolist(), strict=True)
        ),
        "workload_bounds": tuple(
            WorkloadBound(workload=name, usd=usd) for name, usd in
            zip(problem.workload_ids, found.parts_usd.tolist(), strict=True)
        ),
    }  # fmt: skip


def lagrangian_of(problem: Problem, plan: Plan) -> lagrangian.Lagrangian | None:
    """Return what the prices of a plan prove; None where it has none, or not of every workload."""
    from optimizer.solve.decomposition.lagrangian import Lagrangian as Proven

    parts = {row.workload: row.usd for row in plan.workload_bounds}
    told = plan.lagrangian
    if told is None or parts.keys() != set(problem.workload_ids):
        return None
    return Proven(
        usd=told.bound_usd, parts_usd=np.array([parts[name] for name in problem.workload_ids]),
        family=tuple(row.family for row in plan.row_prices),
        key=np.array([row.number for row in plan.row_prices], dtype=np.int64),
        price=np.array([row.usd for row in plan.row_prices], dtype=np.float64), is_split=told.split_mechanisms,
        model=told.model_sha256,
    )  # fmt: skip
