"""Reads the law pack's files. Every problem of every file is collected before anything is raised."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from ..errors import InputError, Issue
from ..input_files import decoded, read_bytes, read_table_bytes
from .codes import check_place
from .grammar import is_term
from .rows import ASKED, FOUND, CertificateHolder, CoverageRow, GroupMember, LawRow, Mechanism, SupportAccess
from .triggers import Trigger, default_trigger, read_trigger
from .types import ProviderFacts

FILES = (
    "laws.csv",
    "country_groups.csv",
    "mechanisms.csv",
    "mechanism_terms.csv",
    "certifications.csv",
    "certificate_holders.csv",
    "provider_control.csv",
    "providers.csv",
    "support_access.csv",
    "coverage.csv",
    "triggers.yaml",
)
T = TypeVar("T")


@dataclass
class Tables:
    """The pack's rows as read, before they are tied together."""

    laws: dict[str, LawRow] = field(default_factory=dict)
    groups: dict[str, tuple[GroupMember, ...]] = field(default_factory=dict)
    mechanisms: dict[str, Mechanism] = field(default_factory=dict)
    holders: tuple[CertificateHolder, ...] = ()
    schemes: frozenset[str] = frozenset()
    providers: dict[str, ProviderFacts] = field(default_factory=dict)
    support: dict[str, SupportAccess] = field(default_factory=dict)
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

    def day(self, row: dict[str, str], column: str, *, end: bool = False) -> date | None:
        return self._convert(row, column, lambda text: parse_day(text, end=end))

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


def parse_day(text: str, *, end: bool = False) -> date:
    """A date of year, month or day accuracy: the first day of it, or with `end` a full date only."""
    if end or len(text) == 10:
        return date.fromisoformat(text)
    parts = [int(p) for p in text.split("-")]
    try:
        return date(parts[0], parts[1] if len(parts) > 1 else 1, 1)
    except OverflowError:
        raise ValueError(f"{text[:40]!r} is no date") from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(w for w in text.split("|") if w)


def read_tables(folder: Path) -> tuple[Tables, list[Issue]]:
    """Read every file of a pack's folder; the caller raises if there are issues."""
    issues: list[Issue] = []
    tables = Tables()
    document = _yaml(folder / "triggers.yaml", issues)
    tables.version = str(document.get("version", ""))
    tables.vocabulary = {key: dict(document.get(key) or {}) for key in ("categories", "roles", "sectors", "flags")}
    triggers = {
        law: read_trigger(law, data, "triggers.yaml", issues) for law, data in (document.get("triggers") or {}).items()
    }
    _read_laws(_Table(folder, "laws.csv", issues), tables, triggers)
    _read_groups(_Table(folder, "country_groups.csv", issues), tables)
    _read_mechanisms(folder, tables, issues)
    _read_holders(folder, tables, issues)
    _read_providers(_Table(folder, "providers.csv", issues), tables)
    _read_support(_Table(folder, "support_access.csv", issues), tables)
    _read_coverage(_Table(folder, "coverage.csv", issues), tables)
    for law in triggers:
        if law not in tables.laws:
            issues.append(Issue(f"trigger of unknown law {law!r}", file="triggers.yaml", where=law))
    return tables, issues


