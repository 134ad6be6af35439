"""Writing files whole or not at all."""

from __future__ import annotations

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


def _mode(target: Path) -> int:
    """Return the permissions of the file that stands there, or those a new one gets."""
    if target.exists():
        return target.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
