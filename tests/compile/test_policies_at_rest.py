"""Policies on places, control and certificates hold for copies as they do for workloads, by hand."""

from __future__ import annotations

import datetime as dt

import pytest
from law_worlds import catalogue, service, world

import domicile
from optimizer.compile.law import build_law_view
from optimizer.compile.policies_at_rest import RestingPolicies
from optimizer.laws.certificates import State

SMALL = {"de1": "DE", "fr1": "FR", "us1": "US"}
OPEN = {"categories": ["non_personal"]}
NOT_US = {"kind": "places", "id": "not-us", "deny": ["US"]}
SOVEREIGN = {"kind": "exclude_control", "id": "sovereign", "jurisdictions": ["US"]}
CERTIFIED = {"kind": "require_certification", "id": "certified", "schemes": ["Seal"]}


def _catalogue(certified=("p-de", "p-fr"), storage=(0.05, 0.05, 0.01)):
    use = catalogue(SMALL)
    for provider in use["inline"]["providers"]:
        provider["certifications"] = ["Seal"] if provider["id"] in certified else []
    for region, price in zip(use["inline"]["regions"], storage, strict=True):
        region["storage_usd_per_gb_month"] = price
    return use


def _dataset(**more):
    return {"id": "patients", "size_gb": 100.0, **OPEN, **more}


def _plan(policies, *, quotas=None, **more):
    """Solve: the service is kept in us1, where its machine runs, by a scope that no copy has."""
    data = {"catalogue": _catalogue(), "datasets": [_dataset()], "laws": {"use": "none"}, **more}
    quotas = quotas or {"default_devices": 9}
    made = world(service(data=OPEN, regions=["us1"]), policies=policies, quotas=quotas, **data)
    return domicile.solve(made.instance)


def _out(policy, owner=None, **more):
    """{(reason, rule): regions out} of a policy for copies."""
    made = world(service(data=OPEN, tags=["eu"]), catalogue=_catalogue(), policies=[policy], **more)
    found = RestingPolicies(made, build_law_view(made)).exclusions(owner)
    return {(e.reason, e.rule): set(made.regions.region_id[e.offers]) for e in found}


@pytest.mark.parametrize(
    ("policy", "reason"), [(NOT_US, "places"), (SOVEREIGN, "control"), (CERTIFIED, "certification")]
)
def test_a_policy_of_empty_scope_keeps_copies_out(policy, reason):
    """Storage is 1 USD in the US and 5 USD in the EU; each policy alone moves the copy, and the ledger counts us1."""
    use = _catalogue()
    use["inline"]["offers"][1]["usd_per_hour"] = 1.0
    made = world(service(data=OPEN), catalogue=use, datasets=[_dataset()], policies=[policy],
                 quotas={"default_devices": 9}, laws={"use": "none"})  # fmt: skip
    plan = domicile.solve(made.instance)
    assert {copy.country for copy in plan.copies} <= {"DE", "FR"}
    assert plan.cost_breakdown_usd["storage"] == pytest.approx(5.0)
    assert (reason, policy["id"], 1) in [(r.reason, r.rule, r.options) for r in plan.ineligible if r.dataset]


@pytest.mark.parametrize(
    "policy",
    [
        {"kind": "places", "id": "not-us", "deny": ["CA"]},
        {"kind": "exclude_control", "id": "sovereign", "jurisdictions": ["CN"]},
        {"kind": "require_certification", "id": "certified", "schemes": ["Seal"], "scope": {"countries": ["DE"]}},
        {**NOT_US, "scope": {"countries": ["FR"]}},
    ],
)
def test_one_unit_looser_the_copy_is_where_it_is_cheapest(policy):
    """A policy that lets the US be, or speaks of other countries: 1 USD of storage in us1."""
    plan = _plan([policy])
    assert [copy.region_id for copy in plan.copies] == ["us1"]
    assert plan.cost_breakdown_usd["storage"] == pytest.approx(1.0)


@pytest.mark.parametrize("scope", [{"workloads": ["chat"]}, {"tags": ["eu"]}, {"periods": ["t0"]}])
def test_a_scope_of_workloads_tags_or_periods_selects_no_copy_of_a_dataset(scope):
    assert _out({**NOT_US, "scope": scope}) == {}


@pytest.mark.parametrize(
    "scope", [{}, {"providers": ["p-us"]}, {"regions": ["us1"]}, {"countries": ["US"]}, {"countries": ["US", "FR"]}]
)
def test_a_scope_of_places_selects_copies_there(scope):
    assert _out({**NOT_US, "scope": scope}) == {("places", "not-us"): {"us1"}}


def test_an_operator_whose_control_nobody_states_keeps_no_copy():
    use = _catalogue()
    use["inline"]["providers"] = [p for p in use["inline"]["providers"] if p["id"] != "p-fr"]
    made = world(service(data=OPEN), catalogue=use, policies=[SOVEREIGN])
    found = RestingPolicies(made, build_law_view(made)).exclusions(None)
    out = {e.reason: set(made.regions.region_id[e.offers]) for e in found}
    assert out == {"control": {"us1"}, "control_unknown": {"fr1"}}


@pytest.mark.parametrize(("need", "out"), [("all", {"fr1", "us1"}), ("any", {"us1"})])
def test_all_or_any_certificate_of_the_storage(need, out):
    """p-de holds both seals, p-fr one of them."""
    use = _catalogue()
    use["inline"]["providers"][0]["certifications"] = ["Seal", "Crown"]
    policy = {**CERTIFIED, "schemes": ["Seal", "Crown"], "need": need}
    made = world(service(data=OPEN), catalogue=use, policies=[policy])
    (exclusion,) = RestingPolicies(made, build_law_view(made)).exclusions(None)
    assert set(made.regions.region_id[exclusion.offers]) == out


