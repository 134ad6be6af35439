"""`kill -9`, a full disk, two writers: nothing is lost, nothing is torn, and a next run clears what is left behind."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from helper_command import run

from domicile import cli
from optimizer.plan import files
from optimizer.plan.models import Plan

ROOT = Path(cli.__file__).parent
posix = pytest.mark.skipif(sys.platform == "win32", reason="locks of flock")
INSTANCE = """\
name: small
horizon: {start: 2027-01-01, hours: 10}
catalogue:
  use: inline
  inline:
    regions: [{id: oslo, country: NO}]
    offers: [{sku: box, region: oslo, accelerator: gpu, usd_per_hour: 1}]
laws: {use: none}
quotas: {default_devices: 1}
workloads:
  - {id: chat, kind: service, runs: {throughput: {gpu: 10}}, streams: [{origin: NO, rate: 5}]}
"""
STOPPED = """\
import os, signal, sys, threading
from pathlib import Path
from optimizer.plan import files
def stop(stream):
    stream.write("half"); stream.flush()
    print("there", flush=True)
    {how}
files.write_all({{Path({target!r}): stop}})
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(INSTANCE)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def stopped(target: Path, how: str) -> subprocess.Popen[bytes]:
    """Start a writer that has half a file written and then does `how`."""
    text = STOPPED.format(how=how, target=str(target))
    process = subprocess.Popen(
        [sys.executable, "-c", text], cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"there\n"
    return process


KILL = "os.kill(os.getpid(), signal.SIGKILL)"


@posix
def test_the_next_run_clears_what_a_killed_one_left(file: Path, tmp_path: Path):
    """To the same output and to the same folder of tables, before anything is solved."""
    for target in (tmp_path / "p.json", tmp_path / "tables" / "placements.csv"):
        target.parent.mkdir(exist_ok=True)
        stopped(target, KILL).wait()
        assert [name for name in names(target.parent) if name.endswith(files.SUFFIX)]
    done = run("solve", file, "--output", tmp_path / "p.json", "--tables", tmp_path / "tables", "--quiet")
    assert done.exit_code == 0
    assert names(tmp_path) == ["p.json", "small.yaml", "tables"]
    assert not [name for name in names(tmp_path / "tables") if name.startswith(".")]


@posix
def test_what_a_living_writer_fills_stays(file: Path, tmp_path: Path):
    """Another run to the same output ends well, and so does the one that was there first."""
    target = tmp_path / "p.json"
    living = stopped(target, "sys.stdin.read(); stream.write(' and whole')")
    assert run("solve", file, "--output", target, "--quiet").exit_code == 0
    assert Plan.read(target).objective_usd == pytest.approx(10)
    assert len([name for name in names(tmp_path) if name.endswith(files.SUFFIX)]) == 1
    living.communicate(b"")
    assert living.returncode == 0
    assert target.read_text() == "half and whole"
    assert names(tmp_path) == ["p.json", "small.yaml"]


@posix
def test_files_of_others_are_not_cleared(tmp_path: Path):
    """Only what has our ending, is a regular file and is held by nobody."""
    kept = [".p.json.abcd1234", ".p.json.abcd1234.domicile.txt", ".p.json.ABCD1234.domicile", "p.abcd1234.domicile"]
    for name in kept:
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / ".p.json.pipe1234.domicile")
    (tmp_path / ".p.json.link1234.domicile").symlink_to(tmp_path / kept[0])
    (tmp_path / ".p.json.gone1234.domicile").touch()
    files.clear_stale(tmp_path)
    assert names(tmp_path) == sorted([*kept, ".p.json.pipe1234.domicile", ".p.json.link1234.domicile"])
    files.clear_stale(tmp_path / "none")


@posix
def test_a_file_cleared_before_it_was_held_is_made_again(tmp_path: Path, monkeypatch):
    """Between making and holding a hidden file another run may take it for one that was left behind."""
    made, real = [], files.tempfile.mkstemp

    def cleared(**options):
        handle, name = real(**options)
        if not made:
            os.unlink(name)
        made.append(name)
        return handle, name

    monkeypatch.setattr(files.tempfile, "mkstemp", cleared)
    files.write_whole(tmp_path / "p.json", lambda stream: stream.write("whole"))
    assert len(made) == 2
    assert (tmp_path / "p.json").read_text() == "whole"
    assert names(tmp_path) == ["p.json"]


def test_long_names_are_written(tmp_path: Path):
    """As long as a name may be, in letters of two bytes as well."""
    for name in ("a" * 250 + ".json", "é" * 120 + ".json"):
        files.write_whole(tmp_path / name, lambda stream: stream.write("whole"))
        files.require_fillable(tmp_path / name)
        assert (tmp_path / name).read_text() == "whole"


# --- several files --------------------------------------------------------------------------------------------------

TABLES = ["a.csv", "b.csv", "summary.csv"]


def write_tables(folder: Path, text: str) -> None:
    files.write_all({folder / name: lambda stream: stream.write(text) for name in TABLES})


