"""What a plan states of its proof is solved for once more, by another method: proven, contradicted or left undecided.

The toy has a machine for 1 USD/h in Oslo and one for 2 USD/h in Bergen, over 10 h: the least cost is 10 USD, and the
plan in Bergen, which costs 20 USD, passes every other check.
"""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import domicile
from optimizer.audit import audit
from optimizer.plan.models import Plan
from optimizer.proof import OTHER, prove

Fields = dict[str, Any]

TOY: Fields = {
    "name": "toy",
    "horizon": {"start": "2027-01-01", "hours": 10},
    "laws": {"use": "none"},
    "catalogue": {"use": "inline", "inline": {
        "regions": [{"id": "oslo", "country": "NO"}, {"id": "bergen", "country": "NO"}],
        "offers": [
            {"sku": "box", "region": "oslo", "accelerator": "gpu", "usd_per_hour": 1.0},
            {"sku": "box", "region": "bergen", "accelerator": "gpu", "usd_per_hour": 2.0},
        ],
    }},
    "quotas": {"default_devices": 1},
    "workloads": [{
        "id": "chat", "kind": "service", "runs": {"throughput": {"gpu": 10}}, "streams": [{"origin": "NO", "rate": 5}],
    }],
}  # fmt: skip
CHEAP, DEAR = 10.0, 20.0


def toy(**changes: Any) -> domicile.Instance:
    return domicile.load({**copy.deepcopy(TOY), **changes})


def crowded() -> domicile.Instance:
    """Return three services that need a machine each, where there are two: each alone has a place."""
    chat = TOY["workloads"][0]
    return toy(workloads=[{**copy.deepcopy(chat), "id": name} for name in ("chat", "more", "most")])


def in_bergen(**stated: Any) -> Plan:
    """Return the plan that costs 20 USD, with what it states of its proof."""
    return Plan.model_validate({
        "objective_usd": DEAR,
        "cost_breakdown_usd": {"compute": DEAR},
        "placements": [{
            "workload": "chat", "stream": "NO", "provider": "inline", "region": "bergen", "region_id": "bergen",
            "sku": "box", "purchase": "on_demand", "period": "t0", "instances": 1, "served_per_s": 5.0,
        }],
        **stated,
    })  # fmt: skip


OPTIMAL: Fields = {
    "status": "optimal", "termination": "gap_reached", "bound_usd": DEAR, "gap": 0.0, "method": "direct",
    "asked": {"gap": 0.001},
}  # fmt: skip


def answers(monkeypatch: pytest.MonkeyPatch, *plans: Fields) -> list[Fields]:
    """Let the second solve answer so, one after the other; return the list of the arguments it gets."""
    seen: list[Fields] = []
    left: Iterator[Fields] = iter(plans)

    def answer(instance: object, **options: Any) -> Plan:
        seen.append(options)
        return Plan.model_validate(next(left))

    monkeypatch.setattr(sys.modules[prove.__module__], "solve", answer)
    return seen


def test_the_false_plan_passes_the_audit():
    """It is the second solve alone that can tell."""
    assert audit(toy(), in_bergen(**OPTIMAL)).ok


@pytest.mark.parametrize("method", ["direct", "location", "kernel", "decompose", None])
def test_a_bound_raised_to_the_cost_is_contradicted_by_the_cheaper_plan(method: str | None):
    found = prove(toy(), in_bergen(**{**OPTIMAL, "method": method}), threads=1)
    assert found.verdict == "contradicted"
    assert (found.cost_usd, found.stated_bound_usd, found.found_usd) == (DEAR, DEAR, CHEAP)
    assert found.better is not None
    assert found.better.placements[0].region == "oslo"
    assert audit(toy(), found.better).ok
    assert "found a plan of 10.00 USD" in found.finding
    assert "10.00 USD below the bound stated" in found.finding


def test_optimal_without_a_bound_is_contradicted_by_what_is_cheaper_than_the_gap_allows():
    stated = {**OPTIMAL, "bound_usd": None, "gap": None, "asked": {"gap": 0.4}}
    found = prove(toy(), in_bergen(**stated), threads=1)
    assert found.verdict == "contradicted"
    assert "10.00 USD less than this one, called optimal within 40 %" in found.finding


def test_optimal_within_the_gap_that_was_asked_for_is_proven():
    """Half of 20 USD is what a gap of 50 % leaves open: one unit looser than the test above."""
    stated = {**OPTIMAL, "bound_usd": CHEAP, "gap": 0.5, "asked": {"gap": 0.5}}
    found = prove(toy(), in_bergen(**stated), threads=1)
    assert found.verdict == "proven"
    assert (found.bound_usd, found.gap, found.asked_gap) == (pytest.approx(CHEAP), pytest.approx(0.5), 0.5)


