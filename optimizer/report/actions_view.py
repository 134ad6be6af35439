"""What somebody has to find out or confirm before a plan stands, and what is known of sovereignty."""

from __future__ import annotations

from rich.console import Console

from optimizer.plan.models import Plan
from optimizer.report.parts import add_rows, bullet, grid, heading, put, some


def conditional(plan: Plan) -> str:
    """Return what the headline says of open actions, "" without any; certificates are named."""
    certificates = tuple(
        dict.fromkeys(
            action.subject.partition("/")[2] for action in plan.open_actions if action.kind == "confirm_certificate"
        )
    )
    others = sum(action.kind != "confirm_certificate" for action in plan.open_actions)
    told = [" and ".join(certificates)] if certificates else []
    told += [f"{others} {'other ' if told else ''}open {'action' if others == 1 else 'actions'}"] if others else []
    return f"CONDITIONAL on {' and on '.join(told)}" if told else ""


def render_actions(plan: Plan, console: Console, *, verbose: bool) -> None:
    """Print one row per action, open ones first; `verbose` names every workload."""
    if not plan.actions:
        return
    heading(console, "Actions before this plan stands")
    table = grid(["what", "owner", "by", "concerns", "under"], whole=["under"])
    rows = [
        [
            action.sentence,
            action.owner,
            action.due.isoformat(),
            some((*action.workloads, *action.datasets), len(action.workloads) + 1 if verbose else 3),
            action.rule,
        ]
        for action in plan.open_actions
    ]
    put(console, table, add_rows(table, rows, verbose=verbose))
    for action in plan.actions:
        if action.accepted_by is not None:
            bullet(console, f"{action.rule} was accepted by {action.accepted_by}: {action.sentence}")


def render_sovereignty(plan: Plan, console: Console, *, verbose: bool) -> None:
    """Print what is known of the sovereignty that policies ask for, one row per region; nothing where none asks."""
    if not plan.sovereignty:
        return
    heading(console, "Sovereignty, by policies of the instance's own; no law asks for it")
    table = grid(["region", "policy", "SEAL", "score", "levels", "by"], right=["score"], whole=["region"])
    rows = [
        [
            row.region_id,
            row.policy,
            row.seal,
            "not known" if row.score is None else f"{row.score:.1f} %",
            ", ".join(row.levels),
            row.evidence or "nobody",
        ]
        for row in plan.sovereignty
    ]
    put(console, table, add_rows(table, rows, verbose=verbose))
