"""Providers and regions: who runs a place, where it is, which grid feeds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from catalogue_parts.claims import supplier_claims
from catalogue_parts.common import distance_km, pipe, read_csv
from catalogue_parts.efficiency import correct_places, direct_of_the_year, doubted_zones, site_efficiency

METRO_RADIUS_KM = 60.0

ACCESS = {
    "public": "public",
    "public (alternate/DR region, access on request)": "disaster_recovery",
    "public (Jio-operated sites)": "limited",
    "CN real-name registration / ICP for mainland": "china",
    "CN real-name registration": "china",
    "separate partition (CN account, ICP)": "china",
    "classified": "government",
    "restricted (US government)": "government",
    "restricted (US government and vetted partners)": "government",
    "restricted (US persons, vetted)": "government",
    "restricted (UK government)": "government",
    "restricted (German public sector)": "government",
    "partner/dedicated realm": "dedicated",
    "dedicated access": "dedicated",
    "private region per source": "dedicated",
    "separate operator": "limited",
    "separate realm": "limited",
    "separate partition": "limited",
    "unverified (new)": "limited",
    "restricted onboarding": "limited",
    "limited (TPU)": "limited",
    "restricted (financial-sector customers)": "limited",
    "restricted (SecNumCloud zone)": "limited",
}


def _iso2_tokens(cell: object) -> set[str]:
    """Countries among the `|`-separated tokens; blocs (EU) and remarks (US-listed) are no country."""
    return {t for t in str(cell).split("|") if len(t) == 2 and t.isalpha() and t.isupper() and t != "EU"}


def build_providers(source: Path, reviewed: Path) -> pd.DataFrame:
    """Join provider facts with the control table of the law data through `laws_provider_id`."""
    providers = read_csv(source / "catalogue/providers.csv")
    control = read_csv(source / "laws/provider_control.csv").set_index("provider_id")
    groups = read_csv(source / "laws/country_groups.csv")
    d5 = set(groups.loc[groups.group_id.eq("BIS_D5") & groups.valid_to.isna(), "member"]) | {"MO"}
    reach = read_csv(reviewed / "provider_reach.csv").set_index("provider")
    rows = []
    for p in providers.itertuples(index=False):
        law = control.loc[p.laws_provider_id] if p.laws_provider_id in control.index else None
        home = {c for c in (p.hq_country, p.ultimate_parent_country) if isinstance(c, str)}
        known_parent = isinstance(p.ultimate_parent_country, str)
        listed = _iso2_tokens(law.control_jurisdictions) if law is not None else set()
        ownership = listed or (home if known_parent else set())
        strict = set(ownership)
        if p.us_cloud_act_exposure != "no" or (law is not None and "US-listed" in law.control_jurisdictions):
            strict.add("US")
        if p.provider in reach.index:
            strict |= set(str(reach.at[p.provider, "extra_control"]).split("|"))
        bis = str(law.in_bis_d5_or_mo_hq_test) if law is not None else ""
        if not bis:
            bis = ("yes" if home & d5 else "no") if known_parent else "unknown"
        dpf = {"yes": "true", "no": "false"}.get(str(law.dpf_expected) if law is not None else "", "")
        rows.append(
            {
                "provider": p.provider,
                "name": p.name,
                "kind": p.kind,
                "hq_country": p.hq_country,
                "ultimate_parent": p.ultimate_parent,
                "ultimate_parent_country": p.ultimate_parent_country,
                "partition_of": p.partition_or_variant_of,
                "laws_provider_id": p.laws_provider_id,
                "control_ownership": pipe(ownership),
                "control_strict": pipe(strict) if ownership else "",
                "control_known": bool(ownership),
                "control_source": "provider_control" if law is not None
                else ("ultimate_parent_country" if known_parent else "unresolved"),
                "us_exposure": p.us_cloud_act_exposure,
                "bis_hq_test": bis,
                "dpf_listed": dpf,
                "certification": p.certifications,
                "certification_confidence": p.certifications_confidence,
                "source": p.source,
            }
        )
    return pd.DataFrame(rows)


def _subdivisions(regions: pd.DataFrame, carbon: pd.DataFrame, reviewed: Path) -> list[str]:
    """ISO 3166-2 code of the carbon table, else of the reviewed states and cities, else the source's text."""
    table = read_csv(reviewed / "subdivisions.csv")
    codes = {(r.country, r.text): r.code for r in table.itertuples(index=False)}
    found = []
    for region, code in zip(regions.itertuples(index=False), carbon.subdivision, strict=True):
        texts = [t for t in (region.subdivision, region.city, region.name) if isinstance(t, str)]
        known = [codes[region.country, t] for t in texts if (region.country, t) in codes]
        if isinstance(code, str):
            found.append(code)
        elif known:
            found.append(known[0])
        else:
            found.append(region.subdivision if isinstance(region.subdivision, str) else "")
    return found


