"""Sites: the distinct places that verdicts are asked for, and which offer stands on which.

A site is a service (a region with a kind of offer and, for an endpoint, the countries it may process in) together with
the accelerator that an export rule may look at. Thousands of offers stand on a few hundred sites.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.catalogue.residency import IN_REGION
from optimizer.compile.offers import CPU
from optimizer.laws.types import AcceleratorFacts, Destination

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.compile.world import World

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ServiceSite:
    """`home`: where the resource is (storage, an instance's processing); `spread`: where an endpoint may process."""

    home: Destination
    spread: tuple[Destination, ...] = ()


Chip = tuple[AcceleratorFacts | None, Destination, bool]
"""Capacity as rules on it see it: its accelerator (None: none that they ask about), where and by whom it is offered,
and whether nobody but the instance says that it is on sale."""


@dataclass(frozen=True, eq=False)
class Sites:
    """`service` and `chip` [sites] index `services` and `chips`; `of_offer` [offers] is the site of each offer.

    Rules on capacity look at country and provider, so that chips are not told apart by region.
    """

    services: tuple[ServiceSite, ...]
    chips: tuple[Chip, ...]
    service: Ints
    chip: Ints
    of_offer: Ints


def destinations(world: World, service: str) -> tuple[Destination, ...]:
    """Return every region as a destination of a service: instance, endpoint or storage; [regions]."""
    rows = world.regions[["country", "subdivision", "provider", "region_id"]].itertuples(index=False, name=None)
    return tuple(Destination(place, sub or None, provider, region, service) for place, sub, provider, region in rows)


def build_sites(world: World) -> Sites:
    """Return the sites of a world's offers."""
    instance, endpoint = destinations(world, "instance"), destinations(world, "endpoint")
    services: dict[ServiceSite, int] = {}
    chips: dict[Chip, int] = {}
    facts = {name: chip_facts(name, world.accelerators) for name in set(world.offers["accelerator"])}
    pairs: dict[tuple[int, int], int] = {}
    of_offer = np.zeros(len(world.offers), dtype=np.int64)
    columns = world.offers[["kind", "region", "accelerator", "scope", "scope_countries", "provider", "own"]]
    memo: dict[tuple[object, ...], int] = {}
    for o, key in enumerate(columns.itertuples(index=False, name=None)):
        site = memo.get(key)
        if site is None:
            kind, region, accelerator, scope, countries, provider, own = key
            if kind == "endpoint":
                spread = () if scope in IN_REGION else _spread(countries, provider)
                service, known = ServiceSite(endpoint[region], spread), None
            else:
                service, known = ServiceSite(instance[region]), facts[accelerator]
            chip = (known, replace(instance[region], region=None), bool(own) and known is not None)
            pair = services.setdefault(service, len(services)), chips.setdefault(chip, len(chips))
            site = memo[key] = pairs.setdefault(pair, len(pairs))
        of_offer[o] = site
    sites = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
    return Sites(tuple(services), tuple(chips), sites[:, 0], sites[:, 1], of_offer)


def _spread(countries: frozenset[str] | None, provider: str) -> tuple[Destination, ...]:
    """Where inside a country an endpoint processes is not known: a country each, no region and no subdivision."""
    return tuple(Destination(country, None, provider, None, "endpoint") for country in sorted(countries or ()))


def chip_facts(name: str, accelerators: pd.DataFrame) -> AcceleratorFacts | None:
    """What export rules may look at of an accelerator of the catalogue; None of a machine without one."""
    if name in ("", CPU):
        return None
    if name not in accelerators.index:
        return AcceleratorFacts(name, None)
    row = accelerators.loc[name]
    vendor = row.get("vendor_country")
    return AcceleratorFacts(
        name, _number(row.get("tpp")), _number(row.get("memory_bandwidth_gb_per_s")),
        vendor if isinstance(vendor, str) and vendor else None, _number(row.get("performance_density")),
    )  # fmt: skip


def _number(value: object) -> float | None:
    if value is None:
        return None
    figure = float(value)  # type: ignore[arg-type]
    return None if np.isnan(figure) else figure
