"""Energy and carbon of managed endpoints: by hand, at both estimates, and what budgets count of them.

The service asks 35 requests/s for 100 h: 12.6 million units. At 1e-5 kWh a unit endpoint `dirty` draws 126 kWh: 25.2 kg
on a grid of 200 g/kWh, and 12.6 kg embodied at 1e-6 kg a unit. It costs 126 USD; `clean` emits nothing and costs 252.
"""

from __future__ import annotations

from typing import Any

import pytest
from compile_toys import region, service, toy

import domicile
from optimizer.catalogue import load_catalogue
from optimizer.compile import compile_instance
from optimizer.errors import InputError
from optimizer.instance.load import load

UNITS = 35 * 3600 * 100
RUNS = {"endpoint_models": ["m"], "via": ["endpoint"]}
DIRTY = {"id": "dirty", "region": "p:north", "model": "m", "usd_per_unit": 1e-5, "kwh_per_unit": 1e-5,
         "embodied_kg_per_unit": 1e-6}  # fmt: skip
CLEAN = {"id": "clean", "region": "p:north", "model": "m", "usd_per_unit": 2e-5, "kwh_per_unit": 0.0,
         "embodied_kg_per_unit": 0.0}  # fmt: skip


def bought(*endpoints: dict[str, Any], regions: list[dict[str, Any]] | None = None, **more: Any) -> Any:
    """The service on endpoints alone."""
    inline = {"endpoints": list(endpoints), "offers": [], "regions": regions or [region()]}
    return toy(service(runs=RUNS), inline=inline, quotas={"default_endpoint_units_per_s": "unlimited"}, **more)


def solved(*endpoints: dict[str, Any], budget: dict[str, Any], **more: Any) -> Any:
    """Its plan under one budget."""
    return domicile.solve(bought(*endpoints, budgets=[{"id": "cap", **budget}], **more), gap=0.0)


def test_carbon_of_an_endpoint_follows_from_its_energy_and_the_grid_where_it_processes():
    serving = compile_instance(bought(DIRTY)).problem.flows.serving
    each = 3600 * 100  # units of one unit/s
    assert serving.energy_kwh[0] == pytest.approx(each * 1e-5)
    assert serving.carbon_kg[0] == pytest.approx(each * (1e-5 * 0.2 + 1e-6))
    assert serving.of("embodied_kg")[0] == pytest.approx(each * 1e-6)
    assert serving.of("operational_kg")[0] == pytest.approx(each * 1e-5 * 0.2)
    assert serving.of("carbon_high_kg")[0] == serving.carbon_kg[0]


def test_a_figure_stated_per_unit_is_all_carbon_of_it():
    """2e-6 kg a unit, of it 5e-7 embodied; with embodied carbon out of the account 1.5e-6 are left."""
    stated = {**DIRTY, "kg_per_unit": 2e-6, "embodied_kg_per_unit": 5e-7}
    each = 3600 * 100
    serving = compile_instance(bought(stated)).problem.flows.serving
    assert serving.carbon_kg[0] == pytest.approx(each * 2e-6)
    assert serving.of("operational_kg")[0] == pytest.approx(each * 1.5e-6)
    serving = compile_instance(bought(stated, carbon={"embodied": "none"})).problem.flows.serving
    assert serving.carbon_kg[0] == pytest.approx(each * 1.5e-6)
    assert serving.of("embodied_kg")[0] == 0.0


WIDE = [region(), region("p:south", "FR", grid_g_per_kwh=400.0), region("q:other", "FR", grid_g_per_kwh=900.0)]


def test_an_endpoint_of_several_countries_counts_the_mean_grid_and_the_dirtiest_at_high():
    """200 g in Germany and 400 g in France, another provider's 900 g left out: 300 g, at the high estimate 400 g."""
    wide = {**DIRTY, "countries": ["DE", "FR"]}
    plan = solved(wide, budget={"limit_kg": 1e6}, regions=WIDE)
    (use,) = plan.budgets
    assert (plan.operational_kg, plan.embodied_kg) == (pytest.approx(37.8), pytest.approx(12.6))
    assert (plan.carbon_kg, use.used) == (pytest.approx(50.4), pytest.approx(50.4))
    assert use.embodied == pytest.approx(12.6)
    assert (plan.carbon_high_kg, use.used_high) == (pytest.approx(63.0), pytest.approx(63.0))
    assert use.holds_high is True
    assert plan.placements[0].embodied_kg == pytest.approx(12.6)


