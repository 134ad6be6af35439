"""Regions, machines and endpoints of an instance's catalogue as selectors see them, bundled or inline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.changes.base import OfferScope, RegionScope, stated
from optimizer.changes.scoping import require_known
from optimizer.compile.offers import CPU

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
    def ids(self) -> tuple[str, ...]:
        """The id, and the id with its provider ahead, as inline regions may be called."""
        ahead = f"{self.provider}:"
        return (self.id,) if self.id.startswith(ahead) else (self.id, ahead + self.id)

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


Columns = list[tuple[Any, ...]]
MACHINE = ("id", "region", "provider", "sku", "accelerator", "purchase")
ENDPOINT = ("id", "region", "provider", "model", "model_raw")


def machine_columns(edit: Edit) -> Columns:
    """Return the offers of machines as tuples of `MACHINE`, in the order of the catalogue."""
    inline = edit.instance.catalogue.inline
    if inline is not None:
        provider = {one.id: one.provider for one in inline.regions}
        return [
            (f"{one.region}:{one.sku}:{one.purchase}", one.region, provider.get(one.region, ""), one.sku,
             one.accelerator, one.purchase)
            for one in inline.offers
        ]  # fmt: skip
    table = edit.catalogue.offers  # type: ignore[union-attr]
    names = ("offer_id", "region_id", "provider", "sku", "accelerator", "purchase")
    return list(zip(*(table[name].tolist() for name in names), strict=True))


def endpoint_columns(edit: Edit) -> Columns:
    """Return managed endpoints as tuples of `ENDPOINT`; the region is empty where the catalogue names none."""
    inline = edit.instance.catalogue.inline
    if inline is not None:
        provider = {one.id: one.provider for one in inline.regions}
        return [(one.id, one.region, provider.get(one.region, ""), one.model, one.model) for one in inline.endpoints]
    table = edit.catalogue.endpoints  # type: ignore[union-attr]
    names = ("endpoint_id", "region_id", "provider", "model", "model_raw")
    return list(zip(*(table[name].tolist() for name in names), strict=True))


def _machine(at: int, row: tuple[Any, ...]) -> Row:
    name, region, provider, sku, accelerator, purchase = row
    return Row(at, name, region, provider, sku, accelerator or CPU, purchase)


def _endpoint(edit: Edit, at: int, row: tuple[Any, ...]) -> Row:
    name, region, provider, model, raw = row
    own = f"{region}:{name}" if edit.instance.catalogue.inline is not None else name
    return Row(at, own, region, provider, endpoint=name, models=tuple(dict.fromkeys((model, raw))))


def offer_names(edit: Edit) -> set[str]:
    """Return what `catalogue.exclude_offers` may call any offer."""
    machines = {row[0] for row in machine_columns(edit)}
    return machines.union(*(_endpoint(edit, k, row).names for k, row in enumerate(endpoint_columns(edit))))


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
    asked = stated(scope)
    of_machines = bool({"accelerators", "skus", "purchase"} & set(asked))
    of_endpoints = bool({"models", "endpoints"} & set(asked))
    by_place = {key: asked[key] for key in ("providers", "regions", "countries", "country_groups") if key in asked}
    inside = {one.id for one in chosen_regions(RegionScope(**by_place), edit)} if by_place else None
    machines = [] if of_endpoints and not of_machines else _machines(scope, edit, inside)
    endpoints = [] if of_machines and not of_endpoints else _endpoints(scope, edit, inside)
    if of_machines and of_endpoints:
        edit.fail("scope", "names keys of machines and keys of endpoints, and no offer is both")
    if not machines and not endpoints:
        edit.fail("scope", f"no offer has all that it names: {_told(scope)}")
    return machines, endpoints


def _machines(scope: OfferScope, edit: Edit, inside: set[str] | None) -> list[Row]:
    rows = machine_columns(edit)
    for key, what, at in (("accelerators", "accelerator", 4), ("skus", "SKU", 3), ("purchase", "purchase option", 5)):
        if getattr(scope, key):
            require_known(edit, f"scope.{key}", what, getattr(scope, key), {row[at] or CPU for row in rows})
    skus, chips, ways = set(scope.skus), set(scope.accelerators), set(scope.purchase)
    return [
        _machine(k, row)
        for k, row in enumerate(rows)
        if (inside is None or row[1] in inside)
        and (not skus or row[3] in skus)
        and (not chips or (row[4] or CPU) in chips)
        and (not ways or row[5] in ways)
    ]


def _endpoints(scope: OfferScope, edit: Edit, inside: set[str] | None) -> list[Row]:
    rows = endpoint_columns(edit)
    models, names = set(scope.models), set(scope.endpoints)
    if models:
        require_known(edit, "scope.models", "endpoint model", scope.models, {one for row in rows for one in row[3:5]})
    # where no region is listed the provider alone says whose it is
    loose = set(scope.providers) if not (scope.regions or scope.countries or scope.country_groups) else set()
    placed = (
        (k, row)
        for k, row in enumerate(rows)
        if (inside is None or row[1] in inside or row[2] in loose) and (not models or not models.isdisjoint(row[3:5]))
    )
    found = [_endpoint(edit, k, row) for k, row in placed]
    if names:
        require_known(edit, "scope.endpoints", "endpoint", scope.endpoints, {one for row in found for one in row.names})
        found = [row for row in found if row.names & names]
    return found


def _told(scope: RegionScope) -> str:
    return "; ".join(f"{name} {', '.join(values)}" for name, values in stated(scope).items()) or "there is none"


def with_figures(edit: Edit, table: str, figures: Iterable[tuple[str, str, object]], citation: str) -> None:
    """State figures of the bundled catalogue, each (id, column, value), in the overlay; a second replaces the first."""
    new: dict[str, dict[str, object]] = {}
    for key, column, value in figures:
        new.setdefault(key, {})[column] = value
    kept = []
    for override in edit.instance.catalogue.overlay:
        stated = override.get("set", {})
        cells = new.get(override.get("id", "")) if override["table"] == table else None
        left = {column: value for column, value in stated.items() if not cells or column not in cells}
        if left == stated:
            kept.append(override)
        elif left:
            kept.append({**override, "set": left})
    told = {"citation": citation} if citation else {}
    kept += [{"table": table, "id": key, "set": cells, **told} for key, cells in new.items()]
    edit.put(tuple(kept), "catalogue", "overlay")
