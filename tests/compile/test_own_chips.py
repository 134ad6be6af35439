"""Chips that only the instance says are on sale: export rules bind them in plans, and the audit reads them again."""

from __future__ import annotations

from typing import Any

import pytest
from law_worlds import catalogue

import domicile
from optimizer.catalogue import load_catalogue

PLACES = {"de1": "DE", "ae1": "AE", "ru1": "RU"}
USD_PER_HOUR = {"de1": 3.0, "ae1": 2.0, "ru1": 1.0}


def instance(*, accelerator: str = "B200", places: dict[str, str] | None = None, **more: Any):
    """Data about nobody on one machine: cheapest in Russia, then in the Emirates."""
    places = places or PLACES
    offers = catalogue(places)
    for offer in offers["inline"]["offers"]:
        offer.update(usd_per_hour=USD_PER_HOUR[offer["region"]], accelerator=accelerator)
    return domicile.load(
        {
            "name": "chips", "horizon": {"start": "2027-01-01", "hours": 730.0}, "catalogue": offers,
            "laws": {"use": "world", "as_of": "2026-11-22"},
            "workloads": [
                {"id": "sim", "kind": "service", "runs": {"throughput": {accelerator: 10.0}},
                 "data": {"categories": ["non_personal"], "exporter": "DE"},
                 "streams": [{"origin": "DE", "rate": 5.0}]},
            ],
            "quotas": {"default_devices": 4}, "tenant": {"headquarters": "DE", "parent": "DE"},
            **more,
        }
    )  # fmt: skip


def solved(made) -> tuple[str, Any]:
    """Where the one workload runs in a plan that the audit finds sound, and the plan."""
    plan = domicile.solve(made)
    report = domicile.audit(made, plan)
    assert report.ok, [str(finding) for finding in report.violations]
    (row,) = plan.placements
    return row.region, plan


def test_a_chip_of_ones_own_needs_the_licence_that_nobody_sells():
    """B200: Russia is closed, the Emirates ask for a licence that the instance neither holds nor prices."""
    region, _ = solved(instance())
    assert region == "de1"


def test_a_licence_that_is_held_opens_the_place():
    """The operator in the Emirates holds a BIS licence: it is named, and nothing is paid for it."""
    held = {"mechanisms_held": [{"id": "BIS_LICENCE"}]}
    region, plan = solved(instance(legal_assertions=held))
    assert region == "ae1"
    (row,) = plan.placements
    assert "US-BIS-3A090" in row.laws
    assert "BIS_LICENCE" in row.mechanisms


def test_no_licence_opens_an_embargoed_place():
    """With every mechanism priced at nothing, Russia stays closed to a chip that export rules speak of."""
    free = [{"id": "BIS_LICENCE"}, {"id": "BIS_VEU"}]
    assert solved(instance(mechanism_costs=free))[0] == "ae1"


def test_a_named_grant_of_a_denied_licence_sets_the_law_aside():
    """What is denied as a rule may be granted to somebody: an override of both laws names who says so."""
    granted = {"basis": "licence D1234567", "author": "E. Control", "expires": "2030-01-01", "countries": ["RU"]}
    aside = [{"law": law, **granted} for law in ("US-BIS-3A090", "US-EAR-746-RUBY", "US-BIS-D5-HQ", "US-BIS-D5-POD")]
    region, plan = solved(instance(legal_assertions={"overrides": aside}))
    assert region == "ru1"
    assert {"US-EAR-746-RUBY", "US-BIS-D5-POD"} <= set(plan.placements[0].laws)
    one = instance(legal_assertions={"overrides": aside[:2]})
    assert solved(one)[0] == "de1"


def test_a_chip_below_every_limit_needs_no_licence_in_the_emirates():
    """M60: below 1,600."""
    assert solved(instance(accelerator="M60", places={"de1": "DE", "ae1": "AE"}))[0] == "ae1"


@pytest.mark.parametrize(("accelerator", "asks"), [("Inferentia2", True), ("M60", False)])
def test_figures_that_nobody_published_are_an_open_action(accelerator, asks):
    """The density of Inferentia2 decides whether the Emirates need a licence: used, and somebody has to find out."""
    region, plan = solved(instance(accelerator=accelerator, places={"de1": "DE", "ae1": "AE"}))
    assert region == "ae1"
    found = [action for action in plan.open_actions if action.kind == "confirm_chip"]
    assert [action.rule for action in found] == ([f"chip:{accelerator}"] if asks else [])
    if asks:
        assert found[0].owner == "export-control officer"


