"""A small plan with something of everything, made by hand, and the instance that it is of."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import domicile
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan

INSTANCE: dict[str, Any] = {
    "name": "estate",
    "horizon": {"start": "2027-01-31", "periods": [{"id": "p0", "hours": 48}, {"id": "p1", "hours": 24}]},
    "currency": {"code": "EUR", "usd_per_unit": 1.25, "date": "2026-11-20"},
    "catalogue": {
        "use": "inline",
        "inline": {
            "regions": [
                {"id": "aws:eu-north-1", "country": "SE", "provider": "aws", "storage_usd_per_gb_month": 0.1},
                {"id": "scaleway:fr-par", "country": "FR", "provider": "scaleway", "storage_usd_per_gb_month": 0.1},
            ],
            "offers": [
                {
                    "sku": "p5.4xlarge",
                    "region": "aws:eu-north-1",
                    "accelerator": "H100",
                    "software": "cuda",
                    "eur_per_hour": 8.0,
                },
                {
                    "sku": "H100-1-80G",
                    "region": "scaleway:fr-par",
                    "accelerator": "H100",
                    "software": "cuda",
                    "eur_per_hour": 2.0,
                },
            ],
        },
    },
    "laws": {"use": "none"},
    "target_utilisation": 1.0,
    "unserved_usd_per_unit": 1.0,
    "workloads": [
        {
            "id": "chat",
            "kind": "service",
            "tags": ["team-a"],
            "runs": {"model": "meta-llama/Llama-3.1-8B-Instruct", "throughput": {"H100": 10}},
            "data": {"categories": ["personal"], "exporter": "acme", "retention_hours": 24, "persons": {"DE": 400}},
            "streams": [
                {"origin": "DE", "rate": 30, "unit": "tokens/s"},
                {"origin": "FR", "rate": 10, "unit": "tokens/s"},
            ],
        },
        {
            "id": "train",
            "kind": "job",
            "work": 1e6,
            "runs": {"throughput": {"H100": 10}},
            "tags": ["team-b"],
            "data": {"categories": ["personal"], "subjects": ["FR"], "exporter": "FR"},
        },
        {"id": "weather", "kind": "job", "work": 1e6, "runs": {"throughput": {"H100": 10}}},
    ],
    "datasets": [
        {"id": "corpus", "size_gb": 100, "categories": ["personal"], "persons": {"DE": 400}, "exporter": "acme"}
    ],
    "quotas": {"default_devices": 8},
    "legal_assertions": {"exporters": [{"id": "acme", "country": "DE", "headquarters": "DE"}]},
}


def placement(workload: str, stream: str | None, period: str, instances: float, **more: Any) -> dict[str, Any]:
    """A placement on AWS in Sweden, unless `more` says otherwise."""
    hours = {"p0": 48, "p1": 24}[period]
    row = {
        "workload": workload,
        "stream": stream,
        "provider": "aws",
        "region": "eu-north-1",
        "country": "SE",
        "sku": "p5.4xlarge",
        "accelerator": "H100",
        "purchase": "on_demand",
        "period": period,
        "instances": instances,
        "instance_hours": instances * hours,
        "cost_usd": instances * hours * 10.0,
        "carbon_kg": instances * 2.0,
        "embodied_kg": instances * 0.5,
        "energy_kwh": instances * 30.0,
        "laws": ["EU-GDPR-CHV"],
    }
    return {**row, **more}


PARIS = {"provider": "scaleway", "region": "fr-par", "country": "FR", "sku": "H100-1-80G"}
PLAN: dict[str, Any] = {
    "status": "optimal",
    "termination": "gap_reached",
    "objective_usd": 4_100.0,
    "bound_usd": 4_099.0,
    "gap": 0.0002,
    "cost_breakdown_usd": {"compute": 3_840.0, "storage": 10.0, "mechanisms": 150.0, "unserved": 20.0, "carbon": 80.0},
    "carbon_kg": 20.0,
    "placements": [
        placement("chat", "DE", "p0", 1.5, served_per_s=30.0),
        placement("chat", "FR", "p0", 0.5, served_per_s=10.0, mechanisms=["SCC_EU"]),
        placement("chat", "DE", "p1", 3.0, served_per_s=30.0),
        placement("train", None, "p0", 2.0, work_units=1e6, gangs=2.0, purchase="spot", **PARIS),
        placement("weather", None, "p1", 5.0, work_units=1e6, gangs=5.0, carbon_kg=None, embodied_kg=None, **PARIS),
    ],
    "copies": [
        {
            "dataset": "corpus",
            "provider": "aws",
            "region": "eu-north-1",
            "country": "SE",
            "size_gb": 100.0,
            "cost_usd": 10.0,
            "laws": ["EU-GDPR-CHV"],
        }
    ],
    "transfers": [
        {"dataset": "corpus", "source": "aws:eu-north-1", "target": "scaleway:fr-par", "gb": 5.0, "cost_usd": 0.0}
    ],
    "mechanisms": [{"mechanism": "SCC_EU", "key": ["acme", "aws"], "cost_usd": 150.0, "laws": ["EU-GDPR-CHV"]}],
    "unserved": [{"workload": "chat", "stream": "FR", "period": "p1", "per_s": 10.0, "cost_usd": 20.0}],
    "legal_register": [
        {
            "law": "EU-GDPR-CHV",
            "jurisdiction": "EU",
            "citation": "Reg (EU) 2016/679 Arts 44-49",
            "confidence": "verified in page",
            "in_force_from": "2018-05-25",
            "review_by": "2027-05-31",
            "decided": "required mechanism SCC_EU",
            "placements": 4,
        },
    ],
    "assertions": {"exporters": [{"id": "acme", "country": "DE", "headquarters": "DE"}], "advisory": False},
    "warnings": ["residual risk: EU-GDPR-48: an authority of a third country can order disclosure"],
    "unmodelled_laws": ["EU-DATAACT-29"],
    "actions": [
        {
            "rule": "access:aws",
            "kind": "confirm_access",
            "subject": "aws",
            "sentence": "which terms of support hold",
            "owner": "vendor manager",
            "due": "2027-01-31",
            "workloads": ["chat"],
            "datasets": ["corpus"],
        },
        {
            "rule": "mechanism:SCC_EU",
            "kind": "sign_clause",
            "subject": "SCC_EU",
            "sentence": "sign SCC_EU for acme/aws",
            "owner": "legal counsel",
            "due": "2026-12-31",
            "workloads": ["chat"],
        },
    ],
    "currency": {"code": "EUR", "usd_per_unit": 1.25, "date": "2026-11-20"},
    "instance_name": "estate",
    "horizon": {"start": "2027-01-31", "periods": [{"id": "p0", "hours": 48.0}, {"id": "p1", "hours": 24.0}]},
}

HOSTILE = (
    "../../escaped",
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x","y")',
    "\u202e\x1b[31mred\x07",
    "a" * 40_000,
    "x: {y: [1",
    "\n---\nkind: Pod",
    "C:\\con",
    "",
)
"""Texts that a plan of somebody else's may hold anywhere."""


