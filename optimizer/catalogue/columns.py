"""What a column of a catalogue table may be, and the words for how a figure was had."""

from __future__ import annotations

from dataclasses import dataclass

QUALITIES = (
    "measured", "published", "listed", "derived", "estimated", "unverified", "fallback", "missing",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column: `kind` is text, number, integer, flag, tristate, countries or date.

    `required` cells may not be empty; `low`/`high` bound numbers (inclusive, `above_low` makes it strict); `words` are
    the allowed texts; `default` fills a column that is absent altogether.
    """

    name: str
    kind: str = "text"
    required: bool = False
    low: float | None = None
    high: float | None = None
    above_low: bool = False
    words: tuple[str, ...] = ()
    default: object = None


@dataclass(frozen=True)
class Table:
    """One table: its key columns and all known columns. Other columns are carried along untouched."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    references: tuple[tuple[tuple[str, ...], str], ...] = ()

    def column(self, name: str) -> Column | None:
        """Return the specification of a column, or None for a column the schema does not know."""
        return next((c for c in self.columns if c.name == name), None)


def text(name: str, required: bool = False, words: tuple[str, ...] = (), default: str | None = None) -> Column:
    """A text; of a closed list of `words` where they are given."""
    return Column(name, "text", required, words=words, default=default if default is not None or required else "")


def number(name: str, low: float | None = 0.0, high: float | None = None, *, required: bool = False,
            above_low: bool = False, default: float | None = None) -> Column:  # fmt: skip
    """A figure, from zero on unless told otherwise."""
    return Column(name, "number", required, low, high, above_low, default=default)


def quality(name: str, default: str) -> Column:
    """A word for how a figure was had."""
    return text(name, words=QUALITIES, default=default)
