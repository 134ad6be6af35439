"""`import domicile` is the one public name: documented, light, and beside it nothing under two names."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import domicile
import formulations
import optimizer
from optimizer.errors import CODES

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "instances").rglob("*.md"))]
CALLERS = [path for room in ("tests", "benchmarks", "tools") for path in sorted((ROOT / room).rglob("*.py"))]
PUBLIC = [name for name in domicile.__all__ if name != "__version__"]
NAMES = "|".join(PUBLIC)
SMALL = """\
name: x
horizon: {start: 2027-01-01, hours: 1}
workloads: [{id: a, kind: job, work: 1, data: {subjects: [DE]}, runs: {throughput: {H100: 1}}}]
"""
ALSO_PACKAGES = ("audit", "compile", "explain", "export", "solve", "study")
NO_PACKAGES = "|".join(name for name in PUBLIC if name not in ALSO_PACKAGES)
ENGINE_AS_LIBRARY = re.compile(
    r"^\s*import (?:optimizer|cli|instances)\s*$|^\s*from (?:cli|instances) import\b|"
    rf"\bfrom optimizer import .*\b(?:{NAMES})\b|\boptimizer\.(?:(?:{NAMES})\(|(?:{NO_PACKAGES})\b)",
    re.MULTILINE,
)
WORLD = f"{SMALL}catalogue: {{providers: [aws]}}\n"


def fresh(code: str) -> str:
    """Return what a new interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_folder_called_domicile_beside_a_script_does_not_hide_the_package(tmp_path: Path):
    """A script that lies beside the checkout, as after `git clone`, imports the package, not the folder."""
    (tmp_path / "domicile").mkdir()
    script = tmp_path / "script.py"
    script.write_text("import domicile\nprint(domicile.load('quickstart').name)\n", encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "quickstart"


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_a_docstring_and_a_row_in_the_page(name: str):
    """`help(domicile.name)` and docs/library.md say what it is."""
    assert (getattr(domicile, name).__doc__ or "").strip()
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| `{name}\b", page, re.MULTILINE)


def test_the_page_promises_no_other_names():
    """The rows of docs/library.md are the names of `domicile.__all__`."""
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    table = page[page.index("| name | what it is |") : page.index("## A question")]
    assert sorted(re.findall(r"^\| `(\w+)", table, re.MULTILINE)) == sorted(domicile.__all__)


def test_the_examples_of_the_page_run_and_use_every_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """In any folder, one after the other."""
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    for example in examples:
        exec(example, names)
    code = "\n".join(examples)
    assert [name for name in domicile.__all__ if f"domicile.{name}" not in code] == []


def test_errors_have_codes_that_the_page_lists():
    """Of every class, and of every problem; a word that is no code is not one by being used."""
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    classes = (domicile.DomicileError, domicile.InputError, domicile.InfeasibleError, domicile.InternalError)
    told = {f"| `{one.__name__}` | `{one.code}` | {one.exit_code} |" for one in classes}
    assert all(line in page for line in told)
    assert len({one.code for one in classes}) == len(classes)
    issues = page[page.index("| `code` of an `Issue`") : page.index("## Schemas")]
    assert re.findall(r"^\| `([a-z_]+)` \| (.*) \|$", issues, re.MULTILINE) == list(CODES.items())
    used = {code for path in (ROOT / "optimizer").rglob("*.py") for code in
            re.findall(r'code="(\w+)"|, "(unknown_name|syntax)"\)', path.read_text(encoding="utf-8"))}  # fmt: skip
    assert {code for pair in used for code in pair if code} <= set(CODES)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name: [", "syntax"),
        ("name: x\nhorizon: {start: 2027-01-01, hours: 1}\n", "missing"),
        (f"{WORLD}colour: red\n", "unknown_field"),
        (f"{WORLD}target_utilisation: 2.0\n", "out_of_range"),
        (f"{WORLD}target_utilisation: much\n", "wrong_type"),
        (f"{WORLD}carbon: {{basis: location}}\n", "unknown_name"),
        (f"{SMALL}catalogue: {{providers: [google]}}\n", "unknown_name"),
        (f"{SMALL}horizon: {{start: 2027-01-01}}\n", "syntax"),
    ],
)
def test_what_is_wrong_with_a_file_has_its_code(text: str, code: str, tmp_path: Path):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(domicile.InputError) as caught:
        domicile.load(path)
    assert [issue.code for issue in caught.value.issues] == [code]


