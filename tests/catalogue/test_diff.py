"""What changed between two catalogues, and what an instance decides otherwise."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import domicile
from optimizer import bundled
from optimizer.catalogue import load_catalogue
from optimizer.catalogue.diff import differences
from optimizer.errors import InputError
from optimizer.releases import Decision, decisions

L4 = "aws:eu-central-1:g6.xlarge:on_demand"


def _tables(folder: Path, *, frankfurt: float, stockholm: float) -> Path:
    """Two regions of AWS with one machine each."""
    folder.mkdir()
    (folder / "RELEASE.json").write_text(json.dumps({"version": f"1.{frankfurt:g}", "date": "2026-11-30"}))
    (folder / "regions.csv").write_text(
        "region_id,provider,region,country,lat,lon\naws:f,aws,f,DE,50,8\naws:s,aws,s,SE,59,18\n"
    )
    (folder / "offers.csv").write_text(
        "offer_id,region_id,provider,sku,accelerator,devices,purchase,price_usd_per_hour\n"
        f"aws:f:box:on_demand,aws:f,aws,box,L4,1,on_demand,{frankfurt}\n"
        f"aws:s:box:on_demand,aws:s,aws,box,L4,1,on_demand,{stockholm}\n"
    )
    return folder


def _instance(folder: Path) -> domicile.Instance:
    data = {
        "name": "two", "horizon": {"start": "2027-01-01", "hours": 100}, "laws": {"use": "none"},
        "catalogue": {"use": "old"}, "quotas": {"default_devices": 8},
        "workloads": [{"id": "batch", "kind": "job", "work": 36e4, "unit": "images", "runs": {"throughput": {"L4": 10}},
                       "data": {"categories": ["non_personal"]}}],
    }  # fmt: skip
    (folder / "two.json").write_text(json.dumps(data))
    return domicile.load(folder / "two.json")


def test_a_price_that_rises_moves_the_job(tmp_path: Path) -> None:
    """10 h at 1 USD in Frankfurt; at 3 USD there, 2 USD in Stockholm are cheaper. One cell differs."""
    old = _tables(tmp_path / "old", frankfurt=1.0, stockholm=2.0)
    new = _tables(tmp_path / "new", frankfurt=3.0, stockholm=2.0)
    (one,) = differences(load_catalogue(old), load_catalogue(new))
    assert (one.table, one.key, one.kind) == ("offers", "aws:f:box:on_demand", "changed")
    assert (one.column, one.old, one.new) == ("price_usd_per_hour", 1.0, 3.0)
    decided = decisions(_instance(tmp_path), str(old), str(new))
    assert (decided.old.objective_usd, decided.new.objective_usd) == (pytest.approx(10.0), pytest.approx(20.0))
    assert decided.changed == (Decision("batch", "workload", ("aws:f box",), ("aws:s box",)),)
    assert decisions(_instance(tmp_path), str(old), str(old)).changed == ()


def test_rows_are_added_and_removed(tmp_path: Path) -> None:
    """The bundled catalogue without one offer, and with another price: a removed row, an added one, a changed cell."""
    folder = tmp_path / "release"
    shutil.copytree(bundled.PATH / "catalogue", folder)
    offers = pd.read_csv(folder / "offers.csv.gz", keep_default_na=False, dtype=str)
    gone = offers.offer_id[offers.offer_id.ne(L4)].iloc[0]
    offers.loc[offers.offer_id.eq(L4), "price_usd_per_hour"] = "123.0"
    offers[offers.offer_id.ne(gone)].to_csv(folder / "offers.csv.gz", index=False)
    there, back = load_catalogue("world"), load_catalogue(folder)
    told = {(one.kind, one.key, one.column): one.new for one in differences(there, back)}
    assert told == {("removed", gone, ""): None, ("changed", L4, "price_usd_per_hour"): 123.0}
    assert {(one.kind, one.key) for one in differences(back, there)} == {("added", gone), ("changed", L4)}


def test_a_release_has_a_version_and_a_date_and_stands_for_the_world(tmp_path: Path, monkeypatch) -> None:
    """Plans name the release; DOMICILE_CATALOGUE puts another in the place of the one that came with the code."""
    assert load_catalogue("world").version.count(" of 20") == 1
    folder = _tables(tmp_path / "old", frankfurt=1.0, stockholm=2.0)
    monkeypatch.setenv("DOMICILE_CATALOGUE", str(folder))
    assert (load_catalogue("world").name, load_catalogue("world").version) == ("world", "1.1 of 2026-11-30")
    (folder / "RELEASE.json").write_text('{"version": "1"}')
    with pytest.raises(InputError, match="states no version and date"):
        load_catalogue(folder)
