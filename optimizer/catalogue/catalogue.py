"""`Catalogue`: what can be bought where, on whose grid, at what price, how fast and how far away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.catalogue import network, shapes
from optimizer.errors import InputError, Issue

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.catalogue.operating import Curve
    from optimizer.catalogue.speed_facts import Limits, Point

REGION_SEPARATOR = ":"


@dataclass(frozen=True, eq=False)
class Catalogue:
    """A validated, immutable set of tables. Make one with `load_catalogue` or `Catalogue.from_tables`.

    Tables are pandas frames indexed by their key, which stays a column too (docs/data.md lists every column with its
    unit). Text that is absent is `""`; a figure that is absent is NaN and stays NaN unless `with_fallbacks` is asked.
    Do not write into the frames.

    Attributes:
        name: `world`, the folder, or `inline`.
        version: date on which the bundled data was compiled, empty if unknown.
        sha256: checksum of the tables.
        fallback_kinds: kinds of fallback figures that were switched on.
    """

    name: str
    version: str
    sha256: str
    tables: Mapping[str, pd.DataFrame] = field(repr=False)
    later: Mapping[str, Callable[[], pd.DataFrame]] = field(repr=False)
    fallback_kinds: tuple[str, ...] = ()

    @staticmethod
    def from_tables(
        tables: Mapping[str, pd.DataFrame], *, name: str = "inline", version: str = "", file: str | None = None
    ) -> Catalogue:
        """Validate tables in memory; see `optimizer.catalogue.load.from_tables`."""
        from optimizer.catalogue.load import from_tables

        return from_tables(tables, name=name, version=version, file=file)

    @staticmethod
    def load(use: str | Path = "world") -> Catalogue:
        """Load the bundled catalogue or a folder; see `load_catalogue`."""
        from optimizer.catalogue.load import load_catalogue

        return load_catalogue(use)

    def __repr__(self) -> str:
        size = {name: len(frame) for name, frame in self.tables.items()}
        return f"Catalogue({self.name!r}, version={self.version!r}, {size})"

    @property
    def providers(self) -> pd.DataFrame:
        """Operators, index `provider`: headquarters, controlling countries, certifications."""
        return self.tables["providers"]

    @property
    def regions(self) -> pd.DataFrame:
        """Places, index `region_id` = provider:region: country, position, grid intensity per basis, PUE, water."""
        return self.tables["regions"]

    @property
    def accelerators(self) -> pd.DataFrame:
        """Devices, index `accelerator`: memory, software stack, power per device, embodied carbon, export figures."""
        return self.tables["accelerators"]

    @property
    def skus(self) -> pd.DataFrame:
        """Instance types, index (`provider`, `sku`): devices, memory per device, whole-instance IT power."""
        return self.tables["skus"]

    @property
    def offers(self) -> pd.DataFrame:
        """Priced instances, index `offer_id` = provider:region:sku:purchase, in USD per instance-hour."""
        return self.tables["offers"]

    @property
    def endpoints(self) -> pd.DataFrame:
        """Managed model endpoints, index `endpoint_id`, in USD per million tokens; no energy figure exists."""
        return self.tables["endpoints"]

    @property
    def throughput(self) -> pd.DataFrame:
        """Measured rates, one row per (profile, accelerator, devices); only rows of one profile compare."""
        return self.tables["throughput"]

    @cached_property
    def _filled(self) -> dict[tuple[str, ...], Catalogue]:
        """Catalogues with fallbacks made so far, by the kinds asked for."""
        return {}

    @cached_property
    def quarantined(self) -> pd.DataFrame:
        """Measured rates that physics or the same run contradicts, with the reason; never used."""
        return self.later["quarantined"]()

    @cached_property
    def architectures(self) -> pd.DataFrame:
        """Dimensions of models, index `model`: what memory, bandwidth and FLOPS a token takes follows from them."""
        return self.later["architectures"]()

    @cached_property
    def accelerator_speed(self) -> pd.DataFrame:
        """Dense peaks of accelerators and the efficiency that serving reaches on them, index `accelerator`."""
        return self.later["accelerator_speed"]()

    @cached_property
    def limits(self) -> Mapping[str, Limits]:
        """What limits each accelerator whose limits are known, and how much of that serving reaches."""
        from optimizer.catalogue.speed_facts import limits_of

        return limits_of(self)

    @cached_property
    def siblings(self) -> Mapping[str, tuple[str, ...]]:
        """By accelerator those that are its chip with more memory or bandwidth."""
        from optimizer.catalogue.speed_facts import siblings_of

        return siblings_of(self.limits)

    @cached_property
    def points(self) -> Mapping[str, list[Point]]:
        """The saturated measurements of each model, at any token shape."""
        from optimizer.catalogue.speed_facts import points_of

        return points_of(self)

    @cached_property
    def curve_points(self) -> pd.DataFrame:
        """Concurrency sweeps: time to the first token and per output token by requests in flight on one replica."""
        return self.later["curves"]()

    @cached_property
    def curves(self) -> Mapping[str, list[Curve]]:
        """The concurrency sweeps of each model."""
        from optimizer.catalogue.operating import curves_of

        return curves_of(self)

    @cached_property
    def quarantined_rows(self) -> Mapping[str, list[Any]]:
        """The quarantined rates of each model."""
        from optimizer.catalogue.speeds import quarantined_by_model

        return quarantined_by_model(self)

    @cached_property
    def serving(self) -> pd.DataFrame:
        """Saturated serving measurements at many token shapes, in output tokens per second of the whole system."""
        return self.later["serving"]()

    @cached_property
    def storage(self) -> pd.DataFrame:
        """Storage and egress list prices, one row per (provider, region); region `*` is the whole provider."""
        return self.later["storage"]()

    @cached_property
    def commitments(self) -> pd.DataFrame:
        """What reserved instances, committed use and savings plans cost, index `commitment_id`; rows of one `plan` are
        the rates of its SKUs in USD/h.
        """
        return self.later["commitments"]()

    @cached_property
    def quarantined_prices(self) -> pd.DataFrame:
        """Spot prices implausibly far below list, index `offer_id`, with the reason; never used."""
        return self.later["quarantined_prices"]()

    @cached_property
    def fallbacks(self) -> pd.DataFrame:
        """Second-best figures with citation; off unless `with_fallbacks` names their kind."""
        return self.later["fallbacks"]()

    @cached_property
    def model_aliases(self) -> Mapping[str, str]:
        """Canonical model name of the names that sources use."""
        return dict(self.later["model_aliases"]().model)

    @cached_property
    def default_profiles(self) -> pd.DataFrame:
        """Throughput profile that stands for a model when the instance asks for no particular one."""
        return self.later["default_profiles"]()

    def canonical_model(self, model: str) -> str:
        """Canonical name of a model; a name without an alias is returned as it is."""
        return self.model_aliases.get(model, model)

    def storage_usd_per_gb_month(self, region_ids: Sequence[str]) -> pd.Series:
        """Object-storage list price by region in USD per GB-month, first tier; NaN where none is known."""
        return self._network.region_price(region_ids, "storage_usd_per_gb_month")

    def internet_egress_usd_per_gb(self, region_ids: Sequence[str]) -> pd.Series:
        """First-tier list price of traffic to users, in USD per GB; NaN where none is known."""
        return self._network.region_price(region_ids, "egress_internet_usd_per_gb")

    def egress_usd_per_gb(self, src_region_ids: Sequence[str], dst_region_ids: Sequence[str]) -> np.ndarray:
        """Price of moving one GB, shape (sources, destinations), in USD; NaN where no price is known.

        0 inside a region; inside a provider the listed pair, else the same- or other-continent rate; otherwise, and
        between providers, the internet egress of the source (first tier), a path that always exists.
        """
        return self._network.egress(src_region_ids, dst_region_ids)

    @property
    def user_places(self) -> frozenset[str]:
        """Origins with a position: countries (`DE`) and their ten largest cities (`DE:Berlin`)."""
        return self._network.user_places

    def user_rtt(
        self, origins: Sequence[str | network.UserPlace], region_ids: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Round trip in ms from users to regions and its quality, both of shape (origins, regions).

        An origin is a country (`DE`: population-weighted over its largest cities), a city (`DE:Berlin`) or a
        `UserPlace`. Always `estimated` (fitted line) or `missing` (region or place without position, NaN).
        """
        return self._network.user_rtt(origins, region_ids)

    def user_rtt_error(self, origins: Sequence[str], region_ids: Sequence[str]) -> np.ndarray:
        """By how many ms nine of ten round trips that were measured differ at most from the estimates of `user_rtt`."""
        return self._network.user_error(origins, region_ids)

    def region_rtt(self, src: Sequence[str], dst: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Round trip in ms between regions and its quality, shape (sources, destinations).

        `measured` where a source with clear terms measured the pair, else `estimated`, else `missing` (NaN).
        """
        return self._network.region_rtt(src, dst)

    @cached_property
    def _network(self) -> network.Network:
        return network.Network(self.regions, self.later)

    def grid_shape(self, zones: Sequence[str], month: int, basis: str = "lifecycle") -> pd.DataFrame:
        """Typical day of a month as ratio to the annual mean, shape (zones, 24 UTC hours).

        The intensity of an hour is ratio × annual intensity of the region on the same basis. Zones without hourly data
        give NaN rows; zones whose data has no usable shape (`flat_zones`) keep their near-constant ratios.
        """
        return shapes.grid_shape(self.later["grid_shapes"](), zones, month, basis)

    def flat_zones(self, basis: str = "lifecycle") -> frozenset[str]:
        """Zones whose hourly series has no usable shape: shifting load there shows no gain on paper."""
        return shapes.flat_zones(self.later["grid_shapes"](), basis)

    def with_fallbacks(self, kinds: Sequence[str]) -> Catalogue:
        """Fill missing figures of the named kinds and mark them `fallback`; `[]` returns the catalogue unchanged.

        Raises `InputError` for a kind that `fallbacks` does not list.
        """
        from optimizer.catalogue.fallbacks import apply_fallbacks

        asked = tuple(kinds)
        if asked and asked not in self._filled:
            self._filled[asked] = apply_fallbacks(self, asked)
        return self._filled[asked] if asked else self

    def select(
        self,
        *,
        providers: Sequence[str] | None = None,
        exclude_providers: Sequence[str] = (),
        regions: Sequence[str] | None = None,
        exclude_regions: Sequence[str] = (),
        countries: Sequence[str] | None = None,
        access: Sequence[str] = ("public",),
        availability: Sequence[str] = ("verified", "price_meter"),
        granularity: Sequence[str] = ("region",),
    ) -> Catalogue:
        """Consistent subset over all tables; see `optimizer.catalogue.select.select`."""
        from optimizer.catalogue.select import select

        return select(self, providers=providers, exclude_providers=exclude_providers, regions=regions,
                      exclude_regions=exclude_regions, countries=countries, access=access, availability=availability,
                      granularity=granularity)  # fmt: skip

    def price_age_days(self, on: date) -> pd.Series:
        """Age of each offer's price in days on a date, index `offer_id`; NaN where the source gives no date."""
        listed = pd.to_datetime(self.offers.price_date.where(self.offers.price_date.ne("")), format="%Y-%m-%d")
        return (pd.Timestamp(on) - listed).dt.days.rename("price_age_days")

    def require_regions(self, region_ids: Sequence[str]) -> None:
        """Raise `InputError` naming every id that is no region of this catalogue."""
        unknown = [r for r in dict.fromkeys(region_ids) if r not in self.regions.index]
        if unknown:
            raise InputError([Issue(f"unknown region {r!r}", maybe="list regions with `domicile catalogue regions`")
                              for r in unknown])  # fmt: skip
