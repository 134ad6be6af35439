"""An instance whose limits clash is told which of them has to give, by how much."""

import copy

import pytest

import optimizer

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
    return optimizer.load({**copy.deepcopy(ESTATE), **changes})


def test_at_the_limits_there_is_a_plan():
    """Two devices for 100 hours at 9 USD are exactly what quota and budget allow."""
    assert optimizer.solve(estate()).objective_usd == pytest.approx(1800)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"budgets": [{"id": "money", "limit_usd": 1700}]}, "budget money: 1,700 USD fall short by 100 USD"),
        ({"quotas": {"default_devices": 1}}, "quota devices:X@r1: 1 devices fall short by 1 in period t0"),
    ],
)
def test_the_limit_that_has_to_give_is_named_with_its_amount(changes, line):
    """One unit tighter than needed: the diagnosis names that limit and the unit."""
    plan = optimizer.solve(estate(**changes))
    assert plan.status == "infeasible"
    assert line in plan.diagnosis


def test_what_the_progress_callback_raises_is_raised():
    """A failing callback stops the solve and is not swallowed."""

    def broken(_progress):
        raise ValueError("the caller's own mistake")

    with pytest.raises(ValueError, match="own mistake"):
        optimizer.solve(estate(), progress=broken)
