"""Budgets: limits, metrics, what is in scope, and the figures they need."""

from __future__ import annotations

import datetime as dt

import pytest
from law_worlds import catalogue, job, service, tables, world

from optimizer.compile.budgets import CARBON_PRICE, budget_needs, build_budgets
from optimizer.compile.datasets import build_datasets
from optimizer.compile.jobs import build_moves
from optimizer.compile.law import build_law_view

SMALL = {"de1": "DE", "fr1": "FR", "us1": "US"}
HALVES = {"start": dt.date(2027, 1, 1), "periods": [{"id": "a", "hours": 10.0}, {"id": "b", "hours": 20.0}]}


def _budget(scope=None, **limit):
    return {"id": "b", "scope": scope or {}, **(limit or {"limit_kg": 5.0})}


def _build(made):
    parts = tables(made)
    datasets = build_datasets(made, build_law_view(made), parts["slots"], parts["flows"], parts["services"])
    moves = build_moves(made, parts["jobs"], parts["slots"])
    budgets = build_budgets(made, parts["slots"], datasets, jobs=parts["jobs"], moves=moves)
    return parts, budgets, moves


@pytest.mark.parametrize(
    ("limit", "metric"),
    [("limit_kg", "carbon_kg"), ("limit_l", "water_l"), ("limit_kwh", "energy_kwh"), ("limit_usd", "spend_usd")],
)
def test_each_limit_has_its_metric(limit, metric):
    """kg, l, kWh and USD cap carbon, water, energy and spending; no scope means everything."""
    made = world(service(), catalogue=catalogue(SMALL), budgets=[_budget(**{limit: 7.0})])
    parts, budgets, _ = _build(made)
    assert (budgets.metric, budgets.limit.tolist(), budgets.whole.tolist()) == ((metric,), [7.0], [True])
    assert len(budgets.slots.column) == len(parts["slots"].workload)


SCOPES = [
    ({"tags": ["eu"]}, lambda w, r, t: w == "tagged"),
    ({"workloads": ["plain"]}, lambda w, r, t: w == "plain"),
    ({"providers": ["p-us"]}, lambda w, r, t: r == "us1"),
    ({"regions": ["fr1"]}, lambda w, r, t: r == "fr1"),
    ({"countries": ["DE", "US"]}, lambda w, r, t: r in ("de1", "us1")),
    ({"country_groups": ["EU27"]}, lambda w, r, t: r in ("de1", "fr1")),
    ({"periods": ["b"]}, lambda w, r, t: t == "b"),
    ({"tags": ["eu"], "countries": ["DE"], "periods": ["a"]}, lambda w, r, t: (w, r, t) == ("tagged", "de1", "a")),
    ({"countries": ["FR"], "country_groups": ["EU27"], "providers": ["p-us"]}, lambda w, r, t: False),
]


@pytest.mark.parametrize(("scope", "inside"), SCOPES)
def test_scopes_and_keys_and_or_values(scope, inside):
    """Keys are ANDed, values of a key ORed, against a plain loop over slots."""
    made = world(
        service("tagged", tags=["eu"]), service("plain"), catalogue=catalogue(SMALL), budgets=[_budget(scope)],
        horizon=HALVES,
    )  # fmt: skip
    parts, budgets, _ = _build(made)
    slots = parts["slots"]
    names = ["tagged", "plain"]
    expected = [
        i
        for i in range(len(slots.workload))
        if inside(names[slots.workload[i]], made.regions.region_id[slots.region[i]], "ab"[slots.period[i]])
    ]
    assert budgets.slots.column.tolist() == expected
    assert budgets.whole.tolist() == [False]


@pytest.mark.parametrize(
    ("scope", "copies", "transfers"),
    [
        ({}, 3, 9),
        ({"countries": ["DE"]}, 1, 3),
        ({"country_groups": ["EU27"]}, 2, 6),
        ({"workloads": ["chat"]}, 0, 0),
        ({"periods": ["a"]}, 0, 0),
    ],
)
def test_copies_belong_to_places_only(scope, copies, transfers):
    """Copies count by their region, transfers by their source; workloads, tags and periods leave them out."""
    dataset = {
        "id": "d", "size_gb": 1.0, "categories": ["non_personal"], "readers": [{"workload": "chat", "gb": 1.0}],
    }  # fmt: skip
    made = world(
        service(data={"categories": ["non_personal"]}), catalogue=catalogue(SMALL), datasets=[dataset], horizon=HALVES,
        budgets=[_budget(scope, limit_usd=1.0)],
    )  # fmt: skip
    _, budgets, _ = _build(made)
    assert len(budgets.copies.column) == copies
    assert len(budgets.transfers.column) == transfers


MOVE_SCOPES = [
    ({}, lambda source, t: True),
    ({"workloads": ["train"]}, lambda source, t: True),
    ({"workloads": ["chat"]}, lambda source, t: False),
    ({"countries": ["DE"]}, lambda source, t: source == "de1"),
    ({"country_groups": ["EU27"]}, lambda source, t: source in ("de1", "fr1")),
    ({"periods": ["b"]}, lambda source, t: t == "b"),
]


@pytest.mark.parametrize(("scope", "inside"), MOVE_SCOPES)
def test_moves_belong_to_their_job_their_source_and_the_period_they_precede(scope, inside):
    """Every (source, target, period) of a job that may move, by a plain loop; carbon budgets count none of them."""
    mover = job(interruptible=True, may_move=True, checkpoint_gb=5.0)
    priced = catalogue(SMALL)
    for region in priced["inline"]["regions"]:
        region["egress_usd_per_gb"] = 0.1
    for limit, counted in ({"limit_usd": 1.0}, True), ({"limit_kg": 1.0}, False):
        made = world(service(), mover, catalogue=priced, horizon=HALVES, budgets=[_budget(scope, **limit)])
        _, budgets, moves = _build(made)
        assert moves.job.size == 6
        names = made.regions.region_id[moves.source].tolist()
        expected = [2 * e + t for e, name in enumerate(names) for t in (0, 1) if counted and inside(name, "ab"[t])]
        assert budgets.moves.column.tolist() == expected


def test_a_budget_needs_figures_only_where_it_reaches():
    """A carbon budget on Germany needs carbon of the German offer; a money budget needs nothing."""
    budgets = [_budget({"countries": ["DE"]}), {"id": "money", "limit_usd": 1.0}]
    made = world(service(), catalogue=catalogue(SMALL), budgets=budgets)
    (need,) = budget_needs(made, 0)
    assert (need.figure, need.rule) == ("carbon", "b")
    assert made.offers.region_id[need.offers[:, 0]].tolist() == ["de1"]


def test_other_workloads_are_spared():
    """A water budget on the job leaves the service alone."""
    made = world(
        service(), job(), catalogue=catalogue(SMALL), budgets=[_budget({"workloads": ["train"]}, limit_l=1.0)]
    )
    assert budget_needs(made, 0) == ()
    assert [need.figure for need in budget_needs(made, 1)] == ["water"]


def test_a_carbon_price_and_energy_shares_need_figures_too():
    """A carbon price needs carbon everywhere; a share of energy needs energy in its scope."""
    share = {"kind": "country_share", "id": "home", "countries": ["DE"], "min_share": 0.5, "measure": "energy_kwh"}
    made = world(service(), catalogue=catalogue(SMALL), carbon={"price_usd_per_tonne": 80.0}, policies=[share])
    needs = {(need.figure, need.rule): int(need.offers.sum()) for need in budget_needs(made, 0)}
    assert needs == {("carbon", CARBON_PRICE): 3, ("energy", "home"): 3}
