"""What is stated and touches nothing is a warning by name; one unit looser it touches something and there is none."""

from __future__ import annotations

import pytest
from compile_toys import job, offer, region, service, toy

import domicile
from optimizer.compile import compile_instance
from optimizer.validation import warnings_on

TWO = {
    "providers": [{"id": "p", "control": ["DE"]}, {"id": "q", "control": ["US"]}],
    "regions": [region(), region("q:east", "US")],
    "offers": [offer(), offer("y", place="q:east", accelerator="Y")],
    "network": [{"origin": "DE", "region": "p:north", "rtt_ms": 20.0}],
}
DATA = [{"id": "d", "size_gb": 1.0}]
SURVIVAL = {"kind": "survival", "id": "it", "of": "region"}
SPOT = {"throughput": {"X": 10.0}, "purchase": ["on_demand", "spot"]}
OWN = {"id": "it", "region": "q:east", "sku": "y", "instances": 1}
ONLY_P = {"catalogue": {"providers": ["p"]}}


def _two(*workloads, **more):
    return toy(*workloads, inline={**TWO, **more.pop("inline", {})}, **more)


def _told(warnings):
    return [text for text in warnings if "touches nothing" in text]


# who, a word of why, the instance that states it in vain, the same one unit looser, and whether no solve is needed
CASES = [
    ("policy it", "no open offer lies",
     _two(policies=[{"kind": "places", "id": "it", "deny": ["FR"], "scope": {"providers": ["q"]}}], **ONLY_P),
     _two(policies=[{"kind": "places", "id": "it", "deny": ["FR"], "scope": {"providers": ["p"]}}], **ONLY_P)),
    ("policy it", "no open offer lies",
     _two(policies=[{"kind": "exclude_control", "id": "it", "jurisdictions": ["CN"], "scope": {"countries": ["FR"]}}]),
     _two(policies=[{"kind": "exclude_control", "id": "it", "jurisdictions": ["CN"], "scope": {"countries": ["US"]}}])),
    ("policy it", "no open offer lies",
     _two(policies=[{"kind": "places", "id": "it", "deny": ["FR"], "scope": {"countries": ["US"]}}],
          inline={"offers": [offer()]}),
     _two(policies=[{"kind": "places", "id": "it", "deny": ["FR"], "scope": {"countries": ["US"]}}], datasets=DATA,
          inline={"offers": [offer()]})),
    ("policy it", "its scope selects no service",
     _two(service(), job(tags=["x"]), policies=[{**SURVIVAL, "scope": {"tags": ["x"]}}], unserved_usd_per_unit=1.0),
     _two(service(tags=["x"]), job(), policies=[{**SURVIVAL, "scope": {"tags": ["x"]}}])),
    ("policy it", "states its own survival",
     _two(service(survival={"of": "metro", "share": 0.5}), policies=[SURVIVAL]),
     _two(service(), policies=[SURVIVAL])),
    ("policy it", "max_share of 1",
     _two(policies=[{"kind": "provider_share", "id": "it", "providers": ["p"], "max_share": 1.0}]),
     _two(policies=[{"kind": "provider_share", "id": "it", "providers": ["p"], "max_share": 0.9}])),
    ("policy it", "of its providers lies in its scope",
     _two(policies=[{"kind": "provider_share", "id": "it", "providers": ["q"], "max_share": 0.5}]),
     _two(policies=[{"kind": "provider_share", "id": "it", "providers": ["p"], "max_share": 0.5}])),
    ("policy it", "no offer that a workload may use lies",
     _two(policies=[{"kind": "provider_share", "id": "it", "max_share": 0.5, "scope": {"providers": ["q"]}}]),
     _two(policies=[{"kind": "provider_share", "id": "it", "max_share": 0.5, "scope": {"providers": ["p"]}}])),
    ("policy it", "no offer that a workload may use lies",
     _two(policies=[{"kind": "country_share", "id": "it", "countries": ["US"], "min_share": 0.5,
                     "scope": {"countries": ["US"]}}]),
     _two(policies=[{"kind": "country_share", "id": "it", "countries": ["DE"], "min_share": 0.5}])),
    ("policy it", "no spot offer",
     _two(policies=[{"kind": "spot_share", "id": "it", "max_share": 0.5}]),
     _two(job(interruptible=True, runs=SPOT), policies=[{"kind": "spot_share", "id": "it", "max_share": 0.5}],
          inline={"offers": [offer(), offer(purchase="spot")]})),
    ("budget it", "no open offer lies",
     _two(budgets=[{"id": "it", "limit_usd": 1e6, "scope": {"countries": ["US"]}}], **ONLY_P),
     _two(budgets=[{"id": "it", "limit_usd": 1e6, "scope": {"countries": ["DE"]}}], **ONLY_P)),
    ("budget it", "nothing that a workload may use",
     _two(budgets=[{"id": "it", "limit_usd": 1e6, "scope": {"countries": ["US"]}}]),
     _two(budgets=[{"id": "it", "limit_usd": 1e6, "scope": {"countries": ["US"]}}], datasets=DATA)),
    ("quota devices:Y@*", "no open offer has everything that it names",
     _two(quotas={"default_devices": 64.0, "limits": [{"accelerator": "Y", "devices": 1}]}, **ONLY_P),
     _two(quotas={"default_devices": 64.0, "limits": [{"accelerator": "Y", "devices": 1}]})),
    ("quota vcpus:provider:p", "no open offer has everything that it names",
     _two(quotas={"default_devices": 64.0, "limits": [{"provider": "p", "vcpus": 9}]}),
     _two(quotas={"default_devices": 64.0, "limits": [{"provider": "p", "vcpus": 9}]},
          inline={"offers": [offer(), offer("c", accelerator="cpu", vcpus=4)]})),
    ("discount at q", "nothing of it is open",
     _two(discounts=[{"provider": "q", "percent": 5, "applies_to": ["compute", "storage"]}], **ONLY_P),
     _two(discounts=[{"provider": "p", "percent": 5, "applies_to": ["compute", "storage"]}], **ONLY_P)),
    ("discount at q", "no workload or copy may be there",
     _two(discounts=[{"provider": "q", "percent": 5, "applies_to": ["compute", "storage"]}]),
     _two(discounts=[{"provider": "q", "percent": 5, "applies_to": ["compute", "storage"]}], datasets=DATA)),
    ("discount at q", "no workload or copy may be there",
     _two(discounts=[{"provider": "q", "percent": 5}], datasets=DATA),
     _two(service(runs={"throughput": {"X": 10.0, "Y": 10.0}}), discounts=[{"provider": "q", "percent": 5}])),
    ("discount at p", "no workload or copy may be there",
     _two(discounts=[{"provider": "p", "percent": 5, "applies_to": ["storage"]}]),
     _two(discounts=[{"provider": "p", "percent": 5, "applies_to": ["egress"]}])),
    ("discount at p", "nothing of it is open",
     _two(discounts=[{"provider": "p", "percent": 5, "applies_to": ["spot", "endpoint"]}]),
     _two(discounts=[{"provider": "p", "percent": 5, "applies_to": ["spot", "on_demand"]}])),
    ("commitment to buy it", "no workload may use what it covers",
     _two(buy={"instances": [{"id": "it", "region": "q:east", "sku": "y", "term": "1y", "usd_per_hour": 1}]}),
     _two(service(runs={"throughput": {"X": 10.0, "Y": 10.0}}),
          buy={"instances": [{"id": "it", "region": "q:east", "sku": "y", "term": "1y", "usd_per_hour": 1}]})),
    ("commitment it", "is shut: the provider is not among those allowed (catalogue.providers)",
     _two(commitments=[OWN], **ONLY_P),
     _two(service(runs={"throughput": {"X": 10.0, "Y": 10.0}}), commitments=[OWN])),
    ("commitment it", "no workload may use y in q:east: no throughput figure",
     _two(commitments=[OWN]),
     _two(service(runs={"throughput": {"X": 10.0, "Y": 10.0}}), commitments=[OWN])),
    ("commitment it", "no workload may use y in q:east: the round trip is longer than allowed (max_rtt_ms)",
     _two({**service(runs={"throughput": {"X": 10.0, "Y": 10.0}}),
           "streams": [{"origin": "DE", "rate": 1.0, "unit": "requests/s", "max_rtt_ms": 30.0}]}, commitments=[OWN],
          inline={"network": [*TWO["network"], {"origin": "DE", "region": "q:east", "rtt_ms": 31.0}]}),
     _two({**service(runs={"throughput": {"X": 10.0, "Y": 10.0}}),
           "streams": [{"origin": "DE", "rate": 1.0, "unit": "requests/s", "max_rtt_ms": 30.0}]}, commitments=[OWN],
          inline={"network": [*TWO["network"], {"origin": "DE", "region": "q:east", "rtt_ms": 30.0}]})),
]  # fmt: skip
NAMES = [f"{who}-{k}" for k, (who, *_) in enumerate(CASES)]


