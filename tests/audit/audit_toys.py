"""Small inline instances and valid plans for them, every figure worked out by hand."""

from __future__ import annotations

import copy
from datetime import date
from typing import Any

from optimizer.instance.load import load
from optimizer.instance.models import Instance
from optimizer.laws import load_laws
from optimizer.laws.rows import LawRow
from optimizer.plan.models import Plan

# Two regions of provider north, one of south. One period of 100 h.
#
# chat: 10 units/s from DE, 6 from FR, mean half the peak; one gpu does 10 units/s, utilisation 0.8: 8 units/s planned.
#   north-1: 2 instances x 2 USD x 100 h = 400 USD; south-1: 1 instance x 3 USD x 100 h = 300 USD.
#   12 units/s in north-1 (10 DE + 2 FR), 4 in south-1 (FR).
#   answers: 0.001 GB per unit; units = 3600 x 100 x mean; egress 0.1 USD/GB in north, 0.2 in south.
#     north DE: 3600*100*5 = 1.8e6 units, 1800 GB, 180 USD; north FR: 3.6e5 units, 360 GB, 36 USD
#     south FR: 7.2e5 units, 720 GB, 144 USD
#   energy: PUE (idle n h + (load - idle) h mean/10): north DE share 2*10/12, FR share 2*2/12
# train: 7.2e6 units, gang of 2 gpus = 2 instances; one instance does 10 units/s = 36,000 units/h, so that it takes 200
#   instance-hours, 100 h of 2 instances: 200 x 2 USD = 400 USD in north-1.
# corpus: 1,000 GB stored in north-1 at 0.02 USD/GB-month for 100/730 months; read 50 GB by train in north-1.

HOURS = 100.0

