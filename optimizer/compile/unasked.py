"""What laws ask of data and no instance states: told by name, so that silence is not taken for an answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.compile.law import LawView
    from optimizer.laws.judge import Bench

SHOWN = 5
"""So many names a warning says; it counts the rest."""


def onward_warning(view: LawView) -> tuple[str, ...]:
    """Return a warning that names workloads and datasets whose recipients nobody states, and the laws that ask."""
    names: dict[str, None] = {}
    laws: dict[str, None] = {}
    owners = [(a.workload_id, a.profiles[0]) for a in view.activities]
    owners += list(zip((d.id for d in view.world.instance.datasets), view.dataset_profiles, strict=True))
    known: dict[object, tuple[str, ...]] = {}
    for name, profile in owners:
        if profile.onward is None and name not in names and view.pack is not None:
            if profile not in known:
                judge = view.pack.judge_for(profile, view.dates[0], view.context)
                regulated = judge.coverage is not None and judge.coverage.regulated
                known[profile] = tuple(_restricting(judge.bench)) if regulated else ()
            names.update({name: None} if known[profile] else {})
            laws.update(dict.fromkeys(known[profile]))
    if not names:
        return ()
    return (
        f"onward transfer is not asked of {_shown(names)}: to whom their data are sent on is not stated "
        f"(onward, of the data; [] if to nobody), and {_shown(laws)} rule on it",
    )


def _restricting(bench: Bench) -> Iterable[str]:
    """The laws that bind the data and leave not every place open to whoever works on them."""
    for bound in bench.bound:
        if any(not (rule.is_none or rule.is_free) for rule in bound.processing):
            yield bound.law.id


def _shown(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:SHOWN]) + (f" and {len(every) - SHOWN} more" if len(every) > SHOWN else "")
