"""The figures that a plan rests on, and what it pays for each: the candidates for switching values.

A figure times f adds f s to the cost of a plan, s what the plan pays for it: a price by the hour or unit, what is
charged for storing and sending, with a price on carbon the power drawn, and the time that a job takes. It may break a
limit as well: carbon and energy that grow with power and PUE meet a budget, a service's machines no longer carry its
peak, a job takes longer than it may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.budgets import metric_of
from optimizer.compile.scaled import Kind, same_sku
from optimizer.instance.rules import CountryShare, ProviderShare
from optimizer.instance.workloads import Service
from optimizer.plan.placements import Values
from optimizer.plan.rows import FigureName

if TYPE_CHECKING:
    from formulations.problem import Membership
    from optimizer.compile.assemble import Compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
DOUBTFUL = ("fallback", "estimated", "unverified", "derived", "transferred")
PER_MILLION = "usd_per_million_output_tokens"


@dataclass(frozen=True)
class Figure:
    """A figure that a plan rests on: `id` names the offer, region or SKU it is of, `what` is that in words.

    `at` is the row of the offer or region, `workloads` (names) those that rest on it; `breaks_at`: the factor from
    which the plan as it stands no longer holds, with the words for it; infinite where it does at any. `in_steps`: what
    the plan pays grows by whole machines, not in proportion.
    """

    kind: Kind
    name: FigureName
    id: str
    at: int
    value: float
    unit: str
    quality: str
    workloads: tuple[str, ...]
    place: str
    what: str
    breaks_at: float = np.inf
    broken: str = ""
    in_steps: bool = False

    @property
    def is_speed(self) -> bool:
        """Whether a smaller figure is the worse one."""
        return self.name == "speed"

    def at_factor(self, factor: float) -> float:
        """Return the figure at a factor on what it is paid for."""
        return self.value / factor if self.is_speed else self.value * factor


@dataclass(frozen=True, eq=False)
class Held:
    """A compiled instance and the values of a plan of it."""

    compiled: Compiled
    values: Values
    raw: dict[str, Floats]

    @classmethod
    def of(cls, compiled: Compiled, raw: dict[str, Floats]) -> Held:
        """Return what is held of a solution's values."""
        return cls(compiled, Values.of(compiled, raw), raw)


def paid(figure: Figure, held: Held) -> float:
    """Return what a plan pays for a figure, as it is where the plan was compiled."""
    problem = held.compiled.problem
    slots, rate = problem.slots, problem.carbon_price_usd_per_kg
    if figure.kind in ("power", "pue", "time"):
        own = _slots_of(figure, held.compiled)
        total = rate * _drawn(held, "carbon_kg") if rate else np.zeros(len(own))
        if figure.kind == "time":
            held_kg = slots.working.of("embodied_kg") * held.values.work_hours
            total = total + _compute_usd(held) + rate * held_kg
        return float(total[own].sum())
    if figure.kind == "price":
        return float(_compute_usd(held)[slots.offer == figure.at].sum())
    data = problem.datasets
    if figure.kind == "storage":
        return float((data.copying.of("storage_usd") * held.raw["copy"])[data.copy_region == figure.at].sum())
    return _paid_for_egress(figure.at, held)


def _paid_for_egress(region: int, held: Held) -> float:
    problem, values = held.compiled.problem, held.values
    slots, flows, data, moves = problem.slots, problem.flows, problem.datasets, problem.moves
    there = slots.region == region
    total = float((flows.serving.of("egress_usd") * values.flow)[there[flows.slot]].sum())
    total += float((slots.working.of("egress_usd") * values.work_hours)[there].sum())
    source = held.compiled.datasets.copy_source
    total += float((data.copying.of("copies_usd") * held.raw["copy"])[source == region].sum())
    sent = data.moving.spend_usd * held.raw["transfer"]
    total += float(sent[data.copy_region[data.transfer_copy] == region].sum())
    moved = np.repeat(moves.moving.spend_usd, len(held.compiled.world.periods)) * held.raw["move"]
    return total + float(moved[np.repeat(moves.source, len(held.compiled.world.periods)) == region].sum())


