"""The model in hand: taken as Pyomo, changed, solved, audited. Toys by hand; the page's code."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pyomo.environ as pyo
import pytest

import domicile
from optimizer.errors import InputError

OFFER = {
    "accelerator": "X", "devices": 1.0, "device_memory_gb": 24.0, "software": "cuda", "idle_kw": 0.2, "load_kw": 1.0,
    "embodied_kg_per_hour": 0.01,
}  # fmt: skip
FIGURES = {"provider": "p", "country": "DE", "pue": 1.5, "grid_g_per_kwh": 200.0, "egress_usd_per_gb": 0.0}
_SERVICE = {
    "id": "svc", "kind": "service", "runs": {"throughput": {"X": 10.0}},
    "streams": [{"origin": "DE", "rate": 14.0, "unit": "requests/s"}],
}  # fmt: skip
PAGE = Path(__file__).parents[2] / "docs" / "model-from-pyomo.md"


def _toy(**more):
    """A service that needs two machines at 1 USD/h in the south, or at 2 (twin: 3) in the north, for 100 hours."""
    prices = {("p:north", "g"): 2.0, ("p:north", "twin"): 3.0, ("p:south", "g"): 1.0}
    inline = {
        "providers": [{"id": "p", "control": ["DE"]}],
        "regions": [{"id": name, **FIGURES} for name in ("p:north", "p:south")],
        "offers": [{"sku": sku, "region": at, "usd_per_hour": usd, **OFFER} for (at, sku), usd in prices.items()],
        "network": [{"origin": "DE", "region": name, "rtt_ms": 20.0} for name in ("p:north", "p:south")],
    }
    return domicile.load({
        "name": "toy", "horizon": {"start": "2027-01-01", "hours": 100.0}, "laws": {"use": "none"},
        "catalogue": {"use": "inline", "inline": inline}, "quotas": {"default_devices": 64.0},
        "workloads": [_SERVICE],
        **more,
    })  # fmt: skip


def _used(plan):
    return {(row.region_id, row.sku): row.instances for row in plan.placements}


def test_solving_a_model_is_solving_its_instance():
    model = domicile.compile(_toy())
    plan, again = model.solve(threads=1), domicile.solve(_toy(), threads=1)
    assert plan.objective_usd == again.objective_usd == pytest.approx(200.0)
    assert plan.bound_usd == pytest.approx(200.0)
    assert plan.own_rows == ()
    assert domicile.audit(model.instance, plan).ok


def test_a_model_unchanged_gives_the_same_plan():
    model = domicile.compile(_toy())
    plan = model.solve(model.pyomo(), threads=1)
    assert (plan.objective_usd, plan.status, plan.stated_by) == (pytest.approx(200.0), "optimal", "own")
    assert _used(plan) == {("p:south", "g"): 2.0}


def test_a_start_is_a_hint():
    """Two machines in the north were needed when the south was shut: 400 USD. Now that is what the solve begins with,
    and 200 what it ends with; demand for one machine more makes it 600.
    """
    earlier = domicile.solve(_toy(workloads=[{**_SERVICE, "regions": ["p:north"]}]), threads=1)
    model = domicile.compile(_toy())
    plan = model.solve(start=earlier, threads=1)
    assert plan.objective_usd == pytest.approx(200.0)
    assert (plan.start.placements, plan.start.kept, plan.start.cost_usd) == (1, 1, pytest.approx(400.0))
    assert domicile.audit(model.instance, plan).ok
    own = model.solve(model.pyomo(), start=earlier, threads=1)
    assert (own.objective_usd, own.start.cost_usd) == (pytest.approx(200.0), pytest.approx(400.0))


def test_a_start_of_which_nothing_is_left_is_told():
    earlier = domicile.solve(_toy(workloads=[{**_SERVICE, "regions": ["p:north"]}]), threads=1)
    south = _toy(workloads=[{**_SERVICE, "regions": ["p:south"]}])
    plan = domicile.solve(south, start=earlier, threads=1)
    assert plan.objective_usd == pytest.approx(200.0)
    assert (plan.start.kept, plan.start.cost_usd) == (0, None)
    assert [text for text in plan.warnings if "earlier plan" in text] == [
        "none of the placements of the earlier plan is possible here; maybe it is a plan of another instance"
    ]


def test_a_start_that_is_no_plan_is_refused():
    with pytest.raises(InputError, match="start: is dict, not a Plan"):
        domicile.solve(_toy(), start={})


def test_a_row_of_ones_own_forces_an_offer_that_another_dominates():
    """One twin in the north costs 300 USD and takes half the demand; one machine in the south does the rest: 400."""
    model = domicile.compile(_toy())
    m = model.pyomo()
    m.one_twin = pyo.Constraint(expr=m.instances["svc", "p:north", "twin", "on_demand", "t0"] >= 1)
    plan = model.solve(m, threads=1)
    assert plan.objective_usd == pytest.approx(400.0)
    assert plan.bound_usd == pytest.approx(400.0)
    assert _used(plan) == {("p:north", "twin"): 1.0, ("p:south", "g"): 1.0}
    (row,) = plan.own_rows
    assert (row.name, row.body, row.lower, row.upper) == ("one_twin", 1.0, 1.0, None)
    assert pyo.value(m.instances["svc", "p:north", "twin", "on_demand", "t0"]) == 1.0
    assert domicile.audit(model.instance, plan).ok
    proof = domicile.prove(model.instance, plan)  # a cheaper plan of the instance contradicts nothing
    assert proof.verdict == "nothing_stated"
    assert "took in hand" in proof.claim
    m.one_twin.deactivate()
    assert model.solve(m, threads=1).objective_usd == pytest.approx(200.0)


def test_presence_is_decided_for_every_workload_and_counts_only_where_something_runs():
    """Two regions: a machine in each, 300 USD; one region is enough without the rule."""
    model = domicile.compile(_toy())
    assert model.regions("svc") == ("p:north", "p:south")
    m = model.pyomo()
    m.two_homes = pyo.Constraint(expr=sum(m.present["svc", r] for r in model.regions("svc")) >= 2)
    plan = model.solve(m, threads=1)
    assert plan.objective_usd == pytest.approx(300.0)
    assert _used(plan) == {("p:north", "g"): 1.0, ("p:south", "g"): 1.0}
    assert plan.own_rows[0].body == pytest.approx(2.0)


def test_own_variables_and_fixed_ones_count():
    """A binary of one's own lets the south be used only if the north has a machine, which is fixed to two."""
    model = domicile.compile(_toy())
    m = model.pyomo()
    north = m.instances["svc", "p:north", "g", "on_demand", "t0"]
    m.linked = pyo.Var(domain=pyo.Binary)
    m.link = pyo.Constraint(expr=m.linked <= north)
    m.needs = pyo.Constraint(expr=m.instances["svc", "p:south", "g", "on_demand", "t0"] <= 64 * m.linked)
    assert model.solve(m, threads=1).objective_usd == pytest.approx(300.0)
    assert pyo.value(m.linked) == 1.0
    north.fix(2)
    plan = model.solve(m, threads=1)
    assert _used(plan) == {("p:north", "g"): 2.0}
    assert plan.objective_usd == pytest.approx(400.0)