def _metros(regions: pd.DataFrame, carbon: pd.DataFrame, metros: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Metro of the carbon table, else the nearest metro within 60 km, flagged."""
    lat, lon = metros.lat.to_numpy(float), metros.lon.to_numpy(float)
    names, qualities = [], []
    for metro, a, b in zip(carbon.metro, regions.lat, regions.lon, strict=True):
        if isinstance(metro, str):
            names.append(metro)
            qualities.append("listed")
            continue
        away = distance_km(lat, lon, a, b) if np.isfinite(a) else np.array([np.inf])
        near = int(np.argmin(away))
        close = away[near] <= METRO_RADIUS_KM
        names.append(str(metros.metro.iloc[near]) if close else "")
        qualities.append("nearest" if close else "missing")
    return names, qualities


def _carbon_rows(regions: pd.DataFrame, providers: pd.DataFrame, carbon: pd.DataFrame) -> pd.DataFrame:
    """Environment row of each region, aligned to `regions`; a partition's region is filed under its parent cloud."""
    parent = providers.set_index("provider").partition_of
    keyed = carbon.set_index(["provider", "region"])
    positions = []
    for provider, region in zip(regions.provider, regions.region, strict=True):
        keys = [(provider, region), (parent.get(provider), region)]
        positions.append(next((keyed.index.get_loc(k) for k in keys if k in keyed.index), -1))
    rows = carbon.take([max(i, 0) for i in positions]).reset_index(drop=True)
    rows.loc[np.array(positions) < 0, :] = np.nan
    return rows


def _direct(regions: pd.DataFrame, carbon: pd.DataFrame, annual: pd.DataFrame) -> pd.DataFrame:
    """Direct (combustion only) intensity: published per region, else the zone's hourly mean of its latest year.

    Rows that count CO2 alone instead of CO2e are another basis and are left out.
    """
    table = pd.DataFrame({
        "grid_direct_g_per_kwh": carbon.ci_direct_g_kwh,
        "grid_direct_year": carbon.ci_direct_year,
        "grid_direct_source": carbon.ci_direct_source,
    })
    table.loc[table.grid_direct_source.fillna("").str.contains("CO2 only"), :] = np.nan
    hourly = annual[annual.source_id.eq("em_hourly_mean") & annual.emission_basis.eq("direct")]
    latest = hourly.sort_values("year").groupby("zone").tail(1).set_index("zone")
    empty = table.grid_direct_g_per_kwh.isna() & regions.em_zone.isin(latest.index)
    zone = regions.em_zone[empty]
    table.loc[empty, "grid_direct_g_per_kwh"] = zone.map(latest.gco2e_per_kwh)
    table.loc[empty, "grid_direct_year"] = zone.map(latest.year)
    table.loc[empty, "grid_direct_source"] = "Electricity Maps hourly direct mean"
    return table


def build_regions(source: Path, reviewed: Path, providers: pd.DataFrame, continents: dict[str, str]) -> pd.DataFrame:
    """One row per region with place, access, grid intensities per accounting basis, PUE and water."""
    regions = read_csv(source / "catalogue/regions.csv")
    wrong = read_csv(reviewed / "region_corrections.csv")
    for fix in wrong.itertuples(index=False):
        hit = regions.provider.eq(fix.provider) & regions.region.eq(fix.region)
        regions.loc[hit, ["lat", "lon", "em_zone"]] = np.nan
    regions["zone_corrected"] = False
    remark = correct_places(regions, source)
    unknown = set(regions.access) - set(ACCESS)
    if unknown:
        raise SystemExit(f"access labels without a class: {sorted(unknown)}")
    carbon = _carbon_rows(regions, providers, read_csv(source / "environment/region_carbon.csv"))
    annual = read_csv(source / "environment/grid_annual.csv")
    water = read_csv(source / "environment/grid_water.csv")
    metros = read_csv(source / "environment/metro.csv")
    joined = carbon.em_zone.notna() & ~regions.zone_corrected
    zone = regions.em_zone.fillna(carbon.em_zone)
    yearly = annual[annual.source_id.eq("em_yearly")].sort_values("year").groupby("zone").tail(1).set_index("zone")
    metro, metro_quality = _metros(regions, carbon, metros)
    ewif = water[water.ewif_is_world_default.eq(0)].set_index("iso2").ewif_l_per_kwh
    out = pd.DataFrame({
        "region_id": regions.provider + ":" + regions.region,
        "provider": regions.provider,
        "region": regions.region,
        "name": regions.name,
        "country": regions.country,
        "continent": regions.country.map(continents),
        "subdivision": _subdivisions(regions, carbon, reviewed),
        "city": regions.city,
        "lat": regions.lat.round(4),
        "lon": regions.lon.round(4),
        "position_quality": np.where(regions.lat.isna(), "missing", np.where(
            regions.geo_precision.fillna("").str.contains("approximation|assumed|state"), "estimated", "published")),
        "zones": regions.zones,
        "metro": metro,
        "metro_quality": metro_quality,
        "access": regions.access.map(ACCESS),
        "sovereign_scope": regions.sovereign_scope,
        "granularity": regions.granularity,
        "grid_zone": zone,
        "grid_zone_join": np.select([regions.zone_corrected, joined, zone.notna()],
                                    ["corrected", "region_carbon", "regions.em_zone"], "missing"),
        "grid_zone_remark": remark,
        "grid_lifecycle_g_per_kwh": zone.map(yearly.gco2e_per_kwh),
        "grid_year": zone.map(yearly.year),
        "grid_quality": np.select([zone.map(yearly.gco2e_per_kwh).isna(), doubted_zones(regions, source)],
                                  ["missing", "unverified"], "published"),
    })
    older = _direct(regions.assign(em_zone=zone), carbon.mask(regions.zone_corrected), annual)
    out = out.join(direct_of_the_year(zone, out.grid_lifecycle_g_per_kwh, older, source))
    out = out.join(supplier_claims(regions, source))
    out["market_based_g_per_kwh"] = carbon.market_based_g_kwh
    out["market_based_year"] = carbon.market_based_year
    out = out.join(site_efficiency(regions, carbon, source))
    out["water_l_per_kwh_grid"] = regions.country.map(ewif)
    out["water_quality"] = np.where(out.water_l_per_kwh_grid.isna(), "missing", "published")
    out["source"] = regions.source
    for column in ("zones", "grid_year", "grid_direct_year", "market_based_year"):
        out[column] = out[column].astype("Int64")
    return out
