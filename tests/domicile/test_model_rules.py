"""Every row of the model that somebody stated names the rule it stems from, and a rule says what it does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from test_model import _toy

import domicile
from formulations import CONSTRAINTS
from optimizer.errors import InputError

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from random_instances import random_instance

WHAT_THINGS_ARE = {
    "throughput", "cover", "covered", "present_flow", "present_instances", "present_gangs", "present_backed",
    "hours_held", "located", "one_place", "carried", "leaving", "transfer_limit", "country_backed", "read",
    "failover_capacity", "failover_present", "in_use", "copy_in_use", "moved_flow", "moved_instances",
    "moved_gangs", "entered_flow", "entered_instances", "entered_gangs", "place_in_use", "place_backed",
    "cost_cap",
}  # fmt: skip
"""Families of rows that say what variables mean; all others stem from what somebody stated."""


def test_every_family_of_rows_says_what_states_it():
    assert {name for name, rows in CONSTRAINTS.items() if not rows.stated_by} == WHAT_THINGS_ARE


@pytest.mark.parametrize("seed", range(60))
def test_every_stated_row_names_a_rule_that_the_model_knows(seed):
    """Of random instances: a row of the Pyomo model under its index, one rule at least, each with kind and sentence."""
    try:
        model = domicile.compile(domicile.load(random_instance(seed)))
    except domicile.InfeasibleError:
        return
    taken, rows = model.pyomo(), model.rows()
    names = {(row.component, row.index) for row in rows}
    for component in taken.component_objects(ctype=type(taken.demand)):
        family = component.local_name
        stated = {(family, index) for index in component} if family not in WHAT_THINGS_ARE else set()
        assert {name for name in names if name[0] == family} == stated
    assert all(row.rules for row in rows), [row for row in rows if not row.rules][:3]
    for rule in {rule for row in rows for rule in row.rules}:
        told = model.rule(rule)
        assert (told.id, told.kind) == (rule, rule.split(":", 1)[0])
        assert told.text
    table = model.rules()
    assert table["limits"].sum() + table["requires"].sum() + table["duties"].sum() == sum(len(r.rules) for r in rows)
    for rule, count in model.excluded_alone().items():
        assert table.excludes_alone[rule] >= count
        assert table.excludes[rule] >= table.excludes_alone[rule]


def test_what_each_rule_does_is_counted():
    """A toy: the quota of the south limits, a policy closes it to the stream, a penalty and a price charge."""
    inline = _toy().model_dump(mode="json")["catalogue"]["inline"]
    inline["regions"][0]["fixed_usd_per_hour"] = 0.5
    quotas = {"limits": [{"id": "south", "region": "p:south", "devices": 4.0}], "default_devices": 64.0}
    workload = {**_toy().model_dump(mode="json", exclude_none=True)["workloads"][0], "unserved_usd_per_unit": 9.0}
    model = domicile.compile(_toy(
        catalogue={"use": "inline", "inline": inline}, quotas=quotas, workloads=[workload],
        budgets=[{"id": "money", "limit_usd": 500.0}], carbon={"price_usd_per_tonne": 1.0},
        policies=[{"id": "one", "kind": "provider_share", "max_share": 0.9, "providers": ["p"]}],
    ))  # fmt: skip
    table = model.rules()
    assert table.loc["quota:south", "limits"] == 1
    assert table.loc["budget:money", "limits"] == 1
    assert table.loc["policy:one", "limits"] == 1
    assert table.loc["field:workloads[id=svc].streams", "limits"] == 1
    assert table.loc["field:workloads[id=svc].unserved_usd_per_unit", "charges"] == 1
    assert table.loc["field:catalogue.inline.regions[id=p:north].fixed_usd_per_hour", "charges"] == 1
    assert table.loc["field:carbon.price_usd_per_tonne", "charges"] > 0
    assert table.text["field:workloads[id=svc].unserved_usd_per_unit"].endswith(" = 9.0")
    (row,) = model.rows("quota:south")
    assert (row.component, row.index) == ("devices", ("south", "t0"))
    assert model.pyomo().devices[row.index].upper() == 4.0


@pytest.mark.parametrize(
    ("rule", "maybe"),
    [
        ("field:workloads[id=svd].streams", "svc"), ("field:datasets[id=d].min_copies", "no datasets 'd'"),
        ("budget:money", "no budget 'money'"), ("field:workloads[id=svc", "no workloads"),
        ("field:name[id=t].x", "no name"),
        ("field:workloads[id=svc].max_gangs", "no field 'max_gangs'"), ("field:workloads[id=svc].strams", "streams"),
    ],
)
def test_a_rule_that_is_none_of_the_instance_is_an_error(rule, maybe):
    with pytest.raises(InputError, match=maybe):
        domicile.compile(_toy()).rows(rule)


def test_a_copy_that_is_owed_once_something_is_done_names_its_law():
    """What a service that may go unserved keeps is owed by the law that asks for the copy."""
    from test_retained import estate, serving, stream

    model = domicile.compile(estate(serving(stream("a", 6), unserved_usd_per_unit=1.0)))
    (owed,) = [row for row in model.rows() if row.component == "owed"]
    assert owed.rules == ("law:ZZ-0",)
    assert model.rules().duties["law:ZZ-0"] == len(model.rows("law:ZZ-0"))
