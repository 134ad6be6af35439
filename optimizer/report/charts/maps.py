"""A map of land and water with dots and flows; no borders unless they are asked for."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from optimizer.report.charts.chart import Chart, name_of
from optimizer.report.charts.layout import NARROW
from optimizer.report.charts.theme import colour

if TYPE_CHECKING:
    import altair as alt

TOPOLOGY = Path(__file__).parent / "data" / "countries-110m.json.gz"
LEAST_DEGREES, ROOM, MOST_LAT = 14.0, 0.14, 78.0
WORLD_DEGREES = 150.0
"""Places spread over more degrees of longitude are shown on the whole world."""
NAMED = 12
"""Dots that have their name beside them, the largest first."""
BESIDE_DOT, BOLD, HIGH = 10, 8.0, 13
"""Between a dot and its name; width of a letter of it, and height."""
STEPS = 24
"""Points of a line between two places, along the shortest way."""
Side = Literal["left", "right"]
FLOW_COLOURS = ("c2", "c3", "c4")


@dataclass(frozen=True)
class Dot:
    """A place of a size: the id it is told by, what is written beside it, degrees north and east."""

    id: str
    name: str
    lat: float
    lon: float
    size: float


@dataclass(frozen=True)
class Flow:
    """A flow from one place to another, and what kind it is."""

    from_name: str
    from_lat: float
    from_lon: float
    to_name: str
    to_lat: float
    to_lon: float
    kind: str


@dataclass(frozen=True)
class _View:
    """The part of the world that is shown: its middle, units of the picture per radian, and the picture's width."""

    lat: float
    lon: float
    scale: float
    width: int


