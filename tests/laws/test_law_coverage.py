"""What is not known of whose rules: silence of the tables is no permission, in any jurisdiction."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date

import pytest

from optimizer import bundled
from optimizer.laws import DataProfile, Destination, LegalContext, Level, load_laws
from optimizer.laws.coverage import Coverage, answer_to
from optimizer.laws.query import verdict_report
from optimizer.laws.rows import CoverageRow
from optimizer.laws.types import Acceptance, Known

PACK = load_laws()
DAY = date(2027, 1, 1)
PERSONAL = frozenset({"personal"})
ROWS = PACK.coverage.rows
NEVER_SEEN = "US-NV"
"""A State that nobody has looked at; the federal rules were."""


def judged(subject: str, to: str, context: LegalContext | None = None, categories: frozenset[str] = PERSONAL):
    """The verdicts on data of persons in one place that go to another."""
    country, _, subdivision = to.partition("-")
    profile = DataProfile(categories, frozenset({subject} if subject else ()))
    return PACK.judge(profile, Destination(country, subdivision or None, "aws"), DAY, context or LegalContext())


def row(**fields: str) -> CoverageRow:
    """A line of the table that says no twice, from memory, but for `fields`."""
    said = CoverageRow("XX", "Nowhere", "no", "no", "from_memory", "nobody", DAY, "", "", (), "", "")
    return replace(said, **fields)


def test_every_country_has_a_line_and_none_is_signed():
    """The table names all ISO countries; no person has put a name to any of it yet."""
    from optimizer.laws.codes import COUNTRIES

    assert ROWS.keys() >= COUNTRIES
    assert {line.reviewed_by for line in ROWS.values()} == {""}
    assert all(line.found_by and line.found_on for line in ROWS.values() if line.found != "not_reviewed")
    assert all(line.source for line in ROWS.values() if line.found == "read_in_source")


CLASSES = (
    ("personal",), ("health",), ("banking",), ("public_sector",), ("tax_accounting",), ("non_personal",),
    ("personal", "genetic"),
)  # fmt: skip
"""Classes of data that laws tell apart: about anybody, of a sector, about nobody, and a mixture."""


def of(place: str, categories: tuple[str, ...], side: str) -> DataProfile:
    """Data of an exporter, or of persons, somewhere."""
    subjects, exporter = (frozenset({place}), "") if side == "persons" else (frozenset(), place)
    return DataProfile(frozenset(categories), subjects, exporter_country=exporter)


def not_known(place: str) -> bool:
    """Whether the table marks a place: nobody looked, an answer is unknown, or a rule exists that no law states."""
    line = ROWS[place]
    if line.found == "not_reviewed" or "unknown" in (line.transfer_rule, line.localization_rule):
        return True
    return bool(PACK.coverage.origin(place).unknown)


def own(place: str) -> set[str]:
    """The laws of a jurisdiction: those it made, and those that its line names."""
    made = {law.id for law in PACK.laws.values() if place in (law.subdivision, *law.jurisdictions)}
    return made | {*ROWS[place].laws}


@pytest.mark.parametrize("side", ["exporter", "persons"])
@pytest.mark.parametrize("categories", CLASSES, ids="+".join)
def test_a_question_that_no_row_covers_is_unknown_wherever_the_table_says_so(categories, side):
    """Over every line that the table marks, and for personal data over all: unknown unless a law of the place binds;
    never free without a word."""
    if categories[0] == "non_personal" and side == "persons":
        pytest.skip("persons make data personal")
    bare, silent = [], []
    for place in sorted(place for place in set(ROWS) - {"EU"} if categories == ("personal",) or not_known(place)):
        profile = of(place, categories, side)
        verdicts = PACK.judge(profile, Destination("US" if place.partition("-")[0] == "CA" else "CA", None, "aws"), DAY)
        known = {one.jurisdiction: one for one in verdicts.coverage if one.side == "origin"}[place]
        binding = own(place) & {law.id for law in PACK.applicable(profile, DAY)}
        if not_known(place) and not binding and min(verdicts.storage.level, verdicts.processing.level) < Level.UNKNOWN:
            silent.append(place)
        if not (known.unknown or known.answers or known.unconfirmed):
            bare.append(place)
        for verdict in (verdicts.storage, verdicts.processing):
            if known.unknown and (verdict.level < Level.UNKNOWN or known.rule not in dict(verdict.unknown)):
                silent.append(place)
    assert (bare, silent) == ([], [])


@pytest.mark.parametrize("categories", CLASSES, ids="+".join)
def test_where_nobody_looked_data_may_not_arrive(categories):
    """An unreviewed destination is unknown for everybody, and by default refused to all but data about nobody."""
    for place in sorted(p for p, line in ROWS.items() if line.found == "not_reviewed"):
        country, _, subdivision = place.partition("-")
        data = DataProfile(frozenset(categories), exporter_country="DE")
        verdicts = PACK.judge(data, Destination(country, subdivision or None, "aws"), DAY)
        for verdict in (verdicts.storage, verdicts.processing):
            assert verdict.level >= Level.UNKNOWN, place
            assert (f"coverage:{place}" in verdict.refused) is (categories != ("non_personal",)), place


@pytest.mark.parametrize(
    ("subject", "categories", "level", "told"),
    [
        ("CH", ("personal",), Level.CONDITIONAL, "unconfirmed"),  # its transfer rule speaks; is there another? confirm
        ("CH", ("health",), Level.UNKNOWN, "unknown"),  # no row of Switzerland on health data
        ("AT", ("personal",), Level.CONDITIONAL, "unconfirmed"),
        ("CG", ("personal",), Level.UNKNOWN, "unknown"),  # an act is known to exist, and no row states it
    ],
)
def test_a_rule_on_transfers_answers_for_personal_data_and_not_for_a_sector(subject, categories, level, told):
    """What is not known besides stays in the answer as something to confirm."""
    verdicts = judged(subject, "SG", categories=frozenset(categories))
    assert verdicts.storage.level is level
    (origin,) = (one for one in verdicts.coverage if one.side == "origin")
    assert any("localization" in text for text in getattr(origin, told))
    assert bool(origin.unknown) is (told == "unknown")


@pytest.mark.parametrize(
    ("fields", "unknown", "unconfirmed"),
    [
        ({}, 0, 2),
        ({"found": "read_in_source", "source": "a gazette"}, 0, 0),
        ({"transfer_rule": "unknown"}, 1, 1),
        ({"localization_rule": "yes"}, 1, 1),
        ({"transfer_rule": "yes", "localization_rule": "unknown"}, 2, 0),
        ({"found": "not_reviewed"}, 1, 0),
        ({"transfer_rule": "yes", "laws": ("EU-GDPR-CHV",)}, 0, 1),
    ],
)
def test_what_an_origin_says(fields, unknown, unconfirmed):
    """Two answers: each is known by a row, known because somebody looked, from memory, or not known."""
    known = Coverage({"XX": row(**fields)}, PACK.laws).origin("XX")
    assert (len(known.unknown), len(known.unconfirmed)) == (unknown, unconfirmed)


def test_data_that_stay_ask_nothing_of_their_origin():
    """Serbia's transfer rule has no row: that matters as soon as data leave, and not before."""
    assert judged("RS", "RS").coverage == ()
    assert [one.rule for one in judged("RS", "DE").coverage] == ["coverage:RS", "coverage:DE"]
    assert judged("RS", "RS").storage.level is Level.FREE


