"""Shared capacity: what every quota and commitment gives, and what the plan takes of it in each period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from optimizer.audit.facts import CPU, Offer, Region
from optimizer.audit.findings import Findings, exceeds
from optimizer.audit.lines import Ledger, Line
from optimizer.audit.world import World
from optimizer.instance.models import Instance
from optimizer.instance.rules import Quota
from optimizer.plan.models import Plan


@dataclass(frozen=True)
class Pool:
    """A supply: its id as plans name it, its limit, and in what it counts.

    That is one of devices, vcpus, kw, units_per_s and instances.
    """

    id: str
    limit: float
    counts: str


class Supply:
    """Tells which pools an offer draws on."""

    def __init__(self, instance: Instance) -> None:
        self._quotas = instance.quotas
        self._names: dict[int, str] = {}
        taken: set[str] = set()
        for k, quota in enumerate(self._quotas.limits):
            name, number = pool_name(quota), 2
            unique = name
            while unique in taken:
                unique, number = f"{name}#{number}", number + 1
            taken.add(unique)
            self._names[k] = unique
        by_region: dict[str | None, list[int]] = defaultdict(list)
        for k, quota in enumerate(self._quotas.limits):
            by_region[quota.region].append(k)
        self._by_region = dict(by_region)
        self._drawn_on: dict[tuple[str, str, str], tuple[list[Pool], bool]] = {}

    def pools(self, offer: Offer) -> tuple[list[Pool], bool]:
        """Return the pools an offer draws on, and whether any statement covers it (`unlimited` is one)."""
        if offer.commitments:
            return self._pools(offer)
        if offer.key not in self._drawn_on:
            self._drawn_on[offer.key] = self._pools(offer)
        return self._drawn_on[offer.key]

    def _pools(self, offer: Offer) -> tuple[list[Pool], bool]:
        pools: list[Pool] = []
        covered = named = False
        for k in self._may_match(offer.region):
            quota = self._quotas.limits[k]
            if not _matches(quota, offer):
                continue
            if quota.kw is not None:
                pools.append(Pool(self._names[k], quota.kw, "kw"))
                continue
            if offer.purchase == "committed":
                continue
            covered = True
            counts = _counts(offer)
            named |= _outright(quota, counts)
            limit = getattr(quota, counts)
            if isinstance(limit, int | float):
                pools.append(Pool(self._names[k], float(limit), counts))
        if offer.commitments:
            name = "&".join(commitment.id for commitment in offer.commitments)
            own = Pool(f"commitment:{name}", sum(c.instances for c in offer.commitments), "instances")
            return [*pools, own], True
        default = getattr(self._quotas, DEFAULTS[_counts(offer)])
        if not named and default is not None:
            covered = True
            if default != "unlimited":
                pools.append(_default(offer, float(default)))
        return pools, covered

    def states(self, name: str) -> bool:
        """Return True if a quota of the instance states a pool; a default is no quota."""
        return name in self._names.values()

    def limit_of(self, name: str, world: World) -> float | None:
        """Return what a pool of this id gives, drawn on or not; None if the instance has no such pool."""
        for k, own in self._names.items():
            if own == name:
                quota = self._quotas.limits[k]
                stated = [quota.kw, quota.devices, quota.vcpus, quota.units_per_s]
                return next((float(limit) for limit in stated if isinstance(limit, int | float)), None)
        kind, _, rest = name.partition(":")
        if kind == "commitment":
            held = {one.id: one.instances for one in world.instance.commitments}
            parts = rest.split("&")
            return float(sum(held[part] for part in parts)) if held.keys() >= set(parts) else None
        default = getattr(self._quotas, DEFAULTS.get(kind, ""), None)
        place = rest.rpartition("@")[2]
        known = world.region(place) is not None if kind != "units_per_s" else bool(rest)
        return float(default) if known and isinstance(default, int | float) else None

    def _may_match(self, region: Region) -> list[int]:
        """Return the quotas, by position, that name the region or none at all."""
        names = dict.fromkeys((None, *_region_names(region)))
        return sorted(k for name in names for k in self._by_region.get(name, ()))


def _region_names(region: Region) -> tuple[str, str]:
    return region.id, f"{region.provider}:{region.id}"


DEFAULTS = {
    "devices": "default_devices",
    "vcpus": "default_vcpus",
    "units_per_s": "default_endpoint_units_per_s",
}
"""The field of `quotas` that speaks for what no quota names, by what is counted."""


def _counts(offer: Offer) -> str:
    """Return in what an offer's supply is counted: a machine without accelerators holds vCPUs."""
    if offer.endpoint:
        return "units_per_s"
    return "vcpus" if offer.accelerator == CPU else "devices"


def _outright(quota: Quota, counts: str) -> bool:
    """Return True if a quota that covers an offer takes the place of the default."""
    by_kind = {
        "units_per_s": quota.endpoint is not None,
        "vcpus": quota.region is not None,
        "devices": quota.accelerator is not None and quota.region is not None,
    }
    return by_kind[counts]


