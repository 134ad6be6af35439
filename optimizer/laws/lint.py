"""Checks a pack of one's own, or one file of laws on top of the bundled pack: what is wrong, and what is left open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from .. import bundled
from ..errors import InputError, Issue
from .check import check_law, check_tables
from .rows import CONTEXT_KINDS, LawRow
from .rulebook import read_rule_file
from .tables import Tables, raise_if, read_tables

CONFIDENCES = (
    "verified in page", "partly verified in page; rest from general knowledge", "from general knowledge",
)  # fmt: skip
"""How an entry says how far it was checked."""


@dataclass(frozen=True)
class Linted:
    """The laws that were read, and remarks: what no reader refuses, and a lawyer would ask about."""

    laws: tuple[LawRow, ...]
    remarks: tuple[Issue, ...]


def lint(path: Path) -> Linted:
    """Check a folder with a whole pack, or a file of laws that are to stand beside those of the bundled pack.

    Raises:
        InputError: everything that would be refused, each with file and line.
    """
    laws = _pack(path) if path.is_dir() else _file(path)
    remarks = [replace(issue, file=row.file, line=row.line) for row in laws for issue in _remarks(row)]
    return Linted(laws, tuple(remarks))


def _pack(folder: Path) -> tuple[LawRow, ...]:
    tables, issues = read_tables(folder)
    check_tables(tables, issues)
    raise_if(issues)
    return tuple(tables.laws.values())


def _file(path: Path) -> tuple[LawRow, ...]:
    if not path.exists():
        raise InputError(Issue("does not exist", file=str(path), maybe="name a file of laws, or the folder of a pack"))
    world, issues = read_tables(bundled.PATH / "laws")
    raise_if(issues)
    rows = read_rule_file(path, path.parent, issues)
    if not rows and not issues:
        issues.append(Issue("holds no law", file=path.name))
    for row in rows:
        issues += [replace(issue, line=row.line) for issue in _checked(row, world)]
    raise_if(issues)
    return tuple(rows)


def _checked(row: LawRow, world: Tables) -> Iterable[Issue]:
    if row.id in world.laws:
        taken = world.laws[row.id].file
        yield Issue(f"the bundled pack has a law {row.id!r} ({taken})", file=row.file, where=row.id,
                    maybe="give it another id, or change that law by a patch")  # fmt: skip
    yield from check_law(row, world)


def _remarks(row: LawRow) -> Iterable[Issue]:
    """What a lawyer would ask about an entry that can be read."""
    for name, value in (("instrument", row.instrument), ("citation", row.citation), ("source_url", row.source_url)):
        if not value:
            yield Issue(f"states no {name}", where=row.id)
    if row.confidence not in CONFIDENCES:
        yield Issue(f"says {row.confidence!r} of how far it was checked", where=row.id,
                    maybe=f"say one of {', '.join(CONFIDENCES)}")  # fmt: skip
    if row.status == "in_force" and row.in_force_from is None:
        yield Issue("is in force from no date, and so never binds", where=row.id, maybe="state in_force_from")
    if not row.reviewed and not row.kinds <= CONTEXT_KINDS:
        yield Issue("has no trigger: it binds wherever category and jurisdiction match", where=row.id,
                    maybe="write a trigger; {} if that is meant")  # fmt: skip
    silent = row.rule("storage").is_none and row.rule("processing").is_none
    if row.effect == "rule" and silent and not (row.trigger.requires or row.trigger.risk):
        yield Issue(f"is of kind {row.kind} and states no rule and no requirement", where=row.id)
    said = {*row.rule("storage").mechanisms(), *row.rule("processing").mechanisms()}
    for name in [name for name, _ in row.trigger.review if name not in said | set(row.mechanisms)]:
        yield Issue(f"says how a regulator decides on {name}, which none of its rules names", where=row.id)