BASE: dict[str, Any] = {
    "name": "toy",
    "horizon": {"start": "2027-01-01", "hours": HOURS},
    "catalogue": {
        "use": "inline",
        "inline": {
            "providers": [
                {"id": "north", "headquarters": "DE", "control": ["DE"], "certifications": ["SecNumCloud 3.2"]},
                {"id": "south", "headquarters": "US", "control": ["US"]},
            ],
            "regions": [
                {
                    "id": "north-1", "country": "DE", "provider": "north", "metro": "mA", "pue": 1.2,
                    "wue_l_per_kwh": 1.0, "grid_g_per_kwh": 300.0, "storage_usd_per_gb_month": 0.02,
                    "egress_usd_per_gb": 0.1, "fixed_usd_per_hour": 0.5,
                },
                {
                    "id": "north-2", "country": "FR", "provider": "north", "metro": "mB", "pue": 1.1,
                    "wue_l_per_kwh": 0.5, "grid_g_per_kwh": 50.0, "storage_usd_per_gb_month": 0.03,
                    "egress_usd_per_gb": 0.1,
                },
                {
                    "id": "south-1", "country": "FR", "provider": "south", "metro": "mC", "pue": 1.5,
                    "wue_l_per_kwh": 2.0, "grid_g_per_kwh": 50.0, "storage_usd_per_gb_month": 0.01,
                    "egress_usd_per_gb": 0.2,
                },
            ],
            "offers": [
                {
                    "sku": sku, "region": region, "accelerator": "gpu", "devices": 1, "device_memory_gb": 80,
                    "software": "cuda", "usd_per_hour": usd, "idle_kw": 0.2, "load_kw": 1.0,
                    "embodied_kg_per_hour": 0.01, "purchase": purchase,
                }
                for sku, region, usd, purchase in [
                    ("g1", "north-1", 2.0, "on_demand"),
                    ("g1", "north-1", 1.0, "spot"),
                    ("g1", "north-2", 2.5, "on_demand"),
                    ("g1", "south-1", 3.0, "on_demand"),
                ]
            ],
            "endpoints": [
                {"id": "ep", "region": "north-2", "model": "m", "usd_per_unit": 1e-4, "kg_per_unit": 1e-6,
                 "kwh_per_unit": 1e-5},
            ],
            "network": [
                {"origin": "DE", "region": "north-1", "rtt_ms": 10},
                {"origin": "FR", "region": "north-1", "rtt_ms": 20},
                {"origin": "FR", "region": "south-1", "rtt_ms": 15},
                {"origin": "DE", "region": "south-1", "rtt_ms": 60},
                {"origin": "DE", "region": "north-2", "rtt_ms": 25},
                {"origin": "FR", "region": "north-2", "rtt_ms": 5},
            ],
            "throughput": [
                {"workload": "chat", "accelerator": "gpu", "units_per_s": 10},
                {"workload": "train", "accelerator": "gpu", "units_per_s": 10},
            ],
        },
    },
    "laws": {"use": "none"},
    "target_utilisation": 0.8,
    "workloads": [
        {
            "id": "chat", "kind": "service", "tags": ["eu"], "response_gb_per_unit": 0.001,
            "runs": {"model": "m", "software": ["cuda"], "min_device_memory_gb": 40, "via": ["instance", "endpoint"]},
            "streams": [
                {"origin": "DE", "rate": 10, "mean_rate": 5, "max_rtt_ms": 50},
                {"origin": "FR", "rate": 6, "mean_rate": 3, "max_rtt_ms": 50},
            ],
        },
        {
            "id": "train", "kind": "job", "work": 7.2e6, "gang_devices": 2,
            "runs": {"model": "m"},
        },
    ],
    "datasets": [
        {"id": "corpus", "size_gb": 1000, "readers": [{"workload": "train", "gb": 50}]},
    ],
    "budgets": [
        {"id": "carbon", "limit_kg": 1000},
        {"id": "water", "limit_l": 5000},
        {"id": "power", "limit_kwh": 5000},
        {"id": "money", "limit_usd": 5000},
        {"id": "eu-money", "limit_usd": 1200, "scope": {"tags": ["eu"]}},
    ],
    "policies": [
        {"kind": "provider_share", "id": "not-all-north", "providers": ["north"], "max_share": 0.8},
        {"kind": "country_share", "id": "some-german", "countries": ["DE"], "min_share": 0.5},
        {"kind": "spot_share", "id": "little-spot", "max_share": 0.5},
    ],
    "quotas": {
        "default_devices": 10,
        "default_endpoint_units_per_s": 100,
        "limits": [{"id": "north-kw", "region": "north-1", "kw": 6}],
    },
    "carbon": {"price_usd_per_tonne": 100},
}


def base() -> dict[str, Any]:
    """Return a fresh copy of the toy instance's fields."""
    return copy.deepcopy(BASE)


def instance_of(data: dict[str, Any]) -> Instance:
    """Return the instance of some fields."""
    return load(data, references=False)


def row(workload: str, region: str, **more: Any) -> dict[str, Any]:
    """Return a placement on g1."""
    provider, _, _ = region.partition("-")
    return {"workload": workload, "provider": provider, "region": region, "region_id": region, "sku": "g1",
            "purchase": "on_demand", "period": "t0", **more}  # fmt: skip


def _energy(pue: float, n: float, mean: float) -> float:
    return pue * (0.2 * n * HOURS + 0.8 * HOURS * mean / 10)


