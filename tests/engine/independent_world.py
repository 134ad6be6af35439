"""What may run where and at what price: a second reading of an instance with a catalogue of its own.

Plain Python, one option at a time, straight from the instance's fields and the law pack's judge; nothing of the compile
step, the formulations or the audit is used. What it does not cover it refuses (`NotCoveredError`), so that a comparison
is never made on half an instance.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

from optimizer.instance.base import Scope
from optimizer.instance.models import Instance
from optimizer.instance.rules import (
    AllowedPlaces,
    Budget,
    Commitment,
    CountryShare,
    ExcludeControl,
    Policy,
    ProviderShare,
)
from optimizer.instance.rules import RequireCertification as Certification
from optimizer.instance.workloads import Job, Service, Stream
from optimizer.laws import load_laws

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86400.0}
LIMITS = {"limit_kg": "carbon", "limit_l": "water", "limit_kwh": "energy", "limit_usd": "spend"}


class NotCoveredError(Exception):
    """The instance uses something that this second reading leaves out."""


@dataclass(frozen=True)
class Option:
    """A SKU under a purchase option, an endpoint or a commitment, in a region; figures as stated, None unknown."""

    name: str
    region: str
    kind: str
    accelerator: str = ""
    devices: float = 0.0
    purchase: str = ""
    price: float = 0.0
    idle_kw: float | None = None
    load_kw: float | None = None
    embodied: float | None = None
    memory: float | None = None
    software: str = ""
    model: str = ""
    kg: float | None = None
    made_kg: float | None = None
    kwh: float | None = None
    spread: frozenset[str] | None = None
    bought: tuple[str, float] | None = None
    taken_back: float | None = None

    @property
    def endpoint(self) -> bool:
        """True for a managed endpoint."""
        return self.kind == "endpoint"


def owned(commitment: Commitment) -> str:
    """Return the name of the option that all commitments to a SKU in a region give together."""
    return f"commitment:{commitment.region}/{commitment.sku}"


def budget_limit(budget: Budget) -> tuple[str, float]:
    """Return the metric a budget caps and its limit."""
    name = next(field for field in LIMITS if getattr(budget, field) is not None)
    return LIMITS[name], getattr(budget, name)


def counted_metric(budget: Budget) -> str:
    """Return what a budget counts: of carbon all or the operational part."""
    metric, _ = budget_limit(budget)
    return "operational" if metric == "carbon" and budget.counts == "operational" else metric


class World:
    """The instance with every question answered that concerns a single placement."""

    def __init__(self, instance: Instance) -> None:
        if instance.catalogue.use != "inline" or instance.catalogue.inline is None:
            raise NotCoveredError("bundled catalogue")
        said = instance.legal_assertions
        if said.approvals or said.overrides or said.importer_status or instance.laws.patches:
            raise NotCoveredError("approvals, overrides, importer status or patches")
        self.instance, self.inline = instance, instance.catalogue.inline
        self.periods = instance.horizon.resolved()
        self.hours = [period.hours for period in self.periods]
        self.total = sum(self.hours)
        start = dt.datetime.combine(instance.horizon.start, dt.time())
        begins = [sum(self.hours[:t]) for t in range(len(self.hours))]
        self.dates = [(start + dt.timedelta(hours=begin)).date() for begin in begins]
        self.regions = {region.id: region for region in self.inline.regions}
        self.operators = {provider.id: provider for provider in self.inline.providers}
        bundled = load_laws("world", as_of=instance.laws.as_of)
        self.pack = bundled if instance.laws.use == "world" else None
        self.groups = bundled.groups
        self.options = self._options()

    # --- places, prices, network

    def discount(self, region: str, on: str) -> float:
        """Return the factor that a negotiated discount leaves of a price."""
        provider = self.regions[region].provider
        names = {on, "compute"} if on in ("on_demand", "spot") else {on}
        cuts = [d.percent for d in self.instance.discounts if d.provider == provider and names & set(d.applies_to)]
        return 1.0 - sum(cuts) / 100.0

    def _options(self) -> list[Option]:
        none = self.instance.carbon.embodied == "none"
        found = []
        skus: dict[str, Option] = {}
        for o in self.inline.offers:
            option = Option(
                f"{o.region}/{o.sku}/{o.purchase}", o.region, "instance", o.accelerator, o.devices, o.purchase,
                o.usd_per_hour * self.discount(o.region, o.purchase), o.idle_kw, o.load_kw,
                0.0 if none else o.embodied_kg_per_hour, o.device_memory_gb, (o.software or "").lower(),
                taken_back=o.interruption_share,
            )  # fmt: skip
            found.append(option)
            skus.setdefault(f"{o.region}/{o.sku}", option)
        for e in self.inline.endpoints:
            found.append(Option(
                e.id, e.region, "endpoint", price=e.usd_per_unit * self.discount(e.region, "endpoint"), model=e.model,
                kg=e.kg_per_unit, made_kg=e.embodied_kg_per_unit, kwh=e.kwh_per_unit,
                spread=frozenset(e.countries) or None,
            ))  # fmt: skip
        for c in self.instance.commitments:
            of = skus[f"{c.region}/{c.sku}"]
            name = owned(c)
            if any(option.name == name for option in found):
                continue
            found.append(Option(
                name, c.region, "instance", of.accelerator, of.devices, "committed", 0.0, of.idle_kw,
                of.load_kw, of.embodied, of.memory, of.software,
            ))  # fmt: skip
        for id_, hourly, drawn in self.for_sale():
            for (region, sku), takes in drawn.items():
                elsewhere = (o for key, o in skus.items() if key.endswith(f"/{sku}"))
                of = skus.get(f"{region}/{sku}") or next(elsewhere, None)
                if of is not None and region in self.regions:
                    found.append(Option(
                        f"reserved:{id_}:{region}/{sku}", region, "instance", of.accelerator, of.devices, "reserved",
                        hourly * takes, of.idle_kw, of.load_kw, of.embodied, of.memory, of.software,
                        bought=(id_, takes),
                    ))  # fmt: skip
        return found

    def for_sale(self) -> list[tuple[str, float, dict[tuple[str, str], float]]]:
        """Return (id, what a unit costs in an hour of the horizon, what an instance takes by region and SKU)."""
        buy = self.instance.buy
        if buy is None:
            return []
        if buy.listed is not None:
            raise NotCoveredError("commitments of the catalogue")
        found = []
        for one in buy.instances:
            years = {"1y": 1, "3y": 3}[one.term]
            whole = one.upfront_usd + one.usd_per_hour * years * 8760
            found.append((one.id, self._hourly(whole, years * 12), {(one.region, one.sku): 1.0}))
        for plan in buy.plans:
            years = {"1y": 1, "3y": 3}[plan.term]
            takes = {}
            for specific in (False, True):
                for rate in (r for r in plan.rates if (r.region is not None) is specific):
                    for region in self.regions.values():
                        if region.provider == plan.provider and rate.region in (None, region.id):
                            takes[region.id, rate.sku] = rate.usd_per_hour
            found.append((plan.id, self._hourly(years * 8760.0, years * 12), takes))
        return found

    def _hourly(self, whole_usd: float, term_months: float) -> float:
        """Return what an hour of the horizon is charged for something that costs so much for its term."""
        assert self.instance.buy is not None
        foreseen = self.instance.buy.expected_use_months
        in_use = min(term_months, foreseen) if foreseen else self.total / 730.0  # the horizon alone, if nothing is said
        return min(whole_usd / (in_use * 730.0), whole_usd * math.ceil(self.total / (term_months * 730.0)) / self.total)

    def _link(self, a: str, b: str, field: str) -> float | None:
        for x, y in ((a, b), (b, a)):
            for link in self.inline.network:
                if (link.origin, link.region) == (x, y):
                    value: float | None = getattr(link, field)
                    return value
        return None

    def unit_price(self, origin: str, region: str) -> float | None:
        """Return USD per work unit of the way; None if other ways are priced and this one is not."""
        if all(link.usd_per_unit is None for link in self.inline.network):
            return 0.0
        return self._link(origin, region, "usd_per_unit")

    def carry(self, source: str, target: str) -> float | None:
        """Return USD per GB from region to region, or from a region to an origin's users."""
        if source == target:
            return 0.0
        linked = self._link(source, target, "usd_per_gb")
        price = self.regions[source].egress_usd_per_gb if linked is None else linked
        return None if price is None else price * self.discount(source, "egress")

    def grid(self, region: str, t: int) -> float | None:
        """Return g CO2e per kWh."""
        stated = self.regions[region].grid_g_per_kwh
        return stated[t] if isinstance(stated, tuple) else stated

    # --- scopes

    def places(self, countries: tuple[str, ...], groups: tuple[str, ...], t: int) -> set[str]:
        """Return the countries named, and the unconditional members of groups on the period's day."""
        found = set(countries)
        for group in groups:
            found |= {row.member for row in self.groups.rows(group) if row.valid(self.dates[t]) and not row.condition}
        return found

    def in_scope(self, scope: Scope, workload: Service | Job | None, region: str, t: int | None) -> bool:
        """Return True if a scope selects a placement; a copy has neither workload nor period (t None)."""
        if workload is None and (scope.workloads or scope.tags or scope.periods):
            return False
        if workload is not None and scope.workloads and workload.id not in scope.workloads:
            return False
        if workload is not None and scope.tags and not set(scope.tags) & set(workload.tags):
            return False
        at, when = self.regions[region], 0 if t is None else t
        if scope.providers and at.provider not in scope.providers:
            return False
        if scope.regions and region not in scope.regions:
            return False
        wanted = scope.countries or scope.country_groups
        if wanted and at.country not in self.places(scope.countries, scope.country_groups, when):
            return False
        return not scope.periods or self.periods[when].id in scope.periods

    # --- eligibility

    def speed(self, workload: Service | Job, option: Option) -> float:
        """Return work units/s of one instance; 0 if unknown."""
        stated = dict(workload.runs.throughput or {})
        stated |= {row.accelerator: row.units_per_s for row in self.inline.throughput if row.workload == workload.id}
        return stated.get(option.accelerator, 0.0) * self._working(workload, option)

    def relied_on(self, service: Service, option: Option) -> float:
        """Return work units/s that one instance may carry of a service; on spot less by what a month takes back."""
        utilisation = service.target_utilisation or self.instance.target_utilisation
        return utilisation * self.speed(service, option) * (1.0 - (option.taken_back or 0.0))

    def _working(self, workload: Service | Job, option: Option) -> float:
        """Return the devices of a machine that work when all its gang does: machine by machine, replica by replica."""
        gang = workload.gang_devices if isinstance(workload, Job) else None
        left = float(gang or option.devices)
        size, working, machines = workload.runs.devices_per_replica, 0.0, 0
        while left > 1e-9:
            here = min(left, option.devices)
            left, machines = left - here, machines + 1
            while size and here >= size - 1e-9:
                working, here = working + size, here - size
            working += 0.0 if size else here
        return working / max(1, machines)

    def may_run(self, workload: Service | Job, option: Option, t: int) -> bool:
        """Return True if a workload may use an option in a period, whatever its streams say."""
        runs, region = workload.runs, self.regions[option.region]
        if option.kind not in runs.via or (option.endpoint and isinstance(workload, Job)):
            return False
        if workload.providers and region.provider not in workload.providers:
            return False
        if workload.regions and option.region not in workload.regions:
            return False
        if option.endpoint:
            if option.model not in (runs.model, *runs.endpoint_models):
                return False
        else:
            served = isinstance(workload, Service) and option.taken_back is not None
            spot = option.purchase == "spot" and not served and not getattr(workload, "interruptible", False)
            if option.purchase not in runs.purchase or spot or not self.speed(workload, option):
                return False
            if runs.accelerators and option.accelerator not in runs.accelerators:
                return False
            if runs.software and option.software not in runs.software:
                return False
            if runs.min_device_memory_gb and (option.memory or 0.0) < runs.min_device_memory_gb:
                return False
        if isinstance(workload, Job) and workload.output_gb and region.egress_usd_per_gb is None:
            return False
        return self._has_quota(option) and self._has_figures(workload, option, t) and self._policy(workload, option, t)

    def _has_quota(self, option: Option) -> bool:
        quotas = self.instance.quotas
        if option.purchase == "committed":
            covered = True
        elif option.endpoint:
            covered = quotas.default_endpoint_units_per_s is not None
            covered |= any(q.units_per_s is not None and self.quota_covers(q, option) for q in quotas.limits)
        else:
            covered = quotas.default_devices is not None
            covered |= any(q.devices is not None and self.quota_covers(q, option) for q in quotas.limits)
        metered = any(q.kw is not None and self.quota_covers(q, option) for q in quotas.limits)
        return covered and not (metered and not option.endpoint and option.load_kw is None)

    def quota_covers(self, quota: object, option: Option) -> bool:
        """Return True if every key that a quota names fits the option."""
        if (getattr(quota, "units_per_s") is not None) != option.endpoint:  # noqa: B009
            return False
        region = self.regions[option.region]
        keys = {
            "accelerator": option.accelerator, "region": option.region, "provider": region.provider,
            "country": region.country, "model": option.model, "endpoint": option.name,
        }  # fmt: skip
        return all(getattr(quota, key) in (None, value) for key, value in keys.items())

    def _has_figures(self, workload: Service | Job, option: Option, t: int) -> bool:
        needed = set()
        for budget in self.instance.budgets:
            if self.in_scope(budget.scope, workload, option.region, t):
                needed.add(counted_metric(budget))
        for policy in self.instance.policies:
            energy = isinstance(policy, ProviderShare | CountryShare) and policy.measure == "energy_kwh"
            if energy and self.in_scope(policy.scope, workload, option.region, t):
                needed.add("energy")
        if self.instance.carbon.price_usd_per_tonne:
            needed.add("carbon")
        region, grid = self.regions[option.region], self.grid(option.region, t)
        if option.endpoint:
            sends = isinstance(workload, Service) and workload.response_gb_per_unit * self.network_kwh > 0
            no_way = sends and grid is None
            carbon = self.endpoint_kg(option, t) is not None and not no_way
            operational = self.endpoint_kg(option, t, made=False) is not None and not no_way
            lacks = {"carbon": not carbon, "operational": not operational, "energy": option.kwh is None, "water": True}
            return not any(lacks.get(figure, False) for figure in needed)
        power = None not in (option.idle_kw, option.load_kw, region.pue)
        lacks = {
            "carbon": not power or grid is None or option.embodied is None,
            "operational": not power or grid is None,
            "energy": not power,
            "water": not power or region.wue_l_per_kwh is None,
            "spend": False,
        }
        return not any(lacks[figure] for figure in needed)

    def endpoint_kg(self, option: Option, t: int, *, made: bool = True) -> float | None:
        """Return kg CO2e of a unit at an endpoint: stated, or energy on the mean grid where it processes + embodied;
        the embodied part left out unless it is `made`.
        """
        none = self.instance.carbon.embodied == "none" or not made
        if option.kg is not None:
            return option.kg - (option.made_kg or 0.0 if none else 0.0)
        part = 0.0 if none else option.made_kg
        home = self.regions[option.region]
        own = (r for r in self.regions.values() if r.provider == home.provider)
        inside = {r.id for r in own if r.country in (option.spread or ())}
        grids = [g for g in (self.grid(name, t) for name in inside | {home.id}) if g is not None]
        if option.kwh is None or part is None or not grids:
            return None
        return option.kwh * sum(grids) / len(grids) / 1000.0 + part

    def sent_kg(self, region: str) -> float | None:
        """Return kg CO2e of network per GB a region sends, over the horizon; None if its grid is unknown."""
        if not self.network_kwh:
            return 0.0
        grids = [self.grid(region, t) for t in range(len(self.hours))]
        if None in grids:
            return None
        mean = sum((g or 0.0) * h for g, h in zip(grids, self.hours, strict=True)) / sum(self.hours)
        return self.network_kwh * mean / 1000.0

    def carbon_asked(self, workload: Service | Job | None, region: str) -> bool:
        """Return whether something needs the carbon of what a region sends (None: of data at rest)."""
        if self.instance.carbon.price_usd_per_tonne:
            return True
        periods = range(len(self.hours)) if workload is not None else (None,)
        budgets = [b for b in self.instance.budgets if budget_limit(b)[0] == "carbon"]
        return any(self.in_scope(b.scope, workload, region, t) for b in budgets for t in periods)

    @property
    def network_kwh(self) -> float:
        """kWh of network per GB."""
        return self.instance.carbon.network_kwh_per_gb

    def _policy(self, workload: Service | Job, option: Option, t: int) -> bool:
        return all(
            self._obeys(policy, option.region, option.spread or frozenset(), t)
            for policy in self.instance.policies
            if self.in_scope(policy.scope, workload, option.region, t)
        )

    def may_rest(self, owner: Service | Job | None, region: str) -> bool:
        """Return True if policies let a dataset (owner None) or what a workload must keep be stored in a region."""
        return all(
            self._obeys(policy, region, frozenset(), t)
            for policy in self.instance.policies
            for t in range(len(self.hours))
            if self.in_scope(policy.scope, owner, region, t)
        )

    def _obeys(self, policy: Policy, place: str, spread: frozenset[str], t: int) -> bool:
        region = self.regions[place]
        operator = self.operators.get(region.provider)
        if isinstance(policy, ExcludeControl):
            if operator is None or operator.control is None:
                return False
            if {*operator.control, operator.headquarters} & set(policy.jurisdictions):
                return False
        elif isinstance(policy, Certification):
            held = set(operator.certifications) if operator else set()
            missing = set(policy.schemes) - held
            if (policy.need == "all" and missing) or missing == set(policy.schemes):
                return False
        elif isinstance(policy, AllowedPlaces):
            inside = {region.country} | spread
            allow, deny = (self._terms(terms, t) for terms in (policy.allow, policy.deny))
            if (policy.allow and not inside <= allow) or inside & deny:
                return False
        return True

    def _terms(self, terms: tuple[str, ...], t: int) -> set[str]:
        countries = tuple(term for term in terms if len(term.split("-")[0]) == 2)
        return self.places(countries, tuple(term for term in terms if term not in countries), t)

    def near(self, service: Service, stream: Stream, region: str) -> bool:
        """Return True if a region is near enough to a stream and the way there has a price."""
        if stream.max_rtt_ms is not None:
            rtt = self._link(stream.origin, region, "rtt_ms")
            if rtt is None or rtt > stream.max_rtt_ms:
                return False
        sends = service.response_gb_per_unit > 0 and self.response_price(stream.origin, region) is None
        return self.unit_price(stream.origin, region) is not None and not sends

    def response_price(self, origin: str, region: str) -> float | None:
        """Return USD per GB from a region to users: the link's price, else the region's egress."""
        linked = self._link(origin, region, "usd_per_gb")
        price = self.regions[region].egress_usd_per_gb if linked is None else linked
        return None if price is None else price * self.discount(region, "egress")

    # --- demand

    def rates(self, stream: Stream, t: int) -> tuple[float, float]:
        """Return peak rate (units/s) and mean over peak in a period."""

        def at(value: float | tuple[float, ...]) -> float:
            return value[t] if isinstance(value, tuple) else value

        peak = at(stream.rate) / SECONDS[stream.unit.split("/")[1]]
        if stream.mean_rate is None or not peak:
            return peak, 1.0
        return peak, at(stream.mean_rate) / SECONDS[stream.unit.split("/")[1]] / peak

    def mean_demand(self, stream: Stream) -> float:
        """Return units/s x hours of a stream over the horizon, on average."""
        rates = [self.rates(stream, t) for t in range(len(self.hours))]
        return sum(peak * mean * hours for (peak, mean), hours in zip(rates, self.hours, strict=True))

    def window(self, job: Job) -> list[float]:
        """Return the hours of every period inside a job's window."""
        end = min(job.deadline_hours or math.inf, self.total)
        begins = [sum(self.hours[:t]) for t in range(len(self.hours))]
        return [
            max(0.0, min(begin + hours, end) - max(begin, job.release_hours))
            for begin, hours in zip(begins, self.hours, strict=True)
        ]
