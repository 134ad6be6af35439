"""What a plan says of today: moves, their cost, saving and payback, all worked out by hand; and what cannot go on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from today_toys import estate, running

import domicile
from optimizer.errors import InputError


def solved(data: dict[str, Any], **how: Any) -> domicile.Plan:
    return domicile.solve(domicile.load(data), gap=0.0, threads=1, **how)


def test_a_move_that_pays_is_made_and_said():
    """5 instances for 100 h: 5 USD/h at home, 2 USD/h away.

    Moving costs 7 USD, 6 of today's instances for 10 h at 5 USD (300), and 100 GB at 0.09 USD: 316 in all. Today's
    6 instances cost 3,000 USD, the plan runs at 1,000: 2,000 saved in 100 h, so that 316 are back after 15.8 h.
    """
    data = estate(current={"placements": running(instances=6), "move_usd": 7.0, "overlap_hours": 10.0}, state_gb=100.0)
    plan = solved(data)
    assert plan.objective_usd == pytest.approx(1316.0)
    assert plan.cost_breakdown_usd["moving"] == pytest.approx(316.0)
    (move,) = plan.relocations
    assert (move.workload, move.entered, move.left, move.sources) == ("svc", ("p:away",), ("p:home",), ("p:home",))
    assert (move.gb, move.cost_usd) == (100.0, pytest.approx(316.0))
    assert move.carbon_kg == pytest.approx(6 * (1.5 * 0.2 * 10 * 0.2 + 0.01 * 10))
    today = plan.today
    assert today is not None
    assert (today.running, today.moved) == (1, 1)
    assert today.moving_usd == pytest.approx(316.0)
    assert today.today_usd == pytest.approx(3000.0)
    assert today.saving_usd == pytest.approx(2000.0)
    assert today.payback_hours == pytest.approx(15.8)


@pytest.mark.parametrize(("move_usd", "moved", "cost"), [(1500.0, 0, 2500.0), (1499.0, 1, 2499.0)])
def test_a_move_that_does_not_pay_is_not_made(move_usd, moved, cost):
    """2,500 USD at home, 1,000 and the move away: at 1,500 USD the tie stays put, at 1,499 it moves."""
    plan = solved(estate(current={"placements": running(), "move_usd": move_usd}))
    assert plan.objective_usd == pytest.approx(cost)
    assert len(plan.relocations) == moved


def test_a_workload_has_its_own_price():
    """Its own 2,000 USD hold, whatever the default is."""
    plan = solved(estate(current={"placements": running(), "move_usd": 1.0}, move_usd=2000.0))
    assert plan.objective_usd == pytest.approx(2500.0)


@pytest.mark.parametrize(
    ("limit", "moved"),
    [({"max_moves": 0}, 0), ({"max_moves": 1}, 1), ({"max_moved_share": 0.49}, 0), ({"max_moved_share": 0.5}, 1)],
)
def test_a_limit_on_moves(limit, moved):
    """Of two services that would both move, none or one may."""
    data = estate(2, current={"placements": running("svc") + running("svc2"), **limit})
    plan = solved(data)
    assert len(plan.relocations) == moved
    assert plan.objective_usd == pytest.approx(1500.0 * (2 - moved) + 2 * 1000.0)


def test_what_may_not_move_and_may_not_stay_is_told():
    """Home is closed to one of two that run there, and nothing may move: the field would have to give one."""
    data = estate(current={"placements": running(), "max_moves": 0}, regions=["p:away"])
    plan = solved(data)
    assert plan.status == "infeasible"
    (short,) = plan.shortfalls
    assert (short.rule, short.id, short.by, short.unit) == ("field", "current.max_moves", 1.0, "workloads")


def test_a_new_workload_does_not_move():
    """What runs nowhere today pays nothing, and counts towards no limit."""
    data = estate(2, current={"placements": running("svc"), "move_usd": 5000.0, "max_moves": 0})
    plan = solved(data)
    assert plan.objective_usd == pytest.approx(2500.0 + 1000.0)
    assert plan.today is not None
    assert plan.today.why_not == ("not all workloads of the instance run today: svc2",)
    assert plan.today.saving_usd is None


def test_a_copy_that_lies_there_is_not_carried():
    """1,000 GB are read away: the copy of today there costs its storage, one that is not there the egress as well."""
    read = {"id": "d", "size_gb": 1000.0, "regions": ["p:away"], "readers": [{"workload": "svc", "gb": 1.0}]}
    usd = []
    for region in ("p:away", "p:home"):
        data = estate(current={"copies": [{"dataset": "d", "region": region}]}, datasets=[read])
        (copy,) = solved(data).copies
        usd.append(copy.cost_usd)
    storage = 1000.0 * 0.02 * 100 / 730
    assert usd == [pytest.approx(storage), pytest.approx(storage + 90.0)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (running(instances=4), "capacity"),
        (running(sku="gone"), "unknown_offer"),
        ([{"workload": "svc", "region": "p:home"}], "is not stated"),
        (running(period="t9"), "periods that the horizon does not have"),
    ],
)
def test_a_set_up_that_cannot_go_on_has_no_saving(rows, said):
    """Too few instances, an offer that is gone, no word on what runs, another horizon: no saving, and why."""
    today = solved(estate(current={"placements": rows})).today
    assert today is not None
    assert today.today_usd is None
    assert today.saving_usd is None
    assert said in today.why_not[0]


def test_an_unlawful_set_up_has_no_saving():
    """A policy closes the country that it runs in today."""
    policy = {"kind": "places", "id": "not-there", "deny": ["DE"]}
    plan = solved(estate(current={"placements": running()}, policies=[policy]))
    assert plan.today is not None
    assert plan.today.why_not[0].startswith("places: ")


def test_what_is_gone_is_named():
    """Workloads, datasets and offers of today that are no more: warnings, with what may be meant."""
    rows = [*running(), *running("svcc"), *running(sku="g9")]
    current = {"placements": rows, "copies": [{"dataset": "dd", "region": "p:home"}]}
    data = estate(current=current, datasets=[{"id": "d", "size_gb": 1.0}])
    warnings = " | ".join(solved(data).warnings)
    assert "svcc: no such workloads in the instance: their end costs nothing; maybe" in warnings
    assert "dd: no such datasets" in warnings
    assert "g9 in p:home (on_demand): not among the open offers any more" in warnings


@pytest.mark.parametrize(
    ("current", "where", "said"),
    [
        ({"placements": [{"workload": "svc", "region": "p:hom"}]}, "current.placements[0].region", "p:home"),
        ({"max_moves": 3}, "current.max_moves", "current.placements"),
        ({"placements": running(), "plan": "old.json"}, "current.plan", "placements"),
        ({"placements": [{"workload": "svc", "region": "p:home", "sku": "g1", "endpoint": "e"}]},
         "current.placements[0]", ""),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused(current, where, said):
    """Each error says where, and what may be meant."""
    with pytest.raises(InputError) as caught:
        domicile.load(estate(current=current))
    (issue,) = caught.value.issues
    assert issue.where == where
    assert said in (issue.maybe or "")


@pytest.mark.parametrize("rows", [[{"workload": "svc", "region": "p:home"}], running(sku="gone")])
def test_overlap_of_what_has_no_price_is_refused(rows):
    """To keep running what nobody states, or prices, costs an unknown amount; a stated price is taken."""
    with pytest.raises(InputError) as caught:
        solved(estate(current={"placements": rows, "overlap_hours": 1.0}))
    assert caught.value.issues[0].where == "current.placements[0]"
    priced = [{**rows[0], "sku": "gone", "instances": 2, "usd_per_hour": 3.0}]
    plan = solved(estate(current={"placements": priced, "overlap_hours": 1.0}))
    assert plan.cost_breakdown_usd["moving"] == pytest.approx(6.0)


@pytest.mark.parametrize("form", ["json", "tables", "mapping", "plan"])
def test_a_plan_is_what_runs_today(tmp_path, form):
    """A plan that was written is read back as what runs today: nothing moves, and nothing is saved."""
    before = solved(estate())
    stated: Any = "old.json"
    before.write(tmp_path / "old.json")
    if form == "tables":
        before.write_tables(tmp_path / "old")
        stated = "old"
    elif form == "mapping":
        stated = json.loads(before.to_json())
    elif form == "plan":
        stated = before
    data = estate(current={"plan": stated, "move_usd": 1.0})
    if form in ("mapping", "plan"):
        instance = domicile.load(data)
    else:
        (tmp_path / "instance.json").write_text(json.dumps(data))
        instance = domicile.load(tmp_path / "instance.json")
    plan = domicile.solve(instance, gap=0.0, threads=1)
    assert plan.relocations == ()
    assert plan.today is not None
    assert plan.today.today_usd == pytest.approx(before.objective_usd)
    assert plan.today.saving_usd == pytest.approx(0.0, abs=1e-6)


def test_no_plan_is_refused(tmp_path):
    """A file that holds no placements is named."""
    (tmp_path / "old.json").write_text('{"placements": []}')
    (tmp_path / "instance.json").write_text(json.dumps(estate(current={"plan": "old.json"})))
    with pytest.raises(InputError, match="places nothing"):
        domicile.load(tmp_path / "instance.json")


def test_tables_of_today(tmp_path):
    """`current` and `current_copies` are tables like all others."""
    (tmp_path / "today.csv").write_text("workload,region,sku,instances\nsvc,p:home,g1,6\n")
    (tmp_path / "copies.csv").write_text("dataset,region\nd,p:home\n")
    data = estate(datasets=[{"id": "d", "size_gb": 1.0}]) | {
        "tables": {"current": "today.csv", "current_copies": "copies.csv"}, "current": {"move_usd": 5000.0}
    }  # fmt: skip
    (tmp_path / "instance.json").write_text(json.dumps(data))
    instance = domicile.load(tmp_path / "instance.json")
    assert instance.current is not None
    assert instance.current.placements[0].instances == 6
    assert instance.current.copies[0].dataset == "d"


def test_the_terminal_says_it(capsys):
    """Moves, cost of moving, saving and payback stand in the headline."""
    from rich.console import Console

    from optimizer.report.plan_view import render_plan

    render_plan(solved(estate(current={"placements": running(instances=6), "move_usd": 300.0})), Console(width=120))
    told = capsys.readouterr().out
    for words in ("cost of moving", "300.00 USD", "saving", "2,000 USD", "payback", "15 h", "Moves away from today"):
        assert words in told


@pytest.mark.parametrize(
    ("table", "change", "kind"),
    [
        ("relocations", {"entered": ["p:home"]}, "statement"),
        ("relocations", {"cost_usd": 1.0}, "cost"),
        ("relocations", {"workload": "other"}, "relocation"),
        ("today", {"saving_usd": 9e6}, "cost"),
        ("today", {"moved": 7}, "statement"),
        ("cost_breakdown_usd", {"moving": 1.0}, "breakdown"),
    ],
)  # fmt: skip
def test_the_audit_finds_a_false_statement(table, change, kind):
    """A row, a figure or a term that is not what the placements come to."""
    instance = domicile.load(estate(current={"placements": running(instances=6), "move_usd": 300.0}))
    plan = json.loads(domicile.solve(instance, gap=0.0, threads=1).to_json())
    target = plan[table][0] if isinstance(plan[table], list) else plan[table]
    target.update(change)
    report = domicile.audit(instance, domicile.Plan.model_validate(plan))
    assert kind in {violation.kind for violation in report.violations}


def test_the_audit_finds_a_move_too_many():
    """A plan that moves, judged under an instance that lets nothing move."""
    data = estate(current={"placements": running()})
    plan = solved(data)
    data["current"]["max_moves"] = 0
    report = domicile.audit(domicile.load(data), plan)
    assert "relocation" in {violation.kind for violation in report.violations}
