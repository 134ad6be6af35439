"""Which quota covers which offer and how much of it an instance takes."""

from __future__ import annotations

import numpy as np
import pytest
from compile_toys import job, offer, region, service, toy

import domicile
from optimizer.compile import compile_instance
from optimizer.compile.pools import _join

TWO = {
    "regions": [region(), region("p:south", "FR")],
    "offers": [offer(), offer("g4", devices=4.0), offer(place="p:south"), offer("y", accelerator="Y", place="p:south")],
}
BOTH = {"throughput": {"X": 10.0, "Y": 5.0}}


def pools(instance):
    """{pool id: (limit, {offer id: weight})} of the first period."""
    compiled = compile_instance(instance)
    problem, ids = compiled.problem, compiled.world.offers.offer_id
    found = {}
    for k, name in enumerate(problem.pools.ids):
        mine = problem.pools.by_instances.row == k
        members = zip(problem.pools.by_instances.column[mine], problem.pools.by_instances.weight[mine], strict=True)
        found[name] = problem.pools.limit[k], {ids[problem.slots.offer[i]]: weight for i, weight in members}
    return found


def test_the_default_is_one_pool_per_accelerator_and_region():
    found = pools(toy(service(runs=BOTH), inline=TWO, quotas={"default_devices": 8.0}))
    assert found == {
        "devices:X@p:north": (8.0, {"p:north:g1:on_demand": 1.0, "p:north:g4:on_demand": 4.0}),
        "devices:X@p:south": (8.0, {"p:south:g1:on_demand": 1.0}),
        "devices:Y@p:south": (8.0, {"p:south:y:on_demand": 1.0}),
    }


def test_a_quota_that_names_both_replaces_the_default_and_others_hold_besides():
    pair = {"accelerator": "X", "region": "p:north", "devices": 2.0}
    limits = [pair, {"id": "account", "provider": "p", "devices": 6.0}]
    found = pools(toy(service(runs=BOTH), inline=TWO, quotas={"default_devices": 8.0, "limits": limits}))
    assert found["devices:X@p:north"] == (2.0, {"p:north:g1:on_demand": 1.0})
    assert set(found["account"][1]) == {"p:north:g1:on_demand", "p:south:g1:on_demand", "p:south:y:on_demand"}
    assert found["devices:X@p:south"][0] == 8.0


def test_unlimited_must_be_said_and_makes_no_pool():
    assert pools(toy(quotas={"default_devices": "unlimited"})) == {}
    limits = [{"accelerator": "X", "region": "p:north", "devices": "unlimited"}]
    assert pools(toy(quotas={"limits": limits})) == {}


CPUS = {
    "regions": [region(), region("p:south", "FR")],
    "offers": [
        offer(), offer("c16", accelerator="cpu", vcpus=16.0), offer("c4", accelerator="cpu", vcpus=4.0),
        offer("c4", accelerator="cpu", vcpus=4.0, place="p:south"),
    ],
}  # fmt: skip
ON_CPU = {"throughput": {"X": 10.0, "cpu": 1.0}}


def test_machines_without_accelerators_have_a_default_of_their_own():
    """8 devices and 64 vCPUs: neither counts the other; one pool of vCPUs per region."""
    found = pools(toy(service(runs=ON_CPU), inline=CPUS, quotas={"default_devices": 8.0, "default_vcpus": 64.0}))
    assert found == {
        "devices:X@p:north": (8.0, {"p:north:g1:on_demand": 1.0}),
        "vcpus:p:north": (64.0, {"p:north:c16:on_demand": 16.0, "p:north:c4:on_demand": 4.0}),
        "vcpus:p:south": (64.0, {"p:south:c4:on_demand": 4.0}),
    }


def test_a_quota_of_vcpus_that_names_the_region_replaces_the_default_there():
    """30 vCPUs in the north, 64 elsewhere, 80 in all of the account; a quota of devices covers no CPU-only SKU."""
    limits = [{"region": "p:north", "vcpus": 30.0}, {"provider": "p", "vcpus": 80.0}, {"provider": "p", "devices": 6.0}]
    quotas = {"default_devices": 8.0, "default_vcpus": 64.0, "limits": limits}
    found = pools(toy(service(runs=ON_CPU), inline=CPUS, quotas=quotas))
    assert {name: limit for name, (limit, _) in found.items()} == {
        "devices:X@p:north": 8.0, "devices:*@provider:p": 6.0, "vcpus:p:north": 30.0, "vcpus:p:south": 64.0,
        "vcpus:provider:p": 80.0,
    }  # fmt: skip
    assert set(found["devices:*@provider:p"][1]) == {"p:north:g1:on_demand"}
    assert found["vcpus:provider:p"][1] == {
        "p:north:c16:on_demand": 16.0, "p:north:c4:on_demand": 4.0, "p:south:c4:on_demand": 4.0
    }  # fmt: skip


