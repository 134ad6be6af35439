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
LETTER, AT_END, MOST_FOR_TEXT = 6.8, 10, 0.7
"""Width of a letter of a label, in the mean, and a little more; between a bar and its text; part of a plot that the
text at a bar's end may take.
"""


def figures(frame: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Return columns of a frame as figures under names that a chart gives them, whatever they are called."""
    found = {name: pd.to_numeric(frame[of], errors="coerce") for name, of in columns.items()}
    return pd.DataFrame(found).reset_index(drop=True)


def names_axis(order: Sequence[str], width: int) -> alt.Y:
    """Return the axis of the names of rows, in an order."""
    import altair as alt

    return alt.Y("name:N", sort=list(order), title=None, axis=alt.Axis(**cut_labels(width * SHARE_FOR_NAMES)))


def with_labels(ends: pd.Series[float], texts: pd.Series[str], low: float, width: int) -> float:
    """Return where an axis that begins at `low` has to end for the texts at the ends of bars to stand within it."""
    plot = width * (1.0 - SHARE_FOR_NAMES)
    taken = [min(MOST_FOR_TEXT, (len(text) * LETTER + AT_END) / plot) for text in texts]
    return low + max(((end - low) / (1.0 - part) for end, part in zip(ends, taken, strict=True)), default=0.0)


def cut_labels(room: float) -> dict[str, Any]:
    """Return how an axis cuts labels that are longer than their room: in the middle, so that names stay apart."""
    most = max(4, int(room / LETTER))
    half = most // 2
    cut = f"slice(datum.label, 0, {most - half - 1}) + '…' + slice(datum.label, -{half})"
    return {"labelExpr": f"length(datum.label) > {most} ? {cut} : datum.label", "labelLimit": 0}


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
