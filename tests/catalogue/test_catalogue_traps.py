"""One test per known trap of the source data, with the counts that a naive reading gets wrong."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from optimizer.catalogue import Catalogue, select_throughput, sku_throughput
from optimizer.errors import InputError


def test_every_accelerator_price_row_of_the_source_is_an_offer(accelerator_rows):
    """4,354 rows arrive, none lost to a join; of them 6 add-ons of one provider are out, and 17 machines are new."""
    assert len(accelerator_rows) == 4354 - 6 + 17
    assert accelerator_rows.region_id.nunique() == 262
    assert accelerator_rows.provider.nunique() == 31


def test_grid_intensity_survives_regions_missing_from_the_environment_table(world, accelerator_rows):
    """The plain (provider, region) join loses 75 of 262 regions; only the 13 without a grid zone stay empty."""
    zone = accelerator_rows.region_id.map(world.regions.grid_zone)
    intensity = accelerator_rows.region_id.map(world.regions.grid_lifecycle_g_per_kwh)
    lost = accelerator_rows[intensity.isna()]
    assert (len(lost), lost.region_id.nunique()) == (841 - 682, 75 - 62)
    assert zone[lost.index].eq("").all()
    zoned = world.regions[world.regions.grid_zone.ne("")]
    assert zoned.grid_lifecycle_g_per_kwh.notna().all()
    assert zoned.grid_year.eq(2025).all()


def test_partition_regions_find_the_environment_row_of_their_parent_cloud(world):
    """GovCloud and China regions are filed under the parent's id in the environment table."""
    assert world.regions.at["aws-us-gov:us-gov-east-1", "grid_zone_join"] == "region_carbon"
    assert world.regions.at["aws-cn:cn-northwest-1", "pue"] == pytest.approx(1.25)


def test_metro_of_unlisted_regions_is_the_nearest_within_60_km_and_flagged(world, accelerator_rows):
    quality = accelerator_rows.region_id.map(world.regions.metro_quality).value_counts()
    assert quality.to_dict() == {"listed": 3618, "nearest": 409, "missing": 338}
    r = world.regions
    assert r.at["scaleway:nl-ams", "metro"] != ""
    assert r.metro[r.metro_quality.eq("missing")].eq("").all()


def test_provider_ids_are_joined_through_laws_provider_id(world, accelerator_rows):
    """A direct join loses 20 providers (545 rows); after the mapping 17 (395 rows) fall back to the ultimate parent."""
    used = world.providers.loc[accelerator_rows.provider.unique()]
    other_name = used.laws_provider_id.ne(used.provider)
    assert (other_name.sum(), accelerator_rows.provider.isin(used.index[other_name]).sum()) == (20, 545)
    derived = used.control_source.eq("ultimate_parent_country")
    assert (derived.sum(), accelerator_rows.provider.isin(used.index[derived]).sum()) == (17, 395)
    assert used.control_known.all()


def test_headquarters_test_is_decided_for_chinese_operators_without_control_data(world):
    for provider in ("baidu", "aws-cn", "azure-cn"):
        assert world.providers.at[provider, "bis_hq_test"] == "yes"


def test_unresolved_control_is_unknown_not_free(world):
    p = world.providers.loc["oci-dedicated"]
    assert not p.control_known
    assert p.control_ownership == frozenset()
    assert p.bis_hq_test == "unknown"


@pytest.mark.parametrize("provider", ["ovhcloud", "nebius", "hetzner", "ionos"])
def test_partly_exposed_providers_differ_between_strict_and_ownership(world, provider):
    """The two source tables disagree on these four; the policy chooses the reading."""
    p = world.providers.loc[provider]
    assert "US" not in p.control_ownership
    assert "US" in p.control_strict


def test_control_sets_hold_countries_only(world):
    """`EU` and `US-listed` are tokens of the source, not countries."""
    tokens = set().union(*world.providers.control_ownership, *world.providers.control_strict)
    assert all(len(t) == 2 for t in tokens)
    assert "EU" not in tokens


def test_accelerator_names_reach_the_power_table_only_through_the_reviewed_alias(world):
    a = world.accelerators
    assert a.at["H100", "load_kw"] == pytest.approx(0.700)  # rated; 0.694 was seen
    assert a.at["T4", "idle_kw"] == pytest.approx(0.0081)
    assert a.at["A10G", "load_kw"] == pytest.approx(0.300)  # not the 150 W A10 of the shared row
    assert a.at["K80", "load_kw"] == pytest.approx(0.150)  # per GPU, not per board


