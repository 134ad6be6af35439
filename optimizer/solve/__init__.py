"""From `Problem` to `Solution`: hand the model to HiGHS, construct and improve plans of large estates, prove bounds."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.solve.diagnosis.shortfalls import Shortfall, diagnose
    from optimizer.solve.driver import solve_problem
    from optimizer.solve.second_objective import LeastCarbon, least_carbon
    from optimizer.solve.solution import Progress, Solution, SolutionStatus, Termination

_HOMES = {
    "LeastCarbon": "optimizer.solve.second_objective",
    "Progress": "optimizer.solve.solution",
    "Shortfall": "optimizer.solve.diagnosis.shortfalls",
    "Solution": "optimizer.solve.solution",
    "SolutionStatus": "optimizer.solve.solution",
    "Termination": "optimizer.solve.solution",
    "diagnose": "optimizer.solve.diagnosis.shortfalls",
    "least_carbon": "optimizer.solve.second_objective",
    "solve_problem": "optimizer.solve.driver",
}

__all__ = [
    "LeastCarbon",
    "Progress",
    "Shortfall",
    "Solution",
    "SolutionStatus",
    "Termination",
    "diagnose",
    "least_carbon",
    "solve_problem",
]


def __getattr__(name: str) -> Any:
    """Import the names of the package when they are first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'optimizer.solve' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
