"""Which rules suffice to prove that the linear relaxation has no solution.

Let y be the duals of the elastic relaxation, in which rows may be broken at a penalty: where its least penalty is above
0, y proves that the rows with y != 0 admit no solution, whole machines or not. The rows of one rule stay or go
together; a rule is left out for good where the penalty without it is still above 0 (the basis is kept from one question
to the next).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from formulations.families import CONSTRAINTS, LIMIT, NEED, ids_of, rows_that, rules_of
from formulations.units import normalise
from optimizer.solve.backend import state_model, stated_by
from optimizer.solve.deadline import Watch
from optimizer.solve.diagnosis.elastic import elastic
from optimizer.solve.diagnosis.limit_rows import sizes, without_pool_bounds
from optimizer.solve.diagnosis.shortfalls import workload_of_rows
from optimizer.solve.highs.hand_over import TriviallyInfeasible, find_scaling, scaled_task
from optimizer.solve.highs.session import OPTIMAL, Ears, Session
from optimizer.solve.matrix import Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NOTICED = 1e-6
"""Penalty, in parts of the size of a row, from which a relaxation has no solution; duals are told from 0 by it, too."""
_OWNER = re.compile(r"^field:(workload|dataset)s\[id=(.*)\]")


def rules_in_conflict(
    problem: Problem, *, time_limit_seconds: float = 30.0, cancel: threading.Event | None = None
) -> list[str] | None:
    """Return the ids of the workloads, datasets and rules that prove that the relaxation has no solution.

    None where it has one, or time ran out. No rule can be left out, unless time ran out on that.
    """
    watch = Watch(time_limit_seconds, cancel)
    free = normalise(without_pool_bounds(problem)).problem
    try:
        matrix = state_model(free, stated_by(free, watch.parameters.model), watch)
    except TriviallyInfeasible:
        return None
    if matrix is None or watch.should_stop():
        return None
    return _Proof(matrix, problem, watch).rules()


class _Proof:
    def __init__(self, matrix: Matrix, problem: Problem, watch: Watch) -> None:
        self.watch, self.problem, self.matrix = watch, problem, matrix
        model, _ = elastic(matrix)
        self.model = replace(model, integer=np.zeros(model.integer.size, dtype=bool))
        scaling = find_scaling(self.model)
        self.row_unit: Floats = np.broadcast_to(scaling.row, (model.row_lower.size,))
        self.column_unit = scaling.column
        task = replace(scaled_task(self.model, scaling, 1.0), options={"threads": 1})
        self.session = Session(task, Ears(should_stop=watch.should_stop, failed=watch.fail))

    def rules(self) -> list[str] | None:
        """Return the rules of a proof, none of which can be left out."""
        weight = self._weights()
        if weight is None:
            return None
        groups = self._groups(np.flatnonzero(weight > NOTICED))
        needed = dict(groups)
        rows = self.matrix.rows.is_of(_elastic())
        self._free(np.setdiff1d(np.flatnonzero(rows), np.concatenate(list(groups.values()))))
        size = {rule: float(weight[own].sum()) for rule, own in groups.items()}
        for rule in sorted(groups, key=lambda one: size[one]):
            if rule not in needed or self.watch.should_stop():
                continue
            self._free(groups[rule])
            weight = self._weights()
            if weight is None:
                self._restore(groups[rule])
                continue
            for other in [one for one, own in needed.items() if one == rule or weight[own].max() <= NOTICED]:
                self._free(needed.pop(other))
        return list(needed)

    def _weights(self) -> Floats | None:
        """Return by row its part in the proof; None where there is none."""
        self.session.highs.setOptionValue("time_limit", max(0.01, self.watch.left_seconds()))
        found = self.session.run()
        if found.kind != OPTIMAL or found.row_dual is None or found.x is None:
            return None
        if self.model.objective(found.x * self.column_unit) <= NOTICED:
            return None
        dual = np.abs(found.row_dual * self.row_unit)
        return np.asarray(dual[: self.matrix.row_lower.size] * sizes(self.matrix))

    def _groups(self, rows: Ints) -> dict[str, Ints]:
        """Return by rule the rows that it states, of those that may be broken."""
        named: dict[str, list[int]] = {}
        for family in _elastic():
            own = rows[self.matrix.rows.is_of((family,))[rows]]
            if not own.size:
                continue
            owner = workload_of_rows(self.matrix, self.problem, own)
            keys = self.matrix.rows.key[own].astype(np.int64)
            stated = rules_of(self.problem, family, keys) if CONSTRAINTS[family].stated_by else [()] * own.size
            ids = ids_of(self.problem, family)
            for row, key, who, of in zip(own.tolist(), keys.tolist(), owner.tolist(), stated, strict=True):
                name = None if ids is None else ids[key]
                for rule in self._told(tuple(of), who, name):
                    named.setdefault(rule, []).append(row)
        return {rule: np.array(sorted(set(of)), dtype=np.int64) for rule, of in named.items()}

    def _told(self, rules: Sequence[str], owner: int, name: str | None) -> list[str]:
        """Return the rules of a row: those it stems from, and the workload or dataset that asks for it."""
        told = [rule for rule in rules if not rule.startswith("field:")]
        for rule in rules:
            whose = _OWNER.match(rule)
            if whose is not None:
                told.append(f"{whose[1]}:{whose[2]}")
        if owner >= 0:
            told.append(f"workload:{self.problem.workload_ids[owner]}")
        return told or ([] if name is None else [f"dataset:{name}"])

    def _free(self, rows: Ints) -> None:
        for row in rows.tolist():
            self.session.highs.changeRowBounds(row, -np.inf, np.inf)

    def _restore(self, rows: Ints) -> None:
        unit = self.row_unit
        for row in rows.tolist():
            lower, upper = self.model.row_lower[row] * unit[row], self.model.row_upper[row] * unit[row]
            self.session.highs.changeRowBounds(row, float(lower), float(upper))


def _elastic() -> tuple[str, ...]:
    return rows_that(lambda family: family.gives in (NEED, LIMIT))
