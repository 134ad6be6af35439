"""The figures that a plan rests on, and what it pays for each: the candidates for switching values.

A figure times f adds f s to the cost of a plan, s what the plan pays for it: a price by the hour or unit, what is
charged for storing and sending, with a price on carbon the power drawn, and the time that a job takes. It may break a
limit as well: carbon and energy that grow with power and PUE meet a budget, a service's machines no longer carry its
peak, a job takes longer than it may.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.budgets import metric_of
from optimizer.compile.scaled import Kind, same_sku
from optimizer.instance.rules import CountryShare, ProviderShare
from optimizer.instance.workloads import Service
from optimizer.plan.placements import Values
from optimizer.plan.rows import BudgetUse, FigureName

if TYPE_CHECKING:
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
    the plan pays grows by whole machines, not in proportion. `paid_usd`: what the plan pays for it.
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
    paid_usd: float = 0.0

    @property
    def is_speed(self) -> bool:
        """Whether a smaller figure is the worse one."""
        return self.name == "speed"

    def at_factor(self, factor: float) -> float:
        """Return the figure at a factor on what it is paid for."""
        return self.value / factor if self.is_speed else self.value * factor


@dataclass(frozen=True, eq=False)
class Held:
    """A compiled instance and the values of a plan of it. What follows from them is reckoned once."""

    compiled: Compiled
    values: Values
    raw: dict[str, Floats]

    @classmethod
    def of(cls, compiled: Compiled, raw: dict[str, Floats]) -> Held:
        """Return what is held of a solution's values."""
        return cls(compiled, Values.of(compiled, raw), raw)

    @cached_property
    def used(self) -> Ints:
        """The slots that the plan uses."""
        slots, flows = self.compiled.problem.slots, self.compiled.problem.flows
        served = np.bincount(flows.slot, self.values.flow, len(slots.offer))
        return np.flatnonzero((self.values.instances > 0) | (self.values.work_hours > 0) | (served > 0))

    @cached_property
    def machines(self) -> Ints:
        """The slots of machines that the plan uses."""
        return self.used[~self.compiled.problem.slots.is_endpoint[self.used]]

    @cached_property
    def compute_usd(self) -> Floats:
        """What is paid for the machines and endpoints of every slot."""
        from optimizer.plan.usage import by_slot

        return by_slot(self.compiled, self.values, "compute_usd")

    @cached_property
    def hourly_usd(self) -> Floats:
        """What grows with the time that the work of every slot takes: machines, and with a price on carbon that."""
        slots, rate = self.compiled.problem.slots, self.compiled.problem.carbon_price_usd_per_kg
        embodied_kg = slots.working.of("embodied_kg") * self.values.work_hours
        return self.compute_usd + self.power_usd + rate * embodied_kg

    @cached_property
    def power_usd(self) -> Floats:
        """What the carbon of the power that every slot draws costs; 0 where carbon has no price."""
        rate = self.compiled.problem.carbon_price_usd_per_kg
        return rate * _drawn(self, "carbon_kg") if rate else np.zeros(len(self.compiled.problem.slots.offer))

    @cached_property
    def budgets(self) -> tuple[BudgetUse, ...]:
        """What every budget allows and what the plan uses."""
        from optimizer.plan.usage import budgets_of

        return budgets_of(self.compiled, self.values, self.raw)


def paid(figure: Figure, held: Held) -> float:
    """Return what a plan pays for a figure, as it is where the plan was compiled."""
    if figure.kind == "storage":
        return float(_paid_for_storage(held)[figure.at])
    if figure.kind == "egress":
        return float(_paid_for_egress(held)[figure.at])
    return float(_paid_by_slot(figure.kind, held)[_slots_of(figure, held.compiled)].sum())


def _paid_by_slot(kind: Kind, held: Held) -> Floats:
    return {"price": held.compute_usd, "time": held.hourly_usd}.get(kind, held.power_usd)


def _paid_for_storage(held: Held) -> Floats:
    """Return by region what is paid for the copies there."""
    data, regions = held.compiled.problem.datasets, len(held.compiled.problem.regions.ids)
    return np.bincount(data.copy_region, data.copying.of("storage_usd") * held.raw["copy"], regions).astype(np.float64)


