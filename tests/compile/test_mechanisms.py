"""Requirement rows and what lies behind them, by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from compile_toys import stream_mask
from law_worlds import catalogue, job, service, tables, world

import domicile
from formulations.problem import Flows
from optimizer.audit import audit
from optimizer.compile.datasets import build_datasets
from optimizer.compile.law import build_law_view
from optimizer.compile.mechanisms import build_mechanisms

PERSONAL = {"categories": ["personal"], "exporter": "DE"}
COSTS = [{"id": "SCC_EU", "one_off_usd": 3000.0, "yearly_usd": 1000.0}]
SMALL = {"de1": "DE", "us1": "US", "us2": "US", "in1": "IN"}


def _build(made):
    view = build_law_view(made)
    parts = tables(made)
    datasets = build_datasets(made, view, parts["slots"], parts["flows"], parts["services"])
    return parts, build_mechanisms(made, view, datasets=datasets, **parts)


def _members(made, parts, row, part):
    """Region ids of the flows (or slots) in a requirement row."""
    column = part.column[part.row == row]
    return sorted(made.regions.region_id[parts["slots"].region[column]])


def test_regions_with_the_same_importer_share_one_row():
    """Both US regions ask for SCC with p-us: one row with bound 10 (the demand); India has its own."""
    made = world(service(data=PERSONAL), catalogue=catalogue(SMALL), mechanism_costs=COSTS)
    parts, table = _build(made)
    assert table.problem.ids == ("SCC_EU:DE:p-in", "SCC_EU:DE:p-us")
    np.testing.assert_allclose(table.problem.cost_usd, 2000 / 12)
    assert table.problem.bound.tolist() == [10.0, 10.0]
    assert sorted(_members(made, parts, r, table.problem.by_flow) for r in range(2)) == [["in1"], ["us1", "us2"]]
    assert sorted(table.problem.satisfied_by.row) == [0, 1]


def test_one_row_per_stream_and_period():
    """Two streams and three periods make six rows for one importer, each bounded by its demand."""
    load = service(origins=("DE", "FR"), data=PERSONAL)
    load["streams"][0]["rate"] = [10.0, 20.0, 30.0]
    horizon = {"start": dt.date(2027, 1, 1), "hours": 30.0, "count": 3}
    places = {"de1": "DE", "us1": "US"}
    made = world(load, catalogue=catalogue(places), mechanism_costs=COSTS, horizon=horizon)
    _, table = _build(made)
    assert sorted(table.problem.bound) == [10.0, 10.0, 10.0, 10.0, 20.0, 30.0]
    assert table.problem.ids == ("SCC_EU:DE:p-us",)
    assert len(set(table.problem.requirement_ids)) == 6
    assert "EU-GDPR-CHV@chat/DE:t0" in table.problem.requirement_ids


def test_a_job_is_bounded_by_its_gangs():
    """Up to three gangs side by side: the row's bound is 3 and it holds the US slot."""
    data = {**PERSONAL, "subjects": ["DE"]}
    made = world(
        job(data=data, max_gangs=3, interruptible=True), catalogue=catalogue({"de1": "DE", "us1": "US"}),
        mechanism_costs=COSTS,
    )  # fmt: skip
    parts, table = _build(made)
    assert table.problem.bound.tolist() == [3.0]
    assert made.regions.region_id[parts["slots"].region[table.problem.by_gang.column]].tolist() == ["us1"]
    assert not len(table.problem.by_flow.row)


def test_a_copy_has_a_row_of_its_own():
    """A dataset of German persons may be copied to the US under SCC: bound 1."""
    dataset = {"id": "d", "size_gb": 100.0, "categories": ["personal"], "subjects": ["DE"], "exporter": "DE"}
    made = world(
        service(data={"categories": ["non_personal"]}), catalogue=catalogue({"de1": "DE", "us1": "US"}),
        mechanism_costs=COSTS, datasets=[dataset],
    )  # fmt: skip
    _, table = _build(made)
    assert table.problem.bound.tolist() == [1.0]
    assert table.problem.by_copy.column.tolist() == [1]
    assert table.problem.ids == ("SCC_EU:DE:p-us",)