def valid_plan() -> dict[str, Any]:
    """Return a plan of the toy instance with every figure stated, by the arithmetic in the comment above."""
    de, fr = 2 * 10 / 12, 2 * 2 / 12
    energy = {"n-de": _energy(1.2, de, 5), "n-fr": _energy(1.2, fr, 1), "s-fr": _energy(1.5, 1, 2), "job": 1.2 * 200}
    carbon = {
        "n-de": energy["n-de"] * 0.3 + 0.01 * de * HOURS,
        "n-fr": energy["n-fr"] * 0.3 + 0.01 * fr * HOURS,
        "s-fr": energy["s-fr"] * 0.05 + 0.01 * HOURS,
        "job": energy["job"] * 0.3 + 0.01 * 200,
    }
    water = (energy["n-de"] + energy["n-fr"] + energy["job"]) / 1.2 * 1.0 + energy["s-fr"] / 1.5 * 2.0
    storage = 1000 * 0.02 * HOURS / 730
    kg = sum(carbon.values())
    terms = {"compute": 400 + 300 + 400, "storage": storage, "egress": 180 + 36 + 144, "network": 0.0,
             "mechanisms": 0.0, "regions": 50.0, "carbon_price": 0.1 * kg, "unserved": 0.0}  # fmt: skip
    objective = sum(terms.values())
    kwh = sum(energy.values())
    money = objective - terms["carbon_price"]
    eu_money = 700.0 + 360.0
    return {
        "status": "optimal",
        "termination": "gap_reached",
        "objective_usd": objective,
        "bound_usd": objective * 0.999,
        "gap": 0.001,
        "cost_breakdown_usd": terms,
        "carbon_kg": kg,
        "energy_kwh": kwh,
        "water_l": water,
        "placements": [
            row("chat", "north-1", stream="DE", instances=de, instance_hours=de * HOURS, served_per_s=10, country="DE",
                cost_usd=de * 200 + 180, carbon_kg=carbon["n-de"], energy_kwh=energy["n-de"], accelerator="gpu"),
            row("chat", "north-1", stream="FR", instances=fr, instance_hours=fr * HOURS, served_per_s=2, country="DE",
                cost_usd=fr * 200 + 36, carbon_kg=carbon["n-fr"], energy_kwh=energy["n-fr"], accelerator="gpu"),
            row("chat", "south-1", stream="FR", instances=1, instance_hours=HOURS, served_per_s=4, country="FR",
                cost_usd=300 + 144, carbon_kg=carbon["s-fr"], energy_kwh=energy["s-fr"], accelerator="gpu"),
            row("train", "north-1", instances=2, instance_hours=200, work_units=7.2e6, gangs=1, country="DE",
                cost_usd=400, carbon_kg=carbon["job"], energy_kwh=energy["job"], accelerator="gpu"),
        ],
        "copies": [
            {"dataset": "corpus", "provider": "north", "region": "north-1", "region_id": "north-1", "country": "DE",
             "size_gb": 1000, "cost_usd": storage},
        ],
        "transfers": [{"dataset": "corpus", "source": "north-1", "target": "north-1", "gb": 50, "cost_usd": 0.0}],
        "budgets": [
            {"id": "carbon", "metric": "carbon_kg", "limit": 1000, "used": kg, "slack": 1000 - kg},
            {"id": "water", "metric": "water_l", "limit": 5000, "used": water, "slack": 5000 - water},
            {"id": "power", "metric": "energy_kwh", "limit": 5000, "used": kwh, "slack": 5000 - kwh},
            {"id": "money", "metric": "spend_usd", "limit": 5000, "used": money, "slack": 5000 - money},
            {"id": "eu-money", "metric": "spend_usd", "limit": 1200, "used": eu_money, "slack": 1200 - eu_money},
        ],
        "quotas": [
            {"id": "devices:gpu@north-1", "period": "t0", "limit": 10, "used": 4, "slack": 6},
            {"id": "devices:gpu@south-1", "period": "t0", "limit": 10, "used": 1, "slack": 9},
            {"id": "north-kw", "period": "t0", "limit": 6, "used": 4, "slack": 2},
        ],
        "shares": [
            {"id": "not-all-north", "bound": 0.8, "value": 800 / 1100, "sense": "at_most"},
            {"id": "some-german", "bound": 0.5, "value": 400 / 500, "sense": "at_least"},
            {"id": "little-spot", "bound": 0.5, "value": 0.0, "sense": "at_most"},
        ],
        "horizon": {"start": "2027-01-01", "periods": [{"id": "t0", "hours": HOURS}]},
        "instance_name": "toy",
    }


def plan_of(data: dict[str, Any]) -> Plan:
    """Return the plan of some fields."""
    return Plan.model_validate(data)


