"""What every catalogue table must look like: columns, kinds, keys, allowed words.

The same schema holds for the bundled world and for tables an instance brings itself. Text that is absent is `""`, a
figure that is absent is NaN; nothing is filled in here.
"""

from __future__ import annotations

from optimizer.catalogue.columns import Column, Table, number, quality, text
from optimizer.catalogue.schema_speeds import (
    ACCELERATOR_SPEED,
    ARCHITECTURES,
    CURVES,
    QUARANTINED,
    SERVING,
    THROUGHPUT,
)

ACCESS = ("public", "government", "china", "disaster_recovery", "dedicated", "limited")
AVAILABILITY = ("verified", "price_meter", "unverified", "assumed", "country_level")
PURCHASE = ("on_demand", "spot")
GRANULARITY = ("region", "country")
STEPS = ("", "region", "campus", "geography", "derived", "macro_region", "design")
"""How near to the site a PUE or WUE is; "" where nobody says."""
BIS = ("yes", "no", "unknown")


PROVIDERS = Table(
    "providers",
    ("provider",),
    (
        text("provider", required=True),
        text("name"),
        text("kind"),
        text("hq_country"),
        text("ultimate_parent"),
        text("ultimate_parent_country"),
        text("partition_of"),
        text("laws_provider_id"),
        Column("control_ownership", "countries"),
        Column("control_strict", "countries"),
        Column("control_known", "flag", default=False),
        text("control_source"),
        text("us_exposure"),
        text("bis_hq_test", words=BIS, default="unknown"),
        Column("dpf_listed", "tristate"),
        text("certification"),
        text("certification_confidence"),
        text("source"),
    ),
)
REGIONS = Table(
    "regions",
    ("region_id",),
    (
        text("region_id", required=True),
        text("provider", required=True),
        text("region", required=True),
        text("name"),
        text("country", required=True),
        text("continent"),
        text("subdivision"),
        text("city"),
        number("lat", -90.0, 90.0),
        number("lon", -180.0, 180.0),
        quality("position_quality", "listed"),
        number("zones", 1.0),
        text("metro"),
        text("metro_quality"),
        text("access", words=ACCESS, default="public"),
        text("sovereign_scope"),
        text("granularity", words=GRANULARITY, default="region"),
        text("grid_zone"),
        text("grid_zone_join"),
        text("grid_zone_remark"),
        number("grid_lifecycle_g_per_kwh"),
        number("grid_year"),
        quality("grid_quality", "listed"),
        number("grid_direct_g_per_kwh"),
        number("grid_direct_year"),
        text("grid_direct_source"),
        number("matched_yearly_share", 0.0, 1.0),
        number("matched_yearly_year"),
        text("matched_yearly_scope", words=("", "region", "fleet"), default=""),
        number("matched_hourly_share", 0.0, 1.0),
        number("matched_hourly_year"),
        text("matched_source"),
        number("market_based_g_per_kwh"),
        number("market_based_year"),
        number("pue", 1.0, 3.0),
        number("pue_year"),
        text("pue_step", words=STEPS, default=""),
        quality("pue_quality", "listed"),
        number("wue_l_per_kwh"),
        number("wue_year"),
        text("wue_step", words=STEPS, default=""),
        quality("wue_quality", "listed"),
        text("pue_source"),
        number("water_l_per_kwh_grid"),
        quality("water_quality", "published"),
        text("rtt_site"),
        text("source"),
    ),
    ((("provider",), "providers"),),
)
ACCELERATORS = Table(
    "accelerators",
    ("accelerator",),
    (
        text("accelerator", required=True),
        text("vendor"),
        text("software", default="unknown"),
        *(number(name, above_low=True) for name in ("memory_gb", "usable_memory_gb", "memory_bandwidth_gb_per_s")),
        number("tpp"),
        number("performance_density", above_low=True),
        quality("density_quality", "listed"),
        text("density_source"),
        number("tdp_w", above_low=True),
        number("release_year", 1990.0, 2100.0),
        text("vendor_country"),
        number("idle_kw"),
        number("load_kw", above_low=True),
        quality("power_quality", "listed"),
        text("power_source"),
        number("embodied_kg"),
        number("embodied_vendor_kg"),
        quality("embodied_quality", "listed"),
        text("export_note"),
        text("source"),
    ),
)
SKUS = Table(
    "skus",
    ("provider", "sku"),
    (
        text("provider", required=True),
        text("sku", required=True),
        text("accelerator"),
        number("devices", 0.0, required=True, default=0.0),
        number("device_memory_gb", above_low=True),
        number("vcpu", above_low=True),
        number("ram_gb", above_low=True),
        text("arch"),
        number("host_idle_kw"),
        number("host_load_kw"),
        number("host_embodied_kg"),
        number("idle_kw"),
        number("load_kw"),
        quality("power_quality", "listed"),
        text("power_source"),
        number("embodied_kg"),
        number("embodied_vendor_kg"),
        number("lifetime_hours", above_low=True, default=52_560.0),
        quality("embodied_quality", "listed"),
        text("source"),
    ),
    ((("provider",), "providers"), (("accelerator",), "accelerators")),
)
OFFERS = Table(
    "offers",
    ("offer_id",),
    (
        text("offer_id", required=True),
        text("region_id", required=True),
        text("provider", required=True),
        text("sku", required=True),
        text("accelerator"),
        number("devices", 0.0, required=True, default=0.0),
        text("purchase", words=PURCHASE, default="on_demand"),
        number("price_usd_per_hour", required=True),
        Column("price_date", "date", default=""),
        quality("price_quality", "listed"),
        text("availability", words=AVAILABILITY, default="verified"),
        number("spot_interruption", 0.0, 1.0),
        text("currency", default="USD"),
        Column("region_specific", "flag", default=True),
        text("source"),
    ),
    ((("region_id",), "regions"), (("provider", "sku"), "skus"), (("accelerator",), "accelerators")),
)
COMMITMENTS = Table(
    "commitments",
    ("commitment_id",),
    (
        text("commitment_id", required=True),
        text("region_id", required=True),
        text("provider", required=True),
        text("sku", required=True),
        text("kind", words=("instances", "plan"), default="instances"),
        text("plan"),
        number("term_months", above_low=True, required=True),
        text("payment", words=("no_upfront", "partial_upfront", "all_upfront")),
        number("usd_per_hour", required=True),
        number("upfront_usd", default=0.0),
        Column("price_date", "date", default=""),
        quality("price_quality", "listed"),
        text("source"),
    ),
)
QUARANTINED_PRICES = Table(
    "quarantined_prices",
    ("offer_id",),
    (
        text("offer_id", required=True),
        number("price_usd_per_hour", required=True),
        number("on_demand_usd_per_hour", required=True),
        Column("price_date", "date", default=""),
        quality("price_quality", "derived"),
        text("reason", required=True),
        text("source"),
    ),
)
ENDPOINTS = Table(
    "endpoints",
    ("endpoint_id",),
    (
        text("endpoint_id", required=True),
        text("provider", required=True),
        text("platform"),
        text("model", required=True),
        text("model_raw"),
        text("product"),
        text("mode", default="chat"),
        text("scope", required=True, default="region"),
        text("region_id"),
        Column("scope_countries", "countries_or_none"),
        number("price_usd_per_million_input_tokens"),
        number("price_usd_per_million_output_tokens"),
        number("regional_uplift", 1.0),
        number("context_tokens", above_low=True),
        Column("price_date", "date", default=""),
        quality("price_quality", "listed"),
        Column("retired_on", "date", default=""),
        text("size_class"),
        text("size_basis"),
        number("kwh_per_million_output_tokens"),
        number("kwh_per_million_input_tokens"),
        number("high_kwh_per_million_output_tokens"),
        number("high_kwh_per_million_input_tokens"),
        quality("energy_quality", "listed"),
        number("embodied_kg_per_kwh"),
        number("high_embodied_kg_per_kwh"),
        number("embodied_vendor_kg_per_kwh"),
        number("high_embodied_vendor_kg_per_kwh"),
        text("source"),
    ),
    ((("provider",), "providers"), (("region_id",), "regions")),
)
STORAGE = Table(
    "storage",
    ("provider", "region"),
    (
        text("provider", required=True),
        text("region", required=True),
        number("storage_usd_per_gb_month"),
        text("storage_class"),
        text("storage_date"),
        number("egress_internet_usd_per_gb"),
        text("egress_free_gb_month"),
        number("egress_same_continent_usd_per_gb"),
        number("egress_other_continent_usd_per_gb"),
        text("egress_date"),
        text("currency", default="USD"),
        text("source"),
        text("notes"),
    ),
    ((("provider",), "providers"),),
)
EGRESS_PAIRS = Table(
    "egress_pairs",
    ("src", "dst"),
    (
        text("src", required=True),
        text("dst", required=True),
        number("usd_per_gb", required=True),
        text("date"),
        text("source"),
    ),
)
RTT_PAIRS = Table(
    "rtt_pairs",
    ("src", "dst"),
    (
        text("src", required=True),
        text("dst", required=True),
        number("rtt_ms", required=True),
        text("source_id"),
        text("measured"),
    ),
)
RTT_SITES = Table(
    "rtt_sites",
    ("site_a", "site_b"),
    (
        text("site_a", required=True),
        text("site_b", required=True),
        *(
            number(f"{axis}_{end}", -limit, limit, required=True)
            for end in "ab"
            for axis, limit in (("lat", 90.0), ("lon", 180.0))
        ),
        number("rtt_ms", required=True),
        number("n", 1.0),
    ),
)
RTT_FIT = Table(
    "rtt_fit",
    ("kind", "pair"),
    (
        text("kind", required=True, words=("region", "user")),
        text("pair", required=True),
        number("a_ms", required=True),
        number("b_ms_per_km", required=True),
        number("n", 1.0),
        number("mae_ms"),
        number("p90_abs_err_ms"),
    ),
)
PLACES = Table(
    "places",
    ("country", "city"),
    (
        text("country", required=True),
        text("continent", required=True),
        text("city", required=True),
        number("lat", -90.0, 90.0, required=True),
        number("lon", -180.0, 180.0, required=True),
        number("weight", 0.0, 1.0, required=True),
    ),
)
GRID_SHAPES = Table(
    "grid_shapes",
    ("basis", "zone", "month"),
    (
        text("basis", required=True, words=("lifecycle", "direct")),
        text("zone", required=True),
        number("month", 1.0, 12.0, required=True),
        number("year"),
        Column("flat", "flag", default=False),
        *(number(f"h{hour:02d}", required=True) for hour in range(24)),
        text("source"),
    ),
)
FALLBACKS = Table(
    "fallbacks",
    ("kind", "target", "field"),
    (
        text("kind", required=True),
        text("target", required=True),
        text("field", required=True),
        number("value", None, required=True),
        text("unit", required=True),
        text("quality"),
        text("citation", required=True),
        text("note"),
    ),
)
ESTIMATES = ("low", "mid", "high")
ENDPOINT_ENERGY = Table(
    "endpoint_energy",
    ("size_class",),
    (
        text("size_class", required=True),
        text("description"),
        *(
            number(f"{name}_{estimate}")
            for name in ("kwh_per_million_output_tokens", "kwh_per_million_input_tokens", "embodied_kg_per_kwh",
                         "embodied_vendor_kg_per_kwh")
            for estimate in ESTIMATES
        ),
        text("confidence"),
        text("method"),
        text("source", required=True),
    ),
)  # fmt: skip
MODEL_ALIASES = Table("model_aliases", ("raw",), (text("raw", required=True), text("model", required=True)))
DEFAULT_PROFILES = Table(
    "default_profiles",
    ("model", "metric"),
    (text("model", required=True), text("metric", required=True), text("profile_id", required=True)),
)

