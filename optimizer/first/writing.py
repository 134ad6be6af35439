"""Writing a first instance and its schema: new files only."""

from __future__ import annotations

import os
from pathlib import Path

from optimizer.errors import InputError, Issue
from optimizer.schemas import schema_file, schema_text


def write_new(target: Path, text: str) -> list[Path]:
    """Write an instance, and beside it the schema that it names unless a file of that name lies there; return what was
    written.

    Raises:
        InputError: the file exists, as a link that leads nowhere as well.
        OSError: it cannot be written; nothing is left behind.
    """
    written = [target]
    _create(target, text)
    schema = target.with_name(schema_file("instance"))
    if not os.path.lexists(schema):
        try:
            _create(schema, schema_text("instance"))
        except OSError:
            target.unlink(missing_ok=True)
            raise
        written.append(schema)
    return written


def _create(path: Path, text: str) -> None:
    """Fill a file that does not exist yet; none is left where it cannot be filled."""
    try:
        stream = path.open("x", encoding="utf-8", newline="")
    except FileExistsError:
        what = "exists, and is not overwritten"
        raise InputError(Issue(what, file=str(path), maybe="give another file with --output", code="exists")) from None
    try:
        with stream:
            stream.write(text)
    except OSError:
        path.unlink(missing_ok=True)
        raise
