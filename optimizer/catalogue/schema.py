"""What every catalogue table must look like: columns, kinds, keys, allowed words.

The same schema holds for the bundled world and for tables an instance brings itself. Text that is absent is `""`, a
figure that is absent is NaN; nothing is filled in here.
"""

from __future__ import annotations

from dataclasses import dataclass

QUALITIES = (
    "measured", "published", "listed", "derived", "estimated", "unverified", "fallback", "missing",
)  # fmt: skip
ACCESS = ("public", "government", "china", "disaster_recovery", "dedicated", "limited")
AVAILABILITY = ("verified", "unverified", "assumed", "country_level")
PURCHASE = ("on_demand", "spot")
GRANULARITY = ("region", "country")
BIS = ("yes", "no", "unknown")


@dataclass(frozen=True)
class Column:
    """One column: `kind` is text, number, integer, flag, tristate, countries or date.

    `required` cells may not be empty; `low`/`high` bound numbers (inclusive, `above_low` makes it strict); `words` are
    the allowed texts; `default` fills a column that is absent altogether.
    """

    name: str
    kind: str = "text"
    required: bool = False
    low: float | None = None
    high: float | None = None
    above_low: bool = False
    words: tuple[str, ...] = ()
    default: object = None


@dataclass(frozen=True)
class Table:
    """One table: its key columns and all known columns. Other columns are carried along untouched."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    references: tuple[tuple[tuple[str, ...], str], ...] = ()

    def column(self, name: str) -> Column | None:
        """Return the specification of a column, or None for a column the schema does not know."""
        return next((c for c in self.columns if c.name == name), None)


def _text(name: str, required: bool = False, words: tuple[str, ...] = (), default: str | None = None) -> Column:
    return Column(name, "text", required, words=words, default=default if default is not None or required else "")


def _number(name: str, low: float | None = 0.0, high: float | None = None, *, required: bool = False,
            above_low: bool = False, default: float | None = None) -> Column:  # fmt: skip
    return Column(name, "number", required, low, high, above_low, default=default)


def _quality(name: str, default: str) -> Column:
    return _text(name, words=QUALITIES, default=default)


PROVIDERS = Table(
    "providers",
    ("provider",),
    (
        _text("provider", required=True),
        _text("name"),
        _text("kind"),
        _text("hq_country"),
        _text("ultimate_parent"),
        _text("ultimate_parent_country"),
        _text("partition_of"),
        _text("laws_provider_id"),
        Column("control_ownership", "countries"),
        Column("control_strict", "countries"),
        Column("control_known", "flag", default=False),
        _text("control_source"),
        _text("us_exposure"),
        _text("bis_hq_test", words=BIS, default="unknown"),
        Column("dpf_listed", "tristate"),
        _text("certification"),
        _text("certification_confidence"),
        _text("source"),
    ),
)
REGIONS = Table(
    "regions",
    ("region_id",),
    (
        _text("region_id", required=True),
        _text("provider", required=True),
        _text("region", required=True),
        _text("name"),
        _text("country", required=True),
        _text("continent"),
        _text("subdivision"),
        _text("city"),
        _number("lat", -90.0, 90.0),
        _number("lon", -180.0, 180.0),
        _quality("position_quality", "listed"),
        _number("zones", 1.0),
        _text("metro"),
        _text("metro_quality"),
        _text("access", words=ACCESS, default="public"),
        _text("sovereign_scope"),
        _text("granularity", words=GRANULARITY, default="region"),
        _text("grid_zone"),
        _text("grid_zone_join"),
        _number("grid_lifecycle_g_per_kwh"),
        _number("grid_year"),
        _quality("grid_quality", "listed"),
        _number("grid_direct_g_per_kwh"),
        _number("grid_direct_year"),
        _text("grid_direct_source"),
        _number("market_based_g_per_kwh"),
        _number("market_based_year"),
        _number("pue", 1.0, 3.0),
        _number("pue_year"),
        _quality("pue_quality", "listed"),
        _number("wue_l_per_kwh"),
        _quality("wue_quality", "listed"),
        _number("water_l_per_kwh_grid"),
        _quality("water_quality", "published"),
        _text("rtt_site"),
        _text("source"),
    ),
    ((("provider",), "providers"),),
)
ACCELERATORS = Table(
    "accelerators",
    ("accelerator",),
    (
        _text("accelerator", required=True),
        _text("vendor"),
        _text("software", default="unknown"),
        _number("memory_gb", above_low=True),
        _number("memory_bandwidth_gb_per_s", above_low=True),
        _number("tpp"),
        _number("tdp_w", above_low=True),
        _number("release_year", 1990.0, 2100.0),
        _text("vendor_country"),
        _number("idle_kw"),
        _number("load_kw", above_low=True),
        _quality("power_quality", "listed"),
        _text("power_source"),
        _number("embodied_kg"),
        _number("embodied_vendor_kg"),
        _quality("embodied_quality", "listed"),
        _text("export_note"),
        _text("source"),
    ),
)
SKUS = Table(
    "skus",
    ("provider", "sku"),
    (
        _text("provider", required=True),
        _text("sku", required=True),
        _text("accelerator"),
        _number("devices", 0.0, required=True, default=0.0),
        _number("device_memory_gb", above_low=True),
        _number("vcpu", above_low=True),
        _number("ram_gb", above_low=True),
        _text("arch"),
        _number("host_idle_kw"),
        _number("host_load_kw"),
        _number("host_embodied_kg"),
        _number("idle_kw"),
        _number("load_kw"),
        _quality("power_quality", "listed"),
        _text("power_source"),
        _number("embodied_kg"),
        _number("embodied_vendor_kg"),
        _number("lifetime_hours", above_low=True, default=52_560.0),
        _quality("embodied_quality", "listed"),
        _text("source"),
    ),
    ((("provider",), "providers"), (("accelerator",), "accelerators")),
)
OFFERS = Table(
    "offers",
    ("offer_id",),
    (
        _text("offer_id", required=True),
        _text("region_id", required=True),
        _text("provider", required=True),
        _text("sku", required=True),
        _text("accelerator"),
        _number("devices", 0.0, required=True, default=0.0),
        _text("purchase", words=PURCHASE, default="on_demand"),
        _number("price_usd_per_hour", required=True),
        Column("price_date", "date", default=""),
        _quality("price_quality", "listed"),
        _text("availability", words=AVAILABILITY, default="verified"),
        _number("spot_interruption", 0.0, 1.0),
        _text("currency", default="USD"),
        Column("region_specific", "flag", default=True),
        _text("source"),
    ),
    ((("region_id",), "regions"), (("provider", "sku"), "skus"), (("accelerator",), "accelerators")),
)
ENDPOINTS = Table(
    "endpoints",
    ("endpoint_id",),
    (
        _text("endpoint_id", required=True),
        _text("provider", required=True),
        _text("platform"),
        _text("model", required=True),
        _text("model_raw"),
        _text("product"),
        _text("mode", default="chat"),
        _text("scope", required=True, default="region"),
        _text("region_id"),
        Column("scope_countries", "countries_or_none"),
        _number("price_usd_per_million_input_tokens"),
        _number("price_usd_per_million_output_tokens"),
        _number("regional_uplift", 1.0),
        _number("context_tokens", above_low=True),
        Column("price_date", "date", default=""),
        _quality("price_quality", "listed"),
        Column("retired_on", "date", default=""),
        _text("source"),
    ),
    ((("provider",), "providers"), (("region_id",), "regions")),
)
THROUGHPUT = Table(
    "throughput",
    ("profile_id", "accelerator", "devices"),
    (
        _text("profile_id", required=True),
        _text("model", required=True),
        _number("params_b", above_low=True),
        _text("workload_class"),
        _text("precision", default="unstated"),
        _number("input_tokens"),
        _number("output_tokens"),
        _text("scenario"),
        _text("variant"),
        _text("release"),
        _text("metric", required=True, default="output_tokens_per_s"),
        _text("accelerator", required=True),
        _number("devices", 0.0, required=True, above_low=True, default=1.0),
        _number("units_per_s", 0.0, required=True, above_low=True),
        _number("rows_merged", 1.0),
        _quality("quality", "listed"),
        _text("source"),
        _text("licence"),
    ),
    ((("accelerator",), "accelerators"),),
)
QUARANTINED = Table("quarantined", THROUGHPUT.key, (*THROUGHPUT.columns, _text("reason", required=True)))
ARCHITECTURES = Table(
    "architectures",
    ("model",),
    (
        _text("model", required=True),
        *(_number(name, required=True, above_low=True)
          for name in ("parameters_b", "active_b", "layers", "heads", "kv_heads", "head_dim")),
        *(_number(name, required=True, default=0.0)
          for name in ("full_attention_layers", "window_tokens", "experts", "experts_per_token")),
        _number("cached_values_per_layer", above_low=True),
        _text("native_precision", words=("bf16", "fp8", "4-bit"), default="bf16"),
        _number("context_tokens", above_low=True),
        _text("weights_licence"),
        _text("source"),
    ),
)  # fmt: skip
ACCELERATOR_SPEED = Table(
    "accelerator_speed",
    ("accelerator",),
    (
        _text("accelerator", required=True),
        _number("tflops_16bit", required=True, above_low=True),
        *(_number(name, above_low=True) for name in ("tflops_8bit", "tops_8bit", "tflops_4bit")),
        _text("fit", default="default"),
        _number("fit_points", default=0.0),
        *(_number(name, required=True, above_low=True)
          for name in ("bandwidth_efficiency", "flops_efficiency", "step_ms_per_32_layers")),
        _number("replica_exponent", 0.0, 1.0, required=True),
        _number("median_error", 1.0),
        _number("spread", 1.0, required=True),
        _text("source"),
    ),
)  # fmt: skip
SERVING = Table(
    "serving",
    ("model", "precision", "input_tokens", "output_tokens", "accelerator", "devices", "scenario", "source"),
    (
        _text("model", required=True),
        _text("precision", required=True),
        _number("input_tokens", required=True, above_low=True),
        _number("output_tokens", required=True, above_low=True),
        _text("accelerator", required=True),
        _number("devices", required=True, above_low=True),
        _text("scenario", required=True),
        _number("units_per_s", required=True, above_low=True),
        _number("rows_merged", 1.0),
        _text("software"),
        _text("source", required=True),
        _text("licence"),
    ),
)
STORAGE = Table(
    "storage",
    ("provider", "region"),
    (
        _text("provider", required=True),
        _text("region", required=True),
        _number("storage_usd_per_gb_month"),
        _text("storage_class"),
        _text("storage_date"),
        _number("egress_internet_usd_per_gb"),
        _text("egress_free_gb_month"),
        _number("egress_same_continent_usd_per_gb"),
        _number("egress_other_continent_usd_per_gb"),
        _text("egress_date"),
        _text("currency", default="USD"),
        _text("source"),
        _text("notes"),
    ),
    ((("provider",), "providers"),),
)
EGRESS_PAIRS = Table(
    "egress_pairs",
    ("src", "dst"),
    (
        _text("src", required=True),
        _text("dst", required=True),
        _number("usd_per_gb", required=True),
        _text("date"),
        _text("source"),
    ),
)
RTT_PAIRS = Table(
    "rtt_pairs",
    ("src", "dst"),
    (
        _text("src", required=True),
        _text("dst", required=True),
        _number("rtt_ms", required=True),
        _text("source_id"),
        _text("measured"),
    ),
)
RTT_SITES = Table(
    "rtt_sites",
    ("site_a", "site_b"),
    (
        _text("site_a", required=True),
        _text("site_b", required=True),
        *(_number(f"{axis}_{end}", -limit, limit, required=True)
          for end in "ab" for axis, limit in (("lat", 90.0), ("lon", 180.0))),
        _number("rtt_ms", required=True),
        _number("n", 1.0),
    ),
)
RTT_FIT = Table(
    "rtt_fit",
    ("kind", "pair"),
    (
        _text("kind", required=True, words=("region", "user")),
        _text("pair", required=True),
        _number("a_ms", required=True),
        _number("b_ms_per_km", required=True),
        _number("n", 1.0),
        _number("mae_ms"),
        _number("p90_abs_err_ms"),
    ),
)
PLACES = Table(
    "places",
    ("country", "city"),
    (
        _text("country", required=True),
        _text("continent", required=True),
        _text("city", required=True),
        _number("lat", -90.0, 90.0, required=True),
        _number("lon", -180.0, 180.0, required=True),
        _number("weight", 0.0, 1.0, required=True),
    ),
)
GRID_SHAPES = Table(
    "grid_shapes",
    ("basis", "zone", "month"),
    (
        _text("basis", required=True, words=("lifecycle", "direct")),
        _text("zone", required=True),
        _number("month", 1.0, 12.0, required=True),
        _number("year"),
        Column("flat", "flag", default=False),
        *(_number(f"h{hour:02d}", required=True) for hour in range(24)),
        _text("source"),
    ),
)
FALLBACKS = Table(
    "fallbacks",
    ("kind", "target", "field"),
    (
        _text("kind", required=True),
        _text("target", required=True),
        _text("field", required=True),
        _number("value", None, required=True),
        _text("unit", required=True),
        _text("quality"),
        _text("citation", required=True),
        _text("note"),
    ),
)
MODEL_ALIASES = Table("model_aliases", ("raw",), (_text("raw", required=True), _text("model", required=True)))
DEFAULT_PROFILES = Table(
    "default_profiles",
    ("model", "metric"),
    (_text("model", required=True), _text("metric", required=True), _text("profile_id", required=True)),
)

CORE = (PROVIDERS, REGIONS, ACCELERATORS, SKUS, OFFERS, ENDPOINTS, THROUGHPUT)
LAZY = (
    STORAGE, EGRESS_PAIRS, RTT_PAIRS, RTT_SITES, RTT_FIT, PLACES, GRID_SHAPES, FALLBACKS, MODEL_ALIASES,
    DEFAULT_PROFILES, QUARANTINED, ARCHITECTURES, ACCELERATOR_SPEED, SERVING,
)  # fmt: skip
TABLES = {table.name: table for table in (*CORE, *LAZY)}

# a quality says how a figure was had; where the figure is missing it reads `missing`, whatever the table said
QUALITY_OF = {
    "regions": {"pue_quality": "pue", "wue_quality": "wue_l_per_kwh", "water_quality": "water_l_per_kwh_grid",
                "grid_quality": "grid_lifecycle_g_per_kwh", "position_quality": "lat"},
    "accelerators": {"power_quality": "idle_kw", "embodied_quality": "embodied_kg"},
    "skus": {"power_quality": "idle_kw", "embodied_quality": "embodied_kg"},
}  # fmt: skip
