"""Patterns: the slots that workloads alike in their options share; found, compared and told of once for all of them.

Workloads of one description under one law ask for the same offers in the same periods, in estates thirty for every
pattern, and which offer makes which other superfluous is the same for all of them. What a workload adds is its number,
its streams and its demand; slots are written out for every workload only once dominated ones are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Slots
from optimizer.compile.coefficients import gather
from optimizer.compile.dominance import dominated
from optimizer.compile.effort import spend
from optimizer.compile.eligibility import Options
from optimizer.compile.evidence import worded
from optimizer.compile.gangs import Gang
from optimizer.compile.ledger import Exclusion, Packed, pack
from optimizer.compile.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Small = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Kind:
    """What of a workload bears on how its offers compare: throughput [offers]; gang (0: one machine) or utilisation."""

    units_per_s: Floats
    is_job: bool
    gang_devices: int = 0
    utilisation: float = 1.0


@dataclass(frozen=True, eq=False)
class _Pattern:
    """Slots by period, then offer."""

    offer: Small
    period: Small
    kind: Kind


@dataclass(frozen=True, eq=False)
class Kept:
    """What is left of all patterns, one after the other, when dominated slots are gone.

    `slots_end` [patterns + 1], `offer`, `period` and `units_per_s` of their slots; `flows_end` [sets of flows + 1] and
    `flow`: positions in the pattern. `told` [patterns]: the ledger's words on what is dominated.
    """

    slots_end: Ints
    offer: Ints
    period: Ints
    units_per_s: Floats
    flows_end: Ints
    flow: Ints
    told: tuple[tuple[Packed, ...], ...]


class Patterns:
    """Collects patterns, and the flows of streams as positions in them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._patterns: list[_Pattern] = []
        self._known: dict[tuple[object, ...], int] = {}
        self._flows: list[Small] = []
        self._flow_pattern: list[int] = []
        self._known_flows: dict[tuple[int, bytes], int] = {}

    def add(self, options: Options, used: Bools, kind: Kind) -> int:
        """Return the pattern of the offers and periods used, [offers open, periods]; known or new."""
        spend("options", 2 * used.size)
        told = (kind.is_job, kind.gang_devices, kind.utilisation)
        key = (id(options), id(kind.units_per_s), *told, np.packbits(used).tobytes())  # whoever asks keeps the options
        if key not in self._known:
            period, at = np.nonzero(used.T)
            spend("options", 15 * len(at))
            self._known[key] = len(self._patterns)
            self._patterns.append(_Pattern(options.offers[at].astype(np.int32), period.astype(np.int32), kind))
        return self._known[key]

    def add_flows(self, pattern: int, used: Bools, masks: list[Bools]) -> tuple[int, ...]:
        """Return for the mask of each stream (within `used`) a set of flows over the pattern's slots."""
        spend("options", (3 + 2 * len(masks)) * used.size)
        number = np.full(used.shape, -1, dtype=np.int32)
        period, at = np.nonzero(used.T)
        number[at, period] = np.arange(len(at))
        found = []
        for mask in masks:
            key = (pattern, np.packbits(mask).tobytes())
            if key not in self._known_flows:
                self._known_flows[key] = len(self._flows)
                self._flows.append(number[mask])
                self._flow_pattern.append(pattern)
            found.append(self._known_flows[key])
        return tuple(found)

    def settle(self, world: World, *, at_once: int, carbon_counts: bool, keep_dominated: bool) -> Kept:
        """Return what is left of the patterns at the prices of a world; about `at_once` slots are compared together."""
        begins = ends(np.array([len(p.offer) for p in self._patterns], dtype=np.int64))
        offer, period = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        units, stays = [np.zeros(0)], [np.zeros(0, dtype=bool)]
        told: list[tuple[Packed, ...]] = []
        for some in batches(begins, at_once):
            bare, mu, working_share = self._bare(world, some)
            figures = gather(world, bare.offer, bare.region, bare.period)
            bare = replace(bare, is_endpoint=figures.is_endpoint)
            busy_kw = figures.busy_kw(working_share)
            out = np.zeros(len(bare.offer), dtype=bool)
            if not keep_dominated:
                out = dominated(world, bare, figures, mu, busy_kw, carbon_counts=carbon_counts)
            told += [self._told(bare.offer[rows], out[rows]) for rows in _parts(begins, some)]
            offer.append(bare.offer[~out])
            period.append(bare.period[~out])
            units.append(mu[~out])
            stays.append(~out)
        kept = np.concatenate(stays)
        before = ends(kept)  # how many are kept ahead of each slot
        flows_end, flow = self._flows_left(begins, kept, before)
        return Kept(
            before[begins], np.concatenate(offer), np.concatenate(period), np.concatenate(units), flows_end, flow,
            tuple(told),
        )  # fmt: skip

    def _bare(self, world: World, some: range) -> tuple[Slots, Floats, Floats]:
        """Return the slots of some patterns with what is known before any figure, their units/s and working shares."""
        patterns = [self._patterns[p] for p in some]
        sizes = [len(p.offer) for p in patterns]
        offer = np.concatenate([p.offer for p in patterns]).astype(np.int64)

        def each(value: Callable[[Kind], float]) -> Floats:
            return np.repeat(np.array([value(p.kind) for p in patterns], dtype=float), sizes)

        mu = np.concatenate([p.kind.units_per_s[p.offer] for p in patterns])
        is_job = each(lambda kind: kind.is_job) > 0
        gang = Gang.of(world.column("counted_devices")[offer], each(lambda kind: kind.gang_devices))
        return Slots(
            workload=np.repeat(np.arange(some.start, some.stop), sizes),
            offer=offer,
            region=world.offer_region[offer],
            period=np.concatenate([p.period for p in patterns]).astype(np.int64),
            is_job=is_job,
            capacity_per_s=capacity(
                is_job, mu, each(lambda kind: kind.utilisation) * world.lasting_share[offer]
            ),
            gang_instances=np.where(is_job, gang.instances, 0.0),
        ), mu, gang.working_share

    def _told(self, offer: Ints, out: Bools) -> tuple[Packed, ...]:
        """Return which offers are left out wherever the workload could have used them."""
        if not out.any():
            return ()
        offers = np.zeros(len(self._world.offers), dtype=bool)
        offers[offer[out]] = True
        offers[offer[~out]] = False
        kept = np.unique(offer[~out])
        return pack([Exclusion("dominated", None, offers, evidence=worded(lambda o: self._better(o, kept)))])

    def _better(self, offer: int, kept: Ints) -> str:
        """Return the offers that one was compared with and that are kept: of its region, chip and purchase option."""
        alike = np.ones(len(kept), dtype=bool)
        for name in ("accelerator", "purchase", "region_id"):
            column = self._world.text(name)
            alike &= column[kept] == column[offer]
        return f"does no more, at no lower cost, than one of {', '.join(self._world.text('offer_id')[kept[alike]])}"

    def _flows_left(self, begins: Ints, kept: Bools, before: Ints) -> tuple[Ints, Ints]:
        sizes = np.array([len(flows) for flows in self._flows], dtype=np.int64)
        begin = np.repeat(begins[np.array(self._flow_pattern, dtype=np.int64)], sizes)
        at = begin + np.concatenate([np.zeros(0, np.int32), *self._flows])
        owner = np.repeat(np.arange(len(sizes)), sizes)[kept[at]]
        flow = (before[at] - before[begin])[kept[at]]
        return ends(np.bincount(owner, minlength=len(sizes))), flow


