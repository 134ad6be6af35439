"""Round trips and USD per GB between places, by region index, from the bundled catalogue or from inline links.

All prices are after the instance's discounts. An unknown figure is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from optimizer.catalogue.network import UserPlace

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue
    from optimizer.instance.world import InlineCatalogue, NetworkLink, Origin

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Network(Protocol):
    """What the compile step asks of a network; every array is by region index."""

    def user_rtt(self, origins: Sequence[str]) -> tuple[Floats, NDArray[np.object_]]:
        """Return round trips in ms [origins, regions], NaN unknown, and the quality of each figure."""

    def usd_per_unit(self, origins: Sequence[str]) -> Floats:
        """Return USD per work unit between origin and region [origins, regions]; 0 if the network has no such price."""

    def response_usd_per_gb(self, origins: Sequence[str]) -> Floats:
        """Return USD per GB sent from the region to the origin's users [origins, regions]."""

    def internet_usd_per_gb(self) -> Floats:
        """Return USD per GB sent from the region to the internet [regions]."""

    def storage_usd_per_gb_month(self) -> Floats:
        """Return USD per GB-month stored in the region [regions]."""

    def egress_usd_per_gb(self, source: Ints, target: Ints) -> Floats:
        """Return USD per GB from region `source[x]` to region `target[x]`; 0 inside a region."""


class CatalogueNetwork:
    """The network of the bundled catalogue, with discounts on storage and egress (factors per region).

    `stated`: round trips in ms of the instance's own, by origin and region id, over the catalogue's estimates.
    """

    def __init__(
        self, catalogue: Catalogue, region_ids: Sequence[str], storage: Floats, egress: Floats,
        origins: Sequence[Origin] = (), *, stated: Mapping[tuple[str, str], float] | None = None,
    ) -> None:  # fmt: skip
        self._catalogue, self._stated = catalogue, dict(stated or {})
        self._own = {origin.id: origin for origin in origins}
        self._ids = list(region_ids)
        self._storage, self._egress = storage, egress
        self._rtt: dict[str, tuple[Floats, NDArray[np.object_]]] = {}
        self._internet: Floats | None = None

    def user_rtt(self, origins: Sequence[str]) -> tuple[Floats, NDArray[np.object_]]:
        """Return round trips in ms [origins, regions] and their quality; one look-up per origin and world."""
        new = [origin for origin in dict.fromkeys(origins) if origin not in self._rtt]
        if new:
            rtt, quality = self._catalogue.user_rtt([self._place(origin) for origin in new], self._ids)
            for row, origin in enumerate(new):
                self._rtt[origin] = (np.array(rtt[row], dtype=np.float64), np.array(quality[row], dtype=object))
                for column, region in enumerate(self._ids):
                    if (origin, region) in self._stated:
                        self._rtt[origin][0][column] = self._stated[origin, region]
                        self._rtt[origin][1][column] = "stated"
        shape = (len(origins), len(self._ids))
        if not origins:
            return np.zeros(shape), np.zeros(shape, dtype=object)
        return np.stack([self._rtt[o][0] for o in origins]), np.stack([self._rtt[o][1] for o in origins])

    def _place(self, origin: str) -> str | UserPlace:
        own = self._own.get(origin)
        if own is None:
            return origin
        lat, lon = (np.nan if degrees is None else degrees for degrees in (own.lat, own.lon))
        return UserPlace(own.country, lat, lon)

    def usd_per_unit(self, origins: Sequence[str]) -> Floats:
        """Return zeros [origins, regions]: the bundled catalogue prices GB, not work units."""
        return np.zeros((len(origins), len(self._ids)))

    def response_usd_per_gb(self, origins: Sequence[str]) -> Floats:
        """Return internet egress of the region, whoever asks [origins, regions]."""
        return np.broadcast_to(self.internet_usd_per_gb(), (len(origins), len(self._ids)))

    def internet_usd_per_gb(self) -> Floats:
        """Return USD per GB to the internet [regions], NaN unknown."""
        if self._internet is None:
            listed = self._catalogue.internet_egress_usd_per_gb(self._ids).to_numpy(dtype=np.float64)
            self._internet = listed * self._egress
        return self._internet

    def storage_usd_per_gb_month(self) -> Floats:
        """Return USD per GB-month [regions], NaN unknown."""
        return self._catalogue.storage_usd_per_gb_month(self._ids).to_numpy(dtype=np.float64) * self._storage

    def egress_usd_per_gb(self, source: Ints, target: Ints) -> Floats:
        """Return USD per GB from region to region, NaN unknown."""
        if not len(source):
            return np.zeros(0)
        sources, row = np.unique(source, return_inverse=True)
        targets, column = np.unique(target, return_inverse=True)
        priced = self._catalogue.egress_usd_per_gb([self._ids[k] for k in sources], [self._ids[k] for k in targets])
        return np.array(priced, dtype=np.float64)[row, column] * self._egress[source]


