"""The legal register: each entry against the law pack, and against the rows of the plan that it sums up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from optimizer.audit.chip_law import is_chip_rule
from optimizer.audit.desk import Desk
from optimizer.audit.findings import Findings
from optimizer.audit.law_rules import binds
from optimizer.audit.lines import Ledger
from optimizer.audit.row_laws import WEAK, Said, states_law
from optimizer.plan.legal_rows import LegalEntry
from optimizer.plan.models import Plan
from optimizer.plan.rows import MechanismUse

LAW_REASONS = frozenset({"law_forbids", "law_no_mechanism", "law_approval_missing", "accelerator_export"})
KIND = "register"


def check_register(ledger: Ledger, plan: Plan, desk: Desk, said: Sequence[Said], *, findings: Findings) -> None:
    """Check the register, the laws behind safeguards and the lists of laws of a plan that states its law."""
    if desk.book is None:
        for name in ("legal_register", "unmodelled_laws", "unreviewed_laws"):
            if getattr(plan, name):
                findings.add(KIND, name, "is stated, though the instance binds no law")
        return
    _check_lists(plan, desk, findings)
    for k, use in enumerate(plan.mechanisms if states_law(plan) else ()):
        _check_laws_of(use, desk, f"mechanisms[{k}] {use.mechanism}", findings)
    if not (plan.legal_register or plan.laws_sha256):
        return
    mine = _Register(plan, desk, deletions(ledger, plan, desk, said))
    stated = Counter(entry.law for entry in plan.legal_register)
    for entry in plan.legal_register:
        findings.checked[KIND] += 1
        where = f"legal_register {entry.law}"
        if stated[entry.law] > 1:
            findings.add("duplicate", where, "the law has several entries", found=stated[entry.law])
        if entry.law in desk.pack.laws:
            mine.compare(entry, where, findings)
    _check_overdue(plan, mine, findings)
    lacking = mine.laws() - stated.keys()
    if lacking:
        findings.add(KIND, "legal_register", "laws that decided something have no entry",
                     expected=", ".join(sorted(lacking)))  # fmt: skip
    idle = stated.keys() & desk.pack.laws.keys() - mine.laws()
    if idle:
        findings.add(KIND, "legal_register", "laws that decided nothing have an entry", found=", ".join(sorted(idle)))


def _check_overdue(plan: Plan, mine: _Register, findings: Findings) -> None:
    """A law whose row somebody was to look at again before today has to be named in a warning, with that day."""
    for law, until in mine.overdue():
        if not any(f"{law} ({until})" in text for text in plan.warnings):
            findings.add("left_out", "warnings", "a law past its date of review is not warned of", expected=law,
                         rule=law)  # fmt: skip


class _Register:
    """What the pack and the plan's own rows say of each law."""

    def __init__(self, plan: Plan, desk: Desk, deleted: dict[str, tuple[str, ...]]) -> None:
        self._pack, self._deleted = desk.pack, deleted
        self._unreviewed = set(plan.unreviewed_laws)
        self._overridden = {one.law for one in desk.world.instance.legal_assertions.overrides}
        instance = desk.world.instance
        self._known_on = instance.laws.as_of or instance.horizon.start
        self._forbade: Counter[str] = Counter()
        self._closed: Counter[str] = Counter()
        for row in plan.ineligible:
            if row.reason in LAW_REASONS and row.rule is not None:
                (self._forbade if row.dataset is None else self._closed)[row.rule] += row.alone
        self._bears: Counter[str] = Counter()
        for laws in (*(p.laws for p in plan.placements), *((*c.laws, *c.duty) for c in plan.copies)):
            self._bears.update(set(laws))
        self._asked: dict[str, dict[str, None]] = {}
        for use in plan.mechanisms:
            for law in use.laws:
                self._asked.setdefault(law, {})[use.mechanism] = None

    def laws(self) -> set[str]:
        """Return the laws that the register has to name."""
        return {*self._forbade, *self._closed, *self._bears, *self._asked} & self._pack.laws.keys()

    def overdue(self) -> list[tuple[str, date]]:
        """Return the laws that the register has to name and that are past their date of review, with that date."""
        dated = ((law, self._pack.laws[law].review_by) for law in sorted(self.laws()))
        return [(law, until) for law, until in dated if until is not None and until < self._known_on]

    def decided(self, law: str) -> str:
        """Return what a law decided in the plan, in the register's words."""
        parts = []
        for verb, what, alone in (("forbids", "options", self._forbade), ("closes", "regions to copies", self._closed)):
            if law in alone:
                own = f"alone {verb} {alone[law]} {what}"
                parts.append(own if alone[law] else f"{verb} {what} that other rules exclude as well")
        parts += [f"required mechanism {', '.join(self._asked[law])}"] if law in self._asked else []
        return "; ".join(parts) or "free"

    def compare(self, entry: LegalEntry, where: str, findings: Findings) -> None:
        """Compare an entry with the pack's row and with the plan's own."""
        row: Any = self._pack.laws[entry.law]
        marks = {
            "weak": row.confidence.startswith(WEAK),
            "unreviewed": entry.law in self._unreviewed or not row.trigger.reviewed,
            "overridden": entry.law in self._overridden,
            "advisory": row.status.startswith("guidance"),
            "overdue": row.review_by is not None and row.review_by < self._known_on,
            "own": row.own,
        }
        mine = {
            "jurisdiction": "|".join(row.jurisdictions),
            "instrument": row.instrument,
            "provision": row.provision,
            "citation": row.citation,
            "confidence": row.confidence,
            "status": row.status,
            "in_force_from": row.in_force_from,
            "review_by": row.review_by,
            "decided": self.decided(entry.law),
            "placements": self._bears[entry.law],
            "obligations": (*self._deleted.get(entry.law, ()), *map(_deed, row.trigger.duties)),
            "flags": tuple(name for name, holds in marks.items() if holds),
        }
        for name, value in mine.items():
            told = getattr(entry, name)
            if told != value:
                findings.add(KIND, where, name, expected=_shown(value), found=_shown(told))


