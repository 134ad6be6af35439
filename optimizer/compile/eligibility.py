"""Which offers are open to each workload and stream, and the ledger of why the others are not.

Checks that follow from the workload alone are made once per distinct workload description, over all offers at once;
law, policy and round trips add their own masks. Nothing here loops over offers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.budgets import OPERATIONAL, FigureNeeds
from optimizer.compile.effort import RULE, spend
from optimizer.compile.evidence import Evidences, measured, of_column, worded
from optimizer.compile.gangs import WHOLE, Gang
from optimizer.compile.latency import Way, WayView
from optimizer.compile.law import LawView
from optimizer.compile.ledger import Exclusion, Ledger, Packed, pack
from optimizer.compile.objectives import by_objectives
from optimizer.compile.offers import CPU
from optimizer.compile.policies import PolicyView
from optimizer.compile.pools import PoolView
from optimizer.compile.relocations import Today
from optimizer.compile.scope import exclusion_rows
from optimizer.compile.speed import Speed, SpeedView, endpoint_usd_per_unit, serves_model
from optimizer.compile.world import World
from optimizer.instance.workloads import Job, Service, Stream, Workload

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Options:
    """What a workload may use, before its streams are asked, shared by workloads that are alike in this.

    `offers`: those open to it in some period; `allowed` [offers open, periods]; `region` of each. `speed` of all offers
    of the world, `usd_per_unit` of its endpoints.
    """

    offers: Ints
    allowed: Bools
    region: Ints
    speed: Speed
    usd_per_unit: Floats


@dataclass(frozen=True, eq=False)
class _Static:
    allowed: Bools
    packed: tuple[Packed, ...]
    usd_per_unit: Floats
    speed: Speed


class Eligibility:
    """Answers for every workload and stream and writes the ledger as it goes."""

    def __init__(self, world: World, law: LawView, pools: PoolView, speeds: SpeedView, ways: WayView) -> None:
        self.world, self.law, self.pools = world, law, pools
        self.policies = PolicyView(world, law)
        self.speeds, self.ways = speeds, ways
        shut = Counter(zip(world.closed.reason.tolist(), world.closed.rule.tolist(), strict=True))
        self.ledger = Ledger(
            len(world.offers), {(str(reason), str(rule) or None): count for (reason, rule), count in shut.items()}
        )
        self._static: dict[str, _Static] = {}
        self._figures, self._needs = _Figures(world), FigureNeeds(world)
        self._missing: dict[tuple[object, ...], tuple[Bools, tuple[Packed, ...]]] = {}
        self._by_policy: dict[int, tuple[Packed, ...]] = {}
        self._options: dict[tuple[object, ...], Options] = {}
        self.today = Today(world)

    def workload(self, w: int) -> Options:
        """Return what workload `w` may use, and record the reasons for the rest."""
        workload = self.world.instance.workloads[w]
        speed = self.speeds.of(workload)
        static = self._of_description(workload, speed)
        figures, figures_packed = self._of_figures(w)
        policy = self.policies.mask(w)
        if id(policy) not in self._by_policy:
            self._by_policy[id(policy)] = pack(policy.exclusions)
        for packed in (static.packed, figures_packed, self._by_policy[id(policy)]):
            self.ledger.add_packed(workload.id, None, packed)
        cut_off = self.today.cut_off(w)
        if cut_off is not None:
            self.ledger.add(workload.id, None, (cut_off,))
        shut = b"" if cut_off is None else np.packbits(cut_off.offers).tobytes()
        key = (id(policy), id(figures), id(static), shut)  # the first three are kept here for good
        if key not in self._options:
            spend("options", 3 * policy.allowed.size)
            allowed = policy.allowed & figures & static.allowed[:, None]
            if cut_off is not None:
                allowed &= ~cut_off.offers[:, None]
            near = np.flatnonzero(allowed.any(axis=1))
            region = self.world.offer_region[near]
            self._options[key] = Options(near, allowed[near], region, static.speed, static.usd_per_unit)
        return self._options[key]

    def stream(self, w: int, number: int, name: str, stream: Stream) -> tuple[Bools, Way]:
        """Return what the law leaves open to a stream, [offers, periods], and its way; alike streams share both.

        `number` is its position among all streams, `name` its id within the service. The reasons are recorded.
        """
        service = self.world.instance.workloads[w]
        assert isinstance(service, Service)
        way = self.ways.of(service, stream)
        by_law, packed = self.law.opened(self.law.of_stream[number])
        self.ledger.add_packed(service.id, name, way.packed)
        self.ledger.add_packed(service.id, name, packed)
        return by_law, way

    def job(self, w: int, options: Options) -> Bools:
        """Return what the law leaves open to a job, of what is open to it at all; [offers open, periods]."""
        allowed, packed = self.law.opened(self.law.of_job[w])
        self.ledger.add_packed(self.world.instance.workloads[w].id, None, packed)
        return options.allowed & allowed[options.offers]

    def _of_description(self, workload: Workload, speed: Speed) -> _Static:
        key = _description(workload, speed)
        if key not in self._static:
            spend("options", RULE + 20 * len(self.world.offers))
            price = np.full(len(self.world.offers), np.nan)
            if isinstance(workload, Service) and "endpoint" in workload.runs.via:
                price = endpoint_usd_per_unit(self.world, workload)
            exclusions = [*_static_exclusions(self.world, workload, speed, price), *self.pools.exclusions]
            if isinstance(workload, Job):
                exclusions += gang_exclusions(self.world, workload, self.pools)
            out = _any(exclusions, len(self.world.offers))
            self._static[key] = _Static(~out, pack(exclusions), price, speed)
        return self._static[key]

    def _of_figures(self, w: int) -> tuple[Bools, tuple[Packed, ...]]:
        """Return which (offer, period) have every figure that a budget or the carbon price needs of the workload."""
        needs = self._needs.of(w)
        workload = self.world.instance.workloads[w]
        per_gb = self.world.instance.carbon.network_kwh_per_gb
        sends = isinstance(workload, Service) and workload.response_gb_per_unit * per_gb > 0
        key = (sends, *map(id, needs))  # kept for good; a budget and a policy may bear the same id
        if key not in self._missing:
            cells = len(self.world.offers) * len(self.world.periods)
            spend("options", cells)
            spend("rules", 12 * len(needs) * cells)
            exclusions: list[Exclusion] = []
            allowed = np.ones((len(self.world.offers), len(self.world.periods)), dtype=bool)
            for need in needs:
                for reason, missing in self._figures.missing(need.figure, sends=sends):
                    out = missing & need.offers
                    allowed &= ~out
                    exclusions.extend(
                        exclusion_rows(reason, need.rule, out, kind=need.kind, evidence=_missing(need.figure, reason))
                    )
            self._missing[key] = (allowed, pack(exclusions))
        return self._missing[key]


def _any(exclusions: list[Exclusion], size: int) -> Bools:
    out = np.zeros(size, dtype=bool)
    for exclusion in exclusions:
        out |= exclusion.offers
    return out


def _description(workload: Workload, speed: Speed) -> str:
    """All that the static checks look at, as one text."""
    parts = [workload.runs.model_dump_json(), repr(workload.providers), repr(workload.regions), str(id(speed))]
    if isinstance(workload, Job):
        parts.append(f"{workload.interruptible} {workload.gang_devices} {workload.output_gb > 0}")
    else:
        parts.append(f"{workload.kind} {workload.streams[0].unit.partition('/')[0]}")
    return "\n".join(parts)


def _static_exclusions(world: World, workload: Workload, speed: Speed, price: Floats) -> list[Exclusion]:
    """Return what the workload's own description rules out, in the order in which reasons are told."""
    endpoint = world.is_endpoint
    found = [*_by_description(world, workload), *_by_machine(world, workload, speed)]
    if "endpoint" in workload.runs.via:
        found += _by_endpoint(world, workload, price)
    if isinstance(workload, Job) and workload.output_gb > 0:
        unknown = np.isnan(world.network.internet_usd_per_gb())[world.offer_region]
        told = worded(lambda _: "nobody has the price of egress, and the job sends output_gb")
        found.append(Exclusion("missing_egress_price", "output_gb", unknown & ~endpoint, evidence=told))
    return found


