"""From instance to audited plan: hand-computed answers, statuses, and what the plan repeats."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from compile_toys import job, offer, region, service, toy

import domicile
from optimizer.errors import InternalError

TWO = {
    "regions": [region(), region("p:south", "FR", grid_g_per_kwh=50.0, fixed_usd_per_hour=0.5)],
    "offers": [offer(), offer("g4", place="p:south", devices=4.0, usd_per_hour=7.0, idle_kw=0.8, load_kw=4.0)],
    "network": [{"origin": "DE", "region": place, "rtt_ms": 20.0} for place in ("p:north", "p:south")],
}


def test_the_cheapest_whole_instances_are_chosen_and_every_figure_adds_up():
    """35 units/s at 7 per device: 5 x g1 cost 1,000 USD; 1 x g4 + 1 x g1 cost 950; 2 x g4 cost 1,450."""
    plan = domicile.solve(toy(service(rate=35.0), inline=TWO))
    assert plan.status == "optimal"
    assert plan.objective_usd == pytest.approx(7 * 100 + 2 * 100 + 0.5 * 100)
    assert plan.cost_breakdown_usd["compute"] == pytest.approx(900.0)
    assert plan.cost_breakdown_usd["regions"] == pytest.approx(50.0)
    assert sum(p.served_per_s for p in plan.placements) == pytest.approx(35.0)
    assert sum(p.cost_usd for p in plan.placements) == pytest.approx(900.0)
    assert sum(p.carbon_kg for p in plan.placements) == pytest.approx(plan.carbon_kg)


def test_instances_split_over_streams_and_sum_to_a_whole_number():
    streams = [{"id": s, "origin": "DE", "rate": r, "unit": "requests/s"} for s, r in (("a", 9.0), ("b", 5.0))]
    plan = domicile.solve(toy(service(streams=streams)))
    assert {p.stream: p.instances for p in plan.placements} == pytest.approx({"a": 2 * 9 / 14, "b": 2 * 5 / 14})


def test_a_job_pays_its_hours_and_holds_its_gang():
    plan = domicile.solve(toy(job(gang_devices=2)))
    (row,) = plan.placements
    assert (row.instances, row.gangs, row.stream) == (2.0, 1.0, None)
    assert row.instance_hours == pytest.approx(10.0)
    assert row.work_units == pytest.approx(360_000.0)
    assert plan.objective_usd == pytest.approx(20.0)


def test_a_carbon_price_enters_the_objective_and_its_own_term():
    plan = domicile.solve(toy(carbon={"price_usd_per_tonne": 1000.0}))
    assert plan.cost_breakdown_usd["carbon_price"] == pytest.approx(plan.carbon_kg)
    assert plan.objective_usd == pytest.approx(1000.0 + plan.carbon_kg)


def test_unserved_demand_is_told_with_its_price():
    plan = domicile.solve(toy(service(rate=100.0), quotas={"default_devices": 10.0}, unserved_usd_per_unit=1.0))
    (left,) = plan.unserved
    assert left.per_s == pytest.approx(30.0)
    assert left.cost_usd == pytest.approx(30.0 * 360_000)
    assert plan.cost_breakdown_usd["unserved"] == pytest.approx(left.cost_usd)


def test_nothing_eligible_gives_an_infeasible_plan_with_the_reasons_counted():
    stream = {"origin": "DE", "rate": 1.0, "unit": "requests/s", "max_rtt_ms": 1.0}
    plan = domicile.solve(toy(service(streams=[stream])))
    assert (plan.status, plan.objective_usd, plan.placements) == ("infeasible", None, ())
    assert "svc, stream DE has no eligible option" in plan.diagnosis[0]
    assert [(row.reason, row.options) for row in plan.ineligible] == [("rtt", 1)]
    assert plan.instance_sha256


def test_limits_that_clash_give_an_infeasible_plan():
    plan = domicile.solve(toy(service(rate=100.0), quotas={"default_devices": 10.0}))
    assert plan.status == "infeasible"
    assert "together admit no plan" in plan.diagnosis[0]


def test_budget_and_quota_use_state_their_slack():
    plan = domicile.solve(toy(service(rate=14.0), budgets=[{"id": "money", "limit_usd": 500.0}]))
    (budget,) = plan.budgets
    assert (budget.used, budget.slack) == (pytest.approx(400.0), pytest.approx(100.0))
    (quota,) = plan.quotas
    assert (quota.id, quota.used, quota.slack) == ("devices:X@p:north", 2.0, 62.0)


def test_the_plan_repeats_its_question():
    instance = toy(legal_assertions={"exporters": [{"id": "acme", "country": "DE", "roles": ["controller"]}]})
    plan = domicile.solve(instance)
    assert plan.instance_sha256 == domicile.instance_sha256(instance)
    assert plan.assertions["exporters"][0]["id"] == "acme"
    assert plan.versions["catalogue"] == "inline"
    assert [(p.id, p.hours) for p in plan.horizon.periods] == [("t0", 100.0)]


def test_cancelled_before_anything_was_found_is_no_plan():
    cancel = threading.Event()
    cancel.set()
    plan = domicile.solve(toy(), cancel=cancel)
    assert (plan.status, plan.termination, plan.objective_usd, plan.placements) == ("no_plan", "interrupted", None, ())
    assert plan.versions["catalogue"] == "inline"
    assert not plan.held


def test_a_plan_that_fails_its_audit_is_never_output(monkeypatch):
    """A formulation that forgets a budget makes a plan the audit refuses."""
    from dataclasses import replace

    from formulations import build_model
    from formulations.problem import Budgets
    from optimizer.solve import backend

    monkeypatch.setattr(backend, "build_model", lambda problem: build_model(replace(problem, budgets=Budgets())))
    with pytest.raises(InternalError, match="audit"):
        domicile.solve(toy(budgets=[{"id": "money", "limit_usd": 900.0}]))


def test_unknown_carbon_is_none_not_zero():
    plan = domicile.solve(toy(inline={"offers": [offer(embodied_kg_per_hour=None)]}))
    assert plan.carbon_kg is None
    assert plan.carbon_unknown_share == 1.0
    assert plan.energy_kwh > 0
    assert all(p.carbon_kg is None for p in plan.placements)


def test_too_few_regions_for_a_workload_is_infeasible_even_if_demand_may_be_unserved():
    plan = domicile.solve(toy(service(min_regions=2), unserved_usd_per_unit=1.0))
    assert plan.status == "infeasible"
    assert plan.diagnosis == ("workload svc needs min_regions 2, its eligible options lie in 1",)


def solving_otherwise(monkeypatch, otherwise):
    """Let what solves the problem be `otherwise(solve_problem, problem, options)`."""
    from optimizer.solve import driver
    solve_problem = driver.solve_problem
    monkeypatch.setattr(driver, "solve_problem", lambda problem, **options: otherwise(solve_problem, problem, options))


def test_a_plan_must_add_up_to_what_was_minimised(monkeypatch):
    """A solver that is given three times the price of every other offer proves the optimum of another question."""

    def dear(solve_problem, problem, options):
        spend = problem.slots.running.spend_usd.copy()
        spend[::2] *= 3.0
        running = replace(problem.slots.running, cost={"compute": spend})
        return solve_problem(replace(problem, slots=replace(problem.slots, running=running)), **options)

    solving_otherwise(monkeypatch, dear)
    with pytest.raises(InternalError, match=r"adds up to 9\d\d USD, where .* were minimised"):
        domicile.solve(toy(service(rate=35.0), inline=TWO))


@pytest.mark.parametrize(("part", "states"), [(3e-7, True), (1e-3, False)])
def test_a_plan_states_what_was_minimised(monkeypatch, part, states):
    """Its terms are summed beside that: within a millionth the plan holds both, beyond there is no plan."""

    def told_more(solve_problem, problem, options):
        found = solve_problem(problem, **options)
        return replace(found, objective_usd=found.objective_usd * (1 + part))

    solving_otherwise(monkeypatch, told_more)
    if not states:
        with pytest.raises(InternalError, match=r"adds up to 950 USD, where 950.95 USD were minimised"):
            domicile.solve(toy(service(rate=35.0), inline=TWO))
        return
    plan = domicile.solve(toy(service(rate=35.0), inline=TWO))
    assert plan.objective_usd == pytest.approx(950.0 * (1 + part), rel=1e-12)
    assert sum(plan.cost_breakdown_usd.values()) == pytest.approx(950.0, rel=1e-12)


@pytest.mark.parametrize(
    ("claimed", "termination", "bound", "excess"),
    [(950.0004, "gap_reached", 950.0, 0.0004), (960.0, "contradiction", None, 10.0)],
)
def test_a_bound_above_the_plan_is_recorded(monkeypatch, claimed, termination, bound, excess):
    """Below a millionth it is set to the cost; beyond it is withdrawn, and the plan stays a plan."""
    from optimizer.solve.special.assignment import kernels
    kernel = kernels.kernel_search
    monkeypatch.setattr(kernels, "kernel_search", lambda *a, **b: replace(kernel(*a, **b), bound_usd=claimed))
    plan = domicile.solve(toy(service(rate=35.0), inline=TWO), method="kernel")
    assert plan.objective_usd == pytest.approx(950.0)
    assert plan.termination == termination
    assert plan.bound_usd == (None if bound is None else pytest.approx(bound))
    assert plan.bound_excess_usd == pytest.approx(excess, rel=1e-3)


def test_large_counts_are_rounded_up_and_the_plan_says_so():
    """1e8 units/s at 7 per instance take 14,285,714.3 instances of 2 USD for 100 h: 14,285,715, for 143 USD more."""
    plan = domicile.solve(toy(service(rate=1e8), quotas={"default_devices": "unlimited"}))
    assert plan.status == "optimal"
    assert sum(p.instances for p in plan.placements) == pytest.approx(14_285_715.0, abs=1e-6)
    assert plan.objective_usd == pytest.approx(14_285_715 * 200.0, rel=1e-12)
    assert any("rounded up, which adds 142.857 USD" in warning for warning in plan.warnings)


def test_a_fixed_cost_is_that_of_the_whole_horizon():
    """Ten hours of work in a region of 0.50 USD/h: all of its 100 hours, 50 USD, beside the 20 USD of the machine."""
    inline = {"regions": [region(fixed_usd_per_hour=0.5)]}
    plan = domicile.solve(toy(job(), inline=inline))
    assert plan.cost_breakdown_usd["regions"] == pytest.approx(50.0)
    assert plan.objective_usd == pytest.approx(70.0)


def test_a_month_of_storage_is_730_hours():
    """100 GB at 0.02 USD a month for 100 h: 2 x 100 / 730 USD, in whatever month the horizon lies."""
    for start in ("2027-01-01", "2027-02-01"):
        horizon = {"start": start, "hours": 100.0}
        plan = domicile.solve(toy(job(), horizon=horizon, datasets=[{"id": "d", "size_gb": 100.0}]))
        assert plan.cost_breakdown_usd["storage"] == pytest.approx(2.0 * 100 / 730)


def test_penalties_and_answers_follow_the_mean_rate():
    """Peak 100, mean 25 units/s; ten devices take 70. Left: 30 of the peak, at 7.5 on average; 17.5 are answered."""
    stream = {"origin": "DE", "rate": 100.0, "mean_rate": 25.0, "unit": "requests/s"}
    svc = service(streams=[stream], response_gb_per_unit=1e-4)
    plan = domicile.solve(toy(svc, quotas={"default_devices": 10.0}, unserved_usd_per_unit=1.0))
    assert plan.cost_breakdown_usd["unserved"] == pytest.approx(7.5 * 360_000)
    assert plan.cost_breakdown_usd["egress"] == pytest.approx(17.5 * 360_000 * 1e-4 * 0.09)
