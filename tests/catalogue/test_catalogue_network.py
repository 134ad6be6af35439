"""Prices of moving data and round trips, against hand-computed toys and physical bounds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.catalogue import Catalogue
from optimizer.catalogue.network import distance_km
from optimizer.errors import InputError


def test_egress_follows_its_order_of_precedence(toy_tables):
    """Inside a region 0; listed pair; own rate by continent; else internet egress of the source."""
    toy_tables["egress_pairs"] = pd.DataFrame({"src": ["p:b"], "dst": ["p:a"], "usd_per_gb": [0.01]})
    c = Catalogue.from_tables(toy_tables)
    price = c.egress_usd_per_gb(["p:a", "p:b", "q:a"], ["p:a", "p:b", "q:a"])
    expected = [
        [0.00, 0.05, 0.09],  # p:a: other continent at its own rate; another cloud by internet
        [0.01, 0.00, 0.08],  # p:b: listed pair; provider-wide internet price
        [0.00, 0.00, 0.00],  # q: traffic out is free
    ]
    assert np.allclose(price, expected)


def test_unknown_prices_stay_unknown(world):
    price = world.egress_usd_per_gb(["alibaba:eu-central-1"], ["aws:eu-central-1", "alibaba:eu-central-1"])[0]
    assert np.isnan(price[0])
    assert price[1] == 0.0


def test_storage_prices_use_the_region_then_the_provider(toy):
    price = toy.storage_usd_per_gb_month(["p:a", "p:b", "q:a"])
    assert price.iloc[:2].tolist() == [0.02, 0.03]
    assert np.isnan(price.iloc[2])


def test_unknown_regions_and_origins_are_input_errors_with_advice(world):
    with pytest.raises(InputError, match=r"eu-central-11[\s\S]*Maybe you mean"):
        world.egress_usd_per_gb(["aws:eu-central-11"], ["aws:eu-central-1"])
    with pytest.raises(InputError, match="Atlantis"):
        world.user_rtt(["DE:Atlantis"], ["aws:eu-central-1"])


@given(st.floats(-89, 89), st.floats(-180, 180), st.floats(-89, 89), st.floats(-180, 180))
def test_distance_is_symmetric_and_bounded(a, b, c, d):
    there, back = (float(distance_km(np.array(x), *map(np.array, rest))) for x, *rest in ((a, b, c, d), (c, d, a, b)))
    assert there == pytest.approx(back, abs=1e-6)
    assert 0.0 <= there <= 20_016.0


def test_distance_of_a_known_pair():
    """Frankfurt to New York is about 6,200 km."""
    frankfurt, new_york = (np.array(50.11), np.array(8.68)), (np.array(40.71), np.array(-74.01))
    assert float(distance_km(*frankfurt, *new_york)) == pytest.approx(6206, abs=15)


def test_a_measured_pair_is_used_as_measured(world):
    pairs = world.later["rtt_pairs"]()
    row = pairs[pairs.src.eq("aws:eu-central-1") & pairs.dst.eq("aws:us-east-1")].iloc[0]
    rtt, quality = world.region_rtt(["aws:eu-central-1"], ["aws:us-east-1"])
    assert rtt[0, 0] == row.rtt_ms
    assert quality[0, 0] == "measured"


def test_no_ping_of_unclear_terms_is_shipped(world):
    assert set(world.later["rtt_pairs"]().source_id) == {
        "azure_published_azscout", "gcp_smu_perfkit", "ibm_cloud_docs", "skyplane_2022"}  # fmt: skip
    assert set(world.later["rtt_fit"]().columns) == {
        "kind", "pair", "a_ms", "b_ms_per_km", "n", "mae_ms", "p90_abs_err_ms"}  # fmt: skip


def test_round_trips_respect_light_in_fibre(world):
    """No estimate is faster than 0.01 ms per km; a region without position has no figure."""
    r = world.regions
    rtt, quality = world.region_rtt(list(r.index), list(r.index))
    km = distance_km(r.lat.to_numpy()[:, None], r.lon.to_numpy()[:, None], r.lat.to_numpy(), r.lon.to_numpy())
    estimated = (quality == "estimated") & ~np.isnan(km)
    assert (rtt[estimated] >= 0.01 * km[estimated] - 1e-9).all()
    lost = r.lat.isna().to_numpy()
    away = ~np.eye(len(r), dtype=bool)
    assert np.isnan(rtt[lost][:, ~lost]).all()
    assert (quality[lost[:, None] & away & (quality != "measured")] == "missing").all()


def test_estimates_come_close_to_measurements_they_did_not_see(world):
    """Without the exact pairs, site medians and lines stay within 12 ms of half of the measured pairs."""
    later = dict(world.later)
    empty = later["rtt_pairs"]().iloc[:0]
    later["rtt_pairs"] = lambda: empty
    blind = Catalogue(name="blind", version="", sha256="", tables=world.tables, later=later)
    ids = list(world.regions.index[world.regions.provider.isin(["aws", "azure", "gcp", "ibm"])])
    truth, quality = world.region_rtt(ids, ids)
    guess, _ = blind.region_rtt(ids, ids)
    error = np.abs(guess - truth)[quality == "measured"]
    assert np.median(error) < 12.0


def test_a_subset_keeps_the_round_trips_of_the_whole(world):
    """Dropping regions must not change what is known about the others."""
    part = world.select(providers=["scaleway", "ovhcloud", "oci"])
    ids = list(part.regions.index)
    assert np.allclose(part.region_rtt(ids, ids)[0], world.region_rtt(ids, ids)[0], equal_nan=True)


def test_users_are_nearer_to_home_than_to_another_continent(world):
    regions = ["aws:eu-central-1", "aws:us-east-1", "aws:ap-northeast-1", "aws:sa-east-1"]
    rtt, quality = world.user_rtt(["DE", "US", "JP", "BR"], regions)
    assert (rtt.argmin(axis=1) == np.arange(4)).all()
    assert (quality == "estimated").all()
    assert rtt[0, 0] < 30.0 < 60.0 < rtt[0, 1] < 160.0


def test_a_city_is_measured_from_its_own_place(world):
    rtt, _ = world.user_rtt(["US:New York City", "US:Los Angeles"], ["aws:us-east-1", "aws:us-west-1"])
    assert rtt[0, 0] < rtt[0, 1]
    assert rtt[1, 1] < rtt[1, 0]


def test_country_weights_sum_to_one(world):
    weight = world.later["places"]().groupby("country").weight.sum()
    assert np.allclose(weight, 1.0, atol=1e-4)


def test_grid_shape_rejects_bad_months_and_bases(world):
    with pytest.raises(InputError, match="month 13"):
        world.grid_shape(["DE"], 13)
    with pytest.raises(InputError, match="marginal"):
        world.grid_shape(["DE"], 1, basis="marginal")
