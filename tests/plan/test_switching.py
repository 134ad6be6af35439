"""Figures whose error would change the plan: values by hand, and solves on both sides of them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console
from today_toys import estate

import domicile
from optimizer.audit import audit
from optimizer.report import render_plan


def _instance(prices: tuple[float, float] = (5.0, 2.0), **more: Any) -> domicile.Instance:
    """A service on five X for 100 h, at home or away; prices by the hour."""
    data = estate(**more)
    for offer, usd in zip(data["catalogue"]["inline"]["offers"], prices, strict=True):
        offer["usd_per_hour"] = usd
    return domicile.load(data)


def _regions(plan: domicile.Plan) -> set[str]:
    return {row.region_id for row in plan.placements}


def test_the_value_is_the_price_of_the_next_best():
    """Away at 2 USD/h until it costs the 5 USD/h of home; a solve at 4.99 stays, one at 5.01 does not."""
    instance = _instance()
    plan = domicile.solve(instance, switching=3, gap=1e-6)
    (row,) = plan.switching
    assert (row.of, row.workloads, row.value, row.unit) == ("p:away:g1:on_demand", ("svc",), 2.0, "USD/h")
    assert row.switches_at == pytest.approx(5.0, rel=1e-4)
    assert row.sentence == (
        "svc leaves p:away for g1 in p:home once g1 in p:away is above 5 USD/h; the figure is 2, stated"
    )
    assert audit(instance, plan).ok
    for usd, region in ((row.switches_at - 0.01, "p:away"), (row.switches_at + 0.01, "p:home")):
        assert _regions(domicile.solve(_instance((5.0, usd)))) == {region}


def test_a_plan_that_changes_by_steps_changes_at_the_first():
    """The fixed 200 USD of home is paid once two services of 500 h leave; of 7 USD/h above it is the first to go.

    Two services, 5 instances each, 100 h; home costs 5 USD/h and 200 USD in all: both leave at 2 + (5 - 2) + 200/1000
    = 5.2 USD/h; at 5.19 both stay.
    """
    data = estate(services=2)
    data["catalogue"]["inline"]["regions"][0]["fixed_usd_per_hour"] = 2.0
    plan = domicile.solve(domicile.load(data), switching=1, gap=1e-6)
    (row,) = plan.switching
    assert row.switches_at == pytest.approx(5.2, rel=1e-4)
    for usd, region in ((5.19, "p:away"), (5.21, "p:home")):
        data["catalogue"]["inline"]["offers"][1]["usd_per_hour"] = usd
        assert _regions(domicile.solve(domicile.load(data))) == {region}


def test_newton_stops_at_the_first_plan_that_is_cheaper():
    """A quota of three at home: three of the five go there at 5 USD/h, though all cannot; with a third region at 8
    USD/h three go home first as well, though all have left only at 8.
    """
    tight = {"quotas": {"default_devices": 64.0, "limits": [{"region": "p:home", "accelerator": "X", "devices": 3.0}]}}
    (alone,) = domicile.solve(_instance(**tight), switching=3, gap=1e-6).switching
    assert alone.switches_at == pytest.approx(5.0, rel=1e-4)
    assert alone.sentence.startswith("svc changes places for g1 in p:home once")
    data = estate(**tight)
    inline = data["catalogue"]["inline"]
    inline["regions"].append({**inline["regions"][1], "id": "p:far", "country": "ES"})
    inline["offers"].append({**inline["offers"][1], "region": "p:far", "usd_per_hour": 8.0})
    inline["network"].append({"origin": "DE", "region": "p:far", "rtt_ms": 20.0})
    plan = domicile.solve(domicile.load(data), switching=3, gap=1e-6)
    (row,) = plan.switching
    assert row.switches_at == pytest.approx(5.0, rel=1e-3)
    for usd, regions in ((4.99, {"p:away"}), (5.01, {"p:away", "p:home"}), (8.01, {"p:home", "p:far"})):
        inline["offers"][1]["usd_per_hour"] = usd
        assert _regions(domicile.solve(domicile.load(data))) == regions


def test_what_no_tenfold_price_moves_is_not_told_and_zero_asks_nothing():
    """Home at 500 USD/h is no alternative to 2 USD/h within tenfold."""
    assert domicile.solve(_instance((500.0, 2.0)), switching=3).switching == ()
    assert domicile.solve(_instance()).switching == ()
    for wrong in (-1, 2.5, True, 21):
        with pytest.raises(domicile.InputError, match="switching"):
            domicile.solve(_instance(), switching=wrong)  # type: ignore[arg-type]


def test_discounts_are_in_the_price_and_the_text_says_it():
    """Half price at p: 1 USD/h counts, and the plan changes at 2.50, where home costs as much after the discount."""
    instance = _instance(discounts=[{"provider": "p", "percent": 50.0, "applies_to": ["compute"]}])
    plan = domicile.solve(instance, switching=3, gap=1e-6)
    (row,) = plan.switching
    assert (row.value, row.switches_at) == (pytest.approx(1.0), pytest.approx(2.5, rel=1e-4))
    assert audit(instance, plan).ok
    stream = io.StringIO()
    render_plan(plan, Console(file=stream, width=200, no_color=True))
    assert "- svc leaves p:away for g1 in p:home once g1 in p:away is above 2.5 USD/h" in stream.getvalue()


def test_the_audit_refuses_other_prices_and_offers():
    """A price that is not the offer's, one of an offer that is not used, a value below the price."""
    instance = _instance()
    plan = domicile.solve(instance, switching=1)
    (row,) = plan.switching
    for lie in ({"value": 3.0}, {"of": "p:home:g1:on_demand"}, {"switches_at": 1.0}, {"workloads": ("other",)}):
        told = audit(instance, plan.model_copy(update={"switching": (row.model_copy(update=lie),)}))
        assert {v.kind for v in told.violations} == {"statement"}, lie


