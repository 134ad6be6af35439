"""Writing files whole or not at all, whatever ends the process, whoever else writes.

A file is filled beside its target under a hidden name and renamed. Its writer holds a lock on it, which the system
takes back when the process ends, in whatever way: the next writer to the folder removes what nobody holds. (Windows has
no such locks; there, nothing is removed.)
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

Writer = Callable[[IO[str]], object]
_Filled = tuple[Path, Path, int | None]
"""A hidden file, its target, and the handle that holds it."""

SUFFIX = ".domicile"
_HIDDEN = re.compile(r"\..+\.[a-z0-9_]{8}\.domicile", re.DOTALL)
_NAME_BYTES = 200
"""How much of the target's name is in the hidden one, which may be no longer than 255 bytes."""
_TRIES = 20
_OTHERS_SECONDS, _LOOK_AGAIN_SECONDS = 5.0, 0.02


def write_whole(path: str | os.PathLike[str], write: Writer) -> None:
    """Let `write` fill a file; whoever looks sees the old one or the new one, never a part."""
    write_all({Path(path): write})


def write_all(files: Mapping[Path, Writer]) -> None:
    """Fill every file beside its target, then rename them all; when one cannot be filled no target is touched.

    Of several files the last is taken away before the first is renamed and comes last: where it stands, all are of one
    writing, of several writers at once and after `kill -9` as well. What is no regular file (a pipe, /dev/stdout) is
    written to as it stands.
    """
    filled: list[_Filled] = []
    cleared: set[Path] = set()
    try:
        for target, write in files.items():
            if target.exists() and not target.is_file():
                with target.open("w", encoding="utf-8", newline="") as stream:
                    write(stream)
                continue
            real = target.resolve()
            if real.parent not in cleared:
                clear_stale(real.parent)
                cleared.add(real.parent)
            handle, made = _hidden_beside(real)
            filled.append((made, real, None if sys.platform == "win32" else os.dup(handle)))
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
                write(stream)
            made.chmod(_mode(real))
        _rename(filled)
    finally:
        for made, _, lock in filled:
            made.unlink(missing_ok=True)
            if lock is not None:
                os.close(lock)


def _rename(filled: list[_Filled]) -> None:
    for _, real, _ in filled:
        if real.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder", str(real))
    if len(filled) > 1:
        with _alone_in(filled[-1][1].parent):
            filled[-1][1].unlink(missing_ok=True)
            for made, real, _ in filled:
                made.replace(real)
    else:
        for made, real, _ in filled:
            made.replace(real)


def clear_stale(folder: Path) -> None:
    """Remove the hidden files that writers who are gone have left in a folder; those of the living stay."""
    with suppress(OSError):
        for name in [entry.name for entry in os.scandir(folder) if _HIDDEN.fullmatch(entry.name)]:
            _clear(folder / name)


def _clear(path: Path) -> None:
    with suppress(OSError):
        if not stat.S_ISREG(path.lstat().st_mode):
            return
        handle = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0))
        try:
            if _lock(handle) and _is(handle, path):
                path.unlink()
        finally:
            os.close(handle)


def _hidden_beside(real: Path) -> tuple[int, Path]:
    """Make and hold a hidden file in the folder of a target; return its handle and path."""
    start = os.fsencode(real.name)[:_NAME_BYTES].decode(errors="ignore")
    for _ in range(_TRIES):
        handle, name = tempfile.mkstemp(prefix=f".{start}.", suffix=SUFFIX, dir=real.parent)
        if sys.platform == "win32" or not _taken(handle, Path(name)):
            return handle, Path(name)
        os.close(handle)
    raise OSError(errno.EBUSY, "others remove what is made there", str(real))


def _taken(handle: int, path: Path) -> bool:
    """Return True if a file just made was taken for one left behind, before its writer held it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks: nobody can hold anything, so that nobody removes anything
        return False
    return not _is(handle, path)


def _lock(handle: int) -> bool:
    """Hold a file if nobody does; False also where nobody can."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is(handle: int, path: Path) -> bool:
    """Return True if an open file still is the one of that name."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path, follow_symlinks=False))
    except OSError:
        return False


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other writer renames files in a folder, for a while, and keep the others out."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        yield
        return
    try:
        until = time.monotonic() + _OTHERS_SECONDS
        while not _lock(handle) and time.monotonic() < until:
            time.sleep(_LOOK_AGAIN_SECONDS)
        yield
    finally:
        os.close(handle)


def require_fillable(path: Path) -> None:
    """Raise the OSError that writing this file would end in: makes and removes a file where `write_all` makes one."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(path))
    if path.exists() and not path.is_file():
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return
    real = path.resolve()
    clear_stale(real.parent)
    handle, made = _hidden_beside(real)
    made.unlink(missing_ok=True)
    os.close(handle)


def require_fillable_folder(folder: Path) -> None:
    """Raise the OSError that making this folder, or a file in it, would end in."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "is not a folder", str(there))
    require_fillable(there / "placements.csv" if there == folder else there / folder.name)


def _mode(target: Path) -> int:
    """Return the permissions of the file that stands there, or those a new one gets."""
    if target.exists():
        return target.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
