"""What a plan says of the figures it rests on: doubtful throughput, totals with parts unknown, law that changes."""

from __future__ import annotations

import pytest

import domicile


def estate(**more):
    return {
        "name": "doubts",
        "horizon": {"start": "2027-01-01", "hours": 730.0},
        "laws": {"use": "none"},
        "catalogue": {"use": "world", "providers": ["aws"]},
        "quotas": {"default_devices": 64},
        "workloads": [{
            "id": "chat", "kind": "service", "streams": [{"origin": "DE", "rate": 500.0}],
            "runs": {"model": "meta-llama/Llama-3.1-8B-Instruct", "input_tokens": 1024, "output_tokens": 256},
        }],
        **more,
    }  # fmt: skip


def shares(plan):
    return {row.quality: row for row in plan.data_quality}


def test_cost_and_carbon_that_follow_from_an_estimated_speed_rest_on_it():
    """How many instances run follows from the throughput, so all of a placement's cost does."""
    data = estate(catalogue={"use": "world", "providers": ["aws"], "fallbacks": ["throughput_neuron"]})
    data["workloads"][0]["runs"]["software"] = ["neuron"]
    plan = domicile.solve(domicile.load(data))
    assert "estimated_speed" in plan.placements[0].flags
    assert shares(plan)["estimated_speed"].cost_share == pytest.approx(1.0)


def test_measured_throughput_is_no_doubt_about_the_cost():
    plan = domicile.solve(domicile.load(estate()))
    assert shares(plan)["estimated_speed"].cost_share == 0.0


def transfer(**more):
    """German personal data that may only run in Virginia, lawful while the United States are adequate."""
    data = estate(laws={"use": "world", "as_of": "2026-11-22"}, **more)
    data["workloads"][0]["data"] = {"categories": ["personal"], "exporter": "DE"}
    data["workloads"][0]["regions"] = ["aws:us-east-1"]
    return data


def changes(data):
    plan = domicile.solve(domicile.load(data))
    return [line for line in plan.warnings if "inside period" in line]


def test_a_law_that_tightens_inside_a_period_is_told():
    """Verdicts are taken on a period's first day; what happens later in it must not pass in silence."""
    fall = {"op": "remove_member", "group": "EU_ADEQUATE", "member": "US", "from": "2027-01-10"}
    data = transfer()
    data["laws"]["patches"] = [fall]
    told = changes(data)
    assert len(told) == 1
    assert "EU-GDPR-CHV" in told[0]
    assert "2027-01-10" in told[0]
    assert "t0" in told[0]
    assert changes(transfer()) == []


def test_an_override_that_expires_inside_a_period_is_told():
    data = transfer()
    data["workloads"][0]["regions"] = ["aws:ap-south-1"]
    data["legal_assertions"] = {
        "overrides": [{"law": "EU-GDPR-CHV", "basis": "consent", "author": "dpo", "expires": "2027-01-15"}]
    }
    told = changes(data)
    assert len(told) == 1
    assert "2027-01-16" in told[0]
    data["legal_assertions"]["overrides"][0]["expires"] = "2027-02-28"
    assert changes(data) == []


def test_a_law_that_changes_on_a_period_boundary_is_no_surprise():
    """With the horizon cut on that day the second period is judged by the new law, and has no lawful option."""
    data = transfer()
    data["laws"]["patches"] = [{"op": "remove_member", "group": "EU_ADEQUATE", "member": "US", "from": "2027-01-10"}]
    data["horizon"] = {"start": "2027-01-01", "periods": [{"id": "a", "hours": 216}, {"id": "b", "hours": 100}]}
    plan = domicile.solve(domicile.load(data))
    assert plan.status == "infeasible"


def half_dry(**more):
    """Two regions, of which only the first states its water use; half of the device-hours must be in each."""
    place = {"country": "DE", "pue": 1.2, "grid_g_per_kwh": 100.0}
    offer = {"accelerator": "G", "usd_per_hour": 1.0, "idle_kw": 0.1, "load_kw": 1.0, "embodied_kg_per_hour": 0.0}
    return domicile.load({
        "name": "dry", "horizon": {"start": "2027-01-01", "hours": 10.0}, "laws": {"use": "none"},
        "catalogue": {"use": "inline", "inline": {
            "regions": [{"id": "a", "provider": "p", "wue_l_per_kwh": 1.0, **place},
                        {"id": "b", "provider": "q", **place, **more}],
            "offers": [{"sku": "s", "region": "a", **offer}, {"sku": "s", "region": "b", **offer}],
        }},
        "quotas": {"default_devices": 9},
        "policies": [{"kind": "provider_share", "id": "half", "max_share": 0.5, "measure": "device_hours"}],
        "workloads": [{"id": "w", "kind": "service", "runs": {"throughput": {"G": 10.0}},
                       "streams": [{"origin": "DE", "rate": 12.0}]}],
    })  # fmt: skip


def test_a_total_that_leaves_placements_out_says_so():
    """A sum of the known part alone would read like the whole."""
    told = [line for line in domicile.solve(half_dry()).warnings if "leaves out" in line]
    assert told == ["water_l leaves out 1 of 2 placements, which have no figure"]
    assert not any("leaves out" in line for line in domicile.solve(half_dry(wue_l_per_kwh=2.0)).warnings)


def profiles(**runs):
    data = estate()
    data["workloads"][0]["runs"] = {"model": "meta-llama/Llama-3.1-8B-Instruct", **runs}
    return [line for line in domicile.solve(domicile.load(data)).warnings if "throughput profile" in line]


def test_a_throughput_profile_that_nobody_chose_is_named():
    """The default of a model may serve other requests than the reader has in mind."""
    told = profiles()
    assert len(told) == 1
    assert told[0].endswith("is taken for chat")
    assert profiles(input_tokens=1024, output_tokens=256) == []


def bought_in(**more):
    """Answers bought at Azure's endpoints; regions without a PUE of their own have the fallback one."""
    data = estate(
        catalogue={"use": "world", "providers": ["azure"], "fallbacks": ["pue_fleet", "pue_industry"]},
        quotas={"default_endpoint_units_per_s": 1000.0}, **more,
    )  # fmt: skip
    data["workloads"][0]["runs"] = {
        "via": ["endpoint"], "endpoint_models": ["openai/gpt-5.4"], "input_tokens": 1000, "output_tokens": 250,
    }  # fmt: skip
    data["workloads"][0]["response_gb_per_unit"] = 1e-6
    return data


def test_an_endpoint_does_not_rest_on_the_power_figures_of_its_region():
    """It is paid per token and has no energy figure: the region's PUE bears on nothing."""
    data = bought_in()
    data["workloads"][0]["regions"] = ["azure:uaenorth"]
    plan = domicile.solve(domicile.load(data))
    assert [row.flags for row in plan.placements] == [()]
    assert shares(plan)["estimated_speed"].cost_share == 0.0
    assert shares(plan)["estimated"].cost_share == 0.0
