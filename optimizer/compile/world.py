"""The world an instance lives in: periods, regions, open offers, grid, network and laws, as tables and arrays.

Everything the compile step asks about places and prices it asks the `World`; whether the figures came from the bundled
catalogue or were written inside the instance makes no difference afterwards. Prices are after discounts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.catalogue.overlay import apply_overlay
from optimizer.catalogue.overlay_rows import own_round_trips
from optimizer.compile.bundled import LISTED, bundled_tables, none_stated, priced
from optimizer.compile.inline import (
    inline_accelerators,
    inline_grid,
    inline_offers,
    inline_providers,
    inline_regions,
)
from optimizer.compile.network import CatalogueNetwork, InlineNetwork, Network, discount_factors
from optimizer.compile.offers import CLOSED_COLUMNS, without_closed
from optimizer.compile.periods import period_dates
from optimizer.compile.stages import Stages
from optimizer.errors import InputError, Issue
from optimizer.instance.models import Instance
from optimizer.instance.world import Period

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue
    from optimizer.compile.scaled import Scaled
    from optimizer.laws import LawPack

Floats = NDArray[np.float64]
PRICES = ("price_usd_per_hour", "usd_per_million_input_tokens", "usd_per_million_output_tokens", "usd_per_unit")


@dataclass(frozen=True)
class _Start:
    """What both kinds of world start from."""

    instance: Instance
    laws: LawPack | None
    periods: tuple[Period, ...]
    hours: Floats
    discounts: dict[tuple[str, str], float]
    issues: list[Issue]

    def factors(self, regions: pd.DataFrame, on: str) -> Floats:
        """Return the discount factor of each region's provider."""
        return discount_factors(self.discounts, list(regions.provider), on)