def _told(plan: domicile.Plan, figure: str) -> Any:
    (row,) = (row for row in plan.switching if row.figure == figure)
    return row


def test_an_endpoint_is_left_where_machines_cost_as_much():
    """35 units/s for 100 h are 12.6 million units; at 50 USD per million the endpoint costs 630 USD, machines away
    1,000: it is left above 79.37 USD per million.
    """
    data = estate()
    service = data["workloads"][0]
    service["runs"] |= {"model": "m", "via": ["instance", "endpoint"]}
    data["quotas"]["default_endpoint_units_per_s"] = 100.0
    data["catalogue"]["inline"]["endpoints"] = [{"id": "m-api", "region": "p:away", "model": "m", "usd_per_unit": 5e-5}]
    instance = domicile.load(data)
    plan = domicile.solve(instance, switching=5, gap=1e-6)
    row = _told(plan, "price")
    assert (row.of, row.unit, row.workloads) == ("p:away:m-api", "USD/unit", ("svc",))
    assert row.switches_at == pytest.approx(1000 / 12.6e6, rel=1e-3)
    assert "svc changes machines for g1 in p:away once m-api in p:away is above" in row.sentence
    assert audit(instance, plan).ok


def _with_data(**more: Any) -> domicile.Instance:
    """The service away reads nothing; 1,000 GB lie in one copy, at home at 0.05 or away at 0.02 USD/GB-month."""
    data = estate(**more)
    home = data["catalogue"]["inline"]["regions"][0]
    home["storage_usd_per_gb_month"] = 0.05
    data["datasets"] = [{"id": "d", "size_gb": 1000.0, "categories": ["non_personal"]}]
    return domicile.load(data)


def test_a_copy_leaves_where_storage_elsewhere_is_cheaper():
    """0.02 USD/GB-month away until it costs the 0.05 of home."""
    instance = _with_data()
    plan = domicile.solve(instance, switching=5, gap=1e-6)
    row = _told(plan, "storage price")
    assert (row.of, row.value, row.unit) == ("p:away", pytest.approx(0.02), "USD/GB-month")
    assert row.switches_at == pytest.approx(0.05, rel=1e-2)
    assert row.sentence.startswith("the copy of d leaves p:away for p:home once storage in p:away is above 0.05")
    assert audit(instance, plan).ok


