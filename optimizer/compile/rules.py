"""Rules: what excludes, limits, charges or obliges; each with an id, a kind, where it is written and a sentence.

A rule is named by its kind and its name (`RuleKey`, written `law:DE-SGBV-393`), since a budget and a policy may bear
the same name. `RuleBook` says what a name stands for: the law pack knows laws, the instance its own rules and fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from optimizer.compile.commitments import groups, name_of
from optimizer.errors import InputError, Issue
from optimizer.instance.place import Path
from optimizer.suggest import did_you_mean, unknown_name

if TYPE_CHECKING:
    from optimizer.compile.world import World

Kind = Literal[
    "law", "coverage", "access", "certificate", "seal", "chip", "tenant", "policy", "quota", "commitment", "budget",
    "latency", "catalogue", "field", "closed", "dominance",
]  # fmt: skip
KINDS: dict[str, str] = {
    "law": "a law of the law pack",
    "coverage": "a jurisdiction whose rules are not known",
    "access": "an operator whose support countries are not known",
    "certificate": "a certificate that nobody knows to be held",
    "seal": "a level of sovereignty that nobody knows to be reached",
    "chip": "an accelerator whose figures for export rules are not known",
    "tenant": "what rules on export and sanctions ask of who uses the capacity, and is not stated",
    "policy": "a policy of the instance",
    "quota": "a quota of the instance, or its default where none is stated",
    "commitment": "the machines a commitment of the instance pays for",
    "budget": "a budget of the instance",
    "latency": "a limit on round trips",
    "catalogue": "a fact of the catalogue: a figure that nobody has, or a machine that does not fit",
    "field": "a field of the instance",
    "closed": "a setting of the instance's catalogue that closes offers for every workload",
    "dominance": "another offer of the region does everything at least as well",
}
_KIND_OF: dict[str, Kind] = {
    "not_allowed_provider": "field",
    "not_allowed_region": "field",
    "not_allowed_offer": "closed",
    "partition_not_opted_in": "closed",
    "availability_not_opted_in": "closed",
    "offer_kind": "field",
    "purchase": "field",
    "accelerator": "field",
    "software": "field",
    "arch": "field",
    "burstable": "field",
    "device_memory": "field",
    "no_throughput": "catalogue",
    "service_objective": "field",
    "missing_latency": "field",
    "missing_interruption": "field",
    "endpoint_model": "field",
    "endpoint_scope": "field",
    "endpoint_scope_unspecified": "closed",
    "endpoint_region_unknown": "closed",
    "endpoint_outside_scope": "closed",
    "endpoint_retired": "closed",
    "gang": "field",
    "rtt": "latency",
    "rtt_unknown": "latency",
    "law_forbids": "law",
    "law_approval_missing": "law",
    "law_no_mechanism": "law",
    "law_unknown": "coverage",
    "access_unknown": "access",
    "certificate_unknown": "certificate",
    "chip_unknown": "chip",
    "tenant_unknown": "tenant",
    "accelerator_export": "law",
    "certification": "policy",
    "sovereignty": "policy",
    "sovereignty_unknown": "policy",
    "control": "policy",
    "control_unknown": "policy",
    "places": "policy",
    "no_quota": "quota",
    "deadline": "field",
    "dominated": "dominance",
}


class RuleKey(NamedTuple):
    """A rule's kind and name, which make its id."""

    kind: str
    name: str

    @property
    def id(self) -> str:
        """The id: `law:DE-SGBV-393`."""
        return f"{self.kind}:{self.name}"


def key_of(reason: str, name: str | None, kind: str | None = None) -> RuleKey:
    """Return the rule behind a reason of the ledger; a missing figure that no rule asks for is the catalogue's."""
    return RuleKey(kind or _KIND_OF.get(reason, "catalogue"), name or reason)


@dataclass(frozen=True)
class Rule:
    """A rule: `id` (`kind:name`), `kind` (one of `KINDS`), `source` (file and line, or a citation) and a sentence."""

    id: str
    kind: str
    source: str | None
    text: str


