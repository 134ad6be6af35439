"""The figures of a bundled study as they stand beside its page: a row for each scenario, and for each point of a
frontier.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.study import StudyFolder, scenario_rows
from optimizer.study.findings import FindingResult, judged
from optimizer.study.models import Study
from optimizer.study.solving import served_shares, unpacked_plan

if TYPE_CHECKING:
    from optimizer.plan.models import Plan

COLUMNS = (
    "base", "name", "rerun", "status", "objective_usd", "bound_usd", "spent_usd", "served_share", "carbon_kg",
    "served_if_region_lost", "deferred",
)  # fmt: skip
OF_POINTS = (
    "over", "point", "cost_usd", "amount", "amount_bound", "cost_bound_usd", "cap_usd", "is_knee", "operational_kg",
    "energy_kwh",
)  # fmt: skip
ALWAYS = {*COLUMNS} - {"served_if_region_lost"}
TEXT = {"base", "name", "rerun", "status", "deferred", "over"}
ALL, LEAST_TOLD = 0.9995, 0.005
Figures = list[dict[str, Any]]


def figures_of(folder: StudyFolder) -> Figures:
    """Return the figures of a study that has been run, a row for each scenario and each point of a frontier;
    `deferred` names the workloads that are not served in full, with the share that is not.
    """
    told = []
    for row, one in zip(scenario_rows(folder), folder.manifest()["scenarios"], strict=True):
        found = {name: row.get(name) for name in (*COLUMNS, *OF_POINTS)}
        if one["frontier"] is not None:
            points = row["points"] or [{"point": 0, "over": one["frontier"]["over"]}]
            told += [{**found, **{name: point.get(name) for name in (*COLUMNS[8:9], *OF_POINTS)}} for point in points]
        else:
            told.append({**found, "deferred": deferred_in(unpacked_plan(folder.plan(one["key"])))})
    return told


def deferred_in(plan: Plan | None) -> str:
    """Return which workloads a plan does not serve in full, and the share it does not: `coding 0.1172|tuning 1`."""
    shares = {} if plan is None else served_shares(plan)
    return "|".join(f"{name} {1.0 - share:.4g}" for name, share in sorted(shares.items()) if share <= ALL)


def deferred(row: dict[str, Any]) -> list[tuple[str, float]]:
    """Return the workloads that a row says are deferred, and the share of each."""
    pairs = (item.rpartition(" ") for item in row["deferred"].split("|") if item)
    return [(name, float(share)) for name, _, share in pairs if float(share) > LEAST_TOLD]


def read_figures(path: Path) -> Figures:
    """Return the figures that were written beside a page."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            {key: value if key in TEXT else float(value) if value else None for key, value in row.items()}
            for row in csv.DictReader(stream)
        ]


def written(figures: Figures) -> str:
    """Return figures as CSV; the sixth digit is beyond any gap. Columns of points are there where a frontier is."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    columns = [name for name in COLUMNS if name in ALWAYS or any(row.get(name) is not None for row in figures)]
    columns += OF_POINTS if any(row.get("over") for row in figures) else ()
    table.writerow(columns)
    for row in figures:
        table.writerow([_cell(row.get(key)) for key in columns])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return f"{value:.6g}" if isinstance(value, float) else value


def results_of(study: Study, figures: Figures) -> tuple[FindingResult, ...]:
    """Return what came of the study's findings, by the figures written beside its page."""
    records: dict[tuple[str, str, str], dict[str, Any] | None] = {}
    for row in figures:
        key = row["base"], row["rerun"], row["name"]
        record = records.setdefault(key, {**row, "frontier": row.get("over"), "points": []})
        if row.get("point") and record is not None:
            record["points"].append(row)
    return judged(study, bases_of(figures), records)


def of_study(figures: Figures, rerun: str = "") -> Figures:
    """Return the figures of scenarios as stated, or of one rerun."""
    return [row for row in figures if row["rerun"] == rerun and not row.get("over")]


def points_of(figures: Figures, base: str, name: str) -> Figures:
    """Return the points of a frontier as stated."""
    return [row for row in figures if (row["base"], row["name"], row["rerun"]) == (base, name, "") and row.get("point")]


def bases_of(figures: Figures) -> list[str]:
    """Return the bases, in their order."""
    return list(dict.fromkeys(row["base"] for row in figures))


def value_of(figures: Figures, base: str, name: str, figure: str = "objective_usd") -> float | None:
    """Return a figure of a scenario, None where it has none."""
    found = [row[figure] for row in of_study(figures) if (row["base"], row["name"]) == (base, name)]
    return found[0] if found else None


def scenarios_in(figures: Iterable[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Return base, name and rerun of every scenario and frontier, once."""
    return list(dict.fromkeys((row["base"], row["name"], row["rerun"]) for row in figures))
