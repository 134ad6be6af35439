"""Streams from a city of the catalogue, and from a place whose position the instance states."""

from __future__ import annotations

import numpy as np
import pytest

import domicile
from optimizer.audit import audit
from optimizer.catalogue import load_catalogue
from optimizer.compile import resolve_world
from optimizer.compile.profiles import activities
from optimizer.errors import InputError
from optimizer.instance.load import load

MUNICH = {"lat": 48.137, "lon": 11.575}
"""As `instances/catalogue/places.csv` has it."""


def instance(origin, limit=None, origins=(), catalogue=None, runs=None):
    stream = {"origin": origin, "rate": 500.0, **({} if limit is None else {"max_rtt_ms": limit})}
    return load({
        "name": "city", "horizon": {"start": "2027-01-01", "hours": 24.0}, "origins": list(origins),
        "laws": {"use": "world", "as_of": "2026-11-22"}, "catalogue": catalogue or {"providers": ["aws", "ovhcloud"]},
        "legal_assertions": {"exporters": [{"id": "acme", "country": "DE", "headquarters": "DE"}]},
        "quotas": {"default_devices": 8},
        "workloads": [{
            "id": "chat", "kind": "service", "streams": [stream],
            "data": {"categories": ["personal"], "exporter": "acme"},
            "runs": runs or {"model": "meta-llama/Llama-3.1-8B-Instruct", "input_tokens": 1024, "output_tokens": 256},
        }],
    })  # fmt: skip


def round_trips(question, origin):
    world = resolve_world(question)
    rtt, quality = world.network.user_rtt([origin])
    return dict(zip(world.regions.region_id, rtt[0], strict=True)), set(quality[0])


def test_a_city_is_nearer_to_its_neighbours_than_its_country_is():
    """Munich against Milan: by hand, a_ms + b_ms_per_km x distance of the EU-EU line."""
    city, quality = round_trips(instance("DE:Munich"), "DE:Munich")
    country, _ = round_trips(instance("DE"), "DE")
    assert quality <= {"estimated", "missing"}
    assert city["aws:eu-south-1"] < country["aws:eu-south-1"]
    milan = load_catalogue().regions.loc["aws:eu-south-1"]
    half = np.radians([(milan.lat - MUNICH["lat"]) / 2, (milan.lon - MUNICH["lon"]) / 2])
    ends = np.cos(np.radians([milan.lat, MUNICH["lat"]])).prod()
    km = 2 * 6371 * np.arcsin(np.sqrt(np.sin(half[0]) ** 2 + ends * np.sin(half[1]) ** 2))
    line = load_catalogue().later["rtt_fit"]()
    line = line[line.kind.eq("user") & line.pair.eq("EU-EU")].iloc[0]
    assert city["aws:eu-south-1"] == pytest.approx(line.a_ms + line.b_ms_per_km * km)


def test_a_stated_position_counts_like_the_city_that_lies_there():
    office = {"id": "office", "country": "DE", **MUNICH}
    stated, quality = round_trips(instance("office", origins=[office]), "office")
    listed, _ = round_trips(instance("DE:Munich"), "DE:Munich")
    assert quality <= {"estimated", "missing"}
    known = {region: ms for region, ms in stated.items() if ms == ms}
    assert known == pytest.approx({region: listed[region] for region in known})
    assert len(known) > 400


@pytest.mark.parametrize("origin", ["DE:Munich", "office"])
def test_the_law_asks_the_country_and_the_plan_tells_that_the_distance_is_an_estimate(origin):
    office = {"id": "office", "country": "DE", **MUNICH}
    question = instance(origin, limit=20.0, origins=[office])
    plan = domicile.solve(question)
    assert {row.stream for row in plan.placements} == {origin}
    assert {row.country for row in plan.placements} <= {"DE", "FR", "IT", "CH", "AT", "CZ", "PL"}
    assert all("EU-GDPR-CHV" in row.laws for row in plan.placements)
    shares = {row.quality: row.cost_share for row in plan.data_quality}
    assert shares["estimated_rtt"] == pytest.approx(1.0)
    assert audit(question, plan).violations == ()
    unlimited = domicile.solve(instance(origin, origins=[office]))
    assert {row.quality: row.cost_share for row in unlimited.data_quality}["estimated_rtt"] == 0.0


def test_the_audit_measures_from_the_stated_position():
    """The same plan, once the office has moved to Sydney, breaks its limit."""
    office = {"id": "office", "country": "DE", **MUNICH}
    plan = domicile.solve(instance("office", limit=20.0, origins=[office]))
    moved = instance("office", limit=20.0, origins=[{"id": "office", "country": "DE", "lat": -33.9, "lon": 151.2}])
    assert "rtt" in {violation.kind for violation in audit(moved, plan).violations}


def test_an_inline_catalogue_takes_the_country_and_its_own_links():
    inline = {
        "regions": [{"id": "here", "country": "DE"}],
        "offers": [{"sku": "s", "region": "here", "accelerator": "G", "usd_per_hour": 1.0}],
        "network": [{"origin": "plant", "region": "here", "rtt_ms": 5.0}],
    }  # fmt: skip
    own = {"use": "inline", "inline": inline}
    question = instance("plant", limit=10.0, origins=[{"id": "plant", "country": "IN"}], catalogue=own,
                        runs={"throughput": {"G": 1000.0}})  # fmt: skip
    (stream,) = activities(question)
    assert stream.profiles[0].subjects == {"IN"}
    plan = domicile.solve(question)
    assert [row.stream for row in plan.placements] == ["plant"]
    assert audit(question, plan).violations == ()


@pytest.mark.parametrize(
    ("origin", "origins", "what", "maybe"),
    [
        ("DE:Munchen", (), "unknown origin 'DE:Munchen'", "DE:Munich"),
        ("DE:Atlantis-upon-Sea", (), "unknown origin", "describe the place under origins"),
        ("offce", [{"id": "office", "country": "DE", **MUNICH}], "unknown origin 'offce'", "office"),
        ("DE", [{"id": "DE", "country": "FR", **MUNICH}], "is the name of a country or city", "another id"),
        ("office", [{"id": "office", "country": "DE", "lat": 48.0}], "a position needs both", None),
        ("office", [{"id": "office", "country": "DE", "lat": 480.0, "lon": 0.0}], "must be at most 90", None),
        ("office", [{"id": "office", "country": "ZZ", **MUNICH}], "ZZ", None),
        ("office", [{"id": "office", "country": "DE"}], "has no position", "state its lat and lon"),
        ("DE", [{"id": "o", "country": "DE"}, {"id": "o", "country": "FR"}], "duplicate origin id 'o'", None),
    ],
)
def test_origins_that_cannot_be_are_told(origin, origins, what, maybe):
    with pytest.raises(InputError) as error:
        instance(origin, limit=20.0, origins=origins)
    assert any(what in issue.what and (maybe is None or maybe in (issue.maybe or "")) for issue in error.value.issues)
