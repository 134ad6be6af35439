"""Second-best figures: shipped with citation, and marked `fallback` wherever they are used.

Those for power and PUE are on by default (`CAUTIOUS_FALLBACKS`), at their cautious end: of a PUE that nobody publishes
the survey's average of all data centres, which lies above the company averages.

kind                what is filled
pue_fleet           regions.pue with the operator's company average
pue_industry        regions.pue with a survey average (after pue_fleet, if both are on)
wue_fleet           regions.wue_l_per_kwh with the operator's company average
water_world         regions.water_l_per_kwh_grid with the world average
accelerator_power   accelerators.load_kw of devices whose maker publishes none
idle_power          accelerators.idle_kw as a share of full load
host_power          host power of SKUs of clouds without a fit of their own
host_embodied       host embodied carbon of the same SKUs
embodied_generic    skus.embodied_kg modelled with a generic card
throughput_neuron   nothing: lets speeds on Neuron devices be estimated, where nothing is measured at saturation
endpoint_energy     kWh per million tokens of endpoints, and embodied carbon per kWh, by the size class of their model;
                    on by default
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.errors import InputError, Issue
from optimizer.instance.world import CAUTIOUS_FALLBACKS

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue

ENDPOINT_ENERGY = "endpoint_energy"
Tables = dict[str, pd.DataFrame]
Rows = pd.DataFrame


def apply_fallbacks(catalogue: Catalogue, kinds: Sequence[str]) -> Catalogue:
    """Return the catalogue with missing figures of the named kinds filled; known figures are never touched.

    Raises `InputError` naming every unknown kind; those that are on by default need not be in the catalogue's table.
    """
    table = catalogue.fallbacks
    energy = catalogue.later["endpoint_energy"]()
    known = [k for k in _STEPS if k in set(table.kind) or (k == ENDPOINT_ENERGY and len(energy))]
    unknown = [k for k in dict.fromkeys(kinds) if k not in known and k not in CAUTIOUS_FALLBACKS]
    if unknown:
        advice = f"use one of {', '.join(known)}"
        raise InputError([Issue(f"unknown fallback kind {k!r}", maybe=advice) for k in unknown])
    wanted = {*kinds, *catalogue.fallback_kinds}
    tables: Tables = {name: frame.copy() for name, frame in catalogue.tables.items()}
    for kind, step in _STEPS.items():
        if kind in wanted and kind in known:
            step(tables, energy if kind == ENDPOINT_ENERGY else table[table.kind.eq(kind)])
    wanted &= set(known)
    if wanted & {"accelerator_power", "idle_power", "host_power"}:
        _recompute_power(tables["skus"], tables["accelerators"])
    if "host_embodied" in wanted:
        _recompute_embodied(tables["skus"], tables["accelerators"])
    return replace(catalogue, tables=tables, fallback_kinds=tuple(k for k in _STEPS if k in wanted))


def _fill(frame: pd.DataFrame, column: str, values: pd.Series, quality: str) -> None:
    """Fill NaN cells of a column and mark the rows that were filled."""
    filled = frame[column].isna() & values.notna()
    frame.loc[filled, column] = values[filled]
    frame.loc[filled, quality] = "fallback"


def _regions(column: str, quality: str) -> Callable[[Tables, Rows], None]:
    def step(tables: Tables, rows: Rows) -> None:
        regions = tables["regions"]
        value = rows.set_index("target").value
        values = regions.provider.map(value).astype(float).fillna(value.get("*", np.nan))
        _fill(regions, column, values, quality)

    return step


def _accelerator_power(tables: Tables, rows: Rows) -> None:
    devices = tables["accelerators"]
    values = pd.Series(devices.index, index=devices.index).map(rows.set_index("target").value).astype(float) / 1000
    filled = devices.load_kw.isna() & values.notna()
    devices.loc[filled, "load_kw"] = values[filled]
    devices.loc[filled & devices.idle_kw.notna(), "power_quality"] = "fallback"


def _idle_power(tables: Tables, rows: Rows) -> None:
    devices = tables["accelerators"]
    _fill(devices, "idle_kw", devices.load_kw * float(rows.value.iloc[0]), "power_quality")


def _host(columns: dict[str, tuple[str, str]], scale: float) -> Callable[[Tables, Rows], None]:
    """Fill host columns of SKUs from per-vCPU and per-GB rates; `scale` turns the rate's unit into the column's."""

    def step(tables: Tables, rows: Rows) -> None:
        skus = tables["skus"]
        rate = rows.set_index("field").value
        for column, (per_vcpu, per_gb) in columns.items():
            values = (skus.vcpu * rate[per_vcpu] + skus.ram_gb * rate[per_gb]) * scale
            skus[column] = skus[column].fillna(values)

    return step


def _per_device(skus: pd.DataFrame, devices: pd.DataFrame, column: str) -> pd.Series:
    """Devices × figure of one device; 0 for SKUs without accelerator, NaN where the device's figure is missing."""
    each = skus.accelerator.map(devices[column]).astype(float)
    return (skus.devices * each).where(skus.accelerator.ne(""), 0.0)


