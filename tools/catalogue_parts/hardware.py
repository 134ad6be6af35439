"""Accelerators, SKUs and offers: what a device is, what an instance draws, what it costs."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pandas as pd

from catalogue_parts.common import read_csv

SOFTWARE = {
    "CUDA": "cuda",
    "CUDA (Arm host)": "cuda",
    "CUDA (legacy)": "cuda",
    "ROCm": "rocm",
    "ROCm (legacy)": "rocm",
    "ROCm (limited)": "rocm",
    "Habana SynapseAI": "gaudi",
    "Neuron": "neuron",
    "XLA/JAX": "tpu",
    "Qualcomm AI": "qaic",
    "PPU SDK (CUDA-like)": "ppu",
    "HanGuangAI": "hanguang",
    "CANN": "cann",
    "XPU/Paddle": "paddle",
    "unknown": "unknown",
}
VENDOR_COUNTRY = {
    "NVIDIA": "US",
    "NVIDIA (undisclosed)": "US",
    "AMD": "US",
    "Intel": "US",
    "AWS": "US",
    "Google": "US",
    "Qualcomm": "US",
    "Alibaba T-Head": "CN",
    "Huawei": "CN",
    "Baidu Kunlunxin": "CN",
}
LIFETIME_HOURS = 52_560  # 6 years, the life in the Boavizta rows of the source
EXACT_FRACTION = {0.125: 1 / 8, 0.167: 1 / 6, 0.25: 1 / 4, 0.333: 1 / 3, 0.5: 1 / 2, 0.667: 2 / 3}
BAND_MIDPOINT = {"<5%": 0.025, "5-10%": 0.075, "10-15%": 0.125, "15-20%": 0.175, ">20%": 0.25}
# cloud whose own non-GPU machines the host fit was made on; government and China partitions use the same machines
HOST_FIT = {
    "aws": "aws", "aws-us-gov": "aws", "aws-cn": "aws", "aws-eusc": "aws",
    "azure": "azure", "azure-us-gov": "azure", "azure-cn": "azure", "gcp": "gcp",
}  # fmt: skip


def build_accelerators(source: Path, reviewed: Path) -> pd.DataFrame:
    """Device facts with power and embodied carbon joined through the reviewed alias table."""
    devices = read_csv(source / "catalogue/accelerators.csv")
    power = read_csv(source / "environment/sku_power.csv")
    power = power[power.kind.eq("accelerator")].set_index("sku")
    alias = read_csv(reviewed / "accelerator_aliases.csv").set_index("accelerator")
    missing = set(alias.power_name.dropna()) - set(power.index)
    if missing:
        raise SystemExit(f"aliases to power rows that do not exist: {sorted(missing)}")
    name = devices.accelerator.map(alias.power_name)
    use_power = devices.accelerator.map(alias.use_power).eq("yes")
    factor = devices.accelerator.map(alias.embodied_factor)
    idle = (name.map(power.idle_w).where(use_power)).fillna(devices.measured_idle_w)
    peak = (name.map(power.p100_w).where(use_power)).fillna(devices.measured_power_limit_w)
    seen = name.map(power.p100_w).where(use_power)
    measured = idle.notna() & (seen >= devices.tdp_w.fillna(0.0))
    load = np.fmax(peak, devices.tdp_w)  # of one workload seen, and of the rating, the higher
    curve = name.map(power.power_basis).fillna("").str.contains("Teads curve") & use_power
    vendor = name.map(power.embodied_kgco2e).where(name.map(power.embodied_basis).fillna("").str.startswith("vendor"))
    embodied = name.map(power.embodied_boavizta_kgco2e) * factor
    fixes = read_csv(reviewed / "accelerator_corrections.csv")
    fixed = {name: rows.set_index("accelerator").value for name, rows in fixes.groupby("column")}
    tpp = pd.to_numeric(devices.accelerator.map(fixed["tpp"])).fillna(devices.tpp_computed)
    dies = read_csv(reviewed / "accelerator_density.csv").set_index("accelerator")
    mib = read_csv(reviewed / "accelerator_memory.csv").set_index("accelerator").memory_mib
    return pd.DataFrame({
        "accelerator": devices.accelerator,
        "vendor": devices.vendor,
        "software": devices.software_stack.map(SOFTWARE),
        "memory_gb": devices.memory_gb,
        "usable_memory_gb": (devices.accelerator.map(mib) * 2**20 / 1e9).round(2),
        "memory_bandwidth_gb_per_s": devices.mem_bandwidth_gb_s,
        "tpp": tpp,
        "performance_density": (tpp / devices.accelerator.map(dies.die_mm2)).round(2),
        "density_quality": devices.accelerator.map(dies.quality).fillna("missing"),
        "density_source": devices.accelerator.map(dies.citation),
        "tdp_w": devices.tdp_w,
        "release_year": devices.release_year.astype("Int64"),
        "vendor_country": devices.vendor.map(VENDOR_COUNTRY),
        "idle_kw": (idle / 1000).round(5),
        "load_kw": (load / 1000).round(5),
        "power_quality": np.select(
            [idle.isna() | load.isna(), curve, measured], ["missing", "estimated", "measured"], "derived"),
        "power_source": np.where(use_power & name.map(power.idle_w).notna(), name.map(power.power_source),
                                 np.where(idle.notna(), "nvidia-smi captures, SpareCores sc-inspector-data", "")),
        "embodied_kg": embodied.round(2),
        "embodied_vendor_kg": vendor * factor,
        "embodied_quality": np.where(embodied.notna(), "estimated", "missing"),
        "export_note": devices.accelerator.map(fixed["export_note"]).fillna(devices.export_note),
        "source": devices.spec_source,
    })


def _fits(source: Path) -> dict[tuple[str, str], tuple[float, float]]:
    """Host coefficients (per vCPU, per GB) by cloud and target."""
    table = read_csv(source / "environment/power_model_coefficients.csv")
    found = {}
    for row in table[table.model.str.startswith("boavizta_")].itertuples(index=False):
        found[row.model.split("_")[1], row.target] = (float(row.per_vcpu), float(row.per_gb_memory))
    return found


def _cards(skus: pd.DataFrame, reviewed: Path) -> pd.DataFrame:
    """Which SKUs have accelerators that are cards, or may be; the full load of one where it is not the module's."""
    cards = read_csv(reviewed / "machines_without_module_board.csv")
    rules = list(zip(cards.provider, cards.sku, cards.device_load_kw, strict=True))
    matched = [
        next((load for p, pattern, load in rules if provider == p and fnmatch(sku, pattern)), None)
        for provider, sku in zip(skus.provider, skus.sku, strict=True)
    ]
    return pd.DataFrame({"card": [load is not None for load in matched], "load_kw": matched}, index=skus.index)


