"""How the garbage collector is spared work that frees nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
