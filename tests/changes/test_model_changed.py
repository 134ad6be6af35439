"""`Model.changed` gives, to the last bit, what compiling the changed instance gives; and takes over what it may."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import domicile
from domicile import DomicileError, Model
from optimizer.compile import compile_instance

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from compiled_equal import assert_compiled_same
from random_changes import DRAWS, random_changes
from random_instances import random_instance

BUNDLED = ("quickstart", "health-assistant", "india-payments", "emerging-markets", "typical-day")


def outcome(make: Any) -> tuple[Model | None, str]:
    """Return a model, or the words of the error."""
    try:
        return make(), ""
    except DomicileError as error:
        return None, f"{type(error).__name__}: {error}"


def same_outcome(model: Model, changes: list[dict[str, Any]]) -> Model | None:
    """Assert that changing the model and compiling the changed instance come to the same; return it if a model."""
    try:
        instance = domicile.changed(model.instance, changes)
    except DomicileError as error:
        with pytest.raises(type(error)):
            model.changed(changes)
        return None
    mine, told = outcome(lambda: model.changed(changes))
    whole, expected = outcome(lambda: domicile.compile(instance))
    assert told == expected
    if mine is None or whole is None:
        return None
    assert mine.instance == instance
    assert_compiled_same(mine._compiled, whole._compiled)
    return mine


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    """Bundled instances, compiled once."""
    return {name: domicile.compile(domicile.load(name)) for name in BUNDLED}


@pytest.mark.parametrize(
    ("name", "kind"),
    [(BUNDLED[(2 * place + k) % len(BUNDLED)], kind) for place, kind in enumerate(DRAWS) for k in range(2)],
)
def test_a_change_of_every_kind_on_bundled_instances(models: dict[str, Model], name: str, kind: str):
    """One change at a time, on two instances of five: the stages that it does not touch are taken over."""
    changes = random_changes(models[name].instance, np.random.default_rng(len(kind)), kind)
    if not changes:
        pytest.skip("the instance has nothing of the kind")
    same_outcome(models[name], changes)


def test_all_rules_of_a_kind_at_once(models: dict[str, Model]):
    """No law, no budget, twice the quotas."""
    free = {"op": "lift_all", "kinds": ["law", "budget"]}
    assert same_outcome(models["quickstart"], [free, {"op": "scale_quotas", "factor": 2}]) is not None


def test_a_region_added_to_the_bundled_catalogue_is_an_option(models: dict[str, Model]):
    """With a machine, its power and the round trips of its three streams."""
    place = "scaleway:de-kie"
    changes: list[dict[str, Any]] = [
        {"op": "add_row", "table": "regions", "citation": "assumed", "add": {
            "provider": "scaleway", "region": "de-kie", "country": "DE", "grid_lifecycle_g_per_kwh": 20.0, "pue": 1.1}},
        {"op": "add_row", "table": "offers", "citation": "assumed", "add": {
            "region_id": place, "sku": "L40S-1-48G", "price_usd_per_hour": 0.5, "availability": "verified"}},
        {"op": "set_figure", "table": "skus", "id": "scaleway/L40S-1-48G", "set": {
            "idle_kw": 0.1, "load_kw": 0.4, "embodied_kg": 150.0}},
        *({"op": "add_row", "table": "network", "add": {"origin": origin, "region": place, "rtt_ms": 9.0}}
          for origin in ("DE", "FR", "PL")),
    ]  # fmt: skip
    model = same_outcome(models["quickstart"], changes)
    assert model is not None
    why = model.why("chat", place)
    assert [one.stream for one in why.options if not one.excluded_by] == ["DE", "FR", "PL"], str(why)
    assert models["quickstart"].regions("chat") != model.regions("chat")
    assert place in model.regions("chat")


@pytest.mark.parametrize("seed", range(20))
def test_changes_of_changes_on_random_instances(seed: int):
    """Several at a time, and three times one after the other, each from the model before."""
    rng = np.random.default_rng(1000 + seed)
    model, _ = outcome(lambda: domicile.compile(domicile.load(random_instance(seed), references=False)))
    for _ in range(3):
        if model is not None:
            model = same_outcome(model, random_changes(model.instance, rng)) or model


def test_the_random_changes_do_change_and_do_compile():
    """Of the cases above most end in a model: the comparison is of something."""
    def compiles(seed: int) -> bool:
        model, _ = outcome(lambda: domicile.compile(domicile.load(random_instance(seed), references=False)))
        changes = [] if model is None else random_changes(model.instance, np.random.default_rng(1000 + seed))
        return bool(changes) and outcome(lambda: model.changed(changes))[0] is not None  # type: ignore[union-attr]

    assert sum(map(compiles, range(20))) >= 12


def test_an_option_that_two_rules_shut_opens_when_both_are_lifted(models: dict[str, Model]):
    """A French law and a policy, and nothing else, shut a place: lifting one is not enough."""
    model = models["health-assistant"]
    names = "law:FR-HDS", "policy:no-foreign-reach"

    def shut_by_both(place: str) -> bool:
        options = model.why("triage-fr", place).options
        return any({one.rule.id for one in option.excluded_by} == set(names) for option in options)

    places = [str(name) for name in dict.fromkeys(model._compiled.world.offers.region_id)]
    place = next(name for name in places if name not in model.regions("triage-fr") and shut_by_both(name))
    law, policy = ({"op": "lift", "rule": name} for name in names)
    lists = [law], [policy], [law, policy]
    assert [place in model.changed(one).regions("triage-fr") for one in lists] == [False, False, True]


@pytest.mark.parametrize(
    ("change", "taken_over"),
    [
        ({"op": "tighten", "rule": "budget:carbon", "share": 0.01}, {"law", "options", "slots", "mechanisms"}),
        ({"op": "set_limit", "rule": "quota:ovh-project", "to": 27}, {"law", "options", "slots"}),
        ({"op": "scale_prices", "factor": 1.2, "scope": {"skus": ["L4-1-24G"]}}, {"tables", "law", "pools", "options"}),
        ({"op": "scale_prices", "of": "egress", "factor": 2.0}, {"tables", "law", "pools"}),
        ({"op": "scale_carbon", "factor": 0.5}, {"law", "pools"}),
        ({"op": "scale_demand", "factor": 0.9}, {"world", "law", "pools"}),
        ({"op": "lift", "rule": "law:FR-HDS"}, {"world", "pools"}),
    ],
    ids=lambda value: value.get("rule") or value["op"] if isinstance(value, dict) else "",
)
def test_what_a_change_does_not_touch_is_taken_over(
    models: dict[str, Model], change: dict[str, Any], taken_over: set[str]
):
    """The result of a stage is the one that the model before has."""
    model = models["health-assistant"]
    before, after = model._compiled.stages._kept, model.changed([change])._compiled.stages._kept
    shared = {name for name in after if after[name] is before.get(name)}
    assert taken_over <= shared, sorted(shared)
    assert len(shared) < len(after) or change["op"] == "tighten"


def test_a_law_that_binds_few_leaves_the_verdicts_on_the_others(models: dict[str, Model]):
    """Lifting the German law on health data judges the German profiles anew, and no French one."""
    model = models["health-assistant"]
    law = model.changed([{"op": "lift", "rule": "law:DE-SGBV-393"}])._compiled.law_view
    before = model._compiled.law_view
    streams = {a.workload_id: k for k, a in enumerate(law.activities)}
    for workload, kept in (("triage-fr", True), ("triage-de", False)):
        signature = law.signature(streams[workload])
        judged = law._of_signature(signature)
        assert (judged is before._of_signature(before.signature(streams[workload]))) is kept


def test_a_field_of_the_instance_that_no_stage_names_is_read_by_all(monkeypatch: pytest.MonkeyPatch):
    """Whoever adds one gets a slower change, never a wrong one; those that are named exist."""
    from optimizer.compile import inputs

    assert set(domicile.Instance.model_fields) >= inputs.NAMED
    model = domicile.compile(domicile.load("quickstart"))
    monkeypatch.setattr(inputs, "NAMED", inputs.NAMED - {"budgets"})
    base = Model(model.instance, compile_instance(model.instance))
    after = base.changed([{"op": "tighten", "rule": "budget:monthly-carbon", "share": 0.01}])
    before, kept = base._compiled.stages._kept, after._compiled.stages._kept
    shared = {name for name in kept if kept[name] is before.get(name)}
    assert not {"law", "options", "slots", "datasets", "shares"} & shared


def test_models_are_changed_from_several_threads(models: dict[str, Model]):
    """Four threads change one model at once; each gets what it would get alone."""
    model = models["health-assistant"]
    lists = [random_changes(model.instance, np.random.default_rng(k), kind) for k, kind in enumerate(
        ("law", "price", "demand", "latency", "carbon", "loosen quota", "lift policy", "drop"))]  # fmt: skip
    found: dict[int, Model | None] = {}

    def work(k: int) -> None:
        found[k] = outcome(lambda: model.changed(lists[k]))[0]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(lists))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, changes in enumerate(lists):
        whole, _ = outcome(lambda changes=changes: domicile.compile(domicile.changed(model.instance, changes)))
        assert (found[k] is None) == (whole is None)
        if whole is not None:
            assert_compiled_same(found[k]._compiled, whole._compiled)  # type: ignore[union-attr]


def test_a_changed_model_solves_to_the_plan_of_the_changed_instance(models: dict[str, Model]):
    """Cost, bound and fingerprint; the plan passes the audit of the changed instance."""
    model = models["quickstart"].changed([{"op": "scale_demand", "factor": 0.5}])
    plan, same = model.solve(), domicile.solve(model.instance)
    assert plan.objective_usd == pytest.approx(same.objective_usd)
    assert plan.instance_sha256 == domicile.instance_sha256(model.instance) == same.instance_sha256
    assert domicile.audit(model.instance, plan).ok
