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
    """A quota of three at home: with all of the offer away closed nothing is possible, so that nothing is told; with a
    third region at 8 USD/h two of the five go home at 5 USD/h first, though all have left only at 8.
    """
    tight = {"quotas": {"default_devices": 64.0, "limits": [{"region": "p:home", "accelerator": "X", "devices": 3.0}]}}
    assert domicile.solve(_instance(**tight), switching=3).switching == ()
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
