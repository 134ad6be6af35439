"""Quotas are looked up by region; none that covers an offer is missed."""

from __future__ import annotations

from audit_toys import base, instance_of

from optimizer.audit.supply import Supply, _matches
from optimizer.audit.world import resolve


def test_every_quota_that_matches_is_found():
    """By region, by provider:region, by country, by provider and everywhere."""
    data = base()
    data["quotas"]["limits"] = [
        {"id": "here", "accelerator": "gpu", "region": "north-1", "devices": 5.0},
        {"id": "long", "accelerator": "gpu", "region": "north:north-1", "devices": 6.0},
        {"id": "land", "accelerator": "gpu", "country": "FR", "devices": 7.0},
        {"id": "firm", "accelerator": "gpu", "provider": "south", "devices": 8.0},
        {"id": "all", "accelerator": "gpu", "devices": 9.0},
        {"id": "power", "region": "south-1", "kw": 10.0},
    ]
    instance = instance_of(data)
    supply = Supply(instance)
    world = resolve(instance)
    stated = instance.catalogue.inline.offers
    offers = [world.offer(row.region, row.sku, None, row.purchase) for row in stated]
    assert len(offers) > 3
    assert None not in offers
    for offer in offers:
        named = {instance.quotas.limits[k].id for k in supply._may_match(offer.region)}
        matching = {quota.id for quota in instance.quotas.limits if _matches(quota, offer)}
        assert matching <= named
        assert matching == {pool.id for pool in supply.pools(offer)[0] if pool.id in named}
