"""The compile step: from a validated `Instance` to a `Problem` of arrays, with the ledger of why things are out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled, NothingEligibleError, compile_instance
    from optimizer.compile.world import World, resolve_world

__all__ = ["Compiled", "NothingEligibleError", "World", "compile_instance", "resolve_world"]


def __getattr__(name: str) -> Any:
    if name in ("World", "resolve_world"):
        from optimizer.compile import world

        return getattr(world, name)
    if name in __all__:
        from optimizer.compile import assemble

        return getattr(assemble, name)
    raise AttributeError(f"module 'optimizer.compile' has no attribute {name!r}")
