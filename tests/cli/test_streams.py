"""Outputs are tried before the work, results are never lost, and standard streams may be closed, full or ASCII."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import domicile
from domicile import cli
from optimizer.instance.yaml_reader import read_yaml
from optimizer.plan import files
from optimizer.plan.models import Plan

ROOT = Path(cli.__file__).parent
INSTANCE = """\
name: small
description: café 😀
horizon: {start: 2027-01-01, hours: 10}
catalogue:
  use: inline
  inline:
    regions: [{id: oslo, country: NO}]
    offers: [{sku: box, region: oslo, accelerator: gpu, usd_per_hour: 1}]
laws: {use: none}
quotas: {default_devices: 1}
workloads:
  - {id: chat, kind: service, tags: [été], runs: {throughput: {gpu: 10}}, streams: [{origin: NO, rate: 5}]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(INSTANCE, encoding="utf-8")
    return path


def command(*arguments: object, flags: tuple[str, ...] = (), shell: str = "", **environment: str):
    """Run the command in a process of its own, `shell` behind it; return code, output and errors as bytes."""
    line = " ".join(["exec", sys.executable, *flags, "-m", "cli", *map(str, arguments), shell])
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(["sh", "-c", line], capture_output=True, env=env, check=False)
    return done.returncode, done.stdout, done.stderr


def run(*arguments: object):
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


ASCII = {"PYTHONIOENCODING": "ascii", "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_answers_in_ascii_are_whole(file: Path, tmp_path: Path):
    """What the encoding lacks is written as JSON escapes it; the file is UTF-8 as ever."""
    code, out, err = command("solve", file, "--json", "--output", tmp_path / "p.json", **ASCII)
    assert (code, err) == (0, b"")
    assert json.loads(out.decode("ascii")) == json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
    for arguments in (("solve", file), ("audit", file, "--plan", tmp_path / "p.json"), ("validate", file)):
        code, out, err = command(*arguments, **ASCII)
        assert (code, err) == (0, b"")
        out.decode("ascii")
    code, out, err = command("laws", "list", "--json", **ASCII)
    assert (code, err) == (0, b"")
    assert len(json.loads(out)) > 100


def test_an_error_in_ascii_names_the_value(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("naïve: 😀\n", encoding="utf-8")
    code, _, err = command("validate", tmp_path / "a.yaml", **ASCII)
    assert code == 2
    assert "unknown field 'na" in err.decode()
    assert b"Traceback" not in err


ANSWERS = (("laws", "list"), ("catalogue", "regions"), ("schema", "plan"))


@pytest.mark.parametrize(("closed", "others"), [(">&-", ANSWERS), ("2>&-", ()), ("<&- >&- 2>&-", ANSWERS[:1])])
def test_closed_streams_change_no_code_and_no_file(
    closed: str, others: tuple[tuple[str, str], ...], file: Path, tmp_path: Path
):
    """The file opened first would be standard output, and what others print would go into it."""
    code, out, err = command("solve", file, "--output", tmp_path / "p.json", shell=closed)
    assert code == 0
    assert b"Traceback" not in out + err
    assert Plan.read(tmp_path / "p.json").objective_usd == pytest.approx(10)
    for arguments in (("validate", file), *others):
        assert command(*arguments, shell=closed)[0] == 0, arguments


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [("validate",), ("solve", "--json"), ("solve",)])
def test_a_full_standard_output_is_told_in_a_line(arguments: tuple[str, ...], file: Path):
    code, _, err = command(arguments[0], file, *arguments[1:], shell="> /dev/full")
    assert code == 1
    assert err == b"Error: standard output: No space left on device\n"


def test_without_assertions_answers_are_the_same(file: Path, tmp_path: Path):
    """`python -O`: nothing rests on an assertion."""
    plan = tmp_path / "p.json"
    assert command("solve", file, "--output", plan, "--quiet", flags=("-O",)) == (0, b"", b"")
    assert Plan.read(plan).objective_usd == pytest.approx(10)
    for arguments in (("validate", file), ("audit", file, "--plan", plan), ("laws", "list"), ("schema", "instance")):
        code, out, err = command(*arguments, flags=("-O",))
        assert (code, err) == (0, b""), arguments
        assert out.decode() == run(*arguments).output


@pytest.mark.parametrize("name", ["validate", "solve"])
def test_without_docstrings_a_line_says_what_needs_them(name: str, file: Path):
    """Pyomo cannot be imported under `python -OO`."""
    code, out, err = command(name, file, flags=("-OO",))
    assert (code, out) == (2, b"")
    assert err == b"Error: python -OO removes the docstrings that Pyomo needs\nMaybe run python -O, or neither\n"


# --- outputs ------------------------------------------------------------------------------------------------------


@pytest.fixture
def never(monkeypatch):
    """Fail the test if anything is solved."""

    def solve(*_arguments, **_options):
        raise AssertionError("solved before the outputs were tried")

    monkeypatch.setattr(domicile, "solve", solve)


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--output", "folder"), ("--output", "none/p.json"), ("--output", "small.yaml/p.json"),
        ("--output", "a" * 251 + ".json"), ("--output", "a" * 5000), ("--output", "loop"),
        ("--tables", "small.yaml"), ("--tables", "small.yaml/t"), ("--tables", "a" * 5000),
    ],
)  # fmt: skip
def test_outputs_that_cannot_be_written_are_refused_before_the_work(option, name, file, tmp_path, never):
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    result = run("solve", file, option, tmp_path / name)
    assert result.exit_code == 2, result.output
    assert "cannot be written" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "loop", "small.yaml"]


