"""Three questions of a planner's first month, on the bundled world, that once were answered wrongly without a word."""

from __future__ import annotations

from typing import Any

import pytest

import domicile

JANUARY = {"start": "2027-01-01", "hours": 730}
CLOUDS = {"use": "world", "providers": ["hyperscalers"]}


def _solved(**fields: Any) -> domicile.Plan:
    return domicile.solve(domicile.load({"name": "planner", "horizon": JANUARY, "catalogue": CLOUDS, **fields}))


ASSISTANT = {
    "id": "assistant", "kind": "service",
    "runs": {"throughput": {"H100": 520, "H200": 720}, "input_tokens": 1400, "output_tokens": 300,
             "min_device_memory_gb": 80, "via": ["instance", "endpoint"],
             "endpoint_models": ["meta-llama/Llama-3.3-70B-Instruct"]},
    "data": {"categories": ["personal"], "exporter": "fintra", "retention_hours": 720},
    "streams": [{"origin": "DE", "rate": 3200, "mean_rate": 1100, "unit": "tokens/s", "max_rtt_ms": 60}],
}  # fmt: skip
ESTATE = {
    "laws": {"use": "world"}, "workloads": [ASSISTANT],
    "legal_assertions": {
        "exporters": [{"id": "fintra", "country": "NL", "headquarters": "NL", "roles": ["controller"]}],
    },
    "quotas": {"default_devices": 16, "default_endpoint_units_per_s": 5000},
}  # fmt: skip


def test_a_loose_carbon_budget_tells_what_it_rules_out_and_what_that_costs() -> None:
    """A thousand tonnes bind nothing; what dearer plan they lead to is told as the cost of figures that are missing."""
    free, capped = _solved(**ESTATE), _solved(**ESTATE, budgets=[{"id": "carbon", "limit_kg": 1_000_000}])
    assert free.objective_usd is not None
    assert capped.objective_usd is not None
    dearer = capped.objective_usd - free.objective_usd
    told = capped.missing_figures_usd or 0.0
    assert dearer <= told + 2e-3 * capped.objective_usd
    if dearer > 2e-3 * capped.objective_usd:
        assert {row.rule for row in capped.missing_figures} == {"carbon"}


def test_forty_terabytes_stay_where_nobody_has_the_price_of_keeping_them() -> None:
    """The copy in Azure's West Europe stays, brought from nowhere; where its price is not known, that is told."""
    batch = {
        "id": "batch", "kind": "job", "work": 1e8, "unit": "tokens", "runs": {"throughput": {"L4": 1000, "A10": 1000}},
        "data": {"categories": ["personal"], "subjects": ["NL"], "exporter": "NL"},
    }  # fmt: skip
    kyc = {
        "id": "kyc", "size_gb": 40_000, "categories": ["personal"], "subjects": ["NL"], "exporter": "NL",
        "min_copies": 1, "present_in": ["azure:westeurope"], "readers": [{"workload": "batch", "gb": 3000}],
    }  # fmt: skip
    plan = _solved(laws={"use": "none"}, workloads=[batch], datasets=[kyc], quotas={"default_devices": 8})
    (copy,) = plan.copies
    assert (copy.region_id, copy.source) == ("azure:westeurope", None)
    assert (copy.cost_usd is None) == any("40,000 GB of kyc stay in azure:westeurope" in text for text in plan.warnings)


@pytest.mark.parametrize("providers", [["aws"], ["gcp"]])
def test_what_a_change_of_providers_leaves_without_effect_is_told_by_name(providers: list[str]) -> None:
    """Commitments, a discount, a budget, a quota and a policy of a month with Azure, on another cloud's offers."""
    service = {
        "id": "svc", "kind": "service", "runs": {"throughput": {"L4": 300}}, "data": {"categories": ["non_personal"]},
        "streams": [{"origin": "DE", "rate": 300, "mean_rate": 100, "unit": "tokens/s"}],
    }  # fmt: skip
    only = {"providers": ["azure"]}
    plan = _solved(
        catalogue={"use": "world", "providers": providers}, laws={"use": "none"}, workloads=[service],
        commitments=[{"id": "old", "region": "azure:westeurope", "sku": "Standard_NC24ads_A100_v4", "instances": 3}],
        discounts=[{"provider": "azure", "percent": 12, "applies_to": ["storage"]}],
        budgets=[{"id": "azure-money", "limit_usd": 1e6, "scope": only}],
        quotas={"default_devices": 8, "limits": [{"id": "azure-account", "provider": "azure", "devices": 48}]},
        policies=[{"kind": "provider_share", "id": "azure-share", "providers": ["azure"], "max_share": 0.5}],
    )  # fmt: skip
    assert plan.status == "optimal"
    told = [text.partition(" touches nothing")[0] for text in plan.warnings if " touches nothing" in text]
    assert {"commitment old", "discount at azure", "budget azure-money", "quota azure-account"} <= set(told)
    assert "policy azure-share" in told
    assert [(use.id, use.idle) for use in plan.commitments] == [("old", 3.0)]
