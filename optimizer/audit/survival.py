"""Would what is provisioned elsewhere carry the demand, if any one region, metro or provider failed?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from optimizer.audit.desk import Desk
from optimizer.audit.facts import Offer, Region
from optimizer.audit.findings import Findings, exceeds
from optimizer.audit.law_check import PlacePolicy, broken, offer_rulings
from optimizer.audit.lines import Ledger, resolve_lines
from optimizer.audit.names import region_of
from optimizer.audit.supply import Supply
from optimizer.audit.totals import regions_used
from optimizer.audit.world import World
from optimizer.instance.rules import SurvivalPolicy
from optimizer.instance.workloads import Service, Survival
from optimizer.plan.models import Plan

Eligible = dict[tuple[str, tuple[str, str, str], int], bool]
"""Whether a stream may be served by an offer in a period."""


@dataclass(frozen=True)
class Cell:
    """What an offer can still carry in a period: `capacity` units/s, for an endpoint what its pools leave."""

    offer: Offer
    capacity: float


def place_of(region: Region, of: str) -> str:
    """Return the place that fails with a region."""
    return {"region": region.id, "metro": region.metro or region.id, "provider": region.provider}[of]


def wishes(world: World, desk: Desk, service: Service) -> list[tuple[Survival, str | None]]:
    """Return what a service must survive: by its own wish, else by the policies that select it."""
    if service.survival is not None:
        return [(service.survival, None)]
    policies = [p for p in world.instance.policies if isinstance(p, SurvivalPolicy)]
    return [(p, p.id) for p in policies if desk.scopes.of_workload(p.scope, service)]


def check_survival(ledger: Ledger, plan: Plan, desk: Desk, findings: Findings) -> None:
    """Check every service that must survive, against every place whose failure would touch it."""
    for service in ledger.world.instance.workloads:
        if isinstance(service, Service):
            for check in _checks(ledger, plan, desk, service, findings=findings):
                for place in check.places():
                    check.fail(place)


def served_if_lost(world: World, plan: Plan, of: Literal["region", "metro", "provider"]) -> float | None:
    """Return the share of the peak demand of services that is still served when the place fails whose failure takes
    most: by what the plan keeps elsewhere, and by endpoints, as far as distance, law and quotas let them. Every service
    counts the same, and is taken alone. None: the plan has no service.
    """
    desk = Desk(world, plan)
    ledger = Ledger(world, resolve_lines(world, plan, Findings()))
    services = [one for one in world.instance.workloads if isinstance(one, Service)]
    checks = [
        _Check(ledger, desk, service, wish=Survival(of=of, share=1.0), rule=None, copies=_copies(world, plan),
               in_use=set(regions_used(ledger, plan)), findings=Findings())
        for service in services
    ]  # fmt: skip
    places = sorted({place for check in checks for place in check.places()})
    if not checks:
        return None
    return min(sum(check.share_left(place) for check in checks) / len(checks) for place in places or [""])


def survives(
    ledger: Ledger, plan: Plan, desk: Desk, service: Service, *, eligible: Eligible | None = None,
    on_endpoints: bool = True,
) -> bool:  # fmt: skip
    """Return True if a service survives every failure that it must.

    `eligible` keeps judgements between calls; without `on_endpoints` endpoints take over only where the plan has them.
    """
    findings = Findings()
    for check in _checks(ledger, plan, desk, service, findings=findings, eligible=eligible):
        check.may_open = on_endpoints and check.may_open
        for place in check.places():
            check.fail(place)
            if findings.violations:
                return False
    return True


def may_take_over(
    ledger: Ledger, plan: Plan, desk: Desk, service: Service, *, region: Region, eligible: Eligible
) -> bool:
    """Return True if a service that must survive may be served by an endpoint of a region when something fails."""
    offers = [offer for offer in ledger.world.endpoints(service) if offer.region.id == region.id]
    streams, periods = ledger.world.streams[service.id], range(len(ledger.world.calendar.ids))
    return any(
        check.eligible(stream, offer, t)
        for check in _checks(ledger, plan, desk, service, findings=Findings(), eligible=eligible)
        for offer in offers
        for stream in streams
        for t in periods
    )


def _checks(
    ledger: Ledger, plan: Plan, desk: Desk, service: Service, *, findings: Findings, eligible: Eligible | None = None
) -> list[_Check]:
    """Return the checks of one service, one for each kind of failure; what they find goes into `findings`."""
    asked = wishes(ledger.world, desk, service)
    if not asked:
        return []
    copies, in_use = _copies(ledger.world, plan), set(regions_used(ledger, plan))
    return [
        _Check(ledger, desk, service, wish=wish, rule=rule, copies=copies, in_use=in_use, findings=findings,
               eligible=eligible)
        for wish, rule in asked
    ]  # fmt: skip


def _copies(world: World, plan: Plan) -> dict[str, list[Region]]:
    """Return by dataset the regions in which a plan keeps copies."""
    copies: dict[str, list[Region]] = defaultdict(list)
    for row in plan.copies:
        region = region_of(world, row)
        if region is not None:
            copies[row.dataset].append(region)
    return copies


class _Check:
    """One service and one kind of failure."""

    def __init__(
        self,
        ledger: Ledger,
        desk: Desk,
        service: Service,
        *,
        wish: Survival,
        rule: str | None,
        copies: dict[str, list[Region]],
        in_use: set[str],
        findings: Findings,
        eligible: Eligible | None = None,
    ) -> None:
        self.ledger, self.desk, self.world = ledger, desk, ledger.world
        self.service, self.wish, self.rule, self.findings = service, wish, rule, findings
        self.in_use = in_use
        self.may_open = "endpoint" in service.runs.via
        self.lines = ledger.by_workload.get(service.id, [])
        self.read = {dataset.id: copies[dataset.id] for dataset, gb in self.world.readers(service) if gb > 0}
        self.supply = Supply(self.world.instance)
        self._eligible: Eligible = {} if eligible is None else eligible

    def places(self) -> list[str]:
        """Return every place whose failure would take something from the service."""
        regions = [line.region for line in self.lines] + [r for copies in self.read.values() for r in copies]
        return sorted({place_of(region, self.wish.of) for region in regions})

    def outside(self, region: Region, place: str) -> bool:
        """Return True if a region still stands."""
        return place_of(region, self.wish.of) != place

    def fail(self, place: str) -> None:
        """Check one failing place in every period."""
        where = f"{self.service.id} without {self.wish.of} {place}"
        for dataset, copies in self.read.items():
            if not any(self.outside(region, place) for region in copies):
                self.findings.add("survival", where, f"no copy of {dataset} is left", rule=self.rule)
        for t, period in enumerate(self.world.calendar.ids):
            self.findings.checked["failures"] += 1
            streams = self.world.streams[self.service.id]
            demand = {name: self.wish.share * self.world.peak(s, t) for name, s in streams.items()}
            cells = self.cells(place, t, self.used_offers(t))
            short = self.shortfall(demand, cells, t, place)
            if exceeds(short, 0.0, sum(demand.values())) and self.may_open:
                short = self.shortfall(demand, self.cells(place, t, self.every_offer(t)), t, place)
            if exceeds(short, 0.0, sum(demand.values())):
                self.findings.add("survival", f"{where} in {period}", "units/s that nothing left can serve",
                                  expected=0.0, found=short, rule=self.rule)  # fmt: skip

    def share_left(self, place: str) -> float:
        """Return the share of peak demand that is served without a place ("": nothing fails) in the worst period."""
        shares = [1.0]
        has_data = all(any(self.outside(region, place) for region in copies) for copies in self.read.values())
        for t in range(len(self.world.calendar.ids)):
            demand = {name: self.world.peak(s, t) for name, s in self.world.streams[self.service.id].items()}
            total = sum(demand.values())
            if total > 0:
                offers = self.every_offer(t) if self.may_open else self.used_offers(t)
                short = self.shortfall(demand, self.cells(place, t, offers), t, place) if has_data else total
                shares.append(1.0 - min(short / total, 1.0))
        return min(shares)

    def used_offers(self, t: int) -> dict[tuple[str, str, str], Offer]:
        """Return the offers on which the service has instances or flow in a period."""
        return {line.offer.key: line.offer for line in self.lines if line.period == t}

    def every_offer(self, t: int) -> dict[tuple[str, str, str], Offer]:
        """Return the offers in use, and every endpoint of the model: endpoints hold nothing in reserve."""
        endpoints = self.world.endpoints(self.service)
        return {**{offer.key: offer for offer in endpoints}, **self.used_offers(t)}

    def cells(self, place: str, t: int, offers: dict[tuple[str, str, str], Offer]) -> list[Cell]:
        """Return what stands after the failure and what it carries."""
        found = []
        for key, offer in offers.items():
            if not self.outside(offer.region, place) or not self.has_data(offer.region, place):
                continue
            if offer.endpoint is not None:
                found.append(Cell(offer, float("inf")))
                continue
            count = sum(line.row.instances for line in self.lines if line.offer.key == key and line.period == t)
            speed = self.world.units_per_s(self.service, offer) or 0.0
            found.append(Cell(offer, self.world.relied_on(self.service, offer) * speed * count))
        return found

    def has_data(self, region: Region, place: str) -> bool:
        """Return True if every dataset read has a copy outside the failure that can be read in the region."""
        return all(
            any(self.outside(c, place) and self.world.egress_usd_per_gb(c, region) is not None for c in copies)
            for copies in self.read.values()
        )

    def eligible(self, stream: str, offer: Offer, t: int) -> bool:
        """Return True if a stream may be served by an offer: distance, price, law with safeguards, policies."""
        key = (stream, offer.key, t)
        if key not in self._eligible:
            self._eligible[key] = self._judge(stream, offer, t)
        return self._eligible[key]

    def _judge(self, name: str, offer: Offer, t: int) -> bool:
        stream = self.world.streams[self.service.id][name]
        if stream.max_rtt_ms is not None:
            rtt = self.world.rtt_at_most_ms(stream.origin, offer.region)
            if rtt is None or rtt > stream.max_rtt_ms * (1 + 1e-9):
                return False
        if self.world.usd_per_unit(stream.origin, offer.region) is None:
            return False
        if offer.endpoint is not None and not self._endpoint_open(offer):
            return False
        for policy in self.world.instance.policies:
            if isinstance(policy, PlacePolicy):
                selected = self.desk.scopes.selects(policy.scope, self.service, offer.region, t)
                if selected and broken(self.desk, policy, offer, t):
                    return False
        if self.desk.book is None:
            return True
        on = self.world.calendar.dates[t]
        for profile in self.desk.profiles.of(self.service.id, name):
            for _, ruling in offer_rulings(self.desk.book, profile, offer, on):
                if not ruling.allowed:
                    return False
                if not all(self.desk.safeguards.would_meet(need) for need in ruling.needs):
                    return False
        return True

    def _endpoint_open(self, offer: Offer) -> bool:
        use, runs, region = self.world.instance.catalogue, self.service.runs, offer.region
        names = {region.id, f"{region.provider}:{region.id}"}
        return (
            offer.scope_countries is not None
            and self.world.endpoint_usd_per_unit(offer, self.service) is not None
            and (not runs.endpoint_scopes or offer.scope in runs.endpoint_scopes)
            and (region.fixed_usd_per_hour == 0 or region.id in self.in_use)
            and region.access in use.access
            and all(not of or region.provider in of for of in (self.world.providers, self.service.providers))
            and region.provider not in use.exclude_providers
            and all(not allowed or names & set(allowed) for allowed in (use.regions, self.service.regions))
            and not names & set(use.exclude_regions)
            and offer.ids.isdisjoint(use.exclude_offers)
            and (not use.countries or region.country in use.countries)
            and region.country not in use.exclude_countries
        )

    def shortfall(self, demand: dict[str, float], cells: list[Cell], t: int, place: str) -> float:
        """Return the least demand (units/s) that cannot be served from the cells: a small transport problem."""
        from scipy.optimize import linprog

        names = [name for name, wanted in demand.items() if wanted > 0]
        if not names:
            return 0.0
        pairs = [(j, c) for j, name in enumerate(names) for c, cell in enumerate(cells)
                 if self.eligible(name, cell.offer, t)]  # fmt: skip
        rows: list[tuple[dict[int, float], float]] = []
        for c, cell in enumerate(cells):
            if np.isfinite(cell.capacity):
                rows.append(({x: 1.0 for x, (_, at) in enumerate(pairs) if at == c}, cell.capacity))
        rows += self.pool_rows(pairs, cells, t, place)
        for j, name in enumerate(names):
            missing = {x: -1.0 for x, (of, _) in enumerate(pairs) if of == j}
            rows.append(({**missing, len(pairs) + j: -1.0}, -demand[name]))
        a = np.zeros((len(rows), len(pairs) + len(names)))
        b = np.array([limit for _, limit in rows])
        for k, (row, _) in enumerate(rows):
            for x, weight in row.items():
                a[k, x] = weight
        cost = np.concatenate([np.zeros(len(pairs)), np.ones(len(names))])
        scale = max(demand.values())
        solved = linprog(cost, A_ub=a, b_ub=b / scale, bounds=(0, None), method="highs")
        return float(solved.fun * scale) if solved.status == 0 else sum(demand.values())

    def pool_rows(
        self, pairs: Iterable[tuple[int, int]], cells: list[Cell], t: int, place: str
    ) -> list[tuple[dict[int, float], float]]:
        """Return the work-rate pools of endpoints, less what other workloads take of them outside the failure."""
        members: dict[str, dict[int, float]] = defaultdict(dict)
        limits: dict[str, float] = {}
        for x, (_, c) in enumerate(pairs):
            if cells[c].offer.endpoint is None:
                continue
            for pool in self.supply.pools(cells[c].offer)[0]:
                members[pool.id][x] = 1.0
                limits[pool.id] = pool.limit
        for line in self.ledger.lines:
            if line.workload.id == self.service.id or line.period != t or line.offer.endpoint is None:
                continue
            if self.outside(line.region, place):
                for pool in self.supply.pools(line.offer)[0]:
                    if pool.id in limits:
                        limits[pool.id] -= line.row.served_per_s
        return [(members[name], limits[name]) for name in members]