CORE = (PROVIDERS, REGIONS, ACCELERATORS, SKUS, OFFERS, ENDPOINTS, THROUGHPUT)
LAZY = (
    STORAGE, EGRESS_PAIRS, RTT_PAIRS, RTT_SITES, RTT_FIT, PLACES, GRID_SHAPES, FALLBACKS, MODEL_ALIASES,
    DEFAULT_PROFILES, COMMITMENTS, QUARANTINED_PRICES, QUARANTINED, ARCHITECTURES, ACCELERATOR_SPEED, SERVING,
    CURVES, ENDPOINT_ENERGY,
)  # fmt: skip
TABLES = {table.name: table for table in (*CORE, *LAZY)}

# a quality says how a figure was had; where the figure is missing it reads `missing`, whatever the table said
QUALITY_OF = {
    "regions": {"pue_quality": "pue", "wue_quality": "wue_l_per_kwh", "water_quality": "water_l_per_kwh_grid",
                "grid_quality": "grid_lifecycle_g_per_kwh", "position_quality": "lat"},
    "accelerators": {"power_quality": "idle_kw", "embodied_quality": "embodied_kg"},
    "skus": {"power_quality": "idle_kw", "embodied_quality": "embodied_kg"},
    "endpoints": {"energy_quality": "kwh_per_million_output_tokens"},
}  # fmt: skip
