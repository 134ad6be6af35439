"""What changes for an instance between two days by law alone: places that open or close, conditions, duties, rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from itertools import chain
from typing import Any

from optimizer.compile.law import LawView, build_law_view
from optimizer.compile.legal_days import turning_points
from optimizer.compile.sites import build_sites, destinations
from optimizer.compile.world import World, resolve_world
from optimizer.errors import InputError, Issue
from optimizer.instance.identity import instance_sha256
from optimizer.instance.models import Instance
from optimizer.laws.between import bearing_on, turns_between
from optimizer.laws.loading import load_laws
from optimizer.laws.pack import LawPack
from optimizer.laws.query import citation
from optimizer.laws.types import AcceleratorFacts, DataProfile, Destination, Level, Tenant, Verdict

KINDS = ("closed", "tightened", "conditions", "eased", "opened")
"""What a change comes to: not usable any more; a worse level; other conditions at one level; a better one; usable."""
State = tuple[str, tuple[str, ...], tuple[str, ...]]
"""An answer: its level, what it asks for (or what forbids), the rules for whose silence it is not used."""


@dataclass(frozen=True)
class Change:
    """What is otherwise from `since` on for some data, activities and places.

    `kind` is one of `KINDS`; `of` are the workloads and datasets that handle such data; `laws` those whose word
    differs. A place is followed by its operators in brackets where only some of those there are concerned.
    """

    since: date
    kind: str
    data: tuple[str, ...]
    of: tuple[str, ...]
    activities: tuple[str, ...]
    places: tuple[str, ...]
    before: str
    after: str
    needs_before: tuple[str, ...]
    needs_after: tuple[str, ...]
    laws: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**_lists(asdict(self)), "since": self.since.isoformat()}


@dataclass(frozen=True)
class DutyChange:
    """A duty on some data that begins or ends: a copy, or the first database, in one of the countries."""

    what: str
    law: str
    kind: str
    countries: tuple[str, ...]
    data: str
    of: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return _lists(asdict(self))


def legal_diff(instance: Instance, before: date, after: date) -> dict[str, Any]:
    """Compare the verdicts on all data of an instance, and on its chips, in all regions that it may use, on two days.

    Everything but the law stays as it is: assertions, counts of persons, catalogue. Chips that the catalogue shows
    count as licensed.

    Returns:
        Plain JSON types: `changes` (see `Change`), `duties` that begin or end, `rules` that turn and can bear on these
        data (`optimizer.laws.between`), `citations` of the laws named, the days and the version of the pack.

    Raises:
        InputError: `before` is not before `after`, the instance checks no law, or names what nobody knows.
    """
    require_order(before, after)
    world = resolve_world(instance, instance.folder)
    if world.laws is None:
        raise InputError(Issue("checks no law", where="laws.use", maybe="set use: world"))
    view = build_law_view(world)
    subjects = _subjects(view, instance)
    days = sorted({day for day in turning_points(world.laws, instance) if before < day < after} | {after})
    questions = chain(_of_data(world, view, subjects), _of_chips(world, view))
    changes = _joined(_changes(questions, before, days))
    touched = {
        law
        for profile in subjects
        for on in (before, after)
        for law in world.laws.judge_for(profile, on, view.context).bench.laws
    }
    touched |= {row.id for on in (before, after) for row in world.laws.accelerator_laws(on)}
    turns = turns_between(world.laws, before, after, advisory=view.context.advisory)
    duties = list(_duties(world.laws, view, subjects, before, after))
    named = dict.fromkeys([law for change in changes for law in change.laws] + [duty.law for duty in duties])
    return {
        "instance": instance.name,
        "instance_sha256": instance_sha256(instance),
        **_days(before, after),
        "changes": [change.to_dict() for change in changes],
        "duties": [duty.to_dict() for duty in duties],
        "rules": [turn.to_dict() for turn in bearing_on(world.laws, turns, frozenset(touched))],
        "citations": [citation(world.laws.law(law, after), after) for law in named],
        **_pack(world.laws),
    }


def rules_diff(before: date, after: date, pack: LawPack | None = None) -> dict[str, Any]:
    """Return the rules of a pack that turn between two days, whatever the data; in plain JSON types.

    Raises:
        InputError: `before` is not before `after`.
    """
    require_order(before, after)
    pack = pack or load_laws()
    turns = turns_between(pack, before, after)
    rules = [turn.to_dict() for turn in turns]
    return {"instance": None, **_days(before, after), "rules": rules, "citations": [], **_pack(pack)}


def _days(before: date, after: date) -> dict[str, str]:
    return {"before": before.isoformat(), "after": after.isoformat()}


def _pack(pack: LawPack) -> dict[str, Any]:
    return {"versions": {"laws": pack.version, "laws_sha256": pack.sha256}, "notice": "not legal advice"}


def require_order(before: date, after: date) -> None:
    """Refuse two days that are not in order.

    Raises:
        InputError: the first is not before the second.
    """
    if before >= after:
        what = f"{before.isoformat()} is not before {after.isoformat()}"
        raise InputError(Issue(what, where="on", maybe="give the earlier day first"))


def _subjects(view: LawView, instance: Instance) -> dict[DataProfile, tuple[str, ...]]:
    """Return every profile with the workloads and datasets that it is about, in order of first use."""
    found: dict[DataProfile, dict[str, None]] = defaultdict(dict)
    for activity in view.activities:
        for profile in activity.profiles:
            found[profile][activity.workload_id] = None
    for dataset, profile in zip(instance.datasets, view.dataset_profiles, strict=True):
        found[profile][dataset.id] = None
    return {profile: tuple(users) for profile, users in found.items()}


@dataclass(frozen=True, eq=False)
class _OfData:
    """A question on data: one activity in one place."""

    view: LawView
    profile: DataProfile
    data: str
    of: tuple[str, ...]
    activity: str
    place: Destination

    def on(self, day: date) -> Verdict:
        assert self.view.pack is not None
        return self.view.pack.judge_for(self.profile, day, self.view.context).at(self.place).of(self.activity)


@dataclass(frozen=True, eq=False)
class _OfChip:
    """A question on a chip that stands in a place, for a tenant."""

    view: LawView
    chip: AcceleratorFacts | None
    tenant: Tenant
    data: str
    of: tuple[str, ...]
    place: Destination
    own: bool
    activity: str = "chip"

    def on(self, day: date) -> Verdict:
        assert self.view.pack is not None
        return self.view.pack.judge_capacity(
            accelerator=self.chip, destination=self.place, tenant=self.tenant, on=day, context=self.view.context,
            hypothetical=self.own,
        )  # fmt: skip


_Question = _OfData | _OfChip


def _of_data(world: World, view: LawView, subjects: dict[DataProfile, tuple[str, ...]]) -> Iterator[_Question]:
    """Yield the questions on data: storage at rest; processing, and access, at each kind of service."""
    instance, endpoint, storage = (destinations(world, name) for name in ("instance", "endpoint", "storage"))
    managed = (world.offers["kind"] == "endpoint").tolist()
    pairs = dict.fromkeys(zip(world.offers["region"].tolist(), managed, strict=True))
    runs = list(dict.fromkeys((endpoint if by else instance)[region] for region, by in pairs))
    rests = list(dict.fromkeys(storage[region] for region, _ in pairs))
    for profile, of in subjects.items():
        data = _label(profile)
        for activity, places in (("storage", rests), ("processing", runs), ("access", runs)):
            yield from (_OfData(view, profile, data, of, activity, place) for place in places)


def _of_chips(world: World, view: LawView) -> Iterator[_Question]:
    """Yield the questions on each chip that is on offer, and on capacity without one, for each tenant."""
    tenants: dict[Tenant, dict[str, None]] = defaultdict(dict)
    for activity in view.activities:
        tenants[activity.tenant][activity.workload_id] = None
    for chip, place, own in build_sites(world).chips:
        for tenant, of in tenants.items():
            name = chip.name if chip else "capacity"
            data = f"{name} for a tenant of {' and '.join(tenant.seats)}" if tenant.seats else name
            yield _OfChip(view, chip, tenant, data, tuple(of), place, own)


@dataclass(frozen=True)
class _Found:
    """A change of one answer; `where`: its place, or place and operators."""

    since: date
    was: State
    now: State
    laws: tuple[str, ...]
    data: str
    of: tuple[str, ...]
    activity: str
    where: str


def _changes(questions: Iterable[_Question], before: date, days: list[date]) -> Iterator[_Found]:
    """Yield what is answered otherwise on the last of `days` than `before`, operators told together, with the first
    of the days on which it is otherwise."""
    groups: dict[tuple[Any, ...], list[_Question]] = defaultdict(list)
    there: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for question in questions:
        was, now = question.on(before), question.on(days[-1])
        there[question.data, question.activity, question.place.place].add(question.place.provider or "")
        if _state(was) != _state(now):
            key = (question.data, question.of, question.activity, question.place.place)
            groups[*key, _state(was), _state(now), _otherwise(was, now)].append(question)
    for (data, of, activity, place, first, last, laws), alike in groups.items():
        since = next(day for day in days if _state(alike[0].on(day)) != first)
        providers = {question.place.provider or "" for question in alike}
        some = providers != there[data, activity, place]
        where = f"{place} ({', '.join(sorted(providers))})" if some else place
        yield _Found(since, first, last, laws, data, of, activity, where)


def _joined(found: Iterable[_Found]) -> list[Change]:
    """Return changes alike in all but place, then activity, then data, as one; the worst first, day by day."""
    places: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for one in found:
        places[one.since, one.was, one.now, one.laws, one.data, one.of, one.activity].append(one.where)
    activities: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for (*alike, activity), where in places.items():
        activities[*alike, tuple(sorted(where))].append(activity)
    data: dict[tuple[Any, ...], list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for (since, was, now, laws, label, of, where), which in activities.items():
        data[since, was, now, laws, where, tuple(which)].append((label, of))
    changes = [
        Change(
            since=since, kind=_kind(was, now), data=tuple(dict.fromkeys(label for label, _ in alike)),
            of=tuple(dict.fromkeys(name for _, of in alike for name in of)), activities=which, places=where,
            before=was[0], after=now[0], needs_before=was[1], needs_after=now[1], laws=laws,
        )
        for (since, was, now, laws, where, which), alike in data.items()
    ]  # fmt: skip
    return sorted(changes, key=lambda c: (c.since, KINDS.index(c.kind), c.laws, c.data, c.activities, c.places))


def _state(verdict: Verdict) -> State:
    if verdict.level is Level.FORBIDDEN:
        return verdict.level.value, tuple(f"{law} forbids" for law in sorted(verdict.forbidden_by)), verdict.refused
    needs = [f"{r.law}: {' or '.join(m.mechanism for m in r.mechanisms)}" for r in verdict.requirements]
    needs += [f"{law}: a grant of {mechanism}" for law, mechanism in verdict.approvals_missing]
    return verdict.level.value, tuple(sorted(needs)), verdict.refused


def _otherwise(was: Verdict, now: Verdict) -> tuple[str, ...]:
    """Return the laws of which only one of two verdicts has the word."""
    words = [
        {
            *((law, "forbids") for law in verdict.forbidden_by),
            *((law, f"grant {mechanism}") for law, mechanism in verdict.approvals_missing),
            *((r.law, "|".join(m.mechanism for m in r.mechanisms)) for r in verdict.requirements),
        }
        for verdict in (was, now)
    ]
    found = {law for law, _ in words[0] ^ words[1]}
    return tuple(sorted(found or {*was.laws} ^ {*now.laws}))


def _kind(was: State, now: State) -> str:
    old, new = Level(was[0]), Level(now[0])
    if _usable(was) != _usable(now):
        return "opened" if _usable(now) else "closed"
    if old is not new:
        return "tightened" if new > old else "eased"
    return "conditions"


def _usable(state: State) -> bool:
    level = Level(state[0])
    return level.allowed or (level is Level.UNKNOWN and not state[2])


def _duties(
    pack: LawPack, view: LawView, subjects: dict[DataProfile, tuple[str, ...]], before: date, after: date
) -> Iterator[DutyChange]:
    for profile, of in subjects.items():
        was, now = (
            {(d.law, d.kind, tuple(sorted(d.countries))) for d in pack.duties(profile, on, view.context)}
            for on in (before, after)
        )
        for what, duties in (("begins", now - was), ("ends", was - now)):
            yield from (DutyChange(what, *duty, _label(profile), of) for duty in sorted(duties))


def _label(profile: DataProfile) -> str:
    """Return the data in words: categories, persons, exporter."""
    parts = ["+".join(sorted(profile.categories))]
    parts += [f"persons in {'+'.join(sorted(profile.subjects))}"] if profile.subjects else []
    exporter = profile.exporter or profile.exporter_country
    return ", ".join([*parts, *([f"exporter {exporter}"] if exporter else [])])


def _lists(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
