"""Rows and charges know the rules that state them, by what they are over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from problem_toys import Builder
from test_formulation_build import CASES

from formulations import CONSTRAINTS, Problem, build_arrays
from formulations.families import rules_of
from formulations.tables import Tables, with_values


def with_rules(problem: Problem) -> Problem:
    """Return the problem with a rule of its own behind every row that can name one: `pools.rules:3`."""
    tables = Tables(problem)
    told = [one for one in tables.columns if one.column.kind == "rules"]
    values = [(one, tuple((f"{one.name}:{row}",) for row in range(tables.size(one.column.rows)))) for one in told]
    return with_values(problem, values)


@pytest.mark.parametrize("name", CASES)
def test_every_stated_row_of_a_toy_names_a_rule(name: str) -> None:
    problem = with_rules(CASES[name][0](False))
    arrays = build_arrays(problem)
    for number, family in enumerate(arrays.row_names):
        keys = arrays.row_key[arrays.row_component == number].astype(np.int64)
        found = rules_of(problem, family, keys)
        assert len(found) == keys.size
        assert all(bool(rules) == bool(CONSTRAINTS[family].stated_by) for rules in found), family


def test_rows_of_a_failure_name_the_rule_of_their_case() -> None:
    """Two services that must survive any region, each by a rule of its own."""
    b = Builder()
    regions = [b.region(), b.region()]
    for share in (0.5, 1.0):
        workload, (stream,) = b.service(10.0)
        for region in regions:
            b.flow(stream, b.slot(workload, region, capacity=10.0, usd=1.0))
        b.survive(workload, 0, share)
    problem = b.build()
    problem = replace(problem, survival=replace(problem.survival, rules=(("policy:half",), ("policy:all",))))
    arrays = build_arrays(problem)
    keys = arrays.row_key[arrays.row_component == arrays.row_names.index("failover_demand")].astype(np.int64)
    asked = arrays.row_lower[arrays.row_component == arrays.row_names.index("failover_demand")]
    rules = rules_of(problem, "failover_demand", keys)
    assert sorted(zip(asked.tolist(), rules, strict=True)) == [
        (5.0, ("policy:half",)), (5.0, ("policy:half",)), (10.0, ("policy:all",)), (10.0, ("policy:all",)),
    ]  # fmt: skip


def test_a_rule_is_named_by_what_a_row_belongs_to() -> None:
    """A template takes the ids of the workload, or of the budget, of each row; a column that is left out none."""
    b = Builder()
    workload, _ = b.service(4.0, 5.0)
    b.slot(workload, b.region())
    tables = Tables(b.build())
    at = np.arange(2)
    assert tables.rules(("stream", "period"), "field:workloads[id={workload}].streams", at) == [
        ("field:workloads[id=w0].streams",)
    ] * 2
    assert tables.rules(("pool",), "pools.rules", np.zeros(1, dtype=np.int64)) == [()]
    assert tables.rules(("stream",), "", at) == [(), ()]
