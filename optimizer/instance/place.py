"""Where things stand: every value of an instance keeps the file, the line and the row it was read from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from optimizer.errors import Issue

Path = tuple[str | int, ...]
"""Keys and list positions from the root of an instance down to a value."""

BULK = ("workloads", "datasets")
"""Lists of thousands of items."""

LONGEST_NAME_SHOWN, LONGEST_VALUE_SHOWN = 128, 60


class Sources(dict[Path, str]):
    """File and line of values. They are no part of what an instance says: two are always equal."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sources)

    __hash__ = None


@dataclass(slots=True)
class Place:
    """The place of one value; places form a tree of the shape of the data.

    `line` is 1-based. `file` and `row` are stated where they change (a table's rows inside a YAML file) and inherited
    below.
    """

    line: int | None = None
    file: str | None = None
    row: int | None = None
    name: str | None = None
    children: dict[str | int, Place] = field(default_factory=dict)

    def locate(self, path: Path) -> tuple[str | None, int | None, int | None, int]:
        """Return file, line, row and how many leading steps of `path` lead to the row's own root (0 outside tables)."""
        here, file, line, row, depth = self, self.file, self.line, self.row, 0
        for steps, key in enumerate(path, start=1):
            below = here.children.get(key)
            if below is None:
                break
            here = below
            if here.file is not None:
                file, line = here.file, here.line
            if here.row is not None:
                row, depth = here.row, steps
            if here.line is not None:
                line = here.line
        return file, line, row, depth

    def sources(self, depth: int) -> Sources:
        """Return file and line of every value down to a depth; of bulk lists (`BULK`), of their items alone."""
        found = Sources()

        def walk(here: Place, path: Path, file: str | None) -> None:
            file = here.file or file
            if here.line is not None and path:
                found[path] = f"{file}:{here.line}"
            if len(path) < (2 if path and path[0] in BULK else depth):
                for key, below in here.children.items():
                    walk(below, (*path, key), file)

        walk(self, (), None)
        return found


@dataclass(frozen=True)
class Finding:
    """A problem at a path, before it is given its file and line. `names` are the ids whose absence or repetition it is
    about.
    """

    path: Path
    what: str
    maybe: str | None = None
    names: tuple[str, ...] = ()
    code: str = "invalid"


def shortened(value: Any) -> str:
    """Write a value for a message, cut where it would never end."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python writes
        text = "a number of thousands of digits" if isinstance(value, int) else f"a {type(value).__name__}"
    return text if len(text) <= LONGEST_VALUE_SHOWN else text[: LONGEST_VALUE_SHOWN - 3] + "..."


def show_path(path: Path, data: Any = None) -> str:
    """Write a path for people: `workloads[id=triage-chat].streams[0].rate`; positions where an item has no id."""
    text, here = "", data
    for key in path:
        try:
            here = here[key] if here is not None else None
        except (KeyError, IndexError, TypeError):
            here = None
        if isinstance(key, int):
            name = here.get("id") if isinstance(here, dict) else None
            text += f"[id={name}]" if isinstance(name, str) and _fit_to_show(name) else f"[{key}]"
        else:
            shown = key if _fit_to_show(key) else shortened(key)
            text += f".{shown}" if text else shown
    return text


def _fit_to_show(name: str) -> bool:
    """An id that breaks lines, turns the writing direction or never ends would hide what the message says."""
    return bool(name) and name.isprintable() and len(name) <= LONGEST_NAME_SHOWN


def to_issues(findings: Iterable[Finding], places: Place | None, data: Any) -> list[Issue]:
    """Give each finding its file, line and readable path; sorted by file and line, twins dropped."""
    issues: dict[Issue, None] = {}
    for finding in findings:
        if places is None:
            where = show_path(finding.path, data)
            issue = Issue(finding.what, where=where or None, maybe=finding.maybe, code=finding.code)
        else:
            file, line, row, depth = places.locate(finding.path)
            where = show_path(finding.path, data)
            if row is not None:
                column = show_path(finding.path[depth:])
                where = f"row {row}" + (f", column {column}" if column else "")
            issue = Issue(finding.what, file, where or None, line, finding.maybe, finding.code)
        issues[issue] = None
    main = places.file if places is not None else None
    return sorted(issues, key=lambda issue: (issue.file != main, issue.file or "", issue.line or 0))
