"""Actions of what laws ask to be done besides: a first database before the transfer, a daily copy, a notice.

A duty that says no more than where a copy is to be is met by the copies of the plan. Any other is an action: due on the
day before which it has to be done, repeated as often as the law says, and none where what may be done instead is done
by the plan itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import cast

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.assemble import Compiled
from optimizer.compile.sites import destinations
from optimizer.laws.rows import LawRow
from optimizer.laws.triggers import DutyTerms
from optimizer.laws.types import DataProfile
from optimizer.plan.duties import accepted_by
from optimizer.plan.legal_rows import Action, ActionKind, Moment, Rhythm
from optimizer.plan.placements import Lines, signatures_of

OWNERS: dict[str, tuple[ActionKind, str]] = {
    "copy": ("keep_at_home", "data engineer"),
    "primary": ("keep_at_home", "data engineer"),
    "backup": ("keep_at_home", "data engineer"),
    "register": ("file_notification", "regulatory affairs officer"),
    "notice": ("file_notification", "regulatory affairs officer"),
}
"""By kind of duty: the action, and whose it is (a role)."""


@dataclass
class _Asked:
    """One duty of a law, for whom, and where and when their data are."""

    law: LawRow
    terms: DutyTerms
    first: date = date.max
    first_away: date = date.max
    worked: set[str] = field(default_factory=set)
    workloads: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)


class _Deeds:
    """Collects the duties behind what a plan places and keeps."""

    def __init__(self, compiled: Compiled) -> None:
        self._law = compiled.law_view
        self.found: dict[tuple[str, str], _Asked] = {}

    def add(
        self, profile: DataProfile, on: date, places: Iterable[str], *, worked: Iterable[str] = (), workload: str = "",
        dataset: str = "",
    ) -> None:  # fmt: skip
        """Add what laws ask for a profile's data that are in some places, or seen from there, from a day on."""
        pack = self._law.pack
        assert pack is not None
        for law, terms in pack.terms(profile, on, self._law.context):
            if not terms.is_more_than_a_place:
                continue
            asked = self.found.setdefault((law.id, terms.kind), _Asked(law, terms))
            asked.first = min(asked.first, on)
            there = (*places, *(profile.onward or ()))
            if any(not pack.groups.place_in(place, terms.places, on) for place in there):
                asked.first_away = min(asked.first_away, on)
            if workload:
                asked.workloads.add(workload)
                asked.worked.update(worked)
            if dataset:
                asked.datasets.add(dataset)


def deeds_of(compiled: Compiled, lines: Lines, copied: NDArray[np.float64]) -> Iterator[Action]:
    """Yield one action for each duty with terms of its own, of a law that binds data which the plan places or keeps."""
    law, slots, world = compiled.law_view, compiled.problem.slots, compiled.world
    if law.pack is None:
        return
    deeds = _Deeds(compiled)
    triples = zip(signatures_of(compiled, lines).tolist(), lines.slot.tolist(), strict=True)
    for signature, w, o, t in dict.fromkeys(
        (signature, int(slots.workload[s]), int(slots.offer[s]), int(slots.period[s])) for signature, s in triples
    ):
        for profile in law.signatures[signature][0]:
            deeds.add(
                profile, world.period_dates[t], law.unknown.touched(signature, o),
                worked=law.unknown.kept_and_worked(signature, o), workload=compiled.problem.workload_ids[w],
            )  # fmt: skip
    data, rest = compiled.problem.datasets, destinations(world, "storage")
    for c in np.flatnonzero(copied > 0).tolist():
        info = compiled.datasets.info[int(data.copy_dataset[c])]
        places = law.unknown.touched_at_rest(rest[int(data.copy_region[c])])
        for on in law.dates:
            deeds.add(info.profile, on, places, dataset=info.id)
    for (law_id, kind), asked in sorted(deeds.found.items()):
        action = _action(compiled, f"duty:{law_id}/{kind}", asked)
        if action is not None:
            yield action


def _action(compiled: Compiled, rule: str, asked: _Asked) -> Action | None:
    """Return what has to be done; None where nothing is transferred yet, or what may be done instead is done."""
    law, terms, pack = asked.law, asked.terms, compiled.law_view.pack
    assert pack is not None
    start = compiled.world.instance.horizon.start
    inside = (pack.groups.place_in(place, terms.processing_in, asked.first) for place in asked.worked)
    if terms.processing_in and asked.workloads and all(inside):
        return None
    if terms.before == "transfer" and asked.first_away == date.max:
        return None
    kind, owner = OWNERS[terms.kind]
    return Action(
        rule=rule,
        kind=kind,
        subject=law.id,
        sentence=f"see to it that {terms.told}",
        owner=owner,
        due={"collection": start, "transfer": asked.first_away}.get(terms.before, asked.first),
        before=cast("Moment", terms.before or None),
        repeats=cast("Rhythm", terms.frequency or None),
        on_request=terms.on_request,
        evidence=", ".join(filter(None, (law.instrument, law.provision))),
        workloads=tuple(sorted(asked.workloads)),
        datasets=tuple(sorted(asked.datasets)),
        accepted_by=accepted_by(compiled.world, rule),
    )
