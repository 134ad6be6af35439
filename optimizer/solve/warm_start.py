"""What solves begin with and hand on, while a context lasts (see `optimizer.solve.decomposition.handed`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.solve.decomposition.handed import Handed
    from optimizer.solve.decomposition.proven import Proven


@dataclass
class Handing:
    """What a solve may begin with (`known`), what was `proven` of programs before, and what it hands on (`made`)."""

    known: Handed | None = None
    proven: Proven | None = None
    made: Handed | None = None


_HANDING: ContextVar[Handing | None] = ContextVar("handing", default=None)


@contextmanager
def handing_on(known: Handed | None = None, proven: Proven | None = None) -> Iterator[Handing]:
    """Let solves in this context begin with what is known, and not prove again what is proven; the first one that
    decomposes notes what it hands on.
    """
    handing = Handing(known, proven)
    token = _HANDING.set(handing)
    try:
        yield handing
    finally:
        _HANDING.reset(token)


def current_handing() -> Handing | None:
    """Return what solves in this context begin with and hand on; None where nothing is."""
    return _HANDING.get()


def is_handed() -> bool:
    """Whether prices and columns were handed to solves in this context."""
    handing = _HANDING.get()
    return handing is not None and handing.known is not None
