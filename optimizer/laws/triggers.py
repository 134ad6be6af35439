"""Machine-readable triggers: whom, what and where a law is about.

A trigger is a list of scopes; the law applies if any scope is met and no `unless` scope is. Inside a scope every field
that is given must hold. Fields (see docs/laws.md):

`basis`: why persons count for `where` and `subjects` (citizenship, residence, collection); any of them. `subjects`,
`exporter`, `exporter_hq`: sets of places or groups, held by a person's jurisdiction, by the country where the exporter
is established, by its headquarters. `where`: subjects or exporter. `categories` (any), `all_categories`, `who` (a role
or sector), `flags` (any), `state` (any; `A&B` both), `services` (any), `destinations`. `provider_control`: a set that
holds one of the jurisdictions that can compel the provider.
`persons`: {of, at_least, sensitive_at_least}. `counts`: thresholds on other units, all of them.
`unstated`: "applies" if the exporter's status is unknown, else "skips".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

WINDOWS = {
    "day": "a day", "month": "in a month", "since_january_1": "since 1 January", "12_months": "in 12 months",
}  # fmt: skip
"""Times over which a law counts, in words; each lies in those after it, so that it counts no more than they do."""


def in_window(window: str) -> str:
    """The window as it ends a phrase, with the blank before it; nothing where the law names none."""
    return f" {WINDOWS[window]}" if window else ""


@dataclass(frozen=True)
class Volume:
    """A threshold on persons of the place `of`; `unknown` says if unknown counts reach it."""

    of: str
    at_least: int | None = None
    sensitive_at_least: int | None = None
    unknown: str = "applies"
    window: str = ""


@dataclass(frozen=True)
class Threshold:
    """A threshold on a number of another unit than persons (`what`, of the vocabulary's units) of the place `of`.

    `unknown` says if a number that is not stated reaches it. `stands_in` is "persons" where their number is taken for
    one that is not stated.
    """

    what: str
    of: str
    at_least: int
    window: str = ""
    unknown: str = "applies"
    stands_in: str = ""

    @property
    def told(self) -> str:
        """What is counted, where and over which time."""
        return f"{self.what.replace('_', ' ')} of {self.of}{in_window(self.window)}"


@dataclass(frozen=True)
class Scope:
    """One way to be within a law; every given field must hold."""

    where: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    basis: tuple[str, ...] = ()
    exporter: tuple[str, ...] = ()
    exporter_hq: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    all_categories: tuple[str, ...] = ()
    who: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    provider_control: tuple[str, ...] = ()
    persons: Volume | None = None
    counts: tuple[Threshold, ...] = ()
    unstated: str = "skips"

    @property
    def asks_destination(self) -> bool:
        """True if the scope cannot be decided from the profile alone."""
        return bool(self.services or self.destinations or self.provider_control)


@dataclass(frozen=True)
class Certificate:
    """A certificate the provider's service must hold, of the level `at_least` where one is asked for."""

    scheme: str
    at_least: str = ""

    @property
    def named(self) -> str:
        """Scheme and least level in words."""
        return f"{self.scheme}, at least {self.at_least}" if self.at_least else self.scheme


PARTIES = ("operator", "exporter")
"""Who may be asked about on lists of parties, by laws on data."""
USERS = ("operator", "tenant", "customers")
"""Who may be asked about on lists, by rules on capacity: who runs it, who uses it, and whom that one lets use it."""


@dataclass(frozen=True)
class PartyTest:
    """None of these may be on one of some lists, nor be owned by who is, all such owners together.

    `owned_at_least` in per cent; None where ownership does not count.
    """

    lists: tuple[str, ...]
    of: tuple[str, ...] = ("operator",)
    owned_at_least: float | None = None

    @property
    def told(self) -> str:
        """What must not be, in words."""
        owned = f", nor owned at {self.owned_at_least:g} % or more by who is" if self.owned_at_least else ""
        return f"not on {' or '.join(self.lists)}{owned}"

    @property
    def asked(self) -> str:
        """The same as a question."""
        owned = f", or owned at {self.owned_at_least:g} % or more by who is" if self.owned_at_least else ""
        return f"on {' or '.join(self.lists)}{owned}"


@dataclass(frozen=True)
class Requires:
    """What must hold of the operator (or the exporter) anywhere, else the law forbids.

    `when`: only for profiles in this scope. `certificates`: all of them, each entry a list of alternatives.
    `control_within`: every jurisdiction that can compel the provider must be in the set; `control_outside`: none may
    be. `parties`: who must be on no list. `exporter`: the exporter must be established there. `assume`: sentences that
    cannot be tested and are repeated as assumed. `instead`: mechanisms that heal a failure (the place is then
    conditional, not forbidden).
    """

    when: Scope | None = None

    certificates: tuple[tuple[Certificate, ...], ...] = ()
    control_within: tuple[str, ...] = ()
    control_outside: tuple[str, ...] = ()
    parties: PartyTest | None = None
    exporter: tuple[str, ...] = ()
    assume: tuple[str, ...] = ()
    activities: tuple[str, ...] = ("storage", "processing")
    instead: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tier:
    """A band of a volume law: below both limits, these mechanisms ("free" = none needed)."""

    persons_below: int | None
    sensitive_below: int | None
    mechanisms: tuple[str, ...]

    @property
    def ways(self) -> tuple[str, ...]:
        """The mechanisms of which any one will do; none if nothing is asked."""
        return () if self.mechanisms == ("free",) else self.mechanisms

    @property
    def told(self) -> str:
        """What it asks, and below which numbers."""
        limits = ((self.persons_below, "persons"), (self.sensitive_below, "with sensitive data"))
        below = " and ".join(f"{limit} {word}" for limit, word in limits if limit is not None)
        return f"below {below}: {' or '.join(self.ways) or 'nothing'}"


@dataclass(frozen=True)
class Volumes:
    """Tiers of a volume law, first band that fits; `exempt_flags` put a dataset into the free band."""

    of: str
    tiers: tuple[Tier, ...]
    exempt_flags: tuple[str, ...] = ()
    window: str = ""

    def tier(self, persons: float, sensitive: float) -> int | None:
        """The first tier below both limits of which the numbers are; None if there is none."""
        for number, one in enumerate(self.tiers):
            below = one.persons_below is None or persons < one.persons_below
            if below and (one.sensitive_below is None or sensitive < one.sensitive_below):
                return number
        return None


@dataclass(frozen=True)
class AcceleratorTest:
    """Which accelerators, sites, operators and users a rule on capacity is about; every given field must hold.

    `tenant`: the seat of the user, or of its ultimate parent, is in there (with `own_seat_only`: the user's own);
    `end_use`: it uses the capacity for one of these; `operator_control`: the operator can be compelled from there;
    `parties`: one of these is on a list, or owned by who is. A rule that asks for the user and names no chip is about
    any capacity.
    """

    classes: tuple[str, ...] = ()
    provider_hq_test: bool = False
    tenant: tuple[str, ...] = ()
    end_use: tuple[str, ...] = ()
    operator_control: tuple[str, ...] = ()
    vendor_not: tuple[str, ...] = ()
    vendor_within: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    site_flags: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    deny_above_class: bool = False
    even_observed: bool = False
    own_seat_only: bool = False
    parties: PartyTest | None = None

    @cached_property
    def any_capacity(self) -> bool:
        """True if it is about the user of any machine, endpoint or storage, not about chips."""
        named = self.classes or self.named or self.vendor_not or self.vendor_within or self.site_flags
        return bool(self.tenant or self.end_use or self.parties) and not named


DUTIES = {
    "copy": "a copy stays in {}",
    "primary": "the first database is in {}",
    "backup": "a back-up stays in {}",
    "register": "it is registered in {}",
    "notice": "it is told to the authority of {}",
}
"""Kinds of duties, as sentences."""
DUTY_MOMENTS = ("collection", "transfer")
DUTY_RHYTHMS = ("real_time", "daily", "yearly")


@dataclass(frozen=True)
class DutyTerms:
    """What a law asks to be done: where, before what, how often, for how long, on request, or what else will do.

    `instead` says in words what else will do; `processing_in` are the places of which it is enough that all work is
    done there.
    """

    kind: str
    places: tuple[str, ...] = ()
    before: str = ""
    frequency: str = ""
    retain: str = ""
    on_request: bool = False
    instead: str = ""
    processing_in: tuple[str, ...] = ()

    @property
    def is_more_than_a_place(self) -> bool:
        """True if the copies that a plan keeps do not meet it by themselves."""
        terms = (self.before, self.frequency, self.retain, self.on_request, self.instead, self.processing_in)
        return any(terms) or self.kind not in ("copy", "primary")

    @property
    def told(self) -> str:
        """All of it as a sentence."""
        parts = [DUTIES[self.kind].format(" or ".join(self.places))]
        parts += [f"before the {self.before}"] if self.before else []
        parts += [self.frequency.replace("_", " ")] if self.frequency else []
        parts += [f"kept for {self.retain}"] if self.retain else []
        parts += ["on request of the authority"] if self.on_request else []
        parts += [f"or instead {self.instead}"] if self.instead else []
        parts += [f"or instead all processing is in {' or '.join(self.processing_in)}"] if self.processing_in else []
        return ", ".join(parts)


REVIEWS = ("approval_presumed", "silent_consent", "case_by_case", "denial_presumed", "denial")
"""What a regulator makes of an application, from what is granted as a rule to what is never granted."""


@dataclass(frozen=True)
class Trigger:
    """When a law applies and what it asks besides its rule; `home` places are no transfer at all.

    `review` says of a mechanism on which a regulator decides under this law how (`REVIEWS`).
    """

    law: str
    scopes: tuple[Scope, ...] = ()
    unless: tuple[Scope, ...] = ()
    home: tuple[str, ...] = ()
    requires: tuple[Requires, ...] = ()
    volumes: Volumes | None = None
    accelerator: AcceleratorTest | None = None
    exemption_flags: tuple[str, ...] = ()
    review: tuple[tuple[str, str], ...] = ()
    duties: tuple[DutyTerms, ...] = ()
    risk: str = ""
    risk_control: tuple[str, ...] = ()
    risk_control_outside: tuple[str, ...] = ()
    effect: str = ""
    reviewed: bool = True
    weak: bool = False
    note: str = ""