@pytest.mark.parametrize(("who", "why", "vain", "useful"), CASES, ids=NAMES)
def test_what_touches_nothing_is_told_once_by_name(who, why, vain, useful):
    told = _told(compile_instance(vain).warnings)
    assert len(told) == 1
    assert told[0].startswith(f"{who} touches nothing: ")
    assert why in told[0]
    assert _told(warnings_on(vain)) == told
    assert _told(compile_instance(useful).warnings) == []
    assert _told(warnings_on(useful)) == []


def test_limits_over_everything_touch_something():
    """A scope without keys selects all there is: no warning, whatever the workloads may use."""
    made = _two(budgets=[{"id": "all", "limit_usd": 1e6}], policies=[{"kind": "places", "id": "eu", "deny": ["US"]}])
    assert _told(compile_instance(made).warnings) == []


def test_a_plan_carries_the_warnings_also_where_nothing_is_eligible():
    quota = {"default_devices": 64.0, "limits": [{"accelerator": "Y", "devices": 1}]}
    plan = domicile.solve(_two(quotas=quota, **ONLY_P))
    assert _told(plan.warnings) == ["quota devices:Y@* touches nothing: no open offer has everything that it names"]
    none = domicile.solve(_two(service(providers=["q"]), quotas=quota, **ONLY_P))
    assert none.status == "infeasible"
    assert _told(none.warnings) == _told(plan.warnings)