def test_rows_that_nothing_can_meet_make_it_infeasible():
    model = domicile.compile(_toy())
    m = model.pyomo()
    m.never = pyo.Constraint(expr=m.instances["svc", "p:north", "g", "on_demand", "t0"] >= 65)
    plan = model.solve(m, threads=1)
    assert plan.status == "infeasible"
    assert plan.diagnosis == (
        "the model as it was handed over, with what was added to it and fixed in it, admits no plan",
    )


def test_what_breaks_a_rule_of_the_instance_is_an_error_that_names_it():
    model = domicile.compile(_toy(budgets=[{"id": "purse", "limit_usd": 250.0}]))
    m = model.pyomo()
    m.one_twin = pyo.Constraint(expr=m.instances["svc", "p:north", "twin", "on_demand", "t0"] >= 1)
    assert model.solve(m, threads=1).status == "infeasible"
    for row in m.component_objects(pyo.Constraint):
        if "budget" in row.name:
            row.deactivate()
    with pytest.raises(InputError, match="purse"):
        model.solve(m, threads=1)


def test_a_cost_term_of_ones_own_moves_the_optimum_and_is_told_apart():
    """Being in the south costs 250 USD more: two machines in the north at 400 USD beat 200 + 250, and 150 do not."""
    model = domicile.compile(_toy())
    for fee, region, cost, own in ((250.0, "p:north", 400.0, 0.0), (150.0, "p:south", 200.0, 150.0)):
        m = model.pyomo()
        m.cost.expr += fee * m.present["svc", "p:south"]
        plan = model.solve(m, threads=1)
        assert _used(plan) == {(region, "g"): 2.0}
        assert (plan.objective_usd, plan.own_cost_usd) == (pytest.approx(cost), pytest.approx(own))
        assert plan.cost_breakdown_usd["compute"] == pytest.approx(cost)
        assert (plan.status, plan.bound_usd) == ("optimal", pytest.approx(cost + own))
        assert plan.gap == pytest.approx(0.0, abs=1e-6)
        assert domicile.audit(model.instance, plan).ok
        assert plan.tables()["summary"].own_cost_usd.item() == pytest.approx(own)


