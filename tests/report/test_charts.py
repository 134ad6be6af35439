"""Charts: what is drawn, what it is called, and that names from files stay names."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from optimizer.errors import InputError
from optimizer.report import charts
from optimizer.report.charts import Chart
from optimizer.report.charts.maps import Dot, world_map
from optimizer.report.charts.theme import THEMES, css_variables

HOSTILE = '</text><script>alert(1)</script>" onload="alert(2)\\"+1+\x1b\uffff\u202e'
SHOWN = HOSTILE.replace("\x1b", "\\x1b").replace("\uffff", "\\uffff").replace("\u202e", "\\u202e")
FRAME = pd.DataFrame({
    "a.b[0]": ["Germany", "France", HOSTILE], "low": [10.0, 5.0, 1.0], "mid": [20.0, 6.0, 2.0],
    "high": [30.0, 7.0, 3.0], "part": ["x", "y", "x"], "flag": [True, True, False],
})  # fmt: skip
NAME = "a.b[0]"
MAKERS: dict[str, Callable[[], Chart]] = {
    "bars": lambda: charts.bars(FRAME, NAME, "mid", title=HOSTILE, unit=HOSTILE),
    "stacked bars": lambda: charts.bars(FRAME, NAME, "mid", part="part", title=HOSTILE, unit=HOSTILE),
    "waterfall": lambda: charts.waterfall(FRAME, NAME, "mid", title=HOSTILE, unit=HOSTILE),
    "dumbbell": lambda: charts.dumbbell(FRAME, NAME, "low", "high", title=HOSTILE, unit=HOSTILE),
    "ranges": lambda: charts.ranges(FRAME, NAME, "low", "mid", "high", title=HOSTILE, unit=HOSTILE),
    "frontier": lambda: charts.frontier(
        FRAME, "low", "high", title=HOSTILE, x_unit=HOSTILE, y_unit=HOSTILE, label=NAME, on_line="flag"
    ),
    "lines": lambda: charts.lines(FRAME, "low", "high", NAME, title=HOSTILE, x_unit="USD", y_unit="kg", label=NAME),
    "lines on logarithmic axes": lambda: charts.lines(
        FRAME, "low", "high", "part", title=HOSTILE, x_unit="USD", y_unit="kg", log=True
    ),
    "heat map of names": lambda: charts.heat_map(FRAME, NAME, "part", NAME, title=HOSTILE),
    "heat map of amounts": lambda: charts.heat_map(FRAME, NAME, "part", "mid", title=HOSTILE),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_chart_is_well_formed_and_names_are_text(kind: str) -> None:
    """Whatever a row is called, the SVG has no element and no attribute of its making, and every name is told."""
    svg = MAKERS[kind]().svg()
    root = ET.fromstring(svg)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "g", "path", "line", "text", "rect", "clipPath", "defs"}
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on")]
    assert root.find("{http://www.w3.org/2000/svg}title").text == SHOWN  # type: ignore[union-attr]
    told = " ".join(element.attrib.get("aria-label", "") for element in root.iter())
    assert "Germany" in told or kind in ("frontier", "lines on logarithmic axes")
    if kind == "bars":
        assert f"Germany: 20 {SHOWN[:20]}" in told


def test_values_are_drawn_as_they_are() -> None:
    """Twice the value is twice the bar."""
    svg = charts.bars(FRAME, NAME, "high", title="t", unit="USD").svg()
    wide = [float(w) for w in re.findall(r'aria-roledescription="bar" d="M[\d.]+,[\d.]+h([\d.]+)v', svg)]
    assert [w / wide[0] for w in wide] == pytest.approx([1.0, 7 / 30, 3 / 30])


def test_what_is_saved_is_drawn_to_the_left_of_nothing() -> None:
    """Where all values are below 0 the axis ends at 0 and beyond, and half the saving is half the bar."""
    frame = pd.DataFrame({"n": ["a", "b"], "v": [-100.0, -50.0]})
    chart = charts.bars(frame, "n", "v", title="t", unit="USD")
    scale = chart.spec()["layer"][0]["encoding"]["x"]["scale"]
    assert scale["domainMin"] == -100.0
    assert 0.0 < scale["domainMax"] < 15.0, "room for the text, and no more"
    wide = [float(w) for w in re.findall(r'aria-roledescription="bar" d="M[\d.]+,[\d.]+h([\d.]+)v', chart.svg())]
    assert wide[1] / wide[0] == pytest.approx(0.5)


def test_a_waterfall_shows_what_a_step_took() -> None:
    """Beside what is left the paler bar reaches as far as what was left before."""
    frame = pd.DataFrame({"step": ["all", "law"], "left": [100.0, 40.0]})
    svg = charts.waterfall(frame, "step", "left", title="t", unit="USD").svg()
    taken = re.findall(r'd="M([\d.]+),[\d.]+h([\d.]+)v[\d.]+h-[\d.]+Z" fill="var\(--rest\)"', svg)
    kept = re.findall(r'd="M0,[\d.]+h([\d.]+)v[\d.]+h-[\d.]+Z" fill="var\(--main\)"', svg)
    assert float(taken[-1][0]) / float(kept[0]) == pytest.approx(0.4)
    assert float(taken[-1][1]) / float(kept[0]) == pytest.approx(0.6)


def test_amounts_of_a_heat_map_are_in_five_steps() -> None:
    """From little to much in five colours; what is unknown has none of them."""
    frame = pd.DataFrame({"r": list("aabbcc"), "c": list("xyxyxy"), "v": [0.0, 1.0, 2.0, 3.0, 4.0, None]})
    svg = charts.heat_map(frame, "r", "c", "v", title="t").svg()
    cells = re.findall(r'd="M[^"]*" fill="var\(--(\w+)\)" stroke="var\(--paper\)"', svg.partition("role-legend")[0])
    assert cells == ["s1", "s2", "s3", "s4", "s5", "rest"]


def test_a_heat_map_of_many_names_puts_the_rare_ones_together() -> None:
    """Of eleven names eight have a colour of their own, and the rest one."""
    names = [f"n{k:02d}" for k in range(11)]
    frame = pd.DataFrame({"r": names, "c": ["x"] * 11, "v": names})
    spec = charts.heat_map(frame, "r", "c", "v", title="t").spec()
    assert spec["encoding"]["color"]["scale"]["domain"] == [*names[:8], "other"]


def test_colours_are_those_of_the_page_and_of_a_theme() -> None:
    """In a page charts name CSS variables, of which both themes have a value; a file of its own has the values."""
    assert THEMES["light"].keys() == THEMES["dark"].keys()
    chart = MAKERS["bars"]()
    assert set(re.findall(r"var\(--(\w+)\)", chart.svg())) <= THEMES["light"].keys()
    assert "--main: #1f6391;" in css_variables("light")
    for theme in ("light", "dark"):
        alone = chart.standalone(theme)
        assert "var(" not in alone
        assert THEMES[theme]["paper"] in alone


def test_charts_of_one_page_share_no_ids() -> None:
    """Ids are made from what is drawn, its width and the key."""
    chart = MAKERS["heat map of names"]()
    ids = [re.findall(r'\bid="([^"]+)"', svg) for svg in (chart.svg(), chart.svg(340), chart.svg(640, "again"))]
    every = [name for those in ids for name in those]
    assert len(every) == len(set(every))
    assert all(len(those) >= 2 for those in ids)


def test_charts_are_written_as_svg_and_png(tmp_path: Path) -> None:
    """By the ending of the path; another ending is an error."""
    chart = charts.bars(FRAME, NAME, "mid", title="Cost", unit="USD")
    chart.write(tmp_path / "a.svg")
    chart.write(tmp_path / "a.png")
    assert ET.fromstring((tmp_path / "a.svg").read_text(encoding="utf-8")).tag.endswith("svg")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match=r"call it \.svg or \.png"):
        chart.write(tmp_path / "a.jpeg")


def test_without_the_libraries_charts_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra."""
    charts.require_charts()
    monkeypatch.setattr("optimizer.report.charts.chart.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'domicile\[report\]'"):
        charts.require_charts()


