"""Quick plans from the configurations known, and plans found elsewhere as configurations."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from helper_estate import coupled
from synthetic_estate import estate

from formulations import build_model
from optimizer.solve.blocks import find_blocks
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.column_generation import Decomposition
from optimizer.solve.decomposition.cut import Classes, cut_model
from optimizer.solve.decomposition.restricted_master import RestrictedMaster
from optimizer.solve.decomposition.selection import select
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import to_matrix
from optimizer.solve.neighbourhoods.working_plan import worth_usd
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows


def toy(limit, shares, *, penalty=100.0, price=0.0):
    """Two workloads with a cheap configuration that takes 2 of a row and a dear one that takes 1 (costs 1, 4 and 1, 3)
    and `limit` of that row; returns what is selected.
    """
    use = np.array([2.0, 1.0, 2.0, 1.0])
    pool = SimpleNamespace(
        workload=np.array([0, 0, 1, 1]), cost_usd=np.array([1.0, 4.0, 1.0, 3.0]),
        entries=lambda: (np.arange(5), np.zeros(4, dtype=np.int64), use),
    )  # fmt: skip
    single = Classes(np.arange(2), np.ones(2, dtype=np.int64))
    cut = SimpleNamespace(
        row_lower=np.array([-np.inf]), row_upper=np.array([limit]), blocks=(None, None), classes=single
    )
    found = select(
        cut, pool, np.array([price]), np.array([penalty]), Watch(10),
        shares=None if shares is None else np.array(shares),
    )  # fmt: skip
    return None if found is None else found.tolist()


def test_selection_by_hand():
    """The cheap ones where they fit; the workload that loses least gives way; nothing where neither way fits."""
    assert toy(4.0, [1.0, 0.0, 1.0, 0.0]) == [0, 2]
    assert toy(4.0, [0.0, 1.0, 0.0, 1.0]) == [0, 2]
    assert toy(3.0, [0.0, 1.0, 1.0, 0.0]) in ([1, 2], [0, 3])
    assert toy(2.0, [1.0, 0.0, 1.0, 0.0]) == [1, 3]
    assert toy(1.0, [1.0, 0.0, 1.0, 0.0]) is None


def test_penalties_rise_until_rows_hold():
    """A penalty too low to matter at first is raised until the limit is kept."""
    assert toy(2.0, [1.0, 0.0, 1.0, 0.0], penalty=0.1) == [1, 3]


def test_rows_that_are_no_limits_count_at_their_price():
    """Without a penalty the row is not a limit: what a unit of it costs decides."""
    assert toy(1.0, [1.0, 0.0, 1.0, 0.0], penalty=0.0, price=-2.5) == [0, 3]


def state_of(problem):
    matrix = with_cover_rows(to_matrix(build_model(problem)), problem)
    parts = cut_model(matrix, find_blocks(matrix, problem))
    worth = worth_usd(matrix, np.zeros(matrix.row_lower.size))[parts.rows]
    return matrix, parts, Decomposition(problem, parts, worth, Watch(60), threads=1)


@pytest.mark.parametrize("seed", range(3))
def test_quick_plan_obeys_every_row(seed):
    """Already before integer programs are priced there is a plan; it is feasible for the whole model and costs no less
    than the bound.
    """
    problem = estate(25, regions=15, seed=seed, pool=(200, 300), devices=(10.0, 80.0), carbon_limit_kg=4e5)
    matrix, parts, state = state_of(problem)
    plans = []
    assert state.run(
        gap=5e-3, until_seconds=30.0, when_clean=lambda rough: plans.append((rough, state.quick_plan()))
    )
    assert [rough for rough, _ in plans] == [True, False]
    for _, plan in plans:
        assert plan is not None
        x = plan.values(parts, state.pool)
        assert matrix.is_feasible(x)
        assert matrix.objective(x) >= state.proven_usd * (1 - 1e-9)


def test_a_plan_found_elsewhere_is_learned():
    """HiGHS' plan of the whole model, in terms of the master, is the same plan, and the master starts from it."""
    problem = estate(10, regions=8, seed=2, pool=(60, 120), devices=(10.0, 40.0))
    matrix, parts, state = state_of(problem)
    whole = run(matrix, Watch(60), gap=1e-3)
    assert whole.x is not None
    x = np.where(matrix.integer, np.round(whole.x), whole.x)
    learned = state.learn(x)
    assert learned.values(parts, state.pool) == pytest.approx(x, abs=1e-6)
    assert state.pool.workload[learned.numbers].tolist() == list(range(10))
    assert state.run(gap=5e-3, until_seconds=30.0)
    plan = state.plan(gap=1e-4, seconds=10.0, start=learned)
    assert plan is not None
    assert matrix.objective(plan.values(parts, state.pool)) <= matrix.objective(x) * (1 + 1e-6)


def test_a_master_that_is_being_solved_can_be_stopped():
    """Cancelled while HiGHS runs: no answer at once; asked again, it goes on to the optimum."""
    problem = estate(60, regions=15, seed=1, pool=(200, 300), devices=(10.0, 80.0), carbon_limit_kg=4e5)
    _, parts, state = state_of(problem)
    assert state.run(gap=2e-2, until_seconds=30.0)
    known, asked = state.answer, []

    class CancelledAmid(Watch):
        def is_settled(self):
            asked.append(1)
            return len(asked) == 1

    master = RestrictedMaster(parts, state.pool, state.penalty_usd, state.unplaced_usd, CancelledAmid(60))
    assert master.solve(60.0) is None
    assert len(asked) == 1
    found = master.solve(60.0)
    assert found is not None
    assert known is not None
    assert found.cost_usd == pytest.approx(known.cost_usd, rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_rows_that_come_with_configurations_leave_the_optimum_as_it_is(seed):
    """The master that gained its rows round by round, and one that has all rows, have the same optimum."""
    problem = coupled(14, seed=seed)
    _, parts, state = state_of(problem)
    assert parts.harmless.any()
    assert state.run(gap=5e-3, until_seconds=30.0)
    assert state.master is not None
    assert state.answer is not None
    gained = state.master.highs.getNumRow() - state.master.matrix.row_lower.size
    whole = replace(parts)
    whole.__dict__["harmless"] = np.zeros(parts.rows.size, dtype=bool)
    every = RestrictedMaster(whole, state.pool, state.penalty_usd, state.unplaced_usd, Watch(60))
    found = every.solve(60.0)
    assert found is not None
    assert state.master.highs.getNumRow() <= every.highs.getNumRow()
    known = state.master.solve(60.0)
    assert known is not None
    assert known.cost_usd == pytest.approx(found.cost_usd, rel=1e-7)
    used = np.zeros(parts.rows.size, dtype=bool)
    used[state.pool.use().row] = True
    assert used[parts.harmless].sum() >= gained > 0
