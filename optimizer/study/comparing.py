"""Two scenarios of a study side by side, with the rule that caused each move."""

from __future__ import annotations

from typing import Any

from optimizer.errors import InputError, Issue
from optimizer.explain.differences import PlanDiff, plan_diff
from optimizer.explain.why_moved import WhyMoved
from optimizer.plan.models import Plan
from optimizer.study.folder import StudyFolder
from optimizer.study.solving import unpacked_plan
from optimizer.suggest import did_you_mean


def compare(folder: StudyFolder, before: str, after: str) -> PlanDiff:
    """Compare the plans of two scenarios, called by their ids; the second is asked why something moved.

    Raises:
        InputError: no such scenario, one that has no plan, or two of different bases.
    """
    from optimizer.model import compile

    known = {one["id"]: one for one in folder.manifest()["scenarios"]}
    first, second = (_plan(folder, known, name) for name in (before, after))
    bases = [known[name]["base"] for name in (before, after)]
    if bases[0] != bases[1]:
        what = f"{before} is a scenario of {bases[0]}, {after} one of {bases[1]}"
        raise InputError(Issue(what, maybe="compare scenarios of one base"))
    base = compile(folder.instance(bases[0]))
    old, new = (base.changed(known[name]["changes"]) for name in (before, after))
    return plan_diff(first, second, WhyMoved(new, (first, second), old))


def _plan(folder: StudyFolder, known: dict[str, dict[str, Any]], scenario: str) -> Plan:
    if scenario not in known:
        what = f"the study in {folder.path} has no scenario {scenario!r}"
        raise InputError(Issue(what, maybe=did_you_mean(scenario, known) or "see domicile study status"))
    key = known[scenario]["key"]
    plan = unpacked_plan(folder.plan(key))
    if plan is None:
        record = folder.record(key)
        told = "is not solved yet" if record is None else f"has no plan ({record['status']}): {record['reason']}"
        raise InputError(Issue(f"scenario {scenario} {told}", maybe="compare scenarios that have a plan"))
    return plan
