"""The same program for OR-Tools CP-SAT, which knows whole numbers only.

Columns: an integer column stays as it is. A continuous one becomes a whole number of steps of its upper bound: one
step where the optimum may be taken whole (the flow of a stream that stays in one region and has one option per region),
`STEPS` otherwise. The first leaves the program what it was; the second makes it a restriction, so that CP-SAT's bound
then holds for the program in steps and not for the real one (`Integers.exact` tells).

Rows: coefficients are multiplied by 1 or 1/smallest where that makes all of them whole; otherwise by the power of two
that brings the largest near 2**30 with the row's activity below 2**50, coefficients rounded against the row (up in
an upper side, down in a lower side) and sides inwards. What obeys the rounded rows obeys the real ones. An
equation whose coefficients are not whole keeps its lower side only (the work of a job: doing more is not cheaper, and
the plan is read after the continuous values were solved again). `cover` rows, which follow from the others, are left
out: they hold with equality where devices are used to the full, and rounding would cut that off. Costs are rounded
down, so that the bound stays one.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.by_hand import NotCovered
from benchmarks.machine import ROOT
from benchmarks.program import Arrays, Floats, Ints, Program
from formulations.problem import Problem

STEPS = 10_000
FAR = 2**62
LARGEST, MOST_ACTIVITY = 2.0**30, 2.0**50
WHOLE = 1e-9
IMPLIED = ("chosen", "starts", "in_country")
"""Continuous families whose values are whole wherever the integer ones are."""


@dataclass(frozen=True)
class Row:
    """low <= weights x columns <= high, all whole; a side may be None."""

    columns: Ints
    weights: Ints
    low: int | None
    high: int | None


@dataclass(frozen=True)
class Integers:
    """The program in whole numbers: x = `unit` * number, 0 <= number <= `upper`; cost rounded down at `cost_scale`."""

    unit: Floats
    upper: Ints
    rows: list[Row]
    cost: Ints
    cost_scale: float
    exact: bool


def without_redundant_rows(program: Program) -> Program:
    """Return the program without rows that follow from its others."""
    return Program(program.families, {name: rows for name, rows in program.rows.items() if name != "cover"})


def to_integers(arrays: Arrays, program: Program, problem: Problem) -> Integers:
    """Return the program in whole numbers. Raises NotCovered where a continuous column has no upper bound."""
    if not np.isfinite(arrays.upper).all():
        raise NotCovered("a column without an upper bound")
    steps = _steps(arrays, program, problem)
    unit = np.where(arrays.integer, 1.0, arrays.upper / steps)
    upper = np.where(arrays.integer, np.floor(arrays.upper + WHOLE), steps).astype(np.int64)
    upper[arrays.upper <= 0.0] = 0
    a = arrays.a.tocsr()
    rows: list[Row] = []
    for r in range(a.shape[0]):
        at = slice(a.indptr[r], a.indptr[r + 1])
        columns = a.indices[at].astype(np.int64)
        keep = upper[columns] > 0
        columns = columns[keep]
        weights = (a.data[at] * unit[a.indices[at]])[keep]
        rows += _rows(columns, weights, upper[columns], float(arrays.row_lower[r]), float(arrays.row_upper[r]))
    priced = arrays.cost * unit
    scale = 2.0 ** np.floor(np.log2(MOST_ACTIVITY / max(float(np.abs(priced) @ upper), 1.0)))
    exact = bool(np.all(arrays.integer | (steps == 1)))
    return Integers(unit, upper, rows, np.floor(priced * scale).astype(np.int64), float(scale), exact)


def _steps(arrays: Arrays, program: Program, problem: Problem) -> Ints:
    """Return into how many steps each column is cut."""
    steps = np.where(arrays.integer, 1, STEPS).astype(np.int64)
    for name in IMPLIED:
        family = program.families.get(name)
        if family is not None:
            steps[family.offset : family.offset + family.upper.size] = 1
    family = program.families["flow"]
    positions = np.flatnonzero(family.local >= 0)
    whole = whole_flows(problem)[positions]
    steps[family.offset + family.local[positions[whole]]] = 1
    return steps


def whole_flows(problem: Problem) -> NDArray[np.bool_]:
    """Whether a stream may be served whole by each flow: one region for its service, one option per region; [flows]."""
    flows, slots = problem.flows, problem.slots
    single = np.zeros(len(problem.workload_ids), dtype=np.bool_)
    single[problem.presence.bounded_workload[problem.presence.max_regions == 1]] = True
    regions, periods = max(len(problem.regions.ids), 1), max(problem.period_hours.size, 1)
    key = (flows.stream * regions + slots.region[flows.slot]) * periods + slots.period[flows.slot]
    _, of, count = np.unique(key, return_inverse=True, return_counts=True)
    alone = np.ones(problem.services.workload.size, dtype=np.bool_)
    np.logical_and.at(alone, flows.stream, count[of] == 1)
    found: NDArray[np.bool_] = single[slots.workload[flows.slot]] & alone[flows.stream]
    return found


def _rows(columns: Ints, weights: Floats, upper: Ints, low: float, high: float) -> list[Row]:
    """Return the row in whole numbers: one row where its coefficients are whole at some scale, else one per side."""
    if not columns.size:
        if low > 1e-6 or high < -1e-6:
            raise ValueError("a row without columns does not hold: the program is infeasible")
        return []
    for scale in (1.0, 1.0 / float(np.abs(weights).min())):
        scaled = weights * scale
        whole = np.round(scaled)
        is_whole = np.all(np.abs(scaled - whole) <= WHOLE * np.maximum(1.0, np.abs(whole)))
        fits = np.abs(whole).max() <= LARGEST and float(np.abs(whole) @ upper) <= MOST_ACTIVITY
        sides = [side * scale for side in (low, high) if np.isfinite(side)]
        holds = low != high or abs(sides[0] - round(sides[0])) <= WHOLE * max(1.0, abs(sides[0]))
        if is_whole and fits and holds:
            return [Row(columns, whole.astype(np.int64), _up(low * scale), _down(high * scale))]
    most = min(LARGEST / float(np.abs(weights).max()), MOST_ACTIVITY / max(float(np.abs(weights) @ upper), 1e-300))
    scaled = weights * 2.0 ** np.floor(np.log2(most))
    scale = float(2.0 ** np.floor(np.log2(most)))
    found = []
    if np.isfinite(low):
        found.append(Row(columns, np.floor(scaled).astype(np.int64), _up(low * scale), None))
    if np.isfinite(high) and low != high:
        found.append(Row(columns, np.ceil(scaled).astype(np.int64), None, _down(high * scale)))
    return found


def _up(value: float) -> int | None:
    return None if not np.isfinite(value) else int(np.ceil(value - WHOLE * max(1.0, abs(value))))


def _down(value: float) -> int | None:
    return None if not np.isfinite(value) else int(np.floor(value + WHOLE * max(1.0, abs(value))))


def solve(
    found: Integers, *, gap: float, seconds: float, threads: int, seed: int,
    note: Callable[[float | None, float | None], None],
) -> tuple[Floats | None, float | None, str]:  # fmt: skip
    """Run CP-SAT; return the columns of the real program, the bound (of the program in steps) and how it ended.

    `note` hears (objective, bound) in USD as they improve. OR-Tools brings a HiGHS of its own that cannot be loaded
    beside that of highspy: it has a process to itself.
    """
    command = [sys.executable, "-c", "from benchmarks.with_cpsat import serve; serve()"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        until = time.monotonic() + seconds
        pickle.dump((found, gap, until, threads, seed), process.stdin, protocol=5)
        process.stdin.close()
        while True:
            try:
                kind, content = pickle.load(process.stdout)
            except EOFError:
                raise RuntimeError(f"the process of CP-SAT broke off with exit code {process.wait()}") from None
            if kind == "final":
                answer: tuple[Floats | None, float | None, str] = content
                return answer
            note(*content)


def serve() -> None:
    """Read a program from standard input, solve it, and write what is found to standard output."""
    found, gap, until, threads, seed = pickle.load(sys.stdin.buffer)
    lock = threading.Lock()

    def send(kind: str, *content: Any) -> None:
        with lock:
            pickle.dump((kind, content), sys.stdout.buffer, protocol=5)
            sys.stdout.buffer.flush()

    send("final", *_solve(found, gap, until, threads, seed, lambda *figures: send("seen", *figures)))


def _solve(
    found: Integers, gap: float, until: float, threads: int, seed: int, note: Callable[[float | None, float], None]
) -> tuple[Floats | None, float | None, str]:
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    numbers = [model.new_int_var(0, int(most), "") for most in found.upper]
    for row in found.rows:
        left = cp_model.LinearExpr.weighted_sum([numbers[c] for c in row.columns.tolist()], row.weights.tolist())
        low, high = (-FAR if row.low is None else row.low), (FAR if row.high is None else row.high)
        model.add_linear_constraint(left, low, high)
    priced = np.flatnonzero(found.cost)
    model.minimize(
        cp_model.LinearExpr.weighted_sum([numbers[c] for c in priced.tolist()], found.cost[priced].tolist())
    )
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = max(until - time.monotonic(), 0.1)
    solver.parameters.num_workers = threads
    solver.parameters.relative_gap_limit = gap
    solver.parameters.random_seed = seed
    solver.best_bound_callback = lambda bound: note(None, bound / found.cost_scale)

    class Heard(cp_model.CpSolverSolutionCallback):
        def on_solution_callback(self) -> None:
            note(self.objective_value / found.cost_scale, self.best_objective_bound / found.cost_scale)

    said = str(solver.status_name(solver.solve(model, Heard())))
    bound = solver.best_objective_bound / found.cost_scale
    if said not in {"OPTIMAL", "FEASIBLE"}:
        return None, bound if said == "UNKNOWN" else None, said
    x = found.unit * np.array([solver.value(number) for number in numbers], dtype=np.float64)
    return x, bound, said