def test_answers_leave_where_sending_elsewhere_is_cheaper():
    """1e-4 GB a unit are 1,260 GB: at 0.09 USD/GB everywhere 113.40 USD. Home costs 1,500 USD more in machines, so that
    svc goes home once sending from away is above 0.09 + 1,500 / 1,260 = 1.28 USD/GB: more than tenfold; with home at
    2.5 USD/h it is 250 USD and 0.2884.
    """
    data = estate()
    data["workloads"][0]["response_gb_per_unit"] = 1e-4
    data["catalogue"]["inline"]["offers"][0]["usd_per_hour"] = 2.5
    instance = domicile.load(data)
    plan = domicile.solve(instance, switching=5, gap=1e-6)
    row = _told(plan, "egress price")
    assert (row.of, row.value, row.unit) == ("p:away", 0.09, "USD/GB")
    assert row.switches_at == pytest.approx(0.09 + 250 / 1260, rel=1e-3)
    assert "svc leaves p:away for g1 in p:home once sending in p:away is above" in row.sentence
    assert audit(instance, plan).ok


def test_power_and_pue_break_the_budget_that_counts_them():
    """Five machines at 3.5 of 5 x 10 units/s draw 0.2 + 0.8 x 0.7 = 0.76 kW each: 5 x 0.76 x 100 h x 1.5 = 570 kWh, at
    200 g 114 kg, and 5 kg embodied. A budget of 130 kg breaks at (130 - 5) / 114 = 1.0965 times.
    """
    instance = _instance(budgets=[{"id": "carbon", "limit_kg": 130.0}])
    plan = domicile.solve(instance, switching=5, gap=1e-6)
    for figure, of, value in (("power", "p:g1", 1.0), ("PUE", "p:away", 1.5)):
        row = _told(plan, figure)
        assert (row.of, row.value) == (of, value)
        assert row.switches_at == pytest.approx(value * 125 / 114, rel=1e-6)
        assert row.sentence.startswith("budget carbon no longer holds once the ")
    assert audit(instance, plan).ok
    for pue, status in ((1.5 * 1.096, "optimal"), (1.5 * 1.097, "infeasible")):
        data = estate(budgets=[{"id": "carbon", "limit_kg": 130.0}])
        for region in data["catalogue"]["inline"]["regions"]:
            region["pue"] = pue
        assert domicile.solve(domicile.load(data)).status == status


def test_a_price_on_carbon_makes_power_a_cost():
    """At 10,000 USD/t away costs 1,000 + 1,140 + 50 USD, of which power is 1,140; home, at a PUE of 1.2, 2,500 + 912 +
    50. With both SKUs apart the plan changes once 1,050 + 1,140 f = 3,462, at f = 2.1158.
    """
    data = estate(carbon={"price_usd_per_tonne": 10_000.0})
    inline = data["catalogue"]["inline"]
    inline["regions"][0]["pue"] = 1.2
    inline["offers"][1]["sku"] = "g2"
    instance = domicile.load(data)
    plan = domicile.solve(instance, switching=5, gap=1e-6)
    row = _told(plan, "power")
    assert (row.of, row.switches_at) == ("p:g2", pytest.approx((3462 - 1050) / 1140, rel=1e-3))
    assert audit(instance, plan).ok


def _job(**more: Any) -> dict[str, Any]:
    """A job of 360,000 units, 10 h of one X at 10 units/s, on X at 2 USD/h or Y (20 units/s) at 10 USD/h."""
    data = estate()
    inline = data["catalogue"]["inline"]
    inline["offers"] = [
        {**inline["offers"][1], "sku": "x"}, {**inline["offers"][1], "sku": "y", "accelerator": "Y", "usd_per_hour": 10}
    ]  # fmt: skip
    own = {key: more.pop(key) for key in ("deadline_hours",) if key in more}
    job = {"id": "job", "kind": "job", "runs": {"throughput": {"X": 10.0, "Y": 20.0}}, "work": 360_000,
           "unit": "units", **own}  # fmt: skip
    return {**data, "workloads": [job], **more}


