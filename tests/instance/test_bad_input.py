"""Bad values and names: a clear error with file and line, all together, exit 2, no traceback, nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bad_inputs import CASES, GOOD, change, problems
from click.testing import CliRunner

from domicile.cli import main
from optimizer.errors import InputError
from optimizer.instance.load import load


def test_the_unbroken_instance_loads(write):
    """The base of all cases below is itself good, so that each case shows its own fault only."""
    instance = load(write(GOOD))
    assert [workload.id for workload in instance.workloads] == ["chat", "train"]


@pytest.mark.parametrize("name", CASES)
def test_one_fault_is_told_with_its_line(name: str, write):
    """Each fault alone gives an error that names the line, the place and the value."""
    pair, expected = CASES[name]
    text = change(pair)
    found = problems(write(text))
    assert any(expected in problem for problem in found), found
    assert len(found) == 1, found


def test_rate_lists_of_nothing(write):
    """Empty lists have too few values; nothing is computed from them."""
    found = problems(write(change(("rate: 500, mean_rate: 200", "rate: [], mean_rate: []"))))
    assert found == [
        "20: workloads[id=chat].streams[0].rate: has 0 values for 1 period",
        "20: workloads[id=chat].streams[0].mean_rate: has 0 values for 1 period",
    ]


def test_empty_demand(write):
    """A service whose every rate is 0 asks for nothing."""
    found = problems(write(change(("rate: 500, mean_rate: 200", "rate: 0"), ("rate: 1e2", "rate: 0"))))
    assert found == ["19: workloads[id=chat].streams: empty demand: every rate is 0"]


def test_all_faults_are_told_together(write):
    """Faults of syntax level two (types), of references and of tables come in one error, sorted by line."""
    text = change(
        ("2027-01-01", "2027-13-01"),
        ("rate: 500", "rate: -5"),
        ("workload: train", "workload: trian"),
        ("exporter: acme", "exporter: acne"),
        ("limit_usd: 5000", "limit_usd: .nan"),
        ("tags: [eu]}", "tags: [ue]}"),
        ("min_share: 0.1", "min_shar: 0.1"),
        ("region: oslo, acc", "region: olso, acc"),
    )
    found = problems(write(text))
    lines = [int(problem.split(":")[0]) for problem in found]
    assert lines == [2, 9, 18, 20, 30, 32, 32, 34, 34], found


def test_what_a_repair_removes_is_not_blamed(write):
    """A workload that does not validate still counts as known: no second, misleading error about its reader."""
    found = problems(write(change(("work: 1.0e7", "work: [1]"), ("kind: job", "kind: jobb"))))
    assert found == ["23: workloads[id=train].kind: unknown kind 'jobb'"]


def test_duplicate_ids_of_every_kind(write):
    """Ids of workloads, datasets, budgets, policies and exporters name one thing each."""
    text = change(
        (
            "  - id: train\n",
            "  - id: train\n    kind: job\n    runs: {throughput: {gpu: 1}}\n    work: 1\n  - id: train\n",
        ),
        ("datasets:\n", "datasets:\n  - {id: corpus, size_gb: 1}\n"),
        ("budgets:\n", "budgets:\n  - {id: money, limit_kg: 1}\n"),
        ("policies:\n", "policies:\n  - {kind: spot_share, id: nordic, max_share: 1}\n"),
        ("[{id: acme, country: DE}]", "[{id: acme, country: DE}, {id: acme, country: FR}]"),
    )
    found = " ".join(problems(write(text)))
    for what in ("workload id 'train'", "dataset id 'corpus'", "budget id 'money'", "policy id 'nordic'", "id 'acme'"):
        assert f"duplicate {what}" in found or f"duplicate exporter {what}" in found, what


def test_suggestions_name_the_field_meant(write):
    """The advice says which name was probably meant."""
    with pytest.raises(InputError) as caught:
        load(write(change(("deadline_hours", "dedline_hours"))))
    assert "you mean 'deadline_hours'" in str(caught.value)


@pytest.mark.parametrize("command", ["validate", "solve"])
def test_bad_input_exits_2_without_traceback_and_writes_nothing(command: str, write, tmp_path: Path):
    """Every command that reads an instance reports all faults on stderr and leaves no file behind."""
    path = write(change(("rate: 500", "rate: -5"), ("workload: train", "workload: trian")))
    output = tmp_path / "plan.json"
    arguments = [command, str(path)] + (
        ["--output", str(output), "--tables", str(tmp_path / "t")] * (command == "solve")
    )
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"{path}:20: workloads[id=chat].streams[0].rate: is -5" in result.stderr
    assert f"{path}:30: datasets[id=corpus].readers[0].workload: unknown workload 'trian'" in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["instance.yaml"]


def test_validate_json_lists_the_issues(write):
    """With --json the issues are data."""
    result = CliRunner().invoke(main, ["validate", "--json", str(write(change(("rate: 500", "rate: -5"))))])
    answer = json.loads(result.stdout)
    assert result.exit_code == 2
    assert answer["valid"] is False
    assert answer["issues"][0]["line"] == 20


def test_duplicate_id_beside_another_mistake_in_the_same_row():
    """A misspelt field of a workload does not hide that its id is taken."""
    first = {"id": "a", "kind": "job", "runs": {"throughput": {"H100": 1}}, "work": 4}
    second = {**first, "wrk": 4}
    data = {
        "name": "x", "horizon": {"start": "2027-01-01", "hours": 5},
        "catalogue": {"use": "world", "providers": ["all"]},
        "laws": {"use": "none"}, "workloads": [first, second],
    }  # fmt: skip
    with pytest.raises(InputError) as caught:
        load(data)
    said = [issue.what for issue in caught.value.issues]
    assert any("unknown field 'wrk'" in what for what in said), said
    assert any("duplicate workload id 'a'" in what for what in said), said
