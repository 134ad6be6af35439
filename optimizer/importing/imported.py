"""What an import gives: a part of an instance, and what of the files is not in it."""

from __future__ import annotations

import csv
import importlib
import io
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from optimizer.errors import InputError, Issue
from optimizer.input_files import as_path, decoded, read_bytes, require_cells
from optimizer.printable import printable
from optimizer.suggest import did_you_mean

SOURCES = {"focus": "focus_rows", "skypilot": "tasks", "plan": "running"}
"""What can be imported, and the module of this package that does."""
ONE_FILE = ("focus", "plan")


class NotRead(BaseModel):
    """Something of a file that is in no part of an instance: what (with its line or place), and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    what: str
    why: str


class Imported(BaseModel):
    """A part of an instance, to be put into its file, and what could not be read.

    `read_cost` and `not_read_cost` are the sums of a bill that prices and commitments rest on, and the rest of it, in
    its currency; absent where the files are no bill.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    source: str
    files: tuple[str, ...]
    part: dict[str, Any]
    not_read: tuple[NotRead, ...] = ()
    read_cost: float | None = None
    not_read_cost: float | None = None

    def to_yaml(self) -> str:
        """Return the part as YAML, with a comment that says where it is from."""
        import yaml

        head = f"# Imported from {self.source}: {', '.join(printable(Path(file).name) for file in self.files)}\n"
        return head + yaml.safe_dump(self.part, sort_keys=False, allow_unicode=False, width=100)


def imported(
    source: str, files: Iterable[str | os.PathLike[str]], *, usd_per_unit: float | None, clusters: Mapping[str, str]
) -> Imported:
    """Read the files; arguments and errors as of `import_from`."""
    if source not in SOURCES:
        maybe = did_you_mean(str(source), SOURCES) or f"one of {', '.join(SOURCES)}"
        raise InputError(Issue(f"is {source!r}, which cannot be imported", where="source", maybe=maybe))
    if isinstance(files, str | os.PathLike):
        raise InputError(Issue("is one path, not a list of them", where="files", maybe="put it into a list"))
    paths = [as_path(file, "files") for file in files]
    if not paths or (source in ONE_FILE and len(paths) > 1):
        what = "names no file" if not paths else f"names {len(paths)} files; {source} takes one"
        raise InputError(Issue(what, where="files"))
    if usd_per_unit is not None and not (math.isfinite(usd_per_unit) and usd_per_unit > 0):
        raise InputError(Issue(f"is {usd_per_unit!r}, not above 0", where="usd_per_unit"))
    module = importlib.import_module(f"optimizer.importing.{SOURCES[source]}")
    found: Imported = module.imported(paths, usd_per_unit=usd_per_unit, clusters=clusters)
    return found


def csv_rows(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Return the columns of a CSV, and its rows with their line; blanks around cells do not count.

    Raises:
        InputError: it cannot be read, has no columns, or names one twice.
    """
    content = read_bytes(path, str(path), maybe=None)
    require_cells(content, str(path))
    reader = csv.reader(io.StringIO(decoded(content, str(path))), strict=True)
    try:
        columns = [name.strip() for name in next(reader, [])]
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise InputError(Issue(f"is no CSV: {error}", file=str(path), line=reader.line_num)) from None
    if not any(columns):
        raise InputError(Issue("has no columns", file=str(path)))
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise InputError(Issue(f"names the column {twice[0]!r} twice", file=str(path), line=1))
    told = [(line, dict(zip(columns, row, strict=False))) for line, row in rows if any(row)]
    return columns, told
