"""What nobody knows of the law, asked once more for the audit: refused places, and the actions a plan has to list.

Read from the rows of the coverage table and of the laws; the engine's own reading of them is not called.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from optimizer.audit.chip_law import ChipRuling, ruling_at_rest, ruling_of
from optimizer.audit.data import Kept, copy_rulings, kept_of, selects_copy
from optimizer.audit.deeds import DeedBook
from optimizer.audit.duties import Due, duties
from optimizer.audit.endpoint_resources import WHERE_IT_IS
from optimizer.audit.facts import CPU
from optimizer.audit.findings import Findings
from optimizer.audit.law_check import offer_rulings, questions_of_policy
from optimizer.audit.law_profiles import Profile
from optimizer.audit.law_rules import IN_FORCE, LawBook, Ruling, binds
from optimizer.audit.law_text import FREE_VERBS, by_category, parse
from optimizer.audit.law_triggers import Place
from optimizer.audit.lines import Ledger, Line
from optimizer.audit.names import region_of
from optimizer.audit.sovereignty import selected
from optimizer.instance.models import Instance
from optimizer.instance.rules import RequireCertification, Sovereignty
from optimizer.plan.models import Plan

if TYPE_CHECKING:
    from optimizer.audit.desk import Desk
    from optimizer.laws import LawPack

KEEPS_HERE = {"HARD_LOCAL", "STORE_ONLY", "LOCAL_COPY", "LOCAL_PRIMARY"}
UNRULED = {"non_personal", "any"}
OWNERS = {
    "coverage": ("confirm_law", "data-protection officer"),
    "access": ("confirm_access", "vendor manager"),
    "certificate": ("confirm_certificate", "compliance officer"),
    "seal": ("confirm_seal", "compliance officer"),
    "chip": ("confirm_chip", "export-control officer"),
    "party": ("confirm_party", "sanctions officer"),
    "tenant": ("confirm_tenant", "export-control officer"),
    "route": ("confirm_route", "network engineer"),
}


@dataclass(frozen=True)
class Silence:
    """What is not known of a jurisdiction: `open` questions, or answers from memory alone (`unconfirmed`)."""

    jurisdiction: str
    arrives: bool
    open: bool
    unconfirmed: bool

    @property
    def rule(self) -> str:
        """What an action or an acceptance calls it."""
        return f"coverage:{self.jurisdiction}"


class CoverageBook:
    """The coverage table beside the laws, and what an instance makes of what is not known."""

    def __init__(self, pack: LawPack, instance: Instance) -> None:
        self._rows: dict[str, Any] = dict(pack.coverage.rows)
        self._stated = instance.laws.unknown
        self._accepts = instance.legal_assertions.accepts
        self._moving: dict[str, set[str]] = {}
        self._staying: dict[str, set[str]] = {}
        for law in pack.laws.values():
            if not binds(law) or law.status not in IN_FORCE or law.in_force_from is None:
                continue
            listing = {place for place, row in self._rows.items() if law.id in row.laws}
            own = {law.subdivision} if law.subdivision else set(law.jurisdictions)
            rules = [rule for text in (law.storage_rule, law.processing_rule) for _, rule in by_category(text)]
            verbs = {clause.verb for rule in rules for clause in parse(rule)}
            local = {verb for verb in FREE_VERBS if verb != "free"}
            for place in own | listing:
                if verbs - local:
                    self._moving.setdefault(place, set()).add(law.id)
                if verbs & local or set(law.kind.split("+")) & KEEPS_HERE:
                    self._staying.setdefault(place, set()).add(law.id)

    def accepted_by(self, rule: str, days: Iterable[date]) -> str | None:
        """Return who accepted what is open under a rule for all of these days."""
        until = max(days)
        fits = [a.author for a in self._accepts if a.rule == rule and a.expires >= until]
        return fits[0] if fits else None

    def silences(self, profile: Profile, places: Iterable[str], laws: Iterable[Any]) -> list[Silence]:
        """Return what is not known of where data come from, unless they stay there, and of where they arrive.

        `laws` are the rows that reach the data.
        """
        there = {*places, *(profile.onward or ())}
        reaching = list(laws)
        homes = [home for home in (profile.exporter_country, *profile.subjects) if home]
        left = {j for home in homes for j in self._ruling(home)}
        gone = [j for j in left if any(j not in (place, place.split("-")[0]) for place in there)]
        found = [self._answered(self._from(j), profile, reaching) for j in gone]
        arrived = {j for place in there for j in self._ruling(place)} - left
        found += [Silence(j, True, self._unseen(j), False) for j in arrived]
        return [one for one in found if one.open or one.unconfirmed]

    def _answered(self, one: Silence, profile: Profile, laws: list[Any]) -> Silence:
        """Return an origin's silence as something to confirm if its rule on transfers reaches the data, and every
        special class that is stated of them has a law of that origin."""
        place = one.jurisdiction
        moving = self._moving.get(place, set())
        speaking = [law for law in laws if law.id in moving | self._staying.get(place, set())]
        spoken_of = {category for law in speaking for category in law.data_categories}
        told = "any" in spoken_of or profile.stated_categories - {"personal"} <= spoken_of
        if one.open and told and any(law.id in moving for law in speaking):
            return Silence(place, one.arrives, False, True)
        return one

    def refuses(self, profile: Profile, one: Silence) -> bool:
        """Return True if the instance keeps data out for this silence, somebody's acceptance apart."""
        if not one.open:
            return False
        if self._stated.law is not None:
            return self._stated.law == "refuse"
        return one.arrives and not self.free_of_rules(profile)

    def unseen(self, place: str) -> list[Silence]:
        """Return the jurisdictions of a place that nobody looked at."""
        return [Silence(j, True, True, False) for j in self._ruling(place) if self._unseen(j)]

    @property
    def refuses_chips(self) -> bool:
        """Return True if chips that export rules speak of are not used where nobody looked."""
        return self._stated.law in (None, "refuse")

    def answers_on_capacity(self, kind: str) -> tuple[bool, bool]:
        """Return whether capacity is refused, and whether it is asked about, while what rules ask of a chip, or of the
        tenant, is missing."""
        answer = self._stated.tenant if kind == "tenant" else self._stated.law
        return answer == "refuse", answer != "admit"

    @property
    def asks_of_chips(self) -> bool:
        """Return True if what is not known of a place for such chips has to be found out by somebody."""
        return self._stated.law != "admit"

    def asks(self, profile: Profile) -> bool:
        """Return True if what is not known of a profile's data has to be found out by somebody."""
        return self._stated.law != "admit" and not self.free_of_rules(profile)

    @staticmethod
    def free_of_rules(profile: Profile) -> bool:
        """Return True for data that are about nobody and in no class that laws speak of."""
        return profile.categories <= UNRULED

    @property
    def asks_certificates(self) -> bool:
        """Return True if certificates that nobody read, or nobody knows, have to be confirmed."""
        return self._stated.certificate != "admit"

    @property
    def asks_access(self) -> bool:
        """Return True if unknown support countries have to be found out."""
        return self._stated.access != "admit"

    @property
    def refuses_access(self) -> bool:
        """Return True if an operator with unknown support countries is not used."""
        return self._stated.access == "refuse"

    def _ruling(self, place: str) -> list[str]:
        country = place.partition("-")[0]
        return [country] if place == country or place not in self._rows else [place, country]

    def _unseen(self, jurisdiction: str) -> bool:
        return jurisdiction not in self._rows or self._rows[jurisdiction].found == "not_reviewed"

    def _from(self, jurisdiction: str) -> Silence:
        if self._unseen(jurisdiction):
            return Silence(jurisdiction, False, True, False)
        row = self._rows[jurisdiction]
        pairs = ((row.transfer_rule, self._moving), (row.localization_rule, self._staying))
        silent = any(said == "unknown" or (said == "yes" and jurisdiction not in stated) for said, stated in pairs)
        recalled = row.found == "from_memory" and any(said == "no" for said, _ in pairs)
        return Silence(jurisdiction, False, silent, recalled)