def test_a_job_changes_machines_where_slower_ones_cost_more():
    """10 h at 2 USD are 20 USD, 5 h of Y at 10 USD are 50: X is left below 10 x 20 / 50 = 4 units/s; with a deadline
    of 20 h below 5 units/s, where it ends too late.
    """
    for more, value, words in (
        ({}, 4.0, "job changes machines for y in p:away"), ({"deadline_hours": 20.0}, 5.0, "job ends too late")
    ):  # fmt: skip
        instance = domicile.load(_job(**more))
        plan = domicile.solve(instance, switching=5, gap=1e-6)
        row = _told(plan, "speed")
        assert (row.of, row.value, row.unit) == ("p:away:x:on_demand", 10.0, "units/s")
        assert row.switches_at == pytest.approx(value, rel=1e-4)
        assert row.sentence.startswith(words)
        assert audit(instance, plan).ok


def test_a_price_on_carbon_makes_the_time_of_a_job_dearer():
    """An hour of X costs 2 USD and (1.5 kWh at 200 g and 0.01 kg at 1,000 USD/t) 0.31 USD, one of Y 10.31: X is left
    below 10 x 23.1 / 51.55 units/s.
    """
    plan = domicile.solve(domicile.load(_job(carbon={"price_usd_per_tonne": 1000.0})), switching=9, gap=1e-6)
    assert _told(plan, "speed").switches_at == pytest.approx(10 * 23.1 / 51.55, rel=1e-4)


def test_a_service_goes_elsewhere_where_more_machines_cost_more():
    """Five X at 2 USD/h serve 35 units/s at 7 each; three Y at 12 each cost 4.2 USD/h a piece, 12.6 USD/h. X is left
    where seven are needed, below 35 / (0.7 x 6) = 8.33 units/s; told to a seventh.
    """
    data = estate()
    inline = data["catalogue"]["inline"]
    away = inline["offers"][1]
    inline["offers"] = [away, {**away, "sku": "y", "accelerator": "Y", "usd_per_hour": 4.2}]
    data["workloads"][0]["runs"]["throughput"]["Y"] = 12.0 / 0.7
    instance = domicile.load(data)
    plan = domicile.solve(instance, switching=5, gap=1e-6)
    row = _told(plan, "speed")
    assert 35 / 4.2 / 3 ** (1 / 8) <= row.switches_at <= 35 / 4.2
    assert row.sentence.startswith("svc changes machines for y in p:away once svc on g1 in p:away is below")
    assert audit(instance, plan).ok


def test_what_changes_a_share_or_a_money_budget_is_not_asked_or_breaks_it():
    """1,000 USD of 1,100 allowed: the price breaks the budget at 1.1 times, before the next best is cheaper."""
    instance = _instance(budgets=[{"id": "money", "limit_usd": 1100.0}])
    row = _told(domicile.solve(instance, switching=5, gap=1e-6), "price")
    assert (row.switches_at, row.sentence[:30]) == (pytest.approx(2.2), "budget money no longer holds o")
    share = {"kind": "provider_share", "id": "s", "providers": ["p"], "max_share": 1.0, "measure": "compute_usd"}
    assert all(row.figure != "price" for row in domicile.solve(_instance(policies=[share]), switching=5).switching)


def test_what_budgets_hold_is_reckoned_once_for_all_figures(monkeypatch):
    """Three services under a budget of carbon: a price, a PUE, a power and three speeds, and the budget's use is summed
    once.
    """
    from optimizer.compile import compile_instance
    from optimizer.figures import Held, figures_of
    from optimizer.plan import usage
    from optimizer.solve import solve_problem

    data = estate(services=3, budgets=[{"id": "carbon", "limit_kg": 1e6}])
    compiled = compile_instance(domicile.load(data))
    held = Held.of(compiled, solve_problem(compiled.problem, gap=1e-6).values)
    asked: list[int] = []
    whole = usage.budgets_of
    monkeypatch.setattr(usage, "budgets_of", lambda *held: (asked.append(1), whole(*held))[1])
    found = figures_of(held)
    assert len([one for one in found if one.name == "speed"]) == 3
    assert len(asked) == 1
    (price,) = [one for one in found if one.name == "price"]
    assert price.paid_usd == pytest.approx(3 * 1000.0)  # 5 instances x 100 h x 2 USD/h of each
    (power,) = [one for one in found if one.name == "power"]
    assert power.breaks_at == pytest.approx(1.0 + (1e6 - 3 * 119.0) / (3 * 114.0))  # 114 kg drawn, 5 kg embodied
