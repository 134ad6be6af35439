"""How far a study is: every scenario with what came of it, from its folder alone, while it runs as well."""

from __future__ import annotations

from typing import Any

from optimizer.study.folder import StudyFolder
from optimizer.study.solving import FIGURES

SHOWN = ("status", *FIGURES, "seconds", "reason", "started_from")


def scenario_rows(folder: StudyFolder) -> list[dict[str, Any]]:
    """Return one row for each scenario, in the study's order: id, values of the axes, status (`waiting` without a
    result), figures, seconds, reason, and the scenario whose plan it started from.

    Raises InputError where the folder holds no study.
    """
    rows = []
    for one in folder.manifest()["scenarios"]:
        record = folder.record(one["key"]) or {"status": "waiting"}
        rows.append({"scenario": one["id"], "values": one["values"], **{name: record.get(name) for name in SHOWN}})
    return rows
