"""Changes to figures of the world: prices, carbon intensities, and cells of the bundled catalogue."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from optimizer.changes.base import Change, OfferScope, RegionScope, stated
from optimizer.changes.catalogue import Row, all_regions, chosen_offers, chosen_regions, with_figures
from optimizer.changes.edit import Edit
from optimizer.changes.scoping import require_known
from optimizer.compile.offers import GRID_COLUMN
from optimizer.instance.base import NonNegative
from optimizer.instance.rules import Discount
from optimizer.instance.world import InlineRegion

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue
    from optimizer.errors import Issue

TOKENS = ("price_usd_per_million_input_tokens", "price_usd_per_million_output_tokens")
Figure = Callable[[float], float]


class ScalePrices(Change):
    """Multiply prices by a factor: of offers (`compute`), or of a provider's storage or egress.

    Prices of offers are scaled one by one, where there is one; those of storage and egress as a discount does.
    """

    op: Literal["scale_prices"]
    factor: Annotated[float, Field(ge=0, le=10)]
    of: Literal["compute", "storage", "egress"] = "compute"
    scope: OfferScope = OfferScope()

    def apply(self, edit: Edit) -> None:
        """Scale the prices selected."""
        if self.of == "compute":
            _price_offers(self.scope, edit, hourly=self._scaled, tokens=self._scaled, units=self._scaled)
        else:
            self._discounted(edit)

    def _scaled(self, price: float) -> float:
        return price * self.factor

    def _discounted(self, edit: Edit) -> None:
        asked = set(stated(self.scope)) - {"providers"}
        if asked:
            edit.fail("scope", f"selects by {', '.join(sorted(asked))}; {self.of} is priced by provider")
        known = dict.fromkeys(one.provider for one in all_regions(edit))
        require_known(edit, "scope.providers", "provider", self.scope.providers, known)
        for provider in self.scope.providers or known:
            self._at(provider, edit)

    def _at(self, provider: str, edit: Edit) -> None:
        percent = 0.0
        for k, one in enumerate(edit.instance.discounts):
            if one.provider == provider and self.of in one.applies_to:
                percent = one.percent
                rest = tuple(kind for kind in one.applies_to if kind != self.of)
                if rest:
                    edit.put(edit.edited(one, "factor", applies_to=rest), "discounts", k)
                else:
                    edit.drop("discounts", k)
                break
        plain = Discount(provider=provider, percent=0.0, applies_to=(self.of,))
        reduced = 100.0 - (100.0 - percent) * self.factor
        edit.append(edit.edited(plain, "factor", percent=reduced), "discounts")


class SetPrices(Change):
    """Set prices of offers: `usd_per_hour` of machines, tokens of endpoints, `usd_per_unit` of inline endpoints."""

    op: Literal["set_prices"]
    usd_per_hour: NonNegative | None = None
    usd_per_million_input_tokens: NonNegative | None = None
    usd_per_million_output_tokens: NonNegative | None = None
    usd_per_unit: NonNegative | None = None
    scope: OfferScope = OfferScope()

    @model_validator(mode="after")
    def _something(self) -> SetPrices:
        if not any(value is not None for value in self._prices().values()):
            raise ValueError(f"states none of {', '.join(self._prices())}")
        return self

    def _prices(self) -> dict[str, float | None]:
        names = ("usd_per_hour", *(name.removeprefix("price_") for name in TOKENS), "usd_per_unit")
        return {name: getattr(self, name) for name in names}

    def apply(self, edit: Edit) -> None:
        """Set the prices selected, also where there was none."""
        machines, endpoints = chosen_offers(self.scope, edit)
        inline = edit.instance.catalogue.inline
        prices = {name: value for name, value in self._prices().items() if value is not None}
        fits = {"usd_per_hour": machines, "usd_per_unit": endpoints if inline is not None else []}
        for name in prices:
            if not fits.get(name, endpoints if inline is None else []):
                edit.fail(name, "is no price of the offers selected")
        if inline is not None:
            _put_inline(edit, "offers", "usd_per_hour", machines, lambda _: prices.get("usd_per_hour"))
            _put_inline(edit, "endpoints", "usd_per_unit", endpoints, lambda _: prices.get("usd_per_unit"))
            return
        note = "set by a change"
        if "usd_per_hour" in prices:
            cells = [(one.id, "price_usd_per_hour", prices["usd_per_hour"]) for one in machines]
            with_figures(edit, "offers", cells, note)
        of_tokens = [(one.id, f"price_{name}", prices[name]) for one in endpoints for name in prices if "token" in name]
        with_figures(edit, "endpoints", of_tokens, note)


def _price_offers(scope: OfferScope, edit: Edit, *, hourly: Figure, tokens: Figure, units: Figure) -> None:
    """Put what becomes of every price there is of the offers selected."""
    machines, endpoints = chosen_offers(scope, edit)
    if edit.instance.catalogue.inline is not None:
        _put_inline(edit, "offers", "usd_per_hour", machines, hourly)
        _put_inline(edit, "endpoints", "usd_per_unit", endpoints, units)
        return
    catalogue = edit.catalogue
    assert catalogue is not None
    found = 0
    for table, rows, columns, figure in (
        ("offers", machines, ("price_usd_per_hour",), hourly),
        ("endpoints", endpoints, TOKENS, tokens),
    ):
        listed = {name: getattr(catalogue, table)[name].tolist() for name in columns}
        cells = [(one.id, name, figure(listed[name][one.at])) for one in rows for name in columns]
        cells = [cell for cell in cells if not math.isnan(cell[2])]
        with_figures(edit, table, cells, "scaled by a change")
        found += len(cells)
    if not found:
        edit.fail("scope", "none of the offers selected has a price", "set_prices states one")


def _put_inline(
    edit: Edit, table: str, field: str, rows: list[Row], figure: Callable[[float], float | None]
) -> None:
    """Put a figure of rows of the inline catalogue; None leaves it as it is."""
    items = list(getattr(edit.instance.catalogue.inline, table))
    for row in rows:
        new = figure(getattr(items[row.at], field))
        if new is not None:
            items[row.at] = edit.edited(items[row.at], "scope", **{field: new})
    edit.put(tuple(items), "catalogue", "inline", table)


class ScaleCarbon(Change):
    """Multiply the grid intensity of regions by a factor, on the instance's emission basis."""

    op: Literal["scale_carbon"]
    factor: Annotated[float, Field(ge=0, le=10)]
    scope: RegionScope = RegionScope()

    def apply(self, edit: Edit) -> None:
        """Scale the intensities selected, where there is one."""
        _intensities(self.scope, edit, lambda value: value * self.factor, "scaled by a change")