def test_rows_with_long_names_stay_apart() -> None:
    """Names that are alike but for their middle are cut, and each has a bar of its own; the same name has one."""
    names = ["a" * 30 + str(k) + "z" * 30 for k in (1, 2, 2)]
    frame = pd.DataFrame({"n": names, "v": [1.0, 2.0, 3.0], "p": ["x", "x", "y"]})
    spec = charts.bars(frame, "n", "v", part="p", title="t", unit="USD").spec()
    order = spec["layer"][0]["encoding"]["y"]["sort"]
    assert len(order) == 2
    assert all(len(name) <= 34 for name in order)


def test_names_on_a_map_lie_neither_over_each_other_nor_beyond_its_edge() -> None:
    """Of two places side by side the larger is named; a name at the eastern edge ends at its dot."""
    dots = [Dot("a", "Frankfurt am Main", 50.1, 8.7, 9.0), Dot("b", "Offenbach", 50.1, 8.8, 1.0),
            Dot("c", "Auckland", -36.8, 174.8, 1.0), Dot("d", "Honolulu", 21.3, -157.9, 1.0)]  # fmt: skip
    svg = world_map(dots, title="t").svg(340)
    ends = {name: anchor for anchor, name in re.findall(r'<text text-anchor="(\w+)"[^>]*>([^<]+)</text>', svg)}
    assert ends == {"Frankfurt am Main": "start", "Auckland": "end", "Honolulu": "start"}


@pytest.mark.parametrize("kind", MAKERS)
def test_an_empty_frame_is_drawn(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No rows are an empty chart, not an error."""
    monkeypatch.setattr(f"{__name__}.FRAME", FRAME.head(0))
    assert MAKERS[kind]().svg().startswith("<svg")
