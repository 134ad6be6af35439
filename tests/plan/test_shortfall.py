"""An instance whose limits clash is told which of them would have to change, by how much."""

import copy

import pytest

import domicile
from optimizer.compile import compile_instance
from optimizer.plan.shortfall import NOTHING, all_told, introduction
from optimizer.solve import Shortfall

ESTATE = {
    "name": "clash",
    "horizon": {"start": "2027-01-01", "hours": 100},
    "catalogue": {
        "use": "inline",
        "inline": {
            "regions": [{"id": "r1", "country": "DE"}],
            "offers": [{"sku": "s", "region": "r1", "accelerator": "X", "usd_per_hour": 9}],
        },
    },
    "laws": {"use": "none"},
    "target_utilisation": 1.0,
    "workloads": [
        {
            "id": "w",
            "kind": "service",
            "runs": {"throughput": {"X": 10.0}},
            "streams": [{"origin": "DE", "rate": 20, "unit": "units/s"}],
        }
    ],
    "budgets": [{"id": "money", "limit_usd": 1800}],
    "quotas": {"default_devices": 2},
}


def estate(**changes):
    """The estate with some of its fields replaced."""
    return domicile.load({**copy.deepcopy(ESTATE), **changes})


def test_at_the_limits_there_is_a_plan():
    """Two devices for 100 hours at 9 USD are exactly what quota and budget allow."""
    assert domicile.solve(estate()).objective_usd == pytest.approx(1800)


BUDGET = {
    "basis": "alone", "rule": "budget", "id": "money", "need": None, "period": None, "limit": 1700.0, "unit": "USD",
    "direction": "rise", "by": 100.0, "by_at_least": 100.0, "proven": True,
    "sentence": "budget money: its limit of 1,700 USD would have to rise by 100 USD, to 1,800 USD "
    "(proven within 0.1 %)",
}  # fmt: skip
QUOTA = {
    "basis": "alone", "rule": "quota", "id": "devices:X@r1", "need": None, "period": "t0", "limit": 1.0,
    "unit": "devices", "direction": "rise", "by": 1.0, "by_at_least": 1.0, "proven": True,
    "sentence": "quota devices:X@r1: its limit of 1 devices in period t0 would have to rise by 1 devices, to 2 devices "
    "(proven within 0.1 %)",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "row"),
    [({"budgets": [{"id": "money", "limit_usd": 1700}]}, BUDGET), ({"quotas": {"default_devices": 1}}, QUOTA)],
)
def test_the_limit_that_would_have_to_rise_is_named_with_its_amount(changes, row):
    """One unit tighter than needed: limit, amount and proof, the same in several runs and with 1 and 2 threads."""
    for threads in (1, 2, 1, 2):
        plan = domicile.solve(estate(**changes), threads=threads)
        assert plan.status == "infeasible"
        assert plan.diagnosis[1] == "one change admits a plan, all else kept:"
        assert [{**told.model_dump(), "by": round(told.by, 6), "by_at_least": round(told.by_at_least, 6)}
                for told in plan.shortfalls] == [row]  # fmt: skip


def test_both_limits_together():
    """One device too few and 100 USD too few: neither alone would do, and the text says that both are needed."""
    plan = domicile.solve(estate(budgets=[{"id": "money", "limit_usd": 1700}], quotas={"default_devices": 1}))
    assert {(told.rule, round(told.by, 6), told.basis) for told in plan.shortfalls} == {
        ("budget", 100.0, "together"),
        ("quota", 1.0, "together"),
    }
    assert "these changes together do" in plan.diagnosis[1]
    assert plan.tables()["shortfalls"].shape[0] == 2


def test_a_share_is_told_in_percent():
    """One provider sells all that there is, and may have 40 % of it."""
    policy = {"kind": "provider_share", "id": "fair", "max_share": 0.4, "measure": "device_hours"}
    (told,) = domicile.solve(estate(policies=[policy])).shortfalls
    assert (told.rule, told.limit, round(told.by, 6), told.unit) == ("policy", 0.4, 0.6, "of device_hours")
    assert "its limit of 40 % of device_hours would have to rise by 60 % of device_hours, to 100 %" in told.sentence


def surviving(**changes):
    """The estate's workload survives the failure of any region in full."""
    return estate(workloads=[{**ESTATE["workloads"][0], "survival": {"of": "region", "share": 1.0}}], **changes)


def test_a_need_without_a_unit_is_told_without_amounts():
    """The only region fails: nothing is left to take over, and no limit would change that."""
    (told,) = domicile.solve(surviving()).shortfalls
    assert (told.rule, told.id, told.need, told.basis) == ("workload", "w", "failover_demand", "alone")
    assert (told.limit, told.by, told.by_at_least, told.unit) == (None, None, None, None)
    assert told.sentence == "workload w: what it asks to survive cannot be carried by the rest"


def test_two_quotas_are_needed_together():
    """Two regions of one device each: where one fails, the other needs two, so that both quotas would have to rise."""
    catalogue = copy.deepcopy(ESTATE["catalogue"])
    catalogue["inline"]["regions"].append({"id": "r2", "country": "DE"})
    catalogue["inline"]["offers"].append({**catalogue["inline"]["offers"][0], "region": "r2"})
    plan = domicile.solve(surviving(catalogue=catalogue, quotas={"default_devices": 1}, budgets=[]))
    assert sorted((told.id, told.limit, round(told.by, 6), told.basis) for told in plan.shortfalls) == [
        ("devices:X@r1", 1.0, 1.0, "together"),
        ("devices:X@r2", 1.0, 1.0, "together"),
    ]


def test_a_need_is_told_once():
    """Rows of one need, for every place that fails, are one line."""
    compiled = compile_instance(surviving(), None)
    row = Shortfall("failover_demand", None, "w", None, side=1.0, by=0.5)
    assert [told.basis for told in all_told([row, row], compiled, 10)] == ["alone"]


def test_nothing_found_is_said():
    """Without rows the reader is told that none was found."""
    assert introduction(()) == NOTHING


def test_what_the_progress_callback_raises_is_raised():
    """A failing callback stops the solve and is not swallowed."""

    def broken(_progress):
        raise ValueError("the caller's own mistake")

    with pytest.raises(ValueError, match="own mistake"):
        domicile.solve(estate(), progress=broken)