def _recompute_power(skus: pd.DataFrame, devices: pd.DataFrame) -> None:
    """IT power of SKUs that had none: host + devices, once both are known at idle and at load."""
    idle = skus.host_idle_kw + _per_device(skus, devices, "idle_kw")
    load = skus.host_load_kw + _per_device(skus, devices, "load_kw")
    filled = skus.idle_kw.isna() & idle.notna() & load.notna()
    skus.loc[filled, "idle_kw"] = idle[filled]
    skus.loc[filled, "load_kw"] = load[filled]
    skus.loc[filled, "power_quality"] = "fallback"


def _recompute_embodied(skus: pd.DataFrame, devices: pd.DataFrame) -> None:
    _fill(skus, "embodied_kg", skus.host_embodied_kg + _per_device(skus, devices, "embodied_kg"), "embodied_quality")


def _embodied_generic(tables: Tables, rows: Rows) -> None:
    skus = tables["skus"]
    _fill(skus, "embodied_kg", (skus.provider + ":" + skus.sku).map(rows.set_index("target").value).astype(float),
          "embodied_quality")  # fmt: skip


def _endpoint_energy(tables: Tables, rows: Rows) -> None:
    """Fill the energy of endpoints, and embodied carbon per kWh, by size class, at the mid and the high estimate."""
    endpoints = tables["endpoints"]
    empty = endpoints.kwh_per_million_output_tokens.isna()
    for name in ("kwh_per_million_output_tokens", "kwh_per_million_input_tokens", "embodied_kg_per_kwh",
                 "embodied_vendor_kg_per_kwh"):  # fmt: skip
        for prefix, estimate in (("", "mid"), ("high_", "high")):
            values = endpoints.size_class.map(rows[f"{name}_{estimate}"]).astype(float)
            endpoints[prefix + name] = endpoints[prefix + name].fillna(values)
    filled = empty & endpoints.kwh_per_million_output_tokens.notna()
    endpoints.loc[filled, "energy_quality"] = "estimated"


def _allowed(tables: Tables, rows: Rows) -> None:
    """Fill nothing: the kind alone lets speeds be estimated, see `optimizer.catalogue.speeds`."""


_STEPS: dict[str, Callable[[Tables, Rows], None]] = {
    "pue_fleet": _regions("pue", "pue_quality"),
    "pue_industry": _regions("pue", "pue_quality"),
    "wue_fleet": _regions("wue_l_per_kwh", "wue_quality"),
    "water_world": _regions("water_l_per_kwh_grid", "water_quality"),
    "accelerator_power": _accelerator_power,
    "idle_power": _idle_power,
    "host_power": _host(
        {"host_idle_kw": ("host_idle_w_per_vcpu", "host_idle_w_per_gb"),
         "host_load_kw": ("host_load_w_per_vcpu", "host_load_w_per_gb")}, 0.001),
    "host_embodied": _host({"host_embodied_kg": ("host_kg_per_vcpu", "host_kg_per_gb")}, 1.0),
    "embodied_generic": _embodied_generic,
    "throughput_neuron": _allowed,
    ENDPOINT_ENERGY: _endpoint_energy,
}  # fmt: skip
