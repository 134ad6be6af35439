"""Certificates: three states by service, region and day, a level at least, and queries that name no region."""

from __future__ import annotations

from datetime import date

import pytest

from optimizer.laws import DataProfile, Destination, load_laws
from optimizer.laws.certificates import CertificateBook, State
from optimizer.laws.rows import CertificateHolder
from optimizer.laws.triggers import Certificate
from optimizer.laws.types import Acceptance, LegalContext, Level

PACK = load_laws()
DAY = date(2027, 1, 1)
LADDER = {"seal": {"one": 1, "two": 2, "three": 3}}


def line(**more) -> CertificateHolder:
    """A line of a scheme `seal` for machines of provider `p`, read in a source."""
    stated = {
        "scheme": "seal", "level": "two", "provider": "p", "service": "instance", "service_name": "", "region": "EEA",
        "held_from": None, "valid_to": None, "status": "held", "source": "", "note": "",
        "confidence": "verified in page",
    }  # fmt: skip
    return CertificateHolder(**{**stated, **more})


def state(*lines: CertificateHolder, at_least: str = "", region: str | None = "p:x", country: str = "DE", on=DAY):
    """What some lines say of machines of `p` in a region."""
    book = CertificateBook(lines, LADDER, PACK.groups)
    return book.standing(Certificate("seal", at_least), Destination(country, None, "p", region, "instance"), on)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], State.NOT_HELD),
        ([{}], State.HELD),
        ([{"confidence": "from general knowledge"}], State.LISTED),
        ([{"status": "unknown"}], State.UNKNOWN),
        ([{"status": "not_held"}], State.NOT_HELD),
        ([{"status": "unknown"}, {}], State.HELD),
        ([{"status": "not_held"}, {"status": "unknown"}], State.UNKNOWN),
        ([{"service": "storage"}], State.NOT_HELD),
        ([{"region": "US"}], State.NOT_HELD),
        ([{"region": "p:x"}], State.HELD),
        ([{"region": "p:y"}], State.NOT_HELD),
        ([{"provider": "q"}], State.NOT_HELD),
    ],
)
def test_the_best_line_answers(lines, expected):
    """Read in a source it is held, from memory listed; a line that says no, or no line, is not held."""
    assert state(*(line(**one) for one in lines)).state is expected


def test_a_certificate_ends_with_its_last_day():
    """It counts on the first and the last day, and on no other."""
    one = line(held_from=date(2026, 1, 1), valid_to=DAY)
    assert [state(one, on=day).state for day in (date(2025, 12, 31), date(2026, 1, 1), DAY, date(2027, 1, 2))] == [
        State.NOT_HELD, State.HELD, State.HELD, State.NOT_HELD,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("level", "at_least", "expected"),
    [
        ("two", "two", State.HELD), ("three", "two", State.HELD), ("one", "two", State.NOT_HELD),
        ("", "two", State.UNKNOWN), ("", "", State.HELD), ("one", "", State.HELD),
    ],
)  # fmt: skip
def test_a_level_at_least(level, at_least, expected):
    """The ladder decides; of a line that does not say of which level it is nothing is known."""
    assert state(line(level=level), at_least=at_least).state is expected


@pytest.mark.parametrize(
    ("region", "expected", "assumed"),
    [
        ("*", State.HELD, False), ("EEA", State.HELD, False), ("p:*", State.HELD, False),
        ("p:x", State.LISTED, True), ("US", State.NOT_HELD, False),
    ],
)  # fmt: skip
def test_a_query_without_a_region(region, expected, assumed):
    """It matches where all regions of the provider there are covered; of a part of them it tells the assumption."""
    found = state(line(region=region), region=None)
    assert found.state is expected
    assert ("the region is one of p:x" in found.condition) is assumed


FRENCH = DataProfile(frozenset({"health"}), frozenset({"FR"}), exporter_country="FR")
GERMAN = DataProfile(frozenset({"health"}), frozenset({"DE"}), exporter_country="DE")
C5 = "certificate:scaleway/BSI C5 type 2"


@pytest.mark.parametrize(
    ("context", "level", "refused"),
    [
        (LegalContext(), Level.UNKNOWN, True),
        (LegalContext(unknown_certificate="refuse"), Level.UNKNOWN, True),
        (LegalContext(unknown_certificate="ask"), Level.UNKNOWN, False),
        (LegalContext(unknown_certificate="admit"), Level.UNKNOWN, False),
        (
            LegalContext(accepts=(Acceptance(C5, "A. Counsel", "list of 2026", DAY),)),
            Level.UNKNOWN,
            False,
        ),
        (
            LegalContext(accepts=(Acceptance(C5, "A. Counsel", "", date(2026, 12, 31)),)),
            Level.UNKNOWN,
            True,
        ),
    ],
)
def test_what_a_law_requires_is_refused_where_nobody_knows(context, level, refused):
    """German statutory care asks for C5, nobody knows whether Scaleway has it; an acceptance holds to its last day."""
    storage = PACK.judge(GERMAN, Destination("FR", provider="scaleway"), DAY, context).storage
    assert storage.level is level
    assert storage.unknown[0][0] == C5
    assert storage.refused == ((C5,) if refused else ())


def test_what_is_held_listed_and_not_held_of_the_shipped_table():
    """AWS's HDS was read, Hetzner's C5 stands from memory, Scaleway's SecNumCloud is not there."""
    held = PACK.judge(FRENCH, Destination("FR", provider="aws"), DAY).storage
    assert not held.unknown
    assert not held.confirm
    listed = PACK.judge(GERMAN, Destination("DE", provider="hetzner"), DAY).processing
    assert [rule for rule, _ in listed.confirm] == ["certificate:hetzner/BSI C5 type 2"]
    assert listed.level is Level.FREE
    forbidden = PACK.judge(GERMAN, Destination("DE", provider="runpod"), DAY).processing
    assert "DE-SGBV-393" in forbidden.forbidden_by


@pytest.mark.parametrize(
    ("flags", "provider", "level"),
    [
        ((), "aws", Level.FREE),
        (("fips199_moderate",), "aws", Level.FREE),
        (("fips199_high",), "aws", Level.FORBIDDEN),
        (("fips199_high",), "aws-us-gov", Level.FREE),
        ((), "coreweave", Level.FORBIDDEN),
    ],
)
def test_the_agency_says_which_level_of_fedramp_will_do(flags, provider, level):
    """AWS's commercial regions hold Moderate, GovCloud holds High; a system of high impact needs the latter."""
    agency = DataProfile(
        frozenset({"public_sector"}), exporter="irs", exporter_country="US",
        exporter_roles=frozenset({"federal_agency"}), flags=frozenset(flags),
    )  # fmt: skip
    assert PACK.judge(agency, Destination("US", provider=provider), DAY).storage.level is level


@pytest.mark.parametrize(
    ("day", "level"), [(date(2018, 6, 1), Level.FORBIDDEN), (date(2019, 6, 30), Level.CONDITIONAL)]
)
def test_hosts_under_the_first_standard_for_french_health_data(day, level):
    """HDS v1 had no place rule: a holder in the United States, with the clauses of that time; before, none."""
    assert PACK.judge(FRENCH, Destination("US", provider="aws"), day).processing.level is level
