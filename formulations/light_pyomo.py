"""Import Pyomo without scipy.stats.

As soon as scipy is imported, Pyomo imports scipy.stats and scipy.spatial with it (`_finalize_scipy` of
pyomo.common.dependencies): half a second that nothing here uses, more than Pyomo itself. What asks for them later still
gets them, since scipy imports its parts on demand. Has no effect when scipy was imported first.
"""

from __future__ import annotations

from pyomo.common import dependencies


def _nothing_more(_module: object, _available: bool) -> None:
    """Import no parts of scipy ahead of their use."""


if hasattr(dependencies.scipy_available, "_callback"):
    dependencies.scipy_available._callback = _nothing_more