def _by_description(world: World, workload: Workload) -> list[Exclusion]:
    """Return what the kinds of offer, providers, regions, purchase, chips and software named leave out."""
    runs, endpoint = workload.runs, world.is_endpoint
    wrong_kind = np.zeros(len(endpoint), dtype=bool)
    if "instance" not in runs.via:
        wrong_kind |= ~endpoint
    if "endpoint" not in runs.via or isinstance(workload, Job):
        wrong_kind |= endpoint

    def named(reason: str, rule: str, column: str, allowed: tuple[str, ...], out: Bools) -> Exclusion:
        told = of_column(column, world.text(column), ", ".join(allowed) or "none")
        return Exclusion(reason, rule, out, evidence=told)

    machine = ~endpoint
    software = tuple(name.lower() for name in runs.software)
    arch = () if runs.arch is None else (runs.arch,)
    steady = () if runs.burstable else ("",)
    return [
        named("offer_kind", "runs.via", "kind", runs.via, wrong_kind),
        named("not_allowed_provider", "providers", "provider", workload.providers,
              _not_in(world, "provider", workload.providers)),
        named("not_allowed_region", "regions", "region_id", workload.regions,
              _not_in(world, "region_id", workload.regions)),
        named("purchase", "runs.purchase", "purchase", purchases(workload), machine & _purchase_out(world, workload)),
        named("accelerator", "runs.accelerators", "accelerator", runs.accelerators,
              machine & _not_in(world, "accelerator", runs.accelerators)),
        named("software", "runs.software", "software", software, machine & _not_in(world, "software", software)),
        named("arch", "runs.arch", "arch", arch, machine & _not_in(world, "arch", arch)),
        named("burstable", "runs.burstable", "burstable", steady, machine & _not_in(world, "burstable", steady)),
    ]  # fmt: skip