@dataclass(frozen=True)
class _Box:
    """What a name covers, in units of the picture; y counts from the equator down."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        """Return whether both cover some place."""
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.bottom <= other.top or other.bottom <= self.top)


def world_map(
    dots: Sequence[Dot], flows: Sequence[Flow] = (), *, title: str, borders: bool = False, description: str = ""
) -> Chart:
    """Return a map of dots, larger where their size is, and of flows along the shortest way.

    `borders`: with the borders of countries as they are held in fact (Natural Earth); else land alone.
    """
    told = description or "; ".join(
        [f"{dot.name} ({dot.id})" for dot in dots[:12]]
        + [f"{flow.from_name} to {flow.to_name}: {flow.kind}" for flow in flows[:12]]
    )

    def draw(width: int) -> Any:
        import altair as alt

        height = int(width * (0.62 if width >= NARROW else 0.9))
        view = _view(dots, flows, width, height)
        taken: list[_Box] = []  # by names, those of dots before those of people
        places = _dots(dots, view, taken)
        layers = [_land(borders), *([_lines(flows), *_ends(flows, dots, view, taken)] if flows else []), *places]
        chart = alt.layer(*layers).project(
            type="mercator", scale=view.scale, center=[view.lon, view.lat], translate=[width / 2, height / 2]
        )
        return chart.properties(width=width, height=height)

    return Chart(title, told, draw)


def _land(borders: bool) -> alt.Chart:
    import altair as alt

    topology = _topology()
    feature = alt.TopoDataFormat(type="topojson", feature="countries" if borders else "land")
    data = alt.InlineData(values=topology, format=feature)
    stroke = colour("border") if borders else colour("land")
    return alt.Chart(data).mark_geoshape(fill=colour("land"), stroke=stroke, strokeWidth=0.6, clip=True, aria=False)


@cache
def _topology() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(TOPOLOGY.read_bytes()))
    return found


def _lines(flows: Sequence[Flow]) -> alt.Chart:
    import altair as alt

    kinds = list(dict.fromkeys(flow.kind for flow in flows))
    rows = pd.DataFrame([
        {"flow": f"{number}.{part}", "step": step, "lat": lat, "lon": lon, "kind": flow.kind,
         "told": f"{name_of(flow.from_name)} to {name_of(flow.to_name)}: {flow.kind}"}
        for number, flow in enumerate(flows) for step, (lat, lon, part) in enumerate(_parted(_way(flow)))
    ])  # fmt: skip
    scale = alt.Scale(domain=kinds, range=[colour(FLOW_COLOURS[k % len(FLOW_COLOURS)]) for k in range(len(kinds))])
    key = alt.Legend(title=None, symbolType="stroke")
    return alt.Chart(rows).mark_line(strokeWidth=1.4, opacity=0.8, clip=True).encode(
        longitude="lon:Q", latitude="lat:Q", order="step:Q", detail="flow:N", description="told:N",
        color=alt.Color("kind:N", scale=scale, legend=key),
    )  # fmt: skip


def _ends(flows: Sequence[Flow], dots: Sequence[Dot], view: _View, taken: list[_Box]) -> list[alt.Chart]:
    """Return small rings where flows begin that are at no dot."""
    import altair as alt

    at = {(dot.lat, dot.lon) for dot in dots}
    begin = {(one.from_lat, one.from_lon): one.from_name for one in flows if (one.from_lat, one.from_lon) not in at}
    rows = pd.DataFrame([{"lat": lat, "lon": lon, "name": name_of(name)} for (lat, lon), name in begin.items()])
    if rows.empty:
        return []
    base = alt.Chart(rows).encode(longitude="lon:Q", latitude="lat:Q")
    ring = base.mark_point(filled=True, fill=colour("paper"), stroke=colour("c2"), strokeWidth=1.5, opacity=1, size=45,
                           clip=True).encode(description="name:N")  # fmt: skip
    words = _names(rows, view, taken, side="right", dy=3, color=colour("soft")) if len(rows) <= NAMED else []
    return [ring, *words]


def _names(rows: pd.DataFrame, view: _View, taken: list[_Box], *, side: Side, dy: int, **how: Any) -> list[alt.Chart]:
    """Return names beside dots: to their left (`side` right, where the text ends) or to their right, on the other side
    where they would leave the picture, and none that would lie over one in `taken`, which they join.
    """
    import altair as alt

    kept: dict[Side, list[int]] = {"left": [], "right": []}
    for k, (name, lat, lon) in enumerate(zip(map(str, rows["name"]), rows["lat"], rows["lon"], strict=True)):
        x = view.width / 2 + view.scale * math.radians(float(lon) - view.lon)
        y = -view.scale * _northing(max(-MOST_LAT, min(MOST_LAT, float(lat))))
        wide = BESIDE_DOT + len(name) * BOLD
        leaves = x - wide < 0 if side == "right" else x + wide > view.width
        one: Side = side if not leaves else "left" if side == "right" else "right"
        box = _Box(x if one == "left" else x - wide, y + dy - HIGH, x + wide if one == "left" else x, y + dy)
        if not any(box.meets(other) for other in taken):
            taken.append(box)
            kept[one].append(k)
    found = []
    for one, numbers in kept.items():
        if numbers:
            dx = BESIDE_DOT if one == "left" else -BESIDE_DOT
            words = alt.Chart(rows.iloc[numbers]).mark_text(align=one, dx=dx, dy=dy, aria=False, clip=True, **how)
            found.append(words.encode(longitude="lon:Q", latitude="lat:Q", text="name:N"))
    return found


def _dots(dots: Sequence[Dot], view: _View, taken: list[_Box]) -> list[alt.Chart]:
    import altair as alt

    top = max((dot.size for dot in dots), default=1.0) or 1.0
    rows = pd.DataFrame([
        {"lat": dot.lat, "lon": dot.lon, "name": name_of(dot.name), "told": f"{name_of(dot.name)}, {name_of(dot.id)}",
         "area": 40 + 360 * dot.size / top}
        for dot in dots
    ])  # fmt: skip
    points = alt.Chart(rows).mark_circle(
        fill=colour("main"), stroke=colour("paper"), strokeWidth=1, opacity=0.9, clip=True
    ).encode(
        longitude="lon:Q", latitude="lat:Q", size=alt.Size("area:Q", scale=None, legend=None), description="told:N"
    )  # fmt: skip
    named = rows.drop_duplicates("name").head(NAMED if view.width >= NARROW else NAMED // 2)
    return [points, *_names(named, view, taken, side="left", dy=-7, fontWeight=600)]


def _view(dots: Sequence[Dot], flows: Sequence[Flow], width: int, height: int) -> _View:
    """Return the view that holds all dots and the ends of all flows, with some room around them."""
    lats = [dot.lat for dot in dots] + [x for flow in flows for x in (flow.from_lat, flow.to_lat)]
    lons = [dot.lon for dot in dots] + [x for flow in flows for x in (flow.from_lon, flow.to_lon)]
    if not lats or max(lons) - min(lons) > WORLD_DEGREES:
        return _View(18.0, 8.0, width / (2 * math.pi), width)
    low, high = max(-MOST_LAT, min(lats)), min(MOST_LAT, max(lats))
    wide = max(LEAST_DEGREES, max(lons) - min(lons)) * (1 + 2 * ROOM)
    tall = max(LEAST_DEGREES * 0.6, high - low) * (1 + 2 * ROOM)
    mid_lat, mid_lon = (low + high) / 2, (max(lons) + min(lons)) / 2
    up, down = (_northing(max(-MOST_LAT, min(MOST_LAT, mid_lat + sign * tall / 2))) for sign in (1, -1))
    scale = min(width / math.radians(wide), height / (up - down))
    middle = math.degrees(2 * math.atan(math.exp((up + down) / 2)) - math.pi / 2)
    return _View(middle, mid_lon, scale, width)


def _northing(lat: float) -> float:
    return math.log(math.tan(math.pi / 4 + math.radians(lat) / 2))


def _parted(way: list[tuple[float, float]]) -> Iterator[tuple[float, float, int]]:
    """Yield the points of a way with the number of the part they are in: it is cut where it leaves the map's edge."""
    part, before = 0, way[0][1]
    for lat, lon in way:
        part += abs(lon - before) > 180.0
        before = lon
        yield lat, lon, part


def _way(flow: Flow) -> list[tuple[float, float]]:
    """Return points of the shortest way between two places, degrees north and east."""
    a, b = ((math.radians(lat), math.radians(lon)) for lat, lon in (
        (flow.from_lat, flow.from_lon), (flow.to_lat, flow.to_lon)))  # fmt: skip
    one, two = ((math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)) for lat, lon in (a, b))
    angle = math.acos(max(-1.0, min(1.0, sum(x * y for x, y in zip(one, two, strict=True)))))
    if angle < 1e-9 or math.pi - angle < 1e-9:
        return [(flow.from_lat, flow.from_lon), (flow.to_lat, flow.to_lon)]
    found = []
    for step in range(STEPS + 1):
        t = step / STEPS
        f, g = math.sin((1 - t) * angle) / math.sin(angle), math.sin(t * angle) / math.sin(angle)
        x, y, z = (f * p + g * q for p, q in zip(one, two, strict=True))
        found.append((math.degrees(math.asin(max(-1.0, min(1.0, z)))), math.degrees(math.atan2(y, x))))
    return found
