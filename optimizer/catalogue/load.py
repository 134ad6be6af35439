"""Read catalogue tables from a folder or from memory, validate them, and hand over a `Catalogue`.

The tables every plan needs are read and checked at once; heavy ones (round-trip times, hourly
shapes) when first asked for.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache, partial
from pathlib import Path

import pandas as pd

from optimizer import bundled
from optimizer.catalogue.catalogue import Catalogue
from optimizer.catalogue.check import check_keys, check_references, typed
from optimizer.catalogue.schema import CORE, LAZY, QUALITY_OF, TABLES, Table
from optimizer.errors import InputError, Issue
from optimizer.input_files import read_bytes, read_table_bytes

WORLD = "world"
RELEASED = "DOMICILE_CATALOGUE"
"""The variable of the environment that names the folder of another release of the bundled catalogue."""
RELEASE = "RELEASE.json"
"""The file of a catalogue's folder that says which release it is: version and date."""


def load_catalogue(use: str | Path = WORLD) -> Catalogue:
    """Load the bundled catalogue (`"world"`) or a folder of the same tables.

    Raises `InputError` with every problem of the tables read: missing files or columns, bad cells, duplicate keys, ids
    that refer to nothing. The bundled catalogue is read once per process.
    """
    if str(use) == WORLD:
        return _world()
    return _read_folder(Path(use))


def _world() -> Catalogue:
    return _released(os.environ.get(RELEASED) or str(bundled.PATH / "catalogue"))


@lru_cache(maxsize=2)
def _released(folder: str) -> Catalogue:
    return _read_folder(Path(folder), name=WORLD)


def bundled_accelerators() -> pd.DataFrame:
    """Return the bundled catalogue's table of accelerators, index `accelerator`, without reading the rest of it."""
    return _accelerators(os.environ.get(RELEASED) or str(bundled.PATH / "catalogue"))


@lru_cache(maxsize=2)
def _accelerators(folder: str) -> pd.DataFrame:
    return _read_lazy(Path(folder), TABLES["accelerators"])


def _find(folder: Path, table: Table) -> Path | None:
    """Return where a table stands; what stands there and is no regular file is refused when it is read."""
    for suffix in (".csv", ".csv.gz"):
        for place in (folder, folder / "reviewed", folder / "odbl"):
            path = place / f"{table.name}{suffix}"
            if os.path.lexists(path):
                return path
    return None


def _read(path: Path, folder: Path, issues: list[Issue]) -> pd.DataFrame:
    """Read one CSV; only the empty cell is missing (`NA` is Namibia)."""
    try:
        content = read_table_bytes(path, path.name, folder)
        return pd.read_csv(io.BytesIO(content), keep_default_na=False, na_values=[""], low_memory=False)
    except InputError as error:
        issues += error.issues
    except (ValueError, OSError, EOFError) as error:
        issues.append(Issue(f"cannot be read: {error}", path.name))
    return pd.DataFrame()


def _read_folder(folder: Path, name: str | None = None) -> Catalogue:
    if not folder.is_dir():
        raise InputError(Issue(f"catalogue {str(folder)!r} is no folder", maybe="use 'world' or a folder of tables"))
    issues: list[Issue] = []
    raw: dict[str, pd.DataFrame] = {}
    files: dict[str, str] = {}
    for table in CORE:
        path = _find(folder, table)
        if path is None:
            if table.name in ("regions", "offers"):
                issues.append(Issue(f"table {table.name!r} is missing", str(folder)))
            continue
        raw[table.name], files[table.name] = _read(path, folder, issues), path.name
    if issues:
        raise InputError(issues)
    later: dict[str, Callable[[], pd.DataFrame]] = {
        table.name: cache(partial(_read_lazy, folder, table)) for table in LAZY
    }
    compiled, digest = _provenance(folder)
    return _build(raw, files, later, name=name or folder.name, version=compiled, digest=digest)


def _read_lazy(folder: Path, table: Table) -> pd.DataFrame:
    """Read and check one heavy table on its own."""
    issues: list[Issue] = []
    path = _find(folder, table)
    raw = _read(path, folder, issues) if path else _empty(table)
    file = path.name if path else None
    data = typed(table, raw, file, issues)
    check_keys(table, data, file, issues)
    if issues:
        raise InputError(issues)
    return _indexed(table, data) if len(table.key) == 1 else data


def _indexed(table: Table, data: pd.DataFrame) -> pd.DataFrame:
    """Index by the key, kept as columns too; the index has no name, as two of one name are ambiguous to pandas."""
    return data.set_index(list(table.key), drop=False).rename_axis([None] * len(table.key))