def test_the_certificate_is_that_of_the_storage_service():
    """Where the law pack's table of holders names storage, copies may be; nowhere else."""
    made = world(
        service(data=OPEN), catalogue={"use": "world", "providers": ["ovhcloud", "outscale", "aws"]},
        policies=[{**CERTIFIED, "schemes": ["SecNumCloud 3.2"]}], laws={"use": "none"},
    )  # fmt: skip
    law = build_law_view(made)
    (exclusion,) = RestingPolicies(made, law).exclusions(None)
    states = [one.state for one in law.standings("SecNumCloud 3.2", "storage", made.period_dates[0])]
    assert State.LISTED in states
    assert exclusion.offers.tolist() == [state > State.UNKNOWN for state in states]


def test_a_region_ruled_out_in_one_period_is_out_for_a_copy_that_stays():
    """The copy a law asks of `chat` lies there in period b as well; a dataset belongs to no period."""
    horizon = {"start": dt.date(2027, 1, 1), "periods": [{"id": "a", "hours": 1.0}, {"id": "b", "hours": 1.0}]}
    policy = {**NOT_US, "scope": {"periods": ["b"]}}
    assert _out(policy, 0, horizon=horizon) == {("places", "not-us"): {"us1"}}
    assert _out(policy, horizon=horizon) == {}


@pytest.mark.parametrize(
    ("scope", "feasible"),
    [({"workloads": ["chat"]}, False), ({"tags": ["bank"]}, False), ({}, False), ({"workloads": ["other"]}, True)],
)
def test_what_a_law_obliges_a_workload_to_keep_obeys_the_policies_of_that_workload(scope, feasible):
    """A Canadian bank must keep its 5 GB in Canada; a policy that selects it and denies Canada leaves no place."""
    data = {"categories": ["banking"], "exporter": "CA", "retention_hours": 24.0, "retained_gb": 5.0}
    bank = service(origins=("CA",), data=data, tags=["bank"], regions=["us1"])
    policy = {"kind": "places", "id": "no-canada", "deny": ["CA"], "scope": scope}
    made = world(
        bank, service("other", data=OPEN), catalogue=catalogue({"us1": "US", "ca1": "CA"}), policies=[policy],
        quotas={"default_devices": 9}, mechanism_costs=[{"id": "GENERIC_CONTRACT", "yearly_usd": 1.0}],
    )  # fmt: skip
    plan = domicile.solve(made.instance)
    assert (plan.status == "optimal") is feasible
    if feasible:
        assert [copy.region_id for copy in plan.copies] == ["ca1"]
    else:
        at = next(k for k, line in enumerate(plan.diagnosis) if "chat/CA:retained" in line)
        assert plan.diagnosis[at + 1].startswith("    1: a policy keeps the workload or the data out")
        assert "(no-canada)" in plan.diagnosis[at + 1]


def test_where_no_place_is_left_the_answer_names_the_policy():
    """Two of three regions are denied, the third has no certificate: both policies are told with their counts."""
    policies = [{"kind": "places", "id": "us-only", "allow": ["US"], "scope": {"regions": ["de1", "fr1"]}}, CERTIFIED]
    plan = _plan(policies)
    assert plan.status == "infeasible"
    text = "\n".join(plan.diagnosis)
    assert "patients:min_copies needs 1 copies, and 0 regions can hold one" in text
    assert "(us-only)" in text
    assert "(certified)" in text


def test_data_that_lie_where_a_policy_forbids_leave_from_there():
    """100 GB lie in us1, which is denied: the copy kept elsewhere is carried from us1 at 0.1 USD/GB."""
    made = world(
        service(data=OPEN), catalogue=_catalogue(), datasets=[_dataset(present_in=["us1"])], policies=[NOT_US],
        quotas={"default_devices": 9}, laws={"use": "none"},
    )  # fmt: skip
    plan = domicile.solve(made.instance)
    (copy,) = plan.copies
    assert copy.region_id in ("de1", "fr1")
    assert copy.cost_usd == pytest.approx(5.0 + 10.0)


def test_three_policies_of_empty_scope_and_one_dataset():
    """Nothing in the US, no operator it compels, only certified ones: 2,190 of machine and 5 of storage, not 2,191."""
    use = {
        "use": "inline",
        "inline": {
            "providers": [
                {"id": "us-cloud", "headquarters": "US", "control": ["US"]},
                {"id": "eu-cloud", "headquarters": "DE", "control": ["DE"], "certifications": ["C5"]},
            ],
            "regions": [
                {"id": "virginia", "country": "US", "provider": "us-cloud", "storage_usd_per_gb_month": 0.01},
                {"id": "frankfurt", "country": "DE", "provider": "eu-cloud", "storage_usd_per_gb_month": 0.05},
            ],
            "offers": [
                {"sku": "a1", "region": "virginia", "accelerator": "A", "usd_per_hour": 2.0},
                {"sku": "a1", "region": "frankfurt", "accelerator": "A", "usd_per_hour": 3.0},
            ],
        },
    }
    workload = {"id": "w", "kind": "service", "runs": {"throughput": {"A": 10}},
                "streams": [{"origin": "DE", "rate": 5}]}  # fmt: skip
    policies = [NOT_US, SOVEREIGN, {**CERTIFIED, "schemes": ["C5"]}]
    made = world(workload, catalogue=use, policies=policies, datasets=[{"id": "patients", "size_gb": 100}],
                 laws={"use": "none"}, quotas={"default_devices": 8})  # fmt: skip
    plan = domicile.solve(made.instance)
    assert plan.objective_usd == pytest.approx(2195.0)
    assert [copy.region_id for copy in plan.copies] == ["frankfurt"]
