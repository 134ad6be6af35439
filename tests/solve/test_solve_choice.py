"""Which method `auto` takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic_estate import estate
from test_solve_linking import random_location

from formulations.failures import find_failures
from formulations.problem import Survival
from optimizer.solve.auto import choose
from optimizer.solve.parameters import DEFAULTS

DECOMPOSE_FROM_INTEGERS = DEFAULTS.auto.decompose_from_integers


def machines(problem):
    """How many counts of machines and gangs there are."""
    return int((~problem.slots.is_endpoint).sum())


@pytest.mark.parametrize(("workloads", "regions", "method"), [(5, 60, "direct"), (6, 60, "decompose")])
def test_counts_of_many_workloads_weigh_twice(workloads, regions, method):
    """Between 1,000 and 2,000 counts of machines five workloads are left to HiGHS, and six are not."""
    problem = estate(workloads, regions=regions)
    assert DECOMPOSE_FROM_INTEGERS / 2 < machines(problem) < DECOMPOSE_FROM_INTEGERS
    assert choose(problem).method == method


def test_failure_flows_count_as_machines():
    """Two services that survive the failure of any of them have few machines and many failure flows."""
    calm = estate(2, regions=30, jobs_share=0.0, offer_share=0.35)
    every = np.arange(2)
    problem = replace(calm, survival=Survival(workload=every, of=np.zeros(2, dtype=np.int64), share=np.full(2, 0.5)))
    assert machines(problem) < DECOMPOSE_FROM_INTEGERS <= machines(problem) + find_failures(problem).flow.size
    assert choose(calm).method == "direct"
    assert choose(problem).method == "decompose"


def test_choices_of_regions_do_not_count_as_machines():
    """80 customers of 25 sites, most with one site each: 1,300 choices, whose relaxation is sharp, and no machine."""
    problem = random_location(80, 25, 2, single_share=0.6)
    assert machines(problem) == 0
    assert problem.presence.workload.size > DECOMPOSE_FROM_INTEGERS / 2
    assert choose(problem).method == "direct"
