"""What is stated of a family of variables or of rows (`formulations.components` states it of every one)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from formulations.columns import Ints, Strings
from formulations.failures import find_failures
from formulations.problem import Problem

LOCAL, COUPLING = "local", "coupling"
LIMIT, NEED = "limit", "need"
WORK = {"workload": 1}

OVER: dict[str, Strings] = {
    "stream_period": ("stream", "period"), "workload_period": ("workload", "period"), "move": ("move", "period"),
    "slot_offer": ("slot",), "slot_period": ("slot",), "slot_region_period": ("slot",), "flow_region_period": ("flow",),
    "copy_country": ("copy",), "flow_mover_period": ("flow",), "slot_mover_period": ("slot",),
    "bounded": ("bounded workload",), "dataset_region": ("dataset", "region"),
    "job_region_period": ("job", "region", "period"), "one": (), "failure": (), "failover_demand": (),
    "failover_rate": (), "failover_copy": (), "failover_route": (),
}  # fmt: skip
"""By kind of index the table whose row the number of an entry is, where it is not the one of that name."""


@dataclass(frozen=True)
class Variable:
    """A family of variables: symbol, kind of its index, values, what one of them is, and which of the table have one.

    `rows`: by position of the family its row of the table `flow`, where it is over no table itself. `counted_in`: as of
    a column. `is_count`: it counts whole things, whatever the domain that the model gives it. `is_item`: a plan is the
    better for having fewer of it, though it need not be whole. `follows`: what it may be follows from other families
    and from which rows the tables have. `comes_first`: of plans of one cost that with the fewest of it is the better,
    whatever else they hold.
    """

    symbol: str
    index: str
    values: str
    sentence: str
    which: str
    module: str
    counted_in: Mapping[str, int] = field(default_factory=dict)
    rows: Callable[[Problem], Ints] | None = None
    is_count: bool = False
    is_item: bool = False
    follows: bool = False
    comes_first: bool = False

    @property
    def over(self) -> Strings:
        """The table, or the tables, that the family is over."""
        return ("flow",) if self.rows is not None else OVER.get(self.index, (self.index,))

    @property
    def doc(self) -> str:
        """Return what a reader of the component is told."""
        return f"{self.symbol}, {self.values}: {self.sentence}" if self.symbol else f"{self.values}: {self.sentence}"


@dataclass(frozen=True)
class Rows:
    """A family of constraint rows: local or coupling, kind of its index, equation, and what it asks.

    `gives`: what a diagnosis may change, a limit that somebody set (rows with an upper side) or, where no limit helps,
    a need; by a rise of its side if `rises`, else by a fall. `is_link`: it says only that nothing is where a region, or
    a workload in it, is not. `is_implied`: it follows from others, for branch and bound alone. `stated_by`: the rules
    that its rows stem from (see `formulations.columns.rule_ids`), "" where it says what things are; they are those of
    a `case` of survival, by entry, where that is given. `switched_by`: the family of the one binary of a workload
    without which nothing else in the row may be: sum of the rest <= B x that binary.
    """

    kind: str
    index: str
    equation: str
    sentence: str
    module: str
    gives: str = ""
    rises: bool = False
    is_link: bool = False
    is_implied: bool = False
    stated_by: str = ""
    case: Callable[[Problem], Ints] | None = None
    switched_by: str = ""

    @property
    def over(self) -> Strings:
        """The table, or the tables, that the family is over."""
        return OVER.get(self.index, (self.index,))

    @property
    def doc(self) -> str:
        """Return what a reader of the component is told."""
        return f"{self.equation}: {self.sentence}"


def failing_flows(problem: Problem) -> Ints:
    """Return by failure flow the row of the table `flow` that takes over."""
    return find_failures(problem).flow


def case_of(table: str, event: int) -> Callable[[Problem], Ints]:
    """Return what tells the case of each row of a table of `formulations.survival`, whose index has the event here."""

    def case(problem: Problem) -> Ints:
        from formulations import survival

        failures = find_failures(problem)
        return failures.event_case[getattr(survival, table)(problem, failures).index[event]]

    return case


def field_of(name: str, of: str = "workload") -> str:
    """Return the rule that a field of the instance is, by the id of what it belongs to."""
    return f"field:{of}s[id={{{of}}}].{name}"
