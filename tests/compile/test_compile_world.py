"""The world of an instance: which offers are open, dates, grid, discounts, overrides."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from compile_toys import job, offer, region, service, toy

from optimizer.compile import NothingEligibleError, compile_instance, resolve_world
from optimizer.compile.periods import clock_weights, period_dates, shaped
from optimizer.errors import InputError
from optimizer.instance.load import load
from optimizer.instance.models import Instance

ENDPOINT = "ibm:-:watsonx.ai:meta-llama-llama-3-2-3b-instruct:chat:unspecified"


def world_instance(**more):
    data = {
        "name": "eu",
        "horizon": {"start": "2027-01-01", "hours": 730.0},
        "laws": {"use": "none"},
        "quotas": {"default_devices": 64.0},
        "workloads": [{
            "id": "chat", "kind": "service", "streams": [{"origin": "DE", "rate": 20_000.0, "max_rtt_ms": 60.0}],
            "runs": {"model": "meta-llama/Llama-3.1-8B-Instruct", "software": ["cuda"]},
        }],
        **more,
    }  # fmt: skip
    data["catalogue"] = {"providers": ["all"], **data.get("catalogue", {})}
    return load(data)


def test_period_dates_follow_the_hours():
    assert period_dates(dt.date(2027, 1, 31), np.array([12.0, 12.0, 24.0, 1.0])) == (
        dt.date(2027, 1, 31), dt.date(2027, 1, 31), dt.date(2027, 2, 1), dt.date(2027, 2, 2),
    )  # fmt: skip


def test_clock_weights_split_a_period_over_hours_and_months():
    weights = clock_weights(dt.date(2027, 1, 31), np.array([1.5, 24.0]))
    assert weights.sum(axis=(1, 2)).tolist() == pytest.approx([1.0, 1.0])
    assert weights[0, 0, 0] == pytest.approx(1 / 1.5)
    assert weights[0, 0, 1] == pytest.approx(0.5 / 1.5)
    assert weights[1, 0].sum() == pytest.approx(22.5 / 24)
    assert weights[1, 1].sum() == pytest.approx(1.5 / 24)
    assert weights[1, 1, 1] == pytest.approx(0.5 / 24)


def test_shapes_scale_the_annual_level_and_unknown_shapes_leave_it():
    weights = clock_weights(dt.date(2027, 1, 1), np.array([1.0, 1.0]))
    ratio = np.ones((2, 24))
    ratio[0, 0], ratio[0, 1] = 0.5, 1.5
    ratio[1] = np.nan
    grid = shaped(np.array([100.0, 80.0]), [ratio] * 12, weights)
    assert grid.tolist() == [[50.0, 150.0], [80.0, 80.0]]


def test_the_typical_day_keeps_the_annual_mean_of_each_zone():
    """Hourly shape x annual level: over a whole day of a month the level moves, its hours differ, none is negative."""
    horizon = {"start": "2027-06-01", "hours": 24.0, "count": 24}
    world = resolve_world(world_instance(horizon=horizon, carbon={"resolution": "typical_day"}))
    row = world.region_index["aws:eu-central-1"]
    hourly, annual = world.grid_g_per_kwh[row], world.regions.grid_g_per_kwh_annual[row]
    assert hourly.std() > 1.0
    assert 0.3 * annual < hourly.mean() < 2.0 * annual


@pytest.mark.parametrize(
    ("use", "reason"),
    [
        ({"providers": ["gcp"]}, "not_allowed_provider"),
        ({"exclude_providers": ["aws"]}, "not_allowed_provider"),
        ({"regions": ["gcp:europe-west4"]}, "not_allowed_region"),
        ({"exclude_regions": ["aws:eu-central-1"]}, "not_allowed_region"),
        ({"countries": ["FR"]}, "not_allowed_region"),
        ({"exclude_countries": ["DE"]}, "not_allowed_region"),
    ],
)
def test_catalogue_settings_shut_offers_with_their_reason(use, reason):
    world = resolve_world(world_instance(catalogue=use))
    assert "aws:eu-central-1" not in set(world.offers.region_id)
    closed = world.closed[world.closed.region_id.eq("aws:eu-central-1")]
    assert set(closed.reason) == {reason}
    open_world = resolve_world(world_instance())
    assert "aws:eu-central-1" in set(open_world.offers.region_id)


def test_offers_excluded_by_id_are_shut_and_nothing_else():
    """Machines and endpoints of the bundled catalogue, machines of an inline one; the rule says so."""
    every = resolve_world(world_instance())
    machine = str(every.offers.offer_id[every.offers.kind.eq("instance")].iloc[0])
    endpoint = str(every.offers.endpoint[every.offers.kind.eq("endpoint")].iloc[0])
    world = resolve_world(world_instance(catalogue={"exclude_offers": [machine, endpoint]}))
    gone = every.offers[every.offers.offer_id.eq(machine) | every.offers.endpoint.eq(endpoint)]
    assert set(world.offers.offer_id) == set(every.offers.offer_id) - set(gone.offer_id)
    shut = world.closed[world.closed.rule.eq("catalogue.exclude_offers")]
    assert (set(shut.offer_id), set(shut.reason)) == (set(gone.offer_id), {"not_allowed_offer"})
    inline = resolve_world(toy(inline={"offers": [offer(), offer("g2")]}, catalogue={
        "exclude_offers": ["p:north:g2:on_demand"]}))  # fmt: skip
    assert list(inline.offers.sku) == ["g1"]


@pytest.mark.parametrize("make", [toy, world_instance])
def test_an_excluded_offer_that_nobody_knows_is_told(make):
    with pytest.raises(InputError, match="unknown offer 'p:north:g9:on_demand'"):
        make(catalogue={"exclude_offers": ["p:north:g9:on_demand"]})


def test_partitions_and_unverified_offers_need_an_opt_in():
    default = resolve_world(world_instance())
    everything = resolve_world(world_instance(catalogue={
        "access": ["public", "government", "china"],
        "availability": ["verified", "price_meter", "unverified", "assumed", "country_level"],
    }))  # fmt: skip
    access = default.regions.set_index("region_id").access
    assert set(access.reindex(default.offers.region_id)) == {"public"}
    assert set(default.offers.availability) == {"verified", "price_meter"}
    assert {"partition_not_opted_in", "availability_not_opted_in"} <= set(default.closed.reason)
    assert set(access.reindex(everything.offers.region_id)) == {"public", "government", "china"}
    assert len(everything.offers) > len(default.offers)


def test_an_endpoint_without_a_scope_is_shut_unless_the_instance_declares_it_global_and_says_where_it_is():
    name = ENDPOINT
    placed = {"table": "endpoints", "id": name, "set": {"region_id": "ibm:eu-de"}}

    def reason(**catalogue):
        world = resolve_world(world_instance(catalogue=catalogue))
        shut = world.closed[world.closed.offer_id.eq(name)]
        return (shut.reason.iloc[0] if len(shut) else None), world

    assert reason()[0] == "endpoint_scope_unspecified"
    assert reason(unspecified_endpoint_scope="global")[0] == "endpoint_region_unknown"
    none, world = reason(unspecified_endpoint_scope="global", overlay=[placed])
    assert none is None
    opened = world.offers[world.offers.offer_id.eq(name)]
    assert {"DE", "US", "JP"} <= opened.scope_countries.iloc[0]


def test_overrides_replace_a_figure_and_say_so():
    override = {"table": "regions", "id": "aws:eu-central-1", "set": {"pue": 1.11}, "citation": "own meter"}
    world = resolve_world(world_instance(catalogue={"overlay": [override]}))
    row = world.regions.iloc[world.region_index["aws:eu-central-1"]]
    assert (row.pue, row.pue_quality) == (1.11, "stated")


def test_overrides_that_fit_nothing_are_told_all_together():
    overrides = [
        {"table": "regions", "id": "aws:nowhere", "set": {"pue": 1.1}},
        {"table": "regions", "id": "aws:eu-central-1", "set": {"puee": 1.1}},
        {"table": "regions", "id": "aws:eu-central-1", "set": {"pue": -1.0}},
        {"table": "planets", "id": "x", "set": {"pue": 1.1}},
        {"table": "regions", "id": "aws:eu-central-1", "set": {"pue": 0.5}},
        {"table": "regions", "id": "aws:eu-central-1", "set": {"country": "XX"}},
        {"table": "regions", "id": "aws:eu-central-1", "set": {"region_id": "aws:eu-west-1"}},
        {"table": "skus", "id": "aws/p5.4xlarge", "set": {"accelerator": "H1000"}},
        {"table": "endpoints", "id": ENDPOINT, "set": {"region_id": "ibm:mars"}},
        {"table": "endpoints", "id": ENDPOINT, "set": {"scope": "martian"}},
        {"table": "endpoints", "id": ENDPOINT, "set": {"scope_countries": "DE|Mars"}},
    ]
    instance = world_instance().model_copy(deep=True)
    catalogue = instance.catalogue.model_copy(update={"overlay": tuple(overrides)})
    with pytest.raises(InputError) as caught:
        resolve_world(Instance.model_copy(instance, update={"catalogue": catalogue}))
    assert len(caught.value.issues) == len(overrides)
    assert [issue.where.split(".set")[0] for issue in caught.value.issues] == [
        f"catalogue.overlay[{k}]" for k in range(len(overrides))
    ]


def test_what_does_not_fit_an_override_is_told_when_the_instance_is_loaded():
    with pytest.raises(InputError) as caught:
        world_instance(catalogue={"overlay": [{"table": "regions", "id": "aws:eu-central-1", "set": {"pue": 0.5}}]})
    assert caught.value.issues[0].where == "catalogue.overlay[id=aws:eu-central-1]"


def test_an_override_may_say_which_countries_an_endpoint_processes_in():
    """So an endpoint of unspecified scope is opened with what its user knows, not with the whole world."""
    stated = {"region_id": "ibm:eu-de", "scope_countries": "DE|FR"}
    override = {"table": "endpoints", "id": ENDPOINT, "set": stated}
    world = resolve_world(world_instance(catalogue={"overlay": [override]}))
    opened = world.offers[world.offers.offer_id.eq(ENDPOINT)]
    assert opened.scope_countries.iloc[0] == {"DE", "FR"}


def test_a_commitment_is_an_offer_of_its_own_at_no_price():
    commitments = [{"id": "c1", "region": "p:north", "sku": "g1", "instances": 3.0}]
    compiled = compile_instance(toy(service(rate=7.0), commitments=commitments, quotas={"default_devices": 1.0}))
    offers = compiled.world.offers.set_index("offer_id")
    assert offers.at["commitment:c1", "price_usd_per_hour"] == 0.0
    assert offers.at["commitment:c1", "load_kw"] == 1.0
    limits = dict(zip(compiled.problem.pools.ids, compiled.problem.pools.limit, strict=True))
    assert limits == {"devices:X@p:north": 1.0, "commitment:c1": 3.0}


def test_the_same_discount_twice_is_bad_input():
    with pytest.raises(InputError, match="discount"):
        resolve_world(toy(discounts=[{"provider": "p", "percent": 5.0}, {"provider": "p", "percent": 7.0}]))


def test_two_inline_offers_with_one_identity_are_bad_input():
    with pytest.raises(InputError):
        resolve_world(toy(inline={"offers": [offer(), offer(usd_per_hour=3.0)]}))


def test_world_prices_are_after_discounts():
    plain = resolve_world(world_instance())
    discount = {"provider": "aws", "percent": 10.0, "applies_to": ["compute", "storage"]}
    cheap = resolve_world(world_instance(discounts=[discount]))
    aws = plain.offers.provider.eq("aws").to_numpy()
    ratio = cheap.offers.price_usd_per_hour / plain.offers.price_usd_per_hour
    assert ratio[aws].dropna().to_numpy() == pytest.approx(0.9)
    assert ratio[~aws].dropna().to_numpy() == pytest.approx(1.0)
    at = plain.region_index["aws:eu-central-1"]
    assert cheap.storage_usd_per_gb_month[at] == pytest.approx(0.9 * plain.storage_usd_per_gb_month[at])


def test_llama_on_european_regions_compiles_with_finite_capacity():
    """The bundled catalogue has eligible offers near Germany, each with a capacity from the measured profile."""
    compiled = compile_instance(world_instance())
    slots = compiled.problem.slots
    assert len(slots.offer) > 50
    assert (slots.capacity_per_s > 0).all()
    rtt = compiled.world.network.user_rtt(["DE"])[0][0]
    assert (rtt[slots.region] <= 60.0).all()
    offers = compiled.world.offers.iloc[slots.offer]
    assert set(offers.software) == {"cuda"}


def test_links_count_both_ways_and_states_prices_for_all_or_none():
    inline = {
        "regions": [region(), region("p:south", "FR")],
        "network": [{"origin": "DE", "region": "p:north", "rtt_ms": 5.0},
                    {"origin": "p:north", "region": "p:south", "usd_per_gb": 0.01}],
    }  # fmt: skip
    network = resolve_world(toy(service(), job(), inline=inline)).network
    assert network.egress_usd_per_gb(np.array([0, 1, 0]), np.array([1, 0, 0])).tolist() == [0.01, 0.01, 0.0]
    assert network.usd_per_unit(["DE"]).tolist() == [[0.0, 0.0]]
    assert np.isnan(network.user_rtt(["DE"])[0]).tolist() == [[False, True]]


def no_option(**catalogue):
    data = {
        "runs": {
            "via": ["endpoint"], "endpoint_models": ["gemini-3.5-flash-lite"], "input_tokens": 10, "output_tokens": 10,
        },
        "id": "chat", "kind": "service", "streams": [{"origin": "DE", "rate": 10.0}],
    }  # fmt: skip
    instance = world_instance(
        workloads=[data], catalogue=catalogue, quotas={"default_endpoint_units_per_s": 50.0, "default_devices": 1.0}
    )
    with pytest.raises(NothingEligibleError) as caught:
        compile_instance(instance)
    return caught.value.lines


def test_endpoints_of_the_model_asked_that_are_shut_are_named_when_nothing_else_is_left():
    """Otherwise the reader sees only that all open endpoints serve other models."""
    lines = no_option(providers=["gcp"], unspecified_endpoint_scope="global")
    told = [line for line in lines if "endpoints of the workload's models" in line]
    assert len(told) == 1
    assert "2 endpoint_region_unknown" in told[0]


def test_with_every_offer_shut_no_word_is_said_about_open_ones():
    """Opting into the partition would do: it is not true that two reasons would have to give."""
    lines = no_option(providers=["aws-us-gov"])
    assert "all 0 open offers" in lines[0]
    assert any("partition_not_opted_in" in line for line in lines)
    assert not any("at least two" in line for line in lines)


NARROWED = {
    "providers": ["p2"], "exclude_providers": ["p"], "regions": ["p2:south"], "exclude_regions": ["p:north"],
    "countries": ["FR"], "exclude_countries": ["DE"],
}  # fmt: skip


@pytest.mark.parametrize("key", NARROWED)
def test_an_inline_catalogue_is_narrowed_like_the_bundled_one(key):
    """Commitments lie in regions too: an open one would break what the narrowing says."""
    inline = {
        "regions": [region("p:north", country="DE", provider="p"), region("p2:south", country="FR", provider="p2")],
        "offers": [offer("g1", "p:north"), offer("g1", "p2:south")],
    }
    data = {
        "name": "toy", "horizon": {"start": "2027-01-01", "hours": 10.0}, "laws": {"use": "none"},
        "catalogue": {"use": "inline", "inline": inline, key: NARROWED[key]}, "workloads": [service(rate=7.0)],
        "commitments": [{"id": "c1", "region": "p:north", "sku": "g1", "instances": 3.0}],
    }  # fmt: skip
    world = resolve_world(load(data))
    assert set(world.offers.region_id) == {"p2:south"}
    assert sorted(world.closed.offer_id) == ["commitment:c1", "p:north:g1:on_demand"]


def test_a_commitment_outside_the_allowed_part_of_the_world_is_shut():
    commitments = [{"id": "c1", "region": "aws:us-east-1", "sku": "g6e.xlarge", "instances": 3.0}]
    world = resolve_world(world_instance(catalogue={"providers": ["gcp"]}, commitments=commitments))
    assert set(world.offers.provider) == {"gcp"}
    assert world.closed.offer_id.eq("commitment:c1").sum() == 1


def test_offers_by_value_and_columns_that_cannot_be_changed():
    """`one_of` agrees with a comparison of values; names that no offer has select nothing; columns are read-only."""
    world = resolve_world(world_instance())
    for column in ("region_id", "accelerator", "purchase", "software"):
        values = world.offers[column].to_numpy(dtype=object)
        wanted = [*sorted(set(values))[::3], "nobody"]
        assert np.array_equal(world.one_of(column, wanted), np.isin(values, wanted))
    assert not world.one_of("region_id", ("nobody",)).any()
    assert not world.one_of("region_id", ()).any()
    with pytest.raises(ValueError, match="read-only"):
        world.column("price_usd_per_hour")[0] = 0.0