class SetCarbon(Change):
    """Set the grid intensity of regions, on the instance's emission basis."""

    op: Literal["set_carbon"]
    g_per_kwh: NonNegative
    scope: RegionScope = RegionScope()

    def apply(self, edit: Edit) -> None:
        """Set the intensities selected, also where there was none."""
        _intensities(self.scope, edit, lambda _: self.g_per_kwh, "set by a change")


def _intensities(scope: RegionScope, edit: Edit, figure: Figure, note: str) -> None:
    chosen = {one.id for one in chosen_regions(scope, edit)}
    inline = edit.instance.catalogue.inline
    if inline is not None:
        regions = tuple(_of_grid(edit, one, figure) if one.id in chosen else one for one in inline.regions)
        if regions == inline.regions:
            edit.fail("scope", "none of the regions selected gets another intensity", "set_carbon states one")
        edit.put(regions, "catalogue", "inline", "regions")
        return
    column = GRID_COLUMN[edit.instance.carbon.basis]
    table = edit.catalogue.regions  # type: ignore[union-attr]
    listed = dict(zip(table["region_id"].tolist(), table[column].tolist(), strict=True))
    cells = [(name, column, figure(value)) for name, value in listed.items() if name in chosen]
    cells = [cell for cell in cells if not math.isnan(cell[2])]
    if not cells:
        edit.fail("scope", "none of the regions selected has an intensity", "set_carbon states one")
    with_figures(edit, "regions", cells, note)


