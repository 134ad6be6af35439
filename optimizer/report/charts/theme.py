"""The colours of charts and pages: names that a page's CSS gives a value, light and dark, and the same as figures."""

from __future__ import annotations

from typing import Any, Literal

Theme = Literal["light", "dark"]

THEMES: dict[Theme, dict[str, str]] = {
    "light": {
        "paper": "#ffffff", "ink": "#1b2530", "soft": "#55616e", "line": "#d8dee5", "wash": "#f4f6f8",
        "land": "#e3e8ec", "border": "#ffffff",
        "main": "#1f6391", "rest": "#c3ccd5", "warn": "#b4531a", "good": "#2d7a4f",
        "c1": "#1f6391", "c2": "#cf7d1f", "c3": "#37886a", "c4": "#8a5aa3", "c5": "#b2483f", "c6": "#5f7f1f",
        "c7": "#4b6cc1", "c8": "#9c6b3f", "c9": "#77828e",
        "s1": "#e3edf4", "s2": "#b5cfe1", "s3": "#7dabca", "s4": "#4384b0", "s5": "#1b5a86",
    },
    "dark": {
        "paper": "#14191f", "ink": "#e6ebf0", "soft": "#a3afbb", "line": "#323c47", "wash": "#1c232b",
        "land": "#2b343e", "border": "#14191f",
        "main": "#66abd9", "rest": "#4a5764", "warn": "#e5935b", "good": "#6bbd8d",
        "c1": "#66abd9", "c2": "#e5a353", "c3": "#63b894", "c4": "#b98fd0", "c5": "#e08178", "c6": "#a5c257",
        "c7": "#8aa4ec", "c8": "#cba078", "c9": "#98a3ae",
        "s1": "#22303c", "s2": "#2c4c64", "s3": "#386e94", "s4": "#5497c4", "s5": "#8cc4ea",
    },
}  # fmt: skip
"""Value of each colour: `paper` and `ink` of the page, `soft` for lesser text, `line`, `wash`, `land` and its `border`,
`main` for what a chart shows, `rest` for what it compares with, `warn` and `good`, `c1` to `c9` to tell things apart,
`s1` to `s5` from little to much."""
CATEGORIES = tuple(f"c{k}" for k in range(1, 10))
AMOUNTS = tuple(f"s{k}" for k in range(1, 6))
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def colour(name: str) -> str:
    """Return a colour as charts name it: the CSS variable of a page."""
    return f"var(--{name})"


def in_theme(text: str, theme: Theme) -> str:
    """Return text with the value of every colour of a theme in place of its name."""
    for name, value in THEMES[theme].items():
        text = text.replace(colour(name), value)
    return text


def css_variables(theme: Theme) -> str:
    """Return the declarations of a theme's colours."""
    return " ".join(f"--{name}: {value};" for name, value in THEMES[theme].items())


def config(size: float = 12) -> dict[str, Any]:
    """Return how all charts look: no frames, few lines, text in the colours of the page."""
    quiet = {"labelColor": colour("soft"), "titleColor": colour("soft"), "labelFontSize": size, "titleFontSize": size,
             "titleFontWeight": "normal", "domain": False, "ticks": False, "gridColor": colour("line"),
             "labelPadding": 6, "titlePadding": 8, "labelLimit": 190}  # fmt: skip
    return {
        "background": "transparent", "font": "sans-serif", "view": {"stroke": None}, "axis": quiet,
        "axisY": {"grid": False, "labelColor": colour("ink")},
        "legend": {"labelColor": colour("ink"), "titleColor": colour("soft"), "labelFontSize": size,
                   "titleFontSize": size, "titleFontWeight": "normal", "orient": "top", "symbolType": "square",
                   "labelLimit": 170, "columnPadding": 14, "rowPadding": 4},
        "title": {"color": colour("ink"), "subtitleColor": colour("soft"), "fontSize": size + 3, "anchor": "start",
                  "fontWeight": 600, "subtitleFontSize": size, "offset": 12, "frame": "group"},
        "text": {"color": colour("ink"), "fontSize": size},
    }  # fmt: skip
