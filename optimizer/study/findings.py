"""Which findings of a study hold: each is judged in every rerun, and withdrawn where one does not bear it out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from optimizer.study.folder import Record, StudyFolder
from optimizer.study.frontier_figures import best_amount, cost_to_reach
from optimizer.study.models import Finding, OfFrontier, Study

Holds = Literal["yes", "no", "open", "waiting"]
Verdict = Literal["holds", "withdrawn", "open"]
TOLERANCE = 1e-9
ROUNDING = 1e-6
"""A bound may lie above the cost by this share of it, which is rounding."""


@dataclass(frozen=True)
class Judged:
    """A finding in one base and rerun: the range in which its figure lies, and whether it holds.

    The least cost of a scenario lies between the bound and the cost found, so that a ratio of costs lies in a range
    too: `open` where the number that the finding names is within it. Other figures are those of the plan found.
    """

    rerun: str
    low: float | None
    high: float | None
    holds: Holds


@dataclass(frozen=True)
class FindingResult:
    """What came of a finding in one base: as stated, and in each rerun."""

    id: str
    base: str
    says: str
    runs: tuple[Judged, ...]

    @property
    def verdict(self) -> Verdict:
        """`holds` in every run, `withdrawn` where one says no, else `open`: not solved, or not proven far enough."""
        told = [one.holds for one in self.runs]
        if "no" in told:
            return "withdrawn"
        return "holds" if all(one == "yes" for one in told) else "open"


def judge_findings(folder: StudyFolder) -> tuple[FindingResult, ...]:
    """Return what came of the findings of the study in a folder, one result for each finding and base."""
    manifest = folder.manifest()
    records = {
        (one["base"], one["rerun"], one["name"]): folder.record(one["key"]) for one in manifest["scenarios"]
    }  # fmt: skip
    study, bases = Study.model_validate(manifest["study"]), [one["name"] for one in manifest["bases"]]
    return judged(study, bases, records)


def answer_of(study: Study, results: Iterable[FindingResult]) -> str:
    """Return the answer of a study in a sentence; where a finding that it rests on does not hold, that; else ""."""
    if study.answer is None:
        return ""
    verdicts: dict[str, set[str]] = {}
    for one in results:
        verdicts.setdefault(one.id, set()).add(one.verdict)
    missing = [name for name in study.answer.rests_on if verdicts.get(name) != {"holds"}]
    if not missing:
        return study.answer.says
    told = ", ".join(f"{name} ({' and '.join(sorted(verdicts.get(name, {'open'}) - {'holds'}))})" for name in missing)
    return f"No answer: it rests on findings that do not hold in every run: {told}."


def judged(
    study: Study, bases: Iterable[str], records: Mapping[tuple[str, str, str], Record | None]
) -> tuple[FindingResult, ...]:
    """Return what came of findings; `records` are by base, rerun and name of the scenario."""
    reruns = ("", *(one.id for one in study.reruns))
    return tuple(
        FindingResult(one.id, base, one.says, tuple(_judge(one, rerun, _Of(records, base, rerun)) for rerun in reruns))
        for one in study.findings
        for base in one.bases or bases
    )


@dataclass(frozen=True)
class _Of:
    """The records of one base and rerun, by name of the scenario."""

    records: Mapping[tuple[str, str, str], Record | None]
    base: str
    rerun: str

    def frontier(self, finding: Finding) -> tuple[float, float] | Holds:
        """Return the range of a figure of a frontier; a frontier without points bears nothing out."""
        record: Any = self.records.get((self.base, self.rerun, finding.scenario))
        if record is None or record["status"] == "failed":
            return "waiting"
        points = record["points"]
        if not points:
            return "no"
        if finding.figure == "best_amount":
            return best_amount(points, record["frontier"])
        amount = finding.reach
        if amount is None:
            amount = (finding.reach_times or 0.0) * points[0]["amount"]
        return cost_to_reach(points, record["frontier"], record["bound_usd"], amount)

    def range(self, figure: str, name: str) -> tuple[float, float] | Holds:
        """Return the range of a figure of a scenario; that it waits, or has no such figure, which bears nothing out."""
        record: Any = self.records.get((self.base, self.rerun, name))
        if record is None or record["status"] == "failed":
            return "waiting"
        value = record.get(figure)
        if value is None:
            return "no"
        if figure not in ("objective_usd", "spent_usd"):
            return float(value), float(value)
        gap = max(0.0, record["objective_usd"] - (record["bound_usd"] or 0.0))  # no bound: it may cost nothing
        return float(value) - (gap if gap > ROUNDING * abs(value) else 0.0), float(value)


def _judge(finding: Finding, rerun: str, of: _Of) -> Judged:
    is_of_frontier = finding.figure in get_args(OfFrontier)
    span = of.frontier(finding) if is_of_frontier else of.range(finding.figure, finding.scenario)
    beside = (0.0, 0.0) if finding.beside is None else of.range(finding.figure, finding.beside)
    for one in (span, beside):
        if isinstance(one, str):
            return Judged(rerun, None, None, one)
    low, high = _held_against(finding, span, beside)  # type: ignore[arg-type]
    return Judged(rerun, _finite(low), _finite(high), _holds(finding, low, high))


def _held_against(finding: Finding, span: tuple[float, float], beside: tuple[float, float]) -> tuple[float, float]:
    if finding.beside is None:
        return span
    if finding.by == "difference":
        return span[0] - beside[1], span[1] - beside[0]
    if beside[0] <= 0.0:  # a ratio to nothing
        return -math.inf, math.inf
    return span[0] / beside[1], span[1] / beside[0]


def _holds(finding: Finding, low: float, high: float) -> Holds:
    if finding.at_least is not None:
        slack = TOLERANCE * max(1.0, abs(finding.at_least))
        return "yes" if low >= finding.at_least - slack else "no" if high < finding.at_least - slack else "open"
    most = finding.at_most or 0.0
    slack = TOLERANCE * max(1.0, abs(most))
    return "yes" if high <= most + slack else "no" if low > most + slack else "open"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def weighted_totals(folder: StudyFolder) -> tuple[dict[str, Any], ...]:
    """Return for each scenario and rerun the cost over all bases, each as often as its weight says; none without
    weights. A scenario that some base with a weight does not have, or has no plan for, has no total.
    """
    manifest = folder.manifest()
    weights = {name: weight for name, weight in manifest["study"]["weights"].items() if weight}
    costs: dict[tuple[str, str], dict[str, float]] = {}
    for one in (one for one in manifest["scenarios"] if one["frontier"] is None):
        record = folder.record(one["key"]) or {}
        found = costs.setdefault((one["name"], one["rerun"]), {})
        if one["base"] in weights and record.get("objective_usd") is not None:
            found[one["base"]] = weights[one["base"]] * record["objective_usd"]
    return tuple(
        {"scenario": name, "rerun": rerun, "usd": sum(found.values()) if len(found) == len(weights) else None}
        for (name, rerun), found in costs.items()
    ) if weights else ()  # fmt: skip
