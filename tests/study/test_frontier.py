"""Frontiers against brute force: every plan of three services in four regions, each service in one region."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import domicile
from domicile.cli import main
from optimizer.errors import InfeasibleError, InputError

USD_PER_HOUR = {"p:a": (1.0, 1.7, 2.0), "p:b": (1.5, 1.0, 3.1), "q:c": (2.2, 2.4, 1.0), "r:d": (3.0, 4.0, 4.5)}
"""By region: the price of the machine of each service."""
G_PER_KWH = {"p:a": 700.0, "p:b": 450.0, "q:c": 250.0, "r:d": 20.0}
COUNTRY = {"p:a": "US", "p:b": "US", "q:c": "DE", "r:d": "FR"}
KW = (1.0, 2.0, 3.0)
HOURS = 100.0


def instance(**more: Any) -> domicile.Instance:
    """Each service needs one machine of its own kind; it may not be divided."""
    return domicile.load({
        "name": "frontier", "horizon": {"start": "2027-01-01", "hours": HOURS}, "laws": {"use": "none"},
        "carbon": {"embodied": "none"}, "quotas": {"default_devices": "unlimited"},
        "catalogue": {"use": "inline", "inline": {
            "providers": [{"id": p, "control": [c]} for p, c in (("p", "US"), ("q", "US"), ("r", "FR"))],
            "regions": [{"id": r, "provider": r[0], "country": COUNTRY[r], "grid_g_per_kwh": g, "pue": 1.0}
                        for r, g in G_PER_KWH.items()],
            "offers": [{"sku": f"m{k}", "region": r, "accelerator": f"X{k}", "usd_per_hour": usd, "idle_kw": KW[k],
                        "load_kw": KW[k]} for r, each in USD_PER_HOUR.items() for k, usd in enumerate(each)]}},
        "workloads": [{"id": f"s{k}", "kind": "service", "runs": {"throughput": {f"X{k}": 10.0}}, "max_regions": 1,
                       "target_utilisation": 1.0, "streams": [{"origin": "DE", "rate": 10.0}],
                       "data": {"categories": ["non_personal"]}} for k in range(3)],
        **more,
    })  # fmt: skip


PLANS = [
    (sum(USD_PER_HOUR[r][k] for k, r in enumerate(where)) * HOURS,
     sum(KW[k] * HOURS * G_PER_KWH[r] / 1000.0 for k, r in enumerate(where)), where)
    for where in product(USD_PER_HOUR, repeat=3)
]  # fmt: skip
"""Cost, carbon and regions of all 64 plans."""


def outside(where: tuple[str, ...]) -> float:
    """The share of the work neither in the US nor with an operator that the US controls."""
    return sum(r == "r:d" for r in where) / 3


def check(points: Any, amount: Any) -> None:
    """Every point is the least amount of its limit on cost, and the cheapest of that amount."""
    for point in points:
        open_to = [(cost, amount(kg, where)) for cost, kg, where in PLANS
                   if point.cap_usd is None or cost <= point.cap_usd * (1 + 1e-9)]  # fmt: skip
        least = min(a for _, a in open_to)
        assert abs(point.amount) == pytest.approx(abs(least), rel=1e-6)
        assert point.cost_usd == pytest.approx(min(c for c, a in open_to if a <= least + 1e-9), rel=1e-6)
        assert point.proven
        assert point.amount_bound == pytest.approx(point.amount, rel=1e-6, abs=1e-9)


def test_points_along_carbon_are_those_of_brute_force():
    """Ends are the least cost and the least carbon; points rise in cost and fall in carbon; one is the knee."""
    answer, plans = domicile.study.frontier(instance(), "carbon", points=8, gap=1e-6)
    check(answer.points, lambda kg, _: kg)
    assert answer.complete
    assert answer.points[0].cost_usd == pytest.approx(min(cost for cost, _, _ in PLANS))
    assert answer.points[-1].amount == pytest.approx(min(kg for _, kg, _ in PLANS))
    costs, kg = [p.cost_usd for p in answer.points], [p.amount for p in answer.points]
    assert costs == sorted(costs)
    assert kg == sorted(kg, reverse=True)
    assert len(costs) >= 5
    assert sum(p.is_knee for p in answer.points) == 1
    assert [plan.objective_usd for plan in plans] == pytest.approx(costs)
    assert all(domicile.audit(instance(), plan).violations == () for plan in plans[1:2])


def test_enough_points_find_the_whole_frontier():
    """All undominated plans, where as many points are asked for as there can be."""
    answer, _ = domicile.study.frontier(instance(), "carbon", points=40, gap=1e-6)
    best = {(cost, kg) for cost, kg, _ in PLANS
            if not any(c <= cost and k <= kg and (c, k) != (cost, kg) for c, k, _ in PLANS)}  # fmt: skip
    found = {(round(p.cost_usd, 3), round(p.amount, 3)) for p in answer.points}
    assert found <= {(round(c, 3), round(k, 3)) for c, k in best}
    assert len(found) >= 0.8 * len(best)


def test_points_along_the_share_outside_a_jurisdiction():
    answer, _ = domicile.study.frontier(instance(), "outside", outside="US", points=6, gap=1e-6)
    check(answer.points, lambda _, where: -outside(where))
    assert [round(p.amount, 6) for p in answer.points] == [0.0, 0.333333, 0.666667, 1.0]


WUE = {"p:a": 0.5, "p:b": 3.0, "q:c": 1.0, "r:d": 0.0}


def test_points_along_water_are_those_of_brute_force():
    """Litres per kWh of each region; the cleanest is not the driest. A region without a figure is in no point."""
    data = instance().model_dump(mode="json")
    for region in data["catalogue"]["inline"]["regions"]:
        region["wue_l_per_kwh"] = WUE[region["id"]]
    answer, _ = domicile.study.frontier(domicile.load(data), "water", points=5, gap=1e-6)
    check(answer.points, lambda _, where: sum(KW[k] * HOURS * WUE[r] for k, r in enumerate(where)))
    assert answer.points[0].cost_usd == pytest.approx(min(cost for cost, _, _ in PLANS))
    assert answer.points[-1].amount == pytest.approx(0.0, abs=1e-6)
    next(r for r in data["catalogue"]["inline"]["regions"] if r["id"] == "r:d")["wue_l_per_kwh"] = None
    answer, plans = domicile.study.frontier(domicile.load(data), "water", points=2, gap=1e-6)
    assert answer.known_only
    assert all(row.region_id != "r:d" for plan in plans for row in plan.placements)
    assert answer.points[-1].amount == pytest.approx(0.5 * HOURS * sum(KW))


def test_points_along_the_waiting_of_jobs():
    """Two jobs of 10 h in two periods of 10 h, one machine at 1 USD/h and one at 3: the cheapest plan runs both on the
    first, so that one waits 10 h (5 on average) for 20 USD; without waiting it is 40 USD.
    """
    asked = domicile.load({
        "name": "waiting", "laws": {"use": "none"},
        "horizon": {"start": "2027-01-01", "periods": [{"id": f"t{k}", "hours": 10.0} for k in range(2)]},
        "catalogue": {"use": "inline", "inline": {
            "providers": [{"id": "p", "control": ["DE"]}],
            "regions": [{"id": r, "provider": "p", "country": "DE"} for r in ("p:a", "p:b")],
            "offers": [{"sku": "m", "region": r, "accelerator": "X", "usd_per_hour": usd}
                       for r, usd in (("p:a", 1.0), ("p:b", 3.0))]}},
        "quotas": {"default_devices": 1},
        "workloads": [{"id": f"j{k}", "kind": "job", "runs": {"throughput": {"X": 1.0}}, "work": 36000.0,
                       "gang_devices": 1, "data": {"categories": ["non_personal"]}} for k in range(2)],
    })  # fmt: skip
    answer, _ = domicile.study.frontier(asked, "waiting", points=4, gap=1e-6)
    assert [(p.cost_usd, p.amount) for p in answer.points] == [
        (pytest.approx(20.0), pytest.approx(5.0)), (pytest.approx(40.0), pytest.approx(0.0, abs=1e-9))
    ]  # fmt: skip
    assert all(p.proven for p in answer.points)


def test_providers_are_enumerated():
    """The least cost with at most so many providers, for every number that changes it."""
    answer, _ = domicile.study.frontier(instance(), "providers", gap=1e-6)
    by_count = {k: min(cost for cost, _, where in PLANS if len({r[0] for r in where}) <= k) for k in (1, 2, 3)}
    assert {int(p.amount): p.cost_usd for p in answer.points} == pytest.approx(
        {k: usd for k, usd in by_count.items() if usd < by_count.get(k - 1, float("inf"))}
    )
    assert all(p.cost_bound_usd == pytest.approx(p.cost_usd, rel=1e-6) for p in answer.points)


def test_where_carbon_is_not_known_options_are_left_out_of_all_points_alike():
    """The cheapest machine of the first service has no power figure: no point uses it."""
    data = instance().model_dump(mode="json")
    offers = data["catalogue"]["inline"]["offers"]
    next(o for o in offers if (o["region"], o["sku"]) == ("p:a", "m0")).update(idle_kw=None, load_kw=None)
    answer, plans = domicile.study.frontier(domicile.load(data), "carbon", points=3, gap=1e-6)
    assert answer.known_only
    assert answer.least_cost_usd == pytest.approx(300.0)
    assert answer.points[0].cost_usd == pytest.approx(350.0)
    assert plans[0].bound_usd == pytest.approx(300.0)
    assert all(("p:a", "m0") not in {(r.region_id, r.sku) for r in plan.placements} for plan in plans)


@pytest.mark.parametrize(
    ("over", "more", "what"),
    [
        ("carbn", {}, "unknown measure 'carbn'"), ("outside", {}, "names no jurisdiction"),
        ("carbon", {"outside": "US"}, "which is for the share outside"), ("carbon", {"points": 1}, "make no frontier"),
        ("outside", {"outside": "ZZ"}, "no region lies in 'ZZ'"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused(over: Any, more: dict[str, Any], what: str):
    with pytest.raises(InputError, match=what):
        domicile.study.frontier(instance(), over, **more)


def test_where_nothing_is_better_at_any_price_the_point_says_so():
    """One region: the first point is proven to be the best whatever it costs."""
    data = instance().model_dump(mode="json")
    for workload in data["workloads"]:
        workload["regions"] = ["p:a"]
    answer, _ = domicile.study.frontier(domicile.load(data), "carbon", points=4, gap=1e-6)
    (point,) = answer.points
    assert point.cap_usd is None
    assert point.amount_bound == pytest.approx(point.amount)


def test_where_nothing_has_the_figure_that_is_said_and_not_that_there_is_no_plan():
    """Nobody has a figure of water: the instance has plans, and none of them is a point."""
    with pytest.raises(InfeasibleError, match="none of options whose water is known"):
        domicile.study.frontier(instance(), "water")


def test_an_instance_without_a_plan_has_no_frontier():
    none = instance(budgets=[{"id": "money", "limit_usd": 1.0}])
    with pytest.raises(InfeasibleError, match="has no plan"):
        domicile.study.frontier(none, "providers")


def test_the_command_prints_points_and_writes_their_plans(tmp_path: Path):
    """Text, JSON, and a plan file for each point that the audit takes."""
    file = tmp_path / "i.json"
    file.write_text(instance().model_dump_json(exclude_none=True), encoding="utf-8")
    said = CliRunner().invoke(main, ["study", "frontier", str(file), "--over", "outside", "--outside", "US", "--output",
                                     str(tmp_path / "out")])  # fmt: skip
    assert said.exit_code == 0, said.output
    assert said.output.splitlines()[0] == "4 points of cost against the share of the work outside US, all proven"
    assert len(list((tmp_path / "out").glob("point-*.json"))) == 4
    audited = CliRunner().invoke(main, ["audit", str(file), "--plan", str(tmp_path / "out" / "point-4.json")])
    assert audited.exit_code == 0, audited.output
    told = CliRunner().invoke(main, ["study", "frontier", str(file), "--over", "carbon", "--points", "3", "--json"])
    points = json.loads(told.output)["points"]
    assert [set(point) >= {"cost_usd", "amount", "amount_bound", "proven"} for point in points] == [True] * 3
