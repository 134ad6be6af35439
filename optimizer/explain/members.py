"""Members: what a conflict consists of, at the level the user wrote, each with the change that lifts it.

A workload and a dataset are members as well: what they ask is lifted by taking them out. A limit on round trips and a
field that restricts a workload are members of one workload each. A fact (a machine that does not fit, a figure that
nobody has, a setting of the catalogue, what a model needs of a machine) is no member: it frames the question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from optimizer.compile.pools import quota_id
from optimizer.compile.rules import RuleBook, RuleKey
from optimizer.errors import InputError
from optimizer.explain.conflict_rows import Scope
from optimizer.instance.models import Instance
from optimizer.instance.workloads import Service, Workload

if TYPE_CHECKING:
    from optimizer.compile.ledger import Ledger
    from optimizer.compile.world import World

Change = dict[str, Any]
NEGOTIABLE = (
    "providers", "regions", "runs.endpoint_scopes", "runs.ttft_ms", "runs.tpot_ms", "indivisible", "min_regions",
    "max_regions", "survival", "deadline_hours",
)  # fmt: skip
"""Fields of a workload that say what is wanted of it, not what it is."""
LEGAL = ("law", "coverage", "access", "certificate", "seal", "chip", "tenant")
DEFAULTS = ("default_devices", "default_vcpus", "default_endpoint_units_per_s")
ORDER = ("workload", "dataset", *LEGAL, "field", "latency", "quota", "policy", "budget")
"""Kinds in the order in which members are tried to be left out of a conflict."""


@dataclass(frozen=True)
class Member:
    """A rule, workload or dataset of the instance; `workload`: whose, of what is one workload's."""

    id: str
    workload: str | None = None
    immovable: bool = field(default=False, compare=False)
    at: int = field(default=0, compare=False)

    @property
    def kind(self) -> str:
        """The kind of the rule, or `workload` or `dataset`."""
        return self.id.partition(":")[0]

    @property
    def name(self) -> str:
        """The name among those of its kind."""
        return self.id.partition(":")[2]

    @property
    def owner(self) -> str | None:
        """The workload without which it says nothing: its own, or the one it is."""
        return self.name if self.kind == "workload" else self.workload

    @property
    def lift(self) -> Change:
        """The change that lifts it."""
        if self.kind in ("workload", "dataset"):
            return {"op": f"drop_{self.kind}", self.kind: self.name}
        scope = {} if self.workload is None else {"scope": {"workloads": [self.workload]}}
        return {"op": "lift", "rule": self.id, **scope}

    @property
    def scope(self) -> Scope | None:
        """Whose it is, as changes state it."""
        return None if self.workload is None else Scope(workloads=(self.workload,))

    @property
    def place(self) -> tuple[int, bool, int, str, str]:
        """Its place in the order in which members are tried: what nobody can move before what the user states."""
        return ORDER.index(self.kind), not self.immovable, self.at, self.id, self.workload or ""


def stated_members(instance: Instance) -> list[Member]:
    """Return what the instance states: workloads, datasets, budgets, policies, quotas and limits on round trips."""
    found = [
        Member(f"workload:{one.id}", immovable=one.immovable, at=k) for k, one in enumerate(instance.workloads)
    ]  # fmt: skip
    found += [Member(f"dataset:{one.id}", immovable=one.immovable, at=k) for k, one in enumerate(instance.datasets)]
    found += [Member(f"budget:{one.id}", immovable=one.immovable, at=k) for k, one in enumerate(instance.budgets)]
    found += [Member(f"policy:{one.id}", immovable=one.immovable, at=k) for k, one in enumerate(instance.policies)]
    quotas = instance.quotas
    found += [
        Member(f"quota:quotas.{name}", immovable=quotas.immovable) for name in DEFAULTS
        if isinstance(getattr(quotas, name), float)
    ]  # fmt: skip
    found += [
        Member(f"quota:{quota_id(one)}", immovable=one.immovable or quotas.immovable, at=k)
        for k, one in enumerate(quotas.limits)
        if not any(getattr(one, kind) == "unlimited" for kind in ("devices", "vcpus", "units_per_s"))
    ]
    for k, workload in enumerate(instance.workloads):
        found += [
            Member(f"field:{name}", workload.id, workload.immovable, k)
            for name in NEGOTIABLE if _states(workload, name)
        ]  # fmt: skip
        limits = [one.immovable for one in getattr(workload, "streams", ()) if one.max_rtt_ms is not None]
        if limits:
            found.append(Member("latency:max_rtt_ms", workload.id, any(limits), k))
    return found


