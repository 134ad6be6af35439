"""The page on `explain why`: its commands print what it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from domicile.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "explain-why.md"
BLOCKS = re.compile(r"```sh\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


def test_the_page_shows_what_its_commands_print(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both outputs, line by line, at a width of 150."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "150")
    shown = BLOCKS.findall(PAGE.read_text(encoding="utf-8"))
    assert len(shown) == 2
    for commands, expected in shown:
        for command in commands.splitlines():
            name, *words = shlex.split(command)
            assert name == "domicile"
            said = CliRunner().invoke(main, words)
            assert said.exit_code == 0, said.output
        assert [line.rstrip() for line in said.output.splitlines()] == expected.splitlines()