@dataclass(frozen=True, eq=False)
class World:
    """One instance's world.

    Attributes
    ----------
    offers
        Open offers, RangeIndex; columns `OFFER_COLUMNS` of `optimizer.compile.offers`. `kind` is instance or endpoint,
        `region` the row of `regions`, `price_usd_per_hour` per instance after discounts, `devices` accelerators of one
        instance (0 for CPU-only SKUs, accelerator `cpu`), `counted_devices` what throughput and quotas count (vCPUs for
        CPU-only), `idle_kw`/`load_kw` IT power of one instance, `embodied_kg_per_hour` per instance, `scope_countries`
        where an endpoint may process (for an instance its own country), `own` what nobody but the instance says is on
        sale. Text is `""`, a number NaN, when unknown.
    regions
        All regions, RangeIndex, `REGION_COLUMNS`; `open` are those that may be used.
    providers, accelerators
        Facts by id (index): control sets and certifications; software and export figures.
    grid_g_per_kwh
        [regions, periods] on the instance's one emission basis, NaN unknown.
    closed
        Offers shut for every workload: offer_id, provider, region_id, sku, endpoint, reason, rule.
    listed
        The world without estimates, of one that has them in the place of missing figures (see `estimates`).
    estimated
        There: [offers] which figures of the offer are estimates, as a number.
    scaled
        The speed that is asked about, of a world in which it is another than stated (see `scaled`).
    """

    instance: Instance
    catalogue: Catalogue | None
    laws: LawPack | None
    periods: tuple[Period, ...]
    period_hours: Floats
    period_dates: tuple[date, ...]
    offers: pd.DataFrame
    regions: pd.DataFrame
    providers: pd.DataFrame
    accelerators: pd.DataFrame
    grid_g_per_kwh: Floats
    network: Network
    closed: pd.DataFrame
    warnings: tuple[str, ...] = ()
    listed: World | None = None
    estimated: NDArray[np.int64] | None = None
    scaled: Scaled | None = None

    @property
    def total_hours(self) -> float:
        """Hours of the horizon."""
        return float(self.period_hours.sum())

    @cached_property
    def region_index(self) -> dict[str, int]:
        """Row of each region id."""
        return {region: k for k, region in enumerate(self.regions.region_id)}

    @cached_property
    def storage_usd_per_gb_month(self) -> Floats:
        """USD per GB-month [regions], NaN unknown."""
        return self.network.storage_usd_per_gb_month()

    @cached_property
    def offer_region(self) -> NDArray[np.int64]:
        """Region row of each offer."""
        return self.offers.region.to_numpy(dtype=np.int64)

    @cached_property
    def serving_grids(self) -> tuple[NDArray[np.int64], Floats, Floats]:
        """Row of each offer in two tables of g/kWh [rows, periods] where it may process: the mean, and the most."""
        from optimizer.compile.endpoint_energy import serving_grids

        return serving_grids(self.offers, self.regions, self.grid_g_per_kwh)

    @cached_property
    def unpriced(self) -> pd.DataFrame:
        """`offers` but for what is known of the hourly prices of machines."""
        return self.offers.drop(columns=["price_usd_per_hour", "price_quality", "price_date", "price_age_days"])

    @cached_property
    def legal(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What the law may look at of `offers` and `regions`."""
        offers = ["kind", "region", "region_id", "accelerator", "scope", "scope_countries", "provider", "own"]
        return self.offers[offers], self.regions[["region_id", "country", "subdivision", "provider", "open"]]

    @cached_property
    def lasting_share(self) -> NDArray[np.float64]:
        """Part of the instances of each offer that a service counts on: on spot those not taken back in a month."""
        return np.where(self.text("purchase") == "spot", 1.0 - self.column("spot_interruption"), 1.0)

    @cached_property
    def is_endpoint(self) -> NDArray[np.bool_]:
        """Which offers are endpoints."""
        return (self.offers.kind == "endpoint").to_numpy(dtype=bool)

    @cached_property
    def _columns(self) -> dict[tuple[str, type], NDArray[Any]]:
        """Columns asked for so far: every workload asks for a few, and to take one out of a table is slow."""
        return {}

    def _column(self, name: str, kind: type) -> NDArray[Any]:
        key = (name, kind)
        if key not in self._columns:
            values = self.offers[name].to_numpy(dtype=kind).view()
            values.flags.writeable = False
            self._columns[key] = values
        return self._columns[key]

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a numeric column of `offers` as floats, read-only."""
        return self._column(name, float)

    def text(self, name: str) -> NDArray[np.object_]:
        """Return a text column of `offers`, read-only."""
        return self._column(name, object)

    @cached_property
    def _numbered(self) -> dict[str, tuple[dict[object, int], NDArray[np.int64]]]:
        return {}

    def one_of(self, name: str, values: Iterable[object]) -> NDArray[np.bool_]:
        """Return which offers have one of the values in a text column; [offers]."""
        if name not in self._numbered:
            number, distinct = pd.factorize(self.text(name), use_na_sentinel=False)
            self._numbered[name] = ({value: k for k, value in enumerate(distinct)}, number)
        place, numbers = self._numbered[name]
        is_wanted = np.zeros(len(place), dtype=bool)
        is_wanted[[place[value] for value in values if value in place]] = True
        return is_wanted[numbers]

    def of(self, instance: Instance, laws: LawPack | None) -> World:
        """Return the same world for another instance and law pack that neither its tables nor its network depend on.

        What was looked up in the tables is shared.
        """
        new = replace(self, instance=instance, laws=laws)
        looked_up = ("region_index", "offer_region", "is_endpoint", "unpriced", "legal", "_columns", "_numbered")
        new.__dict__.update({name: getattr(self, name) for name in looked_up})
        return new

    def period_of(self, period_id: str) -> int:
        """Return the index of a period id."""
        return [period.id for period in self.periods].index(period_id)


def resolve_world(
    instance: Instance, base_dir: Path | str | None = None, stages: Stages | None = None, *, checked: bool = False
) -> World:
    """Build the world of an instance; a catalogue folder it names lies in `base_dir`, by default `instance.folder`.

    `stages` to take over from; `checked`: the names that only catalogue and law pack know were looked up already.

    Raises
    ------
    InputError
        Every reference to something the catalogue or the law pack does not know, all of them together.
    """
    issues: list[Issue] = []
    use = instance.catalogue
    if (use.use == "inline") != (use.inline is not None):
        issues.append(Issue(
            f"catalogue.use is {use.use!r} and an inline catalogue is {'given' if use.inline else 'missing'}",
            where="catalogue", maybe="set use: inline together with inline: {...}",
        ))  # fmt: skip
        raise InputError(issues)
    stages = stages or Stages()
    periods = instance.horizon.resolved()
    hours = np.array([period.hours for period in periods], dtype=float)
    laws = stages.get("laws", (instance.laws,), lambda: _laws(instance))
    catalogue = None if use.inline is not None else _catalogue(instance, base_dir, issues, stages)
    if not checked:
        _check_references(instance, catalogue, laws, issues)
    start = _Start(instance, laws, periods, hours, _discounts(instance, issues), issues)
    world = _inline_world(start, stages) if catalogue is None else _bundled_world(start, catalogue, stages)
    if issues:
        raise InputError(dict.fromkeys(issues))
    return world


def _laws(instance: Instance) -> LawPack | None:
    if instance.laws.use == "none":
        if instance.laws.patches:
            maybe = "set use: world, or leave the patches out"
            raise InputError(Issue("has no effect: laws.use is none", where="laws.patches", maybe=maybe))
        return None
    from optimizer.laws.loading import laws_of

    return laws_of(instance.laws, instance.folder)


def _catalogue(instance: Instance, base_dir: Path | str | None, issues: list[Issue], stages: Stages) -> Catalogue:
    from optimizer.catalogue import load_catalogue

    use = instance.catalogue
    listed = load_catalogue("world" if use.use == "world" else Path(base_dir or instance.folder or ".") / use.use)
    full = stages.get(
        "fallbacks", (listed, use.fallbacks), lambda: listed.with_fallbacks(use.fallbacks) if use.fallbacks else listed
    )
    return stages.get("overlay", (full, use.overlay), lambda: apply_overlay(full, use.overlay, issues))


def _check_references(
    instance: Instance, catalogue: Catalogue | None, laws: LawPack | None, issues: list[Issue]
) -> None:
    from optimizer.instance.references import check_references

    issues += check_references(instance, catalogue, laws)


def _discounts(instance: Instance, issues: list[Issue]) -> dict[tuple[str, str], float]:
    """Return the factor by (provider, what); the same pair twice is an issue."""
    factors: dict[tuple[str, str], float] = {}
    for k, discount in enumerate(instance.discounts):
        for on in discount.classes:
            if (discount.provider, on) in factors:
                issues.append(Issue(f"a second discount on {on} of {discount.provider}", where=f"discounts[{k}]"))
            factors[discount.provider, on] = 1.0 - discount.percent / 100.0
    return factors


def _discounted(offers: pd.DataFrame, discounts: dict[tuple[str, str], float]) -> pd.DataFrame:
    if not discounts:
        return offers
    providers, factor = list(offers.provider), np.ones(len(offers))  # what is committed to has a price of its own
    for on, column, name in (
        ("on_demand", "purchase", "on_demand"), ("spot", "purchase", "spot"), ("endpoint", "kind", "endpoint"),
    ):  # fmt: skip
        factor = np.where(offers[column] == name, discount_factors(discounts, providers, on), factor)
    for column in PRICES:
        offers[column] = offers[column].to_numpy(dtype=float) * factor
    return offers


def _bundled_world(start: _Start, catalogue: Catalogue, stages: Stages) -> World:
    instance = start.instance
    use, carbon = instance.catalogue, instance.carbon
    listed = stages.get("unpriced", (catalogue.offers,), lambda: catalogue.offers.drop(columns=list(LISTED)))
    tables = stages.get(
        "tables",
        (
            use.model_copy(update={"overlay": ()}), instance.horizon, carbon.basis, carbon.embodied,
            carbon.resolution, instance.commitments, instance.buy, instance.laws.as_of, listed, catalogue.skus,
            catalogue.endpoints, catalogue.regions, catalogue.accelerators, catalogue.later,
        ),
        lambda: bundled_tables(instance, catalogue, start.hours, start.issues),
    )  # fmt: skip
    storage, egress = start.factors(tables.regions, "storage"), start.factors(tables.regions, "egress")
    own = own_round_trips(use.overlay)
    network = stages.get(
        "network",
        (catalogue.regions, catalogue.later, storage, egress, instance.origins, own),
        lambda: CatalogueNetwork(catalogue, tuple(tables.regions.region_id), storage, egress, instance.origins,
                                 stated=own),
    )  # fmt: skip
    world = stages.get(
        "world",
        (catalogue, tables, network, instance.horizon, start.discounts),
        lambda: World(
            instance=instance,
            catalogue=catalogue,
            laws=start.laws,
            periods=start.periods,
            period_hours=start.hours,
            period_dates=period_dates(instance.horizon.start, start.hours),
            offers=_discounted(priced(tables, catalogue), start.discounts),
            regions=tables.regions,
            providers=catalogue.providers.assign(certifications=pd.Series(none_stated(catalogue.providers))),
            accelerators=catalogue.accelerators,
            grid_g_per_kwh=tables.grid,
            network=network,
            closed=tables.closed,
            warnings=tuple(tables.warnings),
        ),
    )
    unpriced = stages.get("open offers", (tables, start.discounts), lambda: world.unpriced)
    legal = stages.get("legal", (tables,), lambda: world.legal)
    world.__dict__.update(unpriced=unpriced, legal=legal)  # prices are in neither: one table of each for all prices
    return world.of(instance, start.laws)


def _inline_world(start: _Start, stages: Stages) -> World:
    instance, issues = start.instance, start.issues
    inline = instance.catalogue.inline
    assert inline is not None
    regions = inline_regions(instance.catalogue, inline)
    grid = inline_grid(inline, len(start.periods), issues)
    regions["grid_g_per_kwh_annual"] = grid.mean(axis=1) if grid.size else np.zeros(len(regions))
    offers = inline_offers(instance, regions, issues)
    offers["region"] = offers.region.astype(np.int64)
    none_yet = pd.DataFrame(columns=list(CLOSED_COLUMNS))
    offers, closed = without_closed(offers, none_yet, regions, instance.catalogue.exclude_offers)
    storage, egress = start.factors(regions, "storage"), start.factors(regions, "egress")
    network = stages.get(
        "network",
        (inline.network, inline.regions, storage, egress),
        lambda: InlineNetwork(inline, tuple(regions.region_id), storage, egress),
    )
    return World(
        instance=instance,
        catalogue=None,
        laws=start.laws,
        periods=start.periods,
        period_hours=start.hours,
        period_dates=period_dates(instance.horizon.start, start.hours),
        offers=_discounted(offers, start.discounts),
        regions=regions,
        providers=inline_providers(inline, regions),
        accelerators=inline_accelerators(inline, listed=start.laws is not None),
        grid_g_per_kwh=grid,
        network=network,
        closed=closed,
    )
