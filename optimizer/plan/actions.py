"""Actions: what somebody has to find out or confirm before a plan stands, each under the rule that asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.assemble import Compiled
from optimizer.compile.certificates import CertificatePolicies
from optimizer.compile.judgements import Judgement
from optimizer.compile.sites import destinations
from optimizer.compile.sovereignty import SovereigntyPolicies
from optimizer.instance.rules import RequireCertification, Sovereignty
from optimizer.laws.coverage import Profiled
from optimizer.laws.types import Known
from optimizer.plan.legal_rows import Action, ActionKind
from optimizer.plan.placements import Lines, signatures_of
from optimizer.plan.policy_uses import uses_of

OWNERS: dict[ActionKind, str] = {
    "confirm_law": "data-protection officer",
    "confirm_access": "vendor manager",
    "confirm_certificate": "compliance officer",
    "confirm_seal": "compliance officer",
    "confirm_chip": "export-control officer",
    "confirm_party": "sanctions officer",
    "confirm_route": "network engineer",
    "confirm_tenant": "export-control officer",
}
"""Who an action falls to, as a role: the instance names nobody."""

_KINDS: dict[str, ActionKind] = {
    "coverage": "confirm_law", "access": "confirm_access", "certificate": "confirm_certificate",
    "seal": "confirm_seal",
    "chip": "confirm_chip", "party": "confirm_party",
    "tenant": "confirm_tenant", "route": "confirm_route",
}  # fmt: skip
"""What an action is, by the kind of the rule that asks for it."""


@dataclass
class _Found:
    """One rule with what is open under it, and for whom."""

    sentences: dict[str, None] = field(default_factory=dict)
    workloads: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)


class _Register:
    """Collects what is open, by rule."""

    def __init__(self, compiled: Compiled) -> None:
        self._context = compiled.law_view.context
        self._answers = {
            "coverage": self._context.unknown_law,
            "access": self._context.unknown_access,
            "certificate": self._context.unknown_certificate,
            "seal": compiled.world.instance.laws.unknown.seal,
            "chip": self._context.unknown_law,
            "party": "ask",
            "route": "ask",
            "tenant": self._context.unknown_tenant,
        }
        self._start = compiled.world.instance.horizon.start
        self.dates = compiled.law_view.dates
        self.open: dict[str, _Found] = {}
        self.admitted: dict[str, _Found] = {}

    def operator(self, unknown: Iterable[tuple[str, str]], *, workload: str = "", dataset: str = "") -> None:
        """Add what is not known of an operator, or of a place for its chips, unless the user admits that."""
        for rule, sentence in unknown:
            if self._answers[rule.partition(":")[0]] != "admit":
                _add(self.open, rule, (sentence,), workload, dataset)

    def know(self, one: Known, profiled: Profiled, *, workload: str = "", dataset: str = "") -> None:
        """Add what is not known, or not confirmed, of a jurisdiction, as the user lets it count."""
        if not profiled.regulated:
            if one.unknown and self._context.unknown_law is None:
                _add(self.admitted, one.rule, one.unknown, workload, dataset)
            return
        if self._context.unknown_law != "admit" and (one.unknown or one.unconfirmed):
            _add(self.open, one.rule, (*one.unknown, *one.unconfirmed), workload, dataset)

    def actions(self) -> Iterator[Action]:
        """Yield one action per rule, in the order of their ids."""
        for rule, found in sorted(self.open.items()):
            kind, subject = _named(rule)
            yield Action(
                rule=rule,
                kind=kind,
                subject=subject,
                sentence="; ".join(found.sentences),
                owner=OWNERS[kind],
                due=self._start,
                workloads=tuple(sorted(found.workloads)),
                datasets=tuple(sorted(found.datasets)),
                accepted_by=self._accepted_by(rule),
            )

    def _accepted_by(self, rule: str) -> str | None:
        """Return who accepted it for every day of the horizon."""
        last = max(self.dates)
        return next((a.author for a in self._context.accepts if a.rule == rule and last <= a.expires), None)


def actions_of(
    compiled: Compiled, lines: Lines, judgements: list[Judgement], copied: NDArray[np.float64]
) -> tuple[tuple[Action, ...], tuple[str, ...]]:
    """Return the actions of what a plan places and copies, and warnings of what it admits without one."""
    register = _Register(compiled)
    if compiled.law_view.pack is not None:
        _of_lines(compiled, lines, judgements, register)
        _of_copies(compiled, copied, register)
    _of_policies(compiled, lines, copied, register)
    warnings = (
        f"{'; '.join(found.sentences)}: data that are not personal are there all the same, of "
        f"{', '.join(sorted(found.workloads | found.datasets))}"
        for _, found in sorted(register.admitted.items())
    )
    return tuple(register.actions()), tuple(warnings)


def _of_lines(compiled: Compiled, lines: Lines, judgements: list[Judgement], register: _Register) -> None:
    law, slots, workloads = compiled.law_view, compiled.problem.slots, compiled.problem.workload_ids
    for judgement, w in zip(judgements, slots.workload[lines.slot].tolist(), strict=True):
        register.operator(judgement.unknown, workload=workloads[w])
    owners: dict[tuple[int, tuple[str, ...]], set[int]] = {}
    signatures = signatures_of(compiled, lines)
    for signature, slot in zip(signatures.tolist(), lines.slot.tolist(), strict=True):
        places = law.unknown.touched(signature, int(slots.offer[slot]))
        owners.setdefault((signature, places), set()).add(int(slots.workload[slot]))
    for (signature, places), those in owners.items():
        for w in those:
            _know(compiled, register, signature, places, workloads[w])


def _know(
    compiled: Compiled, register: _Register, signature: int, places: tuple[str, ...], workload: str
) -> None:
    """Add what is not known, or not confirmed, of the places that data of a signature touch."""
    for profiled in compiled.law_view.unknown.of(signature, register.dates[0]):
        for one in profiled.of(places):
            register.know(one, profiled, workload=workload)


def open_by_line(compiled: Compiled, lines: Lines, judgements: list[Judgement]) -> list[frozenset[str]]:
    """Return for every line the rules of law under which somebody would have something to find out or to confirm, and
    which nobody accepted as they are.
    """
    if compiled.law_view.pack is None:
        return [frozenset()] * len(lines.slot)
    known: dict[tuple[int, int, tuple[str, ...]], frozenset[str]] = {}
    found = []
    signatures = signatures_of(compiled, lines)
    for judgement, signature, slot in zip(judgements, signatures.tolist(), lines.slot.tolist(), strict=True):
        places = compiled.law_view.unknown.touched(signature, int(compiled.problem.slots.offer[slot]))
        key = id(judgement), signature, places
        if key not in known:
            register = _Register(compiled)
            register.operator(judgement.unknown)
            _know(compiled, register, signature, places, "")
            known[key] = _not_accepted(register)
        found.append(known[key])
    return found


def open_by_copy(compiled: Compiled) -> list[frozenset[str]]:
    """Return the same for every copy that there may be."""
    copies = compiled.problem.datasets.copy_dataset.size
    if compiled.law_view.pack is None:
        return [frozenset()] * copies
    found = []
    for c in range(copies):
        register = _Register(compiled)
        _of_copies(compiled, np.eye(1, copies, c).ravel(), register)
        found.append(_not_accepted(register))
    return found


def _not_accepted(register: _Register) -> frozenset[str]:
    return frozenset(action.rule for action in register.actions() if action.accepted_by is None)


def _of_copies(compiled: Compiled, copied: NDArray[np.float64], register: _Register) -> None:
    table, law, data = compiled.datasets, compiled.law_view, compiled.problem.datasets
    assert law.pack is not None
    places = destinations(compiled.world, "storage")
    for c in np.flatnonzero(copied > 0).tolist():
        info = table.info[int(data.copy_dataset[c])]
        register.operator(table.copy_judgement[c].unknown, dataset=info.id)
        profiled = law.pack.judge_for(info.profile, register.dates[0], law.context).coverage
        assert profiled is not None
        for one in profiled.of(law.unknown.touched_at_rest(places[int(data.copy_region[c])])):
            register.know(one, profiled, dataset=info.id)


def _of_policies(compiled: Compiled, lines: Lines, copied: NDArray[np.float64], register: _Register) -> None:
    """Add the certificates, and the levels of sovereignty, by which the user's own policies let services be used."""
    world = compiled.world
    held, levels = CertificatePolicies(compiled.law_view), SovereigntyPolicies(world, compiled.law_view)
    for policy in world.instance.policies:
        if not isinstance(policy, RequireCertification | Sovereignty):
            continue
        for use in uses_of(compiled, lines, copied, policy.scope):
            on = world.period_dates[use.period]
            if isinstance(policy, Sovereignty):
                questions = levels.question(policy, use.region, on)
            else:
                questions = held.questions(policy, use.service, use.region, on)
            register.operator(questions, workload=use.workload, dataset=use.dataset)


def _add(to: dict[str, _Found], rule: str, sentences: Iterable[str], workload: str, dataset: str) -> None:
    found = to.setdefault(rule, _Found())
    found.sentences.update(dict.fromkeys(map(str, sentences)))
    if workload:
        found.workloads.add(workload)
    if dataset:
        found.datasets.add(dataset)


def _named(rule: str) -> tuple[ActionKind, str]:
    kind, _, subject = rule.partition(":")
    return _KINDS[kind], subject

