"""Managed endpoints of the catalogue as offers: where the resource sits, where it may process, what it charges.

A row of the catalogue names its resource region or does not, and its scope has countries or does not. What it lacks,
the instance may declare (`catalogue.endpoint_resources`, `catalogue.unspecified_endpoint_scope`); what it states stays.
A row without a region becomes one offer per declared region that lies in its scope.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.catalogue.residency import IN_REGION, lacking, selected_endpoints

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue
    from optimizer.instance.models import Instance

Bools = NDArray[np.bool_]
Objects = NDArray[np.object_]

UNSPECIFIED = "unspecified"
ENERGY = (
    "kwh_per_million_output_tokens", "kwh_per_million_input_tokens", "high_kwh_per_million_output_tokens",
    "high_kwh_per_million_input_tokens",
)  # fmt: skip
"""What the catalogue says of the energy of tokens."""


@dataclass(frozen=True, eq=False)
class Stated:
    """What the instance declares of each endpoint row; [rows].

    `regions`: resource regions or None; `processing`: `region`, `global`, a tuple of countries or None;
    `by`: the fields that say so.
    """

    regions: Objects
    processing: Objects
    by: Objects


def stated_of(instance: Instance, catalogue: Catalogue, table: pd.DataFrame) -> Stated:
    """Return what the instance declares; only rows that lack a figure take a declared one."""
    use = instance.catalogue
    regions, processing, by = (np.full(len(table), value, dtype=object) for value in (None, None, ""))
    no_region, no_scope = lacking(table)
    for k, declaration in enumerate(use.endpoint_resources):
        mask = selected_endpoints(
            catalogue, declaration.provider, declaration.ids, declaration.models, declaration.scopes
        )
        placed = mask & no_region if declaration.regions else np.zeros(len(table), dtype=bool)
        scoped = mask & no_scope if declaration.processing is not None else np.zeros(len(table), dtype=bool)
        for i in np.flatnonzero(placed).tolist():
            regions[i] = declaration.regions
        for i in np.flatnonzero(scoped).tolist():
            processing[i] = declaration.processing
        for i in np.flatnonzero(placed | scoped).tolist():
            by[i] = f"{by[i]}, catalogue.endpoint_resources[{k}]".removeprefix(", ")
    if use.unspecified_endpoint_scope == "global":
        for i in np.flatnonzero(no_scope & np.array([mode is None for mode in processing], dtype=bool)).tolist():
            processing[i] = "global"
            by[i] = f"{by[i]}, catalogue.unspecified_endpoint_scope".removeprefix(", ")
    return Stated(regions, processing, by)


def endpoint_offers(instance: Instance, catalogue: Catalogue, regions: pd.DataFrame) -> pd.DataFrame:
    """Return the catalogue's endpoints as offers, one row per endpoint and resource region.

    `scope_countries` is None where nobody says where it processes; `outside_scope` marks endpoints none of whose
    resource regions lies in their scope, one of the two being declared.
    """
    rows = catalogue.endpoints.reset_index(drop=True)
    stated = stated_of(instance, catalogue, rows)
    at, region_id, declared = _spread_out(rows, stated)
    table, processing = rows.iloc[at].reset_index(drop=True), stated.processing[at]
    country_of = dict(zip(regions.region_id, regions.country, strict=True))
    country = [country_of.get(region) for region in region_id]
    countries = _countries(table, processing, country, regions)
    must_hold = declared | np.array([isinstance(mode, tuple) for mode in processing], dtype=bool)
    inside = np.ones(len(table), dtype=bool)
    for i in np.flatnonzero(must_hold).tolist():
        inside[i] = countries[i] is None or country[i] is None or country[i] in countries[i]
    keep, outside = _inside_only(at, inside)
    no_scope = lacking(table)[1] & np.array([mode is None for mode in processing], dtype=bool)
    local = np.array([mode is not None and mode != "global" for mode in processing], dtype=bool)
    uplift = np.where(local, table.regional_uplift.fillna(1.0).to_numpy(dtype=float), 1.0)
    offers = pd.DataFrame({
        "offer_id": np.where(declared, region_id + ":" + table.endpoint_id, table.endpoint_id),
        "kind": "endpoint",
        "region_id": np.where(outside, "", region_id),
        "provider": table.provider,
        "sku": "",
        "endpoint": table.endpoint_id,
        "model": table.model,
        "model_raw": table.model_raw,
        "mode": table["mode"],
        "devices": 0.0,
        "counted_devices": 0.0,
        "price_quality": table.price_quality,
        "price_date": table.price_date,
        "availability": "verified",
        "retired_on": table.retired_on,
        "scope": [_scope_word(scope, mode) for scope, mode in zip(table.scope, processing, strict=True)],
        "scope_countries": countries,
        "usd_per_million_input_tokens": table.price_usd_per_million_input_tokens * uplift,
        "usd_per_million_output_tokens": table.price_usd_per_million_output_tokens * uplift,
        "power_quality": table.energy_quality,
        **{name: table[name] for name in ENERGY},
        **_embodied(instance, table),
        "declared_by": stated.by[at],
        "outside_scope": outside,
        "scope_unknown": no_scope,
    })
    return offers[keep].reset_index(drop=True)


def _embodied(instance: Instance, table: pd.DataFrame) -> dict[str, pd.Series]:
    """Return embodied carbon per kWh drawn on the instance's basis, at the mid and the high estimate."""
    name = "embodied_vendor_kg_per_kwh" if instance.carbon.embodied == "vendor" else "embodied_kg_per_kwh"
    return {f"{prefix}embodied_kg_per_kwh": table[f"{prefix}{name}"] for prefix in ("", "high_")}


