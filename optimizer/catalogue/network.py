"""Prices of moving data and round-trip times between places.

Round trips come from three layers, best first: a measured pair, the median between the sites two regions belong to
(corrected by 0.0125 ms per km of difference in distance, the correction of the source data), and a fitted line
a + b·km per pair of continents. Users are reached by the fitted line alone, from the population-weighted distance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from optimizer.errors import InputError
from optimizer.suggest import did_you_mean, unknown_name

EARTH_RADIUS_KM = 6371.0
DETOUR_MS_PER_KM = 0.0125
SAME_REGION_MS = 1.0  # inside one region, where no source measured it


@dataclass(frozen=True)
class UserPlace:
    """Users at one point of a country; degrees, NaN where not known."""

    country: str
    lat: float = np.nan
    lon: float = np.nan


def distance_km(lat_a: np.ndarray, lon_a: np.ndarray, lat_b: np.ndarray, lon_b: np.ndarray) -> np.ndarray:
    """Great-circle distance in km (haversine formula), broadcasting over degrees."""
    lat_a, lon_a, lat_b, lon_b = (np.radians(np.asarray(x, dtype=float)) for x in (lat_a, lon_a, lat_b, lon_b))
    half = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    result: np.ndarray = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return result


class Network:
    """Network view of a catalogue; tables are read when first needed and looked up by position."""

    def __init__(self, regions: pd.DataFrame, later: Mapping[str, Callable[[], pd.DataFrame]]) -> None:
        self._regions = regions
        self._later = later

    def _at(self, region_ids: Sequence[str]) -> np.ndarray:
        """Row positions of region ids; raises naming every unknown one."""
        ids = pd.Index(region_ids)
        at = self._regions.index.get_indexer(ids)
        if (at < 0).any():
            unknown = dict.fromkeys(ids[at < 0])
            raise InputError([unknown_name(f"unknown region {r!r}", r, self._regions.index) for r in unknown])
        return at

    @cached_property
    def _region_prices(self) -> pd.DataFrame:
        """Prices aligned to the regions: the region's own row, cells it lacks from the provider-wide row `*`."""
        table = self._later["storage"]()
        columns = [c for c in table.columns if c.endswith(("_per_gb", "_per_gb_month"))]
        listed = table[table.region.ne("*")]
        own = listed[columns].set_axis(listed.provider + ":" + listed.region)
        wide = table[table.region.eq("*")].set_index("provider")[columns]
        prices = own.reindex(self._regions.index)
        general = wide.reindex(self._regions.provider).set_axis(self._regions.index)
        return prices.fillna(general)

    def region_price(self, region_ids: Sequence[str], column: str) -> pd.Series:
        """One price column by region id."""
        at = self._at(region_ids)
        return pd.Series(self._region_prices[column].to_numpy()[at], index=pd.Index(region_ids), name=column)

    def egress(self, src: Sequence[str], dst: Sequence[str]) -> np.ndarray:
        """USD per GB, shape (sources, destinations); the order of precedence is in `Catalogue.egress_usd_per_gb`."""
        a, b = self._at(src), self._at(dst)
        provider = self._regions.provider.to_numpy()
        continent = self._regions.continent.to_numpy()
        prices = self._region_prices
        internet = prices.egress_internet_usd_per_gb.to_numpy()[a][:, None]
        near = prices.egress_same_continent_usd_per_gb.to_numpy()[a][:, None]
        far = prices.egress_other_continent_usd_per_gb.to_numpy()[a][:, None]
        same_provider = provider[a][:, None] == provider[b][None, :]
        located = (continent[a] != "")[:, None] & (continent[b] != "")[None, :]
        same_continent = located & (continent[a][:, None] == continent[b][None, :])
        # a continent that is not known is charged like another continent
        inside = np.where(same_continent, near, far)
        price = np.where(same_provider & ~np.isnan(inside), inside, internet)
        listed = self._matrix("egress_pairs", "usd_per_gb")[np.ix_(a, b)]
        price = np.where(np.isnan(listed), price, listed)
        return np.where(a[:, None] == b[None, :], 0.0, price)

    def _matrix(self, table: str, column: str) -> np.ndarray:
        """Dense (region × region) matrix of a table of listed pairs, NaN elsewhere; other regions are left out."""
        cached = self.__dict__.setdefault("_matrices", {})
        if table not in cached:
            rows = self._later[table]()
            size = len(self._regions)
            matrix = np.full((size, size), np.nan)
            i = self._regions.index.get_indexer(pd.Index(rows.src))
            j = self._regions.index.get_indexer(pd.Index(rows.dst))
            known = (i >= 0) & (j >= 0)
            matrix[i[known], j[known]] = rows[column].to_numpy()[known]
            cached[table] = matrix
        result: np.ndarray = cached[table]
        return result

    @cached_property
    def _sites(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(site position of each region or -1, site lat, site lon, site × site RTT)."""
        table = self._later["rtt_sites"]()
        sides = [table[[f"site_{x}", f"lat_{x}", f"lon_{x}"]].set_axis(["site", "lat", "lon"], axis=1) for x in "ab"]
        place = pd.concat(sides).drop_duplicates("site").set_index("site").sort_index()
        names = place.index
        matrix = np.full((len(names), len(names)), np.nan)
        i, j = names.get_indexer(pd.Index(table.site_a)), names.get_indexer(pd.Index(table.site_b))
        matrix[i, j] = table.rtt_ms
        matrix[j, i] = table.rtt_ms
        of_region = names.get_indexer(pd.Index(self._regions.rtt_site))
        return of_region, place.lat.to_numpy(), place.lon.to_numpy(), matrix

    def _line(self, kind: str) -> dict[str, tuple[float, float]]:
        rows = self._later["rtt_fit"]()
        rows = rows[rows.kind.eq(kind)]
        return {p: (a, b) for p, a, b in zip(rows.pair, rows.a_ms, rows.b_ms_per_km, strict=True)}

    def _fitted(self, kind: str, pairs: np.ndarray, km: np.ndarray) -> np.ndarray:
        """a + b·km with the line of each pair name, else the line `all`; NaN without either."""
        lines = self._line(kind)
        out = np.full(km.shape, np.nan)
        for name in np.unique(pairs):
            intercept, slope = lines.get(name, lines.get("all", (np.nan, np.nan)))
            pick = pairs == name
            out[pick] = intercept + slope * km[pick]
        return out

    def region_rtt(self, src: Sequence[str], dst: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """RTT in ms and quality between regions, shape (sources, destinations)."""
        a, b = self._at(src), self._at(dst)
        lat, lon = self._regions.lat.to_numpy(), self._regions.lon.to_numpy()
        continent = self._regions.continent.to_numpy()
        km = distance_km(lat[a][:, None], lon[a][:, None], lat[b][None, :], lon[b][None, :])
        rtt = self._fitted("region", _pair_names(continent[a], continent[b]), km)
        site, site_lat, site_lon, between = self._sites
        sa, sb = site[a][:, None], site[b][None, :]
        if len(site_lat):
            known = (sa >= 0) & (sb >= 0) & (sa != sb)
            ia, ib = np.broadcast_arrays(np.maximum(sa, 0), np.maximum(sb, 0))
            apart = distance_km(site_lat[ia], site_lon[ia], site_lat[ib], site_lon[ib])
            proxy = between[ia, ib] + DETOUR_MS_PER_KM * (km - apart)
            rtt = np.where(known & ~np.isnan(proxy), np.maximum(proxy, 0.01 * km), rtt)
        measured = self._matrix("rtt_pairs", "rtt_ms")[np.ix_(a, b)]
        rtt = np.where(a[:, None] == b[None, :], SAME_REGION_MS, rtt)
        quality = np.where(np.isnan(rtt), "missing", "estimated")
        quality = np.where(np.isnan(measured), quality, "measured")
        return np.where(np.isnan(measured), rtt, measured), quality.astype(object)

    @cached_property
    def _places(self) -> pd.DataFrame:
        return self._later["places"]()

    @cached_property
    def user_places(self) -> frozenset[str]:
        """Names of the origins the catalogue has: countries (`DE`) and their largest cities (`DE:Berlin`)."""
        return frozenset(self._places.country) | frozenset(self._places.country + ":" + self._places.city)

    def _origin(self, origin: str | UserPlace) -> pd.DataFrame:
        """Weighted points of an origin (`DE`, `DE:Berlin` or a point); empty if unknown."""
        if isinstance(origin, UserPlace):
            near = self._places[self._places.country.eq(origin.country)]
            continent = near.continent.iloc[0] if len(near) else ""
            row = {"country": origin.country, "continent": continent, "lat": origin.lat, "lon": origin.lon}
            return pd.DataFrame([{**row, "weight": 1.0}])
        country, _, city = origin.partition(":")
        rows = self._places[self._places.country.eq(country)]
        return rows[rows.city.eq(city)].assign(weight=1.0) if city else rows

    def user_rtt(self, origins: Sequence[str | UserPlace], region_ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """RTT in ms and quality from users to regions, shape (origins, regions)."""
        at = self._at(region_ids)
        points = [self._origin(o) for o in origins]
        unknown = [o for o, p in zip(origins, points, strict=True) if p.empty]
        if unknown:
            names = sorted(self.user_places)
            told = dict.fromkeys(str(o) for o in unknown)
            raise InputError([unknown_name(f"unknown origin {o!r}", o, names) for o in told])
        region = self._regions.iloc[at]
        lat, lon = region.lat.to_numpy(), region.lon.to_numpy()
        km = np.empty((len(origins), len(at)))
        for row, place in enumerate(points):
            away = distance_km(place.lat.to_numpy()[:, None], place.lon.to_numpy()[:, None], lat[None, :], lon[None, :])
            weight = place.weight.to_numpy()
            km[row] = weight @ away / weight.sum()
        rtt = self._fitted("user", _user_pairs(points, region), km)
        quality = np.where(np.isnan(rtt), "missing", "estimated").astype(object)
        return rtt, quality


    def user_error(self, origins: Sequence[str | UserPlace], region_ids: Sequence[str]) -> np.ndarray:
        """By how many ms nine of ten measured round trips differ at most from the line of each pair, as `user_rtt`."""
        region = self._regions.iloc[self._at(region_ids)]
        rows = self._later["rtt_fit"]()
        errors = rows[rows.kind.eq("user")].set_index("pair").p90_abs_err_ms.to_dict()
        pairs = _user_pairs([self._origin(origin) for origin in origins], region)
        found = [[errors.get(pair, errors.get("all", np.nan)) for pair in row] for row in pairs]
        return np.array(found, dtype=float).reshape(pairs.shape)


def _user_pairs(points: Sequence[pd.DataFrame], region: pd.DataFrame) -> np.ndarray:
    """Names of the lines that hold between places of users and regions, shape (places, regions)."""
    home = np.array([p.continent.iloc[0] for p in points], dtype=object)
    country = np.array([p.country.iloc[0] for p in points], dtype=object)
    pairs = _pair_names(home, region.continent.to_numpy())
    return np.where(country[:, None] == region.country.to_numpy()[None, :], "domestic", pairs)


def _pair_names(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Unordered continent pairs `EU-NA`, shape (len a, len b)."""
    rows, columns = np.unique(a.astype(str)), np.unique(b.astype(str))
    table = np.array([["-".join(sorted((x, y))) for y in columns] for x in rows], dtype=object)
    result: np.ndarray = table[np.ix_(np.searchsorted(rows, a.astype(str)), np.searchsorted(columns, b.astype(str)))]
    return result


def _near(name: object, known: Sequence[str] | pd.Index) -> str | None:
    return did_you_mean(str(name), [str(k) for k in known])
