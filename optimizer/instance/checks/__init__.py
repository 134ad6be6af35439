"""How the parts of one instance must fit together: each check is one function from an instance to its findings.

These need the instance alone; names that only the catalogue or the law pack knows are checked in `references`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from optimizer.instance import plausible
from optimizer.instance.checks import amounts, duplicates, names, sense
from optimizer.instance.models import Instance
from optimizer.instance.place import Finding

CHECKS: tuple[Callable[[Instance], Iterable[Finding]], ...] = (
    *duplicates.CHECKS,
    *names.CHECKS,
    *amounts.CHECKS,
    *sense.CHECKS,
    *plausible.CHECKS,
)


def check_whole(instance: Instance) -> list[Finding]:
    """Return every way in which the parts of the instance contradict each other."""
    return [finding for check in CHECKS for finding in check(instance)]
