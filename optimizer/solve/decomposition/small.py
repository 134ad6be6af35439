"""Small integer programs, thousands of them: HiGHS in the calling thread, without what a long run needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.highs.scaling import RangeError, keep_small, row_factors, row_ranges

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class SmallProgram:
    """min cost'x, row_lower <= A x <= row_upper, lower <= x <= upper; A by column. `start` is a solution known."""

    cost: Floats
    lower: Floats
    upper: Floats
    integer: Bools
    indptr: Ints
    indices: Ints
    data: Floats
    row_lower: Floats
    row_upper: Floats
    start: Floats | None = None


@dataclass(frozen=True)
class Effort:
    """When a small program may stop: relative gap, branch-and-bound nodes, seconds."""

    gap: float
    nodes: int
    seconds: float


@dataclass(frozen=True)
class SmallAnswer:
    """The best solution found (None: none), its cost, and a lower bound on the cost of any (inf: there is none)."""

    x: Floats | None
    cost_usd: float
    bound_usd: float


def solve_small(program: SmallProgram, effort: Effort, *, scale: float) -> SmallAnswer:
    """Solve a small program with HiGHS in this thread; `scale` brings its cost near 1.

    Presolve and most of HiGHS' searches for solutions are left out: on programs of a few dozen columns, with a solution
    known, they take two thirds of the time and change the answer by 0.1 %.
    """
    from highspy import _core

    if program.cost.size == 0:
        holds = np.all(program.row_lower <= 0) and np.all(program.row_upper >= 0)
        return SmallAnswer(np.zeros(0), 0.0, 0.0) if holds else SmallAnswer(None, np.inf, np.inf)
    highs = _core._Highs()
    options: dict[str, bool | int | float | str] = {
        "output_flag": False,
        "threads": 1,
        "parallel": "off",
        "presolve": "off",
        "mip_rel_gap": effort.gap,
        "mip_abs_gap": 0.0,
        "mip_max_nodes": effort.nodes,
        "time_limit": effort.seconds,
        "mip_heuristic_run_rens": program.start is None,
        "mip_heuristic_run_feasibility_jump": program.start is None,
        "mip_heuristic_run_rins": False,
        "mip_heuristic_run_root_reduced_cost": False,
    }
    for name, value in options.items():
        highs.setOptionValue(name, value)
    unit = _units(program)
    data = program.data * np.repeat(unit, np.diff(program.indptr))
    row_lower, row_upper = program.row_lower, program.row_upper
    try:
        factor = row_factors(*row_ranges(program.indices, data, row_lower.size))
    except RangeError:
        return SmallAnswer(None, np.inf, -np.inf)
    if factor is not None:
        row_lower, row_upper, data = row_lower * factor, row_upper * factor, data * factor[program.indices]
    keep_small(highs, data)
    highs.passModel(
        program.cost.size, row_lower.size, data.size, int(_core.MatrixFormat.kColwise),
        int(_core.ObjSense.kMinimize), 0.0, program.cost * unit * scale, program.lower / unit, program.upper / unit,
        row_lower, row_upper, program.indptr.astype(np.int32), program.indices.astype(np.int32),
        data, program.integer.astype(np.int32),
    )  # fmt: skip
    if highs.getNumNz() != np.count_nonzero(data):  # HiGHS would solve another program: nothing is known of this one
        return SmallAnswer(None, np.inf, -np.inf)
    if program.start is not None:
        highs.setSolution(program.start.size, np.arange(program.start.size, dtype=np.int32), program.start / unit)
    if highs.run() == _core.HighsStatus.kError:
        # HiGHS refuses to run where an earlier run of this thread, ours or the embedder's, had more threads.
        highs.resetGlobalScheduler(True)
        if highs.run() == _core.HighsStatus.kError:
            return SmallAnswer(None, np.inf, -np.inf)
    status, info = highs.getModelStatus(), highs.getInfo()
    if status == _core.HighsModelStatus.kInfeasible:
        return SmallAnswer(None, np.inf, np.inf)
    found = info.primal_solution_status == _core.SolutionStatus.kSolutionStatusFeasible
    x = np.array(highs.getSolution().col_value, dtype=np.float64) * unit if found else None
    cost = info.objective_function_value / scale if found else np.inf
    is_whole = status == _core.HighsModelStatus.kOptimal
    bound = info.mip_dual_bound if program.integer.any() else (info.objective_function_value if is_whole else -np.inf)
    return SmallAnswer(x, cost, min(bound / scale, cost))


def violation(program: SmallProgram, x: Floats) -> float:
    """Return by how much values break the program at most, in the units and scale in which HiGHS is given it.

    HiGHS lets 1e-6 of bounds, rows and whole numbers pass. inf where the program cannot be given to HiGHS.
    """
    unit = _units(program)
    broken = [np.maximum(program.lower - x, x - program.upper) / unit]
    broken.append(np.abs(x - np.round(x))[program.integer])
    data = program.data * np.repeat(unit, np.diff(program.indptr))
    rows = program.row_lower.size
    try:
        factor = row_factors(*row_ranges(program.indices, data, rows))
    except RangeError:
        return np.inf
    values = program.data * np.repeat(x, np.diff(program.indptr))
    activity = np.bincount(program.indices, values, minlength=rows)
    over = np.maximum(program.row_lower - activity, activity - program.row_upper)
    broken.append(over if factor is None else over * factor)
    return float(max((part.max(initial=0.0) for part in broken), default=0.0))


def _units(program: SmallProgram) -> Floats:
    """Return the units that columns are stated in: flows in parts of the most they can be.

    HiGHS takes a reduced cost of -1e-7 for none. Of a flow of up to 1e6 units/s, which costs 1e-6 of the workload per
    unit, that could raise the bound by a tenth.
    """
    is_flow = ~program.integer & np.isfinite(program.upper) & (program.upper > 0.0)
    return np.where(is_flow, program.upper, 1.0)
