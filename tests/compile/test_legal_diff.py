"""What changes by law between two days, against verdicts written down by hand for laws that a scenario adds."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
import yaml
from click.testing import CliRunner
from law_worlds import catalogue, service

from domicile.cli import main
from optimizer.errors import InputError
from optimizer.instance.load import load
from optimizer.laws import load_laws
from optimizer.laws.between import turns_between
from optimizer.laws.diff_text import diff_lines
from optimizer.legal_diff import legal_diff, rules_diff

BEFORE, AFTER = date(2027, 1, 1), date(2028, 1, 1)
PERSONAL = {"categories": ["personal"], "exporter": "DE"}


def law(name, **fields):
    """A law on personal data of persons in Germany."""
    row = {"id": name, "jurisdiction": "DE", "status": "in_force", "data_categories": "personal"}
    return {"op": "add_law", "law": {**row, "instrument": name, "processing_rule": "none", **fields}}


EEA = {"storage_rule": "only:EEA", "processing_rule": "only:EEA"}
LOCAL = law("DE-STAYS", kind="HARD_LOCAL", in_force_from="2027-03-01", **EEA)
COPY = law("DE-COPY", kind="LOCAL_COPY", in_force_from="2027-05-01", storage_rule="copy:DE")
LEFT = {"op": "remove_member", "group": "EU_ADEQUATE", "member": "GB", "from": "2027-09-01"}


def compared(*patches, data=PERSONAL, days=(BEFORE, AFTER), **more):
    document = {
        "name": "toy", "horizon": {"start": "2027-01-01", "hours": 730.0}, "catalogue": catalogue(),
        "laws": {"use": "world", "patches": list(patches)}, "workloads": [service(data=data)], **more,
    }  # fmt: skip
    return legal_diff(load(document), *days)


def said(report):
    """(day, kind, activities, places) of each change."""
    return [(c["since"], c["kind"], tuple(c["activities"]), tuple(c["places"])) for c in report["changes"]]


def test_a_place_closes_on_the_day_its_law_begins():
    """Swiss, British and other third countries close to storage and processing; the EEA stays as it was."""
    report = compared(LOCAL)
    closed = [c for c in report["changes"] if c["laws"] == ["DE-STAYS"] and c["kind"] == "closed"]
    assert {c["since"] for c in closed} == {"2027-03-01"}
    assert {place for c in closed for place in c["places"]} >= {"CH", "GB"}
    assert all(c["after"] == "forbidden" and c["needs_after"] == ["DE-STAYS forbids"] for c in closed)
    assert not {"DE", "FR"} & {place for c in report["changes"] for place in c["places"]}
    assert ("2027-03-01", "DE-STAYS", "begins") in {(r["day"], r["id"], r["what"]) for r in report["rules"]}
    assert [one["law"] for one in report["citations"]] == ["DE-STAYS"]


def test_the_same_law_one_day_later_than_the_comparison_changes_nothing():
    """Both days included, the law begins on the day after."""
    days = (BEFORE, date(2027, 3, 1) - timedelta(days=1))
    assert compared(LOCAL, days=days)["changes"] == []
    assert compared(LOCAL, days=(BEFORE, date(2027, 3, 1)))["changes"]


def test_other_data_are_not_touched():
    """The law is on personal data."""
    report = compared(LOCAL, data={"categories": ["non_personal"], "exporter": "DE"})
    assert report["changes"] == report["duties"] == []
    assert "DE-STAYS" not in {rule["id"] for rule in report["rules"]}


def test_a_member_that_leaves_a_group_asks_for_a_safeguard():
    """Britain is free until the end of August, conditional on clauses from then on."""
    costs = [{"id": "SCC_EU", "yearly_usd": 1.0}]
    report = compared(LEFT, mechanism_costs=costs)
    (change,) = [c for c in report["changes"] if c["places"] == ["GB"]]
    assert (change["since"], change["kind"]) == ("2027-09-01", "tightened")
    assert (change["before"], change["after"]) == ("free", "conditional")
    assert (change["needs_before"], change["needs_after"]) == ([], ["EU-GDPR-CHV: SCC_EU"])
    assert change["activities"] == ["storage", "processing"]
    assert change["of"] == ["chat"]


def test_a_duty_begins_and_no_verdict_changes():
    """A copy in Germany closes no place."""
    report = compared(COPY)
    assert report["changes"] == []
    (duty,) = report["duties"]
    assert (duty["what"], duty["law"], duty["kind"], duty["countries"]) == ("begins", "DE-COPY", "copy", ["DE"])


def test_text_and_json_say_the_same():
    """Every change, duty and rule stands in the text; the counts are right."""
    report = compared(LOCAL, COPY, LEFT)
    text = "\n".join(diff_lines(report))
    for change in report["changes"]:
        assert f"{change['since']}  {change['kind']}" in text
        assert ", ".join(change["places"]) in text
    assert "duty begins: DE-COPY: copy in DE" in text
    assert "GB leaves EU_ADEQUATE" in text
    assert f"{sum(c['kind'] == 'closed' for c in report['changes'])} closed" in text
    assert text.endswith("Not legal advice.")


def test_a_study_of_nothing_is_refused():
    """Days in the wrong order; an instance that checks no law."""
    with pytest.raises(InputError, match="is not before"):
        compared(days=(AFTER, BEFORE))
    with pytest.raises(InputError, match="is not before"):
        rules_diff(BEFORE, BEFORE)
    document = {"name": "toy", "horizon": {"start": "2027-01-01", "hours": 1.0}, "catalogue": catalogue(),
                "laws": {"use": "none"}, "workloads": [service(data=PERSONAL)]}  # fmt: skip
    with pytest.raises(InputError, match="checks no law"):
        legal_diff(load(document), BEFORE, AFTER)


def test_rules_turn_on_their_first_day_and_on_the_day_after_their_last():
    """GB's adequacy ends with 27 December 2031; Chile's act begins on 1 December 2026. Both ends are told once."""
    pack = load_laws()
    for day, turn in (
        (date(2031, 12, 28), ("member", "EU_ADEQUATE", "leaves", "GB")),
        (date(2026, 12, 1), ("law", "CL-21719", "begins", "Law 21.719")),
    ):
        found = turns_between(pack, day - timedelta(days=1), day)
        assert [(t.kind, t.id, t.what, t.who) for t in found].count(turn) == 1
        assert all(t.day == day for t in found)
        assert turn not in [(t.kind, t.id, t.what, t.who) for t in turns_between(pack, day, day + timedelta(days=1))]


def test_the_command(tmp_path):
    """With an instance and without, as text and as JSON; usage errors exit with 2."""
    file = tmp_path / "toy.yaml"
    file.write_text(yaml.safe_dump({
        "name": "toy", "horizon": {"start": "2027-01-01", "hours": 730.0}, "catalogue": catalogue(),
        "laws": {"use": "world", "patches": [LOCAL]}, "workloads": [service(data=PERSONAL)],
    }))  # fmt: skip
    days = ("--on", BEFORE.isoformat(), "--on", AFTER.isoformat())

    def run(*arguments):
        return CliRunner().invoke(main, ["laws", "diff", *arguments])

    report = json.loads(run(str(file), *days, "--json").stdout)
    assert (report["instance"], report["before"], report["after"]) == ("toy", BEFORE.isoformat(), AFTER.isoformat())
    assert "toy: law on 2027-01-01 against 2028-01-01" in run(str(file), *days).stdout
    rules = run("--on", "2026-11-30", "--on", "2026-12-01")
    assert rules.exit_code == 0
    assert "CL-21719 begins" in rules.stdout
    for arguments in (days[:2], (*days, "--on", "2029-01-01"), ("--on", "2028-01-01", *days[:2]), ("no.yaml", *days)):
        assert run(*arguments).exit_code == 2