def _countries(
    table: pd.DataFrame, processing: Objects, country: list[str | None], regions: pd.DataFrame
) -> Objects:
    """Return where each row may process: the listed countries, else by scope or declaration; None where unknown."""
    placed = regions[regions.granularity.eq("region")].groupby("provider").country
    everywhere = {provider: frozenset(codes) for provider, codes in placed}
    unlisted = table.scope_countries.isna().to_numpy(dtype=bool)
    countries = table.scope_countries.to_numpy(dtype=object, copy=True)
    scopes, providers = table.scope.to_numpy(dtype=object), table.provider.to_numpy(dtype=object)
    for i in np.flatnonzero(unlisted).tolist():
        own, mode = country[i], processing[i]
        if scopes[i] in IN_REGION or mode == "region":
            countries[i] = frozenset((own,)) if own else None
        elif mode == "global":
            countries[i] = everywhere.get(providers[i])
        else:
            countries[i] = frozenset(mode) if mode is not None else None
    return countries


def _spread_out(rows: pd.DataFrame, stated: Stated) -> tuple[NDArray[np.int64], Objects, Bools]:
    """Return (row, region id, whether it is a declared one) of every endpoint and resource region."""
    own = rows.region_id.fillna("").to_numpy(dtype=object)
    named = np.flatnonzero([names is not None for names in stated.regions])
    copies = np.ones(len(rows), dtype=np.int64)
    copies[named] = [len(stated.regions[i]) for i in named.tolist()]
    at = np.repeat(np.arange(len(rows)), copies)
    region, declared = own[at], np.isin(at, named)
    region[declared] = [name for i in named.tolist() for name in stated.regions[i]]
    return at, region, declared


def _inside_only(at: NDArray[np.int64], inside: Bools) -> tuple[Bools, Bools]:
    """Return which rows stay: those inside, and the first of an endpoint of which none is; and which are the latter."""
    some = np.zeros(at.max() + 1 if len(at) else 0, dtype=bool)
    some[at[inside]] = True
    first = np.ones(len(at), dtype=bool)
    first[1:] = at[1:] != at[:-1]
    outside = ~some[at] & first
    return inside | outside, outside


def _scope_word(scope: str, processing: object) -> str:
    """A declaration takes the place of `unspecified`, and of no other word."""
    if scope != UNSPECIFIED or processing is None:
        return scope
    return processing if isinstance(processing, str) else "countries"
