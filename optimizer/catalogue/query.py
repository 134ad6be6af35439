"""Listings for the command line: pure functions from a catalogue and filters to a small table.

Filters are exact ids (unknown ones raise `InputError`) unless a docstring says otherwise; `None` means no filter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.catalogue.residency import lacking
from optimizer.catalogue.select import unknown_ids
from optimizer.catalogue.throughput import LEVELS, SAMPLE_OF_CLASS
from optimizer.errors import InputError
from optimizer.laws.codes import check_place

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue
    from optimizer.catalogue.speeds import Speeds

NOT_LISTED = "not listed"
COUNTRIES_SHOWN = 6


def require_known(kind: str, asked: Sequence[str] | None, known: pd.Index | pd.Series | set[str]) -> None:
    """Raise InputError that names every id asked for which is not known."""
    issues = unknown_ids(kind, asked or (), sorted({str(k) for k in known}))
    if issues:
        raise InputError(issues)


def _keep(frame: pd.DataFrame, column: str, asked: Sequence[str] | None) -> pd.DataFrame:
    return frame if asked is None else frame[frame[column].isin(list(asked))]


def _joined(cells: pd.Series) -> list[str]:
    return ["" if c is None else "|".join(sorted(c)) for c in cells]


def list_providers(
    catalogue: Catalogue,
    *,
    country: Sequence[str] | None = None,
    control_excludes: Sequence[str] = (),
    strict: bool = False,
) -> pd.DataFrame:
    """Operators, by headquarters country; `control_excludes` drops those the named countries control or may reach.

    With `strict` any known exposure counts, else ownership; a provider whose control is unknown fails either test.
    """
    rows = catalogue.providers
    require_known("headquarters country", country, set(rows.hq_country))
    rows = _keep(rows, "hq_country", country)
    problems = [check_place(code, "control_excludes") for code in control_excludes]
    if any(problems):
        raise InputError([problem for problem in problems if problem is not None])
    if control_excludes:
        column = "control_strict" if strict else "control_ownership"
        free = [not (set(control_excludes) & cell) for cell in rows[column]]
        rows = rows[rows.control_known & pd.Series(free, index=rows.index)]
    regions = catalogue.regions.provider.value_counts()
    offers = catalogue.offers.provider.value_counts()
    return pd.DataFrame({
        "provider": rows.provider,
        "name": rows["name"],
        "hq_country": rows.hq_country,
        "control_ownership": _joined(rows.control_ownership),
        "control_strict": _joined(rows.control_strict),
        "control_known": rows.control_known,
        "bis_hq_test": rows.bis_hq_test,
        "certification": rows.certification,
        "regions": rows.provider.map(regions).fillna(0).astype(int),
        "offers": rows.provider.map(offers).fillna(0).astype(int),
    }).reset_index(drop=True)


def list_regions(
    catalogue: Catalogue,
    *,
    provider: Sequence[str] | None = None,
    country: Sequence[str] | None = None,
    access: Sequence[str] | None = None,
    accelerator: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Regions with grid intensity, PUE and the number of offers; `accelerator` keeps regions with an offer of one."""
    rows = catalogue.regions
    require_known("provider", provider, catalogue.providers.index)
    require_known("country", country, set(rows.country))
    require_known("access class", access, set(rows.access))
    require_known("accelerator", accelerator, catalogue.accelerators.index)
    for column, asked in (("provider", provider), ("country", country), ("access", access)):
        rows = _keep(rows, column, asked)
    offers = _keep(catalogue.offers, "accelerator", accelerator)
    if accelerator is not None:
        rows = rows[rows.index.isin(offers.region_id)]
    columns = ["region_id", "name", "country", "subdivision", "access", "grid_zone", "grid_lifecycle_g_per_kwh", "pue",
               "pue_quality"]  # fmt: skip
    out = rows[columns].copy()
    out["offers"] = out.region_id.map(offers.region_id.value_counts()).fillna(0).astype(int)
    return out.reset_index(drop=True)


