"""Data that pass places on their way, and data that are sent on, in plans: what it closes, costs and leaves open."""

from __future__ import annotations

from typing import Any

import pytest

import domicile


def instance(categories: tuple[str, ...] = ("personal",), home: str = "DE", **data: Any):
    """One machine at 1 USD/h for 100 hours, at home; clauses cost 8,760 USD a year, which is 100 USD."""
    at = data.pop("dataset", None)
    own = {"categories": list(categories), "subjects": [home], "exporter": "firm"}
    assertions = {"exporters": [{"id": "firm", "country": home}], **data.pop("assertions", {})}
    kept = [{"id": "d", "size_gb": 1.0, **own, **at}] if at is not None else []
    return domicile.load(
        {
            "name": "passing", "horizon": {"start": "2027-01-01", "hours": 100.0}, "quotas": {"default_vcpus": 8},
            "catalogue": {"use": "inline", "inline": {
                "providers": [{"id": "p", "headquarters": home, "control": [home]}],
                "regions": [{"id": "r", "provider": "p", "country": home, "storage_usd_per_gb_month": 0.0}],
                "offers": [{"region": "r", "sku": "m", "accelerator": "cpu", "vcpus": 8.0, "usd_per_hour": 1.0}],
            }},
            "laws": {"unknown": {"access": "admit"}},
            "tenant": {"headquarters": home, "parent": home},
            "legal_assertions": assertions,
            "mechanism_costs": [{"id": "SCC_EU", "yearly_usd": 8760.0}],
            "workloads": [{"id": "w", "kind": "job", "work": 2_880_000.0, "runs": {"throughput": {"cpu": 1.0}},
                           "data": {**own, **data}}],
            "datasets": kept,
        }
    )  # fmt: skip


def solved(made):
    plan = domicile.solve(made)
    report = domicile.audit(made, plan)
    assert report.ok, [str(finding) for finding in report.violations]
    return plan


@pytest.mark.parametrize(
    ("onward", "usd", "keys"),
    [
        ([], 100.0, []),
        (["CH"], 100.0, []),  # adequate: nothing is asked
        (["IN"], 200.0, [("firm", "recipient in IN")]),
        (["KE", "IN", "FR"], 300.0, [("firm", "recipient in IN"), ("firm", "recipient in KE")]),
    ],
)
def test_whoever_gets_data_sent_on_needs_the_safeguard_of_the_law(onward, usd, keys):
    """EU-GDPR-CHV: clauses with each recipient outside; the machine costs 100 USD, each set of clauses 100."""
    plan = solved(instance(onward=onward))
    assert plan.objective_usd == pytest.approx(usd)
    assert sorted(use.key for use in plan.mechanisms) == keys
    assert not [text for text in plan.warnings if text.startswith("onward transfer is not asked")]


def test_what_a_law_leaves_closed_to_recipients_closes_every_place():
    """German health data with a statutory provider may go on to Swiss operators, and to no Indian recipient."""
    clinic = {"id": "firm", "country": "DE", "roles": ["statutory_healthcare_provider"]}
    plan = domicile.solve(instance(("health",), onward=["IN"], assertions={"exporters": [clinic]}))
    assert plan.status == "infeasible"
    assert ("law_forbids", "DE-SGBV-393") in {(row.reason, row.rule) for row in plan.ineligible}
    made = instance(onward=["IN"])
    cheap = domicile.solve(instance(onward=[]))
    found = {(one.kind, one.rule) for one in domicile.audit(made, cheap).violations}
    assert ("mechanism_missing", "EU-GDPR-CHV") in found


def test_a_recipient_where_nobody_looked_is_refused():
    """No answer for Nevada: personal data are not sent there until somebody accepts that."""
    made = instance(onward=["US-NV"])
    plan = domicile.solve(made)
    assert plan.status == "infeasible"
    assert ("law_unknown", "US-NV") in {(row.reason, row.rule) for row in plan.ineligible}
    said = {"rule": "coverage:US-NV", "author": "J. Counsel", "basis": "memo", "expires": "2030-01-01"}
    plan = solved(instance(onward=["US-NV"], assertions={"accepts": [said]}))
    assert plan.objective_usd == pytest.approx(200.0)


def test_data_at_rest_are_sent_on_as_well():
    """A dataset that nobody reads: its recipient needs clauses, the job's data go to nobody."""
    plan = solved(instance(onward=[], dataset={"onward": ["IN"]}))
    assert [use.key for use in plan.mechanisms] == [("firm", "recipient in IN")]


@pytest.mark.parametrize(("via", "open_"), [([], True), (["IN"], True), (["SG"], False)])
def test_a_route_that_a_law_closes_closes_every_place(via, open_):
    """IN-UL-39: domestic telecom traffic stays on domestic routes."""
    made = instance(("telecom",), "IN", via=via, onward=[])
    plan = domicile.solve(made)
    assert (plan.status == "optimal") is open_
    if open_:
        assert domicile.audit(made, plan).ok
        assert not [action for action in plan.actions if action.kind == "confirm_route"]
        other = instance(("telecom",), "IN", via=["SG"], onward=[])
        assert ("law_forbids", "IN-UL-39") in {(f.kind, f.rule) for f in domicile.audit(other, plan).violations}
    else:
        assert ("law_forbids", "IN-UL-39") in {(row.reason, row.rule) for row in plan.ineligible}


def test_a_route_that_nobody_states_is_an_action_and_a_recipient_a_warning_by_name():
    """The plan stands on both, and says which laws ask; an acceptance ends the action."""
    made = instance(("telecom",), "IN")
    plan = solved(made)
    (action,) = [action for action in plan.open_actions if action.kind == "confirm_route"]
    assert (action.rule, action.owner, action.workloads) == ("route:IN-UL-39", "network engineer", ("w",))
    assert action.sentence == "which places the data pass is not stated (via), and IN-UL-39 rules on it"
    (told,) = [text for text in plan.warnings if text.startswith("onward transfer is not asked of w:")]
    assert "IN-UL-39" in told
    bare = plan.model_copy(update={"actions": ()})
    assert ("action", "route:IN-UL-39") in {(f.kind, f.rule) for f in domicile.audit(made, bare).violations}
    said = {"rule": "route:IN-UL-39", "author": "N. Planner", "basis": "contract", "expires": "2030-01-01"}
    plan = solved(instance(("telecom",), "IN", assertions={"accepts": [said]}))
    assert not [action for action in plan.open_actions if action.kind == "confirm_route"]


def test_what_is_about_nobody_is_not_warned_of():
    """Embargoes bind all data; of data about nobody they are not told."""
    plan = solved(instance(("non_personal",)))
    assert not [text for text in plan.warnings if text.startswith("onward transfer is not asked")]


def test_data_at_rest_about_nobody_ask_nothing_of_where_their_exporter_sits():
    """Whether Singapore has a rule on where data stay is not known: no question for data that no law speaks of."""
    firms = [{"id": "firm", "country": "DE"}, {"id": "far", "country": "SG"}]
    told = {"exporter": "far", "categories": ["non_personal"], "subjects": []}
    made = instance(("non_personal",), dataset=told, assertions={"exporters": firms})
    plan = solved(made)
    assert not [action for action in plan.actions if action.rule == "coverage:SG"]
    asked = instance(("non_personal",), dataset={**told, "categories": ["personal"], "subjects": ["SG"]}, assertions={
        "exporters": firms, "mechanisms_held": [{"id": "SG_CONTRACT"}]})  # fmt: skip
    assert [action.datasets for action in solved(asked).actions if action.rule == "coverage:SG"] == [("d",)]
