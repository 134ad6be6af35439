"""The figures of rules: where they stand in an instance, how they are written, and how a rule loses its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from optimizer.changes.scoping import chosen_streams, chosen_workloads
from optimizer.instance.rules import (
    QUOTA_KINDS,
    CountryShare,
    PlacesInUse,
    ProviderShare,
    Quota,
    SpotShare,
    SurvivalPolicy,
)

if TYPE_CHECKING:
    from optimizer.changes.base import DemandScope
    from optimizer.changes.edit import Edit

INFINITE = float("inf")
DEFAULTS = ("default_devices", "default_vcpus", "default_endpoint_units_per_s")
BUDGET_LIMITS = ("limit_kg", "limit_l", "limit_kwh", "limit_usd")
WORKLOAD_FIGURES = {
    "min_regions": False,
    "max_regions": True,
    "max_gangs": True,
    "deadline_hours": True,
    "runs.min_device_memory_gb": False,
    "runs.ttft_ms": True,
    "runs.tpot_ms": True,
    "target_utilisation": True,
}
"""Figures of a workload that limit it, and whether each is an upper limit."""
WHOLE = ("min_regions", "max_regions", "max_gangs")


class OfRule(Protocol):
    """A change to one rule."""

    @property
    def rule(self) -> str: ...  # noqa: D102

    @property
    def kind(self) -> str: ...  # noqa: D102

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def scope(self) -> DemandScope: ...  # noqa: D102


@dataclass(frozen=True)
class Bound:
    """One figure of a rule. `value` None: there is none, or it is unlimited. `lift` lets it restrict nothing."""

    rule: str
    value: float | None
    write: Callable[[Any], None]
    lift: Callable[[], None]
    at_most: bool = True
    least: float = 0.0
    most: float = INFINITE

    def figure(self, edit: Edit) -> float:
        """Return the figure; an InputError where there is none to reckon from."""
        if self.value is None:
            edit.fail("rule", f"{self.rule} has no figure to start from", "set_limit with to states one")
        return self.value


def bounds_of(of: OfRule, edit: Edit) -> list[Bound]:
    """Return the figures of the rule that a change names.

    Raises:
        InputError: the instance has no such rule, or it has no figure.
    """
    finders: dict[str, Callable[[OfRule, Edit], list[Bound]]] = {
        "budget": _budget, "policy": _policy, "quota": _quota, "commitment": _commitment, "latency": _latency,
        "field": _field,
    }  # fmt: skip
    if of.kind not in finders:
        known = ("law", "closed", "catalogue", "dominance")
        if of.kind in known:
            edit.fail("rule", f"{of.rule} has no figure", "lift it, or change a law by its own operations")
        edit.unknown("rule", "kind of rule", of.kind, (*finders, *known))
    return finders[of.kind](of, edit)


def _of_item(of: OfRule, edit: Edit, path: tuple[str | int, ...], item: Any, field: str, **terms: Any) -> Bound:
    """Return the bound that is one field of an item of the instance."""
    stated = getattr(item, field)

    def write(value: Any) -> None:
        whole = isinstance(stated, int) and isinstance(value, float) and value.is_integer()
        edit.put(edit.edited(edit.value(*path), "rule", **{field: int(value) if whole else value}), *path)

    figure = float(stated) if isinstance(stated, int | float) else None
    return Bound(of.rule, figure, write, lambda: edit.drop(*path), **terms)


def _budget(of: OfRule, edit: Edit) -> list[Bound]:
    at = edit.find("rule", "budget", of.name, edit.instance.budgets, lambda one: str(one.id))
    budget = edit.instance.budgets[at]
    field = next(name for name in BUDGET_LIMITS if getattr(budget, name) is not None)
    return [_of_item(of, edit, ("budgets", at), budget, field)]


def _policy(of: OfRule, edit: Edit) -> list[Bound]:
    at = edit.find("rule", "policy", of.name, edit.instance.policies, lambda one: str(one.id))
    policy = edit.instance.policies[at]
    if isinstance(policy, ProviderShare | SpotShare):
        return [_of_item(of, edit, ("policies", at), policy, "max_share", most=1.0)]
    if isinstance(policy, CountryShare):
        return [_of_item(of, edit, ("policies", at), policy, "min_share", at_most=False, most=1.0)]
    if isinstance(policy, PlacesInUse):
        stated = [name for name in ("max_in_use", "min_in_use") if getattr(policy, name) is not None]
        path = ("policies", at)
        return [_of_item(of, edit, path, policy, name, at_most=name == "max_in_use") for name in stated]
    if not isinstance(policy, SurvivalPolicy):
        edit.fail("rule", f"{of.rule} is a policy of kind {policy.kind}, which has no figure", "lift it, add another")
    return [_of_item(of, edit, ("policies", at), policy, "share", at_most=False, most=1.0)]


def _commitment(of: OfRule, edit: Edit) -> list[Bound]:
    at = edit.find("rule", "commitment", of.name, edit.instance.commitments, lambda one: str(one.id))
    return [_of_item(of, edit, ("commitments", at), edit.instance.commitments[at], "instances")]


def _quota(of: OfRule, edit: Edit) -> list[Bound]:
    from optimizer.compile.pools import quota_id

    quotas = edit.instance.quotas
    if of.name.removeprefix("quotas.") in DEFAULTS:
        field = of.name.removeprefix("quotas.")
        return [_value(of, edit, getattr(quotas, field), lambda value: _default(edit, field, value))]
    names = [quota_id(quota) for quota in quotas.limits]
    if of.name in names:
        at = names.index(of.name)
        quota = quotas.limits[at]
        field = next(kind for kind in QUOTA_KINDS if getattr(quota, kind) is not None)
        bound = _of_item(of, edit, ("quotas", "limits", at), quota, field)
        if field == "kw":  # the other kinds stand in for a default, which must not come back
            return [bound]
        return [_value(of, edit, getattr(quota, field), bound.write)]
    return [_of_default(of, edit, names)]


def _default(edit: Edit, field: str, value: object) -> None:
    edit.put(edit.edited(edit.instance.quotas, "rule", **{field: value}), "quotas")


def _value(of: OfRule, edit: Edit, stated: object, write: Callable[[Any], None]) -> Bound:
    figure = float(stated) if isinstance(stated, int | float) else None
    return Bound(of.rule, figure, write, lambda: write("unlimited"))


def _of_default(of: OfRule, edit: Edit, names: list[str]) -> Bound:
    """Return the quota that the default makes for one accelerator and region, one region's vCPUs, or one endpoint."""
    kind, _, place = of.name.partition(":")
    quotas = edit.instance.quotas
    keys: dict[str, str] = {}
    default: object = None
    if kind == "devices" and "@" in place:
        keys["accelerator"], _, keys["region"] = place.partition("@")
        default = quotas.default_devices
    elif kind == "vcpus":
        keys, default = {"region": place}, quotas.default_vcpus
    elif kind == "units_per_s":
        keys, default = {"endpoint": place}, quotas.default_endpoint_units_per_s
    if default is None:
        edit.unknown("rule", "quota", of.name, [*names, *(f"quotas.{field}" for field in DEFAULTS)])

    def write(value: object) -> None:
        edit.append(edit.edited(Quota(**keys, **{kind: 0.0}), "rule", **{kind: value}), "quotas", "limits")  # type: ignore[arg-type]

    return _value(of, edit, default, write)