def _slots_of(figure: Figure, compiled: Compiled) -> Bools:
    """Return the slots of machines that a figure of power, PUE or time bears on."""
    slots, world = compiled.problem.slots, compiled.world
    machines = ~slots.is_endpoint
    if figure.kind == "pue":
        return machines & (slots.region == figure.at)
    if figure.kind == "power":
        return machines & same_sku(world, figure.at)[slots.offer]
    accelerator = world.text("accelerator")
    own = np.array([name == figure.workloads[0] for name in compiled.problem.workload_ids], dtype=bool)
    return machines & (accelerator[slots.offer] == accelerator[figure.at]) & own[slots.workload]


def _drawn(held: Held, metric: str) -> Floats:
    """Return of every slot what the power of its machines adds to carbon, energy or water."""
    slots, flows = held.compiled.problem.slots, held.compiled.problem.flows
    values, world = held.values, held.compiled.world

    def of(name: str) -> Floats:
        served = np.bincount(flows.slot, flows.serving.of(name) * values.flow, len(slots.offer))
        total: Floats = slots.running.of(name) * values.instances + slots.working.of(name) * values.work_hours + served
        return np.where(slots.is_endpoint, 0.0, total)

    if metric != "carbon_kg":
        return of(metric)
    return np.where(held.compiled.known.carbon, of("energy_kwh"), 0.0) * np.nan_to_num(
        world.grid_g_per_kwh[slots.region, slots.period] / 1000.0
    )


def figures_of(held: Held) -> list[Figure]:
    """Return the figures that a plan rests on, those in doubt first, then by what the plan pays for them."""
    instance = held.compiled.world.instance
    found: list[Figure] = []
    shares = [one for one in instance.policies if isinstance(one, ProviderShare | CountryShare)]
    if not any(one.measure == "compute_usd" for one in shares):  # a price changes what such a share is a part of
        found += _offers(held)
    if not any(metric_of(budget)[0] == "spend_usd" for budget in instance.budgets):
        found += _regions(held)
    found += [*_power(held), *_speeds(held)]
    return sorted(found, key=lambda one: (one.quality not in DOUBTFUL, -paid(one, held)))


def _used(held: Held) -> Ints:
    """Return the slots that the plan uses."""
    slots, flows = held.compiled.problem.slots, held.compiled.problem.flows
    served = np.bincount(flows.slot, held.values.flow, len(slots.offer))
    return np.flatnonzero((held.values.instances > 0) | (held.values.work_hours > 0) | (served > 0))


def _workloads(held: Held, slots: Ints) -> tuple[str, ...]:
    ids, of = held.compiled.problem.workload_ids, held.compiled.problem.slots.workload
    return tuple(ids[w] for w in dict.fromkeys(of[slots].tolist()))


def _offers(held: Held) -> Iterator[Figure]:
    world, slots, used = held.compiled.world, held.compiled.problem.slots, _used(held)
    for o in dict.fromkeys(slots.offer[used].tolist()):
        offer = world.offers.iloc[o]
        who = _workloads(held, used[slots.offer[used] == o])
        quality = str(offer.price_quality) or "stated"
        told = {"kind": "price", "at": o, "quality": quality, "workloads": who, "place": str(offer.region_id)}
        if offer.kind == "endpoint":
            by_unit = not np.isnan(offer.usd_per_unit)
            value = float(offer.usd_per_unit if by_unit else offer[PER_MILLION])
            unit = "USD/unit" if by_unit else "USD/million output tokens"
            if value > 0:
                yield _spending(held, Figure(
                    **told, name="price", id=str(offer.offer_id), value=value, unit=unit,
                    what=str(offer.endpoint).removeprefix(f"{offer.region_id}:"),
                ))  # fmt: skip
        elif offer.purchase in ("on_demand", "spot") and offer.price_usd_per_hour > 0:
            spot = " spot" if offer.purchase == "spot" else ""
            yield _spending(held, Figure(
                **told, name="price", id=str(offer.offer_id), value=float(offer.price_usd_per_hour), unit="USD/h",
                what=f"{offer.sku}{spot}",
            ))  # fmt: skip