def test_neuron_and_recent_tpu_devices_have_no_watts(world, accelerator_rows):
    """228 offers: their instance rows hold the host alone and trn1 is labelled Inferentia; nothing is made up."""
    silent = ["Inferentia1", "Inferentia2", "Trainium1", "TPU-v5e", "TPU-v5p", "TPU-v6e"]
    rows = accelerator_rows[accelerator_rows.accelerator.isin(silent)]
    assert len(rows) == 228
    assert world.accelerators.loc[silent, "idle_kw"].isna().all()
    keys = pd.MultiIndex.from_frame(rows[["provider", "sku"]].drop_duplicates())
    skus = world.skus.reindex(keys)
    assert skus.idle_kw.isna().all()
    assert skus.load_kw.isna().all()
    assert skus.power_quality.eq("missing").all()
    assert np.isnan(world.skus.at[("aws", "trn1.32xlarge"), "embodied_kg"])


def test_embodied_carbon_keeps_its_two_bases_apart(world):
    a = world.accelerators
    assert a.at["H100", "embodied_kg"] == pytest.approx(575.1)
    assert a.at["H100", "embodied_vendor_kg"] == pytest.approx(164.0)
    assert a.at["H100-PCIe", "embodied_kg"] == pytest.approx(566.7)
    assert np.isnan(a.at["H100-PCIe", "embodied_vendor_kg"])
    assert (a.at["B200", "embodied_kg"], a.at["B200", "embodied_vendor_kg"]) == (1415.0, 284.25)
    assert np.isnan(a.at["TPU-v6e", "embodied_kg"])  # a vendor LCA exists, a Boavizta figure does not


def test_company_averages_of_pue_and_wue_are_only_a_named_fallback(world, accelerator_rows):
    def missing(catalogue: Catalogue, column: str) -> int:
        return int(accelerator_rows.region_id.map(catalogue.regions[column]).isna().sum())

    assert missing(world, "pue") == 1223
    filled = world.with_fallbacks(["pue_fleet"])
    assert missing(filled, "pue") == 646
    assert filled.regions.at["gcp:europe-west3", "pue_quality"] == "fallback"
    assert filled.regions.at["gcp:europe-west3", "pue"] == 1.09
    assert missing(world, "wue_l_per_kwh") == 2099
    # 17 cells of the source repeat the AWS global mean: Asia-Pacific's own is six times that of the fleet
    assert world.regions.at["aws:ap-south-1", "wue_l_per_kwh"] == 1.1
    assert world.regions.at["aws:ap-south-1", "wue_step"] == "macro_region"


def test_hourly_shapes_are_ratios_scaled_by_the_annual_level(world):
    """The last hourly year is 2022 for most zones, 3.2 times the 2025 level in France: only the shape is used."""
    table = world.later["grid_shapes"]()
    table = table[table.basis.eq("lifecycle")]
    years = table.drop_duplicates("zone").year.value_counts().to_dict()
    assert years == {2022.0: 106, 2024.0: 16, 2023.0: 3, 2021.0: 1}
    hours = [f"h{h:02d}" for h in range(24)]
    assert table.groupby("zone")[hours].mean().mean(axis=1).between(0.99, 1.01).all()
    assert world.regions.at["gcp:europe-west9", "grid_lifecycle_g_per_kwh"] < 60.0


def test_zones_without_or_with_flat_hourly_data_are_told_apart(world):
    shape = world.grid_shape(["DE", "MX"], 7)
    assert shape.loc["DE"].notna().all()
    assert shape.loc["MX"].isna().all()
    assert world.flat_zones() == {"HK", "ID", "SG", "US-NW-SCL"}


def test_fractional_devices_have_their_share_of_memory(world, accelerator_rows):
    fractional = accelerator_rows[accelerator_rows.devices % 1 != 0]
    assert (fractional.sku.nunique(), len(fractional)) == (27, 367)
    assert world.skus.at[("aws", "g6f.large"), "device_memory_gb"] == pytest.approx(3.0)
    assert world.skus.at[("azure", "Standard_NV12ads_A10_v5"), "device_memory_gb"] == pytest.approx(8.0)
    assert world.skus.at[("aws", "p5.48xlarge"), "device_memory_gb"] == pytest.approx(80.0)


def test_throughput_compares_rows_of_one_profile_only(world):
    """H100 reads 5,354 tokens/s in 1-GPU rows; a run on eight with a third of that per device is quarantined."""
    profile, rows = select_throughput(world, "meta-llama/Llama-3.1-8B-Instruct")
    assert profile == "meta-llama/Llama-3.1-8B-Instruct|fp16/bf16|256+128|max-throughput|output_tokens_per_s"
    h100 = rows[rows.accelerator.eq("H100")].set_index("devices").units_per_s
    assert h100[1.0] == pytest.approx(5353.99)
    assert 8.0 not in h100.index
    assert sku_throughput(rows, ["H100"], [8.0])[0] == pytest.approx(8 * 5353.99)
    assert np.isnan(sku_throughput(rows, ["H200"], [1.0])[0])  # its one run, on eight devices, is quarantined


