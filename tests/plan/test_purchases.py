"""Commitments to buy, on toys worked out by hand: charged by the term, split with on demand, told with their cost."""

from __future__ import annotations

import copy
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

import domicile
from optimizer.errors import InputError
from optimizer.plan.models import Plan
from optimizer.report import render_plan

RESERVED = {"id": "ri", "region": "r0", "sku": "g", "term": "1y", "usd_per_hour": 6.0}
ESTATE: dict[str, Any] = {
    "name": "to-buy",
    "horizon": {"start": "2027-01-01", "hours": 730},
    "catalogue": {
        "use": "inline",
        "inline": {
            "providers": [{"id": "p"}, {"id": "q"}],
            "regions": [{"id": "r0", "provider": "p", "country": "US"}, {"id": "r1", "provider": "q", "country": "DE"}],
            "offers": [{"sku": "g", "region": "r0", "accelerator": "X", "usd_per_hour": 10.0},
                       {"sku": "h", "region": "r0", "accelerator": "Y", "usd_per_hour": 4.0}],
        },
    },
    "laws": {"use": "none"},
    "target_utilisation": 1.0,
    "workloads": [
        {"id": "w", "kind": "service", "runs": {"throughput": {"X": 10}},
         "streams": [{"origin": "US", "rate": 20, "unit": "tokens/s"}]},
    ],
    "quotas": {"default_devices": 8},
}  # fmt: skip


def solved(buy: dict[str, Any] | None, **changes: Any) -> tuple[Plan, dict[str, float]]:
    """The plan of the estate, after an audit that finds nothing, and its cost by term, rounded."""
    data = {**copy.deepcopy(ESTATE), **copy.deepcopy(changes)}
    if buy is not None:
        data["buy"] = copy.deepcopy(buy)
    instance = domicile.load(data)
    plan = domicile.solve(instance)
    assert not domicile.audit(instance, plan).violations
    return plan, {term: round(value, 2) for term, value in plan.cost_breakdown_usd.items() if round(value, 2)}


def test_nothing_is_bought_unless_it_may_be() -> None:
    """Two instances at 10 USD for 730 h."""
    plan, cost = solved(None)
    assert cost == {"compute": 14_600.0}
    assert not plan.purchases


def test_a_month_is_charged_the_whole_year() -> None:
    """A year of one instance is 52,560 USD, a month of two on demand 14,600: nothing is bought."""
    plan, cost = solved({"instances": [RESERVED]})
    assert cost == {"compute": 14_600.0}
    assert not plan.purchases


@pytest.mark.parametrize(("months", "charged"), [(12, 8_760.0), (8, 13_140.0), (24, 8_760.0)])
def test_with_the_months_of_use_it_is_charged_its_part(months: float, charged: float) -> None:
    """Two years of 52,560 USD over 12 months of use, or 8; 24 months are two terms, each with its own year."""
    plan, cost = solved({"expected_use_months": months, "instances": [RESERVED]})
    assert cost == {"compute": charged}
    (row,) = plan.purchases
    assert (row.amount, row.used, row.idle_usd) == (2.0, 2.0, 0.0)
    assert (row.term_usd, row.upfront_usd, row.on_demand_usd) == (105_120.0, 0.0, 14_600.0)
    assert row.break_even_month == 8  # 105,120 / 14,600 = 7.2
    assert {p.purchase for p in plan.placements} == {"reserved"}
    assert plan.placements[0].commitments == {"ri": 2.0}


def test_one_month_less_and_it_does_not_pay() -> None:
    """Seven months of use: 105,120 / 7 = 15,017 USD for the month, on demand 14,600."""
    _, cost = solved({"expected_use_months": 7, "instances": [RESERVED]})
    assert cost == {"compute": 14_600.0}


def test_a_horizon_of_thirteen_months_is_charged_two_terms() -> None:
    """13 months: 189,800 USD on demand, two years of two instances 210,240; 25: three of 105,120 to 365,000."""
    for months, expected in ((13, {"compute": 189_800.0}), (25, {"compute": 315_360.0})):
        _, cost = solved({"instances": [RESERVED]}, horizon={"start": "2027-01-01", "hours": 730.0 * months})
        assert cost == expected


