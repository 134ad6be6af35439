"""Power of whole machines by one method, grid zones and PUE by site, and direct intensity never above lifecycle."""

from __future__ import annotations

import fnmatch

import numpy as np
import pandas as pd
import pytest

from optimizer import bundled

RATED_KW = {
    "A100-40": 6.5 / 8, "A100-80": 6.5 / 8, "H100": 10.2 / 8, "H200": 10.2 / 8, "B200": 14.3 / 8, "B300": 14.5 / 8,
    "GB200": 6.667 / 4,
}  # fmt: skip
"""Of each accelerator's part of its machine: system maximum of the vendor over its accelerators."""


@pytest.fixture(scope="module")
def machines() -> pd.DataFrame:
    return pd.read_csv(bundled.PATH / "catalogue/reviewed/machine_power.csv").set_index("accelerator")


def test_host_of_measured_machines_is_what_the_wall_saw_beyond_the_boards(machines, world):
    """Eight H100 drew 8.4 kW in training, eight B200 10.442 kW in serving and 2.745 and 2.353 kW idle."""
    a = world.accelerators
    assert machines.at["H100", "host_load_kw"] == pytest.approx(8.4 / 8 - a.at["H100", "tdp_w"] / 1000)
    assert machines.at["B200", "host_load_kw"] == pytest.approx(10.442 / 8 - a.at["B200", "tdp_w"] / 1000)
    idle_b200 = (2.745 + 2.353) / 2 / 8 - a.at["B200", "idle_kw"]
    assert machines.at["B200", "host_idle_kw"] == pytest.approx(idle_b200, abs=1e-5)
    assert machines.at["H200", "host_idle_kw"] == pytest.approx(2.367 / 8 - a.at["H200", "idle_kw"], abs=1e-5)


def test_hosts_that_nobody_measured_are_the_mean_of_those_measured(machines):
    for name in ("load", "idle"):
        kw, quality = machines[f"host_{name}_kw"], machines[f"{name}_quality"]
        mean = kw[quality.eq("measured")].mean()
        assert quality.eq("measured").sum() == 2
        assert kw[quality.eq("estimated")].to_numpy() == pytest.approx(mean, abs=1e-5)


def test_whole_machines_by_hand(world):
    s = world.skus
    assert s.at[("aws", "p5.48xlarge"), "load_kw"] == pytest.approx(8.4)  # 6.63 before: NVSwitch, NICs, fans left out
    assert s.at[("aws", "p6-b200.48xlarge"), "load_kw"] == pytest.approx(10.442)
    assert s.at[("aws", "p6-b200.48xlarge"), "idle_kw"] == pytest.approx(2.549, abs=1e-3)
    assert s.at[("aws", "p5en.48xlarge"), "load_kw"] == pytest.approx(8 * (0.7 + 0.32763))
    assert s.at[("aws", "p5en.48xlarge"), "idle_kw"] == pytest.approx(2.367, abs=1e-3)
    assert s.at[("aws", "p4d.24xlarge"), "load_kw"] == pytest.approx(8 * (0.4074 + 0.32763))
    assert s.at[("aws", "p4de.24xlarge"), "load_kw"] == pytest.approx(8 * (0.4 + 0.32763))


def test_p4d_and_p4de_follow_one_method(world):
    """Their boards differ by 0.06 kW: so do the machines, which differed by 1.1 kW when two methods were used."""
    load = world.skus.loc[[("aws", "p4d.24xlarge"), ("aws", "p4de.24xlarge")], "load_kw"]
    assert load.max() - load.min() == pytest.approx(8 * (0.4074 - 0.4))


def test_a_part_of_a_machine_draws_its_part(world):
    s = world.skus
    for column in ("idle_kw", "load_kw"):
        assert 8 * s.at[("aws", "p5.4xlarge"), column] == pytest.approx(s.at[("aws", "p5.48xlarge"), column])
        assert 8 * s.at[("gcp", "a3-highgpu-1g"), column] == pytest.approx(s.at[("oci", "BM.GPU.H100.8"), column])


def test_no_machine_draws_more_than_it_is_rated_for_nor_less_than_its_boards(machines, world):
    boards = world.skus[world.skus.accelerator.isin(machines.index) & world.skus.load_kw.notna()]
    assert len(boards) > 60
    each = boards.load_kw / boards.devices
    device = boards.accelerator.map(world.accelerators.load_kw)
    assert (each > device).all()
    rated = boards.accelerator.map(RATED_KW)
    assert (each[rated.notna()] <= rated.dropna()).all()


