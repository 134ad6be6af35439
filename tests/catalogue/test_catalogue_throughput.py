"""Choosing a profile and reading SKU rates from it, against a brute-force reading of the rule."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.catalogue import Catalogue, select_throughput, sku_quality, sku_throughput
from optimizer.catalogue import query as listings
from optimizer.errors import InputError

rows = st.lists(
    st.tuples(st.sampled_from(["A", "B"]), st.sampled_from([1, 2, 4, 8]), st.floats(1.0, 1e5)),
    min_size=1, max_size=6, unique_by=lambda r: r[:2],
)  # fmt: skip
sku = st.tuples(st.sampled_from(["A", "B", "C"]), st.sampled_from([1, 2, 3, 4, 6, 8, 16]))
skus = st.lists(sku, min_size=1, max_size=8)


@given(rows, skus)
def test_sku_rate_is_the_best_multiple_of_a_measured_system(measured, asked):
    table = pd.DataFrame(measured, columns=["accelerator", "devices", "units_per_s"])
    got = sku_throughput(table, [a for a, _ in asked], [d for _, d in asked])
    for value, (name, count) in zip(got, asked, strict=True):
        options = [count // c * u for a, c, u in measured if a == name and count % c == 0]
        assert (np.isnan(value) and not options) or value == pytest.approx(max(options))


def test_slices_of_a_device_match_only_slices():
    table = pd.DataFrame({"accelerator": ["A", "A"], "devices": [1.0, 1 / 3], "units_per_s": [90.0, 20.0]})
    assert sku_throughput(table, ["A", "A"], [0.333333, 0.5])[0] == 20.0
    assert np.isnan(sku_throughput(table, ["A"], [0.5])[0])
    assert sku_throughput(table, ["A"], [1.0])[0] == 90.0


def test_the_quality_is_that_of_the_system_whose_figure_is_taken():
    """Two copies of what was measured on one device are slower than what was derived for two; one device is measured,
    whatever stands last in the table. Of equals the first counts.
    """
    table = pd.DataFrame({
        "accelerator": ["A", "A", "A"], "devices": [1.0, 2.0, 4.0], "units_per_s": [90.0, 200.0, 400.0],
        "quality": ["measured", "derived", "fallback"],
    })  # fmt: skip
    assert sku_throughput(table, ["A"] * 4, [1.0, 2.0, 3.0, 4.0]).tolist() == [90.0, 200.0, 270.0, 400.0]
    told = sku_quality(table, ["A", "A", "A", "A", "B"], [1.0, 2.0, 3.0, 4.0, 1.0])
    assert told.tolist() == ["measured", "derived", "measured", "derived", "missing"]


@pytest.fixture
def two_profiles(toy_tables) -> dict[str, pd.DataFrame]:
    toy_tables["throughput"] = pd.DataFrame({
        "profile_id": ["short", "long"], "model": "m", "accelerator": "X", "devices": [1, 1],
        "units_per_s": [10.0, 4.0], "input_tokens": [128, 4096], "metric": "output_tokens_per_s",
    })  # fmt: skip
    toy_tables["model_aliases"] = pd.DataFrame({"raw": ["m-instruct"], "model": ["m"]})
    return toy_tables


def test_a_choice_without_default_lists_the_profiles(two_profiles):
    c = Catalogue.from_tables(two_profiles)
    with pytest.raises(InputError, match="long; short"):
        select_throughput(c, "m")
    assert select_throughput(c, "m", input_tokens=4096)[0] == "long"
    assert select_throughput(c, "m-instruct", profile="short")[0] == "short"


def test_the_reviewed_default_decides_when_it_fits(two_profiles):
    two_profiles["default_profiles"] = pd.DataFrame({
        "model": ["m"], "metric": ["output_tokens_per_s"], "profile_id": ["short"]})  # fmt: skip
    c = Catalogue.from_tables(two_profiles)
    assert select_throughput(c, "m")[0] == "short"
    assert select_throughput(c, "m", input_tokens=4096)[0] == "long"


def test_unknown_model_and_unmet_wishes_are_input_errors(two_profiles):
    c = Catalogue.from_tables(two_profiles)
    with pytest.raises(InputError, match="no throughput of model 'n'"):
        select_throughput(c, "n")
    with pytest.raises(InputError, match=r"precision 'fp8'[\s\S]*use one of: long; short"):
        select_throughput(c, "m", precision="fp8")


def test_every_default_profile_exists_and_every_ambiguous_model_has_one(world):
    defaults = world.default_profiles
    assert defaults.profile_id.isin(world.throughput.profile_id).all()
    for model in sorted(set(world.throughput.model)):
        profile, table = select_throughput(world, model)
        assert len(table) > 0, profile


def test_default_profiles_have_the_widest_accelerator_coverage_of_their_metric(world):
    """Counted with what is quarantined: the shape is the widest though some of its runs failed."""
    runs = pd.concat([world.throughput, world.quarantined], ignore_index=True)
    size = runs.groupby("profile_id").accelerator.nunique()
    metric = world.throughput.drop_duplicates("profile_id").set_index("profile_id")
    for row in world.default_profiles.itertuples(index=False):
        peers = metric.index[metric.model.eq(row.model) & metric.metric.eq(row.metric)]
        assert size[row.profile_id] == size[peers].max(), row.profile_id


def test_aliases_lead_to_one_canonical_name(world):
    aliases = world.model_aliases
    assert not set(aliases) & set(aliases.values())
    assert world.canonical_model("meta.llama3-1-8b-instruct-v1:0") == "meta-llama/Llama-3.1-8B-Instruct"
    clouds = world.endpoints[world.endpoints.model.eq("openai/gpt-oss-120b")].provider.unique()
    assert {"aws", "azure", "gcp", "scaleway", "ovhcloud"} <= set(clouds)


def test_listings_filter_and_sort(world):
    offers = listings.list_offers(world, accelerator=["H100"], country=["FR"], purchase="on_demand")
    assert len(offers) > 0
    assert offers.usd_per_device_hour.is_monotonic_increasing
    assert set(offers.country) == {"FR"}
    free = listings.list_providers(world, control_excludes=["US"], strict=True)
    assert "scaleway" in set(free.provider)
    assert not {"ovhcloud", "aws", "oci-dedicated"} & set(free.provider)
    owned = listings.list_providers(world, control_excludes=["US"])
    assert "ovhcloud" in set(owned.provider)
    regions = listings.list_regions(world, country=["DE"], accelerator=["H100"])
    assert regions.offers.gt(0).all()
    assert listings.list_accelerators(world, software=["neuron"]).software.eq("neuron").all()
    endpoints = listings.list_endpoints(world, model="gpt-oss-120b", scope=["data_zone_eu"])
    assert set(endpoints.model) == {"openai/gpt-oss-120b"}
    assert listings.list_models(world, accelerator=["TPU-v6e"]).accelerators.str.contains("TPU-v6e").all()
    with pytest.raises(InputError, match="H1000"):
        listings.list_offers(world, accelerator=["H1000"])