@pytest.mark.parametrize(("bound", "verdict"), [(CHEAP, "proven"), (CHEAP + 0.01, "contradicted")])
def test_a_bound_is_held_against_the_least_cost(bound: float, verdict: str):
    """At the least cost it is proven, a cent above it contradicted, whatever the status."""
    stated = {"status": "feasible", "termination": "time_limit", "bound_usd": bound, "gap": (DEAR - bound) / DEAR}
    assert prove(toy(), in_bergen(**stated), threads=1).verdict == verdict


@pytest.mark.parametrize("method", ["direct", "kernel", "decompose"])
def test_an_honest_plan_is_proven_by_another_method(method: Any):
    plan = domicile.solve(toy(), method=method, threads=1)
    found = prove(toy(), plan, threads=1)
    assert found.verdict == "proven"
    assert found.method == OTHER[method] != method == found.stated_method
    assert found.bound_usd == pytest.approx(CHEAP)
    assert found.better is None


def test_called_infeasible_though_a_plan_exists():
    plan = Plan(status="infeasible", termination="infeasible", diagnosis=("no way",), method="direct")
    found = prove(toy(), plan, threads=1)
    assert found.verdict == "contradicted"
    assert found.better is not None
    assert found.found_usd == CHEAP
    assert "found a plan of 10.00 USD" in found.finding


@pytest.mark.parametrize("method", ["direct", "decompose"])
def test_what_is_infeasible_is_proven_so_by_another_method(method: Any):
    """Three machines are needed where there are two."""
    plan = domicile.solve(crowded(), method=method, threads=1)
    assert plan.status == "infeasible"
    found = prove(crowded(), plan, threads=1)
    assert found.verdict == "proven"
    assert "no plan obeys every rule" in found.finding
    assert found.not_proven == ("shortfalls: there is one method that finds what would have to change",)


def test_where_nothing_is_eligible_no_method_is_needed():
    """Without any quota there is no option, and the proof says that no solver was asked."""
    nothing = toy(quotas={})
    plan = domicile.solve(nothing, threads=1)
    assert plan.status == "infeasible"
    found = prove(nothing, plan, threads=1)
    assert found.verdict == "proven"
    assert found.finding.startswith("compiling the instance, before any method, proves")


def test_a_plan_that_is_held_where_none_can_be():
    """The audit has found that it holds more than there is: the proof says so and points there."""
    found = prove(crowded(), in_bergen(**OPTIMAL), threads=1)
    assert found.verdict == "contradicted"
    assert found.finding.endswith("no plan obeys every rule: the audit says what is wrong with it")


def test_a_plan_that_costs_less_than_any_can():
    """Half a machine: no lawful plan is that cheap, and the audit knows why this one is."""
    half = in_bergen(objective_usd=5.0, status="feasible", bound_usd=5.0, gap=0.0)
    found = prove(toy(), half, threads=1)
    assert found.verdict == "contradicted"
    assert found.finding.endswith("more than this one is said to cost: the audit says what is wrong with it")


def test_a_lying_solver_is_told_from_a_lying_plan(monkeypatch: pytest.MonkeyPatch):
    """A bound above the cost of a plan without fault is a fault of the solver, or of the audit."""
    answers(monkeypatch, {"status": "feasible", "termination": "time_limit", "bound_usd": 30.0})
    found = prove(toy(), in_bergen(**OPTIMAL))
    assert found.verdict == "contradicted"
    assert "solver or audit is wrong" in found.finding


@pytest.mark.parametrize(("bound", "verdict"), [(CHEAP, "proven"), (CHEAP + 0.01, "contradicted")])
def test_the_bound_of_a_file_without_a_plan(bound: float, verdict: str):
    plan = Plan(status="no_plan", termination="time_limit", bound_usd=bound, method="direct")
    assert prove(toy(), plan, threads=1).verdict == verdict


def test_a_file_without_plan_and_bound_states_nothing(monkeypatch: pytest.MonkeyPatch):
    seen = answers(monkeypatch)
    found = prove(toy(), Plan(status="no_plan", termination="time_limit"))
    assert found.verdict == "nothing_stated"
    assert seen == []


def test_a_plan_made_by_hand_states_nothing_and_is_told_how_good_it_is():
    found = prove(toy(), in_bergen(objective_usd=None, cost_breakdown_usd={}), threads=1)
    assert found.verdict == "nothing_stated"
    assert (found.cost_usd, found.gap) == (pytest.approx(DEAR), pytest.approx(0.5))
    assert found.finding.endswith("this one is within 50 % of the least cost")


