"""Charts of pages and of the documentation: tidy pandas frames in, static SVG or PNG out; no browser is needed.

    from optimizer.report.charts import bars

    chart = bars(frame, "country", "usd", title="Cost by country", unit="USD")
    chart.svg()                 # for a page: coloured by the page's CSS variables (`THEMES`), light and dark
    chart.standalone()          # a whole SVG file with its title in it, light or dark: chart.standalone("dark")
    chart.png()                 # the same as PNG, 2 pixels for each unit of its width
    chart.write("cost.svg")     # or "cost.png": by its ending

A frame has one row for each mark and is not changed; columns are named by the caller and may be called anything. Rows
are drawn in the order of the frame. Every chart has a title and a description (made from the frame where none is
given), which screen readers tell. `width` is in units of the SVG, which a page scales: 640 is readable beside text, 340
on a phone.

    bars        one bar for each row, beside each other or stacked in parts
    waterfall   what is left after each step, and what the step took
    dumbbell    two values for each row, joined
    ranges      low, middle and high for each row
    frontier    points joined by a line, some of them named
    lines       several lines of points, told apart by colour
    heat_map    a coloured cell for each pair of row and column, by name or by amount
    world_map   dots and flows on land, without borders unless they are asked for

Needs the extra `report` (`pip install 'domicile[report]'`); `require_charts` says so where it is missing.
"""

from optimizer.report.charts.chart import Chart, require_charts
from optimizer.report.charts.maps import Dot, Flow, world_map
from optimizer.report.charts.pairs import dumbbell, frontier, lines, ranges
from optimizer.report.charts.parts import bars, heat_map, waterfall
from optimizer.report.charts.theme import THEMES

__all__ = [
    "THEMES", "Chart", "Dot", "Flow", "bars", "dumbbell", "frontier", "heat_map", "lines", "ranges", "require_charts",
    "waterfall", "world_map",
]  # fmt: skip