def test_peaks_stay_on_demand() -> None:
    """Ten months need one instance, two months three: one bought for 52,560 USD, two on demand for 2 * 14,600.

    Three bought: 157,680; none: 10 * 7,300 + 2 * 21,900 = 116,800; two: 105,120 + 14,600.
    """
    periods = [{"id": f"m{k}", "hours": 730} for k in range(12)]
    rate = [10.0] * 10 + [30.0] * 2
    workloads = copy.deepcopy(ESTATE["workloads"])
    workloads[0]["streams"][0]["rate"] = rate
    horizon = {"start": "2027-01-01", "periods": periods}
    plan, cost = solved({"instances": [RESERVED]}, workloads=workloads, horizon=horizon)
    assert cost == {"compute": 81_760.0}
    assert [(row.amount, row.idle_usd) for row in plan.purchases] == [(1.0, 0.0)]


def test_idle_months_are_the_cost_of_commitments() -> None:
    """Nine months need an instance: 52,560 USD for the year, a quarter of it idle; on demand 65,700."""
    periods = [{"id": f"m{k}", "hours": 730} for k in range(12)]
    workloads = copy.deepcopy(ESTATE["workloads"])
    workloads[0]["streams"][0]["rate"] = [10.0] * 9 + [0.0] * 3
    horizon = {"start": "2027-01-01", "periods": periods}
    plan, cost = solved({"instances": [RESERVED]}, workloads=workloads, horizon=horizon)
    assert cost == {"compute": 39_420.0, "commitments": 13_140.0}
    assert plan.purchases[0].idle_usd == pytest.approx(13_140.0)


def test_a_plan_covers_several_skus_in_turn() -> None:
    """X runs in the first half of a year, Y in the second; 6 USD/h cover one g or two h, all year: 52,560 USD.

    On demand: 4,380 h at 10 and 2 * 4,380 h at 4 USD, 78,840. Reserving each SKU for the year would be 105,120.
    """
    horizon = {"start": "2027-01-01", "periods": [{"id": "a", "hours": 4380}, {"id": "b", "hours": 4380}]}
    workloads = [
        {"id": "x", "kind": "service", "runs": {"throughput": {"X": 10}},
         "streams": [{"origin": "US", "rate": [10.0, 0.0], "unit": "tokens/s"}]},
        {"id": "y", "kind": "service", "runs": {"throughput": {"Y": 10}},
         "streams": [{"origin": "US", "rate": [0.0, 20.0], "unit": "tokens/s"}]},
    ]  # fmt: skip
    rates = [{"sku": "g", "usd_per_hour": 6.0}, {"sku": "h", "usd_per_hour": 2.0}, {"sku": "h", "region": "r0",
             "usd_per_hour": 3.0}]  # fmt: skip
    plan, cost = solved(
        {"plans": [{"id": "sp", "provider": "p", "term": "1y", "rates": rates, "payment": "partial_upfront"}]},
        workloads=workloads, horizon=horizon,
    )  # fmt: skip
    assert cost == {"compute": 52_560.0}
    (row,) = plan.purchases
    assert (row.unit, row.amount, row.region_id, row.upfront_usd) == ("USD/h", pytest.approx(6.0), None, 26_280.0)


def test_no_more_is_bought_than_there_is() -> None:
    """One instance of the two may be bought, 4,380 USD for the month; the other is on demand, 7,300."""
    plan, cost = solved({"expected_use_months": 12, "instances": [{**RESERVED, "max_instances": 1.9}]})
    assert cost == {"compute": 11_680.0}
    assert plan.purchases[0].amount == 1.0


def test_what_is_owned_comes_first_and_is_not_bought() -> None:
    """One owned instance is free; one is bought for 4,380 USD."""
    owned = [{"id": "mine", "region": "r0", "sku": "g", "instances": 1}]
    plan, cost = solved({"expected_use_months": 12, "instances": [RESERVED]}, commitments=owned)
    assert cost == {"compute": 4_380.0}
    assert plan.purchases[0].amount == 1.0


def test_a_workload_may_keep_away_from_what_is_bought() -> None:
    """`runs.purchase` names the ways of paying that are open."""
    workloads = copy.deepcopy(ESTATE["workloads"])
    workloads[0]["runs"]["purchase"] = ["on_demand"]
    _, cost = solved({"expected_use_months": 12, "instances": [RESERVED]}, workloads=workloads)
    assert cost == {"compute": 14_600.0}


