"""The words of a legal judgement: what is asked, in which situation, and what is answered.

Everything here is immutable and knows nothing of files. Countries are ISO 3166-1 alpha-2 codes, subdivisions are
`ISO2-SUB` ("CA-QC", "AE-DIFC"). Counts of persons are persons, retention is hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from types import MappingProxyType
from typing import Any, Literal
from weakref import WeakKeyDictionary

from ..errors import InputError

Answer = Literal["refuse", "ask", "admit"]
"""What a user makes of something unknown: not used, used with an action left open, or used."""
ACTIVITIES = ("storage", "processing", "access")
SERVICES = ("instance", "endpoint", "storage")
BASES = ("citizenship", "residence", "collection")
"""Why persons count for a place: citizens of it, residents there, or collected there (while they were there)."""


class Level(Enum):
    """How free a thing is to be somewhere, from free to forbidden; levels are ordered, the worst law decides.

    Unknown is a rule that is known to exist and that no row states, or a jurisdiction that nobody looked at.
    """

    FREE = "free"
    CONDITIONAL = "conditional"
    UNKNOWN = "unknown"
    APPROVAL = "approval"
    FORBIDDEN = "forbidden"

    @property
    def rank(self) -> int:
        """0 for free … 4 for forbidden."""
        return _RANK[self._value_]

    def __lt__(self, other: Level) -> bool:
        return self.rank < other.rank

    def __le__(self, other: Level) -> bool:
        return self.rank <= other.rank

    def __gt__(self, other: Level) -> bool:
        return self.rank > other.rank

    def __ge__(self, other: Level) -> bool:
        return self.rank >= other.rank

    @property
    def allowed(self) -> bool:
        """True for free and conditional: a place a plan may use, at the price of the requirements.

        Whether an unknown one may be used is the user's to say (`LegalContext.unknown_law`, `unknown_access`).
        """
        return self.rank <= 1


_RANK = {"free": 0, "conditional": 1, "unknown": 2, "approval": 3, "forbidden": 4}


@dataclass(frozen=True)
class Count:
    """A number that an exporter states of a place: of persons, or of another unit that laws count.

    `window`: the time over which it was counted, a key of `triggers.WINDOWS`; "" if nobody says.
    """

    what: str
    of: str
    number: int
    window: str = ""


@dataclass(frozen=True)
class DataProfile:
    """All the law needs to know of a dataset, a stream or a workload's reading.

    `subjects` are the jurisdictions of the persons (ISO2 or ISO2-SUB; empty for data about nobody), `persons` and
    `sensitive_persons` count them per jurisdiction (a jurisdiction not listed is unknown, not zero).
    `counts` are what the exporter states of itself, in any unit; persons among them stand for the sums of its data.
    `exporter_country` is where the exporter is established ("" = unknown). `exporter_roles` without a status
    ("controller" is none) mean that no status has been stated; triggers say what they do then. `state` are the stated
    facts on how the data are protected (encrypted, who holds the keys, pseudonymised …); nothing is inferred from none.
    `by_basis` are the places by why persons count there, as far as stated; all of them are among `subjects`. `via` are
    the places that the data pass on their way, `onward` those of recipients of what is sent on (None: not stated).
    """

    categories: frozenset[str]
    subjects: frozenset[str] = frozenset()
    persons: tuple[tuple[str, int], ...] = ()
    sensitive_persons: tuple[tuple[str, int], ...] = ()
    exporter: str = ""
    exporter_country: str = ""
    exporter_hq: str | None = None
    exporter_roles: frozenset[str] = frozenset()
    sectors: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    retention_hours: float | None = None
    counts: tuple[Count, ...] = ()
    state: frozenset[str] = frozenset()
    by_basis: tuple[tuple[str, frozenset[str]], ...] = ()
    via: tuple[str, ...] | None = None
    onward: tuple[str, ...] | None = None

    def places(self, basis: tuple[str, ...]) -> tuple[frozenset[str], bool]:
        """The persons' places on any of these bases, and whether that is stated; what is not may be any place."""
        stated = dict(self.by_basis)
        if not basis or any(name not in stated for name in basis):
            return self.subjects, not basis
        return frozenset().union(*(stated[name] for name in basis)), True


