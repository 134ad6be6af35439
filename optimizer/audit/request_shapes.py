"""How near request shapes are to each other: input and output tokens, each at most a factor of four away."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NEAR = math.log(4) + 1e-9


def apart(shape: tuple[float, float], other: tuple[float, float]) -> float | None:
    """Return how far two request shapes are from each other, None if too far in either length or not known."""
    if not (other[0] > 0 and other[1] > 0):
        return None
    i, o = (abs(math.log(b / a)) for a, b in zip(shape, other, strict=True))
    return i + o if max(i, o) <= NEAR else None


def nearest(rows: pd.DataFrame, shape: tuple[float, float]) -> tuple[tuple[float, float], pd.DataFrame] | None:
    """Return the nearest shape among the rows, with those of it."""
    shapes = list(dict.fromkeys(zip(rows.input_tokens.tolist(), rows.output_tokens.tolist(), strict=True)))
    near = [(away, (float(i), float(o))) for i, o in shapes if (away := apart(shape, (i, o))) is not None]
    if not near:
        return None
    i, o = min(near, key=lambda pair: pair[0])[1]
    return (i, o), rows[rows.input_tokens.eq(i) & rows.output_tokens.eq(o)]