class RuleBook:
    """What the rules of one instance are."""

    def __init__(self, world: World) -> None:
        self._world = world

    def rule(self, key: RuleKey, workload: int | None = None) -> Rule:
        """Return the rule of a key; of a field, as the workload at this position states it.

        Raises:
            InputError: the instance and its law pack have no such rule.
        """
        if key.kind == "law":
            return self._law(key)
        if key.kind in ("coverage", "access", "certificate", "seal", "chip", "tenant"):
            return Rule(key.id, key.kind, self._source("laws"), f"{KINDS[key.kind]}: {key.name}")
        if key.kind in ("policy", "budget", "commitment"):
            return self._own(key)
        if key.kind == "quota":
            return self._quota(key)
        if key.kind == "dominance":
            return Rule(key.id, key.kind, None, f"{KINDS['dominance']} (found while compiling; an optimum is kept)")
        if key.kind == "field" and "[id=" in key.name:
            return self._field(key)
        if key.kind in KINDS:
            above = ("workloads", workload) if workload is not None and key.kind in ("field", "latency") else ()
            return Rule(key.id, key.kind, self._source(*above, *key.name.split(".")), f"{KINDS[key.kind]}: {key.name}")
        raise InputError(Issue(f"{key.kind!r} is no kind of rule", maybe=f"it is one of {', '.join(KINDS)}"))

    def _law(self, key: RuleKey) -> Rule:
        pack = self._world.laws
        if pack is None or key.name not in pack.laws:
            names = () if pack is None else tuple(pack.laws)
            raise InputError(unknown_name(f"no law {key.name!r} binds this instance", key.name, names))
        row = pack.law(key.name)
        return Rule(key.id, key.kind, row.citation or row.source_url, f"{row.instrument}, {row.provision}")

    @cached_property
    def _stated(self) -> dict[RuleKey, tuple[Path, str]]:
        """Place and sentence of each policy, budget and commitment."""
        instance = self._world.instance
        found: dict[RuleKey, tuple[Path, str]] = {}
        for k, policy in enumerate(instance.policies):
            told = policy.model_dump(mode="json", exclude_defaults=True, exclude={"id", "kind", "immovable"})
            found[RuleKey("policy", policy.id)] = ("policies", k), f"policy {policy.kind}: {_fields(told)}"
        for k, budget in enumerate(instance.budgets):
            told = budget.model_dump(mode="json", exclude_defaults=True, exclude={"id", "immovable"})
            found[RuleKey("budget", budget.id)] = ("budgets", k), f"budget: {_fields(told)}"
        places = {id(one): k for k, one in enumerate(instance.commitments)}
        for group in groups(instance):
            what = f"{sum(one.instances for one in group):g} instances of {group[0].sku} in {group[0].region}"
            found[RuleKey("commitment", name_of(group))] = ("commitments", places[id(group[0])]), what
        return found

    def _field(self, key: RuleKey) -> Rule:
        """Return the rule that a field of a row states, `workloads[id=chat].max_gangs`, or one that all rows share."""
        instance = self._world.instance
        parts = re.fullmatch(r"([\w.]+)\[id=(.*)\](?:\.(\w+))?", key.name)
        above, name, below = parts.groups() if parts else (key.name, "", None)
        path: Path = tuple(above.split("."))
        rows: Any = instance
        for step in path:
            rows = getattr(rows, str(step), None)
        places = list(rows) if isinstance(rows, dict) else [getattr(one, "id", None) for one in _listed(rows)]
        if name not in places:
            maybe = did_you_mean(name, [str(place) for place in places])
            raise InputError(Issue(f"no {above} {name!r} in this instance", maybe=maybe))
        at = name if isinstance(rows, dict) else places.index(name)
        value, path = rows[at], (*path, at)
        if below is not None:
            owner = value if getattr(value, below, None) is not None or not hasattr(instance, below) else instance
            if not hasattr(owner, below):
                fields = tuple(type(value).model_fields)
                raise InputError(Issue(f"{above} {name!r} has no field {below!r}", maybe=did_you_mean(below, fields)))
            value, path = getattr(owner, below), (below,) if owner is instance else (*path, below)
        told = f" = {value}" if isinstance(value, str | int | float) else ""
        return Rule(key.id, key.kind, self._source(*path), f"{KINDS['field']}: {key.name}{told}")

    def _own(self, key: RuleKey) -> Rule:
        if key not in self._stated:
            names = tuple(known.name for known in self._stated if known.kind == key.kind)
            raise InputError(unknown_name(f"no {key.kind} {key.name!r} in this instance", key.name, names))
        place, text = self._stated[key]
        return Rule(key.id, key.kind, self._source(*place), text)

    def _quota(self, key: RuleKey) -> Rule:
        from optimizer.compile.pools import quota_id

        if key.name.startswith("commitment:"):
            return self._own(RuleKey("commitment", key.name.removeprefix("commitment:")))
        for k, quota in enumerate(self._world.instance.quotas.limits):
            if key.name == quota_id(quota) or key.name.startswith(f"{quota_id(quota)}#"):
                told = quota.model_dump(mode="json", exclude_none=True, exclude={"id", "immovable"})
                return Rule(key.id, key.kind, self._source("quotas", "limits", k), f"quota: {_fields(told)}")
        return Rule(key.id, key.kind, self._source("quotas"), f"default of the instance's quotas: {key.name}")

    def _source(self, *path: str | int) -> str | None:
        """Return file and line of a place of the instance, None where it came from no file."""
        return self._world.instance.source_of(path)


def _fields(told: dict[str, object]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in told.items() if value not in ({}, [], None))


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return f"({_fields(value)})"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _listed(rows: Any) -> tuple[Any, ...]:
    return rows if isinstance(rows, tuple) else ()
