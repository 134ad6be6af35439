"""What laws ask to be done: where, before what, how often, for how long, or what else will do; told in every answer."""

from __future__ import annotations

from datetime import date

import pytest

from optimizer.errors import InputError
from optimizer.laws import DataProfile, load_laws
from optimizer.laws.query import verdict_report
from optimizer.laws.text import verdict_lines

ON = date(2027, 1, 1)
LAW = {
    "id": "XX", "jurisdiction": "BR", "kind": "LOCAL_COPY", "in_force_from": "2020-01-01", "storage_rule": "copy:BR",
}  # fmt: skip


def pack_with(*duties: object):
    trigger = {"scopes": [{"exporter": "BR"}], "duties": list(duties)}
    return load_laws(patches=[{"op": "add_law", "law": {**LAW, "trigger": trigger}}])


def told(*duties: object) -> list[tuple[str, str]]:
    profile = DataProfile(frozenset({"non_personal"}), exporter="a", exporter_country="BR")
    return [(duty.kind, duty.terms) for duty in pack_with(*duties).deeds(profile, ON)]


def test_a_duty_says_all_that_the_law_asks() -> None:
    """The rule's copy takes the terms of its kind; a deed that no rule can hold stands beside it."""
    every = {"kind": "copy", "in": "BR", "before": "transfer", "frequency": "real_time", "retain": "5 years",
             "on_request": True, "instead": "processing in Brazil"}  # fmt: skip
    sentence = (
        "a copy stays in BR, before the transfer, real time, kept for 5 years, on request of the authority,"
        " or instead processing in Brazil"
    )
    assert told(every) == [("copy", sentence)]
    assert told() == [("copy", "")]
    assert told({"kind": "register", "in": "BR"}) == [("copy", ""), ("register", "it is registered in BR")]


@pytest.mark.parametrize(
    "duty", [{"kind": "dance"}, {"in": "BR"}, {"kind": "copy", "in": "BRX9"}, {"kind": "copy", "frequency": "hourly"},
             {"kind": "copy", "before": "lunch"}, {"kind": "copy", "where": "BR"}, "copy"],
)  # fmt: skip
def test_a_duty_nobody_understands_is_refused(duty: object) -> None:
    with pytest.raises(InputError):
        pack_with(duty)


@pytest.mark.parametrize(
    ("category", "place", "law", "sentence"),
    [
        ("personal", "RU", "RU-152FZ-18", "the first database is in RU, before the transfer"),
        ("tax_accounting", "IN", "IN-COACC-3-5", "a copy stays in IN, daily"),
        ("health", "KE", "KE-REG-26", "a copy stays in KE, or instead all processing is in KE"),
    ],
)
def test_verdicts_print_the_terms(category: str, place: str, law: str, sentence: str) -> None:
    report = verdict_report([category], place, "DE", exporter=place, on=ON)
    assert (law, sentence) in {(duty["law"], duty["terms"]) for duty in report["duties"]}
    assert f"duty         {law}: {sentence}" in verdict_lines(report)
