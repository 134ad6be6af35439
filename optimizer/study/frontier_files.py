"""The frontiers of a study as they stand in its folder."""

from __future__ import annotations

from optimizer.plan.rows import PlanCurrency
from optimizer.study.folder import StudyFolder
from optimizer.study.frontiers import LIMITS, Frontier, FrontierPoint


def frontiers_in(folder: StudyFolder) -> tuple[Frontier, ...]:
    """Return the frontiers of a study as stated (without reruns) that have points.

    Raises InputError where the folder holds no study.
    """
    manifest, found = folder.manifest(), []
    currency = {one["name"]: one["currency"] for one in manifest["bases"]}
    for one in manifest["scenarios"]:
        record = folder.record(one["key"]) if one.get("frontier") is not None and not one["rerun"] else None
        if record is None or not record["points"]:
            continue
        told, points = currency[one["base"]], record["points"]
        fields = FrontierPoint.model_fields
        found.append(Frontier(
            over=one["frontier"]["over"], unit=points[0]["unit"], outside=one["frontier"]["outside"], of=one["id"],
            points=tuple(FrontierPoint(**{name: point[name] for name in fields}) for point in points),
            least_cost_usd=points[0]["least_cost_usd"], known_only=one["frontier"]["over"] in LIMITS,
            complete=record["status"] == "optimal", seconds=record["seconds"],
            currency=None if told is None else PlanCurrency.model_validate(told),
        ))  # fmt: skip
    return tuple(found)