def list_offers(
    catalogue: Catalogue,
    *,
    provider: Sequence[str] | None = None,
    region: Sequence[str] | None = None,
    country: Sequence[str] | None = None,
    accelerator: Sequence[str] | None = None,
    purchase: str | None = None,
    availability: Sequence[str] | None = None,
    max_usd_per_device_hour: float | None = None,
) -> pd.DataFrame:
    """Offers, cheapest per device first (instances without devices last, by price)."""
    rows = catalogue.offers
    require_known("provider", provider, catalogue.providers.index)
    require_known("region", region, catalogue.regions.index)
    require_known("country", country, set(catalogue.regions.country))
    require_known("accelerator", accelerator, catalogue.accelerators.index)
    for column, asked in (("provider", provider), ("region_id", region), ("accelerator", accelerator),
                          ("availability", availability)):  # fmt: skip
        rows = _keep(rows, column, asked)
    if purchase is not None:
        rows = _keep(rows, "purchase", [purchase])
    out = rows[["offer_id", "region_id", "sku", "accelerator", "devices", "purchase", "price_usd_per_hour",
                "price_quality", "price_date", "availability"]].copy()  # fmt: skip
    out.insert(2, "country", out.region_id.map(catalogue.regions.country))
    if country is not None:
        out = out[out.country.isin(list(country))]
    out["usd_per_device_hour"] = out.price_usd_per_hour / out.devices.where(out.devices > 0)
    if max_usd_per_device_hour is not None:
        out = out[out.usd_per_device_hour <= max_usd_per_device_hour]
    return out.sort_values(["usd_per_device_hour", "price_usd_per_hour", "offer_id"], ignore_index=True)


