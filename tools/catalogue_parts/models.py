"""Managed endpoints and throughput profiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from catalogue_parts.common import pipe, read_csv, slug

EU_GROUP = "EU27"
# regions a customer may buy without an agreement of its own: only these can serve a zone or a global endpoint
OPEN_ACCESS = ("public", "disaster_recovery", "limited")
CAPACITY_SCENARIOS = (
    "max-throughput", "max-throughput (baseline vLLM)", "max-throughput (optimised)",
    "mlperf-offline", "mlperf-server", "mlperf-interactive", "training",
)  # fmt: skip
GEO = {"US": "geo_us", "EU": "geo_eu", "APAC": "geo_apac", "AU": "geo_au", "JP": "geo_jp", "IN": "geo_in",
       "US GovCloud": "geo_us_gov", "US Government": "geo_us_gov"}  # fmt: skip


def _scope(row: object) -> str:
    """Name of the residency scope, one token."""
    kind, text = row.scope_type, row.scope  # type: ignore[attr-defined]
    if kind == "geo":
        return GEO[text]
    if kind == "listed regions":
        return "region"
    return {"in-region": "in_region"}.get(kind, kind)


def _scope_countries(scope: str, provider: str, country: str | None, places: pd.DataFrame, eu: set[str]) -> str:
    """Countries in which processing may take place: those of the provider's open regions inside the scope.

    An unknown scope, and a scope that the source itself calls unclear, has none.
    """
    own = places[places.provider.eq(provider)]
    if scope == "region":
        return country or ""
    if scope in ("data_zone_us", "geo_us", "geo_us_gov"):
        return "US"
    if scope in ("geo_au", "geo_jp", "geo_in"):
        return scope[-2:].upper()
    if scope in ("data_zone_eu", "geo_eu"):
        return pipe(set(own.country) & eu)
    if scope in ("data_zone_apac", "geo_apac"):
        east = own.continent.isin(["AS", "OC"]) & ~own.country.isin(["AE", "BH", "IL", "OM", "QA", "SA"])
        return pipe(set(own.country[east]))
    return pipe(set(own.country)) if scope == "global" else ""


def build_endpoints(source: Path, reviewed: Path, regions: pd.DataFrame) -> pd.DataFrame:
    """One row per managed model, scope and resource region; prices per million tokens."""
    models = read_csv(source / "catalogue/managed_models.csv")
    groups = read_csv(source / "laws/country_groups.csv")
    eu = set(groups.loc[groups.group_id.eq(EU_GROUP), "member"])
    alias = read_csv(reviewed / "model_aliases.csv").set_index("raw").model
    country = regions.set_index("region_id").country
    open_places = regions[regions.access.isin(OPEN_ACCESS) & regions.granularity.eq("region")]
    # meters of the government cloud that the source files under the public one, region in the model's name
    government = models.model.str.extract(r"^(us-gov-\w+-\d)/(.+)$")
    moved = government[0].notna()
    models.loc[moved, ["provider", "scope_type"]] = ["aws-us-gov", "region"]
    models.loc[moved, "regions"] = government.loc[moved, 0]
    models.loc[moved, "model"] = government.loc[moved, 1]
    models["scope"] = [_scope(row) for row in models.itertuples(index=False)]
    # a price the source repeats for the same meter is one endpoint; where they differ the dearer one stands
    keys = ["provider", "platform", "publisher_or_product", "model", "mode", "scope", "regions"]
    models = models.sort_values(["usd_per_1m_input", "usd_per_1m_output"]).drop_duplicates(keys, keep="last")
    models["region"] = models.regions.str.split("|")
    models = models.explode("region", ignore_index=True)
    everywhere = models.region.eq("global")  # a meter of the whole cloud, not a place
    models.loc[everywhere, "scope"] = "global"
    models["region"] = models.region.where(~everywhere)
    region_id = (models.provider + ":" + models.region).where(models.region.notna())
    unknown = sorted(set(region_id.dropna()) - set(country.index))
    if unknown:
        print(f"endpoint meters in regions that are not in the catalogue, dropped: {unknown}")
    kept = region_id.isna() | region_id.isin(country.index)
    models, region_id = models[kept].reset_index(drop=True), region_id[kept].reset_index(drop=True)
    cache: dict[tuple[str, str, str | None], str] = {}
    countries = []
    for scope, provider, rid in zip(models.scope, models.provider, region_id, strict=True):
        key = (scope, provider, country[rid] if isinstance(rid, str) else None)
        if key not in cache:
            cache[key] = _scope_countries(*key, open_places, eu)
        countries.append(cache[key])
    raw = (models.publisher_or_product.fillna("") + "/" + models.model).str.strip("/")
    canonical = raw.map(alias).fillna(models.model.map(alias)).fillna(models.model)
    stem = (models.provider + ":" + models.region.fillna("-") + ":" + models.platform.map(slug) + ":"
            + raw.map(slug) + ":" + models["mode"] + ":" + models.scope)
    repeat = stem.groupby(stem).cumcount()
    return pd.DataFrame({
        "endpoint_id": stem.where(repeat.eq(0), stem + "#" + (repeat + 1).astype(str)),
        "provider": models.provider,
        "platform": models.platform,
        "model": canonical,
        "model_raw": models.model,
        "product": models.publisher_or_product,
        "mode": models["mode"],
        "scope": models.scope,
        "region_id": region_id,
        "scope_countries": countries,
        "price_usd_per_million_input_tokens": models.usd_per_1m_input,
        "price_usd_per_million_output_tokens": models.usd_per_1m_output,
        "regional_uplift": models.regional_uplift_multiplier,
        "context_tokens": models.context_tokens.astype("Int64"),
        "price_date": models.price_date,
        "price_quality": np.where(models.price_date.isna(), "unverified", "listed"),
        "retired_on": models.notes.str.extract(r"deprecated (\d{4}-\d{2}-\d{2})", expand=False),
        "source": models.source,
    }).sort_values("endpoint_id", ignore_index=True)


def _precision(text: str) -> str:
    """One spelling for the per-part precisions of image models, e.g. `clip1:fp32,unet:fp8`."""
    return text.strip("{}").replace("'", "").replace(": ", ":").replace(", ", ",")


def build_throughput(source: Path, reviewed: Path) -> pd.DataFrame:
    """Comparable serving or training rates: one profile = model, precision, token lengths, scenario, variant, metric.

    Only points meant as capacity are used (maximum-throughput sweeps, MLPerf, published training rates); hosts and
    providers of the same accelerator and device count are merged by the median.
    """
    rows = read_csv(source / "catalogue/throughput.csv")
    alias = read_csv(reviewed / "model_aliases.csv").set_index("raw").model
    meant = rows.scenario.isin(CAPACITY_SCENARIOS) & rows.accelerator.ne("CPU")
    rows = rows[meant & rows.metric.ne("prompt_tokens_per_s")]
    rows = rows.assign(
        canonical=rows.model.map(alias).fillna(rows.model),
        precision=rows.precision.replace({"None": np.nan}).fillna("unstated").map(_precision),
        variant=np.where(rows.scenario.str.startswith("mlperf"), rows.notes.fillna("").str.split(";").str[0], ""),
        release=rows.source.str.extract(r"inference_results_(v[\d.]+)", expand=False).fillna(""),
        open_division=rows.notes.fillna("").str.contains("OPEN division"),
    )
    devices = rows.accel_count.replace({0.333: 1 / 3})
    # a client with a capped number of requests drove one replica, on as many devices as the heads can be split over
    split = rows.notes.fillna("").str.extract(r"^tp=(\d+) dp=1\b", expand=False).astype(float)
    rows["replica_devices"] = split.where(devices >= 1)
    rows["requests"] = rows.concurrency.where(rows.scenario.eq("max-throughput") & split.notna())
    training = rows.metric.eq("train_tokens_per_s")
    # published per chip at pod scale: kept per chip, so that a gang of any size can be counted
    rows["devices"] = devices.where(~training, 1.0).round(6)
    rows["units"] = rows.value_total.where(~training, rows.value_per_accelerator)
    rows["scenario"] = rows.scenario.where(~rows.open_division, rows.scenario + " (open division)")
    tokens = [
        "-" if pd.isna(a) and pd.isna(b) else f"{'?' if pd.isna(a) else int(a)}+{'?' if pd.isna(b) else int(b)}"
        for a, b in zip(rows.input_tokens, rows.output_tokens, strict=True)
    ]
    label = (rows.scenario + " " + rows.variant + " " + rows.release).str.split().str.join(" ")
    rows["profile_id"] = [
        "|".join((m, p, t, s, q))
        for m, p, t, s, q in zip(rows.canonical, rows.precision, tokens, label, rows.metric, strict=True)
    ]
    keys = ["profile_id", "canonical", "precision", "input_tokens", "output_tokens", "scenario", "variant", "release",
            "metric", "accelerator", "devices"]
    merged = rows.groupby(keys, dropna=False, sort=True).agg(
        replica_devices=("replica_devices", "median"), requests=("requests", "median"),
        units_per_s=("units", "median"), rows_merged=("units", "size"), params_b=("params_b", "max"),
        workload_class=("workload_class", "first"), source=("source", "first"), licence=("licence", "first"),
        training=("metric", lambda s: s.iloc[0] == "train_tokens_per_s"),
    ).reset_index()
    found = pd.DataFrame({
        "profile_id": merged.profile_id,
        "model": merged.canonical,
        "params_b": merged.params_b,
        "workload_class": merged.workload_class,
        "precision": merged.precision,
        "input_tokens": merged.input_tokens.astype("Int64"),
        "output_tokens": merged.output_tokens.astype("Int64"),
        "scenario": merged.scenario,
        "variant": merged.variant,
        "release": merged.release,
        "metric": merged.metric,
        "accelerator": merged.accelerator,
        "devices": merged.devices,
        "replica_devices": merged.replica_devices,
        "requests": merged.requests.round(2),
        "units_per_s": merged.units_per_s.round(4),
        "rows_merged": merged.rows_merged,
        "quality": np.where(merged.training, "derived", "measured"),
        "source": merged.source,
        "licence": merged.licence,
    })
    order = ["profile_id", "accelerator", "devices"]
    return pd.concat([found, _embeddings(source)], ignore_index=True).sort_values(order, ignore_index=True)


def _embeddings(source: Path) -> pd.DataFrame:
    """Saturated embedding servers, in sequences per second at their mean length; engines merged by the median. Rows
    that their source calls a lower bound stay out.
    """
    rows = read_csv(source / "additions/throughput/serving_measurements.csv")
    whole = rows.load.str.startswith("saturated") & ~rows.note.fillna("").str.contains("lower bound|not in the bundled")
    rows = rows[rows.samples_per_s.notna() & rows.licence.eq("MIT") & whole & rows.hf_id.notna()]
    sizes = read_csv(source / "additions/throughput/models.csv").drop_duplicates("hf_id").set_index("hf_id")
    merged = rows.groupby(["hf_id", "precision", "input_tokens", "accelerator", "count"], sort=True).agg(
        units_per_s=("samples_per_s", "median"), rows_merged=("samples_per_s", "size"), source=("source", "first"),
        licence=("licence", "first"),
    ).reset_index()  # fmt: skip
    tokens = merged.input_tokens.astype(int)
    name = merged.hf_id + "|" + merged.precision + "|" + tokens.astype(str) + "+0|max-throughput|samples_per_s"
    return pd.DataFrame({
        "profile_id": name, "model": merged.hf_id, "params_b": merged.hf_id.map(sizes.total_params_b),
        "workload_class": "embedding", "precision": merged.precision, "input_tokens": tokens.astype("Int64"),
        "scenario": "max-throughput", "variant": "", "release": "", "metric": "samples_per_s",
        "accelerator": merged.accelerator, "devices": merged["count"].astype(float),
        "units_per_s": merged.units_per_s.round(4), "rows_merged": merged.rows_merged, "quality": "measured",
        "source": merged.source, "licence": merged.licence,
    })  # fmt: skip
