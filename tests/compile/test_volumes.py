"""Which persons may leave, by hand: places that lists, offers, endpoints, support and duties leave open."""

from __future__ import annotations

import pytest
from law_worlds import catalogue, service, world

from optimizer.compile.profiles import activities
from optimizer.compile.sites import build_sites
from optimizer.compile.volumes import count_persons

CN = {"categories": ["personal"], "subjects": ["CN"], "exporter": "CN", "persons": {"CN": 7}}
TWO = {"cn1": "CN", "us1": "US"}


def _counts(made):
    persons = count_persons(made, build_sites(made), made.period_dates, activities(made.instance))
    return persons.held["CN", "CN"][0], persons.leaving["CN", "CN"][0]


@pytest.mark.parametrize(
    ("more", "leaving"),
    [
        ({}, 7),
        ({"regions": ["cn1"]}, 0),
        ({"providers": ["p-cn"]}, 0),
        ({"providers": ["p-us"]}, 7),
    ],
)  # fmt: skip
def test_a_workload_may_leave_where_its_own_lists_let_it(more, leaving):
    assert _counts(world(service(data=CN, **more), catalogue=catalogue(TWO))) == (7, leaving)


def test_an_endpoint_at_home_that_processes_abroad_lets_data_leave():
    """The same region, with an endpoint that stays and one that roams; a workload on instances alone is at home."""
    for countries, leaving in ((["CN"], 0), (["CN", "SG"], 7)):
        endpoints = [{"id": "e", "region": "cn1", "model": "m", "countries": countries}]
        load = service(data=CN, regions=["cn1"])
        made = world(load, catalogue=catalogue(TWO, endpoints=endpoints))
        assert _counts(made) == (7, 0)
        load["runs"] = {"endpoint_models": ["m"], "via": ["endpoint"]}
        assert _counts(world(load, catalogue=catalogue(TWO, endpoints=endpoints))) == (7, leaving)


def test_support_that_is_known_to_sit_abroad_lets_data_leave():
    """s3ns is administered from the EU: data with it in China are seen from there."""
    use = catalogue({"cn1": "CN"})
    use["inline"]["regions"][0]["provider"] = use["inline"]["providers"][0]["id"] = "s3ns"
    assert _counts(world(service(data=CN), catalogue=use)) == (7, 7)


def test_a_copy_that_a_law_wants_abroad_lets_what_is_kept_leave():
    copy = {"id": "SG-COPY", "jurisdiction": "CN", "in_force_from": "2020-01-01", "data_categories": "personal",
            "kind": "LOCAL_COPY", "storage_rule": "copy:SG", "processing_rule": "none"}  # fmt: skip
    for hours, leaving in ((0.0, 0), (24.0, 7)):
        data = {**CN, "retention_hours": hours, "retained_gb": 1.0}
        made = world(
            service(data=data, regions=["cn1"]), catalogue=catalogue(TWO),
            laws={"patches": [{"op": "add_law", "law": copy}]},
        )  # fmt: skip
        assert _counts(made) == (7, leaving)


def test_a_dataset_may_leave_by_its_regions_or_with_a_reader():
    """The reader's own 7 persons and the 5 of the dataset, each at home or not."""
    def counts(regions, reader_regions):
        dataset = {"id": "d", "size_gb": 1.0, **CN, "persons": {"CN": 5}, "regions": regions,
                   "readers": [{"workload": "chat", "gb": 1.0}]}  # fmt: skip
        return _counts(
            world(service(data=CN, regions=reader_regions), catalogue=catalogue(TWO), datasets=[dataset])
        )

    assert counts(["cn1"], ["cn1"]) == (12, 0)
    assert counts([], ["cn1"]) == (12, 5)
    assert counts(["cn1"], []) == (12, 12)


def test_an_unknown_number_at_home_does_not_make_the_number_that_leaves_unknown():
    unknown = {"id": "d", "size_gb": 1.0, "categories": ["personal"], "subjects": ["CN"], "exporter": "CN"}
    for regions, leaving in ((["cn1"], 7), ([], None)):
        made = world(service(data=CN), catalogue=catalogue(TWO), datasets=[{**unknown, "regions": regions}])
        assert _counts(made) == (None, leaving)
