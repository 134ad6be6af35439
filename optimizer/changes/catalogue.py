"""Regions, machines and endpoints of an instance's catalogue as selectors see them, bundled or inline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.changes.base import OfferScope, RegionScope, stated
from optimizer.changes.scoping import require_known

if TYPE_CHECKING:
    from optimizer.changes.edit import Edit


@dataclass(frozen=True)
class Place:
    """A region: `ids` are all that it is called by."""

    id: str
    provider: str
    country: str
    subdivision: str = ""

    @property
    def ids(self) -> tuple[str, str]:
        """The id, and the id with its provider ahead, as inline regions may be called."""
        return self.id, f"{self.provider}:{self.id}"

    @property
    def places(self) -> tuple[str, str, str]:
        """The country, and the subdivision with its country ahead or without."""
        return self.country, self.subdivision, f"{self.country}-{self.subdivision}"


@dataclass(frozen=True)
class Row:
    """An offer of the catalogue: `at` its position in the table, or list, of its kind; empty what it has not."""

    at: int
    id: str
    region: str
    provider: str
    sku: str = ""
    accelerator: str = ""
    purchase: str = ""
    endpoint: str = ""
    models: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """What `catalogue.exclude_offers` may call it."""
        return frozenset((self.id, self.endpoint, f"{self.region}:{self.endpoint}" if self.endpoint else self.id))


def all_regions(edit: Edit) -> list[Place]:
    """Return every region of the catalogue."""
    inline = edit.instance.catalogue.inline
    if inline is not None:
        return [Place(one.id, one.provider, one.country, one.subdivision or "") for one in inline.regions]
    table = edit.catalogue.regions  # type: ignore[union-attr]
    columns = (table[name].tolist() for name in ("region_id", "provider", "country", "subdivision"))
    return [Place(*row) for row in zip(*columns, strict=True)]


def all_machines(edit: Edit) -> list[Row]:
    """Return every offer of machines of the catalogue."""
    inline = edit.instance.catalogue.inline
    if inline is not None:
        provider = {one.id: one.provider for one in inline.regions}
        return [
            Row(k, f"{one.region}:{one.sku}:{one.purchase}", one.region, provider.get(one.region, ""), one.sku,
                one.accelerator, one.purchase)
            for k, one in enumerate(inline.offers)
        ]  # fmt: skip
    table = edit.catalogue.offers  # type: ignore[union-attr]
    names = ("offer_id", "region_id", "provider", "sku", "accelerator", "purchase")
    columns = (table[name].tolist() for name in names)
    return [
        Row(k, offer, region, provider, sku, accelerator or "cpu", purchase)
        for k, (offer, region, provider, sku, accelerator, purchase) in enumerate(zip(*columns, strict=True))
    ]


def all_endpoints(edit: Edit) -> list[Row]:
    """Return every managed endpoint of the catalogue; `region` is empty where the catalogue names none."""
    inline = edit.instance.catalogue.inline
    if inline is not None:
        provider = {one.id: one.provider for one in inline.regions}
        return [
            Row(k, f"{one.region}:{one.id}", one.region, provider.get(one.region, ""), endpoint=one.id,
                models=(one.model,))
            for k, one in enumerate(inline.endpoints)
        ]  # fmt: skip
    table = edit.catalogue.endpoints  # type: ignore[union-attr]
    columns = (table[name].tolist() for name in ("endpoint_id", "region_id", "provider", "model", "model_raw"))
    return [
        Row(k, endpoint, region, provider, endpoint=endpoint, models=tuple(dict.fromkeys((model, raw))))
        for k, (endpoint, region, provider, model, raw) in enumerate(zip(*columns, strict=True))
    ]


def chosen_regions(scope: RegionScope, edit: Edit) -> list[Place]:
    """Return the regions selected; country groups have the members of the horizon's first day.

    Raises:
        InputError: a name that nothing has, or no region that has everything named.
    """
    places = all_regions(edit)
    require_known(edit, "scope.providers", "provider", scope.providers, (one.provider for one in places))
    require_known(edit, "scope.regions", "region", scope.regions, (name for one in places for name in one.ids))
    wanted = _places_named(scope, edit)
    found = [
        one
        for one in places
        if (not scope.providers or one.provider in scope.providers)
        and (not scope.regions or set(one.ids) & set(scope.regions))
        and (wanted is None or not wanted.isdisjoint(one.places))
    ]
    if not found:
        edit.fail("scope", f"no region has all that it names: {_told(scope)}")
    return found


def _places_named(scope: RegionScope, edit: Edit) -> frozenset[str] | None:
    if not scope.countries and not scope.country_groups:
        return None
    if not scope.country_groups:
        return frozenset(scope.countries)
    from optimizer.laws import load_laws

    groups = (edit.laws or load_laws()).groups
    require_known(edit, "scope.country_groups", "country group", scope.country_groups, groups.ids)
    members = groups.expand(scope.country_groups, edit.instance.horizon.start)
    return frozenset(scope.countries) | members


def chosen_offers(scope: OfferScope, edit: Edit) -> tuple[list[Row], list[Row]]:
    """Return the machines and the endpoints selected.

    Raises:
        InputError: a name that nothing has, or no offer that has everything named.
    """
    machines, endpoints = all_machines(edit), all_endpoints(edit)
    asked = stated(scope)
    for key, what, known in (
        ("accelerators", "accelerator", (one.accelerator for one in machines)),
        ("skus", "SKU", (one.sku for one in machines)),
        ("purchase", "purchase option", (one.purchase for one in machines)),
        ("models", "endpoint model", (name for one in endpoints for name in one.models)),
        ("endpoints", "endpoint", (name for one in endpoints for name in one.names)),
    ):
        if key in asked:
            require_known(edit, f"scope.{key}", what, asked[key], known)
    by_place = {key: asked[key] for key in ("providers", "regions", "countries", "country_groups") if key in asked}
    if by_place:
        inside = {one.id for one in chosen_regions(RegionScope(**by_place), edit)}
        loose = set(scope.providers) if set(by_place) == {"providers"} else set()
        machines = [one for one in machines if one.region in inside]
        endpoints = [one for one in endpoints if one.region in inside or one.provider in loose]
    machines = [] if scope.models or scope.endpoints else [one for one in machines if _is_machine(one, scope)]
    of_machines = scope.accelerators or scope.skus or scope.purchase
    endpoints = [] if of_machines else [one for one in endpoints if _is_endpoint(one, scope)]
    if not machines and not endpoints:
        edit.fail("scope", f"no offer has all that it names: {_told(scope)}")
    return machines, endpoints


def _is_machine(one: Row, scope: OfferScope) -> bool:
    return (
        (not scope.accelerators or one.accelerator in scope.accelerators)
        and (not scope.skus or one.sku in scope.skus)
        and (not scope.purchase or one.purchase in scope.purchase)
    )


def _is_endpoint(one: Row, scope: OfferScope) -> bool:
    return (not scope.models or bool(set(one.models) & set(scope.models))) and (
        not scope.endpoints or bool(one.names & set(scope.endpoints))
    )


def _told(scope: RegionScope) -> str:
    return "; ".join(f"{name} {', '.join(values)}" for name, values in stated(scope).items()) or "there is none"


def with_figures(edit: Edit, table: str, figures: Iterable[tuple[str, str, object]], citation: str) -> None:
    """State figures of the bundled catalogue, each (id, column, value), as overrides; a second replaces the first."""
    new: dict[str, dict[str, object]] = {}
    for key, column, value in figures:
        new.setdefault(key, {})[column] = value
    kept = []
    for override in edit.instance.catalogue.overrides:
        cells = new.get(override["id"]) if override["table"] == table else None
        left = {column: value for column, value in override["set"].items() if not cells or column not in cells}
        if left == override["set"]:
            kept.append(override)
        elif left:
            kept.append({**override, "set": left})
    told = {"citation": citation} if citation else {}
    kept += [{"table": table, "id": key, "set": cells, **told} for key, cells in new.items()]
    edit.put(tuple(kept), "catalogue", "overrides")
