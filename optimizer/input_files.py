"""The one door for files that are read: instances, tables, catalogue and law folders, plans.

A file is a regular file, inside the given folder if there is one, and within the limits, as read and as unpacked. What
breaks a limit is refused with its size, before its content is held.
"""

from __future__ import annotations

import codecs
import os
import stat
import zlib
from pathlib import Path

from optimizer.errors import InputError, Issue

SIZE_LIMIT_BYTES = 20_000_000
"""Largest file read, and largest content unpacked from one: an instance file of 500 workloads is under 1 MB."""

VALUE_LIMIT = 2_000_000
"""Most values one file may hold: of a document once its aliases are expanded, of a table rows times columns."""

TABLE_VALUE_LIMIT, COLUMN_LIMIT = 5_000_000, 1_000
"""Most cells and columns of one table of a catalogue or law folder."""

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_SPLIT = "split bulk lists into CSV or Parquet tables"
_CHUNK = 1 << 20


def megabytes(size: int) -> str:
    """Write a size for people."""
    return f"{size / 1e6:,.1f} MB"


def too_large(size: int, limit: int, file: str, maybe: str | None = None, *, what: str = "is") -> InputError:
    """Return the error of a content over its limit."""
    told = f"{what} {megabytes(size)}; the limit is {limit / 1e6:,.0f} MB"
    return InputError(Issue(told, file, maybe=maybe, code="too_large"))


def as_path(value: object, where: str) -> Path:
    """Return a path given as text or path-like; InputError for anything else, and for text that can be none."""
    if isinstance(value, str | os.PathLike):
        try:
            path = Path(value)
            if b"\0" not in os.fsencode(path):
                return path
        except (TypeError, UnicodeEncodeError):
            pass
        raise InputError(Issue(f"is {ascii(value)[:80]}, which is no path", where=where))
    raise InputError(Issue(f"is {type(value).__name__}; should be a path", where=where))


def read_bytes(
    path: Path, file: str, *, limit: int = SIZE_LIMIT_BYTES, folder: Path | None = None, maybe: str | None = _SPLIT
) -> bytes:
    """Return the content of a regular file of at most `limit` bytes, in `folder` once links are followed.

    Raises:
        InputError: it does not exist, is no regular file, lies elsewhere, is too large, or cannot be read.
    """
    try:
        if folder is not None and not path.resolve().is_relative_to(folder.resolve()):
            raise InputError(Issue("is a link out of its folder", file=file, maybe="copy the file itself there",
                                   code="file_unreadable"))
        if not path.exists():
            raise InputError(Issue("does not exist", file=file, code="file_missing"))
        _require_regular(path.stat(), file)
        # Without waiting: what has become a pipe since must not block.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(handle, "rb") as stream:
            status = os.fstat(handle)
            _require_regular(status, file)
            if status.st_size > limit:
                raise too_large(status.st_size, limit, file, maybe)
            content = stream.read(limit + 1)
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(Issue(f"cannot be read: {reason}", file=file, code="file_unreadable")) from None
    if len(content) > limit:
        raise too_large(len(content), limit, file, maybe, what="has grown beyond")
    return content


def _require_regular(status: os.stat_result, file: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for test, name in _KINDS if test(status.st_mode)), "something else")
        raise InputError(Issue(f"is not a regular file: it is {kind}", file=file, code="file_unreadable"))


def unpacked(content: bytes, file: str, *, limit: int = SIZE_LIMIT_BYTES) -> bytes:
    """Return what a gzip content unpacks to, at most `limit` bytes; InputError otherwise."""
    parts: list[bytes] = []
    size = 0
    left = content
    try:
        while left:
            member = zlib.decompressobj(wbits=31)
            while left and not member.eof:
                parts.append(member.decompress(left, _CHUNK))
                left = member.unconsumed_tail if not member.eof else b""
                size += len(parts[-1])
                if size > limit:
                    what = f"unpacks to more than {limit / 1e6:,.0f} MB from {megabytes(len(content))}"
                    raise InputError(Issue(what, file=file, code="too_large"))
            if not member.eof:
                raise InputError(Issue("is cut short: its gzip content has no end", file=file, code="syntax"))
            left = member.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise InputError(Issue(f"is not gzip: {error}", file=file, code="syntax")) from None
    return b"".join(parts)


def read_table_bytes(path: Path, file: str, folder: Path) -> bytes:
    """Return the bytes of a CSV of a catalogue or law folder, unpacked if its name ends in .gz, within all limits."""
    content = read_bytes(path, file, folder=folder, maybe=None)
    if path.suffix == ".gz":
        content = unpacked(content, file)
    require_cells(content, file, TABLE_VALUE_LIMIT)
    return content


def require_cells(content: bytes, file: str, limit: int = VALUE_LIMIT) -> None:
    """Refuse a CSV whose separators and line breaks make more cells, or columns, than are read."""
    columns = content[: content.find(b"\n") + 1 or len(content)].count(b",") + 1
    if columns > COLUMN_LIMIT:
        raise InputError(Issue(f"has {columns:,} columns; the limit is {COLUMN_LIMIT:,}", file=file, code="too_large"))
    cells = content.count(b",") + content.count(b"\n") + 1
    if cells > limit:
        raise InputError(Issue(f"has {cells:,} cells; the limit is {limit:,}", file=file, code="too_large"))


def decoded(content: bytes, file: str) -> str:
    """Return the text of UTF-8, or of UTF-16 that begins with its byte order mark; InputError names the bad byte."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding, name = "utf-16", "UTF-16"
    else:
        encoding, name = "utf-8-sig", "UTF-8"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        at = min(error.start, len(content) - 1)
        what = f"is not {name} text: byte 0x{content[at]:02x} at offset {at}"
        raise InputError(Issue(what, file=file, line=line, maybe="save the file as UTF-8")) from None


def read_text(path: Path, file: str, *, limit: int = SIZE_LIMIT_BYTES, folder: Path | None = None) -> str:
    """Return the text of a file that is not empty, without its byte order mark."""
    text = decoded(read_bytes(path, file, limit=limit, folder=folder), file)
    if not text.strip():
        raise InputError(Issue("is empty", file=file))
    return text
