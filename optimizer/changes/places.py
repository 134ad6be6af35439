"""Changes to where anything may run: regions and offers closed, opened, and (of an inline catalogue) added."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from optimizer.catalogue.provider_sets import providers_named
from optimizer.changes.base import Change, OfferScope, RegionScope
from optimizer.changes.catalogue import all_regions, chosen_offers, chosen_regions, offer_names
from optimizer.changes.demand import add_new
from optimizer.changes.edit import Edit
from optimizer.instance.base import Names
from optimizer.instance.world import InlineOffer, InlineRegion

Some = Annotated[Names, Field(min_length=1)]


class CloseRegions(Change):
    """Close regions to every workload and copy."""

    op: Literal["close_regions"]
    scope: RegionScope

    def apply(self, edit: Edit) -> None:
        """Add them to `catalogue.exclude_regions`; those that `catalogue.regions` asks for leave that list."""
        use = edit.instance.catalogue
        chosen = chosen_regions(self.scope, edit)
        new = [one.id for one in chosen if not set(one.ids) & set(use.exclude_regions)]
        if not new:
            edit.fail("scope", "every region selected is closed already")
        gone = {name for one in chosen for name in one.ids}
        asked = tuple(name for name in use.regions if name not in gone)
        if use.regions and not asked:
            edit.fail("scope", "closes the last of the regions that catalogue.regions allows")
        edit.put(asked, "catalogue", "regions")
        edit.put((*use.exclude_regions, *new), "catalogue", "exclude_regions")


class OpenRegions(Change):
    """Open regions that the instance's lists of regions close."""

    op: Literal["open_regions"]
    regions: Some

    def apply(self, edit: Edit) -> None:
        """Take them off `catalogue.exclude_regions`, and put them on `catalogue.regions` where that is stated."""
        places = {name: one for one in all_regions(edit) for name in one.ids}
        for name in self.regions:
            if name not in places:
                edit.unknown("regions", "region", name, places)
            self._open(edit, places[name])

    def _open(self, edit: Edit, place: Any) -> None:
        use, names = edit.instance.catalogue, set(place.ids)
        catalogue = edit.catalogue
        providers = use.providers if catalogue is None else providers_named(use.providers, catalogue.providers)
        for shut, what in (
            ((providers and place.provider not in providers), "providers"),
            (place.provider in use.exclude_providers, "exclude_providers"),
            ((use.countries and place.country not in use.countries), "countries"),
            (place.country in use.exclude_countries, "exclude_countries"),
        ):
            if shut:
                edit.fail("regions", f"{place.id} is closed by catalogue.{what}", f"lift closed:catalogue.{what}")
        excluded = tuple(name for name in use.exclude_regions if name not in names)
        asked = use.regions if not use.regions or names & set(use.regions) else (*use.regions, place.id)
        if (excluded, asked) == (use.exclude_regions, use.regions):
            edit.fail("regions", f"no list of regions closes {place.id}")
        edit.put(excluded, "catalogue", "exclude_regions")
        edit.put(asked, "catalogue", "regions")


class CloseOffers(Change):
    """Close offers to every workload."""

    op: Literal["close_offers"]
    scope: OfferScope

    def apply(self, edit: Edit) -> None:
        """Add them to `catalogue.exclude_offers`."""
        excluded = edit.instance.catalogue.exclude_offers
        machines, endpoints = chosen_offers(self.scope, edit)
        new = [one.id for one in (*machines, *endpoints) if not one.names & set(excluded)]
        if not new:
            edit.fail("scope", "every offer selected is closed already")
        edit.put((*excluded, *dict.fromkeys(new)), "catalogue", "exclude_offers")


class OpenOffers(Change):
    """Open offers that `catalogue.exclude_offers` closes, by their ids."""

    op: Literal["open_offers"]
    offers: Some

    def apply(self, edit: Edit) -> None:
        """Take them off the list."""
        excluded = edit.instance.catalogue.exclude_offers
        for name in self.offers:
            if name not in excluded:
                if name in offer_names(edit):
                    edit.fail("offers", f"catalogue.exclude_offers does not close {name}")
                edit.unknown("offers", "closed offer", name, excluded)
        edit.put(tuple(name for name in excluded if name not in self.offers), "catalogue", "exclude_offers")


def _inline(edit: Edit, what: str) -> Any:
    inline = edit.instance.catalogue.inline
    if inline is None:
        edit.fail("op", f"the bundled catalogue takes no {what} of one's own", "state an inline catalogue")
    return inline


class AddRegion(Change):
    """Add a region to an inline catalogue."""

    op: Literal["add_region"]
    region: InlineRegion

    def apply(self, edit: Edit) -> None:
        """Append it."""
        _inline(edit, "region")
        add_new(edit, "region", "region", self.region, ("catalogue", "inline", "regions"))


class AddOffer(Change):
    """Add an offer of machines to an inline catalogue."""

    op: Literal["add_offer"]
    offer: InlineOffer

    def apply(self, edit: Edit) -> None:
        """Append it."""
        inline = _inline(edit, "offer")
        regions = {one.id for one in inline.regions}
        if self.offer.region not in regions:
            edit.unknown("offer.region", "region", self.offer.region, regions)
        key = (self.offer.region, self.offer.sku, self.offer.purchase)
        if key in {(one.region, one.sku, one.purchase) for one in inline.offers}:
            edit.fail("offer", f"{self.offer.sku} is offered in {self.offer.region} already", "set_prices, or another")
        edit.append(self.offer, "catalogue", "inline", "offers")
