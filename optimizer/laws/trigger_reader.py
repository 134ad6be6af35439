"""Reads triggers: plain mappings of a law's entry, with every problem collected on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import Issue
from .grammar import is_term
from .triggers import (
    DUTIES,
    DUTY_MOMENTS,
    DUTY_RHYTHMS,
    PARTIES,
    REVIEWS,
    USERS,
    WINDOWS,
    AcceleratorTest,
    Certificate,
    DutyTerms,
    PartyTest,
    Requires,
    Scope,
    Threshold,
    Tier,
    Trigger,
    Volume,
    Volumes,
)
from .types import BASES

_TUPLES = ("where", "subjects", "basis", "exporter", "exporter_hq", "categories", "all_categories", "who", "flags",
           "state", "services", "destinations", "provider_control")  # fmt: skip


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

    def threshold(self, law: str, value: object) -> Threshold:
        """Return a threshold on another unit than persons."""
        data = self.mapping(law, value, {f.name for f in fields(Threshold)}, "count")
        for name, words in (("unknown", ("applies", "skips")), ("stands_in", ("", "persons"))):
            if name in data and data[name] not in words:
                self.problem(law, f"counts.{name} is {data[name]!r}, none of {', '.join(filter(None, words))}")
        for name in ("what", "of"):
            if not isinstance(data.get(name), str):
                self.problem(law, f"counts.{name} is {data.get(name)!r}; should be a word")
        least = self.count(law, data.get("at_least"), "counts.at_least")
        if least is None:
            self.problem(law, "counts.at_least is missing")
        return Threshold(
            what=str(data.get("what", "")),
            of=str(data.get("of", "")),
            at_least=least or 0,
            window=self.window(law, data),
            unknown=str(data.get("unknown", "applies")),
            stands_in=str(data.get("stands_in", "")),
        )

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
        values["counts"] = tuple(self.threshold(law, one) for one in self.entries(law, data.get("counts"), "counts"))
        for word in values["basis"]:
            if word not in BASES:
                self.problem(law, f"basis is {word!r}, none of {', '.join(BASES)}")
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
            parties=self.parties(law, data["parties"]) if "parties" in data else None,
            exporter=self.words(law, data.get("exporter")),
            assume=tuple(str(sentence) for sentence in self.entries(law, data.get("assume"), "assume")),
            activities=self.words(law, data.get("activities")) or ("storage", "processing"),
            instead=self.words(law, data.get("instead")),
        )

    def parties(self, law: str, value: object, who: tuple[str, ...] = PARTIES) -> PartyTest:
        """Return which lists a party must not be on; `who` may be asked about."""
        data = self.mapping(law, value, {f.name for f in fields(PartyTest)}, "parties")
        of = self.words(law, data.get("of")) or ("operator",)
        share = data.get("owned_at_least")
        if not set(of) <= set(who):
            self.problem(law, f"parties.of is {', '.join(of)}, not all of {', '.join(who)}")
        number = isinstance(share, int | float) and not isinstance(share, bool)
        if share is not None and not (number and 0 < share <= 100):
            self.problem(law, f"parties.owned_at_least is {share!r}; should be a share in per cent")
            share = None
        lists = self.words(law, data.get("lists"))
        if not lists:
            self.problem(law, "parties names no list")
        return PartyTest(lists, of, share)

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
        lists = ("classes", "tenant", "end_use", "operator_control", "vendor_not", "vendor_within", "named",
                 "site_flags", "sites")  # fmt: skip
        values: dict[str, Any] = {name: self.words(law, data.get(name)) for name in lists}
        for name in ("tenant", "operator_control", "sites"):
            for term in values[name]:
                if not is_term(term):
                    self.problem(law, f"{name} term {term!r} is no country, subdivision or group id")
        for flag in ("provider_hq_test", "deny_above_class", "even_observed", "own_seat_only"):
            values[flag] = bool(data.get(flag, False))
        if "parties" in data:
            values["parties"] = self.parties(law, data["parties"], USERS)
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
        texts = {name: str(data.get(name, "")) for name in ("kind", "before", "frequency", "retain")}
        instead, elsewhere = data.get("instead", ""), None
        if isinstance(instead, Mapping):
            elsewhere = self.mapping(law, instead, {"processing"}, "instead").get("processing")
        return DutyTerms(
            **texts,
            places=self.words(law, data.get("in")),
            on_request=bool(data.get("on_request")),
            instead="" if isinstance(instead, Mapping) else str(instead),
            processing_in=self.words(law, elsewhere),
        )

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
