"""How the optimum must answer when an instance is changed in a way whose effect is known beforehand."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from random_instances import random_instance
from solving import CLOSE, better, optimum, optimum_of_seed, renamed, same

SEEDS = range(3000, 3020)
LIMITS = ("limit_kg", "limit_l", "limit_kwh", "limit_usd")
Data = dict[str, Any]


def _shuffled(data: Data, seed: int) -> Data:
    """The same lists in another order."""
    rng, inline = np.random.default_rng(seed), data["catalogue"]["inline"]
    for owner, name in (
        (data, "workloads"), (data, "datasets"), (data, "budgets"), (data, "policies"), (data["quotas"], "limits"),
        (inline, "regions"), (inline, "offers"), (inline, "providers"), (inline, "network"), (inline, "endpoints"),
    ):  # fmt: skip
        owner[name] = [owner[name][k] for k in rng.permutation(len(owner[name])).tolist()]
    return data


@pytest.mark.parametrize("seed", SEEDS)
def test_names_and_order_do_not_matter(seed: int) -> None:
    """Renaming and reordering everything leaves the optimum as it was."""
    data = deepcopy(random_instance(seed))
    assert same(optimum(_shuffled(renamed(data), seed)), optimum_of_seed(seed))


def _scaled(data: Data, factor: float) -> Data:
    """Every figure in USD times a factor."""
    found: Data = json.loads(json.dumps(data))

    def walk(value: Any) -> None:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(key, str) and ("usd" in key) and isinstance(item, int | float):
                value[key] = item * factor
            elif isinstance(item, dict | list):
                walk(item)

    walk(found)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_costs_scale(seed: int) -> None:
    """Four times all prices make four times the cost."""
    before, after = optimum_of_seed(seed), optimum(_scaled(random_instance(seed), 4.0))
    assert same(None if before is None else before * 4.0, after, 2 * CLOSE)


def _limits_times(data: Data, factor: float) -> Data:
    for budget in data["budgets"]:
        for name in LIMITS:
            if name in budget:
                budget[name] *= factor
    for quota in (data["quotas"], *data["quotas"]["limits"]):
        for name in ("default_devices", "default_endpoint_units_per_s", "devices", "kw", "units_per_s"):
            if isinstance(quota.get(name), int | float):
                quota[name] *= factor
    return data


def in_other_units(data: Data, factor: float) -> Data:
    """The same question with work counted in units `factor` times as small."""
    found: Data = json.loads(json.dumps(data))
    inline = found["catalogue"]["inline"]
    more = {"rate", "mean_rate", "work", "units_per_s", "default_endpoint_units_per_s"}
    less = {"unserved_usd_per_unit", "response_gb_per_unit", "usd_per_unit", "kg_per_unit", "kwh_per_unit"}

    def times(value: Any, by: float) -> Any:
        return [times(item, by) for item in value] if isinstance(value, list) else value * by

    def walk(value: Any) -> None:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if key in more | less and isinstance(item, int | float | list):
                value[key] = times(item, factor if key in more else 1.0 / factor)
            elif isinstance(item, dict | list):
                walk(item)

    walk(found)
    for workload in found["workloads"]:
        speeds = workload["runs"].get("throughput", {})
        workload["runs"]["throughput"] = {name: speed * factor for name, speed in speeds.items()}
    assert inline["regions"] == data["catalogue"]["inline"]["regions"]
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_units_of_work_do_not_matter(seed: int) -> None:
    """Tokens, thousands or millionths of tokens: the same optimum, the same proof, or no plan either way."""
    factor = 10.0 ** np.random.default_rng(seed).uniform(-6, 6)
    assert same(optimum(in_other_units(random_instance(seed), factor)), optimum_of_seed(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_wider_limits_never_cost_more(seed: int) -> None:
    """With 10 % more of everything that is limited the optimum is no worse."""
    assert not better(optimum_of_seed(seed), optimum(_limits_times(random_instance(seed), 1.1)))


@pytest.mark.parametrize("seed", SEEDS)
def test_tighter_limits_never_cost_less(seed: int) -> None:
    """With 10 % less of everything that is limited the optimum is no better."""
    assert not better(optimum(_limits_times(random_instance(seed), 0.9)), optimum_of_seed(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stream_split_in_two_costs_the_same(seed: int) -> None:
    """Two streams of half the rate from the same origin are the stream they came from."""
    data = random_instance(seed)
    for service in (workload for workload in data["workloads"] if workload["kind"] == "service"):
        stream = service["streams"].pop(0)
        for name in ("rate", "mean_rate"):
            if name in stream:
                value = stream[name]
                stream[name] = [rate / 2 for rate in value] if isinstance(value, list) else value / 2
        retained = service.get("data", {}).get("retained_gb")
        service["streams"] += [{**stream, "id": "left"}, {**stream, "id": "right"}]
        if retained:  # what a law has kept of each stream would be kept twice
            service["data"]["retained_gb"] = 0.0
    whole = random_instance(seed)
    for service in whole["workloads"]:
        if service["kind"] == "service" and service.get("data", {}).get("retained_gb"):
            service["data"]["retained_gb"] = 0.0
    assert same(optimum(data), optimum(whole))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dominated_region_changes_nothing(seed: int) -> None:
    """A twin of a region whose offers cost ten times as much, under the same quotas, is not worth using."""
    data = random_instance(seed)
    data.pop("policies"), data.pop("datasets")
    data |= {"policies": [], "datasets": [], "laws": {"use": "none"}}
    for service in data["workloads"]:
        for name in ("min_regions", "survival"):
            service.pop(name, None)
    before = optimum(deepcopy(data))
    inline = data["catalogue"]["inline"]
    region = {**inline["regions"][0], "id": "twin0", "fixed_usd_per_hour": 5.0}
    offers = [
        {**offer, "region": "twin0", "usd_per_hour": 10 * offer["usd_per_hour"] + 1.0}
        for offer in inline["offers"]
        if offer["region"] == inline["regions"][0]["id"]
    ]
    links = [{**link, "region": "twin0"} for link in inline["network"] if link["region"] == inline["regions"][0]["id"]]
    inline["regions"].append(region)
    inline["offers"] += offers
    inline["network"] += links
    after = optimum(data)
    assert not better(before, after)
    if not better(after, before):
        assert same(before, after)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_irrelevant_law_changes_nothing(seed: int) -> None:
    """Patches of laws on tax and public-sector data, which nobody here handles, leave the optimum as it was."""
    data = random_instance(seed)
    if data["laws"]["use"] == "none":
        pytest.skip("no law is asked")
    data["laws"]["patches"] = [
        {"op": "set", "law": "DE-AO-146", "field": "processing_rule", "value": "only:AQ"},
        {"op": "deactivate", "law": "FR-ARCHIVES"},
    ]
    assert same(optimum(data), optimum_of_seed(seed))