def _paid_for_egress(held: Held) -> Floats:
    """Return by region what is paid for what is sent from there."""
    problem, values = held.compiled.problem, held.values
    slots, flows, data, moves = problem.slots, problem.flows, problem.datasets, problem.moves
    periods, regions = len(held.compiled.world.periods), len(problem.regions.ids)

    def summed(region: Ints, usd: Floats) -> Floats:
        known = region >= 0
        return np.bincount(region[known], usd[known], regions).astype(np.float64)

    total = summed(slots.region[flows.slot], flows.serving.of("egress_usd") * values.flow)
    total += summed(slots.region, slots.working.of("egress_usd") * values.work_hours)
    total += summed(held.compiled.datasets.copy_source, data.copying.of("copies_usd") * held.raw["copy"])
    total += summed(data.copy_region[data.transfer_copy], data.moving.spend_usd * held.raw["transfer"])
    moved = np.repeat(moves.moving.spend_usd, periods) * held.raw["move"]
    return total + summed(np.repeat(moves.source, periods), moved)


def _slots_of(figure: Figure, compiled: Compiled) -> Bools:
    """Return the slots that a figure of a price, of power, PUE or time bears on."""
    slots, world = compiled.problem.slots, compiled.world
    if figure.kind == "price":
        return slots.offer == figure.at
    machines = ~slots.is_endpoint
    if figure.kind == "pue":
        return machines & (slots.region == figure.at)
    if figure.kind == "power":
        return machines & same_sku(world, figure.at)[slots.offer]
    accelerator = world.text("accelerator")
    own = compiled.problem.workload_ids.index(figure.workloads[0])
    return machines & (accelerator[slots.offer] == accelerator[figure.at]) & (slots.workload == own)


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


Found = tuple[Figure, Ints]
"""A figure, and the slots that rest on it of those the plan uses."""


def figures_of(held: Held) -> list[Figure]:
    """Return the figures that a plan rests on, those in doubt first, then by what the plan pays for them."""
    instance = held.compiled.world.instance
    found: list[Figure] = []
    shares = [one for one in instance.policies if isinstance(one, ProviderShare | CountryShare)]
    if not any(one.measure == "compute_usd" for one in shares):  # a price changes what such a share is a part of
        found += _with_cost(held, _breaking(held, list(_offers(held)), ("spend_usd",)))
    if not any(metric_of(budget)[0] == "spend_usd" for budget in instance.budgets):
        found += _regions(held)
    found += _with_cost(held, _breaking(held, list(_power(held)), ("carbon_kg", "energy_kwh", "water_l")))
    found += _with_cost(held, _ending(held, list(_speeds(held))))
    return sorted(found, key=lambda one: (one.quality not in DOUBTFUL, -one.paid_usd))


def _with_cost(held: Held, found: Iterable[Found]) -> Iterator[Figure]:
    """Yield figures of slots with what the plan pays for them."""
    for figure, own in found:
        yield replace(figure, paid_usd=float(_paid_by_slot(figure.kind, held)[own].sum()))


def _grouped(keys: Sequence[Hashable], slots: Ints) -> dict[Hashable, Ints]:
    """Return the slots by their keys, in the order in which keys come."""
    groups: dict[Hashable, list[int]] = {}
    for key, slot in zip(keys, slots.tolist(), strict=True):
        groups.setdefault(key, []).append(slot)
    return {key: np.array(own, dtype=np.int64) for key, own in groups.items()}


def _workloads(held: Held, slots: Ints) -> tuple[str, ...]:
    ids, of = held.compiled.problem.workload_ids, held.compiled.problem.slots.workload
    return tuple(ids[w] for w in dict.fromkeys(of[slots].tolist()))


