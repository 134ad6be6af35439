"""YAML as tools for people write it: comments at the head, keys in the order of meaning, text that stays text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from optimizer.printable import printable


def yaml_documents(documents: Iterable[dict[str, Any]], comments: Iterable[str] = ()) -> str:
    """Return documents as YAML; every comment is one line, whatever text is in it."""
    import yaml

    head = "".join(f"{printable(line)}\n" for line in comments)
    body = yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=False, width=100)
    return head + body
