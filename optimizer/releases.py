"""Which decisions of an instance change from one release of the catalogue to another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.instance.models import Instance
from optimizer.plan.models import Plan
from optimizer.run import solve


@dataclass(frozen=True)
class Decision:
    """Where a workload, or a dataset's copies, are with the old data and with the new: regions with what runs there."""

    of: str
    kind: str
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True)
class Decisions:
    """What two releases decide of one instance: both plans, and the decisions that are not the same in both."""

    old: Plan
    new: Plan
    changed: tuple[Decision, ...]


def decisions(instance: Instance, old: str, new: str, **how: Any) -> Decisions:
    """Return the plans of an instance on two catalogues (`world`, or folders), and what is decided otherwise.

    Raises:
        InputError: the instance names something that one of them does not know.
    """
    plans = [solve(_on(instance, use), base_dir=instance.folder, **how) for use in (old, new)]
    first, second = map(_decided, plans)
    changed = tuple(
        Decision(name, kind, first.get((kind, name), ()), second.get((kind, name), ()))
        for kind, name in dict.fromkeys((*first, *second))
        if first.get((kind, name), ()) != second.get((kind, name), ())
    )
    return Decisions(plans[0], plans[1], changed)


def _on(instance: Instance, use: str) -> Instance:
    place = use if use == "world" else str(Path(use).resolve())
    return instance.model_copy(update={"catalogue": instance.catalogue.model_copy(update={"use": place})})


def _decided(plan: Plan) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return by kind and name where each workload runs and on what, and where the copies of each dataset are."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in plan.placements:
        bought = "" if row.purchase in (None, "on_demand") else f" {row.purchase}"
        found.setdefault(("workload", row.workload), set()).add(f"{row.region_id} {row.sku or row.endpoint}{bought}")
    for copy in plan.copies:
        found.setdefault(("dataset", copy.dataset), set()).add(copy.region_id)
    for left in plan.unserved:
        found.setdefault(("workload", left.workload), set()).add("left unserved")
    return {key: tuple(sorted(places)) for key, places in found.items()}
