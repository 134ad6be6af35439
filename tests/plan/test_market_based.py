"""Market-based carbon beside the location-based one: by hand, with its coverage, audited, and in no budget."""

from __future__ import annotations

import pytest

import domicile
from optimizer.audit import audit
from optimizer.catalogue import load_catalogue
from optimizer.errors import InputError
from optimizer.instance.load import load


def instance(region="gcp:europe-west4", other=None, **more):
    """One L4 for 100 h in a region, or in one of two."""
    return load({
        "name": "beside", "horizon": {"start": "2027-01-01", "hours": 100.0}, "laws": {"use": "none"},
        "catalogue": {"providers": [region.partition(":")[0]], "fallbacks": ["pue_fleet"], **more.pop("catalogue", {})},
        "workloads": [{
            "id": "chat", "kind": "service", "regions": [region, *([other] if other else [])],
            "runs": {"throughput": {"L4": 10.0}}, "streams": [{"origin": "DE", "rate": 7.0}],
        }],
        "quotas": {"default_devices": 8}, **more,
    })  # fmt: skip


def claims(yearly, hourly=None):
    """Claims of the region in the overlay."""
    figures = {"matched_yearly_share": yearly, **({"matched_hourly_share": hourly} if hourly is not None else {})}
    return {"overlay": [{"table": "regions", "id": "gcp:europe-west4", "set": figures, "citation": "a contract"}]}


def test_what_is_matched_over_the_year_counts_nothing_and_the_rest_the_grid():
    """60 % claimed: 40 % of the energy at the 253 g of the Netherlands; hour by hour 30 %."""
    asked = instance(catalogue=claims(0.6, 0.3))
    plan = domicile.solve(asked)
    beside = plan.market_based
    assert beside.operational_kg == pytest.approx(0.4 * plan.energy_kwh * 0.253)
    assert beside.operational_kg == pytest.approx(0.4 * plan.operational_kg)
    assert (beside.coverage, beside.matched_yearly_share) == (pytest.approx(1.0), pytest.approx(0.6))
    assert (beside.hourly_coverage, beside.matched_hourly_share) == (pytest.approx(1.0), pytest.approx(0.3))
    assert beside.residual_share == 0.0
    for name in type(beside).model_fields:
        other = beside.model_copy(update={name: getattr(beside, name) + 0.05})
        assert audit(asked, plan.model_copy(update={"market_based": other})).violations


def test_a_residual_mix_that_the_instance_states_takes_the_place_of_the_grid():
    carbon = {"residual_mix_g_per_kwh": {"NL": 500.0}}
    plan = domicile.solve(instance(catalogue=claims(0.6), carbon=carbon))
    assert plan.market_based.operational_kg == pytest.approx(0.4 * plan.energy_kwh * 0.5)
    assert plan.market_based.residual_share == pytest.approx(1.0)
    assert plan.operational_kg == pytest.approx(plan.energy_kwh * 0.253)  # location-based as before


def test_without_a_claim_the_grid_counts_and_nothing_is_covered():
    plan = domicile.solve(instance())
    assert plan.market_based.operational_kg == pytest.approx(plan.operational_kg)
    assert plan.market_based.coverage == 0.0
    assert plan.market_based.hourly_coverage == pytest.approx(1.0)  # Google tells hourly shares, no yearly ones


@pytest.mark.parametrize(("limit", "fits"), [(1.01, True), (0.99, False)])
def test_a_budget_counts_location_based_and_names_its_basis(limit, fits):
    """All is claimed to be renewable: the budget does not care."""
    kg = domicile.solve(instance()).carbon_kg
    budgets = [{"id": "cap", "limit_kg": limit * kg, "basis": "location_lifecycle"}]
    plan = domicile.solve(instance(catalogue=claims(1.0), budgets=budgets))
    assert (plan.status == "optimal") == fits
    if fits:
        assert plan.budgets[0].basis == "location_lifecycle"
        assert plan.budgets[0].used == pytest.approx(kg)
        assert plan.market_based.operational_kg == pytest.approx(0.0)


def test_a_budget_on_another_basis_than_the_instance_s_is_an_error():
    with pytest.raises(InputError, match="one instance counts on one basis"):
        instance(budgets=[{"id": "cap", "limit_kg": 1.0, "basis": "market_based"}])


def test_yearly_and_hourly_claims_are_two_columns_with_their_source():
    r = load_catalogue().regions
    assert r.at["aws:us-east-1", "matched_yearly_share"] == 1.0
    assert r.at["aws:us-east-1", "matched_yearly_scope"] == "region"
    assert r.at["aws:af-south-1", "matched_yearly_scope"] == "fleet"
    assert r.at["gcp:africa-south1", "matched_hourly_share"] == 0.15
    assert r.matched_hourly_share.notna().sum() >= 40
    assert r.matched_yearly_share.isna()[r.provider.eq("gcp")].all()
    told = r.matched_yearly_share.notna() | r.matched_hourly_share.notna()
    assert r.matched_source[told].ne("").all()


def test_a_frontier_along_claims_is_of_what_a_plan_states_beside_its_own_figure():
    """The Netherlands claim 90 %, Belgium nothing: its cleaner grid is no better by claims. Every point says in
    `market_based` what its amount is, and the first is the least cost.
    """
    asked = instance(other="gcp:europe-west1", catalogue=claims(0.9))
    answer, plans = domicile.study.frontier(asked, "market_based", points=3, gap=1e-6)
    told = [plan.market_based.operational_kg for plan in plans]
    assert [point.amount for point in answer.points] == pytest.approx(told)
    assert answer.points[0].cost_usd == pytest.approx(domicile.solve(asked, gap=1e-6).objective_usd)
    assert {row.region_id for row in plans[-1].placements} == {"gcp:europe-west4"}
    assert all(point.proven for point in answer.points)


def test_by_claims_alone_a_frontier_along_carbon_is_that():
    with pytest.raises(InputError, match="counts carbon by suppliers' claims"):
        domicile.study.frontier(instance(carbon={"basis": "market_based"}), "market_based")
