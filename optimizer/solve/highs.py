"""Run HiGHS on a `Matrix`: limits, cancellation, warm start, incumbents kept, clean values, honest numbers.

HiGHS keeps one task scheduler per calling thread and refuses to run when a later call in the same thread asks for another
number of threads; every run therefore has a thread of its own. That also leaves the calling thread free to notice Ctrl-C.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InternalError
from optimizer.solve.hand_over import load
from optimizer.solve.matrix import ROW_TOLERANCE, Matrix, submatrix
from optimizer.solve.solution import Termination
from optimizer.solve.watch import Watch

Floats = NDArray[np.float64]
log = logging.getLogger(__name__)

CLEAN_TOLERANCE = 1e-9
OVERRUN_SECONDS = 0.8
OVERRUN_SHARE = 0.04


@dataclass(frozen=True)
class Run:
    """What one run of HiGHS gave; numbers are absent when unknown, in USD (unscaled).

    `x` is the best solution held, `row_dual`/`column_dual` the duals of a continuous run that ended optimal.
    """

    termination: Termination
    x: Floats | None = None
    objective_usd: float | None = None
    bound_usd: float | None = None
    row_dual: Floats | None = None
    column_dual: Floats | None = None
    seconds: float = 0.0


@dataclass
class _Held:
    """What the callbacks saw while HiGHS was running (scaled units)."""

    x: Floats | None = None
    objective: float = np.inf
    bound: float = -np.inf
    lock: threading.Lock = field(default_factory=threading.Lock)


def cost_scale(cost: Floats) -> float:
    """Return the power of two that brings the typical cost coefficient near 1 and the largest to at most 2^20."""
    size = np.abs(cost[cost != 0.0])
    if not size.size:
        return 1.0
    exponent = -np.round(np.mean(np.log2(size)))
    exponent = min(exponent, 20.0 - np.ceil(np.log2(size.max())))
    return float(2.0 ** np.clip(exponent, -60, 60))


def run(
    matrix: Matrix,
    watch: Watch,
    *,
    gap: float = 0.0,
    time_limit_seconds: float = np.inf,
    threads: int = 1,
    start: Floats | None = None,
    relaxed: bool = False,
    cutoff_usd: float | None = None,
    options: Mapping[str, Any] | None = None,
    on_incumbent: Callable[[Floats, float], None] | None = None,
    reports: bool = False,
) -> Run:
    """Minimise with HiGHS until the gap, the limit (the smaller of `time_limit_seconds` and the watch's) or a cancel.

    `start` is a full solution offered as MIP start; `relaxed` drops integrality; `cutoff_usd` prunes anything worse;
    `on_incumbent` sees each improving solution (its array, its objective in USD); `reports` forwards bounds to the watch (only
    right when the matrix is the whole model). Raises InternalError when HiGHS fails or the model is unbounded.
    """
    begun = time.monotonic()
    limit = min(time_limit_seconds, watch.left_seconds())
    if limit <= 0.0 or watch.is_cancelled():
        return Run(watch.why_stopped() if watch.should_stop() else Termination.TIME_LIMIT)
    if relaxed:
        matrix = replace(matrix, integer=np.zeros(matrix.integer.size, dtype=bool))
    if matrix.cost.size == 0:
        return _without_columns(matrix)
    scale = cost_scale(matrix.cost)
    highs = load(matrix, matrix.cost * scale, matrix.offset * scale)
    _set_options(highs, gap, limit, threads, cutoff_usd, scale, options or {})
    if start is not None:
        columns = np.arange(start.size, dtype=np.int32)
        highs.setSolution(start.size, columns, start)
    held = _Held()
    stop = threading.Event()
    _subscribe(highs, held, stop, watch, scale, bool(matrix.integer.any()), on_incumbent, reports)
    finished = _run_in_thread(highs, watch, stop, limit)
    if not finished:
        return _from_callbacks(held, matrix, watch, scale, begun)
    return _read(highs, held, matrix, watch, scale, begun, stop)


def _set_options(
    highs: Any,
    gap: float,
    limit: float,
    threads: int,
    cutoff_usd: float | None,
    scale: float,
    options: Mapping[str, Any],
) -> None:
    chosen: dict[str, Any] = {
        "mip_rel_gap": float(gap),
        "mip_abs_gap": 1e-9,
        "time_limit": float(limit) if np.isfinite(limit) else 1e30,
        "threads": int(threads),
    }
    if cutoff_usd is not None:
        chosen["objective_bound"] = cutoff_usd * scale
    chosen.update(options)
    for name, value in chosen.items():
        highs.setOptionValue(name, value)


def _subscribe(
    highs: Any,
    held: _Held,
    stop: threading.Event,
    watch: Watch,
    scale: float,
    is_mip: bool,
    on_incumbent: Callable[[Floats, float], None] | None,
    reports: bool,
) -> None:
    from highspy import _core

    kinds = _core.cb.HighsCallbackType
    improving = int(kinds.kCallbackMipImprovingSolution)
    mip_interrupt = int(kinds.kCallbackMipInterrupt)

    def seen(kind: int, _message: str, data: Any, answer: Any, _user: Any) -> None:
        try:
            if int(kind) == improving:
                x = np.array(data.mip_solution, dtype=np.float64)
                with held.lock:
                    held.x, held.objective = x, data.objective_function_value
                if on_incumbent is not None:
                    on_incumbent(x, data.objective_function_value / scale)
            elif int(kind) == mip_interrupt:
                _note_bounds(data, held, watch, scale, reports)
            if answer is not None and (stop.is_set() or watch.is_cancelled()):
                answer.user_interrupt = True
        except BaseException as error:  # must not unwind through the solver's own frames
            watch.broken = watch.broken or error
            watch.interrupt()

    highs.setCallback(seen, None)
    wanted = [kinds.kCallbackSimplexInterrupt, kinds.kCallbackIpmInterrupt]
    if is_mip:
        wanted = [kinds.kCallbackMipInterrupt, kinds.kCallbackMipImprovingSolution]
    for kind in wanted:
        highs.startCallback(kind)


def _note_bounds(data: Any, held: _Held, watch: Watch, scale: float, reports: bool) -> None:
    bound, incumbent = data.mip_dual_bound, data.mip_primal_bound
    if np.isfinite(bound):
        held.bound = max(held.bound, bound)
    if reports:
        watch.note(
            incumbent / scale if np.isfinite(incumbent) else None,
            bound / scale if np.isfinite(bound) else None,
        )


def _run_in_thread(highs: Any, watch: Watch, stop: threading.Event, limit: float) -> bool:
    """Run HiGHS in its own thread; False when it did not come back in time and was left to end by itself."""
    done = threading.Event()

    def work() -> None:
        try:
            highs.run()
        except BaseException as error:
            watch.broken = watch.broken or error
        finally:
            highs.resetGlobalScheduler(True)
            done.set()

    worker = threading.Thread(target=work, name="highs")
    deadline = time.monotonic() + limit
    worker.start()
    patience = OVERRUN_SECONDS + OVERRUN_SHARE * (limit if np.isfinite(limit) else 0.0)
    while True:
        try:
            if done.wait(0.05):
                worker.join()
                return True
            if watch.is_cancelled() and not stop.is_set():
                stop.set()
                deadline = min(deadline, time.monotonic())
            if time.monotonic() > deadline:
                stop.set()
                if time.monotonic() > deadline + patience:
                    log.warning("HiGHS did not stop in time; its best plan is used and its thread left to end")
                    return False
        except KeyboardInterrupt:
            watch.interrupt()


def _from_callbacks(held: _Held, matrix: Matrix, watch: Watch, scale: float, begun: float) -> Run:
    watch.raise_if_broken()
    with held.lock:
        x, bound = held.x, held.bound
    return Run(
        termination=watch.why_stopped(),
        x=x,
        objective_usd=None if x is None else matrix.objective(x),
        bound_usd=bound / scale if np.isfinite(bound) else None,
        seconds=time.monotonic() - begun,
    )


def _read(
    highs: Any, held: _Held, matrix: Matrix, watch: Watch, scale: float, begun: float, stop: threading.Event
) -> Run:
    from highspy import _core

    watch.raise_if_broken()
    model_status, status = highs.getModelStatus(), _core.HighsModelStatus
    seconds = time.monotonic() - begun
    if model_status in (status.kUnbounded, status.kUnboundedOrInfeasible):
        return _resolve_unbounded(matrix, watch, seconds)
    if model_status == status.kInfeasible:
        return Run(Termination.INFEASIBLE, seconds=seconds)
    if model_status in (status.kOptimal, status.kModelEmpty):
        termination = Termination.GAP_REACHED
    elif watch.is_cancelled():
        termination = Termination.INTERRUPTED
    elif model_status in (status.kTimeLimit, status.kInterrupt) or stop.is_set():
        termination = Termination.TIME_LIMIT
    else:
        log.info("HiGHS stopped with status %s", highs.modelStatusToString(model_status))
        termination = Termination.LIMIT
    return _values(highs, held, matrix, scale, termination, seconds)


def _values(
    highs: Any, held: _Held, matrix: Matrix, scale: float, termination: Termination, seconds: float
) -> Run:
    from highspy import _core

    info, solution = highs.getInfo(), highs.getSolution()
    is_mip = bool(matrix.integer.any())
    feasible = info.primal_solution_status == _core.SolutionStatus.kSolutionStatusFeasible
    x = np.array(solution.col_value, dtype=np.float64) if feasible else held.x
    if x is not None and x.size != matrix.cost.size:
        x = held.x
    objective = None if x is None else matrix.objective(x)
    is_optimal = termination is Termination.GAP_REACHED
    bound: float | None = objective if is_optimal and not is_mip else None
    if is_mip and (np.isfinite(info.mip_dual_bound) or np.isfinite(held.bound)):
        bound = max(b for b in (info.mip_dual_bound, held.bound) if np.isfinite(b)) / scale
    has_duals = not is_mip and solution.dual_valid
    return Run(
        termination=termination,
        x=x,
        objective_usd=objective,
        bound_usd=bound,
        row_dual=np.array(solution.row_dual) / scale if has_duals else None,
        column_dual=np.array(solution.col_dual) / scale if has_duals else None,
        seconds=seconds,
    )


def _resolve_unbounded(matrix: Matrix, watch: Watch, seconds: float) -> Run:
    """Tell infeasible from unbounded by asking for any feasible point; unbounded means a cost of the model is wrong."""
    anything = run(replace(matrix, cost=np.zeros(matrix.cost.size), offset=0.0), watch)
    if anything.termination is Termination.INFEASIBLE:
        return Run(Termination.INFEASIBLE, seconds=seconds + anything.seconds)
    if anything.x is None:
        return Run(anything.termination, seconds=seconds + anything.seconds)
    raise InternalError("the model is unbounded: some cost is negative without a limit on what it pays for")


def _without_columns(matrix: Matrix) -> Run:
    holds = np.all(matrix.row_lower <= ROW_TOLERANCE) and np.all(matrix.row_upper >= -ROW_TOLERANCE)
    if not holds:
        return Run(Termination.INFEASIBLE)
    empty = np.zeros(0)
    return Run(Termination.GAP_REACHED, empty, matrix.offset, matrix.offset, np.zeros(matrix.shape[0]), empty)


def polish(matrix: Matrix, x: Floats, watch: Watch) -> Floats | None:
    """Return x with whole integers and continuous values that satisfy every row to about 1e-9 of its scale.

    Integers are rounded and the continuous columns solved again when the rounding left a row violated. Returns None when no
    continuous values go with the rounded integers.
    """
    x = np.where(matrix.integer, np.round(x), x)
    x = np.clip(x, matrix.lower, matrix.upper)
    x[np.abs(x) < 1e-11] = 0.0
    if matrix.worst_violation(x) <= CLEAN_TOLERANCE:
        return x
    free = np.flatnonzero(~matrix.integer)
    part, _ = submatrix(matrix, free, x)
    patient = Watch(max(10.0, watch.left_seconds()))
    for tolerance in (1e-9, 1e-7):
        options = {"primal_feasibility_tolerance": tolerance}
        again = run(part, patient, options=options)
        if again.x is not None and again.termination is Termination.GAP_REACHED:
            clean = x.copy()
            clean[free] = np.clip(again.x, part.lower, part.upper)
            clean[np.abs(clean) < 1e-11] = 0.0
            if matrix.is_feasible(clean):
                return clean
    return x if matrix.is_feasible(x) else None
