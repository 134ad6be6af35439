"""A second statement of the whole optimization, written from the instance and solved by `scipy.optimize.milp`.

It shares no code with the compile step or the formulations, and states several things in another way: a job that is
not interruptible chooses one of its possible runs (offer, first and last period), a job that moves walks along arcs
between regions, requirements and failures are stated option by option.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from independent_world import Activity, Need, NotCoveredError, Option, World, budget_limit
from scipy import optimize, sparse

from optimizer.instance.base import Scope
from optimizer.instance.models import Instance
from optimizer.instance.rules import CountryShare, ProviderShare, SpotShare, SurvivalPolicy
from optimizer.instance.workloads import Dataset, Job, Service, Stream
from optimizer.laws.types import DataProfile, MechanismKey

Row = dict[int, float]
METRICS = ("spend", "compute", "carbon", "energy", "water", "devices")


@dataclass
class Model:
    """Columns, rows and a cost vector; `flag` columns are integers."""

    cost: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    flag: list[int] = field(default_factory=list)
    rows: list[tuple[Row, float, float]] = field(default_factory=list)
    impossible: bool = False

    def var(self, upper: float = math.inf, *, cost: float = 0.0, integer: bool = False) -> int:
        """Add a column."""
        self.cost.append(cost)
        self.upper.append(upper)
        self.flag.append(int(integer))
        return len(self.cost) - 1

    def row(self, terms: Mapping[int, float], least: float = -math.inf, most: float = math.inf) -> None:
        """Add a row; one without columns that cannot hold makes the whole impossible."""
        kept = {column: weight for column, weight in terms.items() if weight}
        if kept:
            self.rows.append((kept, least, most))
        elif least > 1e-9 or most < -1e-9:
            self.impossible = True

    def solve(self) -> float | None:
        """Return the optimum, or None if there is no solution."""
        if self.impossible:
            return None
        if not self.cost:
            return 0.0
        data = [(k, c, w) for k, (terms, _, _) in enumerate(self.rows) for c, w in terms.items()]
        matrix = sparse.csr_array(
            ([w for *_, w in data], ([k for k, *_ in data], [c for _, c, _ in data])),
            shape=(len(self.rows), len(self.cost)),
        )
        limits = optimize.LinearConstraint(matrix, [r[1] for r in self.rows], [r[2] for r in self.rows])
        found = optimize.milp(
            self.cost, constraints=limits if self.rows else (), integrality=self.flag,
            bounds=optimize.Bounds(0.0, np.array(self.upper)), options={"mip_rel_gap": 0.0, "time_limit": 60.0},
        )  # fmt: skip
        if found.status == 2:
            return None
        if found.status == 4:
            free = optimize.milp(np.zeros(len(self.cost)), constraints=limits, integrality=self.flag,
                                 bounds=optimize.Bounds(0.0, np.array(self.upper)))  # fmt: skip
            if free.status == 2:
                return None
        if found.status != 0:
            raise NotCoveredError(f"milp stopped: {found.message}")
        return float(found.fun)


@dataclass
class Use:
    """A column that uses an option: what one unit of it adds to each metric."""

    column: int
    workload: Service | Job
    option: Option
    t: int
    adds: dict[str, float]


def add(row: Row, column: int, weight: float = 1.0) -> None:
    """Add to a row."""
    row[column] = row.get(column, 0.0) + weight


class Independent:
    """The model of an instance; `optimum()` solves it."""

    def __init__(self, instance: Instance) -> None:
        self.instance, self.world, self.model = instance, World(instance), Model()
        self.uses: list[Use] = []
        self.held: dict[tuple[str, str, int], Row] = defaultdict(dict)  # (workload, option, t): instances held
        self.flow: dict[tuple[str, int, str, int], int] = {}  # (service, stream number, option, t)
        self.running: dict[tuple[str, str, int], Row] = defaultdict(dict)  # (workload, region, t): things there
        self.read: dict[tuple[str, str], Row] = defaultdict(dict)  # (dataset, region): GB read
        self.bought: dict[MechanismKey, int] = {}
        self.in_use: dict[str, int] = {}
        self.present: dict[tuple[str, str], int] = {}
        self.copies: dict[tuple[str, str], int] = {}
        self.other: list[tuple[Row, dict[str, float]]] = []
        self.by_name = {option.name: option for option in self.world.options}
        for workload in instance.workloads:
            if isinstance(workload, Service):
                self._service(workload)
            else:
                self._job(workload)
            self._presence(workload)
        self.resting: list[tuple[str, str | None, Row]] = []  # (kind, region charged, USD)
        self._datasets()
        self._survival()
        self._pools()
        self._budgets()
        self._shares()
        self._objective()

    def optimum(self) -> float | None:
        """Return the least cost in USD, None if there is no plan."""
        return self.model.solve()

    # --- small things

    def _buy(self, needs: frozenset[Need], terms: Row, most: float) -> None:
        """For each need: terms <= most x (any of its mechanisms)."""
        for need in needs:
            row = dict(terms)
            for key in sorted(need, key=repr):
                if key not in self.bought:
                    self.bought[key] = self.model.var(1.0, integer=True)
                add(row, self.bought[key], -most)
            self.model.row(row, most=0.0)

    def _use_region(self, region: str, column: int) -> None:
        if self.world.regions[region].fixed_usd_per_hour:
            if region not in self.in_use:
                self.in_use[region] = self.model.var(1.0, integer=True)
            self.model.row({column: 1.0, self.in_use[region]: -1.0}, most=0.0)

    def _price_unserved(self, workload: Service | Job) -> float | None:
        own = workload.unserved_usd_per_unit
        return self.instance.unserved_usd_per_unit if own is None else own

    def _power(self, option: Option, t: int, kw: float | None, hours: float, made: float) -> dict[str, float]:
        """Energy, carbon and water of `kw` over `hours`, with embodied carbon of `made` instance-hours; 0 if unknown."""
        region, grid = self.world.regions[option.region], self.world.grid(option.region, t)
        if kw is None or region.pue is None:
            return {}
        kwh = region.pue * hours * kw
        adds = {"energy": kwh}
        if grid is not None and (option.embodied is not None or not made):
            adds["carbon"] = kwh * grid / 1000.0 + (option.embodied or 0.0) * made
        if region.wue_l_per_kwh is not None:
            adds["water"] = kwh / region.pue * region.wue_l_per_kwh
        return adds

    def _readers(self, workload: Service | Job) -> list[tuple[Dataset, float]]:
        return [(d, r.gb) for d in self.instance.datasets for r in d.readers if r.workload == workload.id and r.gb]

    # --- services

    def _service(self, service: Service) -> None:
        world, model = self.world, self.model
        utilisation = service.target_utilisation or self.instance.target_utilisation
        total = sum(
            world.rates(stream, t)[0] * hours for stream in service.streams for t, hours in enumerate(world.hours)
        )
        reads = self._readers(service)
        activities = [world.activity(service, stream) for stream in service.streams]
        for t, hours in enumerate(world.hours):
            served: list[Row] = [{} for _ in service.streams]
            for option in world.options:
                if not world.may_run(service, option, t):
                    continue
                row: Row = {}
                for j, stream in enumerate(service.streams):
                    column = self._flow(service, j, stream, activities[j], option=option, t=t)
                    if column is None:
                        continue
                    add(served[j], column)
                    add(row, column)
                    for dataset, gb in reads:
                        add(self.read[dataset.id, option.region], column, gb * hours / total)
                if row and not option.endpoint:
                    asked = sum(model.upper[column] for column in row)
                    most = max(1.0, math.ceil(asked / (utilisation * world.speed(service, option))))
                    n = model.var(most, integer=True)
                    adds = self._power(option, t, option.idle_kw, hours, hours)
                    adds |= {"spend": option.price * hours, "compute": option.price * hours}
                    adds["devices"] = option.devices * hours
                    self.uses.append(Use(n, service, option, t, adds))
                    add(self.held[service.id, option.name, t], n)
                    add(self.running[service.id, option.region, t], n)
                    model.row({**row, n: -utilisation * world.speed(service, option)}, most=0.0)
            for j, stream in enumerate(service.streams):
                self._demand(service, stream, served[j], t)

    def _demand(self, service: Service, stream: Stream, row: Row, t: int) -> None:
        peak, mean = self.world.rates(stream, t)
        price = self._price_unserved(service)
        if price is not None and peak:
            add(row, self.model.var(peak, cost=price * 3600.0 * self.world.hours[t] * mean))
        self.model.row(row, least=peak, most=peak)

    def _flow(
        self, service: Service, j: int, stream: Stream, activity: Activity, *, option: Option, t: int
    ) -> int | None:
        world = self.world
        peak, mean = world.rates(stream, t)
        if not peak or not world.near(service, stream, option.region):
            return None
        needs = world.lawful(activity, option, t)
        if needs is None:
            return None
        column = self.model.var(peak)
        units = 3600.0 * world.hours[t] * mean
        gb = service.response_gb_per_unit
        way = world.unit_price(stream.origin, option.region) or 0.0
        if gb:
            way += gb * (world.response_price(stream.origin, option.region) or 0.0)
        adds: dict[str, float] = {"spend": units * way}
        if option.endpoint:
            adds["compute"] = units * option.price
            adds["spend"] += units * option.price
            adds |= {"carbon": units * (option.kg or 0.0), "energy": units * (option.kwh or 0.0)}
        elif option.idle_kw is not None and option.load_kw is not None:
            busy = world.hours[t] * mean / world.speed(service, option)
            adds |= self._power(option, t, option.load_kw - option.idle_kw, busy, 0.0)
        grid = world.grid(option.region, t)
        adds["carbon"] = adds.get("carbon", 0.0) + units * gb * world.network_kwh * (grid or 0.0) / 1000.0
        self.uses.append(Use(column, service, option, t, adds))
        self.flow[service.id, j, option.name, t] = column
        self._buy(needs, {column: 1.0}, peak)
        return column

    # --- jobs

    def _job(self, job: Job) -> None:
        world, model = self.world, self.model
        window, activity = world.window(job), world.activity(job, None)
        inside = [t for t, hours in enumerate(window) if hours > 1e-9]
        work: Row = {}
        gangs: dict[tuple[str, int], int] = {}
        spent: dict[tuple[str, int], int] = {}
        for t in inside:
            for option in world.options:
                size = math.ceil(job.gang_devices / option.devices - 1e-9) if option.devices else 0
                if not size or (option.devices < 1 and size > 1) or not world.may_run(job, option, t):
                    continue
                needs = world.lawful(activity, option, t)
                if needs is None:
                    continue
                b = gangs[option.name, t] = model.var(job.max_gangs, integer=True)
                hours = spent[option.name, t] = model.var()
                model.row({hours: 1.0, b: -window[t] * size}, most=0.0)
                speed = world.speed(job, option) * 3600.0
                if option.purchase == "spot":
                    speed /= 1.0 + job.spot_overhead
                add(work, hours, speed / job.work)
                self._working(job, option, t, hours, speed / job.work)
                add(self.held[job.id, option.name, t], b, size)
                add(self.running[job.id, option.region, t], b)
                self._buy(needs, {b: 1.0}, job.max_gangs)
        for t in inside:
            model.row({b: 1.0 for (_, at), b in gangs.items() if at == t}, most=job.max_gangs)
        price = self._price_unserved(job)
        undone = {} if price is None else {model.var(1.0, cost=price * job.work): 1.0}
        model.row({**work, **undone}, least=1.0, most=1.0)
        if not job.deferrable and inside:
            first = {b: 1.0 for (_, at), b in gangs.items() if at == inside[0]}
            model.row({**first, **undone}, least=1.0)
        if not job.interruptible:
            self._runs(job, inside, window, gangs, spent)
        elif job.max_gangs == 1 and not job.may_move:
            chosen = {name: model.var(1.0, integer=True) for name in {name for name, _ in gangs}}
            model.row(dict.fromkeys(chosen.values(), 1.0), most=1.0)
            for (name, _), b in gangs.items():
                model.row({b: 1.0, chosen[name]: -1.0}, most=0.0)
        elif job.max_gangs == 1:
            self._walk(job, gangs)

    def _working(self, job: Job, option: Option, t: int, column: int, share: float) -> None:
        """One instance-hour does `share` of the work."""
        adds = self._power(option, t, option.load_kw, 1.0, 1.0) if option.idle_kw is not None else {}
        adds |= {"spend": option.price, "compute": option.price, "devices": option.devices}
        if job.output_gb:
            egress = self.world.regions[option.region].egress_usd_per_gb or 0.0
            adds["spend"] += job.output_gb * share * egress * self.world.discount(option.region, "egress")
            sent = job.output_gb * share * self.world.network_kwh
            adds["carbon"] = adds.get("carbon", 0.0) + sent * (self.world.grid(option.region, t) or 0.0) / 1000.0
        self.uses.append(Use(column, job, option, t, adds))
        for dataset, gb in self._readers(job):
            add(self.read[dataset.id, option.region], column, gb * share)

    def _runs(
        self, job: Job, inside: list[int], window: list[float], gangs: Mapping[tuple[str, int], int],
        spent: Mapping[tuple[str, int], int],
    ) -> None:  # fmt: skip
        """Choose at most one run (option, first period, last period); what lies inside it is fully used."""
        chosen: Row = {}
        covering: dict[tuple[str, int], Row] = {key: {} for key in gangs}
        full: dict[tuple[str, int], Row] = {key: {} for key in gangs}
        for name in dict.fromkeys(name for name, _ in gangs):
            for s in inside:
                if not job.deferrable and s != inside[0]:
                    continue
                for e in range(s, inside[-1] + 1):
                    if (name, e) not in gangs or (name, s) not in gangs:
                        break
                    run = self.model.var(1.0, integer=True)
                    add(chosen, run)
                    for t in range(s, e + 1):
                        add(covering[name, t], run)
                        if s < t < e or (t == s < e and not job.deferrable):
                            add(full[name, t], run)
        self.model.row(chosen, most=1.0)
        for (name, t), b in gangs.items():
            self.model.row({**covering[name, t], b: -1.0}, least=0.0, most=0.0)
            size = math.ceil(job.gang_devices / self.by_name[name].devices - 1e-9)
            row = dict.fromkeys(full[name, t], -window[t] * size)
            if row:
                self.model.row({**row, spent[name, t]: 1.0}, least=0.0)

    def _walk(self, job: Job, gangs: Mapping[tuple[str, int], int]) -> None:
        """The checkpoint is in one region per period; between periods it stays or takes one priced way."""
        model, world = self.model, self.world
        there = {(self.by_name[name].region, t) for name, t in gangs}
        at = {key: model.var(1.0, integer=True) for key in sorted(there)}
        for (region, t), there_now in at.items():
            here = {b: 1.0 for (name, when), b in gangs.items() if when == t and self.by_name[name].region == region}
            model.row({**here, there_now: -1.0}, most=0.0)
        periods = sorted({t for _, t in at})
        for t in periods:
            model.row({column: 1.0 for (_, when), column in at.items() if when == t}, least=1.0, most=1.0)
        for before, t in pairwise(periods):
            leaving, arriving = defaultdict(dict), defaultdict(dict)
            for source in [r for r, when in at if when == before]:
                for target in [r for r, when in at if when == t]:
                    usd = 0.0 if not job.checkpoint_gb else world.carry(source, target)
                    if usd is None:
                        continue
                    arc = model.var(1.0)
                    leaving[source][arc] = arriving[target][arc] = 1.0
                    spend = usd * (job.checkpoint_gb or 0.0)
                    if spend:
                        self.other.append(({arc: spend}, {"moving": 1.0}))
            for source in [r for r, when in at if when == before]:
                model.row({**leaving[source], at[source, before]: -1.0}, least=0.0, most=0.0)
            for target in [r for r, when in at if when == t]:
                model.row({**arriving[target], at[target, t]: -1.0}, least=0.0, most=0.0)

    # --- presence

    def _presence(self, workload: Service | Job) -> None:
        model, least = self.model, workload.min_regions
        most = 1 if workload.indivisible else workload.max_regions
        regions = sorted({use.option.region for use in self.uses if use.workload.id == workload.id})
        present = {region: model.var(1.0, integer=True) for region in regions}
        self.present |= {(workload.id, region): column for region, column in present.items()}
        for region, column in present.items():
            self._use_region(region, column)
            backed: Row = {column: 1.0}
            demand = 0.0
            if isinstance(workload, Service):
                demand = sum(self.world.rates(s, t)[0] for s in workload.streams for t in range(len(self.world.hours)))
                for (name, j, option, t), flow in self.flow.items():
                    if name == workload.id and self.by_name[option].region == region:
                        peak = self.world.rates(workload.streams[j], t)[0]
                        model.row({flow: 1.0, column: -peak}, most=0.0)
                        if self.by_name[option].endpoint:
                            add(backed, flow, -1.0 / (0.01 * demand))
            for (name, where, _), things in self.running.items():
                if (name, where) == (workload.id, region):
                    for thing, weight in things.items():
                        model.row({thing: weight, column: -model.upper[thing] * weight}, most=0.0)
                        add(backed, thing, -1.0)
            if least > 1:
                model.row(backed, most=0.0)
        if least > 1:
            model.row(dict.fromkeys(present.values(), 1.0), least=least)
        if most is not None:
            model.row(dict.fromkeys(present.values(), 1.0), most=most)

    # --- data

    def _datasets(self) -> None:
        world = self.world
        for dataset, profile in world.rest:
            here = self._copies(dataset.id, dataset.size_gb, profile, allowed=dataset.regions, held=dataset.present_in)
            self.model.row(dict.fromkeys(here.values(), 1.0), least=dataset.min_copies)
            self._countries(here, dataset.min_countries)
            self._reading(dataset, here)
        for workload in self.instance.workloads:
            streams: tuple[Stream | None, ...] = workload.streams if isinstance(workload, Service) else (None,)
            for j, stream in enumerate(streams):
                profile = world.own(workload, stream)
                duties = world.duties(profile) if workload.data.retention_hours else set()
                if duties:
                    if workload.data.retained_gb is None:
                        raise NotCoveredError("a duty to keep what has no size")
                    name = f"{workload.id}#{j}"
                    places = set().union(*duties)
                    inside = tuple(r for r, region in world.regions.items() if region.country in places)
                    allowed = inside or ("nowhere",)
                    self._copies(name, workload.data.retained_gb, profile, allowed=allowed, held=())

    def _copies(
        self, name: str, size: float, profile: DataProfile, *, allowed: tuple[str, ...], held: tuple[str, ...]
    ) -> dict[str, int]:
        world, found = self.world, {}
        for region, facts in world.regions.items():
            needs = world.storable(profile, region)
            if (allowed and region not in allowed) or needs is None:
                continue
            carried = [usd for h in held if (usd := world.carry(h, region)) is not None]
            stored = facts.storage_usd_per_gb_month
            if size and (stored is None or (held and not carried)):
                continue
            usd = 0.0
            if size and stored is not None:
                usd = size * stored * world.discount(region, "storage") * world.total / 730.0
                usd += size * min(carried) if held else 0.0
            column = found[region] = self.copies[name, region] = self.model.var(1.0, integer=True)
            self.resting.append(("copy", region, {column: usd}))
            self._buy(needs, {column: 1.0}, 1.0)
            self._use_region(region, column)
        for countries in world.duties(profile):
            inside = {column: 1.0 for region, column in found.items() if world.regions[region].country in countries}
            self.model.row(inside, least=1.0)
        return found

    def _countries(self, here: Mapping[str, int], least: int) -> None:
        if least < 2:
            return
        flags: Row = {}
        for country in sorted({self.world.regions[region].country for region in here}):
            flag = self.model.var(1.0, integer=True)
            flags[flag] = 1.0
            inside = {c: -1.0 for region, c in here.items() if self.world.regions[region].country == country}
            self.model.row({flag: 1.0, **inside}, most=0.0)
        self.model.row(flags, least=least)

    def _reading(self, dataset: Dataset, here: Mapping[str, int]) -> None:
        most = sum(reader.gb for reader in dataset.readers)
        for (name, region), read in self.read.items():
            if name != dataset.id:
                continue
            balance = {column: -gb for column, gb in read.items()}
            for source, copy in here.items():
                usd = self.world.carry(source, region)
                if usd is None:
                    continue
                column = self.model.var()
                balance[column] = 1.0
                self.model.row({column: 1.0, copy: -most}, most=0.0)
                self.resting.append(("transfer", source, {column: usd}))
            self.model.row(balance, least=0.0, most=0.0)

    # --- survival

    def _wishes(self, service: Service) -> dict[str, float]:
        asked = [p for p in self.instance.policies if isinstance(p, SurvivalPolicy)]
        if service.survival is not None:
            return {service.survival.of: service.survival.share}
        wishes: dict[str, float] = {}
        for policy in asked:
            scope: Scope = policy.scope
            named = not scope.workloads or service.id in scope.workloads
            if named and (not scope.tags or set(scope.tags) & set(service.tags)):
                wishes[policy.of] = max(policy.share, wishes.get(policy.of, 0.0))
        return wishes

    def _place(self, region: str, of: str) -> str:
        facts = self.world.regions[region]
        return {"region": facts.id, "metro": facts.metro or facts.id, "provider": facts.provider}[of]

    def _survival(self) -> None:
        failing: dict[tuple[str, str], dict[tuple[str, int, str, int], int]] = {}
        touched: dict[tuple[str, str], set[str]] = defaultdict(set)
        for service in self.instance.workloads:
            if not isinstance(service, Service):
                continue
            for of, share in self._wishes(service).items():
                own = [key for key in self.flow if key[0] == service.id]
                read = {d.id for d, _ in self._readers(service)}
                places = {self._place(self.by_name[key[2]].region, of) for key in own}
                places |= {self._place(region, of) for name, region in self.copies if name in read}
                for j, stream in enumerate(service.streams):
                    for t in range(len(self.world.hours)):
                        if self.world.rates(stream, t)[0] and not any(k[1] == j and k[3] == t for k in own):
                            self.model.impossible = True
                for place in places:
                    event = failing.setdefault((of, place), {})
                    touched[of, place].add(service.id)
                    self._fail(service, of, place, share, event=event)
        for (of, place), event in failing.items():
            self._failing_rates(of, event, touched[of, place], place)

    def _fail(
        self, service: Service, of: str, place: str, share: float, *, event: dict[tuple[str, int, str, int], int]
    ) -> None:
        world, model = self.world, self.model
        read = [d.id for d, _ in self._readers(service)]
        stands = {key: column for key, column in self.copies.items() if self._place(key[1], of) != place}
        outside = {d: {r: column for (name, r), column in stands.items() if name == d} for d in read}
        for copies in outside.values():
            model.row(dict.fromkeys(copies.values(), 1.0), least=1.0)
        utilisation = service.target_utilisation or self.instance.target_utilisation
        activities = [world.activity(service, stream) for stream in service.streams]
        for t in range(len(world.hours)):
            carried: list[Row] = [{} for _ in service.streams]
            for option in world.options:
                if self._place(option.region, of) == place:
                    continue
                load: Row = {}
                for j, stream in enumerate(service.streams):
                    if (service.id, j, option.name, t) not in self.flow:
                        continue
                    most = share * world.rates(stream, t)[0]
                    g = event[service.id, j, option.name, t] = model.var(most)
                    add(carried[j], g)
                    add(load, g)
                    self._buy(world.lawful(activities[j], option, t) or frozenset(), {g: 1.0}, most)
                    for copies in outside.values():
                        near = {c: -most for r, c in copies.items() if world.carry(r, option.region) is not None}
                        model.row({g: 1.0, **near}, most=0.0)
                if load and not option.endpoint:
                    speed = utilisation * world.speed(service, option)
                    for n, weight in self.held[service.id, option.name, t].items():
                        add(load, n, -speed * weight)
                    model.row(load, most=0.0)
                elif load:
                    self._failover_present(service, option, load)
            for j, stream in enumerate(service.streams):
                model.row(carried[j], least=share * world.rates(stream, t)[0])

    def _failover_present(self, service: Service, option: Option, load: Row) -> None:
        """Where the number of regions is limited, an endpoint that takes over must be in one of them."""
        limited = service.indivisible or service.max_regions is not None or service.min_regions > 1
        if not limited and not self.world.regions[option.region].fixed_usd_per_hour:
            return
        present = self.present[service.id, option.region]
        self.model.row({**load, present: -sum(self.model.upper[g] for g in load)}, most=0.0)

    def _failing_rates(
        self, of: str, event: Mapping[tuple[str, int, str, int], int], services: set[str], place: str
    ) -> None:
        for t in range(len(self.world.hours)):
            for members, limit in self._rate_pools():
                row: Row = {}
                for key, g in event.items():
                    if key[3] == t and key[2] in members:
                        add(row, g)
                if not row:
                    continue
                for key, f in self.flow.items():
                    stays = self._place(self.by_name[key[2]].region, of) != place and key[0] not in services
                    if key[3] == t and key[2] in members and stays:
                        add(row, f)
                self.model.row(row, most=limit)

    # --- limits

    def _rate_pools(self) -> list[tuple[set[str], float]]:
        quotas, endpoints = self.instance.quotas, [o for o in self.world.options if o.endpoint]
        pools = []
        for quota in quotas.limits:
            if isinstance(quota.units_per_s, float):
                pools.append(({o.name for o in endpoints if self.world.quota_covers(quota, o)}, quota.units_per_s))
        if isinstance(quotas.default_endpoint_units_per_s, float):
            for o in endpoints:
                if not any(q.units_per_s is not None and q.endpoint == o.name for q in quotas.limits):
                    pools.append(({o.name}, quotas.default_endpoint_units_per_s))
        return pools

    def _pools(self) -> None:
        world, quotas = self.world, self.instance.quotas
        machines = [o for o in world.options if not o.endpoint]
        bought = [o for o in machines if o.purchase != "committed"]
        pools: list[tuple[dict[str, float], float]] = []
        for quota in quotas.limits:
            if isinstance(quota.devices, float):
                pools.append(({o.name: o.devices for o in bought if world.quota_covers(quota, o)}, quota.devices))
            if quota.kw is not None:
                covered = [o for o in machines if world.quota_covers(quota, o)]
                pools.append(({o.name: o.load_kw or 0.0 for o in covered}, quota.kw))
        if isinstance(quotas.default_devices, float):
            named = {(q.accelerator, q.region) for q in quotas.limits if q.devices is not None}
            for pair in {(o.accelerator, o.region) for o in bought} - named:
                inside = {o.name: o.devices for o in bought if (o.accelerator, o.region) == pair}
                pools.append((inside, quotas.default_devices))
        for commitment in self.instance.commitments:
            pools.append(({f"commitment:{commitment.id}": 1.0}, commitment.instances))
        for t in range(len(world.hours)):
            for weights, limit in pools:
                row: Row = {}
                for (_, name, when), held in self.held.items():
                    if when == t and name in weights:
                        for column, count in held.items():
                            add(row, column, count * weights[name])
                self.model.row(row, most=limit)
            for members, limit in self._rate_pools():
                flows = {f: 1.0 for key, f in self.flow.items() if key[3] == t and key[2] in members}
                self.model.row(flows, most=limit)

    def _budgets(self) -> None:
        for budget in self.instance.budgets:
            metric, limit = budget_limit(budget)
            whole = not any(budget.scope.model_dump().values())
            row: Row = {}
            for use in self.uses:
                if self.world.in_scope(budget.scope, use.workload, use.option.region, use.t):
                    add(row, use.column, use.adds.get(metric, 0.0))
            if metric == "spend":
                for _, region, usd in self.resting:
                    if region is not None and self.world.in_scope(budget.scope, None, region, None):
                        for column, weight in usd.items():
                            add(row, column, weight)
                if whole:
                    for column, weight in self._lump_sums():
                        add(row, column, weight)
            self.model.row(row, most=limit)

    def _lump_sums(self) -> list[tuple[int, float]]:
        found = [(column, self.world.mechanism_usd(key)) for key, column in self.bought.items()]
        for region, column in self.in_use.items():
            found.append((column, self.world.regions[region].fixed_usd_per_hour * self.world.total))
        return found + [(column, usd) for terms, _ in self.other for column, usd in terms.items()]

    def _shares(self) -> None:
        measures = {"compute_usd": "compute", "device_hours": "devices", "energy_kwh": "energy"}
        for policy in self.instance.policies:
            if not isinstance(policy, ProviderShare | CountryShare | SpotShare):
                continue
            metric = "devices" if isinstance(policy, SpotShare) else measures[policy.measure]
            inside = [u for u in self.uses if self.world.in_scope(policy.scope, u.workload, u.option.region, u.t)]
            everything = [(u, u.adds.get(metric, 0.0)) for u in inside]
            if isinstance(policy, SpotShare):
                self._share(everything, [u.option.purchase == "spot" for u in inside], most=policy.max_share)
            elif isinstance(policy, CountryShare):
                there = [self._inside(policy, u) for u in inside]
                self._share(everything, there, least=policy.min_share)
            else:
                operators = [self.world.regions[u.option.region].provider for u in inside]
                for names in [set(policy.providers)] if policy.providers else [{name} for name in set(operators)]:
                    self._share(everything, [name in names for name in operators], most=policy.max_share)

    def _inside(self, policy: CountryShare, use: Use) -> bool:
        places = self.world.places(policy.countries, policy.country_groups, use.t)
        return self.world.regions[use.option.region].country in places

    def _share(
        self, everything: list[tuple[Use, float]], part: list[bool], *, least: float = 0.0, most: float = 1.0
    ) -> None:
        for share, low, high in ((most, -math.inf, 0.0), (least, 0.0, math.inf)):
            row: Row = {}
            for (use, amount), counted in zip(everything, part, strict=True):
                add(row, use.column, amount * (counted - share))
            if 0.0 < share < 1.0 or (share == 0.0 and high == 0.0) or (share == 1.0 and low == 0.0):
                self.model.row(row, low, high)

    def _objective(self) -> None:
        price = self.instance.carbon.price_usd_per_tonne / 1000.0
        cost = self.model.cost
        for use in self.uses:
            cost[use.column] += use.adds.get("spend", 0.0) + price * use.adds.get("carbon", 0.0)
        for _, _, usd in self.resting:
            for column, weight in usd.items():
                cost[column] += weight
        for column, usd in self._lump_sums():
            cost[column] += usd