def _spending(held: Held, figure: Figure) -> Figure:
    """Return a price with the factor at which the first budget on money no longer holds."""
    own = held.compiled.problem.slots.offer == figure.at
    spent = np.where(own, _compute_usd(held), 0.0)
    breaks_at, broken = _budget_breaks(held, lambda metric, _: spent if metric == "spend_usd" else np.zeros(len(own)))
    return replace(figure, breaks_at=breaks_at, broken=broken)


def _compute_usd(held: Held) -> Floats:
    """Return what is paid for the machines and endpoints of every slot."""
    from optimizer.plan.usage import by_slot

    return by_slot(held.compiled, held.values, "compute_usd")


def _regions(held: Held) -> Iterator[Figure]:
    """Yield prices of storage and egress that the plan pays; with moves away from today none of egress is asked."""
    world, slots, used = held.compiled.world, held.compiled.problem.slots, _used(held)
    quality = "stated" if world.catalogue is None else "listed"
    stored, sent = world.storage_usd_per_gb_month, world.network.internet_usd_per_gb()
    asks: list[tuple[Kind, FigureName, Floats, str, str]] = [
        ("storage", "storage price", stored, "USD/GB-month", "storage")
    ]
    if not len(held.compiled.problem.relocations.workload):
        asks.append(("egress", "egress price", sent, "USD/GB", "sending"))
    for kind, name, prices, unit, what in asks:
        for r in np.flatnonzero(np.nan_to_num(prices) > 0).tolist():
            region = str(world.regions.region_id[r])
            who = _workloads(held, used[slots.region[used] == r])
            one = Figure(
                kind=kind, name=name, id=region, at=r, value=float(prices[r]), unit=unit, quality=quality,
                workloads=who, place=region, what=what,
            )  # fmt: skip
            if paid(one, held) > 0:
                yield one


def _power(held: Held) -> Iterator[Figure]:
    """Yield power and PUE where something limits or prices carbon, energy or water, and nothing else asks for them."""
    compiled = held.compiled
    world, slots, used, instance = compiled.world, compiled.problem.slots, _used(held), compiled.world.instance
    metrics = {metric_of(budget)[0] for budget in instance.budgets}
    asked = metrics & {"carbon_kg", "energy_kwh", "water_l"} or instance.carbon.price_usd_per_tonne
    shares = any(isinstance(one, ProviderShare | CountryShare) and one.measure == "energy_kwh"
                 for one in instance.policies)  # fmt: skip
    if not asked or shares or any(quota.kw is not None for quota in instance.quotas.limits):
        return
    machines = used[~slots.is_endpoint[used]]
    load, seen = world.column("load_kw"), set()
    for o in dict.fromkeys(slots.offer[machines].tolist()):
        offer = world.offers.iloc[o]
        if (offer.provider, offer.sku) not in seen and load[o] > 0:
            seen.add((offer.provider, offer.sku))
            own = machines[same_sku(world, o)[slots.offer[machines]]]
            yield _breaking(held, Figure(
                kind="power", name="power", id=f"{offer.provider}:{offer.sku}", at=o, value=float(load[o]),
                quality=str(offer.power_quality) or "stated", workloads=_workloads(held, own), unit="kW",
                place=str(offer.provider), what=f"the power of {offer.sku} under load",
            ))  # fmt: skip
    pue = world.regions["pue"].to_numpy(dtype=float)
    if "water_l" in metrics:
        return  # cooling draws on what the machines draw, whatever the PUE
    for r in dict.fromkeys(slots.region[machines].tolist()):
        region = str(world.regions.region_id[r])
        if pue[r] > 0:
            quality = str(world.regions["pue_quality"].fillna("").iloc[r]) or "stated"
            yield _breaking(held, Figure(
                kind="pue", name="PUE", id=region, at=r, value=float(pue[r]), unit="", quality=quality,
                workloads=_workloads(held, machines[slots.region[machines] == r]), place=region, what="the PUE",
            ))  # fmt: skip


