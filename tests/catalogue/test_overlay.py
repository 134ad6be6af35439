"""One's own figures over the world's: by id, by selector, and as rows of one's own; the audit reads them by itself."""

from __future__ import annotations

from typing import Any

import pytest

import domicile
from optimizer.audit import audit
from optimizer.compile.world import resolve_world

PRICE = {"set": {"price_usd_per_hour": 1.0}}
PLACE = {"provider": "aws", "region": "x", "country": "DE"}
L4 = "aws:eu-central-1:g6.xlarge:on_demand"
SERVICE = {
    "id": "chat", "kind": "service", "runs": {"throughput": {"L4": 100.0}}, "data": {"categories": ["non_personal"]},
    "streams": [{"origin": "DE", "rate": 60, "unit": "requests/s", "max_rtt_ms": 60}],
}  # fmt: skip


def _instance(*overlay: dict[str, Any], workload: dict[str, Any] | None = None, **more: Any) -> domicile.Instance:
    use = {"use": "world", "providers": ["aws"], "countries": ["DE"], "overlay": list(overlay)}
    use |= more.pop("catalogue", {})
    return domicile.load({
        "name": "own", "horizon": {"start": "2027-01-01", "hours": 100}, "laws": {"use": "none"}, "catalogue": use,
        "workloads": [{**SERVICE, **(workload or {})}], "quotas": {"default_devices": 8}, **more,
    })  # fmt: skip


def _solved(instance: domicile.Instance) -> domicile.Plan:
    plan = domicile.solve(instance)
    assert plan.status == "optimal"
    report = audit(instance, plan)
    assert report.ok, report.violations
    return plan


def test_a_price_by_selector_is_that_of_every_row_selected():
    """All L4 machines of AWS in Germany cost 0.25 USD/h: one g6.xlarge for 100 h costs 25 USD; nothing else changes."""
    row = {
        "table": "offers", "where": {"provider": "aws", "country": "DE", "accelerator": "L4"},
        "set": {"price_usd_per_hour": 0.25}, "citation": "our contract, 2026-11",
    }  # fmt: skip
    instance = _instance(row)
    plan = _solved(instance)
    assert plan.objective_usd == pytest.approx(25.0)
    (told,) = [text for text in plan.warnings if text.startswith("figures of your own")]
    assert told == f"figures of your own, offers {plan.placements[0].region_id}:{plan.placements[0].sku}:on_demand: " \
                   "price_usd_per_hour 0.25 (our contract, 2026-11)"  # fmt: skip
    offers = resolve_world(instance).offers
    assert set(offers.price_usd_per_hour[offers.accelerator.eq("L4") & offers.purchase.eq("on_demand")]) == {0.25}
    assert (offers.price_usd_per_hour[offers.accelerator.ne("L4")] != 0.25).all()


def test_an_operator_of_ones_own_with_region_machine_offer_and_storage():
    """A cellar in Germany at 0.10 USD/h: 10 USD for the service, and 1,000 GB at 0.01 USD for 100/730 of a month."""
    overlay = [
        {"table": "providers", "add": {"provider": "cellar", "hq_country": "DE", "control_ownership": "DE",
                                       "control_strict": "DE", "control_known": "true"}},
        {"table": "regions", "add": {"provider": "cellar", "region": "one", "country": "DE", "continent": "EU",
                                     "lat": 50.1, "lon": 8.7, "pue": 1.4, "grid_lifecycle_g_per_kwh": 300.0}},
        {"table": "skus", "add": {"provider": "cellar", "sku": "box", "accelerator": "L4", "devices": 1,
                                  "device_memory_gb": 24, "vcpu": 8, "ram_gb": 64, "idle_kw": 0.1, "load_kw": 0.3}},
        {"table": "offers", "add": {"region_id": "cellar:one", "sku": "box", "accelerator": "L4", "devices": 1,
                                    "price_usd_per_hour": 0.1}, "citation": "invoice"},
        {"table": "storage", "add": {"provider": "cellar", "region": "one", "storage_usd_per_gb_month": 0.01,
                                     "egress_internet_usd_per_gb": 0.0}},
    ]  # fmt: skip
    data = {"id": "kept", "size_gb": 1000.0, "categories": ["non_personal"], "regions": ["cellar:one"], "min_copies": 1}
    instance = _instance(*overlay, catalogue={"providers": ["aws", "cellar"]}, datasets=[data])
    plan = _solved(instance)
    assert [row.region_id for row in plan.placements] == ["cellar:one"]
    assert plan.cost_breakdown_usd["compute"] == pytest.approx(10.0)
    assert plan.cost_breakdown_usd["storage"] == pytest.approx(1000 * 0.01 * 100 / 730)
    assert plan.energy_kwh is not None
    assert {text.split(":")[0] for text in plan.warnings if text.startswith("figures of your own")} == {
        "figures of your own, providers cellar", "figures of your own, regions cellar",
        "figures of your own, skus cellar/box", "figures of your own, offers cellar",
        "figures of your own, storage cellar/one",
    }  # fmt: skip


