"""Plans go to JSON and tables and back; bad plan files are told apart with their place."""

from __future__ import annotations

import json

import pytest

from optimizer.errors import InputError
from optimizer.plan.models import Plan
from optimizer.plan.rows import BudgetUse, MechanismUse, Placement
from optimizer.plan.tables import ROWS

HAND_WRITTEN = {
    "placements": [
        {"workload": "chat", "provider": "aws", "region": "eu-west-1", "sku": "g6", "period": "t0", "instances": 2}
    ]
}


def test_what_is_written_is_what_is_read(tmp_path):
    plan = Plan(
        status="optimal",
        objective_usd=12.5,
        bound_usd=12.4,
        gap=0.008,
        placements=(Placement(workload="w", provider="p", region="r", endpoint="e", period="t0", served_per_s=3.0),),
        mechanisms=(MechanismUse(mechanism="SCC_EU", key=("acme", "p"), cost_usd=1.0),),
        budgets=(BudgetUse(id="carbon", metric="carbon_kg", limit=2.0, used=2.0, slack=0.0),),
    )
    plan.write(tmp_path / "plan.json")
    assert Plan.read(tmp_path / "plan.json") == plan
    assert [p.name for p in tmp_path.iterdir()] == ["plan.json"]


def test_top_level_of_the_json_has_the_promised_keys():
    data = json.loads(Plan().to_json())
    promised = "status objective_usd bound_usd gap cost_breakdown_usd carbon_kg placements versions instance_sha256"
    assert set(promised.split()) <= set(data)


def test_entries_of_placements_have_the_promised_keys():
    row = Placement(workload="w", provider="p", region="r", sku="s", period="t0").model_dump()
    promised = "workload stream provider region sku endpoint period instances served_per_s cost_usd carbon_kg"
    assert set(promised.split()) <= set(row)


def test_hand_written_plan_needs_only_placements(tmp_path):
    (tmp_path / "p.json").write_text(json.dumps(HAND_WRITTEN))
    plan = Plan.read(tmp_path / "p.json")
    assert plan.placements[0].region_id == "aws:eu-west-1"
    assert plan.objective_usd is None
    assert plan.status is None


def test_every_list_is_a_table_with_columns_even_when_empty():
    tables = Plan().tables()
    for name, row in ROWS.items():
        assert list(tables[name].columns) == list(row.model_fields)
        assert tables[name].empty
    assert len(tables["summary"]) == 1


def test_tuples_are_joined_in_tables():
    plan = Plan(mechanisms=(MechanismUse(mechanism="SCC_EU", key=("acme", "p")),))
    assert plan.tables()["mechanisms"]["key"].tolist() == ["acme|p"]


def test_a_plan_is_immutable():
    with pytest.raises(ValueError, match="frozen"):
        Plan().gap = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("{", "not JSON"),
        ("[]", "mapping"),
        ("{}", "no placements"),
        ('{"placements": [], "placements": []}', "twice"),
        ('{"placements": [], "gap": NaN}', "NaN is no figure"),
        ('{"placements": [], "gap": "0.1"}', "gap"),
        ('{"placements": [], "colour": 1}', "colour"),
        ('{"placements": [{"workload": "w", "provider": "p", "region": "r", "period": "t"}]}', "one of sku"),
        ('{"placements": [], "status": "great"}', "status"),
        ('{"placements": [], "gap": 1e999}', "gap"),
    ],
)
def test_bad_plan_files_are_input_errors(tmp_path, text, message):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        Plan.read(path)
    assert all(issue.file == str(path) for issue in caught.value.issues)


def test_all_problems_of_a_plan_file_come_together(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text('{"placements": [], "colour": 1, "gap": "x"}')
    with pytest.raises(InputError) as caught:
        Plan.read(path)
    assert len(caught.value.issues) == 2


def test_missing_file_and_folder_are_input_errors(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        Plan.read(tmp_path / "none.json")
    with pytest.raises(InputError, match="folder"):
        Plan.read(tmp_path)


def test_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def broken(self):
        raise RuntimeError("disk full")

    monkeypatch.setattr(Plan, "to_json", broken)
    with pytest.raises(RuntimeError):
        Plan().write(tmp_path / "plan.json")
    assert not list(tmp_path.iterdir())
