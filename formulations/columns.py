"""What a table of a `Problem` states of each of its columns: whose rows it has, what it points to, unit and symbol.

A *table* is named by what one row of it is: workload, slot, flow, pool … Several names stand for one row per
combination: ("stream", "period"). `formulations.tables` derives from these statements all that has to know every table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Strings = tuple[str, ...]
Rules = tuple[Strings, ...]

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
    `charged_on`: the family of variables of which each unit is charged these numbers, USD under the cost term `term`;
    what `Coefficients` charge they say themselves. `is_penalty`: charged, yet no money spent. `stated_by`: the rule
    that charges it, see `rule_ids`.
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
    charged_on: str = ""
    term: str = ""
    is_penalty: bool = False
    stated_by: str = ""

    def __post_init__(self) -> None:
        if self.kind != "added" and bool(self.term) != bool(self.charged_on):
            raise TypeError("what is charged states both, its cost term (term) and the variables (charged_on)")


TOTALS = ("carbon_kg", "energy_kwh", "water_l", "device_hours")
"""What `Coefficients` always hold, beside money."""
PARTS = ("embodied_kg", "alone_kg", "high_kg", "high_embodied_kg", "high_kwh", "market_kg")
"""What they hold where it is not 0 everywhere: of carbon the embodied part; operational carbon of that of which no
embodied figure is known, so that it is in no total; what the high estimate adds to carbon, to
its embodied part and to energy; what suppliers' claims add to carbon (less than 0 where they claim less)."""
DERIVED: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "operational_kg": ("carbon_kg", ("alone_kg",), ("embodied_kg",)),
    "carbon_high_kg": ("carbon_kg", ("high_kg",), ()),
    "operational_high_kg": ("carbon_kg", ("high_kg", "alone_kg"), ("embodied_kg", "high_embodied_kg")),
    "energy_high_kwh": ("energy_kwh", ("high_kwh",), ()),
    "market_carbon_kg": ("carbon_kg", ("market_kg",), ()),
    "market_operational_kg": ("carbon_kg", ("market_kg",), ("embodied_kg",)),
}
"""Metrics that follow from a total by adding and taking away parts."""


@dataclass(frozen=True)
class Coefficients:
    """What one unit of each variable of a family adds to each metric; all arrays have the family's length.

    `cost` is money by cost term (compute, egress …), those alone that there are; `spend_usd` is their sum. The
    objective adds the carbon price to it. `parts` are those of PARTS that are not 0 everywhere.
    """

    cost: Mapping[str, Floats] = field(default_factory=dict)
    carbon_kg: Floats = field(default_factory=lambda: np.zeros(0))
    energy_kwh: Floats = field(default_factory=lambda: np.zeros(0))
    water_l: Floats = field(default_factory=lambda: np.zeros(0))
    device_hours: Floats = field(default_factory=lambda: np.zeros(0))
    parts: Mapping[str, Floats] = field(default_factory=dict)

    @classmethod
    def zeros(cls, size: int) -> Coefficients:
        """Return coefficients of `size` variables that add nothing."""
        totals: dict[str, Any] = {name: np.zeros(size) for name in TOTALS}
        return cls({}, **totals)

    @property
    def spend_usd(self) -> Floats:
        """Money as a whole."""
        return reduce(add, self.cost.values()) if self.cost else np.zeros(self.carbon_kg.size)

    def of(self, metric: str) -> Floats:
        """Return what is added to a metric: `spend_usd`, one term of it (`compute_usd`, 0 if there is none), a total, a
        part (0 if there is none) or what is derived from them.
        """
        if metric in PARTS:
            return self.parts.get(metric, np.zeros(self.carbon_kg.size))
        if metric in DERIVED:
            total, more, less = DERIVED[metric]
            value = getattr(self, total)
            for part in more:
                value = value + self.parts[part] if part in self.parts else value
            for part in less:
                value = value - self.parts[part] if part in self.parts else value
            return np.asarray(value)
        if metric == "spend_usd" or not metric.endswith("_usd"):
            return np.asarray(getattr(self, metric))
        term = self.cost.get(metric.removesuffix("_usd"))
        return np.zeros(self.carbon_kg.size) if term is None else term

    def named(self) -> dict[str, Floats]:
        """Return all arrays by name."""
        terms = {f"cost.{term}": self.cost[term] for term in sorted(self.cost)}
        totals = {name: getattr(self, name) for name in TOTALS}
        return {**terms, **totals, **{f"parts.{part}": self.parts[part] for part in sorted(self.parts)}}

    def each(self, change: Callable[[Floats], Floats]) -> Coefficients:
        """Return them with every array changed."""
        cost = {term: change(usd) for term, usd in self.cost.items()}
        parts = {part: change(values) for part, values in self.parts.items()}
        return Coefficients(cost, **{name: change(getattr(self, name)) for name in TOTALS}, parts=parts)


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


def rule_ids(rows: str, meaning: str) -> Any:
    """State a column of the rules that each row stems from, by their ids (`law:DE-SGBV-393`): a tuple of them.

    What is stated by rules names such a column (`pools.rules`) or says what the id of its one rule is, with the ids of
    the rows it belongs to: `budget:{budget}`, `field:workloads[id={workload}].max_gangs`.
    """
    return _field(tuple, "rules", rows, meaning, {"may_be_empty": True})


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


def added(rows: str, symbol: str, meaning: str, charged_on: str, **more: Any) -> Any:
    """State the `Coefficients` of a family of variables, which is over `rows`, or over `rows` and others."""
    statement = {"symbol": symbol, "unit": "USD, kg, kWh, l, device-hours", "charged_on": charged_on, **more}
    return _field(Coefficients, "added", rows, meaning, statement)


def members(rows: str, of: str | Strings, meaning: str, symbol: str = "", unit: str = "", **more: Any) -> Any:
    """State a `Membership`: which rows of the table `of` each row holds, with weights in `unit`; without one, each
    weight is 1, or the part that counts.
    """
    statement = {"points_to": _named(of), "symbol": symbol, "unit": unit, **more}
    return _field(Membership, "members", rows, meaning, statement)


def single(default: Any, symbol: str, meaning: str, unit: str, **more: Any) -> Any:
    """State one number of the problem as a whole."""
    return field(default=default, metadata={COLUMN: Column("single", (), meaning, symbol, unit, **more)})


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
