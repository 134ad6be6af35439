"""Every reason of the ledger rules an offer out, and one unit looser lets it in again."""

from __future__ import annotations

import pytest
from compile_toys import job, offer, region, service, toy

from optimizer.compile import NothingEligibleError, compile_instance
from optimizer.errors import InputError

NEEDS_CARBON = [{"id": "cap", "limit_kg": 1e9}]
NEEDS_ENERGY = [{"id": "cap", "limit_kwh": 1e9}]
NEEDS_WATER = [{"id": "cap", "limit_l": 1e9}]
ENDPOINT = {"id": "api", "region": "p:north", "model": "m", "usd_per_unit": 1e-5}
VIA_ENDPOINT = {"endpoint_models": ["m"], "via": ["endpoint"]}

ON_CPU = {"throughput": {"cpu": 1.0}}
CPUS = {"offers": [offer("c16", accelerator="cpu", vcpus=16.0)]}
FRANCE = {"kind": "places", "id": "home", "allow": ["FR"]}
OTHER_STACK = {"offers": [offer(), offer("y", accelerator="Y", software="rocm")]}


def streamed(**more):
    return service(streams=[{"origin": "DE", "rate": 5.0, "unit": "requests/s", **more}])


def runs(**more):
    return service(rate=5.0, runs={"throughput": {"X": 10.0}, **more})


