"""Directed manipulations of five bundled plans: each is caught, or its field named in the report as not judged.

`manipulations.csv` has what came of each; what it says to be caught has to stay caught. Write it again with
`python tests/audit/test_manipulations.py` after a change of fields or instances.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from manipulations import DIRECTED, Fields, field_changes, manipulated
from schemes import SCHEMES, left_out

import domicile
from optimizer import bundled
from optimizer.audit import AuditReport, audit
from optimizer.audit.coverage import JUDGED, NOT_JUDGED, NOT_STATED
from optimizer.audit.run import audit_in
from optimizer.audit.world import resolve
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan

INSTANCES = bundled.PATH
BUNDLED = ("quickstart", "emerging-markets", "health-assistant", "india-payments", "global-assistant")
TABLE = Path(__file__).with_name("manipulations.csv")
LEAST = 150


@cache
def solved(name: str) -> tuple[Instance, Fields]:
    """Return a bundled instance and the fields of a plan of it."""
    instance = domicile.load(INSTANCES / f"{name}.yaml")
    return instance, domicile.solve(instance, gap=1e-2, threads=1).model_dump(mode="json")


def outcome(report: AuditReport, field: str) -> str:
    """Return caught, named (as not judged, by itself or with its table, or as not stated), or passed."""
    if report.violations:
        return "caught"
    names = (f"{field}: ", f"plan.{field.partition('.')[0]}: ")
    named = any(text.startswith(names) for text in report.not_judged)
    absent = next((text for text in report.not_judged if text.startswith(NOT_STATED)), "")
    return "named" if named or field.removeprefix("plan.") in absent.partition(": ")[2].split(", ") else "passed"


def outcomes(name: str, tried: Collection[tuple[str, str]] = ()) -> dict[tuple[str, str], str]:
    """Return what comes of every manipulation of a bundled plan, but those tried before."""
    instance, plan = solved(name)
    found, world = {}, resolve(instance, instance.folder)
    for field, what, edit in (*field_changes(plan), *DIRECTED, *SCHEMES, *left_out(plan)):
        if (field, what) in tried:
            continue
        try:
            other = manipulated(plan, edit)
        except LookupError:  # the plan has nothing to do it to
            continue
        if other != plan:
            found[field, what] = outcome(audit_in(world, Plan.model_validate(other)), field)
    return found


def table() -> dict[str, dict[tuple[str, str], str]]:
    """Return the table of outcomes that is committed."""
    known: dict[str, dict[tuple[str, str], str]] = {name: {} for name in BUNDLED}
    with TABLE.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            known[row["instance"]][row["field"], row["manipulation"]] = row["outcome"]
    return known


def tried_twice(name: str) -> set[tuple[str, str]]:
    """Return the manipulations that two plans before this one have as well, by the committed table."""
    before = Counter(key for one in BUNDLED[: BUNDLED.index(name)] for key in table()[one])
    return {key for key, plans in before.items() if plans > 1}


@pytest.mark.parametrize("name", BUNDLED)
def test_the_plan_itself_passes(name: str):
    """It is the manipulation that is caught."""
    instance, plan = solved(name)
    assert audit(instance, Plan.model_validate(plan)).violations == ()


@pytest.mark.parametrize("name", BUNDLED)
def test_every_manipulation_is_caught_or_its_field_named(name: str):
    """None passes unseen; a field that is judged as a whole is never just named, unless it was dropped. What the
    committed table says to be caught stays caught. Each is tried on the first two plans that have what it changes.
    """
    known, found = table()[name], outcomes(name, tried_twice(name))
    assert [key for key, came in found.items() if came == "passed"] == []
    whole = {f"{part}.{field}" for part, fields in JUDGED.items() for field in fields.split()} - NOT_JUDGED.keys()
    named = [(field, what) for (field, what), came in found.items() if came == "named" and field in whole]
    assert [what for _, what in named if "dropped" not in what and what != "left out of all rows"] == []
    assert [key for key, came in known.items() if came == "caught" and found.get(key, "caught") != "caught"] == []


def test_the_table_is_large_enough():
    """150 manipulations in all, of every plan its part, most of them caught."""
    assert min(map(len, table().values())) >= LEAST // len(BUNDLED)
    every: list[Any] = [came for known in table().values() for came in known.values()]
    assert len(every) >= LEAST
    assert every.count("caught") >= 0.8 * len(every)


if __name__ == "__main__":
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["instance", "field", "manipulation", "outcome"])
    for bundled in BUNDLED:
        for (changed_field, edited), came_of_it in outcomes(bundled).items():
            writer.writerow([bundled, changed_field, edited, came_of_it])
