"""One run of HiGHS on arrays: load, subscribe to its callbacks, run, say what came out.

Knows neither watch nor matrix, and imports numpy and highspy alone: it runs in a thread of this process or in a process
of its own (see `runners`). Costs are scaled by whoever made the `Task`.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InternalError
from optimizer.solve.highs.scaling import LARGEST_COEFFICIENT, SMALLEST_COEFFICIENT, keep_small

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

OPTIMAL, INFEASIBLE, UNBOUNDED, STOPPED, OTHER = "optimal", "infeasible", "unbounded", "stopped", "other"


@dataclass(frozen=True)
class Task:
    """A mixed-integer linear program by column (compressed), and how HiGHS is to run it.

    `integer` is 0 or 1 per column; `start` a full solution offered as MIP start; `wants_offers`: better solutions may
    be handed in while it runs.
    """

    cost: Floats
    offset: float
    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats
    indptr: Ints
    indices: Ints
    data: Floats
    integer: Ints
    options: Mapping[str, Any] = field(default_factory=dict)
    start: Floats | None = None
    wants_offers: bool = False

    @property
    def is_mip(self) -> bool:
        """Whether any column is integer."""
        return bool(self.integer.any())


@dataclass(frozen=True)
class Outcome:
    """What HiGHS ended with, in the units of the task; absent what it did not give.

    `kind` is optimal, infeasible, unbounded (or either of the two), stopped (a limit or an interrupt) or other, which
    `said` spells out in HiGHS' words.
    """

    kind: str
    said: str
    x: Floats | None = None
    bound: float | None = None
    row_dual: Floats | None = None
    column_dual: Floats | None = None
    simplex_iterations: int = 0
    nodes: int = 0


@dataclass
class Ears:
    """Who hears what HiGHS finds, and who may hand something in; called from the thread that runs HiGHS.

    `should_stop` is asked often and must be quick. `bounds` gets (bound, incumbent), infinite when unknown.
    """

    should_stop: Callable[[], bool]
    failed: Callable[[BaseException], None]
    improved: Callable[[Floats], None] = lambda _x: None
    bounds: Callable[[float, float], None] = lambda _bound, _incumbent: None
    offer: Callable[[], Floats | None] = lambda: None


def load(task: Task) -> Any:
    """Return a silent HiGHS model of the task.

    Raises InternalError when HiGHS refuses the model or drops a coefficient of it.
    """
    from highspy import _core

    highs = _core._Highs()
    highs.setOptionValue("output_flag", False)
    keep_small(highs, task.data)
    status = highs.passModel(
        task.cost.size,
        task.row_lower.size,
        int(task.data.size),
        int(_core.MatrixFormat.kColwise),
        int(_core.ObjSense.kMinimize),
        task.offset,
        task.cost,
        task.lower,
        task.upper,
        task.row_lower,
        task.row_upper,
        task.indptr,
        task.indices,
        task.data,
        task.integer,
    )
    if status == _core.HighsStatus.kError:
        raise InternalError(f"HiGHS refused the model of {task.row_lower.size} rows and {task.cost.size} columns")
    check_arrival(highs, task.data, before=0)
    threads = int(task.options.get("threads", 1))
    parallel = "on" if task.is_mip and threads > 1 else "off"  # HiGHS would choose by itself
    for name, value in {"threads": threads, "parallel": parallel, **task.options}.items():
        highs.setOptionValue(name, value)
    if task.start is not None:
        highs.setSolution(task.start.size, np.arange(task.start.size, dtype=np.int32), task.start)
    return highs


def check_arrival(highs: Any, data: Floats, *, before: int) -> None:
    """Check that a HiGHS model that held `before` coefficients now holds all the non-zero ones of `data` as well.

    HiGHS drops what is small, with a warning at most: a row without one of its coefficients is another row, and what is
    proven of it is false. Raises InternalError with the range of the coefficients.
    """
    size = np.abs(data[data != 0.0])
    lost = before + size.size - highs.getNumNz()
    if lost:
        raise InternalError(
            f"HiGHS took {highs.getNumNz() - before} of {size.size} coefficients, which lie between {size.min():.3g} "
            f"and {size.max():.3g} in absolute value; it handles {SMALLEST_COEFFICIENT:g} to {LARGEST_COEFFICIENT:g}"
        )


class Session:
    """A task loaded into HiGHS, to be run, changed and run again."""

    def __init__(self, task: Task, ears: Ears) -> None:
        self.task = task
        self.ears = ears
        self.stopped = threading.Event()
        self.highs = load(task)
        self._subscribe()

    def add_columns(
        self, cost: Floats, lower: Floats, upper: Floats, *, begin: Ints, row: Ints, value: Floats
    ) -> None:
        """Append continuous columns, by column compressed: `begin` says where each one's entries begin."""
        before = self.highs.getNumNz()
        keep_small(self.highs, value)
        self.highs.addCols(cost.size, cost, lower, upper, value.size, begin, row, value)
        check_arrival(self.highs, value, before=before)

    def add_rows(self, lower: Floats, upper: Floats, *, begin: Ints, column: Ints, value: Floats) -> None:
        """Append rows, by row compressed: `begin` says where each one's entries begin."""
        before = self.highs.getNumNz()
        keep_small(self.highs, value)
        self.highs.addRows(lower.size, lower, upper, value.size, begin, column, value)
        check_arrival(self.highs, value, before=before)

    def _subscribe(self) -> None:
        from highspy import _core

        kinds = _core.cb.HighsCallbackType
        self._improving = int(kinds.kCallbackMipImprovingSolution)
        self._mip_interrupt = int(kinds.kCallbackMipInterrupt)
        self._user_solution = int(kinds.kCallbackMipUserSolution)
        called = weakref.WeakMethod(self._called)  # HiGHS holds on to it unseen by the garbage collector
        self.highs.setCallback(lambda *news: None if (call := called()) is None else call(*news), None)
        wanted = [kinds.kCallbackSimplexInterrupt, kinds.kCallbackIpmInterrupt]
        if self.task.is_mip:
            wanted = [kinds.kCallbackMipInterrupt, kinds.kCallbackMipImprovingSolution]
            if self.task.wants_offers:
                wanted.append(kinds.kCallbackMipUserSolution)
        for kind in wanted:
            self.highs.startCallback(kind)

    def _called(self, kind: int, _message: str, data: Any, answer: Any, _user: Any) -> None:
        try:
            if int(kind) == self._improving:
                self.ears.improved(np.array(data.mip_solution, dtype=np.float64))
            elif int(kind) == self._mip_interrupt:
                self.ears.bounds(float(data.mip_dual_bound), float(data.mip_primal_bound))
            elif int(kind) == self._user_solution:
                better = self.ears.offer()
                if better is not None:
                    answer.setSolution(better)
                return
            if answer is not None:
                answer.user_interrupt = self.ears.should_stop()  # HiGHS keeps it for its next run
                if answer.user_interrupt:
                    self.stopped.set()
        except BaseException as error:  # must not unwind through the solver's own frames
            self.ears.failed(error)

    def run(self) -> Outcome:
        """Run HiGHS to its end and return what it ended with.

        HiGHS keeps one task scheduler per calling thread and refuses another number of threads later: it is let go, and
        so is one that another run of this thread, ours or the embedder's, left behind.
        """
        from highspy import _core

        self.stopped.clear()
        try:
            if self.highs.run() == _core.HighsStatus.kError:
                self.highs.resetGlobalScheduler(True)
                self.highs.run()
        finally:
            self.highs.resetGlobalScheduler(True)
        return self._outcome()

    def _outcome(self) -> Outcome:
        from highspy import _core

        model_status, status = self.highs.getModelStatus(), _core.HighsModelStatus
        kinds = {
            status.kOptimal: OPTIMAL, status.kModelEmpty: OPTIMAL, status.kInfeasible: INFEASIBLE,
            status.kUnbounded: UNBOUNDED, status.kUnboundedOrInfeasible: UNBOUNDED,
            status.kTimeLimit: STOPPED, status.kInterrupt: STOPPED,
        }  # fmt: skip
        kind = kinds.get(model_status, STOPPED if self.stopped.is_set() else OTHER)
        said = str(self.highs.modelStatusToString(model_status))
        info = self.highs.getInfo()
        iterations, nodes = max(int(info.simplex_iteration_count), 0), max(int(info.mip_node_count), 0)
        if kind in (INFEASIBLE, UNBOUNDED):
            return Outcome(kind, said, simplex_iterations=iterations, nodes=nodes)
        solution = self.highs.getSolution()
        x = None
        if info.primal_solution_status == _core.SolutionStatus.kSolutionStatusFeasible:
            x = np.array(solution.col_value, dtype=np.float64)
            x = x if x.size == self.highs.getNumCol() else None
        has_duals = not self.task.is_mip and solution.dual_valid
        is_bounded = self.task.is_mip and np.isfinite(info.mip_dual_bound)
        return Outcome(
            kind,
            said,
            x=x,
            bound=float(info.mip_dual_bound) if is_bounded else None,
            row_dual=np.array(solution.row_dual) if has_duals else None,
            column_dual=np.array(solution.col_dual) if has_duals else None,
            simplex_iterations=iterations,
            nodes=nodes,
        )
