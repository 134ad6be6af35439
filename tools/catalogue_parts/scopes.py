"""Managed endpoints as their vendors sell them: resource regions, scopes, residency uplifts, ends of life, euro prices.

`amend_endpoints` takes the table as it is and may be applied again to its own result.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from catalogue_parts.common import pipe, read_csv, slug
from catalogue_parts.models import OPEN_ACCESS

KINDS = {
    "cross_region_profile_us": "geo_us", "cross_region_profile_eu": "geo_eu", "cross_region_profile_apac": "geo_apac",
    "cross_region_profile_au": "geo_au", "cross_region_profile_jp": "geo_jp", "cross_region_profile_in": "geo_in",
    "cross_region_profile_us-gov": "geo_us_gov", "global_profile": "global",
}  # fmt: skip
ENDED = r"^anthropic[.-]claude-(?:v1|v2(?::1)?|instant-v1|3-opus.*|3-5-sonnet.*)$"
"""Claude models whose vendor has ended them and whose meters bear no date."""
PROFILE_ONLY = r"^anthropic\.claude-(?:haiku-[4-9]|opus-[4-9]|sonnet-[4-9]|fable|mythos)"
"""Models that Bedrock serves through a profile and in no single region: the price without one is no endpoint."""
OWN_SERVICES = {
    # provider: platform, scope by kind, region by the source's name of it
    "scaleway": ("Generative APIs", {"in_region": "region"}, {"fr-par": "fr-par"}),
    "ovhcloud": ("AI Endpoints", {"in_region": "region"}, {"GRA": "GRA"}),
    "ionos": ("AI Model Hub", {"in_region": "region"}, {"de-txl": "de/txl"}),
    "stackit": ("AI Model Serving", {"in_region": "region"}, {}),
    "baidu": ("Qianfan", {"in_country": "in_country"}, {"bj, gz": "bj gz"}),
    "alibaba": ("Model Studio (DashScope)", {"mainland_china": "in_country", "international": "global_without_cn"},
                {"ap-southeast-1 (Singapore)": "ap-southeast-1"}),
}  # fmt: skip
REPLACED = {"scaleway": ("scaleway",), "ovhcloud": ("ovhcloud",),
            "alibaba": ("Alibaba Model Studio (DashScope)",)}  # fmt: skip
"""Platforms of the older table whose euro figures were printed as dollars, or that named no place."""
NOT_USED = ("stale", "scope_only", "price_not_stated", "no_public_price_found")
EMBEDS = r"(?i)embed|bge-|/e5-"
QUALITY = {"listed": "listed", "derived": "derived"}


def _open_countries(regions: pd.DataFrame, provider: str) -> set[str]:
    own = regions[regions.provider.eq(provider) & regions.access.isin(OPEN_ACCESS) & regions.granularity.eq("region")]
    return set(own.country)


def _bedrock(table: pd.DataFrame, scopes: pd.DataFrame, regions: pd.DataFrame) -> pd.DataFrame:
    """One row per region in which a profile of Bedrock can be called, with the countries that it may reach."""
    known = scopes[scopes.platform.eq("Amazon Bedrock") & scopes.endpoint_kind.isin(KINDS)]
    parts = known.model_key.str.split(".", n=1).str
    key = known.provider + "|" + parts[1] + "|" + known.endpoint_kind.map(KINDS)
    callable_from = known.set_axis(key).callable_from_regions.groupby(level=0).first()
    countries = known.set_axis(key).processing_countries.groupby(level=0).first()
    # "all commercial regions": those that some profile names, for a region may be new or announced
    named = known.callable_from_regions[known.provider.eq("aws")].str.split().explode()
    callable_from = callable_from.replace("all-commercial", " ".join(sorted(set(named) - {"all-commercial"})))
    own = table.provider + "|" + table.model_raw + "|" + table.scope
    placed = table.platform.eq("Amazon Bedrock") & table.region_id.isna() & own.isin(callable_from.index)
    rows = table[placed].assign(region=own[placed].map(callable_from).str.split())
    said = own[placed].map(countries)
    rows["scope_countries"] = rows.scope_countries.where(said.eq("*") | said.isna(), said)
    rows = rows.explode("region", ignore_index=True)
    rows["region_id"] = rows.provider + ":" + rows.region
    rows = rows[rows.region_id.isin(regions.region_id)]
    rows["endpoint_id"] = [name.replace(":-:", f":{region}:", 1) for name, region in zip(rows.endpoint_id, rows.region,
                                                                                          strict=True)]  # fmt: skip
    return pd.concat([table[~placed], rows.drop(columns="region")], ignore_index=True)


def _vertex_and_foundry(table: pd.DataFrame, scopes: pd.DataFrame, regions: pd.DataFrame) -> pd.DataFrame:
    """Global endpoints of Claude and Gemini as such, beside those whose processing the user states, with the uplift."""
    key = scopes.model_key.fillna("").str.split("/").str[-1]
    everywhere = scopes.endpoint_kind.isin(["global", "global_standard"]) & scopes.processing_countries.eq("*")
    uplift = scopes.set_axis(key).multiplier_on_global[scopes.endpoint_kind.eq("regional_or_multi_region").to_numpy()]
    uplift = uplift[uplift.gt(1)].groupby(level=0).first()
    added = []
    for provider, platform in (("gcp", "Vertex AI"), ("azure", "Azure AI Foundry")):
        names = set(key[everywhere & scopes.provider.eq(provider)])
        rows = table.provider.eq(provider) & table.platform.eq(platform) & table.model_raw.isin(names)
        rows &= table.scope.eq("unspecified") & table.region_id.isna()
        if provider == "gcp":
            stated = table.model_raw.map(uplift)
            table.loc[rows, "regional_uplift"] = table.regional_uplift.fillna(stated)[rows]
        more = table[rows].copy()
        more["endpoint_id"] = more.endpoint_id.str.replace(":unspecified", ":global", regex=False)
        more["scope"], more["scope_countries"] = "global", pipe(_open_countries(regions, provider))
        more["regional_uplift"] = np.nan
        added.append(more[~more.endpoint_id.isin(table.endpoint_id)])
    return pd.concat([table, *added], ignore_index=True)


def _own_services(scopes: pd.DataFrame, reviewed: Path, regions: pd.DataFrame) -> pd.DataFrame:
    """Endpoints that a provider sells in places it names: Scaleway, OVHcloud, IONOS, STACKIT, Qianfan, DashScope."""
    alias = read_csv(reviewed / "model_aliases.csv")
    alias = alias.assign(raw=alias.raw.str.lower()).drop_duplicates("raw").set_index("raw").model
    embeds = scopes.model.str.contains(EMBEDS)
    priced = scopes.usd_per_million_input.gt(0) & (scopes.usd_per_million_output.gt(0) | embeds)
    priced &= ~scopes.quality.isin(NOT_USED)
    found = []
    for provider, (platform, kinds, names) in OWN_SERVICES.items():
        rows = scopes[priced & scopes.provider.eq(provider) & scopes.endpoint_kind.isin(kinds)].copy()
        rows["platform"], rows["scope"] = platform, rows.endpoint_kind.map(kinds)
        rows["callable_from_regions"] = rows.callable_from_regions.replace(names)
        found.append(rows)
    rows = pd.concat(found, ignore_index=True)
    rows["raw"] = rows.model.str.replace("Meta-Llama-3_", "Meta-Llama-3.", regex=False)
    # what the vendor's page says comes before a map of prices, and a later reading before an earlier one
    rows = rows.assign(page=rows.quality.eq("listed"), day=rows.price_date.astype(str))
    rows["lower"] = rows.raw.str.lower()
    rows = rows.sort_values(["page", "day"]).drop_duplicates(["provider", "scope", "lower"], keep="last")
    rows["region"] = rows.callable_from_regions.str.split()
    rows = rows.explode("region", ignore_index=True)
    region_id = rows.provider + ":" + rows.region
    rows, region_id = rows[region_id.isin(regions.region_id)], region_id[region_id.isin(regions.region_id)]
    country = region_id.map(regions.set_index("region_id").country)
    inside = {provider: pipe(_open_countries(regions, provider) - {"CN"}) for provider in rows.provider.unique()}
    abroad = rows.scope.eq("global_without_cn")
    scope = rows.scope.where(~abroad, "global")
    model = pd.Series(np.nan, rows.index, dtype=object)
    keyed = rows.model_key.str.split("/", n=1).str[1]  # the key of a price map begins with the provider
    for name in (rows.raw, rows.vendor.fillna("") + "/" + rows.raw, keyed, rows.model):
        model = model.fillna(name.str.lower().map(alias))
    model = model.fillna(rows.raw)
    mode = pd.Series(np.where(rows.raw.str.contains(EMBEDS), "embedding", "chat"), rows.index)
    dated = rows.price_date.astype(str).str.fullmatch(r"\d{4}-\d{2}-\d{2}")
    return pd.DataFrame({
        "endpoint_id": rows.provider + ":" + rows.region + ":" + rows.platform.map(slug) + ":" + rows.raw.map(slug)
                       + ":" + mode + ":" + scope,
        "provider": rows.provider,
        "platform": rows.platform,
        "model": model,
        "model_raw": rows.raw,
        "product": rows.vendor,
        "mode": mode,
        "scope": scope,
        "region_id": region_id,
        "scope_countries": country.where(~abroad, rows.provider.map(inside)),
        "price_usd_per_million_input_tokens": rows.usd_per_million_input,
        "price_usd_per_million_output_tokens": rows.usd_per_million_output,
        "price_date": rows.price_date.where(dated),
        "price_quality": rows.quality.map(QUALITY).fillna("unverified"),
        "retired_on": rows.retires_on,
        "source": rows.price_source.fillna(rows.scope_source),
    })  # fmt: skip


def _ends(table: pd.DataFrame, scopes: pd.DataFrame) -> pd.Series:
    """Day on which each endpoint ends: the table's own, else that of the same model, platform and profile."""
    dated = scopes[scopes.retires_on.notna()]
    named = dated.model_key.fillna(dated.model).str.split("/").str[-1]
    named = named.str.replace(r"^(?:us|eu|apac|au|jp|in|global|us-gov)\.", "", regex=True)
    profile = dated.endpoint_kind.map(KINDS).fillna("")
    first = dated.set_axis(dated.provider + "|" + named + "|" + profile).retires_on.groupby(level=0).min()
    profiles = table.scope.where(table.platform.eq("Amazon Bedrock") & table.scope.isin(KINDS.values()), "")
    own = (table.provider + "|" + table.model_raw.fillna(table.model) + "|" + profiles).map(first)
    return table.retired_on.fillna(own)


