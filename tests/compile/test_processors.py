"""Architecture of processors, burstable machines, and vCPUs that are called so."""

from __future__ import annotations

from typing import Any

import pytest
from compile_toys import offer, service, toy

import domicile
from optimizer.audit import audit
from optimizer.catalogue import load_catalogue
from optimizer.catalogue.machines import is_burstable
from optimizer.compile.assemble import compile_instance
from optimizer.compile.why import why
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan


def fleet(**runs: Any) -> Instance:
    """Machines of 8 vCPUs at 1, 2 and 3 USD/h: arm64, x86_64 and one that does not say."""
    cpu: dict[str, Any] = {"accelerator": "cpu", "devices": 1, "vcpus": 8, "device_memory_gb": None, "software": None}
    offers = [offer("a1", usd_per_hour=1.0, arch="arm64", **cpu), offer("x1", usd_per_hour=2.0, arch="x86_64", **cpu),
              offer("u1", usd_per_hour=3.0, **cpu)]  # fmt: skip
    work = {**service(rate=8.0, target_utilisation=1.0), "runs": {"throughput": {"cpu": 1.0}, **runs}}
    return toy(work, inline={"offers": offers}, quotas={"default_vcpus": "unlimited"})


@pytest.mark.parametrize(("arch", "sku"), [(None, "a1"), ("arm64", "a1"), ("x86_64", "x1")])
def test_a_fleet_runs_on_the_architecture_it_asks_for(arch: str | None, sku: str):
    """The cheapest machine of it; any will do where none is stated."""
    instance = fleet(**({"arch": arch} if arch else {}))
    plan = domicile.solve(instance, threads=1)
    assert [row.sku for row in plan.placements] == [sku]
    assert audit(instance, plan).violations == ()


def test_other_and_unknown_architectures_are_told():
    compiled = compile_instance(fleet(arch="x86_64"))
    options = why(compiled, "svc", "p:north").options
    told = {option.offer: [str(one) for one in option.excluded_by] for option in options}
    assert "arch is arm64; allowed: x86_64" in told["p:north:a1:on_demand"][0]
    assert "arch is not known; allowed: x86_64" in told["p:north:u1:on_demand"][0]
    assert told["p:north:x1:on_demand"] == []


def test_the_audit_finds_another_architecture():
    free = domicile.solve(fleet(), threads=1)
    found = audit(fleet(arch="x86_64"), Plan.model_validate(free.model_dump()))
    assert "arch" in {violation.kind for violation in found.violations}


def steady(**runs: Any) -> domicile.Instance:
    """100 requests/s at 18 a vCPU on AWS: the catalogue's cheapest machine for it is burstable, the next one arm64."""
    return domicile.load({
        "name": "fleet", "horizon": {"start": "2027-01-01", "hours": 730}, "laws": {"use": "none"},
        "catalogue": {"use": "world", "providers": ["aws"]}, "quotas": {"default_vcpus": "unlimited"},
        "workloads": [{"id": "svc", "kind": "service", "runs": {"throughput": {"cpu": 18.0}, **runs},
                       "streams": [{"origin": "DE", "rate": 100.0, "unit": "requests/s", "max_rtt_ms": 20}]}],
    })  # fmt: skip


def test_a_steady_x86_service_gets_no_burstable_and_no_arm_machine():
    asked = steady(arch="x86_64")
    plan = domicile.solve(asked, threads=1)
    skus = {row.sku for row in plan.placements}
    assert skus
    assert not any(is_burstable(sku) for sku in skus)
    arch = load_catalogue().skus.arch
    assert {arch["aws", sku] for sku in skus} == {"x86_64"}
    assert audit(asked, plan).violations == ()


def test_burstable_machines_are_open_to_what_asks_for_them():
    burst = domicile.solve(steady(arch="x86_64", burstable=True), threads=1)
    assert {row.sku for row in burst.placements} == {"t3.xlarge"}
    assert burst.objective_usd < domicile.solve(steady(arch="x86_64"), threads=1).objective_usd
    found = audit(steady(arch="x86_64"), Plan.model_validate(burst.model_dump()))
    assert "burstable" in {violation.kind for violation in found.violations}


@pytest.mark.parametrize(("sku", "burst"), [
    ("t3.xlarge", True), ("t4g.small", True), ("t2.micro", True), ("Standard_B2s", True), ("e2-medium", True),
    ("ecs.t6-c1m1.large", True), ("VM.Standard.E4.Flex.Burstable", True), ("t2a-standard-16", False),
    ("t2-le-45", False), ("e2-standard-4", False), ("m7g.4xlarge", False), ("b3-16", False), ("bx2-8x32", False),
    ("BASIC3-X4C-16G", False), ("trn1.2xlarge", False), ("Standard_D4s_v5", False),
])  # fmt: skip
def test_burstable_machines_by_name(sku: str, burst: bool):
    assert is_burstable(sku) is burst


def test_of_the_catalogue_one_machine_is_burstable():
    """A family that a new table brings in has to be looked at by name."""
    assert {sku for _, sku in load_catalogue().skus.index if is_burstable(sku)} == {"t3.xlarge"}


def test_vcpus_are_called_so():
    """A machine without a speed is named by its vCPUs; `default_devices` says nothing of them."""
    work = {**service(rate=8.0), "runs": {"throughput": {"X": 1.0}}}
    machines = [offer("x1"), offer("c8", accelerator="cpu", devices=1, vcpus=8, device_memory_gb=None, software=None)]
    compiled = compile_instance(toy(work, inline={"offers": machines}, quotas={"default_vcpus": 64,
                                                                               "default_devices": 8}))  # fmt: skip
    (option,) = why(compiled, "svc", "p:north:c8:on_demand").options
    assert any("nobody measured it on 8 vCPUs" in str(one) for one in option.excluded_by)
