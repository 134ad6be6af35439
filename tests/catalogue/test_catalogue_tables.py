"""Loading, validating and subsetting: every problem is named, all at once, and tables stay consistent."""

from __future__ import annotations

import shutil
import time
from datetime import date

import numpy as np
import pandas as pd
import pytest

from optimizer import bundled
from optimizer.catalogue import Catalogue, load_catalogue
from optimizer.catalogue.columns import QUALITIES
from optimizer.catalogue.schema import TABLES
from optimizer.errors import InputError


def issues_of(call) -> list[str]:
    with pytest.raises(InputError) as caught:
        call()
    return [f"{i.where or ''} {i.what}" for i in caught.value.issues]


def test_world_loads_in_seconds_and_only_once(world):
    start = time.process_time()
    fresh = load_catalogue(bundled.PATH / "catalogue")
    assert time.process_time() - start < 3.0  # of the processor; 0.3 on a machine of today
    assert fresh.sha256 == world.sha256
    assert load_catalogue() is world


def test_shipped_catalogue_is_small():
    size = sum(p.stat().st_size for p in (bundled.PATH / "catalogue").rglob("*") if p.is_file())
    assert size < 8_000_000


def test_manifest_lists_every_table_with_its_checksum():
    import hashlib

    folder = bundled.PATH / "catalogue"
    manifest = pd.read_csv(folder / "MANIFEST.csv", keep_default_na=False).set_index("file")
    tables = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*.csv*") if p.name != "MANIFEST.csv"}
    assert set(manifest.index) == set(tables)
    for name, path in tables.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == manifest.at[name, "sha256"], name


def test_every_shipped_table_validates(world):
    for name in world.later:
        assert len(world.later[name]()) > 0, name
    assert set(TABLES) == set(world.tables) | set(world.later)


def test_every_row_of_a_priced_or_measured_table_names_its_source(world):
    for name in ("providers", "regions", "accelerators", "skus", "offers", "endpoints", "throughput"):
        assert world.tables[name].source.ne("").all(), name
    assert world.throughput.licence.ne("").all()


def test_known_figures_have_a_quality_and_missing_ones_say_missing(world):
    for frame, quality, figure in (
        (world.regions, "pue_quality", "pue"), (world.regions, "grid_quality", "grid_lifecycle_g_per_kwh"),
        (world.skus, "power_quality", "idle_kw"), (world.skus, "embodied_quality", "embodied_kg"),
        (world.accelerators, "power_quality", "idle_kw"),
    ):  # fmt: skip
        assert frame[quality].isin(QUALITIES).all()
        assert frame[quality].eq("missing").equals(frame[figure].isna()), quality


def test_toy_catalogue_derives_ids(toy):
    assert list(toy.regions.index) == ["p:a", "p:b", "q:a", "p:gov"]
    assert next(iter(toy.offers.index)) == "p:a:x8:on_demand"
    assert toy.providers.at["q", "control_ownership"] == {"FR", "US"}
    assert toy.endpoints.at["e2", "scope_countries"] is None
    assert toy.regions.at["p:b", "pue_quality"] == "missing"


def test_inline_catalogue_needs_regions_alone_and_completes_ids():
    c = Catalogue.from_tables(
        {
            "regions": pd.DataFrame(
                {"provider": ["x"], "region": ["1"], "country": ["ZZ"], "fixed_usd_per_hour": [7.0]}
            ),
            "offers": pd.DataFrame({"region_id": ["x:1"], "sku": ["box"], "price_usd_per_hour": [0.0]}),
        }
    )
    assert c.regions.at["x:1", "fixed_usd_per_hour"] == 7.0
    assert not c.providers.at["x", "control_known"]
    assert c.skus.at[("x", "box"), "devices"] == 0.0
    assert c.endpoints.empty
    assert np.isnan(c.storage_usd_per_gb_month(["x:1"]).iloc[0])


def test_inline_checksum_follows_the_content(toy_tables):
    one = Catalogue.from_tables(toy_tables)
    toy_tables["offers"].loc[0, "price_usd_per_hour"] = 21.0
    assert Catalogue.from_tables(toy_tables).sha256 != one.sha256


def test_all_problems_are_reported_together(toy_tables):
    """A bad number, a bad word, an unknown id, a duplicate and a bad country: five findings, one error."""
    toy_tables["offers"] = pd.concat([toy_tables["offers"], toy_tables["offers"].iloc[[0]]], ignore_index=True)
    toy_tables["offers"]["price_usd_per_hour"] = ["-1", "many", "3", "30", "1"]
    toy_tables["offers"].loc[2, "region_id"] = "q:nowhere"
    toy_tables["regions"].loc[1, "country"] = "USA"
    toy_tables["regions"].loc[2, "access"] = "open"
    found = issues_of(lambda: Catalogue.from_tables(toy_tables))
    text = "\n".join(found)
    expected = ("must be at least 0: '-1'", "not a number: 'many'", "q:nowhere", "duplicate key", "'USA'", "'open'")
    assert [e for e in expected if e not in text] == []


