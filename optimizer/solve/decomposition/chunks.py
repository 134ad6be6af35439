"""What a worker does: solve a few small programs that came in one message, if it is of the same release.

A worker, wherever it runs, imports nothing of domicile but this module, `replies`, `small` and `scaling`.
"""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from optimizer import __version__
from optimizer.solve.decomposition import replies, small
from optimizer.solve.decomposition.small import Effort, SmallAnswer, SmallProgram, solve_small
from optimizer.solve.highs import scaling


@dataclass(frozen=True)
class Chunk:
    """Small programs to be solved with the same effort, each with the factor that brings its cost near 1."""

    programs: tuple[SmallProgram, ...]
    scales: tuple[float, ...]
    effort: Effort


def _source(module: ModuleType) -> str:
    """Return the source of a module, empty where there is none."""
    spec = module.__spec__
    return str(getattr(spec.loader, "get_source", lambda name: None)(spec.name) or "") if spec is not None else ""


@cache
def release() -> str:
    """Return what decides the answers here: version of domicile, digest of what solves the programs, HiGHS."""
    from highspy import _core

    source = "\n".join(line for module in (small, scaling, replies) for line in _source(module).splitlines())
    digest = hashlib.sha256(source.encode()).hexdigest()[:8]
    return f"domicile {__version__} ({digest}) with HiGHS {_core._Highs().version()}"


def solve_chunk(chunk: Chunk) -> list[SmallAnswer]:
    """Solve the programs one after the other."""
    return [
        solve_small(program, chunk.effort, scale=scale)
        for program, scale in zip(chunk.programs, chunk.scales, strict=True)
    ]


def solve_message(asked_by: str, message: bytes) -> bytes:
    """Solve a pickled chunk for someone of the release `asked_by`; return the reply (see `replies`).

    The message is not read when that is not the release here. Raises nothing: an exception would travel as a pickle.
    """
    if asked_by != release():
        return replies.encode_refusal(f"a worker is of release {release()}, the solve of {asked_by}")
    try:
        chunk: Chunk = pickle.loads(message)
        return replies.encode(solve_chunk(chunk), chunk.programs)
    except Exception as error:
        return replies.encode_refusal(f"{type(error).__name__}: {error}")
