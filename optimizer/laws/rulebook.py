"""Reads laws: every law is one entry, in words and in the terms of the engine, of a file of `rules/` or of a patch.

    DE-SGBV-393:
      jurisdiction: DE
      instrument: …                 what a lawyer looks up: provision, status, dates, citation, source, confidence
      kind: OPERATOR_CONTROL
      rule: free:DE+EEA             or storage_rule and processing_rule apart
      trigger: {scopes: […]}        whom it binds and what it asks besides (`optimizer.laws.triggers`)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, Issue
from ..input_files import decoded, read_bytes
from .rows import LawRow
from .trigger_reader import default_trigger, read_trigger
from .triggers import Trigger

if TYPE_CHECKING:
    from ..instance.place import Place

TABLES = "tables"
"""Key of a user's own file of laws under which it brings groups, mechanisms, certificates and parties along."""
RULES, VOCABULARY = "rules", "vocabulary.yaml"
"""The folder of a pack whose files state its laws, and the file with the words that profiles and triggers may use."""
CONFIDENCES = ("verified in page", "partly verified in page; rest from general knowledge", "from general knowledge")
"""How far a row, or a field of it, was held against a source."""
WORDS = ("categories", "gdpr_roles", "roles", "sectors", "flags", "units", "party_lists", "end_uses", "states")
TEXTS = (
    "subdivision", "instrument", "provision", "applies_to", "event", "cost_drivers", "threshold", "citation",
    "source_url", "confidence", "note",
)  # fmt: skip
"""Fields for people."""
FIELDS = frozenset(
    {*TEXTS, "jurisdiction", "status", "in_force_from", "in_force_to", "data_categories", "kind", "rule",
     "storage_rule", "processing_rule", "access_rule", "transit_rule", "mechanisms", "trigger", "makes",
     "confidence_of", "reviewed_on", "review_by"}
)  # fmt: skip


@dataclass
class _Entry:
    """One entry being read; remembers where it is for error messages."""

    law: str
    data: Mapping[str, Any]
    issues: list[Issue]
    file: str | None = None
    place: Place | None = None
    found: list[Issue] = field(default_factory=list)

    def problem(self, what: str, name: str = "", maybe: str | None = None) -> None:
        """Report what is wrong with a field, at its line."""
        line = None
        if self.place is not None:
            below = self.place.children.get(name)
            line = (below or self.place).line
        self.issues.append(Issue(what, file=self.file, line=line, where=f"{self.law}.{name}" if name else self.law,
                                 maybe=maybe))  # fmt: skip

    def text(self, name: str, default: str = "") -> str:
        """Return a text; nothing is the default."""
        value = self.data.get(name)
        if value is None or isinstance(value, str):
            return value or default
        self.problem(f"{value!r} is no text", name, "put it in quotes")
        return default

    def rule(self, name: str, default: str) -> str:
        """Return a rule, or the rules by category of a mapping, as one text."""
        value = self.data.get(name)
        if not isinstance(value, Mapping):
            return self.text(name, default)
        return rules_text(value, lambda what: self.problem(what, name)) or default

    def words(self, name: str) -> tuple[str, ...]:
        """Return a list of words, written as one or as a text that separates them by blanks, commas or bars."""
        value = self.data.get(name)
        if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
            return tuple(value)
        return tuple(word for word in re.split(r"[\s,|]+", self.text(name)) if word)

    def confidences(self) -> tuple[tuple[str, str], ...]:
        """Return how sure single fields are, where they differ from the law as a whole."""
        value = self.data.get("confidence_of") or {}
        if not isinstance(value, Mapping):
            self.problem(f"{value!r} is no mapping of fields", "confidence_of")
            return ()
        for name, word in value.items():
            if name not in FIELDS or word not in CONFIDENCES:
                maybe = f"name a field of the law, and say {', '.join(CONFIDENCES)}"
                self.problem(f"{name}: {word} is no field with its confidence", "confidence_of", maybe)
        return tuple(sorted((str(name), str(word)) for name, word in value.items()))

    def day(self, name: str) -> date | None:
        """Return a date of day, month or year accuracy, the first day of it; None if there is none."""
        value = self.data.get(name)
        if value is None or value == "":
            return None
        try:
            return parse_day(str(value))
        except ValueError:
            self.problem(f"{str(value)!r} is no date", name, "write it like 2027-01-31")
            return None


def rules_text(by: Mapping[str, Any], problem: Callable[[str], None]) -> str:
    """Return rules by category as one text: `sensitive = cond:*@A, * = free:*`."""
    for category, rule in by.items():
        if not isinstance(rule, str) or "=" in rule or "," in rule:
            problem(f"the rule for {category} is {rule!r}; should be the text of a rule")
    return ", ".join(f"{category} = {rule}" for category, rule in by.items())


def parse_day(text: str) -> date:
    """Return a date of year, month or day accuracy: the first day of it."""
    if len(text) == 10:
        return date.fromisoformat(text)
    parts = [int(part) for part in text.split("-")]
    try:
        return date(parts[0], parts[1] if len(parts) > 1 else 1, 1)
    except OverflowError:
        raise ValueError(f"{text[:40]!r} is no date") from None