def test_held_mechanisms_need_no_row_and_stay_in_the_table():
    """SCC held with p-us: no requirement for the US, yet the table names what satisfies it, at no cost."""
    held = {"mechanisms_held": [{"id": "SCC_EU", "importer": "p-us"}]}
    made = world(service(data=PERSONAL), catalogue=catalogue(SMALL), mechanism_costs=COSTS, legal_assertions=held)
    parts, table = _build(made)
    assert table.problem.ids == ("SCC_EU:DE:p-in",)
    assert table.problem.bound.tolist() == [10.0]
    chosen = table.chosen(np.zeros(1))
    flow = int(np.flatnonzero(made.regions.region_id[parts["slots"].region] == "us1")[0])
    (named,) = {chosen[s] for s in table.by_flow.column[table.by_flow.row == flow]}
    assert table.info[named].id == "SCC_EU:DE:p-us"
    assert table.info[named].held
    assert table.info[named].cost_usd == 0.0


def test_what_a_mechanism_is_not_charged_by_cannot_be_held():
    """BCR_EU is charged per exporter's group: held for an importer it counts for nothing, for an exporter it does."""
    for stated, rows in (({"importer": "p-us"}, 1), ({"exporter": "DE"}, 0), ({}, 0)):
        assertions = {"group_members": ["p-us"], "mechanisms_held": [{"id": "BCR_EU", **stated}]}
        made = world(
            service(data=PERSONAL), catalogue=catalogue({"us1": "US"}), mechanism_costs=COSTS,
            legal_assertions=assertions, quotas={"default_devices": 9},
        )  # fmt: skip
        _, table = _build(made)
        assert len(table.problem.bound) == rows
        plan = domicile.solve(made.instance)
        assert [row.mechanism for row in plan.mechanisms] == (["SCC_EU"] if rows else ["BCR_EU"])
        assert audit(made.instance, plan).violations == ()
        assert any("BCR_EU is held for importer p-us" in line for line in plan.warnings) == bool(rows)
        if rows:  # as if it counted: the audit reads the assertion for itself
            use = plan.mechanisms[0].model_copy(update={"mechanism": "BCR_EU", "key": ("DE",), "held": True,
                                                        "cost_usd": 0.0})  # fmt: skip
            relying = tuple(row.model_copy(update={"mechanisms": ("BCR_EU",)}) for row in plan.placements)
            forged = plan.model_copy(update={"mechanisms": (use,), "placements": relying})
            assert "mechanism_unavailable" in {v.kind for v in audit(made.instance, forged).violations}


def test_any_one_of_several_mechanisms_satisfies_a_row():
    """Inside the exporter's group SCC or BCR will do: one row, two mechanisms; the cheaper bought one is named."""
    costs = [*COSTS, {"id": "BCR_EU", "yearly_usd": 12.0}]
    made = world(
        service(data=PERSONAL), catalogue=catalogue({"de1": "DE", "us1": "US"}), mechanism_costs=costs,
        legal_assertions={"group_members": ["p-us"]}, start="2028-01-01",
    )  # fmt: skip
    _, table = _build(made)
    assert table.problem.ids == ("BCR_EU:DE", "SCC_EU:DE:p-us")
    assert table.problem.satisfied_by.column.tolist() == [0, 1]
    assert table.problem.satisfied_by.row.tolist() == [0, 0]
    assert table.info[table.chosen(np.array([1.0, 1.0]))[0]].id == "BCR_EU:DE"
    assert table.info[table.chosen(np.array([0.0, 1.0]))[0]].id == "SCC_EU:DE:p-us"
    assert table.chosen(np.zeros(2)).tolist() == [-1]


def test_nothing_is_asked_of_lawless_data():
    """Without personal data there is no mechanism and no row."""
    made = world(service(data={"categories": ["non_personal"]}), mechanism_costs=COSTS)
    _, table = _build(made)
    assert table.problem.ids == ()
    assert table.info == ()
    assert len(table.problem.bound) == 0


