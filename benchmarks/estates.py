"""Seeded estates on the bundled catalogue, from 100 to 10,000 workloads, from slack to barely feasible.

    python -m benchmarks.estates FOLDER --size 500 --tightness 0.5 [--seed 1]

Writes FOLDER/instance.yaml with workloads.csv, streams.csv and quotas.csv, which `domicile solve` takes. The same size,
tightness, seed, version of this generator and catalogue give the same files; a larger estate of the same seed begins
with the workloads of the smaller (but for those redrawn because nothing lawful could run them).

Limits follow from two cheap allocations (`estate_reference`): `cheapest`, which knows no limit, and `spread`, which
avoids what is crowded. With u the larger use of the two and w that of `spread`, every limit is

    (1.1 u) ** slack * w ** (1 - slack)

with slack = 1 - tightness for quotas and its third power for budgets (quotas alone take carbon well below 1.1 u), so
that at 0 the cheapest allocation fits with a tenth to spare, at 1 the spread one just fits, every estate is
feasible, and limits fall as tightness rises. Limits are proportional to the estate's own use: at any size the same part
of the demand has to leave the place that is cheapest for it, which is what keeps difficulty comparable; what does
change with size is that one gang or node is a smaller part of a pool. Pairs of accelerator and region that `spread`
does not use have a default between the largest use of any pair (at 0) and 1/400 of all devices, at least one
node of 8 (at 1); endpoints likewise, down to 4 units/s per workload. No quota is unlimited.
"""

from __future__ import annotations

import argparse
import csv
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.estate_draw import UNITS, Drawn, draw
from benchmarks.estate_reference import (
    ACCOUNT_SHARE,
    PAIR_SHARE,
    POWER_SHARE,
    Allocation,
    Configuration,
    cheapest,
    configurations,
    spread,
)

VERSION = 1
CHUNK = 500
"""Workloads compiled at a time for the reference allocations, which bounds memory."""
ATTEMPTS = 20
SLACK, BUDGET_POWER = 1.1, 3.0
ACCOUNTS, POWER_LIMITS = 3, 2
"""Providers with an account quota, and regions with a power limit: those that the cheapest allocation uses most."""
ACCOUNT_OF = ("aws", "azure", "gcp", "nebius", "seeweb", "hyperstack", "vultr", "digitalocean", "ovhcloud", "scaleway")
POWERED = (
    "aws:us-east-1", "aws:us-west-2", "aws:ap-south-1", "seeweb:it-fr2", "hyperstack:CANADA-1", "nebius:eu-north1",
)  # fmt: skip
"""Providers that may get an account quota; regions that may get a power limit, under which unknown power rules out."""
UNIT_BUDGETS = ("media-us", "retail-de")
ENDPOINT_RATE = 400.0
"""Work units/s per endpoint at tightness 1 and 100 workloads, at least."""
LEAST_DEVICES = 8
UNBOUND = 1e9