@pytest.mark.parametrize(("budget", "fits"), [
    ({"limit_kg": 50.4}, True), ({"limit_kg": 50.3}, False),
    ({"limit_kg": 63.0, "estimate": "high"}, True), ({"limit_kg": 62.9, "estimate": "high"}, False),
    ({"limit_kg": 37.8, "counts": "operational"}, True), ({"limit_kg": 37.7, "counts": "operational"}, False),
    ({"limit_kg": 50.4, "counts": "operational", "estimate": "high"}, True),
    ({"limit_kg": 50.3, "counts": "operational", "estimate": "high"}, False),
    ({"limit_kwh": 126.0}, True), ({"limit_kwh": 125.9}, False), ({"limit_kwh": 126.0, "estimate": "high"}, True),
])  # fmt: skip
def test_a_budget_counts_what_it_says(budget, fits):
    """Where the dirty endpoint alone does not fit, a little is served by the dear clean one."""
    plan = solved({**DIRTY, "countries": ["DE", "FR"]}, CLEAN, budget=budget, regions=WIDE)
    assert plan.status == "optimal"
    if fits:
        assert plan.objective_usd == pytest.approx(126.0)
    else:
        assert 126.05 < plan.objective_usd < 127.0
        assert plan.budgets[0].slack == pytest.approx(0.0, abs=1e-6)


def test_a_budget_that_holds_at_mid_alone_says_so():
    plan = solved({**DIRTY, "countries": ["DE", "FR"]}, budget={"limit_kg": 55.0}, regions=WIDE)
    assert plan.budgets[0].holds_high is False
    (told,) = (text for text in plan.warnings if text.startswith("budget cap"))
    assert "(63)" in told
    assert "estimate: high" in told


@pytest.mark.parametrize(("endpoint", "regions", "reason"), [
    ({"kwh_per_unit": None}, None, "missing_power"),
    ({"embodied_kg_per_unit": None}, None, "missing_embodied"),
    ({}, [region(grid_g_per_kwh=None)], "missing_grid"),
])  # fmt: skip
def test_without_a_figure_an_endpoint_is_out_under_a_carbon_budget(endpoint, regions, reason):
    budgets = [{"id": "cap", "limit_kg": 1e6}]
    short = bought({**DIRTY, **endpoint}, budgets=budgets, regions=regions, unserved_usd_per_unit=1.0)
    plan = domicile.solve(short)
    assert [row.reason for row in plan.ineligible if row.rule == "cap"] == [reason]
    assert domicile.solve(bought({**DIRTY, **endpoint}, regions=regions)).objective_usd == pytest.approx(126.0)


def test_estimate_and_counts_go_with_what_they_tell_apart():
    for budget in ({"limit_usd": 1.0, "estimate": "high"}, {"limit_kwh": 1.0, "counts": "operational"}):
        with pytest.raises(InputError, match="limit_k"):
            toy(budgets=[{"id": "cap", **budget}])


# --- the bundled catalogue


def world(budgets: list[dict[str, Any]] | None = None, **catalogue: Any) -> Any:
    """A 70B model at an endpoint of Azure in Paris, 100 output tokens/s for 100 h, 1,000 tokens in to 250 out."""
    return load({
        "name": "bought", "horizon": {"start": "2027-01-01", "hours": 100.0}, "laws": {"use": "none"},
        "catalogue": {"providers": ["azure"], **catalogue},
        "workloads": [{
            "id": "chat", "kind": "service", "regions": ["azure:francecentral"],
            "streams": [{"origin": "FR", "rate": 100.0, "unit": "tokens/s"}],
            "runs": {"model": "meta-llama/Llama-3.3-70B-Instruct", "via": ["endpoint"], "endpoint_scopes": ["region"],
                     "input_tokens": 1000, "output_tokens": 250},
        }],
        "quotas": {"default_endpoint_units_per_s": 1000}, "budgets": budgets or [],
    })  # fmt: skip


TOKENS = 100 * 3600 * 100
BUDGET = [{"id": "cap", "limit_kg": 1e6}]


def test_a_class_of_size_gives_energy_and_carbon_by_hand():
    """Dense, 70 to 90 billion: 0.2814 kWh a million tokens out and 0.1278 in (high 1.741, 1.0889); France has 31 g."""
    plan = domicile.solve(world(BUDGET))
    kwh = TOKENS * (0.2814 + 4 * 0.1278) / 1e6
    high = TOKENS * (1.741 + 4 * 1.0889) / 1e6
    assert plan.energy_kwh == pytest.approx(kwh)
    assert plan.operational_kg == pytest.approx(kwh * 0.031)
    assert plan.embodied_kg == pytest.approx(kwh * 0.022)
    assert plan.carbon_high_kg == pytest.approx(high * (0.031 + 0.076))
    assert plan.placements[0].flags == ("estimated",)
    assert plan.budgets[0].used_high == pytest.approx(high * (0.031 + 0.076))


