"""The ranges of figures: of an instance's fields, and of columns of the catalogue that `catalogue.overlay` replaces.

What is stated in either way has the same range. `plausible.py` compares.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """What is plausible, in `unit`; nothing is above `possible`. `each`: per device of an offer."""

    low: float
    high: float
    unit: str
    possible: float | None = None
    each: bool = False
    advice: str | None = None

    @property
    def of(self) -> str:
        """What a figure of this range is counted in."""
        return f"{self.unit}{' per device' * self.each}"

    def impossible(self, value: float) -> str:
        """Say that a figure lies beyond what is possible."""
        return f"is {shown(value)}, beyond anything possible ({shown(self.possible or 0.0)} {self.of})"


def shown(value: float) -> str:
    """Write a figure for people."""
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:.3g}"


VCPUS_AS_A_DEVICE = 100
"""So many vCPUs, at most, count as one device."""

_USD_PER_GB = Range(0, 2, "USD/GB")
_STORAGE = Range(0, 2, "USD/GB and month")
_USD_PER_UNIT = Range(0, 1e6, "USD/unit")
_GB = Range(0, 1e9, "GB")
_TOKENS = Range(1, 1e7, "tokens")
_SPEED = Range(1e-6, 1e7, "units/s per device")
_PERSONS = Range(0, 1e10, "persons")
_REGIONS = Range(1, 500, "regions")
_MEMORY = Range(1, 2_000, "GB")
_PLACE_USD = Range(0, 1e6, "USD/h")
_DEVICES = Range(0, 1e7, "devices")
_RATE = Range(0, 1e12, "units/s")
_POWER = Range(0, 5, "kW", possible=50, each=True, advice="it is in kW: 700 W are 0.7")
_HOURS = Range(0, 876_000, "h")
_PUE = Range(1, 3, "times the IT energy", possible=20, advice="it is a ratio: 1.2, not 120 %")
_WUE = Range(0, 10, "l/kWh", possible=1_000)
_GRID = Range(0, 1_500, "g/kWh", possible=10_000, advice="it is in grams of CO2e per kWh: 0.3 kg are 300")
_USD_PER_HOUR = Range(0, 1_000, "USD/h", each=True)
_EMBODIED = Range(0, 50_000, "kg", each=True)
_TOKEN_KWH = Range(0, 100, "kWh per million tokens", possible=100_000, advice="it is per million tokens, not per token")
_KG_PER_KWH = Range(0, 1, "kg/kWh", possible=100)
_YEAR = Range(1990, 2100, "AD")

RANGES: dict[tuple[str, str], Range] = {
    ("Period", "hours"): Range(0.01, 87_600, "h"),
    ("Horizon", "hours"): Range(0.01, 438_000, "h"),
    ("InlineRegion", "fixed_usd_per_hour"): _PLACE_USD,
    ("InlineRegion", "pue"): _PUE,
    ("InlineRegion", "wue_l_per_kwh"): _WUE,
    ("InlineRegion", "grid_g_per_kwh"): _GRID,
    ("InlineRegion", "storage_usd_per_gb_month"): _STORAGE,
    ("InlineRegion", "egress_usd_per_gb"): _USD_PER_GB,
    ("InlineOffer", "devices"): Range(0.01, 1_000, "devices"),
    ("InlineOffer", "vcpus"): Range(0.1, 4_000, "vCPUs"),
    ("InlineOffer", "device_memory_gb"): _MEMORY,
    ("InlineOffer", "usd_per_hour"): _USD_PER_HOUR,
    ("InlineOffer", "idle_kw"): _POWER,
    ("InlineOffer", "load_kw"): _POWER,
    ("InlineOffer", "embodied_kg_per_hour"): Range(0, 1, "kg/h", each=True),
    ("InlineEndpoint", "usd_per_unit"): _USD_PER_UNIT,
    ("InlineEndpoint", "kg_per_unit"): Range(0, 1_000, "kg/unit"),
    ("InlineEndpoint", "embodied_kg_per_unit"): Range(0, 1_000, "kg/unit"),
    ("InlineEndpoint", "kwh_per_unit"): Range(0, 10_000, "kWh/unit"),
    ("NetworkLink", "rtt_ms"): Range(0, 1_000, "ms"),
    ("NetworkLink", "usd_per_unit"): _USD_PER_UNIT,
    ("NetworkLink", "usd_per_gb"): _USD_PER_GB,
    ("Throughput", "units_per_s"): _SPEED,
    ("CatalogueUse", "max_price_age_days"): Range(1, 3_650, "days"),
    ("CatalogueUse", "fixed_usd_per_hour"): _PLACE_USD,
    ("CatalogueUse", "latency_margin_ms"): Range(0, 1_000, "ms"),
    ("Carbon", "residual_mix_g_per_kwh"): _GRID,
    ("Carbon", "price_usd_per_tonne"): Range(0, 5_000, "USD/t"),
    ("Carbon", "network_kwh_per_gb"): Range(0, 1, "kWh/GB", possible=1_000),
    ("Currency", "usd_per_unit"): Range(1e-6, 10, "USD"),
    ("Runs", "input_tokens"): _TOKENS,
    ("Runs", "output_tokens"): _TOKENS,
    ("Runs", "throughput"): _SPEED,
    ("Runs", "min_device_memory_gb"): Range(0, 2_000, "GB"),
    ("Runs", "devices_per_replica"): Range(1, 1_000, "devices"),
    ("Runs", "concurrency"): Range(1, 100_000, "requests"),
    ("Runs", "ttft_ms"): Range(10, 600_000, "ms"),
    ("Runs", "tpot_ms"): Range(1, 10_000, "ms"),
    ("Data", "persons"): _PERSONS,
    ("Data", "sensitive_persons"): _PERSONS,
    ("Owner", "percent"): Range(0.01, 100, "per cent"),
    ("StatedCount", "count"): Range(0, 1e13, "of what was counted"),
    ("Data", "retention_hours"): _HOURS,
    ("Data", "retained_gb"): _GB,
    ("Stream", "rate"): _RATE,
    ("Stream", "mean_rate"): _RATE,
    ("Stream", "max_rtt_ms"): Range(1, 60_000, "ms"),
    ("Service", "min_regions"): _REGIONS,
    ("Service", "max_regions"): _REGIONS,
    ("Service", "priority"): Range(0, 1_000, "steps of priority"),
    ("Service", "unserved_usd_per_unit"): _USD_PER_UNIT,
    ("Service", "response_gb_per_unit"): Range(0, 1_000, "GB/unit"),
    ("Service", "target_utilisation"): Range(0.05, 1, "of the capacity"),
    ("Job", "min_regions"): _REGIONS,
    ("Job", "max_regions"): _REGIONS,
    ("Job", "priority"): Range(0, 1_000, "steps of priority"),
    ("Job", "gang_devices"): Range(1, 1e6, "devices"),
    ("Job", "max_gangs"): Range(1, 1e5, "gangs"),
    ("Job", "checkpoint_gb"): Range(0, 1e6, "GB"),
    ("Job", "spot_overhead"): Range(0, 2, "of the hours"),
    ("Job", "output_gb"): _GB,
    ("Service", "state_gb"): _GB,
    ("Service", "move_usd"): Range(0, 1e8, "USD"),
    ("Job", "move_usd"): Range(0, 1e8, "USD"),
    ("Current", "move_usd"): Range(0, 1e8, "USD"),
    ("Current", "overlap_hours"): Range(0, 8_760, "h"),
    ("Current", "max_moves"): Range(0, 1e6, "workloads"),
    ("RunningToday", "instances"): Range(0, 1e6, "instances"),
    ("RunningToday", "usd_per_hour"): Range(0, 1_000, "USD/h"),
    ("PlacesInUse", "max_in_use"): Range(0, 1_000, "places"),
    ("PlacesInUse", "min_in_use"): Range(0, 1_000, "places"),
    ("PlacesInUse", "price_usd"): Range(0, 1e8, "USD"),
    ("Dataset", "size_gb"): _GB,
    ("Dataset", "persons"): _PERSONS,
    ("Dataset", "sensitive_persons"): _PERSONS,
    ("Dataset", "min_copies"): Range(1, 50, "copies"),
    ("Dataset", "min_countries"): Range(1, 50, "countries"),
    ("Reader", "gb"): _GB,
    ("Quota", "devices"): _DEVICES,
    ("Quota", "vcpus"): Range(0, 1e8, "vCPUs"),
    ("Quota", "kw"): Range(0, 1e7, "kW"),
    ("Quota", "units_per_s"): _RATE,
    ("Quotas", "default_devices"): _DEVICES,
    ("Quotas", "default_vcpus"): Range(0, 1e8, "vCPUs"),
    ("Quotas", "default_endpoint_units_per_s"): _RATE,
    ("Commitment", "instances"): Range(0.01, 1e6, "instances"),
    ("Commitment", "usd_per_hour"): Range(0, 1_000, "USD/h"),
    ("Buy", "expected_use_months"): Range(0.1, 120, "months"),
    ("InstancesToBuy", "usd_per_hour"): Range(0, 1_000, "USD/h"),
    ("InstancesToBuy", "upfront_usd"): Range(0, 1e7, "USD"),
    ("InstancesToBuy", "max_instances"): Range(0, 1e6, "instances"),
    ("PlanRate", "usd_per_hour"): Range(1e-4, 1_000, "USD/h"),
    ("PlanToBuy", "max_usd_per_hour"): Range(0, 1e6, "USD/h"),
    ("MechanismCost", "one_off_usd"): Range(0, 1e8, "USD"),
    ("MechanismCost", "yearly_usd"): Range(0, 1e8, "USD/year"),
    ("MechanismCost", "amortisation_years"): Range(0.1, 50, "years"),
    ("Instance", "target_utilisation"): Range(0.05, 1, "of the capacity"),
    ("Instance", "unserved_usd_per_unit"): _USD_PER_UNIT,
}
"""By the class of the model and the field."""

NO_RANGE: dict[tuple[str, str], str] = {
    ("InlineOffer", "interruption_share"): "the field bounds it",
    ("Horizon", "count"): "the type bounds it",
    ("InlineRegion", "lat"): "the type bounds it",
    ("InlineRegion", "lon"): "the type bounds it",
    ("Origin", "lat"): "the type bounds it",
    ("Origin", "lon"): "the type bounds it",
    ("Survival", "share"): "the type bounds it",
    ("SurvivalPolicy", "share"): "the type bounds it",
    ("Current", "max_moved_share"): "the type bounds it",
    ("RunningToday", "served_per_s"): "as a plan states it: only its part of the workload's total counts",
    ("RunningToday", "work_units"): "as a plan states it: only its part of the workload's total counts",
    ("RunningToday", "instance_hours"): "as a plan states it",
    ("ProviderShare", "max_share"): "the type bounds it",
    ("CountryShare", "min_share"): "the type bounds it",
    ("SpotShare", "max_share"): "the type bounds it",
    ("Sovereignty", "min_seal"): "the type bounds it",
    ("Sovereignty", "min_sovereignty_score"): "the type bounds it",
    ("InlineProvider", "seal"): "the type bounds it",
    ("Discount", "percent"): "the type bounds it",
    ("Job", "work"): "its unit is the user's own",
    ("Job", "unserved_usd_per_unit"): "its unit is the user's own",
    ("Job", "release_hours"): "the horizon bounds it",
    ("Job", "deadline_hours"): "the horizon bounds it",
    ("Budget", "limit_kg"): "any limit may be meant",
    ("Budget", "limit_l"): "any limit may be meant",
    ("Budget", "limit_kwh"): "any limit may be meant",
    ("Budget", "limit_usd"): "any limit may be meant",
}
"""Figures without a range, and why."""

COLUMN_RANGES: dict[tuple[str, str], Range] = {
    ("regions", "zones"): Range(1, 20, "zones"),
    ("regions", "grid_lifecycle_g_per_kwh"): _GRID,
    ("regions", "grid_direct_g_per_kwh"): _GRID,
    ("regions", "market_based_g_per_kwh"): _GRID,
    ("regions", "grid_year"): _YEAR,
    ("regions", "grid_direct_year"): _YEAR,
    ("regions", "market_based_year"): _YEAR,
    ("regions", "matched_yearly_share"): Range(0, 1, "of the energy"),
    ("regions", "matched_hourly_share"): Range(0, 1, "of the energy"),
    ("regions", "matched_yearly_year"): _YEAR,
    ("regions", "matched_hourly_year"): _YEAR,
    ("regions", "pue"): _PUE,
    ("regions", "pue_year"): _YEAR,
    ("regions", "wue_l_per_kwh"): _WUE,
    ("regions", "wue_year"): _YEAR,
    ("regions", "water_l_per_kwh_grid"): Range(0, 100, "l/kWh", possible=10_000),
    ("accelerators", "memory_gb"): _MEMORY,
    ("accelerators", "usable_memory_gb"): _MEMORY,
    ("accelerators", "memory_bandwidth_gb_per_s"): Range(1, 100_000, "GB/s"),
    ("accelerators", "tpp"): Range(0, 1e7, "TPP"),
    ("accelerators", "performance_density"): Range(0, 1e5, "TPP per mm2"),
    ("accelerators", "tdp_w"): Range(1, 5_000, "W", possible=50_000, advice="it is in W: 0.7 kW are 700"),
    ("accelerators", "idle_kw"): _POWER,
    ("accelerators", "load_kw"): _POWER,
    ("accelerators", "embodied_kg"): _EMBODIED,
    ("accelerators", "embodied_vendor_kg"): _EMBODIED,
    ("skus", "devices"): Range(0, 1_000, "devices"),
    ("skus", "device_memory_gb"): _MEMORY,
    ("skus", "vcpu"): Range(0.1, 4_000, "vCPUs"),
    ("skus", "ram_gb"): Range(0.1, 100_000, "GB"),
    ("skus", "host_idle_kw"): _POWER,
    ("skus", "host_load_kw"): _POWER,
    ("skus", "host_embodied_kg"): _EMBODIED,
    ("skus", "idle_kw"): _POWER,
    ("skus", "load_kw"): _POWER,
    ("skus", "embodied_kg"): _EMBODIED,
    ("skus", "embodied_vendor_kg"): _EMBODIED,
    ("skus", "lifetime_hours"): Range(1_000, 876_000, "h"),
    ("offers", "devices"): Range(0, 1_000, "devices"),
    ("offers", "price_usd_per_hour"): _USD_PER_HOUR,
    ("endpoints", "price_usd_per_million_input_tokens"): Range(0, 100_000, "USD per million tokens"),
    ("endpoints", "price_usd_per_million_output_tokens"): Range(0, 100_000, "USD per million tokens"),
    ("endpoints", "regional_uplift"): Range(1, 10, "times the price"),
    ("endpoints", "context_tokens"): Range(1, 1e9, "tokens"),
    ("endpoints", "kwh_per_million_output_tokens"): _TOKEN_KWH,
    ("endpoints", "kwh_per_million_input_tokens"): _TOKEN_KWH,
    ("endpoints", "high_kwh_per_million_output_tokens"): _TOKEN_KWH,
    ("endpoints", "high_kwh_per_million_input_tokens"): _TOKEN_KWH,
    ("endpoints", "embodied_kg_per_kwh"): _KG_PER_KWH,
    ("endpoints", "high_embodied_kg_per_kwh"): _KG_PER_KWH,
    ("endpoints", "embodied_vendor_kg_per_kwh"): _KG_PER_KWH,
    ("endpoints", "high_embodied_vendor_kg_per_kwh"): _KG_PER_KWH,
    ("storage", "storage_usd_per_gb_month"): _STORAGE,
    ("storage", "egress_internet_usd_per_gb"): _USD_PER_GB,
    ("storage", "egress_same_continent_usd_per_gb"): _USD_PER_GB,
    ("storage", "egress_other_continent_usd_per_gb"): _USD_PER_GB,
    ("egress_pairs", "usd_per_gb"): _USD_PER_GB,
}
"""By the table and the column; `each` counts the devices of the SKU."""

COLUMNS_WITHOUT: dict[tuple[str, str], str] = {
    ("regions", "lat"): "the schema bounds it",
    ("regions", "lon"): "the schema bounds it",
    ("accelerators", "release_year"): "the schema bounds it",
    ("offers", "spot_interruption"): "the schema bounds it",
}
"""Columns without a range, and why."""
