"""Dominated offers leave, nothing that could be in an optimum does."""

from __future__ import annotations

import random

import numpy as np
import pytest
from compile_toys import job, offer, region, service, toy

from optimizer.compile import compile_instance
from optimizer.compile import patterns as patterns_module
from optimizer.solve import solve_problem


def kept(*workloads, offers, **more):
    compiled = compile_instance(toy(*workloads, inline={"offers": offers}, **more))
    return {compiled.world.offers.sku[o] for o in compiled.problem.slots.offer}, compiled


def test_a_dearer_twin_leaves_and_the_ledger_says_so():
    skus, compiled = kept(service(), offers=[offer(), offer("twin", usd_per_hour=2.1)])
    assert skus == {"g1"}
    twin = compiled.world.offers.sku.tolist().index("twin")
    (ground,) = compiled.ledger.why("svc", "DE", twin)
    assert (ground.reason, ground.rule) == ("dominated", ("dominance", "dominated"))
    assert ground.evidence[0].sentence == "does no more, at no lower cost, than one of p:north:g1:on_demand"


def test_of_two_equal_offers_the_first_stays():
    assert kept(service(), offers=[offer("b"), offer("a")])[0] == {"b"}


def test_a_node_of_four_leaves_only_if_four_single_devices_cost_no_more():
    assert kept(service(), offers=[offer(), offer("node", devices=4.0, usd_per_hour=8.0)])[0] == {"g1"}
    assert kept(service(), offers=[offer(), offer("node", devices=4.0, usd_per_hour=7.9)])[0] == {"g1", "node"}
    dear = offer(usd_per_hour=9.0)
    assert kept(service(), offers=[dear, offer("node", devices=4.0, usd_per_hour=7.9)])[0] == {"g1", "node"}


def test_dearer_but_cleaner_stays_under_a_carbon_budget_only():
    clean = offer("clean", usd_per_hour=2.5, idle_kw=0.1, load_kw=0.5)
    assert kept(service(), offers=[offer(), clean])[0] == {"g1"}
    assert kept(service(), offers=[offer(), clean], budgets=[{"id": "c", "limit_kg": 500.0}])[0] == {"g1", "clean"}
    assert kept(service(), offers=[offer(), clean], carbon={"price_usd_per_tonne": 1.0})[0] == {"g1", "clean"}


def test_a_second_solve_for_carbon_keeps_what_emits_less_at_the_same_price():
    """Without it the first of two equal prices stays; asked for, neither stands in for the other's carbon."""
    dirty, clean = offer(), offer("clean", idle_kw=0.1, load_kw=0.5, embodied_kg_per_hour=0.02)
    instance = toy(service(), inline={"offers": [dirty, clean]})
    for counts, expected in ((False, {"g1"}), (True, {"g1", "clean"})):
        compiled = compile_instance(instance, carbon_counts=counts)
        assert {compiled.world.offers.sku[o] for o in compiled.problem.slots.offer} == expected


def test_dearer_but_drawing_less_stays_under_a_power_quota():
    frugal = offer("frugal", usd_per_hour=2.5, load_kw=0.5)
    quotas = {"default_devices": 64.0, "limits": [{"region": "p:north", "kw": 5.0}]}
    assert kept(service(), offers=[offer(), frugal], quotas=quotas)[0] == {"g1", "frugal"}


def test_a_share_of_money_keeps_offers_that_cost_more():
    policy = {"kind": "provider_share", "id": "s", "max_share": 0.9}
    assert kept(service(), offers=[offer(), offer("twin", usd_per_hour=2.1)], policies=[policy])[0] == {"g1", "twin"}
    policy["measure"] = "device_hours"
    assert kept(service(), offers=[offer(), offer("twin", usd_per_hour=2.1)], policies=[policy])[0] == {"g1"}


def test_a_gang_on_small_nodes_beats_the_same_gang_on_a_dearer_large_one():
    large = offer("large", devices=8.0, usd_per_hour=17.0)
    assert kept(job(gang_devices=8), offers=[offer(), large])[0] == {"g1"}
    large["usd_per_hour"] = 15.0
    assert kept(job(gang_devices=8), offers=[offer(), large])[0] == {"large"}


def test_commitments_and_other_purchase_options_are_not_compared():
    commitments = [{"id": "c", "region": "p:north", "sku": "g1", "instances": 1.0}]
    _, compiled = kept(service(), offers=[offer(usd_per_hour=0.0)], commitments=commitments)
    assert len(compiled.problem.slots.offer) == 2


@pytest.mark.parametrize("seed", range(25))
def test_the_optimum_is_the_same_with_and_without_dominated_offers(seed, monkeypatch):
    rng = random.Random(seed)
    offers = [
        offer(f"s{k}", place, devices=float(d), usd_per_hour=round(d * rng.choice([1.0, 1.0, 1.5, 2.0]), 2),
              idle_kw=round(0.1 * d * rng.choice([1, 2]), 3), load_kw=round(0.5 * d * rng.choice([1, 2]), 3))
        for place in ("p:north", "q:south") for k, d in enumerate(rng.choices([1, 1, 2, 4, 8], k=4))
    ]  # fmt: skip
    inline = {
        "regions": [region(), region("q:south", "FR", grid_g_per_kwh=60.0)],
        "offers": offers,
        "providers": [{"id": p, "headquarters": "DE", "control": ["DE"]} for p in ("p", "q")],
    }
    more = {
        "quotas": {"default_devices": float(rng.choice([6, 9, 40]))},
        "budgets": rng.choice([[], [{"id": "c", "limit_kg": float(rng.choice([40, 90, 200]))}]]),
        "policies": rng.choice([[], [{"kind": "provider_share", "id": "s", "max_share": 0.7}]]),
        "unserved_usd_per_unit": 1e-3,
    }
    training = job(gang_devices=rng.choice([1, 2, 6]), interruptible=rng.random() < 0.5)
    instance = toy(service(rate=rng.choice([7.0, 33.0])), training, inline=inline, **more)
    pruned = compile_instance(instance).problem
    kept = lambda _, slots, *__, **___: np.zeros(len(slots.offer), dtype=bool)  # noqa: E731
    monkeypatch.setattr(patterns_module, "dominated", kept)
    whole = compile_instance(instance).problem
    assert len(pruned.slots.offer) <= len(whole.slots.offer)
    one, other = (solve_problem(problem, gap=1e-7, threads=1) for problem in (pruned, whole))
    assert one.status == other.status
    if one.objective_usd is not None:
        assert one.objective_usd == pytest.approx(other.objective_usd, rel=1e-6)