@dataclass
class _Owners:
    workloads: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)

    def add(self, workload: str = "", dataset: str = "") -> None:
        """Add whom a point concerns."""
        self.workloads |= {workload} - {""}
        self.datasets |= {dataset} - {""}


def check_unknown(ledger: Ledger, plan: Plan, desk: Desk, findings: Findings) -> tuple[str, ...]:
    """Check that nothing is where the instance refuses it for want of knowledge, and that open points are listed.

    Return the rules of those that nobody accepted.
    """
    book = CoverageBook(desk.pack, ledger.world.instance)
    due: dict[str, _Owners] = {}
    deeds = DeedBook(desk.book, ledger.world.instance.horizon.start) if desk.book is not None else None
    kept = kept_of(ledger, desk, Findings()) if plan.copies else {}
    for line in ledger.lines:
        if line.row.instances > 0 or line.row.served_per_s > 0 or line.row.instance_hours:
            if desk.book is not None:
                _of_line(ledger, line, desk, book, due=due, deeds=deeds, findings=findings)
            _of_policies(ledger, line, desk, due)
    for k, row in enumerate(plan.copies):
        one, region = kept.get(row.dataset), region_of(ledger.world, row)
        if one is not None and region is not None:
            home = Place.of(region, "storage")
            if desk.book is not None and deeds is not None:
                _look(
                    desk.book, book, one.profile, home, [home.place], where=f"copies[{k}] {row.dataset}",
                    dataset=row.dataset, due=due, findings=findings, on=ledger.world.calendar.dates[0],
                )  # fmt: skip
                rulings = (each for on in dict.fromkeys(ledger.world.calendar.dates)
                           for _, each in copy_rulings(desk.book, one.profile, home, on))  # fmt: skip
                _confirm(rulings, book, due, dataset=row.dataset)
                for on in dict.fromkeys(ledger.world.calendar.dates):
                    deeds.add(one.profile, [home.place], _seats(desk.book, home, on), on, dataset=row.dataset)
                    _of_capacity(ruling_at_rest(desk, region, on), f"copies[{k}] {row.dataset}", desk, book, on,
                                 due=due, findings=findings, dataset=row.dataset)  # fmt: skip
            _copy_policies(ledger, one, home, desk, due)
    for policy in [one for one in ledger.world.instance.policies if isinstance(one, Sovereignty)]:
        for region, _, workload, dataset in selected(ledger, plan, desk, policy):
            for rule in desk.seals.questions(policy, region):
                due.setdefault(rule, _Owners()).add(workload, dataset)
    days = ledger.world.calendar.dates
    every = _due(due, days[0]) | duties(ledger, plan, desk) | (deeds.due() if deeds is not None else {})
    if plan.actions or plan.laws_sha256 or plan.instance_sha256:
        _compare(plan, book, every, days, findings)
    return tuple(rule for rule in sorted(every) if book.accepted_by(rule, days) is None)


