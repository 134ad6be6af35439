"""A quota of a part of a device is a warning by name, whoever stated it: a file, a change, a default."""

from __future__ import annotations

from typing import Any

import pytest
from compile_toys import offer, toy

import domicile
from optimizer.validation import warnings_on

NORTH = {"limits": [{"id": "north", "region": "p:north", "devices": 8.22}]}


def told(instance: domicile.Instance) -> list[str]:
    return [text for text in warnings_on(instance) if "devices are whole" in text]


@pytest.mark.parametrize(("quotas", "expected"), [
    (NORTH, ["quota north grants 8.22 devices; devices are whole, and 8 of them can be had"]),
    ({"limits": [{**NORTH["limits"][0], "devices": 8.0}]}, []),
    ({"default_devices": 7.5}, ["quota quotas.default_devices grants 7.5 devices; devices are whole, and 7 of them can "
                                "be had"]),
    ({"default_devices": "unlimited"}, []),
])  # fmt: skip
def test_a_part_of_a_device_is_told(quotas: dict[str, Any], expected: list[str]):
    assert told(toy(quotas=quotas)) == expected


def test_a_change_that_states_one_is_told_in_the_plan():
    """Scaled to 8.22 of 16.44; without the part nothing is told, and both plans cost the same."""
    instance = toy(quotas={"limits": [{**NORTH["limits"][0], "devices": 16}]})
    plans = [
        domicile.solve(domicile.changed(instance, [{"op": "set_limit", "rule": "quota:north", "to": to}]))
        for to in (8.22, 8.0)
    ]
    assert ["devices are whole" in " ".join(plan.warnings) for plan in plans] == [True, False]
    assert plans[0].objective_usd == plans[1].objective_usd


def test_where_parts_of_devices_are_sold_a_part_may_be_granted():
    """Halves of a device: of 1.5 three are had."""
    halves = {"offers": [offer(devices=0.5)]}
    assert told(toy(quotas={"default_devices": 1.5}, inline=halves)) == []
