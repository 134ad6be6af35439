"""`catalogue.endpoint_resources`: what the instance declares of endpoints of Bedrock, Azure and Google (real rows)."""

from __future__ import annotations

import pytest

from optimizer.compile import resolve_world
from optimizer.errors import InputError
from optimizer.instance.load import load

BEDROCK = "amazon-bedrock:anthropic.claude-haiku-5-5:chat:"
VERTEX_GLOBAL = "deepseek-ai/DeepSeek-V4.1-Flash"
VERTEX = "gcp:-:vertex-ai:claude-haiku-5-5:chat:unspecified"


def instance(*resources, **catalogue):
    return load({
        "name": "bought", "horizon": {"start": "2026-12-01", "hours": 24.0}, "laws": {"use": "none"},
        "catalogue": {"providers": ["all"], "endpoint_resources": list(resources), **catalogue},
        "quotas": {"default_endpoint_units_per_s": 1000.0},
        "workloads": [{
            "id": "chat", "kind": "service", "streams": [{"origin": "DE", "rate": 100.0}],
            "runs": {"via": ["endpoint"], "endpoint_models": ["anthropic/claude-haiku-5.5"],
                     "input_tokens": 1000, "output_tokens": 250},
        }],
    })  # fmt: skip


def opened(*resources, **catalogue):
    """Return the open endpoint offers by (endpoint, region), and why the others are shut."""
    world = resolve_world(instance(*resources, **catalogue))
    offers = world.offers[world.is_endpoint]
    shut = world.closed[world.closed.endpoint.ne("")].set_index("endpoint").reason
    return offers.set_index(["endpoint", "region_id"]), shut


def complaints(*resources, **catalogue):
    with pytest.raises(InputError) as error:
        instance(*resources, **catalogue)
    return [(issue.where, issue.what) for issue in error.value.issues]


def test_a_profile_of_bedrock_is_where_aws_says_it_can_be_called():
    """The US profile reaches Canada; no region alone serves the model; a declaration changes nothing of it."""
    offers, _ = opened({"provider": "aws", "regions": ["aws:us-west-2"]})
    places = {
        scope: {r for e, r in offers.index if e == f"{r}:{BEDROCK}{scope}"} for scope in ("geo_eu", "geo_us", "global")
    }
    assert {"aws:eu-central-1", "aws:eu-west-1"} <= places["geo_eu"]
    assert {"aws:us-east-1", "aws:us-west-2"} <= places["geo_us"]
    assert places["geo_eu"] | places["geo_us"] <= places["global"]
    assert not any(f"{BEDROCK}in_region" in endpoint for endpoint, _ in offers.index)
    scope = offers.droplevel("region_id").scope_countries
    assert scope[f"aws:us-east-1:{BEDROCK}geo_us"] == {"US", "CA"}
    assert scope[f"aws:eu-central-1:{BEDROCK}geo_eu"] == {"DE", "ES", "FR", "IE", "IT", "SE"}
    assert {"US", "DE", "JP", "IN"} <= scope[f"aws:eu-central-1:{BEDROCK}global"]


def test_without_a_declaration_they_say_what_they_lack():
    offers, shut = opened()
    assert not any(endpoint.startswith("gcp:-:") for endpoint, _ in offers.index)
    assert shut[VERTEX.replace("unspecified", "global")] == "endpoint_region_unknown"
    assert shut[VERTEX] == "endpoint_scope_unspecified"


def test_azure_lists_its_resource_regions_and_an_undated_meter_takes_the_declared_one():
    """A global and an EU data-zone meter of the price list, and the data zone that another source prices."""
    offers, _ = opened({"provider": "azure", "regions": ["azure:swedencentral"]})
    listed = offers[offers.provider.eq("azure") & offers.declared_by.eq("")]
    assert {"global", "data_zone_eu", "region"} <= set(listed.scope)
    declared = offers[offers.declared_by.eq("catalogue.endpoint_resources[0]")]
    assert set(declared.index.get_level_values("region_id")) == {"azure:swedencentral"}
    assert {"global", "data_zone_eu"} == set(declared.scope)
    assert all({"SE", "DE"} <= countries for countries in declared.scope_countries)


def test_a_google_global_endpoint_processes_wherever_google_has_regions():
    offers, _ = opened({"provider": "gcp", "regions": ["gcp:europe-west4"]})
    row = offers[offers.model.eq(VERTEX_GLOBAL)].iloc[0]
    assert row.name[1] == "gcp:europe-west4"
    assert {"NL", "US", "SG"} <= row.scope_countries
    assert row.offer_id == f"gcp:europe-west4:{row.name[0]}"


