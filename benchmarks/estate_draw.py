"""Draws the workloads of a benchmark estate, each from its own seed, so that a larger estate begins with the smaller.

Conventions follow `tools/build_enterprise.py`: business units with an exporter and markets, lognormal sizes, laws by
the subjects and categories of the data. Figures are plausible, not anybody's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Row = dict[str, Any]

# Business unit: exporter id, home country, markets in order of weight, share of all workloads.
UNITS: list[tuple[str, str, list[str], float]] = [
    ("retail-de", "DE", ["DE", "AT", "CH", "PL", "NL"], 0.16),
    ("retail-fr", "FR", ["FR", "BE", "ES", "IT", "PT"], 0.12),
    ("bank-uk", "GB", ["GB", "IE"], 0.10),
    ("media-us", "US", ["US", "CA", "MX"], 0.22),
    ("pay-in", "IN", ["IN", "SG"], 0.10),
    ("shop-br", "BR", ["BR", "AR", "CL"], 0.07),
    ("games-jp", "JP", ["JP", "KR", "SG"], 0.10),
    ("mining-au", "AU", ["AU", "NZ"], 0.06),
    ("telco-za", "ZA", ["ZA", "KE"], 0.03),
    ("saas-ca", "CA", ["CA", "US"], 0.04),
]
# Cities that large streams of a country may come from instead of the country as a whole.
CITIES = {
    "DE": ["DE:Berlin", "DE:Munich"], "US": ["US:New York City", "US:Los Angeles", "US:Chicago"],
    "IN": ["IN:Mumbai", "IN:Delhi"], "GB": ["GB:London"], "JP": ["JP:Tokyo"],
    "BR": ["BR:São Paulo"], "FR": ["FR:Paris"], "AU": ["AU:Sydney"],
}  # fmt: skip
# Served model, share of services, median peak rate (output tokens/s); request shape 1024 in, 256 out.
SERVED = [
    ("meta-llama/Llama-3.1-8B-Instruct", 0.45, 6000.0),
    ("microsoft/phi-4", 0.15, 3000.0),
    ("google/gemma-2-2b-it", 0.20, 9000.0),
    ("HuggingFaceTB/SmolLM2-135M-Instruct", 0.10, 20000.0),
    ("Qwen/Qwen2.5-0.5B-Instruct", 0.10, 15000.0),
]
# Fine-tuning speed of one device, tokens/s on an 8B model; and of serving a 70B model, output tokens/s.
TRAINING = {"A100-40": 2800, "A100-80": 3200, "H100": 7600, "H100-NVL": 6200, "H200": 8100, "B200": 14500}
EXPERT_MODEL = "meta-llama/Llama-3.3-70B-Instruct"
EXPERT = {"H100": 310, "H200": 370}
LIMITS_MS, RELAXED_MS = (60, 110, 220), 220
NEAR_REGIONS = {"DE", "FR", "GB", "US", "IN", "JP", "NL", "IE", "CA"}
"""Countries in or next to which several clouds sell accelerators; elsewhere only the widest latency limit is drawn."""
KINDS = ("service", "expert", "training", "batch")
KIND_SHARES = (0.66, 0.06, 0.12, 0.16)
SIGMA = 0.9
OWN_PEAK_HOURS = 730


@dataclass
class Drawn:
    """One workload: its row in workloads.csv, its rows in streams.csv, and which budget tags it has."""

    row: Row
    streams: list[Row] = field(default_factory=list)


def draw(seed: int, number: int, attempt: int = 0) -> Drawn:
    """Return workload `number` of the estate of `seed`; a later `attempt` replaces one that had no lawful place."""
    rng = np.random.default_rng([seed, number, attempt])
    unit = UNITS[rng.choice(len(UNITS), p=[one[3] for one in UNITS])]
    kind = str(rng.choice(KINDS, p=KIND_SHARES))
    name = f"{kind}-{number:05d}"
    row: Row = {"id": name, "kind": "service" if kind in {"service", "expert"} else "job"}
    tags = [unit[0], kind] if kind == "expert" else [unit[0], kind, "own", f"{unit[0]}-own"]
    row["tags"] = "|".join(tags)
    categories, retention = _data(rng, unit[1])
    row |= {"data.categories": categories, "data.exporter": unit[0], "data.retention_hours": retention}
    if row["kind"] == "service":
        return _service(rng, row, unit, kind)
    return _job(rng, row, unit, kind)


def _service(rng: np.random.Generator, row: Row, unit: tuple[str, str, list[str], float], kind: str) -> Drawn:
    row |= {"runs.input_tokens": 1024, "runs.output_tokens": 256}
    if kind == "expert":
        median = 1500.0
        row |= {"runs.model": EXPERT_MODEL, "runs.via": "instance|endpoint", "runs.endpoint_models": EXPERT_MODEL}
        row |= {f"runs.throughput.{name}": speed for name, speed in EXPERT.items()}
        row["data.retention_hours"] = 0
    else:
        model, _, median = SERVED[rng.choice(len(SERVED), p=[one[1] for one in SERVED])]
        row["runs.model"] = model
    markets = unit[2]
    count = min(len(markets), int(rng.integers(1, 6)))
    if count <= 2 and rng.random() < 0.2:
        row["indivisible"] = "true"
    elif rng.random() < 0.12:
        row["max_regions"] = 2
    total = median * rng.lognormal(0.0, SIGMA)
    shares = rng.dirichlet(np.linspace(3.0, 1.0, count))
    latency = int(rng.choice(LIMITS_MS, p=[0.25, 0.45, 0.30]))
    streams = []
    for market, share in zip(markets[:count], shares, strict=True):
        peak = max(50.0, round(float(total * share)))
        origin = str(rng.choice(CITIES[market])) if market in CITIES and rng.random() < 0.25 else market
        streams.append({
            "workload": row["id"], "origin": origin, "rate": peak,
            "mean_rate": round(peak * float(rng.uniform(0.35, 0.7))), "unit": "tokens/s",
            "max_rtt_ms": latency if market in NEAR_REGIONS else RELAXED_MS,
        })  # fmt: skip
    return Drawn(row, streams)


def _job(rng: np.random.Generator, row: Row, unit: tuple[str, str, list[str], float], kind: str) -> Drawn:
    row |= {"unit": "tokens", "deferrable": "true"}
    row["data.subjects"] = "|".join(unit[2][: int(rng.integers(1, 3))]) if row["data.categories"] else ""
    if kind == "training":
        gang = int(rng.choice([8, 16, 32], p=[0.6, 0.3, 0.1]))
        hours = min(0.9 * OWN_PEAK_HOURS, 300.0 * rng.lognormal(0.0, 0.5))
        row |= {f"runs.throughput.{name}": speed for name, speed in TRAINING.items()}
        row |= {"gang_devices": gang, "interruptible": "false"}
        row["work"] = round(gang * hours * 3600 * TRAINING["A100-80"], -6)
    else:
        row |= {"runs.model": SERVED[0][0], "runs.input_tokens": 1024, "runs.output_tokens": 256}
        row |= {"runs.purchase": "on_demand|spot", "interruptible": "true", "max_gangs": 4}
        row["work"] = round(float(2.0e9 * rng.lognormal(0.0, SIGMA)), -6)
    return Drawn(row)


def _data(rng: np.random.Generator, home: str) -> tuple[str, int]:
    """Return categories and retention; whose data it is follows from origins (services) or subjects (jobs)."""
    roll = rng.random()
    if roll < 0.30:
        return "", 0
    if roll < 0.36 and home in {"DE", "FR", "GB"}:
        return "health|personal", 72
    if roll < 0.44 and home == "IN":
        return "payment|personal", 0
    return "personal", int(rng.choice([0, 24, 720], p=[0.4, 0.3, 0.3]))
