"""Writing files whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

Writer = Callable[[IO[str]], object]


def write_whole(path: str | os.PathLike[str], write: Writer) -> None:
    """Let `write` fill a file; whoever looks sees the old one or the new one, never a part."""
    write_all({Path(path): write})


def write_all(files: Mapping[Path, Writer]) -> None:
    """Fill every file beside its target, then rename them all; when one cannot be filled no target is touched.

    What is no regular file (a pipe, /dev/stdout) is written to as it stands.
    """
    filled: list[tuple[Path, Path]] = []
    try:
        for target, write in files.items():
            if target.exists() and not target.is_file():
                with target.open("w", encoding="utf-8", newline="") as stream:
                    write(stream)
                continue
            real = target.resolve()
            handle, name = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
            filled.append((Path(name), real))
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
                write(stream)
            Path(name).chmod(_mode(real))
        for made, real in filled:
            made.replace(real)
    finally:
        for made, _ in filled:
            made.unlink(missing_ok=True)


def require_fillable(path: Path) -> None:
    """Raise the OSError that writing this file would end in: makes and removes a file where `write_all` makes one."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(path))
    if path.exists() and not path.is_file():
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return
    real = path.resolve()
    handle, name = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
    os.close(handle)
    os.unlink(name)


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