@dataclass(frozen=True)
class Tenant:
    """Who uses capacity, and for what: what rules on export and sanctions ask of the user, whoever's the data are.

    `headquarters` and `parent` are the countries where it and its ultimate parent sit (its own for one without a
    parent); None, and no `end_use`, means that nobody stated it: unknown, not harmless. `name` and `customers` (whom it
    lets use what runs there) are parties, for rules that ask for lists.
    """

    headquarters: str | None = None
    parent: str | None = None
    end_use: frozenset[str] = frozenset()
    name: str = ""
    customers: tuple[str, ...] = ()

    @property
    def seats(self) -> tuple[str, ...]:
        """The seats that are stated."""
        return tuple(dict.fromkeys(seat for seat in (self.headquarters, self.parent) if seat))

    @property
    def unstated(self) -> str:
        """The seats that are not stated, in words; empty if both are."""
        seats = ((self.headquarters, "its headquarters"), (self.parent, "its ultimate parent"))
        return " and ".join(words for seat, words in seats if seat is None)


UNSTATED = Tenant()


@dataclass(frozen=True)
class Destination:
    """A place and who operates it, as one of `SERVICES`; `region` is "provider:region". Or a recipient there."""

    country: str
    subdivision: str | None = None
    provider: str | None = None
    region: str | None = None
    service: str = "instance"
    is_recipient: bool = False

    def __post_init__(self) -> None:
        if self.service not in SERVICES:
            raise InputError(f"service {self.service!r} is none of {', '.join(SERVICES)}")

    @property
    def place(self) -> str:
        """`ISO2-SUB` where the subdivision is known, else `ISO2`."""
        if not self.subdivision:
            return self.country
        if self.subdivision.startswith(f"{self.country}-"):
            return self.subdivision
        return f"{self.country}-{self.subdivision}"


@dataclass(frozen=True)
class Override:
    """A signed decision that one law does not bind in a scope. Empty scope fields mean everywhere."""

    law_id: str
    basis: str
    author: str
    expires: date
    countries: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    exporters: frozenset[str] = frozenset()
    activities: frozenset[str] = frozenset()

    def covers(self, *, exporter: str, destination: Destination, activity: str, on: date) -> bool:
        """True if the override speaks to this exporter, destination, activity and day (`expires` included)."""
        return (
            on <= self.expires
            and (not self.countries or destination.country in self.countries or destination.place in self.countries)
            and (not self.providers or destination.provider in self.providers)
            and (not self.exporters or exporter in self.exporters)
            and (not self.activities or activity in self.activities)
        )


@dataclass(frozen=True)
class ProviderFacts:
    """Who can compel a provider. `control_known` False fails every control rule."""

    provider: str
    hq_country: str | None
    control_ownership: frozenset[str]
    control_strict: frozenset[str]
    control_known: bool
    bis_hq_test: str = "unknown"
    laws_provider_id: str | None = None
    source: str = ""


@dataclass(frozen=True)
class Acceptance:
    """A named person's decision to go on with an open action: the rule it stands under, to the end of `expires`."""

    rule: str
    author: str
    basis: str
    expires: date


@dataclass(frozen=True)
class Party:
    """A party that the user looked up: the lists it is on, and who owns which share of it, in per cent.

    On no other list is it known to be; an owner that is no party itself is unknown.
    """

    name: str
    lists: frozenset[str] = frozenset()
    owners: tuple[tuple[str, float], ...] = ()
    citation: str = ""


