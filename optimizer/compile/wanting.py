"""Options that are out only for want of a figure: every rule that shuts them asks for a figure that nobody has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.assemble import Compiled
from optimizer.compile.estimates import FIGURES
from optimizer.compile.ledger import Exclusion, Ledger
from optimizer.compile.world import World

Bools = NDArray[np.bool_]
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


def wanting(compiled: Compiled) -> tuple[Wanting, ...]:
    """Return what is out only for want of a figure, by figure and rule, most options first."""
    return wanting_of(compiled.ledger, compiled.datasets.ledger, compiled.world)


def wanting_of(ledger: Ledger, at_rest: Ledger, world: World) -> tuple[Wanting, ...]:
    """Return what is out only for want of a figure by the ledgers of offers and of places of copies.

    The speeds that an instance states say what a workload runs on: of the rest no speed is wanting.
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
                counted[key] = _counted(one, workload, stream, names_speeds=names_speeds)
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
    ledger: Ledger, workload: str, stream: str | None, *, names_speeds: bool
) -> tuple[Counter[Key], Counter[Key]]:
    """Count the options of one workload or stream by figure and rule, and those that lack this figure only."""
    exclusions = [one for one in ledger.exclusions(workload, stream) if not one.partial]
    lacks = [one.reason in FIGURES and not (names_speeds and _is_speed(one)) for one in exclusions]
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
