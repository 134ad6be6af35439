"""Import Pyomo without scipy.stats.

As soon as scipy is imported, Pyomo imports scipy.stats and scipy.spatial with it (`_finalize_scipy` of
pyomo.common.dependencies). Nothing here uses them, and they take longer than all the rest: importing formulations,
solver and scipy.sparse takes 0.5 s without them and 1.2 s with them (Pyomo 6.10.1, scipy 1.17.1, 2 cores). What asks
for them later still gets them, since scipy imports its parts on demand.

Only what is known of Pyomo is touched: where the function or the place it is kept in has another name, or scipy was
imported first, nothing is changed and all that is lost is time.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any


def _nothing_more(_module: object, _available: bool) -> None:
    """Import no parts of scipy ahead of their use."""


def lighten(dependencies: ModuleType) -> bool:
    """Let Pyomo's `dependencies` import no parts of scipy; False where it is not made as expected."""
    finalise: Any = getattr(dependencies, "_finalize_scipy", None)
    pending: Any = getattr(dependencies, "scipy_available", None)
    if finalise is None or getattr(pending, "_callback", None) is not finalise:
        return False
    pending._callback = _nothing_more
    return True


def _lighten_pyomo() -> bool:
    try:
        from pyomo.common import dependencies
    except ImportError:  # moved elsewhere: importing Pyomo itself will say what is wrong, if anything is
        return False
    return lighten(dependencies)


IS_LIGHT = _lighten_pyomo()
"""Whether Pyomo was kept from importing parts of scipy."""
