"""Why an instance has no plan: toys by hand for every kind of member, and random instances against every subset."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from compile_toys import job, offer, region, service, toy

import domicile
from domicile.cli import main
from optimizer.errors import InputError

infeasible = domicile.explain.infeasible
SOUTH = region("p:south", grid_g_per_kwh=100.0)
FEW = {"default_devices": 64.0, "limits": [{"id": "few", "region": "p:north", "devices": 5.0}]}


def limited(**limits):
    """A service with limits of its stream."""
    one = service()
    one["streams"][0] |= limits
    return one


def ids(conflict):
    return {rule.id for rule in conflict.rules}


def only(answer):
    """Return the one conflict of an answer that is whole and proven."""
    assert answer.status == "infeasible"
    assert answer.complete
    (conflict,) = answer.conflicts
    assert conflict.infeasible
    assert conflict.proven_minimal
    return conflict


def works(instance, repair):
    """Whether the changed instance has a plan of the cost told, by `solve` and its audit."""
    plan = domicile.solve(domicile.changed(instance, list(repair.changes)), gap=0.0)
    return plan.held and plan.objective_usd == pytest.approx(repair.cost_usd, rel=0.011)


def test_a_feasible_instance_has_no_conflict():
    told = infeasible(toy())
    assert (told.status, told.complete, told.conflicts, told.repairs) == ("feasible", True, (), ())


def test_a_budget_and_the_workload_that_exceeds_it():
    """Five devices for 100 h: 570 kWh at 0.2 kg and 5 kg embodied are 119 kg. A second service is not concerned."""
    instance = toy(service(), service("small", rate=1.0), budgets=[
        {"id": "carbon", "limit_kg": 100.0, "scope": {"workloads": ["svc"]}}
    ])  # fmt: skip
    told = infeasible(instance)
    assert ids(only(told)) == {"workload:svc", "budget:carbon"}
    first, second = told.repairs
    assert first.changes == ({"op": "set_limit", "rule": "budget:carbon", "to": 119.0},)
    assert (first.effort, first.verified, first.least) == (pytest.approx(0.19), True, True)
    assert second.changes == ({"op": "drop_workload", "workload": "svc"},)
    assert all(works(instance, one) for one in told.repairs)


def test_whole_machines_alone_are_in_conflict():
    """Four and a half machines' worth of work in a quota of 4.6 devices: five are needed."""
    quotas = {"default_devices": 64.0, "limits": [{"id": "few", "region": "p:north", "devices": 4.6}]}
    told = infeasible(toy(service(rate=31.5), service("b", rate=0.1), quotas=quotas))
    assert ids(only(told)) == {"workload:svc", "quota:few"}
    assert told.repairs[0].changes == ({"op": "set_limit", "rule": "quota:few", "to": 6.0},)  # with one for b
    assert told.repairs[0].least


def test_a_round_trip_is_raised_to_the_first_place_it_opens():
    instance = toy(limited(max_rtt_ms=10.0), service("b"), inline={
        "regions": [region(), SOUTH], "offers": [offer(), offer(place="p:south")],
        "network": [{"origin": "DE", "region": "p:north", "rtt_ms": 20.0},
                    {"origin": "DE", "region": "p:south", "rtt_ms": 15.25}],
    })  # fmt: skip
    told = infeasible(instance)
    (rule,) = [one for one in only(told).rules if one.kind == "latency"]
    assert rule.scope is not None
    assert (rule.id, rule.scope.workloads) == ("latency:max_rtt_ms", ("svc",))
    scope = {"workloads": ["svc"], "streams": ["DE"]}
    moved = {"op": "set_limit", "rule": "latency:max_rtt_ms", "to": 15.25, "scope": scope}
    (repair,) = [one for one in told.repairs if one.changes == (moved,)]
    assert repair.least
    assert repair.effort == pytest.approx(0.525)


def test_an_option_opens_when_all_rules_that_shut_it_are_lifted():
    """The only place is too far and under the wrong control: either rule is in conflict, and a repair moves both."""
    policy = {"kind": "exclude_control", "id": "no-de", "jurisdictions": ["DE"], "scope": {"workloads": ["svc"]}}
    told = infeasible(toy(limited(max_rtt_ms=10.0), service("b"), policies=[policy]))
    assert ids(only(told)) in ({"workload:svc", "latency:max_rtt_ms"}, {"workload:svc", "policy:no-de"})
    both, drop = told.repairs  # what serves everything comes first
    assert drop.changes == ({"op": "drop_workload", "workload": "svc"},)
    assert {one["rule"]: one.get("to") for one in both.changes} == {"latency:max_rtt_ms": 20.0, "policy:no-de": None}
    assert both.verified


