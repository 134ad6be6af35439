"""What compiling an instance and stating its model find wrong or without effect, without a solve."""

from __future__ import annotations

from optimizer.compile.assemble import NothingEligibleError, compile_instance
from optimizer.compile.untouched import untouched, untouched_by, warnings_of
from optimizer.instance.models import Instance
from optimizer.solve.engine import check_range


def warnings_on(instance: Instance) -> tuple[str, ...]:
    """Return what the instance states and what touches nothing; whatever `solve` would refuse is refused here as well.

    Raises
    ------
    InputError
        The instance names something that the catalogue or the law pack does not know, lacks something that a law or an
        endpoint needs, or states amounts too small to be planned or too far apart for the solver.
    """
    try:
        compiled = compile_instance(instance, instance.folder)
    except NothingEligibleError as nothing:
        return warnings_of(untouched(nothing.world), nothing.world)
    check_range(compiled.problem)
    found = untouched_by(compiled.problem, compiled.world, compiled.ledger)
    return warnings_of([*untouched(compiled.world), *found], compiled.world)
