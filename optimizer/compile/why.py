"""Why an option is excluded: every rule with its source, sentence and evidence; and what each rule alone excludes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.compile.evidence import Evidence
from optimizer.compile.ledger import REASONS
from optimizer.compile.rules import Rule, RuleBook, RuleKey, key_of
from optimizer.errors import InputError, Issue
from optimizer.instance.identity import stream_ids
from optimizer.instance.workloads import Service
from optimizer.suggest import did_you_mean, unknown_name

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.compile.world import World


@dataclass(frozen=True)
class ExcludedBy:
    """One rule that excludes an option: the reason in words, and the evidence; `partial`: in some periods only."""

    rule: Rule
    reason: str
    evidence: tuple[Evidence, ...] = ()
    partial: bool = False

    def __str__(self) -> str:
        source = f" ({self.rule.source})" if self.rule.source else ""
        told = "; ".join(one.sentence for one in self.evidence) or self.reason
        return f"{self.rule.id}{source}{' in some periods' if self.partial else ''}: {told}"


@dataclass(frozen=True)
class Option:
    """An offer for a workload, or for one of its streams, and the rules that exclude it; none: it is eligible."""

    workload: str
    stream: str | None
    offer: str
    excluded_by: tuple[ExcludedBy, ...]

    @property
    def is_eligible(self) -> bool:
        """Whether the option exists in some period."""
        return all(one.partial for one in self.excluded_by)


@dataclass(frozen=True)
class Why:
    """The options of a workload in a place; printed, the rules that exclude them, those of most options first."""

    options: tuple[Option, ...]

    @property
    def eligible(self) -> tuple[Option, ...]:
        """The options that no rule excludes in every period."""
        return tuple(option for option in self.options if option.is_eligible)

    @property
    def rules(self) -> tuple[ExcludedBy, ...]:
        """Every rule that excludes one of the options, once, with its evidence on the first of them."""
        first = {one.rule.id: one for option in reversed(self.options) for one in reversed(option.excluded_by)}
        return tuple(first[rule] for rule, _ in self._times().most_common())

    def _times(self) -> Counter[str]:
        return Counter(rule for option in self.options for rule in {one.rule.id for one in option.excluded_by})

    def __str__(self) -> str:
        times = self._times()
        lines = [f"{len(self.eligible)} of {len(self.options)} options are eligible"]
        return "\n".join([*lines, *(f"{times[one.rule.id]} excluded by {one}" for one in self.rules)])


def why(compiled: Compiled, workload: str, place: str, stream: str | None = None) -> Why:
    """Return the options of a workload in a region (its id) or on one offer (its `offer_id`), each with every rule that
    excludes it.

    For a service, of every stream if none is named. An offer that the settings of the instance's catalogue close for
    every workload is judged no further: the setting is the whole answer.

    Raises
    ------
    InputError
        There is no such workload or stream, or nothing is offered in such a place.
    """
    world, book = compiled.world, RuleBook(compiled.world)
    position, streams = _asked(world, workload, stream)
    names, region = world.text("offer_id"), world.text("region_id")
    found = [
        Option(workload, name, names[o], _excluded(compiled, book, position, name, int(o)))
        for name in streams
        for o in np.flatnonzero((names == place) | (region == place)).tolist()
    ]
    closed = world.closed[(world.closed.offer_id == place) | (world.closed.region_id == place)]
    for row in closed.itertuples(index=False):
        told = (_closed(world, book, row),)
        found += [Option(workload, name, str(row.offer_id), told) for name in streams]
    if not found:
        shut = world.closed
        known = {*names.tolist(), *region.tolist(), *shut.offer_id, *shut.region_id, *world.region_index}
        nothing = "nothing is offered in region" if place in world.region_index else "unknown region or offer"
        raise InputError(Issue(f"{nothing} {place!r}", maybe=did_you_mean(place, known - {place, ""})))
    return Why(tuple(found))


def excluded_alone(compiled: Compiled) -> Counter[RuleKey]:
    """Count by rule the options, (workload, stream, offer), that it alone excludes: without it they would be eligible.

    Options of a job are (workload, offer). What the catalogue settings close is not among them.
    """
    return compiled.ledger.alone()


def _asked(world: World, workload: str, stream: str | None) -> tuple[int, Sequence[str | None]]:
    """Return the position of a workload and the streams asked for, (None,) for a job."""
    ids = [one.id for one in world.instance.workloads]
    if workload not in ids:
        raise InputError(unknown_name(f"unknown workload {workload!r}", workload, ids))
    found = world.instance.workloads[ids.index(workload)]
    streams = stream_ids(found) if isinstance(found, Service) else ()
    if stream is not None and stream not in streams:
        raise InputError(unknown_name(f"unknown stream {stream!r} of {workload}", stream, streams))
    return ids.index(workload), (stream,) if stream is not None else (streams or (None,))


def _excluded(
    compiled: Compiled, book: RuleBook, position: int, stream: str | None, offer: int
) -> tuple[ExcludedBy, ...]:
    grounds = compiled.ledger.why(compiled.problem.workload_ids[position], stream, offer)
    return tuple(ExcludedBy(book.rule(g.rule, position), REASONS[g.reason], g.evidence, g.partial) for g in grounds)


def _closed(world: World, book: RuleBook, row: Any) -> ExcludedBy:
    """Return what closes an offer to every workload; `row` has the columns `CLOSED_COLUMNS`."""
    rule = str(row.rule) or None
    if row.reason == "endpoint_retired":
        told = Evidence(f"the model is retired on {row.retired_on}; nothing that the instance states opens it")
    else:
        told = Evidence(f"it is {row.provider}'s, in {_where(world, str(row.region_id))}; {_setting(world, rule)}")
    return ExcludedBy(book.rule(key_of(str(row.reason), rule, "closed")), REASONS[row.reason], (told,))


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
