"""YAML with comments: rows of an instance on lines of their own, text from files as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from optimizer.printable import printable

COMMENT_CHARACTERS = 160
"""Most characters of one line of a comment that is from files."""


def flow(value: Any) -> str:
    """Return a value on one line: `{region: "aws:eu-central-1", instances: 2.0}`."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=False, width=10**9)
    return text.removesuffix("...\n").strip()


def rows(values: Iterable[Mapping[str, Any]], indent: int) -> str:
    """Return the items of a list, each on a line of its own."""
    return "".join(f"{' ' * indent}- {flow(dict(value))}\n" for value in values)


def comment(lines: Sequence[str], indent: int = 0) -> str:
    """Return lines of a comment; whatever is in a text from a file, it stays in its line."""
    return "".join(f"{' ' * indent}# {_short(printable(line))}\n" for line in lines)


def _short(line: str) -> str:
    return line if len(line) <= COMMENT_CHARACTERS else f"{line[:COMMENT_CHARACTERS]} ..."
