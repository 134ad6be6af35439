"""Tables of text, figures and dates, as CSV and as HTML; what is not known is an empty cell."""

from __future__ import annotations

import csv
import datetime
import html
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from optimizer.export.base import defused
from optimizer.printable import printable

Cell = str | int | float | bool | datetime.date | None


@dataclass(frozen=True)
class Table:
    """Rows of cells under named columns; `note` says how to read it."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


def joined(values: Iterable[object]) -> str:
    """Return values as one text, each once, in order."""
    return "; ".join(dict.fromkeys(str(value) for value in values))


def counted(numbers: dict[str, int]) -> str:
    """Return numbers by place as one text: `DE 400; FR 20`."""
    return "; ".join(f"{place} {number}" for place, number in numbers.items())


def csv_text(table: Table) -> str:
    """Return a table as CSV (RFC 4180); no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([defused(column) for column in table.columns])
    writer.writerows([[_csv_cell(value) for value in row] for row in table.rows])
    return out.getvalue()


def _csv_cell(value: Cell) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime.date):
        return value.isoformat()
    return defused(value) if isinstance(value, str) else value


def html_table(table: Table) -> str:
    """Return a table as HTML, with caption and scoped headings; text is text, never markup."""
    heads = "".join(f'<th scope="col">{escaped(column)}</th>' for column in table.columns)
    rows = "\n".join("<tr>" + "".join(_html_cell(value) for value in row) + "</tr>" for row in table.rows)
    note = f"<p>{escaped(table.note)}</p>\n" if table.note else ""
    if not table.rows:
        return f"<h2>{escaped(table.name)}</h2>\n{note}<p>None.</p>"
    return (
        f"<h2>{escaped(table.name)}</h2>\n{note}<table>\n<caption>{escaped(table.name)}</caption>\n"
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _html_cell(value: Cell) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'<td class="figure">{value:,.10g}</td>'
    return f"<td>{escaped(str(_csv_cell(value)) if not isinstance(value, str) else value)}</td>"


def escaped(text: str) -> str:
    """Return text for HTML: markup and control characters are shown."""
    return html.escape(printable(text))
