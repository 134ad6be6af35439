"""Run HiGHS on a `Matrix`: limits, cancellation, warm start, incumbents kept, clean values, honest numbers.

The run happens in a thread or a process of its own (`runners`), which leaves the calling thread free to notice Ctrl-C
and to end a run that outlives its limit; what it found until then is kept.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InternalError
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.hand_over import Scaling, find_scaling, scaled_task
from optimizer.solve.highs.runners import Apart, Runner, make_runner
from optimizer.solve.highs.session import INFEASIBLE, OPTIMAL, OTHER, STOPPED, UNBOUNDED, Ears, Outcome
from optimizer.solve.matrix import ROW_TOLERANCE, Matrix, submatrix
from optimizer.solve.solution import Termination

if TYPE_CHECKING:
    from optimizer.solve.decomposition.lagrangian import Lagrangian

Floats = NDArray[np.float64]
log = logging.getLogger(__name__)


class UnboundedError(InternalError):
    """The cost falls without end."""


CLEAN_TOLERANCE, NEGLIGIBLE = 1e-9, 1e-11
"""Parts of a row's scale up to which it holds, and of a column's size below which a value is 0."""
NEARBY = 2.0
"""By how many an integer may move where no continuous values go with it as it is."""
APART_FROM_NONZEROS = 100_000
"""Non-zeros from which HiGHS runs in a process of its own: smaller models overrun a limit by 0.3 s at most."""
GRACE_SECONDS, GRACE_SHARE, LONGEST_GRACE_SECONDS = 0.5, 0.01, 3.0
"""How long after its limit a run may still come back with an answer."""
LOOK_EVERY_SECONDS = 0.05


@dataclass(frozen=True)
class Run:
    """What one run of HiGHS gave; numbers are absent when unknown, in USD (unscaled).

    `x` is the best solution held, `row_dual`/`column_dual` the duals of a continuous run that ended optimal,
    `lagrangian` the bound of a decomposition's prices.
    """

    termination: Termination
    x: Floats | None = None
    objective_usd: float | None = None
    bound_usd: float | None = None
    row_dual: Floats | None = None
    column_dual: Floats | None = None
    seconds: float = 0.0
    lagrangian: Lagrangian | None = None


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
    apart: bool | None = None,
    scale: float | None = None,
    most_bound_usd: float = np.inf,
) -> Run:
    """Minimise with HiGHS until the gap, the limit (the smaller of `time_limit_seconds` and the watch's) or a cancel.

    `start` is a full solution offered as MIP start; `relaxed` drops integrality; `on_incumbent` sees each improving
    solution, and `offer` is asked now and then for a better one (None: no news), both from another thread; `reports`
    forwards bounds to the watch, none above `most_bound_usd` (only right when the matrix is the whole model, or every
    plan outside it costs at least that). `apart`: in a process of its own,
    which is ended when it outlives the limit; by default for large models. `scale`: what costs are multiplied with for
    HiGHS, by default `cost_scale`. Raises InternalError when HiGHS fails or the model is unbounded.
    """
    limit = min(time_limit_seconds, watch.left_seconds())
    if limit <= 0.0 or watch.is_cancelled():
        return Run(watch.why_stopped() if watch.should_stop() else Termination.TIME_LIMIT)
    if relaxed:
        matrix = replace(matrix, integer=np.zeros(matrix.integer.size, dtype=bool))
    if matrix.cost.size == 0:
        return _without_columns(matrix)
    chosen: dict[str, Any] = {
        "mip_rel_gap": float(gap),
        "mip_abs_gap": 0.0,
        "time_limit": float(limit) if np.isfinite(limit) else 1e30,
        "threads": int(threads),
        **(options or {}),
    }
    scaling = find_scaling(matrix)
    scale = cost_scale(matrix.cost * scaling.column) if scale is None else scale
    heard = _Heard(
        matrix, watch, on_incumbent, offer, reports, scale=scale, scaling=scaling, most_bound_usd=most_bound_usd
    )
    unit = scaling.column
    task = scaled_task(matrix, scaling, scale)
    task = replace(task, options=chosen, start=None if start is None else start / unit, wants_offers=offer is not None)
    runner = make_runner(task, heard.ears(), apart=matrix.a.nnz >= APART_FROM_NONZEROS if apart is None else apart)
    ended = _wait(runner, watch, limit)
    if ended and isinstance(runner, Apart) and not runner.ready.is_set() and watch.broken is None:
        log.info("no process of its own for HiGHS: it runs in a thread")
        return run(
            matrix, watch, gap=gap, time_limit_seconds=limit - heard.seconds(), threads=threads, start=start,
            options=options, on_incumbent=on_incumbent, offer=offer, reports=reports, apart=False, scale=scale,
            most_bound_usd=most_bound_usd,
        )  # fmt: skip
    watch.raise_if_broken()
    if ended and runner.outcome is not None:
        done = runner.outcome
        watch.work.add(runs=1, simplex_iterations=done.simplex_iterations, nodes=done.nodes)
    return heard.result(runner.outcome if ended else None, is_late=not ended)


def _wait(runner: Runner, watch: Watch, limit: float) -> bool:
    """Start a run and wait for it; False when it outlived its limit and was given up on."""
    runner.start()
    deadline = time.monotonic() + limit
    patience = min(GRACE_SECONDS + GRACE_SHARE * limit, LONGEST_GRACE_SECONDS)
    is_stopping = False
    while True:
        try:
            if runner.done.wait(LOOK_EVERY_SECONDS):
                return True
            runner.tick()
            if watch.is_settled() and not is_stopping:
                is_stopping = True
                deadline = min(deadline, time.monotonic())
            if time.monotonic() > deadline:
                runner.stop()
            if time.monotonic() > deadline + patience:
                log.info("HiGHS did not stop in time: what it had found is used")
                runner.leave()
                return False
        except KeyboardInterrupt:
            watch.interrupt()


class _Heard:
    """What a run has told so far (scaled units), and whether it is to stop."""

    def __init__(
        self,
        matrix: Matrix,
        watch: Watch,
        on_incumbent: Callable[[Floats], None] | None,
        offer: Callable[[], Floats | None] | None,
        reports: bool,
        *,
        scale: float,
        scaling: Scaling,
        most_bound_usd: float,
    ) -> None:
        self.begun = time.monotonic()
        self.matrix = matrix
        self.watch = watch
        self.on_incumbent = on_incumbent
        self.offer = offer
        self.reports = reports
        self.scale = scale
        self.scaling = scaling
        self.most_bound_usd = most_bound_usd
        self.is_mip = bool(matrix.integer.any())
        self.lock = threading.Lock()
        self.x: Floats | None = None
        self.bound = -np.inf

    def ears(self) -> Ears:
        """Return what the run may call."""
        return Ears(
            improved=self._improved,
            bounds=self._bounds,
            offer=self._offered,
            should_stop=self.watch.is_settled,
            failed=self.watch.fail,
        )

    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.begun

    def _offered(self) -> Floats | None:
        better = None if self.offer is None else self.offer()
        return None if better is None else better / self.scaling.column

    def _improved(self, x: Floats) -> None:
        x = x * self.scaling.column
        with self.lock:
            self.x = x
        if self.on_incumbent is not None:
            self.on_incumbent(x)

    def _bounds(self, bound: float, incumbent: float) -> None:
        if np.isfinite(bound):
            self.bound = max(self.bound, bound)
        if self.reports:
            self.watch.note(
                incumbent / self.scale if np.isfinite(incumbent) else None,
                min(bound / self.scale, self.most_bound_usd) if np.isfinite(bound) else None,
            )

    def result(self, outcome: Outcome | None, *, is_late: bool) -> Run:
        """Return the outcome in USD; without one (given up on, or broken off), what was heard until then."""
        if outcome is None:
            return self._values(Outcome(OTHER, ""), self.watch.why_stopped() if is_late else Termination.LIMIT)
        if outcome.kind == UNBOUNDED:
            return _resolve_unbounded(self.matrix, self.watch, self.seconds())
        if outcome.kind == INFEASIBLE:
            return Run(Termination.INFEASIBLE, seconds=self.seconds())
        if outcome.kind == OPTIMAL:
            return self._values(outcome, Termination.GAP_REACHED)
        if self.watch.is_cancelled():
            return self._values(outcome, Termination.INTERRUPTED)
        if outcome.kind == STOPPED:
            return self._values(outcome, Termination.TIME_LIMIT)
        log.info("HiGHS stopped with status %s", outcome.said)
        return self._values(outcome, Termination.LIMIT)

    def _values(self, outcome: Outcome, termination: Termination) -> Run:
        with self.lock:
            x = self.x if outcome.x is None else outcome.x * self.scaling.column
        objective = None if x is None else self.matrix.objective(x)
        bound = objective if termination is Termination.GAP_REACHED and not self.is_mip else None
        known = [b for b in (outcome.bound, self.bound) if b is not None and np.isfinite(b)]
        if self.is_mip and known:
            bound = max(known) / self.scale
        return Run(
            termination=termination,
            x=x,
            objective_usd=objective,
            bound_usd=bound,
            row_dual=None if outcome.row_dual is None else outcome.row_dual * self.scaling.row / self.scale,
            column_dual=None if outcome.column_dual is None
            else outcome.column_dual / (self.scaling.column * self.scale),
            seconds=self.seconds(),
        )


def _resolve_unbounded(matrix: Matrix, watch: Watch, seconds: float) -> Run:
    """Tell infeasible from unbounded by asking for any feasible point; unbounded means a cost of the model is wrong."""
    anything = run(replace(matrix, cost=np.zeros(matrix.cost.size), offset=0.0), watch)
    if anything.termination is Termination.INFEASIBLE:
        return Run(Termination.INFEASIBLE, seconds=seconds + anything.seconds)
    if anything.x is None:
        return Run(anything.termination, seconds=seconds + anything.seconds)
    raise UnboundedError("the model is unbounded: some cost is negative without a limit on what it pays for")


def _without_columns(matrix: Matrix) -> Run:
    holds = np.all(matrix.row_lower <= ROW_TOLERANCE) and np.all(matrix.row_upper >= -ROW_TOLERANCE)
    if not holds:
        return Run(Termination.INFEASIBLE)
    empty = np.zeros(0)
    return Run(Termination.GAP_REACHED, empty, matrix.offset, matrix.offset, np.zeros(matrix.shape[0]), empty)


def polish(matrix: Matrix, x: Floats, watch: Watch, *, nearby: bool = False) -> Floats | None:
    """Return x with whole integers and continuous values that satisfy every row to about 1e-9 of its scale.

    Integers are rounded and the continuous columns solved again when the rounding left a row violated. Where no
    continuous values go with them that precisely and `nearby` is set, positive integers may move by `NEARBY`: HiGHS may
    have taken ten machines for enough where 10.000001 are needed. What holds to 1e-6 alone is the last resort. Returns
    None when nothing is found that holds.
    """
    x = _cleaned(matrix, np.where(matrix.integer, np.round(x), x))
    if matrix.worst_violation(x) <= CLEAN_TOLERANCE:
        return x
    held = x if matrix.is_feasible(x) else None
    patient = Watch(max(10.0, watch.left_seconds()))
    for moves in (0.0, NEARBY) if nearby else (0.0,):
        for tolerance in (1e-9, 1e-7):
            clean = _resolved(matrix, x, patient, moves=moves, tolerance=tolerance)
            if clean is not None and matrix.worst_violation(clean) <= CLEAN_TOLERANCE:
                return clean
            if clean is not None and matrix.is_feasible(clean) and held is None:
                held = clean
    return held


def _cleaned(matrix: Matrix, x: Floats) -> Floats:
    """Return x within its bounds, with 0 for what is rounding beside the size of its column."""
    x = np.clip(x, matrix.lower, matrix.upper)
    x[np.abs(x) < NEGLIGIBLE * matrix.column_size] = 0.0
    return x


def _resolved(matrix: Matrix, x: Floats, watch: Watch, *, moves: float, tolerance: float) -> Floats | None:
    """Return x with the continuous columns, and positive integers within so many `moves`, solved again; None without an
    answer.
    """
    free = np.flatnonzero(~matrix.integer | ((moves > 0.0) & (x > 0.0)))
    part, _ = submatrix(matrix, free, x)
    near = part.integer
    part = replace(
        part,
        lower=np.where(near, np.maximum(part.lower, x[free] - moves), part.lower),
        upper=np.where(near, np.minimum(part.upper, x[free] + moves), part.upper),
    )
    options = {"primal_feasibility_tolerance": tolerance, "mip_feasibility_tolerance": tolerance}
    again = run(part, watch, options=options)
    if again.x is None or again.termination is not Termination.GAP_REACHED:
        return None
    clean = x.copy()
    clean[free] = np.where(near, np.round(again.x), again.x)
    return _cleaned(matrix, clean)
