"""Ranges of the figures a user states: a warning outside the plausible one, an error beyond the possible one.

A figure a thousand times too large or small is a slip of units (W for kW, kg for g) and makes a proven plan of a wrong
question. What has no range of its own is named in `NO_RANGE`, with the reason.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from optimizer.instance.models import Instance
from optimizer.instance.place import Finding, Path, show_path
from optimizer.instance.shape import Shape, hints_of, shape_of
from optimizer.instance.world import InlineOffer

TOLD = 100
"""Most figures told one by one."""

VCPUS_AS_A_DEVICE = 100
"""So many vCPUs, at most, count as one device."""


@dataclass(frozen=True)
class Range:
    """What is plausible, in `unit`; nothing is above `possible`. `each`: per device of an offer."""

    low: float
    high: float
    unit: str
    possible: float | None = None
    each: bool = False
    advice: str | None = None


_USD_PER_GB = Range(0, 2, "USD/GB")
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

RANGES: dict[tuple[str, str], Range] = {
    ("Period", "hours"): Range(0.01, 87_600, "h"),
    ("Horizon", "hours"): Range(0.01, 438_000, "h"),
    ("InlineRegion", "fixed_usd_per_hour"): _PLACE_USD,
    ("InlineRegion", "pue"): Range(1, 3, "times the IT energy", possible=20, advice="it is a ratio: 1.2, not 120 %"),
    ("InlineRegion", "wue_l_per_kwh"): Range(0, 10, "l/kWh", possible=1_000),
    ("InlineRegion", "grid_g_per_kwh"): Range(
        0, 1_500, "g/kWh", possible=10_000, advice="it is in grams of CO2e per kWh: 0.3 kg are 300"
    ),
    ("InlineRegion", "storage_usd_per_gb_month"): Range(0, 2, "USD/GB and month"),
    ("InlineRegion", "egress_usd_per_gb"): _USD_PER_GB,
    ("InlineOffer", "devices"): Range(0.01, 1_000, "devices"),
    ("InlineOffer", "vcpus"): Range(0.1, 4_000, "vCPUs"),
    ("InlineOffer", "device_memory_gb"): _MEMORY,
    ("InlineOffer", "usd_per_hour"): Range(0, 1_000, "USD/h", each=True),
    ("InlineOffer", "idle_kw"): _POWER,
    ("InlineOffer", "load_kw"): _POWER,
    ("InlineOffer", "embodied_kg_per_hour"): Range(0, 1, "kg/h", each=True),
    ("InlineEndpoint", "usd_per_unit"): _USD_PER_UNIT,
    ("InlineEndpoint", "kg_per_unit"): Range(0, 1_000, "kg/unit"),
    ("InlineEndpoint", "kwh_per_unit"): Range(0, 10_000, "kWh/unit"),
    ("NetworkLink", "rtt_ms"): Range(0, 1_000, "ms"),
    ("NetworkLink", "usd_per_unit"): _USD_PER_UNIT,
    ("NetworkLink", "usd_per_gb"): _USD_PER_GB,
    ("Throughput", "units_per_s"): _SPEED,
    ("CatalogueUse", "max_price_age_days"): Range(1, 3_650, "days"),
    ("CatalogueUse", "fixed_usd_per_hour"): _PLACE_USD,
    ("Carbon", "price_usd_per_tonne"): Range(0, 5_000, "USD/t"),
    ("Carbon", "network_kwh_per_gb"): Range(0, 1, "kWh/GB", possible=1_000),
    ("Currency", "usd_per_unit"): Range(1e-6, 10, "USD"),
    ("Runs", "input_tokens"): _TOKENS,
    ("Runs", "output_tokens"): _TOKENS,
    ("Runs", "throughput"): _SPEED,
    ("Runs", "min_device_memory_gb"): Range(0, 2_000, "GB"),
    ("Data", "persons"): _PERSONS,
    ("Data", "sensitive_persons"): _PERSONS,
    ("Data", "retention_hours"): _HOURS,
    ("Data", "retained_gb"): _GB,
    ("Stream", "rate"): _RATE,
    ("Stream", "mean_rate"): _RATE,
    ("Stream", "max_rtt_ms"): Range(1, 60_000, "ms"),
    ("Service", "min_regions"): _REGIONS,
    ("Service", "max_regions"): _REGIONS,
    ("Service", "unserved_usd_per_unit"): _USD_PER_UNIT,
    ("Service", "response_gb_per_unit"): Range(0, 1_000, "GB/unit"),
    ("Service", "target_utilisation"): Range(0.05, 1, "of the capacity"),
    ("Job", "min_regions"): _REGIONS,
    ("Job", "max_regions"): _REGIONS,
    ("Job", "gang_devices"): Range(1, 1e6, "devices"),
    ("Job", "max_gangs"): Range(1, 1e5, "gangs"),
    ("Job", "checkpoint_gb"): Range(0, 1e6, "GB"),
    ("Job", "spot_overhead"): Range(0, 2, "of the hours"),
    ("Job", "output_gb"): _GB,
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
    ("MechanismCost", "one_off_usd"): Range(0, 1e8, "USD"),
    ("MechanismCost", "yearly_usd"): Range(0, 1e8, "USD/year"),
    ("MechanismCost", "amortisation_years"): Range(0.1, 50, "years"),
    ("Instance", "target_utilisation"): Range(0.05, 1, "of the capacity"),
    ("Instance", "unserved_usd_per_unit"): _USD_PER_UNIT,
}
"""By the class of the model and the field."""

NO_RANGE: dict[tuple[str, str], str] = {
    ("Horizon", "count"): "the type bounds it",
    ("InlineRegion", "lat"): "the type bounds it",
    ("InlineRegion", "lon"): "the type bounds it",
    ("Origin", "lat"): "the type bounds it",
    ("Origin", "lon"): "the type bounds it",
    ("Survival", "share"): "the type bounds it",
    ("SurvivalPolicy", "share"): "the type bounds it",
    ("ProviderShare", "max_share"): "the type bounds it",
    ("CountryShare", "min_share"): "the type bounds it",
    ("SpotShare", "max_share"): "the type bounds it",
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


def implausible(instance: Instance) -> tuple[str, ...]:
    """Return a warning for every figure outside its plausible range: the figure and the range."""
    found = [(path, value, span) for path, value, span in _figures(instance, ()) if not span.low <= value <= span.high]
    data = instance.model_dump() if found else None
    told = [
        f"{show_path(path, data)} is {_number(value)} {span.unit}{' per device' * span.each}; "
        f"plausible is {_number(span.low)} to {_number(span.high)}"
        for path, value, span in found[:TOLD]
    ]
    rest = len(found) - len(told)
    return (*told, *([f"{rest:,} more figures outside their plausible range"] if rest else ()))


def beyond_physics(instance: Instance) -> Iterator[Finding]:
    """No figure is larger than anything that exists could make it."""
    parts: list[tuple[BaseModel | None, Path]] = [
        (instance.catalogue.inline, ("catalogue", "inline")),
        (instance.carbon, ("carbon",)),
    ]
    for part, path in parts:
        for at, value, span in _figures(part, path) if part is not None else ():
            if span.possible is not None and value > span.possible:
                limit = f"{_number(span.possible)} {span.unit}{' per device' * span.each}"
                yield Finding(at, f"is {_number(value)}, beyond anything possible ({limit})", span.advice)


def _figures(owner: BaseModel, path: Path) -> Iterator[tuple[Path, float, Range]]:
    """Yield every stated figure below a model that has a range, with its path; per device where the range is."""
    for name, span in _fields_with_figures(type(owner)):
        value = getattr(owner, name)
        if span is not None:
            count = _devices(owner) if span.each and isinstance(owner, InlineOffer) else 1.0
            yield from ((at, figure / count, span) for at, figure in _numbers(value, (*path, name)))
        elif isinstance(value, BaseModel):
            yield from _figures(value, (*path, name))
        elif isinstance(value, tuple):
            for at, below in enumerate(value):
                if isinstance(below, BaseModel):
                    yield from _figures(below, (*path, name, at))


def _numbers(value: object, path: Path) -> Iterator[tuple[Path, float]]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield path, float(value)
    elif isinstance(value, tuple | dict):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _numbers(below, (*path, key))


def _devices(offer: InlineOffer) -> float:
    counted = offer.devices if offer.vcpus is None else offer.vcpus / VCPUS_AS_A_DEVICE
    return max(1.0, counted)


@functools.cache
def _fields_with_figures(model: type[BaseModel]) -> tuple[tuple[str, Range | None], ...]:
    """Return the fields of a model that have a range (with it) or models below them that have."""
    fields: list[tuple[str, Range | None]] = []
    for name, hint in hints_of(model).items():
        span = RANGES.get((model.__name__, name))
        if span is not None or any(_fields_with_figures(below) for below in _models_in(shape_of(hint))):
            fields.append((name, span))
    return tuple(fields)


def _models_in(shape: Shape) -> tuple[type[BaseModel], ...]:
    return shape.models if shape.item is None else (*shape.models, *_models_in(shape_of(shape.item)))


def _number(value: float) -> str:
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:.3g}"


CHECKS: tuple[Callable[[Instance], Iterable[Finding]], ...] = (beyond_physics,)
