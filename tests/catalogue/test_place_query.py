"""What a planner looks up of places: prices by region, round trips, what is known of a region and what is not."""

from __future__ import annotations

import math

import pytest

from optimizer.also_called import meant_by
from optimizer.catalogue import load_catalogue
from optimizer.catalogue.place_query import NOT_KNOWN, list_prices, list_region, list_roundtrips
from optimizer.catalogue.query import list_offers, list_providers, list_regions
from optimizer.errors import InputError
from optimizer.suggest import did_you_mean


def test_prices_by_region_are_the_cheapest_of_a_device():
    """Against the offers themselves: machines of several devices are divided."""
    prices = list_prices(load_catalogue(), accelerator=["H100"], country=["DE"])
    offers = list_offers(load_catalogue(), accelerator=["H100"], country=["DE"])
    assert set(prices.region_id) == set(offers.region_id)
    for row in prices.itertuples():
        for way, price in (("on_demand", row.on_demand_usd_per_device_hour), ("spot", row.spot_usd_per_device_hour)):
            own = offers[offers.region_id.eq(row.region_id) & offers.purchase.eq(way)].usd_per_device_hour
            assert price == own.min() or (math.isnan(price) and own.empty)
    known = prices.on_demand_usd_per_device_hour.dropna()
    assert list(known) == sorted(known)


def test_round_trips_are_those_that_plans_count_with_how_far_they_may_be_off():
    catalogue = load_catalogue()
    found = list_roundtrips(catalogue, origin=["DE", "DE:Munich"], region=["aws:eu-central-1", "scaleway:fr-par"])
    counted, _ = catalogue.user_rtt(["DE"], ["aws:eu-central-1"])
    frankfurt = found[found.origin.eq("DE") & found.region_id.eq("aws:eu-central-1")].iloc[0]
    assert frankfurt.rtt_ms == round(float(counted[0, 0]), 2)
    assert (frankfurt.quality, frankfurt.within_ms) == ("estimated", 9.4)  # the line within a country
    assert list(found[found.origin.eq("DE")].rtt_ms) == sorted(found[found.origin.eq("DE")].rtt_ms)
    between = list_roundtrips(catalogue, origin=["aws:eu-central-1"], region=["azure:francecentral"])
    assert between.iloc[0].quality == "measured"
    assert math.isnan(between.iloc[0].within_ms)
    near = list_roundtrips(catalogue, origin=["DE"], provider=["scaleway"], max_ms=20.0)
    assert 0 < len(near) < 3
    assert near.rtt_ms.max() <= 20.0


def test_a_region_is_told_whole_and_what_nobody_knows_is_told_too():
    facts = list_region(load_catalogue(), region="scaleway:fr-par").set_index("fact")
    assert facts.loc["country", "value"] == "FR"
    assert (facts.loc["PUE", "value"], facts.loc["PUE", "quality"]) == (1.353, "derived, 2024")
    assert facts.loc["WUE", "value"] == NOT_KNOWN
    assert facts.loc["WUE", "source"] == ""
    assert facts.loc["H100", "value"] == "3.663 on_demand"


PROVIDERS = ["aws", "azure", "gcp", "oci", "ovhcloud", "alibaba"]
CHIPS = ["H100", "H100-PCIe", "H100-NVL", "A100-40", "A100-80", "L40S", "MI300X", "Trainium2", "V100-16", "V100-32",
         "TPU-v5e", "RTX-4090"]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("google", PROVIDERS, ["gcp"]), ("Amazon", PROVIDERS, ["aws"]), ("Google Cloud", PROVIDERS, ["gcp"]),
        ("ovh", PROVIDERS, ["ovhcloud"]), ("aliyun", PROVIDERS, ["alibaba"]), ("AWS", PROVIDERS, ["aws"]),
        ("UK", ["DE", "GB"], ["GB"]), ("usa", ["US", "DE"], ["US"]), ("Germany", ["US", "DE"], ["DE"]),
        ("H100-80GB", CHIPS, ["H100"]), ("nvidia-h100", CHIPS, ["H100"]), ("H100 SXM5 80GB", CHIPS, ["H100"]),
        ("A100-80GB", CHIPS, ["A100-80"]), ("A100", CHIPS, ["A100-40", "A100-80"]), ("l40s", CHIPS, ["L40S"]),
        ("MI300", CHIPS, ["MI300X"]), ("trn2", CHIPS, ["Trainium2"]), ("Tesla V100 16GB", CHIPS, ["V100-16"]),
        ("tpuv5e", CHIPS, ["TPU-v5e"]), ("rtx4090", CHIPS, ["RTX-4090"]),
        ("fr-par", ["scaleway:fr-par", "aws:eu-west-3"], ["scaleway:fr-par"]),
        ("preemptible", ["on_demand", "spot"], ["spot"]), ("nvidia", ["cuda", "rocm"], ["cuda"]),
        ("chat", ["chats", "train"], []), ("google", ["aws", "azure"], []), ("", PROVIDERS, []), ("8", CHIPS, []),
    ],
)  # fmt: skip
def test_what_people_type_is_understood(name: str, known: list[str], meant: list[str]):
    assert meant_by(name, known) == meant
    if meant:
        assert did_you_mean(name, known) == "you mean " + " or ".join(map(repr, meant))


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda c: list_regions(c, provider=["google"]), "'gcp'"),
        (lambda c: list_regions(c, country=["UK"]), "'GB'"),
        (lambda c: list_providers(c, control_excludes=["UK"]), "GB"),
        (lambda c: list_prices(c, accelerator=["H100-80GB"]), "'H100'"),
        (lambda c: list_roundtrips(c, origin=["UK"]), "'GB'"),
        (lambda c: list_roundtrips(c, origin=["DE"], region=["fr-par"]), "'scaleway:fr-par'"),
        (lambda c: list_region(c, region="frankfurt"), "'oci:eu-frankfurt-1'"),
    ],
)
def test_every_look_up_gives_the_hint(call, meant: str):
    with pytest.raises(InputError) as caught:
        call(load_catalogue())
    assert f"Maybe you mean {meant}" in str(caught.value)


def test_part_of_a_name_is_advised_where_nothing_else_is_near():
    models = ["meta-llama/Llama-3.1-8B-Instruct", "openai/gpt-oss-120b"]
    assert did_you_mean("llama-3.1-8b", models) == "you mean 'meta-llama/Llama-3.1-8B-Instruct'"
    assert did_you_mean("8b", [*models, *(f"m{k}" for k in range(40))]) is None