# reason, rule, instance where it rules the offer out, the same instance one unit looser
CASES = [
    ("not_allowed_provider", "providers", toy(service(providers=["q"]), inline={"regions": [region(), region("q:x")]}),
     toy(service(providers=["p"]))),
    ("not_allowed_region", "regions", toy(service(regions=["p:x"]), inline={"regions": [region(), region("p:x")]}),
     toy(service(regions=["p:north"]))),
    ("purchase", "runs.purchase", toy(runs(purchase=["committed"])), toy(runs(purchase=["on_demand"]))),
    ("accelerator", "runs.accelerators",
     toy(runs(accelerators=["Y"]), inline={"offers": [offer(), offer("y", accelerator="Y", usd_per_hour=1.0)]}),
     toy(runs(accelerators=["X"]))),
    ("software", "runs.software", toy(runs(software=["rocm"]), inline=OTHER_STACK),
     toy(runs(software=["rocm", "cuda"]), inline=OTHER_STACK)),
    ("device_memory", "runs.min_device_memory_gb", toy(runs(min_device_memory_gb=25.0)),
     toy(runs(min_device_memory_gb=24.0))),
    ("no_throughput", None,
     toy(service(runs={"throughput": {"Y": 1.0}}), quotas={"default_devices": 0.4},
         inline={"offers": [offer(), offer("y", accelerator="Y", devices=0.5)]}),
     toy()),
    ("rtt", "max_rtt_ms", toy(streamed(max_rtt_ms=19.9)), toy(streamed(max_rtt_ms=20.0))),
    ("rtt_unknown", "max_rtt_ms", toy(streamed(max_rtt_ms=50.0), inline={"network": []}), toy(streamed())),
    ("missing_price", "network",
     toy(streamed(), inline={"regions": [region(), region("p:x")],
                             "network": [{"origin": "DE", "region": "p:x", "usd_per_unit": 1.0}]}),
     toy(streamed(), inline={"network": [{"origin": "DE", "region": "p:north", "usd_per_unit": 1.0}]})),
    ("missing_egress_price", "response_gb_per_unit",
     toy(service(response_gb_per_unit=1e-6), inline={"regions": [region(egress_usd_per_gb=None)]}),
     toy(service(), inline={"regions": [region(egress_usd_per_gb=None)]})),
    ("missing_egress_price", "output_gb", toy(job(output_gb=1.0), inline={"regions": [region(egress_usd_per_gb=None)]}),
     toy(job(), inline={"regions": [region(egress_usd_per_gb=None)]})),
    ("missing_power", "cap", toy(budgets=NEEDS_CARBON, inline={"offers": [offer(idle_kw=None)]}),
     toy(inline={"offers": [offer(idle_kw=None)]})),
    ("missing_power", "cap", toy(budgets=NEEDS_ENERGY, inline={"offers": [offer(load_kw=None)]}),
     toy(budgets=NEEDS_ENERGY)),
    ("missing_power", "cap",
     toy(service(runs=VIA_ENDPOINT), budgets=NEEDS_CARBON, inline={"endpoints": [ENDPOINT]},
         quotas={"default_endpoint_units_per_s": 100.0}),
     toy(service(runs=VIA_ENDPOINT), budgets=NEEDS_CARBON, inline={"endpoints": [{**ENDPOINT, "kg_per_unit": 0.0}]},
         quotas={"default_endpoint_units_per_s": 100.0})),
    ("missing_pue", "cap", toy(budgets=NEEDS_CARBON, inline={"regions": [region(pue=None)]}),
     toy(inline={"regions": [region(pue=None)]})),
    ("missing_grid", "cap", toy(budgets=NEEDS_CARBON, inline={"regions": [region(grid_g_per_kwh=None)]}),
     toy(budgets=NEEDS_ENERGY, inline={"regions": [region(grid_g_per_kwh=None)]})),
    ("missing_grid", "carbon.price_usd_per_tonne",
     toy(carbon={"price_usd_per_tonne": 1.0}, inline={"regions": [region(grid_g_per_kwh=None)]}),
     toy(inline={"regions": [region(grid_g_per_kwh=None)]})),
    ("missing_embodied", "cap", toy(budgets=NEEDS_CARBON, inline={"offers": [offer(embodied_kg_per_hour=None)]}),
     toy(budgets=NEEDS_CARBON, carbon={"embodied": "none"}, inline={"offers": [offer(embodied_kg_per_hour=None)]})),
    ("missing_wue", "cap", toy(budgets=NEEDS_WATER, inline={"regions": [region(wue_l_per_kwh=None)]}),
     toy(budgets=NEEDS_ENERGY, inline={"regions": [region(wue_l_per_kwh=None)]})),
    ("no_quota", "quotas.default_devices", toy(quotas={}), toy(quotas={"default_devices": "unlimited"})),
    ("no_quota", "quotas.default_vcpus", toy(service(runs=ON_CPU), inline=CPUS),
     toy(service(runs=ON_CPU), inline=CPUS, quotas={"default_vcpus": "unlimited"})),
    ("no_quota", "vcpus:p:north", toy(service(runs=ON_CPU), inline=CPUS, quotas={"default_vcpus": 15.0}),
     toy(service(runs=ON_CPU), inline=CPUS, quotas={"default_vcpus": 16.0})),
    ("no_quota", "quotas.default_endpoint_units_per_s",
     toy(service(runs=VIA_ENDPOINT), inline={"endpoints": [ENDPOINT]}),
     toy(service(runs=VIA_ENDPOINT), inline={"endpoints": [ENDPOINT]},
         quotas={"default_endpoint_units_per_s": "unlimited"})),
    ("no_quota", "devices:X@p:north", toy(quotas={"default_devices": 0.5}),
     toy(quotas={"default_devices": 1.0})),
    ("missing_power", "kw:p:north",
     toy(inline={"offers": [offer(load_kw=None)]},
         quotas={"default_devices": 9.0, "limits": [{"region": "p:north", "kw": 50.0}]}),
     toy(quotas={"default_devices": 9.0, "limits": [{"region": "p:north", "kw": 50.0}]})),
    ("gang", "gang_devices", toy(job(gang_devices=2), inline={"offers": [offer(devices=0.5)]}),
     toy(job(gang_devices=2), inline={"offers": [offer(devices=2.0)]})),
    ("gang", "devices:X@p:north", toy(job(gang_devices=3), quotas={"default_devices": 2.0}),
     toy(job(gang_devices=3), quotas={"default_devices": 3.0})),
    ("deadline", "deadline_hours", toy(job(deadline_hours=9.9)), toy(job(deadline_hours=10.0))),
    ("offer_kind", "runs.via", toy(service(runs=VIA_ENDPOINT), inline={"endpoints": [ENDPOINT]}),
     toy(service())),
    ("endpoint_model", None,
     toy(service(runs={"endpoint_models": ["n"], "via": ["endpoint"]}), quotas={"default_endpoint_units_per_s": 9.0},
         inline={"endpoints": [ENDPOINT, {**ENDPOINT, "id": "other", "model": "n"}]}, policies=[FRANCE]),
     toy(service(runs=VIA_ENDPOINT), inline={"endpoints": [ENDPOINT]}, quotas={"default_endpoint_units_per_s": 100.0})),
    ("endpoint_scope", "runs.endpoint_scopes",
     toy(service(runs={**VIA_ENDPOINT, "endpoint_scopes": ["region"]}), quotas={"default_endpoint_units_per_s": 100.0},
         inline={"endpoints": [{**ENDPOINT, "countries": ["DE", "FR"]}]}),
     toy(service(runs={**VIA_ENDPOINT, "endpoint_scopes": ["region"]}), inline={"endpoints": [ENDPOINT]},
         quotas={"default_endpoint_units_per_s": 100.0})),
    ("places", "home", toy(policies=[{"kind": "places", "id": "home", "allow": ["FR"]}]),
     toy(policies=[{"kind": "places", "id": "home", "allow": ["DE"]}])),
    ("control", "free", toy(policies=[{"kind": "exclude_control", "id": "free", "jurisdictions": ["DE"]}]),
     toy(policies=[{"kind": "exclude_control", "id": "free", "jurisdictions": ["US"]}])),
    ("control_unknown", "free",
     toy(policies=[{"kind": "exclude_control", "id": "free", "jurisdictions": ["US"]}], inline={"providers": []}),
     toy(policies=[{"kind": "exclude_control", "id": "free", "jurisdictions": ["US"]}])),
]  # fmt: skip


NAMES = [f"{reason}-{rule}-{k}" for k, (reason, rule, *_) in enumerate(CASES)]