# assistant: 4 units/s from DE, personal data of an exporter in DE, kept a day; one gpu does 10 units/s.
#   Half is served in JP (adequate, free), half in IN (standard clauses at 1 USD/h over the horizon: 12 USD in 12 h).
# files: 10 GB of the same data in JP, storage free of charge.


def law_base() -> dict[str, Any]:
    """Return an instance under the bundled laws: personal data of Germans, offers in Japan and India."""
    region = {"storage_usd_per_gb_month": 0.0, "egress_usd_per_gb": 0.0}
    offer = {"sku": "g1", "accelerator": "gpu", "usd_per_hour": 1.0}
    return {
        "name": "lawful",
        "horizon": {"start": "2027-01-01", "hours": 12},
        "catalogue": {
            "use": "inline",
            "inline": {
                "providers": [{"id": name, "headquarters": "JP", "control": ["JP"]} for name in ("nippon", "host")],
                "regions": [
                    {"id": "tokyo", "country": "JP", "provider": "nippon", **region},
                    {"id": "mumbai", "country": "IN", "provider": "host", **region},
                ],
                "offers": [{"region": "tokyo", **offer}, {"region": "mumbai", **offer}],
                "throughput": [{"workload": "assistant", "accelerator": "gpu", "units_per_s": 10}],
            },
        },
        "laws": {"use": "world"},
        "workloads": [
            {
                "id": "assistant", "kind": "service", "runs": {"model": "m"},
                "data": {"categories": ["personal"], "exporter": "acme", "retention_hours": 24},
                "streams": [{"origin": "DE", "rate": 4}],
            }
        ],
        "datasets": [
            {"id": "files", "size_gb": 10, "categories": ["personal"], "subjects": ["DE"], "exporter": "acme"},
        ],
        "mechanism_costs": [{"id": "SCC_EU", "yearly_usd": 8760.0}],
        "quotas": {"default_devices": 10},
        "legal_assertions": {"exporters": [
            {"id": "acme", "country": "DE"},
            {"id": "clinic", "country": "DE", "roles": ["statutory_healthcare_provider"]},
        ]},
    }  # fmt: skip


def law_plan() -> dict[str, Any]:
    """Return a lawful plan of it."""
    half = {"workload": "assistant", "stream": "DE", "sku": "g1", "purchase": "on_demand",
            "period": "t0", "instances": 1, "served_per_s": 2.0, "cost_usd": 12.0}  # fmt: skip
    return {
        "status": "optimal",
        "objective_usd": 36.0,
        "bound_usd": 36.0,
        "gap": 0.0,
        "cost_breakdown_usd": {"compute": 24.0, "mechanisms": 12.0},
        "placements": [
            {**half, "provider": "nippon", "region": "tokyo", "region_id": "tokyo", "country": "JP",
             "laws": ["EU-GDPR-CHV", *CHIP_LAWS]},
            {**half, "provider": "host", "region": "mumbai", "region_id": "mumbai", "country": "IN",
             "laws": ["EU-GDPR-CHV", *CHIP_LAWS], "mechanisms": ["SCC_EU"]},
        ],
        "copies": [{"dataset": "files", "provider": "nippon", "region": "tokyo", "region_id": "tokyo", "country": "JP",
                    "size_gb": 10, "cost_usd": 0.0, "laws": ["EU-GDPR-CHV"]}],
        "mechanisms": [{"mechanism": "SCC_EU", "key": SCC_KEY, "cost_usd": 12.0, "laws": ["EU-GDPR-CHV"]}],
    }  # fmt: skip


CHIP_LAWS = ["US-BIS-AFFIL-2026", "US-BIS-ENTITY-LIST"]
"""Laws that ask of accelerators everywhere who uses them."""


