"""What a plan would say more of if it had more time: the row, and the words for it."""

from __future__ import annotations

from typing import Literal

from optimizer.plan.rows import Row

Question = Literal["missing_figures", "refused", "switching"]


class Unfinished(Row):
    """A question asked beside a plan that its part of the time, `seconds`, did not suffice for.

    `what`: the bound on what missing figures may cost, that on what refusing the unknown costs, or values at which
    figures change the plan, of which `questions` are open. A bound that is told holds; more time would lower it. Not
    `asked`: who solved left the question out (`solve(opportunity_costs=False)`, scenarios of a study).
    """

    what: Question
    seconds: float
    questions: int = 1
    asked: bool = True