def test_the_worse_of_law_and_silence_decides():
    """India's payment data stay forbidden abroad; German data to India stay conditional: both were answered."""
    assert judged("DE", "IN").storage.level is Level.CONDITIONAL
    profile = DataProfile(
        frozenset({"payment"}), frozenset({"IN"}), exporter_country="IN", exporter_roles=frozenset({"controller"}),
        sectors=frozenset({"banking"}),
    )  # fmt: skip
    there = PACK.judge(profile, Destination("US", "NV", "aws"), DAY)
    assert [rule for rule, _ in there.storage.unknown] == [f"coverage:{NEVER_SEEN}"]
    assert "IN-RBI-2018" in there.storage.forbidden_by
    assert there.storage.level is Level.FORBIDDEN


@pytest.mark.parametrize(
    ("side", "regulated", "stated", "answer"),
    [
        ("destination", True, None, "refuse"),
        ("origin", True, None, "ask"),
        ("destination", False, None, "admit"),
        ("origin", False, None, "admit"),
        ("destination", True, "ask", "ask"),
        ("origin", False, "refuse", "refuse"),
    ],
)
def test_what_is_made_of_something_unknown(side, regulated, stated, answer):
    """By side and data, unless the user says."""
    assert answer_to(Known("XX", side, ("not known",)), regulated=regulated, stated=stated) == answer


