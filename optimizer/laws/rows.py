"""Typed rows of the law pack's tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from .grammar import Rules, parse_rules
from .triggers import Trigger
from .types import ACTIVITIES

STATUSES = (
    "in_force",
    "repealed",
    "superseded",
    "enacted_not_yet_in_force",
    "enacted_phasing_in",
    "proposed",
    "guidance",
    "guidance_reported",
    "programme",
    "not_enforced",
    "does_not_exist",
)
_DATED = frozenset({"in_force", "repealed", "superseded", "enacted_not_yet_in_force", "enacted_phasing_in"})
_ADVISORY = frozenset({"guidance", "guidance_reported"})

RULE_KINDS = frozenset(
    {
        "HARD_LOCAL",
        "STORE_ONLY",
        "LOCAL_COPY",
        "LOCAL_PRIMARY",
        "ALLOWLIST",
        "CONDITIONAL",
        "APPROVAL_GATE",
        "DENYLIST",
        "VOLUME",
        "OPERATOR_CONTROL",
        "PERSONNEL",
    }
)
ACCELERATOR_KINDS = frozenset({"ACCEL_EXPORT", "ACCEL_LOCAL"})
CONTEXT_KINDS = frozenset({"ALLOWLIST_MEMBER", "MECHANISM_INFO", "PREEMPTION", "NO_RULE"})
UNMODELLED_KINDS = frozenset(
    {
        "CONCENTRATION_EXIT",
        "EXIT_COST",
        "COST_ADDER",
        "ENERGY_SITE_CAP",
        "ENERGY_CAPACITY",
        "ENERGY_REPORT",
        "COMPUTE_RULE",
    }
)
KINDS = RULE_KINDS | ACCELERATOR_KINDS | CONTEXT_KINDS | UNMODELLED_KINDS


@dataclass(frozen=True)
class LawRow:
    """One law, in words and in the terms of the engine, with the file and line where it stands.

    `event` says in words what sets it off. `mechanisms` are ways that its rules do not name: an exemption's, or those
    it only tells of. `makes` are (group, member) of a decision that puts a place on a list. `trigger.reviewed` False:
    applies wherever category and place match. `confidence_of` says how sure single fields are, where that differs from
    the row; `review_by` until when somebody is to look again. `own`: a user's, beside the world's or in its place.
    """

    id: str
    jurisdictions: tuple[str, ...]
    subdivision: str
    instrument: str
    provision: str
    status: str
    in_force_from: date | None
    in_force_to: date | None
    data_categories: frozenset[str]
    applies_to: str
    event: str
    kind: str
    storage_rule: str
    processing_rule: str
    access_rule: str
    transit_rule: str
    mechanisms: tuple[str, ...]
    cost_drivers: str
    threshold: str
    citation: str
    source_url: str
    confidence: str
    note: str
    trigger: Trigger
    makes: tuple[tuple[str, str], ...] = ()
    confidence_of: tuple[tuple[str, str], ...] = ()
    reviewed_on: date | None = None
    review_by: date | None = None
    own: bool = False
    file: str = field(default="", compare=False, repr=False)
    line: int | None = field(default=None, compare=False, repr=False)

    @property
    def kinds(self) -> frozenset[str]:
        """The parts of `kind`, which may be joined by "+"."""
        return frozenset(self.kind.split("+"))

    @property
    def is_guidance(self) -> bool:
        """True if it binds nobody: it counts where the user wants advice, and a risk of it is told to all."""
        return self.status in _ADVISORY

    @property
    def starts(self) -> bool:
        """True if it binds from some day on: enacted, with a date."""
        return self.status in _DATED and self.in_force_from is not None

    def overdue(self, on: date) -> bool:
        """True if somebody was to look at it again before that day."""
        return self.review_by is not None and self.review_by < on

    @property
    def reviewed(self) -> bool:
        """True if somebody wrote its trigger by reading the prose."""
        return self.trigger.reviewed

    @cached_property
    def effect(self) -> str:
        """What the engine does with it: "rule", "accelerator", "unmodelled" or "context" (no constraint of its own)."""
        if self.trigger.effect:
            return self.trigger.effect
        if self.kinds & ACCELERATOR_KINDS:
            return "accelerator"
        if self.kinds & RULE_KINDS:
            return "rule"
        if self.kinds & UNMODELLED_KINDS:
            return "unmodelled"
        return "context"

    def rule(self, activity: str) -> Rules:
        """The parsed rules of an activity; access follows the processing rule, as a transfer, unless it has its own.

        Transit has none unless the law speaks of it.
        """
        if activity in ("storage", "transit"):
            return parse_rules(self.storage_rule if activity == "storage" else self.transit_rule)
        return parse_rules(self.access_rule or self.processing_rule if activity == "access" else self.processing_rule)

    def all_mechanisms(self) -> frozenset[str]:
        """Every mechanism it may ever ask for: named in its row, rules and bands, or healing what it requires."""
        trigger = self.trigger
        found = {*self.mechanisms}
        found.update(name for activity in (*ACTIVITIES, "transit") for name in self.rule(activity).mechanisms())
        found.update(name for requires in trigger.requires for name in requires.instead)
        if trigger.volumes is not None:
            found.update(name for tier in trigger.volumes.tiers for name in tier.mechanisms)
        return frozenset(found)

    def active(self, on: date, *, advisory: bool = False) -> bool:
        """In force on that day. Guidance counts only as advisory, or to be told; a row without a start never does."""
        if self.in_force_from is None:
            return False
        told = self.status in _ADVISORY and (advisory or bool(self.trigger.risk))
        if self.status not in _DATED and not told:
            return False
        return self.in_force_from <= on and (self.in_force_to is None or on <= self.in_force_to)


@dataclass(frozen=True)
class GroupMember:
    """A country's (or subdivision's) membership in a group; both dates included, empty = open."""

    group: str
    member: str
    valid_from: date | None
    valid_to: date | None
    condition: str
    source: str
    confidence: str
    note: str

    def valid(self, on: date) -> bool:
        """True if the membership holds on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


