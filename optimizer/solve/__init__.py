"""From `Problem` to `Solution`: hand the model to HiGHS, construct and improve plans of large estates, prove bounds."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.solve.engine import solve_problem
    from optimizer.solve.shortfalls import Shortfall, diagnose
    from optimizer.solve.solution import Progress, Solution, SolutionStatus, Termination

_HOMES = {
    "Progress": "optimizer.solve.solution",
    "Shortfall": "optimizer.solve.shortfalls",
    "Solution": "optimizer.solve.solution",
    "SolutionStatus": "optimizer.solve.solution",
    "Termination": "optimizer.solve.solution",
    "diagnose": "optimizer.solve.shortfalls",
    "solve_problem": "optimizer.solve.engine",
}

__all__ = ["Progress", "Shortfall", "Solution", "SolutionStatus", "Termination", "diagnose", "solve_problem"]


def __getattr__(name: str) -> Any:
    """Import the names of the package when they are first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'optimizer.solve' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