def _empty(table: Table) -> pd.DataFrame:
    return pd.DataFrame({column.name: [] for column in table.columns})


def _provenance(folder: Path) -> tuple[str, str]:
    """Version and one checksum over all shipped tables (name and bytes, sorted by name).

    The version is that of the release with its date, `2026.11.1 of 2026-11-30`; without one the day of compilation.
    """
    total = hashlib.sha256()
    for path in sorted([*folder.glob("*.csv*"), *folder.glob("reviewed/*.csv*"), *folder.glob("odbl/*.csv*")]):
        if path.name != "MANIFEST.csv" and path.is_file():
            total.update(path.relative_to(folder).as_posix().encode())
            total.update(read_bytes(path, path.name, folder=folder, maybe=None))
    release = folder / RELEASE
    if os.path.lexists(release):
        try:
            told = json.loads(read_bytes(release, release.name, folder=folder, maybe=None))
            return f"{told['version']} of {date.fromisoformat(told['date'])}", total.hexdigest()
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(Issue(f"states no version and date: {error}", release.name)) from None
    manifest = folder / "MANIFEST.csv"
    if not os.path.lexists(manifest):
        return "", total.hexdigest()
    try:
        content = read_table_bytes(manifest, manifest.name, folder)
        listed = pd.read_csv(io.BytesIO(content), keep_default_na=False, dtype=str)
        return str(listed["compiled"].max()), total.hexdigest()
    except (ValueError, KeyError) as error:
        raise InputError(Issue(f"cannot be read: {error}", manifest.name)) from None


def from_tables(
    tables: Mapping[str, pd.DataFrame], *, name: str = "inline", version: str = "", file: str | None = None
) -> Catalogue:
    """Build a catalogue from tables in memory; every table of the schema is optional except regions.

    Missing `providers`, `skus` and `accelerators` are completed with the ids that other tables name (all figures
    missing, control unknown), so that a small instance need not repeat itself. `region_id` and `offer_id` are derived
    when absent. Raises `InputError` with all problems; `file` is named in them.
    """
    issues = [Issue(f"unknown table {t!r}", file, maybe=f"use one of {', '.join(TABLES)}")
              for t in tables if t not in TABLES]  # fmt: skip
    if "regions" not in tables:
        issues.append(Issue("table 'regions' is missing", file))
    if issues:
        raise InputError(issues)
    raw = {t: _with_ids(t, _plain(TABLES[t], frame)) for t, frame in tables.items()}
    _complete(raw)
    files = dict.fromkeys(raw, file) if file else {}
    core = {t: raw[t] for t in raw if TABLES[t] in CORE}
    later: dict[str, Callable[[], pd.DataFrame]] = {}
    for table in LAZY:
        frame = raw.get(table.name, _empty(table))
        data = typed(table, frame, file, issues)
        check_keys(table, data, file, issues)
        data = _indexed(table, data) if len(table.key) == 1 else data
        later[table.name] = partial(_same, data)
    total = hashlib.sha256()
    for t in sorted(raw):
        total.update(t.encode() + raw[t].astype(str).to_csv(index=False).encode())
    return _build(core, files, later, name=name, version=version, digest=total.hexdigest(), issues=issues)


