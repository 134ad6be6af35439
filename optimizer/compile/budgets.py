"""Budgets over scopes, and which figures an offer must have because a budget, a price or a share asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Budgets, Jobs, Membership, Moves, Purchases, Relocations, Slots
from optimizer.compile.effort import spend
from optimizer.compile.policies import membership
from optimizer.compile.scope import PLACE_KEYS, is_whole, offer_scope, region_scope, workload_scope
from optimizer.instance.base import Scope
from optimizer.instance.rules import Budget, CountryShare, ProviderShare

if TYPE_CHECKING:
    from optimizer.compile.datasets import DatasetTable
    from optimizer.compile.purchases import PurchaseTable
    from optimizer.compile.world import World

Bools = NDArray[np.bool_]

COUNTED = {
    ("limit_kg", "all", "mid"): "carbon_kg",
    ("limit_kg", "all", "high"): "carbon_high_kg",
    ("limit_kg", "operational", "mid"): "operational_kg",
    ("limit_kg", "operational", "high"): "operational_high_kg",
    ("limit_kwh", "all", "high"): "energy_high_kwh",
}
"""What a budget counts, by the field of its limit, `counts` and `estimate`; else the metric of the field."""
METRICS = {"limit_kg": "carbon_kg", "limit_l": "water_l", "limit_kwh": "energy_kwh", "limit_usd": "spend_usd"}
OPERATIONAL = "operational carbon"
CARBON_PRICE = "carbon.price_usd_per_tonne"


def metric_of(budget: Budget) -> tuple[str, float]:
    """Return the metric a budget caps (carbon_kg, water_l, energy_kwh or spend_usd) and its limit in that unit."""
    name = next(field for field in METRICS if getattr(budget, field) is not None)
    return METRICS[name], float(getattr(budget, name))


def counted_of(budget: Budget, estimate: str | None = None) -> str:
    """Return the metric of the problem that a budget counts, at its own estimate or at another."""
    name = next(field for field in METRICS if getattr(budget, field) is not None)
    return COUNTED.get((name, budget.counts, estimate or budget.estimate), METRICS[name])


def is_placeless(scope: Scope) -> bool:
    """Whether a scope names no places and no periods: it may select what belongs to a workload alone."""
    return not any(getattr(scope, key) for key in (*PLACE_KEYS, "periods"))


def build_budgets(
    world: World, slots: Slots, datasets: DatasetTable, *, jobs: Jobs, moves: Moves,
    relocations: Relocations | None = None, purchases: PurchaseTable | None = None,
) -> Budgets:  # fmt: skip
    """Return the budgets with what is in their scope.

    Copies of datasets, and transfers from them, belong to a place and to no workload or period: a scope that names
    workloads, tags or periods leaves them out. What is sent counts where its source is, which charges for it:
    transfers, moves, and what brings a copy; its storage counts where it is kept. A move belongs to its job, and to the
    period before which it is made. Leaving where it runs today, and entering a region, belongs to a workload alone. A
    purchase counts whole where all places that it covers are in scope, else in what runs on it and is in scope.
    """
    budgets = world.instance.budgets
    relocations = relocations or Relocations()
    metrics = [metric_of(budget) for budget in budgets]
    regions = [resting_regions(budget.scope, world) for budget in budgets]
    selected = [workload_scope(b.scope, world) & is_placeless(b.scope) for b in budgets]
    bought = purchases.problem if purchases is not None else Purchases()
    places = _places_of(world, purchases)
    in_scope = _slots_in_scope(world, slots)
    held = [_purchases_in_scope(budget, inside, places) for budget, inside in zip(budgets, regions, strict=True)]
    sources = datasets.problem.copy_region[datasets.problem.transfer_copy]
    return Budgets(
        ids=tuple(budget.id for budget in budgets),
        metric=tuple(map(counted_of, budgets)),
        limit=np.array([limit for _, limit in metrics], dtype=float),
        whole=np.array([is_whole(budget.scope) for budget in budgets], dtype=bool),
        slots=in_scope,
        copies=_copies_in_scope(datasets, [metric for metric, _ in metrics], regions),
        transfers=membership([inside[sources] for inside in regions]),
        moves=membership([_moves_in_scope(budget, world, jobs, moves) for budget in budgets]),
        movers=membership([of[relocations.workload] for of in selected]),
        entries=membership([of[relocations.workload[relocations.entry_mover]] for of in selected]),
        purchases=membership(held),
        drawn=_drawn_in_scope(in_scope, held, bought, [is_whole(budget.scope) for budget in budgets], metrics),
    )


def _places_of(world: World, purchases: PurchaseTable | None) -> list[NDArray[np.int64]]:
    """Return by purchase the regions that it covers."""
    at = world.region_index
    info = purchases.info if purchases is not None else ()
    return [np.array(sorted({at[region] for region, _ in one.draws if region in at}), dtype=np.int64) for one in info]


def _purchases_in_scope(budget: Budget, inside: Bools, places: list[NDArray[np.int64]]) -> Bools:
    """Return which purchases a money budget on a part counts whole: all that they cover is in its places."""
    scope = budget.scope
    if budget.limit_usd is None or is_whole(scope) or scope.workloads or scope.tags or scope.periods:
        return np.zeros(len(places), dtype=bool)
    return np.array([bool(inside[own].all()) for own in places], dtype=bool)


def _drawn_in_scope(
    in_scope: Membership, held: list[Bools], purchases: Purchases, whole: list[bool], metrics: list[tuple[str, float]]
) -> Membership:
    """Return the slots in the scope of a money budget on a part that run on a purchase it does not count whole."""
    covers = purchases.covers
    if not covers.column.size or not held:
        return Membership()
    of_slot = np.full(int(max(covers.column.max(), in_scope.column.max(initial=0))) + 1, -1, dtype=np.int64)
    of_slot[covers.column] = purchases.cover_purchase[covers.row]
    counts = np.array([m == "spend_usd" for m, _ in metrics], dtype=bool) & ~np.array(whole, dtype=bool)
    row, purchase = in_scope.row, of_slot[in_scope.column]
    kept = (purchase >= 0) & counts[row]
    kept[kept] = ~np.array(held, dtype=bool)[row[kept], purchase[kept]]
    return Membership(row[kept], in_scope.column[kept], in_scope.weight[kept])


def _slots_in_scope(world: World, slots: Slots) -> Membership:
    rows = []
    for budget in world.instance.budgets:
        spend("rules", 8 * len(slots.offer))
        places = offer_scope(budget.scope, world)
        rows.append(workload_scope(budget.scope, world)[slots.workload] & places[slots.offer, slots.period])
    return membership(rows)


def _copies_in_scope(table: DatasetTable, metrics: list[str], regions: list[Bools]) -> Membership:
    """Return the part of each copy that counts: storage by the copy's region, bringing it by the region that sends it.

    Coefficients of copies are sums of both, so that the part is a weight; one of neither counts by the copy's region.
    """
    cost = table.problem.copying.cost
    kept = {"spend_usd": cost["storage"]}
    brought = {"spend_usd": cost["copies"], "carbon_kg": table.problem.copying.carbon_kg}
    none = np.zeros(len(table.copy_source))
    rows, columns, weights = [], [], []
    for row, (metric, inside) in enumerate(zip(metrics, regions, strict=True)):
        here = inside[table.problem.copy_region]
        sent = np.where(table.copy_source >= 0, inside[table.copy_source], here) if len(inside) else here
        at_home, on_way = kept.get(metric, none), brought.get(metric, none)
        whole = at_home + on_way
        with np.errstate(invalid="ignore"):
            part = np.where(here == sent, here, np.where(whole > 0, (here * at_home + sent * on_way) / whole, here))
        counted = np.flatnonzero(part > 0)
        rows.append(np.full(len(counted), row, dtype=np.int64))
        columns.append(counted.astype(np.int64))
        weights.append(part[counted].astype(float))
    if not rows:
        return Membership()
    return Membership(np.concatenate(rows), np.concatenate(columns), np.concatenate(weights))


def _moves_in_scope(budget: Budget, world: World, jobs: Jobs, moves: Moves) -> Bools:
    """Return which moves that add to its metric a budget selects; [moves x periods]."""
    adds: Bools = moves.moving.of(metric_of(budget)[0]) != 0
    of_job = workload_scope(budget.scope, world)[jobs.workload[moves.job]]
    inside: Bools = (adds & of_job)[:, None] & region_scope(budget.scope, world)[moves.source]
    return inside.ravel()


def resting_regions(scope: Scope, world: World) -> Bools:
    """Regions whose copies a scope selects, by the country groups at the horizon's start; [regions]."""
    if scope.workloads or scope.tags or scope.periods:
        return np.zeros(len(world.regions), dtype=bool)
    inside: Bools = region_scope(scope, world)[:, 0]
    return inside


