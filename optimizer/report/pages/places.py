"""Names and coordinates of places: countries from the law pack, regions and cities from the catalogue."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from optimizer.bundled import PATH

if TYPE_CHECKING:
    from optimizer.instance.models import Instance

SHORT = {"EU": "European Union", "US": "United States", "GB": "United Kingdom", "RU": "Russia", "KR": "South Korea"}


@dataclass(frozen=True)
class Spot:
    """A place on the map: what it is called, degrees north and east."""

    name: str
    lat: float
    lon: float


@dataclass(frozen=True)
class Places:
    """What places are called and where they are, as far as somebody knows."""

    countries: Mapping[str, str] = field(default_factory=dict)
    regions: Mapping[str, Spot] = field(default_factory=dict)
    origins: Mapping[str, Spot] = field(default_factory=dict)

    def country(self, code: str) -> str:
        """Return the name of a country; its code where nobody has a name."""
        return SHORT.get(code) or self.countries.get(code, code)

    def named(self, codes: Iterable[str], most: int = 6) -> str:
        """Return the names of countries in a sentence, the first few and how many more there are."""
        names = [self.country(code) for code in codes]
        if len(names) > most:
            return f"{', '.join(names[:most])} and {len(names) - most} more"
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def city(self, region_id: str) -> str:
        """Return the city of a region, "" where nobody knows."""
        spot = self.regions.get(region_id)
        return "" if spot is None else spot.name


@cache
def bundled_places() -> Places:
    """Return the places of the bundled catalogue and law pack."""
    names = {row["jurisdiction"]: row["name"] for row in _rows("laws/coverage.csv")}
    regions = {
        row["region_id"]: Spot(row["city"] or row["name"], float(row["lat"]), float(row["lon"]))
        for row in _rows("catalogue/regions.csv") if row["lat"] and row["lon"]
    }  # fmt: skip
    origins: dict[str, Spot] = {}
    weights: dict[str, list[tuple[float, float, float]]] = {}
    for row in _rows("catalogue/places.csv"):
        lat, lon, weight = float(row["lat"]), float(row["lon"]), float(row["weight"])
        origins[f"{row['country']}:{row['city']}"] = Spot(row["city"], lat, lon)
        weights.setdefault(row["country"], []).append((weight, lat, lon))
    for code, cities in weights.items():
        _, lat, lon = max(cities)
        origins[code] = Spot(names.get(code, code), lat, lon)
    return Places(names, regions, origins)


def places_of(instance: Instance | None) -> Places:
    """Return the places of an instance beside the bundled ones: its own regions and origins, where it states them."""
    known = bundled_places()
    if instance is None:
        return known
    regions, origins = dict(known.regions), dict(known.origins)
    for region in instance.catalogue.inline.regions if instance.catalogue.inline is not None else ():
        if region.lat is not None and region.lon is not None:
            spot = Spot(region.id, region.lat, region.lon)
            regions |= {region.id: spot, f"{region.provider}:{region.id}": spot}
    for origin in instance.origins:
        if origin.lat is not None and origin.lon is not None:
            origins[origin.id] = Spot(origin.id, origin.lat, origin.lon)
    return Places(known.countries, regions, origins)


def _rows(name: str) -> list[dict[str, str]]:
    with (PATH / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
