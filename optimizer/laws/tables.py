"""Reads the law pack's files. Every problem of every file is collected before anything is raised."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from ..errors import InputError, Issue
from ..input_files import decoded, read_bytes, read_table_bytes
from .codes import check_place
from .grammar import is_term
from .rows import (
    ASKED,
    AT_THE_REGION,
    FOUND,
    MECHANISM_ACTIONS,
    CertificateHolder,
    CoverageRow,
    GroupMember,
    LawRow,
    Mechanism,
    SupportAccess,
)
from .rulebook import VOCABULARY, own_files, parse_day, read_rules, read_vocabulary, rule_files
from .sovereignty import OBJECTIVES, TRUSTED, Finding, Objective
from .types import Party, ProviderFacts

FILES = (
    VOCABULARY,
    "country_groups.csv",
    "mechanisms.csv",
    "mechanism_terms.csv",
    "mechanism_actions.csv",
    "certifications.csv",
    "certificate_holders.csv",
    "certificate_levels.csv",
    "provider_control.csv",
    "providers.csv",
    "support_access.csv",
    "coverage.csv",
    "sovereignty.csv",
)
"""The files of a pack besides those of its folder of rules."""
PARTIES = "parties"
"""Table of parties that were looked up: a pack need not have one, and the world's has none."""
T = TypeVar("T")


@dataclass
class Tables:
    """The pack's rows as read, before they are tied together."""

    laws: dict[str, LawRow] = field(default_factory=dict)
    groups: dict[str, tuple[GroupMember, ...]] = field(default_factory=dict)
    mechanisms: dict[str, Mechanism] = field(default_factory=dict)
    holders: tuple[CertificateHolder, ...] = ()
    levels: dict[str, dict[str, int]] = field(default_factory=dict)
    objectives: dict[str, Objective] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    schemes: frozenset[str] = frozenset()
    providers: dict[str, ProviderFacts] = field(default_factory=dict)
    support: dict[str, tuple[SupportAccess, ...]] = field(default_factory=dict)
    parties: dict[str, Party] = field(default_factory=dict)
    coverage: dict[str, CoverageRow] = field(default_factory=dict)
    vocabulary: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: str = ""


class _Table:
    """One CSV file being read; remembers where it is for error messages."""

    def __init__(self, folder: Path, name: str, issues: list[Issue]) -> None:
        self.name = name
        self.issues = issues
        self.line = 1
        try:
            text = decoded(read_table_bytes(folder / name, name, folder), name)
            self._rows = list(csv.DictReader(io.StringIO(text, newline="")))
        except InputError as error:
            self._rows = []
            issues += error.issues
        except csv.Error as error:
            self._rows = []
            issues.append(Issue(f"is not CSV: {error}", file=name))

    def rows(self, *required: str) -> Iterator[dict[str, str]]:
        for number, row in enumerate(self._rows, start=2):
            self.line = number
            missing = [c for c in required if row.get(c) is None]
            if missing:
                self.problem(f"row lacks {', '.join(missing)} (truncated file?)")
                continue
            yield {k: (v or "").strip() for k, v in row.items() if k is not None}

    def problem(self, what: str, column: str | None = None) -> None:
        self.issues.append(Issue(what, file=self.name, line=self.line, where=column))

    def day(self, row: dict[str, str], column: str) -> date | None:
        return self._convert(row, column, parse_day)

    def _convert(self, row: dict[str, str], column: str, convert: Callable[[str], T]) -> T | None:
        text = row.get(column, "")
        if not text:
            return None
        try:
            return convert(text)
        except ValueError:
            self.problem(f"{text!r} is not a value of this column", column)
            return None

    def number(self, row: dict[str, str], column: str) -> float | None:
        return self._convert(row, column, float)


