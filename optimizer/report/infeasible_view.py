"""Why an instance has no plan, for people: the first conflict and the first repairs on one screen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from optimizer.explain.conflict_rows import Conflict, InfeasibleAnswer, Repair, Servable, Step
from optimizer.report.parts import amounts_in, bullet, heading, money, percent, some
from optimizer.report.plain import printable_model

MOST_RULES, MOST_REPAIRS, MOST_UNDECIDED = 8, 5, 2
NOTICED = 1e-3
"""Part of the demand that is told."""
STATUS = {
    "feasible": "a plan exists (found and audited): there is no conflict",
    "unknown": "time ran out before a plan was found or proven not to exist",
    "infeasible": "no plan (proven)",
}  # fmt: skip


def render_infeasible(answer: InfeasibleAnswer, console: Console) -> None:
    """Print an answer; control characters are written out."""
    answer = printable_model(answer)
    with amounts_in(answer.currency):
        head = STATUS[answer.status]
        for conflict in answer.conflicts[:1]:
            head = f"{head}: {conflict.sentence}"
        console.print(Text(head, style="bold"))
        for conflict in answer.conflicts[:1]:
            conflict_members(conflict, console)
        if answer.repairs:
            heading(console, "Each of these changes admits a plan, those that serve everything first")
            for repair in answer.repairs[:MOST_REPAIRS]:
                bullet(console, _repair(repair))
        elif answer.status == "infeasible":
            bullet(console, "no repair was found that leaves alone what nobody may move")
        if answer.servable is not None:
            _servable(answer.servable, console)
        for conflict in answer.conflicts[1:]:
            bullet(console, f"besides: {conflict.sentence}{'' if conflict.proven_minimal else ' (not proven minimal)'}")
        for one in answer.figures:
            if one.admits_plan:
                bullet(console, f"supply {one.figure}: {one.options:,} options are out only for want of figures, and "
                                "with an estimate for this one there is a plan")  # fmt: skip
        if answer.waterfall:
            _waterfall(answer.waterfall, console)
        for rules in answer.undecided[:MOST_UNDECIDED]:
            bullet(console, f"not settled in time: whether a plan exists without {' and '.join(rules)}")
        if not answer.complete:
            bullet(console, "partial: some of it was not settled in time (--time-limit gives more)")


def conflict_members(conflict: Conflict, console: Console) -> None:
    """Print the members of a conflict, and what is proven of it."""
    for rule in conflict.rules[:MOST_RULES]:
        source = f" ({rule.source})" if rule.source else ""
        stays = "; immovable" if rule.immovable else ""
        bullet(console, f"{rule.id}{source}: {rule.sentence}{stays}")
    if len(conflict.rules) > MOST_RULES:
        bullet(console, f"{len(conflict.rules) - MOST_RULES} more members (--json lists them)")
    if conflict.proven_minimal:
        bullet(console, "proven minimal: without any one of them the others have a plan (found and audited)")
    else:
        bullet(console, "not proven minimal: some of them may not be needed")


def _repair(repair: Repair) -> str:
    spread = ""
    if repair.cost_usd is not None and repair.bound_usd is not None and repair.cost_usd - repair.bound_usd > 1.0:
        spread = f" (at least {money(repair.bound_usd)})"
    carbon = "" if repair.carbon_kg is None else f", {repair.carbon_kg:,.4g} kg CO2e"
    least = "; less would not do (proven)" if repair.least else ""
    tried = "" if repair.verified else "; not tried"
    return f"{repair.sentence}: then {money(repair.cost_usd)}{spread}{carbon}{least}{tried}"


def _servable(told: Servable, console: Console) -> None:
    cost = "" if told.cost_usd is None else f", for {money(told.cost_usd)}"
    total = len(told.served) + len(told.deferred)
    bullet(console, f"as it stands {len(told.served)} of {total} workloads can be served by priority{cost}: "
                    f"{some(told.served, 6)}; deferred: {some(told.deferred, 6) or 'none'}")  # fmt: skip


def _waterfall(steps: Sequence[Step], console: Console) -> None:
    heading(console, "Of the demand, what each step leaves")
    before = 1.0
    for step in steps:
        left = step.at_most if step.left is None else step.left
        known = f"{percent(left):>8}" if step.left is not None else f"<={percent(left)}"
        most = "" if step.at_most - left < NOTICED else f" (at most {percent(step.at_most)})"
        taken = f"  {some(step.taken_by)}" if step.taken_by and left < before - NOTICED else ""
        console.print(Text(f"{step.step:<10} {known:>8}  {'#' * round(20 * left):<20}{most}{taken}".rstrip()))
        before = left
