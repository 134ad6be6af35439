"""Why a workload is where it is, and what another place would take, for people: the answer on one screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from optimizer.explain.rows import Instead, Interval, Opening, Place, RunnerUp, WhyAnswer
from optimizer.report.parts import amount, amounts_in, bullet, grid, heading, money, percent, put, some, usd
from optimizer.report.plain import printable_model

MOST_ROWS, MOST_RULES = 6, 6


def render_why(answer: WhyAnswer, console: Console) -> None:
    """Print an answer; control characters are written out."""
    answer = printable_model(answer)
    with amounts_in(answer.currency):
        whose = answer.workload if answer.stream is None else f"{answer.workload}, stream {answer.stream}"
        spent = sum(answer.cost_by_term_usd.values())
        terms = ", ".join(f"{term.replace('_', ' ')} {usd(cost)}" for term, cost in answer.cost_by_term_usd.items())
        console.print(Text.assemble((whose, "bold"), f": {money(spent)} of its own ({terms or 'nothing'})"))
        _placements(answer.placements, console)
        for told in _here(answer):
            bullet(console, told)
        if answer.instead is not None:
            _instead(answer.instead, console)


def _placements(places: Sequence[Place], console: Console) -> None:
    table = grid(["region", "runs on", "instances", "USD", "kg", "used", "round trip", "laws"],
                 right=["instances", "USD", "kg", "used"])  # fmt: skip
    for place in places[:MOST_ROWS]:
        row = place.placement
        trip = "" if row.rtt_ms is None else f"{row.rtt_ms:.4g} ms"
        limit = "" if row.max_rtt_ms is None else f" of {row.max_rtt_ms:g}"
        table.add_row(
            Text(row.region_id), Text(row.sku or row.endpoint or ""), Text(amount(row.instances)),
            Text(usd(row.cost_usd)), Text(amount(row.carbon_kg)),
            Text("" if place.utilisation is None else percent(place.utilisation, 0)), Text(trip + limit),
            Text(some(row.laws)),
        )  # fmt: skip
    rest = len(places) - MOST_ROWS
    put(console, table, f"... and {rest:,} more placements, all of them with --json" if rest > 0 else "")


def _here(answer: WhyAnswer) -> Iterator[str]:
    """Yield what shapes the choice, and the next best."""
    for bound in answer.bound_by[:MOST_RULES]:
        yield f"{bound.id}: {bound.sentence}"
    for told in answer.shared:
        yield f"shared with others: {told}"
    if answer.runner_up is not None:
        yield f"next best elsewhere: {_next_best(answer.runner_up)}"


def _next_best(row: RunnerUp) -> str:
    if row.possible is False:
        return " ".join(("none, proven.", *row.hindered_by))
    if not row.regions:
        return f"no plan was found in time; it costs more by {_between(row.extra_cost_usd)}{_at_prices(row)}"
    return f"{some(row.regions)}, {_costs_more(row)}"


def _costs_more(row: Instead | RunnerUp) -> str:
    held = "" if row.rest_held_usd is None else f"; {_signed(row.rest_held_usd)} with all else in its place"
    carbon = "" if row.extra_carbon_kg is None else f"; {row.extra_carbon_kg:+,.4g} kg CO2e in the plan found"
    extra, partial = row.extra_cost_usd, ""
    if not row.complete:
        width = "" if extra is None or extra.high is None else f", {money(extra.high - extra.low)} wide"
        partial = f" (time ran out: the interval{width}, may be wider than it need be)"
    return f"costs more by {_between(row.extra_cost_usd)}{_at_prices(row)}{held}{carbon}{partial}"


def _at_prices(row: Instead | RunnerUp) -> str:
    """Say the estimate where the interval is wide; one that lies outside of it says nothing."""
    extra, estimate = row.extra_cost_usd, row.at_prices_usd
    if row.complete or estimate is None or extra is None or not extra.low <= estimate <= (extra.high or estimate):
        return ""
    return f", some {money(estimate)} by the prices that prove the plan's bound (an estimate)"


def _signed(value_usd: float) -> str:
    return f"{'+' if value_usd >= 0 else '-'}{money(abs(value_usd))}"


def _between(extra: Interval | None) -> str:
    if extra is None:
        return "an amount that is not known"
    if extra.high is None:
        return f"{money(extra.low)} at least"
    return f"{usd(extra.low)} to {money(extra.high)} (proven)"


def _instead(row: Instead, console: Console) -> None:
    part = "" if row.share >= 1.0 else f"{percent(row.share)} of it in "
    heading(console, f"{part or 'In '}{row.place} instead")
    if row.held:
        bullet(console, f"{'everything' if row.share >= 1.0 else 'as much'} of it is there in this plan")
    elif row.eligible:
        _eligible(row, console)
    else:
        bullet(console, f"none of {row.options:,} options there is eligible for all of it")
        near = () if row.opened_by is None else row.opened_by.rules
        for rule in sorted(row.rules, key=lambda one: (one.id not in near, not one.alone))[:MOST_RULES]:
            source = f" ({rule.source})" if rule.source else ""
            alone = "; alone keeps an option out" if rule.alone else ""
            bullet(console, f"{rule.id}{source}: {'; '.join(rule.evidence)}{alone}")
        if len(row.rules) > MOST_RULES:
            bullet(console, f"{len(row.rules) - MOST_RULES} more rules keep options there out (--json lists them)")
        if row.opened_by is not None:
            bullet(console, _opening(row.opened_by), style="bold")


def _eligible(row: Instead, console: Console) -> None:
    if row.possible is False:
        part = "all" if row.share >= 1.0 else "so much"
        bullet(console, f"options there are eligible, and no plan puts {part} of it there (proven)", style="bold")
    elif row.possible is None:
        found = f"no plan was found in time; it costs more by {_between(row.extra_cost_usd)}{_at_prices(row)}"
        bullet(console, found, style="bold")
    else:
        bullet(console, _costs_more(row), style="bold")
    for told in row.hindered_by:
        bullet(console, told)
    for other in row.displaces[:MOST_RULES]:
        because = f", because nothing is left of {', '.join(other.because)}" if other.because else ""
        left, entered = some(other.left), some(other.entered)
        where = " ".join(([f"out of {left}"] if left else []) + ([f"into {entered}"] if entered else []))
        bullet(console, f"pushes {other.workload} {where}{because}")
    if len(row.displaces) > MOST_RULES:
        bullet(console, f"{len(row.displaces) - MOST_RULES} more workloads are elsewhere in it (--json lists them)")


def _opening(row: Opening) -> str:
    """Say the least that opens the place."""
    if row.unchangeable:
        return f"nothing that an instance states opens it: nobody can lift {', '.join(row.unchangeable)}"
    steps = "; ".join(_step(change) for change in row.changes)
    tried = "" if row.verified else " (other rules may then keep it out)"
    return f"the least that opens {row.option}: {steps}{tried}"


def _step(change: dict[str, object]) -> str:
    if change["op"] == "set_limit":
        return f"set {change['rule']} to {change['to']}"
    return f"{str(change['op']).replace('_', ' ')} {change['rule']}"