def test_a_budget_of_a_thousand_tonnes_rules_no_endpoint_out():
    """Endpoints without a figure vanished under any carbon budget, and the bill tripled."""
    loose, free = domicile.solve(world(BUDGET)), domicile.solve(world())
    assert loose.objective_usd == free.objective_usd
    assert not [row for row in loose.ineligible if row.rule == "cap" and row.alone]


def test_fallbacks_may_turn_the_estimate_off():
    plan = domicile.solve(world(BUDGET, fallbacks=[]))
    assert plan.status == "infeasible"
    assert ("missing_power", "cap") in {(row.reason, row.rule) for row in plan.ineligible}


OWN = {"kwh_per_million_output_tokens": 0.5, "kwh_per_million_input_tokens": 0.1}


@pytest.mark.parametrize("fallbacks", [["endpoint_energy"], []])
def test_the_instance_s_own_energy_counts_at_both_estimates(fallbacks):
    """0.5 kWh a million tokens out, 0.1 in: 0.9 per million of output."""
    (row,) = domicile.solve(world()).placements
    model = {"provider": "azure", "model": "meta-llama/Llama-3.3-70B-Instruct"}
    for stated in ({"where": model}, {"id": row.endpoint}):
        overlay = [{"table": "endpoints", **stated, "set": OWN, "citation": "supplier's statement"}]
        plan = domicile.solve(world([{"id": "cap", "limit_kwh": 1e6}], overlay=overlay, fallbacks=fallbacks))
        assert plan.energy_kwh == pytest.approx(TOKENS * 0.9 / 1e6)
        assert plan.budgets[0].used_high == pytest.approx(plan.energy_kwh)
        assert plan.placements[0].flags == ()


def test_every_text_endpoint_has_a_class_and_every_class_its_figures():
    catalogue = load_catalogue()
    table, energy = catalogue.endpoints, catalogue.later["endpoint_energy"]()
    text = table["mode"].isin(["chat", "responses", "completion"])
    classed = table.size_class.ne("")
    assert not (classed & ~text).any()
    assert (text & ~classed).sum() < 100  # speech, video, time series
    assert set(table.size_class[classed]) <= set(energy.index)
    assert table.size_basis[classed].ne("").all()
    for way in ("output", "input"):
        low, mid, high = (energy[f"kwh_per_million_{way}_tokens_{name}"] for name in ("low", "mid", "high"))
        assert (low > 0).all()
        assert (low <= mid).all()
        assert (mid <= high).all()


@pytest.mark.parametrize(("model", "size_class"), [
    ("meta-llama/Llama-3.1-8B-Instruct", "dense_7_15b"), ("meta-llama/Llama-3.1-405B-Instruct", "dense_400b"),
    ("mistralai/Mixtral-8x7B-Instruct-v0.1", "moe_100_130b_total"), ("openai/gpt-oss-20b", "moe_20_32b_total"),
    ("deepseek-ai/DeepSeek-R1", "moe_over_450b_total"), ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "dense_70_90b"),
    ("openai/gpt-4.1-nano", "closed_small"), ("openai/gpt-4.1-mini", "closed_medium"),
    ("openai/gpt-4.1", "closed_large"), ("anthropic/claude-opus-4.5", "closed_largest"),
    ("google/gemini-2.5-pro", "closed_large"),
    ("google/gemini-2.5-flash", "closed_medium"), ("model-router", "unknown_text_endpoint"),
])  # fmt: skip
def test_models_fall_into_the_class_of_their_size(model, size_class):
    table = load_catalogue().endpoints
    assert set(table.size_class[table.model.eq(model)]) == {size_class}


def test_machines_and_endpoints_have_embodied_carbon_on_one_basis():
    """What the mid estimate adds per kWh is what this catalogue's own machines have, at 70 % of their load."""
    catalogue = load_catalogue()
    skus = catalogue.skus[catalogue.skus.accelerator.isin(["H100", "H200", "B200", "A100-40", "A100-80"])]
    skus = skus.dropna(subset=["load_kw"])
    drawn = (skus.idle_kw + 0.7 * (skus.load_kw - skus.idle_kw)) * 1.15
    energy = catalogue.later["endpoint_energy"]()
    for column, name in (("embodied_kg", "embodied_kg_per_kwh"), ("embodied_vendor_kg", "embodied_vendor_kg_per_kwh")):
        per_kwh = (skus[column] / skus.lifetime_hours / drawn).dropna()
        assert per_kwh.quantile(0.25) <= energy[f"{name}_mid"].iloc[0] <= per_kwh.quantile(0.75)