def test_a_reward_lowers_the_sum_and_not_the_cost():
    """250 USD for being in the north: one machine there and one in the south, 300 USD, 50 USD in sum."""
    model = domicile.compile(_toy())
    m = model.pyomo()
    m.cost.expr -= 250.0 * m.present["svc", "p:north"]
    plan = model.solve(m, threads=1)
    assert _used(plan) == {("p:north", "g"): 1.0, ("p:south", "g"): 1.0}
    assert (plan.objective_usd, plan.own_cost_usd) == (pytest.approx(300.0), pytest.approx(-250.0))
    assert plan.bound_usd == pytest.approx(50.0)
    assert "cost terms of one's own -250.00 USD" in plan.summary()


def test_terms_on_own_variables_and_fixed_ones_count():
    """A permit of 30 USD for the south, and a constant of 7; with the north fixed to one machine 300 USD besides."""
    model = domicile.compile(_toy())
    m = model.pyomo()
    m.permit = pyo.Var(domain=pyo.Binary)
    m.asked = pyo.Constraint(expr=m.instances["svc", "p:south", "g", "on_demand", "t0"] <= 64 * m.permit)
    m.cost.expr += 30.0 * m.permit + 7.0
    plan = model.solve(m, threads=1)
    assert (plan.objective_usd, plan.own_cost_usd) == (pytest.approx(200.0), pytest.approx(37.0))
    north = m.instances["svc", "p:north", "g", "on_demand", "t0"]
    north.fix(1)
    m.cost.expr += 2.0 * north
    plan = model.solve(m, threads=1)
    assert (plan.objective_usd, plan.own_cost_usd) == (pytest.approx(300.0), pytest.approx(39.0))
    assert plan.bound_usd == pytest.approx(339.0)


def test_a_start_goes_with_cost_terms_of_ones_own():
    """The plan of the instance begins the search, and its options are not kept where the terms make others cheaper."""
    model = domicile.compile(_toy())
    m = model.pyomo()
    m.cost.expr += 250.0 * m.present["svc", "p:south"]
    plan = model.solve(m, threads=1, start=model.solve(threads=1))
    assert (_used(plan), plan.start.kept) == ({("p:north", "g"): 2.0}, 1)
    assert (plan.objective_usd, plan.bound_usd) == (pytest.approx(400.0), pytest.approx(400.0))
    assert domicile.audit(model.instance, plan).ok


def test_a_model_with_the_instances_cost_alone_has_no_terms_of_ones_own():
    model = domicile.compile(_toy())
    m = model.pyomo()
    m.instances["svc", "p:north", "g", "on_demand", "t0"].fix(1)
    assert model.solve(m, threads=1).own_cost_usd is None


def test_the_audit_asks_whose_a_cost_term_is_and_what_the_bound_is_of():
    model = domicile.compile(_toy())
    m = model.pyomo()
    m.cost.expr += 150.0 * m.present["svc", "p:south"]
    plan = model.solve(m, threads=1)
    for change in ({"stated_by": "pyomo"}, {"own_cost_usd": 100.0}, {"own_cost_usd": None}):
        assert not domicile.audit(model.instance, plan.model_copy(update=change)).ok, change