def capacity(is_job: Bools, units_per_s: Floats, utilisation: Floats) -> Floats:
    """Return units/s that one instance of each slot takes on: all of it for jobs, up to the target for services, on
    spot the part of it that lasts.
    """
    return np.where(is_job, units_per_s, np.nan_to_num(utilisation * units_per_s))


def batches(begins: Ints, at_once: int) -> Iterator[range]:
    """Yield patterns in a row with about so many slots; a pattern stays in one piece."""
    begin, count = 0, len(begins) - 1
    while begin < count:
        end = int(np.searchsorted(begins, begins[begin] + at_once, side="right")) - 1
        end = min(max(end, begin + 1), count)
        yield range(begin, end)
        begin = end


def _parts(begins: Ints, some: range) -> Iterator[slice]:
    first = begins[some.start]
    return (slice(begins[p] - first, begins[p + 1] - first) for p in some)


def ends(counts: NDArray[np.integer] | Bools) -> Ints:
    """Return where groups of so many items begin and end: group g holds the items ends[g] to ends[g + 1]."""
    found = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=found[1:])
    return found


def spread(ends: Ints, chosen: Ints) -> Ints:
    """Return the positions of all items of the chosen groups, one group after the other."""
    count = ends[chosen + 1] - ends[chosen]
    shift = ends[chosen] - (np.cumsum(count) - count)
    return np.repeat(shift, count) + np.arange(int(count.sum()))
