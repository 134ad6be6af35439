"""The audit stands on its own: it imports no compile step, no solver, no formulation and no judge of laws."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import optimizer.audit

FOLDER = Path(optimizer.audit.__file__).parent
FORBIDDEN = ("optimizer.compile", "optimizer.solve", "optimizer.run", "optimizer.plan.read", "formulations", "pyomo",
             "highspy", "optimizer.laws.judge", "optimizer.laws.grammar", "optimizer.laws.scopes",
             "optimizer.laws.operators", "optimizer.laws.mechanisms", "optimizer.laws.accelerators")  # fmt: skip


def imported(path: Path) -> set[str]:
    """Return every module a file names in an import, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_no_module_of_the_audit_imports_what_it_judges():
    """Walk the imports of all its files."""
    for path in FOLDER.glob("*.py"):
        bad = {name for name in imported(path) for stem in FORBIDDEN if name == stem or name.startswith(f"{stem}.")}
        assert not bad, f"{path.name} imports {bad}"


def test_an_audit_runs_without_the_model_being_loaded():
    """After an audit, no module of compile, solve, formulations or Pyomo is in memory."""
    code = (
        "import sys; from audit_toys import base, instance_of, plan_of, valid_plan\n"
        "from optimizer.audit import audit\n"
        "assert audit(instance_of(base()), plan_of(valid_plan())).ok\n"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('formulations', 'pyomo', 'highspy') "
        "or m.startswith(('optimizer.compile', 'optimizer.solve'))]\n"
        "assert not bad, bad"
    )
    root = FOLDER.parent.parent
    environment = {"PYTHONPATH": f"{root}:{Path(__file__).parent}", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_audit_asks_no_verdict_of_the_law_room():
    """It reads the law pack's tables and calls none of its evaluators."""
    asked = {"judge", "judge_for", "applicable", "duties", "judge_capacity", "evaluate_rule", "holds_certificate"}
    for path in FOLDER.glob("law_*.py"):
        calls = {n.attr for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Attribute)}
        assert not calls & asked, path.name
