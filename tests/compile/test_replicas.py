"""Replicas of a model: whole ones, each on devices of one machine, sized by memory unless stated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from compile_toys import offer, service, toy

import domicile
from optimizer.audit import audit
from optimizer.audit.world_source import CatalogueSource
from optimizer.compile.speed import working_devices
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan


def machines(devices: tuple[float, ...], rate: float, **runs: Any) -> Instance:
    """Machines of so many X at 2 USD a device and hour; one X does 10 units/s."""
    offers = [offer(f"x{count:g}", devices=count, usd_per_hour=2.0 * count) for count in devices]
    chat = service(rate=rate, target_utilisation=1.0)
    return toy({**chat, "runs": {"throughput": {"X": 10.0}, **runs}}, inline={"offers": offers})


@pytest.mark.parametrize(("size", "cheapest"), [(None, "x1"), (1, "x1"), (2, "x4"), (4, "x4"), (5, "x8")])
def test_a_replica_of_several_devices_sits_in_one_machine(size, cheapest):
    """A service of 10 units/s: one device does it, a replica of four takes a machine of four, of five one of eight."""
    instance = machines((1.0, 4.0, 8.0), 10.0, **({"devices_per_replica": size} if size else {}))
    plan = domicile.solve(instance, threads=1)
    assert [row.sku for row in plan.placements] == [cheapest]
    assert audit(instance, plan).violations == ()


def test_devices_that_fill_no_replica_do_not_work():
    """A machine of eight holds one replica of five: it does 50 units/s, and 51 take two machines."""
    assert domicile.solve(machines((8.0,), 50.0, devices_per_replica=5), threads=1).placements[0].instances == 1
    assert domicile.solve(machines((8.0,), 51.0, devices_per_replica=5), threads=1).placements[0].instances == 2


def test_the_audit_finds_a_replica_on_too_small_a_machine():
    free = domicile.solve(machines((1.0, 4.0), 10.0), threads=1)
    assert [row.sku for row in free.placements] == ["x1"]
    found = audit(machines((1.0, 4.0), 10.0, devices_per_replica=4), Plan.model_validate(free.model_dump()))
    assert "device_memory" in {violation.kind for violation in found.violations}


@pytest.mark.parametrize(("held", "gang", "size", "working"), [
    (8.0, None, None, 8.0), (8.0, None, 3, 6.0), (8.0, 12, None, 6.0), (8.0, 12, 4, 6.0), (6.0, 12, 4, 4.0),
    (6.0, 9, 4, 2.0), (8.0, 3, 4, 0.0), (1.0, None, 4, 0.0),
])  # fmt: skip
def test_working_devices_by_hand(held, gang, size, working):
    """On average over the machines of a gang: 9 devices on two machines of 6 hold one replica of four, 4 / 2 each."""
    assert working_devices(np.array([held]), gang, size)[0] == pytest.approx(working)


def world(**runs: Any) -> domicile.Instance:
    return domicile.load({
        "name": "large", "horizon": {"start": "2027-01-01", "hours": 730}, "laws": {"use": "none"},
        "catalogue": {"use": "world", "providers": ["aws"]}, "quotas": {"default_devices": "unlimited"},
        "workloads": [{"id": "chat", "kind": "service", "runs": {"model": "meta-llama/Llama-3.3-70B-Instruct", **runs},
                       "streams": [{"origin": "DE", "rate": 50.0}]}],
    })  # fmt: skip


def test_a_70b_model_in_16_bit_never_lands_on_one_card_of_48_gb():
    """g6e.xlarge has one L40S. 141 GB of weights take three of them at least, whatever speed is stated."""
    stated = {"throughput": {"L40S": 100.0}, "precision": "bf16"}
    plan = domicile.solve(world(**stated), threads=1)
    assert {row.sku for row in plan.placements} == {"g6e.12xlarge"}
    narrow = domicile.solve(world(throughput={"L40S": 100.0}), threads=1)
    assert {row.sku for row in narrow.placements} == {"g6e.xlarge"}  # nobody said how wide its weights are
    found = audit(world(**stated), Plan.model_validate(narrow.model_dump()))
    assert "device_memory" in {violation.kind for violation in found.violations}


def test_a_70b_assistant_costs_thousands_and_says_what_its_speed_rests_on():
    """3.87 tokens/s on four H100 made it 4.8 million USD a month for 600 tokens/s."""
    instance = world(input_tokens=1024, output_tokens=256, accelerators=["H100"], software=["cuda"])
    plan = domicile.solve(instance, threads=1)
    assert 3_000 < plan.objective_usd < 60_000  # p5.48xlarge: AWS sells H100 by one and by eight
    assert all("estimated_speed" in row.flags for row in plan.placements)
    (line,) = [text for text in plan.warnings if text.startswith("speed of")]
    assert "estimated (roofline, fitted to measurements on it)" in line
    (line,) = [text for text in plan.warnings if "not used" in text]
    assert "3.87 on 4 x H100 is quarantined: broken or throttled run" in line
    assert audit(instance, plan).violations == ()


def test_a_shape_that_nobody_measured_is_valid_and_solved():
    """1,200 + 300 tokens are no profile's; validate and solve agree."""
    plan = domicile.solve(world(input_tokens=1200, output_tokens=300, software=["cuda"]), threads=1)
    assert plan.held


def test_only_measured_speeds_where_nothing_weaker_counts():
    """Of Llama-3.3-70B at this shape nothing is left that was measured."""
    instance = world(input_tokens=1024, output_tokens=256, weakest_speed="measured")
    assert domicile.solve(instance, threads=1).status == "infeasible"


def test_the_audit_finds_a_speed_that_the_devices_cannot_compute(monkeypatch):
    """An H100 does 1,979 TFLOPS at 8 bit and 70.55e9 parameters take 1.4e11 operations a token and 5 tokens a piece:
    at most 2,805 output tokens/s a device. What is read from the catalogue is made a hundred times larger here.
    """
    instance = world(input_tokens=1024, output_tokens=256, accelerators=["H100"], software=["cuda"])
    plan = domicile.solve(instance, threads=1)
    honest = CatalogueSource.units_per_s
    monkeypatch.setattr(CatalogueSource, "units_per_s", lambda *asked: 100 * honest(*asked))
    found = [v for v in audit(instance, plan).violations if v.kind == "no_throughput"]
    assert found[0].what == "the figure is more than the devices can compute"
    assert found[0].expected == pytest.approx(8 * 1979e12 / (2 * 70.55e9 * 5))
