"""Actions of what a plan rests on and nobody has yet: safeguards to sign, assess or file, and quotas to ask for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from optimizer.compile.pools import quota_id
from optimizer.compile.world import World
from optimizer.laws.rows import Mechanism
from optimizer.plan.legal_rows import Action, ActionKind
from optimizer.plan.rows import Copy, MechanismUse, Placement, QuotaUse

DUTIES: dict[str, tuple[ActionKind, str, str]] = {
    "clause": ("sign_clause", "legal counsel", "sign"),
    "assessment": ("make_assessment", "data-protection officer", "make and keep"),
    "licence": ("get_licence", "regulatory affairs officer", "apply for"),
    "notification": ("file_notification", "regulatory affairs officer", "file"),
    "consent": ("get_consent", "data-protection officer", "obtain"),
    "certificate": ("get_certificate", "compliance officer", "obtain"),
    "deletion": ("delete_data", "owner of the workload", "set up"),
}
"""By what a mechanism asks for: the action, whose it is (a role), and its verb."""
PLANNER = "capacity planner"


@dataclass
class _Using:
    """Who relies on a mechanism, and from which day."""

    first: date | None = None
    workloads: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)

    def add(self, on: date) -> None:
        """Add a day."""
        self.first = on if self.first is None else min(self.first, on)


def duties_of(
    world: World, placements: Sequence[Placement], copies: Sequence[Copy], mechanisms: Iterable[MechanismUse],
    quotas: Iterable[QuotaUse],
) -> tuple[Action, ...]:  # fmt: skip
    """Return the actions of mechanisms that are not held, and of quotas that nobody stated, by rule."""
    days = {period.id: on for period, on in zip(world.periods, world.period_dates, strict=True)}
    users: dict[str, _Using] = defaultdict(_Using)
    for row in placements:
        for name in row.mechanisms:
            users[name].workloads.add(row.workload)
            users[name].add(days[row.period])
    for copy in copies:
        for name in copy.mechanisms:
            users[name].datasets.add(copy.dataset)
            users[name].add(world.instance.horizon.start)
    found = [*_of_mechanisms(world, mechanisms, users), *_of_quotas(world, placements, quotas, days)]
    return tuple(sorted(found, key=lambda action: action.rule))


def accepted_by(world: World, rule: str) -> str | None:
    """Return who accepted what stands under a rule for every day of the horizon."""
    last = max(world.period_dates)
    accepts = world.instance.legal_assertions.accepts
    return next((a.author for a in accepts if a.rule == rule and last <= a.expires), None)


def _of_mechanisms(world: World, mechanisms: Iterable[MechanismUse], users: dict[str, _Using]) -> Iterator[Action]:
    if world.laws is None:
        return
    keys: dict[str, list[MechanismUse]] = defaultdict(list)
    for use in mechanisms:
        if not use.held:
            keys[use.mechanism].append(use)
    for name, uses in keys.items():
        row, using = world.laws.mechanisms[name], users.get(name, _Using())
        kind, owner, verb = DUTIES[row.action]
        laws = ", ".join(dict.fromkeys(law for use in uses for law in use.laws))
        told = f"{verb} {name} for {'; '.join('/'.join(use.key) or 'all' for use in uses)}, under {laws}"
        assessed = "assessment" in row.assumes and row.action != "assessment"
        assumed = f"; it assumes: {row.assumes}" if row.assumes and not assessed else ""
        yield _duty(world, f"mechanism:{name}", kind, owner, row, using=using, told=f"{told}{assumed}")
        if assessed:
            assessment, who, _ = DUTIES["assessment"]
            told = f"for {name}: {row.assumes}"
            yield _duty(world, f"assessment:{name}", assessment, who, row, using=using, told=told)


def _duty(
    world: World, rule: str, kind: ActionKind, owner: str, row: Mechanism, *, using: _Using, told: str
) -> Action:
    lead, known = row.lead_time_days, world.instance.laws.as_of
    first = using.first or world.instance.horizon.start
    due = min(known or first, first) if lead is None else first - timedelta(days=lead)
    return Action(
        rule=rule,
        kind=kind,
        subject=row.id,
        sentence=told if lead is not None else f"{told}; how long that takes is not known",
        owner=owner,
        due=due,
        lead_time_days=lead,
        evidence=f"{row.name}: {row.citation}" if row.citation else row.name,
        workloads=tuple(sorted(using.workloads)),
        datasets=tuple(sorted(using.datasets)),
        accepted_by=accepted_by(world, rule),
    )


def _of_quotas(
    world: World, placements: Sequence[Placement], quotas: Iterable[QuotaUse], days: dict[str, date]
) -> Iterator[Action]:
    """Ask for what the plan draws of pools that no quota states: a default is a guess of what a provider grants."""
    stated = {quota_id(quota) for quota in world.instance.quotas.limits}
    used: dict[str, dict[str, float]] = defaultdict(dict)
    for row in quotas:
        name = row.id.partition("#")[0]
        if name not in stated and not name.startswith("commitment:"):
            used[row.id][row.period] = row.used
    for name, by_period in used.items():
        kind, _, rest = name.partition(":")
        yield Action(
            rule=f"quota:{name}",
            kind="ask_quota",
            subject=name,
            sentence=f"ask for {max(by_period.values()):g} {UNITS[kind]} of {rest}: no quota states them",
            owner=PLANNER,
            due=min(days[period] for period in by_period),
            evidence=f"quotas.{DEFAULTS[kind]}",
            workloads=tuple(sorted({row.workload for row in placements if _draws(row, kind, rest)})),
            accepted_by=accepted_by(world, f"quota:{name}"),
        )


UNITS = {"devices": "devices", "vcpus": "vCPUs", "units_per_s": "units/s"}
DEFAULTS = {
    "devices": "default_devices", "vcpus": "default_vcpus", "units_per_s": "default_endpoint_units_per_s",
}  # fmt: skip


def _draws(row: Placement, kind: str, rest: str) -> bool:
    """Return True if a placement draws on a default pool, named by chip and region, by region, or by endpoint."""
    if row.endpoint is not None:
        return kind == "units_per_s" and rest in (row.endpoint, f"{row.region_id}:{row.endpoint}")
    if row.purchase == "committed":
        return False
    return rest == (f"{row.accelerator}@{row.region_id}" if kind == "devices" else row.region_id)