@cache
def instance() -> Instance:
    """The instance, loaded once."""
    return domicile.load(copy.deepcopy(INSTANCE))


def plan(**changed: Any) -> Plan:
    """The plan, with some of its fields changed."""
    found = {**copy.deepcopy(PLAN), **changed}
    return Plan.model_validate_json(json.dumps(found))


def hostile_plan(text: str) -> Plan:
    """The plan with one text wherever a plan has text of somebody else's."""
    rows = copy.deepcopy(PLAN["placements"])
    for row in rows:
        row.update(
            workload=text,
            stream=text,
            provider=text,
            region=text,
            region_id=text,
            country=text,
            sku=text,
            accelerator=text,
            purchase=text,
            laws=[text],
            mechanisms=[text],
            flags=[text],
        )
    law = {**PLAN["legal_register"][0], "law": text, "citation": text, "confidence": text}
    actions = [{**PLAN["actions"][0], "rule": f"access:{text}", "sentence": text, "owner": text, "workloads": [text]}]
    return plan(
        placements=rows,
        legal_register=[law],
        actions=actions,
        instance_name=text,
        warnings=[text, f"residual risk: {text}"],
        assertions={text: [{"id": text}]},
        unmodelled_laws=[text],
        versions={text: text},
        instance_sha256=text,
        mechanisms=[{"mechanism": text, "key": [text], "cost_usd": 150.0, "laws": [text]}],
    )
