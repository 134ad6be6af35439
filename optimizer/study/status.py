"""How far a study is: every scenario with what came of it, from its folder alone, while it runs as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optimizer.study.folder import StudyFolder
from optimizer.study.models import BASE
from optimizer.study.solving import DERIVED, FIGURES, LOST

CALLED = ("base", "name", "rerun", "values", "frontier")
SHOWN = ("status", *FIGURES, *DERIVED, *LOST, "seconds", "reason", "started_from", "points", "warnings")


def scenario_rows(folder: StudyFolder) -> list[dict[str, Any]]:
    """Return one row for each scenario, in the study's order: id, base, name in the base, rerun, values of the axes,
    what a frontier trades, status (`waiting` without a result), figures, seconds, reason, the scenario whose plan it
    started from, the points of a frontier, warnings, and what its least cost is proven to differ by from that of the
    scenario `base` of its base and rerun (`beside_base_usd`: least and most).

    Raises InputError where the folder holds no study.
    """
    rows = []
    for one in folder.manifest()["scenarios"]:
        record = folder.record(one["key"]) or {"status": "waiting"}
        called = {"scenario": one["id"], **{name: one[name] for name in CALLED}}
        rows.append({**called, **{name: record.get(name) for name in SHOWN}})
    firsts = {(row["base"], row["rerun"]): row for row in rows if row["name"] == BASE}
    return [{**row, "beside_base_usd": beside(row, firsts.get((row["base"], row["rerun"])))} for row in rows]


def beside(row: Mapping[str, Any], first: Mapping[str, Any] | None) -> tuple[float | None, float | None] | None:
    """Return the least and the most that the least cost of a scenario differs from that of `first`, None where one of
    both has no plan: its bound less the other's cost, and its cost less the other's bound (None: not bounded).
    """
    if first is None or row.get("objective_usd") is None or first.get("objective_usd") is None:
        return None
    if row is first:
        return 0.0, 0.0
    low = None if row.get("bound_usd") is None else row["bound_usd"] - first["objective_usd"]
    high = None if first.get("bound_usd") is None else row["objective_usd"] - first["bound_usd"]
    return low, high