def _same(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def _plain(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Key columns that sit in the index become columns again."""
    named = [n for n in frame.index.names if n in table.key and n not in frame.columns]
    return (frame.reset_index() if named else frame.reset_index(drop=True)).copy()


def _with_ids(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Derive region_id, provider and offer_id from the columns they are made of."""
    if "region_id" not in frame and {"provider", "region"} <= set(frame.columns) and name in ("regions", "offers"):
        frame["region_id"] = frame.provider.astype(str) + ":" + frame.region.astype(str)
    if name == "offers" and "region_id" in frame:
        if "provider" not in frame:
            frame["provider"] = frame.region_id.astype(str).str.split(":", n=1).str[0]
        if "offer_id" not in frame and "sku" in frame:
            purchase = frame["purchase"].astype(str) if "purchase" in frame else "on_demand"
            frame["offer_id"] = frame.region_id.astype(str) + ":" + frame.sku.astype(str) + ":" + purchase
    return frame


def _ids(frames: Sequence[tuple[pd.DataFrame | None, tuple[str, ...]]], wanted: list[str]) -> pd.DataFrame:
    """Distinct rows of the wanted columns over several frames; frames that lack a key column add nothing."""
    parts = [f[[c for c in wanted if c in f]] for f, need in frames if f is not None and set(need) <= set(f.columns)]
    if not parts:
        return pd.DataFrame({c: [] for c in wanted})
    return pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)


def _complete(raw: dict[str, pd.DataFrame]) -> None:
    """Add the tables an inline catalogue left out, with the ids the others use and no figures."""
    if "providers" not in raw:
        raw["providers"] = _ids([(raw.get(t), ("provider",)) for t in ("regions", "skus", "endpoints")], ["provider"])
    if "skus" not in raw:
        found = _ids([(raw.get("offers"), ("provider", "sku"))], ["provider", "sku", "accelerator", "devices"])
        raw["skus"] = found.drop_duplicates(["provider", "sku"], ignore_index=True)
    if "accelerators" not in raw:
        used = [(raw.get(t), ("accelerator",)) for t in ("skus", "offers", "throughput")]
        found = _ids(used, ["accelerator"])
        raw["accelerators"] = found[found.accelerator.notna() & found.accelerator.ne("")].reset_index(drop=True)
    for table in CORE:
        raw.setdefault(table.name, _empty(table))


def _build(
    raw: Mapping[str, pd.DataFrame],
    files: Mapping[str, str | None],
    later: Mapping[str, Callable[[], pd.DataFrame]],
    *,
    name: str,
    version: str,
    digest: str,
    issues: list[Issue] | None = None,
) -> Catalogue:
    """Type, check and index the core tables; raise once with everything that is wrong."""
    found = [] if issues is None else issues
    data: dict[str, pd.DataFrame] = {}
    complete = dict(raw)
    _complete(complete)
    for table in CORE:
        data[table.name] = typed(table, complete[table.name], files.get(table.name), found)
        check_keys(table, data[table.name], files.get(table.name), found)
    for name_of, pairs in QUALITY_OF.items():
        for quality, figure in pairs.items():
            data[name_of].loc[data[name_of][figure].isna(), quality] = "missing"
    for table in CORE:
        check_references(table, data, files.get(table.name), found)
    _check_facts(data, files, found)
    if found:
        raise InputError(found)
    indexed = {t.name: _indexed(t, data[t.name]) for t in CORE if t.name != "throughput"}
    indexed["throughput"] = data["throughput"]
    return Catalogue(name=name, version=version, sha256=digest, tables=indexed, later=dict(later))


def _check_facts(data: Mapping[str, pd.DataFrame], files: Mapping[str, str | None], issues: list[Issue]) -> None:
    """Facts that span columns: offer ids repeat their parts, load power is not below idle, positions are pairs."""
    offers, regions, skus = data["offers"], data["regions"], data["skus"]
    owner = regions.drop_duplicates("region_id").set_index("region_id").provider
    foreign = offers.region_id.map(owner).notna() & offers.region_id.map(owner).ne(offers.provider)
    for row in offers.index[foreign][:20]:
        what = f"offer {offers.at[row, 'offer_id']!r} names provider {offers.at[row, 'provider']!r}"
        true_owner = owner[str(offers.at[row, "region_id"])]
        issues.append(Issue(f"{what} but its region belongs to {true_owner!r}", files.get("offers")))
    for column in ("country", "hq_country"):
        table = "regions" if column == "country" else "providers"
        cells = data[table][column]
        bad = cells.ne("") & ~cells.str.fullmatch(r"[A-Z]{2}")
        for row in cells.index[bad][:20]:
            issues.append(Issue(f"not an ISO 3166-1 alpha-2 code: {cells[row]!r}", files.get(table),
                                f"{table}: row {row + 1}, column {column}"))  # fmt: skip
    for row in regions.index[regions.lat.isna() != regions.lon.isna()][:20]:
        issues.append(Issue(f"region {regions.at[row, 'region_id']!r} has half a position", files.get("regions")))
    for table in ("skus", "accelerators"):
        rows = data[table]
        for row in rows.index[(rows.idle_kw > rows.load_kw)][:20]:
            what = f"idle_kw {rows.idle_kw[row]:g} above load_kw {rows.load_kw[row]:g}"
            issues.append(Issue(what, files.get(table), f"{table}: row {row + 1}"))
    merged = offers[["provider", "sku", "accelerator", "devices"]].merge(
        skus.drop_duplicates(["provider", "sku"])[["provider", "sku", "accelerator", "devices"]],
        on=["provider", "sku"], how="left", suffixes=("", "_sku"))  # fmt: skip
    wrong = merged.accelerator_sku.notna() & (
        merged.accelerator.ne(merged.accelerator_sku) | (merged.devices - merged.devices_sku).abs().gt(1e-6)
    )
    for row in merged.index[wrong][:20]:
        issues.append(Issue(f"offer {offers.offer_id.iloc[row]!r} and its SKU disagree on accelerator or devices",
                            files.get("offers"), f"offers: row {row + 1}"))  # fmt: skip
