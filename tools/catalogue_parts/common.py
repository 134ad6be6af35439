"""Reading, distances and the small vocabulary that every part of the build shares."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from optimizer.catalogue.network import distance_km

__all__ = ["MIDDLE_EAST", "continent_pair", "distance_km", "fit_line", "pipe", "read_csv", "slug"]

MIDDLE_EAST = frozenset(("AE", "BH", "IL", "IQ", "IR", "JO", "KW", "LB", "OM", "PS", "QA", "SA", "SY", "TR", "YE"))


def read_csv(path: Path) -> pd.DataFrame:
    """Read one source table; only the empty cell is missing, so that `NA` stays Namibia."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""], low_memory=False)


def continent_pair(a: str, b: str) -> str:
    """Name an unordered pair of continents, e.g. `EU-NA`."""
    return "-".join(sorted((a, b)))


def slug(text: str) -> str:
    """Lower-case token without blanks or colons, for ids."""
    return re.sub(r"[^a-z0-9.@_-]+", "-", str(text).strip().lower()).strip("-")


def pipe(values: object) -> str:
    """Join a set of tokens into one cell, sorted, separated by `|`."""
    return "|".join(sorted(values))  # type: ignore[call-overload]


def fit_line(distance: np.ndarray, rtt: np.ndarray) -> dict[str, float]:
    """Least-absolute-error line rtt = a + b·km, slope kept within what light in fibre and detours allow.

    b is searched on [0.0105, 0.0300] ms per km (2 × 1.05 / 200,000 km/s is the floor), a is the median residual,
    at least 1 ms.
    """
    best: tuple[float, float, float] | None = None
    for slope in np.arange(0.0105, 0.03001, 0.0005):
        intercept = max(1.0, float(np.median(rtt - slope * distance)))
        error = float(np.mean(np.abs(rtt - intercept - slope * distance)))
        if best is None or error < best[0]:
            best = (error, intercept, float(slope))
    assert best is not None
    mae, intercept, slope = best
    error_of_each = np.abs(rtt - intercept - slope * distance)
    return {
        "a_ms": round(intercept, 2),
        "b_ms_per_km": round(slope, 4),
        "n": len(rtt),
        "mae_ms": round(mae, 1),
        "p90_abs_err_ms": round(float(np.quantile(error_of_each, 0.9)), 1),
    }
