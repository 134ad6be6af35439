"""Cross-checks of a law pack: every id that one table names exists in the table it points to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from ..errors import InputError, Issue
from .codes import COUNTRIES
from .grammar import is_term
from .mechanisms import KEY_PARTS
from .rows import KINDS, STATUSES, CertificateHolder, GroupMember, LawRow, Mechanism
from .tables import PARTIES, Tables
from .triggers import PartyTest, Scope, Trigger
from .types import ACTIVITIES


def check_tables(tables: Tables, issues: list[Issue]) -> None:
    """Append every broken reference, unknown word and impossible date to `issues`."""
    for row in tables.laws.values():
        issues.extend(replace(issue, line=row.line) for issue in check_law(row, tables))
    for mechanism in tables.mechanisms.values():
        issues.extend(check_mechanism(mechanism, tables))
    issues.extend(check_groups(tables.groups))
    for line in tables.coverage.values():
        for law in line.laws:
            if law not in tables.laws:
                issues.append(Issue(f"unknown law {law!r}", file="coverage.csv", where=line.jurisdiction))
    for holder in tables.holders:
        issues.extend(check_holder(holder, tables.providers))
    for party in tables.parties.values():
        for name in sorted(party.lists - set(tables.vocabulary.get("party_lists", {}))):
            issues.append(Issue(f"undeclared list of parties {name!r}", file=f"{PARTIES}.csv", where=party.name))
    for finding in tables.findings:
        if finding.provider not in tables.providers:
            issues.append(Issue(f"unknown provider {finding.provider!r}", file="sovereignty.csv", where=finding.id))


def check_groups(groups: Mapping[str, Iterable[GroupMember]]) -> Iterable[Issue]:
    """Problems of the dates of members."""
    for group, members in groups.items():
        for member in members:
            if member.valid_from and member.valid_to and member.valid_to < member.valid_from:
                yield Issue(f"{member.member} leaves before it joins", file="country_groups.csv", where=group)


def check_holder(holder: CertificateHolder, providers: Collection[str]) -> Iterable[Issue]:
    """Problems of a line on a certificate."""
    file = "certificate_holders.csv"
    if holder.status not in ("held", "not_held", "unknown"):
        yield Issue(f"status {holder.status!r}", file=file, where=holder.provider)
    if holder.provider not in providers:
        yield Issue(f"unknown provider {holder.provider!r}", file=file, where=holder.scheme)


def check_law(row: LawRow, tables: Tables) -> Iterable[Issue]:
    """Problems of one law and its trigger."""
    file = row.file or None
    if row.status not in STATUSES:
        yield Issue(f"unknown status {row.status!r}", file=file, where=row.id)
    for kind in sorted(row.kinds - KINDS):
        yield Issue(f"unknown kind {kind!r}", file=file, where=row.id)
    if row.in_force_from and row.in_force_to and row.in_force_to < row.in_force_from:
        yield Issue(f"ends on {row.in_force_to} before it starts on {row.in_force_from}", file=file, where=row.id)
    for group, member in row.makes:
        if member not in {one.member for one in tables.groups.get(group, ())}:
            what = f"makes {member!r} a member of {group!r}, which no line of the group says"
            yield Issue(what, file=file, where=row.id, maybe="write it like EU_ADEQUATE:BR")
    known = tables.vocabulary.get("categories", {})
    for category in sorted(row.data_categories - set(known) - {"any"}):
        yield Issue(f"unknown category {category!r}", file=file, where=row.id)
    for activity in (*ACTIVITIES, "transit"):
        try:
            rule = row.rule(activity)
        except InputError as error:
            for issue in error.issues:
                yield Issue(issue.what, file=file, where=row.id, maybe=issue.maybe)
            continue
        yield from _unknown_terms(rule.terms(), tables, file, row.id)
        for category in [name for name, _ in rule.by if name != "*" and name not in known]:
            yield Issue(f"a rule for the unknown category {category!r}", file=file, where=row.id)
        for mechanism in rule.mechanisms():
            if mechanism not in tables.mechanisms:
                yield Issue(f"unknown mechanism {mechanism!r}", file=file, where=row.id)
    for mechanism in row.mechanisms:
        if mechanism not in tables.mechanisms:
            yield Issue(f"unknown mechanism {mechanism!r}", file=file, where=row.id)
    yield from _trigger(row.trigger, tables, file)


def _trigger(trigger: Trigger, tables: Tables, file: str | None) -> Iterable[Issue]:
    for scope in (*trigger.scopes, *trigger.unless):
        yield from _scope(scope, tables, file, trigger.law)
    yield from _unknown_terms(trigger.home, tables, file, trigger.law)
    if trigger.effect not in ("", "rule", "unmodelled", "context", "accelerator"):
        yield Issue(f"unknown effect {trigger.effect!r}", file=file, where=trigger.law)
    for flag in trigger.exemption_flags:
        if flag not in tables.vocabulary.get("flags", {}):
            yield Issue(f"undeclared flag {flag!r}", file=file, where=trigger.law)
    for requires in trigger.requires:
        if requires.when is not None:
            yield from _scope(requires.when, tables, file, trigger.law)
        terms = (*requires.control_within, *requires.control_outside, *requires.exporter)
        yield from _unknown_terms(terms, tables, file, trigger.law)
        yield from _unknown_lists(requires.parties, tables, file, trigger.law)
        for mechanism in requires.instead:
            if mechanism not in tables.mechanisms:
                yield Issue(f"unknown mechanism {mechanism!r}", file=file, where=trigger.law)
        for entry in requires.certificates:
            for certificate in entry:
                if certificate.scheme not in tables.schemes:
                    yield Issue(f"unknown certificate scheme {certificate.scheme!r}", file=file, where=trigger.law)
                ladder = tables.levels.get(certificate.scheme, {})
                if certificate.at_least and certificate.at_least not in ladder:
                    what = f"{certificate.scheme} has no level {certificate.at_least!r} in certificate_levels.csv"
                    maybe = f"it is one of {', '.join(ladder)}" if ladder else None
                    yield Issue(what, file=file, where=trigger.law, maybe=maybe)
    if trigger.accelerator is not None:
        test = trigger.accelerator
        yield from _unknown_terms({*test.tenant, *test.operator_control, *test.sites}, tables, file, trigger.law)
        yield from _unknown_lists(test.parties, tables, file, trigger.law)
        for use in test.end_use:
            if use not in tables.vocabulary.get("end_uses", {}):
                yield Issue(f"undeclared end use {use!r}", file=file, where=trigger.law)
    for duty in trigger.duties:
        yield from _unknown_terms((*duty.places, *duty.processing_in), tables, file, trigger.law)
    for mechanism, _ in trigger.review:
        if mechanism not in tables.mechanisms:
            yield Issue(f"unknown mechanism {mechanism!r}", file=file, where=trigger.law)
    if trigger.volumes is not None:
        names = [m for t in trigger.volumes.tiers for m in t.mechanisms if m != "free"]
        for mechanism in names:
            if mechanism not in tables.mechanisms:
                yield Issue(f"unknown mechanism {mechanism!r}", file=file, where=trigger.law)


def _unknown_lists(test: PartyTest | None, tables: Tables, file: str | None, law: str) -> Iterable[Issue]:
    for name in test.lists if test else ():
        if name not in tables.vocabulary.get("party_lists", {}):
            yield Issue(f"undeclared list of parties {name!r}", file=file, where=law)


def _scope(scope: Scope, tables: Tables, file: str | None, law: str) -> Iterable[Issue]:
    terms = (*scope.where, *scope.subjects, *scope.exporter, *scope.exporter_hq, *scope.destinations,
             *scope.provider_control)  # fmt: skip
    yield from _unknown_terms(terms, tables, file, law)
    vocabulary = tables.vocabulary
    people = {name for kind in ("gdpr_roles", "roles", "sectors") for name in vocabulary.get(kind, {})}
    for one in scope.counts:
        yield from _unknown_terms([one.of], tables, file, law)
        if one.what not in vocabulary.get("units", {}):
            yield Issue(f"undeclared unit {one.what!r}", file=file, where=law)
    for words, known, what in (
        ((*scope.categories, *scope.all_categories), vocabulary.get("categories", {}), "category"),
        (scope.who, people, "role or sector"),
        (scope.flags, vocabulary.get("flags", {}), "flag"),
        ([word for way in scope.state for word in way.split("&")], vocabulary.get("states", {}), "state"),
    ):
        for word in words:
            if word not in known:
                yield Issue(f"undeclared {what} {word!r}", file=file, where=law)


def _unknown_terms(terms: Iterable[str], tables: Tables, file: str | None, where: str) -> Iterable[Issue]:
    for term in sorted(terms):
        place = term in COUNTRIES or (term[:2] in COUNTRIES and term[2:3] == "-" and is_term(term))
        if term != "*" and not place and term not in tables.groups:
            yield Issue(f"unknown country or group {term!r}", file=file, where=where)


def check_mechanism(mechanism: Mechanism, tables: Tables) -> Iterable[Issue]:
    """Problems of a mechanism's terms."""
    file = "mechanism_terms.csv"
    for part in mechanism.key:
        if part not in KEY_PARTS:
            yield Issue(f"unknown key part {part!r}", file=file, where=mechanism.id)
    if mechanism.covers not in ("any", "group"):
        yield Issue(f"covers {mechanism.covers!r}", file=file, where=mechanism.id)
    yield from _unknown_terms(mechanism.not_in, tables, file, mechanism.id)
    for word in sorted(frozenset().union(*mechanism.state) - set(tables.vocabulary.get("states", {}))):
        yield Issue(f"undeclared state {word!r}", file=file, where=mechanism.id)
    if mechanism.state_alone and not mechanism.state:
        yield Issue("state_alone without a state", file=file, where=mechanism.id)
