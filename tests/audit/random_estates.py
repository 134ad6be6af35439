"""Random small instances that touch every part of the vocabulary; each seed is one instance."""

from __future__ import annotations

import random
from typing import Any

COUNTRIES = ["DE", "FR", "IN", "JP", "US", "BR"]
ORIGINS = ["DE", "FR", "IN", "US"]


def estate(seed: int) -> dict[str, Any]:
    """Return the fields of a random instance."""
    rng = random.Random(seed)
    regions = _regions(rng)
    periods = rng.choice([1, 1, 1, 2, 4])
    lawful = rng.random() < 0.5
    workloads = [_service(rng, k, periods, lawful) for k in range(rng.choice([1, 1, 2, 3]))]
    workloads += [_job(rng, k, lawful) for k in range(rng.choice([0, 1, 1, 2]))]
    data: dict[str, Any] = {
        "name": f"estate-{seed}",
        "horizon": {"start": "2027-01-01", "hours": rng.choice([4, 24, 100]), "count": periods},
        "catalogue": {"use": "inline", "inline": _catalogue(rng, regions, workloads, periods)},
        "laws": {"use": "world", "as_of": "2026-11-22"} if lawful else {"use": "none"},
        "target_utilisation": rng.choice([0.5, 0.7, 1.0]),
        "workloads": workloads,
        "quotas": _quotas(rng, regions),
        "carbon": {
            "price_usd_per_tonne": rng.choice([0, 0, 50]),
            "embodied": rng.choice(["boavizta", "none"]),
            "network_kwh_per_gb": rng.choice([0, 0.01]),
        },
        "discounts": _discounts(rng),
    }
    if rng.random() < 0.5:
        data["unserved_usd_per_unit"] = rng.choice([0.01, 1.0])
    if rng.random() < 0.5:
        data["datasets"] = [_dataset(rng, k, regions, workloads, lawful) for k in range(rng.choice([1, 2]))]
    if rng.random() < 0.3:
        what = {"region": rng.choice(regions)["id"], "sku": "g1", "instances": 1}
        data["commitments"] = [{"id": name, **what} for name in ("own", "own2")]
    data["budgets"] = _budgets(rng, workloads)
    data["policies"] = _policies(rng, {tag for w in workloads for tag in w["tags"]})
    if lawful:
        data["legal_assertions"] = {
            "exporters": [{"id": "acme", "country": rng.choice(["DE", "IN"])}],
            "importer_status": {"pb": ["DPF"]} if rng.random() < 0.5 else {},
            "group_members": ["pa"] if rng.random() < 0.3 else [],
            "mechanisms_held": [{"id": "BCR_EU", "exporter": "acme"}] if rng.random() < 0.3 else [],
        }
        data["mechanism_costs"] = [
            {"id": name, "one_off_usd": 100.0 * k, "yearly_usd": 3000.0}
            for k, name in enumerate(["SCC_EU", "BCR_EU", "SCC_CH"])
            if rng.random() < 0.8
        ]
    return data


def _discounts(rng: random.Random) -> list[dict[str, Any]]:
    found = [{"provider": "pa", "percent": 15, "applies_to": ["compute", "egress"]}]
    return found if rng.random() < 0.3 else []


def _regions(rng: random.Random) -> list[dict[str, Any]]:
    found = []
    for k in range(rng.choice([2, 3, 4, 5])):
        region: dict[str, Any] = {
            "id": f"r{k}",
            "country": rng.choice(COUNTRIES),
            "provider": rng.choice(["pa", "pb"]),
            "metro": rng.choice(["m0", "m1", "m2"]),
            "fixed_usd_per_hour": rng.choice([0, 0, 0.5]),
            "pue": rng.choice([1.1, 1.5]),
            "wue_l_per_kwh": rng.choice([0.2, 1.8]),
            "storage_usd_per_gb_month": rng.choice([0.01, 0.03]),
            "egress_usd_per_gb": rng.choice([0.0, 0.05, 0.12]),
        }
        for name in ("pue", "wue_l_per_kwh", "storage_usd_per_gb_month", "egress_usd_per_gb"):
            if rng.random() < 0.05:
                del region[name]
        found.append(region)
    return found