@dataclass(frozen=True, eq=False)
class LegalContext:
    """What the user asserts and holds. Compared by identity: make one per instance and reuse it (verdicts are cached).

    `importer_status` maps a provider to the lists it stands on ("DPF", "UK_BRIDGE", "SWISS_DPF"; "NOT_PRIVATE" takes
    away the presumption that a cloud provider is a private commercial importer); a provider absent from the map is
    judged by the shipped certificate holders. `group_members` are providers inside the exporter's group `group`.
    `mechanisms` are the ids that are held or have a stated cost (None: all may be considered). `approvals` are (law,
    mechanism or "*") that a regulator granted. `persons_leaving` overrides the counts for volume tiers per (exporter,
    jurisdiction): (persons, sensitive persons) since 1 January; `persons_held` those for thresholds of who is bound
    (by default the same). `providers` are operators of the instance's own, `certificates` its (provider, scheme).
    `unknown_law` says what is made of jurisdictions whose rules are not known (None: by side and data, see
    `coverage.answer_to`), `unknown_access` of operators whose support countries are not, `unknown_certificate` of
    certificates that nobody knows to be held (None: a law refuses, a policy of the user's own asks), `unknown_tenant`
    of who uses the capacity where that is not stated; `accepts` ends such questions. `support` are the terms of
    support that hold, by provider. `parties` were looked up on lists, by name; who is not among them is unknown.
    """

    importer_status: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    group_members: frozenset[str] = frozenset()
    mechanisms: frozenset[str] | None = None
    approvals: frozenset[tuple[str, str]] = frozenset()
    overrides: tuple[Override, ...] = ()
    accepts: tuple[Acceptance, ...] = ()
    unknown_law: Answer | None = None
    unknown_access: Answer = "ask"
    unknown_certificate: Answer | None = None
    unknown_tenant: Answer = "ask"
    support: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    parties: Mapping[str, Party] = field(default_factory=lambda: MappingProxyType({}))
    advisory: bool = False
    persons_leaving: Mapping[tuple[str, str], tuple[int, int]] | None = None
    persons_held: Mapping[tuple[str, str], tuple[int, int]] | None = None
    group: str | None = None
    providers: Mapping[str, ProviderFacts] = field(default_factory=lambda: MappingProxyType({}))
    certificates: frozenset[tuple[str, str]] = frozenset()
    memo: WeakKeyDictionary[Any, Any] = field(default_factory=WeakKeyDictionary, init=False, repr=False)
    """What a law pack (the key) remembers of its verdicts here: it goes when the context does."""

    def accepted(self, rule: str, on: date) -> bool:
        """True if somebody accepted, for that day, what is open under a rule."""
        return any(a.rule == rule and on <= a.expires for a in self.accepts)


NO_CONTEXT = LegalContext()


@dataclass(frozen=True)
class MechanismKey:
    """A mechanism and the identity of its fixed charge: one purchase per distinct key."""

    mechanism: str
    key: tuple[str, ...]


@dataclass(frozen=True)
class Requirement:
    """One law asks for any one of these mechanisms for an activity; of several that it asks for, for each."""

    law: str
    activity: str
    mechanisms: tuple[MechanismKey, ...]