def test_an_acceptance_opens_a_place_until_it_expires():
    """To the end of the day that it names, and for that jurisdiction alone."""
    for expires, refused in ((DAY, ()), (date(2026, 12, 31), (f"coverage:{NEVER_SEEN}",))):
        said = LegalContext(accepts=(Acceptance(f"coverage:{NEVER_SEEN}", "A. Counsel", "memo 7", expires),))
        assert judged("DE", NEVER_SEEN, said).storage.refused == refused
        assert judged("DE", NEVER_SEEN, said).storage.level >= Level.UNKNOWN
        assert judged("DE", "US-SC", said).storage.refused == ("coverage:US-SC",)


def test_access_is_unknown_where_nobody_knows_from_where_staff_look():
    """Known for a sovereign offer; unknown for the rest, and refused only where the user says so."""
    german = DataProfile(PERSONAL, frozenset({"DE"}))
    assert PACK.judge(german, Destination("DE", provider="aws-eusc"), DAY).access.level is Level.FREE
    found = PACK.judge(german, Destination("DE", provider="aws"), DAY).access
    assert (found.level, found.refused) == (Level.UNKNOWN, ())
    assert [rule for rule, _ in found.unknown] == ["access:aws"]
    strict = PACK.judge(german, Destination("DE", provider="aws"), DAY, LegalContext(unknown_access="refuse"))
    assert strict.access.refused == ("access:aws",)


def test_a_scenario_that_writes_the_missing_row_ends_the_question():
    """A law added for Congo states its transfer rule; whether it has a localization rule is as open as before."""
    law = {
        "id": "CG-TEST", "jurisdiction": "CG", "kind": "CONDITIONAL", "data_categories": "personal",
        "in_force_from": "2026-01-01", "status": "in_force", "storage_rule": "free:EEA", "processing_rule": "free:EEA",
    }  # fmt: skip
    asked = [text for text in PACK.coverage.origin("CG").unknown if "transfer" in text]
    assert len(asked) == 1
    pack = load_laws(patches=[{"op": "add_law", "law": law}])
    assert not any("transfer" in text for text in pack.coverage.origin("CG").unknown)
    assert any("localization" in text for text in pack.coverage.origin("CG").unknown)


@pytest.mark.parametrize(("subject", "to", "stays"), [("US", "US-OR", ["US"]), ("US", "CA", []), ("CA-QC", "CA", [])])
def test_an_answer_without_a_law_says_that_the_data_stay(subject, to, stays):
    """At home nothing is asked of rules on leaving, and the report says so; a country is not its province."""
    assert verdict_report(["personal"], [subject], to, on=DAY)["stays_in"] == stays


def test_the_report_says_what_is_not_known_and_how_the_rest_was_found():
    """In JSON, with the rule to accept."""
    report = verdict_report(["health"], ["GB"], "SG", provider="aws", on=DAY)
    assert report["storage"] == "unknown"
    (britain,) = (one for one in report["coverage"] if one["jurisdiction"] == "GB")
    assert britain["rule"] == "coverage:GB"
    assert any("localization" in text for text in britain["unknown"])
    assert any("UK-GDPR-CHV" in text for text in britain["answers"])


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("transfer_rule", "perhaps", "is none of"),
        ("found", "heard", "is none of"),
        ("jurisdiction", "ZZ", "is no country"),
        ("laws", "XX-NO", "unknown law"),
        ("found_on", "", "nor when"),
        ("source", "", "not named"),
    ],
)
def test_a_wrong_line_of_the_table_is_told(tmp_path, column, value, told):
    """File, place and value, like every other table of the pack."""
    import shutil

    from optimizer.errors import InputError

    folder = tmp_path / "laws"
    shutil.copytree(bundled.PATH / "laws", folder)
    with (folder / "coverage.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    line = next(one for one in rows if one["found"] == "read_in_source" and len(one["jurisdiction"]) == 2)
    line[column] = value
    with (folder / "coverage.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(InputError) as caught:
        load_laws(folder)
    assert any(told in str(issue) and "coverage.csv" in str(issue) for issue in caught.value.issues)
