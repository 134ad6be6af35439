"""The pages on `explain`, on alternatives, on exports and on studies: their commands print what they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from domicile.cli import main

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [*sorted(DOCS.glob("explain-*.md")), *(DOCS / f"{name}.md" for name in ("alternatives", "export", "studies"))]
FILES = re.compile(r"```yaml\n# (\S+\.yaml)\n(.*?)```", re.DOTALL)
"""Files that a page shows: their name is the comment in their first line."""
BLOCKS = re.compile(r"```sh\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_what_its_commands_print(page: Path, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every output, line by line, at a width of 150."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "150")
    text = page.read_text(encoding="utf-8")
    for name, content in FILES.findall(text):
        Path(name).write_text(content, encoding="utf-8")
    shown = BLOCKS.findall(text)
    assert shown
    for commands, expected in shown:
        for command in commands.splitlines():
            name, *words = shlex.split(command)
            assert name == "domicile"
            said = CliRunner().invoke(main, words)
            assert said.exit_code == 0, said.output
        assert [line.rstrip() for line in said.output.splitlines()] == expected.splitlines()
