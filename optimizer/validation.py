"""What compiling an instance and stating its model find wrong or without effect, without a solve."""

from __future__ import annotations

import numpy as np

from formulations.problem import Problem
from optimizer.compile.assemble import NothingEligibleError, compile_instance
from optimizer.compile.effort import MOST_STEPS_TO_VALIDATE, TooLargeError
from optimizer.compile.untouched import untouched, untouched_by, warnings_of
from optimizer.compile.world import World, resolve_world
from optimizer.instance.models import Instance
from optimizer.instance.plausible import implausible
from optimizer.solve.driver import check_range

MOST_COLUMNS = 5_000_000
"""Models of more columns are not stated to look at the range of their rows; `solve` does."""


def warnings_on(instance: Instance) -> tuple[str, ...]:
    """Return which figures are implausible and what touches nothing; whatever `solve` refuses is refused here as well.

    An instance that takes too long to compile for this is not compiled; a warning says so.

    Raises
    ------
    InputError
        The instance names something that the catalogue or the law pack does not know, lacks something that a law or an
        endpoint needs, or states amounts too small to be planned or too far apart for the solver.
    """
    try:
        compiled = compile_instance(instance, instance.folder, most_steps=MOST_STEPS_TO_VALIDATE)
    except NothingEligibleError as nothing:
        return warnings_of_world(nothing.world)
    except TooLargeError as large:
        catalogue = resolve_world(instance, instance.folder).catalogue
        unseen = f"what only compiling finds was not looked for: {large.size}; domicile solve looks for it"
        return (*implausible(instance, catalogue), unseen)
    if _columns(compiled.problem) <= MOST_COLUMNS:
        check_range(compiled.problem)
    world = compiled.world
    found = [*untouched(world), *untouched_by(compiled.problem, world, compiled.ledger)]
    today = compiled.relocations.warnings
    return (*implausible(instance, world.catalogue), *today, *warnings_of(found, world))


def warnings_of_world(world: World) -> tuple[str, ...]:
    """Return which figures are implausible, and what touches nothing whatever the workloads may use."""
    return (*implausible(world.instance, world.catalogue), *warnings_of(untouched(world), world))


def _columns(problem: Problem) -> int:
    """Return how many columns a model has at most: slots, flows, and a flow for every failure of a place."""
    surviving = np.isin(problem.services.workload[problem.flows.stream], problem.survival.workload)
    places = len(np.unique(problem.slots.region))
    return len(problem.slots.offer) + len(problem.flows.slot) + int(surviving.sum()) * places
