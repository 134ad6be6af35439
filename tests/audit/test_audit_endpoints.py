"""Managed endpoints with declared resource regions: solved on real rows, audited, and tampered with."""

from __future__ import annotations

import pytest

import domicile
from optimizer.audit import audit
from optimizer.catalogue import load_catalogue
from optimizer.instance.load import load

VERTEX = "gcp:-:vertex-ai:claude-haiku-5-5:chat:unspecified"


def instance(*resources, model="anthropic/claude-haiku-5.5", retention=24.0, scopes=(), providers=("all",), **more):
    return load({
        "name": "bought", "horizon": {"start": "2026-12-01", "hours": 24.0},
        "laws": {"use": "world", "as_of": "2026-11-22"},
        "catalogue": {"providers": list(providers), "endpoint_resources": list(resources)},
        "legal_assertions": {"exporters": [{"id": "acme", "country": "DE", "headquarters": "DE"}]},
        "workloads": [{
            "id": "chat", "kind": "service", "streams": [{"origin": "DE", "rate": 100.0}],
            "data": {"categories": ["personal"], "exporter": "acme", "retention_hours": retention},
            "runs": {"via": ["endpoint"], "endpoint_models": [model], "endpoint_scopes": list(scopes),
                     "input_tokens": 1000, "output_tokens": 250},
        }],
        "quotas": {"default_endpoint_units_per_s": 60.0}, **more,
    })  # fmt: skip


BOTH = {"provider": "gcp", "regions": ["gcp:europe-west3", "gcp:europe-west4"], "processing": "region",
        "citation": "account register, 2026-11"}  # fmt: skip


def test_a_profile_of_bedrock_is_lawful_in_frankfurt_and_has_a_quota_in_each_region():
    """100 tokens/s against 60 per endpoint and region: the EU profile in two of its eight regions; nothing declared."""
    plan = domicile.solve(instance(scopes=["geo_eu"]))
    assert len({(row.endpoint, row.region_id) for row in plan.placements}) == 2
    assert sum(row.served_per_s for row in plan.placements) == pytest.approx(100.0)
    listed = load_catalogue().endpoints.loc[plan.placements[0].endpoint]
    assert listed.region_id == plan.placements[0].region_id
    per_token = (
        listed.price_usd_per_million_output_tokens + 4.0 * listed.price_usd_per_million_input_tokens
    ) / 1e6
    assert plan.objective_usd == pytest.approx(100.0 * 24 * 3600 * per_token)
    assert not any("endpoint_resources" in line for line in plan.warnings)


def test_a_quota_on_the_endpoint_covers_all_its_regions_together():
    quotas = {"default_endpoint_units_per_s": 0, "limits": [{"id": "eu", "endpoint": VERTEX, "units_per_s": 150}]}
    plan = domicile.solve(instance(BOTH, quotas=quotas))
    assert {row.endpoint for row in plan.placements} == {VERTEX}
    use = [(row.id, row.used) for row in plan.quotas]
    assert use == [("eu", pytest.approx(100.0))]
    told = [line for line in plan.warnings if "endpoint_resources" in line]
    assert len(told) == 1
    assert "stated by catalogue.endpoint_resources[0] (account register, 2026-11)" in told[0]


def test_the_processing_verdict_is_the_worst_over_the_scope():
    """Without safeguards German personal data may not be processed all over the world, though Frankfurt stores it."""
    plan = domicile.solve(instance(scopes=["global"], providers=["aws"]))
    assert plan.status == "infeasible"
    assert any("EU-GDPR" in line for line in plan.diagnosis)
    inside = domicile.solve(instance(scopes=["global", "geo_eu"], providers=["aws"]))
    assert inside.status == "optimal"
    assert {row.endpoint.rsplit(":", 1)[1] for row in inside.placements} == {"geo_eu"}


@pytest.mark.parametrize(
    ("change", "scope", "kind"),
    [
        ({"region": "us-east-1", "region_id": "aws:us-east-1", "country": "US"}, "geo_eu", "unknown_offer"),
        ({}, "global", "law_no_mechanism"),
        ({}, "geo_us", "unknown_offer"),
    ],
)
def test_the_audit_catches_a_region_nobody_states_and_a_scope_the_law_forbids(change, scope, kind):
    question = instance(scopes=["geo_eu"], providers=["aws"])
    plan = domicile.solve(question)
    first = plan.placements[0]
    change = {**change, "endpoint": first.endpoint.replace("geo_eu", scope)}
    rows = [row.model_copy(update=change) if k == 0 else row for k, row in enumerate(plan.placements)]
    found = {v.kind for v in audit(question, plan.model_copy(update={"placements": tuple(rows)})).violations}
    assert kind in found


@pytest.mark.parametrize("processing", ["region", ["NL", "DE"]])
def test_google_processing_in_the_region_pays_the_regional_price(processing):
    declared = {"provider": "gcp", "regions": ["gcp:europe-west4"], "processing": processing}
    question = instance(declared, providers=["gcp"], quotas={"default_endpoint_units_per_s": "unlimited"})
    plan = domicile.solve(question)
    (row,) = plan.placements
    assert (row.provider, row.region) == ("gcp", "europe-west4")
    listed = load_catalogue().endpoints.loc[row.endpoint]
    assert listed.regional_uplift == 1.1
    price = listed.price_usd_per_million_output_tokens + 4.0 * listed.price_usd_per_million_input_tokens
    assert plan.objective_usd == pytest.approx(1.1 * price / 1e6 * 100.0 * 24 * 3600)
    undone = domicile.solve(instance({**declared, "processing": "global"}, providers=["gcp"]))
    assert undone.status == "infeasible"


def test_azure_lists_where_its_resources_are():
    """The EU data zone and single regions are lawful for German data; no declaration is needed."""
    plan = domicile.solve(instance(model="openai/gpt-5.4", scopes=["data_zone_eu", "region", "global"]))
    assert {row.endpoint.rsplit(":", 1)[1] for row in plan.placements} == {"data_zone_eu"}
    assert not any("endpoint_resources" in line for line in plan.warnings)


def test_survival_counts_on_declared_regions_as_well():
    """If one region fails, the endpoint in the other carries all of it within its own quota."""
    question = instance(BOTH, providers=["gcp"], quotas={"default_endpoint_units_per_s": 100.0},
                        policies=[{"kind": "survival", "id": "ha", "of": "region", "share": 1.0}])  # fmt: skip
    plan = domicile.solve(question)
    assert plan.status == "optimal"
    assert audit(question, plan).violations == ()
