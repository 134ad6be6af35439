"""Shared capacity: which quota covers which offer, how much of it one instance holds, and the pools of a problem.

Pools count devices, vCPUs of SKUs without an accelerator, kW of IT power, instances of commitments, or work units/s of
endpoints. The defaults of `quotas` stand for every (accelerator, region), the SKUs without an accelerator of every
region, and every endpoint that no quota names outright.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Flows, Membership, Pools, Slots
from optimizer.compile.columns import distinct
from optimizer.compile.commitments import named_groups
from optimizer.compile.effort import RULE, spend
from optimizer.compile.evidence import Evidence, Evidences, worded
from optimizer.compile.ledger import Exclusion
from optimizer.compile.offers import CPU
from optimizer.compile.world import World
from optimizer.instance.rules import QUOTA_KINDS, Quota

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
FITS = 1e-9
RATE = "units_per_s"
UNITS = {"devices": "devices", "vcpus": "vCPUs", "kw": "kW", "units_per_s": "work units/s", "instances": "instances"}
"""What a pool counts, in words."""


@dataclass(frozen=True, eq=False)
class Pool:
    """One limit over offers: `members` index the offers, `weight` is what one instance (or unit/s) of each takes.

    `kind`: devices (vCPUs and instances of commitments too), kw or units_per_s; `counts`: its unit in words.
    """

    id: str
    limit: float
    members: Ints
    weight: Floats
    kind: str = "devices"
    counts: str = "devices"

    @property
    def rule(self) -> str:
        """The id of the rule that limits it."""
        return self.id if self.id.startswith("commitment:") else f"quota:{self.id}"

    @property
    def by_flow(self) -> bool:
        """True if it counts work rate, not instances."""
        return self.kind == RATE


@dataclass(frozen=True, eq=False)
class PoolView:
    """Pools over the offer table and what follows for each offer.

    `most[o]`: instances of offer o that fit every pool (inf for endpoints). `covered[o]`: some quota speaks for it;
    else `default[o]` names the field that would.
    `no_power[o]`: a kW quota covers it and its power is unknown; `kw_rule[o]` says which.
    """

    pools: tuple[Pool, ...]
    most: Floats
    covered: Bools
    default: NDArray[np.object_]
    no_power: Bools
    tightest: NDArray[np.object_] = field(repr=False)
    kw_rule: NDArray[np.object_] = field(repr=False)

    @cached_property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """What quotas rule out: not covered, or not even one instance fits."""
        uncovered = worded(lambda offer: f"no quota covers it, and {self.default[offer]} is not stated")
        no_power = worded(lambda offer: f"nobody has its power, which quota {self.kw_rule[offer]} counts")
        return (
            *_by_rule("no_quota", self.default, ~self.covered, uncovered),
            *_by_rule("missing_power", self.kw_rule, self.no_power, no_power),
            *_by_rule("no_quota", self.tightest, self.covered & ~self.no_power & (self.most < 1), self._too_large),
        )

    def shuts(self, largest_gang: float, devices: Floats) -> tuple[object, ...]:
        """Return all that decides which offers quotas rule out, for gangs of so many devices and fewer.

        `devices` [offers] of one instance. Of quotas with room for the largest gang the figure decides nothing.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            largest = np.nan_to_num(np.ceil(largest_gang / devices), nan=np.inf)
        tight = self.most < np.maximum(largest, 1.0)
        limits = {pool.id: pool.limit for pool in self.pools}
        figures = tuple(limits[name] for name in self.tightest[tight].tolist())
        return (
            self.covered, self.default, self.no_power, self.kw_rule, tight, self.most[tight], self.tightest[tight],
            figures,
        )  # fmt: skip

    def _too_large(self, offer: int) -> tuple[Evidence, ...]:
        """Return what one instance of an offer takes of the tightest quota, and the quota."""
        pool = next(pool for pool in self.pools if pool.id == self.tightest[offer])
        taken = float(pool.weight[pool.members == offer][0])
        told = f"one instance takes {taken:g} {pool.counts}, quota {pool.id} grants {pool.limit:g}"
        return (Evidence(told, taken, pool.limit, pool.counts),)


def _by_rule(reason: str, rule: NDArray[np.object_], mask: Bools, evidence: Evidences) -> list[Exclusion]:
    names = sorted(set(rule[mask]))
    return [Exclusion(reason, str(name), mask & (rule == name), kind="quota", evidence=evidence) for name in names]


def quota_id(quota: Quota) -> str:
    """Return the id of a quota: its own, or what it limits and where."""
    if quota.id is not None:
        return quota.id
    kind = kind_of(quota)
    if kind == "kw":
        return f"kw:{quota.region or quota.country or f'provider:{quota.provider}'}"
    if kind == "units_per_s":
        named = [quota.endpoint, quota.model, quota.region, quota.provider and f"provider:{quota.provider}"]
        return f"{kind}:{'@'.join(part for part in named if part) or '*'}"
    place = quota.region or quota.country or (f"provider:{quota.provider}" if quota.provider else "*")
    return f"vcpus:{place}" if kind == "vcpus" else f"{kind}:{quota.accelerator or '*'}@{place}"


