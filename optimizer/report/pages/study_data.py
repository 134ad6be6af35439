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
from optimizer.study.models import BASE, Metric
from optimizer.study.tables import regions_of

PlanData = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of one scenario: `id` in the study, `name` in its base and rerun ("": as stated).

    `homes`: by workload its countries, that with most of its cost first.

    `binds` are the rules without slack, `moved` how many workloads run in other regions than in the base, `placed` the
    rows of its plan; `missed` the metrics whose limit it does not keep; `changes` what a scenario that is written out
    does to the instance.
    """

    id: str
    base: str
    name: str
    rerun: str
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
    placed: int = 0
    missed: tuple[str, ...] = ()
    changes: str = ""

    @property
    def has_plan(self) -> bool:
        """True if a plan was found."""
        return self.usd is not None

    @property
    def label(self) -> str:
        """What it is called in a figure and in a sentence: the values of its axes with few digits, or its id."""
        return ",".join(f"{name}={told_value(value)}" for name, value in self.values.items()) or self.id


@dataclass(frozen=True)
class StudyData:
    """A study with what came of its scenarios as they are stated, the base first; `reruns` are the others.

    `bases` are the names of its instances, `hashes` the hash of each.
    """

    manifest: dict[str, Any]
    outcomes: tuple[Outcome, ...]
    reruns: tuple[Outcome, ...]
    bases: tuple[str, ...]
    hashes: tuple[str, ...]
    currency: PlanCurrency | None
    places: Places
    cost_of: dict[tuple[str, str], float]

    @property
    def study(self) -> dict[str, Any]:
        """The study as it was written."""
        return dict(self.manifest["study"])

    @property
    def base(self) -> Outcome:
        """The scenario without changes, of the first base."""
        return self.outcomes[0]

    @property
    def has_several(self) -> bool:
        """True if it is of several instances."""
        return len(self.bases) > 1

    def base_of(self, one: Outcome) -> Outcome:
        """Return the scenario without changes that another is held against: of its base and rerun."""
        every = (*self.outcomes, *self.reruns)
        return next(o for o in every if (o.base, o.rerun, o.name) == (one.base, one.rerun, BASE))

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
    bases = manifest["bases"]
    homes: dict[tuple[str, str], dict[str, frozenset[str]]] = {}
    metrics = [Metric.model_validate(one) for one in manifest["study"]["metrics"]]
    outcomes = []
    cost_of: dict[tuple[str, str], float] = defaultdict(float)
    scenarios = [one for one in manifest["scenarios"] if one["frontier"] is None]
    for one in sorted(scenarios, key=lambda one: one["name"] != BASE):
        record = folder.record(one["key"]) or {"status": "waiting"}
        content = folder.plan(one["key"]) if record.get("has_plan") else None
        plan = None if content is None else json.loads(gzip.decompress(content))
        if one["name"] == BASE and plan is not None:
            homes[one["base"], one["rerun"]] = regions_of(plan)
        missed = tuple(str(of.id) for of in metrics if record.get("has_plan") and of.is_missed_by(record))
        outcomes.append(_outcome(one, record, plan, homes.get((one["base"], one["rerun"])), missed))
        for row in plan["placements"] if plan is not None else ():
            cost_of[printable(one["base"]), printable(row["workload"])] += row["cost_usd"] or 0.0
    currencies = [one["currency"] for one in bases]
    shared = currencies[0] if all(one == currencies[0] for one in currencies) else None
    return StudyData(
        _printable(manifest), tuple(one for one in outcomes if not one.rerun),
        tuple(one for one in outcomes if one.rerun), tuple(printable(one["name"]) for one in bases),
        tuple(one["instance_sha256"] for one in bases),
        None if shared is None else PlanCurrency.model_validate(shared), _places(folder, bases), dict(cost_of),
    )  # fmt: skip


def _places(folder: StudyFolder, bases: list[dict[str, Any]]) -> Places:
    known = [places_of(folder.instance(one["name"])) for one in bases]
    regions = {name: spot for one in known for name, spot in one.regions.items()}
    return Places(known[0].countries, regions, known[0].origins)


def _outcome(
    one: dict[str, Any], record: dict[str, Any], plan: PlanData | None, home: dict[str, frozenset[str]] | None,
    missed: tuple[str, ...],
) -> Outcome:  # fmt: skip
    homes: dict[str, tuple[str, ...]] = {}
    costs: dict[str, float] = {}
    binds: tuple[str, ...] = ()
    moved = None
    if plan is not None:
        homes, costs = _homes(plan), dict(plan["cost_breakdown_usd"])
        binds = tuple(printable(row["rule"]) for row in record["binds"])
        if home is not None:
            here = regions_of(plan)
            moved = sum(here.get(name) != home.get(name) for name in {*here, *home})
    return Outcome(
        printable(one["id"]), printable(one["base"]), printable(one["name"]), printable(one["rerun"]),
        _printable(one["values"]), record["status"], record.get("objective_usd"),
        record.get("gap"), record.get("carbon_kg"), bool(record.get("carbon_unknown_share")),
        printable(record.get("reason") or ""), homes, costs, binds, moved,
        0 if plan is None else len(plan["placements"]), missed,
        "" if one["values"] else "; ".join(map(told_change, one["changes"])),
    )  # fmt: skip


def _homes(plan: PlanData) -> dict[str, tuple[str, ...]]:
    cost: dict[str, dict[str, float]] = {}
    for row in plan["placements"]:
        own = cost.setdefault(printable(row["workload"]), {})
        own[row["country"]] = own.get(row["country"], 0.0) + (row["cost_usd"] or 0.0)
    return {name: tuple(sorted(own, key=lambda code: (-own[code], code))) for name, own in cost.items()}


def told_value(value: object) -> str:
    """Return the value of an axis as people read it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def told_change(change: dict[str, Any]) -> str:
    """Return a change in words: what is done, and to what."""
    rest = [f"{key.replace('_', ' ')} {_told(value)}" for key, value in change.items() if key not in ("op", "rule")]
    what = " ".join(filter(None, (str(change.get("op", "")).replace("_", " "), str(change.get("rule", "")))))
    return printable(", ".join([what, *rest]))


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key} {_told(item)}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(str(key)): _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list) else value