@dataclass(frozen=True, eq=False)
class FigureNeed:
    """`rule` (a budget, a policy, or the carbon price: a field) needs carbon, energy or water of these offers.

    `offers` [offers, periods]. Carbon needs power, PUE, grid intensity and, unless `carbon.embodied` is none, embodied
    carbon, and operational carbon all but the last; energy needs power and PUE; water needs power, PUE and WUE.
    """

    figure: str
    rule: str
    kind: str
    offers: Bools


class FigureNeeds:
    """Which figures each workload's offers must have; scopes are resolved once."""

    def __init__(self, world: World) -> None:
        self._rules: list[tuple[FigureNeed, Bools]] = []
        figures = {"carbon_kg": "carbon", "energy_kwh": "energy", "water_l": "water"}
        for budget in world.instance.budgets:
            figure = figures.get(metric_of(budget)[0])
            figure = OPERATIONAL if figure == "carbon" and budget.counts == "operational" else figure
            if figure is not None:
                self._add(figure, "budget", budget.id, budget.scope, world)
        if world.instance.carbon.price_usd_per_tonne > 0:
            self._add("carbon", "field", CARBON_PRICE, Scope(), world)
        for policy in world.instance.policies:
            if isinstance(policy, ProviderShare | CountryShare) and policy.measure == "energy_kwh":
                self._add("energy", "policy", policy.id, policy.scope, world)

    def _add(self, figure: str, kind: str, rule: str, scope: Scope, world: World) -> None:
        self._rules.append((FigureNeed(figure, rule, kind, offer_scope(scope, world)), workload_scope(scope, world)))

    def of(self, workload: int) -> tuple[FigureNeed, ...]:
        """Return the needs that can touch a workload (its position in the instance), budgets first."""
        spend("rules", len(self._rules))
        return tuple(need for need, selected in self._rules if selected[workload])


_NEEDS: WeakKeyDictionary[World, FigureNeeds] = WeakKeyDictionary()


def budget_needs(world: World, workload: int) -> tuple[FigureNeed, ...]:
    """Return which figures a workload's offers must have, and by which rule; remembered for as long as the world is."""
    found = _NEEDS.get(world)
    if found is None:
        found = _NEEDS[world] = FigureNeeds(world)
    return found.of(workload)
