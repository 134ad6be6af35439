"""Answers to "why": why a workload is where it is and not elsewhere, what rules cost, what else could be done.

    answer = domicile.explain.why(instance, plan, "chat", region="aws:eu-west-1")
    print(answer.instead.extra_cost_usd)
"""

from optimizer.explain.alternative_rows import Alternative, AlternativesAnswer, Distance, Moved
from optimizer.explain.alternatives import alternatives
from optimizer.explain.answer import why
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
    "Displaced",
    "Distance",
    "Edge",
    "FigurePrice",
    "Figures",
    "Instead",
    "Interval",
    "Moved",
    "Opening",
    "Place",
    "Price",
    "PricesAnswer",
    "RuleOut",
    "RunnerUp",
    "Shapley",
    "Together",
    "WhyAnswer",
    "alternatives",
    "prices",
    "why",
]
