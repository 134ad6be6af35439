"""Names of what a `Problem` knows by number alone: periods, streams, offers, and where regions lie."""

from __future__ import annotations

from formulations.labels import Labels
from optimizer.compile.slots import SlotTables
from optimizer.compile.world import World


def labels_of(world: World, tables: SlotTables) -> Labels:
    """Return the labels of the problem compiled from a world.

    An offer is called by its SKU and way of paying (on_demand, spot, committed …; what runs on a commitment to buy by
    its id), an endpoint by its name within its region and `endpoint`.
    """
    offers = world.offers
    names = [
        endpoint.removeprefix(f"{region}:") or sku
        for region, sku, endpoint in zip(offers.region_id, offers.sku, offers.endpoint, strict=True)
    ]
    both = zip(offers.bought_as, offers.purchase, strict=True)
    paid = [bought or purchase or "endpoint" for bought, purchase in both]
    return Labels(
        periods=tuple(period.id for period in world.periods),
        streams=tables.stream_ids,
        offers=list(zip(names, paid, strict=True)),
        countries=tuple(world.regions.country),
        metros=tuple(world.regions.metro),
        providers=tuple(world.regions.provider),
    )
