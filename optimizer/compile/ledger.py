"""The eligibility ledger: which offers are out, for which workload or stream, by which rule, and what shows it.

Which regions are out for the copies of which dataset is told by a ledger of its own, of the same make. An exclusion
holds for a workload or dataset (`stream` None) or for one of a workload's streams. `reason` is one of `REASONS`; `rule`
is the id of the law, policy, quota, budget or field behind it. Masks are packed to bits: an estate has millions of
pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.evidence import Evidence, Evidences
from optimizer.compile.rules import RuleKey, key_of

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

REASONS: dict[str, str] = {
    "not_allowed_provider": "the provider is not among those allowed",
    "not_allowed_region": "the region is not among those allowed",
    "not_allowed_offer": "the offer is excluded",
    "partition_not_opted_in": "the partition (government, China, disaster recovery, ...) needs an opt-in",
    "availability_not_opted_in": "availability is not verified and was not opted into",
    "offer_kind": "this kind of offer is not allowed for the workload",
    "purchase": "this purchase option is not allowed for the workload",
    "accelerator": "the accelerator is not among those named",
    "software": "the software stack is not among those named",
    "arch": "the processors are of another architecture, or of one that is not known",
    "burstable": "a burstable machine keeps no steady load, and the workload does not ask for one",
    "device_memory": "device memory is too small or unknown",
    "no_throughput": "no throughput figure",
    "service_objective": "no replica on it keeps the time to the first token, or per output token, that is asked for",
    "missing_latency": "the endpoint's time to the first token and per output token is not known",
    "endpoint_model": "the endpoint serves another model",
    "endpoint_scope": "the endpoint's residency scope is not among those named",
    "endpoint_scope_unspecified": "the endpoint does not say where it processes",
    "endpoint_region_unknown": "the endpoint does not say in which region its resource sits",
    "endpoint_outside_scope": "by what the instance declares, the endpoint's resource region lies outside its scope",
    "endpoint_retired": "the endpoint is retired before the horizon ends",
    "gang": "a gang cannot be formed of this SKU, or does not fit its pool",
    "rtt": "the round trip is longer than allowed",
    "rtt_unknown": "no round-trip figure",
    "law_forbids": "a law forbids it",
    "law_approval_missing": "a law asks for an approval that was not granted",
    "law_no_mechanism": "a law asks for a mechanism that is not available",
    "law_unknown": "what the law of a place says is not known, and nobody accepted that",
    "certificate_unknown": "whether the service holds a certificate that a law requires is not known",
    "access_unknown": "from where the operator's staff see the data is not known, and nobody accepted that",
    "chip_unknown": "figures of the accelerator that an export rule asks for are not known, and nobody accepted that",
    "tenant_unknown": "who uses the capacity, or for what, is not stated, and nobody accepted that",
    "accelerator_export": "an export rule forbids the accelerator there",
    "certification": "a required certification is not held by the service in that region",
    "sovereignty": "the provider's services are below the level of sovereignty asked for",
    "sovereignty_unknown": "whether the level of sovereignty asked for is reached is not known",
    "control": "an excluded jurisdiction can compel the operator",
    "control_unknown": "who controls the operator is not known",
    "places": "a policy keeps the workload or the data out of the country",
    "missing_price": "no price",
    "missing_interruption": "nobody has the share of its spot instances that is taken back in a month",
    "missing_storage_price": "no storage price",
    "missing_egress_price": "no egress price",
    "missing_power": "no power figure",
    "missing_pue": "no PUE",
    "missing_grid": "no grid intensity on the instance's basis",
    "missing_wue": "no WUE",
    "missing_embodied": "no embodied carbon figure on the instance's basis",
    "no_quota": "no quota covers it, or one instance does not fit the quota",
    "deadline": "cannot finish inside the window",
    "dominated": "another offer of the region does everything at least as well",
}


@dataclass(frozen=True)
class Exclusion:
    """One reason with the offers it rules out, [offers]. `partial`: only in some periods.

    `rule` names what is behind it; `kind` says what kind of rule that is where the reason does not (`key`).
    `evidence` is what shows it, by offer.
    """

    reason: str
    rule: str | None
    offers: Bools
    partial: bool = False
    kind: str | None = None
    evidence: Evidences | None = None

    @property
    def key(self) -> RuleKey:
        """The rule behind it: its kind and name."""
        return key_of(self.reason, self.rule, self.kind)


@dataclass(frozen=True, eq=False)
class Packed:
    """An exclusion with its mask packed to bits."""

    reason: str
    rule: str | None
    bits: NDArray[np.uint8]
    partial: bool
    key: RuleKey
    evidence: Evidences | None


@dataclass(frozen=True)
class Ground:
    """Why one option is out: the reason, the rule behind it, and what shows it. `partial`: only in some periods."""

    reason: str
    rule: RuleKey
    partial: bool = False
    evidence: tuple[Evidence, ...] = ()


def _pack(exclusion: Exclusion) -> Packed:
    if exclusion.reason not in REASONS:
        raise KeyError(f"reason {exclusion.reason!r} is not in the ledger's vocabulary")
    bits = np.packbits(exclusion.offers)
    return Packed(exclusion.reason, exclusion.rule, bits, exclusion.partial, exclusion.key, exclusion.evidence)


def pack(exclusions: Iterable[Exclusion]) -> tuple[Packed, ...]:
    """Pack exclusions that rule out at least one offer; the result may be shared by many workloads."""
    return tuple(_pack(exclusion) for exclusion in exclusions if exclusion.offers.any())


@dataclass(frozen=True)
class LedgerRow:
    """`offers` are out by (reason, rule); of a `dataset`, in whose ledger `workload` is empty, regions.

    Of these `first` have it as their first reason, in the order of checking, and `alone` have no other: they would be
    open but for this rule.
    """

    workload: str
    stream: str | None
    reason: str
    rule: str | None
    offers: int
    first: int
    alone: int = 0
    partial: bool = False
    dataset: str | None = None


@dataclass(frozen=True, eq=False)
class Out:
    """An exclusion of a workload (`stream` None) or stream: `options` it rules out, and those that it `alone` does.

    Where no stream is named, `alone` is summed over the streams of the workload.
    """

    workload: str
    stream: str | None
    of: Packed
    options: int
    alone: int


@dataclass
class Ledger:
    """Exclusions by (workload, stream); those of a workload hold for all its streams.

    `size` is the number of open offers; `closed` counts offers shut for everybody by (reason, rule). With `at_rest` it
    is about datasets (under the name of workloads, without streams), and `size` is the number of regions.
    """

    size: int
    closed: dict[tuple[str, str | None], int] = field(default_factory=dict)
    at_rest: bool = False
    _packed: dict[tuple[str, str | None], list[Packed]] = field(default_factory=dict)
    _counted: dict[tuple[int, ...], list[LedgerRow]] = field(default_factory=dict)

    def copy(self) -> Ledger:
        """Return a ledger of its own with the same exclusions."""
        packed = {key: list(exclusions) for key, exclusions in self._packed.items()}
        return Ledger(self.size, self.closed, self.at_rest, packed)

    def add(self, workload: str, stream: str | None, exclusions: Iterable[Exclusion]) -> None:
        """Record exclusions; those that rule nothing out are dropped."""
        self.add_packed(workload, stream, pack(exclusions))

    def add_packed(self, workload: str, stream: str | None, packed: Iterable[Packed]) -> None:
        """Record what `pack` made."""
        self._packed.setdefault((workload, stream), []).extend(packed)

    def keys(self) -> Iterator[tuple[str, str | None]]:
        """Yield the (workload, stream) pairs that have exclusions."""
        return iter(self._packed)

    def shutting(self) -> Iterator[tuple[str, RuleKey]]:
        """Yield by workload, whatever its stream, the rules that rule something out."""
        for (workload, _), packed in self._packed.items():
            yield from ((workload, key) for key in dict.fromkeys(one.key for one in packed))

    def exclusions(self, workload: str, stream: str | None = None) -> list[Exclusion]:
        """Return the exclusions that bear on the stream (those of the workload first), or on the workload alone."""
        packed = list(self._packed.get((workload, None), ()))
        if stream is not None:
            packed += self._packed.get((workload, stream), ())
        return [
            Exclusion(
                p.reason, p.rule, np.unpackbits(p.bits, count=self.size).astype(bool), p.partial, p.key.kind, p.evidence
            )
            for p in packed
        ]

    def why(self, workload: str, stream: str | None, offer: int) -> tuple[Ground, ...]:
        """Return every rule that rules the offer out, with its evidence, the first checked first; empty if none does.

        Without `stream`, only what holds for all streams of the workload.
        """
        byte, bit = offer >> 3, 128 >> (offer & 7)
        packed = [*self._packed.get((workload, None), ())]
        packed += self._packed.get((workload, stream), ()) if stream is not None else ()
        return tuple(
            Ground(p.reason, p.key, p.partial, p.evidence(offer) if p.evidence is not None else ())
            for p in packed
            if p.bits[byte] & bit
        )

    def first_reasons(self, option: int) -> Counter[tuple[str, str | None]]:
        """Count over the workloads, and streams, that an option is shut to by which (reason, rule) first."""
        byte, bit = option >> 3, 128 >> (option & 7)

        def first(key: tuple[str, str | None]) -> tuple[str, str | None] | None:
            hit = (p for p in self._packed.get(key, ()) if not p.partial and p.bits[byte] & bit)
            return next(((p.reason, p.rule) for p in hit), None)

        found: Counter[tuple[str, str | None]] = Counter()
        for workload, stream in self._packed:
            of_workload = first((workload, None))
            why = of_workload if stream is None or of_workload is not None else first((workload, stream))
            if why is not None:
                found[why] += 1
        return found

    def counts(self, workload: str, stream: str | None = None, among: Bools | None = None) -> list[LedgerRow]:
        """Count the offers out by reason and rule, for one stream with what it has from its workload.

        `among` [offers] leaves out the others; all count without it.
        """
        if among is None:
            key = self.shared(workload, stream)
            if key not in self._counted:
                self._counted[key] = self._count(self.exclusions(workload, stream))
            counted = self._counted[key]
        else:
            exclusions = self.exclusions(workload, stream)
            counted = self._count([replace(e, offers=e.offers & among) for e in exclusions])
        owner, dataset = ("", workload) if self.at_rest else (workload, None)
        return [replace(row, workload=owner, stream=stream, dataset=dataset) for row in counted]

    def shared(self, workload: str, stream: str | None) -> tuple[int, ...]:
        """Return what all streams have in common that are ruled out by the same packed exclusions."""
        own = self._packed.get((workload, stream), ()) if stream is not None else ()
        return tuple(map(id, (*self._packed.get((workload, None), ()), *own)))

    def _count(self, exclusions: list[Exclusion]) -> list[LedgerRow]:
        """Count exclusions in the order of checking; rows of nobody."""
        seen = np.zeros(self.size, dtype=bool)
        rows = []
        for exclusion, own in zip(exclusions, _alone(exclusions, self.size), strict=True):
            first = 0 if exclusion.partial else int((exclusion.offers & ~seen).sum())
            if not exclusion.partial:
                seen |= exclusion.offers
            out = int(exclusion.offers.sum())
            rows.append(LedgerRow("", None, exclusion.reason, exclusion.rule, out, first, own, exclusion.partial))
        return rows

    def out(self) -> Iterator[Out]:
        """Yield every exclusion of every workload and stream with how much it rules out."""
        counted: dict[int, int] = {}
        alone: dict[tuple[int, ...], Ints] = {}
        streams: dict[str, list[str | None]] = {}
        for workload, stream in self._packed:
            streams.setdefault(workload, []).extend([] if stream is None else [stream])

        def alone_of(workload: str, stream: str | None) -> Ints:
            shared = self.shared(workload, stream)
            if shared not in alone:
                alone[shared] = np.array(_alone(self.exclusions(workload, stream), self.size), dtype=np.int64)
            return alone[shared]

        for (workload, stream), packed in self._packed.items():
            if stream is None:
                leaves = streams[workload] or [None]
                own = np.sum([alone_of(workload, leaf)[: len(packed)] for leaf in leaves], axis=0)
            else:
                own = alone_of(workload, stream)[len(self._packed.get((workload, None), ())) :]
            for one, only in zip(packed, own.tolist(), strict=True):
                if id(one) not in counted:
                    counted[id(one)] = int(np.unpackbits(one.bits, count=self.size).sum())
                yield Out(workload, stream, one, counted[id(one)], only)

    def alone(self) -> Counter[RuleKey]:
        """Count by rule the options that it alone excludes: without it they would be open (in some period more).

        An option is an offer for a stream, or for a workload without streams; a region for a dataset.
        """
        found: Counter[RuleKey] = Counter()
        for out in self.out():
            found[out.of.key] += out.alone
        return found

    def alone_of(self, workload: str, stream: str | None = None) -> Counter[RuleKey]:
        """Count by rule the offers that it alone keeps from a workload, or from a stream of it."""
        exclusions = self.exclusions(workload, stream)
        found: Counter[RuleKey] = Counter()
        for exclusion, count in zip(exclusions, _alone(exclusions, self.size), strict=True):
            found[exclusion.key] += count
        return +found

    def excluded(self) -> Counter[RuleKey]:
        """Count by rule the options that it excludes, whatever else does; options as in `alone`."""
        found: Counter[RuleKey] = Counter()
        counted: dict[tuple[int, ...], Counter[RuleKey]] = {}
        with_streams = {workload for workload, stream in self._packed if stream is not None}
        for workload, stream in self._packed:
            if stream is None and workload in with_streams:
                continue
            shared = self.shared(workload, stream)
            if shared not in counted:
                masks = _by_rule(self.exclusions(workload, stream))
                counted[shared] = Counter({key: int(mask.sum()) for key, mask in masks.items()})
            found.update(counted[shared])
        return found

    def rows(self) -> list[LedgerRow]:
        """Summarise everything, one row per (workload, stream, reason, rule); workload-wide rows have stream None."""
        rows: list[LedgerRow] = []
        for workload, stream in self._packed:
            rows.extend(row for row in self._own_counts(workload, stream))
        return rows

    def _own_counts(self, workload: str, stream: str | None) -> list[LedgerRow]:
        inherited = 0 if stream is None else len(self._packed.get((workload, None), ()))
        return self.counts(workload, stream)[inherited:]


def _by_rule(exclusions: Sequence[Exclusion]) -> dict[RuleKey, Bools]:
    """Return by rule what it excludes, for whatever reason."""
    by_rule: dict[RuleKey, Bools] = {}
    for exclusion in exclusions:
        mask = by_rule.get(exclusion.key)
        by_rule[exclusion.key] = exclusion.offers if mask is None else mask | exclusion.offers
    return by_rule


def _alone(exclusions: Sequence[Exclusion], size: int) -> list[int]:
    """Return for each exclusion how many offers no other rule excludes; what two of one rule share counts once."""
    by_rule = _by_rule(exclusions)
    times = np.zeros(size, dtype=np.int64)
    for mask in by_rule.values():
        times += mask
    left = {key: mask & (times == 1) for key, mask in by_rule.items()}
    found = []
    for exclusion in exclusions:
        own = exclusion.offers & left[exclusion.key]
        left[exclusion.key] = left[exclusion.key] & ~own
        found.append(int(own.sum()))
    return found