def legal_members(instance: Instance, ledgers: Iterable[Ledger], asked: Iterable[str] = ()) -> list[Member]:
    """Return the laws, and what nobody knows of law, operators and chips, that shut an option (or are `asked`, by id).

    A law in force is immovable; one that a scenario of the instance brings or rewrites is not.
    """
    scenario = _patched(instance)
    ids: dict[str, None] = dict.fromkeys(asked)
    for ledger in ledgers:
        ids.update(dict.fromkeys(key.id for _, key in ledger.shutting()))
    return [
        Member(one, immovable=one.startswith("law:") and one.removeprefix("law:") not in scenario)
        for one in sorted(ids) if one.partition(":")[0] in LEGAL
    ]  # fmt: skip


def _patched(instance: Instance) -> set[str]:
    """Return the laws that a patch of the instance adds, brings into force or rewrites."""
    found: set[str] = set()
    waiting: list[Any] = list(instance.laws.patches)
    while waiting:
        one = waiting.pop()
        waiting += getattr(one, "patches", ())
        law = getattr(one, "law", None)
        if law is not None:
            found.add(law if isinstance(law, str) else str(law["id"] if isinstance(law, dict) else law.id))
    return found


def _states(workload: Workload, name: str) -> bool:
    """Whether a workload states a field that restricts it."""
    from optimizer.changes.rules import WIDEST

    first, _, second = name.partition(".")
    owner = getattr(workload, first) if second else workload
    widest = WIDEST[name]
    return bool(getattr(owner, second or first, widest) != widest)


def lifts(members: Iterable[Member]) -> list[Change]:
    """Return the changes that lift members together: rules before workloads, and none of a workload that goes."""
    chosen = sorted(members, key=lambda one: one.place)
    gone = {one.name for one in chosen if one.kind == "workload"}
    rules = [one.lift for one in chosen if one.kind not in ("workload", "dataset") and one.workload not in gone]
    return [*rules, *(one.lift for one in chosen if one.kind in ("dataset", "workload"))]


def liftable(instance: Instance, members: Sequence[Member]) -> list[Member]:
    """Return the members that changes lift here: a law that is in force in no period, say, is none."""
    from optimizer.changes.apply import changed

    def works(some: Sequence[Member]) -> bool:
        try:
            changed(instance, [one.lift for one in some], base_dir=instance.folder)
        except InputError:
            return False
        return True

    legal = [one for one in members if one.kind in LEGAL]
    if works(legal):
        return list(members)
    kept = {one for one in legal if works([one])}
    return [one for one in members if one.kind not in LEGAL or one in kept]


def told(member: Member, world: World) -> tuple[str, str]:
    """Return source and sentence of a member."""
    instance, book = world.instance, RuleBook(world)
    if member.kind in ("workload", "dataset"):
        items: Sequence[Any] = instance.workloads if member.kind == "workload" else instance.datasets
        at = [one.id for one in items].index(member.name)
        return instance.source_of((f"{member.kind}s", at)) or "", _demand(items[at])
    if member.id.startswith("quota:quotas."):
        field_name = member.name.removeprefix("quotas.")
        value = getattr(instance.quotas, field_name)
        return instance.source_of(("quotas", field_name)) or "", f"{field_name} = {value:g}, where no quota is stated"
    whose = None if member.workload is None else [one.id for one in instance.workloads].index(member.workload)
    rule = book.rule(RuleKey(member.kind, member.name), whose)
    if whose is None:
        return rule.source or "", rule.text.strip(", ") or f"{rule.kind} {member.name}"
    return rule.source or "", f"{member.workload}: {_figure(instance.workloads[whose], member)}"


def _demand(item: Any) -> str:
    if isinstance(item, Service):
        rates = [max(one.rate) if isinstance(one.rate, tuple) else one.rate for one in item.streams]
        units = {one.unit for one in item.streams}
        amount = f"{sum(rates):,.6g} {units.pop()}" if len(units) == 1 else "rates of several units"
        origins = ", ".join(dict.fromkeys(one.origin for one in item.streams))
        return f"service {item.id}: {amount} at peak from {origins}"
    if hasattr(item, "work"):
        return f"job {item.id}: {item.work:,.6g} {item.unit}"
    return f"dataset {item.id}: {item.size_gb:,.6g} GB, copies: {item.min_copies}"


def _figure(workload: Any, member: Member) -> str:
    if member.kind == "latency":
        limits = sorted({one.max_rtt_ms for one in workload.streams if one.max_rtt_ms is not None})
        return f"round trip of at most {' and '.join(f'{limit:g}' for limit in limits)} ms"
    first, _, second = member.name.partition(".")
    value = getattr(getattr(workload, first), second) if second else getattr(workload, first)
    if hasattr(value, "model_dump"):
        value = ", ".join(f"{k} {v}" for k, v in value.model_dump().items())
    return f"{member.name} {', '.join(map(str, value)) if isinstance(value, tuple) else value}"
