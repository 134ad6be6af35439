"""What a table of a `Problem` states of each of its columns: whose rows it has, what it points to, unit and symbol.

A *table* is named by what one row of it is: workload, slot, flow, pool … Several names stand for one row per
combination: ("stream", "period"). `formulations.tables` derives from these statements all that has to know every table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Strings = tuple[str, ...]

COLUMN, IN_PROPORTION = "column", "in_proportion"
"""Keys of the metadata of a dataclass's fields."""


@dataclass(frozen=True)
class Column:
    """The statement of one field.

    `rows`: the table whose rows it has, several for all their combinations, none for a single number. `points_to`: the
    table that its entries, or the columns of a membership, refer to. `counted_in`: the power of a unit in which its
    numbers are counted, by table that has a unit in each row (see `formulations.units`). `is_key`: with the other keys
    of the table it tells its rows apart, and gives them their order among those of one workload. `adds_up`: what two
    streams have together is the sum. `is_private`: rows of this table in which one workload alone takes part are its
    own, alike where they say the same. `may_be_empty`: left out as a whole. `rule`: what kind of rule the ids name.
    """

    kind: str
    rows: Strings = ()
    meaning: str = ""
    symbol: str = ""
    unit: str = ""
    points_to: Strings = ()
    counted_in: Mapping[str, int] = field(default_factory=dict)
    least: float | None = None
    above: float | None = None
    allowed: Strings = ()
    rule: str = ""
    is_key: bool = False
    adds_up: bool = False
    is_private: bool = False
    may_be_empty: bool = False


@dataclass(frozen=True)
class Coefficients:
    """What one unit of each variable of a family adds to each metric; all arrays have the family's length.

    `spend_usd` is money (the objective adds the carbon price to it); `compute_usd` the part of it that pays for
    compute.
    """

    spend_usd: Floats = field(default_factory=lambda: np.zeros(0))
    compute_usd: Floats = field(default_factory=lambda: np.zeros(0))
    carbon_kg: Floats = field(default_factory=lambda: np.zeros(0))
    energy_kwh: Floats = field(default_factory=lambda: np.zeros(0))
    water_l: Floats = field(default_factory=lambda: np.zeros(0))
    device_hours: Floats = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def zeros(cls, size: int) -> Coefficients:
        """Return coefficients of `size` variables that add nothing."""
        return cls(*(np.zeros(size) for _ in fields(cls)))

    def arrays(self) -> list[Floats]:
        """Return what is added to each metric, in the order of the fields."""
        return [getattr(self, metric.name) for metric in fields(self)]

    def take(self, kept: Ints) -> Coefficients:
        """Return those of some variables only."""
        return Coefficients(*(array[kept] for array in self.arrays()))

    def times(self, factor: Floats) -> Coefficients:
        """Return those of variables whose unit is `factor` times as large."""
        return Coefficients(*(array * factor for array in self.arrays()))


@dataclass(frozen=True)
class Membership:
    """A sparse 0/1 (or weighted) matrix in coordinate form: row `row[x]` holds `column[x]` with `weight[x]`.

    What a row says is linear: it adds up what its columns decide, by their weights.
    """

    row: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    column: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    weight: Floats = field(default_factory=lambda: np.zeros(0))


def names(rows: str, meaning: str = "", **more: Any) -> Any:
    """State a column of ids, by which the outside knows the rows."""
    return _field(tuple, "names", rows, meaning, more)


def choices(rows: str, meaning: str, allowed: Strings, **more: Any) -> Any:
    """State a column of words, each one of a few."""
    return _field(tuple, "choices", rows, meaning, {"allowed": allowed, **more})


def index(rows: str | Strings, points_to: str, meaning: str = "", **more: Any) -> Any:
    """State a column of positions in another table."""
    return _field(lambda: np.zeros(0, dtype=np.int64), "index", rows, meaning, {"points_to": _named(points_to), **more})


def labels(rows: str, meaning: str, **more: Any) -> Any:
    """State a column of whole numbers that are equal where what they stand for is the same."""
    return _field(lambda: np.zeros(0, dtype=np.int64), "labels", rows, meaning, more)


def counts(rows: str, symbol: str, meaning: str, unit: str, **more: Any) -> Any:
    """State a column of whole numbers that count something."""
    default = lambda: np.zeros(0, dtype=np.int64)  # noqa: E731
    return _field(default, "numbers", rows, meaning, {"symbol": symbol, "unit": unit, **more})


def numbers(rows: str | Strings, symbol: str, meaning: str, unit: str, **more: Any) -> Any:
    """State a column of numbers; of several tables, an array with one dimension for each."""
    shape = (0,) + (1,) * (len(_named(rows)) - 1)
    return _field(lambda: np.zeros(shape), "numbers", rows, meaning, {"symbol": symbol, "unit": unit, **more})


def flags(rows: str, meaning: str, **more: Any) -> Any:
    """State a column of yes or no."""
    return _field(lambda: np.zeros(0, dtype=np.bool_), "flags", rows, meaning, more)


def added(rows: str, symbol: str, meaning: str, **more: Any) -> Any:
    """State the `Coefficients` of a family of variables."""
    unit = "USD, kg, kWh, l, device-hours"
    return _field(Coefficients, "added", rows, meaning, {"symbol": symbol, "unit": unit, **more})


def members(rows: str, of: str | Strings, meaning: str, symbol: str = "", unit: str = "", **more: Any) -> Any:
    """State a `Membership`: which rows of the table `of` each row holds, with weights in `unit`; without one, each
    weight is 1, or the part that counts.
    """
    statement = {"points_to": _named(of), "symbol": symbol, "unit": unit, **more}
    return _field(Membership, "members", rows, meaning, statement)


def single(default: Any, symbol: str, meaning: str, unit: str) -> Any:
    """State one number of the problem as a whole."""
    return field(default=default, metadata={COLUMN: Column("single", (), meaning, symbol, unit)})


def table(kind: type[Any], *, in_proportion: bool = False, is_required: bool = False) -> Any:
    """State a table of the problem, empty unless given or required.

    `in_proportion`: whatever is asked by way of it treats the streams of a service in proportion to their demand, so
    that streams that are alike in it are one (see `formulations.streams`). Not stated, no streams are merged in a
    problem in which it has rows.
    """
    metadata = {IN_PROPORTION: in_proportion}
    return field(metadata=metadata) if is_required else field(default_factory=kind, metadata=metadata)


def _named(rows: str | Strings) -> Strings:
    return (rows,) if isinstance(rows, str) else rows


def _field(default: Any, kind: str, rows: str | Strings, meaning: str, more: dict[str, Any]) -> Any:
    is_required = more.pop("is_required", False)
    metadata = {COLUMN: Column(kind, _named(rows), meaning, **more)}
    return field(metadata=metadata) if is_required else field(default_factory=default, metadata=metadata)
