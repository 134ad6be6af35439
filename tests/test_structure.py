"""The rooms: which way imports go, and how long modules are."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for room in ("formulations", "optimizer") for path in (ROOT / room).rglob("*.py"))
MOST_LINES = 450
FORBIDDEN = {
    "formulations": ("optimizer", "domicile"),
    "optimizer/audit": ("optimizer.compile", "optimizer.solve", "formulations"),
    "optimizer/laws": ("optimizer.compile", "optimizer.solve", "optimizer.plan"),
    "optimizer/catalogue": ("optimizer.compile", "optimizer.solve", "optimizer.plan"),
}
"""What modules of a room do not import, at the top or inside a function."""


def _imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


@pytest.mark.parametrize("room", FORBIDDEN)
def test_imports_go_one_way(room: str) -> None:
    """No module of a room imports what the room must not know."""
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in MODULES
        if path.is_relative_to(ROOT / room)
        for name in _imported(path)
        if any(name == other or name.startswith(f"{other}.") for other in FORBIDDEN[room])
    }
    assert not found


def test_modules_are_short_and_say_what_they_are() -> None:
    """Every module has a docstring, and none is much longer than 400 lines."""
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(text)), path
        assert text.count("\n") <= MOST_LINES, path
