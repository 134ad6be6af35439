"""Run HiGHS on a `Matrix`: limits, cancellation, warm start, incumbents kept, clean values, honest numbers.

HiGHS keeps one task scheduler per calling thread and refuses to run when a later call in the same thread asks for
another number of threads; every run therefore has a thread of its own. That also leaves the calling thread free to
notice Ctrl-C.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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
    options: Mapping[str, Any] | None = None,
    on_incumbent: Callable[[Floats], None] | None = None,
    offer: Callable[[], Floats | None] | None = None,
    reports: bool = False,
) -> Run:
    """Minimise with HiGHS until the gap, the limit (the smaller of `time_limit_seconds` and the watch's) or a cancel.

    `start` is a full solution offered as MIP start; `relaxed` drops integrality; `on_incumbent` sees each improving
    solution, and `offer` is asked now and then for a better one (None: no news), both from HiGHS' own thread; `reports`
    forwards bounds to the watch (only right when the matrix is the whole model). Raises InternalError when HiGHS
    fails or the model is unbounded.
    """
    limit = min(time_limit_seconds, watch.left_seconds())
    if limit <= 0.0 or watch.is_cancelled():
        return Run(watch.why_stopped() if watch.should_stop() else Termination.TIME_LIMIT)
    if relaxed:
        matrix = replace(matrix, integer=np.zeros(matrix.integer.size, dtype=bool))
    if matrix.cost.size == 0:
        return _without_columns(matrix)
    session = _Session(matrix, watch, on_incumbent, offer, reports)
    chosen: dict[str, Any] = {
        "mip_rel_gap": float(gap),
        "mip_abs_gap": 1e-9,
        "time_limit": float(limit) if np.isfinite(limit) else 1e30,
        "threads": int(threads),
    }
    for name, value in {**chosen, **(options or {})}.items():
        session.highs.setOptionValue(name, value)
    if start is not None:
        session.highs.setSolution(start.size, np.arange(start.size, dtype=np.int32), start)
    return session.result() if session.run(limit) else session.result_of_callbacks()


class _Session:
    """One HiGHS model being solved: what its callbacks saw (scaled units) and whether it is to stop."""

    def __init__(
        self,
        matrix: Matrix,
        watch: Watch,
        on_incumbent: Callable[[Floats], None] | None,
        offer: Callable[[], Floats | None] | None,
        reports: bool,
    ) -> None:
        self.begun = time.monotonic()
        self.matrix = matrix
        self.watch = watch
        self.on_incumbent = on_incumbent
        self.offer = offer
        self.reports = reports
        self.scale = cost_scale(matrix.cost)
        self.is_mip = bool(matrix.integer.any())
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.x: Floats | None = None
        self.bound = -np.inf
        self.highs = load(matrix, matrix.cost * self.scale, matrix.offset * self.scale)
        self._subscribe()

    def _subscribe(self) -> None:
        from highspy import _core

        kinds = _core.cb.HighsCallbackType
        self.improving = int(kinds.kCallbackMipImprovingSolution)
        self.mip_interrupt = int(kinds.kCallbackMipInterrupt)
        self.user_solution = int(kinds.kCallbackMipUserSolution)
        self.highs.setCallback(self._called, None)
        wanted = [kinds.kCallbackSimplexInterrupt, kinds.kCallbackIpmInterrupt]
        if self.is_mip:
            wanted = [kinds.kCallbackMipInterrupt, kinds.kCallbackMipImprovingSolution]
            if self.offer is not None:
                wanted.append(kinds.kCallbackMipUserSolution)
        for kind in wanted:
            self.highs.startCallback(kind)

    def _called(self, kind: int, _message: str, data: Any, answer: Any, _user: Any) -> None:
        try:
            if int(kind) == self.improving:
                x = np.array(data.mip_solution, dtype=np.float64)
                with self.lock:
                    self.x = x
                if self.on_incumbent is not None:
                    self.on_incumbent(x)
            elif int(kind) == self.mip_interrupt:
                self._note_bounds(data)
            elif int(kind) == self.user_solution and self.offer is not None:
                better = self.offer()
                if better is not None:
                    answer.setSolution(better)
                return
            if answer is not None and (self.stop.is_set() or self.watch.is_settled()):
                answer.user_interrupt = True
        except BaseException as error:  # must not unwind through the solver's own frames
            self.watch.broken = self.watch.broken or error
            self.watch.interrupt()

    def _note_bounds(self, data: Any) -> None:
        bound, incumbent = data.mip_dual_bound, data.mip_primal_bound
        if np.isfinite(bound):
            self.bound = max(self.bound, bound)
        if self.reports:
            self.watch.note(
                incumbent / self.scale if np.isfinite(incumbent) else None,
                bound / self.scale if np.isfinite(bound) else None,
            )

    def run(self, limit: float) -> bool:
        """Run HiGHS in its own thread; False when it did not come back in time and was left to end by itself."""
        done = threading.Event()

        def work() -> None:
            try:
                self.highs.run()
            except BaseException as error:
                self.watch.broken = self.watch.broken or error
            finally:
                self.highs.resetGlobalScheduler(True)
                done.set()

        worker = threading.Thread(target=work, name="highs")
        deadline = time.monotonic() + limit
        patience = OVERRUN_SECONDS + OVERRUN_SHARE * (limit if np.isfinite(limit) else 0.0)
        worker.start()
        while True:
            try:
                if done.wait(0.05):
                    worker.join()
                    return True
                if self.watch.is_settled() and not self.stop.is_set():
                    self.stop.set()
                    deadline = min(deadline, time.monotonic())
                if time.monotonic() > deadline:
                    self.stop.set()
                if time.monotonic() > deadline + patience:
                    log.info("HiGHS did not stop in time; its best plan is used and its thread left to end")
                    return False
            except KeyboardInterrupt:
                self.watch.interrupt()

    def result_of_callbacks(self) -> Run:
        """Return what the callbacks saw, HiGHS itself still being busy."""
        self.watch.raise_if_broken()
        with self.lock:
            x = self.x
        return Run(
            termination=self.watch.why_stopped(),
            x=x,
            objective_usd=None if x is None else self.matrix.objective(x),
            bound_usd=self.bound / self.scale if np.isfinite(self.bound) else None,
            seconds=time.monotonic() - self.begun,
        )

    def result(self) -> Run:
        """Return what HiGHS ended with."""
        from highspy import _core

        self.watch.raise_if_broken()
        model_status, status = self.highs.getModelStatus(), _core.HighsModelStatus
        if model_status in (status.kUnbounded, status.kUnboundedOrInfeasible):
            return _resolve_unbounded(self.matrix, self.watch, time.monotonic() - self.begun)
        if model_status == status.kInfeasible:
            return Run(Termination.INFEASIBLE, seconds=time.monotonic() - self.begun)
        if model_status in (status.kOptimal, status.kModelEmpty):
            return self._values(Termination.GAP_REACHED)
        if self.watch.is_cancelled():
            return self._values(Termination.INTERRUPTED)
        if model_status in (status.kTimeLimit, status.kInterrupt) or self.stop.is_set():
            return self._values(Termination.TIME_LIMIT)
        log.info("HiGHS stopped with status %s", self.highs.modelStatusToString(model_status))
        return self._values(Termination.LIMIT)

    def _values(self, termination: Termination) -> Run:
        from highspy import _core

        info, solution = self.highs.getInfo(), self.highs.getSolution()
        is_feasible = info.primal_solution_status == _core.SolutionStatus.kSolutionStatusFeasible
        x = np.array(solution.col_value, dtype=np.float64) if is_feasible else self.x
        if x is not None and x.size != self.matrix.cost.size:
            x = self.x
        objective = None if x is None else self.matrix.objective(x)
        bound = objective if termination is Termination.GAP_REACHED and not self.is_mip else None
        known = [b / self.scale for b in (info.mip_dual_bound, self.bound) if np.isfinite(b)]
        if self.is_mip and known:
            bound = max(known)
        has_duals = not self.is_mip and solution.dual_valid
        return Run(
            termination=termination,
            x=x,
            objective_usd=objective,
            bound_usd=bound,
            row_dual=np.array(solution.row_dual) / self.scale if has_duals else None,
            column_dual=np.array(solution.col_dual) / self.scale if has_duals else None,
            seconds=time.monotonic() - self.begun,
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

    Integers are rounded and the continuous columns solved again when the rounding left a row violated. Returns None
    when no continuous values go with the rounded integers.
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