DEEDS = {
    "copy": "a copy stays in ", "primary": "the first database is in ", "backup": "a back-up stays in ",
    "register": "it is registered in ", "notice": "it is told to the authority of ",
}  # fmt: skip


def _deed(duty: Any) -> str:
    """Return what a law asks to be done as the register words it."""
    text = DEEDS[duty.kind] + " or ".join(duty.places)
    rhythm = duty.frequency.replace("_", " ")
    for word, value in (("before the ", duty.before), ("", rhythm), ("kept for ", duty.retain)):
        text += f", {word}{value}" if value else ""
    text += ", on request of the authority" if duty.on_request else ""
    text += f", or instead {duty.instead}" if duty.instead else ""
    return text + (f", or instead all processing is in {' or '.join(duty.processing_in)}" if duty.processing_in else "")


def deletions(ledger: Ledger, plan: Plan, desk: Desk, said: Sequence[Said]) -> dict[str, tuple[str, ...]]:
    """Return by law what has to be deleted abroad, within how many hours, at which placements."""
    places: dict[tuple[str, str, str], dict[str, None]] = {}
    laws_of = {(use.mechanism, use.key): use.laws for use in plan.mechanisms}
    for line, one in zip(ledger.lines, said, strict=False):
        options = [option for need in one.needs for option in need.options if option[0] in line.row.mechanisms]
        for option in dict.fromkeys(options):
            hours = desk.pack.mechanisms[option[0]].max_retention_hours
            if hours is None:
                continue
            duty = f"deleted abroad within {hours:g} h ({option[0]})"
            for law in laws_of.get(option, ()):
                if law in line.row.laws:
                    at = f"{line.row.region_id} ({line.row.country})"
                    places.setdefault((law, line.workload.id, duty), {})[at] = None
    found: dict[str, tuple[str, ...]] = {}
    for (law, workload, duty), there in places.items():
        found[law] = (*found.get(law, ()), f"{workload} at {', '.join(there)}: {duty}")
    return found


def _check_laws_of(use: MechanismUse, desk: Desk, where: str, findings: Findings) -> None:
    """Check the laws a safeguard is stated for: those of the plan that need it, and none that never asks for it."""
    findings.checked["laws named"] += 1
    lacking = desk.safeguards.needed.get((use.mechanism, use.key), set()) - set(use.laws)
    if lacking:
        findings.add("law_named", where, "laws that ask for it are not named", expected=_list(lacking))
    other = {law for law in use.laws if not _may_ask(desk, law, use.mechanism)}
    if other:
        findings.add("law_named", where, "laws that never ask for it are named", found=_list(other))


def _may_ask(desk: Desk, law: str, mechanism: str) -> bool:
    """Return True if a law's row, as it stands or as it was amended, names a mechanism anywhere."""
    if law not in desk.pack.laws:
        return False
    rows = (desk.pack.laws[law], *(row for _, row in desk.pack.amendments.get(law, ())))
    return any(
        mechanism in repr((r.mechanisms, r.storage_rule, r.processing_rule, r.access_rule, r.trigger)) for r in rows
    )


def _check_lists(plan: Plan, desk: Desk, findings: Findings) -> None:
    """Check the lists of unreviewed and unmodelled laws."""
    for name in ("unreviewed_laws", "unmodelled_laws"):
        told = getattr(plan, name)
        findings.checked[KIND] += 1
        if len(set(told)) < len(told):
            findings.add("duplicate", name, "a law is listed twice")
        unknown = [law for law in told if law not in desk.pack.laws]
        if unknown:
            findings.add("unknown_id", name, "no such law", found=", ".join(unknown))
    modelled = [law for law in plan.unmodelled_laws if law in desk.pack.laws and _has_effect(desk, law)]
    if modelled:
        findings.add(KIND, "unmodelled_laws", "laws that have an effect", found=_list(modelled))
    named = {law for row in plan.placements for law in row.laws if law in desk.pack.laws}
    mine = {law for law in named if not desk.pack.laws[law].trigger.reviewed}
    if states_law(plan) and mine != set(plan.unreviewed_laws):
        findings.add(KIND, "unreviewed_laws", "laws of placements whose trigger nobody reviewed", expected=_list(mine),
                     found=_list(plan.unreviewed_laws))  # fmt: skip


def _has_effect(desk: Desk, law: str) -> bool:
    """Return True if a law rules on data or chips, whichever of its versions is in force."""
    rows = (desk.pack.laws[law], *(row for _, row in desk.pack.amendments.get(law, ())))
    return all(binds(row) or row.trigger.effect == "accelerator" or is_chip_rule(row) for row in rows)


def _shown(value: Any) -> str | int | None:
    if value is None or isinstance(value, str | int):
        return value
    return "; ".join(value) or None if isinstance(value, tuple) else str(value)


def _list(names: Iterable[str]) -> str | None:
    return ", ".join(sorted(names)) or None