def _breaking(held: Held, figure: Figure) -> Figure:
    """Return a figure with the factor at which the first budget that counts it no longer holds."""
    own = _slots_of(figure, held.compiled)

    def counted(metric: str, _: int) -> Floats:
        drawn = _drawn(held, metric) if metric in ("carbon_kg", "energy_kwh", "water_l") else np.zeros(len(own))
        return np.where(own, drawn, 0.0)

    breaks_at, broken = _budget_breaks(held, counted)
    return replace(figure, breaks_at=breaks_at, broken=broken)


def _budget_breaks(held: Held, counted: Callable[[str, int], Floats]) -> tuple[float, str]:
    """Return by which factor what is `counted` of every slot (for the stated metric of a budget, and its row) may grow
    until the first budget no longer holds, with the words for it.
    """
    from optimizer.plan.usage import budgets_of

    slots, least, broken = held.compiled.problem.budgets.slots, np.inf, ""
    for b, use in enumerate(budgets_of(held.compiled, held.values, held.raw)):
        grows = _in_row(slots, counted(use.metric, b), b)
        if grows > 0 and 1.0 + max(use.slack, 0.0) / grows < least:
            least, broken = 1.0 + max(use.slack, 0.0) / grows, f"budget {use.id} no longer holds"
    return least, broken


def _in_row(members: Membership, amount: Floats, row: int) -> float:
    at = members.row == row
    return float((members.weight * amount[members.column])[at].sum())


def _speeds(held: Held) -> Iterator[Figure]:
    """Yield the speed of each workload on each accelerator that it uses."""
    from optimizer.compile.speed import SpeedView

    world, slots, used = held.compiled.world, held.compiled.problem.slots, _used(held)
    machines = used[~slots.is_endpoint[used]]
    accelerator, view = world.text("accelerator"), SpeedView(world)
    pairs = zip(slots.workload[machines].tolist(), accelerator[slots.offer[machines]].tolist(), strict=True)
    for w, name in dict.fromkeys(pairs):
        workload = world.instance.workloads[w]
        own = machines[(slots.workload[machines] == w) & (accelerator[slots.offer[machines]] == name)]
        o = int(slots.offer[own[0]])
        offer, speed = world.offers.iloc[o], view.of(workload)
        if offer.purchase not in ("on_demand", "spot"):
            continue
        is_service = isinstance(workload, Service)
        breaks, broken = (np.inf, "") if is_service else _job_breaks(held, own, workload.id)
        unit = workload.streams[0].unit.partition("/")[0] if isinstance(workload, Service) else workload.unit
        yield Figure(
            kind="time", name="speed", id=str(offer.offer_id), at=o, value=float(speed.units_per_s[o]),
            unit=f"{unit}/s", quality=str(speed.quality[o]), workloads=(workload.id,), place=str(offer.region_id),
            what=f"{workload.id} on {offer.sku}", breaks_at=breaks, broken=broken, in_steps=is_service,
        )  # fmt: skip


def _job_breaks(held: Held, own: Ints, job: str) -> tuple[float, str]:
    """Return how much longer a job may take where it is: within its window, and within the budgets that count it."""
    values, slots, budgets = held.values, held.compiled.problem.slots, held.compiled.problem.budgets
    mine = np.isin(np.arange(len(slots.offer)), own)
    least, broken = _budget_breaks(
        held, lambda _, b: np.where(mine, slots.working.of(budgets.metric[b]) * values.work_hours, 0.0)
    )
    for k in own[values.work_hours[own] > 0].tolist():
        most = slots.usable_hours[k] * values.gangs[k] * slots.gang_instances[k]
        if most / values.work_hours[k] < least:
            least, broken = float(most / values.work_hours[k]), f"{job} ends too late"
    return least, broken