def _default(offer: Offer, limit: float) -> Pool:
    if offer.endpoint:
        return Pool(f"units_per_s:{offer.offer_id}", limit, "units_per_s")
    if offer.accelerator == CPU:
        return Pool(f"vcpus:{offer.region.id}", limit, "vcpus")
    return Pool(f"devices:{offer.accelerator}@{offer.region.id}", limit, "devices")


def pool_name(quota: Quota) -> str:
    """Return the id of a quota's pool: its own, or what it limits and where."""
    if quota.id is not None:
        return quota.id
    provider = f"provider:{quota.provider}" if quota.provider else ""
    if quota.kw is not None:
        return f"kw:{quota.region or quota.country or provider or 'provider:None'}"
    if quota.units_per_s is not None:
        named = [part for part in (quota.endpoint, quota.model, quota.region, provider) if part]
        return "units_per_s:" + ("@".join(named) or "*")
    if quota.vcpus is not None:
        return f"vcpus:{quota.region or quota.country or provider or '*'}"
    return f"devices:{quota.accelerator or '*'}@{quota.region or quota.country or provider or '*'}"


def _matches(quota: Quota, offer: Offer) -> bool:
    if (quota.units_per_s is not None) != (offer.endpoint is not None):
        return False
    if quota.kw is None and getattr(quota, _counts(offer)) is None:
        return False
    region = offer.region
    wanted: list[tuple[str | None, set[str | None]]] = [
        (quota.accelerator, {offer.accelerator}),
        (quota.region, {*_region_names(region)}),
        (quota.provider, {region.provider}),
        (quota.country, {region.country, region.place}),
        (quota.model, {*offer.model_names}),
        (quota.endpoint, {offer.endpoint, offer.offer_id}),
    ]
    return all(value is None or value in has for value, has in wanted)


def taken(pool: Pool, lines: Iterable[Line]) -> float | None:
    """Return what lines take of a pool in its own unit; None if a power figure is missing."""
    total = 0.0
    for line in lines:
        if pool.counts == "units_per_s":
            total += line.row.served_per_s
        elif pool.counts == "instances":
            total += line.row.instances
        elif pool.counts in ("devices", "vcpus"):
            total += line.row.instances * (line.offer.counted or 0.0)
        elif line.offer.load_kw is None:
            return None
        else:
            total += line.row.instances * line.offer.load_kw
    return total


def check_supply(ledger: Ledger, plan: Plan, findings: Findings) -> dict[tuple[str, str], tuple[Pool, float]]:
    """Check every pool in every period; return (pool, taken) by pool id and period id."""
    world = ledger.world
    supply = Supply(world.instance)
    drawn: dict[tuple[Pool, int], list[Line]] = defaultdict(list)
    for line in ledger.lines:
        pools, covered = supply.pools(line.offer)
        if not covered:
            findings.add("no_quota", line.where, f"no quota speaks for {line.offer.label}", rule="quotas")
        for pool in pools:
            drawn[pool, line.period].append(line)
    use: dict[tuple[str, str], tuple[Pool, float]] = {}
    for (pool, t), lines in drawn.items():
        findings.checked["quotas"] += 1
        period = world.calendar.ids[t]
        amount = taken(pool, lines)
        if amount is None:
            unknown = next(line for line in lines if line.offer.load_kw is None)
            findings.add("missing_power", unknown.where, "a kW quota covers it", rule=pool.id)
            continue
        use[pool.id, period] = pool, amount
        if exceeds(amount, pool.limit):
            findings.add("quota", f"{pool.id} in {period}", f"{pool.counts} in use", expected=pool.limit, found=amount,
                         rule=pool.id)  # fmt: skip
    _compare(plan, use, supply, world, findings=findings)
    return use


def _compare(
    plan: Plan, use: dict[tuple[str, str], tuple[Pool, float]], supply: Supply, world: World, *, findings: Findings
) -> None:
    """Compare the quota rows the plan states with the audit's own."""
    told = {(row.id, row.period) for row in plan.quotas}
    lacking = [f"{name} in {period}" for (name, period), (_, amount) in use.items()
               if amount > 0 and (name, period) not in told]  # fmt: skip
    if told and lacking:
        findings.add("left_out", "quotas", "pools in use are left out", expected=", ".join(lacking))
    for k, row in enumerate(plan.quotas):
        where = f"quotas[{k}] {row.id} in {row.period}"
        pool, amount = use.get((row.id, row.period), (None, 0.0))
        findings.stated("use", where, "quota in use", expected=amount, found=row.used, scale=row.limit)
        findings.stated("use", where, "slack", expected=row.limit - amount, found=row.slack, scale=row.limit)
        limit = pool.limit if pool is not None else supply.limit_of(row.id, world)
        if limit is None:
            findings.add("unknown_id", where, "the instance has no such quota", found=row.id)
        else:
            findings.stated("use", where, "limit", expected=limit, found=row.limit)
        if row.period not in world.calendar.index:
            findings.add("unknown_id", where, "the horizon has no such period", found=row.period)
