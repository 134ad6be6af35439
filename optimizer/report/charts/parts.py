"""Charts of parts: bars, what a waterfall leaves, and heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.report.charts.chart import Chart, name_of, names_of, unit_of
from optimizer.report.charts.layout import (
    BAR,
    CELL,
    LETTER,
    NARROW,
    SHARE_FOR_NAMES,
    cut_labels,
    figures,
    figures_axis,
    names_axis,
    sized,
    with_labels,
)
from optimizer.report.charts.theme import AMOUNTS, CATEGORIES, colour
from optimizer.report.charts.words import describe, figure

if TYPE_CHECKING:
    import pandas as pd

HIGHEST, SHORT = 170, 12
"""Room for names that stand upright; letters of a name in a legend from which each has a line on a phone."""


def bars(
    frame: pd.DataFrame, category: str, value: str, *, title: str, unit: str, part: str | None = None,
    label: str | None = None, description: str = "",
) -> Chart:  # fmt: skip
    """Return one horizontal bar for each category, in the order of the frame.

    `part`: the column that tells the parts of a bar apart, each with a row of its own, stacked in their first order.
    `label`: the column with what is written at a bar's end (without parts); the value itself if there is none.
    """
    unit, rows = unit_of(unit), figures(frame, {"value": value})
    rows["name"] = names_of(frame[category])
    order = list(dict.fromkeys(rows["name"]))
    rows["text"] = [name_of(x) for x in frame[label]] if label else [figure(x) for x in rows["value"]]
    rows["end"] = rows["value"].clip(lower=0.0)
    counted = {"tickMinStep": 1} if (rows["value"] % 1 == 0).all() else {}
    parts: list[str] = []
    if part is not None:
        rows["part"] = names_of(frame[part])
        parts = list(dict.fromkeys(rows["part"]))
        rows["at"] = [parts.index(text) for text in rows["part"]]

    whose = [f"{a}, {b}" for a, b in zip(rows["name"], rows["part"], strict=True)] if parts else rows["name"]
    rows["told"] = [f"{a}: {b} {unit}" for a, b in zip(whose, rows["text"], strict=True)]

    def draw(width: int) -> Any:
        import altair as alt

        y = names_axis(order, width)
        low = min(0.0, float(rows["value"].min())) if len(rows) else 0.0
        top = max(0.0, float(rows.groupby("name")["value"].sum().max())) if len(rows) else 1.0
        top = top if parts else with_labels(rows["end"], rows["text"], low, width)
        x = alt.X("value:Q", title=unit, axis=figures_axis(width, **counted),
                  scale=alt.Scale(domainMin=low, domainMax=top or 1.0))  # fmt: skip
        base = alt.Chart(rows).encode(y=y, x=x, description="told:N")
        if parts:
            key = alt.Legend(title=None, columns=2 if width < NARROW else 4)
            scale = alt.Scale(domain=parts, range=[colour(CATEGORIES[k % len(CATEGORIES)]) for k in range(len(parts))])
            bar = base.mark_bar(height=BAR).encode(color=alt.Color("part:N", scale=scale, legend=key), order="at:Q")
            return sized(alt.layer(bar), width, len(order))
        bar = base.mark_bar(height=BAR, color=colour("main"))
        text = base.mark_text(align="left", dx=6, aria=False).encode(text="text:N", x=alt.X("end:Q"))
        return sized(alt.layer(bar, text), width, len(order))

    return Chart(title, description or describe(rows, "name", {"value": unit}), draw)


def waterfall(
    frame: pd.DataFrame, step: str, left: str, *, title: str, unit: str, label: str | None = None,
    description: str = "",
) -> Chart:  # fmt: skip
    """Return what is left after each step as a bar, and beside it, paler, what the step took from the one before."""
    unit, rows = unit_of(unit), figures(frame, {"value": left})
    rows["name"] = names_of(frame[step])
    order = list(rows["name"])
    rows["before"] = rows["value"].shift(1).fillna(rows["value"]).clip(lower=rows["value"])
    rows["text"] = [name_of(x) for x in frame[label]] if label else [figure(x) for x in rows["value"]]
    rows["told"] = [f"{a}: {b} {unit}" for a, b in zip(rows["name"], rows["text"], strict=True)]

    def draw(width: int) -> Any:
        import altair as alt

        y = names_axis(order, width)
        domain = alt.Scale(domainMin=0.0, domainMax=with_labels(rows["before"], rows["text"], 0.0, width) or 1.0)
        x = alt.X("value:Q", title=unit, scale=domain, axis=figures_axis(width))
        base = alt.Chart(rows).encode(y=y, description="told:N")
        taken = base.mark_bar(height=BAR, color=colour("rest"), aria=False).encode(x=x, x2="before:Q")
        kept = base.mark_bar(height=BAR, color=colour("main")).encode(x=x)
        text = base.mark_text(align="left", dx=6, aria=False).encode(x=alt.X("before:Q"), text="text:N")
        return sized(alt.layer(taken, kept, text), width, len(order))

    return Chart(title, description or describe(rows, "name", {"value": unit}), draw)


def heat_map(
    frame: pd.DataFrame, row: str, column: str, value: str, *, title: str, unit: str = "",
    names: Mapping[str, str] | Sequence[str] | None = None, description: str = "",
) -> Chart:  # fmt: skip
    """Return a coloured cell for each pair of row and column, in the order of the frame.

    A column of figures is coloured from little to much in five steps; any other by name, the most frequent names (or
    `names`, in that order) each in a colour of its own and what is left in one. `names` may say which colour each has.
    """
    import pandas as pd

    of_figures = names is None and pd.api.types.is_numeric_dtype(frame[value])
    rows = figures(frame, {"value": value}) if of_figures else pd.DataFrame(index=range(len(frame)))
    rows["row"], rows["column"] = names_of(frame[row]), names_of(frame[column])
    if of_figures:
        kinds, colours = _stepped(rows)
    else:
        rows["kind"] = [name_of(x) for x in frame[value]]
        found = list(rows["kind"].value_counts().index) if names is None else [name_of(x) for x in names]
        kinds = found[: len(CATEGORIES) - 1]
        if len(kinds) < len(set(rows["kind"])):
            rows.loc[~rows["kind"].isin(kinds), "kind"] = "other"
            kinds.append("other")
        own = names if isinstance(names, Mapping) else {}
        colours = [own.get(kind, CATEGORIES[k]) for k, kind in enumerate(kinds)]
    rows["told"] = [f"{a}, {b}: {c}" for a, b, c in zip(rows["row"], rows["column"], rows["kind"], strict=True)]
    order, across = list(dict.fromkeys(rows["row"])), list(dict.fromkeys(rows["column"]))

    def draw(width: int) -> Any:
        import altair as alt

        if not order:
            nothing = alt.Chart(alt.Data(values=[{"text": "nothing to show"}])).mark_text(color=colour("soft"))
            return nothing.encode(text="text:N").properties(width=width, height=CELL)
        long = max(map(len, kinds), default=0) > SHORT
        key = alt.Legend(title=unit_of(unit) or None, columns=(1 if long else 2) if width < NARROW else 5)
        scale = alt.Scale(domain=kinds, range=[colour(name) for name in colours])
        dense = len(order) > 40
        y = alt.Y("row:N", sort=order, title=None, axis=alt.Axis(
            **cut_labels(width * SHARE_FOR_NAMES), labelOverlap=True, labelFontSize=10 if dense else 12))  # fmt: skip
        room = 0.6 * width / len(across)
        flat = max(map(len, across)) * LETTER <= room
        x = alt.X("column:N", sort=across, title=None, axis=alt.Axis(
            orient="top", labelAngle=0 if flat else -90, **cut_labels(room if flat else HIGHEST),
            labelColor=colour("ink"), labelOverlap=False))  # fmt: skip
        cells = alt.Chart(rows).mark_rect(stroke=colour("paper"), strokeWidth=0.5 if dense else 1.5)
        chart = cells.encode(y=y, x=x, color=alt.Color("kind:N", scale=scale, legend=key), description="told:N")
        step = 8 if dense else CELL
        return sized(chart, width, len(order), step)

    return Chart(title, description or f"{title}: {len(order)} rows, {len(across)} columns; {', '.join(kinds)}", draw)


def _stepped(rows: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Add to cells of amounts the step of five that each is in; return the steps and their colours."""
    values = rows["value"].astype(float)
    known = values.dropna()
    edges = np.unique(np.quantile(known, np.linspace(0, 1, len(AMOUNTS) + 1))) if known.size else np.zeros(0)
    if len(edges) < 2:
        rows["kind"] = [figure(x) for x in values]
        return list(dict.fromkeys(rows["kind"])), [AMOUNTS[2]] * len(set(rows["kind"]))
    kinds = [f"{figure(a)} to {figure(b)}" for a, b in pairwise(edges)]
    step = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(kinds) - 1)
    rows["kind"] = ["unknown" if np.isnan(x) else kinds[k] for x, k in zip(values, step, strict=True)]
    spread = np.linspace(0, len(AMOUNTS) - 1, len(kinds)).round().astype(int)
    colours = [AMOUNTS[k] for k in spread]
    return (kinds, colours) if values.notna().all() else ([*kinds, "unknown"], [*colours, "rest"])