def test_values_that_another_solver_left_are_a_plan():
    """A model solved through Pyomo's own interface to HiGHS, with a row and a cost term of one's own."""
    model = domicile.compile(_toy())
    m = model.pyomo()
    with pytest.raises(InputError, match="has no value"):
        model.plan(m)
    m.one_twin = pyo.Constraint(expr=m.instances["svc", "p:north", "twin", "on_demand", "t0"] >= 1)
    m.cost.expr += 5.0 * m.present["svc", "p:south"]
    pyo.SolverFactory("appsi_highs").solve(m)
    plan = model.plan(m)
    assert _used(plan) == {("p:north", "twin"): 1.0, ("p:south", "g"): 1.0}
    assert (plan.status, plan.bound_usd, plan.gap, plan.stated_by) == ("feasible", None, None, "own")
    assert (plan.objective_usd, plan.own_cost_usd) == (pytest.approx(400.0), pytest.approx(5.0))
    assert [row.name for row in plan.own_rows] == ["one_twin"]
    assert domicile.audit(model.instance, plan).ok
    m.instances["svc", "p:south", "g", "on_demand", "t0"].set_value(0)
    with pytest.raises(InputError, match="break its row throughput"):
        model.plan(m)
    m.throughput.deactivate()
    m.present_backed.deactivate()
    m.cover.deactivate()
    with pytest.raises(InputError, match="the model allows what the instance does not"):
        model.plan(m)


def test_what_is_no_objective_to_minimise_is_refused():
    """Two of them, none, one to be maximised, one that is not linear, one that falls without end."""
    model = domicile.compile(_toy())
    south = ("svc", "p:south", "g", "on_demand", "t0")

    def second(m):
        m.extra = pyo.Objective(expr=5.0 * m.instances[south])

    def most(m):
        m.cost.sense = pyo.maximize

    def bent(m):
        m.cost.expr += m.instances[south] ** 2

    def endless(m):
        m.gift = pyo.Var(domain=pyo.NonNegativeReals)
        m.cost.expr -= m.gift

    for change, what in (
        (second, "not one active objective: cost, extra"), (lambda m: m.cost.deactivate(), "objective: none"),
        (most, "maximised"), (bent, "not linear"), (endless, "falls without end"),
    ):  # fmt: skip
        m = model.pyomo()
        change(m)
        with pytest.raises(InputError, match=what) as refused:
            model.solve(m, threads=1)
        assert refused.value.issues[0].maybe


def test_a_foreign_model_and_other_methods_are_refused():
    model = domicile.compile(_toy())
    with pytest.raises(InputError, match="as this instance has them"):
        model.solve(pyo.ConcreteModel(), threads=1)
    with pytest.raises(InputError, match="solved as a whole"):
        model.solve(model.pyomo(), method="decompose")
    bent = model.pyomo()
    flow = next(iter(bent.flow.values()))
    bent.bent = pyo.Constraint(expr=flow * flow <= 1.0)
    with pytest.raises(InputError, match="not linear"):
        model.solve(bent)
    with pytest.raises(InputError, match="unknown workload 'svx'"):
        model.regions("svx")


def test_the_rules_are_at_hand():
    model = domicile.compile(_toy(policies=[{"kind": "places", "id": "home", "deny": ["FR"]}]))
    assert model.rule("policy:home").text == "policy places: deny FR"
    assert len(model.why("svc", "p:north").eligible) == 1
    assert [one.rule.id for one in model.why("svc", "p:north").rules] == ["dominance:dominated"]
    assert model.excluded_alone() == {"dominance:dominated": 1}


def test_several_threads_share_one_model():
    model, found = domicile.compile(_toy()), []

    def solve() -> None:
        found.append(model.solve(model.pyomo(), threads=1).objective_usd)

    threads = [threading.Thread(target=solve) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [pytest.approx(200.0)] * 3


def test_the_code_of_the_page_runs(capsys):
    """Quickstart in three regions at least, with a price on each."""
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
    exec(compile(code, str(PAGE), "exec"), {})
    told = capsys.readouterr().out
    assert "optimal" in told
    assert "two_homes 3" in told
    objective, own, bound = map(int, re.findall(r"^(\d+) (\d+) (\d+)$", told, re.MULTILINE)[0])
    assert own in (50, 100, 150, 200, 250)
    assert 0.998 * (objective + own) <= bound <= objective + own
    assert "True\nTrue\nfeasible" in told
    assert told.rstrip().endswith(" None")
