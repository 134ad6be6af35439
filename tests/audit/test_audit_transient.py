"""Data deleted within the window of a law's processing mechanism, judged by the audit alone; one plan, several laws."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import domicile
from optimizer.audit import audit
from optimizer.audit.law_profiles import Profile, Profiles
from optimizer.audit.law_rules import LawBook
from optimizer.audit.law_triggers import Place
from optimizer.instance.load import load
from optimizer.laws import load_laws
from optimizer.plan.models import Plan

MECHANISMS = ("RBI_24H", "IN_SPDI")
KEYS = {"RBI_24H": ("IN", "payment@IN"), "IN_SPDI": ("IN", "p")}
STAY = {"op": "add_law", "law": {
    "id": "IN-STAY", "jurisdiction": "IN", "in_force_from": "2020-01-01", "data_categories": "payment",
    "kind": "HARD_LOCAL", "storage_rule": "only:IN", "processing_rule": "none",
}}  # fmt: skip
DENY = {"op": "set", "law": "IN-RBI-2018", "field": "storage_rule", "value": "only:IN;deny:US"}


def scoring(hours: float, *patches: dict[str, Any], scorer_abroad: float = 1.0) -> dict[str, Any]:
    """Return payments of India scored at 10 units/s, one machine's worth; the machine abroad is the cheaper one."""
    regions = [{"id": r, "country": c, "provider": "p", "pue": 1.2, "grid_g_per_kwh": 100.0} for r, c in
               (("in1", "IN"), ("us1", "US"))]  # fmt: skip
    offers = [
        {"sku": "g", "region": "in1", "accelerator": "gpu", "usd_per_hour": 2.0},
        {"sku": "g", "region": "us1", "accelerator": "gpu", "usd_per_hour": scorer_abroad},
    ]
    return {
        "name": "scoring",
        "horizon": {"start": "2027-01-01", "hours": 100},
        "catalogue": {"use": "inline", "inline": {
            "providers": [{"id": "p", "headquarters": "IN", "control": ["IN"]}], "regions": regions, "offers": offers,
        }},
        "laws": {"use": "world", "as_of": "2026-11-22", "patches": list(patches)},
        "target_utilisation": 1.0,
        "workloads": [{
            "id": "score", "kind": "service", "runs": {"throughput": {"gpu": 10.0}},
            "data": {"categories": ["payment"], "exporter": "IN", "retention_hours": hours},
            "streams": [{"origin": "IN", "rate": 10.0}],
        }],
        "quotas": {"default_devices": 10},
        "mechanism_costs": [{"id": name, "yearly_usd": 8.76} for name in MECHANISMS],
    }  # fmt: skip


def violations(instance: dict[str, Any], mechanisms: tuple[str, ...] = MECHANISMS) -> set[tuple[str, str | None]]:
    """Audit one machine in the US that scores everything, with these safeguards in the plan."""
    row = {"workload": "score", "stream": "IN", "provider": "p", "region": "us1", "sku": "g", "period": "t0",
           "instances": 1, "served_per_s": 10}  # fmt: skip
    bought = [{"mechanism": name, "key": KEYS[name]} for name in mechanisms]
    plan = Plan.model_validate({"placements": [row], "mechanisms": bought})
    return {(v.kind, v.rule) for v in audit(load(instance), plan).violations}


@pytest.mark.parametrize("hours", [0, 24])
def test_a_plan_abroad_is_lawful_within_the_window(hours):
    assert violations(scoring(hours)) == set()


def test_an_hour_longer_is_refused_at_rest_and_for_want_of_a_mechanism():
    """25 h: storage outside India, and RBI_24H no longer covers the processing."""
    assert violations(scoring(25)) == {("law_forbids", "IN-RBI-2018"), ("law_no_mechanism", "IN-RBI-2018")}


def test_within_the_window_the_safeguard_must_be_in_the_plan():
    assert violations(scoring(24), ("IN_SPDI",)) == {("mechanism_missing", "IN-RBI-2018")}


def test_another_law_and_a_denial_still_refuse_storage():
    """One hour is too long for a law without a window; with nothing retained it is not asked."""
    assert violations(scoring(1, STAY)) == {("law_forbids", "IN-STAY")}
    assert violations(scoring(0, STAY)) == set()
    assert violations(scoring(1, DENY)) == {("law_forbids", "IN-RBI-2018")}