def _yaml(path: Path, issues: list[Issue]) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = decoded(read_bytes(path, path.name, folder=path.parent), path.name)
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=loader)):
            issues.append(Issue("has aliases, which are not read", file=path.name, maybe="write the values out"))
            return {}
        document = yaml.load(text, Loader=loader)
    except InputError as error:
        issues += error.issues
        return {}
    except RecursionError:
        issues.append(Issue("is nested too deeply", file=path.name))
        return {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        issues.append(Issue(f"is no YAML: {getattr(error, 'problem', error)}", file=path.name, line=line))
        return {}
    if not isinstance(document, dict):
        issues.append(Issue("holds no mapping", file=path.name))
        return {}
    return document


def _read_laws(table: _Table, tables: Tables, triggers: dict[str, Trigger]) -> None:
    for row in table.rows("id", "jurisdiction", "status", "kind", "storage_rule", "processing_rule", "note"):
        if row["id"] in tables.laws:
            table.problem(f"duplicate law {row['id']!r}")
            continue
        tables.laws[row["id"]] = law_row(row, triggers.get(row["id"]), table)


def law_row(row: dict[str, str], trigger: Trigger | None, table: _Table | None = None) -> LawRow:
    """Build a law from the text of its columns (also used by the `add_law` patch, without a table)."""
    jurisdictions = tuple(j for j in row.get("jurisdiction", "").replace("|", ",").split(",") if j)

    def day(column: str) -> date | None:
        if table is not None:
            return table.day(row, column)
        return parse_day(row[column]) if row.get(column) else None

    return LawRow(
        id=row["id"],
        jurisdictions=jurisdictions,
        subdivision=row.get("subdivision", ""),
        instrument=row.get("instrument", ""),
        provision=row.get("provision", ""),
        status=row.get("status", "in_force"),
        in_force_from=day("in_force_from"),
        in_force_to=day("in_force_to"),
        data_categories=frozenset(_words(row.get("data_categories", "any"))),
        applies_to=row.get("applies_to", ""),
        trigger_text=row.get("trigger", ""),
        kind=row.get("kind", ""),
        storage_rule=row.get("storage_rule", "none") or "none",
        processing_rule=row.get("processing_rule", "none") or "none",
        mechanisms=_words(row.get("mechanisms", "")),
        cost_drivers=row.get("cost_drivers", ""),
        threshold=row.get("threshold", ""),
        provider_control=row.get("provider_control", ""),
        accelerator_scope=row.get("accelerator_scope", ""),
        citation=row.get("citation", ""),
        source_url=row.get("source_url", ""),
        confidence=row.get("confidence", ""),
        note=row.get("note", ""),
        trigger=trigger or default_trigger(row["id"], jurisdictions),
    )


def _read_groups(table: _Table, tables: Tables) -> None:
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
    table = _Table(folder, "mechanisms.csv", issues)
    for row in table.rows("id", "charge_scope", "confidence"):
        if row["id"] not in terms:
            table.problem(f"mechanism {row['id']!r} has no row in mechanism_terms.csv")
            continue
        terms_table.line, term = terms[row["id"]]
        lead = terms_table.number(term, "lead_time_days")
        texts = ("name", "charge_scope", "one_off_or_recurring", "validity", "lead_time", "cost_drivers",
                 "coverage_limits", "citation", "confidence", "jurisdiction")  # fmt: skip
        tables.mechanisms[row["id"]] = Mechanism(
            id=row["id"],
            **{name: row.get(name, "") for name in texts},
            key=_words(term["key"]),
            gate=term.get("gate") == "yes",
            covers=term.get("covers") or "any",
            max_retention_hours=terms_table.number(term, "max_retention_hours"),
            lead_time_days=None if lead is None else int(lead),
            available_from=terms_table.day(term, "available_from"),
            not_in=_words(term.get("not_in", "")),
            assumes=term["assumes"],
        )


def _read_holders(folder: Path, tables: Tables, issues: list[Issue]) -> None:
    table = _Table(folder, "certificate_holders.csv", issues)
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
                region=row["region"] or "*",
                held_from=table.day(row, "held_from"),
                held_to=table.day(row, "held_to"),
                status=row["status"],
                confidence=row.get("confidence", ""),
                note=row["note"],
            )
        )
    tables.holders, tables.schemes = tuple(holders), frozenset(schemes)


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
    for row in table.rows("provider", "places", "source"):
        terms = _words(row["places"])
        for term in terms:
            if not is_term(term):
                table.problem(f"{term!r} is no country or group", "places")
        tables.support[row["provider"]] = SupportAccess(
            row["provider"], terms, row.get("confidence", ""), row["source"]
        )


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


def folder_sha256(folder: Path) -> str:
    """One hash over the pack's files, in a fixed order."""
    digest = hashlib.sha256()
    for name in FILES:
        digest.update(name.encode())
        path = folder / name
        digest.update(read_bytes(path, name, folder=folder) if path.exists() else b"")
    return digest.hexdigest()


def raise_if(issues: list[Issue]) -> None:
    """Raise all issues at once, if any."""
    if issues:
        raise InputError(issues)
