"""The best plan so far, shared by searches that run side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Exchange:
    """Holds the best plan put in from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._x: Floats | None = None
        self._objective_usd = np.inf

    def put(self, x: Floats, objective_usd: float) -> None:
        """Offer a plan; kept when it is cheaper than the one held."""
        with self._lock:
            if objective_usd < self._objective_usd:
                self._x, self._objective_usd = x.copy(), objective_usd

    def better_than(self, objective_usd: float) -> Floats | None:
        """Return the plan held if it is cheaper by more than rounding, else None."""
        with self._lock:
            margin = 1e-9 * max(1.0, abs(objective_usd)) if np.isfinite(objective_usd) else 0.0
            return self._x if self._x is not None and self._objective_usd < objective_usd - margin else None


class WidenedExchange(Exchange):
    """An exchange seen by a search whose plans have more columns after the first `size` ones, which `widen` adds."""

    def __init__(self, exchange: Exchange, size: int, widen: Callable[[Floats], Floats]) -> None:
        self.exchange, self.size, self.widen = exchange, size, widen

    def put(self, x: Floats, objective_usd: float) -> None:
        """Offer a plan; kept when it is cheaper than the one held."""
        self.exchange.put(x[: self.size], objective_usd)

    def better_than(self, objective_usd: float) -> Floats | None:
        """Return the plan held if it is cheaper by more than rounding, else None."""
        x = self.exchange.better_than(objective_usd)
        return None if x is None else self.widen(x)
