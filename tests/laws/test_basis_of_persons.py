"""Why persons count for a place: citizens, residents, or collected there; what is not stated may be any place."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner

from domicile.cli import main
from optimizer.errors import InputError
from optimizer.laws import DataProfile, Destination, load_laws
from optimizer.laws.explain import explain_law

DAY = date(2026, 11, 29)
PACK = load_laws()


def profile(*subjects, categories=("personal",), exporter="DE", persons=(), **by_basis):
    """Data about persons, by why they count where that is stated."""
    by = tuple(sorted((basis, frozenset(places.split())) for basis, places in by_basis.items()))
    places = frozenset(subjects).union(*(places for _, places in by))
    return DataProfile(frozenset(categories), places, persons, exporter="a", exporter_country=exporter, by_basis=by)


def bound(data) -> set[str]:
    """The laws that bind data."""
    return {law.id for law in PACK.applicable(data, DAY)}


@pytest.mark.parametrize(
    ("stated", "binds"),
    [
        ({"citizenship": "RU"}, True),
        ({"citizenship": "RU", "residence": "DE"}, True),
        ({"citizenship": "DE", "residence": "RU"}, False),
        ({"citizenship": "DE", "residence": "RU", "collection": "RU"}, False),
        ({"residence": "RU"}, True),
        ({"residence": "RU", "collection": "DE"}, True),
    ],
)
def test_russia_asks_for_its_citizens(stated, binds):
    """152-FZ Art 18(5): a citizen in Berlin counts, a German in Moscow does not; nobody says: strict."""
    assert ("RU-152FZ-18" in bound(profile(**stated))) is binds


def test_what_is_not_stated_is_told():
    """On every verdict of the law: an assumption where the basis is open, none where it is stated."""
    def told(data):
        (law,) = [one for one in PACK.judge_for(data, DAY).bound if one.law.id == "RU-152FZ-18"]
        return law.assumptions

    assert told(profile("RU")) == ("persons of RU count there by citizenship (not stated)",)
    assert told(profile(citizenship="RU")) == ()


@pytest.mark.parametrize(
    ("stated", "binds"),
    [
        ({"residence": "US-MT"}, True),
        ({"residence": "US-CA", "collection": "US-MT"}, False),
        ({"collection": "US-MT"}, True),
    ],
)
def test_montana_protects_its_residents(stated, binds):
    """MCA 30-23-102: a consumer is a resident of the State; the laboratory's place is another matter."""
    data = profile(categories=("genetic",), exporter="US", **stated)
    assert ("US-MT-GIPA" in bound(data)) is binds


@pytest.mark.parametrize(
    ("stated", "binds"),
    [
        ({"citizenship": "US", "residence": "DE"}, True),
        ({"citizenship": "DE", "residence": "US"}, True),
        ({"citizenship": "DE", "residence": "DE", "collection": "US"}, False),
        ({"citizenship": "DE", "collection": "US"}, True),
    ],
)
def test_us_persons_are_citizens_and_residents(stated, binds):
    """28 CFR 202.256: either will do, so that both have to be stated for neither to count."""
    data = profile(categories=("health",), exporter="US", persons=(("US", 10_001),), **stated)
    assert ("US-DSP-202" in bound(data)) is binds


def test_kazakhstan_asks_where_data_are_collected():
    """Kazakhs abroad, collected abroad, are not meant."""
    assert "KZ-DIGITAL-CODE" in bound(profile(collection="KZ", citizenship="DE"))
    assert "KZ-DIGITAL-CODE" not in bound(profile(collection="DE", citizenship="KZ"))


def test_a_law_without_a_basis_looks_at_all_places():
    """GDPR and the transfer chapter of 152-FZ bind a Russian in Berlin both."""
    assert {"EU-GDPR-CHV", "RU-152FZ-12"} <= bound(profile(citizenship="RU", residence="DE"))


def test_words_and_places_that_nobody_knows_are_refused():
    """Both."""
    data = DataProfile(frozenset({"personal"}), frozenset({"DE"}), by_basis=(("citizen", frozenset({"QQ"})),))
    with pytest.raises(InputError) as caught:
        PACK.judge(data, Destination("DE"), DAY)
    assert len(caught.value.issues) == 2


def test_it_can_be_asked_and_read():
    """`--citizenship`, `--residence`, `--collection`; the page of a law says by what persons count."""
    asked = ["laws", "verdict", "--category", "personal", "--exporter", "DE", "--to", "DE"]
    found = CliRunner().invoke(main, [*asked, "--citizenship", "RU", "--residence", "DE", "--json"])
    report = json.loads(found.stdout)
    assert report["query"]["subjects_by"] == {"citizenship": ["RU"], "residence": ["DE"]}
    assert {"copy", "primary"} == {duty["kind"] for duty in report["duties"] if duty["law"] == "RU-152FZ-18"}
    text = CliRunner().invoke(main, [*asked, "--citizenship", "DE", "--residence", "RU"]).stdout
    assert "by citizenship DE; by residence RU" in text
    assert "no persons by citizenship in {RU}" in text
    assert "persons count by citizenship" in explain_law("RU-152FZ-18")["encoded"]["binds_if"][0]