def test_figures_of_data_at_rest_are_told_too():
    """A copy in Milan, brought from Frankfurt at 0.05 USD/GB and kept at 0.01 USD/GB and month, where nothing runs."""
    overlay = [
        {"table": "storage", "add": {"provider": "aws", "region": "eu-south-1", "storage_usd_per_gb_month": 0.01}},
        {"table": "egress", "add": {"src": "aws:eu-central-1", "dst": "aws:eu-south-1", "usd_per_gb": 0.05}},
        {"table": "egress", "add": {"src": "aws:eu-central-1", "dst": "aws:us-east-1", "usd_per_gb": 0.05}},
    ]  # fmt: skip
    data = {"id": "kept", "size_gb": 100.0, "categories": ["non_personal"], "min_copies": 1,
            "regions": ["aws:eu-south-1"], "present_in": ["aws:eu-central-1"]}  # fmt: skip
    plan = _solved(_instance(*overlay, catalogue={"countries": ["DE", "IT"]}, datasets=[data]))
    assert plan.cost_breakdown_usd["copies"] == pytest.approx(5.0)
    assert plan.cost_breakdown_usd["storage"] == pytest.approx(100 * 0.01 * 100 / 730)
    told = [text.partition(": ")[0] for text in plan.warnings if text.startswith("figures of your own")]
    assert told == [
        "figures of your own, storage aws/eu-south-1",
        "figures of your own, egress aws:eu-central-1/aws:eu-south-1",
    ]


def test_a_price_between_two_regions_decides_where_data_are_brought_from_and_a_round_trip_is_no_row():
    """Data lie in Frankfurt and Stockholm; at 0.5 USD/GB from Stockholm and 0.01 from Frankfurt the copy in Milan comes
    from there, and the other way round. Nothing depends on a round trip between regions: such a row is refused.
    """
    data = {"id": "kept", "size_gb": 100.0, "categories": ["non_personal"], "min_copies": 1,
            "regions": ["aws:eu-south-1"], "present_in": ["aws:eu-central-1", "aws:eu-north-1"]}  # fmt: skip
    for near, far in (("aws:eu-central-1", "aws:eu-north-1"), ("aws:eu-north-1", "aws:eu-central-1")):
        overlay = [
            {"table": "egress", "add": {"src": src, "dst": "aws:eu-south-1", "usd_per_gb": usd}}
            for src, usd in ((near, 0.01), (far, 0.5))
        ]
        plan = _solved(_instance(*overlay, catalogue={"countries": ["DE", "IT", "SE"]}, datasets=[data]))
        assert [copy.source for copy in plan.copies] == [near]
        assert plan.cost_breakdown_usd["copies"] == pytest.approx(1.0)
    row = {"table": "network", "add": {"origin": "aws:eu-central-1", "region": "aws:eu-south-1", "rtt_ms": 5.0}}
    with pytest.raises(domicile.InputError, match="nothing depends"):
        _instance(row)


def test_a_row_that_is_there_is_replaced():
    """The offer has a new price and no date; its id is the one of before."""
    added = {"region_id": "aws:eu-central-1", "sku": "g6.xlarge", "accelerator": "L4", "devices": 1,
             "price_usd_per_hour": 0.2}  # fmt: skip
    instance = _instance({"table": "offers", "add": added})
    offers = resolve_world(instance).offers.set_index("offer_id")
    assert (offers.price_usd_per_hour[L4], offers.price_quality[L4], offers.price_date[L4]) == (0.2, "stated", "")
    assert _solved(instance).objective_usd == pytest.approx(20.0)


def test_round_trips_of_ones_own_count_and_are_stated():
    """80 ms measured between Germany and Frankfurt closes it at 60 ms; 3 ms opens it at 5 ms, whatever the margin."""
    far = {"table": "network", "add": {"origin": "DE", "region": "aws:eu-central-1", "rtt_ms": 80.0}}
    assert domicile.solve(_instance(far)).status == "infeasible"
    near = {**far, "add": {**far["add"], "rtt_ms": 3.0}, "citation": "ping"}
    stream = {**SERVICE["streams"][0], "max_rtt_ms": 5}
    instance = _instance(near, workload={"streams": [stream]}, catalogue={"latency_margin_ms": 4.0})
    plan = _solved(instance)
    assert {(row.rtt_ms, row.rtt_source) for row in plan.placements} == {(3.0, "stated")}
    told = "figures of your own, network DE/aws:eu-central-1: origin DE, region aws:eu-central-1, rtt_ms 3.0 (ping)"
    assert told in plan.warnings
    shares = {row.quality: row.cost_share for row in plan.data_quality}
    assert shares["estimated_rtt"] == 0.0


