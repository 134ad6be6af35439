"""Facts that laws ask for (tenants, exporters, states, bases, parties, routes, recipients) by a second statement.

The optimum is the same in both, and every plan passes its audit.
"""

from __future__ import annotations

import pytest
from independent import Independent
from random_lawful import random_lawful
from sampled import most
from solving import GAP, optimum, same

import domicile
from optimizer.instance.models import Instance

CHUNK = 10
SEEDS = range(12_000, 12_000 + CHUNK * most(4))


def made(seed: int) -> Instance:
    return domicile.load(random_lawful(seed), references=False)


@pytest.mark.parametrize("first", range(SEEDS.start, SEEDS.stop, CHUNK))
def test_optimum_is_that_of_the_second_formulation(first: int) -> None:
    """The same optimum in both, to one in a million, or no plan in both."""
    for seed in range(first, first + CHUNK):
        found, expected = optimum(random_lawful(seed)), Independent(made(seed)).optimum()
        assert same(found, expected), f"seed {seed}: engine {found}, second formulation {expected}"


def test_plans_pass_their_audit_and_what_is_drawn_decides() -> None:
    """`solve` refuses a plan that its audit refuses. Among the seeds tenants, parties and recipients shut options."""
    shut: set[str] = set()
    for seed in SEEDS:
        plan = domicile.solve(made(seed), gap=GAP, threads=1)
        assert plan.status in ("optimal", "infeasible"), seed
        shut |= {str(row.rule) for row in plan.ineligible if row.reason.startswith(("law_", "tenant_"))}
        shut |= {"recipient" for use in plan.mechanisms if any("recipient in" in part for part in use.key)}
    assert {"US-OFAC-TENANT", "US-OFAC-50", "CN-2024-FLOW", "seat", "recipient"} <= shut, shut