def _offers(held: Held) -> Iterator[Found]:
    world, slots = held.compiled.world, held.compiled.problem.slots
    for o, own in _grouped(slots.offer[held.used].tolist(), held.used).items():
        assert isinstance(o, int)
        offer = world.offers.iloc[o]
        quality = str(offer.price_quality) or "stated"
        told: dict[str, Any] = {
            "kind": "price", "name": "price", "at": o, "quality": quality, "workloads": _workloads(held, own),
            "place": str(offer.region_id), "id": str(offer.offer_id),
        }  # fmt: skip
        if offer.kind == "endpoint":
            by_unit = not np.isnan(offer.usd_per_unit)
            value = float(offer.usd_per_unit if by_unit else offer[PER_MILLION])
            unit = "USD/unit" if by_unit else "USD/million output tokens"
            if value > 0:
                what = str(offer.endpoint).removeprefix(f"{offer.region_id}:")
                yield Figure(**told, value=value, unit=unit, what=what), own
        elif offer.purchase in ("on_demand", "spot") and offer.price_usd_per_hour > 0:
            spot = " spot" if offer.purchase == "spot" else ""
            hourly = float(offer.price_usd_per_hour)
            yield Figure(**told, value=hourly, unit="USD/h", what=f"{offer.sku}{spot}"), own


def _regions(held: Held) -> Iterator[Figure]:
    """Yield prices of storage and egress that the plan pays; with moves away from today none of egress is asked."""
    world, slots = held.compiled.world, held.compiled.problem.slots
    quality = "stated" if world.catalogue is None else "listed"
    stored, sent = world.storage_usd_per_gb_month, world.network.internet_usd_per_gb()
    asks: list[tuple[Kind, FigureName, Floats, Floats, str, str]] = [
        ("storage", "storage price", stored, _paid_for_storage(held), "USD/GB-month", "storage")
    ]
    if not len(held.compiled.problem.relocations.workload):
        asks.append(("egress", "egress price", sent, _paid_for_egress(held), "USD/GB", "sending"))
    for kind, name, prices, paid_usd, unit, what in asks:
        for r in np.flatnonzero((np.nan_to_num(prices) > 0) & (paid_usd > 0)).tolist():
            region = str(world.regions.region_id[r])
            yield Figure(
                kind=kind, name=name, id=region, at=r, value=float(prices[r]), unit=unit, quality=quality,
                workloads=_workloads(held, held.used[slots.region[held.used] == r]), place=region, what=what,
                paid_usd=float(paid_usd[r]),
            )  # fmt: skip


def _power(held: Held) -> Iterator[Found]:
    """Yield power and PUE where something limits or prices carbon, energy or water, and nothing else asks for them."""
    compiled, machines = held.compiled, held.machines
    world, slots, instance = compiled.world, compiled.problem.slots, compiled.world.instance
    metrics = {metric_of(budget)[0] for budget in instance.budgets}
    asked = metrics & {"carbon_kg", "energy_kwh", "water_l"} or instance.carbon.price_usd_per_tonne
    shares = any(isinstance(one, ProviderShare | CountryShare) and one.measure == "energy_kwh"
                 for one in instance.policies)  # fmt: skip
    if not asked or shares or any(quota.kw is not None for quota in instance.quotas.limits):
        return
    load, sold = world.column("load_kw"), slots.offer[machines]
    makes = zip(world.text("provider")[sold].tolist(), world.text("sku")[sold].tolist(), strict=True)
    for own in _grouped(list(makes), machines).values():
        o = next((o for o in slots.offer[own].tolist() if load[o] > 0), None)
        if o is not None:
            offer = world.offers.iloc[o]
            yield Figure(
                kind="power", name="power", id=f"{offer.provider}:{offer.sku}", at=o, value=float(load[o]),
                quality=str(offer.power_quality) or "stated", workloads=_workloads(held, own), unit="kW",
                place=str(offer.provider), what=f"the power of {offer.sku} under load",
            ), own  # fmt: skip
    pue = world.regions["pue"].to_numpy(dtype=float)
    if "water_l" in metrics:
        return  # cooling draws on what the machines draw, whatever the PUE
    for r, own in _grouped(slots.region[machines].tolist(), machines).items():
        assert isinstance(r, int)
        if pue[r] > 0:
            region = str(world.regions.region_id[r])
            quality = str(world.regions["pue_quality"].fillna("").iloc[r]) or "stated"
            yield Figure(
                kind="pue", name="PUE", id=region, at=r, value=float(pue[r]), unit="", quality=quality,
                workloads=_workloads(held, own), place=region, what="the PUE",
            ), own  # fmt: skip