def entry_of(law: LawRow, decided: str, rows: int) -> dict[str, Any]:
    """Return the entry of a law in the register of the lawful plan, which begins after days of review."""
    overdue = ["overdue"] * (law.review_by is not None and law.review_by < date(2027, 1, 1))
    weak = ["weak"] * law.confidence.startswith("from general") + ["unreviewed"] * (not law.trigger.reviewed)
    return {
        "law": law.id, "jurisdiction": "|".join(law.jurisdictions), "instrument": law.instrument,
        "provision": law.provision, "citation": law.citation, "confidence": law.confidence, "status": law.status,
        "in_force_from": law.in_force_from, "review_by": law.review_by, "decided": decided, "placements": rows,
        "flags": weak + overdue,
    }  # fmt: skip


def lawful_register() -> dict[str, Any]:
    """Return the register of the lawful plan, and its warnings: the law on transfers bears on placements and a copy,
    those on chips on the placements.
    """
    pack = load_laws("world").laws
    decided = {"EU-GDPR-CHV": ("required mechanism SCC_EU", 3), **dict.fromkeys(CHIP_LAWS, ("free", 2))}
    entries = [entry_of(pack[name], *of_law) for name, of_law in decided.items()]
    late = [f"{one['law']} ({one['review_by']})" for one in entries if "overdue" in one["flags"]]
    return {"legal_register": entries, "warnings": [f"to be reviewed: {', '.join(late)}"]}
SCC_KEY = ["acme", "host"]

# night: 36,000 units; one gpu does 10 units/s = 36,000 units/h... in halves: half an hour of work in hour 0 (east),
#   a pause, half an hour in hour 3 (west). Checkpoint of 20 GB at 0.1 USD/GB = 2 USD.


def timed_base() -> dict[str, Any]:
    """Return an instance of four hours: an interruptible job that may move, and hourly grid carbon."""
    offer = {"sku": "g1", "accelerator": "gpu", "devices": 2, "usd_per_hour": 4.0, "idle_kw": 0.5, "load_kw": 2.0,
             "embodied_kg_per_hour": 0.0}  # fmt: skip
    return {
        "name": "night",
        "horizon": {"start": "2027-01-01", "hours": 4, "count": 4},
        "catalogue": {
            "use": "inline",
            "inline": {
                "regions": [
                    {"id": "east", "country": "DE", "pue": 1.0, "grid_g_per_kwh": [100.0, 300.0, 300.0, 300.0],
                     "egress_usd_per_gb": 0.1},
                    {"id": "west", "country": "FR", "pue": 1.0, "grid_g_per_kwh": [300.0, 300.0, 300.0, 50.0],
                     "egress_usd_per_gb": 0.1},
                ],
                "offers": [{"region": "east", **offer}, {"region": "west", **offer}],
                "throughput": [{"workload": "night", "accelerator": "gpu", "units_per_s": 5}],
            },
        },
        "laws": {"use": "none"},
        "workloads": [
            {"id": "night", "kind": "job", "work": 36_000, "gang_devices": 2, "interruptible": True, "may_move": True,
             "checkpoint_gb": 20, "runs": {"model": "m"}},
        ],
        "budgets": [{"id": "carbon", "limit_kg": 0.3}],
        "quotas": {"default_devices": 2},
    }  # fmt: skip


def timed_plan() -> dict[str, Any]:
    """Return a plan of it: half the work in the east in hour 0, half in the west in hour 3."""
    half = {"workload": "night", "provider": "inline", "sku": "g1", "purchase": "on_demand", "instances": 1, "gangs": 1,
            "instance_hours": 0.5, "work_units": 18_000, "cost_usd": 2.0, "energy_kwh": 1.0}  # fmt: skip
    return {
        "objective_usd": 6.0,
        "cost_breakdown_usd": {"compute": 4.0, "moves": 2.0},
        "carbon_kg": 0.15,
        "placements": [
            {**half, "region": "east", "region_id": "east", "period": "t0", "carbon_kg": 0.1},
            {**half, "region": "west", "region_id": "west", "period": "t3", "carbon_kg": 0.05},
        ],
        "moves": [{"job": "night", "source": "east", "target": "west", "period": "t3", "gb": 20, "cost_usd": 2.0}],
    }