class Rows(_Table):
    """Rows that stand in another file."""

    def __init__(self, name: str, rows: Iterable[dict[str, str]], issues: list[Issue]) -> None:
        self.name = name
        self.issues = issues
        self._rows = list(rows)
        self.line = 0

    def problem(self, what: str, column: str | None = None) -> None:
        """Report what is wrong with a row, by its file, table and position."""
        file, _, table = self.name.partition(": ")
        self.issues.append(Issue(what, file=file, where=f"{table}[{self.line - 2}]{'.' + column if column else ''}"))


def _words(text: str) -> tuple[str, ...]:
    return tuple(w for w in text.split("|") if w)


def read_tables(folder: Path) -> tuple[Tables, list[Issue]]:
    """Read every file of a pack's folder; the caller raises if there are issues."""
    issues: list[Issue] = []
    tables = Tables()
    tables.version, until, tables.vocabulary = read_vocabulary(folder, issues)
    laws = read_rules(folder, issues)
    tables.laws = {law: row if row.review_by else replace(row, review_by=until) for law, row in laws.items()}
    read_groups(_Table(folder, "country_groups.csv", issues), tables)
    _read_mechanisms(folder, tables, issues)
    read_holders(_Table(folder, "certificate_holders.csv", issues), tables)
    _read_levels(folder, tables, issues)
    _read_sovereignty(_Table(folder, "sovereignty.csv", issues), tables)
    _read_providers(_Table(folder, "providers.csv", issues), tables)
    _read_support(_Table(folder, "support_access.csv", issues), tables)
    _read_coverage(_Table(folder, "coverage.csv", issues), tables)
    if (folder / f"{PARTIES}.csv").exists():
        read_parties(_Table(folder, f"{PARTIES}.csv", issues), tables)
    return tables, issues


def read_groups(table: _Table, tables: Tables) -> None:
    """Read groups, line by line."""
    groups: dict[str, list[GroupMember]] = {}
    for row in table.rows("group_id", "member", "condition", "note"):
        members = groups.setdefault(row["group_id"], [])
        if not row["member"]:
            if not row["note"].startswith("EMPTY"):
                table.problem(f"group {row['group_id']!r} has a row without a member that is not marked EMPTY")
            continue
        problem = check_place(row["member"], row["group_id"])
        if problem:
            table.problem(problem.what, "member")
        members.append(
            GroupMember(
                group=row["group_id"],
                member=row["member"],
                valid_from=table.day(row, "valid_from"),
                valid_to=table.day(row, "valid_to"),
                condition=row["condition"],
                source=row.get("source", ""),
                confidence=row.get("confidence", ""),
                note=row["note"],
            )
        )
    tables.groups = {group: tuple(members) for group, members in groups.items()}


def _read_mechanisms(folder: Path, tables: Tables, issues: list[Issue]) -> None:
    terms_table = _Table(folder, "mechanism_terms.csv", issues)
    terms = {row["mechanism"]: (terms_table.line, row) for row in terms_table.rows("mechanism", "key", "assumes")}
    actions_table = _Table(folder, "mechanism_actions.csv", issues)
    actions = {row["mechanism"]: row["action"] for row in actions_table.rows("mechanism", "action")}
    for name in sorted(set(actions) - set(terms)):
        actions_table.problem(f"mechanism {name!r} has no row in mechanism_terms.csv")
    table = _Table(folder, "mechanisms.csv", issues)
    for row in table.rows("id", "charge_scope", "confidence"):
        if row["id"] not in terms:
            table.problem(f"mechanism {row['id']!r} has no row in mechanism_terms.csv")
            continue
        terms_table.line, term = terms[row["id"]]
        action = actions.get(row["id"], "clause")
        tables.mechanisms[row["id"]] = read_mechanism(table, row, terms_table, term, action)


