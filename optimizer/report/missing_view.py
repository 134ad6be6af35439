"""What a plan says of options out only for want of a figure, or refused because nobody knows: what that may cost."""

from __future__ import annotations

from rich.console import Console

from optimizer.plan.models import Plan
from optimizer.report.parts import add_rows, bullet, grid, heading, money, percent, put, usd

WORDS = {
    "missing_price": "price", "missing_storage_price": "price of storage", "missing_egress_price": "price of egress",
    "missing_power": "power", "missing_pue": "PUE", "missing_grid": "grid intensity", "missing_wue": "WUE",
    "missing_embodied": "embodied carbon", "missing_interruption": "interruption share", "no_throughput": "speed",
    "rtt_unknown": "round trip",
}  # fmt: skip


def missing_line(plan: Plan) -> tuple[str, str, str]:
    """Return the line of the first screen on options that are out only for want of a figure."""
    figures = ", ".join(dict.fromkeys(WORDS.get(row.figure, row.figure) for row in plan.missing_figures))
    cost = _at_most(plan, plan.missing_figures_usd, "missing_figures")
    return "figures missing", cost, f"options out for want of {figures}"


REFUSED = {
    "law_unknown": "law", "access_unknown": "support countries", "certificate_unknown": "certificates",
    "sovereignty_unknown": "sovereignty", "chip_unknown": "export figures of chips",
    "tenant_unknown": "who uses the capacity",
}  # fmt: skip


def refused_line(plan: Plan) -> tuple[str, str, str]:
    """Return the line of the first screen on options that are refused only because nobody knows."""
    what = ", ".join(dict.fromkeys(REFUSED.get(row.reason, row.reason) for row in plan.refused))
    options = sum(row.options for row in plan.refused)
    return "refusing", _at_most(plan, plan.refused_usd, "refused"), f"{options:,} options out for unknown {what}"


def render_refused(plan: Plan, console: Console, *, verbose: bool) -> None:
    """Print the options that are refused only because nobody knows, by reason and rule."""
    if not plan.refused:
        return
    heading(console, "Refused only because nobody knows")
    table = grid(["what", "rule", "options", "by this alone"], right=["options", "by this alone"])
    rows = [
        [REFUSED.get(row.reason, row.reason) + (" (copies)" if row.of == "copies" else ""), row.rule or "",
         f"{row.options:,}", f"{row.alone:,}"]
        for row in plan.refused
    ]  # fmt: skip
    put(console, table, add_rows(table, rows, verbose=verbose))


def _at_most(plan: Plan, usd_: float | None, what: str) -> str:
    row = next((row for row in plan.unfinished if row.what == what), None)
    seconds = None if row is None else row.seconds
    if usd_ is None:
        short = "" if row is None else f": {row.seconds:.0f} s were too short" if row.asked else ": nobody asked"
        return f"not bounded{short}"
    parts = [percent(usd_ / plan.objective_usd, 2)] if plan.objective_usd else []
    parts += [f"{seconds:.0f} s were too short for a closer bound"] if seconds is not None else []
    return f"cost at most {money(usd_)}" + (f" ({'; '.join(parts)})" if parts else "")


def open_switching(plan: Plan) -> str | None:
    """Return the sentence on figures of which nobody found out where they change the plan; None if there are none."""
    for row in plan.unfinished:
        if row.what == "switching":
            figures = "1 more figure changes" if row.questions == 1 else f"{row.questions} more figures change"
            return f"where {figures} the plan was not found: {row.seconds:.0f} s were too short"
    return None


def render_missing(plan: Plan, console: Console, *, verbose: bool) -> None:
    """Print the options that are out only for want of a figure, by figure and by the rule that asks for it."""
    if not plan.missing_figures:
        return
    heading(console, "Out only for want of a figure")
    table = grid(["figure", "asked by", "options", "lack only this", "may cost USD at most"],
                 right=["options", "lack only this", "may cost USD at most"])  # fmt: skip
    rows = [
        [WORDS.get(row.figure, row.figure) + (" (copies)" if row.of == "copies" else ""), row.rule or "every option",
         f"{row.options:,}", f"{row.alone:,}", "" if row.may_cost_usd is None else usd(row.may_cost_usd)]
        for row in plan.missing_figures
    ]  # fmt: skip
    put(console, table, add_rows(table, rows, verbose=verbose))
    out = sum(row.unestimated or 0 for row in plan.missing_figures)
    if out:
        bullet(console, f"{out:,} of these have no estimate either, and the bound leaves them out")
