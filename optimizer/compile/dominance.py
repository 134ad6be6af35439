"""Offers that another offer of the same region makes superfluous: whatever they could do, it does at least as well.

Slots of one workload, region, period, accelerator and purchase option share their pools, laws, streams and scopes. Slot
B is dominated by slot A of that group if k instances of A can stand in for one of B (k = ratio of devices, or of gang
sizes for jobs) with no less capacity, taking no more of any pool, and adding no more to any metric that something in
the instance, or a second solve for carbon, looks at. Where a share policy measures something, that must be equal: less
of it is not always better. Of slots that dominate each other the first stays. An optimum of what is left is an optimum
of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from formulations.problem import Slots
from optimizer.compile.budgets import metric_of
from optimizer.compile.coefficients import Figures
from optimizer.compile.world import World
from optimizer.instance.rules import CountryShare, ProviderShare, SpotShare

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
SLACK = 1e-12
WHOLE = 1e-9


@dataclass(frozen=True, eq=False)
class _Traits:
    """What is compared, per slot: k is a ratio of `size`; figures per instance are multiplied by it, others are not."""

    size: Floats
    capacity: Floats
    less_per_instance: tuple[Floats, ...]
    less: tuple[Floats, ...]
    same_per_instance: tuple[Floats, ...]


def dominated(
    world: World, slots: Slots, figures: Figures, units_per_s: Floats, busy_kw: Floats, *, carbon_counts: bool = False
) -> Bools:
    """Return which slots can go; endpoints and commitments, owned or bought, always stay; [slots].

    `busy_kw`: what a job's instance draws.

    A job keeps to one offer, so that an offer goes only where it is dominated in every period by the same group.
    """
    traits = _traits(world, slots, figures, units_per_s, busy_kw, carbon_counts=carbon_counts)
    label, at = _groups(world, slots)
    out = np.zeros(len(slots.offer), dtype=bool)
    together = np.arange(len(label))
    for lag in range(1, len(label)):
        together = together[: np.searchsorted(together, len(label) - lag)]
        together = together[label[together + lag] == label[together]]  # groups stand in one piece
        if not len(together):
            break
        first, second = at[together], at[together + lag]
        forward = _beats(traits, first, second, slots.is_job)
        backward = np.zeros(len(forward), dtype=bool)
        rest = np.flatnonzero(~forward)
        backward[rest] = _beats(traits, second[rest], first[rest], slots.is_job)
        out[second[forward & ~out[first]]] = True
        out[first[backward & ~out[second]]] = True
    return _whole_jobs_only(slots, out)


def _groups(world: World, slots: Slots) -> tuple[Ints, Ints]:
    """Return (group label, slot) of the slots that can be compared, those of a group together and in order."""
    purchase = world.text("purchase")
    kind = pd.MultiIndex.from_arrays([world.text("accelerator"), purchase]).factorize()[0]
    candidates = np.flatnonzero(~slots.is_endpoint & ~np.isin(purchase, ("committed", "reserved"))[slots.offer])
    label = slots.workload[candidates]
    told_apart = [slots.region, slots.period, kind[slots.offer]]
    if world.estimated is not None:
        told_apart.append(np.unique(world.estimated, return_inverse=True)[1][slots.offer])
    for part in told_apart:
        label = label * (int(part.max(initial=0)) + 1) + part[candidates]
    order = np.argsort(label, kind="stable")
    return label[order].astype(np.int64), candidates[order].astype(np.int64)


def _traits(
    world: World, slots: Slots, figures: Figures, units_per_s: Floats, busy_kw: Floats, *, carbon_counts: bool
) -> _Traits:
    instance = world.instance
    metrics = {metric_of(budget)[0] for budget in instance.budgets}
    carbon = carbon_counts or "carbon_kg" in metrics or instance.carbon.price_usd_per_tonne > 0
    shares = {
        "device_hours" if isinstance(policy, SpotShare) else policy.measure
        for policy in instance.policies
        if isinstance(policy, ProviderShare | CountryShare | SpotShare)
    }
    power = carbon or bool(metrics & {"energy_kwh", "water_l"})
    less_per_instance = [world.column("counted_devices")[slots.offer], figures.price]
    less: list[Floats] = []
    if power:
        less_per_instance.append(np.where(slots.is_job, busy_kw, figures.idle_kw))
        with np.errstate(divide="ignore", invalid="ignore"):
            less.append(np.where(slots.is_job, 0.0, (figures.load_kw - figures.idle_kw) / units_per_s))
    if carbon:
        less_per_instance.append(figures.embodied_kg_per_hour)
    if any(quota.kw is not None for quota in instance.quotas.limits):
        less_per_instance.append(figures.load_kw)
    same = []
    if "compute_usd" in shares:
        same.append(figures.price)
    if "device_hours" in shares:
        same.append(figures.devices)
    if "energy_kwh" in shares:
        same += [np.where(slots.is_job, busy_kw, figures.idle_kw), np.where(slots.is_job, busy_kw, figures.load_kw)]
    # instances of a gang shrink as devices grow: the reciprocal puts both on one scale
    with np.errstate(divide="ignore"):
        size = np.where(slots.is_job, 1.0 / slots.gang_instances, world.column("counted_devices")[slots.offer])
    return _Traits(size, slots.capacity_per_s, tuple(less_per_instance), tuple(less), tuple(same))


def _beats(traits: _Traits, a: Ints, b: Ints, is_job: Bools) -> Bools:
    """Return where k instances of slot a stand in for one of slot b. Unknown figures beat nothing.

    A test is put only to the pairs that passed those before it.
    """
    every = len(a)
    with np.errstate(divide="ignore", invalid="ignore"):
        k = traits.size[b] / traits.size[a]
    # gangs of a job are of one size, so that any ratio compares them; services run any number of instances
    job = is_job[b]
    whole = (np.abs(k - np.round(k)) <= WHOLE * k) & (k >= 1 - WHOLE)
    left = np.flatnonzero(job | whole)
    a, b, job, k = a[left], b[left], job[left], k[left]
    k = np.where(job, k, np.round(k))

    def keep(passed: Bools) -> None:
        nonlocal a, b, k, left
        a, b, k, left = a[passed], b[passed], k[passed], left[passed]

    carried, asked = k * traits.capacity[a], traits.capacity[b]
    close = np.abs(carried - asked) <= WHOLE * asked
    keep(np.where(job, close, close | (carried > asked)))
    for values in traits.less_per_instance:
        keep(k * values[a] <= values[b] * (1 + SLACK))
    for values in traits.less:
        keep(values[a] <= values[b] * (1 + SLACK))
    for values in traits.same_per_instance:
        keep(np.abs(k * values[a] - values[b]) <= WHOLE * np.abs(values[b]))
    good = np.zeros(every, dtype=bool)
    good[left] = True
    return good


def _whole_jobs_only(slots: Slots, out: Bools) -> Bools:
    """Bring back the slots of a job's offer that is not dominated in all of its periods."""
    job = np.flatnonzero(slots.is_job)
    if not len(job):
        return out
    width = int(slots.offer.max()) + 1
    pair = slots.workload[job] * width + slots.offer[job]
    _, label = np.unique(pair, return_inverse=True)
    kept = np.bincount(label, weights=~out[job]) > 0
    out[job[kept[label]]] = False
    return out
