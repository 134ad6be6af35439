"""What commands print, as HTML for notebooks: the same words, with real tables, and every text escaped."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

STYLE = "font-family:system-ui,sans-serif;font-size:13px;line-height:1.45;max-width:70rem"
CELL = "padding:2px 14px 2px 0;text-align:{};vertical-align:top;border:0;white-space:normal"
LONGEST = 2000
COLOURS = {"green": "#2d7a4f", "yellow": "#b4531a", "red": "#b3261e"}


class _Page:
    """Takes what views print to a console, and keeps it as HTML."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.width = 200

    def print(self, *objects: Any) -> None:
        """Keep tables as tables, lines as paragraphs."""
        for one in objects:
            if isinstance(one, Table):
                self.parts.append(_table(one))
            else:
                text = one if isinstance(one, Text) else Text(str(one))
                above = "10px" if text.style == "bold" else "2px"
                self.parts.append(f'<p style="margin:{above} 0 2px">{_text(text)}</p>')


def as_html(render: Callable[..., None], *arguments: Any, **options: Any) -> str:
    """Return what a view prints as one HTML element."""
    page = _Page()
    render(*arguments, cast("Console", page), **options)
    return f'<div class="domicile" style="{STYLE}">{"".join(page.parts)}</div>'


def _table(table: Table) -> str:
    columns = table.columns
    if not table.show_header and len(columns) == 2 and all(_plain(cell) == "-" for cell in columns[0].cells):
        items = "".join(f"<li>{_text(cell)}</li>" for cell in columns[1].cells)
        return f'<ul style="margin:2px 0;padding-left:18px">{items}</ul>'
    head = ""
    if table.show_header:
        names = [f'<th scope="col" style="{_cell(one)};opacity:.7">{_text(one.header)}</th>' for one in columns]
        head = f"<thead><tr>{''.join(names)}</tr></thead>"
    styles = [_cell(one) for one in columns]
    rows = []
    for row in zip(*(column.cells for column in columns), strict=True):
        cells = [f'<td style="{style}">{_text(cell)}</td>' for style, cell in zip(styles, row, strict=True)]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    body = "".join(rows)
    return f'<table style="border-collapse:collapse;margin:4px 0;font:inherit">{head}<tbody>{body}</tbody></table>'


def _cell(column: Any) -> str:
    return CELL.format("right" if column.justify == "right" else "left")


def _plain(cell: Any) -> str:
    return cell.plain if isinstance(cell, Text) else str(cell)


def _text(cell: Any) -> str:
    """Return a text escaped, not without end, with its parts in the colour that they have on a terminal."""
    text = cell if isinstance(cell, Text) else Text(str(cell))
    plain, at = text.plain, 0
    if len(plain) > LONGEST:
        return _coloured(escape(plain[:LONGEST]) + "…", str(text.style))
    parts = []
    for span in sorted(text.spans, key=lambda one: one.start):
        if span.start >= at:
            parts += [escape(plain[at : span.start]), _coloured(escape(plain[span.start : span.end]), str(span.style))]
            at = span.end
    return _coloured("".join(parts) + escape(plain[at:]), str(text.style))


def _coloured(html: str, style: str) -> str:
    css = []
    if "bold" in style:
        css.append("font-weight:600")
    if "dim" in style:
        css.append("opacity:.7")
    colour = next((value for name, value in COLOURS.items() if name in style.split()), None)
    if colour is not None:
        css.append(f"color:{colour}")
    return f'<span style="{";".join(css)}">{html}</span>' if css and html else html
