"""How the garbage collector is spared work that frees nothing, and memory given back."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


@contextmanager
def paused_gc() -> Iterator[None]:
    """Pause the garbage collector while many objects are made that live on and none is freed.

    The same as `formulations.build.paused_gc`, for what must not load the formulations (loading, auditing).
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def release_memory() -> None:
    """Give memory that was freed back to the system, where the C library can: large solves leave holes that would add
    to the peak of whatever follows.
    """
    library = _library()
    if library is not None:
        library.malloc_trim(0)


@cache
def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "malloc_trim") else None
    except (OSError, TypeError):  # no C library of this name: Windows
        return None