def list_commitments(
    catalogue: Catalogue,
    *,
    provider: Sequence[str] | None = None,
    region: Sequence[str] | None = None,
    sku: Sequence[str] | None = None,
    term_months: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Commitments for sale, by region and SKU, lowest price per hour of the term first.

    `usd_per_hour_of_term` spreads what is paid at once over the term; `of_on_demand` is its part of that on demand.
    """
    rows = catalogue.commitments
    require_known("provider", provider, catalogue.providers.index)
    require_known("region", region, catalogue.regions.index)
    require_known("SKU", sku, set(rows.sku))
    wanted = (("provider", provider), ("region_id", region), ("sku", sku), ("term_months", term_months))
    for column, asked in wanted:
        rows = rows if asked is None else rows[rows[column].isin(list(asked))]
    out = rows[["commitment_id", "region_id", "sku", "kind", "plan", "term_months", "payment", "usd_per_hour",
                "upfront_usd", "price_date", "price_quality", "source"]].copy()  # fmt: skip
    out["usd_per_hour_of_term"] = out.usd_per_hour + out.upfront_usd / (730.0 * out.term_months)
    on_demand = (out.region_id + ":" + out.sku + ":on_demand").map(catalogue.offers.price_usd_per_hour)
    out["of_on_demand"] = out.usd_per_hour_of_term / on_demand
    return out.sort_values(["region_id", "sku", "usd_per_hour_of_term"], ignore_index=True)


def list_accelerators(
    catalogue: Catalogue, *, software: Sequence[str] | None = None, min_memory_gb: float | None = None
) -> pd.DataFrame:
    """Devices with memory, power and export figures, and how many offers carry them."""
    rows = catalogue.accelerators
    require_known("software stack", software, set(rows.software))
    rows = _keep(rows, "software", software)
    if min_memory_gb is not None:
        rows = rows[rows.memory_gb >= min_memory_gb]
    out = rows[["accelerator", "vendor", "software", "memory_gb", "memory_bandwidth_gb_per_s", "tpp", "idle_kw",
                "load_kw", "power_quality", "embodied_kg", "release_year"]].copy()  # fmt: skip
    counts = catalogue.offers.accelerator.value_counts()
    out["offers"] = out.accelerator.map(counts).fillna(0).astype(int)
    return out.reset_index(drop=True)


def _places(codes: Sequence[str]) -> str:
    return ", ".join(codes) if len(codes) <= COUNTRIES_SHOWN else f"{len(codes)} countries"


def list_endpoints(
    catalogue: Catalogue,
    *,
    provider: Sequence[str] | None = None,
    model: str | None = None,
    scope: Sequence[str] | None = None,
    region: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Managed endpoints, cheapest input price first; `model` is a canonical name, an alias or a part of a name.

    `resource` and `processing` say in words where the resource sits and where it processes, and what is not listed.
    """
    rows = catalogue.endpoints
    require_known("provider", provider, catalogue.providers.index)
    require_known("scope", scope, set(rows.scope))
    require_known("region", region, catalogue.regions.index)
    for column, asked in (("provider", provider), ("scope", scope), ("region_id", region)):
        rows = _keep(rows, column, asked)
    if model is not None:
        name = catalogue.canonical_model(model)
        exact = rows.model.eq(name)
        rows = rows[exact if exact.any() else rows.model.str.contains(model, case=False, regex=False)]
    out = rows[["endpoint_id", "provider", "model", "mode", "scope", "region_id", "price_usd_per_million_input_tokens",
                "price_usd_per_million_output_tokens", "price_date", "retired_on"]].copy()  # fmt: skip
    out.insert(6, "scope_countries", _joined(rows.scope_countries))
    no_region, no_scope = lacking(rows)
    out["resource"] = out.region_id.where(~no_region, NOT_LISTED)
    out["processing"] = [
        NOT_LISTED if unknown else "where the resource is" if not codes else _places(codes.split("|"))
        for codes, unknown in zip(out.scope_countries, no_scope, strict=True)
    ]
    return out.sort_values(["price_usd_per_million_input_tokens", "endpoint_id"], ignore_index=True)


def list_throughput(
    catalogue: Catalogue,
    *,
    model: str,
    accelerator: Sequence[str] | None = None,
    precision: str | None = None,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
    concurrency: int | None = None,
    ttft_ms: float | None = None,
    tpot_ms: float | None = None,
) -> pd.DataFrame:
    """How fast a model serves at a shape on whole systems of devices: within objectives, at a concurrency, else
    saturated; which systems miss the objectives; then the curves of the shape, what was measured at any shape, and
    what is quarantined, with the reason as its source.
    """
    from optimizer.catalogue.speeds import Objectives, SpeedRequest, find_speeds

    require_known("accelerator", accelerator, catalogue.accelerators.index)
    name = catalogue.canonical_model(model)
    objectives = Objectives(ttft_ms, tpot_ms)
    asked = SpeedRequest(model, None, precision, input_tokens, output_tokens, requests=concurrency,
                         objectives=objectives)  # fmt: skip
    known = name in set(catalogue.throughput.model)
    shaped = input_tokens is not None and output_tokens is not None
    parts = []
    if known or shaped or objectives.some or name not in catalogue.architectures.index:
        found = find_speeds(catalogue, asked)
        parts += [_at_shape(found.rows, input_tokens, output_tokens), _missed(found, input_tokens, output_tokens)]
    parts.append(_curve(catalogue, name, input_tokens, output_tokens))
    for table, level, source in (
        (catalogue.throughput, "point", "source"), (catalogue.serving, "point", "source"),
        (catalogue.quarantined, "quarantined", "reason"),
    ):  # fmt: skip
        rows = table[table.model.eq(name)]
        columns = ["accelerator", "devices", "input_tokens", "output_tokens", "precision", "requests"]
        points = rows.reindex(columns=columns)
        parts.append(points.assign(level=level, likely_per_s=rows.units_per_s, source=rows[source]))
    filled = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    out = _keep(filled, "accelerator", accelerator)
    order = ["accelerator", "devices", "level", "precision", "input_tokens", "output_tokens", "counts_per_s",
             "low_per_s", "likely_per_s", "high_per_s", "requests", "ttft_ms", "tpot_ms", "source"]  # fmt: skip
    rank = out.level.map({level: k for k, level in enumerate((*LEVELS, "missed", "curve", "point", "quarantined"))})
    by = ["rank", "accelerator", "devices", "input_tokens", "output_tokens", "requests"]
    out = out.reindex(columns=order).assign(rank=rank.clip(lower=2))
    return out.sort_values(by, ignore_index=True).reindex(columns=order)


def _at_shape(rows: pd.DataFrame, input_tokens: int | None, output_tokens: int | None) -> pd.DataFrame:
    """Return the figures of a shape with the range they have; an estimate counts at its low end."""
    rows = rows.sort_values("level", key=lambda s: s.map({level: k for k, level in enumerate(LEVELS)}), kind="stable")
    best = rows.drop_duplicates(["accelerator", "devices"])
    likely = best.units_per_s * best.spread.where(best.level.eq("estimated"), 1.0)
    return best[["accelerator", "devices", "level", "requests", "ttft_ms", "tpot_ms", "source"]].assign(
        input_tokens=np.nan if input_tokens is None else input_tokens,
        output_tokens=np.nan if output_tokens is None else output_tokens,
        precision="", counts_per_s=best.units_per_s, low_per_s=likely / best.spread, likely_per_s=likely,
        high_per_s=likely * best.spread,
    )  # fmt: skip


def _missed(found: Speeds, input_tokens: int | None, output_tokens: int | None) -> pd.DataFrame:
    """Return the systems that miss the objectives, with the nearest they come."""
    rows = [
        {"accelerator": chip, "devices": devices, "level": "missed", "precision": "", "input_tokens": input_tokens,
         "output_tokens": output_tokens, "requests": point.requests, "ttft_ms": point.ttft_ms,
         "tpot_ms": point.tpot_ms, "source": "the nearest it comes to the objectives"}
        for (chip, devices), point in found.missed.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _curve(catalogue: Catalogue, name: str, input_tokens: int | None, output_tokens: int | None) -> pd.DataFrame:
    """Return the measured points of concurrency sweeps of a model, at the shape that is asked for."""
    rows = catalogue.curve_points
    rows = rows[rows.model.eq(name)]
    for column, value in (("input_tokens", input_tokens), ("output_tokens", output_tokens)):
        rows = rows if value is None else rows[rows[column].eq(value)]
    seconds = (rows.ttft_ms + rows.tpot_ms * (rows.output_tokens - 1)) / 1000
    columns = ["accelerator", "devices", "precision", "input_tokens", "output_tokens", "requests", "ttft_ms",
               "tpot_ms"]  # fmt: skip
    speed = rows.requests * rows.output_tokens / seconds
    return rows[columns].assign(level="curve", source=rows.engine, likely_per_s=speed)


def list_models(catalogue: Catalogue, *, accelerator: Sequence[str] | None = None) -> pd.DataFrame:
    """Models with measured throughput: one row per profile, its accelerators, whether it is the default."""
    rows = catalogue.throughput
    require_known("accelerator", accelerator, catalogue.accelerators.index)
    profiles = set(_keep(rows, "accelerator", accelerator).profile_id)
    rows = rows[rows.profile_id.isin(profiles)]
    defaults = set(catalogue.default_profiles.profile_id)
    many = rows.groupby("model").profile_id.transform("nunique").gt(1)
    grouped = rows.assign(many=many).groupby("profile_id", sort=True)
    out = grouped.agg(
        model=("model", "first"), params_b=("params_b", "first"), precision=("precision", "first"),
        input_tokens=("input_tokens", "first"), output_tokens=("output_tokens", "first"), metric=("metric", "first"),
        accelerators=("accelerator", lambda s: "|".join(sorted(set(s)))), many=("many", "first"),
        workload_class=("workload_class", "first"),
    ).reset_index()  # fmt: skip
    sampled = out.metric.eq("samples_per_s")
    out["unit"] = out.workload_class.map(SAMPLE_OF_CLASS).fillna("samples").where(sampled, "tokens")
    out["default"] = out.profile_id.isin(defaults) | ~out.many
    order = ["model", "metric", "unit", "default", "profile_id", "params_b", "precision", "input_tokens",
             "output_tokens", "accelerators"]  # fmt: skip
    return out[order].sort_values(["model", "metric", "default", "profile_id"], ascending=[True, True, False, True],
                                  ignore_index=True)  # fmt: skip
