"""The page on laws: its example is what the command prints, and its commands run."""

from __future__ import annotations

import re
import shlex

from click.testing import CliRunner

from domicile.cli import main
from optimizer import bundled

PAGE = (bundled.PATH.parent / "docs" / "laws.md").read_text(encoding="utf-8")


def said(command: str) -> str:
    result = CliRunner().invoke(main, shlex.split(command, comments=True)[1:])
    assert result.exit_code == 0, (command, result.output)
    return result.stdout


def test_the_example_is_what_the_command_prints():
    """Line by line, in order; an ellipsis stands for lines left out, or for the end of one."""
    asked, shown = re.search(r"^    (domicile laws verdict .*?)\n\n```text\n(.*?)```", PAGE, re.S | re.M).groups()
    lines = said(asked).splitlines()
    for line in filter(lambda text: text != "…", shown.splitlines()):
        start = re.sub(r"(sha256 [0-9a-f]+)?…$", "", line)
        found = next((k for k, text in enumerate(lines) if text.startswith(start.rstrip())), None)
        assert found is not None, line
        lines = lines[found + 1 :]


def test_the_commands_run():
    """All of them, but the one on a file of the reader's own, and the one that the README has."""
    commands = re.findall(r"^    (domicile laws .*)$", PAGE, re.M)
    assert len(commands) >= 12
    for command in commands:
        if "my-laws.yaml" not in command and "quickstart" not in command:
            assert said(command)