def test_a_law_of_a_scenario_may_be_lifted_and_one_in_force_not():
    law = {"id": "XX-LOCAL", "jurisdiction": "FR", "in_force_from": "2026-01-01", "data_categories": "personal",
           "kind": "HARD_LOCAL", "storage_rule": "only:FR", "processing_rule": "only:FR"}  # fmt: skip
    exporter = {"id": "x", "country": "DE", "headquarters": "DE", "roles": ["controller"]}
    own = {"categories": ["personal"], "subjects": ["FR"], "exporter": "x"}
    told = infeasible(toy(
        service(data=own), laws={"use": "world", "patches": [{"op": "add_law", "law": law}]},
        legal_assertions={"exporters": [exporter]},
    ))  # fmt: skip
    assert {one.id: one.immovable for one in only(told).rules} == {"workload:svc": False, "law:XX-LOCAL": False}
    assert [one.changes for one in told.repairs] == [({"op": "lift", "rule": "law:XX-LOCAL"},)]
    own = {"categories": ["personal"], "subjects": ["RU"], "exporter": "r"}
    own |= {"retention_hours": 24.0, "retained_gb": 1.0}
    russian = {"id": "r", "country": "RU", "headquarters": "RU", "roles": ["controller"]}
    told = infeasible(toy(
        service(data=own), service("b"), laws={"use": "world"}, legal_assertions={"exporters": [russian]}
    ))  # fmt: skip
    stays = {one.id for one in only(told).rules if one.immovable}
    assert stays
    assert all(one.startswith("law:RU-") for one in stays)
    assert all(one.changes == ({"op": "drop_workload", "workload": "svc"},) for one in told.repairs)


def test_a_conflict_about_data():
    """Two copies in two countries, and only one country."""
    data = {"id": "d", "size_gb": 10.0, "min_copies": 2, "min_countries": 2, "categories": ["non_personal"]}
    told = infeasible(toy(service(), datasets=[data]))
    assert ids(only(told)) == {"dataset:d"}
    assert told.repairs[0].changes == ({"op": "drop_dataset", "dataset": "d"},)


def test_a_deadline():
    told = infeasible(toy({**job(), "deadline_hours": 5.0}, service()))
    assert ids(only(told)) == {"workload:job", "field:deadline_hours"}


def test_two_disjoint_conflicts_are_both_told_and_a_repair_ends_both():
    instance = toy(limited(max_rtt_ms=10.0), service("b"), service("c", rate=1.0), budgets=[
        {"id": "carbon", "limit_kg": 100.0, "scope": {"workloads": ["b"]}}
    ])  # fmt: skip
    told = infeasible(instance)
    assert [ids(one) for one in told.conflicts] == [
        {"workload:svc", "latency:max_rtt_ms"}, {"workload:b", "budget:carbon"}
    ]  # fmt: skip
    assert all(one.proven_minimal for one in told.conflicts)
    assert told.repairs
    assert all(len(one.changes) == 2 and works(instance, one) for one in told.repairs)


def test_what_is_immovable_is_in_the_conflict_and_in_no_repair():
    budget = {"id": "carbon", "limit_kg": 100.0, "scope": {"workloads": ["svc"]}, "immovable": True}
    told = infeasible(toy(service(), service("small", rate=1.0), budgets=[budget]))
    assert {one.id: one.immovable for one in only(told).rules} == {"workload:svc": False, "budget:carbon": True}
    assert [one.changes for one in told.repairs] == [({"op": "drop_workload", "workload": "svc"},)]