def read_law(
    law: str, data: object, issues: list[Issue], file: str | None = None, place: Place | None = None
) -> LawRow | None:
    """Build a law from its entry, appending every problem to `issues`; None for what is no entry at all."""
    if not isinstance(data, Mapping):
        issues.append(Issue(f"is {data!r}; should be a mapping of fields", file=file, where=law))
        return None
    entry = _Entry(law, data, issues, file, place)
    for name in data:
        if name not in FIELDS:
            entry.problem(f"unknown field {name!r}", str(name), f"use one of {', '.join(sorted(FIELDS))}")
    for name in ("jurisdiction", "kind"):
        if not data.get(name):
            entry.problem(f"states no {name}")
    both = entry.rule("rule", "none")
    jurisdictions = entry.words("jurisdiction")
    return LawRow(
        id=law,
        jurisdictions=jurisdictions,
        status=entry.text("status", "in_force"),
        in_force_from=entry.day("in_force_from"),
        in_force_to=entry.day("in_force_to"),
        data_categories=frozenset(entry.words("data_categories") or ("any",)),
        kind=entry.text("kind"),
        storage_rule=entry.rule("storage_rule", both),
        processing_rule=entry.rule("processing_rule", both),
        access_rule=entry.rule("access_rule", ""),
        transit_rule=entry.rule("transit_rule", ""),
        mechanisms=entry.words("mechanisms"),
        trigger=_trigger(entry, jurisdictions),
        makes=tuple((one.partition(":")[0], one.partition(":")[2]) for one in entry.words("makes")),
        confidence_of=entry.confidences(),
        reviewed_on=entry.day("reviewed_on"),
        review_by=entry.day("review_by"),
        own=False,
        file=file or "",
        line=place.line if place is not None else None,
        **{name: entry.text(name) for name in TEXTS},
    )


def _trigger(entry: _Entry, jurisdictions: tuple[str, ...]) -> Trigger:
    if entry.data.get("trigger") is None:
        return default_trigger(entry.law, jurisdictions)
    found: list[Issue] = []
    trigger = read_trigger(entry.law, entry.data["trigger"], entry.file, found)
    below = entry.place.children.get("trigger") if entry.place is not None else None
    entry.issues += [replace(issue, line=below.line) for issue in found] if below is not None else found
    return trigger


def read_rules(folder: Path, issues: list[Issue]) -> dict[str, LawRow]:
    """Return the laws of all files of a pack's folder of rules, file by file in the order of their names."""
    laws: dict[str, LawRow] = {}
    files = rule_files(folder)
    if not files:
        issues.append(Issue("holds no *.yaml", file=RULES, maybe="put each law into the file of its jurisdiction"))
    for path in files:
        for row in read_rule_file(path, folder, issues):
            if row.id in laws:
                what = f"duplicate law {row.id!r}: it stands in {laws[row.id].file} as well"
                issues.append(Issue(what, file=row.file, line=row.line, where=row.id))
                continue
            laws[row.id] = row
    return laws


def read_own_rules(path: Path, issues: list[Issue]) -> dict[str, LawRow]:
    """Return a user's own laws: those of a file, or of all files of a folder, in the order of their names."""
    laws: dict[str, LawRow] = {}
    files = own_files(path)
    for one in files:
        for row in read_rule_file(one, path if path.is_dir() else path.parent, issues, apart=(TABLES,)):
            if row.id in laws:
                what = f"duplicate law {row.id!r}: it stands in {laws[row.id].file} as well"
                issues.append(Issue(what, file=row.file, line=row.line, where=row.id))
            laws.setdefault(row.id, replace(row, own=True))
    if not laws and not issues:
        issues.append(Issue("holds no law", file=path.name, maybe="write laws as docs/laws.md says, into *.yaml"))
    return laws


def own_files(path: Path) -> tuple[Path, ...]:
    """Return the files of a user's own laws: the file itself, or those of a folder."""
    return tuple(sorted(path.glob("*.yaml"))) if path.is_dir() else (path,)


def rule_files(folder: Path) -> tuple[Path, ...]:
    """Return the files of a pack that state its laws."""
    return tuple(sorted((folder / RULES).glob("*.yaml")))


def read_rule_file(
    path: Path, folder: Path, issues: list[Issue], apart: tuple[str, ...] = ()
) -> list[LawRow]:
    """Return the laws of one file, appending every problem to `issues`; what stands under `apart` is no law."""
    name = path.relative_to(folder).as_posix()
    document, place = read_document(path, name, folder, issues)
    entries = ((law, data) for law, data in document.items() if law not in apart)
    rows = (read_law(law, data, issues, name, place and place.children.get(law)) for law, data in entries)
    return [row for row in rows if row is not None]


def read_vocabulary(folder: Path, issues: list[Issue]) -> tuple[str, date | None, dict[str, dict[str, Any]]]:
    """Return a pack's version, the day by which its rows are to be reviewed, and its words: categories, both kinds of
    roles, sectors and flags.
    """
    document, _ = read_document(folder / VOCABULARY, VOCABULARY, folder, issues)
    for name in document:
        if name not in ("version", "review_by", *WORDS):
            issues.append(Issue(f"unknown field {name!r}", file=VOCABULARY))
    until = _Entry("", document, issues, VOCABULARY).day("review_by")
    return str(document.get("version", "")), until, {key: dict(document.get(key) or {}) for key in WORDS}


def read_document(
    path: Path, name: str, folder: Path, issues: list[Issue]
) -> tuple[dict[str, Any], Place | None]:
    """Return the mapping that a YAML file holds, with the place of every value; none where it cannot be read."""
    from ..instance.yaml_reader import read_yaml

    try:
        document, place = read_yaml(decoded(read_bytes(path, name, folder=folder), name), name)
    except InputError as error:
        issues += error.issues
        return {}, None
    if not isinstance(document, dict):
        issues.append(Issue("holds no mapping", file=name))
        return {}, None
    return document, place
