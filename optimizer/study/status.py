"""How far a study is: every scenario with what came of it, from its folder alone, while it runs as well."""

from __future__ import annotations

from typing import Any

from optimizer.study.folder import StudyFolder
from optimizer.study.solving import DERIVED, FIGURES

SHOWN = ("status", *FIGURES, *DERIVED, "seconds", "reason", "started_from")


def scenario_rows(folder: StudyFolder) -> list[dict[str, Any]]:
    """Return one row for each scenario, in the study's order: id, base, name in the base, rerun, values of the axes,
    status (`waiting` without a result), figures, seconds, reason, and the scenario whose plan it started from.

    Raises InputError where the folder holds no study.
    """
    rows = []
    for one in folder.manifest()["scenarios"]:
        record = folder.record(one["key"]) or {"status": "waiting"}
        called = {"scenario": one["id"], **{name: one[name] for name in ("base", "name", "rerun", "values")}}
        rows.append({**called, **{name: record.get(name) for name in SHOWN}})
    return rows