def kind_of(quota: Quota) -> str:
    """Return which of `QUOTA_KINDS` a quota limits."""
    return next(kind for kind in QUOTA_KINDS if getattr(quota, kind) is not None)


def matches(quota: Quota, world: World) -> Bools:
    """Return which offers carry every key the quota names; [offers].

    A quota of devices covers SKUs with an accelerator, one of vCPUs those without, one of kW both.
    """
    offers = world.offers
    spend("rules", RULE // 10 + 10 * len(offers))
    keep = world.is_endpoint if quota.units_per_s is not None else ~world.is_endpoint
    if quota.devices is not None or quota.vcpus is not None:
        keep = keep & ((world.text("accelerator") == CPU) == (quota.vcpus is not None))
    keys = (("accelerator", quota.accelerator), ("region_id", quota.region), ("provider", quota.provider))
    for column, value in keys:
        if value is not None:
            keep = keep & (world.text(column) == value)
    if quota.country is not None:
        region = world.offer_region
        column = "subdivision" if "-" in quota.country else "country"
        keep = keep & (world.regions[column].to_numpy(dtype=object)[region] == quota.country)
    if quota.model is not None:
        keep = keep & ((world.text("model") == quota.model) | (world.text("model_raw") == quota.model))
    if quota.endpoint is not None:
        named = (world.text("endpoint") == quota.endpoint) | (offers.offer_id.to_numpy(dtype=object) == quota.endpoint)
        keep = keep & named
    return keep


def view_pools(world: World) -> PoolView:
    """Return every pool over the world's offers."""
    pools, covered = _stated(world)
    pools += _defaults(world, covered)
    pools += _commitments(world)
    count = len(world.offers)
    most, tightest = np.full(count, np.inf), np.full(count, "", dtype=object)
    no_power, kw_rule = np.zeros(count, dtype=bool), np.full(count, "", dtype=object)
    for pool in pools:
        if pool.by_flow:
            continue
        unknown = pool.members[np.isnan(pool.weight)]
        no_power[unknown], kw_rule[unknown] = True, pool.id
        with np.errstate(divide="ignore", invalid="ignore"):
            fits = np.where(pool.weight > 0, np.floor(pool.limit / pool.weight + FITS), np.inf)
        lower = np.nan_to_num(fits, nan=np.inf) < most[pool.members]
        most[pool.members[lower]] = fits[lower]
        tightest[pool.members[lower]] = pool.id
    covered |= world.text("purchase") == "committed"
    return PoolView(tuple(pools), most, covered, _default_fields(world), no_power, tightest, kw_rule)


def _default_fields(world: World) -> NDArray[np.object_]:
    """Return the field of the instance whose default would speak for each offer; [offers]."""
    cpu = world.text("accelerator") == CPU
    named = np.where(cpu, "quotas.default_vcpus", "quotas.default_devices")
    return np.where(world.is_endpoint, "quotas.default_endpoint_units_per_s", named).astype(object)


def _stated(world: World) -> tuple[list[Pool], Bools]:
    """Return the pools of `quotas.limits` and which offers a quota of devices, vCPUs or work rate speaks for."""
    devices, power = world.column("counted_devices"), world.column("load_kw")
    committed = world.text("purchase") == "committed"
    covered = np.zeros(len(world.offers), dtype=bool)
    pools: list[Pool] = []
    taken: set[str] = set()
    for quota in world.instance.quotas.limits:
        mask = matches(quota, world)
        if quota.kw is None:
            mask &= ~committed
            covered |= mask
        counts = kind_of(quota)
        limit = getattr(quota, counts)
        members = np.flatnonzero(mask)
        if limit is None or limit == "unlimited" or not len(members):
            continue
        name = _unique(quota_id(quota), taken)
        kind = "devices" if counts == "vcpus" else counts
        weight = np.ones(len(members)) if kind == RATE else (power if kind == "kw" else devices)[members]
        pools.append(Pool(name, float(limit), members, weight, kind, UNITS[counts]))
    return pools, covered


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 2, name
    while unique in taken:
        unique, number = f"{name}#{number}", number + 1
    taken.add(unique)
    return unique


def _defaults(world: World, covered: Bools) -> list[Pool]:
    """Return the default pools, of what no quota names, and mark what they cover.

    One per (accelerator, region), one per region for SKUs without an accelerator, one per endpoint.
    """
    quotas = world.instance.quotas
    named = np.zeros(len(world.offers), dtype=bool)
    for quota in quotas.limits:
        pair = quota.devices is not None and quota.accelerator is not None and quota.region is not None
        cpus = quota.vcpus is not None and quota.region is not None
        if pair or cpus or (quota.units_per_s is not None and quota.endpoint is not None):
            named |= matches(quota, world)
    instance = ~world.is_endpoint & ~named & (world.text("purchase") != "committed")
    endpoint = world.is_endpoint & ~named
    cpu = world.text("accelerator") == CPU
    pools: list[Pool] = []
    for limit, members in ((quotas.default_devices, instance & ~cpu), (quotas.default_vcpus, instance & cpu)):
        if limit is not None:
            covered |= members
            if limit != "unlimited":
                pools += _of_regions(world, float(limit), members)
    if quotas.default_endpoint_units_per_s is not None:
        covered |= endpoint
        if quotas.default_endpoint_units_per_s != "unlimited":
            limit = float(quotas.default_endpoint_units_per_s)
            ids = world.text("offer_id")
            for o in np.flatnonzero(endpoint).tolist():
                pools.append(Pool(f"units_per_s:{ids[o]}", limit, np.array([o], dtype=np.int64), np.ones(1), RATE))
    return pools


def _of_regions(world: World, limit: float, offers: Bools) -> list[Pool]:
    """Return a pool of devices or vCPUs for each accelerator (or none) and region of some offers."""
    accelerator, region = world.text("accelerator"), world.text("region_id")
    groups: dict[tuple[str, str], list[int]] = {}
    for o in np.flatnonzero(offers).tolist():
        groups.setdefault((accelerator[o], region[o]), []).append(o)
    counted = world.column("counted_devices")
    pools = []
    for (name, place), found in groups.items():
        members = np.array(found, dtype=np.int64)
        of, unit = (f"vcpus:{place}", "vcpus") if name == CPU else (f"devices:{name}@{place}", "devices")
        pools.append(Pool(of, limit, members, counted[members], counts=UNITS[unit]))
    return pools


def _commitments(world: World) -> list[Pool]:
    """Return a pool of instances for each SKU and region that commitments pay for."""
    instances = {name: sum(c.instances for c in held) for name, held in named_groups(world.instance).items()}
    names = world.text("commitment")
    return [
        Pool(f"commitment:{names[o]}", instances[names[o]], np.array([o], dtype=np.int64), np.ones(1),
             counts=UNITS["instances"])
        for o in np.flatnonzero(names != "").tolist()
    ]  # fmt: skip


def build_pools(view: PoolView, slots: Slots, flows: Flows, periods: int) -> Pools:
    """Return one row per pool and period in which a slot uses it.

    `by_instances` holds slots with devices, kW or instances taken by one instance; `by_flow` the flows of endpoints.
    """
    member, pool, weight = _flat(view)
    by_flow = np.array([p.by_flow for p in view.pools], dtype=bool)
    slot, row_of = _join(member, slots.offer)
    key = pool[row_of] * periods + slots.period[slot]
    used = distinct(key, len(view.pools) * periods)
    number_of = np.zeros(len(view.pools) * periods, dtype=np.int64)
    number_of[used] = np.arange(used.size)
    row = number_of[key]
    rated = by_flow[pool[row_of]]
    by_instances = Membership(row[~rated].astype(np.int64), slot[~rated], weight[row_of][~rated])
    flow, entry = _join(slot[rated], flows.slot)
    flow_rows = Membership(row[rated][entry].astype(np.int64), flow, weight[row_of][rated][entry])
    number = (used // max(periods, 1)).astype(np.int64)
    limit = np.array([p.limit for p in view.pools], dtype=float)
    return Pools(
        ids=tuple(view.pools[k].id for k in number),
        rules=tuple((view.pools[k].rule,) for k in number),
        period=(used % max(periods, 1)).astype(np.int64),
        limit=limit[number] if len(number) else np.zeros(0),
        by_instances=by_instances,
        by_flow=flow_rows,
        kind=tuple(view.pools[k].kind for k in number),
    )


def _flat(view: PoolView) -> tuple[Ints, Ints, Floats]:
    """Return (offer, pool, weight) of all memberships."""
    if not view.pools:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    sizes = [len(pool.members) for pool in view.pools]
    member = np.concatenate([pool.members for pool in view.pools]).astype(np.int64)
    return member, np.repeat(np.arange(len(sizes)), sizes), np.concatenate([pool.weight for pool in view.pools])


def _join(keys: Ints, values: Ints) -> tuple[Ints, Ints]:
    """Return all (x, e) with values[x] == keys[e]: positions in `values` and in `keys`."""
    order = np.argsort(keys, kind="stable")
    size = 1 + int(max(keys.max(initial=0), values.max(initial=0)))
    counts = np.bincount(keys, minlength=size)
    count, first = counts[values], (np.cumsum(counts) - counts)[values]
    position = np.repeat(np.arange(len(values)), count)
    within = np.arange(len(position)) - np.repeat(np.cumsum(count) - count, count)
    return position.astype(np.int64), order[np.repeat(first, count) + within].astype(np.int64)
