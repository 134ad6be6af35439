"""Write the tables of `instances/enterprise.yaml`: a seeded estate of 500 workloads.

Sizes are lognormal, origins follow the business units' markets, and laws follow from data subjects and exporters. Run
with `python tools/build_enterprise.py`; the same seed gives the same files.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

SEED = 20261123
SERVICES, JOBS = 360, 140
FOLDER = Path(__file__).resolve().parent.parent / "instances" / "enterprise"

# Business unit: exporter id, home country, markets in order of weight, share of all workloads.
UNITS = [
    ("retail-de", "DE", ["DE", "AT", "CH", "PL", "NL"], 0.16),
    ("retail-fr", "FR", ["FR", "BE", "ES", "IT"], 0.12),
    ("bank-uk", "GB", ["GB", "IE"], 0.10),
    ("media-us", "US", ["US", "CA", "MX"], 0.22),
    ("pay-in", "IN", ["IN", "SG"], 0.10),
    ("shop-br", "BR", ["BR", "AR", "CL"], 0.07),
    ("games-jp", "JP", ["JP", "KR", "SG"], 0.10),
    ("mining-au", "AU", ["AU", "NZ"], 0.06),
    ("telco-za", "ZA", ["ZA", "KE"], 0.03),
    ("saas-ca", "CA", ["CA", "US"], 0.04),
]
# Served model: model class, request shape, weight, median peak rate (output tokens/s or samples/s), unit.
SERVED = [
    ("meta-llama/Llama-3.1-8B-Instruct", 1024, 256, 0.45, 6000.0, "tokens/s"),
    ("microsoft/phi-4", 1024, 256, 0.15, 3000.0, "tokens/s"),
    ("google/gemma-2-2b-it", 1024, 256, 0.20, 9000.0, "tokens/s"),
    ("HuggingFaceTB/SmolLM2-135M-Instruct", 1024, 256, 0.10, 20000.0, "tokens/s"),
    ("Qwen/Qwen2.5-0.5B-Instruct", 1024, 256, 0.10, 15000.0, "tokens/s"),
]
# Fine-tuning speed of one device, tokens/s, as the estate's owner measured it on an 8B model.
TRAINING = {"A100-40": 2800, "A100-80": 3200, "H100": 7600, "H100-NVL": 6200, "H200": 8100, "B200": 14500}
RTT_MS = {"near": 60, "regional": 110, "relaxed": 220}

Row = dict[str, Any]


def _service(rng: np.random.Generator, name: str, unit: tuple[str, str, list[str], float]) -> tuple[Row, list[Row]]:
    exporter, home, markets, _ = unit
    model, tokens_in, tokens_out, _, median, work = SERVED[rng.choice(len(SERVED), p=[s[3] for s in SERVED])]
    categories, retention = _data(rng, home)
    row: Row = {
        "id": name,
        "kind": "service",
        "tags": f"{exporter}|serving",
        "runs.model": model,
        "runs.input_tokens": tokens_in,
        "runs.output_tokens": tokens_out,
        "data.categories": categories,
        "data.exporter": exporter,
        "data.retention_hours": retention,
        "max_regions": "" if rng.random() < 0.85 else 2,
    }
    count = min(len(markets), int(rng.integers(1, 6)))
    total = median * rng.lognormal(0.0, 0.9)
    shares = rng.dirichlet(np.linspace(3.0, 1.0, count))
    latency = rng.choice(list(RTT_MS), p=[0.25, 0.45, 0.30])
    streams = []
    for market, share in zip(markets[:count], shares, strict=True):
        limit = RTT_MS[latency] if market in {"DE", "FR", "GB", "US", "IN", "JP", "NL", "IE", "CA"} else 220
        peak = max(50.0, round(float(total * share), 0))
        mean = round(peak * float(rng.uniform(0.35, 0.7)), 0)
        streams.append(
            {"workload": name, "origin": market, "rate": peak, "mean_rate": mean, "unit": work, "max_rtt_ms": limit}
        )
    return row, streams


def _job(rng: np.random.Generator, name: str, unit: tuple[str, str, list[str], float]) -> Row:
    exporter, home, markets, _ = unit
    categories, retention = _data(rng, home)
    row: Row = {
        "id": name,
        "kind": "job",
        "tags": f"{exporter}|batch",
        "data.categories": categories,
        "data.exporter": exporter,
        "data.retention_hours": retention,
        "data.subjects": "|".join(markets[: int(rng.integers(1, 3))]) if categories else "",
        "unit": "tokens",
        "deferrable": "true",
    }
    if rng.random() < 0.45:
        gang = int(rng.choice([8, 16, 32], p=[0.6, 0.3, 0.1]))
        hours = float(rng.uniform(80, 400))
        row |= {f"runs.throughput.{name}": speed for name, speed in TRAINING.items()}
        row |= {"tags": f"{exporter}|training", "gang_devices": gang}
        row |= {"work": round(gang * hours * 3600 * TRAINING["A100-80"], -6), "interruptible": "false"}
    else:
        row |= {
            "runs.model": SERVED[0][0],
            "runs.input_tokens": 1024,
            "runs.output_tokens": 256,
            "runs.purchase": "on_demand|spot",
            "work": round(float(2.0e9 * rng.lognormal(0.0, 0.8)), -6),
            "interruptible": "true",
            "max_gangs": 4,
        }
    return row


def _data(rng: np.random.Generator, home: str) -> tuple[str, int]:
    roll = rng.random()
    if roll < 0.30:
        return "", 0
    if roll < 0.36 and home in {"DE", "FR", "GB"}:
        return "health|personal", 72
    if roll < 0.44 and home == "IN":
        return "payment|personal", 0
    return "personal", int(rng.choice([0, 24, 720], p=[0.4, 0.3, 0.3]))


def _write(name: str, rows: list[Row]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with open(FOLDER / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Draw the estate and write workloads.csv and streams.csv."""
    rng = np.random.default_rng(SEED)
    FOLDER.mkdir(parents=True, exist_ok=True)
    weights = [unit[3] for unit in UNITS]
    workloads: list[Row] = []
    streams: list[Row] = []
    for number in range(SERVICES + JOBS):
        unit = UNITS[rng.choice(len(UNITS), p=weights)]
        if number < SERVICES:
            row, demand = _service(rng, f"svc-{number:03d}-{unit[0]}", unit)
            streams += demand
        else:
            row = _job(rng, f"job-{number - SERVICES:03d}-{unit[0]}", unit)
        workloads.append(row)
    _write("workloads.csv", workloads)
    _write("streams.csv", streams)


if __name__ == "__main__":
    main()
