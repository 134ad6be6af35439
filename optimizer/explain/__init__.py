"""Answers to "why": why a workload is where it is, what rules cost, why there is no plan, what else could be done.

    answer = domicile.explain.why(instance, plan, "chat", region="aws:eu-west-1")
    print(answer.instead.extra_cost_usd)

    answer = domicile.explain.infeasible(instance)
    print(answer.conflicts[0].sentence, answer.repairs[0].changes)
"""

from optimizer.explain.alternative_rows import Alternative, AlternativesAnswer, Distance, Moved
from optimizer.explain.answer import why
from optimizer.explain.conflict_rows import Conflict, ConflictRule, InfeasibleAnswer, Repair, Servable, Step
from optimizer.explain.infeasibility import first_conflict, infeasible
from optimizer.explain.near_optimal import alternatives
from optimizer.explain.pricing import prices
from optimizer.explain.rows import (
    Attribution,
    Binding,
    Displaced,
    Edge,
    FigurePrice,
    Figures,
    Instead,
    Interval,
    Opening,
    Place,
    Price,
    PricesAnswer,
    RuleOut,
    RunnerUp,
    Shapley,
    Together,
    WhyAnswer,
)

__all__ = [
    "Alternative",
    "AlternativesAnswer",
    "Attribution",
    "Binding",
    "Conflict",
    "ConflictRule",
    "Displaced",
    "Distance",
    "Edge",
    "FigurePrice",
    "Figures",
    "InfeasibleAnswer",
    "Instead",
    "Interval",
    "Moved",
    "Opening",
    "Place",
    "Price",
    "PricesAnswer",
    "Repair",
    "RuleOut",
    "RunnerUp",
    "Servable",
    "Shapley",
    "Step",
    "Together",
    "WhyAnswer",
    "alternatives",
    "first_conflict",
    "infeasible",
    "prices",
    "why",
]
