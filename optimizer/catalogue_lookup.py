"""The commands that look up places: `domicile catalogue prices`, `catalogue roundtrip`, `catalogue region`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from optimizer.completion import ACCELERATOR, COUNTRY, ORIGIN, PROVIDER, REGION
from optimizer.lookup import catalogue, listing
from optimizer.terminal import Finite

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue

FACTS = ("of", "fact", "value", "unit", "quality", "source")


@listing(
    "prices",
    "prices by region, the cheapest machine of each",
    ("region_id", "country", "accelerator", "on_demand_usd_per_device_hour", "spot_usd_per_device_hour", "sku",
     "price_date", "availability"),
)  # fmt: skip
@click.option("--accelerator", type=ACCELERATOR, multiple=True, required=True, help="Repeatable.")
@click.option("--provider", type=PROVIDER, multiple=True, help="Repeatable.")
@click.option("--region", type=REGION, multiple=True, help="provider:region; repeatable.")
@click.option("--country", type=COUNTRY, multiple=True, help="Where the region is; repeatable.")
def catalogue_prices() -> None:
    """What an hour of one device of an accelerator costs by region, cheapest on demand first."""


@listing(
    "roundtrips",
    "round trips, nearest first",
    ("origin", "region_id", "name", "country", "rtt_ms", "within_ms", "quality"),
    command="roundtrip",
)
@click.argument("origin", type=ORIGIN, nargs=-1, required=True)
@click.option("--region", type=REGION, multiple=True, help="provider:region; repeatable.")
@click.option("--provider", type=PROVIDER, multiple=True, help="Repeatable.")
@click.option("--country", type=COUNTRY, multiple=True, help="Where the region is; repeatable.")
@click.option("--max-ms", type=Finite(min=0), help="Only regions within so many ms.")
def catalogue_roundtrip() -> None:
    """Round trips from each ORIGIN to regions: users in a country (DE) or a city (DE:Munich), or a region.

    Those of users are estimates from the distance: of ten that were measured nine differ by at most `within_ms`. Those
    between regions are measured where a source has the pair.
    """


@catalogue.command("region")
@click.argument("region", type=REGION)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def catalogue_region(region: str, as_json: bool) -> None:
    """Say all that is known of a REGION (provider:region), and what is not: place, operator, certificates, support,
    carbon, water, prices, what is offered there; each with its unit and source.
    """
    from optimizer.catalogue import load_catalogue
    from optimizer.catalogue.place_query import list_region
    from optimizer.terminal import print_table

    known = load_catalogue()
    found = list_region(known, region=region).to_dict("records")
    facts = [{str(key): value for key, value in row.items()} for row in found]
    last = max(at for at, fact in enumerate(facts) if fact["of"] == "operator") + 1
    rows = [*facts[:last], *_by_law(known, region), *facts[last:]]
    print_table(rows, FACTS, f"facts of {region}", as_json=as_json, limit=0)


def _by_law(catalogue: Catalogue, region: str) -> list[dict[str, Any]]:
    """Return what the law pack knows of the operator there: certificates by service, where support sits."""
    from optimizer.catalogue.place_query import NOT_KNOWN
    from optimizer.laws import load_laws
    from optimizer.laws.certificates import State
    from optimizer.laws.triggers import Certificate
    from optimizer.laws.types import Destination

    operators, row, on = load_laws().operators, catalogue.regions.loc[[region]].iloc[0], date.today()
    found = []
    for scheme in sorted({line.scheme for line in operators.holders if line.provider == row.provider}):
        for service in ("instance", "storage", "endpoint"):
            place = Destination(row.country, row.subdivision or None, row.provider, region, service)
            stands = operators.certificates.standing(Certificate(scheme), place, on)
            if stands.state is not State.NOT_HELD:
                line = stands.line
                assert line is not None
                told = {State.HELD: "held", State.LISTED: "said to be held"}.get(stands.state, NOT_KNOWN)
                says = f"{service}: {told}"
                found.append(_fact("certificates", line.certificate, says, line.confidence, line.source))
    seats = operators.seats(row.provider, row.country, on, {})
    held = _joined(found) or [_fact("certificates", "any", "none is known to be held")]
    return [_fact("operator", "supported from", ", ".join(seats) or NOT_KNOWN), *held]


def _joined(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one fact for each certificate and source, with all services that have it."""
    by: dict[tuple[str, str, str], dict[str, Any]] = {}
    for fact in found:
        key = (fact["fact"], fact["quality"], fact["source"])
        if key in by:
            by[key]["value"] += f"; {fact['value']}"
        else:
            by[key] = fact
    return list(by.values())


def _fact(of: str, fact: str, value: str, quality: str = "", source: str = "") -> dict[str, Any]:
    return {"of": of, "fact": fact, "value": value, "unit": "", "quality": quality, "source": source}
