"""Machine-readable triggers: whom, what and where a law is about.

A trigger is a list of scopes; the law applies if any scope is met and no `unless` scope is. Inside a scope every field
that is given must hold. Fields (see docs/laws.md):

`subjects`, `exporter`, `exporter_hq`: sets of places or groups, held by a person's jurisdiction, by the country where
the exporter is established, by its headquarters. `where`: subjects or exporter. `categories` (any), `all_categories`,
`who` (a role or sector), `flags` (any), `services` (any), `destinations`. `provider_control`: a set that holds one of
the jurisdictions that can compel the provider.
`persons`: {of, at_least, sensitive_at_least}. `unstated`: "applies" if the exporter's status is unknown, else "skips".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import Issue
from .grammar import is_term

WINDOWS = {"since_january_1": "since 1 January", "12_months": "in 12 months"}
"""Times over which a law counts persons, in words."""


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
class Scope:
    """One way to be within a law; every given field must hold."""

    where: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    exporter: tuple[str, ...] = ()
    exporter_hq: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    all_categories: tuple[str, ...] = ()
    who: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    provider_control: tuple[str, ...] = ()
    persons: Volume | None = None
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


@dataclass(frozen=True)
class Requires:
    """What must hold of the operator (or the exporter) anywhere, else the law forbids.

    `when`: only for profiles in this scope. `certificates`: all of them, each entry a list of alternatives.
    `control_within`: every jurisdiction that can compel the provider must be in the set; `control_outside`: none may
    be. `exporter`: the exporter must be established there. `assume`: sentences that cannot be tested and are repeated
    as assumed. `instead`: mechanisms that heal a failure (the place is then conditional, not forbidden).
    """

    when: Scope | None = None

    certificates: tuple[tuple[Certificate, ...], ...] = ()
    control_within: tuple[str, ...] = ()
    control_outside: tuple[str, ...] = ()
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
    """Which accelerators and sites an export rule is about."""

    classes: tuple[str, ...] = ()
    provider_hq_test: bool = False
    tenant_hq: tuple[str, ...] = ()
    vendor_not: tuple[str, ...] = ()
    vendor_within: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    site_flags: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    deny_above_class: bool = False
    even_observed: bool = False


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
    """What a law asks to be done: where, before what, how often, for how long, on request, or what else will do."""

    kind: str
    places: tuple[str, ...] = ()
    before: str = ""
    frequency: str = ""
    retain: str = ""
    on_request: bool = False
    instead: str = ""

    @property
    def told(self) -> str:
        """All of it as a sentence."""
        parts = [DUTIES[self.kind].format(" or ".join(self.places))]
        parts += [f"before the {self.before}"] if self.before else []
        parts += [self.frequency.replace("_", " ")] if self.frequency else []
        parts += [f"kept for {self.retain}"] if self.retain else []
        parts += ["on request of the authority"] if self.on_request else []
        parts += [f"or instead {self.instead}"] if self.instead else []
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


_TUPLES = ("where", "subjects", "exporter", "exporter_hq", "categories", "all_categories", "who", "flags",
           "services", "destinations", "provider_control")  # fmt: skip


@dataclass
class _Reader:
    """Turns plain mappings into triggers and collects every problem on the way."""

    file: str | None
    issues: list[Issue] = field(default_factory=list)

    def problem(self, law: str, what: str) -> None:
        self.issues.append(Issue(what, file=self.file, where=law))

    def words(self, law: str, value: object) -> tuple[str, ...]:
        if value is None:
            return ()
        if isinstance(value, str):
            return tuple(value.split())
        if isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
            return tuple(value)
        self.problem(law, f"{value!r} is no word or list of words")
        return ()

    def mapping(self, law: str, value: object, allowed: set[str], what: str) -> Mapping[str, Any]:
        """Return a mapping of known fields; what is none, and every other field, is a problem."""
        if not isinstance(value, Mapping):
            self.problem(law, f"{what} is {value!r}; should be a mapping of fields")
            return {}
        for key in value:
            if key not in allowed:
                self.problem(law, f"unknown field {key!r} in {what}")
        return value

    def entries(self, law: str, value: object, what: str) -> list[Any] | tuple[Any, ...]:
        """Return a list; nothing is an empty one, what is no list is a problem."""
        if value is None:
            return ()
        if isinstance(value, list | tuple):
            return value
        self.problem(law, f"{what} is {value!r}; should be a list")
        return ()

    def count(self, law: str, value: object, what: str) -> int | None:
        """Return a number of persons, or None for no limit."""
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
            return value
        self.problem(law, f"{what} is {value!r}; should be a whole number of persons")
        return None

    def persons(self, law: str, value: object) -> Volume | None:
        """Return a threshold on persons."""
        data = self.mapping(law, value, {f.name for f in fields(Volume)}, "persons")
        unknown = data.get("unknown", "applies")
        if not isinstance(data.get("of"), str):
            self.problem(law, f"persons.of is {data.get('of')!r}; should be the place whose persons count")
            return None
        if unknown not in ("applies", "skips"):
            self.problem(law, f"persons.unknown is {unknown!r}, not applies or skips")
        limits = {
            name: self.count(law, data.get(name), f"persons.{name}") for name in ("at_least", "sensitive_at_least")
        }
        return Volume(data["of"], **limits, unknown=unknown, window=self.window(law, data))

    def window(self, law: str, data: Mapping[str, Any]) -> str:
        """Return the time over which persons are counted."""
        window = data.get("window", "")
        if window and window not in WINDOWS:
            self.problem(law, f"window is {window!r}, none of {', '.join(WINDOWS)}")
        return str(window)

    def scope(self, law: str, value: object) -> Scope:
        data = self.mapping(law, value, {f.name for f in fields(Scope)}, "scope")
        values: dict[str, Any] = {name: self.words(law, data.get(name)) for name in _TUPLES}
        if "persons" in data:
            values["persons"] = self.persons(law, data["persons"])
        unstated = data.get("unstated", "skips")
        if unstated not in ("applies", "skips"):
            self.problem(law, f"unstated is {unstated!r}, not applies or skips")
        for name in ("where", "subjects", "exporter", "exporter_hq", "destinations", "provider_control"):
            for term in values[name]:
                if not is_term(term):
                    self.problem(law, f"{name} term {term!r} is no country, subdivision or group id")
        return Scope(**values, unstated=unstated)

    def requires(self, law: str, value: object) -> Requires:
        data = self.mapping(law, value, {f.name for f in fields(Requires)}, "requires")
        certificates = tuple(
            tuple(self.certificate(law, c) for c in (entry if isinstance(entry, list) else [entry]))
            for entry in self.entries(law, data.get("certificates"), "certificates")
        )
        return Requires(
            when=self.scope(law, data["when"]) if "when" in data else None,
            certificates=certificates,
            control_within=self.words(law, data.get("control_within")),
            control_outside=self.words(law, data.get("control_outside")),
            exporter=self.words(law, data.get("exporter")),
            assume=tuple(str(sentence) for sentence in self.entries(law, data.get("assume"), "assume")),
            activities=self.words(law, data.get("activities")) or ("storage", "processing"),
            instead=self.words(law, data.get("instead")),
        )

    def certificate(self, law: str, data: object) -> Certificate:
        if isinstance(data, str):
            return Certificate(data)
        if isinstance(data, Mapping):
            self.mapping(law, data, {"scheme", "at_least"}, "certificate")
            return Certificate(str(data.get("scheme", "")), str(data.get("at_least", "")))
        self.problem(law, f"certificate {data!r} is neither a scheme nor a mapping")
        return Certificate("")

    def tier(self, law: str, value: object) -> Tier:
        data = self.mapping(law, value, {f.name for f in fields(Tier)}, "tier")
        below = [self.count(law, data.get(name), name) for name in ("persons_below", "sensitive_below")]
        return Tier(below[0], below[1], self.words(law, data.get("mechanisms")))

    def volumes(self, law: str, value: object) -> Volumes:
        data = self.mapping(law, value, {f.name for f in fields(Volumes)}, "volumes")
        tiers = tuple(self.tier(law, entry) for entry in self.entries(law, data.get("tiers"), "tiers"))
        return Volumes(
            of=str(data.get("of", "")),
            tiers=tiers,
            exempt_flags=self.words(law, data.get("exempt_flags")),
            window=self.window(law, data),
        )

    def accelerator(self, law: str, value: object) -> AcceleratorTest:
        data = self.mapping(law, value, {f.name for f in fields(AcceleratorTest)}, "accelerator")
        lists = ("classes", "tenant_hq", "vendor_not", "vendor_within", "named", "site_flags", "sites")
        values: dict[str, Any] = {name: self.words(law, data.get(name)) for name in lists}
        for flag in ("provider_hq_test", "deny_above_class", "even_observed"):
            values[flag] = bool(data.get(flag, False))
        return AcceleratorTest(**values)

    def review(self, law: str, value: object) -> tuple[tuple[str, str], ...]:
        """Return how a regulator decides on mechanisms, by mechanism."""
        if not isinstance(value, Mapping):
            self.problem(law, f"review is {value!r}; should be a mapping of mechanisms")
            return ()
        for name, policy in value.items():
            if policy not in REVIEWS:
                self.problem(law, f"review of {name} is {policy!r}, none of {', '.join(REVIEWS)}")
        return tuple((str(name), str(policy)) for name, policy in value.items())

    def duty(self, law: str, value: object) -> DutyTerms:
        """Return what is to be done."""
        named = {"kind", "in", "before", "frequency", "retain", "on_request", "instead"}
        data = self.mapping(law, value, named, "duty")
        for name, words in (("kind", tuple(DUTIES)), ("before", DUTY_MOMENTS), ("frequency", DUTY_RHYTHMS)):
            if (name in data or name == "kind") and data.get(name) not in words:
                self.problem(law, f"{name} of a duty is {data.get(name)!r}, none of {', '.join(words)}")
                return DutyTerms("copy")
        texts = {name: str(data.get(name, "")) for name in ("kind", "before", "frequency", "retain", "instead")}
        return DutyTerms(**texts, places=self.words(law, data.get("in")), on_request=bool(data.get("on_request")))

    def trigger(self, law: str, value: object) -> Trigger:
        data = self.mapping(law, value, {f.name for f in fields(Trigger)} - {"law"}, "trigger")
        optional: dict[str, Any] = {}
        if "requires" in data:
            entries = data["requires"] if isinstance(data["requires"], list) else [data["requires"]]
            optional["requires"] = tuple(self.requires(law, entry) for entry in entries)
        if "volumes" in data:
            optional["volumes"] = self.volumes(law, data["volumes"])
        if "accelerator" in data:
            optional["accelerator"] = self.accelerator(law, data["accelerator"])
        return Trigger(
            law=law,
            scopes=tuple(self.scope(law, s) for s in self.entries(law, data.get("scopes"), "scopes")),
            unless=tuple(self.scope(law, s) for s in self.entries(law, data.get("unless"), "unless")),
            home=self.words(law, data.get("home")),
            exemption_flags=self.words(law, data.get("exemption_flags")),
            review=self.review(law, data.get("review") or {}),
            duties=tuple(self.duty(law, entry) for entry in self.entries(law, data.get("duties"), "duties")),
            risk=str(data.get("risk", "")),
            risk_control=self.words(law, data.get("risk_control")),
            risk_control_outside=self.words(law, data.get("risk_control_outside")),
            effect=str(data.get("effect", "")),
            reviewed=bool(data.get("reviewed", True)),
            weak=bool(data.get("weak", False)),
            note=str(data.get("note", "")),
            **optional,
        )


def read_trigger(law: str, data: object, file: str | None, issues: list[Issue]) -> Trigger:
    """Build one trigger from plain data, appending every problem to `issues`."""
    reader = _Reader(file, issues)
    return reader.trigger(law, data)


def default_trigger(law: str, jurisdictions: tuple[str, ...]) -> Trigger:
    """The trigger of a law nobody has read yet: wherever the jurisdiction matches a person or the exporter."""
    places = tuple("EEA" if j == "EU" else j for j in jurisdictions)
    return Trigger(law, scopes=(Scope(where=places),), reviewed=False)