@pytest.mark.parametrize(("limit_kg", "admits"), [(10.0, True), (2.0, False)])
def test_a_figure_that_would_admit_a_plan_is_named_and_no_plan_of_its_estimate(limit_kg, admits):
    """North: 119 kg. South is clean (0.6 kg and 5 kg embodied), but nobody has the power of its machine."""
    unknown = {key: value for key, value in offer(place="p:south").items() if key not in ("idle_kw", "load_kw")}
    instance = toy(service(), inline={
        "regions": [region(), region("p:south", grid_g_per_kwh=1.0)], "offers": [offer(), unknown],
        "network": [{"origin": "DE", "region": name, "rtt_ms": 20.0} for name in ("p:north", "p:south")],
    }, budgets=[{"id": "carbon", "limit_kg": limit_kg}])  # fmt: skip
    told = infeasible(instance)
    assert ids(only(told)) == {"workload:svc", "budget:carbon"}
    assert [(one.figure, one.options, one.admits_plan) for one in told.figures] == [("power", 1, admits)]


def test_by_priority_what_fits_is_served_and_the_rest_deferred():
    """Two of three services of two devices each fit into five devices: those of the higher priorities."""
    works_of = [service(name, rate=14.0, priority=k) for name, k in (("a", 1), ("b", 0), ("c", 5))]
    told = infeasible(toy(*works_of, quotas=FEW))
    assert ids(only(told)) == {"workload:a", "workload:b", "workload:c", "quota:few"}
    assert {one.changes[0]["op"] for one in told.repairs} == {"set_limit", "drop_workload"}
    assert len(told.repairs) == 4
    assert told.servable is not None
    assert (told.servable.served, told.servable.deferred) == (("a", "c"), ("b",))
    assert told.servable.cost_usd == pytest.approx(800.0)
    left = {step.step: step.left for step in told.waterfall}
    assert left["latency"] == pytest.approx(1.0)
    assert left["money"] == left["capacity"] == pytest.approx(35.0 / 42.0, abs=1e-3)  # five of six devices' worth
    (capacity,) = [step for step in told.waterfall if step.step == "capacity"]
    assert capacity.taken_by == ("quota:few",)


def test_the_waterfall_says_what_round_trips_and_carbon_take():
    """Of two services one is too far; the other may emit nothing."""
    instance = toy(limited(max_rtt_ms=10.0), service("b"), budgets=[{"id": "carbon", "limit_kg": 0.0}])
    steps = {one.step: one for one in infeasible(instance).waterfall}
    assert (steps["law"].left, steps["latency"].left) == (1.0, 0.5)
    assert steps["latency"].taken_by == ("latency:max_rtt_ms",)
    assert (steps["policies"].left, steps["carbon"].left) == (pytest.approx(0.5), pytest.approx(0.0))
    assert steps["carbon"].taken_by == ("budget:carbon",)


def test_without_time_the_answer_is_partial():
    told = infeasible(toy(service(), budgets=[{"id": "carbon", "limit_kg": 1.0}]), time_limit_seconds=1e-6)
    assert (told.status, told.complete) == ("unknown", False)


def test_the_command_prints_it_and_its_json(tmp_path):
    instance = toy(service(), budgets=[{"id": "carbon", "limit_kg": 1.0}])
    file = tmp_path / "i.json"
    file.write_text(instance.model_dump_json())
    said = CliRunner().invoke(main, ["explain", "infeasible", str(file)])
    assert said.exit_code == 0
    assert said.output.startswith("no plan (proven): svc + budget:carbon cannot hold together")
    data = json.loads(CliRunner().invoke(main, ["explain", "infeasible", str(file), "--json"]).output)
    assert {"status", "complete", "conflicts", "repairs", "waterfall"} <= set(data)
    assert set(data["conflicts"][0]["rules"][0]) >= {"id", "kind", "source", "sentence"}
    schema = json.loads(CliRunner().invoke(main, ["schema", "infeasible"]).output)
    assert set(schema["properties"]) == set(data)


def test_what_solve_prints_begins_with_the_conflict(tmp_path):
    file = tmp_path / "i.json"
    file.write_text(toy(service(), budgets=[{"id": "carbon", "limit_kg": 1.0}]).model_dump_json())
    said = CliRunner().invoke(main, ["solve", str(file)])
    assert said.exit_code == 3
    lines = [line.rstrip() for line in said.output.splitlines()]
    at = lines.index("Why there is no plan")
    assert lines[at + 1] == "- svc + budget:carbon cannot hold together"
    assert lines[at + 4] == "- proven minimal: without any one of them the others have a plan (found and audited)"
    assert lines[at + 5] == "- one change admits a plan, all else kept:"
    assert lines[-1] == f"what would give it a plan: domicile explain infeasible {file}"


