"""Copies of datasets, reads, and what must survive a failure, in the second statement of the optimization."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from independent_model import Row, add
from independent_work import Work
from independent_world import NotCoveredError, Option

from optimizer.instance.base import Scope
from optimizer.instance.rules import SurvivalPolicy
from optimizer.instance.workloads import Data, Dataset, Job, Service, Stream
from optimizer.laws.types import DataProfile


class Resting(Work):
    """Data at rest, and failures."""

    def _datasets(self) -> None:
        world = self.world
        for dataset, profile in world.rest:
            current = self.instance.current
            today = [c.region for c in current.copies if c.dataset == dataset.id] if current is not None else []
            here = self._copies(dataset.id, dataset.size_gb, profile, allowed=dataset.regions,
                                held=(*dataset.present_in, *today), owner=None, data=dataset)  # fmt: skip
            self.model.row(dict.fromkeys(here.values(), 1.0), least=dataset.min_copies)
            self._countries(here, dataset.min_countries)
            self._reading(dataset, here)
        for workload in self.instance.workloads:
            if workload.data.retention_hours:
                self._retained(workload)

    def _retained(self, workload: Service | Job) -> None:
        """What a workload keeps, by the persons of its streams: a share of its size, owed for any flow or gang."""
        world = self.world
        streams: tuple[Stream | None, ...] = workload.streams if isinstance(workload, Service) else (None,)
        whole = sum(world.mean_demand(s) for s in streams if s is not None)
        for profile in dict.fromkeys(world.own(workload, stream) for stream in streams):
            own = [j for j, stream in enumerate(streams) if world.own(workload, stream) == profile]
            part = sum(world.mean_demand(s) for j in own if (s := streams[j]) is not None)
            share = 1.0 if isinstance(workload, Job) else part / whole if whole else 0.0
            duties = world.duties(profile)
            if not duties or not share:
                continue
            if workload.data.retained_gb is None:
                raise NotCoveredError("a duty to keep what has no size")
            places = set().union(*duties)
            allowed = tuple(r for r, region in world.regions.items() if region.country in places) or ("nowhere",)
            doing = [f for key, f in self.flow.items() if key[0] == workload.id and key[1] in own]
            doing += self.gangs[workload.id]
            self._copies(
                f"{workload.id}#{own[0]}", share * workload.data.retained_gb, replace(profile, retention_hours=None),
                allowed=allowed, held=(), owner=workload, data=workload.data,
                owed_for=None if self._price_unserved(workload) is None else doing,
            )  # fmt: skip

    def _copies(
        self, name: str, size: float, profile: DataProfile, *, allowed: tuple[str, ...], held: tuple[str, ...],
        owner: Service | Job | None, data: Data | Dataset, owed_for: list[int] | None = None,
    ) -> dict[str, int]:  # fmt: skip
        world, found = self.world, {}
        for region, facts in world.regions.items():
            needs = world.storable(profile, region, data)
            if (allowed and region not in allowed) or needs is None or not world.may_rest(owner, region):
                continue
            sender, carried, kg = region, 0.0, 0.0
            if size and held and region not in held:
                ways = [(usd, world.sent_kg(h), h) for h in held if (usd := world.carry(h, region)) is not None]
                if not ways:
                    continue
                carried, kg, sender = min(ways, key=lambda way: (way[0], float("inf") if way[1] is None else way[1]))
                if kg is None and world.carbon_asked(None, sender):
                    continue
            stored = facts.storage_usd_per_gb_month
            if size and stored is None and region not in held:
                continue
            usd = size * (stored or 0.0) * world.discount(region, "storage") * world.total / 730.0
            column = found[region] = self.copies[name, region] = self.model.var(1.0, integer=True)
            self.resting.append(("copy", region, {column: usd}))
            self.resting.append(("carriage", sender, {column: size * carried}))
            self.carried.append((sender, column, size * (kg or 0.0)))
            self._buy(needs, {column: 1.0}, 1.0)
            self._use_region(region, column)
        for countries in world.duties(profile):
            inside = {column: 1.0 for region, column in found.items() if world.regions[region].country in countries}
            if owed_for is None:
                self.model.row(inside, least=1.0)
            for activity in owed_for or ():
                most = self.model.upper[activity]
                self.model.row({activity: 1.0, **dict.fromkeys(inside, -most)}, most=0.0)
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
                kg = 0.0 if source == region else self.world.sent_kg(source)
                if usd is None or (kg is None and self.world.carbon_asked(None, source)):
                    continue
                column = self.model.var()
                self.carried.append((source, column, kg or 0.0))
                balance[column] = 1.0
                self.model.row({column: 1.0, copy: -most}, most=0.0)
                self.resting.append(("transfer", source, {column: usd}))
            self.model.row(balance, least=0.0, most=0.0)

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
                    speed = world.relied_on(service, option)
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
