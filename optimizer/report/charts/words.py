"""Figures and charts in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

MOST_TOLD = 8


def figure(value: float | None) -> str:
    """Return a figure as people write it: thousands apart, three digits or more."""
    if value is None or math.isnan(value):
        return "unknown"
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.3g}"


def describe(rows: pd.DataFrame, name: str, values: Mapping[str, str]) -> str:
    """Return the rows of a chart in words, the first of them where there are many."""
    told = []
    for row in rows.head(MOST_TOLD).to_dict("records"):
        figures = ", ".join(f"{figure(row[column])} {unit}".strip() for column, unit in values.items())
        part = f" ({row['part']})" if "part" in row else ""
        told.append(f"{row[name]}{part}: {figures}")
    more = f"; and {len(rows) - MOST_TOLD} more" if len(rows) > MOST_TOLD else ""
    return "; ".join(told) + more