def test_a_default_of_devices_says_nothing_of_vcpus():
    """With devices alone only the machine with an accelerator is open, with vCPUs alone only the others."""
    devices = pools(toy(service(runs=ON_CPU), inline=CPUS, quotas={"default_devices": 8.0}))
    assert set(devices) == {"devices:X@p:north"}
    vcpus = pools(toy(service(runs=ON_CPU), inline=CPUS, quotas={"default_vcpus": 8.0}))
    assert vcpus == {
        "vcpus:p:north": (8.0, {"p:north:c4:on_demand": 4.0}),
        "vcpus:p:south": (8.0, {"p:south:c4:on_demand": 4.0}),
    }


@pytest.mark.parametrize(("vcpus", "rate", "usd"), [(12.0, 12.0, 6.0), (12.0, 12.1, None), (16.0, 12.1, 8.0)])
def test_vcpus_bind_in_whole_machines_and_one_more_is_enough(vcpus, rate, usd):
    """Machines of 4 vCPUs at 2 USD/h, 1 request/s of each vCPU: 12.1 need a fourth, which 12 vCPUs do not hold."""
    instance = toy(
        service(rate=rate, runs={"throughput": {"cpu": 1.0}}), inline={"offers": [CPUS["offers"][2]]},
        target_utilisation=1.0, horizon={"start": "2027-01-01", "hours": 1.0}, quotas={"default_vcpus": vcpus},
    )  # fmt: skip
    plan = domicile.solve(instance)
    assert plan.objective_usd == (None if usd is None else pytest.approx(usd))
    if usd is None:
        assert [row.sentence for row in plan.shortfalls if row.rule == "quota"] == [
            "quota vcpus:p:north: its limit of 12 vCPUs in period t0 would have to rise by 4 vCPUs, to 16 vCPUs "
            "(proven within 0.1 %)"
        ]
    else:
        assert domicile.audit(instance, plan).ok


def test_the_audit_counts_vcpus_on_its_own():
    """Four machines of 4 vCPUs where 16 are granted: no violation; 15 are one too few, and none stated cover none."""
    made = toy(service(rate=4.0, runs={"throughput": {"cpu": 1.0}}), inline={"offers": [CPUS["offers"][2]]},
               target_utilisation=0.25, quotas={"default_vcpus": 16.0})  # fmt: skip
    plan = domicile.solve(made)
    assert domicile.audit(made, plan).ok

    def kinds(**quotas):
        other = made.model_copy(update={"quotas": made.quotas.model_copy(update=quotas)})
        found = domicile.audit(other, plan.model_copy(update={"instance_sha256": None}))
        return {violation.kind for violation in found.violations} - {"use", "action"}

    assert kinds(default_vcpus=15.0) == {"quota"}
    # nor is there such a quota to be stated
    assert kinds(default_vcpus=None, default_devices=100.0) == {"no_quota", "unknown_id"}


def test_kw_pools_weigh_the_power_at_load_and_hold_commitments_too():
    commitments = [{"id": "c", "region": "p:north", "sku": "g1", "instances": 2.0}]
    limits = [{"region": "p:north", "kw": 5.0}]
    found = pools(toy(commitments=commitments, quotas={"default_devices": 8.0, "limits": limits}))
    assert found["kw:p:north"] == (5.0, {"p:north:g1:on_demand": 1.0, "commitment:c": 1.0})
    assert found["commitment:c"] == (2.0, {"commitment:c": 1.0})


def test_a_gang_of_whole_instances_even_where_devices_do_not_divide_it():
    slots = compile_instance(toy(job(gang_devices=6), inline={"offers": [offer(devices=4.0)]})).problem.slots
    assert slots.gang_instances.tolist() == [2.0]


def test_endpoint_rates_count_flow():
    endpoint = {"id": "api", "region": "p:north", "model": "m"}
    quotas = {"default_endpoint_units_per_s": 50.0, "limits": [{"id": "maker", "model": "m", "units_per_s": 20.0}]}
    workload = service(runs={"endpoint_models": ["m"], "via": ["endpoint"]})
    problem = compile_instance(toy(workload, inline={"endpoints": [endpoint]}, quotas=quotas)).problem
    assert sorted(zip(problem.pools.ids, problem.pools.limit, problem.pools.kind, strict=True)) == [
        ("maker", 20.0, "units_per_s"),
        ("units_per_s:p:north:api", 50.0, "units_per_s"),
    ]
    assert problem.pools.by_flow.weight.tolist() == [1.0, 1.0]


def test_every_period_has_its_own_row():
    horizon = {"start": "2027-01-01", "hours": 10.0, "count": 3}
    problem = compile_instance(toy(horizon=horizon)).problem
    assert problem.pools.period.tolist() == [0, 1, 2]


def test_instances_are_bounded_by_what_the_pool_holds():
    slots = compile_instance(toy(service(rate=1000.0), quotas={"default_devices": 7.0})).problem.slots
    assert slots.max_instances.tolist() == [7.0]


@pytest.mark.parametrize("seed", range(5))
def test_join_pairs_are_all_pairs(seed):
    random = np.random.default_rng(seed)
    keys, values = random.integers(0, 6, 12), random.integers(0, 6, 9)
    position, entry = _join(keys, values)
    expected = {(x, e) for x in range(9) for e in range(12) if values[x] == keys[e]}
    assert set(zip(position.tolist(), entry.tolist(), strict=True)) == expected
    assert len(position) == len(expected)
