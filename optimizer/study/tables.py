"""The results of a study as tables: a row for each scenario, placement, cost term, rule that binds, price, point."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from typing import Any

import pandas as pd

from optimizer.study.folder import Record, StudyFolder
from optimizer.study.models import BASE
from optimizer.study.solving import DERIVED, FIGURES, LOST
from optimizer.study.status import beside

SCENARIO = (
    "frontier", "status", *FIGURES, *DERIVED, "beside_base_low_usd", "beside_base_high_usd", "regions", "providers",
    "countries", "open_actions", "moved_from_base", "seconds", "reason", "started_from",
)  # fmt: skip
PLACEMENT = (
    "workload", "stream", "period", "region_id", "country", "provider", "sku", "endpoint", "purchase", "instances",
    "served_per_s", "cost_usd", "carbon_kg",
)  # fmt: skip
POINT = (
    "over", "unit", "point", "cost_usd", "amount", "amount_bound", "cost_bound_usd", "cap_usd", "proven", "is_knee",
    *FIGURES[3:], *DERIVED,
)  # fmt: skip
COLUMNS = {
    "placements": PLACEMENT, "costs": ("term", "usd"), "rules": ("rule", "limit", "used"),
    "prices": ("rule", "family", "number", "usd"), "frontiers": POINT,
}  # fmt: skip
CALLED = ("scenario", "base", "name", "rerun")
"""What every table says first of a scenario: its id, its base, its name there, the rerun (empty: as stated)."""
PlanData = dict[str, Any]
"""A plan as its JSON says it: hundreds of them are read one after the other, which as models would take minutes."""


def study_tables(folder: StudyFolder, records: Iterable[Record]) -> dict[str, pd.DataFrame]:
    """Return the tables `scenarios`, `placements`, `costs`, `rules`, `prices` and `frontiers`, rows in the order of the
    records.

    `scenarios` has one column for each axis as well, empty for scenarios written out. `rules` are budgets, quotas and
    shares without room for more. `prices` are what a unit more of a limit is worth in the relaxation that proved the
    bound, where one did. `frontiers` has a row for each point. `moved_from_base` counts the workloads that run in other
    regions than in the scenario `base` of the same base and rerun, and `beside_base_*` are between what the difference
    of the least costs to it is proven to lie (see `optimizer.study.status.beside`).
    """
    known = list(records)
    axes = list(dict.fromkeys(axis for record in known for axis in record["values"]))
    lost = [name for name in LOST if any(name in record for record in known)]
    firsts = {(record["base"], record["rerun"]): record for record in known if record["name"] == BASE}
    homes: dict[tuple[str, str], dict[str, frozenset[str]]] = {}
    for where, record in firsts.items():
        if (plan := _plan(folder, record)) is not None:
            homes[where] = regions_of(plan)
    scenarios: list[dict[str, Any]] = []
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
    for record in known:
        called, plan = {name: record[name] for name in CALLED}, _plan(folder, record)
        where = record["base"], record["rerun"]
        low, high = beside(record, firsts.get(where)) or (None, None)
        between = {"beside_base_low_usd": low, "beside_base_high_usd": high}
        figures = {**_scenario(record, plan, homes.get(where)), **{name: record.get(name) for name in lost}}
        scenarios.append({**figures, **between, **record["values"], **called})
        rows["frontiers"] += ({**called, **point} for point in record["points"])
        if plan is not None:
            rows["placements"] += ({**row, **called} for row in plan["placements"])
            terms = plan["cost_breakdown_usd"].items()
            rows["costs"] += ({**called, "term": term, "usd": usd} for term, usd in terms)
            rows["rules"] += ({**called, **row} for row in record["binds"])
            rows["prices"] += ({**called, **row, "rule": "|".join(row["rules"])} for row in plan["row_prices"])
    tables = {name: pd.DataFrame(rows[name], columns=[*CALLED, *columns]) for name, columns in COLUMNS.items()}
    return {"scenarios": pd.DataFrame(scenarios, columns=[*CALLED, *axes, *SCENARIO, *lost]), **tables}


def _plan(folder: StudyFolder, record: Record) -> PlanData | None:
    content = folder.plan(record["key"]) if record["has_plan"] else None
    return None if content is None else json.loads(gzip.decompress(content))


def regions_of(plan: PlanData) -> dict[str, frozenset[str]]:
    """Return by workload the regions in which it runs or is served."""
    found: dict[str, set[str]] = {}
    for row in plan["placements"]:
        found.setdefault(row["workload"], set()).add(row["region_id"])
    return {name: frozenset(regions) for name, regions in found.items()}


def _scenario(record: Record, plan: PlanData | None, home: dict[str, frozenset[str]] | None) -> dict[str, Any]:
    told = {name: record.get(name) for name in SCENARIO}
    if plan is None:
        return told
    for name, column in (("regions", "region_id"), ("providers", "provider"), ("countries", "country")):
        told[name] = len({row[column] for row in plan["placements"]})
    told["open_actions"] = sum(row["accepted_by"] is None for row in plan["actions"])
    if home is not None:
        here = regions_of(plan)
        told["moved_from_base"] = sum(here.get(name) != home.get(name) for name in {*here, *home})
    return told
