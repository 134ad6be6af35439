"""The optimum of an instance given as a mapping, without reading or auditing a plan."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from random_instances import random_instance

import domicile
from optimizer.compile import NothingEligibleError, compile_instance
from optimizer.solve import solve_problem

GAP = 1e-8
CLOSE = 1e-6


def optimum(data: dict[str, Any]) -> float | None:
    """Return the least cost in USD, None if there is no plan."""
    try:
        compiled = compile_instance(domicile.load(data, references=False))
    except NothingEligibleError:
        return None
    solution = solve_problem(compiled.problem, gap=GAP, time_limit_seconds=60.0, threads=1)
    assert solution.status.value in ("optimal", "feasible", "infeasible")
    if solution.gap is not None:
        assert solution.gap <= 10 * CLOSE
    return solution.objective_usd


@lru_cache(maxsize=2000)
def optimum_of_seed(seed: int) -> float | None:
    """Return the least cost of a random instance."""
    return optimum(random_instance(seed))


def same(first: float | None, second: float | None, tolerance: float = CLOSE) -> bool:
    """Return True if both are the same optimum, or both are none."""
    if first is None or second is None:
        return first is second
    return abs(first - second) <= tolerance * max(1.0, abs(first))


def better(first: float | None, second: float | None) -> bool:
    """Return True if the first is a strictly better optimum than the second."""
    if first is None:
        return False
    return second is None or first < second - CLOSE * max(1.0, abs(second))


def renamed(data: dict[str, Any]) -> dict[str, Any]:
    """Other names for workloads, datasets and regions, none of which the alphabet orders as before."""
    inline = data["catalogue"]["inline"]
    old = [item["id"] for rows in (data["workloads"], data["datasets"], inline["regions"]) for item in rows]
    new = {name: f"x{len(old) - k:02d}" for k, name in enumerate(old)}

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(item) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item) for item in value]
        return new.get(value, value) if isinstance(value, str) else value

    found: dict[str, Any] = walk(data)
    return found