def _confirm(rulings: Iterable[Ruling], book: CoverageBook, due: dict[str, _Owners], **owner: str) -> None:
    """Note the certificates that rulings rest on and nobody read."""
    for ruling in rulings:
        for rule in ruling.confirm:
            if not rule.startswith(("party:", "route:")) and not book.asks_certificates:
                continue
            due.setdefault(rule, _Owners()).add(**owner)


def _of_policies(ledger: Ledger, line: Line, desk: Desk, due: dict[str, _Owners]) -> None:
    at, on = Place.of(line.region, "endpoint" if line.offer.endpoint else "instance"), ledger.world.calendar.dates
    for policy in ledger.world.instance.policies:
        if not isinstance(policy, RequireCertification):
            continue
        if desk.scopes.selects(policy.scope, line.workload, line.region, line.period):
            for rule in questions_of_policy(desk, policy, at, on[line.period]):
                due.setdefault(rule, _Owners()).add(workload=line.workload.id)


def _copy_policies(ledger: Ledger, one: Kept, home: Place, desk: Desk, due: dict[str, _Owners]) -> None:
    region = ledger.world.region(home.region or "")
    for policy in ledger.world.instance.policies:
        if not isinstance(policy, RequireCertification) or region is None or not selects_copy(desk, policy.scope, one):
            continue
        for t, on in enumerate(ledger.world.calendar.dates):
            if desk.scopes.of_place(policy.scope, region, t):
                for rule in questions_of_policy(desk, policy, home, on):
                    due.setdefault(rule, _Owners()).add(dataset=one.id)


def _of_line(
    ledger: Ledger, line: Line, desk: Desk, book: CoverageBook, *, due: dict[str, _Owners], deeds: DeedBook | None,
    findings: Findings,
) -> None:  # fmt: skip
    assert desk.book is not None
    assert deeds is not None
    home = Place.of(line.region, "endpoint" if line.offer.endpoint else "instance")
    places = [home.place]
    if line.offer.endpoint and line.offer.scope not in WHERE_IT_IS and line.offer.scope_countries:
        places = sorted(line.offer.scope_countries)
    if line.row.stream is not None or line.workload.kind == "job":
        profiles = desk.profiles.of(line.workload.id, line.row.stream if line.workload.kind == "service" else None)
    else:
        first = next(iter(ledger.world.streams[line.workload.id]))
        profiles = desk.profiles.of(line.workload.id, first)
    on = ledger.world.calendar.dates[line.period]
    for profile in profiles:
        rulings = (each for _, each in offer_rulings(desk.book, profile, line.offer, on))
        _confirm(rulings, book, due, workload=line.workload.id)
        kept_there = [home.place] if profile.retention_hours else []
        deeds.add(profile, [*places, *kept_there], _seats(desk.book, home, on), on, workload=line.workload.id)
        _look(
            desk.book, book, profile, home, places + kept_there, where=line.where, workload=line.workload.id,
            due=due, findings=findings, on=ledger.world.calendar.dates[line.period],
        )  # fmt: skip
    _of_capacity(ruling_of(desk, line, on), line.where, desk, book, on, due=due, findings=findings,
                 workload=line.workload.id)  # fmt: skip
    controlled = not line.offer.endpoint and line.offer.accelerator not in ("", CPU)
    if controlled and desk.chip(line.offer.accelerator).controlled:
        for one in book.unseen(home.place):
            accepted = book.accepted_by(one.rule, [ledger.world.calendar.dates[line.period]])
            if book.refuses_chips and accepted is None:
                what = f"what the law of {one.jurisdiction} says of {line.offer.accelerator} is not known"
                findings.add("law_unknown", line.where, what, rule=one.rule)
            if book.asks_of_chips:
                due.setdefault(one.rule, _Owners()).workloads.add(line.workload.id)


