"""The state of a solve: the model, how it is to be solved, and what strategies have found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import Run
from optimizer.solve.matrix import Matrix

if TYPE_CHECKING:
    from optimizer.solve.decomposition.workers import Workers

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Contribution:
    """What a strategy brought: how long it took, and cost and bound (USD) after it; None where nothing is known."""

    strategy: str
    seconds: float
    objective_usd: float | None
    bound_usd: float | None


@dataclass
class State:
    """A model under solution: its problem and matrix, the deadline, the gap asked for, the threads HiGHS may use.

    `start` is a solution to begin from, a rough one unless `begins_rough` is False. `workers` solve the small programs
    of the decomposition; None: threads. `result` is what the last strategy ended with.
    """

    matrix: Matrix
    problem: Problem
    deadline: Watch
    gap: float
    threads: int
    start: Floats | None = None
    begins_rough: bool = True
    workers: Workers | None = None
    result: Run | None = None
    contributions: list[Contribution] = field(default_factory=list)
