"""A second statement of the whole optimization, written from the instance and solved by `scipy.optimize.milp`.

It shares no code with the compile step or the formulations, and states several things in another way: a job that is
not interruptible chooses one of its possible runs (offer, first and last period), a job that moves walks along arcs
between regions, requirements and failures are stated option by option.
"""

from __future__ import annotations

import math

from independent_buying import Buying
from independent_model import Row, Use, add
from independent_today import Moving, is_placeless
from independent_world import budget_limit, counted_metric, owned

from optimizer.instance.models import Instance
from optimizer.instance.rules import CountryShare, ProviderShare, SpotShare
from optimizer.instance.workloads import Service


class Independent(Moving, Buying):
    """The model of an instance; `optimum()` solves it."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(instance)
        for workload in instance.workloads:
            if isinstance(workload, Service):
                self._service(workload)
            else:
                self._job(workload)
            self._presence(workload)
        self._today()
        self._places()
        self._datasets()
        self._survival()
        self._pools()
        self._buying()
        self._budgets()
        self._shares()
        self._objective()

    def optimum(self) -> float | None:
        """Return the least cost in USD, None if there is no plan."""
        return self.model.solve()

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
        together: dict[str, float] = {}
        for commitment in self.instance.commitments:
            together[owned(commitment)] = together.get(owned(commitment), 0.0) + commitment.instances
        pools += [({name: 1.0}, instances) for name, instances in together.items()]
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
            metric, limit = counted_metric(budget), budget_limit(budget)[1]
            whole = not any(budget.scope.model_dump().values())
            row: Row = {}
            for use in self.uses:
                if self.world.in_scope(budget.scope, use.workload, use.option.region, use.t):
                    add(row, use.column, use.adds.get(metric, 0.0))
            if is_placeless(budget.scope):
                for workload, column, adds in self.leaving:
                    if self._selects(budget.scope, workload):
                        add(row, column, adds.get(metric, 0.0))
            if metric == "spend":
                for _, region, usd in self.resting:
                    if region is not None and self.world.in_scope(budget.scope, None, region, None):
                        for column, weight in usd.items():
                            add(row, column, weight)
                for job, source, t, column, usd, _ in self.moving:
                    if self.world.in_scope(budget.scope, job, source, t):
                        add(row, column, usd)
                for column in self._idle_in(budget):
                    add(row, column)
                if whole:
                    for column, weight in self._lump_sums():
                        add(row, column, weight)
            if metric in ("carbon", "operational"):
                for region, column, kg in self.carried:
                    if self.world.in_scope(budget.scope, None, region, None):
                        add(row, column, kg)
                for job, source, t, column, _, kg in self.moving:
                    if self.world.in_scope(budget.scope, job, source, t):
                        add(row, column, kg)
            self.model.row(row, most=limit)

    def _lump_sums(self) -> list[tuple[int, float]]:
        found = [(column, self.world.mechanism_usd(key)) for key, column in self.bought.items()]
        found += self.place_prices
        for region, column in self.in_use.items():
            found.append((column, self.world.regions[region].fixed_usd_per_hour * self.world.total))
        return found

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
        for *_, column, usd, kg in self.moving:
            cost[column] += usd + price * kg
        for _, column, kg in self.carried:
            cost[column] += price * kg
        for _, column, adds in self.leaving:
            cost[column] += adds.get("spend", 0.0) + price * adds.get("carbon", 0.0)
        for column, usd in self._lump_sums():
            cost[column] += usd
