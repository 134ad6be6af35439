"""The round trip behind a placement: its figure, how it was had, and the limit that it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.errors import InputError
from optimizer.instance.workloads import Service

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled


class RoundTrips:
    """Round trips of all streams; each origin is looked up once."""

    def __init__(self, compiled: Compiled) -> None:
        self._network = compiled.world.network
        workloads = compiled.world.instance.workloads
        self._streams = [stream for w in workloads if isinstance(w, Service) for stream in w.streams]
        self._of_origin: dict[str, tuple[Any, Any] | None] = {}

    def of(self, stream: int, region: int) -> dict[str, Any]:
        """Return the fields of a placement of a stream (its position among all) in a region."""
        one = self._streams[stream]
        if one.origin not in self._of_origin:
            self._of_origin[one.origin] = self._look_up(one.origin)
        found = self._of_origin[one.origin]
        told: dict[str, Any] = {"max_rtt_ms": one.max_rtt_ms}
        if found is None or np.isnan(found[0][region]):
            return told
        return {**told, "rtt_ms": float(found[0][region]), "rtt_source": str(found[1][region])}

    def _look_up(self, origin: str) -> tuple[Any, Any] | None:
        """Return round trips and their quality by region; None for an origin that only laws and prices know."""
        try:
            rtt, quality = self._network.user_rtt([origin])
        except InputError:
            return None
        return rtt[0], quality[0]