def test_a_copy_that_a_law_has_kept_is_at_rest_to_the_audit_too():
    """A second law wants a copy in the US of what the scoring keeps: it is there for good, and RBI refuses it."""
    copy = {"op": "add_law", "law": {**STAY["law"], "id": "US-COPY", "kind": "LOCAL_COPY", "storage_rule": "copy:US"}}
    instance = scoring(24, copy)
    instance["workloads"][0]["data"]["retained_gb"] = 0.0
    row = {"workload": "score", "stream": "IN", "provider": "p", "region": "in1", "sku": "g", "period": "t0",
           "instances": 1, "served_per_s": 10}  # fmt: skip
    kept = {"dataset": "score/IN:retained", "provider": "p", "region": "us1"}
    plan = {"placements": [row], "mechanisms": [{"mechanism": name, "key": KEYS[name]} for name in MECHANISMS]}
    found = {
        len(copies): {(v.kind, v.rule) for v in
                      audit(load(instance), Plan.model_validate({**plan, "copies": copies})).violations}
        for copies in ([], [kept])
    }  # fmt: skip
    assert found == {0: {("copy_duty", "US-COPY")}, 1: {("law_forbids", "IN-RBI-2018")}}


@pytest.mark.parametrize(
    ("hours", "level"), [(0.0, "needs"), (24.0, "needs"), (25.0, "forbids"), (None, "forbids")]
)  # fmt: skip
def test_the_audits_own_ruling_on_storage(hours, level):
    """Data at rest (no retention) and longer retention are forbidden, anything within the window needs RBI_24H."""
    instance, pack = load(scoring(0)), load_laws()
    book = LawBook(pack, instance, Profiles(instance, {"score": ["IN"]}, pack.vocabulary.implies), {}, frozenset())
    words = frozenset({"payment"})
    data = Profile(words, words, frozenset({"IN"}), "IN", "IN", retention_hours=hours)
    ruling = book.ruling(data, Place("US", "US", "p", "us1", "instance"), "storage", date(2027, 1, 1))
    if level == "needs":
        assert [(n.law, [name for name, _ in n.options]) for n in ruling.needs] == [("IN-RBI-2018", ["RBI_24H"])]
    else:
        assert [law for law, _ in ruling.forbids] == ["IN-RBI-2018"]


@pytest.mark.parametrize(("hours", "usd", "country"), [(0, 100.2, "US"), (24, 100.2, "US"), (25, 200.0, "IN")])
def test_the_cheaper_machine_abroad_is_used_within_the_window(hours, usd, country):
    """By hand: abroad 100 h at 1 USD and two safeguards of 8.76 USD a year for 100/8760 of it; at home 200 USD."""
    plan = domicile.solve(load(scoring(hours)))
    assert plan.objective_usd == pytest.approx(usd)
    assert {p.country for p in plan.placements} == {country}
    obliged = [(entry.law, text) for entry in plan.legal_register for text in entry.obligations]
    expected = [("IN-RBI-2018", "score at us1 (US): deleted abroad within 24 h (RBI_24H)")]
    assert obliged == (expected if country == "US" else [])


@pytest.mark.parametrize(("work_hours", "told"), [(20.0, False), (60.0, True)])
def test_a_job_that_works_abroad_for_longer_than_the_window_is_told_of(work_hours, told):
    """Its retention is what the instance states; 60 h of work abroad at 24 h are worth a second look, 20 h are not."""
    instance = scoring(24)
    instance["workloads"] = [{
        "id": "tune", "kind": "job", "runs": {"throughput": {"gpu": 10.0}}, "work": 36_000.0 * work_hours,
        "data": {"categories": ["payment"], "subjects": ["IN"], "exporter": "IN", "retention_hours": 24},
    }]  # fmt: skip
    plan = domicile.solve(load(instance))
    assert {p.country for p in plan.placements} == {"US"}
    text = "tune works 60 h in us1 under RBI_24H, which bears its data there for 24 h: they must go and come in between"
    assert (text in plan.warnings) is told
    assert any("under RBI_24H" in warning for warning in plan.warnings) is told


def test_the_law_that_knows_no_window_keeps_it_at_home():
    assert domicile.solve(load(scoring(24, STAY))).objective_usd == pytest.approx(200.0)
