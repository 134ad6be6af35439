"""A chart: how it is drawn at a width, and what becomes of it: SVG of a page, SVG file, PNG."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from optimizer.errors import InputError, Issue
from optimizer.plan.files import write_whole
from optimizer.printable import printable
from optimizer.report.charts.theme import FONT, Theme, colour, config, in_theme

Draw = Callable[[int], Any]
"""From a width to an Altair chart."""
NEEDS = {"altair": "altair", "vl_convert": "vl-convert-python", "jinja2": "jinja2"}
_OPENING = re.compile(r"<svg\b[^>]*>")
_SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)"')
_NAME = re.compile(r'(\bid="|url\(#|href="#)([A-Za-z])')
LONGEST_NAME, LONGEST_UNIT, LONGEST_TITLE = 30, 60, 300


def require_charts() -> None:
    """Raise InputError where a library that pages and charts are made with is missing."""
    missing = [name for module, name in NEEDS.items() if find_spec(module) is None]
    if missing:
        told = f"reports need {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed"
        raise InputError(Issue(told, maybe="pip install 'domicile[report]'"))


@dataclass(frozen=True)
class Chart:
    """A chart with its title and a description in words; `draw` gives it as an Altair chart of a width."""

    title: str
    description: str
    draw: Draw

    def spec(self, width: int = 640, *, title: bool = False) -> dict[str, Any]:
        """Return the Vega-Lite specification; `title`: with its title in it."""
        import altair as alt

        chart = self.draw(width)
        if title:
            chart = chart.properties(title=alt.TitleParams(_cut(printable(self.title))))
        with alt.data_transformers.enable("default", max_rows=None):
            spec: dict[str, Any] = chart.to_dict()
        spec["config"] = config()
        spec["padding"] = {"left": 16, "right": 12, "top": 4, "bottom": 4} if not title else 14
        return spec

    def svg(self, width: int = 640, key: str = "") -> str:
        """Return the SVG to stand in a page, whose CSS states the colours (`css_variables`) and scales it.

        `key` tells it apart from the same chart elsewhere in the page.
        """
        return self._named(_drawn(self.spec(width)), f"{width}{key}")

    def standalone(self, theme: Theme = "light", width: int = 640) -> str:
        """Return a whole SVG file, with its title and the colours of a theme."""
        svg = self._named(_drawn(self.spec(width, title=True)), theme, sized=True)
        opening = _OPENING.match(svg)
        assert opening is not None
        paper = f'<rect width="100%" height="100%" fill="{colour("paper")}"/>'
        head, body = svg[: opening.end()], svg[opening.end() :]
        return in_theme(head + paper + body, theme)

    def png(self, theme: Theme = "light", width: int = 640, scale: float = 2.0) -> bytes:
        """Return the chart as PNG, `scale` pixels for each unit of its width."""
        import vl_convert

        return bytes(vl_convert.svg_to_png(self.standalone(theme, width), scale=scale))

    def write(self, path: str | os.PathLike[str], theme: Theme = "light", width: int = 640) -> None:
        """Write the chart as SVG or PNG, by the ending of the path; whole or not at all.

        Raises:
            InputError: another ending.
        """
        target = Path(path)
        if target.suffix == ".svg":
            text = self.standalone(theme, width)
            write_whole(target, lambda stream: stream.write(text))
        elif target.suffix == ".png":
            image = self.png(theme, width)
            write_whole(target, lambda stream: stream.buffer.write(image))  # type: ignore[attr-defined]
        else:
            raise InputError(Issue(f"charts are not written as {target.suffix or 'a file without an ending'}",
                                   file=str(path), maybe="call it .svg or .png"))  # fmt: skip

    def _named(self, svg: str, key: str, *, sized: bool = False) -> str:
        """Return an SVG with title and description, names of its own within a page, and no size but its ratio."""
        opening = _OPENING.match(svg)
        size = _SIZE.search(opening[0]) if opening is not None else None
        assert opening is not None
        assert size is not None
        own = hashlib.sha256(f"{key}{self.title}{svg}".encode()).hexdigest()[:10]
        wide, high = size[1], size[2]
        extent = f'width="{wide}" height="{high}" ' if sized else ""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" {extent}viewBox="0 0 {wide} {high}" class="chart" '
            f'font-family="{escape(FONT)}" role="graphics-document" aria-roledescription="chart" '
            f'aria-labelledby="t{own} d{own}"><title id="t{own}">{_text(_cut(self.title, LONGEST_TITLE))}</title>'
            f'<desc id="d{own}">{_text(self.description)}</desc>'
        )
        body = _NAME.sub(rf"\g<1>n{own}-\g<2>", svg[opening.end() :].replace(' font-family="sans-serif"', ""))
        return head + body


def _drawn(spec: dict[str, Any]) -> str:
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec))


def _text(text: str) -> str:
    return escape(printable(text))


def _cut(text: str, most: int = 90) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def name_of(value: object) -> str:
    """Return what a mark is called in a chart: printable, on one line, and not longer than a chart can show."""
    text = printable(str(value))
    half = LONGEST_NAME // 2
    return text if len(text) <= LONGEST_NAME else f"{text[: half - 1]}…{text[-half:]}"


def unit_of(value: object) -> str:
    """Return what an axis is called: printable, since a drawing with a control character in it cannot be made, and
    without backslashes, which Vega would read as a part of an expression.
    """
    return _cut(printable(str(value)).replace("\\", "/"), LONGEST_UNIT)


def names_of(values: Iterable[object]) -> list[str]:
    """Return what rows are called: the same for the same value, and never the same for two."""
    known: dict[str, str] = {}
    taken: Counter[str] = Counter()
    found = []
    for value in map(str, values):
        if value not in known:
            name = name_of(value)
            taken[name] += 1
            known[value] = name if taken[name] == 1 else f"{name} ({taken[name]})"
        found.append(known[value])
    return found
