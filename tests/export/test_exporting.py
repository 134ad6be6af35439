"""What holds for every format: one folder, all files or none, what is missing is named, and text stays text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from export_toys import HOSTILE, hostile_plan, instance, plan

import domicile
from domicile.cli import main
from optimizer.errors import InputError
from optimizer.export.base import Made, Names, Source, defused
from optimizer.export.exported import made_of
from optimizer.export.formats import FORMATS

EVERY = list(FORMATS)


def source(given: domicile.Plan, **more: object) -> Source:
    return Source(given, instance(), **more)


@pytest.mark.parametrize("to", EVERY)
def test_every_format_writes_into_its_folder_alone(to: str, tmp_path: Path):
    """And returns the names of what it wrote."""
    folder = tmp_path / "out"
    found = domicile.export(plan(), to=to, folder=folder, instance=instance())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(found.files)
    assert found.files
    assert (found.to, found.folder, found.others) == (to, str(folder), ())


@pytest.mark.parametrize("to", EVERY)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:8].encode("unicode_escape").decode())
def test_a_hostile_plan_leaves_the_folder_nowhere(to: str, text: str):
    """Names of files come from no path, and every file can be written: `made_of` checks the names."""
    made = made_of(source(hostile_plan(text)), to)
    for content in made.files.values():
        if isinstance(content, str):
            content.encode("utf-8")
            assert "\x1b" not in content
            assert "\u202e" not in content


def test_a_link_in_the_folder_is_refused(tmp_path: Path):
    """What is written there would lie elsewhere; nothing is written then."""
    (tmp_path / "elsewhere").write_text("kept")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "plan.xlsx").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a link"):
        domicile.export(plan(), to="xlsx", folder=folder)
    assert (tmp_path / "elsewhere").read_text() == "kept"


def test_files_of_an_earlier_export_are_named(tmp_path: Path):
    """They stay, and are not of this plan."""
    (tmp_path / "register-gone.csv").write_text("old")
    found = domicile.export(plan(), to="register", folder=tmp_path, instance=instance())
    assert found.others == ("register-gone.csv",)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"to": "pdf"}, "is 'pdf', which is no format"),
        ({"plan": {}}, "is dict, not a Plan"),
        ({"instance": {}}, "is dict, not an Instance"),
        ({"to": "register"}, "none is given"),
        ({"clusters": {"aws:eu-nowhere": "c"}}, "is no region of the plan"),
        ({"clusters": {"aws:eu-north-1": "a b"}}, "is no name of a cluster"),
    ],
)
def test_an_argument_that_means_nothing_is_an_input_error(changed: dict, what: str, tmp_path: Path):
    """And nothing is written."""
    given = {"plan": plan(), "to": "xlsx", "folder": tmp_path / "out", **changed}
    with pytest.raises(InputError, match=what):
        domicile.export(given.pop("plan"), **given)
    assert not (tmp_path / "out").exists()


def test_a_plan_that_places_nothing_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="is infeasible and places nothing"):
        domicile.export(plan(status="infeasible"), to="xlsx", folder=tmp_path)


def test_a_plan_of_another_instance_is_refused(tmp_path: Path):
    """The fingerprint in the plan decides."""
    with pytest.raises(InputError, match="in another state than the instance given"):
        domicile.export(plan(instance_sha256="0" * 64), to="register", folder=tmp_path, instance=instance())
    same = plan(instance_sha256=domicile.instance_sha256(instance()))
    assert domicile.export(same, to="register", folder=tmp_path, instance=instance()).files


def test_names_are_told_apart_and_stay_short():
    """Whatever text they are made of."""
    names = Names()
    given = [names.of("Chat", "a b"), names.of("chat", "a-b"), names.of("chat", "a-b"), names.of("chat-a", "b")]
    assert given == ["chat-a-b", "chat-a-b-2", "chat-a-b-2", "chat-a-b-3"]
    assert names.of("../..") == "x"
    assert len(names.of("y" * 300)) == 50


def test_cells_are_no_formulas():
    """Text that begins as a formula has a quotation mark before it; control characters are written out."""
    assert [defused(text) for text in ("=1+1", "-2", "@x", "a=1", "\t=1", "\x1b=")] == [
        "'=1+1",
        "'-2",
        "'@x",
        "a=1",
        "'\\t=1",
        "\\x1b=",
    ]


def test_a_format_that_names_a_path_is_stopped(monkeypatch: pytest.MonkeyPatch):
    """The check that every format is under cannot pass by looking at nothing."""
    from optimizer.export import workbook

    monkeypatch.setattr(workbook, "made", lambda source: Made({"../x": ""}))
    with pytest.raises(AssertionError):
        made_of(source(plan()), "xlsx")


def test_the_command_lists_files_and_what_is_missing(tmp_path: Path):
    """As text and as JSON; usage errors are exit code 2."""
    path = tmp_path / "plan.json"
    plan().write(path)
    said = CliRunner().invoke(main, ["export", str(path), "--to", "xlsx", "--folder", str(tmp_path / "out")])
    assert said.exit_code == 0, said.output
    assert said.output.splitlines() == [
        f"xlsx: 1 file in {tmp_path / 'out'}",
        "  plan.xlsx",
        "Not exported:",
        "  transfer register, tags of owners: the instance is not given, which states them",
    ]
    words = ["export", str(path), "--to", "xlsx", "--folder", str(tmp_path / "out"), "--json"]
    told = json.loads(CliRunner().invoke(main, words).output)
    assert told["files"] == ["plan.xlsx"]
    assert told["left_out"][0]["what"] == "transfer register, tags of owners"
    for wrong in (["--cluster", "here"], ["--change", "x.yaml"]):
        assert CliRunner().invoke(main, [*words, *wrong]).exit_code == 2