def test_cards_do_not_take_a_module_board_along(world):
    s = world.skus
    one = s.loc[("azure", "Standard_NC24ads_A100_v4")]
    assert one.load_kw == pytest.approx(one.host_load_kw + 0.3)  # nvidia-smi: power limit 300.00 W
    assert one.host_load_kw < 0.2
    listed = pd.read_csv(bundled.PATH / "catalogue/reviewed/machines_without_module_board.csv")
    for row in listed.itertuples():
        skus = s[s.provider.eq(row.provider)].sku
        assert fnmatch.filter(skus, row.sku), row


def test_full_load_of_a_device_is_at_least_its_rating(world):
    """592.8 W is what one workload drew of an H200 rated 700 W: less than an H100 is no full load."""
    a = world.accelerators
    known = a.load_kw.notna() & a.tdp_w.notna()
    assert (a.load_kw[known] >= a.tdp_w[known] / 1000 - 1e-9).all()
    assert a.at["H200", "load_kw"] == a.at["H100", "load_kw"] == 0.7


def test_tpu_chips_have_the_range_their_maker_measured_and_no_host(world):
    a = world.accelerators
    assert (a.at["TPU-v3", "idle_kw"], a.at["TPU-v3", "load_kw"]) == (0.123, 0.262)
    assert (a.at["TPU-v4", "idle_kw"], a.at["TPU-v4", "load_kw"]) == (0.09, 0.192)
    assert a.at["TPU-v4", "tpp"] == 16 * 275
    chips = world.skus[world.skus.sku.isin(["tpu-v3-8", "tpu-v4-8"])]
    assert chips.load_kw.isna().all()  # chips alone are no machine


def test_direct_intensity_is_never_above_lifecycle(world):
    r = world.regions
    both = r.grid_direct_g_per_kwh.notna() & r.grid_lifecycle_g_per_kwh.notna()
    assert both.sum() > 350
    assert (r.grid_direct_g_per_kwh[both] <= r.grid_lifecycle_g_per_kwh[both]).all()
    assert not (r.grid_direct_g_per_kwh.notna() & ~both).any()
    assert r.at["gcp:europe-central2", "grid_direct_g_per_kwh"] == 498.57  # 643 of 2024 beside 565 of 2025


@pytest.mark.parametrize(("region", "zone", "grams"), [
    ("gcp:us-west1", "US-NW-BPAT", 129.0), ("aws:us-west-2", "US-NW-BPAT", 129.0),
    ("coreweave:RNO2", "US-NW-NEVP", 435.0), ("gcp:us-central1", "US-MIDW-MISO", 501.0),
    ("gcp:us-east1", "US-CAR-SC", 654.0), ("azure:westus2", "US-NW-GCPD", 51.0),
])  # fmt: skip
def test_regions_lie_in_the_zone_that_supplies_them(world, region, zone, grams):
    row = world.regions.loc[region]
    assert (row.grid_zone, row.grid_lifecycle_g_per_kwh, row.grid_zone_join) == (zone, grams, "corrected")
    assert row.grid_zone_remark


def test_a_zone_in_doubt_says_so(world):
    row = world.regions.loc["vultr:lax"]
    assert row.grid_quality == "unverified"
    assert "US-CAL-LDWP" in row.grid_zone_remark


def test_every_pue_and_wue_says_how_near_to_the_site_it_is(world):
    r = world.regions
    for column, step in (("pue", "pue_step"), ("wue_l_per_kwh", "wue_step")):
        assert (r[column].notna() == r[step].ne("")).all()
    assert r.pue_source[r.pue.notna()].ne("").all()
    assert r.pue_quality[r.pue_step.eq("macro_region")].eq("estimated").all()
    assert r.at["azure:westus", "pue_step"] == "macro_region"  # Washington's 1.15 and 1.09 were filed here
    assert (r.at["azure:westus2", "pue"], r.at["azure:westus2", "wue_l_per_kwh"]) == (1.16, 1.09)
    assert not np.isclose(r.at["azure:westus", "wue_l_per_kwh"], 1.09)