def build_skus(source: Path, reviewed: Path, accelerators: pd.DataFrame) -> pd.DataFrame:
    """SKUs with whole-instance IT power and embodied carbon.

    Power: of machines with a module board each accelerator's part of the host (`machine_power.csv`) + the device, of
    whatever size the SKU; of others an instance row, else host fit + devices, else missing.
    """
    skus = read_csv(source / "catalogue/skus.csv")
    for fix in read_csv(reviewed / "sku_corrections.csv").itertuples(index=False):
        skus.loc[skus.provider.eq(fix.provider) & skus.sku.eq(fix.sku), fix.column] = fix.value
    machines = read_csv(reviewed / "machine_power.csv").set_index("accelerator")
    instance = read_csv(source / "environment/sku_power.csv")
    instance = instance[instance.kind.eq("instance")].set_index(["provider", "sku"])
    owner = skus.provider.map(HOST_FIT).fillna(skus.provider)
    row = instance.reindex(pd.MultiIndex.from_arrays([owner, skus.sku])).reset_index(drop=True)
    device = accelerators.set_index("accelerator")
    count = skus.accelerator_count.replace(EXACT_FRACTION).where(skus.accelerator.notna(), 0.0)
    fits = _fits(source)

    def host(target: str) -> pd.Series:
        per = [fits.get((HOST_FIT.get(p, ""), target), (np.nan, np.nan)) for p in skus.provider]
        return skus.vcpu * [a for a, _ in per] + skus.ram_gb * [b for _, b in per]

    def devices(column: str) -> pd.Series:
        return (count * skus.accelerator.map(device[column])).where(skus.accelerator.notna(), 0.0)

    # Teads rows of Neuron machines hold the host alone: their accelerator has no watts anywhere
    neuron = skus.accelerator.map(device.software).eq("neuron")
    cards = _cards(skus, reviewed)
    board = skus.accelerator.isin(machines.index) & ~cards.card
    teads = row.power_basis.fillna("").str.startswith("Teads") & ~neuron & ~board
    host_idle = row.host_idle_w.fillna(host("host_idle_w")) / 1000
    host_load = row.host_p100_w.fillna(host("host_p100_w")) / 1000
    host_idle = host_idle.mask(board, count * skus.accelerator.map(machines.host_idle_kw))
    host_load = host_load.mask(board, count * skus.accelerator.map(machines.host_load_kw))
    idle_kw = (row.idle_w / 1000).where(teads, host_idle + devices("idle_kw"))
    device_load = (count * cards.load_kw.astype(float)).fillna(devices("load_kw"))
    load_kw = (row.p100_w / 1000).where(teads, host_load + device_load)
    known = idle_kw.notna() & load_kw.notna()
    listed = row.host_idle_w.notna()
    generic = row.note.fillna("").str.contains("generic GPU")
    embodied = row.embodied_boavizta_kgco2e.where(~generic)
    embodied_fit = host("embodied_boavizta_kgco2e") + devices("embodied_kg")
    vendor = row.embodied_kgco2e.where(row.embodied_basis.fillna("").str.contains("vendor PCF"))
    memory = skus.accelerator.map(device.memory_gb).fillna(skus.accel_mem_gb_each)
    out = pd.DataFrame({
        "provider": skus.provider,
        "sku": skus.sku,
        "accelerator": skus.accelerator,
        "devices": count,
        "device_memory_gb": (memory * np.minimum(count, 1.0)).where(skus.accelerator.notna()).round(3),
        "vcpu": skus.vcpu,
        "ram_gb": skus.ram_gb,
        "arch": skus.arch,
        "host_idle_kw": host_idle.round(5),
        "host_load_kw": host_load.round(5),
        "host_embodied_kg": host("embodied_boavizta_kgco2e").round(2),
        "idle_kw": idle_kw.where(known).round(5),
        "load_kw": load_kw.where(known).round(5),
        "power_quality": np.select([~known, board & ~skus.accelerator.map(machines.load_quality).eq("measured"),
                                    board | teads | listed], ["missing", "estimated", "derived"], "estimated"),
        "power_source": np.select(
            [~known, board, teads, listed],
            ["", "devices + their part of the host, reviewed/machine_power.csv",
             "Teads EC2 dataset in ccf-coefficients", "boaviztapi 2.5.0 host + devices"],
            "host fit on boaviztapi 2.5.0 outputs + devices"),
        "embodied_kg": embodied.fillna(embodied_fit).round(2),
        "embodied_vendor_kg": vendor.round(2),
        "lifetime_hours": LIFETIME_HOURS,
        "embodied_quality": np.where(embodied.notna() | embodied_fit.notna(), "estimated", "missing"),
        "source": skus.source,
    })
    out["devices"] = out.devices.round(6)
    return out


