"""The whole model through highspy, linopy and CP-SAT, and their solutions as plans that the audit can judge."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.by_hand import build_by_hand
from benchmarks.program import Arrays, Floats, Program

Note = Callable[[float | None, float | None], None]
Left = Callable[[], float]
FEASIBLE = 2


def run_highspy(program: Program, note: Note, left: Left, *, gap: float, threads: int, seed: int) -> tuple:
    """Hand the arrays to HiGHS in one call. Returns (columns or None, bound or None, how it ended)."""
    core = importlib.import_module("highspy._core")
    arrays = program.arrays()
    highs = core._Highs()
    rows, columns = arrays.a.shape
    highs.setOptionValue("output_flag", False)
    highs.passModel(
        columns, rows, arrays.a.nnz, int(core.MatrixFormat.kColwise), 1, 0.0, arrays.cost, np.zeros(columns),
        arrays.upper, arrays.row_lower, arrays.row_upper, arrays.a.indptr.astype(np.int32),
        arrays.a.indices.astype(np.int32), arrays.a.data, arrays.integer.astype(np.int32),
    )  # fmt: skip
    return _run_highs(highs, note, left, gap=gap, threads=threads, seed=seed)


def run_linopy(program: Program, note: Note, left: Left, *, gap: float, threads: int, seed: int) -> tuple:
    """Write the program in linopy and let its direct interface hand it over. Returns as `run_highspy`."""
    from benchmarks.with_linopy import build_with_linopy

    model = build_with_linopy(program)
    highs = model.to_highspy()
    highs.setOptionValue("output_flag", False)
    labels = np.asarray(model.variables.label_index.vlabels)
    x, bound, said = _run_highs(highs, note, left, gap=gap, threads=threads, seed=seed)
    if x is not None:
        ordered = np.zeros(sum(family.upper.size for family in program.families.values()))
        ordered[labels] = x  # families were added in the order of the program, so that labels number its columns
        x = ordered
    return x, bound, said


def _run_highs(highs: Any, note: Note, left: Left, *, gap: float, threads: int, seed: int) -> tuple:
    core = importlib.import_module("highspy._core")
    kinds = core.cb.HighsCallbackType
    heard = [np.inf, -np.inf]

    def called(kind: int, _message: str, data: Any, _answer: Any, _user: Any) -> None:
        objective, bound = float(data.mip_primal_bound), float(data.mip_dual_bound)
        if objective < heard[0] or bound > heard[1]:
            heard[:] = [min(objective, heard[0]), max(bound, heard[1])]
            note(objective if np.isfinite(objective) else None, bound if np.isfinite(bound) else None)

    core._Highs.setCallback(highs, called, None)
    for kind in (kinds.kCallbackMipInterrupt, kinds.kCallbackMipImprovingSolution):
        core._Highs.startCallback(highs, kind)
    for name, value in (
        ("mip_rel_gap", gap), ("mip_abs_gap", 1e-9), ("time_limit", max(left(), 0.1)), ("threads", threads),
        ("random_seed", seed),
    ):  # fmt: skip
        highs.setOptionValue(name, value)
    core._Highs.run(highs)
    info = highs.getInfo()
    x = None
    if info.primal_solution_status == FEASIBLE:
        x = np.array(highs.getSolution().col_value, dtype=np.float64)
    bound = float(info.mip_dual_bound)
    return x, bound if np.isfinite(bound) else None, str(highs.modelStatusToString(highs.getModelStatus()))


def run_cpsat(program: Program, note: Note, left: Left, *, gap: float, threads: int, seed: int, problem: Any) -> tuple:
    """Round the program to whole numbers and run CP-SAT. Returns as `run_highspy`, and whether its bound is real."""
    from benchmarks import with_cpsat

    program = with_cpsat.without_redundant_rows(program)
    found = with_cpsat.to_integers(program.arrays(), program, problem)
    answer = with_cpsat.solve(found, gap=gap, seconds=left(), threads=threads, seed=seed, note=note)
    return (*answer, found.exact)


def cost(program: Program, x: Floats) -> float:
    """Return the cost (USD) of a solution vector as the solver left it."""
    return float(np.concatenate([family.cost for family in program.families.values()]) @ x)


def to_plan(compiled: Any, program: Program, x: Floats, bound_usd: float | None) -> tuple[Any, bool]:
    """Return the plan of a solution vector, and whether its rows held once integers were rounded.

    Integers are rounded, the continuous columns solved again and what the plan can do without taken out, as for our
    own plans. What stays violated is read as it is: the audit then counts it.
    """
    from formulations import table_sizes
    from optimizer.plan.read import read_plan
    from optimizer.solve.deadline import Watch
    from optimizer.solve.highs.call import polish
    from optimizer.solve.postsolve.minimal import make_minimal
    from optimizer.solve.solution import Solution, SolutionStatus, Termination

    arrays = program.arrays()
    matrix, watch = _matrix(arrays), Watch(60.0)
    clean = polish(matrix, x, watch)
    if clean is None:
        clean = np.clip(np.where(arrays.integer, np.round(x), x), 0.0, arrays.upper)
        is_clean = False
    else:
        clean = make_minimal(matrix, clean, watch)
        is_clean = True
    tables = {name: np.zeros(size) for name, size in table_sizes(compiled.problem).items()}
    for name, family in program.families.items():
        if name not in tables:  # a family of its own: our model says otherwise where a run lies
            continue
        positions = np.flatnonzero(family.local >= 0)
        tables[name][positions] = clean[family.offset + family.local[positions]]
    objective = float(arrays.cost @ clean)
    solution = Solution(
        status=SolutionStatus.FEASIBLE, termination=Termination.LIMIT, objective_usd=objective,
        bound_usd=None if bound_usd is None else min(bound_usd, objective), values=tables,
        method="direct",
    )  # fmt: skip
    return read_plan(compiled, solution), is_clean


def _matrix(arrays: Arrays) -> Any:
    from optimizer.solve.matrix import Labels, Matrix

    rows, columns = arrays.a.shape
    return Matrix(
        cost=arrays.cost, offset=0.0, lower=np.zeros(columns), upper=arrays.upper, integer=arrays.integer,
        a=arrays.a.tocsr(), row_lower=arrays.row_lower, row_upper=arrays.row_upper,
        columns=Labels(("column",), np.zeros(columns, dtype=np.int64), np.arange(columns)),
        rows=Labels(("row",), np.zeros(rows, dtype=np.int64), np.arange(rows)),
    )  # fmt: skip


def build(problem: Any) -> Program:
    """Return the program that all rivals are built from. Raises NotCovered for survival and jobs that move."""
    return build_by_hand(problem)
