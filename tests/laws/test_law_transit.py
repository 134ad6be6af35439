"""Data that pass a place, and data that are sent on from where they arrived; laws that came before others."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner

from domicile.cli import main
from optimizer.errors import InputError
from optimizer.laws import load_laws
from optimizer.laws.explain import explain_law
from optimizer.laws.query import verdict_report
from optimizer.laws.text import verdict_lines

ON = date(2027, 1, 1)


def passing(category: str, home: str, to: str, **more: Any) -> dict[tuple[str, str], dict[str, Any]]:
    report = verdict_report([category], home, to, exporter=home, on=ON, **more)
    return {(one["activity"], one["place"]): one for one in report["passing"]}


@pytest.mark.parametrize(
    ("category", "home", "law", "level"),
    [
        ("personal", "FR", "EU-GDPR-CHV", "free"),  # nobody abroad gets them: no transfer
        ("personal", "GB", "UK-GDPR-CHV", "free"),
        ("telecom", "IN", "IN-UL-39", "forbidden"),  # domestic traffic stays on domestic routes
    ],
)
def test_a_law_that_speaks_of_transit_is_named(category: str, home: str, law: str, level: str) -> None:
    (one,) = passing(category, home, home, via=["SG"]).values()
    assert law in one["laws"]
    assert one["verdict"] == level


def test_other_laws_say_nothing_of_transit_and_places_inside_are_open() -> None:
    """A Kenyan transfer rule binds transfers; Indian traffic may pass India."""
    (one,) = passing("personal", "KE", "KE", via=["CN"]).values()
    assert (one["verdict"], one["laws"]) == ("free", [])
    (one,) = passing("telecom", "IN", "IN", via=["IN"]).values()
    assert (one["verdict"], one["laws"]) == ("free", ["IN-UL-39"])


def test_what_is_sent_on_is_a_transfer_to_whoever_gets_it() -> None:
    """French customers' data in London go on to Mumbai: free there, clauses for the second step."""
    report = verdict_report(["personal"], "FR", "GB", exporter="FR", on=ON, onward=["IN", "CH"])
    assert report["processing"] == "free"
    found = {one["place"]: (one["verdict"], one["mechanisms"]) for one in report["passing"]}
    assert found == {"IN": ("conditional", ["SCC_EU"]), "CH": ("free", [])}
    lines = verdict_lines(report)
    assert any(line == "onward IN    conditional" for line in lines)
    with pytest.raises(InputError, match="onward"):
        verdict_report(["personal"], "FR", "GB", exporter="FR", on=ON, onward=["XQ"])


def test_the_command_asks_them_and_json_says_the_same() -> None:
    asked = ["--category", "telecom", "--exporter", "IN", "--to", "IN", "--via", "SG", "--onward", "DE"]
    words = ["laws", "verdict", *asked]
    told = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    assert [(one["activity"], one["place"]) for one in told["passing"]] == [("transit", "SG"), ("onward", "DE")]
    text = CliRunner().invoke(main, words).stdout
    assert "transit SG   forbidden" in text
    assert "onward DE    " in text
    long = CliRunner().invoke(main, ["laws", "verdict", "--category", "personal", "--subject", "US", "--to", "US",
                                     "--via", "US-NV"]).stdout  # fmt: skip
    assert "transit US-NV free" in long
    unstated = CliRunner().invoke(main, ["laws", "verdict", "--category", "telecom", "--exporter", "IN", "--to", "IN"])
    assert "transit not stated free" in unstated.stdout
    assert "to confirm        route:IN-UL-39: which places the data pass is not stated" in unstated.stdout


def test_a_transit_rule_is_read_explained_and_patched() -> None:
    assert "transit: free everywhere" in explain_law("EU-GDPR-CHV")["what"]
    pack = load_laws(patches=[{"op": "set", "law": "UK-GDPR-CHV", "field": "transit_rule", "value": "deny:CN"}])
    report = verdict_report(["personal"], "GB", "GB", exporter="GB", on=ON, via=["CN", "SG"], pack=pack)
    assert [one["verdict"] for one in report["passing"]] == ["forbidden", "free"]
    with pytest.raises(InputError, match="unknown country or group"):
        load_laws(patches=[{"op": "set", "law": "UK-GDPR-CHV", "field": "transit_rule", "value": "deny:CNX"}])


def test_a_verdict_names_the_law_that_was_there_before() -> None:
    """KZ-94V-12 asked for a copy to 11 July 2026, the Digital Code asks for the first database from the 12th."""
    report = verdict_report(["personal"], "KZ", "DE", exporter="KZ", on=date(2026, 11, 29))
    assert {"law": "KZ-DIGITAL-CODE", "text": "KZ-94V-12, until 2026-07-11"} in report["predecessors"]
    assert "before it    KZ-DIGITAL-CODE: KZ-94V-12, until 2026-07-11" in verdict_lines(report)
    assert "before it: KZ-94V-12, until 2026-07-11" in explain_law("KZ-DIGITAL-CODE")["kin"]
    assert "after it: KZ-DIGITAL-CODE, from 2026-07-12" in explain_law("KZ-94V-12")["kin"]
