"""Named parties on lists, and the 50 % rule: listed owners add up, chains count, whom nobody looked up is unknown."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import domicile
from optimizer.errors import InputError
from optimizer.laws import AcceleratorFacts, DataProfile, Destination, LegalContext, Level, Tenant, load_laws
from optimizer.laws.parties import standing, stated_parties
from optimizer.laws.stated import asserted
from optimizer.laws.triggers import PartyTest
from optimizer.laws.types import Party

ON, PACK = date(2027, 1, 1), load_laws()
HALF = PartyTest(("US_SDN",), owned_at_least=50.0)


def parties(**owners: dict[str, float] | None) -> dict[str, Party]:
    """Parties with their owners; `None` is one that is on the list itself."""
    lists = {name: frozenset({"US_SDN"}) if of is None else frozenset() for name, of in owners.items()}
    return {name: Party(name, lists[name], tuple((of or {}).items())) for name, of in owners.items()}


@pytest.mark.parametrize(
    ("known", "answer"),
    [
        (parties(firm=None), True),
        (parties(firm={}), False),
        (parties(), None),
        (parties(firm={"a": 30.0, "b": 20.0}, a=None, b=None), True),  # together exactly a half
        (parties(firm={"a": 30.0, "b": 19.9}, a=None, b=None), False),
        (parties(firm={"a": 50.0}, a={"b": 50.0}, b=None), True),  # through one that is so owned itself
        (parties(firm={"a": 50.0}, a={"b": 49.9}, b=None), False),
        (parties(firm={"a": 30.0, "x": 20.0}, a=None), None),  # whoever x is decides
        (parties(firm={"a": 30.0, "x": 19.9}, a=None), False),
        (parties(firm={"a": 60.0}, a={"firm": 60.0}), False),  # a ring
    ],
)
def test_listed_owners_add_up(known: dict[str, Party], answer: bool | None) -> None:
    assert standing("firm", HALF, known)[0] is answer


def test_where_ownership_does_not_count_only_the_list_does() -> None:
    owned = parties(firm={"a": 100.0}, a=None)
    assert standing("firm", PartyTest(("US_SDN",)), owned) == (False, "")
    assert standing("a", PartyTest(("US_ENTITY_LIST",)), owned) == (False, "")


def judged(known: dict[str, Party], exporter: str = "US", provider: str | None = "aws"):
    profile = DataProfile(frozenset({"non_personal"}), exporter="a", exporter_country=exporter)
    return PACK.judge(profile, Destination("DE", provider=provider), ON, LegalContext(parties=known)).processing


def test_a_us_person_may_not_use_an_operator_that_listed_parties_own() -> None:
    """US-OFAC-50; an exporter of another country is not a US person."""
    owned = parties(aws={"a": 30.0, "b": 20.0}, a=None, b=None)
    found = judged(owned)
    assert (found.level, found.forbidden_by) == (Level.FORBIDDEN, ("US-OFAC-50",))
    assert found.reasons == (("US-OFAC-50", "aws is owned at 50 % by a, b, of US_SDN"),)
    assert "US-OFAC-50" not in judged(owned, exporter="CA").laws
    assert judged(parties(aws={})).conditions_assumed == ()


def test_whom_nobody_looked_up_is_unknown_and_the_answer_says_that_no_list_is_shipped() -> None:
    """Without any party stated it is told; beside others that were looked up it is to be confirmed."""
    for provider, name in (("aws", "aws"), (None, "not named")):
        (told,) = judged({}, provider=provider).conditions_assumed
        assert told.startswith("US-OFAC-50: operator is not on US_SDN, nor owned at 50 % or more by who is (unknown")
        assert name in told
        assert "no list is shipped" in told
    assert judged({}).confirm == ()
    ((rule, text),) = judged(parties(gcp={})).confirm
    assert rule == "party:aws/US_SDN"
    assert text.startswith("nobody stated whether aws is on US_SDN, or owned at 50 % or more by who is")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"lists": ["MY_LIST"]}, "undeclared list of parties 'MY_LIST'"),
        ({"lists": []}, "parties names no list"),
        ({"lists": ["US_SDN"], "of": ["customer"]}, "parties.of is customer"),
        ({"lists": ["US_SDN"], "owned_at_least": 0}, "parties.owned_at_least is 0"),
    ],
)
def test_a_test_nobody_understands_is_refused(wrong: dict[str, Any], told: str) -> None:
    law = {"id": "XX", "jurisdiction": "BR", "kind": "OPERATOR_CONTROL", "in_force_from": "2020-01-01",
           "trigger": {"requires": [{"parties": wrong}]}}  # fmt: skip
    with pytest.raises(InputError) as caught:
        load_laws(patches=[{"op": "add_law", "law": law}])
    assert told in str(caught.value)


def planned(*stated: dict[str, Any], **more: Any):
    """Machine data of a US firm on one machine: at 1 USD/h of provider p, at 2 of provider q."""
    regions = [{"id": name, "country": "DE", "provider": name} for name in ("p", "q")]
    offers = [{"sku": "h", "region": name, "accelerator": "cpu", "vcpus": 8.0, "usd_per_hour": usd}
              for name, usd in (("p", 1.0), ("q", 2.0))]  # fmt: skip
    providers = [{"id": name, "headquarters": "DE", "control": ["DE"]} for name in ("p", "q")]
    made = domicile.load(
        {
            "name": "parties", "horizon": {"start": "2027-01-01", "hours": 100.0}, "quotas": {"default_vcpus": 32},
            "catalogue": {"use": "inline", "inline": {"providers": providers, "regions": regions, "offers": offers}},
            "laws": {"unknown": {"access": "admit", "law": "admit"}},
            "legal_assertions": {
                "exporters": [{"id": "firm", "country": "US"}], "parties": list(stated), **more},
            "workloads": [{"id": "w", "kind": "job", "work": 360_000.0, "runs": {"throughput": {"cpu": 1.0}},
                           "data": {"categories": ["non_personal"], "exporter": "firm"}}],
        }
    )  # fmt: skip
    return made, domicile.solve(made)


BLOCKED = {"name": "tycoon", "lists": ["US_SDN"], "citation": "SDN list of 2026-11-20"}


@pytest.mark.parametrize(("percent", "place"), [(50.0, "q"), (49.9, "p")])
def test_a_plan_keeps_out_of_them_and_the_audit_finds_them(percent: float, place: str) -> None:
    made, plan = planned(
        BLOCKED, {"name": "p", "owners": [{"name": "tycoon", "percent": percent}]}, {"name": "q", "citation": "read"}
    )
    assert {row.region_id for row in plan.placements} == {place}
    assert domicile.audit(made, plan).ok
    assert not [one for one in plan.actions if one.rule.startswith("party:")]
    free, cheap = planned()
    assert {row.region_id for row in cheap.placements} == {"p"}
    found = {(one.kind, one.rule) for one in domicile.audit(made, cheap).violations}
    assert (("law_forbids", "US-OFAC-50") in found) is (place == "q")
    assert domicile.audit(free, cheap).ok
    assert any("no list is shipped" in text for text in cheap.warnings)


def test_a_party_that_was_not_looked_up_beside_others_is_an_action() -> None:
    made, plan = planned(BLOCKED)
    (action,) = [one for one in plan.actions if one.rule.startswith("party:")]
    assert (action.rule, action.kind, action.owner) == ("party:p/US_SDN", "confirm_party", "sanctions officer")
    assert domicile.audit(made, plan).ok
    others = plan.model_copy(update={"actions": tuple(one for one in plan.actions if one is not action)})
    assert {one.kind for one in domicile.audit(made, others).violations} == {"action"}
    said = {"rule": "party:p/US_SDN", "author": "S. Officer", "basis": "register read", "expires": "2030-01-01"}
    made, plan = planned(BLOCKED, accepts=[said])
    assert "party:p/US_SDN" not in {one.rule for one in plan.open_actions}
    with pytest.raises(InputError, match="unknown id 'US_SDNN'"):
        planned({"name": "p", "lists": ["US_SDNN"]})


CHIP = AcceleratorFacts("H100", 15832.0, 3350.0, "US")
CLEAR = parties(aws={}, user={}, buyer={})


def used(known: dict[str, Party], *, chip: AcceleratorFacts | None = None, own: bool = True, on: date = ON):
    """What rules on capacity say of a Singapore user `user` with one customer, `buyer`, at aws in Singapore."""
    user = Tenant("SG", "SG", name="user", customers=("buyer",))
    at = Destination("SG", provider="aws")
    return PACK.judge_capacity(
        accelerator=chip, destination=at, tenant=user, on=on, context=LegalContext(parties=known), hypothetical=own
    )


@pytest.mark.parametrize(
    ("more", "laws"),
    [
        ({}, ()),
        (parties(user=None), ("US-OFAC-50-TENANT",)),
        (parties(user={"a": 50.0}, a=None), ("US-OFAC-50-TENANT",)),
        (parties(user={"a": 49.9}, a=None), ()),
        (parties(buyer={"a": 50.0}, a=None), ("US-OFAC-50-TENANT",)),  # a customer of the tenant
        (parties(aws=None), ()),  # the operator's own standing: US-OFAC-50, by whose data they are
    ],
)
def test_an_operator_under_us_law_serves_nobody_who_is_blocked(more: dict[str, Party], laws: tuple[str, ...]) -> None:
    verdict = used({**CLEAR, **more})
    assert (verdict.forbidden_by, verdict.confirm) == (laws, ())


def listed(share: float | None, name: str = "user") -> dict[str, Party]:
    """A party on the Entity List, or owned at a share by who is."""
    entity = frozenset({"US_ENTITY_LIST"})
    own = Party(name, entity) if share is None else Party(name, owners=(("a", share),))
    return {**CLEAR, name: own, "a": Party("a", entity)}


@pytest.mark.parametrize("name", ["user", "aws"])
@pytest.mark.parametrize(
    ("share", "on", "laws"),
    [
        (None, ON, ("US-BIS-AFFIL-2026", "US-BIS-ENTITY-LIST")),
        (50.0, ON, ("US-BIS-AFFIL-2026",)),
        (49.9, ON, ()),
        (50.0, date(2026, 11, 9), ()),  # the last day of the suspension
        (50.0, date(2026, 11, 10), ("US-BIS-AFFIL-2026",)),
    ],
)
def test_no_chip_is_brought_for_who_is_listed_or_owned_by_who_is(name, share, on, laws) -> None:
    """The tenant or the operator; a customer is not asked, and what is in place already counts as licensed."""
    verdict = used(listed(share, name), chip=CHIP, on=on)
    assert verdict.forbidden_by == laws
    assert used(listed(share, "buyer"), chip=CHIP, on=on).forbidden_by == ()
    assert used(listed(share, name), chip=CHIP, own=False, on=on).forbidden_by == ()


def test_who_is_not_named_or_not_looked_up_is_told_of_capacity_too() -> None:
    """Told where no party is stated; to be confirmed where some are, under its name or, unnamed, its part."""
    told = [str(text) for text in used({}).conditions_assumed]
    assert [text.split(" (")[0] for text in told] == [
        "US-OFAC-50-TENANT: the tenant is not on US_SDN, nor owned at 50 % or more by who is",
        "US-OFAC-50-TENANT: its customers are not on US_SDN, nor owned at 50 % or more by who is",
    ]
    assert used({}).confirm == ()
    assert [rule for rule, _ in used(parties(aws={})).confirm] == ["party:user/US_SDN", "party:buyer/US_SDN"]
    nobody = PACK.judge_capacity(
        accelerator=None, destination=Destination("SG", provider="aws"), tenant=Tenant("SG", "SG"), on=ON,
        context=LegalContext(parties=parties(aws={})),
    )  # fmt: skip
    assert [rule for rule, _ in nobody.confirm] == ["party:tenant/US_SDN", "party:customers/US_SDN"]


def rented(parties_stated: list[dict[str, Any]], **tenant: Any):
    """One machine: 1 USD/h at an operator under US control, 2 at a Swiss one, for a Swiss tenant."""
    regions = [{"id": name, "country": "CH", "provider": name} for name in ("us", "ch")]
    offers = [{"sku": "h", "region": name, "accelerator": "cpu", "vcpus": 8.0, "usd_per_hour": usd}
              for name, usd in (("us", 1.0), ("ch", 2.0))]  # fmt: skip
    providers = [{"id": name, "headquarters": name.upper(), "control": [name.upper()]} for name in ("us", "ch")]
    made = domicile.load(
        {
            "name": "tenants", "horizon": {"start": "2027-01-01", "hours": 100.0}, "quotas": {"default_vcpus": 32},
            "catalogue": {"use": "inline", "inline": {"providers": providers, "regions": regions, "offers": offers}},
            "laws": {"unknown": {"access": "admit", "law": "admit"}},
            "tenant": {"headquarters": "CH", "parent": "CH", **tenant},
            "legal_assertions": {"parties": parties_stated},
            "workloads": [{"id": "w", "kind": "job", "work": 360_000.0, "runs": {"throughput": {"cpu": 1.0}},
                           "data": {"categories": ["non_personal"], "exporter": "CH"}}],
        }
    )  # fmt: skip
    return made, domicile.solve(made)


@pytest.mark.parametrize(("percent", "place"), [(50.0, "ch"), (49.9, "us")])
@pytest.mark.parametrize("name", ["acme", "shop"])
def test_a_plan_serves_a_blocked_tenant_or_customer_elsewhere(percent: float, place: str, name: str) -> None:
    owned = {"name": name, "owners": [{"name": "tycoon", "percent": percent}]}
    other = {"name": {"acme": "shop", "shop": "acme"}[name]}
    who = {"name": "acme", "customers": ["shop"]}
    made, plan = rented([BLOCKED, owned, other], **who)
    assert {row.region_id for row in plan.placements} == {place}
    assert domicile.audit(made, plan).ok
    assert not [one for one in plan.actions if one.rule.startswith("party:")]
    if place == "ch":
        assert ("law_forbids", "US-OFAC-50-TENANT") in {(row.reason, row.rule) for row in plan.ineligible}
        _, cheap = rented([], **who)
        assert {row.region_id for row in cheap.placements} == {"us"}
        found = {(one.kind, one.rule) for one in domicile.audit(made, cheap).violations}
        assert ("law_forbids", "US-OFAC-50-TENANT") in found


def test_a_tenant_that_nobody_looked_up_is_an_action_of_the_plan() -> None:
    made, plan = rented([BLOCKED], name="acme")
    assert [one.rule for one in plan.open_actions if one.kind == "confirm_party"] == [
        "party:acme/US_SDN", "party:customers/US_SDN",
    ]  # fmt: skip
    assert domicile.audit(made, plan).ok
    bare = plan.model_copy(update={"actions": ()})
    assert ("action", "party:acme/US_SDN") in {(one.kind, one.rule) for one in domicile.audit(made, bare).violations}


def test_parties_are_stated_on_the_command_line() -> None:
    found = stated_parties(["acme", "tycoon=US_SDN+EU_FREEZE"], ["acme=tycoon:50", "globex=a:b:1.5"])
    assert found["acme"] == Party("acme", owners=(("tycoon", 50.0),))
    assert found["tycoon"].lists == {"US_SDN", "EU_FREEZE"}
    assert found["globex"].owners == (("a:b", 1.5),)
    with pytest.raises(InputError) as caught:
        stated_parties(["=US_SDN"], ["acme=tycoon", "acme=tycoon:101"])
    assert len(caught.value.issues) == 3
    with pytest.raises(InputError, match="unknown list 'SDN'"):
        asserted((), None, parties=stated_parties(["acme=SDN"], []))