def read_mechanism(
    table: _Table, row: dict[str, str], terms_table: _Table, term: dict[str, str], action: str
) -> Mechanism:
    """Build a mechanism from its prose, its terms and what has to be done for it."""
    if action not in MECHANISM_ACTIONS:
        table.problem(f"action {action!r} is none of {', '.join(MECHANISM_ACTIONS)}")
    lead = terms_table.number(term, "lead_time_days")
    texts = ("name", "charge_scope", "one_off_or_recurring", "validity", "lead_time", "cost_drivers",
             "coverage_limits", "citation", "confidence", "jurisdiction")  # fmt: skip
    return Mechanism(
        id=row["id"],
        **{name: row.get(name, "") for name in texts},
        key=_words(term["key"]),
        action=action,
        gate=term.get("gate") == "yes",
        covers=term.get("covers") or "any",
        max_retention_hours=terms_table.number(term, "max_retention_hours"),
        lead_time_days=None if lead is None else int(lead),
        available_from=terms_table.day(term, "available_from"),
        not_in=_words(term.get("not_in", "")),
        assumes=term["assumes"],
        state=tuple(frozenset(way.split("&")) for way in _words(term.get("state", ""))),
        state_alone=term.get("state_alone") == "yes",
    )


def read_holders(table: _Table, tables: Tables) -> None:
    """Read who holds which certificate."""
    holders, schemes = [], set()
    for row in table.rows("scheme", "provider", "service", "region", "status", "note"):
        schemes.add(row["scheme"])
        if not row["provider"]:
            continue
        holders.append(
            CertificateHolder(
                scheme=row["scheme"],
                level=row.get("level", ""),
                provider=row["provider"],
                service=row["service"] or "*",
                service_name=row.get("service_name", ""),
                region=row["region"] or "*",
                held_from=table.day(row, "held_from"),
                valid_to=table.day(row, "valid_to"),
                status=row["status"],
                confidence=row.get("confidence", ""),
                source=row.get("source", ""),
                note=row["note"],
            )
        )
    tables.holders, tables.schemes = tuple(holders), frozenset(schemes)


def _read_sovereignty(table: _Table, tables: Tables) -> None:
    """Read objectives with their weights, and findings on providers."""
    found = []
    for row in table.rows("kind", "id", "provider", "objective", "least", "most", "weight_percent", "note"):
        if row["kind"] == "objective":
            weight = table.number(row, "weight_percent") or 0.0
            tables.objectives[row["id"]] = Objective(row["id"], row["name"], weight)
        if row["kind"] in ("objective", "level"):
            continue
        if row["kind"] not in (*TRUSTED, "ceiling") or row["objective"] not in ("*", *OBJECTIVES):
            table.problem(f"no finding: kind {row['kind']!r}, objective {row['objective']!r}")
        least, most = table.number(row, "least"), table.number(row, "most")
        found.append(
            Finding(
                kind=row["kind"],
                id=row["id"],
                provider=row["provider"],
                region=row["region"] or "*",
                service_name=row["service_name"],
                objective=row["objective"],
                least=None if least is None else int(least),
                most=None if most is None else int(most),
                as_of=row["as_of"],
                source=row["source"],
                confidence=row["confidence"],
                note=row["note"],
            )
        )
    if set(tables.objectives) != set(OBJECTIVES):
        table.problem(f"states objectives {', '.join(tables.objectives)}; should be {', '.join(OBJECTIVES)}")
    tables.findings = tuple(found)


def _read_levels(folder: Path, tables: Tables, issues: list[Issue]) -> None:
    """Read the ladders of levels, lowest first; lines of a scheme with a ladder name levels of it or none."""
    table = _Table(folder, "certificate_levels.csv", issues)
    for row in table.rows("scheme", "level", "rank"):
        rank = table.number(row, "rank")
        tables.levels.setdefault(row["scheme"], {})[row["level"]] = int(rank or 0)
    for line in tables.holders:
        ladder = tables.levels.get(line.scheme)
        if ladder is not None and line.level and line.level not in ladder:
            table.problem(f"{line.provider} has {line.scheme} of level {line.level!r}, none of {', '.join(ladder)}")


