"""Storage and egress prices, and round-trip times that may be redistributed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from catalogue_parts.common import MIDDLE_EAST, continent_pair, distance_km, fit_line, read_csv

SITE_RADIUS_KM = 60.0
# cloudping states no licence and the user pings belong to WonderNetwork: neither is shipped
OPEN_PING_SOURCES = ("azure_published_azscout", "gcp_smu_perfkit", "ibm_cloud_docs", "skyplane_2022")
CITIES_PER_COUNTRY = 10


def build_storage(source: Path) -> pd.DataFrame:
    """Object storage and egress list prices per region; `*` is a price that holds for the whole provider."""
    t = read_csv(source / "catalogue/storage_egress.csv")
    return with_later_storage(source, pd.DataFrame({
        "provider": t.provider,
        "region": t.region,
        "storage_usd_per_gb_month": t.object_storage_usd_gb_month,
        "storage_class": t.object_storage_class,
        "storage_date": t.storage_date,
        "egress_internet_usd_per_gb": t.egress_internet_usd_gb_tier1,
        "egress_free_gb_month": t.egress_free_gb_month,
        "egress_same_continent_usd_per_gb": t.interregion_same_continent_usd_gb,
        "egress_other_continent_usd_per_gb": t.interregion_other_continent_usd_gb,
        "egress_date": t.egress_date,
        "currency": t.currency_native,
        "source": t.source,
        "notes": t.notes,
    }))


def with_later_storage(source: Path, storage: pd.DataFrame) -> pd.DataFrame:
    """Return the table with storage prices where it has none: of regions and providers that the catalogue knows.

    Left out are examples of a documentation, lower bounds ("as low as") and classes of several regions together.
    """
    later = read_csv(source / "additions/prices/storage_prices.csv")
    later = later[later.first_tier_usd_per_gb_month.notna()]
    later = later[~later.quality.isin(["example", "listed_lower_bound"])]
    later = later[~later.storage_class.str.contains("multi-region|dual-region|high performance|One Zone")]
    regions = read_csv(source / "catalogue/regions.csv")
    known = set(zip(regions.provider, regions.region, strict=True)) | {(name, "*") for name in regions.provider}
    priced = storage[storage.storage_usd_per_gb_month.notna()]
    have = set(zip(priced.provider, priced.region, strict=True))
    place = {key: row for row, key in enumerate(zip(storage.provider, storage.region, strict=True))}
    storage, added = storage.copy(), []
    for row in later.itertuples(index=False):
        key = (row.provider, row.region)
        if key in have or key not in known or (row.provider, "*") in have:
            continue
        cells = {
            "storage_usd_per_gb_month": row.first_tier_usd_per_gb_month, "storage_class": row.storage_class,
            "storage_date": row.price_date,
        }  # fmt: skip
        if key in place:
            for column, value in cells.items():
                storage.loc[place[key], column] = value
            text = [t for t in (storage.source[place[key]], row.source) if isinstance(t, str)]
            storage.loc[place[key], "source"] = "; storage: ".join(text)
        else:
            added.append({"provider": row.provider, "region": row.region, **cells, "currency": row.native_currency,
                          "source": row.source, "notes": row.notes})  # fmt: skip
    return pd.concat([storage, pd.DataFrame(added)], ignore_index=True) if added else storage


def build_egress_pairs(source: Path) -> pd.DataFrame:
    """Egress price of a listed ordered pair of regions."""
    t = read_csv(source / "catalogue/egress_pairs.csv")
    return pd.DataFrame({
        "src": t.src_provider + ":" + t.src_region,
        "dst": t.dst_provider + ":" + t.dst_region,
        "usd_per_gb": t.usd_gb,
        "date": t.date,
        "source": t.source,
    })


def build_places(continents: dict[str, str], cities: list[dict[str, object]]) -> pd.DataFrame:
    """The largest cities of each country with their share of the population of those cities (GeoNames, CC BY 4.0)."""
    table = pd.DataFrame(cities)[["countrycode", "name", "latitude", "longitude", "population"]]
    table = table.sort_values("population", ascending=False).drop_duplicates(["countrycode", "name"])
    table = table.groupby("countrycode").head(CITIES_PER_COUNTRY)
    total = table.groupby("countrycode").population.transform("sum")
    share = (table.population / total).where(total > 0)
    count = table.groupby("countrycode").population.transform("size")
    return pd.DataFrame({
        "country": table.countrycode,
        "continent": table.countrycode.map(continents),
        "city": table.name,
        "lat": table.latitude.round(3),
        "lon": table.longitude.round(3),
        "weight": share.fillna(1 / count).round(6),
    }).sort_values(["country", "weight", "city"], ascending=[True, False, True], ignore_index=True)


def continents_of(countries: dict[str, dict[str, object]]) -> dict[str, str]:
    """Continent of each country, with the Middle East apart as in the network measurements."""
    return {c: "ME" if c in MIDDLE_EAST else str(v["continentcode"]) for c, v in countries.items()}


def fit_user_rtt(source: Path, places: pd.DataFrame) -> pd.DataFrame:
    """Lines RTT = a + b·km per continent pair from country-to-metro medians; only the coefficients are shipped.

    The distance is the population-weighted mean from the country's cities, as the loader computes it. `domestic`
    joins pairs inside one country, `all` is for continent pairs with fewer than 20 observations.
    """
    user = read_csv(source / "environment/latency_user_ms.csv")
    metro = read_csv(source / "environment/metro.csv").set_index("metro")
    user = user[user.method.eq("measured_2018_city_pairs")]
    user = user[user.user_iso2.isin(set(places.country)) & user.metro.isin(set(metro.index))]
    home = user.metro.str.split("_").str[0].str.upper()
    by_country = dict(tuple(places.groupby("country")))
    continent = places.drop_duplicates("country").set_index("country").continent
    km = np.array([
        float(np.average(distance_km(by_country[c].lat, by_country[c].lon, metro.at[m, "lat"], metro.at[m, "lon"]),
                         weights=by_country[c].weight))
        for c, m in zip(user.user_iso2, user.metro, strict=True)
    ])
    group = np.array([
        "domestic" if c == h else continent_pair(continent[c], continent[h])
        for c, h in zip(user.user_iso2, home, strict=True)
    ])
    rtt = user.rtt_ms_median.to_numpy(float)
    rows = [{"kind": "user", "pair": "all", **fit_line(km, rtt)}]
    for name in sorted(set(group)):
        pick = group == name
        if pick.sum() >= 20:
            rows.append({"kind": "user", "pair": name, **fit_line(km[pick], rtt[pick])})
    return pd.DataFrame(rows)


def build_region_rtt(source: Path, regions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.Series]:
    """Measured pairs with clear terms, medians between sites, fitted lines, and the site of every region.

    A site is a cluster of measured regions within 60 km; a region without measurements takes the nearest site
    within 250 km. Returns (pairs, site pairs, fit, site of each region).
    """
    pings = read_csv(source / "environment/latency_ms.csv")
    pings = pings[pings.kind.eq("measured") & pings.suspect.eq(0) & pings.source_id.isin(OPEN_PING_SOURCES)]
    renamed = {"aws:us-gov-east-1": "aws-us-gov:us-gov-east-1", "aws:us-gov-west-1": "aws-us-gov:us-gov-west-1",
               "aws:cn-north-1": "aws-cn:cn-north-1", "aws:cn-northwest-1": "aws-cn:cn-northwest-1"}
    src = (pings.src_provider + ":" + pings.src_region).replace(renamed)
    dst = (pings.dst_provider + ":" + pings.dst_region).replace(renamed)
    place = regions.dropna(subset=["lat"]).set_index("region_id")
    known = src.isin(place.index) & dst.isin(place.index)
    pings, src, dst = pings[known], src[known], dst[known]
    # newest source first: where two sources measured a pair, the preferred one stands
    order = pings.assign(src=src, dst=dst).sort_values(["preferred", "measured"], ascending=False)
    pairs = order.drop_duplicates(["src", "dst"])[["src", "dst", "rtt_ms", "source_id", "measured"]]
    measured = sorted(set(pairs.src) | set(pairs.dst))
    site_of: dict[str, str] = {}
    centres: list[tuple[str, float, float]] = []
    for region in measured:
        lat, lon = float(place.at[region, "lat"]), float(place.at[region, "lon"])
        near = [s for s, a, b in centres if float(distance_km(a, b, lat, lon)) <= SITE_RADIUS_KM]
        if not near:
            centres.append((region, lat, lon))
        site_of[region] = near[0] if near else region
    names = [s for s, _, _ in centres]
    lat_s, lon_s = np.array([a for _, a, _ in centres]), np.array([b for _, _, b in centres])
    sites = pd.Series("", index=regions.region_id)
    for region, row in place.iterrows():
        if region in site_of:
            sites[region] = site_of[region]
            continue
        away = distance_km(lat_s, lon_s, row.lat, row.lon)
        if away.min() <= 250.0:
            sites[region] = names[int(np.argmin(away))]
    between = pairs.assign(a=pairs.src.map(site_of), b=pairs.dst.map(site_of))
    low, high = np.minimum(between.a, between.b), np.maximum(between.a, between.b)
    between = between.assign(a=low, b=high)
    site_pairs = between.groupby(["a", "b"]).rtt_ms.agg(["median", "size"]).reset_index()
    site_pairs.columns = ["site_a", "site_b", "rtt_ms", "n"]
    site_pairs["rtt_ms"] = site_pairs.rtt_ms.round(2)
    for end in "ab":
        for axis in ("lat", "lon"):
            site_pairs[f"{axis}_{end}"] = site_pairs[f"site_{end}"].map(place[axis])
    km = distance_km(place.lat[pairs.src].to_numpy(), place.lon[pairs.src].to_numpy(),
                     place.lat[pairs.dst].to_numpy(), place.lon[pairs.dst].to_numpy())
    group = np.array([continent_pair(place.continent[a], place.continent[b])
                      for a, b in zip(pairs.src, pairs.dst, strict=True)])
    far = km > 1.0
    rtt = pairs.rtt_ms.to_numpy(float)
    rows = [{"kind": "region", "pair": "all", **fit_line(km[far], rtt[far])}]
    for name in sorted(set(group)):
        pick = far & (group == name)
        if pick.sum() >= 20:
            rows.append({"kind": "region", "pair": name, **fit_line(km[pick], rtt[pick])})
    return pairs.sort_values(["src", "dst"]), site_pairs, pd.DataFrame(rows), sites
