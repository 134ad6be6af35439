"""Seeded lists of changes that fit an instance: of every kind, one or several at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from optimizer.compile.pools import quota_id
from optimizer.instance.models import Instance
from optimizer.instance.rules import CountryShare, ProviderShare, SpotShare, SurvivalPolicy
from optimizer.instance.workloads import Job, Service

Change = dict[str, Any]
Draw = Callable[[Instance, np.random.Generator], Change | None]


def _one(rng: np.random.Generator, items: Any) -> Any:
    items = list(items)
    return items[int(rng.integers(len(items)))] if items else None


def _named(kind: str, op: str, **more: Any) -> Draw:
    def draw(instance: Instance, rng: np.random.Generator) -> Change | None:
        shares = (ProviderShare, CountryShare, SpotShare, SurvivalPolicy)
        names = {
            "budget": [one.id for one in instance.budgets],
            "policy": [one.id for one in instance.policies if op == "lift" or isinstance(one, shares)],
            "quota": [quota_id(one) for one in instance.quotas.limits]
            + [f"quotas.{name}" for name in ("default_devices",) if isinstance(instance.quotas.default_devices, float)],
        }[kind]
        name = _one(rng, names)
        return None if name is None else {"op": op, "rule": f"{kind}:{name}", **more}

    return draw


def _price(instance: Instance, rng: np.random.Generator) -> Change | None:
    inline = instance.catalogue.inline
    scope: dict[str, Any] = {}
    if inline is not None:
        scope = {"accelerators": [_one(rng, {one.accelerator for one in inline.offers})]} if inline.offers else {}
    else:
        provider = _one(rng, instance.catalogue.providers or ("aws", "gcp", "scaleway"))
        scope = {"providers": [provider], "purchase": ["on_demand"]}
    return {"op": "scale_prices", "factor": float(rng.choice([0.5, 1.2, 2.0])), "scope": scope}


def _egress(instance: Instance, rng: np.random.Generator) -> Change | None:
    return {"op": "scale_prices", "of": str(rng.choice(["egress", "storage"])), "factor": 1.5}


def _carbon(instance: Instance, rng: np.random.Generator) -> Change | None:
    return {"op": "scale_carbon", "factor": float(rng.choice([0.5, 1.5]))}


def _demand(instance: Instance, rng: np.random.Generator) -> Change | None:
    some = _one(rng, instance.workloads)
    return {"op": "scale_demand", "factor": float(rng.choice([0.8, 0.9])), "scope": {"workloads": [some.id]}}


def _latency(instance: Instance, rng: np.random.Generator) -> Change | None:
    limited = [w for w in instance.workloads if isinstance(w, Service) and any(s.max_rtt_ms for s in w.streams)]
    some = _one(rng, limited)
    if some is None:
        return None
    op = str(rng.choice(["lift", "loosen"]))
    return {"op": op, "rule": "latency:max_rtt_ms", "scope": {"workloads": [some.id]}} | (
        {"share": 0.1} if op == "loosen" else {}
    )


def _regions(instance: Instance, rng: np.random.Generator) -> Change | None:
    some = _one(rng, instance.workloads)
    return {"op": "change_workload", "workload": some.id, "set": {"max_regions": 1 + some.min_regions}}


def _deadline(instance: Instance, rng: np.random.Generator) -> Change | None:
    some = _one(rng, [w for w in instance.workloads if isinstance(w, Job) and w.deadline_hours is not None])
    return None if some is None else {"op": "lift", "rule": "field:deadline_hours", "scope": {"workloads": [some.id]}}


def _drop(instance: Instance, rng: np.random.Generator) -> Change | None:
    if len(instance.workloads) < 3:
        return None
    return {"op": "drop_workload", "workload": _one(rng, instance.workloads).id}


def _add(instance: Instance, rng: np.random.Generator) -> Change | None:
    twin = _one(rng, instance.workloads)
    inline = instance.catalogue.inline
    if inline is not None and any(row.workload == twin.id for row in inline.throughput):
        return None
    return {"op": "add_workload", "workload": {**twin.model_dump(), "id": f"{twin.id}-twin"}}


def _law(instance: Instance, rng: np.random.Generator) -> Change | None:
    if instance.laws.use == "none":
        return None
    return _one(rng, [
        {"op": "lift", "rule": "law:EU-GDPR-CHV"},
        {"op": "lift", "rule": "law:IN-RBI-2018"},
        {"op": "deactivate", "law": "DE-SGBV-393", "from": "2027-01-10"},
        {"op": "remove_member", "group": "EU_ADEQUATE", "member": "US", "from": "2027-01-10"},
        {"op": "remove_member", "group": "EU_ADEQUATE", "member": "JP"},
        {"op": "add_member", "group": "EU_ADEQUATE", "member": "SG"},
        {"op": "set", "law": "RU-152FZ-18", "field": "storage_rule", "value": "only:RU"},
        {"op": "activate", "law": "EU-CADA", "from": "2027-01-05"},
        {"op": "grant", "law": "DE-AO-146"},
        {"op": "add_law", "law": {"id": "XX-LOCAL", "jurisdiction": "DE", "in_force_from": "2026-01-01",
                                  "data_categories": "personal", "kind": "HARD_LOCAL", "storage_rule": "only:EU27",
                                  "processing_rule": "none"}},
    ])  # fmt: skip


def _close(instance: Instance, rng: np.random.Generator) -> Change | None:
    inline = instance.catalogue.inline
    if inline is not None and len(inline.regions) > 2:
        return {"op": "close_regions", "scope": {"regions": [_one(rng, inline.regions).id]}}
    if inline is not None:
        return {"op": "close_offers", "scope": {"skus": [inline.offers[0].sku]}} if inline.offers else None
    return {"op": "close_regions", "scope": {"countries": [str(rng.choice(["IE", "NL", "SE"]))]}}


def _unserved(instance: Instance, rng: np.random.Generator) -> Change | None:
    return {"op": "set_unserved_price", "usd_per_unit": 1e-3}


def _row(instance: Instance, rng: np.random.Generator) -> Change | None:
    if instance.catalogue.inline is not None:
        return None
    provider = _one(rng, instance.catalogue.providers or ("scaleway",))
    row = {"provider": provider, "region": "new", "country": str(rng.choice(["DE", "IN"])), "pue": 1.1}
    return {"op": "add_row", "table": "regions", "add": row}


DRAWS: dict[str, Draw] = {
    "tighten budget": _named("budget", "tighten", share=0.01),
    "loosen budget": _named("budget", "loosen", share=0.3),
    "lift budget": _named("budget", "lift"),
    "loosen policy": _named("policy", "loosen", share=0.05),
    "lift policy": _named("policy", "lift"),
    "loosen quota": _named("quota", "loosen", amount=1.0),
    "scale quota": _named("quota", "set_limit", times=3.0),
    "lift quota": _named("quota", "lift"),
    "price": _price,
    "egress": _egress,
    "carbon": _carbon,
    "carbon price": lambda instance, rng: {"op": "set_carbon_price", "usd_per_tonne": 40.0},
    "demand": _demand,
    "latency": _latency,
    "regions": _regions,
    "deadline": _deadline,
    "drop": _drop,
    "add": _add,
    "law": _law,
    "close": _close,
    "unserved": _unserved,
    "row": _row,
}


def random_changes(instance: Instance, rng: np.random.Generator, kind: str | None = None) -> list[Change]:
    """Return a change of the kind, or one to three of any; fewer where the instance has nothing of the kind."""
    kinds = [kind] if kind is not None else [str(k) for k in rng.choice(list(DRAWS), size=int(rng.integers(1, 4)))]
    drawn = (DRAWS[one](instance, rng) for one in kinds)
    return [change for change in drawn if change is not None]
