"""The constructed plan and its improvement."""

from __future__ import annotations

import numpy as np
import pytest
from helper_estate import coupled
from helper_search import solve_by_search
from synthetic_estate import estate

from formulations import build_model
from optimizer.solve import Termination
from optimizer.solve.blocks import find_blocks
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import to_matrix
from optimizer.solve.neighbourhoods import improve as improve_module
from optimizer.solve.neighbourhoods.construct import construct
from optimizer.solve.neighbourhoods.improve import improve
from optimizer.solve.neighbourhoods.ranking import rank_options
from optimizer.solve.neighbourhoods.relaxation import solve_relaxation
from optimizer.solve.neighbourhoods.working_plan import WorkingPlan, worth_usd


def prepared(problem, seconds=60.0):
    matrix = to_matrix(build_model(problem))
    watch = Watch(seconds)
    blocks = find_blocks(matrix, problem)
    relaxation = solve_relaxation(matrix, watch, 30)
    watch.note(bound_usd=relaxation.bound_usd)
    rank = rank_options(matrix, blocks, relaxation.reduced_cost, relaxation.x)
    return matrix, watch, relaxation, rank, WorkingPlan(matrix, blocks, worth_usd(matrix, relaxation.row_price))


def test_estate_within_ten_percent_of_the_proven_bound():
    """25 workloads with tight pools and a carbon cap: a feasible plan close to the relaxation, in seconds."""
    problem = estate(25, regions=30, pool=(60, 100), carbon_limit_kg=1.2e5, devices=(60.0, 400.0))
    matrix, watch, relaxation, rank, state = prepared(problem)
    assert construct(state, relaxation, rank, watch, threads=2)
    improve(state, relaxation, rank, watch, gap=0.09, threads=2, until_seconds=watch.elapsed_seconds() + 20)
    assert state.is_whole()
    assert matrix.is_feasible(state.x)
    assert relaxation.bound_usd <= matrix.objective(state.x) <= 1.10 * relaxation.bound_usd


@pytest.mark.parametrize("seed", [0, 1])
def test_every_coupling_family_is_respected(seed):
    """Pools, budget, mechanisms, share, presence and survival at once: the plan obeys every row of the whole model."""
    matrix, watch, relaxation, rank, state = prepared(coupled(seed=seed))
    assert construct(state, relaxation, rank, watch, threads=2)
    improve(state, relaxation, rank, watch, gap=0.06, threads=2, until_seconds=watch.elapsed_seconds() + 20)
    assert state.is_whole()
    assert matrix.is_feasible(state.x)


def test_improvement_never_makes_a_plan_worse():
    """Whatever neighbourhoods are drawn, cost with penalties only falls, and a whole plan stays whole."""
    matrix, watch, relaxation, rank, state = prepared(estate(12, regions=15, pool=(60, 100)))
    construct(state, relaxation, rank, watch, threads=1)
    before = state.penalised_usd()
    for seed in range(3):
        was_whole = state.is_whole()
        improve(
            state, relaxation, rank, watch, gap=0.0, threads=2, until_seconds=watch.elapsed_seconds() + 0.6,
            neighbours=improve_module.Neighbours(state, relaxation, seed),
        )  # fmt: skip
        after = state.penalised_usd()
        assert after <= before + 1e-6 * abs(before)
        assert state.is_whole() or not was_whole
        before = after
    assert np.allclose(state.activity, matrix.a @ state.x, atol=1e-6 * np.abs(state.activity).max())


def test_constructed_plan_is_never_below_the_optimum():
    """On a small estate the optimum is known: the constructed plan is feasible, so it cannot be cheaper."""
    matrix, watch, relaxation, rank, state = prepared(estate(4, regions=6, pool=(60, 100)))
    construct(state, relaxation, rank, watch, threads=1)
    improve(state, relaxation, rank, watch, gap=0.0, threads=1, until_seconds=watch.elapsed_seconds() + 3)
    best = run(matrix, Watch(30), gap=1e-3)
    assert state.is_whole()
    assert best.bound_usd * (1 - 1e-9) <= matrix.objective(state.x) <= 1.05 * best.objective_usd


def test_slack_is_not_used_twice():
    """Neighbourhoods solved side by side on a plan that holds leave a plan that holds."""
    matrix, watch, relaxation, rank, state = prepared(estate(16, regions=8, pool=(60, 90), offer_share=0.5))
    construct(state, relaxation, rank, watch, threads=2)
    improve(state, relaxation, rank, watch, gap=0.0, threads=4, until_seconds=watch.elapsed_seconds() + 1)
    assert state.is_whole() == matrix.is_feasible(state.x)


def test_ctrl_c_in_the_middle_of_a_change_keeps_the_plan(monkeypatch):
    """A KeyboardInterrupt while values are being changed goes back to the plan before the change."""
    kept: list[float] = []
    old = improve_module._keep_if_better

    def interrupted(state, part, values):
        if not state.is_whole():
            return old(state, part, values)
        kept.append(state.matrix.objective(state.x))
        state.x[part.free] = -1.0
        raise KeyboardInterrupt

    monkeypatch.setattr(improve_module, "_keep_if_better", interrupted)
    solution = solve_by_search(estate(8, regions=10), gap=0.0, time_limit_seconds=30)
    assert solution.termination is Termination.INTERRUPTED
    assert solution.objective_usd == pytest.approx(kept[-1])