def _catalogue(
    rng: random.Random, regions: list[dict[str, Any]], workloads: list[dict[str, Any]], periods: int
) -> dict[str, Any]:
    offers = []
    for region in regions:
        level = [rng.choice([50.0, 200.0, 600.0]) for _ in range(periods)]
        region["grid_g_per_kwh"] = level if rng.random() < 0.5 else level[0]
        for sku, devices, chip in (("g1", 1, "fast"), ("g4", 4, "fast"), ("s1", 1, "slow")):
            if rng.random() < 0.7 or sku == "g1":
                usd = round(devices * rng.uniform(0.5, 4.0), 2)
                offer: dict[str, Any] = {
                    "sku": sku, "region": region["id"], "accelerator": chip, "devices": devices, "usd_per_hour": usd,
                    "device_memory_gb": 80 if chip == "fast" else 24, "software": "cuda" if chip == "fast" else "rocm",
                    "idle_kw": 0.1 * devices, "load_kw": 0.8 * devices, "embodied_kg_per_hour": 0.01 * devices,
                }  # fmt: skip
                if rng.random() < 0.05:
                    del offer["load_kw"]
                offers.append(offer)
                if rng.random() < 0.3:
                    offers.append({**offer, "purchase": "spot", "usd_per_hour": usd / 3})
    endpoints: list[dict[str, Any]] = [
        {"id": f"e{k}", "region": region["id"], "model": "m", "usd_per_unit": rng.choice([1e-4, 5e-4]),
         "kg_per_unit": 1e-6, "kwh_per_unit": 1e-5, "countries": rng.choice([[], sorted({region["country"], "US"})])}
        for k, region in enumerate(regions) if k == 0 or rng.random() < 0.5
    ]  # fmt: skip
    for endpoint in endpoints:
        if rng.random() < 0.2:
            del endpoint["kg_per_unit"]
    network = [
        {"origin": origin, "region": region["id"], "rtt_ms": rng.choice([5, 30, 80, 150])}
        for origin in ORIGINS for region in regions
    ]  # fmt: skip
    if rng.random() < 0.3:
        for link in network:
            link["usd_per_unit"] = rng.choice([0, 1e-5])
    return {
        "providers": [
            {"id": "pa", "headquarters": "DE", "control": ["DE"], "certifications": ["HDS v2"]},
            {"id": "pb", "headquarters": "US", **({"control": ["US"]} if rng.random() < 0.8 else {})},
        ],
        "regions": regions,
        "offers": offers,
        "endpoints": endpoints,
        "network": network,
        "throughput": [
            {"workload": w["id"], "accelerator": chip, "units_per_s": speed}
            for w in workloads for chip, speed in (("fast", 10.0), ("slow", 3.0))
        ],
    }  # fmt: skip


def _data(rng: random.Random, lawful: bool) -> dict[str, Any]:
    if not lawful:
        return {}
    return {
        "categories": [rng.choice(["personal", "personal", "health", "payment", "non_personal"])],
        "exporter": rng.choice(["acme", "DE", "IN"]),
        "retention_hours": rng.choice([0, 12, 720]),
        "retained_gb": 10,
    }


def _service(rng: random.Random, k: int, periods: int, lawful: bool) -> dict[str, Any]:
    streams = []
    for origin in rng.sample(ORIGINS, rng.choice([1, 2, 3])):
        peak = [rng.choice([0, 3, 8, 20]) for _ in range(periods)]
        peak[0] = max(peak[0], 1)
        stream: dict[str, Any] = {"origin": origin, "rate": peak if periods > 1 else peak[0]}
        if rng.random() < 0.5:
            stream["mean_rate"] = [x / 2 for x in peak] if periods > 1 else peak[0] / 2
        if rng.random() < 0.5:
            stream["max_rtt_ms"] = rng.choice([50, 100, 200])
        streams.append(stream)
    service: dict[str, Any] = {
        "id": f"svc{k}", "kind": "service", "tags": [rng.choice(["a", "b"])], "streams": streams,
        "runs": {"model": "m", "via": rng.choice([["instance"], ["instance", "endpoint"], ["endpoint"]]),
                 "purchase": ["on_demand", "committed"]},
        "response_gb_per_unit": rng.choice([0, 1e-4]), "data": _data(rng, lawful),
    }  # fmt: skip
    shape = rng.random()
    if shape < 0.15:
        service["indivisible"] = True
    elif shape < 0.3:
        service["min_regions"] = 2
    elif shape < 0.4:
        service["max_regions"] = 2
    if rng.random() < 0.2 and "indivisible" not in service and service.get("max_regions") != 1:
        service["survival"] = {"of": rng.choice(["region", "metro", "provider"]), "share": rng.choice([0.5, 1.0])}
    if rng.random() < 0.2:
        service["runs"]["software"] = ["cuda"]
    return service


