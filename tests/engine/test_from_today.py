"""Plans that start from today and places in use, against a second statement of the problem, and changes whose effect is
known beforehand.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from independent import Independent
from random_today import random_today
from sampled import most
from solving import GAP, better, optimum, renamed, same

import domicile

CHUNK = 20
SEEDS = range(7000, 7000 + CHUNK * most(3))
METHODS = ("direct", "kernel", "decompose")
Data = dict[str, Any]


def _independent(data: Data) -> float | None:
    return Independent(domicile.load(data, references=False)).optimum()


@pytest.mark.parametrize("first", range(SEEDS.start, SEEDS.stop, CHUNK))
def test_optimum_is_that_of_the_second_formulation(first: int) -> None:
    """The same optimum in both, to one in a million, or no plan in both."""
    for seed in range(first, first + CHUNK):
        found, expected = optimum(random_today(seed)), _independent(random_today(seed))
        assert same(found, expected), f"seed {seed}: engine {found}, second formulation {expected}"


@pytest.mark.parametrize("seed", range(7000, 7015))
def test_plans_pass_their_audit(seed: int) -> None:
    """The plan says of today what the audit finds, and its audit finds nothing."""
    instance = domicile.load(random_today(seed))
    plan = domicile.solve(instance, gap=GAP, threads=1)
    if not plan.held:
        return
    report = domicile.audit(instance, plan)
    assert not report.violations, report.violations[:3]
    assert (plan.today is None) == (instance.current is None)
    if plan.today is not None:
        assert plan.today.moved == len(plan.relocations)
        assert plan.today.today_usd is not None or plan.today.why_not


@pytest.mark.parametrize("seed", range(7000, 7012))
def test_no_plan_of_the_same_cost_has_fewer_moves(seed: int) -> None:
    """With one move fewer allowed than the plan makes, the optimum is worse, or there is none."""
    data = random_today(seed)
    if not data.get("current", {}).get("placements"):
        return
    plan = domicile.solve(domicile.load(data), gap=GAP, threads=1)
    if plan.held and plan.relocations:
        data["current"]["max_moves"] = len(plan.relocations) - 1
        assert better(plan.objective_usd, optimum(data))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(7030, 7032))
def test_methods_agree(seed: int, method: Any) -> None:
    """All methods end at the optimum of the one that is chosen, or (those that only search) not below it."""
    data = random_today(seed)
    expected = optimum(data)
    seconds = 15.0
    plan = domicile.solve(domicile.load(data), gap=GAP, threads=1, method=method, time_limit_seconds=seconds)
    if plan.status == "optimal":
        assert same(plan.objective_usd, expected)
    elif plan.held:
        assert not better(plan.objective_usd, expected)
    else:
        assert expected is None or plan.status == "no_plan"


@pytest.mark.parametrize("seed", range(7040, 7052))
def test_free_moves_from_elsewhere_change_nothing(seed: int) -> None:
    """Everything runs today where nobody may be tomorrow, and moving is free: the optimum is that of a new start."""
    data = random_today(seed)
    new = deepcopy(data)
    new.pop("current", None)
    for workload in data["workloads"]:
        workload.pop("move_usd", None)
        workload.pop("state_gb", None)
    inline = data["catalogue"]["inline"]
    yesterday = {"egress_usd_per_gb": 0.0, "grid_g_per_kwh": [0.0] * len(data["horizon"].get("periods", "1"))}
    inline["regions"].append({"id": "yesterday", "country": "AQ", "provider": "none", **yesterday})
    data["current"] = {"placements": [{"workload": w["id"], "region": "yesterday"} for w in data["workloads"]]}
    for workload in new["workloads"]:
        workload.pop("state_gb", None)
    assert same(optimum(data), optimum(new))


@pytest.mark.parametrize("seed", range(7040, 7052))
def test_dearer_moves_and_fewer_of_them_never_cost_less(seed: int) -> None:
    """Twice the price of moving, or half as many moves, is never cheaper; no limit and no price never dearer."""
    data = random_today(seed)
    current = data.get("current", {})
    if not current.get("placements"):
        return
    before = optimum(deepcopy(data))
    dearer, tighter, free = deepcopy(data), deepcopy(data), deepcopy(data)
    dearer["current"]["move_usd"] = 2 * current["move_usd"] + 1.0
    tighter["current"]["max_moves"] = current.get("max_moves", 2) // 2
    for name in ("move_usd", "max_moves", "max_moved_share", "overlap_hours"):
        free["current"].pop(name, None)
    assert not better(optimum(dearer), before)
    assert not better(optimum(tighter), before)
    assert not better(before, optimum(free)) or any("move_usd" in w for w in data["workloads"])


@pytest.mark.parametrize("seed", range(7070, 7078))
def test_names_do_not_matter(seed: int) -> None:
    """Other names for workloads, datasets and regions leave the optimum as it was."""
    assert same(optimum(renamed(random_today(seed))), optimum(random_today(seed)))


def test_moves_and_places_bind_often() -> None:
    """Without prices and limits of moves, or without rules on places, one instance in seven has a better plan."""
    binding = {"current": 0, "places": 0}
    for seed in range(7000, 7036):
        data = random_today(seed)
        before = optimum(deepcopy(data))
        free = deepcopy(data)
        free.pop("current", None)
        binding["current"] += better(optimum(free), before)
        apart = deepcopy(data)
        apart["policies"] = [policy for policy in data["policies"] if policy["kind"] != "places_in_use"]
        binding["places"] += better(optimum(apart), before)
        if min(binding.values()) >= 5:
            break
    assert min(binding.values()) >= 5, binding