def _by_machine(world: World, workload: Workload, speed: Speed) -> list[Exclusion]:
    """Return the machines with too little memory, or without a figure of speed or a price."""
    machine, found = ~world.is_endpoint, []
    least = workload.runs.min_device_memory_gb
    if least > 0:
        memory = world.column("device_memory_gb")
        told, out = measured("device memory", memory, least, "GB"), machine & ~(memory >= least)
        found.append(Exclusion("device_memory", "runs.min_device_memory_gb", out, evidence=told))
    chip, devices = world.text("accelerator"), world.column("counted_devices")
    small = machine & (devices < speed.least_devices * (1 - WHOLE))
    found.append(Exclusion("device_memory", _replica_rule(workload), small, evidence=_too_small(world, speed)))
    late = by_objectives(world, workload.runs, speed.nearest)
    found += late
    slow = machine & np.isnan(speed.units_per_s) & ~small & ~_any(late, len(machine))
    told = worded(lambda offer: _no_speed(speed, _holds(chip[offer], devices[offer]), chip[offer]))
    found.append(Exclusion("no_throughput", speed.profile, slow, evidence=told))
    unpriced = np.isnan(world.column("price_usd_per_hour"))
    found.append(Exclusion("missing_price", None, machine & unpriced, evidence=_no_price(world)))
    if isinstance(workload, Service):
        fleeting = machine & np.isnan(world.lasting_share)
        told = worded(lambda offer: f"nobody has the share of {world.text('sku')[offer]} that is taken back in a month")
        found.append(Exclusion("missing_interruption", "runs.purchase", fleeting, evidence=told))
    return found


def _holds(chip: str, count: float) -> str:
    """Return what a machine holds: accelerators, or the vCPUs of one that has none."""
    return f"{count:g} vCPUs" if chip == CPU else f"{count:g} x {chip}"


def _replica_rule(workload: Workload) -> str:
    return "runs.model" if workload.runs.devices_per_replica is None else "runs.devices_per_replica"


def _too_small(world: World, speed: Speed) -> Evidences:
    """Say how many devices one replica takes, and how many the machine has."""
    chip, devices = world.text("accelerator"), world.column("counted_devices")
    least = np.broadcast_to(speed.least_devices, devices.shape)

    def told(offer: int) -> str:
        if np.isinf(least[offer]):
            return f"a replica takes more devices {chip[offer]} than any machine has"
        return f"a replica takes {least[offer]:.3g} devices {chip[offer]} of one machine, which has {devices[offer]:g}"

    return worded(told)


def _no_speed(speed: Speed, machine: str, chip: str) -> str:
    """Say that no speed is known; why a measured figure does not count, where one was quarantined."""
    reason = speed.found.quarantined.get(chip) if speed.found is not None else None
    return f"nobody measured it on {machine}" + (f": {reason}" if reason else "")


def _by_endpoint(world: World, workload: Workload, price: Floats) -> list[Exclusion]:
    """Return the endpoints of other models and other scopes, and those without a price."""
    runs, serves = workload.runs, serves_model(world, workload)
    scope = _not_in(world, "scope", runs.endpoint_scopes)
    model = of_column("model", world.text("model"), ", ".join((*runs.endpoint_models, runs.model or "")))
    scoped = of_column("scope", world.text("scope"), ", ".join(runs.endpoint_scopes))
    return [
        Exclusion("endpoint_model", runs.model, world.is_endpoint & ~serves, evidence=model),
        Exclusion("endpoint_scope", "runs.endpoint_scopes", serves & scope, evidence=scoped),
        Exclusion("missing_price", None, serves & np.isnan(price), evidence=_no_price(world)),
    ]


