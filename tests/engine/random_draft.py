"""An instance in the making: its random numbers, and a rough estimate of what the cheapest placement would use."""

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
class Draft:
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


def country_of(draft: Draft, region: str) -> str:
    found: str = next(r["country"] for r in draft.inline["regions"] if r["id"] == region)
    return found


def estimate(draft: Draft, metric: str) -> tuple[float, float]:
    """Return (least, with the cheapest offers) of a metric if every stream and job sat alone on one offer."""
    least = cheapest = 0.0
    for workload in draft.data["workloads"]:
        for rows in _alone(draft, workload, metric):
            if rows:
                least += min(amount for _, amount, _ in rows)
                cheapest += min(rows)[1]
    return least, cheapest


def spent_at(draft: Draft) -> dict[str, float]:
    """Return USD by region if every stream and job sat alone on its cheapest offer."""
    spent = {region["id"]: 0.0 for region in draft.inline["regions"]}
    for workload in draft.data["workloads"]:
        for rows in _alone(draft, workload, "money"):
            if rows:
                usd, _, region = min(rows)
                spent[region] += usd
    return spent


def _alone(draft: Draft, workload: Data, metric: str) -> list[list[tuple[float, float, str]]]:
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
    denied = {place for policy in draft.data.get("policies", ()) for place in policy.get("deny", ())}
    table = []
    for t, rate, hours, stream in asks:
        rows = []
        for offer in draft.inline["offers"]:
            region = regions[offer["region"]]
            speed = speeds.get(offer["accelerator"], 0.0) * offer["devices"] * _working_share(workload, offer)
            far = rtt.get((stream.get("origin"), region["id"]), 0.0) > stream.get("max_rtt_ms", math.inf)
            if not speed or far or "purchase" in offer or region["country"] in denied:
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


def _working_share(workload: Data, offer: Data) -> float:
    """Return the share of a machine's devices that a gang uses."""
    gang = workload.get("gang_devices")
    return gang / (math.ceil(gang / offer["devices"]) * offer["devices"]) if gang else 1.0


def _mean_share(stream: Data) -> float:
    return 0.6 if "mean_rate" in stream else 1.0
