"""The Pyomo back end: families become `Var` and `Constraint` components of a `ConcreteModel`.

Bodies are `LinearExpression`s over flat lists, grouped by row with one sort; no rule is called per term. Numbers handed
to Pyomo are plain Python floats, since numpy scalars are slow in its walkers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyomo.core as pyo
from pyomo.core.expr.numeric_expr import LinearExpression, MonomialTermExpression
from pyomo.core.expr.relational_expr import EqualityExpression, InequalityExpression

from formulations.algebra import IMPOSSIBLE, Block, Family, Model
from formulations.components import doc_of
from formulations.domains import Domain
from formulations.indexing import every
from formulations.labels import Key, Names
from formulations.problem import Bools, Floats, Ints


class PyomoModel(Model):
    """Writes what is added into `self.pyomo`, indexed by names if they are given, else by positions in the tables."""

    def __init__(self, name: str, names: Names | None = None) -> None:
        super().__init__()
        self.pyomo, self._names = pyo.ConcreteModel(name=name), names
        self.add_family(IMPOSSIBLE, every(1), Domain.REAL, upper=0.0)

    def _add_variables(
        self, name: str, index: Ints, domain: Domain, whole: Bools, *, size: int, upper: Floats | None
    ) -> Family:
        family = pyo.Var(self._keys(name, index), domain=getattr(pyo, domain.value), doc=doc_of(name))
        self.pyomo.add_component(name, family)
        handles, exists = np.full(size, None, dtype=np.object_), np.zeros(size, dtype=np.bool_)
        if index.size:
            handles[index], exists[index] = list(family.values()), True
        if upper is not None:
            for variable, bound, is_whole in zip(family.values(), upper.tolist(), whole.tolist(), strict=True):
                variable.setub(bound)
                if domain is Domain.WHOLE and not is_whole:
                    variable.domain = pyo.NonNegativeReals
        return Family(handles, exists)

    def _add_rows(self, name: str, blocks: Sequence[Block], keys: Ints, side: Floats, sense: str) -> None:
        row = np.concatenate([np.zeros(0, dtype=np.int64), *(part.row for part in blocks)])
        terms = _terms(blocks, row)
        start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=keys.size))]).tolist()
        bodies: dict[Key, Any] = {}
        for position, (key, value) in enumerate(zip(self._keys(name, keys), side.tolist(), strict=True)):
            own = terms[start[position] : start[position + 1]]
            if not own:
                if _holds_at_zero(value, sense):
                    continue
                own = [self.pyomo.component(IMPOSSIBLE)[0]]
            bodies[key] = _relation(LinearExpression(own), sense, value)
        family = pyo.Constraint(list(bodies), rule=lambda _, *key: bodies[key if len(key) > 1 else key[0]])
        family.doc = doc_of(name)
        self.pyomo.add_component(name, family)

    def _set_cost(self, name: str, blocks: Sequence[Block]) -> None:
        total = LinearExpression(_terms(blocks, None))
        self.pyomo.add_component(name, pyo.Objective(expr=total, sense=pyo.minimize, doc=doc_of(name)))

    def _keys(self, name: str, index: Ints) -> list[Key]:
        return list(index.tolist()) if self._names is None else self._names.of(name, index)


def _relation(body: Any, sense: str, side: float) -> Any:
    if sense == "equal":
        return EqualityExpression((body, side))
    return InequalityExpression((body, side) if sense == "upper" else (side, body), False)


def _holds_at_zero(side: float, sense: str) -> bool:
    return side == 0.0 or (sense == "upper" and side > 0.0) or (sense == "lower" and side < 0.0)


def _terms(blocks: Sequence[Block], row: Ints | None) -> list[Any]:
    """Return the terms of the blocks, by row if given: the bare variable where the weight is 1."""
    if not blocks:
        return []
    variables = np.concatenate([part.handles[part.column] for part in blocks])
    weights = np.concatenate([part.weight for part in blocks])
    if row is not None:
        order = np.argsort(row, kind="stable")
        variables, weights = variables[order], weights[order]
    return [
        variable if weight == 1.0 else MonomialTermExpression((weight, variable))
        for weight, variable in zip(weights.tolist(), variables.tolist(), strict=True)
    ]
