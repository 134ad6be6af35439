"""Draw figures that plans rest on, to be checked by hand: python -m benchmarks.figures [--count 60].

Prints one row for each: plan, figure, of what, value, source and date as the catalogue has them. What a check found
is in `results/figures.csv`; docs/benchmarks.md says how to read it.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
from collections.abc import Iterator
from typing import Any

import domicile
from optimizer.catalogue import Catalogue, load_catalogue
from optimizer.plan.rows import Placement

PLANS = ("quickstart", "health-assistant", "india-payments", "emerging-markets", "typical-day")
COLUMNS = ("plan", "figure", "of", "value", "catalogue_source", "dated")
Figure = tuple[str, str, float, str, str]


def figures_of(catalogue: Catalogue, row: Placement) -> Iterator[Figure]:
    """Yield figure, of what, value, source and date of what a placement on a machine rests on."""
    offer = f"{row.region_id}:{row.sku}:{row.purchase}"
    sku, region = f"{row.provider}/{row.sku}", row.region_id
    priced, machine = catalogue.offers.loc[offer], catalogue.skus.loc[(row.provider, row.sku)]
    place, device = catalogue.regions.loc[region], catalogue.accelerators.loc[row.accelerator]
    yield "price_usd_per_hour", offer, priced.price_usd_per_hour, priced.source, priced.price_date
    for name in ("load_kw", "idle_kw", "embodied_kg", "vcpu", "ram_gb", "devices"):
        source = f"{machine.power_source}; {machine.source}" if name.endswith("kw") else machine.source
        yield name, sku, machine[name], source, ""
    for name in ("pue", "grid_lifecycle_g_per_kwh", "lat"):
        year = {"pue": place.pue_year, "grid_lifecycle_g_per_kwh": place.grid_year}.get(name, "")
        yield name, region, place[name], place.source, str(year)
    for name in ("memory_gb", "memory_bandwidth_gb_per_s", "tpp"):
        yield name, str(row.accelerator), device[name], device.source, ""


def population(catalogue: Catalogue, name: str, plan: domicile.Plan) -> set[tuple[Any, ...]]:
    """Return every figure that a plan rests on, once; missing ones are none."""
    found = {(name, *one) for row in plan.placements if row.sku for one in figures_of(catalogue, row)}
    for copy in plan.copies:
        stored = catalogue.storage[(catalogue.storage.provider + ":" + catalogue.storage.region).eq(copy.region_id)]
        for row in stored.itertuples():
            price = row.storage_usd_per_gb_month
            found.add((name, "storage_usd_per_gb_month", copy.region_id, price, row.source, row.storage_date))
    return {one for one in found if one[3] == one[3]}  # a missing figure is not itself


def main() -> None:
    """Print the draw as CSV."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=20261130)
    asked = parser.parse_args()
    catalogue = load_catalogue()
    every: set[tuple[Any, ...]] = set()
    for name in PLANS:
        every |= population(catalogue, name, domicile.solve(domicile.load(name), time_limit_seconds=60.0))
    drawn = random.Random(asked.seed).sample(sorted(every, key=str), asked.count)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(drawn, key=lambda one: (one[1], one[2])))


if __name__ == "__main__":
    main()