def amend_endpoints(
    source: Path, reviewed: Path, table: pd.DataFrame, regions: pd.DataFrame, today: str
) -> pd.DataFrame:
    """Return the endpoints with the vendors' scopes and places, without those that ended before `today`."""
    scopes = read_csv(source / "additions/prices/endpoints_scope.csv")
    columns = list(table.columns)
    for provider, platforms in REPLACED.items():
        table = table[~(table.provider.eq(provider) & table.platform.isin(platforms))]
    own = _own_services(scopes, reviewed, regions)
    table = table[~(table.provider.isin(OWN_SERVICES) & table.platform.isin(own.platform))]
    alone = table.platform.eq("Amazon Bedrock") & table.region_id.isna() & table.scope.eq("in_region")
    table = table[~(alone & table.model_raw.str.contains(PROFILE_ONLY))].reset_index(drop=True)
    table = _vertex_and_foundry(_bedrock(table, scopes, regions), scopes, regions)
    table = pd.concat([table, own], ignore_index=True)[columns]
    table["context_tokens"] = table.context_tokens.astype("Int64")
    table["retired_on"] = _ends(table, scopes)
    dead = table.retired_on.fillna("9999").lt(today) | table.model_raw.str.contains(ENDED)
    return table[~dead].sort_values("endpoint_id", ignore_index=True)
