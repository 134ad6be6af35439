"""Which endpoint rows a declaration speaks of, and which of them leave open where they sit or process."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.catalogue.catalogue import Catalogue

Bools = NDArray[np.bool_]

IN_REGION = ("region", "in_region")
"""Scopes that process where the resource is."""


def selected_endpoints(
    catalogue: Catalogue, provider: str, ids: Collection[str], models: Collection[str], scopes: Collection[str]
) -> Bools:
    """Return which endpoint rows a provider has among ids, models (names or aliases) and scopes; empty: all; [rows]."""
    table = catalogue.endpoints
    keep = table.provider.eq(provider)
    if ids:
        keep &= table.index.isin(list(ids))
    if scopes:
        keep &= table.scope.isin(list(scopes))
    if models:
        names = {*models, *(catalogue.canonical_model(name) for name in models)}
        keep &= table.model.isin(names) | table.model_raw.isin(names)
    return keep.to_numpy(dtype=bool)


def lacking(table: pd.DataFrame) -> tuple[Bools, Bools]:
    """Return which rows name no resource region, and which do not say where they process; [rows] each."""
    no_region = table.region_id.fillna("").eq("").to_numpy(dtype=bool)
    no_scope = (table.scope_countries.isna() & ~table.scope.isin(IN_REGION)).to_numpy(dtype=bool)
    return no_region, no_scope
