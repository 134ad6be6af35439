"""What each rule of an instance does: the options it excludes, the rows and charges of the model that stem from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from formulations import build_arrays
from formulations.families import CONSTRAINTS, rules_of
from formulations.labels import Key, Names
from formulations.objective import CARBON_PRICE, charges
from formulations.tables import Tables
from optimizer.compile.rules import RuleBook, RuleKey, key_of

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.compile.assemble import Compiled

COLUMNS = ("kind", "source", "text", "excludes", "excludes_alone", "closes", "limits", "requires", "duties", "charges")
KIND_OF = {"requirement": "requires", "failover_requirement": "requires", "duty": "duties", "owed": "duties"}
"""What a family of rows does where it does not limit."""


@dataclass(frozen=True)
class StatedRow:
    """A row of the Pyomo model, by component and index, and the ids of the rules that it stems from."""

    component: str
    index: Key
    rules: tuple[str, ...]


def stated_rows(compiled: Compiled) -> Iterator[StatedRow]:
    """Yield the rows of the model that stem from rules; the others say what variables are."""
    problem = compiled.problem
    arrays, names = build_arrays(problem), Names(problem, compiled.labels)
    for number, family in enumerate(arrays.row_names):
        keys = arrays.row_key[arrays.row_component == number].astype(np.int64)
        if CONSTRAINTS[family].stated_by and keys.size:
            found = rules_of(problem, family, keys)
            yield from map(StatedRow, [family] * keys.size, names.of(family, keys), found)


def charged_variables(compiled: Compiled) -> Counter[str]:
    """Count by rule the variables that it charges: mechanisms, regions, what is left unserved, the price of carbon."""
    problem, found = compiled.problem, Counter[str]()
    tables = Tables(problem)
    carbon = next(one.column.stated_by for one in tables.columns if one.field == "carbon_price_usd_per_kg")
    for charge in charges(problem):
        charged = np.flatnonzero(charge.usd)
        if charge.term == CARBON_PRICE:
            found[carbon] += charged.size
        elif charge.column.stated_by and charged.size:
            found.update(rule for (rule,) in tables.rules(charge.column.rows, charge.column.stated_by, charged))
    return found


def effects(compiled: Compiled) -> pd.DataFrame:
    """Return a table of all rules that do something, by id: kind, source, text, and how much each does.

    `excludes`: options, (workload, stream, offer) or (dataset, region), and `excludes_alone` those that it alone
    excludes; `closes`: offers shut for every workload; `limits`, `requires`, `duties`: rows of the model; `charges`:
    variables.
    """
    import pandas as pd

    counts: dict[str, Counter[str]] = {name: Counter() for name in COLUMNS[3:]}
    for ledger in (compiled.ledger, compiled.datasets.ledger):
        counts["excludes"].update({key.id: count for key, count in ledger.excluded().items()})
        counts["excludes_alone"].update({key.id: count for key, count in ledger.alone().items()})
    for (reason, rule), count in compiled.ledger.closed.items():
        counts["closes"][key_of(reason, rule or None, "closed").id] += count
    for row in stated_rows(compiled):
        counts[KIND_OF.get(row.component, "limits")].update(row.rules)
    counts["charges"] = charged_variables(compiled)
    ids = sorted(set().union(*counts.values()))
    book = RuleBook(compiled.world)
    known = [book.rule(RuleKey(*one.split(":", 1))) for one in ids]
    told = {name: np.array([getattr(one, name) for one in known], dtype=object) for name in COLUMNS[:3]}
    table = pd.DataFrame(told, index=pd.Index(ids, name="rule"))
    for name, found in counts.items():
        table[name] = [found[one] for one in ids]
    return table
