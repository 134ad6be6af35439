"""Hourly shape of the grid's carbon intensity."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from optimizer.errors import InputError, Issue

BASES = ("lifecycle", "direct")
ODBL_NOTICE = (
    "hourly shapes of the grid: contains information from Electricity Maps (electricitymaps.com), which is made "
    "available under the Open Database License 1.0; keep this notice with the plan"
)
"""What every plan says that uses the table of shapes, which has terms of its own (`odbl/README.md`)."""
HOURS = [f"h{hour:02d}" for hour in range(24)]


def _check(month: int, basis: str) -> None:
    issues = []
    if month not in range(1, 13):
        issues.append(Issue(f"month {month!r} is not 1 to 12"))
    if basis not in BASES:
        issues.append(Issue(f"no hourly shape on basis {basis!r}", maybe=f"use one of {', '.join(BASES)}"))
    if issues:
        raise InputError(issues)


def grid_shape(table: pd.DataFrame, zones: Sequence[str], month: int, basis: str) -> pd.DataFrame:
    """Rows of one month, reindexed to `zones`; columns 0..23 are UTC hours, values ratios to the annual mean."""
    _check(month, basis)
    rows = table[table.basis.eq(basis) & table.month.eq(month)].set_index("zone")[HOURS]
    rows.columns = pd.RangeIndex(24)
    return rows.reindex(list(zones))


def flat_zones(table: pd.DataFrame, basis: str) -> frozenset[str]:
    """Zones flagged as without a usable hourly shape."""
    _check(1, basis)
    return frozenset(table.zone[table.flat & table.basis.eq(basis)])
