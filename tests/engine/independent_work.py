"""Services, jobs and where they are present, in the second statement of the optimization."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise

from independent_law import Activity
from independent_model import Frame, Row, Use, add
from independent_world import Option

from optimizer.instance.workloads import Job, Service, Stream


def gang_size(job: Job, option: Option) -> int:
    """Return the machines that hold one gang; a gang without a size is one machine."""
    if not option.devices:
        return 0
    return 1 if job.gang_devices is None else math.ceil(job.gang_devices / option.devices - 1e-9)


class Work(Frame):
    """What workloads use."""

    def _service(self, service: Service) -> None:
        world, model = self.world, self.model
        total = sum(world.mean_demand(stream) for stream in service.streams)
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
                        if total:
                            share = world.rates(stream, t)[1] * hours / total
                            add(self.read[dataset.id, option.region], column, gb * share)
                if row and not option.endpoint:
                    asked = sum(model.upper[column] for column in row)
                    most = max(1.0, math.ceil(asked / world.relied_on(service, option)))
                    n = model.var(most, integer=True)
                    adds = self._power(option, t, option.idle_kw, hours, hours)
                    adds |= {"spend": option.price * hours, "compute": option.price * hours}
                    adds["devices"] = option.devices * hours
                    self.uses.append(Use(n, service, option, t, adds))
                    add(self.held[service.id, option.name, t], n)
                    add(self.running[service.id, option.region, t], n)
                    model.row({**row, n: -world.relied_on(service, option)}, most=0.0)
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
            adds |= {"carbon": units * (world.endpoint_kg(option, t) or 0.0), "energy": units * (option.kwh or 0.0)}
            adds["operational"] = units * (world.endpoint_kg(option, t, made=False) or 0.0)
        elif option.idle_kw is not None and option.load_kw is not None:
            busy = world.hours[t] * mean / world.speed(service, option)
            adds |= self._power(option, t, option.load_kw - option.idle_kw, busy, 0.0)
        grid = world.grid(option.region, t)
        for metric in ("carbon", "operational"):
            adds[metric] = adds.get(metric, 0.0) + units * gb * world.network_kwh * (grid or 0.0) / 1000.0
        self.uses.append(Use(column, service, option, t, adds))
        self.flow[service.id, j, option.name, t] = column
        self._buy(needs, {column: 1.0}, peak)
        return column

    def _job(self, job: Job) -> None:
        world, model = self.world, self.model
        window, activity = world.window(job), world.activity(job, None)
        inside = [t for t, hours in enumerate(window) if hours > 1e-9]
        work: Row = {}
        gangs: dict[tuple[str, int], int] = {}
        spent: dict[tuple[str, int], int] = {}
        for t in inside:
            for option in world.options:
                size = gang_size(job, option)
                if not size or (option.devices < 1 and size > 1) or not world.may_run(job, option, t):
                    continue
                needs = world.lawful(activity, option, t)
                if needs is None:
                    continue
                b = gangs[option.name, t] = model.var(job.max_gangs, integer=True)
                hours = spent[option.name, t] = model.var()
                model.row({hours: 1.0, b: -window[t] * size}, most=0.0)
                busy = (job.gang_devices or size * option.devices) / (size * option.devices)
                speed = world.speed(job, option) * 3600.0
                if option.purchase == "spot":
                    speed /= 1.0 + job.spot_overhead
                add(work, hours, speed / job.work)
                self._working(job, option, t, column=hours, share=speed / job.work, busy=min(busy, 1.0))
                add(self.held[job.id, option.name, t], b, size)
                add(self.running[job.id, option.region, t], b)
                self._buy(needs, {b: 1.0}, job.max_gangs)
                self.gangs[job.id].append(b)
        for t in inside:
            model.row({b: 1.0 for (_, at), b in gangs.items() if at == t}, most=job.max_gangs)
        price = self._price_unserved(job)
        undone = {} if price is None else {model.var(1.0, cost=price * job.work): 1.0}
        model.row({**work, **undone}, least=1.0, most=1.0)
        if not job.deferrable and inside:
            self._prompt(job, inside[0], window[inside[0]], gangs=gangs, spent=spent)
        if not job.interruptible:
            self._runs(job, inside, window, gangs, spent)
        elif job.max_gangs == 1 and not job.may_move:
            chosen = {name: model.var(1.0, integer=True) for name in {name for name, _ in gangs}}
            model.row(dict.fromkeys(chosen.values(), 1.0), most=1.0)
            for (name, _), b in gangs.items():
                model.row({b: 1.0, chosen[name]: -1.0}, most=0.0)
        elif job.max_gangs == 1:
            self._walk(job, gangs)

    def _prompt(
        self, job: Job, first: int, hours: float, *, gangs: Mapping[tuple[str, int], int],
        spent: Mapping[tuple[str, int], int],
    ) -> None:  # fmt: skip
        """If the job goes on after its first period, it works there for as long as one gang can."""
        goes_on = self.model.var(1.0, integer=True)
        worked: Row = {goes_on: -1.0}
        for (name, t), b in gangs.items():
            if t == first:
                size = gang_size(job, self.by_name[name])
                worked[spent[name, t]] = 1.0 / (hours * size)
            else:
                self.model.row({b: 1.0, goes_on: -job.max_gangs}, most=0.0)
        self.model.row(worked, least=0.0)

    def _working(self, job: Job, option: Option, t: int, *, column: int, share: float, busy: float) -> None:
        """One instance-hour does `share` of the work on the `busy` part of its devices; the others idle."""
        adds: dict[str, float] = {}
        if option.idle_kw is not None and option.load_kw is not None:
            adds = self._power(option, t, busy * option.load_kw + (1.0 - busy) * option.idle_kw, 1.0, 1.0)
        adds |= {"spend": option.price, "compute": option.price, "devices": option.devices}
        if job.output_gb:
            egress = self.world.regions[option.region].egress_usd_per_gb or 0.0
            adds["spend"] += job.output_gb * share * egress * self.world.discount(option.region, "egress")
            sent = job.output_gb * share * self.world.network_kwh
            for metric in ("carbon", "operational"):
                kg = sent * (self.world.grid(option.region, t) or 0.0) / 1000.0
                adds[metric] = adds.get(metric, 0.0) + kg
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
            size = gang_size(job, self.by_name[name])
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
                    kg = 0.0 if source == target or not job.checkpoint_gb else world.sent_kg(source)
                    if usd is None or (kg is None and world.carbon_asked(job, source)):
                        continue
                    arc = model.var(1.0)
                    leaving[source][arc] = arriving[target][arc] = 1.0
                    spend = usd * (job.checkpoint_gb or 0.0)
                    made = (kg or 0.0) * (job.checkpoint_gb or 0.0)
                    if spend or made:
                        self.moving.append((job, source, t, arc, spend, made))
            for source in [r for r, when in at if when == before]:
                model.row({**leaving[source], at[source, before]: -1.0}, least=0.0, most=0.0)
            for target in [r for r, when in at if when == t]:
                model.row({**arriving[target], at[target, t]: -1.0}, least=0.0, most=0.0)

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
            if least > 1 or self._is_counted(workload):
                model.row(backed, most=0.0)
        if least > 1:
            model.row(dict.fromkeys(present.values(), 1.0), least=least)
        if most is not None:
            model.row(dict.fromkeys(present.values(), 1.0), most=most)
