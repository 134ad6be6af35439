"""Seeded small instances with catalogues of their own, in which every kind of constraint turns up and often binds.

`random_instance(seed)` returns the mapping that `optimizer.load` reads. Prices, grids, round trips and laws pull in
different directions on purpose (cheap regions are dirty, far or unlawful), and limits are set from a rough estimate of
what the cheapest placement would use, so that about half of those present bind.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Data = dict[str, Any]

# country: (continent, price level, grid g/kWh)
PLACES = {
    "DE": ("EU", 1.1, 350.0), "FR": ("EU", 1.2, 50.0), "CH": ("EU", 1.5, 30.0), "GB": ("EU", 1.2, 200.0),
    "US": ("AM", 0.9, 380.0), "BR": ("AM", 1.0, 100.0), "IN": ("AS", 0.6, 700.0), "SG": ("AS", 0.9, 450.0),
    "JP": ("AS", 1.2, 480.0), "CN": ("AS", 0.6, 550.0), "KR": ("AS", 1.1, 420.0), "RU": ("RU", 0.5, 400.0),
    "ZA": ("AF", 0.7, 800.0),
}  # fmt: skip
OPERATORS = {
    "alpha": {"headquarters": "US", "control": ["US"], "certifications": ["HDS v2"]},
    "beta": {"headquarters": "DE", "control": ["DE"], "certifications": ["BSI C5", "HDS v2"]},
    "gamma": {"headquarters": "IN", "control": ["IN"], "certifications": []},
    "delta": {"certifications": ["BSI C5"]},
}
MECHANISMS = (
    "SCC_EU", "BCR_EU", "SCC_CH", "IDTA_UK", "GENERIC_CONSENT", "BR_SCC", "JP_CONSENT", "CN_SCC", "RU_NOTIFY",
    "KR_CONSENT", "IN_SPDI", "RBI_24H", "TRANSPARENCY_HDS", "SG_CONTRACT", "ZA_CONTRACT",
)  # fmt: skip
DEVICE = {"A": (20.0, 2.0, 0.1, 0.7), "B": (6.0, 0.45, 0.05, 0.35)}
"""Accelerator: work units/s, USD/h, idle kW and load kW of one device."""
FIGURES = ("pue", "wue_l_per_kwh", "grid_g_per_kwh", "storage_usd_per_gb_month", "egress_usd_per_gb")
"""What a region may lack."""
METRICS = {"carbon": "limit_kg", "water": "limit_l", "energy": "limit_kwh", "money": "limit_usd"}


@dataclass
class _Draft:
    """An instance in the making."""

    rng: np.random.Generator
    hours: list[float] = field(default_factory=list)
    data: Data = field(default_factory=dict)

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def pick(self, *values: Any) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def some(self, values: list[Any], least: int, most: int) -> list[Any]:
        count = min(len(values), int(self.rng.integers(least, most + 1)))
        return [values[k] for k in sorted(self.rng.choice(len(values), count, replace=False).tolist())]

    def between(self, low: float, high: float, digits: int = 2) -> float:
        return round(float(self.rng.uniform(low, high)), digits)

    @property
    def inline(self) -> Data:
        found: Data = self.data["catalogue"]["inline"]
        return found

    @property
    def countries(self) -> list[str]:
        return sorted({region["country"] for region in self.inline["regions"]})


def random_instance(seed: int) -> Data:
    """Return the instance of a seed, as `optimizer.load` reads it."""
    draft = _Draft(np.random.default_rng(seed))
    _horizon(draft, seed)
    _catalogue(draft)
    _workloads(draft)
    _network(draft)
    _datasets(draft)
    _quotas(draft)
    _laws(draft)
    _policies(draft)
    _budgets(draft)
    _money_matters(draft)
    return draft.data


def _horizon(draft: _Draft, seed: int) -> None:
    if draft.chance(0.5):
        draft.hours = [float(draft.pick(24, 100, 730))]
        horizon: Data = {"start": "2027-01-01", "hours": draft.hours[0]}
    else:
        draft.hours = [float(draft.pick(5, 10, 20)) for _ in range(draft.pick(2, 2, 3, 4))]
        horizon = {
            "start": "2027-01-01",
            "periods": [{"id": f"p{k}", "hours": hours} for k, hours in enumerate(draft.hours)],
        }
    draft.data = {
        "name": f"random-{seed}",
        "horizon": horizon,
        "catalogue": {"use": "inline", "inline": {}},
        "laws": {"use": "none"},
        "target_utilisation": draft.pick(0.7, 0.8, 1.0),
    }


def _catalogue(draft: _Draft) -> None:
    names = draft.some(list(OPERATORS), 2, 3)
    countries = draft.some(list(PLACES), 4, 6)
    regions, offers, endpoints = [], [], []
    for k, country in enumerate(countries + ([countries[0]] if draft.chance(0.4) else [])):
        _, level, grid = PLACES[country]
        region: Data = {
            "id": f"{country.lower()}{k}", "country": country, "provider": names[k % len(names)],
            "pue": draft.between(1.05, 1.5), "wue_l_per_kwh": draft.between(0.1, 2.0),
            "grid_g_per_kwh": [round(grid * draft.pick(0.5, 1.0, 1.5)) for _ in draft.hours],
            "storage_usd_per_gb_month": draft.between(0.01, 0.05, 3), "egress_usd_per_gb": draft.between(0.01, 0.12),
        }  # fmt: skip
        if draft.chance(0.12):
            del region[draft.pick(*FIGURES)]
        if draft.chance(0.2):
            region["fixed_usd_per_hour"] = draft.pick(0.5, 1.0, 2.0)
        if draft.chance(0.2):
            region["metro"] = "twin"
        regions.append(region)
        for accelerator in ["A", "B"] if draft.chance(0.85) else [draft.pick("A", "B")]:
            offers += _offers(draft, region["id"], accelerator, level)
        if draft.chance(0.25):
            endpoints.append(_endpoint(draft, region, countries, level))
    draft.data["catalogue"]["inline"] = {
        "providers": [{"id": name, **OPERATORS[name]} for name in names],
        "regions": regions, "offers": offers, "endpoints": endpoints,
    }  # fmt: skip


def _offers(draft: _Draft, region: str, accelerator: str, level: float) -> list[Data]:
    _, price, idle, load = DEVICE[accelerator]
    devices = draft.pick(1, 1, 1, 2, 4)
    offer: Data = {
        "sku": f"{accelerator.lower()}{devices}", "region": region, "accelerator": accelerator, "devices": devices,
        "device_memory_gb": 80.0 if accelerator == "A" else 24.0, "software": "cuda",
        "usd_per_hour": round(price * devices * level * draft.pick(0.9, 1.0, 1.1), 3),
        "idle_kw": idle * devices, "load_kw": load * devices,
        "embodied_kg_per_hour": draft.pick(0.0, 0.005, 0.02) * devices,
    }  # fmt: skip
    if draft.chance(0.06):
        del offer[draft.pick("idle_kw", "embodied_kg_per_hour", "device_memory_gb")]
    spot = {**offer, "purchase": "spot", "usd_per_hour": round(offer["usd_per_hour"] * 0.4, 3)}
    return [offer, spot] if draft.chance(0.4) else [offer]


def _endpoint(draft: _Draft, region: Data, countries: list[str], level: float) -> Data:
    units, price, *_ = DEVICE["A"]
    endpoint: Data = {
        "id": f"chat-{region['id']}", "region": region["id"], "model": "chat-model",
        "usd_per_unit": round(price * level * draft.pick(0.8, 1.2, 2.0) / (units * 0.7 * 3600), 9),
        "kg_per_unit": draft.pick(2e-6, 8e-6), "kwh_per_unit": draft.pick(8e-6, 2e-5),
    }  # fmt: skip
    if draft.chance(0.2):
        del endpoint["kg_per_unit"]
    if draft.chance(0.3):
        endpoint["countries"] = draft.some(countries, 1, 2)
    return endpoint


def _workloads(draft: _Draft) -> None:
    kinds = draft.pick(("s",), ("s", "j"), ("s", "j"), ("s", "s", "j"), ("j", "s"), ("s", "j", "j"))
    draft.data["workloads"] = [
        _service(draft, k) if kind == "s" else _job(draft, k) for k, kind in enumerate(kinds)
    ]  # fmt: skip
    for workload in draft.data["workloads"]:
        if draft.chance(0.15):
            workload["providers"] = draft.some([p["id"] for p in draft.inline["providers"]], 1, 2)
        if draft.chance(0.2):
            workload["target_utilisation"] = draft.pick(0.5, 0.9)


def _runs(draft: _Draft) -> Data:
    offered = sorted({offer["accelerator"] for offer in draft.inline["offers"]})
    names = offered if draft.chance(0.8) else offered[:1]
    runs: Data = {"throughput": {name: DEVICE[name][0] * draft.pick(0.5, 1.0) for name in names}}
    if draft.chance(0.1):
        runs["min_device_memory_gb"] = draft.pick(24.0, 40.0)
    return runs


def _service(draft: _Draft, k: int) -> Data:
    origins = draft.some([*draft.countries, "FR", "DE", "US"], 1, 3)
    streams = []
    for origin in dict.fromkeys(origins):
        rates = [float(draft.pick(5, 10, 15, 25)) for _ in draft.hours]
        stream: Data = {"origin": origin, "rate": rates if len(rates) > 1 else rates[0]}
        if draft.chance(0.4):
            stream["mean_rate"] = [r * 0.6 for r in rates] if len(rates) > 1 else rates[0] * 0.6
        streams.append(stream)
    service: Data = {
        "id": f"serve{k}", "kind": "service", "tags": [draft.pick("web", "core")], "runs": _runs(draft),
        "streams": streams,
    }  # fmt: skip
    if draft.inline["endpoints"] and draft.chance(0.7):
        service["runs"] |= {"via": ["instance", "endpoint"], "endpoint_models": ["chat-model"]}
    if draft.chance(0.3):
        service["response_gb_per_unit"] = draft.pick(1e-7, 1e-6)
    way = draft.rng.random()
    if way < 0.2:
        service["indivisible"] = True
    elif way < 0.35:
        service["max_regions"] = draft.pick(1, 2)
    elif way < 0.5:
        service["min_regions"] = draft.pick(2, 2, 2, 3)
    if draft.chance(0.25) and not service.get("indivisible") and service.get("max_regions") != 1:
        of = draft.pick("region", "region", "metro", "provider")
        service["survival"] = {"of": of, "share": draft.pick(0.3, 0.5, 0.9)}
    return service


def _job(draft: _Draft, k: int) -> Data:
    total, gang = sum(draft.hours), draft.pick(1, 2, 4)
    runs = _runs(draft)
    job: Data = {
        "id": f"train{k}", "kind": "job", "tags": [draft.pick("web", "core")], "runs": runs, "gang_devices": gang,
        "interruptible": draft.chance(0.6), "deferrable": draft.chance(0.7),
    }  # fmt: skip
    window = total
    if draft.chance(0.75):
        job["deadline_hours"] = round(total * draft.pick(0.3, 0.5, 0.7))
        window = job["deadline_hours"]
        if draft.chance(0.4):
            job["release_hours"] = round(window * draft.pick(0.2, 0.4))
            window -= job["release_hours"]
    parallel = 1
    if job["interruptible"]:
        if draft.chance(0.5):
            runs["purchase"] = ["on_demand", "spot", "committed"]
            job["spot_overhead"] = draft.pick(0.1, 0.25)
        if draft.chance(0.5):
            job |= {"may_move": True, "checkpoint_gb": draft.pick(1.0, 10.0)}
        if draft.chance(0.25):
            parallel = job["max_gangs"] = 2
    pace = {name: speed * gang * parallel * 3600 for name, speed in runs["throughput"].items()}
    slow = min(pace.values()) * total * draft.pick(0.5, 0.8, 0.95)
    job["work"] = round(min(slow, max(pace.values()) * window * 0.9), -2)
    if draft.chance(0.2):
        job["output_gb"] = draft.pick(10.0, 100.0)
    if draft.chance(0.1):
        job["max_regions"] = 1
    return job


def _network(draft: _Draft) -> None:
    """Round trips from every origin to every region (a few unknown), and some prices per work unit or per GB."""
    origins = {s["origin"] for w in draft.data["workloads"] for s in w.get("streams", ())}
    priced = draft.chance(0.25)
    links = []
    for origin in sorted(origins):
        for region in draft.inline["regions"]:
            near = PLACES[origin][0] == PLACES[region["country"]][0]
            rtt = 10.0 if origin == region["country"] else 30.0 if near else draft.pick(110.0, 140.0, 180.0)
            link: Data = {"origin": origin, "region": region["id"], "rtt_ms": rtt}
            if draft.chance(0.04):
                del link["rtt_ms"]
            if priced:
                link["usd_per_unit"] = draft.pick(0.0, 1e-6, 1e-5)
            links.append(link)
    for stream in (s for w in draft.data["workloads"] for s in w.get("streams", ())):
        trips = sorted({link["rtt_ms"] for link in links if link["origin"] == stream["origin"] and "rtt_ms" in link})
        if trips and draft.chance(0.45):
            stream["max_rtt_ms"] = trips[0] / 2 if draft.chance(0.03) else trips[len(trips) // 2] + 5.0
    ids = [region["id"] for region in draft.inline["regions"]]
    if draft.chance(0.3):
        links.append({"origin": ids[0], "region": ids[1], "usd_per_gb": draft.pick(0.0, 0.05, 0.3)})
    draft.inline["network"] = links


def _datasets(draft: _Draft) -> None:
    datasets = []
    regions = [region["id"] for region in draft.inline["regions"]]
    workloads = [workload["id"] for workload in draft.data["workloads"]]
    for k in range(draft.pick(0, 1, 1, 1, 2)):
        size = float(draft.pick(100, 500, 2000))
        dataset: Data = {"id": f"data{k}", "size_gb": size, "min_copies": draft.pick(1, 1, 1, 2)}
        if draft.chance(0.7):
            dataset["readers"] = [
                {"workload": name, "gb": size * draft.pick(0.5, 1.0, 3.0)} for name in draft.some(workloads, 1, 2)
            ]
        if draft.chance(0.2):
            dataset["min_countries"] = 2
        if draft.chance(0.4):
            dataset["present_in"] = draft.some(regions, 1, 1)
        if draft.chance(0.3) and "min_countries" not in dataset:
            dataset["regions"] = draft.some(regions, 3, 4)
        datasets.append(dataset)
    draft.data["datasets"] = datasets


def _quotas(draft: _Draft) -> None:
    regions, limits = draft.inline["regions"], []
    quotas: Data = {"default_devices": draft.pick(3, 4, 6, 8, 12, "unlimited")}
    if draft.inline["endpoints"] and draft.chance(0.9):
        quotas["default_endpoint_units_per_s"] = draft.pick(3.0, 8.0, 20.0, "unlimited")
    if draft.chance(0.3):
        region = draft.pick(*regions)
        limits.append({"accelerator": draft.pick("A", "B"), "region": region["id"], "devices": draft.pick(1, 2, 4)})
    if draft.chance(0.2):
        limits.append({"id": "account", "provider": draft.pick(*regions)["provider"], "devices": draft.pick(4, 6, 8)})
    if draft.chance(0.1):
        limits.append({"id": "country", "country": draft.pick(*regions)["country"], "devices": draft.pick(4, 8)})
    if draft.chance(0.45):
        usd = _spent_at(draft)
        most = max(usd, key=lambda region: usd[region])
        limits.append({"id": "site", "region": most, "kw": draft.pick(0.3, 0.8, 1.5)})
    if draft.chance(0.2):
        limits.append({"id": "hall", "provider": draft.pick(*regions)["provider"], "kw": draft.pick(1.5, 3.0)})
    if draft.inline["endpoints"] and draft.chance(0.3):
        limits.append({"id": "rate", "model": "chat-model", "units_per_s": draft.pick(4.0, 10.0)})
    quotas["limits"] = limits
    draft.data["quotas"] = quotas
    if draft.chance(0.25):
        offer = draft.pick(*draft.inline["offers"])
        draft.data["commitments"] = [
            {"id": "owned", "region": offer["region"], "sku": offer["sku"], "instances": draft.pick(1, 2)}
        ]


def _laws(draft: _Draft) -> None:
    if draft.chance(0.45):
        return
    draft.data["laws"] = {"use": "world", "as_of": draft.pick("2026-11-22", "2025-06-01")}
    for workload in draft.data["workloads"]:
        origins = [stream["origin"] for stream in workload.get("streams", ())] or [draft.pick(*draft.countries)]
        data: Data = {"categories": [draft.pick("personal", "personal", "personal", "health", "payment")]}
        if draft.chance(0.7):
            data["exporter"] = draft.pick(*origins)
        if workload["kind"] == "job":
            data["subjects"] = origins
        if draft.chance(0.3):
            data |= {"retention_hours": draft.pick(24.0, 720.0), "retained_gb": draft.pick(0.0, 200.0)}
        if draft.chance(0.8):
            workload["data"] = data
    for dataset in draft.data["datasets"]:
        if draft.chance(0.35):
            place = draft.pick(*draft.countries)
            dataset |= {"categories": [draft.pick("personal", "health", "payment")], "subjects": [place]}
            dataset["exporter"] = place
    scale = _estimate(draft, "money")[1] / sum(draft.hours) * 8760
    draft.data["mechanism_costs"] = [
        {"id": name, "yearly_usd": round(scale * draft.pick(0.0, 0.02, 0.1, 0.3)), "one_off_usd": draft.pick(0.0, 30.0)}
        for name in MECHANISMS
        if draft.chance(0.85)
    ]
    if draft.chance(0.25):
        held: Data = {"id": draft.pick("SCC_EU", "GENERIC_CONSENT", "CN_SCC", "IN_SPDI")}
        draft.data["legal_assertions"] = {"mechanisms_held": [held], "group_members": [draft.pick("alpha", "beta")]}


def _policies(draft: _Draft) -> None:
    providers = sorted({region["provider"] for region in draft.inline["regions"]})
    policies: list[Data] = []
    scope: Data = draft.pick({}, {}, _one_tag(draft), {"workloads": [draft.data["workloads"][0]["id"]]})
    if draft.chance(0.25):
        policies.append({
            "kind": "provider_share", "providers": draft.some(providers, 0, 1), "max_share": draft.pick(0.4, 0.6, 0.8),
            "measure": draft.pick("compute_usd", "device_hours", "energy_kwh"),
        })  # fmt: skip
    if draft.chance(0.2):
        usd = _spent_at(draft)
        second = _country_of(draft, sorted(usd, key=lambda region: -usd[region])[1])
        where = draft.pick({"countries": [second]}, {"countries": [second]}, {"country_groups": ["EEA"]})
        policies.append({
            "kind": "country_share", **where, "min_share": draft.pick(0.1, 0.3),
            "measure": draft.pick("device_hours", "compute_usd"),
        })  # fmt: skip
    if draft.chance(0.2):
        policies.append({"kind": "spot_share", "max_share": draft.pick(0.1, 0.3)})
    if draft.chance(0.1):
        policies.append({
            "kind": "exclude_control", "jurisdictions": [draft.pick("US", "IN", "DE")],
            "basis": draft.pick("strict", "ownership"),
        })  # fmt: skip
    certificates = sorted({c for p in draft.inline["providers"] for c in p["certifications"]})
    if certificates and draft.chance(0.1):
        policies.append({
            "kind": "require_certification", "schemes": draft.some(certificates, 1, 2),
            "need": draft.pick("all", "any"),
        })  # fmt: skip
    if draft.chance(0.35):
        usd = _spent_at(draft)
        cheap = _country_of(draft, max(usd, key=lambda region: usd[region]))
        policies.append({"kind": "places", **{"deny": [cheap]}})
    if draft.chance(0.05):
        policies.append({"kind": "survival", "of": draft.pick("region", "metro"), "share": draft.pick(0.3, 0.5)})
    for k, policy in enumerate(policies):
        policy["id"] = f"{policy['kind']}{k}"
        policy["scope"] = dict(scope) if draft.chance(0.6) else {}
    draft.data["policies"] = policies


def _one_tag(draft: _Draft) -> Data:
    return {"tags": [draft.data["workloads"][0]["tags"][0]]}


def _country_of(draft: _Draft, region: str) -> str:
    found: str = next(r["country"] for r in draft.inline["regions"] if r["id"] == region)
    return found


def _budgets(draft: _Draft) -> None:
    """At most one of carbon, water and energy, which would hide each other; and often one on money."""
    budgets = []
    if draft.chance(0.5):
        draft.data["unserved_usd_per_unit"] = draft.pick(1e-5, 1e-4, 1e-3)
    metrics = [draft.pick("carbon", "water", "energy")] if draft.chance(0.9) else []
    for metric in metrics + (["money"] if draft.chance(0.55) else []):
        scope: Data = {} if draft.chance(0.75) else draft.pick(
            _one_tag(draft), {"workloads": [draft.data["workloads"][0]["id"]]}, {"periods": _some_periods(draft)},
            {"country_groups": ["EEA"]}, {"providers": [draft.inline["regions"][0]["provider"]]},
        )  # fmt: skip
        if metric == "money":
            scope, limit = _purse(draft)
        else:
            least, cheap = _estimate(draft, metric)
            limit = max(least + draft.between(0.0, 0.4) * (cheap - least), least * 1.02)
        budgets.append({"id": metric, METRICS[metric]: float(f"{limit:.3g}"), "scope": scope})
    draft.data["budgets"] = budgets


def _purse(draft: _Draft) -> tuple[Data, float]:
    """Return a budget on money: in all, where demand may stay unserved, else at the place the cheapest offers are."""
    usd = _spent_at(draft)
    if "unserved_usd_per_unit" in draft.data and draft.chance(0.6):
        return {}, draft.between(0.4, 0.9) * sum(usd.values())
    denied = {place for policy in draft.data["policies"] for place in policy.get("deny", ())}
    usd = {region: spent for region, spent in usd.items() if _country_of(draft, region) not in denied}
    site = max(usd, key=lambda region: usd[region])
    scope = draft.pick({"regions": [site]}, {"countries": [_country_of(draft, site)]})
    return scope, draft.between(0.1, 0.5) * usd[site]


def _some_periods(draft: _Draft) -> list[str]:
    periods = draft.data["horizon"].get("periods")
    return draft.some([p["id"] for p in periods], 1, 2) if periods else ["t0"]


def _money_matters(draft: _Draft) -> None:
    carbon: Data = {}
    if draft.chance(0.25):
        carbon["price_usd_per_tonne"] = draft.pick(50.0, 300.0)
    if draft.chance(0.2):
        carbon["network_kwh_per_gb"] = 0.05
    if draft.chance(0.2):
        carbon["embodied"] = "none"
    draft.data["carbon"] = carbon
    if draft.chance(0.25):
        provider = draft.inline["regions"][0]["provider"]
        on = draft.pick(["compute"], ["egress"], ["compute", "storage"])
        draft.data["discounts"] = [{"provider": provider, "percent": draft.pick(10.0, 25.0), "on": on}]


def _estimate(draft: _Draft, metric: str) -> tuple[float, float]:
    """Return (least, with the cheapest offers) of a metric if every stream and job sat alone on one offer."""
    least = cheapest = 0.0
    for workload in draft.data["workloads"]:
        for rows in _alone(draft, workload, metric):
            if rows:
                least += min(amount for _, amount, _ in rows)
                cheapest += min(rows)[1]
    return least, cheapest


def _spent_at(draft: _Draft) -> dict[str, float]:
    """Return USD by region if every stream and job sat alone on its cheapest offer."""
    spent = {region["id"]: 0.0 for region in draft.inline["regions"]}
    for workload in draft.data["workloads"]:
        for rows in _alone(draft, workload, "money"):
            if rows:
                usd, _, region = min(rows)
                spent[region] += usd
    return spent


def _alone(draft: _Draft, workload: Data, metric: str) -> list[list[tuple[float, float, str]]]:
    """(USD, metric, region) of every on-demand offer for each stream and period of a service, or for a job."""
    speeds = workload["runs"]["throughput"]
    regions = {region["id"]: region for region in draft.inline["regions"]}
    rtt = {(link["origin"], link["region"]): link.get("rtt_ms", math.inf) for link in draft.inline.get("network", ())}
    asks: list[tuple[int, float, float, Data]] = []
    if workload["kind"] == "job":
        asks.append((0, 0.0, workload["work"] / 3600, {}))
    for stream in workload.get("streams", ()):
        rates = stream["rate"] if isinstance(stream["rate"], list) else [stream["rate"]]
        asks += [(t, rate, hours, stream) for t, (rate, hours) in enumerate(zip(rates, draft.hours, strict=True))]
    table = []
    for t, rate, hours, stream in asks:
        rows = []
        for offer in draft.inline["offers"]:
            region = regions[offer["region"]]
            speed = speeds.get(offer["accelerator"], 0.0) * offer["devices"]
            far = rtt.get((stream.get("origin"), region["id"]), 0.0) > stream.get("max_rtt_ms", math.inf)
            if not speed or far or "purchase" in offer:
                continue
            count = math.ceil(rate / (speed * draft.data["target_utilisation"])) if rate else 1.0 / speed
            idle = offer.get("idle_kw", 0.0)
            busy = rate * _mean_share(stream) / speed if rate else count
            kwh = hours * (idle * count + (offer["load_kw"] - idle) * busy) * region.get("pue", 1.2)
            usd = hours * count * offer["usd_per_hour"]
            grid = region.get("grid_g_per_kwh", [400.0] * len(draft.hours))[t]
            made = hours * count * offer.get("embodied_kg_per_hour", 0.0)
            water = kwh / region.get("pue", 1.2) * region.get("wue_l_per_kwh", 1.0)
            uses = {"money": usd, "energy": kwh, "carbon": kwh * grid / 1000 + made, "water": water}
            rows.append((usd, uses[metric], region["id"]))
        table.append(rows)
    return table


def _mean_share(stream: Data) -> float:
    return 0.6 if "mean_rate" in stream else 1.0
