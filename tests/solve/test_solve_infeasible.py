"""Proofs by configurations that no plan obeys every row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helper_estate import coupled
from problem_toys import Builder
from synthetic_estate import estate

from formulations import build_arrays
from optimizer.solve import SolutionStatus, diagnose, solve_problem
from optimizer.solve.blocks import find_blocks
from optimizer.solve.deadline import Aside, Watch
from optimizer.solve.decomposition.column_generation import QUICK, Decomposition
from optimizer.solve.decomposition.cut import cut_model
from optimizer.solve.decomposition.infeasibility_proof import is_infeasible
from optimizer.solve.decomposition.small import SmallAnswer
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import from_arrays
from optimizer.solve.neighbourhoods.working_plan import worth_usd
from optimizer.solve.parameters import DEFAULTS, Diagnosis, Parameters
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows
from optimizer.solve.solution import Termination

BY_CONFIGURATIONS = Parameters(diagnosis=Diagnosis(configurations_from_slots=0))


def parts_of(problem, watch):
    """Return the model, its decomposition after a round of closed forms, and what its rows are worth."""
    matrix = with_cover_rows(from_arrays(build_arrays(problem)), problem)
    cut = cut_model(matrix, find_blocks(matrix, problem))
    worth = worth_usd(matrix, np.zeros(matrix.row_lower.size))[cut.rows]
    parts = Decomposition(problem, cut, worth, watch, threads=1)
    assert parts.price_roughly()
    return matrix, parts, worth


def nodes(limit):
    """Two services that need 5/s each, on nodes of 8 devices that serve 8/s, in a pool of so many devices."""
    b = Builder()
    region = b.region()
    slots = []
    for _ in range(2):
        _, (stream,) = b.service(5.0)
        slots.append(b.serve(stream, region, capacity=8.0, usd=10.0))
    b.pool(limit, slots=dict.fromkeys(slots, 8.0))
    return b.build()


def test_whole_nodes_that_do_not_fit_by_hand():
    """Ten devices would do if nodes could be shared out; two nodes need sixteen, and with sixteen there is a plan."""
    for limit, expected in ((15.0, True), (16.0, False)):
        problem, watch = nodes(limit), Watch(30)
        _, parts, worth = parts_of(problem, watch)
        assert is_infeasible(problem, parts, worth, watch, seconds=20) is expected
        status = SolutionStatus.INFEASIBLE if expected else SolutionStatus.OPTIMAL
        assert solve_problem(problem, method="decompose", threads=1).status is status
        assert watch.bound_usd is None or watch.bound_usd <= 20.0  # a shortfall is no bound of the cost


def test_what_pools_lack_is_told_by_the_limit_they_state():
    """Two nodes of 8 in a pool of 15, which supplies one: it falls short by 1, not a pool of 8 by 8."""
    for slots, parameters in ((1, DEFAULTS), (0, BY_CONFIGURATIONS)):
        (short,) = diagnose(nodes(15.0), parameters=parameters)
        assert (short.family, short.side, short.by, short.basis) == ("devices", 15.0, 1.0, "alone")
        assert short.is_proven is (slots > 0)  # what is put together from configurations is no proof
    assert diagnose(nodes(16.0)) == []


@pytest.mark.parametrize("seed", range(3))
def test_what_is_proven_impossible_has_no_plan(seed):
    """Where limits shrink, HiGHS on the whole model finds no plan wherever there is a proof, and there are proofs."""
    size = {"pool": (60, 120), "devices": (9.0, 40.0)}
    problem = coupled(5, seed=1) if seed == 1 else estate(12, regions=6, seed=seed, **size)
    proven = []
    for factor in (0.1, 0.3, 0.45):
        tight = replace(problem, pools=replace(problem.pools, limit=np.floor(problem.pools.limit * factor)))
        watch = Watch(60)
        matrix, parts, worth = parts_of(tight, watch)
        proven.append(is_infeasible(tight, parts, worth, watch, seconds=30))
        if proven[-1]:
            assert run(matrix, Watch(60), gap=0.5, threads=1).termination is Termination.INFEASIBLE
    assert proven[0]


def test_a_large_estate_that_cannot_be_is_told():
    """More integers than the relaxation of the whole model is asked about: infeasible, and not a time limit."""
    problem = estate(40, regions=60, seed=2)
    tight = replace(problem, pools=replace(problem.pools, limit=np.floor(problem.pools.limit * 0.02)))
    found = solve_problem(tight, method="decompose", time_limit_seconds=60.0, threads=1)
    assert found.status is SolutionStatus.INFEASIBLE


def test_a_side_question_ends_with_the_solve():
    """It stops when the solve is cancelled or answered, passes errors and Ctrl-C on, and its notes are not news."""
    main = Watch(60)
    aside = Aside(main, 30.0)
    assert aside.left_seconds() <= 30.0
    aside.note(bound_usd=7.0)
    assert main.bound_usd is None
    assert not aside.should_stop()
    aside.interrupt()
    assert main.is_cancelled()
    assert aside.should_stop()
    answered = Watch(60)
    answered.answered = True
    assert Aside(answered, 30.0).should_stop()
    broken = Watch(60)
    Aside(broken, 30.0).fail(ValueError("x"))
    with pytest.raises(ValueError, match="x"):
        broken.raise_if_broken()


@pytest.mark.parametrize("seed", [0, 2, 5])
def test_what_is_told_by_configurations_makes_room(seed):
    """Where there is no plan, limits loosened by what each of them lacks admit one."""
    problem = estate(12, regions=6, seed=seed, pool=(60, 120), devices=(9.0, 40.0), carbon_limit_kg=4e4)
    limits = {f"pool{x}": x for x in range(problem.pools.limit.size)}
    pools = replace(problem.pools, ids=tuple(limits), limit=np.maximum(1.0, np.floor(problem.pools.limit * 0.1)))
    tight = replace(problem, pools=pools, budgets=replace(problem.budgets, ids=("carbon",)))
    assert solve_problem(tight, method="decompose", threads=1).status is SolutionStatus.INFEASIBLE
    short = diagnose(tight, time_limit_seconds=60.0, parameters=BY_CONFIGURATIONS)
    assert short
    roomier, budget = pools.limit.copy(), tight.budgets.limit.copy()
    for shortfall in short:
        if shortfall.family == "budget":
            budget += shortfall.by * (1 + 1e-6)
        else:
            roomier[limits[shortfall.id]] += shortfall.by
    enough = replace(tight, pools=replace(pools, limit=roomier), budgets=replace(tight.budgets, limit=budget))
    assert run(from_arrays(build_arrays(enough)), Watch(60), gap=0.9, threads=1).x is not None


def test_what_is_told_changes_least_of_its_size():
    """22 services of one device each, pools of 20 and 1: the pool of 20 lacks 1 (5 %), rather than the one of 1."""
    b = Builder()
    here, there = b.region(), b.region()
    slots = []
    for _ in range(22):
        _, (stream,) = b.service(1.0)
        slots.append([b.serve(stream, place, capacity=1.0, most=1.0, usd=1.0) for place in (here, there)])
    large, small = (
        b.pool(limit, slots={own[place]: 1.0 for own in slots}) for place, limit in ((0, 20.0), (1, 1.0))
    )
    problem = b.build()
    (short,) = diagnose(problem, parameters=BY_CONFIGURATIONS)
    assert (short.id, short.side) == (problem.pools.ids[large], 20.0)
    assert short.by == pytest.approx(1.0)
    assert large != small


def test_a_program_called_infeasible_that_holds_a_known_configuration_gives_no_bound(monkeypatch):
    """Were HiGHS wrong about every small program, no workload would be told to have no solution."""
    problem, watch = nodes(15.0), Watch(30)
    _, parts, _ = parts_of(problem, watch)
    from optimizer.solve.decomposition import chunks as module
    monkeypatch.setattr(module, "solve_small", lambda *_args, **_kinds: SmallAnswer(None, np.inf, np.inf))
    before = parts.pricing.price(parts.price, QUICK, settled=0.0, among=np.ones(2, dtype=bool))
    assert before is not None
    assert np.isfinite(before.upper_usd).all()
    price = np.full(parts.price.size, -1.0)
    found = parts.pricing.price(price, QUICK, settled=0.0, among=np.ones(2, dtype=bool))
    estimate = parts.pricing._estimates(parts.cut.reduced_cost(price), price)
    assert found.lower_usd == pytest.approx(np.minimum(estimate.lower_usd, found.upper_usd))
