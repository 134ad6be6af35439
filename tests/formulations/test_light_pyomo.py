"""Pyomo is imported without scipy.stats where it is known how, and as it is where it is not."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType, SimpleNamespace

from formulations.light_pyomo import lighten
from optimizer import bundled

SOLVED = """
import sys
from problem_toys import Builder
from problem_solve import solve
b = Builder()
r = b.region()
_, (j,) = b.service(5)
b.serve(j, r, capacity=2, usd=10)
from optimizer.solve import solve_problem
assert abs(solve_problem(b.build()).objective_usd - 30) < 1e-6
"""


def _run(text: str) -> str:
    root = bundled.PATH.parent
    path = f"import sys; sys.path[:0] = [{str(root)!r}, {str(root / 'tests' / 'formulations')!r}]\n"
    return subprocess.run([sys.executable, "-c", path + text], capture_output=True, text=True, check=True).stdout


def test_solving_imports_no_scipy_stats() -> None:
    """Model, hand-over and solver do without."""
    quick = SOLVED.replace("from problem_solve import solve\n", "")
    assert _run(quick + "print('scipy.stats' in sys.modules)").strip() == "False"


def test_another_pyomo_is_left_alone() -> None:
    """Without the function, with another callback, or with nothing of the kind: unchanged, and it still solves."""
    known = ModuleType("dependencies")
    known._finalize_scipy = finalise = lambda module, available: None  # type: ignore[attr-defined]
    known.scipy_available = SimpleNamespace(_callback=finalise)  # type: ignore[attr-defined]
    assert lighten(known)
    assert known.scipy_available._callback is not finalise
    other = SimpleNamespace(_callback=print)
    renamed, replaced = ModuleType("dependencies"), ModuleType("dependencies")
    renamed.scipy_available = other  # type: ignore[attr-defined]
    replaced._finalize_scipy, replaced.scipy_available = finalise, other  # type: ignore[attr-defined]
    for module in (ModuleType("dependencies"), renamed, replaced):
        assert not lighten(module)
    assert other._callback is print
    strange = "import pyomo.common.dependencies as d\nd._finalize_scipy = None\n"
    told = "import formulations.light_pyomo\nprint(formulations.light_pyomo.IS_LIGHT)\n"
    assert _run(strange + SOLVED + told).strip() == "False"
