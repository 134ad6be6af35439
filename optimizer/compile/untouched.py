"""What an instance states that touches nothing in it: policies, budgets, quotas, discounts, commitments; and why.

Some of it the world shows (no open offer is in the scope of a budget), some of it only what is open to the workloads.
Such a statement is a warning by name: its author meant something by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Problem
from optimizer.compile.budgets import resting_regions
from optimizer.compile.columns import distinct
from optimizer.compile.commitments import groups, name_of
from optimizer.compile.ledger import REASONS, Ledger
from optimizer.compile.policies_at_rest import PlacePolicy, selects_copies
from optimizer.compile.pools import matches, quota_id
from optimizer.compile.purchases import purchases_of
from optimizer.compile.scope import is_whole, offer_scope, workload_scope
from optimizer.compile.whole import fractional_limits
from optimizer.compile.world import World
from optimizer.instance.base import Scope
from optimizer.instance.rules import CountryShare, Discount, Policy, ProviderShare, SpotShare, SurvivalPolicy
from optimizer.instance.workloads import Service

Ints = NDArray[np.int64]
NOTHING_OPEN = "no open offer lies in its scope"
NOTHING_ELIGIBLE = "nothing that a workload may use, and no place of a copy, lies in its scope"
REASONS_TOLD = 2


@dataclass(frozen=True)
class Untouched:
    """A statement that touches nothing: its kind (policy, budget, quota, discount, commitment), its name, and why."""

    kind: str
    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} touches nothing: {self.why}"


def warnings_of(found: list[Untouched], world: World) -> tuple[str, ...]:
    """Return one warning for each statement, for commitments to what the catalogue does not list in the region, and for
    quotas of a part of a device.
    """
    first = {(one.kind, one.name): one for one in reversed(found)}
    ordered = [one for one in found if first[one.kind, one.name] is one]
    return (*map(str, ordered), *_unlisted(world), *fractional_limits(world))


def untouched(world: World) -> list[Untouched]:
    """Return what touches nothing whatever the workloads may use."""
    asked = ((policy.id, _policy(policy, world)) for policy in world.instance.policies)
    found = [Untouched("policy", name, why) for name, why in asked if why is not None]
    found += [
        Untouched("budget", budget.id, NOTHING_OPEN)
        for budget in world.instance.budgets
        if not is_whole(budget.scope) and not _something_open(budget.scope, world)
    ]
    committed = world.text("purchase") == "committed"
    for quota in world.instance.quotas.limits:
        members = matches(quota, world) if quota.kw is not None else matches(quota, world) & ~committed
        if not members.any():
            found.append(Untouched("quota", quota_id(quota), "no open offer has everything that it names"))
    open_ = _Places(_open_providers(world), _of_classes(world, np.arange(len(world.offers))), _open_providers(world))
    found += _discounts(world, open_, "nothing of it is open")
    return found + _shut_commitments(world)


def untouched_by(problem: Problem, world: World, ledger: Ledger) -> list[Untouched]:
    """Return what touches nothing that workloads and copies may use."""
    slots, data = problem.slots, problem.datasets
    found = [Untouched("policy", name, why) for name, why in _shares(problem, world)]
    budgets = problem.budgets
    parts = (budgets.slots, budgets.copies, budgets.transfers, budgets.moves)
    touched = {b for part in parts for b in distinct(part.row, len(budgets.ids)).tolist()}
    found += [
        Untouched("budget", budget.id, NOTHING_ELIGIBLE)
        for b, budget in enumerate(world.instance.budgets)
        if not is_whole(budget.scope) and b not in touched
    ]
    usable = distinct(slots.offer, len(world.offers))
    provider = world.regions["provider"].to_numpy(dtype=object)
    stored = set(provider[distinct(data.copy_region, len(provider))])
    busy = set(provider[distinct(slots.region, len(provider))]) | stored
    places = _Places(stored, _of_classes(world, usable), busy)
    found += _discounts(world, places, "no workload or copy may be there")
    found += _unusable_purchases(world, set(world.text("bought_as")[usable]))
    return found + _unusable_commitments(world, ledger, set(usable.tolist()))


def _policy(policy: Policy, world: World) -> str | None:
    """Return why a policy touches nothing, None if it does."""
    if isinstance(policy, SurvivalPolicy):
        chosen = workload_scope(policy.scope, world)
        services = [w for w, k in zip(world.instance.workloads, chosen, strict=True) if k and isinstance(w, Service)]
        if any(service.survival is None for service in services):
            return None
        return "every service in its scope states its own survival" if services else "its scope selects no service"
    if isinstance(policy, ProviderShare | SpotShare) and policy.max_share == 1:
        return "a max_share of 1 allows everything"
    at_rest = isinstance(policy, PlacePolicy) and selects_copies(policy.scope)
    return None if _something_open(policy.scope, world, at_rest=at_rest) else NOTHING_OPEN


def _something_open(scope: Scope, world: World, *, at_rest: bool = True) -> bool:
    """Return True if a scope selects a workload and an open offer, or (`at_rest`) an open region for copies."""
    if workload_scope(scope, world).any() and offer_scope(scope, world).any():
        return True
    open_ = world.regions["open"].to_numpy(dtype=bool)
    return at_rest and bool(world.instance.datasets) and bool((resting_regions(scope, world) & open_).any())


def _open_providers(world: World) -> set[object]:
    return set(world.regions["provider"][world.regions["open"].to_numpy(dtype=bool)])


def _shares(problem: Problem, world: World) -> Iterator[tuple[str, str]]:
    """Yield (policy, why) of the shares that nothing counts towards."""
    ids = np.array(problem.shares.ids, dtype=object)
    both = (("part", problem.shares.part), ("all", problem.shares.all))
    counted = {name: set(ids[distinct(members.row, len(ids))]) for name, members in both}
    for policy in world.instance.policies:
        if isinstance(policy, ProviderShare) and not policy.providers:
            touches = any(name.startswith(f"{policy.id}:") for name in counted["part"])
        elif isinstance(policy, ProviderShare | SpotShare):
            touches = policy.id in counted["part"]
        else:
            touches = not isinstance(policy, CountryShare) or policy.id in counted["all"]
        if not touches:
            what = "spot offer " if isinstance(policy, SpotShare) else "offer "
            of = " of its providers" if isinstance(policy, ProviderShare) and policy.providers else ""
            yield policy.id, f"no {what}that a workload may use{of} lies in its scope"


@dataclass(frozen=True)
class _Places:
    """The providers at which something is stored, is paid by the hour or unit (by class), and sends data."""

    storage: set[object]
    paid: dict[str, set[object]]
    egress: set[object]

    def of(self, kind: str) -> set[object]:
        """Return the providers at which a discount on a class reduces something."""
        return {"storage": self.storage, "egress": self.egress, **self.paid}[kind]


def _of_classes(world: World, offers: Ints) -> dict[str, set[object]]:
    """Return the providers of some offers by the class of discount that they fall under."""
    provider, purchase = world.text("provider")[offers], world.text("purchase")[offers]
    paid: dict[str, set[object]] = {name: set(provider[purchase == name]) for name in ("on_demand", "spot")}
    return {**paid, "endpoint": set(provider[world.is_endpoint[offers]])}


def _discounts(world: World, places: _Places, why: str) -> list[Untouched]:
    return [
        Untouched("discount", f"at {discount.provider}", why)
        for discount in world.instance.discounts
        if not _any_reduced(discount, places)
    ]


def _any_reduced(discount: Discount, places: _Places) -> bool:
    return any(discount.provider in places.of(kind) for kind in discount.classes)


def _shut_commitments(world: World) -> list[Untouched]:
    """Return the commitments that the instance's own choice of catalogue shuts out."""
    closed = world.closed[world.closed.offer_id.str.startswith("commitment:")].set_index("offer_id")
    found = []
    for group in groups(world.instance):
        offer = f"commitment:{name_of(group)}"
        if offer in closed.index:
            reason, rule = str(closed.reason[offer]), str(closed.rule[offer])
            why = f"{group[0].sku} in {group[0].region} is shut: {REASONS[reason]} ({rule})"
            found += [Untouched("commitment", commitment.id, why) for commitment in group]
    return found