def test_every_flow_that_needs_a_mechanism_is_in_a_row():
    """Against a plain loop: the flows in rows are those whose judgement has a need that nothing held satisfies."""
    made = world(
        service("a", ("DE", "IN"), data=PERSONAL), service("b", ("FR",), data={**PERSONAL, "retention_hours": 5.0}),
        mechanism_costs=[*COSTS, {"id": "IN_SPDI", "yearly_usd": 1.0}],
    )  # fmt: skip
    parts, table = _build(made)
    view = build_law_view(made)
    expected = set()
    for q, (stream, slot) in enumerate(zip(parts["flows"].stream, parts["flows"].slot, strict=True)):
        mask = stream_mask(view, int(stream))
        judged = mask.table[mask.judgement[parts["slots"].offer[slot], parts["slots"].period[slot]]]
        if any(not need.held for need in judged.needs):
            expected.add(q)
    assert expected
    assert set(table.problem.by_flow.column.tolist()) == expected
    demand = parts["services"].demand_per_s
    for row in range(len(table.problem.bound)):
        streams = set(parts["flows"].stream[table.problem.by_flow.column[table.problem.by_flow.row == row]])
        assert len(streams) == 1
        assert table.problem.bound[row] == pytest.approx(demand[streams.pop(), 0])


def test_mechanisms_of_places_out_of_use_do_not_appear():
    """Only the German offer has slots: clauses for India and the US, though priced, are no variables."""
    made = world(service(data=PERSONAL), catalogue=catalogue(SMALL), mechanism_costs=COSTS)
    view, parts = build_law_view(made), tables(made)
    german = np.flatnonzero(made.regions.region_id[parts["slots"].region] == "de1")
    kept = np.isin(parts["flows"].slot, german)
    parts["flows"] = Flows(parts["flows"].stream[kept], parts["flows"].slot[kept])
    datasets = build_datasets(made, view, parts["slots"], parts["flows"], parts["services"])
    table = build_mechanisms(made, view, datasets=datasets, **parts)
    assert (table.problem.ids, table.info, table.sets) == ((), (), ())


@pytest.mark.parametrize(
    ("consent", "bought", "usd"),
    [(192.0, ["GENERIC_CONTRACT", "SCC_EU"], 15.0), (168.0, ["GENERIC_CONSENT"], 14.0)],
)
def test_both_of_two_or_a_third_whichever_is_cheaper(consent: float, bought: list[str], usd: float):
    """A twelfth of a year: clauses 10 and a contract 5 together, or consent for 16 and then for 14; the audit asks for
    both of two as well.
    """
    rule = "free:EEA;cond:*@(SCC_EU&GENERIC_CONTRACT)|GENERIC_CONSENT"
    fields = ("storage_rule", "processing_rule")
    both = [{"op": "set", "law": "EU-GDPR-CHV", "field": field, "value": rule} for field in fields]
    yearly = {"SCC_EU": 120.0, "GENERIC_CONTRACT": 60.0, "GENERIC_CONSENT": consent}
    made = world(
        service(data=PERSONAL), catalogue=catalogue({"us1": "US"}), laws={"patches": both},
        mechanism_costs=[{"id": name, "yearly_usd": cost} for name, cost in yearly.items()],
        quotas={"default_devices": 9},
    )  # fmt: skip
    plan = domicile.solve(made.instance)
    assert sorted(use.mechanism for use in plan.mechanisms) == bought
    assert sum(use.cost_usd for use in plan.mechanisms) == pytest.approx(usd)
    assert audit(made.instance, plan).violations == ()
    if len(bought) > 1:
        half = tuple(use for use in plan.mechanisms if use.mechanism != "SCC_EU")
        rows = tuple(row.model_copy(update={"mechanisms": ("GENERIC_CONTRACT",)}) for row in plan.placements)
        forged = plan.model_copy(update={"mechanisms": half, "placements": rows})
        kinds = {v.kind for v in audit(made.instance, forged).violations}
        assert {"mechanism_missing", "law_named"} <= kinds