MECHANISM_ACTIONS = ("clause", "assessment", "licence", "notification", "consent", "certificate", "deletion")
"""What somebody has to do for a mechanism: sign a clause, make an assessment, …"""


@dataclass(frozen=True)
class Mechanism:
    """A transfer mechanism and the machine-readable terms of its charge.

    `key` names the parts of the charge's identity; `gate`: a regulator decides case by case, so it is unavailable
    unless granted; `covers`: "any", or "group" (only importers inside the exporter's group); `max_retention_hours`:
    usable only by processing that keeps its input no longer; `not_in`: places it never serves; `lead_time_days` None =
    unknown; `assumes`: the condition a user takes on with it; `action`: what has to be done for it. `state`: the data
    must be in one of these states (each a set of words); `state_alone`: such data need nothing else, nothing is bought.
    """

    id: str
    jurisdiction: str
    name: str
    charge_scope: str
    one_off_or_recurring: str
    validity: str
    lead_time: str
    cost_drivers: str
    coverage_limits: str
    citation: str
    confidence: str
    key: tuple[str, ...]
    gate: bool
    covers: str
    max_retention_hours: float | None
    lead_time_days: int | None
    available_from: date | None
    not_in: tuple[str, ...]
    assumes: str
    action: str = "clause"
    state: tuple[frozenset[str], ...] = ()
    state_alone: bool = False

    @property
    def state_told(self) -> str:
        """The states that will do, in words."""
        return " or ".join(" and ".join(sorted(words)) for words in self.state)

    def fits(self, state: frozenset[str]) -> bool:
        """True if data in this state are what the mechanism asks for."""
        return not self.state or any(words <= state for words in self.state)


@dataclass(frozen=True)
class CertificateHolder:
    """What a line says of a certificate of a provider's service in some regions.

    `status`: "held", "not_held" or "unknown"; `service`: "instance", "endpoint", "storage" or "*", and `service_name`
    what the provider calls it; `region`: "*", a country, a group, or "provider:region" with `*` as wildcard; several
    joined by "|". It counts from `held_from` to the end of `valid_to`.
    """

    scheme: str
    level: str
    provider: str
    service: str
    service_name: str
    region: str
    held_from: date | None
    valid_to: date | None
    status: str
    confidence: str
    source: str
    note: str

    @property
    def certificate(self) -> str:
        """Scheme and level in words."""
        return f"{self.scheme} {self.level}".strip()


FOUND = {"read_in_source": "read in source", "from_memory": "from memory", "not_reviewed": "not reviewed"}
"""How an answer on a jurisdiction was found, and in words."""
ASKED = ("yes", "no", "unknown")


@dataclass(frozen=True)
class CoverageRow:
    """Whether anybody looked at the rules of a jurisdiction, and what was found.

    `transfer_rule` and `localization_rule`: does it have a general rule on transfers, a rule on where data must stay
    ("yes", "no", "unknown"); `found`: a key of `FOUND`, by whom and when. `reviewed_by` stays empty until a named
    person signs. `laws` are rows that state the rules besides those of the jurisdiction itself.
    """

    jurisdiction: str
    name: str
    transfer_rule: str
    localization_rule: str
    found: str
    found_by: str
    found_on: date | None
    reviewed_by: str
    instruments: str
    laws: tuple[str, ...]
    source: str
    note: str

    @property
    def how(self) -> str:
        """How it was found, in words: with the source where one was read, and the date."""
        read = f"read in {self.source}" if self.found == "read_in_source" and self.source else FOUND[self.found]
        return f"{read}, {self.found_on.isoformat()}" if self.found_on else read


@dataclass(frozen=True)
class SupportAccess:
    """Where a provider's operation and support staff with access sit: terms; `(region)` is that of the service.

    `choice` names terms of contract, "" where the service is made so that no others hold. Which of several terms holds
    the contract says; until somebody says which, it is not known.
    """

    provider: str
    choice: str
    terms: tuple[str, ...]
    scope: str
    condition: str
    confidence: str
    source: str


AT_THE_REGION = "(region)"
"""A term for the country where the service is."""