def _of_capacity(
    found: ChipRuling, where: str, desk: Desk, book: CoverageBook, on: date, *, due: dict[str, _Owners],
    findings: Findings, workload: str = "", dataset: str = "",
) -> None:  # fmt: skip
    """Look at what rules on capacity ask of the chip or of its user, and nobody has."""
    _confirm([found.ruling], book, due, workload=workload, dataset=dataset)
    for rule in sorted(found.asks):
        kind = rule.partition(":")[0]
        refuses, asks = book.answers_on_capacity(kind)
        if refuses and book.accepted_by(rule, [on]) is None:
            findings.add(f"{kind}_unknown", where, "a rule on capacity asks for what is not known", rule=rule)
        if asks:
            due.setdefault(rule, _Owners()).add(workload, dataset)


def _look(
    laws: LawBook, book: CoverageBook, profile: Profile, home: Place, places: list[str], *, where: str,
    due: dict[str, _Owners], findings: Findings, on: date, workload: str = "", dataset: str = "",
) -> None:  # fmt: skip
    """Look at one profile's data at one place: what is refused is a violation, what is open an action."""
    findings.checked["unknown"] += 1
    seats = _seats(laws, home, on)
    reaching = laws.reaching(profile, on)
    for one in book.silences(profile, places, reaching):
        if book.refuses(profile, one) and book.accepted_by(one.rule, [on]) is None:
            findings.add("law_unknown", where, f"what the law of {one.jurisdiction} says is not known", rule=one.rule)
    asked = book.silences(profile, [*places, *seats], reaching) if book.asks(profile) else []
    rules = [one.rule for one in asked]
    if not seats and laws.rules_on_access(profile, on):
        rule = f"access:{home.provider}"
        if book.refuses_access and book.accepted_by(rule, [on]) is None:
            findings.add("access_unknown", where, "from where staff see the data is not known", rule=rule)
        rules += [rule] if book.asks_access else []
    elif book.asks_access and laws.rules_on_access(profile, on) and not laws.support_read(home.provider):
        rules.append(f"access:{home.provider}")
    for rule in rules:
        due.setdefault(rule, _Owners()).add(workload, dataset)


def _seats(laws: LawBook, home: Place, on: date) -> list[str]:
    """Return the places from which the operator's staff is known to see data."""
    return [seat.place for seat in laws.support_seats(home, on)]


def _due(due: dict[str, _Owners], first: date) -> dict[str, Due]:
    """Return what the actions on open points have to say: they are due when the horizon starts."""
    found = {}
    for rule, owners in due.items():
        kind, _, subject = rule.partition(":")
        one = found[rule] = Due(*OWNERS[kind], subject, first)
        one.workloads, one.datasets = owners.workloads, owners.datasets
    return found


def _compare(
    plan: Plan, book: CoverageBook, due: dict[str, Due], days: tuple[date, ...], findings: Findings
) -> None:
    stated = [action.rule for action in plan.actions]
    if len(set(stated)) < len(stated):
        findings.add("duplicate", "actions", "a rule has several actions")
    findings.checked["action"] += len(due)
    for rule in sorted(due.keys() - set(stated)):
        findings.add("action", "actions", "what has to be found out or done is not listed", expected=rule, rule=rule)
    for action in plan.actions:
        where = f"actions {action.rule}"
        if action.rule not in due:
            findings.add("action", where, "nothing in the plan asks for it", found=action.rule)
            continue
        one = due[action.rule]
        mine = {
            "kind": one.kind, "owner": one.owner, "subject": one.subject, "due": one.due,
            "lead_time_days": one.lead_time_days, "before": one.before, "repeats": one.repeats,
            "on_request": one.on_request, "workloads": tuple(sorted(one.workloads)),
            "datasets": tuple(sorted(one.datasets)), "accepted_by": book.accepted_by(action.rule, days),
        }  # fmt: skip
        for name, expected in mine.items():
            if getattr(action, name) != expected:
                findings.add("action", where, name, expected=str(expected), found=str(getattr(action, name)))
