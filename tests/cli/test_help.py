"""Every command says its exit codes and, where it answers something, answers in JSON; the shell completes names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from helper_command import run

from domicile.cli import main
from optimizer import bundled
from optimizer.catalogue import load_catalogue
from optimizer.completion import SHELLS, accelerators, countries, instances, laws, origins, providers, regions
from optimizer.exit_codes import OF_COMMANDS, codes_of
from optimizer.laws import load_laws

README = (bundled.PATH.parent / "README.md").read_text(encoding="utf-8")
NO_ANSWER = {"completion": "prints a script", "report": "writes files"}
ALWAYS_JSON = ("schema ", "catalogue aiconfigurator")


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below a group, with the words that name it."""
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands(main))
LEAVES = {words: command for words, command in COMMANDS.items() if not isinstance(command, click.Group)}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_ends_with_the_exit_codes(words: tuple[str, ...]):
    """Each on its line, with what it means of this command."""
    told = run(*words, "--help").output
    assert "Exit codes:" in told
    flat = " ".join(told.split())
    assert all(f"{code} {meaning}" in flat for code, meaning in codes_of(" ".join(words)).items())


def test_exit_codes_are_of_commands_that_exist_and_the_readme_has_them_all():
    assert set(OF_COMMANDS) <= {" ".join(words) for words in COMMANDS}
    table = README[README.index("## Exit codes") :]
    listed = {int(code) for code in re.findall(r"^\| (\d) \|", table, re.MULTILINE)}
    assert listed == {code for words in COMMANDS for code in codes_of(" ".join(words))}


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_whatever_answers_something_answers_in_json(words: tuple[str, ...]):
    path = " ".join(words)
    options = {option for parameter in LEAVES[words].params for option in parameter.opts}
    assert "--json" in options or path in NO_ANSWER or path.startswith(ALWAYS_JSON)


def completed(*words: str) -> list[str]:
    """What bash is told for the last of these words."""
    typed = {"COMP_WORDS": " ".join(("domicile", *words)), "COMP_CWORD": f"{len(words)}"}
    asked = {"_DOMICILE_COMPLETE": "bash_complete", **typed}
    done = subprocess.run(
        [sys.executable, "-c", "from domicile.cli import main; main(prog_name='domicile')"],
        env={**os.environ, **asked}, capture_output=True, text=True, check=True, cwd=bundled.PATH.parent,
    )  # fmt: skip
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("sol",), "solve"),
        (("solve", "health"), "health-assistant"),
        (("study", "run", "what"), "what-to-negotiate"),
        (("catalogue", "offers", "--region", "scaleway:fr"), "scaleway:fr-par"),
        (("laws", "explain", "de-sgbv-39"), "DE-SGBV-393"),
    ],
)
def test_the_shell_completes_names(words: tuple[str, ...], expected: str):
    assert expected in completed(*words)


def test_what_is_completed_is_what_is_known():
    """The quick lists, read as text, against the catalogue and the laws as loaded."""
    catalogue = load_catalogue()
    assert set(regions()) == set(catalogue.regions.index)
    assert set(providers()) == set(catalogue.providers.index)
    assert set(accelerators()) == set(catalogue.accelerators.index)
    assert set(countries()) == set(catalogue.regions.country)
    assert set(origins()) == catalogue.user_places | set(catalogue.regions.index)
    assert set(laws()) == set(load_laws().laws)
    assert set(instances()) == set(bundled.bundled_instances())


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_prints_a_script(shell: str):
    told = run("completion", shell).output
    assert f"_DOMICILE_COMPLETE={shell}_complete" in told
    assert "domicile" in told