def _read_providers(table: _Table, tables: Tables) -> None:
    for row in table.rows("provider", "hq_country", "control_ownership", "control_strict", "source"):
        ownership, strict = (
            frozenset(_words(row["control_ownership"])),
            frozenset(_words(row["control_strict"])),
        )
        facts = ProviderFacts(
            provider=row["provider"],
            hq_country=row["hq_country"] or None,
            control_ownership=ownership,
            control_strict=strict,
            control_known=bool(ownership),
            bis_hq_test=row.get("bis_hq_test") or "unknown",
            laws_provider_id=row.get("laws_provider_id") or None,
            source=row["source"],
        )
        tables.providers[facts.provider] = facts


def _read_support(table: _Table, tables: Tables) -> None:
    for row in table.rows("provider", "choice", "places", "source"):
        terms = _words(row["places"])
        for term in terms:
            if term != AT_THE_REGION and not is_term(term):
                table.problem(f"{term!r} is no country or group", "places")
        said = (row.get(name, "") for name in ("scope", "condition", "confidence", "source"))
        one = SupportAccess(row["provider"], row["choice"], terms, *said)
        before = tables.support.get(one.provider, ())
        if any(one.choice == other.choice or not (one.choice and other.choice) for other in before):
            table.problem(f"{one.provider} has several lines for the choice {one.choice!r}")
        tables.support[one.provider] = (*before, one)


def read_parties(table: _Table, tables: Tables) -> None:
    """Read parties that were looked up: a line for each, and one more for each further owner."""
    for row in table.rows("name", "lists", "owner", "percent", "citation"):
        party = tables.parties.get(row["name"]) or Party(row["name"], citation=row["citation"])
        share = table.number(row, "percent")
        if row["owner"] and not (share and 0 < share <= 100):
            table.problem(f"{row['owner']} owns no share of {row['name']} in per cent", "percent")
        owners = ((row["owner"], share),) if row["owner"] and share else ()
        lists = party.lists | frozenset(_words(row["lists"]))
        tables.parties[party.name] = replace(party, lists=lists, owners=(*party.owners, *owners))


def _read_coverage(table: _Table, tables: Tables) -> None:
    for row in table.rows("jurisdiction", "name", "transfer_rule", "localization_rule", "found", "found_on"):
        place = row["jurisdiction"]
        if place in tables.coverage:
            table.problem(f"duplicate jurisdiction {place!r}")
        if place != "EU" and check_place(place, "jurisdiction"):
            table.problem(f"{place!r} is no country, subdivision or EU", "jurisdiction")
        for column, words in (("transfer_rule", ASKED), ("localization_rule", ASKED), ("found", tuple(FOUND))):
            if row[column] not in words:
                table.problem(f"{row[column]!r} is none of {', '.join(words)}", column)
        if row["found"] == "read_in_source" and not row.get("source"):
            table.problem("read in a source that is not named", "source")
        if row["found"] in FOUND and row["found"] != "not_reviewed" and not (row["found_on"] and row.get("found_by")):
            table.problem("says neither by whom it was found nor when", "found_by")
        tables.coverage[place] = CoverageRow(
            jurisdiction=place,
            found_on=table.day(row, "found_on"),
            laws=_words(row.get("laws", "")),
            **{
                name: row.get(name, "")
                for name in ("name", "transfer_rule", "localization_rule", "found", "found_by", "reviewed_by",
                             "instruments", "source", "note")
            },
        )  # fmt: skip


def own_sha256(path: Path) -> str:
    """One hash over a user's own files of laws, in the order of their names."""
    digest = hashlib.sha256()
    for one in own_files(path):
        digest.update(one.name.encode())
        digest.update(read_bytes(one, one.name, folder=one.parent))
    return digest.hexdigest()


def folder_sha256(folder: Path) -> str:
    """One hash over the pack's files, in a fixed order."""
    digest = hashlib.sha256()
    for path in (*rule_files(folder), *(folder / name for name in (*FILES, f"{PARTIES}.csv"))):
        name = path.relative_to(folder).as_posix()
        digest.update(name.encode())
        digest.update(read_bytes(path, name, folder=folder) if path.exists() else b"")
    return digest.hexdigest()


def raise_if(issues: list[Issue]) -> None:
    """Raise all issues at once, if any."""
    if issues:
        raise InputError(issues)
