"""Plans and a study for pages: one plan with something in every part, and the same with hostile texts everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from optimizer.plan.models import Plan
from optimizer.study import StudyFolder, load_study, run_study

HOSTILE = '"><img src=x onerror="window.hurt=1"><script>window.hurt=2</script></title></style>\u202e\x1b[2J{{7*7}}'
PLAN: dict[str, Any] = {
    "instance_name": "estate", "instance_sha256": "ab" * 32, "status": "optimal", "termination": "gap_reached",
    "objective_usd": 8000.0, "bound_usd": 7996.0, "gap": 0.0005, "carbon_kg": 60.0, "operational_kg": 45.0,
    "embodied_kg": 15.0, "carbon_high_kg": 66.0, "carbon_unknown_share": 0.25, "energy_kwh": 400.0,
    "cost_breakdown_usd": {"compute": 7500.0, "egress": 300.0, "unserved": 200.0},
    "placements": [
        {"workload": "chat", "stream": "DE", "provider": "aws", "region": "eu-west-1", "country": "IE",
         "sku": "g6.xlarge", "purchase": "on_demand", "period": "t0", "instances": 4, "instance_hours": 2920.0,
         "served_per_s": 100.0, "cost_usd": 4000.0, "carbon_kg": 40.0, "embodied_kg": 10.0, "rtt_ms": 31.0,
         "max_rtt_ms": 45.0, "rtt_source": "estimated", "laws": ["EU-GDPR-CHV"], "flags": ["estimated"]},
        {"workload": "chat", "stream": "FR", "provider": "scaleway", "region": "fr-par", "country": "FR",
         "sku": "L40S-1-48G", "purchase": "on_demand", "period": "t0", "instances": 1, "served_per_s": 20.0,
         "cost_usd": 1000.0, "carbon_kg": 20.0, "embodied_kg": 5.0, "laws": ["EU-GDPR-CHV"],
         "mechanisms": ["SCC_EU"], "flags": ["weak_law"]},
        {"workload": "train", "provider": "gcp", "region": "europe-west4", "country": "NL", "sku": "a3-highgpu-8g",
         "purchase": "spot", "period": "t0", "instances": 1, "instance_hours": 200.0, "work_units": 1e9, "gangs": 1,
         "cost_usd": 2500.0},
    ],
    "copies": [{"dataset": "corpus", "provider": "gcp", "region": "europe-west4", "country": "NL", "size_gb": 1e4,
                "cost_usd": 200.0, "laws": ["EU-GDPR-CHV"], "duty": ["RU-LOCAL"]}],
    "transfers": [{"dataset": "corpus", "source": "gcp:europe-west4", "target": "aws:eu-west-1", "gb": 500.0,
                   "cost_usd": 43.0}],
    "mechanisms": [{"mechanism": "SCC_EU", "key": ["acme", "aws"], "cost_usd": 150.0, "laws": ["EU-GDPR-CHV"]}],
    "budgets": [{"id": "carbon", "metric": "carbon_kg", "limit": 80.0, "used": 60.0, "slack": 20.0,
                 "counts": "all", "estimate": "mid", "embodied": 15.0, "used_high": 66.0, "holds_high": True}],
    "quotas": [{"id": f"devices:H100@aws:r{k}", "period": "t0", "limit": 8.0, "used": 8.0 if k == 0 else 1.0,
                "slack": 0.0 if k == 0 else 7.0} for k in range(14)],
    "shares": [{"id": "cap-aws", "bound": 0.6, "value": 0.5, "sense": "at_most"}],
    "unserved": [{"workload": "search", "stream": "FR", "period": "t0", "per_s": 2.0, "cost_usd": 200.0}],
    "legal_register": [
        {"law": "EU-GDPR-CHV", "jurisdiction": "EU", "instrument": "GDPR", "provision": "Arts 44-49",
         "decided": "required mechanism SCC_EU", "placements": 3, "citation": "Reg (EU) 2016/679",
         "confidence": "partly verified in page", "in_force_from": "2018-05-25", "review_by": "2027-05-31",
         "obligations": ["chat at aws:eu-west-1: deleted within 24 h"]},
        {"law": "RU-LOCAL", "decided": "free", "placements": 1, "citation": "152-FZ", "flags": ["weak"],
         "confidence": "from general knowledge"}],
    "actions": [
        {"rule": f"access:{name}", "kind": "confirm_access", "subject": name, "sentence": f"who supports {name}",
         "owner": owner, "due": f"2026-12-{day:02d}", "workloads": ["chat"]}
        for day, (name, owner) in enumerate([("aws", "vendor manager"), ("gcp", "vendor manager"),
                                             ("scaleway", "legal counsel")] * 3, start=1)],
    "ineligible": [{"workload": "chat", "reason": "law_forbids", "rule": "EU-GDPR-CHV", "options": 12, "alone": 5}],
    "missing_figures": [{"figure": "missing_power", "rule": "carbon", "options": 7, "alone": 3, "may_cost_usd": 40.0}],
    "missing_figures_usd": 40.0,
    "refused": [{"reason": "law_unknown", "rule": "US-NV", "options": 28, "alone": 28}], "refused_usd": 80.0,
    "switching": [{"figure": "price", "of": "aws:eu-west-1:g6.xlarge", "workloads": ["chat"], "value": 1.0,
                   "unit": "USD/h", "quality": "listed", "switches_at": 1.05, "sentence": "chat leaves above 1.05"}],
    "unmodelled_laws": ["EU-DATAACT-29"],
    "data_quality": [{"quality": "estimated", "cost_share": 0.1, "carbon_share": 0.5}],
    "warnings": ["3 prices are old", "condition taken as met: EU-GDPR-CHV: consent", "residual risk: US-CLOUD-ACT"],
    "versions": {"catalogue": "2026.11.1 of 2026-11-30", "laws": "2026-11-30"},
    "horizon": {"start": "2027-01-01", "periods": [{"id": "t0", "hours": 730.0}]},
}  # fmt: skip
FIXED = {"status", "termination", "period", "metric", "counts", "estimate", "sense", "kind", "due", "country", "start",
         "in_force_from", "review_by", "figure", "reason", "region", "provider"}  # fmt: skip
"""Fields whose values are of a vocabulary, or are looked up."""


def toy_plan(**changes: Any) -> Plan:
    """Return the plan with something in every part."""
    return Plan.model_validate({**PLAN, **changes}, strict=False)


def hostile_plan() -> Plan:
    """Return the plan with hostile text in place of every text of a file, each its own, some very long."""
    number = 0

    def spoilt(key: str, value: Any) -> Any:
        nonlocal number
        if isinstance(value, dict):
            return {k: spoilt(k, v) for k, v in value.items()}
        if isinstance(value, list):
            return [spoilt(key, item) for item in value]
        if isinstance(value, str) and key not in FIXED:
            number += 1
            return f"{HOSTILE}{number}" + ("W" * 5000 if number % 7 == 0 else "")
        return value

    data = {key: spoilt(key, value) for key, value in PLAN.items() if key != "horizon"}
    return Plan.model_validate({**data, "horizon": PLAN["horizon"]}, strict=False)


@contextmanager
def one_thread() -> Iterator[tuple[ThreadPoolExecutor, int]]:
    """Solve the scenarios of a toy study here: starting processes takes longer than solving it."""
    with ThreadPoolExecutor(1) as executor:
        yield executor, 1


INSTANCE: dict[str, Any] = {
    "name": "toy", "description": "A service near Berlin, or a little farther",
    "horizon": {"start": "2027-01-01", "hours": 100.0},
    "laws": {"use": "none"}, "currency": {"code": "EUR", "usd_per_unit": 2.0, "date": "2026-11-01"},
    "catalogue": {"use": "inline", "inline": {
        "providers": [{"id": "p", "control": ["DE"]}, {"id": "q", "control": ["FR"]}],
        "regions": [{"id": "p:north", "provider": "p", "country": "DE", "lat": 53.0, "lon": 10.0, "pue": 1.0,
                     "grid_g_per_kwh": 300.0},
                    {"id": "q:east", "provider": "q", "country": "FR", "lat": 48.9, "lon": 2.4, "pue": 1.0,
                     "grid_g_per_kwh": 50.0}],
        "offers": [{"sku": "g1", "region": "p:north", "accelerator": "X", "usd_per_hour": 2.0},
                   {"sku": "g1", "region": "q:east", "accelerator": "X", "usd_per_hour": 3.0}]}},
    "quotas": {"default_devices": "unlimited", "limits": [{"id": "north", "region": "p:north", "devices": 4}]},
    "workloads": [{"id": "chat", "kind": "service", "runs": {"throughput": {"X": 10.0}}, "target_utilisation": 1.0,
                   "streams": [{"origin": "DE", "rate": 40.0}], "data": {"categories": ["non_personal"]}}],
}  # fmt: skip
STUDY: dict[str, Any] = {
    "name": "quota", "question": "How many devices should we ask for?", "base": "toy.yaml", "solve": {"gap": 1e-6},
    "axes": [{"id": "devices", "kind": "lever", "values": [4, 0],
              "changes": [{"op": "set_limit", "rule": "quota:north", "to": "$value"}]},
             {"id": "demand", "kind": "uncertainty", "values": [1.0, 1.5],
              "changes": [{"op": "scale_demand", "factor": "$value"}]}],
    "scenarios": [{"id": "closed", "changes": [{"op": "close_regions", "scope": {"providers": ["q"]}},
                                               {"op": "scale_demand", "factor": 2.0}]}],
}  # fmt: skip
STUDY_COSTS_EUR = {"base": 400.0, "devices=4,demand=1": 400.0, "devices=4,demand=1.5": 700.0,
                   "devices=0,demand=1": 600.0, "devices=0,demand=1.5": 900.0, "closed": None}  # fmt: skip
"""By hand, at 2 USD for 1 EUR: four instances (six with half more demand), of which as many at 2 USD/h for 100 h as the
quota lets, the others at 3 USD/h; none where eight do not fit and nothing else is open.
"""


def write_instance(folder: Path) -> Path:
    """Write the toy instance into a folder; return its path."""
    path = folder / "toy.yaml"
    path.write_text(yaml.safe_dump(INSTANCE), encoding="utf-8")
    return path


def write_study(folder: Path) -> Path:
    """Write the toy study into a folder and run it; return the folder of its results."""
    write_instance(folder)
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False), encoding="utf-8")
    run_study(load_study(folder / "study.yaml"), StudyFolder(folder / "results"))
    return folder / "results"


def write_two(folder: Path) -> Path:
    """Write and run a study of the toy instance and of one of twice its price, weighted once and twice."""
    write_instance(folder)
    dear = {**INSTANCE, "name": "dear", "discounts": [{"provider": name, "percent": -100.0} for name in ("p", "q")]}
    (folder / "dear.yaml").write_text(yaml.safe_dump(dear), encoding="utf-8")
    study = {
        "name": "two", "bases": ["toy.yaml", "dear.yaml"], "weights": {"toy": 1, "dear": 2}, "weights_are": "a guess",
        "solve": {"gap": 1e-6}, "scenarios": [{"id": "none", "changes": [
            {"op": "set_limit", "rule": "quota:north", "to": 0}]}],
        "findings": [
            {"id": "half-more", "says": "Without devices it costs half as much again", "scenario": "none",
             "beside": "base", "at_least": 1.49},
            {"id": "double", "says": "Without devices it costs twice as much", "scenario": "none", "beside": "base",
             "at_least": 2.0, "bases": ["toy"]}],
    }  # fmt: skip
    (folder / "two.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    run_study(load_study(folder / "two.yaml"), StudyFolder(folder / "two"))
    return folder / "two"