def test_what_the_time_left_open_is_undecided(monkeypatch: pytest.MonkeyPatch):
    answers(monkeypatch, {"status": "no_plan", "termination": "time_limit", "bound_usd": 15.0})
    found = prove(toy(), in_bergen(**OPTIMAL))
    assert found.verdict == "undecided"
    assert found.finding == "the time was up before method decompose decided; no plan costs less than 15.00 USD"
    assert (found.bound_usd, found.gap) == (15.0, 0.25)


def test_an_infeasibility_that_the_time_left_open(monkeypatch: pytest.MonkeyPatch):
    answers(monkeypatch, {"status": "no_plan", "termination": "time_limit"})
    found = prove(toy(), Plan(status="infeasible", termination="infeasible", method="decompose"))
    assert (found.verdict, found.finding) == ("undecided", "the time was up before method direct decided")


def test_an_end_within_the_gap_that_decides_nothing_is_followed_by_a_sharper_one(monkeypatch: pytest.MonkeyPatch):
    """The gap of the second solve's own plan is no gap of this one; the bound stated is sought next, then the least
    cost.
    """
    same = {"status": "optimal", "termination": "gap_reached", "objective_usd": DEAR}
    seen = answers(monkeypatch, {**same, "bound_usd": 17.0}, {**same, "bound_usd": 18.0}, {**same, "bound_usd": 19.0})
    found = prove(toy(), in_bergen(**{**OPTIMAL, "bound_usd": 19.0, "gap": 0.05, "asked": {"gap": 0.1}}))
    assert [options["gap"] for options in seen] == [0.1, pytest.approx(0.05), 0.0]
    assert (found.verdict, found.bound_usd) == ("proven", 19.0)


def test_a_gap_that_is_proven_with_the_bound_left_open(monkeypatch: pytest.MonkeyPatch):
    """The promise of `optimal` is kept; that the bound stated was not reached is said."""
    answers(
        monkeypatch,
        {"status": "optimal", "termination": "gap_reached", "objective_usd": DEAR, "bound_usd": 19.0},
        {"status": "feasible", "termination": "time_limit", "objective_usd": DEAR, "bound_usd": 19.0},
    )
    found = prove(toy(), in_bergen(**{**OPTIMAL, "asked": {"gap": 0.1}}))
    assert found.verdict == "proven"
    assert found.finding.endswith("the bound stated, 20.00 USD, was left undecided: the time was up")


def test_the_caller_may_name_the_method_and_the_gap(monkeypatch: pytest.MonkeyPatch):
    seen = answers(monkeypatch, {"status": "no_plan", "termination": "interrupted"})
    stop = threading.Event()
    found = prove(toy(), in_bergen(**OPTIMAL), method="kernel", gap=0.2, threads=3, cancel=stop, base_dir=".")
    assert found.method == "kernel"
    assert seen[0]["method"] == "kernel"
    assert (seen[0]["gap"], seen[0]["threads"], seen[0]["cancel"], seen[0]["base_dir"]) == (0.2, 3, stop, ".")


def test_a_second_solve_for_carbon_has_no_other_method(monkeypatch: pytest.MonkeyPatch):
    answers(monkeypatch, {"status": "no_plan", "termination": "time_limit"})
    told = {"status": "optimal", "termination": "gap_reached", "cost_cap_usd": DEAR, "bound_kg": 1.0}
    found = prove(toy(), in_bergen(**OPTIMAL, least_carbon=told))
    assert found.not_proven == ("least_carbon.bound_kg: there is one method for the second solve",)


@pytest.mark.parametrize("function", [audit, prove])
@pytest.mark.parametrize("wrong", [{"instance": TOY}, {"plan": {}}, {"plan": None}, {"base_dir": 5},
                                   {"instance": "toy.yaml", "plan": Path("plan.json"), "base_dir": 5}])  # fmt: skip
def test_what_is_no_instance_plan_or_path_is_refused(function: Any, wrong: Fields):
    """All of it at once, with what to do."""
    given = {"instance": toy(), "plan": in_bergen(), "base_dir": None, **wrong}
    with pytest.raises(domicile.InputError) as refused:
        function(given["instance"], given["plan"], base_dir=given["base_dir"])
    assert [issue.where for issue in refused.value.issues] == list(wrong)


@pytest.mark.parametrize("bad", [{"gap": "0.1"}, {"gap": -1}, {"time_limit_seconds": "1"}, {"time_limit_seconds": 0},
                                 {"threads": 0}, {"method": "quick"}, {"method": ["direct"]},
                                 {"progress": 5}, {"cancel": True}])  # fmt: skip
def test_arguments_without_meaning_are_refused(bad: Fields):
    with pytest.raises(domicile.InputError) as refused:
        prove(toy(), in_bergen(**OPTIMAL), **bad)
    assert [issue.where for issue in refused.value.issues] == list(bad)