def _unusable_commitments(world: World, ledger: Ledger, usable: set[int]) -> list[Untouched]:
    """Return the commitments that no workload may use, with what rules them out."""
    at = {name: o for o, name in enumerate(world.text("commitment").tolist()) if name}
    found = []
    for group in groups(world.instance):
        o = at.get(name_of(group))
        if o is None or o in usable:
            continue
        out = ledger.first_reasons(o).most_common(REASONS_TOLD)
        told = "; ".join(f"{REASONS[reason]}{f' ({rule})' if rule else ''}" for (reason, rule), _ in out)
        why = f"no workload may use {group[0].sku} in {group[0].region}" + (f": {told}" if told else "")
        found += [Untouched("commitment", commitment.id, why) for commitment in group]
    return found


def _unusable_purchases(world: World, usable: set[object]) -> list[Untouched]:
    """Return the commitments to buy, stated one by one, that no workload may run on."""
    buy = world.instance.buy
    if buy is None:
        return []
    open_ = {one.id for one in purchases_of(world.instance, world.catalogue, world.regions)}
    stated = [*(one.id for one in buy.instances), *(plan.id for plan in buy.plans)]
    vain, dearer = "no workload may use what it covers", "another for the same instances is charged no more"
    return [
        Untouched("commitment to buy", name, vain if name in open_ else dearer)
        for name in stated
        if name not in usable
    ]  # fmt: skip


def _unlisted(world: World) -> Iterator[str]:
    """Yield a warning for each commitment to a SKU that the catalogue lists, but not in that region."""
    if not world.instance.commitments:
        return
    inline = world.instance.catalogue.inline
    if inline is not None:
        listed = {(offer.region, offer.sku) for offer in inline.offers}
    else:
        assert world.catalogue is not None
        table = world.catalogue.offers
        listed = set(zip(table["region_id"], table["sku"], strict=True))
    for commitment in world.instance.commitments:
        if (commitment.region, commitment.sku) not in listed:
            what = f"the catalogue lists no {commitment.sku} in {commitment.region}"
            yield f"commitment {commitment.id}: {what}; it is taken to be there, as stated"
