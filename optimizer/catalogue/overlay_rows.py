"""Rows of `catalogue.overlay`: their shape, which rows of the catalogue they speak of, and those that they add."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.catalogue import schema
from optimizer.catalogue.check import check_references, typed
from optimizer.errors import Issue

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue

Row = Mapping[str, Any]
STORED = {"power": "skus", "egress": "egress_pairs"}
"""Tables under the name by which the overlay calls them."""
ADDED_ONLY = {"network": ("origin", "region", "rtt_ms"), "throughput": ("accelerator", "units_per_s")}
"""What is no table of the catalogue, and what its rows state; those of throughput `workload` or `model` as well."""
TABLES = (
    "providers", "regions", "accelerators", "skus", "offers", "endpoints", "storage", "egress", "network", "throughput",
    "power",
)  # fmt: skip
PARTS = ("id", "where", "add")
FOLLOWS = {"regions": ("region_id", "{provider}:{region}"), "offers": ("offer_id", "{region_id}:{sku}:{purchase}")}
"""Ids of rows that follow from other columns of theirs."""


def stored_as(table: str) -> str:
    """Return the name of a table in the catalogue."""
    return STORED.get(table, table)


def table_of(catalogue: Catalogue, name: str) -> pd.DataFrame:
    """Return a table of a catalogue, indexed by its key."""
    if name in catalogue.tables:
        return catalogue.tables[name]
    table = catalogue.later[name]()
    key = list(schema.TABLES[name].key)
    return table.set_index(key, drop=False) if list(table.index.names) != key else table


def with_tables(catalogue: Catalogue, tables: Mapping[str, pd.DataFrame]) -> Catalogue:
    """Return the catalogue with tables in the place of its own."""
    if not tables:
        return catalogue
    core = {name: table for name, table in tables.items() if name in catalogue.tables}
    later = {name: _kept(table) for name, table in tables.items() if name not in catalogue.tables}
    return dataclasses.replace(
        catalogue, tables={**catalogue.tables, **core}, later={**catalogue.later, **later} if later else catalogue.later
    )


def _kept(table: pd.DataFrame) -> Any:
    return lambda: table


def shape_issues(row: Row, where: str) -> Iterator[Issue]:
    """Yield what is wrong with the shape of a row."""
    for key in sorted(set(row) - {"table", "id", "where", "set", "add", "citation"}):
        yield Issue(f"unknown key {key!r}", where=where, maybe="use table, id, where, set, add, citation")
    name = row.get("table")
    if name not in TABLES:
        yield Issue(f"table {name!r} is none of {', '.join(TABLES)}", where=where)
        return
    parts = [part for part in PARTS if part in row]
    if len(parts) != 1:
        advice = "id names a row, where selects some, add is a new one"
        yield Issue(f"states {' and '.join(parts) or 'none'} of id, where and add", where=where, maybe=advice)
        return
    if parts == ["id"] and not isinstance(row["id"], str):
        yield Issue("id of the row is missing", where=where)
    stated = ("where", "set") if parts == ["where"] else ("add",) if parts == ["add"] else ("set",)
    for part in stated:
        if not isinstance(row.get(part), Mapping) or not row.get(part):
            yield Issue(f"{part} holds no column", where=where)
    if parts == ["add"] and "set" in row:
        yield Issue("set says nothing beside add", where=where, maybe="write the figures under add")
    if name in ADDED_ONLY and parts != ["add"]:
        yield Issue(f"rows of {name} are added: state add", where=where)


def keys_of(catalogue: Catalogue, row: Row) -> list[Any] | None:
    """Return the keys of the rows that a row of the overlay speaks of; None where `where` names unknown columns."""
    name = stored_as(row["table"])
    layout = schema.TABLES.get(name)
    if layout is None or name in ADDED_ONLY:
        return []
    table = table_of(catalogue, name)
    if "add" in row:
        return [key_of_added(name, row["add"])]
    if "id" in row:
        key: Any = tuple(row["id"].split("/", 1)) if len(layout.key) > 1 else row["id"]
        return [key] if key in table.index else []
    mask = np.ones(len(table), dtype=bool)
    for column, wanted in row["where"].items():
        values = _column(catalogue, name, table, column)
        if values is None:
            return None
        names = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
        mask &= values.isin(names).to_numpy()
    keys: list[Any] = table.index[mask].tolist()
    return keys


def _column(catalogue: Catalogue, name: str, table: pd.DataFrame, column: str) -> pd.Series | None:
    """Return a column of a table, or one that its rows have by their region."""
    if column in table.columns:
        return table[column]
    if column == "country" and "region_id" in table.columns:
        return table["region_id"].map(catalogue.regions["country"])
    return None


def key_of_added(name: str, added: Row) -> Any:
    """Return the key of a row that is added: ids follow from provider, region, SKU and purchase option."""
    whole = completed(name, added)
    key = tuple(whole.get(column) for column in schema.TABLES[name].key)
    return key if len(key) > 1 else key[0]


def completed(name: str, added: Row) -> dict[str, Any]:
    """Return a row that is added with the ids that follow from others."""
    row = dict(added)
    if name == "regions" and "region_id" not in row:
        row["region_id"] = f"{row.get('provider', '')}:{row.get('region', '')}"
    if name == "offers":
        row.setdefault("purchase", "on_demand")
        region = str(row.get("region_id", ""))
        row.setdefault("provider", region.partition(":")[0])
        row.setdefault("offer_id", f"{region}:{row.get('sku', '')}:{row['purchase']}")
    if name == "endpoints" and "endpoint_id" not in row:
        row["endpoint_id"] = f"{row.get('region_id') or row.get('provider', '')}:{row.get('model', '')}"
    return row


def with_added(catalogue: Catalogue, rows: Sequence[tuple[int, Row]], found: list[tuple[int, Issue]]) -> Catalogue:
    """Return the catalogue with the rows that are added to its tables; those that cannot be go to `found`."""
    new: dict[str, dict[Any, dict[str, Any]]] = {}
    for k, row in rows:
        name = stored_as(row["table"])
        if row["table"] in ADDED_ONLY:
            continue
        told = _typed_row(name, row["add"], f"catalogue.overlay[{k}].add")
        if isinstance(told, list):
            found += ((k, issue) for issue in told)
        else:
            new.setdefault(name, {})[key_of_added(name, row["add"])] = told
    tables = {}
    for name, added in new.items():
        table = table_of(catalogue, name)
        kept = table[~table.index.isin(list(added))]
        more = pd.DataFrame(list(added.values())).set_index(list(schema.TABLES[name].key), drop=False)
        tables[name] = pd.concat([kept, more.reindex(columns=table.columns)]).astype(table.dtypes.to_dict())
        tables[name].index.names = table.index.names
    applied = with_tables(catalogue, tables)
    for k, row in rows:
        name = stored_as(row["table"])
        if name in new:
            found += ((k, issue) for issue in _unknown_in(applied, name, row["add"], f"catalogue.overlay[{k}].add"))
    return applied


def _typed_row(name: str, added: Row, where: str) -> dict[str, Any] | list[Issue]:
    """Return a row as the catalogue keeps it, or what is wrong with it."""
    layout, whole = schema.TABLES[name], completed(name, added)
    unknown = [column for column in whole if layout.column(column) is None]
    issues = [Issue(f"{name} has no column {column!r}", where=where) for column in unknown]
    told: list[Issue] = []
    lacking = [c.name for c in layout.columns if c.required and c.default is None and c.name not in whole]
    issues += [Issue(f"lacks {column}", where=where) for column in lacking]
    name_of, follows = FOLLOWS.get(name, ("", ""))
    if name_of in added and not lacking and added[name_of] != follows.format_map(whole):
        told_id = f"{name_of} is {added[name_of]!r}, and the row's own columns make it {follows.format_map(whole)!r}"
        issues.append(Issue(told_id, where=where, maybe=f"leave {name_of} out"))
    if not issues:
        frame = typed(layout, pd.DataFrame([whole]), None, told)
        issues += [Issue(issue.what, where=where, maybe=issue.maybe) for issue in told]
    if issues:
        return issues
    row: dict[str, Any] = {str(column): frame[column].iloc[0] for column in frame.columns}
    for quality, figure in schema.QUALITY_OF.get(name, {}).items():
        row[quality] = "missing" if pd.isna(row[figure]) else "stated"
    if "price_quality" in row:
        row["price_quality"] = "stated"
    return row


def _unknown_in(catalogue: Catalogue, name: str, added: Row, where: str) -> Iterator[Issue]:
    """Yield the names of a row that is added which no table has."""
    layout = schema.TABLES[name]
    targets = {target for _, target in layout.references}
    row = pd.DataFrame([{c.name: "" for c in layout.columns if c.kind == "text"} | completed(name, added)])
    told: list[Issue] = []
    check_references(layout, {name: row, **{target: table_of(catalogue, target) for target in targets}}, None, told)
    yield from (Issue(issue.what, where=where, maybe=issue.maybe) for issue in told)


def added_issues(catalogue: Catalogue, rows: Sequence[tuple[int, Row]]) -> Iterator[tuple[int, Issue]]:
    """Yield what is wrong with rows of round trips and speeds."""
    for k, row in rows:
        where, added = f"catalogue.overlay[{k}].add", row["add"]
        names = {*ADDED_ONLY[row["table"]], *(("workload", "model") if row["table"] == "throughput" else ())}
        for column in sorted(set(added) - names):
            yield k, Issue(f"{row['table']} has no column {column!r}", where=where)
        for column in ADDED_ONLY[row["table"]]:
            value = added.get(column)
            if column in ("rtt_ms", "units_per_s"):
                sound = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
                if not sound or value < 0 or (column == "units_per_s" and value == 0):
                    yield k, Issue(f"{column} is {value!r}, not a figure", where=where)
            elif not isinstance(value, str):
                yield k, Issue(f"lacks {column}", where=where)
            elif column == "origin" and value in catalogue.regions.index:
                what = f"origin {value!r} is a region: on a round trip between two regions nothing depends"
                yield k, Issue(what, where=where, maybe="name where users are; egress has the price between regions")
            elif column == "region" and value not in catalogue.regions.index:
                yield k, Issue(f"unknown region {value!r}", where=where)
            elif column == "accelerator" and value != "cpu" and value not in catalogue.accelerators.index:
                yield k, Issue(f"unknown accelerator {value!r}", where=where)
        if row["table"] == "throughput" and ("workload" in added) == ("model" in added):
            yield k, Issue("names neither or both of workload and model", where=where)


def own_round_trips(overlay: Sequence[Row]) -> dict[tuple[str, str], float]:
    """Return the round trips that an overlay states, by origin and region id."""
    rows = (row["add"] for row in overlay if row.get("table") == "network" and "add" in row)
    return {(row["origin"], row["region"]): float(row["rtt_ms"]) for row in rows}


def own_speeds(overlay: Sequence[Row]) -> dict[tuple[str, str], dict[str, float]]:
    """Return the speeds of one device that an overlay states, by (`workload` or `model`, its name) and accelerator."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in (row["add"] for row in overlay if row.get("table") == "throughput" and "add" in row):
        of = "workload" if "workload" in row else "model"
        found.setdefault((of, row[of]), {})[row["accelerator"]] = float(row["units_per_s"])
    return found