def test_no_profile_mixes_gpu_and_neuron(world):
    software = world.throughput.accelerator.map(world.accelerators.software)
    sets = software.groupby(world.throughput.profile_id).agg(set)
    assert sum({"cuda", "neuron"} <= s for s in sets) == 0


def test_a_model_without_serving_rows_does_not_borrow_training_rows(world):
    with pytest.raises(InputError, match="output_tokens_per_s"):
        select_throughput(world, "llama-3.1-70b", metric="output_tokens_per_s")


def test_unverified_availability_needs_an_opt_in(world, accelerator_rows):
    """So many besides those that are known from a price list alone, which select keeps."""
    verified = accelerator_rows.availability.isin(["verified", "price_meter"])
    assert (~verified).sum() == 950
    assert accelerator_rows.availability.eq("price_meter").sum() == 1308
    assert set(world.select().offers.availability) == {"verified", "price_meter"}
    every = ("verified", "price_meter", "unverified", "assumed", "country_level")
    assert set(world.select(availability=every).offers.availability) > {"verified"}


def test_restricted_partitions_need_an_opt_in(world, accelerator_rows):
    """327 rows are government, China, disaster-recovery or otherwise not open to everyone."""
    access = accelerator_rows.region_id.map(world.regions.access)
    assert access.value_counts().to_dict() == {
        "public": 4038, "china": 155, "government": 99, "limited": 39, "disaster_recovery": 33, "dedicated": 1,
    }  # fmt: skip
    assert world.select().regions.access.eq("public").all()


def test_old_and_undated_prices_are_visible(world, accelerator_rows):
    age = world.price_age_days(date(2025, 1, 1)).loc[accelerator_rows.index]
    assert (age > 0).sum() == 304
    undated = accelerator_rows[accelerator_rows.price_date.eq("")]
    assert undated.price_quality.eq("unverified").all()
    assert age[undated.index].isna().all()


def test_spot_prices_that_are_derived_say_so(world):
    spot = world.offers[world.offers.purchase.eq("spot") & world.offers.accelerator.ne("")]
    savings_rule = spot[spot.source.str.contains("spotinfo")]
    assert len(savings_rule) == 239  # 795 before prices seen on the market took their place
    assert savings_rule.price_quality.eq("derived").all()


def test_storage_prices_are_known_for_most_of_the_regions(world, accelerator_rows):
    regions = sorted(set(accelerator_rows.region_id))
    assert world.storage_usd_per_gb_month(regions).notna().sum() == 188
    azure = world.regions.index[world.regions.provider.eq("azure")]
    assert world.storage_usd_per_gb_month(azure).notna().sum() == 47


def test_between_clouds_the_source_pays_internet_egress(world):
    price = world.egress_usd_per_gb(["aws:eu-central-1"], ["gcp:europe-west3"])[0, 0]
    assert price == world.internet_egress_usd_per_gb(["aws:eu-central-1"]).iloc[0] == pytest.approx(0.09)


def test_endpoint_scopes_are_explicit_and_unknown_scopes_have_no_countries(world):
    e = world.endpoints
    nowhere = e[e.scope.isin(["unspecified", "in_region", "data_zone_other"])]
    assert len(nowhere) > 900
    assert nowhere.scope_countries.isna().all()
    eu = e[e.scope.eq("data_zone_eu")].scope_countries.iloc[0]
    assert {"DE", "FR", "IE", "NL", "SE"} <= eu
    assert not {"GB", "CH", "NO"} & eu
    regional = e[e.scope.eq("region")]
    place = regional.region_id.map(world.regions.country)
    assert all(s == frozenset([c]) for s, c in zip(regional.scope_countries, place, strict=True))
    world_wide = e[e.scope.eq("global") & e.provider.eq("azure")].scope_countries.iloc[0]
    assert len(world_wide) > 25
    assert "CN" not in world_wide


def test_government_meters_filed_under_the_public_cloud_are_moved(world):
    e = world.endpoints
    assert not e[e.provider.eq("aws")].model_raw.str.startswith("us-gov").any()
    assert e[e.provider.eq("aws-us-gov") & e.region_id.eq("aws-us-gov:us-gov-west-1")].shape[0] == 51


def test_namibia_is_not_a_missing_value(world):
    rtt, quality = world.user_rtt(["NA"], ["aws:af-south-1"])
    assert 5.0 < rtt[0, 0] < 120.0
    assert quality[0, 0] == "estimated"


def test_a_position_in_the_wrong_state_is_blanked_not_used(world):
    """A Washington site whose source point lies in Massachusetts keeps its country and loses its position."""
    r = world.regions.loc["coreweave:US-WEST-09"]
    assert np.isnan(r.lat)
    assert r.grid_zone == ""
    assert r.position_quality == "missing"