@posix
@pytest.mark.parametrize("number", range(1, 5))
def test_killed_between_two_tables_the_last_is_missing(number: int, tmp_path: Path):
    """The summary goes first and comes last: where it stands, all tables are of one plan."""
    write_tables(tmp_path, "old")
    text = f"""\
import os, signal
from pathlib import Path
from optimizer.plan import files
calls = []
def counted(method):
    def called(self, *arguments, **options):
        calls.append(self)
        if len(calls) == {number}: os.kill(os.getpid(), signal.SIGKILL)
        return method(self, *arguments, **options)
    return called
Path.replace, Path.unlink = counted(Path.replace), counted(Path.unlink)
files.write_all({{Path({str(tmp_path)!r}) / name: lambda stream: stream.write("new") for name in {TABLES}}})
"""
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    there = {name: (tmp_path / name).read_text() for name in TABLES if (tmp_path / name).exists()}
    assert there.get("summary.csv") == ("old" if number == 1 else None)
    assert set(there.values()) <= {"old", "new"}
    write_tables(tmp_path, "newer")
    assert names(tmp_path) == TABLES
    assert {(tmp_path / name).read_text() for name in TABLES} == {"newer"}


def test_a_folder_in_the_place_of_a_table_is_found_before_any_is_renamed(tmp_path: Path):
    write_tables(tmp_path, "old")
    (tmp_path / "b.csv").unlink()
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(IsADirectoryError):
        write_tables(tmp_path, "new")
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "summary.csv").read_text() == "old"
    assert names(tmp_path) == TABLES


@posix
def test_two_writers_at_once(tmp_path: Path):
    """Tables are all of one writer at every moment in which the summary stands; a plan is always whole."""
    done = threading.Event()

    def work(text: str) -> None:
        while not done.is_set():
            write_tables(tmp_path, text * 1000)
            files.write_whole(tmp_path / "p.json", lambda stream: stream.write(json.dumps([text] * 1000)))

    writers = [threading.Thread(target=work, args=(text,)) for text in "xy"]
    for writer in writers:
        writer.start()
    seen = set()
    for _ in range(300):
        if (tmp_path / "p.json").exists():
            seen.add("".join(sorted(set(json.loads((tmp_path / "p.json").read_text())))))
    done.set()
    for writer in writers:
        writer.join()
    assert seen <= {"x", "y"}
    assert len({(tmp_path / name).read_text()[:1] for name in TABLES}) == 1
    assert all(len((tmp_path / name).read_text()) == 1000 for name in TABLES)
    assert names(tmp_path) == sorted([*TABLES, "p.json"])


# --- a full disk ----------------------------------------------------------------------------------------------------


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Full:
    """A stream on a full disk: `write` fails, or what was written when it is closed."""

    def __init__(self, handle: int, step: str) -> None:
        self.handle, self.step = handle, step

    def __enter__(self) -> Full:
        return self

    def write(self, text: str) -> int:
        os.write(self.handle, text[:10].encode())
        if self.step == "write":
            raise FULL
        return len(text)

    def __exit__(self, *_error: object) -> None:
        os.close(self.handle)
        if self.step == "close":
            raise FULL


@pytest.mark.parametrize("step", ["mkstemp", "write", "close", "chmod", "replace"])
def test_a_disk_that_is_full_at_any_step_leaves_what_was_there(step: str, file: Path, tmp_path: Path, monkeypatch):
    """The old plan stays whole, nothing hidden is left, and the new plan goes to standard output."""
    output = tmp_path / "p.json"
    output.write_text("old")
    tried, real, opened = [], files.tempfile.mkstemp, os.fdopen

    def refuse(*_arguments, **_options):
        raise FULL

    def mkstemp(**options):
        tried.append(options)
        if len(tried) == 2:  # the first is the trial before the work
            raise FULL
        return real(**options)

    if step == "mkstemp":
        monkeypatch.setattr(files.tempfile, "mkstemp", mkstemp)
    elif step in ("write", "close"):
        monkeypatch.setattr(
            files.os, "fdopen", lambda h, mode, **o: Full(h, step) if mode == "w" else opened(h, mode, **o)
        )
    else:
        monkeypatch.setattr(files.Path, step, refuse)
    result = run("solve", file, "--output", output, "--quiet")
    monkeypatch.undo()
    assert result.exit_code == 1
    assert json.loads(result.stdout)["objective_usd"] == pytest.approx(10)
    assert "cannot be written: No space left on device" in result.stderr
    assert output.read_text() == "old"
    assert names(tmp_path) == ["p.json", "small.yaml"]


@posix
def test_a_real_limit_on_file_size(file: Path, tmp_path: Path):
    """`ulimit -f`: the system cuts the file off in the middle of a write."""
    command = f'ulimit -f 1; exec "{sys.executable}" -m cli solve "{file}" --quiet --output "{tmp_path / "out"}"'
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(["sh", "-c", command], capture_output=True, env=env, check=False)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["objective_usd"] == pytest.approx(10)
    assert b"File too large" in done.stderr
    assert names(tmp_path) == ["small.yaml"]
