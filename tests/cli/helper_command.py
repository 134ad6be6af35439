"""Running one command of the command line in this process."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from domicile.cli import main


def run(*arguments: str | Path) -> Result:
    """Run a command with its arguments."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])
