"""Field names that every YAML reader leaves alone; speeds from a table alone; what counts devices and what vCPUs."""

from __future__ import annotations

import copy

import pytest
import yaml

import domicile
from optimizer.errors import InputError
from optimizer.schemas import json_schema

INLINE = {
    "regions": [{"id": "r0", "country": "US"}],
    "offers": [{"sku": "a1", "region": "r0", "accelerator": "A", "usd_per_hour": 2.0}],
    "throughput": [{"workload": "j", "accelerator": "A", "units_per_s": 10}],
}
FIELDS = {
    "name": "table",
    "horizon": {"start": "2027-01-01", "hours": 730},
    "catalogue": {"use": "inline", "inline": INLINE},
    "laws": {"use": "none"},
    "workloads": [{"id": "j", "kind": "job", "work": 3.6e5}],
    "quotas": {"default_devices": 8},
}


def fields(**changes):
    return {**copy.deepcopy(FIELDS), **changes}


def inline(**changes):
    return {"use": "inline", "inline": {**copy.deepcopy(INLINE), **changes}}


def issues(data):
    with pytest.raises(InputError) as caught:
        domicile.load(data)
    return [str(issue) for issue in caught.value.issues]


def _names(schema):
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from _names(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _names(value)


@pytest.mark.parametrize("schema", [json_schema("instance"), json_schema("plan")], ids=["instance", "plan"])
def test_no_field_has_a_name_that_yaml_1_1_reads_as_something_else(schema):
    """`on`, `no`, `y` and the like become booleans in readers of YAML 1.1, such as PyYAML's own."""
    names = set(_names(schema))
    assert "name" in names or "placements" in names
    assert sorted(name for name in names if yaml.safe_load(name) != name or name in ("y", "n")) == []


def test_a_discount_says_what_it_applies_to():
    """The field survives a YAML 1.1 reader, and the earlier name is unknown."""
    text = "{provider: inline, percent: 10, applies_to: [compute, egress]}"
    instance = domicile.load(fields(discounts=[yaml.safe_load(text)]))
    assert instance.discounts[0].applies_to == ("compute", "egress")
    (told,) = issues(fields(discounts=[{"provider": "inline", "percent": 10, "on": ["compute"]}]))
    assert "unknown field 'on'" in told


@pytest.mark.parametrize("runs", [{}, {"runs": {}}, {"runs": {"model": "m"}}, {"runs": {"accelerators": ["A"]}}])
def test_a_throughput_table_alone_says_how_fast_a_workload_runs(runs):
    """3.6e5 units at 10 units/s are ten hours at 2 USD; the model named needs no other figure."""
    data = fields()
    data["workloads"][0] |= runs
    instance = domicile.load(data)
    plan = domicile.solve(instance)
    assert plan.objective_usd == pytest.approx(20.0)
    assert domicile.audit(instance, plan).ok


@pytest.mark.parametrize("runs", [{}, {"runs": {}}, {"runs": {"accelerators": ["A"]}}])
def test_a_workload_whose_speed_nothing_states_is_refused(runs):
    """A row for another workload is none for this one."""
    data = fields()
    data["workloads"] = [{**data["workloads"][0], **runs}, {**data["workloads"][0], "id": "k"}]
    data["catalogue"] = inline(throughput=[{"workload": "k", "accelerator": "A", "units_per_s": 10}])
    (told,) = issues(data)
    assert "workloads[id=j].runs: neither model nor throughput says how fast an instance serves this" in told
    assert "catalogue.inline.throughput" in told


def test_workloads_and_speeds_may_both_come_from_tables(tmp_path):
    """Neither table has a column that begins with `runs`."""
    data = fields(tables={"workloads": "workloads.csv", "throughput": "speeds.csv"}, catalogue=inline(throughput=[]))
    del data["workloads"]
    (tmp_path / "instance.yaml").write_text(yaml.safe_dump(data))
    (tmp_path / "workloads.csv").write_text("id,kind,work\nj,job,360000\n")
    (tmp_path / "speeds.csv").write_text("workload,accelerator,units_per_s\nj,A,10\n")
    assert domicile.solve(domicile.load(tmp_path / "instance.yaml")).objective_usd == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("quota", "told"),
    [
        ({"accelerator": "cpu", "devices": 8}, "have no devices"),
        ({"accelerator": "A", "vcpus": 8}, "has no meaning for a quota of vcpus"),
        ({"region": "r0", "vcpus": 8, "devices": 8}, "needs exactly one of devices, vcpus, kw, units_per_s"),
        ({"region": "r0"}, "needs exactly one of devices, vcpus, kw, units_per_s; has none"),
    ],
)
def test_a_quota_counts_devices_or_vcpus(quota, told):
    assert told in "\n".join(issues(fields(quotas={"limits": [quota]})))


@pytest.mark.parametrize(
    ("offer", "told"),
    [
        ({"accelerator": "cpu"}, "an offer of accelerator cpu states vcpus, and no devices"),
        ({"accelerator": "cpu", "vcpus": 8, "devices": 8}, "an offer of accelerator cpu states vcpus, and no devices"),
        ({"vcpus": 8}, "vcpus are counted where accelerator is cpu; it is A: state devices"),
    ],
)
def test_an_offer_counts_devices_or_vcpus(offer, told):
    (found,) = issues(fields(catalogue=inline(offers=[{**INLINE["offers"][0], **offer}])))
    assert told in found


def test_shares_of_device_hours_count_accelerators_alone():
    """A machine of 8 vCPUs at 1 unit/s each holds no devices: its hours are no device-hours, as in the catalogue."""
    cpu = {"sku": "c8", "region": "r0", "accelerator": "cpu", "vcpus": 8, "usd_per_hour": 0.1}
    speed = {"workload": "j", "accelerator": "cpu", "units_per_s": 1}
    data = fields(catalogue=inline(offers=[cpu], throughput=[speed]), quotas={"default_vcpus": 8})
    data["policies"] = [{"kind": "provider_share", "id": "half", "max_share": 0.5, "measure": "device_hours"}]
    instance = domicile.load(data)
    plan = domicile.solve(instance)
    assert plan.objective_usd == pytest.approx(0.1 * 3.6e5 / 8 / 3600)
    assert [share.value for share in plan.shares] == [0.0]
    assert domicile.audit(instance, plan).ok


@pytest.mark.parametrize("origin", ["AQ", "point"])
def test_a_country_without_a_position_under_a_round_trip_limit_is_named(origin: str):
    """The catalogue knows no cities of Antarctica: only a limit asks for the distance, and a position answers it."""

    def stated(**place: float) -> dict[str, object]:
        streams = [{"origin": origin, "rate": 5, "max_rtt_ms": 400}]
        service = {"id": "s", "kind": "service", "runs": {"throughput": {"H100": 10}}, "streams": streams}
        origins = [{"id": "point", "country": "AQ", **place}]
        return fields(catalogue={"use": "world", "providers": ["all"]}, workloads=[service], origins=origins)

    with pytest.raises(InputError, match=r"^workloads\[id=s\]\.streams\[0\]\.(origin: unknown|max_rtt_ms: asks)"):
        domicile.load(stated())
    data = stated(lat=-77.8, lon=166.7)
    if origin == "point":
        domicile.load(data)
    data["workloads"][0]["streams"][0].pop("max_rtt_ms")
    domicile.load(data)
