"""Bounds proven before of the same program: of a workload, at the same costs, to the last bit.

Scenarios of a study that differ in a limit have the same programs at the same prices. What one process has proven of a
program it does not prove again: the bound of the next scenario is the sum of the same parts with its own limits.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.decomposition.cut import Block, Cut

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST = 200_000
"""Bounds that are remembered at most."""


@dataclass
class Proven:
    """Lower bounds of programs by checksum, and the gap to which each was solved."""

    bounds: dict[bytes, tuple[float, float]] = field(default_factory=dict)

    def of(self, key: bytes, gap: float) -> float:
        """Return what is proven of a program that was solved to a gap at least as small; -inf where nothing is."""
        usd, solved = self.bounds.get(key, (-np.inf, np.inf))
        return usd if solved <= gap else -np.inf

    def note(self, key: bytes, usd: float, gap: float) -> None:
        """Remember a bound."""
        if len(self.bounds) >= MOST:
            self.bounds.clear()
        if np.isfinite(usd) and self.bounds.get(key, (0.0, np.inf))[1] >= gap:
            self.bounds[key] = (usd, gap)


class Programs:
    """The programs of the workloads of a cut, by checksum: all that says what they are, but the costs, once."""

    def __init__(self, cut: Cut) -> None:
        self._cut = cut
        self._told: dict[int, bytes] = {}

    def key(self, workload: int, reduced: Floats) -> bytes:
        """Return the checksum of a workload's program at the reduced costs of all columns."""
        block = self._cut.blocks[workload]
        if workload not in self._told:
            self._told[workload] = self._shape(block)
        told = hashlib.blake2b(self._told[workload], digest_size=16)
        told.update(reduced[block.columns].tobytes())
        return told.digest()

    def _shape(self, block: Block) -> bytes:
        matrix = self._cut.matrix
        told = hashlib.blake2b(digest_size=32)
        parts = (
            *block.entries_of(np.arange(block.columns.size)), matrix.lower[block.columns], matrix.upper[block.columns],
            matrix.integer[block.columns], matrix.row_lower[block.rows], matrix.row_upper[block.rows],
        )  # fmt: skip
        for part in parts:
            told.update(str(part.shape).encode())
            told.update(np.ascontiguousarray(part).tobytes())
        return told.digest()
