"""What changed between two releases of the catalogue, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optimizer.catalogue.catalogue import Catalogue
from optimizer.catalogue.overlay_rows import table_of
from optimizer.catalogue.schema import TABLES

COMPARED = (
    "providers", "regions", "accelerators", "skus", "offers", "endpoints", "throughput", "storage", "egress_pairs",
)  # fmt: skip
"""Tables that are compared, by the columns of their schema."""


@dataclass(frozen=True)
class Difference:
    """A row that was added or removed (`column` empty), or a cell that changed: what it was and what it is."""

    table: str
    key: str
    kind: str
    column: str = ""
    old: Any = None
    new: Any = None


def differences(old: Catalogue, new: Catalogue) -> list[Difference]:
    """Return what changed, table by table: rows removed, rows added, cells that are not the same."""
    return [one for name in COMPARED for one in _of_table(name, table_of(old, name), table_of(new, name))]


def _of_table(name: str, old: pd.DataFrame, new: pd.DataFrame) -> Iterator[Difference]:
    key = list(TABLES[name].key)
    first, second = (frame.set_axis(_keys(frame, key)) for frame in (old, new))
    first, second = (frame[~frame.index.duplicated()] for frame in (first, second))
    yield from (Difference(name, one, "removed") for one in first.index.difference(second.index))
    yield from (Difference(name, one, "added") for one in second.index.difference(first.index))
    both = first.index.intersection(second.index)
    for column in TABLES[name].columns:
        if column.name in key or column.name not in first.columns or column.name not in second.columns:
            continue
        before, after = first[column.name].loc[both].to_numpy(), second[column.name].loc[both].to_numpy()
        for at in np.flatnonzero(_differ(before, after)).tolist():
            yield Difference(name, both[at], "changed", column.name, _shown(before[at]), _shown(after[at]))


def _keys(frame: pd.DataFrame, key: list[str]) -> pd.Index:
    return pd.Index(frame[key].astype(str).agg("/".join, axis=1) if len(key) > 1 else frame[key[0]].astype(str))


def _differ(a: Any, b: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which cells differ; two missing figures do not."""
    missing = pd.isna(a) & pd.isna(b)
    return np.asarray((a != b) & ~missing, dtype=bool)


def _shown(value: Any) -> Any:
    if isinstance(value, frozenset | set):
        return "|".join(sorted(value))
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and np.isnan(value) else value