def test_who_refuses_what_is_not_known_does_not_use_it():
    """`unknown.law: refuse` keeps the chip out by a rule that can be lifted."""
    laws = {"use": "world", "as_of": "2026-11-22", "unknown": {"law": "refuse"}}
    made = instance(accelerator="Inferentia2", places={"de1": "DE", "ae1": "AE"}, laws=laws)
    assert solved(made)[0] == "de1"
    accepted = instance(
        accelerator="Inferentia2", places={"de1": "DE", "ae1": "AE"}, laws=laws,
        legal_assertions={"accepts": [{"rule": "chip:Inferentia2", "author": "E. Control", "basis": "classification "
                                       "of the vendor", "expires": "2030-01-01"}]},
    )  # fmt: skip
    assert solved(accepted)[0] == "ae1"
    lifted = domicile.changed(made, [{"op": "lift", "rule": "chip:Inferentia2"}])
    assert solved(lifted)[0] == "ae1"


@pytest.mark.parametrize("fault", ["moved", "action"])
def test_the_audit_finds_what_export_rules_forbid(fault):
    """A plan that stands in Russia after all, and one that does not list the open question of a chip."""
    if fault == "moved":
        made, kind = instance(), "accelerator_export"
        plan = domicile.solve(made)
        there = {"region": "ru1", "region_id": "ru1", "country": "RU"}
        moved = [row.model_copy(update=there) for row in plan.placements]
        plan = plan.model_copy(update={"placements": tuple(moved)})
    else:
        made, kind = instance(accelerator="Inferentia2", places={"de1": "DE", "ae1": "AE"}), "action"
        plan = domicile.solve(made)
        plan = plan.model_copy(update={"actions": tuple(a for a in plan.actions if a.kind != "confirm_chip")})
    assert kind in {finding.kind for finding in domicile.audit(made, plan).violations}


@pytest.mark.parametrize(
    "stated", [{"offer_id": "azure:uaecentral:{sku}:on_demand"}, {}], ids=["id stated", "id left out"]
)
def test_what_a_catalogue_shows_on_sale_counts_as_licensed_and_what_is_added_to_it_does_not(stated: dict[str, str]):
    """The same chip in the same country: seen in the bundled catalogue, and added by the instance, for the engine and
    for the audit.
    """
    from optimizer.audit.calendar import Calendar
    from optimizer.audit.sources import source_of
    from optimizer.catalogue.overlay import apply_overlay
    from optimizer.compile.offers import bundled_offers, bundled_regions

    seen = load_catalogue().offers
    emirates = seen[seen.region_id.eq("azure:uaenorth") & seen.accelerator.eq("H100")].iloc[0]
    sku = str(emirates.sku)
    added = {"region_id": "azure:uaecentral", "sku": sku, "price_usd_per_hour": 1.0, "availability": "verified",
             **{name: text.format(sku=sku) for name, text in stated.items()}}  # fmt: skip
    made = domicile.load(
        {
            "name": "seen", "horizon": {"start": "2027-01-01", "hours": 1.0},
            "catalogue": {"use": "world", "providers": ["azure"], "countries": ["AE"],
                          "access": ["public", "disaster_recovery"],
                          "overlay": [{"table": "offers", "add": added, "citation": "quotation of 2026-11-30"}]},
            "workloads": [{"id": "w", "kind": "job", "work": 1.0, "runs": {"throughput": {"H100": 1.0}},
                           "data": {"categories": ["non_personal"], "exporter": "DE"}}],
        }
    )  # fmt: skip
    full = apply_overlay(load_catalogue(), made.catalogue.overlay, [])
    table, _ = bundled_offers(made, full, bundled_regions(made, full), made.horizon.start)
    own = table.set_index("offer_id").own
    mine = f"azure:uaecentral:{sku}:on_demand"
    assert bool(own[mine])
    assert not own.drop(mine).any()
    source = source_of(made, Calendar(made.horizon.start, made.horizon.resolved()))
    found = {place: source.instance_offer(source.region(f"azure:{place}"), sku, emirates.purchase)
             for place in ("uaecentral", "uaenorth")}  # fmt: skip
    assert {place: offer.own for place, offer in found.items() if offer} == {"uaecentral": True, "uaenorth": False}