def test_quotas_hold_for_what_is_bought() -> None:
    """One device may be had: what is bought does not come on top of it, so that 10 of 20 units/s stay unserved."""
    plan, _ = solved(
        {"expected_use_months": 12, "instances": [RESERVED]}, quotas={"default_devices": 1},
        unserved_usd_per_unit=1.0,
    )  # fmt: skip
    assert sum(row.per_s or 0.0 for row in plan.unserved) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("scope", "holds"),
    [({}, True), ({"providers": ["p"]}, True), ({"regions": ["r0"]}, True), ({"workloads": ["w"]}, True),
     ({"providers": ["q"]}, False)],
)  # fmt: skip
def test_money_budgets_count_what_is_bought(scope: dict[str, Any], holds: bool) -> None:
    """8,760 USD for the month, whatever selects it; a budget of another provider does not see it."""
    buy = {"expected_use_months": 12, "instances": [RESERVED]}
    plan, _ = solved(buy, budgets=[{"id": "b", "limit_usd": 8_760.0, "scope": scope}])
    assert plan.budgets[0].used == pytest.approx(8_760.0 if holds else 0.0)
    tight = {**copy.deepcopy(ESTATE), "buy": buy, "budgets": [{"id": "b", "limit_usd": 8_759.0, "scope": scope}]}
    assert (domicile.solve(domicile.load(tight)).status == "infeasible") is holds


def test_what_is_idle_counts_where_the_place_is_in_scope_and_not_for_a_workload() -> None:
    """Nine of twelve months are used, 39,420 of 52,560 USD."""
    horizon = {"start": "2027-01-01", "periods": [{"id": f"m{k}", "hours": 730} for k in range(12)]}
    workloads = copy.deepcopy(ESTATE["workloads"])
    workloads[0]["streams"][0]["rate"] = [10.0] * 9 + [0.0] * 3
    budgets = [
        {"id": "place", "limit_usd": 1e6, "scope": {"regions": ["r0"]}},
        {"id": "workload", "limit_usd": 1e6, "scope": {"workloads": ["w"]}},
        {"id": "months", "limit_usd": 1e6, "scope": {"periods": ["m0", "m11"]}},
    ]
    plan, _ = solved({"instances": [RESERVED]}, workloads=workloads, horizon=horizon, budgets=budgets)
    assert [round(row.used, 2) for row in plan.budgets] == [52_560.0, 39_420.0, 4_380.0]


def test_shares_of_compute_count_what_is_used() -> None:
    """At most half of compute money at p: without unserved demand there is no plan, bought or not."""
    policies = [{"kind": "provider_share", "id": "half", "providers": ["p"], "max_share": 0.5}]
    data = {**copy.deepcopy(ESTATE), "policies": policies, "buy": {"expected_use_months": 12, "instances": [RESERVED]}}
    assert domicile.solve(domicile.load(data)).status == "infeasible"


def test_of_listed_prices_for_the_same_only_the_lowest_charge_is_open() -> None:
    """Three years at 5 USD/h are charged less than one at 6, with 36 months of use; the dearer one is not there."""
    three = {**RESERVED, "id": "ri3", "term": "3y", "usd_per_hour": 5.0}
    plan, cost = solved({"expected_use_months": 36, "instances": [RESERVED, three]})
    assert cost == {"compute": 7_300.0}
    assert [row.id for row in plan.purchases] == ["ri3"]


@pytest.mark.parametrize(
    ("buy", "what"),
    [
        ({"instances": [{**RESERVED, "sku": "none"}]}, "unknown SKU"),
        ({"instances": [{**RESERVED, "region": "none"}]}, "unknown region"),
        ({"instances": [{"id": "ri", "region": "r0", "sku": "g", "term": "1y"}]}, "no price"),
        ({"instances": [{**RESERVED, "term": "soon"}]}, "term"),
        ({"instances": [RESERVED, RESERVED]}, "duplicate id of a commitment"),
        ({"plans": [{"id": "sp", "provider": "z", "term": "1y", "rates": [{"sku": "g", "usd_per_hour": 1}]}]},
         "unknown provider"),
        ({}, "nothing to buy"),
    ],
)  # fmt: skip
def test_what_cannot_be_bought_is_refused(buy: dict[str, Any], what: str) -> None:
    """An unknown name, no price, no term, one id twice."""
    with pytest.raises(InputError) as caught:
        domicile.solve(domicile.load({**copy.deepcopy(ESTATE), "buy": buy}))
    assert what in str(caught.value)


