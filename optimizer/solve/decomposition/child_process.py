"""Processes that this one starts: whether there is an interpreter for them, and how they end when it does."""

from __future__ import annotations

import os
import sys
import time

PARENT_EVERY_SECONDS = 1.0


def can_start() -> bool:
    """Whether there is an interpreter to start processes with."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def end_without(parent: int) -> None:
    """End this process when its parent is no longer the one that started it.

    Stdin alone does not tell: a child that the parent forked may hold its other end, and a task is not disturbed by it.
    """
    while os.name == "posix" and os.getppid() == parent:
        time.sleep(PARENT_EVERY_SECONDS)
    if os.name == "posix":
        os._exit(0)