def _availability(text: str) -> str:
    """Class of an availability remark; only a listing that names the region counts as verified."""
    if "country-level" in text:
        return "country_level"
    for word in ("unverified", "assumed"):
        if text.startswith(word):
            return word
    return "verified"


def build_offers(source: Path, skus: pd.DataFrame) -> pd.DataFrame:
    """One row per (region, SKU, purchase option), priced in USD per instance-hour."""
    prices = read_csv(source / "catalogue/prices.csv")
    sku = skus.set_index(["provider", "sku"])
    prices = prices.join(sku[["accelerator", "devices"]], on=["provider", "sku"])
    composed = prices.spot_kind.eq("composed") | prices.source.str.contains("per-GPU list price")
    undated = prices.price_date.isna()
    availability = prices.availability.map(_availability)
    base = pd.DataFrame({
        "region_id": prices.provider + ":" + prices.region,
        "provider": prices.provider,
        "sku": prices.sku,
        "accelerator": prices.accelerator,
        "devices": prices.devices,
        "price_date": prices.price_date,
        "availability": availability,
        "currency": prices.currency,
        "region_specific": prices.region_specific.eq("yes"),
        "source": prices.source,
    })
    on_demand = base.assign(
        purchase="on_demand",
        price_usd_per_hour=prices.ondemand_usd_h,
        price_quality=np.select([undated, composed], ["unverified", "derived"], "listed"),
        spot_interruption=np.nan,
    )
    kind = prices.spot_kind.fillna("")
    derived = kind.str.startswith("derived") | kind.str.startswith("list rule") | composed
    spot = base.assign(
        purchase="spot",
        price_usd_per_hour=prices.spot_usd_h,
        price_quality=np.select([undated, derived], ["unverified", "derived"], "listed"),
        spot_interruption=prices.spot_interruption_band.map(BAND_MIDPOINT),
    )[prices.spot_usd_h.notna()]
    out = pd.concat([on_demand, spot], ignore_index=True)
    out.insert(0, "offer_id", out.region_id + ":" + out.sku + ":" + out.purchase)
    return out.sort_values("offer_id", ignore_index=True)