def test_files_and_arguments_have_their_codes(tmp_path: Path):
    def codes(call: Callable[[], object]) -> list[str]:
        with pytest.raises(domicile.InputError) as caught:
            call()
        return [issue.code for issue in caught.value.issues]

    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * 20_000_001)
    fifo = tmp_path / "pipe.yaml"
    os.mkfifo(fifo)
    assert codes(lambda: domicile.load(tmp_path / "gone.yaml")) == ["file_missing"]
    assert codes(lambda: domicile.load("quikstart")) == ["file_missing"]
    assert codes(lambda: domicile.load(fifo)) == ["file_unreadable"]
    assert codes(lambda: domicile.load(large)) == ["too_large"]
    assert codes(lambda: domicile.solve(domicile.load("quickstart"), gap=-1)) == ["argument"]


def test_public_names_are_the_objects_of_the_engine_and_no_others():
    """One class has one home; what is no public name is an AttributeError."""
    from optimizer.instance.models import Instance

    assert domicile.Instance is Instance
    assert dir(domicile) == sorted(domicile.__all__) == sorted(set(domicile.__all__))
    with pytest.raises(AttributeError, match="no attribute 'slove'"):
        domicile.slove  # noqa: B018


@pytest.mark.parametrize(
    "text",
    [
        "import optimizer\n",
        "    import cli\n",
        "plan = optimizer.solve(instance)",
        "from optimizer import load, solve\n",
        "except optimizer.InputError as error",
    ],
)
def test_what_is_looked_for_is_found(text: str):
    """The next test cannot pass by looking for nothing."""
    assert ENGINE_AS_LIBRARY.search(text)


@pytest.mark.parametrize("path", [*PAGES, *CALLERS], ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_uses_the_engine_as_the_library(path: Path):
    """Pages, tests, benchmarks and tools use `domicile`; modules of the engine may be imported by their own names."""
    if path == Path(__file__):
        pytest.skip("names what it looks for")
    found = ENGINE_AS_LIBRARY.search(path.read_text(encoding="utf-8"))
    assert found is None, found[0]


def test_importing_is_light():
    """`import domicile` and `domicile.cli` load neither pandas, Pyomo, HiGHS nor pydantic."""
    heavy = "{'pandas', 'numpy', 'pyomo', 'highspy', 'pydantic', 'rich', 'yaml'}"
    assert fresh(f"import sys, domicile, domicile.cli; print(sorted({heavy} & set(sys.modules)))") == "[]"


def test_importing_domicile_loads_none_of_the_engine():
    """Names are imported when they are first used."""
    code = "import sys, domicile; print(*sorted(m for m in sys.modules if m.startswith(('domicile', 'optimizer'))))"
    assert fresh(code) == "domicile optimizer"


def test_a_module_is_what_its_name_says():
    """After all public names are used, every module stands at its own name: none is hidden by a function."""
    code = (
        "import domicile\nfor name in domicile.__all__: getattr(domicile, name)\n"
        "import optimizer.solve.driver as e, optimizer.audit as a\nprint(e.__name__, a.__name__)"
    )
    assert fresh(code) == "optimizer.solve.driver optimizer.audit"


@pytest.mark.parametrize("package", [domicile, formulations, optimizer], ids=lambda package: package.__name__)
def test_no_name_of_a_package_hides_its_module(package: ModuleType):
    """`import a.b.c as c` gives the module, for every module there is."""
    names = [info.name for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    modules = {name: importlib.import_module(name) for name in names}
    assert modules
    parents = {name: importlib.import_module(name.rpartition(".")[0]) for name in names}
    assert [n for n in names if getattr(parents[n], n.rpartition(".")[2]) is not modules[n]] == []


def test_the_command_line_has_one_name():
    """In a checkout the file `cli.py` is no second module beside `domicile.cli`."""
    assert fresh("import domicile.cli; print(domicile.cli.main.name)") == "main"
    told = fresh("try:\n    import cli\nexcept ImportError as error:\n    print(error)")
    assert told == "the command line is the module domicile.cli"
