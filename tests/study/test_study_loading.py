"""A study file: its base, its changes checked before anything runs, samples from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from study_toys import INSTANCE, QUOTA, STUDY, write

from optimizer import bundled
from optimizer.errors import InputError
from optimizer.study import load_study
from optimizer.study.models import study_schema


def test_the_base_is_beside_the_study_and_its_changes_are_made_first(tmp_path: Path):
    changes = [{"op": "scale_demand", "factor": 0.5}]
    loaded = load_study(write(tmp_path, {**STUDY, "changes": changes}))
    assert loaded.instances["toy"].workloads[0].streams[0].rate == 20.0
    assert [one.id for one in loaded.scenarios][:2] == ["base", "devices=4"]


def test_a_bundled_instance_goes_by_its_name():
    axis = {"id": "a", "kind": "lever", "values": [1.0], "changes": [{"op": "scale_demand", "factor": "$value"}]}
    loaded = load_study({**STUDY, "base": "quickstart", "scenarios": [], "axes": [axis]})
    assert list(loaded.instances) == ["quickstart"]


@pytest.mark.parametrize(
    ("study", "where", "what", "maybe"),
    [
        ({"axes": [{"id": "a", "kind": "lever", "values": [1], "changes": [{**QUOTA, "rule": "quota:nort"}]}]},
         "axes[0].changes[0].rule at 1", "no quota 'nort'", "north"),
        ({"axes": [{"id": "a", "kind": "lever", "values": [1, -5], "changes": [QUOTA]}]},
         "axes[0].changes[0].to at -5", "-5", None),
        ({"axes": [{"id": "a", "kind": "lever", "options": {"x": [{"op": "lift", "rule": "budget:b"}]}}]},
         "axes[0].options.x[0].rule at 'x'", "no budget 'b'", None),
        ({"scenarios": [{"id": "s", "changes": [{"op": "lift", "rule": "quota:nort"}]}]},
         "scenarios[0].changes[0].rule", "no quota 'nort'", "north"),
        ({"changes": [{"op": "lift", "rule": "quota:nort"}]}, "changes[0].rule", "no quota 'nort'", "north"),
    ],
)  # fmt: skip
def test_a_change_that_matches_nothing_is_told_with_its_place(
    study: dict[str, Any], where: str, what: str, maybe: str | None, tmp_path: Path
):
    """File, line, place, the value it fails at, and the name probably meant."""
    path = write(tmp_path, {**STUDY, **study})
    with pytest.raises(InputError) as caught:
        load_study(path)
    issue = caught.value.issues[0]
    assert issue.where == where
    assert issue.file == str(path)
    assert issue.line is not None
    assert what in issue.what
    assert maybe is None or maybe in (issue.maybe or "")


def test_an_unknown_field_is_told_with_its_line(tmp_path: Path):
    path = write(tmp_path, {**STUDY, "sample": 3})
    with pytest.raises(InputError) as caught:
        load_study(path)
    assert (caught.value.issues[0].where, caught.value.issues[0].maybe) == ("sample", "you mean 'samples' or 'name'")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("devices,device\n1,2\n", "column 'device' is no axis"), ("devices\n", "a header and no rows"),
        ("devices\n1,2\n", "has 2 cells; the header has 1"), ("devices,devices\n1,2\n", "is there twice"),
    ],
)  # fmt: skip
def test_samples_that_fit_nothing_are_told(text: str, what: str, tmp_path: Path):
    path = write(tmp_path)
    (tmp_path / "s.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=what):
        load_study(path, tmp_path / "s.csv")


def test_samples_are_the_values_of_their_axis(tmp_path: Path):
    path = write(tmp_path)
    (tmp_path / "s.csv").write_text("devices\n1\n2.5\n", encoding="utf-8")
    loaded = load_study(path, tmp_path / "s.csv")
    assert [one.values.get("devices") for one in loaded.scenarios] == [None, 1.0, 2.5, None, None]
    assert loaded.scenarios[2].changes[0]["to"] == 2.5


@pytest.mark.parametrize("name", bundled.bundled_studies())
def test_every_bundled_study_loads_by_its_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In any folder; its changes match something, and it says what it asks."""
    monkeypatch.chdir(tmp_path)
    loaded = load_study(name)
    assert loaded.study.name == name.rpartition("/")[2]
    assert loaded.study.question.endswith("?")
    with pytest.raises(InputError, match="neither a file nor the name of a bundled study"):
        load_study(f"{name}s")


def test_the_schema_knows_what_the_file_may_hold():
    schema = study_schema()
    known = {"axes", "base", "bases", "findings", "reruns", "samples", "scenarios", "weights"}
    assert known <= set(schema["properties"])
    assert set(schema["required"]) == {"name"}
    assert INSTANCE["name"] == "toy"
