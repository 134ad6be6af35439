"""Policies: masks over offers, shares, survival and presence, by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from compile_toys import stream_mask
from law_worlds import catalogue, job, open_regions, service, tables, world

from optimizer.audit import audit
from optimizer.compile.law import build_law_view
from optimizer.compile.policies import PolicyView, build_presence, build_shares, build_survival
from optimizer.errors import InputError
from optimizer.plan.models import Plan

SMALL = {"de1": "DE", "fr1": "FR", "us1": "US"}


def _mask(made, workload=0):
    return PolicyView(made, build_law_view(made)).mask(workload)


def _reasons(made, mask):
    return {(e.reason, e.rule): set(made.offers.region_id[e.offers]) for e in mask.exclusions}


def _exclude(jurisdictions, basis="strict", **scope):
    return {"kind": "exclude_control", "id": "sov", "jurisdictions": jurisdictions, "basis": basis, "scope": scope}


def test_operators_that_a_jurisdiction_can_compel_are_out():
    """Excluding US control shuts p-us; a provider that states no control is out as unknown."""
    use = catalogue(SMALL)
    use["inline"]["providers"] = [p for p in use["inline"]["providers"] if p["id"] != "p-fr"]
    made = world(service(), catalogue=use, policies=[_exclude(["US"])])
    mask = _mask(made)
    assert open_regions(made, mask.allowed) == {"de1"}
    assert _reasons(made, mask) == {("control", "sov"): {"us1"}, ("control_unknown", "sov"): {"fr1"}}


def test_ownership_overlooks_exposure_that_strict_counts():
    """In the bundled catalogue OVHcloud is partly exposed to the US: out under strict, in under ownership."""
    seen = {}
    for basis in ("strict", "ownership"):
        made = world(
            service(), catalogue={"use": "world", "providers": ["ovhcloud", "aws", "scaleway"]},
            policies=[_exclude(["US"], basis)], laws={"use": "none"},
        )  # fmt: skip
        seen[basis] = set(made.offers.provider[_mask(made).allowed[:, 0]])
    assert "aws" not in seen["strict"] | seen["ownership"]
    assert "ovhcloud" not in seen["strict"]
    assert {"ovhcloud", "scaleway"} <= seen["ownership"]


@pytest.mark.parametrize(
    ("stated", "basis", "open_"),
    [
        ({"headquarters": "FR", "control": ["FR", "US"]}, "strict", False),
        ({"headquarters": "FR", "control": ["FR", "US"]}, "ownership", True),
        ({"headquarters": "FR", "parent": "US", "control": ["FR"]}, "ownership", False),
        ({"headquarters": "FR", "parent": "US", "control": ["FR"]}, "strict", False),
        ({"control": ["US"]}, "ownership", False),
    ],
)
def test_the_owners_of_an_inline_operator_are_its_home_and_its_parent(stated, basis, open_):
    """Exposure without ownership shuts an operator under strict only; the audit reads it the same way."""
    use = catalogue({"fr1": "FR"})
    use["inline"]["providers"] = [{"id": "p-fr", **stated}]
    made = world(service(), catalogue=use, policies=[_exclude(["US"], basis)], laws={"use": "none"})
    assert open_regions(made, _mask(made).allowed) == ({"fr1"} if open_ else set())
    row = {"workload": "chat", "provider": "p-fr", "region": "fr1", "sku": "h100", "purchase": "on_demand"}
    plan = Plan.model_validate({"placements": [{**row, "period": "t0", "instances": 1}]})
    kinds = {violation.kind for violation in audit(made.instance, plan).violations}
    assert ("control" in kinds) is not open_


def test_policies_bind_only_their_scope():
    """The policy names the tagged service; the other keeps every region."""
    loads = [service("a", tags=["eu"]), service("b")]
    made = world(*loads, catalogue=catalogue(SMALL), policies=[_exclude(["US"], tags=["eu"])])
    view = PolicyView(made, build_law_view(made))
    assert open_regions(made, view.mask(0).allowed) == {"de1", "fr1"}
    assert open_regions(made, view.mask(1).allowed) == {"de1", "fr1", "us1"}
    assert view.mask(1).exclusions == ()


@pytest.mark.parametrize(
    ("need", "open_"), [("all", {"de1"}), ("any", {"de1", "fr1"})]
)  # fmt: skip
def test_certificates_all_or_any(need, open_):
    """p-de holds both schemes, p-fr one, p-us none."""
    use = catalogue(SMALL)
    for provider in use["inline"]["providers"]:
        provider["certifications"] = {"p-de": ["C5", "HDS"], "p-fr": ["HDS"], "p-us": []}[provider["id"]]
    policy = {"kind": "require_certification", "id": "cert", "schemes": ["C5", "HDS"], "need": need}
    made = world(service(), catalogue=use, policies=[policy])
    mask = _mask(made)
    assert open_regions(made, mask.allowed) == open_
    assert set(_reasons(made, mask)) == {("certification", "cert")}


def test_an_operator_of_ones_own_may_be_certified_by_a_scheme_no_law_knows():
    """Data about persons are judged all the same; a name close to one that laws ask for is pointed out."""
    use = catalogue(SMALL)
    for provider in use["inline"]["providers"]:
        provider["certifications"] = ["House Seal", "SecNumCloud"]
    policy = {"kind": "require_certification", "id": "cert", "schemes": ["House Seal"]}
    made = world(service(data={"categories": ["personal"], "exporter": "DE"}), catalogue=use, policies=[policy])
    view = build_law_view(made)
    assert "de1" in open_regions(made, stream_mask(view, 0).allowed)
    (told,) = (text for text in view.warnings if "SecNumCloud" in text)
    assert "no law asks for 'SecNumCloud'" in told
    assert "SecNumCloud 3.2" in told
    assert not any("House Seal" in text for text in view.warnings)


def test_patches_to_no_law_are_refused_by_the_compile_step_too():
    with pytest.raises(InputError, match=r"laws\.patches"):
        world(service(), laws={"use": "none", "patches": [{"op": "deactivate", "law": "EU-GDPR-CHV"}]})


@pytest.mark.parametrize(
    ("rule", "open_"),
    [
        ({"allow": ["EU27"]}, {"de1", "fr1"}),
        ({"allow": ["DE", "US"]}, {"de1", "us1"}),
        ({"deny": ["EU27"]}, {"us1"}),
        ({"allow": ["EU27"], "deny": ["FR"]}, {"de1"}),
    ],
)
def test_places_allow_and_deny(rule, open_):
    """Countries and country groups, deny on top of allow."""
    made = world(service(), catalogue=catalogue(SMALL), policies=[{"kind": "places", "id": "here", **rule}])
    mask = _mask(made)
    assert open_regions(made, mask.allowed) == open_
    assert set(_reasons(made, mask)) == {("places", "here")}


def test_places_bind_every_country_an_endpoint_may_process_in():
    """Allowed in Germany only: the endpoint that also processes in France is out."""
    endpoints = [
        {"id": "stay", "region": "de1", "model": "m", "countries": ["DE"]},
        {"id": "roam", "region": "de1", "model": "m", "countries": ["DE", "FR"]},
    ]
    policy = {"kind": "places", "id": "here", "allow": ["DE"]}
    made = world(service(), catalogue=catalogue(SMALL, endpoints=endpoints), policies=[policy])
    allowed = dict(zip(made.offers.endpoint, _mask(made).allowed[:, 0], strict=True))
    assert allowed["stay"]
    assert not allowed["roam"]


@pytest.mark.parametrize(("allow", "open_"), [("US-CA", {"stay"}), ("US", {"stay", "zone"}), ("US-VA", set())])
def test_an_endpoint_that_processes_where_it_stands_counts_by_its_subdivision(allow, open_):
    """In California: the one that may process in all of the US is out where California alone is allowed."""
    use = catalogue({"us1": "US"})
    use["inline"]["regions"][0]["subdivision"] = "CA"
    use["inline"]["endpoints"] = [
        {"id": "stay", "region": "us1", "model": "m"},
        {"id": "zone", "region": "us1", "model": "m", "countries": ["US"]},
    ]
    made = world(service(), catalogue=use, policies=[{"kind": "places", "id": "here", "allow": [allow]}],
                 laws={"use": "none"}, quotas={"default_endpoint_units_per_s": 99})  # fmt: skip
    allowed = dict(zip(made.offers.endpoint, _mask(made).allowed[:, 0], strict=True))
    assert {name for name in ("stay", "zone") if allowed[name]} == open_
    for name in ("stay", "zone"):
        row = {"workload": "chat", "provider": "p-us", "region": "us1", "endpoint": name, "period": "t0"}
        plan = Plan.model_validate({"placements": [{**row, "served_per_s": 1}]})
        broken = any(violation.kind == "places" for violation in audit(made.instance, plan).violations)
        assert broken is (name not in open_)


def test_a_policy_of_one_period_is_partial():
    """Denied in period b only: closed there, open before, and the exclusion says partial."""
    horizon = {"start": dt.date(2027, 1, 1), "periods": [{"id": "a", "hours": 1.0}, {"id": "b", "hours": 1.0}]}
    policy = {"kind": "places", "id": "here", "deny": ["US"], "scope": {"periods": ["b"]}}
    made = world(service(), catalogue=catalogue(SMALL), policies=[policy], horizon=horizon)
    mask = _mask(made)
    us = int(np.flatnonzero(made.offers.region_id == "us1")[0])
    assert mask.allowed[us].tolist() == [True, False]
    assert [e.partial for e in mask.exclusions] == [True]


def test_provider_share_of_nobody_in_particular_binds_everyone():
    """Without names there is one row per provider, each against all slots in scope."""
    policy = {"kind": "provider_share", "id": "spread", "max_share": 0.4}
    made = world(service(), catalogue=catalogue(SMALL), policies=[policy])
    shares = build_shares(made, tables(made)["slots"])
    assert shares.ids == ("spread:p-de", "spread:p-fr", "spread:p-us")
    assert shares.upper.tolist() == [0.4, 0.4, 0.4]
    assert shares.lower.tolist() == [0.0, 0.0, 0.0]
    assert shares.part.column.tolist() == [0, 1, 2]
    assert np.bincount(shares.all.row).tolist() == [3, 3, 3]


def test_named_providers_share_one_cap():
    """p-us and p-fr together at most half of the energy."""
    policy = {
        "kind": "provider_share", "id": "two", "providers": ["p-us", "p-fr"], "max_share": 0.5, "measure": "energy_kwh",
    }  # fmt: skip
    made = world(service(), catalogue=catalogue(SMALL), policies=[policy])
    shares = build_shares(made, tables(made)["slots"])
    assert (shares.ids, shares.measure) == (("two",), ("energy_kwh",))
    assert shares.part.column.tolist() == [1, 2]


def test_country_share_is_a_lower_bound():
    """At least 60 % of device-hours in the EU."""
    policy = {"kind": "country_share", "id": "eu", "country_groups": ["EU27"], "min_share": 0.6}
    made = world(service(), catalogue=catalogue(SMALL), policies=[policy])
    shares = build_shares(made, tables(made)["slots"])
    assert (shares.lower.tolist(), shares.upper.tolist(), shares.measure) == ([0.6], [1.0], ("device_hours",))
    assert shares.part.column.tolist() == [0, 1]


def test_spot_share_counts_spot_offers():
    """At most 20 % of device-hours on spot; the spot offer is the fourth."""
    spot = [{"sku": "h100", "region": "de1", "accelerator": "H100", "usd_per_hour": 1.0, "purchase": "spot"}]
    policy = {"kind": "spot_share", "id": "calm", "max_share": 0.2}
    made = world(service(), catalogue=catalogue(SMALL, offers=spot), policies=[policy])
    shares = build_shares(made, tables(made)["slots"])
    assert shares.part.column.tolist() == np.flatnonzero((made.offers.purchase == "spot").to_numpy()).tolist()
    assert (shares.upper.tolist(), shares.measure) == ([0.2], ("device_hours",))


def test_survival_is_the_services_own_or_the_policies():
    """a asks for itself; b takes the strictest policy of each kind; the job is never asked."""
    policies = [
        {"kind": "survival", "id": "one", "of": "region", "share": 0.5},
        {"kind": "survival", "id": "two", "of": "region", "share": 0.8},
        {"kind": "survival", "id": "three", "of": "provider", "share": 0.3, "scope": {"workloads": ["b"]}},
    ]
    loads = [service("a", survival={"of": "metro", "share": 1.0}), service("b"), job()]
    survival = build_survival(world(*loads, catalogue=catalogue(SMALL), policies=policies))
    rows = list(zip(survival.workload.tolist(), survival.of.tolist(), survival.share.tolist(), strict=True))
    assert rows == [(0, 1, 1.0), (1, 0, 0.8), (1, 2, 0.3)]


def test_survival_of_a_place_is_refused():
    """A survival policy selects services, not countries."""
    policy = {"kind": "survival", "id": "one", "of": "region", "scope": {"countries": ["DE"]}}
    with pytest.raises(InputError, match="countries"):
        build_survival(world(service(), catalogue=catalogue(SMALL), policies=[policy]))


def test_presence_of_those_who_need_it():
    """a sits in one region, b in two or more, c anywhere: c has no presence, a and b one in each region."""
    loads = [service("a", indivisible=True), service("b", min_regions=2), service("c")]
    made = world(*loads, catalogue=catalogue(SMALL))
    presence = build_presence(made, tables(made)["slots"])
    assert presence.bounded_workload.tolist() == [0, 1]
    assert presence.min_regions.tolist() == [0, 2]
    assert presence.max_regions.tolist() == [1, 3]
    assert list(zip(presence.workload, presence.region, strict=True)) == [(w, r) for w in (0, 1) for r in range(3)]


def test_a_fixed_cost_makes_everybody_present_there():
    """fr1 charges while in use: the unbounded service has a presence in fr1 alone, without bounds."""
    use = catalogue(SMALL)
    use["inline"]["regions"][1]["fixed_usd_per_hour"] = 3.0
    made = world(service(), catalogue=use)
    presence = build_presence(made, tables(made)["slots"])
    assert (presence.workload.tolist(), presence.region.tolist()) == ([0], [1])
    assert (presence.min_regions.tolist(), presence.max_regions.tolist()) == ([0], [3])