@dataclass(frozen=True)
class Verdict:
    """The judgement of one activity at one destination; always names the laws behind it.

    `laws`: all that decided something; `forbidden_by`; `requirements` (AND over entries, OR inside one; a law
    may ask for several); `approvals_missing`: (law, mechanism) a regulator would have to grant;
    `conditions_assumed`: what was taken as met;
    `free_by`: laws that name the destination free; `unreviewed`: laws applied without a reviewed trigger;
    `reasons`: (law, sentence) for everything above free; `without_mechanism`: of `forbidden_by`, those that would
    leave it open under a mechanism that is not available; `unknown`: (rule, sentence) for what is not known, and
    `refused` those rules of it that the context does not let a plan use; `confirm`: (rule, sentence) for what counts as
    met and nobody read; `free_if`: (law, sentence) for what nobody knows of the importer and would free it.
    """

    level: Level
    laws: tuple[str, ...] = ()
    forbidden_by: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    approvals_missing: tuple[tuple[str, str], ...] = ()
    conditions_assumed: tuple[str, ...] = ()
    free_by: tuple[str, ...] = ()
    unreviewed: tuple[str, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    without_mechanism: tuple[str, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    refused: tuple[str, ...] = ()
    confirm: tuple[tuple[str, str], ...] = ()
    free_if: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; the level is under `verdict`."""
        return {
            "verdict": self.level.value,
            "laws": list(self.laws),
            "forbidden_by": list(self.forbidden_by),
            "free_by": list(self.free_by),
            "mechanisms": sorted({m.mechanism for r in self.requirements for m in r.mechanisms}),
            "requirements": [
                {
                    "law": r.law,
                    "any_of": [{"mechanism": m.mechanism, "key": list(m.key)} for m in r.mechanisms],
                }
                for r in self.requirements
            ],
            "approvals_missing": [{"law": law, "mechanism": m} for law, m in self.approvals_missing],
            "conditions_assumed": list(self.conditions_assumed),
            "unreviewed": list(self.unreviewed),
            "unknown": [{"rule": rule, "reason": text} for rule, text in self.unknown],
            "to_confirm": [{"rule": rule, "reason": text} for rule, text in self.confirm],
            "free_if": [{"law": law, "reason": text} for law, text in self.free_if],
            "reasons": [{"law": law, "reason": text} for law, text in self.reasons],
        }

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from optimizer.report.as_html import as_html
        from optimizer.report.verdict_view import render_verdict

        return as_html(render_verdict, self)


FREE_VERDICT = Verdict(Level.FREE)


@dataclass(frozen=True)
class Known:
    """What is known of one jurisdiction's rules, as far as a question touches them.

    `side` is "origin" or "destination"; `unknown` says what is not known, empty if all is; `answers` what is, and
    `unconfirmed` those of them that rest on memory alone.
    """

    jurisdiction: str
    side: Literal["origin", "destination"]
    unknown: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """The id by which plans and assertions name it."""
        return f"coverage:{self.jurisdiction}"

    def to_dict(self) -> dict[str, object]:
        """Plain JSON types."""
        return {
            "rule": self.rule,
            "jurisdiction": self.jurisdiction,
            "side": self.side,
            "unknown": list(self.unknown),
            "answers": list(self.answers),
            "unconfirmed": list(self.unconfirmed),
        }


@dataclass(frozen=True)
class Verdicts:
    """Storage, processing and access judged apart, plus what could not be turned into a rule.

    `unmodelled`: laws that could touch this and have no effect on it yet; `residual_risks`: sentences;
    `not_triggered`: (law, why) whose category and place match but whose addressee, flag or threshold test is not met;
    `coverage`: what is known of the jurisdictions touched; `passing`: transit and onward transfer, as stated.
    """

    storage: Verdict
    processing: Verdict
    access: Verdict
    passing: Verdict = FREE_VERDICT
    unmodelled: tuple[str, ...] = ()
    residual_risks: tuple[str, ...] = ()
    not_triggered: tuple[tuple[str, str], ...] = ()
    coverage: tuple[Known, ...] = ()

    def of(self, activity: str) -> Verdict:
        """The verdict of "storage", "processing" or "access"."""
        if activity not in ACTIVITIES:
            raise InputError(f"activity {activity!r} is none of {', '.join(ACTIVITIES)}")
        verdict: Verdict = getattr(self, activity)
        return verdict

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from optimizer.report.as_html import as_html
        from optimizer.report.verdict_view import render_verdicts

        return as_html(render_verdicts, self)


@dataclass(frozen=True)
class Duty:
    """A law asks for a copy ("copy") or for the first database ("primary") in one of `countries`, or for another deed.

    `terms` is all it asks, as a sentence, where the law says more than that.
    """

    law: str
    kind: str
    countries: frozenset[str]
    terms: str = ""


@dataclass(frozen=True)
class AcceleratorFacts:
    """What export rules look at. `tpp` is total processing performance (dense TOPS × bit length), bandwidth GB/s."""

    name: str
    tpp: float | None
    memory_bandwidth_gb_per_s: float | None = None
    vendor_country: str | None = None
    performance_density: float | None = None
    data_centre: bool = True