def test_speeds_of_ones_own_take_the_place_of_the_catalogues_on_their_accelerator_alone():
    """An L4 does 2,500 tokens/s, so that one is enough for 1,600 / 0.7; other accelerators keep their figures."""
    model = "meta-llama/Llama-3.1-8B-Instruct"
    runs = {"model": model, "input_tokens": 1024, "output_tokens": 256, "software": ["cuda"]}
    stream = {**SERVICE["streams"][0], "unit": "tokens/s", "rate": 1600}
    row = {"table": "throughput", "add": {"model": model, "accelerator": "L4", "units_per_s": 2500.0}}
    asked = {"runs": runs, "streams": [stream]}
    plan = _solved(_instance(row, workload=asked))
    assert {(placed.accelerator, placed.instances) for placed in plan.placements} == {("L4", 1.0)}
    assert not any("speed" in flag for placed in plan.placements for flag in placed.flags)
    for_it = {"table": "throughput", "add": {"workload": "chat", "accelerator": "L4", "units_per_s": 1e-3}}
    slow = domicile.solve(_instance(row, for_it, workload=asked, quotas={"default_devices": 64}))
    assert "L4" not in {placed.accelerator for placed in slow.placements}


def test_power_of_a_machine():
    """0.2 kW idle and 0.4 kW at load, 60 % used: 100 h x PUE x (0.2 + 0.2 x 0.6) kW."""
    row = {"table": "power", "id": "aws/g6.xlarge", "set": {"idle_kw": 0.2, "load_kw": 0.4}}
    site = {"table": "regions", "where": {"provider": "aws", "country": "DE"}, "set": {"pue": 1.5}}
    plan = _solved(_instance(row, site, catalogue={"exclude_offers": []}))
    assert [placed.sku for placed in plan.placements] == ["g6.xlarge"]
    assert plan.energy_kwh == pytest.approx(100 * 1.5 * (0.2 + 0.2 * 0.6))


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"table": "offers", "where": {"sku": "nothing"}, **PRICE}, "no row of offers has all"),
        ({"table": "offers", "where": {"colour": "red"}, **PRICE}, "names a column that offers"),
        ({"table": "offers", "id": L4, "where": {"sku": "x"}, **PRICE}, "states id and where"),
        ({"table": "offers", **PRICE}, "states none of id, where and add"),
        ({"table": "offers", "add": {"region_id": "aws:mars", **PRICE["set"], "sku": "g6.xlarge"}}, "unknown region"),
        ({"table": "offers", "add": {"region_id": "aws:eu-central-1", "sku": "g6.xlarge"}}, "lacks price_usd_per_hour"),
        ({"table": "offers", "add": {"region_id": "aws:eu-central-1", **PRICE["set"], "sku": "g6.xlarge",
                                     "offer_id": "mine"}}, "make it 'aws:eu-central-1:g6.xlarge:on_demand'"),
        ({"table": "regions", "add": {**PLACE, "pue": 0.5}}, "at least 1"),
        ({"table": "regions", "add": {**PLACE, "hue": 1}}, "no column 'hue'"),
        ({"table": "network", "add": {"origin": "DE", "region": "aws:mars", "rtt_ms": 1}}, "unknown region 'aws:mars'"),
        ({"table": "network", "add": {"origin": "DE", "region": "aws:eu-central-1", "rtt_ms": -1}}, "not a figure"),
        ({"table": "throughput", "add": {"accelerator": "L4", "units_per_s": 5}}, "neither or both of workload and"),
        ({"table": "throughput", "where": {"accelerator": "L4"}, "set": {"units_per_s": 5}}, "throughput are added"),
        ({"table": "weather", "id": "x", "set": {"a": 1}}, "is none of providers, regions"),
        ({"table": "power", "where": {"sku": "g6.xlarge"}, "set": {"load_kw": 700}}, "700"),
    ],
)  # fmt: skip
def test_rows_that_fit_nothing_are_told(row, what):
    """Every row names what it sets; what is impossible, unknown or incomplete is an error at load."""
    with pytest.raises(domicile.InputError, match=what) as caught:
        _instance(row)
    assert all((issue.where or "").startswith("catalogue.overlay") for issue in caught.value.issues)


def test_rows_may_stand_in_a_table(tmp_path):
    """A CSV beside the file: columns with dots, as in every table."""
    (tmp_path / "own.csv").write_text(
        "table,id,where.sku,set.price_usd_per_hour,citation\n"
        f"offers,{L4},,0.2,invoice\noffers,,g6.2xlarge,0.3,\n"
    )  # fmt: skip
    (tmp_path / "a.yaml").write_text(
        "name: a\nhorizon: {start: 2027-01-01, hours: 10}\ncatalogue: {providers: [aws]}\nlaws: {use: none}\n"
        "tables: {overlay: own.csv}\nquotas: {default_devices: 8}\nworkloads:\n  - id: chat\n    kind: service\n"
        "    runs: {throughput: {L4: 10}}\n    streams: [{origin: DE, rate: 1}]\n"
    )
    overlay = domicile.load(tmp_path / "a.yaml").catalogue.overlay
    assert overlay == (
        {"table": "offers", "id": L4, "set": {"price_usd_per_hour": 0.2}, "citation": "invoice"},
        {"table": "offers", "where": {"sku": "g6.2xlarge"}, "set": {"price_usd_per_hour": 0.3}},
    )
