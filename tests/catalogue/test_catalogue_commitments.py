"""Commitments of the bundled catalogue: shape, plausibility, figures checked by hand, and a plan that buys one."""

from __future__ import annotations

from typing import Any

import pytest

import domicile
from optimizer.catalogue import load_catalogue
from optimizer.catalogue.query import list_commitments


@pytest.fixture(scope="module")
def table() -> Any:
    return list_commitments(load_catalogue())


def test_every_price_is_below_the_list_and_not_below_a_tenth_of_it(table: Any) -> None:
    """An hour of a term costs at most what it does on demand (5 % for exchange rates), and at least a tenth of it."""
    known = table[table.of_on_demand.notna() & table.price_quality.ne("unverified")]
    assert len(known) > 3_000
    dear = known[known.of_on_demand > 1.05]
    assert dear.empty, dear[["commitment_id", "of_on_demand"]].head(20).to_string()
    assert known.of_on_demand.min() > 0.1, known.sort_values("of_on_demand").head(5).to_string()


@pytest.mark.parametrize(
    ("commitment", "usd_per_hour", "upfront_usd"),
    [
        # ec2.shop at 74c9fd8, reserved standard, no upfront
        ("aws:af-south-1:g4dn.12xlarge:1y:no_upfront", 3.542, 0.0),
        # cloud pricing calculator, pricing file of 2026-07-30, machine and GPU added up
        ("gcp:asia-northeast1:a2-highgpu-1g:1y:no_upfront", 2.52961, 0.0),
        # OpenComputePrices 26428de, term total 46,253 USD over 3 * 8,760 h
        ("azure:westus3:Standard_NC32ads_A10_v4:3y:no_upfront", 1.760008, 0.0),
    ],
)
def test_figures_are_those_of_their_source(commitment: str, usd_per_hour: float, upfront_usd: float) -> None:
    """Read by hand in the source."""
    row = load_catalogue().commitments.loc[commitment]
    assert (row.usd_per_hour, row.upfront_usd) == (usd_per_hour, upfront_usd)


def test_a_plan_buys_what_the_catalogue_lists() -> None:
    """A steady service on g6.xlarge in Frankfurt, a year foreseen: reserved, at the listed price, with no complaint."""
    data: dict[str, Any] = {
        "name": "listed", "horizon": {"start": "2027-01-01", "hours": 730},
        "catalogue": {"use": "world", "providers": ["aws"], "regions": ["aws:eu-central-1"]}, "laws": {"use": "none"},
        "workloads": [{"id": "w", "kind": "service", "runs": {"throughput": {"T4": 100}}, "target_utilisation": 1.0,
                       "streams": [{"origin": "DE", "rate": 300, "unit": "tokens/s"}]}],
        "quotas": {"default_devices": 8},
        "buy": {"expected_use_months": 12, "listed": {"terms": ["1y"]}},
    }  # fmt: skip
    instance = domicile.load(data)
    plan = domicile.solve(instance)
    assert not domicile.audit(instance, plan).violations
    (row,) = plan.purchases
    listed = load_catalogue().commitments.loc[row.id]
    assert row.sku == "g4dn.xlarge"
    assert row.amount == 3.0
    assert plan.objective_usd == pytest.approx(3 * 730 * listed.usd_per_hour)
    assert row.on_demand_usd is not None
    assert row.charged_usd < row.on_demand_usd
