"""Which regions answer a stream in time, and what the way to its users costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.effort import WAY, spend
from optimizer.compile.evidence import Evidences, measured, worded
from optimizer.compile.ledger import Exclusion, Packed, pack
from optimizer.compile.world import World
from optimizer.instance.workloads import Service, Stream

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Way:
    """Between one stream and every region: `open` [regions], why offers in the rest are out, and prices (NaN where not
    open). `number` tells ways apart.
    """

    number: int
    open: Bools
    packed: tuple[Packed, ...]
    usd_per_unit: Floats
    response_usd_per_gb: Floats


class WayView:
    """Ways of all streams; streams from one origin with one limit share the work."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ways: dict[tuple[str, float | None, bool], Way] = {}

    def of(self, service: Service, stream: Stream) -> Way:
        """Return the way between a stream of a service and every region."""
        key = (stream.origin, stream.max_rtt_ms, service.response_gb_per_unit > 0)
        if key not in self._ways:
            self._ways[key] = self._way(len(self._ways), *key)
        return self._ways[key]

    def prices(self) -> tuple[Floats, Floats]:
        """Return USD per unit and per GB of responses of all ways so far, by number; [ways, regions]."""
        ways = self._ways.values()
        empty = np.zeros((0, len(self._world.regions)))
        per_unit = np.vstack([empty, *(way.usd_per_unit for way in ways)])
        return per_unit, np.vstack([empty, *(way.response_usd_per_gb for way in ways)])

    def _way(self, number: int, origin: str, max_rtt_ms: float | None, sends: bool) -> Way:
        network = self._world.network
        spend("routes", WAY + 100 * len(self._world.regions) + 4 * len(self._world.offers))
        region, names = self._world.offer_region, self._world.text("region_id")
        closed: list[tuple[str, str, Bools, Evidences]] = []

        def unknown(what: str) -> Evidences:
            return worded(lambda offer: f"nobody has {what} between {origin} and {names[offer]}")

        if max_rtt_ms is not None:
            found, quality = (part[0] for part in network.user_rtt([origin]))
            margin = self._world.instance.catalogue.latency_margin_ms
            rtt = np.array(found) + margin * (quality == "estimated")
            closed.append(("rtt_unknown", "max_rtt_ms", np.isnan(rtt), unknown("a round trip")))
            what = f"the round trip of {origin}" + (f", with a margin of {margin:g} ms," if margin else "")
            told = measured(what, rtt, max_rtt_ms, "ms", region)
            closed.append(("rtt", "max_rtt_ms", rtt > max_rtt_ms, told))
        per_unit = network.usd_per_unit([origin])[0]
        closed.append(("missing_price", "network", np.isnan(per_unit), unknown("a price per unit")))
        per_gb = np.array(network.response_usd_per_gb([origin])[0]) if sends else np.zeros(len(per_unit))
        closed.append(("missing_egress_price", "response_gb_per_unit", np.isnan(per_gb), unknown("an egress price")))
        is_open = ~np.logical_or.reduce([mask for _, _, mask, _ in closed])
        packed = pack(
            Exclusion(reason, rule, mask[region], evidence=told) for reason, rule, mask, told in closed if mask.any()
        )
        return Way(number, is_open, packed, per_unit, per_gb)
