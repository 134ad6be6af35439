"""Which regions answer a stream in time, and what the way to its users costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.ledger import Exclusion
from optimizer.compile.world import World
from optimizer.instance.workloads import Service, Stream

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Way:
    """Between one stream and every region: `open` [regions], why the rest is not, and prices (NaN where not open)."""

    open: Bools
    closed: tuple[tuple[str, str, Bools], ...]
    usd_per_unit: Floats
    response_usd_per_gb: Floats

    def exclusions(self, offer_region: NDArray[np.int64]) -> list[Exclusion]:
        """Return the reasons over offers, by the region of each."""
        return [Exclusion(reason, rule, mask[offer_region]) for reason, rule, mask in self.closed if mask.any()]


class WayView:
    """Ways of all streams; streams from one origin with one limit share the work."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ways: dict[tuple[str, float | None, bool], Way] = {}

    def of(self, service: Service, stream: Stream) -> Way:
        """Return the way between a stream of a service and every region."""
        key = (stream.origin, stream.max_rtt_ms, service.response_gb_per_unit > 0)
        if key not in self._ways:
            self._ways[key] = self._way(*key)
        return self._ways[key]

    def _way(self, origin: str, max_rtt_ms: float | None, sends: bool) -> Way:
        network = self._world.network
        closed: list[tuple[str, str, Bools]] = []
        if max_rtt_ms is not None:
            rtt = network.user_rtt([origin])[0][0]
            closed.append(("rtt_unknown", "max_rtt_ms", np.isnan(rtt)))
            closed.append(("rtt", "max_rtt_ms", rtt > max_rtt_ms))
        per_unit = network.usd_per_unit([origin])[0]
        closed.append(("missing_price", "network", np.isnan(per_unit)))
        per_gb = np.array(network.response_usd_per_gb([origin])[0]) if sends else np.zeros(len(per_unit))
        closed.append(("missing_egress_price", "response_gb_per_unit", np.isnan(per_gb)))
        is_open = ~np.logical_or.reduce([mask for _, _, mask in closed])
        return Way(is_open, tuple(closed), per_unit, per_gb)