@pytest.mark.parametrize(
    ("table", "column", "value", "expected"),
    [
        ("regions", "pue", 0.9, "at least 1"),
        ("regions", "lat", 95.0, "at most 90"),
        ("regions", "lon", None, "half a position"),
        ("offers", "price_usd_per_hour", float("inf"), "not finite"),
        ("offers", "price_usd_per_hour", None, "empty cell"),
        ("offers", "price_date", "01.02.2026", "not a date"),
        ("offers", "devices", 3, "disagree"),
        ("skus", "idle_kw", 9.0, "above load_kw"),
        ("skus", "accelerator", "Y", "unknown accelerator"),
        ("accelerators", "memory_gb", 0.0, "above 0"),
        ("providers", "control_ownership", "Germany", "alpha-2"),
        ("endpoints", "region_id", "p:zz", "unknown region_id"),
    ],
)
def test_a_bad_cell_is_named(toy_tables, table, column, value, expected):
    toy_tables[table][column] = toy_tables[table][column].astype(object)
    toy_tables[table].loc[0, column] = value
    assert any(expected in text for text in issues_of(lambda: Catalogue.from_tables(toy_tables)))


def test_a_missing_column_and_an_unknown_table_are_named(toy_tables):
    del toy_tables["regions"]["country"]
    assert any("no column 'country'" in t for t in issues_of(lambda: Catalogue.from_tables(toy_tables)))
    found = issues_of(lambda: Catalogue.from_tables({"offer": pd.DataFrame()}))
    assert any("unknown table 'offer'" in t for t in found)


def test_a_truncated_or_damaged_shipped_file_is_an_input_error(tmp_path):
    folder = tmp_path / "catalogue"
    shutil.copytree(bundled.PATH / "catalogue", folder)
    packed = folder / "offers.csv.gz"
    packed.write_bytes(packed.read_bytes()[:2000])
    assert any("is cut short" in t for t in issues_of(lambda: load_catalogue(folder)))
    with pytest.raises(InputError, match="no folder"):
        load_catalogue(tmp_path / "nowhere")


def test_select_keeps_the_tables_consistent(world):
    s = world.select(
        providers=["aws", "gcp", "ovhcloud"], exclude_regions=["aws:us-east-1"], countries=["US", "DE", "FR"]
    )
    assert set(s.regions.provider) == {"aws", "gcp", "ovhcloud"}
    assert set(s.regions.country) == {"US", "DE", "FR"}
    assert "aws:us-east-1" not in s.regions.index
    assert s.offers.region_id.isin(s.regions.index).all()
    assert s.offers.provider.isin(s.providers.index).all()
    assert s.endpoints.region_id.isin(s.regions.index).all()
    assert pd.MultiIndex.from_frame(s.offers[["provider", "sku"]]).isin(s.skus.index).all()


def test_select_with_everything_open_is_the_identity(world):
    s = world.select(access=tuple(set(world.regions.access)), availability=tuple(set(world.offers.availability)),
                     granularity=("region", "country"))  # fmt: skip
    assert s.offers.equals(world.offers)
    assert s.endpoints.equals(world.endpoints)


def test_select_defaults_drop_restricted_and_unverified(toy):
    assert list(toy.select().offers.index) == ["p:a:x8:on_demand", "q:a:x1:on_demand"]
    assert "p:gov" in toy.select(access=("public", "government")).regions.index


def test_select_names_every_unknown_id(world):
    wrong = {"providers": ["awss"], "exclude_regions": ["aws:eu-central-9"], "access": ("secret",)}
    found = issues_of(lambda: world.select(**wrong))
    assert len(found) == 3


def test_price_age_counts_days(toy):
    age = toy.price_age_days(date(2026, 1, 31))
    assert age["p:a:x8:on_demand"] == 30
    assert np.isnan(age["p:b:x8:on_demand"])


def test_fallbacks_fill_only_missing_cells_and_are_off_by_default(world):
    filled = world.with_fallbacks(["pue_fleet", "pue_industry"])
    known = world.regions.pue.notna()
    assert filled.regions.pue[known].equals(world.regions.pue[known])
    assert filled.regions.pue.notna().all()
    assert filled.fallback_kinds == ("pue_fleet", "pue_industry")
    assert world.with_fallbacks([]) is world
    assert world.regions.pue.isna().any()


def test_power_fallbacks_build_instance_power_from_host_and_devices(world):
    """trn1.32xlarge: host 0.948 kW + 16 × 150 W at load; idle needs its own fallback."""
    only_load = world.with_fallbacks(["accelerator_power"])
    assert np.isnan(only_load.skus.at[("aws", "trn1.32xlarge"), "load_kw"])
    both = world.with_fallbacks(["accelerator_power", "idle_power"]).skus.loc[("aws", "trn1.32xlarge")]
    assert both.load_kw == pytest.approx(0.948 + 16 * 0.150)
    assert both.idle_kw == pytest.approx(0.1981 + 16 * 0.150 * 0.116)
    assert both.power_quality == "fallback"


def test_fallbacks_may_be_added_one_after_the_other(world):
    stepwise = world.with_fallbacks(["idle_power"]).with_fallbacks(["accelerator_power"])
    at_once = world.with_fallbacks(["accelerator_power", "idle_power"])
    assert stepwise.skus.equals(at_once.skus)


def test_every_fallback_kind_can_be_applied_and_has_a_citation(world):
    kinds = list(dict.fromkeys(world.fallbacks.kind))
    filled = world.with_fallbacks(kinds)
    assert set(filled.fallback_kinds) == set(kinds)
    assert world.fallbacks.citation.ne("").all()
    with pytest.raises(InputError, match="guesswork"):
        world.with_fallbacks(["guesswork"])


def test_sku_targets_of_generic_embodied_figures_exist(world):
    rows = world.fallbacks[world.fallbacks.kind.eq("embodied_generic")]
    filled = world.with_fallbacks(["embodied_generic"])
    assert filled.skus.at[("aws", "trn1.32xlarge"), "embodied_kg"] == 6300.0
    assert len(rows) == 12