@pytest.mark.parametrize(
    ("processing", "scope", "countries", "factor"),
    [
        ("region", "region", {"NL"}, 1.1),
        (["NL", "DE"], "countries", {"NL", "DE"}, 1.1),
        ("global", "global", None, 1.0),
    ],
)
def test_a_scope_that_nobody_lists_is_the_declared_one(processing, scope, countries, factor):
    """Google charges a tenth more for Claude outside its global endpoint (regional_uplift 1.1)."""
    offers, _ = opened({"provider": "gcp", "regions": ["gcp:europe-west4"], "processing": processing})
    row = offers.loc[VERTEX, "gcp:europe-west4"]
    assert row.scope == scope
    assert row.scope_countries == countries if countries else {"NL", "US", "SG"} <= row.scope_countries
    listed = resolve_world(instance()).catalogue.endpoints.loc[VERTEX]
    assert row.usd_per_million_input_tokens == pytest.approx(factor * listed.price_usd_per_million_input_tokens)
    assert row.usd_per_million_output_tokens == pytest.approx(factor * listed.price_usd_per_million_output_tokens)


def test_regions_and_processing_may_be_declared_apart():
    offers, _ = opened(
        {"provider": "gcp", "regions": ["gcp:europe-west4"]},
        {"provider": "gcp", "processing": "region", "models": ["anthropic/claude-haiku-5.5"]},
    )
    assert offers.loc[VERTEX, "gcp:europe-west4"].scope_countries == {"NL"}
    offers, _ = opened({"provider": "gcp", "regions": ["gcp:europe-west4"]}, unspecified_endpoint_scope="global")
    assert {"NL", "US"} <= offers.loc[VERTEX, "gcp:europe-west4"].scope_countries


def test_the_countries_declared_for_an_azure_data_zone_hold_its_resource():
    """Azure's other data zones have listed resource regions: the Indian ones open, the rest stays shut."""
    zone = {"provider": "azure", "scopes": ["data_zone_other"], "processing": ["IN"]}
    offers, shut = opened(zone)
    zone = offers[offers.scope.eq("data_zone_other")]
    assert set(zone.country) == {"IN"}
    assert set(map(tuple, zone.scope_countries)) == {("IN",)}
    assert (shut == "endpoint_outside_scope").any()


def test_a_declaration_never_replaces_what_the_catalogue_states():
    """A profile of Bedrock stays where AWS has it; Azure's EU data zone keeps its countries."""
    before, _ = opened()
    after, _ = opened(
        {"provider": "aws", "regions": ["aws:us-east-1"]},
        {"provider": "azure", "regions": ["azure:eastus"], "processing": ["US", "IN"]},
    )
    kept = after.loc[before.index]
    assert list(kept.scope_countries) == list(before.scope_countries)
    assert kept.usd_per_million_output_tokens.equals(before.usd_per_million_output_tokens)


def test_declarations_that_fit_nothing_are_told_all_together():
    found = complaints(
        {"provider": "awss", "regions": ["aws:eu-central-1"]},
        {"provider": "aws", "regions": ["aws:eu-zentral-1"], "scopes": ["geo_mars"]},
        {"provider": "aws", "regions": ["gcp:europe-west4"]},
        {"provider": "aws", "scopes": ["region"], "regions": ["aws:eu-central-1"]},
        {"provider": "aws", "scopes": ["geo_eu"], "regions": ["aws:eu-central-1", "aws:us-east-1"]},
        {"provider": "aws", "scopes": ["geo_eu"], "regions": ["aws:eu-west-1"]},
        {"provider": "gcp", "regions": ["gcp:us-central1"], "processing": ["NL"], "scopes": ["unspecified"]},
        {"provider": "openai", "regions": ["azure:eastus"]},
        {"provider": "hetzner", "regions": ["hetzner:fsn1"]},
        {"provider": "aws", "scopes": ["geo_eu"], "processing": "global"},
    )
    path = "catalogue.endpoint_resources"
    assert [where for where, _ in found] == [
        f"{path}[0].provider", f"{path}[1].regions[0]", f"{path}[1].scopes[0]", f"{path}[2].regions[0]",
        f"{path}[3].regions", f"{path}[4].regions[1]", f"{path}[5].regions", f"{path}[6].regions[0]",
        f"{path}[7].regions[0]", f"{path}[8].provider", f"{path}[9].processing",
    ]  # fmt: skip
    told = dict(found)
    assert "outside the scope of every endpoint" in told[f"{path}[4].regions[1]"]
    assert "endpoint_resources[4] speaks of the same endpoints" in told[f"{path}[5].regions"]
    assert "the catalogue states it" in told[f"{path}[9].processing"]


def test_a_declaration_about_a_provider_left_out_is_told():
    found = complaints({"provider": "aws", "regions": ["aws:eu-central-1"]}, providers=["azure"])
    assert [where for where, _ in found] == ["catalogue.endpoint_resources[0].provider"]


@pytest.mark.parametrize(
    ("resource", "what"),
    [
        ({"provider": "aws"}, "states neither regions"),
        ({"provider": "aws", "processing": "somewhere"}, "should be one of region, global"),
        ({"provider": "aws", "processing": []}, "empty"),
        ({"provider": "aws", "processing": ["XX"]}, "XX"),
    ],
)
def test_a_declaration_must_say_something(resource, what):
    (_, told), *_ = complaints(resource)
    assert what in told
