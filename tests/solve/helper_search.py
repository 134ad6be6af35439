"""Searches that no method names: a plan constructed and improved, alone or beside HiGHS."""

from __future__ import annotations

from formulations.units import normalise
from optimizer.solve.deadline import Watch
from optimizer.solve.driver import stated_matrix
from optimizer.solve.neighbourhoods.concurrent import beside_highs, construct_and_improve
from optimizer.solve.postsolve.finish import to_solution


def solve_by_search(
    problem, *, gap, time_limit_seconds, threads=1, beside=False, progress=None, cancel=None
):
    """Solve a problem by construction and improvement, beside HiGHS on the whole model if asked for."""
    watch = Watch(time_limit_seconds, cancel, progress)
    problem = normalise(problem).problem
    matrix = stated_matrix(problem, watch, "direct")

    def search(incumbent, threads, until_seconds):
        return construct_and_improve(
            matrix, problem, watch, gap=gap, threads=threads, until_seconds=until_seconds, incumbent=incumbent
        )

    if beside:
        found = beside_highs(matrix, watch, search, gap=gap, threads=threads)
    else:
        found = search(None, threads, time_limit_seconds)
    return to_solution(matrix, problem, found, gap=gap, watch=watch, method="search")