@pytest.mark.parametrize(("reason", "rule", "tight", "loose"), CASES, ids=NAMES)
def test_a_reason_rules_the_offer_out_and_one_unit_looser_does_not(reason, rule, tight, loose):
    with pytest.raises(NothingEligibleError) as caught:
        compile_instance(tight)
    assert (reason, rule) in {(row.reason, row.rule) for row in caught.value.rows}
    assert len(compile_instance(loose).problem.slots.offer) >= 1


def test_spot_is_only_for_interruptible_jobs_that_list_it():
    spot = {"offers": [offer(purchase="spot")]}
    listed = {"throughput": {"X": 10.0}, "purchase": ["spot"]}
    assert len(compile_instance(toy(job(runs=listed, interruptible=True), inline=spot)).problem.slots.offer) == 1
    with pytest.raises(NothingEligibleError, match="purchase"):
        compile_instance(toy(job(interruptible=True), inline=spot))


def test_a_budget_of_other_workloads_asks_nothing_of_this_one():
    budgets = [{"id": "cap", "limit_kg": 1e9, "scope": {"tags": ["green"]}}]
    inline = {"regions": [region(grid_g_per_kwh=None)]}
    instance = toy(service("plain"), service("listed", tags=["green"]), budgets=budgets, inline=inline)
    with pytest.raises(NothingEligibleError) as caught:
        compile_instance(instance)
    assert {row.workload for row in caught.value.rows} == {"listed"}


def test_the_error_names_stream_reason_and_rule():
    told = r"workload svc, stream DE .*\n.*1: the round trip.*max_rtt_ms.*alone"
    with pytest.raises(NothingEligibleError, match=told):
        compile_instance(toy(streamed(max_rtt_ms=1.0)))


def test_the_ledger_answers_why_one_offer_is_out_first_reason_first():
    inline = {"offers": [offer(), offer("far", software="rocm", device_memory_gb=8.0, usd_per_hour=1.0)]}
    compiled = compile_instance(toy(runs(software=["cuda"], min_device_memory_gb=10.0), inline=inline))
    ids = compiled.world.offers.offer_id.tolist()
    assert [ground.rule for ground in compiled.ledger.why("svc", "DE", ids.index("p:north:far:on_demand"))] == [
        ("field", "runs.software"),
        ("field", "runs.min_device_memory_gb"),
    ]
    assert compiled.ledger.why("svc", "DE", ids.index("p:north:g1:on_demand")) == ()


def test_counts_tell_first_and_alone_apart():
    inline = {"offers": [offer(), offer("a", software="rocm", device_memory_gb=8.0), offer("b", device_memory_gb=8.0)]}
    compiled = compile_instance(toy(runs(software=["cuda"], min_device_memory_gb=10.0), inline=inline))
    rows = {row.reason: (row.offers, row.first, row.alone) for row in compiled.ledger.counts("svc", "DE")}
    assert rows == {"software": (1, 1, 0), "device_memory": (2, 1, 1)}


def test_endpoints_priced_by_tokens_need_the_request_shape():
    """Without input and output tokens the price of a unit is not defined: bad input, not a silent guess."""
    from optimizer.instance.load import load

    data = {
        "name": "x", "horizon": {"start": "2027-01-01", "hours": 10.0}, "laws": {"use": "none"},
        "catalogue": {"providers": ["all"]}, "quotas": {"default_endpoint_units_per_s": 1e6},
        "workloads": [{
            "id": "chat", "kind": "service", "streams": [{"origin": "DE", "rate": 5.0}],
            "runs": {"endpoint_models": ["deepseek.v3.2"], "via": ["endpoint"]},
        }],
    }  # fmt: skip
    with pytest.raises(InputError, match="input_tokens and output_tokens"):
        compile_instance(load(data))


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_a_budget_and_a_policy_of_one_id_are_two_rules(order):
    """An energy budget of workload a in Germany and a share of workload b everywhere, both called cap: the region
    without a PUE is closed to b, whose share it would count in, and open to a, whichever is compiled first.
    """
    south = region("q:south", "FR", pue=None)
    instance = toy(
        *(service(name) for name in order),
        inline={
            "providers": [{"id": p, "headquarters": "DE", "control": ["DE"]} for p in ("p", "q")],
            "regions": [region(), south],
            "offers": [offer(), offer("g1", "q:south")],
            "network": [{"origin": "DE", "region": r, "rtt_ms": 20.0} for r in ("p:north", "q:south")],
        },
        budgets=[{"id": "cap", "limit_kwh": 1e9, "scope": {"workloads": ["a"], "countries": ["DE"]}}],
        policies=[{
            "kind": "provider_share", "id": "cap", "measure": "energy_kwh", "max_share": 0.9, "providers": ["p"],
            "scope": {"workloads": ["b"]},
        }],
    )  # fmt: skip
    problem = compile_instance(instance).problem
    for name, offers in (("a", [0, 1]), ("b", [0])):
        own = problem.slots.workload == problem.workload_ids.index(name)
        assert problem.slots.offer[own].tolist() == offers
