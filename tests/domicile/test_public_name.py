"""`import domicile` is the one public name: documented, light, and beside it nothing under two names."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import domicile
import formulations
import optimizer

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "instances").rglob("*.md"))]
CALLERS = [path for room in ("tests", "benchmarks", "tools") for path in sorted((ROOT / room).rglob("*.py"))]
PUBLIC = [name for name in domicile.__all__ if name != "__version__"]
NAMES = "|".join(PUBLIC)
ALSO_PACKAGES = ("audit", "compile", "explain", "export", "solve", "study")
NO_PACKAGES = "|".join(name for name in PUBLIC if name not in ALSO_PACKAGES)
ENGINE_AS_LIBRARY = re.compile(
    r"^\s*import (?:optimizer|cli|instances)\s*$|^\s*from (?:cli|instances) import\b|"
    rf"\bfrom optimizer import .*\b(?:{NAMES})\b|\boptimizer\.(?:(?:{NAMES})\(|(?:{NO_PACKAGES})\b)",
    re.MULTILINE,
)


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
    assert sorted(re.findall(r"^\| `(\w+)", page, re.MULTILINE)) == sorted(domicile.__all__)


def test_the_example_of_the_page_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """In any folder."""
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert example
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(example[1], names)
    assert getattr(names["plan"], "status") == "optimal"  # noqa: B009


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
