"""Why an option is not open: every rule that excludes it with its evidence; and what each rule alone excludes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.compile.evidence import Evidence
from optimizer.compile.ledger import REASONS
from optimizer.compile.rules import Rule, RuleBook, RuleKey, key_of
from optimizer.errors import InputError, Issue
from optimizer.instance.identity import stream_ids
from optimizer.instance.suggest import did_you_mean
from optimizer.instance.workloads import Service

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.compile.world import World


@dataclass(frozen=True)
class ExcludedBy:
    """One rule that excludes an option: the reason in words, what shows it; `partial`: in some periods only."""

    rule: Rule
    reason: str
    evidence: tuple[Evidence, ...] = ()
    partial: bool = False


def why_not(compiled: Compiled, workload: str, offer: str, stream: str | None = None) -> tuple[ExcludedBy, ...]:
    """Return every rule that excludes an offer (`offer_id`) from a workload or one of its streams; () if open.

    An offer that the instance's catalogue settings close for every workload is judged no further: the setting is the
    whole answer. Without `stream`, of a service, only what holds for all of its streams.

    Raises
    ------
    InputError
        There is no such workload, stream or offer.
    """
    world, book = compiled.world, RuleBook(compiled.world)
    position = _workload(world, workload, stream)
    names = world.text("offer_id")
    at = np.flatnonzero(names == offer)
    if not len(at):
        return _closed(world, book, offer)
    grounds = compiled.ledger.why(workload, stream, int(at[0]))
    return tuple(ExcludedBy(book.rule(g.rule, position), REASONS[g.reason], g.evidence, g.partial) for g in grounds)


def excluded_alone(compiled: Compiled) -> Counter[RuleKey]:
    """Count by rule the options, (workload, stream, offer), that it alone excludes: without it they would be open.

    Options of a workload without streams are (workload, offer). What the catalogue settings close is not among them.
    """
    return compiled.ledger.alone()


def _workload(world: World, workload: str, stream: str | None) -> int:
    """Return the position of a workload that has the stream."""
    ids = [one.id for one in world.instance.workloads]
    if workload not in ids:
        raise InputError(Issue(f"unknown workload {workload!r}", maybe=did_you_mean(workload, ids)))
    found = world.instance.workloads[ids.index(workload)]
    streams = stream_ids(found) if isinstance(found, Service) else ()
    if stream is not None and stream not in streams:
        raise InputError(Issue(f"unknown stream {stream!r} of {workload}", maybe=did_you_mean(stream, streams)))
    return ids.index(workload)


def _closed(world: World, book: RuleBook, offer: str) -> tuple[ExcludedBy, ...]:
    rows = world.closed[world.closed.offer_id == offer]
    if rows.empty:
        known = (*world.text("offer_id").tolist(), *world.closed.offer_id.tolist())
        raise InputError(Issue(f"unknown offer {offer!r}", maybe=did_you_mean(offer, known)))
    found = []
    for row in rows.itertuples(index=False):
        reason, rule = str(row.reason), str(row.rule) or None
        told = Evidence(f"it is {row.provider}'s, in {_where(world, str(row.region_id))}; {_setting(world, rule)}")
        found.append(ExcludedBy(book.rule(key_of(reason, rule, "closed")), REASONS[reason], (told,)))
    return tuple(found)


def _where(world: World, region: str) -> str:
    """Return a region with what settings look at: its country, partition and granularity."""
    if region not in world.region_index:
        return "a region that nobody knows"
    row = world.regions.iloc[world.region_index[region]]
    return f"{region} ({row.country}, access {row.access}, granularity {row.granularity})"


def _setting(world: World, rule: str | None) -> str:
    """Return a catalogue setting as the instance states it."""
    if rule is None:
        return "nothing that the instance states opens it"
    value = getattr(world.instance.catalogue, rule.removeprefix("catalogue."), None)
    told = ", ".join(map(str, value)) if isinstance(value, tuple | list | frozenset | set) else str(value)
    return f"{rule}: {told}"