def _no_price(world: World) -> Evidences:
    names = world.text("offer_id")
    return worded(lambda offer: f"nobody has a price of {names[offer]}")


def _not_in(world: World, column: str, allowed: tuple[str, ...]) -> Bools:
    return ~world.one_of(column, allowed) if allowed else np.zeros(len(world.offers), dtype=bool)


def purchases(workload: Workload) -> tuple[str, ...]:
    """Return the purchase options a workload may use: spot is for services and interruptible jobs that list it."""
    spot = isinstance(workload, Service) or workload.interruptible
    return tuple(option for option in workload.runs.purchase if spot or option != "spot")


def _purchase_out(world: World, workload: Workload) -> Bools:
    return ~world.one_of("purchase", purchases(workload))


def gang_exclusions(world: World, job: Job, pools: PoolView) -> list[Exclusion]:
    """Return the offers on which no gang can be formed, or none fits the pools; endpoints form none."""
    spend("options", 100 * len(world.offers))
    instances = Gang.of_job(world, job).instances
    devices, machines = world.column("counted_devices"), ~world.is_endpoint
    unformable = machines & ~(np.isfinite(instances) & ((devices >= 1) | (instances <= 1)))
    too_big = machines & ~unformable & (pools.most >= 1) & (instances > pools.most)
    rules = sorted(set(pools.tightest[too_big]))
    size = job.gang_devices or 0
    apart = worded(lambda offer: f"a gang of {size} devices cannot be formed of machines of {devices[offer]:g}")
    large = measured("a gang takes", instances, pools.most, "machines")
    return [
        Exclusion("gang", "gang_devices", unformable, evidence=apart),
        *(
            Exclusion("gang", str(rule), too_big & (pools.tightest == rule), kind="quota", evidence=large)
            for rule in rules
        ),
    ]


_FIGURES = {
    "missing_power": "power",
    "missing_pue": "PUE",
    "missing_grid": "grid intensity on the instance's basis",
    "missing_embodied": "embodied carbon on the instance's basis",
    "missing_wue": "WUE",
}


def _missing(figure: str, reason: str) -> Evidences:
    return worded(lambda offer: f"nobody has its {_FIGURES[reason]}, and its {figure} is asked for")


class _Figures:
    """Which offers lack a figure that a metric is made of; [offers, periods]."""

    def __init__(self, world: World) -> None:
        regions, at = world.regions, world.offer_region
        endpoint = world.is_endpoint[:, None]

        def unknown(name: str) -> Bools:
            return np.isnan(regions[name].to_numpy(dtype=float))[at][:, None] & ~endpoint

        def lacks(name: str) -> Bools:
            return np.isnan(world.column(name))[:, None]

        power = (lacks("idle_kw") | lacks("load_kw")) & ~endpoint
        pue, wue = unknown("pue"), unknown("wue_l_per_kwh")
        no_grid = np.isnan(world.grid_g_per_kwh)[at]
        derived = endpoint & lacks("kg_per_unit")  # where carbon is not stated, it follows from energy and grid
        tokens = lacks("kwh_per_million_output_tokens") | lacks("kwh_per_million_input_tokens")
        no_energy = endpoint & lacks("kwh_per_unit") & tokens
        row, mean, _ = world.serving_grids
        grid = np.where(endpoint, derived & np.isnan(mean)[row], no_grid)
        embodied = lacks("embodied_kg_per_hour") & ~endpoint
        if world.instance.carbon.embodied != "none":
            embodied |= derived & lacks("embodied_kg_per_unit") & lacks("embodied_kg_per_kwh")
        self._missing = {
            "carbon": (
                ("missing_power", power | (derived & no_energy)),
                ("missing_pue", pue),
                ("missing_grid", grid),
                ("missing_embodied", embodied),
            ),
            OPERATIONAL: (
                ("missing_power", power | (derived & no_energy)), ("missing_pue", pue), ("missing_grid", grid)
            ),
            "energy": (("missing_power", power | no_energy), ("missing_pue", pue)),
            "water": (("missing_power", power | endpoint), ("missing_pue", pue), ("missing_wue", wue)),
        }
        self._network = ("missing_grid", no_grid & endpoint)

    def missing(self, figure: str, *, sends: bool) -> tuple[tuple[str, Bools], ...]:
        """Return (reason, mask) for a figure: carbon, all or operational, energy or water. No endpoint states water.

        `sends`: responses draw network energy, whose carbon needs the grid's figure at endpoints as well.
        """
        asks = sends and figure in ("carbon", OPERATIONAL)
        return (*self._missing[figure], self._network) if asks else self._missing[figure]