def _latency(of: OfRule, edit: Edit) -> list[Bound]:
    if of.name != "max_rtt_ms":
        edit.unknown("rule", "latency limit", of.name, ["max_rtt_ms"])
    found = []
    for w, j in chosen_streams(of.scope, edit):
        stream = edit.instance.workloads[w].streams[j]  # type: ignore[union-attr]
        if stream.max_rtt_ms is None:
            continue
        place = ("workloads", w, "streams", j)

        def write(value: object, place: tuple[str | int, ...] = place) -> None:
            w, j = int(place[1]), int(place[3])
            stream = edit.instance.workloads[w].streams[j]  # type: ignore[union-attr]
            limit = None if value == "unlimited" else value
            edit.put(edit.edited(stream, "rule", max_rtt_ms=limit), *place)

        found.append(_value(of, edit, stream.max_rtt_ms, write))
    if not found:
        edit.fail("scope", "no stream selected has max_rtt_ms", "it is stated by streams of services")
    return found


def _field(of: OfRule, edit: Edit) -> list[Bound]:
    if of.name == "carbon.price_usd_per_tonne":
        carbon = edit.instance.carbon
        return [_of_item(of, edit, ("carbon",), carbon, "price_usd_per_tonne", at_most=False)]
    if of.name not in WORKLOAD_FIGURES:
        edit.unknown("rule", "field with a figure", of.name, [*WORKLOAD_FIGURES, "carbon.price_usd_per_tonne"])
    chosen = chosen_workloads(of.scope, edit)
    first, _, second = of.name.partition(".")
    owners = {w: edit.instance.workloads[w] for w in chosen}
    holders = {w: one for w, one in owners.items() if second or hasattr(one, first)}
    if not holders:
        edit.fail("scope", f"no workload selected has {of.name}")
    return [_of_workload(of, edit, w, first, second) for w in holders]


def _of_workload(of: OfRule, edit: Edit, w: int, first: str, second: str) -> Bound:
    workload = edit.instance.workloads[w]
    owner = getattr(workload, first) if second else workload
    stated = getattr(owner, second or first)

    def write(value: Any) -> None:
        figure = None if value == "unlimited" else value
        if of.name in WHOLE and isinstance(figure, float) and figure.is_integer():
            figure = int(figure)
        new = {**owner.model_dump(), second: figure} if second else figure
        edit.put(edit.edited(workload, "rule", **{first: new}), "workloads", w)

    figure = float(stated) if isinstance(stated, int | float) else None
    return Bound(of.rule, figure, write, lambda: write("unlimited"), at_most=WORKLOAD_FIGURES[of.name])