MECHANISMS = {
    "SCC_EU": (18000, 6000), "IDTA_UK": (9000, 3000), "SCC_CH": (6000, 2000), "TRANSPARENCY_HDS": (0, 6000),
    "RBI_24H": (20000, 9000), "IN_SPDI": (5000, 1500), "ZA_CONTRACT": (6000, 2000), "KE_SAFEGUARD": (6000, 2000),
    "JP_EQUIV_ACTION": (12000, 5000), "KR_NOTICE_OUTSOURCING": (4000, 2000), "SG_CONTRACT": (5000, 1500),
    "AU_STEPS": (6000, 2000), "NZ_CONTRACT": (4000, 1500), "GENERIC_CONTRACT": (5000, 1500), "QC_PIA": (7000, 2000),
    "BR_SCC": (9000, 3000), "BR_BCB": (8000, 3000), "MX_NOTICE": (3000, 1000), "AR_SCC": (5000, 2000),
    "CL_SCC": (6000, 2000),
}  # fmt: skip
"""One-off and yearly USD of transfer mechanisms; one that is not listed cannot be had."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Limits:
    """Every limit of an estate, in its own unit."""

    default_devices: int
    default_endpoint_units_per_s: int
    quotas: list[Row]
    budgets: list[Row]


@dataclass(frozen=True)
class Reference:
    """The workloads of an estate with its two allocations."""

    drawn: list[Drawn]
    cheapest: Allocation
    spread: Allocation
    base: float


def generate(folder: Path, *, size: int, tightness: float, seed: int = 1) -> Path:
    """Write the estate into `folder` and return its instance file. Raises ValueError for knobs out of range."""
    if not 1 <= size <= 20_000 or not 0.0 <= tightness <= 1.0:
        raise ValueError(f"size {size} (1 to 20,000) or tightness {tightness} (0 to 1) is out of range")
    return write(folder, reference(size, seed), size=size, tightness=tightness, seed=seed)


def reference(size: int, seed: int = 1) -> Reference:
    """Draw the workloads and allocate them twice; a workload that nothing lawful can run is drawn anew."""
    drawn: list[Drawn] = []
    ways: list[list[Configuration]] = []
    for start in range(0, size, CHUNK):
        numbers = list(range(start, min(start + CHUNK, size)))
        part, found = _placeable(seed, numbers)
        drawn += part
        ways += found
    tags = [str(one.row["tags"]).split("|") for one in drawn]
    alone = cheapest(ways, tags)
    pairs = {pool: used for pool, used in alone.use.items() if pool.startswith("devices:")}
    base = max(LEAST_DEVICES, sum(pairs.values()) / 40.0)
    caps = {pool: max(base, PAIR_SHARE * used) for pool, used in pairs.items()}
    for kind, share in (("account:", ACCOUNT_SHARE), ("power:", POWER_SHARE)):
        for pool in _most_used(alone, kind):
            caps[pool] = share * alone.use[pool]
    return Reference(drawn, alone, spread(ways, tags, caps, base), base)


def _most_used(alone: Allocation, kind: str) -> list[str]:
    of_kind = sorted((pool for pool in alone.use if pool.startswith(kind)), key=lambda pool: -alone.use[pool])
    return of_kind[: ACCOUNTS if kind == "account:" else POWER_LIMITS]


def limits(found: Reference, tightness: float) -> Limits:
    """Return every limit at a tightness."""
    alone, apart = found.cheapest, found.spread

    def between(loose: float, tight: float, power: float = 1.0) -> float:
        slack = (1.0 - tightness) ** power
        return float((SLACK * max(loose, tight)) ** slack * tight ** (1.0 - slack))

    pools = sorted(set(alone.use) | set(apart.use))
    largest = {
        kind: max((alone.use.get(p, 0.0) for p in pools if p.startswith(kind)), default=0.0)
        for kind in ("devices:", "units_per_s:")
    }
    least_rate = ENDPOINT_RATE * len(found.drawn) / 100.0
    devices = _whole(between(largest["devices:"], max(float(LEAST_DEVICES), found.base / 10.0)))
    rate = _whole(between(largest["units_per_s:"], least_rate))
    quotas: list[Row] = []
    for pool in _most_used(alone, "account:"):
        most = _whole(between(alone.use[pool], apart.use.get(pool, 0.0) or 1.0))
        provider = pool.removeprefix("account:")
        quotas.append({"id": f"{provider}-account", "provider": provider, "devices": most})
    for pool in _most_used(alone, "power:"):
        kw = _whole(between(alone.use[pool], apart.use.get(pool, 0.0) or 1.0))
        region = pool.removeprefix("power:")
        quotas.append({"id": f"{region.replace(':', '-')}-power", "region": region, "kw": kw})
    for pool in pools:
        kind, _, place = pool.partition(":")
        tight = apart.use.get(pool, 0.0)
        if kind == "devices" and tight > 0:
            most = max(devices, _whole(between(alone.use.get(pool, 0.0), tight)))
            accelerator, _, region = place.partition("@")
            if most > devices:
                quotas.append({"accelerator": accelerator, "region": region, "devices": most})
        elif kind == "units_per_s" and tight > 0:
            most = max(rate, _whole(between(alone.use.get(pool, 0.0), tight)))
            if most > rate:
                quotas.append({"endpoint": place, "units_per_s": most})
    kg = _whole(between(alone.carbon_kg["own"], apart.carbon_kg["own"], BUDGET_POWER))
    budgets: list[Row] = [{"id": "group-carbon", "limit_kg": kg, "tag": "own"}]
    for unit in UNIT_BUDGETS:
        tag = f"{unit}-own"
        if tag in apart.carbon_kg:
            kg = _whole(between(alone.carbon_kg[tag], apart.carbon_kg[tag], BUDGET_POWER))
            budgets.append({"id": f"{unit}-carbon", "limit_kg": kg, "tag": tag})
    if "training" in apart.spend_usd:
        usd = _whole(between(alone.spend_usd["training"], apart.spend_usd["training"], BUDGET_POWER))
        budgets.append({"id": "training-money", "limit_usd": usd, "tag": "training"})
    return Limits(devices, rate, quotas, budgets)


def _whole(value: float) -> int:
    return max(1, math.ceil(value - 1e-9))


def write(folder: Path, found: Reference, *, size: int, tightness: float, seed: int) -> Path:
    """Write instance.yaml and its tables."""
    given = limits(found, tightness)
    lines = [
        f"# Benchmark estate: generator version {VERSION}, size {size}, tightness {tightness}, seed {seed}.",
        "# Written by benchmarks/estates.py; what no quota below names has the default, nothing is unlimited.",
        f"name: estate-{size}-{round(1000 * tightness):04d}-{seed}",
    ]
    return _write(folder, lines, found.drawn, given)


def _placeable(seed: int, numbers: list[int]) -> tuple[list[Drawn], list[list[Configuration]]]:
    """Return the workloads with their configurations, redrawing those that have none."""
    drawn = {number: draw(seed, number) for number in numbers}
    ways: dict[int, list[Configuration]] = {}
    left = numbers
    for attempt in range(1, ATTEMPTS + 1):
        ways |= dict(zip(left, _ways([drawn[number] for number in left]), strict=True))
        left = [number for number in left if not ways[number]]
        if not left:
            return [drawn[number] for number in numbers], [ways[number] for number in numbers]
        drawn |= {number: draw(seed, number, attempt) for number in left}
    raise RuntimeError(f"nothing can run workloads {left[:5]} after {ATTEMPTS} attempts: has the catalogue changed?")


def _ways(drawn: list[Drawn]) -> list[list[Configuration]]:
    """Compile workloads under limits of every kind that never bind, and list their configurations."""
    import domicile
    from optimizer.compile import compile_instance

    quotas: list[Row] = [{"id": f"account:{one}", "provider": one, "devices": int(UNBOUND)} for one in ACCOUNT_OF]
    quotas += [{"id": f"power:{one}", "region": one, "kw": UNBOUND} for one in POWERED]
    budgets = [{"id": "group-carbon", "limit_kg": UNBOUND, "tag": "own"}]
    loose = Limits(int(UNBOUND), int(UNBOUND), quotas, budgets)
    with tempfile.TemporaryDirectory() as folder:
        lines = ["name: draft", "unserved_usd_per_unit: 1"]
        instance = domicile.load(_write(Path(folder), lines, drawn, loose))
        return configurations(compile_instance(instance).problem)


def _write(folder: Path, head: list[str], drawn: list[Drawn], given: Limits) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    _table(folder / "workloads.csv", [one.row for one in drawn])
    _table(folder / "streams.csv", [stream for one in drawn for stream in one.streams])
    _table(folder / "quotas.csv", given.quotas)
    lines = [
        *head,
        "horizon: {start: 2027-01-01, hours: 730}",
        "catalogue:",
        "  use: world",
        "  providers: [all]",
        "  fallbacks: [pue_fleet, pue_industry, host_power, host_embodied, idle_power]",
        "laws: {use: world, as_of: 2026-11-22}",
        "tables: {workloads: workloads.csv, streams: streams.csv, quotas: quotas.csv}",
        "budgets:",
    ]
    for one in given.budgets:
        limit = next(key for key in one if key.startswith("limit_"))
        lines.append(f"  - {{id: {one['id']}, {limit}: {one[limit]}, scope: {{tags: [{one['tag']}]}}}}")
    lines += [
        "quotas:",
        f"  default_devices: {given.default_devices}",
        f"  default_endpoint_units_per_s: {given.default_endpoint_units_per_s}",
        "mechanism_costs:",
        *(f"  - {{id: {name}, one_off_usd: {usd[0]}, yearly_usd: {usd[1]}}}" for name, usd in MECHANISMS.items()),
        "tenant: {headquarters: DE, parent: DE, end_use: [inference, training]}",
        "legal_assertions:",
        "  exporters:",
        *(f"    - {{id: {u}, country: {home}, headquarters: {home}, roles: [controller]}}" for u, home, _, _ in UNITS),
    ]
    path = folder / "instance.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _table(path: Path, rows: list[Row]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Write one estate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=500)
    parser.add_argument("--tightness", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(generate(options.folder, size=options.size, tightness=options.tightness, seed=options.seed))


if __name__ == "__main__":
    main()