def test_no_instance_is_an_input_error():
    with pytest.raises(InputError):
        infeasible({"name": "x"})  # type: ignore[arg-type]


def _random(seed: int):
    """Two or three services and a job, two places, and limits that often clash."""
    rng = np.random.default_rng(seed)
    names = [f"w{k}" for k in range(int(rng.integers(2, 4)))]
    works_of = []
    for name in names:
        one = service(name, rate=float(rng.integers(5, 40)))
        if rng.random() < 0.5:
            one["streams"][0]["max_rtt_ms"] = float(rng.choice([10.0, 25.0]))
        if rng.random() < 0.3:
            one["regions"] = [str(rng.choice(["p:north", "q:east"]))]
        works_of.append(one)
    limits = [{"id": "north", "region": "p:north", "devices": float(rng.integers(1, 6))}]
    policies = [{"kind": "exclude_control", "id": "no-us", "jurisdictions": ["US"]}] if rng.random() < 0.5 else []
    return toy(
        *works_of, quotas={"default_devices": float(rng.integers(2, 9)), "limits": limits}, policies=policies,
        budgets=[{"id": "carbon", "limit_kg": float(rng.integers(30, 400))},
                 {"id": "money", "limit_usd": float(rng.integers(300, 3000))}],
        inline={
            "providers": [{"id": "p", "control": ["DE"]}, {"id": "q", "control": ["US"]}],
            "regions": [region(), region("q:east", "US", grid_g_per_kwh=500.0)],
            "offers": [offer(), offer("y", place="q:east", usd_per_hour=1.0)],
            "network": [{"origin": "DE", "region": "p:north", "rtt_ms": 20.0},
                        {"origin": "DE", "region": "q:east", "rtt_ms": 30.0}],
        },
    )  # fmt: skip


def _every_member(instance):
    """Return by (id, workload) the change that lifts each member, stated here on its own."""
    found = {("workload:" + one.id, None): {"op": "drop_workload", "workload": one.id} for one in instance.workloads}
    rules = ["budget:carbon", "budget:money", "quota:north", "quota:quotas.default_devices"]
    rules += [f"policy:{one.id}" for one in instance.policies]
    found |= {(rule, None): {"op": "lift", "rule": rule} for rule in rules}
    for one in instance.workloads:
        scope = {"workloads": [one.id]}
        if one.streams[0].max_rtt_ms is not None:
            found["latency:max_rtt_ms", one.id] = {"op": "lift", "rule": "latency:max_rtt_ms", "scope": scope}
        if one.regions:
            found["field:regions", one.id] = {"op": "lift", "rule": "field:regions", "scope": scope}
    return found


def _has_plan(instance, members, kept):
    """Whether there is a plan with only some members in force, by a full solve."""
    gone = {name for name in members if name not in kept}
    dropped = {name.removeprefix("workload:") for name, _ in gone if name.startswith("workload:")}
    if len(dropped) == len(instance.workloads):
        return True
    rules = [members[one] for one in gone if not one[0].startswith("workload:") and one[1] not in dropped]
    changes = [*rules, *({"op": "drop_workload", "workload": name} for name in sorted(dropped))]
    return domicile.solve(domicile.changed(instance, changes), gap=1.0, threads=1).held


@pytest.mark.parametrize("seed", [0, 5])
def test_conflicts_are_minimal_and_repairs_work_on_random_instances(seed: int):
    """By full solves: a conflict has no plan, has one without any of its members, and every repair has one."""
    instance = _random(seed)
    told, members = infeasible(instance), _every_member(instance)
    assert told.complete
    assert (told.status == "feasible") == _has_plan(instance, members, set(members))
    for conflict in told.conflicts:
        own = {(one.id, one.scope.workloads[0] if one.scope else None) for one in conflict.rules}
        assert conflict.proven_minimal
        assert not _has_plan(instance, members, own)
        assert all(_has_plan(instance, members, own - {one}) for one in own)
    assert (told.status == "feasible") or told.repairs
    for repair in told.repairs[:3]:
        assert repair.verified
        assert domicile.solve(domicile.changed(instance, list(repair.changes)), gap=1.0, threads=1).held