class InlineNetwork:
    """The links of an inline catalogue. A link counts both ways unless the other way is stated too.

    Once any link states USD per work unit, every (origin, region) pair used must: a pair without is unknown, not free.
    """

    def __init__(self, inline: InlineCatalogue, region_ids: Sequence[str], storage: Floats, egress: Floats) -> None:
        self._index = {region: k for k, region in enumerate(region_ids)}
        self._links = {(link.origin, link.region): link for link in inline.network}
        for link in inline.network:
            self._links.setdefault((link.region, link.origin), link)
        self._ids = tuple(region_ids)
        self._of_origin: dict[str, list[tuple[int, NetworkLink]]] = {}
        for (origin, region), link in self._links.items():
            if region in self._index:
                self._of_origin.setdefault(origin, []).append((self._index[region], link))
        by_id = {region.id: region for region in inline.regions}

        def figures(name: str) -> Floats:
            values = [getattr(by_id.get(region), name, None) for region in region_ids]
            return np.array([np.nan if value is None else value for value in values], dtype=float)

        self._internet = figures("egress_usd_per_gb") * egress
        self._egress = egress
        self._stored = figures("storage_usd_per_gb_month") * storage
        self._priced = any(link.usd_per_unit is not None for link in inline.network)

    def _links_of(self, origins: Sequence[str], name: str, default: Floats) -> Floats:
        out = np.array(np.broadcast_to(default, (len(origins), len(self._ids))), dtype=float)
        for row, origin in enumerate(origins):
            for column, link in self._of_origin.get(origin, ()):
                value = getattr(link, name)
                if value is not None:
                    out[row, column] = value
        return out

    def user_rtt(self, origins: Sequence[str]) -> tuple[Floats, NDArray[np.object_]]:
        """Return the stated round trips in ms [origins, regions], NaN where none is stated."""
        rtt = self._links_of(origins, "rtt_ms", np.full(len(self._ids), np.nan))
        return rtt, np.where(np.isnan(rtt), "missing", "stated").astype(object)

    def usd_per_unit(self, origins: Sequence[str]) -> Floats:
        """Return the stated USD per work unit [origins, regions]; zeros when no link states any."""
        return self._links_of(origins, "usd_per_unit", np.full(len(self._ids), np.nan if self._priced else 0.0))

    def response_usd_per_gb(self, origins: Sequence[str]) -> Floats:
        """Return the link's USD per GB, else the region's egress price [origins, regions]."""
        linked = self._links_of(origins, "usd_per_gb", np.full(len(self._ids), np.nan)) * self._egress
        return np.where(np.isnan(linked), self._internet, linked)

    def internet_usd_per_gb(self) -> Floats:
        """Return USD per GB leaving the region [regions]."""
        return self._internet

    def storage_usd_per_gb_month(self) -> Floats:
        """Return USD per GB-month [regions]."""
        return self._stored

    def egress_usd_per_gb(self, source: Ints, target: Ints) -> Floats:
        """Return the link's USD per GB, else the source's egress price; 0 inside a region."""
        out = np.where(source == target, 0.0, self._internet[source])
        for x, (a, b) in enumerate(zip(source.tolist(), target.tolist(), strict=True)):
            link = self._links.get((self._ids[a], self._ids[b])) if a != b else None
            if link is not None and link.usd_per_gb is not None:
                out[x] = link.usd_per_gb * self._egress[a]
        return out


def discount_factors(discounts: Mapping[tuple[str, str], float], providers: Sequence[str], on: str) -> Floats:
    """Return 1 − percent/100 of `on` (on_demand, spot, endpoint, storage, egress) for each provider named."""
    if not discounts:
        return np.ones(len(providers))
    return np.array([discounts.get((provider, on), 1.0) for provider in providers], dtype=float)
