"""What rules leave over of all options, step by step, counted by hand."""

from __future__ import annotations

import copy
from typing import Any

import domicile
from optimizer.compile import compile_instance
from optimizer.explain.options_left import options_left

INSTANCE: dict[str, Any] = {
    "name": "toy", "horizon": {"start": "2027-01-01", "hours": 100.0}, "laws": {"use": "none"},
    "catalogue": {"use": "inline", "inline": {
        "providers": [{"id": "p", "control": ["DE"]}, {"id": "q", "control": ["US"]}],
        "regions": [{"id": "north", "provider": "p", "country": "DE"},
                    {"id": "east", "provider": "q", "country": "FR"}],
        "offers": [{"sku": sku, "region": region, "accelerator": chip, "usd_per_hour": 1.0}
                   for region in ("north", "east") for sku, chip in (("a", "X"), ("b", "Y"), ("c", "Z"))]}},
    "quotas": {"limits": [{"id": "x", "accelerator": "X", "devices": 4}]},
    "policies": [{"kind": "exclude_control", "id": "no-us", "jurisdictions": ["US"]}],
    "workloads": [{"id": "chat", "kind": "service", "runs": {"throughput": {"X": 10.0, "Y": 10.0}},
                   "streams": [{"origin": "DE", "rate": 4.0}, {"origin": "FR", "rate": 4.0}],
                   "data": {"categories": ["non_personal"]}}],
}  # fmt: skip


def _steps(instance: dict[str, Any]) -> dict[str, tuple[int, int, tuple[str, ...]]]:
    found = options_left(compile_instance(domicile.load(instance)))
    return {one.step: (one.options, one.taken, one.taken_by) for one in found}


def test_each_step_takes_what_its_rules_shut_first() -> None:
    """Two streams, six offers: Z has no speed (4 of 12), the operator under US control 4 of the rest, Y no quota."""
    steps = _steps(INSTANCE)
    assert list(steps) == ["all", "machine", "policy", "quota"]
    assert steps["all"] == (12, 0, ())
    assert steps["machine"][:2] == (8, 4)
    assert steps["policy"] == (4, 4, ("policy:no-us",))
    assert steps["quota"][:2] == (2, 2)


def test_who_loses_the_last_option_is_named_with_the_rule() -> None:
    """With nothing open but under US control, and demand that may stay unserved, the policy takes all."""
    shut = copy.deepcopy(INSTANCE)
    shut["catalogue"]["countries"] = ["FR"]
    shut["workloads"][0]["unserved_usd_per_unit"] = 1.0
    steps = {one.step: one for one in options_left(compile_instance(domicile.load(shut)))}
    assert steps["policy"].lost == (("chat, stream DE", "policy:no-us"), ("chat, stream FR", "policy:no-us"))
    assert steps["policy"].without_option == 2


def test_a_rule_less_takes_nothing() -> None:
    """Without the policy its step is gone, and the quota takes on both sides."""
    free = copy.deepcopy(INSTANCE)
    del free["policies"]
    steps = _steps(free)
    assert list(steps) == ["all", "machine", "quota"]
    assert steps["quota"][:2] == (4, 4)
