"""How far plans are apart, in decisions that their owners know: who is where, with whom, on which machines."""

from __future__ import annotations

from collections.abc import Iterable

from optimizer.explain.alternative_rows import Distance, Moved
from optimizer.plan.models import Plan

Unit = tuple[str, str | None]


def places_of(plan: Plan) -> dict[Unit, frozenset[str]]:
    """Return by (workload, stream) the regions that serve it; a job has no stream. What stands by serves nobody."""
    found: dict[Unit, set[str]] = {}
    for row in plan.placements:
        if row.stream is not None or row.work_units is not None:
            found.setdefault((row.workload, row.stream), set()).add(row.region_id)
    return {unit: frozenset(regions) for unit, regions in found.items()}


def apart(plan: Plan, other: Plan) -> int:
    """Return how many streams and jobs are wholly in other regions."""
    ours, theirs = places_of(plan), places_of(other)
    return sum(not ours.get(unit, frozenset()) & theirs.get(unit, frozenset()) for unit in ours.keys() | theirs.keys())


def decisions_of(plan: Plan) -> frozenset[tuple[str, ...]]:
    """Return what a plan decides: who runs on what and where, and where copies lie; not how much of it."""
    runs = {
        (row.workload, row.stream or "", row.region_id, row.sku or row.endpoint or "", row.purchase or "", row.period)
        for row in plan.placements
    }
    return frozenset(runs | {("", row.dataset, row.region_id) for row in plan.copies})


def distance(base: Plan, plan: Plan, others: Iterable[Plan]) -> Distance:
    """Return how a plan differs from the plan at hand, and from the most similar of the others."""
    before, after = places_of(base), places_of(plan)
    moved = tuple(
        Moved(workload=unit[0], stream=unit[1], left=tuple(sorted(was - now)), entered=tuple(sorted(now - was)))
        for unit in sorted(before.keys() | after.keys(), key=lambda one: (one[0], one[1] or ""))
        for was, now in [(before.get(unit, frozenset()), after.get(unit, frozenset()))] if was != now
    )  # fmt: skip
    elsewhere = {one.workload for one in moved}
    providers, regions = (
        [{getattr(row, name) for row in (*one.placements, *one.copies)} for one in (base, plan)]
        for name in ("provider", "region_id")
    )
    return Distance(
        decisions=len(before.keys() | after.keys()), moved=moved,
        machines=tuple(sorted(
            name for name, machines in _machines(plan).items()
            if name not in elsewhere and machines != _machines(base).get(name)
        )),
        copies=tuple(sorted(name for name in _copies(base) | _copies(plan)
                            if _copies(base).get(name) != _copies(plan).get(name))),
        providers_left=tuple(sorted(providers[0] - providers[1])),
        providers_entered=tuple(sorted(providers[1] - providers[0])),
        regions_left=tuple(sorted(regions[0] - regions[1])), regions_entered=tuple(sorted(regions[1] - regions[0])),
        least_from_others=min(apart(plan, other) for other in (base, *others)),
    )  # fmt: skip


def _machines(plan: Plan) -> dict[str, frozenset[str]]:
    """Return by workload the machines, endpoints and ways of paying that it uses."""
    found: dict[str, set[str]] = {}
    for row in plan.placements:
        found.setdefault(row.workload, set()).add(f"{row.sku or row.endpoint} {row.purchase or ''}")
    return {name: frozenset(machines) for name, machines in found.items()}


def _copies(plan: Plan) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for row in plan.copies:
        found.setdefault(row.dataset, set()).add(row.region_id)
    return {name: frozenset(regions) for name, regions in found.items()}