@pytest.mark.parametrize("option", ["--output", "--tables"])
def test_a_read_only_place_is_refused_before_the_work(option, file, tmp_path, never, monkeypatch):
    """Root may write anywhere, so the system's refusal is played."""

    def refuse(*_arguments, **_options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(files.tempfile, "mkstemp", refuse)
    result = run("solve", file, option, tmp_path / "new")
    assert result.exit_code == 2
    assert "cannot be written: Read-only file system." in result.stderr


def test_trying_an_output_leaves_what_stands_there(file: Path, tmp_path: Path):
    """Content and permissions of a file, a folder of tables not made yet, and nothing hidden."""
    target = tmp_path / "p.json"
    target.write_text("old")
    target.chmod(0o640)
    files.require_fillable(target)
    files.require_fillable(Path("/dev/stdout"))
    files.require_fillable_folder(tmp_path / "new" / "tables")
    files.require_fillable_folder(tmp_path)
    assert target.read_text() == "old"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.json", "small.yaml"]


@pytest.mark.parametrize("option", ["--output", "--tables"])
def test_a_result_that_cannot_be_written_goes_to_standard_output(option, file, tmp_path, monkeypatch):
    """The disk fills up while the plan is found: nothing is lost, and the code tells."""

    def full(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Plan, "write" if option == "--output" else "write_tables", full)
    result = run("solve", file, option, tmp_path / "out", "--quiet")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["objective_usd"] == pytest.approx(10)
    expected = (
        f"Error: {tmp_path / 'out'} cannot be written: No space left on device; the plan follows on standard output"
    )
    assert result.stderr.strip() == expected


# --- control characters -------------------------------------------------------------------------------------------

STEERING = "\x9b31mred\x9d0;title\x07 \x85 \u202e \x7f"
"""C1 and C0 controls, and a mark that turns the direction of text: all may stand in JSON as they are."""


@pytest.mark.parametrize(
    "arguments", [("solve", "--json"), ("solve",), ("validate",), ("validate", "--json"), ("audit",)]
)
def test_no_control_character_of_an_instance_reaches_the_terminal(arguments, tmp_path: Path):
    """Free text of legal assertions is repeated in plans; JSON has it as escapes."""
    data = read_yaml(INSTANCE, "small")[0] | {
        "description": STEERING,
        "legal_assertions": {"approvals": [{"law": "RU-152FZ-18", "mechanism": "RKN", "reference": STEERING}]},
    }
    path, plan = tmp_path / "i.json", tmp_path / "p.json"
    path.write_text(json.dumps(data))
    assert run("solve", path, "--quiet", "--output", plan).exit_code == 0
    more = ("--plan", plan, "--json") if arguments[0] == "audit" else ()
    result = run(arguments[0], path, *arguments[1:], *more)
    assert result.exit_code == 0, result.stderr
    assert not set(STEERING[0] + "\x9d\x07\x85\u202e\x7f") & set(result.stdout + result.stderr)
    if "--json" in arguments and arguments[0] == "solve":
        told = json.loads(result.stdout)
        assert told["assertions"]["approvals"][0]["reference"] == STEERING
        assert told["assertions"] == json.loads(plan.read_text(encoding="utf-8"))["assertions"]


def test_an_error_of_the_system_names_the_file_without_steering(tmp_path: Path):
    result = run("validate", tmp_path / "\x9b31m.yaml")
    assert result.exit_code == 2
    assert "\x9b" not in result.stderr
    assert "\\x9b31m.yaml" in result.stderr


def test_memory_that_does_not_suffice_is_told_in_a_line(file: Path, monkeypatch):
    def none_left(*_arguments, **_options):
        raise MemoryError

    monkeypatch.setattr(domicile, "solve", none_left)
    result = run("solve", file)
    assert result.exit_code == 1
    assert result.stderr == "Error: not enough memory\nMaybe the instance is too large for this machine\n"
