"""Sizes that charts share, and axes that fit a width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    import altair as alt

ROW, BAR, CELL = 26, 16, 22
NARROW = 420
"""Charts below this width are for phones: fewer ticks, more room for what stands at a bar's end."""
SHARE_FOR_NAMES = 0.36


def figures(frame: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Return columns of a frame as figures under names that a chart gives them, whatever they are called."""
    found = {name: pd.to_numeric(frame[of], errors="coerce") for name, of in columns.items()}
    return pd.DataFrame(found).reset_index(drop=True)


def names_axis(order: Sequence[str], width: int) -> alt.Y:
    """Return the axis of the names of rows, in an order."""
    import altair as alt

    return alt.Y("name:N", sort=list(order), title=None, axis=alt.Axis(labelLimit=int(width * SHARE_FOR_NAMES)))


def figures_axis(width: int, **more: Any) -> alt.Axis:
    """Return an axis of figures, in thousands and millions where they are large."""
    import altair as alt

    told = "abs(datum.value) < 1 ? format(datum.value, '~g') : format(datum.value, '~s')"
    return alt.Axis(labelExpr=told, labelFlush=False, tickCount=4 if width < NARROW else 6, **more)


def sized(chart: Any, width: int, rows: int, step: int = ROW) -> Any:
    """Return a chart of rows that is as wide as asked, with its names."""
    import altair as alt

    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    return chart.properties(width=width, height=max(1, rows) * step, autosize=fit)
