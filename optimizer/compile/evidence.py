"""Evidence: what shows that a rule excludes an option, such as a figure beside its limit or a sentence of a law.

An exclusion keeps what its evidence is made of, arrays that the masks are made of as well; sentences are written when
somebody asks for one option, since an estate has millions of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Evidence:
    """Why a rule excludes one option: a sentence, and where there is one the figure beside its limit (in `unit`)."""

    sentence: str
    figure: float | None = None
    limit: float | None = None
    unit: str = ""


Evidences = Callable[[int], tuple[Evidence, ...]]
"""From an option (its position) to the evidence on it."""


def measured(what: str, figure: Floats, limit: Floats | float, unit: str, at: Ints | None = None) -> Evidences:
    """Return the evidence of a figure against a limit; both by option, or by place with `at` the place of an option."""

    def of(option: int) -> tuple[Evidence, ...]:
        k = option if at is None else int(at[option])
        value = float(figure[k])
        if np.isnan(value):
            return (Evidence(f"{what}: not known"),)
        most = float(limit[k]) if isinstance(limit, np.ndarray) else float(limit)
        return (Evidence(f"{what}: {value:.4g} {unit} against {most:.4g} {unit}", value, most, unit),)

    return of


def worded(sentence: Callable[[int], str]) -> Evidences:
    """Return the evidence that is one sentence, by option."""
    return lambda option: (Evidence(sentence(option)),)


def of_column(what: str, values: NDArray[np.object_], allowed: str) -> Evidences:
    """Return the evidence that an option's value is not what is allowed; "" is unknown."""
    return worded(lambda option: f"{what} is {values[option] or 'not known'}; allowed: {allowed}")
