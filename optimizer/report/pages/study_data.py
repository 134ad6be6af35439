"""What the page of a study is made from: its scenarios, the plan of each, and what they come to beside the base."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from optimizer.plan.rows import PlanCurrency
from optimizer.printable import printable
from optimizer.report.pages.places import Places, places_of
from optimizer.study.folder import StudyFolder
from optimizer.study.models import BASE
from optimizer.study.tables import binding, regions_of

PlanData = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of one scenario. `homes`: by workload its countries, that with most of its cost first.

    `binds` are the rules without slack, `moved` how many workloads run in other regions than in the base.
    """

    id: str
    values: dict[str, Any]
    status: str
    usd: float | None
    gap: float | None
    carbon_kg: float | None
    carbon_unknown: bool
    reason: str
    homes: dict[str, tuple[str, ...]]
    costs: dict[str, float]
    binds: tuple[str, ...]
    moved: int | None

    @property
    def has_plan(self) -> bool:
        """True if a plan was found."""
        return self.usd is not None


@dataclass(frozen=True)
class StudyData:
    """A study with what came of its scenarios, the base first."""

    manifest: dict[str, Any]
    outcomes: tuple[Outcome, ...]
    places: Places
    cost_of: dict[str, float]

    @property
    def study(self) -> dict[str, Any]:
        """The study as it was written."""
        return dict(self.manifest["study"])

    @property
    def currency(self) -> PlanCurrency | None:
        """The currency of its instance."""
        told = self.manifest["currency"]
        return None if told is None else PlanCurrency.model_validate(told)

    @property
    def base(self) -> Outcome:
        """The scenario without changes."""
        return self.outcomes[0]

    @property
    def planned(self) -> list[Outcome]:
        """The scenarios that have a plan."""
        return [one for one in self.outcomes if one.has_plan]


def study_data(folder: StudyFolder) -> StudyData:
    """Read the folder of a study, while it runs as well.

    Raises:
        InputError: it is none.
    """
    manifest = folder.manifest()
    outcomes, home = [], None
    cost_of: dict[str, float] = defaultdict(float)
    for one in manifest["scenarios"]:
        record = folder.record(one["key"]) or {"status": "waiting"}
        content = folder.plan(one["key"]) if record.get("has_plan") else None
        plan = None if content is None else json.loads(gzip.decompress(content))
        if one["id"] == BASE and plan is not None:
            home = regions_of(plan)
        outcomes.append(_outcome(one, record, plan, home))
        for row in plan["placements"] if plan is not None else ():
            cost_of[printable(row["workload"])] += row["cost_usd"] or 0.0
    outcomes.sort(key=lambda one: one.id != BASE)
    return StudyData(_printable(manifest), tuple(outcomes), places_of(folder.instance()), dict(cost_of))


def _outcome(
    one: dict[str, Any], record: dict[str, Any], plan: PlanData | None, home: dict[str, frozenset[str]] | None
) -> Outcome:
    homes: dict[str, tuple[str, ...]] = {}
    costs: dict[str, float] = {}
    binds: tuple[str, ...] = ()
    moved = None
    if plan is not None:
        homes, costs = _homes(plan), dict(plan["cost_breakdown_usd"])
        binds = tuple(printable(row["rule"]) for row in binding(plan))
        if home is not None:
            here = regions_of(plan)
            moved = sum(here.get(name) != home.get(name) for name in {*here, *home})
    return Outcome(
        printable(one["id"]), _printable(one["values"]), record["status"], record.get("objective_usd"),
        record.get("gap"), record.get("carbon_kg"), bool(record.get("carbon_unknown_share")),
        printable(record.get("reason") or ""), homes, costs, binds, moved,
    )  # fmt: skip


def _homes(plan: PlanData) -> dict[str, tuple[str, ...]]:
    cost: dict[str, dict[str, float]] = {}
    for row in plan["placements"]:
        own = cost.setdefault(printable(row["workload"]), {})
        own[row["country"]] = own.get(row["country"], 0.0) + (row["cost_usd"] or 0.0)
    return {name: tuple(sorted(own, key=lambda code: (-own[code], code))) for name, own in cost.items()}


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(str(key)): _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list) else value
