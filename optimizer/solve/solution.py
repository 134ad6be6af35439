"""What a solve returns: why it stopped, what is held, and the numbers, each absent when unknown."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from optimizer.solve.decomposition.lagrangian import Lagrangian
    from optimizer.solve.state import Contribution
    from optimizer.solve.work import Work

GAP_FLOOR = 1e-9
PROVEN_TO_ROUNDING = 1e-7
"""What a gap may exceed the one asked by: the tolerances of linear programs in double precision leave no less open, and
a search that stops a hair beyond the gap asked has met it."""
SAME_USD = 1e-6
"""Part of a cost (of 1 USD at least) by which two sums of the same terms may differ."""


class Termination(StrEnum):
    """Why the solver stopped."""

    GAP_REACHED = "gap_reached"
    """The proven gap is at most the gap asked for."""
    TIME_LIMIT = "time_limit"
    INTERRUPTED = "interrupted"
    """Cancelled by the caller or by Ctrl-C."""
    INFEASIBLE = "infeasible"
    """Proven: no plan obeys every constraint."""
    LIMIT = "limit"
    """Stopped by another limit of the solver (numerical trouble included)."""
    CONTRADICTION = "contradiction"
    """The bound proven lies above the cost of the plan found: one of the two is wrong, and the bound is withdrawn."""


class SolutionStatus(StrEnum):
    """What is held."""

    OPTIMAL = "optimal"
    """A plan within the gap asked for."""
    FEASIBLE = "feasible"
    """A plan, its gap above what was asked or unknown."""
    INFEASIBLE = "infeasible"
    """A proof that no plan exists."""
    NO_PLAN = "no_plan"
    """Neither a plan nor a proof."""


@dataclass(frozen=True)
class Solution:
    """Values of every decision family with status, objective and proven bound.

    `values[component]` has the full length of the family's table (see formulations.problem), zero where there is no
    variable; empty when no plan is held. `objective_usd` and `bound_usd` are None when unknown. `bound_excess_usd` is
    by how much the solver's bound lay above the objective: rounding where it was then set to the objective, a
    contradiction where it was withdrawn. `rounding_usd` is what rounding up counts too large to branch on adds to the
    objective; None where there were none. `timings` holds seconds per phase, `method` what was run, `stated_by` who
    stated the model: "pyomo" or "arrays", `start_usd` what the plan made of an earlier one's options costs.
    `own_cost_usd` is the part of the objective that is no cost of the instance: what somebody added to its model; None
    where nobody did. `lagrangian` is the bound that a decomposition's prices prove, with these prices.
    `why` says why `method` was chosen, `strategies` what each one brought that was run; `threads` are those that HiGHS
    might use, `work` what it did,
    `parameters` those that are not the default.
    """

    status: SolutionStatus
    termination: Termination
    objective_usd: float | None = None
    bound_usd: float | None = None
    values: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    method: str = ""
    stated_by: str = ""
    bound_excess_usd: float = 0.0
    rounding_usd: float | None = None
    start_usd: float | None = None
    own_cost_usd: float | None = None
    lagrangian: Lagrangian | None = None
    why: str = ""
    strategies: tuple[Contribution, ...] = ()
    threads: int | None = None
    work: Work | None = None
    parameters: dict[str, float] = field(default_factory=dict)

    @property
    def gap(self) -> float | None:
        """(objective - bound) / max(|objective|, 1e-9), or None when either is unknown."""
        return relative_gap(self.objective_usd, self.bound_usd)


@dataclass(frozen=True)
class Progress:
    """A report while solving; every number is absent until known."""

    phase: str
    incumbent_usd: float | None
    bound_usd: float | None
    gap: float | None
    elapsed_seconds: float


def is_within(reached: float | None, asked: float) -> bool:
    """Whether a gap meets the one asked for, up to rounding; False where it is unknown."""
    return reached is not None and reached <= asked + PROVEN_TO_ROUNDING


def relative_gap(objective_usd: float | None, bound_usd: float | None) -> float | None:
    """Return (objective - bound) / max(|objective|, 1e-9), never negative; None when either is unknown."""
    if objective_usd is None or bound_usd is None:
        return None
    return max(0.0, objective_usd - bound_usd) / max(abs(objective_usd), GAP_FLOOR)