def test_idle_commitments_are_listed_with_what_they_cost() -> None:
    """Three owned, one of them in use: 2 * 730 h at 10 USD on demand, or at what it states."""
    owned = {"id": "mine", "region": "r0", "sku": "h", "instances": 3}
    plan, _ = solved(None, commitments=[owned])
    assert (plan.commitments[0].idle_usd, plan.commitments[0].idle_price) == (8_760.0, "on_demand")
    plan, _ = solved(None, commitments=[{**owned, "usd_per_hour": 1.5}])
    assert (plan.commitments[0].idle_usd, plan.commitments[0].idle_price) == (3_285.0, "stated")
    text = StringIO()
    render_plan(plan, Console(file=text, width=160))
    told = "commitment mine: 3 of 3 h in r0 idle in every period, paid already; idle hours cost 3,285"
    assert told in text.getvalue()


def test_the_text_says_what_to_buy() -> None:
    """Amount, term, price and the month from which it pays."""
    plan, _ = solved({"expected_use_months": 12, "instances": [RESERVED]})
    text = StringIO()
    render_plan(plan, Console(file=text, width=160))
    assert "To buy" in text.getvalue()
    for word in ("ri", "2 instances", "12 months", "105,120", "8,760", "month 8"):
        assert word in text.getvalue()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"amount": 1.0}, "purchase_cover"),
        ({"amount": 2.5, "term_usd": 131_400.0, "charged_usd": 10_950.0, "idle_usd": 2_190.0}, "integrality"),
        ({"charged_usd": 1.0}, "cost"),
        ({"term_usd": 1.0}, "cost"),
        ({"idle_usd": 5.0}, "cost"),
        ({"on_demand_usd": 1.0}, "cost"),
        ({"break_even_month": 2}, "statement"),
        ({"term_months": 36.0}, "statement"),
        ({"used": 1.0}, "use"),
        ({"id": "other"}, "unknown_id"),
    ],
)
def test_the_audit_finds_what_is_wrong_with_a_purchase(change: dict[str, Any], kind: str) -> None:
    """Each figure of the row is held against the audit's own."""
    data = {**copy.deepcopy(ESTATE), "buy": {"expected_use_months": 12, "instances": [RESERVED]}}
    instance = domicile.load(data)
    plan = domicile.solve(instance)
    wrong = plan.model_copy(update={"purchases": (plan.purchases[0].model_copy(update=change),)})
    assert kind in {one.kind for one in domicile.audit(instance, wrong).violations}


def test_a_purchase_that_is_left_out_is_missed() -> None:
    """What runs as reserved names a commitment that is for sale; without its row what runs on it is what is bought."""
    data = {**copy.deepcopy(ESTATE), "buy": {"expected_use_months": 12, "instances": [RESERVED]}}
    instance = domicile.load(data)
    plan = domicile.solve(instance)
    nameless = plan.model_copy(
        update={"placements": tuple(row.model_copy(update={"commitments": {}}) for row in plan.placements)}
    )
    assert "unknown_offer" in {one.kind for one in domicile.audit(instance, nameless).violations}
    silent = plan.model_copy(update={"purchases": ()})
    assert not domicile.audit(instance, silent).violations  # two are bought, by what runs on them


def test_what_an_earlier_plan_bought_is_owned_today() -> None:
    """A row of today that was reserved is read as committed."""
    data = {**copy.deepcopy(ESTATE), "buy": {"expected_use_months": 12, "instances": [RESERVED]}}
    plan = domicile.solve(domicile.load(data))
    rows = [{"workload": p.workload, "region": p.region_id, "sku": p.sku, "purchase": p.purchase,
             "instances": p.instances} for p in plan.placements]  # fmt: skip
    again = domicile.load({**copy.deepcopy(ESTATE), "current": {"placements": rows}})
    assert again.current is not None
    assert {row.purchase for row in again.current.placements} == {"committed"}
