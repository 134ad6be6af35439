"""Managed endpoints with declared resource regions: solved on real rows, audited, and tampered with."""

from __future__ import annotations

import pytest

import domicile
from optimizer.audit import audit
from optimizer.catalogue import load_catalogue
from optimizer.instance.load import load

EU_PROFILE = "aws:-:amazon-bedrock:anthropic.claude-haiku-5-5:chat:geo_eu"
GLOBAL_PROFILE = "aws:-:amazon-bedrock:anthropic.claude-haiku-5-5:chat:global"


def instance(*resources, model="anthropic/claude-haiku-5.5", retention=24.0, scopes=(), **more):
    return load({
        "name": "bought", "horizon": {"start": "2026-12-01", "hours": 24.0},
        "laws": {"use": "world", "as_of": "2026-11-22"},
        "catalogue": {"providers": ["all"], "endpoint_resources": list(resources)},
        "legal_assertions": {"exporters": [{"id": "acme", "country": "DE", "headquarters": "DE"}]},
        "workloads": [{
            "id": "chat", "kind": "service", "streams": [{"origin": "DE", "rate": 100.0}],
            "data": {"categories": ["personal"], "exporter": "acme", "retention_hours": retention},
            "runs": {"via": ["endpoint"], "endpoint_models": [model], "endpoint_scopes": list(scopes),
                     "input_tokens": 1000, "output_tokens": 250},
        }],
        "quotas": {"default_endpoint_units_per_s": 60.0}, **more,
    })  # fmt: skip


BOTH = {"provider": "aws", "regions": ["aws:eu-central-1", "aws:eu-west-1"], "citation": "account register, 2026-11"}


def test_each_declared_region_has_the_default_quota_of_its_own():
    """100 tokens/s against 60 per endpoint and region: the EU profile is used in both; the plan tells."""
    plan = domicile.solve(instance(BOTH, scopes=["geo_eu"]))
    assert {(row.endpoint, row.region_id) for row in plan.placements} == {
        (EU_PROFILE, "aws:eu-central-1"), (EU_PROFILE, "aws:eu-west-1"),
    }  # fmt: skip
    assert sum(row.served_per_s for row in plan.placements) == pytest.approx(100.0)
    listed = load_catalogue().endpoints.loc[EU_PROFILE]
    per_token = (
        listed.price_usd_per_million_output_tokens + 4.0 * listed.price_usd_per_million_input_tokens
    ) / 1e6
    assert plan.objective_usd == pytest.approx(100.0 * 24 * 3600 * per_token)
    told = [line for line in plan.warnings if "endpoint_resources" in line]
    assert told == [
        "where the endpoints of 2 placements sit or process is stated by catalogue.endpoint_resources[0] "
        "(account register, 2026-11)"
    ]


def test_a_quota_on_the_endpoint_covers_all_its_regions_together():
    quotas = {"default_endpoint_units_per_s": 0, "limits": [{"id": "eu", "endpoint": EU_PROFILE, "units_per_s": 150}]}
    plan = domicile.solve(instance(BOTH, quotas=quotas))
    assert {row.endpoint for row in plan.placements} == {EU_PROFILE}
    use = [(row.id, row.used) for row in plan.quotas]
    assert use == [("eu", pytest.approx(100.0))]


def test_the_processing_verdict_is_the_worst_over_the_scope():
    """Without safeguards German personal data may not be processed all over the world, though Frankfurt stores it."""
    plan = domicile.solve(instance(BOTH, scopes=["global"]))
    assert plan.status == "infeasible"
    assert any("EU-GDPR" in line for line in plan.diagnosis)
    inside = domicile.solve(instance({**BOTH, "scopes": ["in_region"]}))
    assert inside.status == "optimal"
    assert {row.endpoint for row in inside.placements} == {EU_PROFILE.replace("geo_eu", "in_region")}


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"region": "eu-west-3", "region_id": "aws:eu-west-3", "country": "FR"}, "unknown_offer"),
        ({"region": "us-east-1", "region_id": "aws:us-east-1", "country": "US"}, "unknown_offer"),
        ({"endpoint": GLOBAL_PROFILE}, "law_no_mechanism"),
        ({"endpoint": EU_PROFILE.replace("geo_eu", "geo_us")}, "unknown_offer"),
    ],
)
def test_the_audit_catches_a_region_nobody_declared_and_a_scope_the_law_forbids(change, kind):
    question = instance(BOTH, scopes=["geo_eu"])
    plan = domicile.solve(question)
    rows = [row.model_copy(update=change) if k == 0 else row for k, row in enumerate(plan.placements)]
    found = {v.kind for v in audit(question, plan.model_copy(update={"placements": tuple(rows)})).violations}
    assert kind in found


@pytest.mark.parametrize("processing", ["region", ["NL", "DE"]])
def test_google_processing_in_the_region_pays_the_regional_price(processing):
    declared = {"provider": "gcp", "regions": ["gcp:europe-west4"], "processing": processing}
    question = instance(declared, quotas={"default_endpoint_units_per_s": "unlimited"})
    plan = domicile.solve(question)
    (row,) = plan.placements
    assert (row.provider, row.region) == ("gcp", "europe-west4")
    listed = load_catalogue().endpoints.loc[row.endpoint]
    assert listed.regional_uplift == 1.1
    price = listed.price_usd_per_million_output_tokens + 4.0 * listed.price_usd_per_million_input_tokens
    assert plan.objective_usd == pytest.approx(1.1 * price / 1e6 * 100.0 * 24 * 3600)
    undone = domicile.solve(instance({**declared, "processing": "global"}))
    assert undone.status == "infeasible"


def test_azure_lists_where_its_resources_are():
    """The EU data zone and single regions are lawful for German data; no declaration is needed."""
    plan = domicile.solve(instance(model="openai/gpt-5.4", scopes=["data_zone_eu", "region", "global"]))
    assert {row.endpoint.rsplit(":", 1)[1] for row in plan.placements} == {"data_zone_eu"}
    assert not any("endpoint_resources" in line for line in plan.warnings)


def test_survival_counts_on_declared_regions_as_well():
    """If one region fails, the profile in the other carries all of it within its own quota."""
    question = instance(BOTH, scopes=["geo_eu"], quotas={"default_endpoint_units_per_s": 100.0},
                        policies=[{"kind": "survival", "id": "ha", "of": "region", "share": 1.0}])  # fmt: skip
    plan = domicile.solve(question)
    assert plan.status == "optimal"
    assert audit(question, plan).violations == ()
