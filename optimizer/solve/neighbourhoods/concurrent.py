"""Plans of estates that HiGHS cannot solve whole: construct, improve, and run beside HiGHS where both have something
to say.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import Run, polish
from optimizer.solve.incumbent import Incumbent, Projected, with_start
from optimizer.solve.matrix import Matrix
from optimizer.solve.neighbourhoods.construct import construct
from optimizer.solve.neighbourhoods.improve import Neighbours, Pace, improve
from optimizer.solve.neighbourhoods.prepared import Prepared, held, prepare
from optimizer.solve.solution import Termination, relative_gap
from optimizer.solve.special.location.lazy_rows import run_linked

Floats = NDArray[np.float64]

RELAX_SHARE = 0.5
POLISH_SECONDS = 2.0
START_SHARE = 0.3
"""Part of the time that looking for a start may take where only one thread may run."""


def construct_and_improve(
    matrix: Matrix,
    problem: Problem,
    watch: Watch,
    *,
    gap: float,
    threads: int,
    until_seconds: float | None = None,
    incumbent: Incumbent | Projected | None = None,
    start: Floats | None = None,
) -> Run | None:
    """Bound by the relaxation, place workload by workload, improve by neighbourhoods.

    Takes the time left, or until `until_seconds` have elapsed. `start` is a plan to improve: then nothing is placed
    anew. Returns None when a workload has no place of its own, which only the whole model can settle.
    """
    end = watch.elapsed_seconds() + watch.left_seconds() - POLISH_SECONDS
    end = end if until_seconds is None else min(end, until_seconds)
    seconds = max(0.0, end - watch.elapsed_seconds())
    share = seconds / max(watch.left_seconds(), 1e-9)
    ground = prepare(matrix, problem, watch, seconds=RELAX_SHARE * seconds, start=start)
    if isinstance(ground, Run):
        return ground
    state = ground.state
    if start is None:
        with watch.phase_of("construct"):
            if not construct(state, ground.relaxation, ground.rank, watch, threads=threads, share=share):
                return Run(watch.why_stopped(), bound_usd=watch.bound_usd) if watch.should_stop() else None
    with watch.phase_of("improve"):
        improve_until(ground, watch, gap=gap, threads=threads, until_seconds=end, incumbent=incumbent)
    return held(ground, watch)


def improve_until(
    ground: Prepared,
    watch: Watch,
    *,
    gap: float,
    threads: int,
    until_seconds: float,
    incumbent: Incumbent | Projected | None = None,
    neighbours: Neighbours | None = None,
    pace: Pace | None = None,
) -> None:
    """Improve the plan of a search (see `improve`); Ctrl-C amid a change goes back to the plan before it."""
    try:
        improve(
            ground.state, ground.relaxation, ground.rank, watch,
            gap=gap, threads=threads, until_seconds=until_seconds, incumbent=incumbent, neighbours=neighbours,
            pace=pace,
        )  # fmt: skip
    except KeyboardInterrupt:
        watch.interrupt()
        ground.state.restore()


Search = Callable[[Incumbent | None, int, float], Run | None]
"""A search that trades plans through an incumbent, with so many threads, until so many seconds have elapsed."""


def beside_highs(
    matrix: Matrix, watch: Watch, search: Search, *, gap: float, threads: int, start: Floats | None = None
) -> Run:
    """Let HiGHS solve the whole model while a search looks for plans beside it; they trade what they find.

    HiGHS brings a bound and the proof, the search brings plans early, and may bring bounds to the watch. With one
    thread the search comes first and HiGHS starts from its plan. `start` is a plan for both to begin with.
    """
    end = watch.elapsed_seconds() + watch.left_seconds()
    if threads == 1:
        found = _plan_only(search(None, 1, watch.elapsed_seconds() + START_SHARE * watch.left_seconds()), matrix, watch)
        if found is not None and (found.termination is Termination.INFEASIBLE or _reaches(found, gap)):
            return with_start(found, matrix, start, watch)
        start = start if found is None or found.x is None else found.x
        with watch.phase_of("solve"):
            whole = run_linked(matrix, watch, gap=gap, threads=1, start=start)
        return with_start(_best(whole, found, watch, gap), matrix, start, watch)
    incumbent = Incumbent(matrix, watch)
    answers: list[Run] = []
    failures: list[BaseException] = []

    def solve_whole() -> None:
        try:
            answers.append(_whole(matrix, watch, gap, threads - 1, incumbent, start=start))
        except BaseException as error:
            failures.append(error)
        if failures or answers[0].termination in (Termination.GAP_REACHED, Termination.INFEASIBLE):
            watch.answered = True

    beside = threading.Thread(target=solve_whole, name="whole-model")
    beside.start()
    try:
        found = _plan_only(search(incumbent, 1, end), matrix, watch)
        if found is not None and (found.termination is Termination.INFEASIBLE or _reaches(found, gap)):
            watch.answered = True
    except KeyboardInterrupt:
        watch.interrupt()
        found = None
    except BaseException:
        watch.answered = True
        raise
    finally:
        _join(beside, watch)
        watch.answered = False
    if failures:
        raise failures[0]
    return with_start(_best(answers[0], found, watch, gap), matrix, start, watch)


def _plan_only(found: Run | None, matrix: Matrix, watch: Watch) -> Run | None:
    """Return what a search found, without values that are no plan: they would count as one that costs little, and as
    one of a model that has none.
    """
    if found is None or found.x is None or matrix.is_feasible(found.x) or polish(matrix, found.x, watch) is not None:
        return found
    return replace(found, x=None, objective_usd=None)


def _whole(
    matrix: Matrix, watch: Watch, gap: float, threads: int, incumbent: Incumbent, *, start: Floats | None
) -> Run:
    best_seen = [float("inf")]

    def offer() -> Floats | None:
        better = incumbent.better_than(best_seen[0])
        if better is not None:
            best_seen[0] = matrix.objective(better)
        return better

    def seen(x: Floats) -> None:
        best_seen[0] = min(best_seen[0], matrix.objective(x))
        incumbent.offer(x, found_by="solve")

    begun = watch.elapsed_seconds()
    result = run_linked(matrix, watch, gap=gap, threads=threads, start=start, on_incumbent=seen, offer=offer)
    watch.timings["solve"] = watch.elapsed_seconds() - begun
    return result


def _join(beside: threading.Thread, watch: Watch) -> None:
    while beside.is_alive():
        try:
            beside.join(0.1)
        except KeyboardInterrupt:
            watch.interrupt()


def _reaches(result: Run, gap: float) -> bool:
    reached = relative_gap(result.objective_usd, result.bound_usd)
    return reached is not None and reached <= gap


def _best(whole: Run, found: Run | None, watch: Watch, gap: float) -> Run:
    """Return the better plan with the better bound and why the solve stopped."""
    if found is None or (whole.termination is Termination.INFEASIBLE and found.x is None):
        return whole
    if found.termination is Termination.INFEASIBLE and whole.x is None:
        return found
    bounds = [bound for bound in (whole.bound_usd, found.bound_usd) if bound is not None]
    objectives = [result for result in (whole, found) if result.x is not None and result.objective_usd is not None]
    best = min(objectives, key=lambda result: result.objective_usd or 0.0) if objectives else whole
    joined = replace(best, bound_usd=max(bounds) if bounds else None, termination=whole.termination)
    if _reaches(joined, gap):
        return replace(joined, termination=Termination.GAP_REACHED)
    return replace(joined, termination=watch.why_stopped() if watch.should_stop() else whole.termination)
