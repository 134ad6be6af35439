"""The deterministic work of a solve: what HiGHS did, counted and not timed, so that two runs can be compared."""

from __future__ import annotations

import threading


class Work:
    """Runs of HiGHS with their simplex iterations and nodes, and the small programs of pricing; from any thread."""

    def __init__(self) -> None:
        self.runs = self.simplex_iterations = self.nodes = self.programs = 0
        self._lock = threading.Lock()

    def add(self, *, runs: int = 0, simplex_iterations: int = 0, nodes: int = 0, programs: int = 0) -> None:
        """Count more work."""
        with self._lock:
            self.runs += runs
            self.simplex_iterations += simplex_iterations
            self.nodes += nodes
            self.programs += programs
