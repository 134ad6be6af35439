"""Answers to "why": why a workload is where it is, and why not elsewhere.

    answer = domicile.explain.why(instance, plan, "chat", region="aws:eu-west-1")
    print(answer.instead.extra_cost_usd)
"""

from optimizer.explain.answer import why
from optimizer.explain.pricing import prices
from optimizer.explain.rows import (
    Binding,
    Displaced,
    Edge,
    Instead,
    Interval,
    Opening,
    Place,
    Price,
    PricesAnswer,
    RuleOut,
    RunnerUp,
    WhyAnswer,
)

__all__ = [
    "Binding",
    "Displaced",
    "Edge",
    "Instead",
    "Interval",
    "Opening",
    "Place",
    "Price",
    "PricesAnswer",
    "RuleOut",
    "RunnerUp",
    "WhyAnswer",
    "prices",
    "why",
]
