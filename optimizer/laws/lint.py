"""Checks a pack of one's own, or one file of laws on top of the bundled pack: what is wrong, and what is left open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import InputError, Issue
from .loading import load_laws
from .rows import CONTEXT_KINDS, LawRow

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
    """Check a folder with a whole pack, or laws that are to stand beside those of the bundled pack (`laws.use`).

    Raises:
        InputError: everything that would be refused, each with file and line.
    """
    if not path.exists():
        raise InputError(Issue("does not exist", file=str(path), maybe="name a file of laws, or the folder of a pack"))
    world, pack = load_laws().laws, load_laws(path)
    laws = tuple(row for row in pack.laws.values() if row.own) or tuple(pack.laws.values())
    remarks = [replace(issue, file=row.file, line=row.line) for row in laws for issue in _remarks(row, world)]
    return Linted(laws, tuple(remarks))


def _remarks(row: LawRow, world: Mapping[str, LawRow]) -> Iterable[Issue]:
    """What a lawyer would ask about an entry that can be read."""
    if row.own and row.id in world:
        yield Issue(f"stands in the place of the law of the bundled pack ({world[row.id].file})", where=row.id)
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
