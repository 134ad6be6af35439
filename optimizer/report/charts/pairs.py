"""Charts of points: two values beside each other, ranges, frontiers, lines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from optimizer.report.charts.chart import Chart, name_of, names_of, unit_of
from optimizer.report.charts.layout import figures, figures_axis, names_axis, sized
from optimizer.report.charts.theme import CATEGORIES, colour
from optimizer.report.charts.words import describe

if TYPE_CHECKING:
    import altair as alt

FEW_POWERS = 2
"""Powers of ten below which a logarithmic axis has ticks between them."""
AROUND = 0.08
"""Part of the range of a frontier that is left free on either side of it."""


def dumbbell(
    frame: pd.DataFrame, category: str, before: str, after: str, *, title: str, unit: str,
    names: tuple[str, str] = ("before", "after"), zero: bool = False, description: str = "",
) -> Chart:  # fmt: skip
    """Return two dots for each category, joined by a line; `names` say what they are. `zero`: the axis begins at 0."""
    unit, names = unit_of(unit), (name_of(names[0]), name_of(names[1]))
    rows = figures(frame, {"one": before, "two": after})
    rows["name"] = names_of(frame[category])
    order = list(dict.fromkeys(rows["name"]))
    long = rows.melt(id_vars="name", value_vars=["one", "two"], var_name="which", value_name="value")
    long["which"] = long["which"].map({"one": names[0], "two": names[1]})

    def draw(width: int) -> Any:
        import altair as alt

        y = names_axis(order, width)
        axis = figures_axis(width)
        line = alt.Chart(rows).mark_rule(color=colour("rest"), strokeWidth=3, aria=False)
        ends = line.encode(y=y, x=alt.X("one:Q", title=unit, axis=axis, scale=alt.Scale(zero=zero)), x2="two:Q")
        scale = alt.Scale(domain=list(names), range=[colour("c9"), colour("main")])
        dots = alt.Chart(long).mark_point(filled=True, size=90, opacity=1).encode(
            y=y, x=alt.X("value:Q", title=unit, axis=axis, scale=alt.Scale(zero=zero)),
            color=alt.Color("which:N", scale=scale, legend=alt.Legend(title=None, symbolType="circle")),
        )  # fmt: skip
        return sized(alt.layer(ends, dots), width, len(order))

    told = description or describe(rows, "name", {"one": f"{unit} {names[0]}", "two": f"{unit} {names[1]}"})
    return Chart(title, told, draw)


def ranges(
    frame: pd.DataFrame, category: str, low: str, middle: str, high: str, *, title: str, unit: str, zero: bool = False,
    description: str = "",
) -> Chart:  # fmt: skip
    """Return a line from low to high for each category, with a dot at the middle."""
    unit, rows = unit_of(unit), figures(frame, {"low": low, "middle": middle, "high": high})
    rows["name"] = names_of(frame[category])
    order = list(dict.fromkeys(rows["name"]))

    def draw(width: int) -> Any:
        import altair as alt

        y = names_axis(order, width)
        axis, scale = figures_axis(width), alt.Scale(zero=zero)
        base = alt.Chart(rows).encode(y=y)
        span = base.mark_rule(color=colour("s3"), strokeWidth=6, strokeCap="round", aria=False)
        line = span.encode(x=alt.X("low:Q", title=unit, axis=axis, scale=scale), x2="high:Q")
        dots = base.mark_point(filled=True, size=80, opacity=1, color=colour("main"))
        return sized(alt.layer(line, dots.encode(x=alt.X("middle:Q", axis=axis, scale=scale))), width, len(order))

    return Chart(title, description or describe(rows, "name", {"low": "to", "high": unit}), draw)


def frontier(
    frame: pd.DataFrame, x: str, y: str, *, title: str, x_unit: str, y_unit: str, label: str | None = None,
    on_line: str | None = None, description: str = "",
) -> Chart:  # fmt: skip
    """Return points; those `on_line` (a column of true and false, all if there is none) are joined by a line.

    `label`: the column with what is written beside a point, empty for most.
    """
    x_unit, y_unit, rows = unit_of(x_unit), unit_of(y_unit), figures(frame, {"x": x, "y": y})
    rows["text"] = "" if label is None else [name_of(text) if text else "" for text in frame[label].fillna("")]
    rows["line"] = True if on_line is None else frame[on_line].to_numpy(dtype=bool)
    rows["which"] = ["on" if one else "off" for one in rows["line"]]
    rows = rows.dropna(subset=["x", "y"])

    def draw(width: int) -> Any:
        import altair as alt

        across = alt.X("x:Q", title=x_unit, scale=_around(rows["x"]),
                       axis=figures_axis(width, grid=False))  # fmt: skip
        up = alt.Y("y:Q", title=y_unit, scale=_around(rows["y"]),
                   axis=figures_axis(width, grid=True, titleAngle=0, titleAlign="left",
                                 titleAnchor="end", titleY=-10, labelColor=colour("soft")))  # fmt: skip
        joined = rows[rows["line"]].sort_values("x")
        line = alt.Chart(joined).mark_line(color=colour("main"), strokeWidth=2, aria=False).encode(x=across, y=up)
        scale = alt.Scale(domain=["on", "off"], range=[colour("main"), colour("rest")])
        dots = alt.Chart(rows.sort_values("line")).mark_point(filled=True, size=70, opacity=1).encode(
            x=across, y=up, color=alt.Color("which:N", scale=scale, legend=None))  # fmt: skip
        words = alt.Chart(rows[rows["text"] != ""]).mark_text(align="left", dx=9, dy=-8, aria=False, limit=width // 3)
        layers = alt.layer(line, dots, words.encode(x=across, y=up, text="text:N"))
        size = alt.AutoSizeParams(type="fit", contains="padding")
        return layers.properties(width=width, height=int(200 + width * 0.2), autosize=size)

    rows["name"] = [text or f"point {k}" for k, text in enumerate(rows["text"], start=1)]
    return Chart(title, description or describe(rows, "name", {"x": x_unit, "y": y_unit}), draw)


def lines(
    frame: pd.DataFrame, x: str, y: str, series: str, *, title: str, x_unit: str, y_unit: str, label: str | None = None,
    log: bool = False, description: str = "",
) -> Chart:  # fmt: skip
    """Return a line with its points for each name in `series`; `log`: both axes are logarithmic.

    `label`: the column with what is written beside a point, empty for most.
    """
    rows = figures(frame, {"x": x, "y": y})
    rows["name"] = names_of(frame[series])
    rows["text"] = "" if label is None else [name_of(text) if text else "" for text in frame[label].fillna("")]
    rows = rows.dropna(subset=["x", "y"])
    order = list(dict.fromkeys(rows["name"]))

    def draw(width: int) -> Any:
        import altair as alt

        wide, high = (alt.Scale(type="log", nice=False) if log else _around(rows[of]) for of in ("x", "y"))
        ticks = [{"values": _steps(rows[of])} if log else {} for of in ("x", "y")]
        across = alt.X("x:Q", title=x_unit, scale=wide, axis=figures_axis(width, grid=False, **ticks[0]))
        up = alt.Y("y:Q", title=y_unit, scale=high,
                   axis=figures_axis(width, grid=True, titleAngle=0, titleAlign="left", titleAnchor="end", titleY=-10,
                                     labelColor=colour("soft"), **ticks[1]))  # fmt: skip
        scale = alt.Scale(domain=order, range=[colour(name) for name in CATEGORIES[: len(order)]])
        legend = alt.Legend(title=None, symbolType="circle", columns=2, orient="bottom")
        hue = alt.Color("name:N", scale=scale, legend=legend)
        base = alt.Chart(rows).encode(x=across, y=up)
        line = base.mark_line(strokeWidth=2, aria=False).encode(color=hue)
        dots = base.mark_point(filled=True, size=60, opacity=1).encode(color=hue)
        told = alt.Chart(rows[rows["text"] != ""]).mark_text(dy=-12, aria=False, limit=width // 3)
        size = alt.AutoSizeParams(type="fit", contains="padding")
        layers = alt.layer(line, dots, told.encode(x=across, y=up, text="text:N"))
        return layers.properties(width=width, height=int(220 + width * 0.2), autosize=size)

    return Chart(title, description or describe(rows, "name", {"x": x_unit, "y": y_unit}), draw)


def _steps(values: pd.Series[float]) -> list[float]:
    """Return the ticks of a logarithmic axis: 1, 2 and 5 of each power of ten, or powers alone where these are many."""
    if values.empty or values.min() <= 0.0:
        return []
    low, high = (math.log10(one) for one in (values.min(), values.max()))
    parts = (1, 2, 5) if high - low < FEW_POWERS else (1,)
    every = [part * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for part in parts]
    return [one for one in every if values.min() <= one <= values.max()]


def _around(values: pd.Series[float]) -> alt.Scale:
    """Return a scale with some room around the values: text stands beside the points."""
    import altair as alt

    if values.empty:
        return alt.Scale(domain=[0, 1])
    low, high = float(values.min()), float(values.max())
    room = AROUND * ((high - low) or abs(high) or 1.0)
    return alt.Scale(domain=[low - room, high + 2 * room], nice=False, zero=False)
