"""Changes from files: lists in YAML and JSON, with the lines of what is wrong; and by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import domicile
from domicile.cli import main

TEXT = """\
- op: lift
  rule: "budget:carbon"
- op: set_limit
  rule: "quota:paris-h10"
  to: 3
- {op: deactivate, law: DE-SGBV-393}
"""


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_what_matches_nothing_is_told_with_file_and_line(tmp_path: Path, suffix: str):
    """At the field that is wrong, in either format."""
    path = tmp_path / f"cuts{suffix}"
    items = [
        {"op": "lift", "rule": "budget:carbon"}, {"op": "set_limit", "rule": "quota:paris-h10", "to": 3},
        {"op": "deactivate", "law": "DE-SGBV-393"},
    ]  # fmt: skip
    path.write_text(TEXT if suffix == ".yaml" else json.dumps(items, indent=1))
    changes = domicile.load_changes(path)
    assert len(changes) == 3
    with pytest.raises(domicile.InputError) as caught:
        domicile.changed(domicile.load("health-assistant"), changes)
    (issue,) = caught.value.issues
    assert (issue.file, issue.where, issue.maybe) == (
        str(path), "changes[1].rule", "you mean 'paris-h100' or 'warsaw-h100'",
    )  # fmt: skip
    line = path.read_text().splitlines()[(issue.line or 0) - 1]
    assert "quota:paris-h10" in line


@pytest.mark.parametrize(
    ("text", "line", "where", "what"),
    [
        ("op: lift\n", 1, None, "is a mapping, not a list of changes"),
        ("", None, None, "is empty"),
        ("- {op: lft, rule: x}\n", 1, "changes[0].op", "unknown op 'lft'"),
        ("- {rule: x}\n", 1, "changes[0]", "op is missing"),
        ("- 7\n", 1, "changes[0]", "is 7; should be a mapping of fields"),
        ("- {op: lift, rule: x}\n", 1, "changes[0].rule", "does not fit"),
        ("- op: lift\n  rule: 'law:X'\n  form: 2027-01-01\n", 3, "changes[0].form", "unknown field 'form'"),
        ("- op: set_limit\n  rule: 'budget:x'\n", 1, "changes[0]", "states one of to, times and plus"),
        ("- op: set_limit\n  rule: 'budget:x'\n  to: -1\n", 3, "changes[0].to", "must be at least 0"),
    ],
)
def test_what_is_no_list_of_changes_is_told_with_its_line(
    tmp_path: Path, text: str, line: int | None, where: str | None, what: str
):
    """As instance files are told."""
    path = tmp_path / "cuts.yaml"
    path.write_text(text)
    with pytest.raises(domicile.InputError) as caught:
        domicile.load_changes(path)
    (issue,) = caught.value.issues
    assert (issue.file, issue.line, issue.where) == (str(path), line, where)
    assert what in issue.what


def test_a_slip_in_a_field_is_told_with_the_field_meant(tmp_path: Path):
    """Also the one that is Python's word."""
    with pytest.raises(domicile.InputError) as caught:
        domicile.load_changes([{"op": "lift", "rule": "law:X", "form": "2027-01-01"}])
    assert "'from'" in (caught.value.issues[0].maybe or "")


def test_rules_keep_the_lines_they_were_read_from(tmp_path: Path):
    """A budget behind one that is lifted stands where it stood; an added one has no line."""
    path = tmp_path / "plan.yaml"
    path.write_text(
        "name: x\nhorizon: {start: 2027-01-01, hours: 10}\nlaws: {use: none}\ncatalogue: {providers: [all]}\n"
        "workloads:\n  - {id: a, kind: job, work: 1.0e6, runs: {throughput: {L4: 100}}}\n"
        "budgets:\n  - {id: first, limit_usd: 1}\n  - {id: second, limit_usd: 2}\n"
    )
    instance = domicile.load(path)
    other = domicile.changed(instance, [
        {"op": "lift", "rule": "budget:first"}, {"op": "add_budget", "budget": {"id": "third", "limit_usd": 3.0}},
    ])  # fmt: skip
    assert [other.source_of(("budgets", k)) for k in range(2)] == [f"{path}:9", f"{path}:7"]
    assert instance.source_of(("budgets", 0)) == f"{path}:8"


def test_a_changed_instance_is_solved_and_audited_by_the_command(tmp_path: Path):
    """With the same changes the audit agrees; without them it knows that the plan is of another instance."""
    cuts, plan = tmp_path / "cuts.yaml", tmp_path / "plan.json"
    cuts.write_text("- {op: scale_demand, factor: 0.5}\n- {op: lift, rule: 'quota:quotas.default_devices'}\n")
    run = CliRunner().invoke
    solved = run(main, ["solve", "quickstart", "--change", str(cuts), "--output", str(plan), "--quiet"])
    assert solved.exit_code == 0, solved.output
    assert run(main, ["validate", "quickstart", "--change", str(cuts)]).exit_code == 0
    assert run(main, ["audit", "quickstart", "--change", str(cuts), "--plan", str(plan)]).exit_code == 0
    assert run(main, ["audit", "quickstart", "--plan", str(plan)]).exit_code == 5
    cuts.write_text("- {op: lift, rule: 'budget:monthly-carbn'}\n")
    refused = run(main, ["solve", "quickstart", "--change", str(cuts)])
    assert refused.exit_code == 2
    assert "cuts.yaml:1: changes[0].rule" in str(refused.exception) + refused.output
    assert json.loads(run(main, ["schema", "changes"]).output)["type"] == "array"
