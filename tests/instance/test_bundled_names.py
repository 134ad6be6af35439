"""Bundled instances are found by name, wherever one stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import domicile
from domicile.cli import main
from optimizer import bundled
from optimizer.instance.locate import placed_in


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_bundled_instance_has_its_name():
    """Names are the paths below `instances/` without the suffix; the data of the bundled world has none."""
    names = bundled.bundled_instances()
    assert {"quickstart", "enterprise", "classical/cap41"} <= set(names)
    assert not [name for name in names if name.startswith(("laws/", "catalogue/", "studies/"))]
    files = {path.relative_to(bundled.PATH).with_suffix("").as_posix() for path in bundled.PATH.rglob("*.yaml")}
    assert {name.partition("/")[0] for name in files - set(names)} == {"laws", "studies"}


@pytest.mark.parametrize("name", ["quickstart", "classical/cap41"])
def test_a_name_gives_the_instance_of_the_file(name: str):
    """Its tables are found beside it."""
    by_path = domicile.load(bundled.PATH / f"{name}.yaml")
    assert domicile.instance_sha256(domicile.load(name)) == domicile.instance_sha256(by_path)
    assert domicile.load(Path(name)) == by_path


def test_what_lies_here_comes_before_a_name(tmp_path: Path):
    """A folder of the name is no instance; a name with a suffix is a path."""
    (tmp_path / "quickstart").mkdir()
    with pytest.raises(domicile.InputError, match="has the suffix ''"):
        domicile.load("quickstart")
    with pytest.raises(domicile.InputError, match=r"enterprise\.yaml: does not exist"):
        domicile.load("enterprise.yaml")


def test_an_unknown_name_suggests_the_nearest():
    """As everywhere: what, where, value, and what to do."""
    with pytest.raises(domicile.InputError) as refused:
        domicile.load("quikstart")
    (issue,) = refused.value.issues
    assert (issue.file, issue.what) == ("quikstart", "is neither a file nor the name of a bundled instance")
    assert issue.maybe == "you mean 'quickstart'"
    with pytest.raises(domicile.InputError, match="neither a file nor"):
        domicile.load("../instances/quickstart")


def test_the_command_line_takes_names():
    """`domicile validate quickstart` works in any folder."""
    result = CliRunner().invoke(main, ["validate", "quickstart"])
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "quickstart: valid")


def test_errors_of_a_named_instance_have_their_line():
    """What only compiling finds wrong is placed in the file behind the name."""
    with pytest.raises(domicile.InputError) as refused, placed_in(Path("quickstart")):
        raise domicile.InputError(domicile.Issue("is odd", where="horizon"))
    (issue,) = refused.value.issues
    lines = (bundled.PATH / "quickstart.yaml").read_text(encoding="utf-8").splitlines()
    assert issue.file == "quickstart"
    assert issue.line is not None
    assert lines[issue.line - 1].startswith("horizon:")