def _of_grid(edit: Edit, region: InlineRegion, figure: Figure) -> InlineRegion:
    """Return an inline region with what becomes of its intensity; one that is not known stays so unless it is set."""
    stated_g = region.grid_g_per_kwh
    every = stated_g if isinstance(stated_g, tuple) else (math.nan if stated_g is None else stated_g,)
    new = tuple(figure(value) for value in every)
    if any(map(math.isnan, new)):
        return region
    return edit.edited(region, "scope", grid_g_per_kwh=new if isinstance(stated_g, tuple) else new[0])


class SetCarbonPrice(Change):
    """Set the price of carbon in the objective, USD per tonne."""

    op: Literal["set_carbon_price"]
    usd_per_tonne: NonNegative

    def apply(self, edit: Edit) -> None:
        """Set it."""
        edit.put(self.usd_per_tonne, "carbon", "price_usd_per_tonne")


class SetFigure(Change):
    """State figures of the bundled catalogue, as `catalogue.overlay` does: a power, a PUE, a price nobody has."""

    op: Literal["set_figure"]
    table: Literal["providers", "regions", "accelerators", "skus", "offers", "endpoints"]
    id: str
    set: Annotated[dict[str, Any], Field(min_length=1)]
    citation: str = ""

    def apply(self, edit: Edit) -> None:
        """State them; a row or column that the catalogue does not have is a problem."""
        from optimizer.suggest import did_you_mean

        catalogue = _bundled(edit)
        found = _issues_of(catalogue, {"table": self.table, "id": self.id, "set": dict(self.set)})
        if found:
            rows = getattr(catalogue, self.table).index
            names = ["/".join(row) if isinstance(row, tuple) else str(row) for row in rows.tolist()]
            columns = [str(name) for name in getattr(catalogue, self.table).columns]
            if self.id not in names:
                edit.unknown("id", f"row of {self.table}", self.id, names)
            for column in self.set:
                if column not in columns:
                    edit.fail("set", found[0].what, did_you_mean(column, columns))
            edit.fail("set", found[0].what, found[0].maybe)
        with_figures(edit, self.table, [(self.id, name, value) for name, value in self.set.items()], self.citation)


class AddRow(Change):
    """Add a row to the bundled catalogue, as `catalogue.overlay` does: a provider, a region, an offer, a round trip."""

    op: Literal["add_row"]
    table: Literal[
        "providers", "regions", "accelerators", "skus", "offers", "endpoints", "storage", "egress", "power", "network",
        "throughput",
    ]  # fmt: skip
    add: Annotated[dict[str, Any], Field(min_length=1)]
    citation: str = ""

    def apply(self, edit: Edit) -> None:
        """Append it to the overlay; a column, a figure or a reference that fits nothing is a problem."""
        row = {"table": self.table, "add": dict(self.add)}
        for issue in _issues_of(_bundled(edit), row):
            edit.fail("add", issue.what, issue.maybe)
        told = {"citation": self.citation} if self.citation else {}
        edit.append({**row, **told}, "catalogue", "overlay")


def _bundled(edit: Edit) -> Catalogue:
    """Return the bundled catalogue, as changed so far."""
    if edit.catalogue is None:
        maybe = "set_prices and set_carbon change an inline catalogue, add_region and add_offer extend it"
        edit.fail("op", "has no effect on an inline catalogue", maybe)
    return edit.catalogue


def _issues_of(catalogue: Catalogue, row: dict[str, Any]) -> list[Issue]:
    from optimizer.catalogue.overlay import apply_overlay

    found: list[Issue] = []
    apply_overlay(catalogue, (row,), found)
    return found
