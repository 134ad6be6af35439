"""What has to be done before a plan stands: safeguards that nobody holds, each with its last day, and quotas."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

import domicile

START, AS_OF = dt.date(2027, 1, 1), dt.date(2026, 11, 22)


def instance(*, place: str = "IN", category: str = "personal", subject: str = "DE", **more: Any):
    """A service about persons of one country that one machine serves in another."""
    region = {"id": "far", "country": place, "provider": "p", "pue": 1.2, "grid_g_per_kwh": 100.0}
    offer = {"sku": "h", "region": "far", "accelerator": "H100", "usd_per_hour": 2.0}
    inline = {
        "providers": [{"id": "p", "headquarters": place, "control": [place]}], "regions": [region], "offers": [offer],
    }  # fmt: skip
    data = {"categories": [category], "subjects": [subject], **more.pop("data", {})}
    return domicile.load(
        {
            "name": "duties", "horizon": more.pop("horizon", {"start": START, "hours": 730.0}),
            "catalogue": {"use": "inline", "inline": inline},
            "laws": {"use": "world", "as_of": AS_OF, "unknown": {"access": "admit"}},
            "workloads": [
                {"id": "chat", "kind": "service", "runs": {"throughput": {"H100": 10.0}}, "data": data,
                 "streams": [{"origin": subject, "rate": more.pop("rate", 5.0)}]},
            ],
            "quotas": {"default_devices": 4}, **more,
        }
    )  # fmt: skip


def duties(made) -> dict[str, Any]:
    """The actions that are no questions, by rule; the audit finds the same."""
    plan = domicile.solve(made)
    report = domicile.audit(made, plan)
    assert report.ok, report.violations
    return {one.rule: one for one in plan.actions if not one.kind.startswith("confirm")}


@pytest.mark.parametrize(
    ("more", "rule", "kind", "owner", "due", "lead"),
    [
        ({"mechanism": "SCC_EU"}, "mechanism:SCC_EU", "sign_clause", "legal counsel", START, 0),
        ({"mechanism": "SCC_EU"}, "assessment:SCC_EU", "make_assessment", "data-protection officer", START, 0),
        (
            {"mechanism": "SG_CONTRACT", "subject": "SG"},
            "mechanism:SG_CONTRACT", "sign_clause", "legal counsel", AS_OF, None,
        ),
        (
            {"mechanism": "RBI_24H", "subject": "IN", "place": "SG", "category": "payment"},
            "mechanism:RBI_24H", "delete_data", "owner of the workload", START, 0,
        ),
        (
            {"mechanism": "RU_NOTIFY", "subject": "RU", "place": "IN"},
            "mechanism:RU_NOTIFY", "file_notification", "regulatory affairs officer", START, 0,
        ),
    ],
)  # fmt: skip
def test_a_safeguard_is_an_action_of_its_kind(more, rule, kind, owner, due, lead):
    """Its lead time before the first day that needs it; one that nobody knows the time of is due at once."""
    name = more.pop("mechanism")
    found = duties(instance(mechanism_costs=[{"id": name}, {"id": "IN_SPDI"}], **more))
    assert rule in found, sorted(found)
    one = found[rule]
    assert (one.kind, one.owner, one.due, one.lead_time_days) == (kind, owner, due, lead)
    assert (one.workloads, one.accepted_by) == (("chat",), None)


def test_a_lead_time_counts_from_the_first_day_that_needs_it():
    """Indian payment data go to the European Union from March on: the day is not that of the horizon's start."""
    periods = [{"id": "jan", "hours": 1416}, {"id": "mar", "hours": 10}]
    made = instance(
        mechanism_costs=[{"id": "SCC_EU"}], horizon={"start": START, "periods": periods}, rate=[0.0, 5.0]
    )
    found = duties(made)
    assert found["mechanism:SCC_EU"].due == dt.date(2027, 3, 1)
    assert found["quota:devices:H100@far"].due == dt.date(2027, 3, 1)


def test_what_is_held_asks_nothing():
    """Clauses in hand are no action; an acceptance names who goes on without."""
    held = instance(legal_assertions={"mechanisms_held": [{"id": "SCC_EU"}]})
    assert set(duties(held)) == {"quota:devices:H100@far"}
    said = {"rule": "mechanism:SCC_EU", "author": "L. Counsel", "basis": "draft of 3 November", "expires": "2028-01-01"}
    found = duties(instance(mechanism_costs=[{"id": "SCC_EU"}], legal_assertions={"accepts": [said]}))
    assert found["mechanism:SCC_EU"].accepted_by == "L. Counsel"
    assert found["assessment:SCC_EU"].accepted_by is None


def test_a_quota_that_nobody_states_is_to_be_asked_for():
    """A default is a guess of what a provider grants; a quota of the instance is an answer."""
    found = duties(instance(place="DE"))
    one = found["quota:devices:H100@far"]
    assert (one.kind, one.owner, one.workloads) == ("ask_quota", "capacity planner", ("chat",))
    assert one.sentence == "ask for 1 devices of H100@far: no quota states them"
    stated = {"accelerator": "H100", "region": "far", "devices": 2}
    assert not duties(instance(place="DE", quotas={"default_devices": 4, "limits": [stated]}))
    assert not duties(instance(place="DE", quotas={"default_devices": "unlimited"}))


def test_the_audit_finds_a_duty_that_is_missing_or_wrong():
    """Left out, of another day, of another owner, or not asked for at all."""
    made = instance(mechanism_costs=[{"id": "SCC_EU"}])
    plan = domicile.solve(made)
    first = plan.actions[0]
    for wrong in (
        plan.actions[1:],
        (*plan.actions, first.model_copy(update={"rule": "quota:devices:A100@far"})),
        (first.model_copy(update={"due": dt.date(2020, 1, 1)}), *plan.actions[1:]),
        (first.model_copy(update={"owner": "nobody"}), *plan.actions[1:]),
        (first.model_copy(update={"lead_time_days": 7}), *plan.actions[1:]),
    ):
        report = domicile.audit(made, plan.model_copy(update={"actions": wrong}))
        assert "action" in {one.kind for one in report.violations}
