"""How many of the random instances a run of the tests tries: all with `DOMICILE_SAMPLE=1`, one in four by default.

`tests/conftest.py` takes that share of the seeds of every test that is parametrised by `seed`.
"""

from __future__ import annotations

import os
from math import ceil

SHARE = float(os.environ.get("DOMICILE_SAMPLE") or "0.25")
LEAST = 2
"""Seeds of a test that are tried whatever the share."""


def sampled(numbers: range) -> range:
    """Return the first numbers of a range, as many as the share of it that is tried."""
    return numbers[: most(len(numbers))]


def most(examples: int) -> int:
    """Return the number of examples tried of so many, at least one."""
    return max(1, ceil(SHARE * examples))


def tried(seeds: set[int]) -> set[int]:
    """Return those of a test's seeds that are tried."""
    return set(sorted(seeds)[: max(LEAST, most(len(seeds)))])
