"""Options that are out only for want of a figure: every rule that shuts them asks for a figure that nobody has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Problem
from formulations.tables import take
from optimizer.compile.estimates import FIGURES
from optimizer.compile.ledger import Exclusion, Ledger
from optimizer.compile.world import World

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
NOTHING, THIS, ANOTHER = range(3)
Key = tuple[str, str | None, bool]
"""Reason of the ledger, the rule that asks for the figure, and whether the options are places of copies."""


@dataclass(frozen=True)
class Wanting:
    """Options that lack a figure (`reason`, of `FIGURES`) which a `rule` asks for, and that nothing else but missing
    figures shuts: offers for a workload or stream, with `at_rest` regions for copies. `alone` lack this figure only.
    """

    reason: str
    rule: str | None
    at_rest: bool
    options: int
    alone: int


def wanting_of(
    ledger: Ledger, at_rest: Ledger, world: World, reasons: Collection[str] = FIGURES
) -> tuple[Wanting, ...]:
    """Return what is out only for want of a figure by the ledgers of offers and of places of copies.

    The speeds that an instance states say what a workload runs on: of the rest no speed is wanting. With other
    `reasons`: what is out for these and nothing else.
    """
    stated = {workload.id for workload in world.instance.workloads if workload.runs.throughput}
    inline = world.instance.catalogue.inline
    stated |= {row.workload for row in inline.throughput} if inline is not None else set()
    options: Counter[Key] = Counter()
    alone: Counter[Key] = Counter()
    for one in (ledger, at_rest):
        counted: dict[tuple[object, ...], tuple[Counter[Key], Counter[Key]]] = {}
        for workload, stream in _leaves(one):
            names_speeds = one is ledger and workload in stated
            key = (names_speeds, *one.shared(workload, stream))
            if key not in counted:
                counted[key] = _counted(one, workload, stream, reasons, names_speeds=names_speeds)
            options.update(counted[key][0])
            alone.update(counted[key][1])
    found = [
        Wanting(reason, rule, resting, count, alone[reason, rule, resting])
        for (reason, rule, resting), count in options.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.options, one.reason, one.rule or "")))


def _leaves(ledger: Ledger) -> Iterator[tuple[str, str | None]]:
    keys = list(ledger.keys())
    with_streams = {workload for workload, stream in keys if stream is not None}
    return (key for key in keys if key[1] is not None or key[0] not in with_streams)


def _counted(
    ledger: Ledger, workload: str, stream: str | None, reasons: Collection[str], *, names_speeds: bool
) -> tuple[Counter[Key], Counter[Key]]:
    """Count the options of one workload or stream by figure and rule, and those that lack this figure only."""
    exclusions = [one for one in ledger.exclusions(workload, stream) if not one.partial]
    lacks = [one.reason in reasons and not (names_speeds and _is_speed(one)) for one in exclusions]
    lacking = [one for one, lacks_figure in zip(exclusions, lacks, strict=True) if lacks_figure]
    out = np.zeros(ledger.size, dtype=bool)
    for one, lacks_figure in zip(exclusions, lacks, strict=True):
        if not lacks_figure:
            out |= one.offers
    by_reason: dict[str, Bools] = {}
    for one in lacking:
        by_reason[one.reason] = by_reason.get(one.reason, np.zeros(ledger.size, dtype=bool)) | one.offers
    times = np.sum([np.zeros(ledger.size, dtype=np.int64), *by_reason.values()], axis=0)
    options: Counter[Key] = Counter()
    alone: Counter[Key] = Counter()
    for one in lacking:
        key = (one.reason, one.rule, ledger.at_rest)
        options[key] += int((one.offers & ~out).sum())
        alone[key] += int((one.offers & ~out & (times == 1)).sum())
    return Counter({key: count for key, count in options.items() if count}), alone


def _is_speed(one: Exclusion) -> bool:
    return one.reason == "no_throughput"


def without_other_figures(compiled: Compiled, opened: Compiled, figure: str) -> Problem | None:
    """Return the problem `opened`, in which estimates stand for every missing figure, without the options that lack
    another one than `figure` by the ledgers of `compiled`; None where it opens none that lack this figure.

    What is out in some periods only, and transfers, stay: the least cost of what is returned is at most that of the
    instance with estimates for the one figure.
    """
    slots, flows, datasets = opened.problem.slots, opened.problem.flows, opened.problem.datasets
    services = opened.problem.services
    ids = opened.problem.workload_ids
    leaves = list(zip((ids[w] for w in services.workload.tolist()), opened.stream_ids, strict=True))
    of_streams = _Lacks(compiled.ledger, leaves, figure)
    of_jobs = _Lacks(compiled.ledger, [(workload, None) for workload in ids], figure)
    of_copies = _Lacks(compiled.datasets.ledger, [(dataset, None) for dataset in datasets.ids], figure)
    lacking_flows = of_streams.at(flows.stream, slots.offer[flows.slot])
    lacking_jobs = of_jobs.at(slots.workload, slots.offer)
    lacking_copies = of_copies.at(datasets.copy_dataset, datasets.copy_region)
    if not any((lack == THIS).any() for lack in (lacking_flows, lacking_jobs[slots.is_job], lacking_copies)):
        return None
    flow_stays = lacking_flows != ANOTHER
    used = np.bincount(flows.slot[flow_stays], minlength=len(slots.offer)) > 0
    slot_stays = np.where(slots.is_job, lacking_jobs != ANOTHER, used)
    kept = {"slot": slot_stays, "flow": flow_stays, "copy": lacking_copies != ANOTHER}
    return take(opened.problem, {name: np.flatnonzero(stays) for name, stays in kept.items()}).problem


class _Lacks:
    """What options of workloads, streams or datasets lack by a ledger: nothing, this figure, or another one."""

    def __init__(self, ledger: Ledger, leaves: Sequence[tuple[str, str | None]], figure: str) -> None:
        numbers: dict[tuple[int, ...], int] = {}
        rows: list[NDArray[np.int8]] = []
        self._row = np.zeros(len(leaves), dtype=np.int64)
        for k, (owner, stream) in enumerate(leaves):
            key = ledger.shared(owner, stream)
            if key not in numbers:
                numbers[key] = len(rows)
                rows.append(self._of(ledger, owner, stream, figure))
            self._row[k] = numbers[key]
        self._lack = np.stack(rows) if rows else np.zeros((0, ledger.size), dtype=np.int8)

    @staticmethod
    def _of(ledger: Ledger, owner: str, stream: str | None, figure: str) -> NDArray[np.int8]:
        lack = np.full(ledger.size, NOTHING, dtype=np.int8)
        for one in ledger.exclusions(owner, stream):
            if one.reason in FIGURES and not one.partial:
                lack[one.offers] = np.maximum(lack[one.offers], THIS if one.reason == figure else ANOTHER)
        return lack

    def at(self, leaf: Ints, option: Ints) -> NDArray[np.int8]:
        """Return what each pair of a leaf and an offer (region) lacks."""
        return self._lack[self._row[leaf], option] if len(self._lack) else np.zeros(0, dtype=np.int8)