def _breaking(held: Held, found: list[Found], metrics: tuple[str, ...]) -> Iterator[Found]:
    """Yield figures with the factor at which the first budget of one of the metrics that counts them no longer
    holds: money grows with what machines and endpoints cost, the others with what they draw.
    """
    nothing = np.zeros(len(held.compiled.problem.slots.offer))
    cached: dict[str, Floats] = {}

    def counted(b: int) -> Floats:
        metric = held.budgets[b].metric
        if metric not in metrics:
            return nothing
        if metric not in cached:
            cached[metric] = held.compute_usd if metric == "spend_usd" else _drawn(held, metric)
        return cached[metric]

    breaks = _budget_breaks(held, [own for _, own in found], counted)
    for (figure, own), (breaks_at, broken) in zip(found, breaks, strict=True):
        yield replace(figure, breaks_at=breaks_at, broken=broken), own


def _budget_breaks(held: Held, groups: list[Ints], counted: Callable[[int], Floats]) -> list[tuple[float, str]]:
    """Return for groups of slots by which factor what is `counted` of them (for a budget, by slot) may grow until the
    first budget no longer holds, with the words for it.
    """
    members, slots = held.compiled.problem.budgets.slots, len(held.compiled.problem.slots.offer)
    group = np.repeat(np.arange(len(groups)), [len(own) for own in groups])
    slot = np.concatenate(groups) if groups else np.zeros(0, dtype=np.int64)
    least, broken = np.full(len(groups), np.inf), [""] * len(groups)
    for b, use in enumerate(held.budgets):
        at = members.row == b
        weight = np.bincount(members.column[at], members.weight[at], slots)
        grows = np.bincount(group, (weight * counted(b))[slot], len(groups))
        with np.errstate(divide="ignore", invalid="ignore"):
            breaks = np.where(grows > 0, 1.0 + max(use.slack, 0.0) / grows, np.inf)
        for k in np.flatnonzero(breaks < least).tolist():
            least[k], broken[k] = breaks[k], f"budget {use.id} no longer holds"
    return list(zip(least.tolist(), broken, strict=True))


def _speeds(held: Held) -> Iterator[Found]:
    """Yield the speed of each workload on each accelerator that it uses."""
    world, slots, machines = held.compiled.world, held.compiled.problem.slots, held.machines
    accelerator, view = world.text("accelerator")[slots.offer[machines]], held.compiled.speeds
    purchase, region, sku = world.text("purchase"), world.text("region_id"), world.text("sku")
    pairs = list(zip(slots.workload[machines].tolist(), accelerator.tolist(), strict=True))
    for own in _grouped(pairs, machines).values():
        workload = world.instance.workloads[int(slots.workload[own[0]])]
        o = int(slots.offer[own[0]])
        if purchase[o] not in ("on_demand", "spot"):
            continue
        speed, is_service = view.of(workload), isinstance(workload, Service)
        unit = workload.streams[0].unit.partition("/")[0] if isinstance(workload, Service) else workload.unit
        yield Figure(
            kind="time", name="speed", id=str(world.text("offer_id")[o]), at=o, value=float(speed.units_per_s[o]),
            unit=f"{unit}/s", quality=str(speed.quality[o]), workloads=(workload.id,), place=str(region[o]),
            what=f"{workload.id} on {sku[o]}", in_steps=is_service,
        ), own  # fmt: skip


def _ending(held: Held, found: list[Found]) -> Iterator[Found]:
    """Yield speeds with how much longer a job may take where it is: within its window, and within the budgets that
    count it.
    """
    hours, slots, metric = held.values.work_hours, held.compiled.problem.slots, held.compiled.problem.budgets.metric
    breaks = _budget_breaks(held, [own for _, own in found], lambda b: slots.working.of(metric[b]) * hours)
    for (figure, own), (least, broken) in zip(found, breaks, strict=True):
        if figure.in_steps:
            yield figure, own
            continue
        works = own[hours[own] > 0]
        most = slots.usable_hours[works] * held.values.gangs[works] * slots.gang_instances[works] / hours[works]
        late = float(most.min(initial=np.inf))
        told = (late, f"{figure.workloads[0]} ends too late") if late < least else (least, broken)
        yield replace(figure, breaks_at=told[0], broken=told[1]), own