def _job(rng: random.Random, k: int, lawful: bool) -> dict[str, Any]:
    interruptible = rng.random() < 0.6
    job: dict[str, Any] = {
        "id": f"job{k}", "kind": "job", "work": rng.choice([20_000, 100_000, 400_000]), "tags": ["jobs"],
        "gang_devices": rng.choice([1, 2, 4]), "interruptible": interruptible,
        "deferrable": rng.random() < 0.7, "output_gb": rng.choice([0, 50]), "data": _data(rng, lawful),
        "runs": {"model": "m", "purchase": ["on_demand", "committed"] + (["spot"] if interruptible else [])},
    }  # fmt: skip
    if lawful:
        job["data"]["subjects"] = [rng.choice(["DE", "IN"])]
    if interruptible and rng.random() < 0.4:
        job.update(may_move=True, checkpoint_gb=rng.choice([0, 20]))
    elif interruptible and rng.random() < 0.4:
        job["max_gangs"] = 2
    return job


def _dataset(
    rng: random.Random, k: int, regions: list[dict[str, Any]], workloads: list[dict[str, Any]], lawful: bool
) -> dict[str, Any]:
    dataset: dict[str, Any] = {
        "id": f"data{k}", "size_gb": rng.choice([0, 100, 2000]), "min_copies": rng.choice([1, 1, 2]),
        "min_countries": rng.choice([1, 1, 1, 2]),
        "readers": [{"workload": w["id"], "gb": rng.choice([0, 30])} for w in workloads if rng.random() < 0.6],
    }  # fmt: skip
    if dataset["min_countries"] > dataset["min_copies"]:
        dataset["min_copies"] = dataset["min_countries"]
    if rng.random() < 0.3:
        dataset["present_in"] = [rng.choice(regions)["id"]]
    if lawful and rng.random() < 0.5:
        dataset.update(categories=["personal"], subjects=["DE"], exporter="acme")
    return dataset


def _quotas(rng: random.Random, regions: list[dict[str, Any]]) -> dict[str, Any]:
    limits: list[dict[str, Any]] = []
    if rng.random() < 0.3:
        limits.append({"region": rng.choice(regions)["id"], "kw": rng.choice([2, 10])})
    if rng.random() < 0.3:
        limits.append({"id": "account", "provider": rng.choice(["pa", "pb"]), "devices": rng.choice([4, 12])})
    if rng.random() < 0.3:
        limits.append({"accelerator": "fast", "region": rng.choice(regions)["id"], "devices": rng.choice([2, 30])})
    if rng.random() < 0.2:
        limits.append({"endpoint": "e0", "units_per_s": 10})
    quotas: dict[str, Any] = {"limits": limits}
    if rng.random() < 0.9:
        quotas["default_devices"] = rng.choice([4, 16, 64, "unlimited"])
    if rng.random() < 0.9:
        quotas["default_endpoint_units_per_s"] = rng.choice([5, 50])
    return quotas


def _budgets(rng: random.Random, workloads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    scopes: list[dict[str, Any]] = [
        {}, {"tags": ["a"]}, {"providers": ["pa"]}, {"countries": ["DE", "FR"]}, {"country_groups": ["EU27"]},
        {"workloads": [workloads[0]["id"]]},
    ]  # fmt: skip
    limits = [("limit_kg", (5, 100)), ("limit_usd", (200, 5000)), ("limit_kwh", (50, 1000)), ("limit_l", (50, 1000))]
    tags = {tag for w in workloads for tag in w["tags"]}
    found = []
    for k in range(rng.choice([0, 1, 2])):
        name, values = rng.choice(limits)
        scope = rng.choice([s for s in scopes if set(s.get("tags", [])) <= tags])
        found.append({"id": f"b{k}", name: rng.choice(values), "scope": scope})
    return found


def _policies(rng: random.Random, tags: set[str]) -> list[dict[str, Any]]:
    choices: list[dict[str, Any]] = [
        {"kind": "provider_share", "id": "p0", "max_share": 0.7},
        {"kind": "provider_share", "id": "p1", "providers": ["pb"], "max_share": 0.5, "measure": "device_hours"},
        {"kind": "country_share", "id": "p2", "country_groups": ["EU27"], "min_share": 0.4},
        {"kind": "country_share", "id": "p3", "countries": ["US"], "min_share": 0.2, "measure": "energy_kwh"},
        {"kind": "spot_share", "id": "p4", "max_share": 0.3},
        {"kind": "exclude_control", "id": "p5", "jurisdictions": ["US"], "scope": {"tags": ["a"]}},
        {"kind": "places", "id": "p6", "deny": ["BR"]},
        {"kind": "require_certification", "id": "p7", "schemes": ["HDS v2"], "scope": {"tags": ["b"]}},
        {"kind": "survival", "id": "p8", "of": "region", "share": 0.5},
    ]
    choices = [c for c in choices if set(c.get("scope", {}).get("tags", [])) <= tags]
    return rng.sample(choices, rng.choice([0, 0, 1, 1, 2]))
