"""What a page shows, as plain data: sections of texts, facts, tables and figures. The template knows nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from optimizer.printable import printable
from optimizer.report.charts import Chart

Tone = Literal["", "warn", "good", "soft"]
LONGEST_TEXT = 600
"""Letters of one text that a page shows; longer ones end in an ellipsis."""
MOST_ROWS = 1000
"""Rows of one table that a page shows; all of them are in the file that it is made from."""
BESIDE, BESIDE_COLUMNS = 14, 3
"""Rows up to which a figure's numbers stand open, and columns up to which they stand at its side; else below it."""
OPEN_ROWS, MOST_ON_PAPER = 25, 40
"""Rows up to which a table of what a reader may look up stands open, and up to which a folded one is printed."""
LONGEST_WORD = 26
"""Letters of one word that a column is as wide as; longer ones are broken anywhere."""


def text_of(value: object) -> str:
    """Return a text as a page shows it: printable, and not without end."""
    text = printable(str(value))
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _end(of: Fact | Section, *names: str) -> None:
    for name in names:
        object.__setattr__(of, name, text_of(getattr(of, name)))


def _breaks(text: str) -> bool:
    return any(len(word) > LONGEST_WORD for word in text.split())


@dataclass(frozen=True)
class Cell:
    """A cell: its text, a lesser `note` below it, how it is meant, and for a bar the `share` of its full length."""

    text: str
    note: str = ""
    tone: Tone = ""
    share: float | None = None

    @property
    def breaks(self) -> bool:
        """True if it has a word that no column is wide enough for."""
        return _breaks(f"{self.text} {self.note}")

    @property
    def bar(self) -> str:
        """The length of the bar in per cent."""
        return f"{100 * min(1.0, max(0.0, self.share or 0.0)):.1f}"


@dataclass(frozen=True)
class Column:
    """A column: its name, and whether it holds figures."""

    name: str
    right: bool = False

    @property
    def breaks(self) -> bool:
        """True if its name has a word that no column is wide enough for."""
        return _breaks(self.name)


@dataclass(frozen=True)
class Table:
    """A table; the first column names the rows. `filters`: columns by whose values a reader may filter, with a search.

    `key` tells it apart in its page where it can be filtered. `rest` says what was left out.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    filters: tuple[str, ...] = ()
    key: str = ""
    rest: str = ""
    kind: Literal["table"] = "table"

    @property
    def choices(self) -> list[tuple[int, str, list[str]]]:
        """Number, name and values of the columns to filter by."""
        names = [column.name for column in self.columns]
        found = []
        for name in self.filters:
            at = names.index(name)
            values = sorted({part for row in self.rows for part in row[at].text.split(", ") if part})
            found.append((at, name, values[:200]))
        return found


@dataclass(frozen=True)
class Figure:
    """A chart with its numbers in a table beside it."""

    chart: Chart
    table: Table
    note: str = ""
    kind: Literal["figure"] = "figure"

    @property
    def title(self) -> str:
        """What it is called."""
        return text_of(self.chart.title)

    @property
    def is_open(self) -> bool:
        """True if its numbers stand open."""
        return len(self.table.rows) <= BESIDE

    @property
    def is_beside(self) -> bool:
        """True if its numbers stand at its side."""
        return self.is_open and len(self.table.columns) <= BESIDE_COLUMNS


@dataclass(frozen=True)
class Fact:
    """A figure of the first screen: what it is of, the figure, and what belongs to it."""

    name: str
    value: str
    note: str = ""
    tone: Tone = ""

    def __post_init__(self) -> None:
        """Cut texts without end."""
        _end(self, "name", "value", "note")


@dataclass(frozen=True)
class Facts:
    """Key figures beside each other."""

    facts: tuple[Fact, ...]
    kind: Literal["facts"] = "facts"


@dataclass(frozen=True)
class Notes:
    """Sentences, each on its own."""

    texts: tuple[str, ...]
    tone: Tone = ""
    kind: Literal["notes"] = "notes"


@dataclass(frozen=True)
class Fold:
    """Blocks that a reader opens; on paper they are open as well, but for those too long for it."""

    title: str
    blocks: tuple[Block, ...]
    is_long: bool = False
    kind: Literal["fold"] = "fold"


Block = Table | Figure | Facts | Notes | Fold


@dataclass(frozen=True)
class Section:
    """A part of a page with a heading; `lead` says what it comes to in a sentence or two."""

    key: str
    title: str
    lead: str
    blocks: tuple[Block, ...]
    is_annex: bool = False

    def __post_init__(self) -> None:
        """Cut texts without end."""
        _end(self, "title", "lead")


@dataclass(frozen=True)
class Page:
    """A page: what was asked, the answer in a sentence, what it stands on condition of, its sections."""

    title: str
    kind: str
    question: str
    answer: str
    condition: str
    about: tuple[tuple[str, str], ...]
    first: tuple[Block, ...]
    sections: tuple[Section, ...] = field(default=())


def cell(value: object, note: object = "", tone: Tone = "", share: float | None = None) -> Cell:
    """Return a cell of any value; None is empty."""
    return Cell("" if value is None else text_of(value), text_of(note), tone, share)


def table(
    caption: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = (),
    filters: Sequence[str] = (), key: str = "", where: str = "the plan file",
) -> Table:  # fmt: skip
    """Return a table of any values, at most `MOST_ROWS` of its rows; `where` the others are."""
    shown = [tuple(one if isinstance(one, Cell) else cell(one) for one in row) for row in rows[:MOST_ROWS]]
    left = len(rows) - len(shown)
    rest = f"… and {left:,} more rows, all of them in {where}" if left else ""
    named = tuple(Column(name, name in right) for name in columns)
    return Table(text_of(caption), named, tuple(shown), tuple(filters), key, rest)


def folded(one: Table, what: str, most: int = OPEN_ROWS) -> Block:
    """Return a table as it is, or behind a line that says how many rows of what it has, where it is long."""
    count = len(one.rows)
    return one if count <= most else Fold(f"{one.caption} ({count:,} {what})", (one,), count > MOST_ON_PAPER)


def notes(*texts: str, tone: Tone = "") -> tuple[Notes, ...]:
    """Return the texts that say something as one block, none if none does."""
    told = tuple(text_of(text) for text in texts if text)
    return (Notes(told, tone),) if told else ()
