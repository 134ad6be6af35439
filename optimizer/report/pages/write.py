"""From a page to one HTML file that needs nothing else: no font, script, picture or style from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.report.charts import THEMES, require_charts
from optimizer.report.charts.theme import css_variables
from optimizer.report.pages.view import Page

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"
WIDE, NARROW = 600, 340
"""Widths that figures are drawn at: beside text, and for a phone."""


def page_html(page: Page) -> str:
    """Return the page as HTML.

    Raises:
        InputError: the extra `report` is not installed.
    """
    require_charts()
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _template().render(
        page=page, style=_trusted(_style()), script=_trusted(script), digest=digest, drawn=_drawn, themes=THEMES
    )


@cache
def _style() -> str:
    """Return the style of pages: the colours of both themes, and tables whose rows stack where there is little room."""
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    stacked = (TEMPLATES / "stacked.css").read_text(encoding="utf-8")
    for name in ("stacks", "many"):
        style = style.replace(f"/*stacked {name}*/", stacked.replace(".stacked", f".{name}"))
    return style.replace("/*light*/", css_variables("light")).replace("/*dark*/", css_variables("dark"))


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(str(TEMPLATES))
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                              lstrip_blocks=True)  # fmt: skip
    return environment.get_template("page.html")


def _drawn(chart: Any) -> tuple[Any, Any]:
    """Return a chart as SVG, wide and for a phone."""
    return _trusted(chart.svg(WIDE)), _trusted(chart.svg(NARROW))


def _trusted(text: str) -> Any:
    """Mark text that was made here, with all that comes from files escaped in it, as HTML."""
    from markupsafe import Markup

    return Markup(text)
