"""From `Problem` to `Solution`: hand the model to HiGHS, construct and improve plans of large estates, prove bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.solve.engine import solve_problem
    from optimizer.solve.solution import Progress, Solution, SolutionStatus, Termination

__all__ = ["Progress", "Solution", "SolutionStatus", "Termination", "solve_problem"]


def __getattr__(name: str) -> Any:
    if name == "solve_problem":
        from optimizer.solve.engine import solve_problem

        return solve_problem
    if name in __all__:
        from optimizer.solve import solution

        return getattr(solution, name)
    raise AttributeError(f"module 'optimizer.solve' has no attribute {name!r}")
