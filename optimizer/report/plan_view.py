"""A plan for people: what goes where, what it costs, what binds, and the law behind it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from optimizer.explain.conflict_rows import Conflict
from optimizer.plan.models import Cluster, LeastCarbon, Plan, Start
from optimizer.plan.rows import CLASH, Ineligible, Placement
from optimizer.report.actions_view import conditional, render_actions, render_sovereignty
from optimizer.report.buying_view import render_idle, render_purchases
from optimizer.report.carbon_view import carbon_lines
from optimizer.report.infeasible_view import conflict_members
from optimizer.report.limits_view import render_limits
from optimizer.report.missing_view import missing_line, open_switching, refused_line, render_missing, render_refused
from optimizer.report.parts import (
    UNKNOWN,
    add_rows,
    amount,
    amounts_in,
    bullet,
    grid,
    heading,
    money,
    percent,
    put,
    some,
    usd,
)
from optimizer.report.plain import printable_model
from optimizer.report.today_view import render_today, today_lines

STATUS_STYLE = {"optimal": "bold green", "feasible": "bold yellow", "infeasible": "bold red", "no_plan": "bold red"}
TERMINATION = {
    "gap_reached": "the asked gap is proven",
    "time_limit": "stopped by the time limit",
    "interrupted": "stopped on request",
    "infeasible": "no plan obeys every rule",
    "limit": "stopped by a limit",
    "contradiction": "the bound found contradicts the plan: nothing is proven",
}
ROUNDING = 1e-9
QUALITIES_TOLD = 1e-4


def render_plan(
    plan: Plan, console: Console, *, verbose: bool = False, conflict: Conflict | None = None
) -> None:
    """Print a plan as a set of tables, control characters written out; `verbose` shows every row and every quota.

    `conflict`: why an infeasible instance has no plan, where somebody asked.
    """
    plan = printable_model(plan)
    with amounts_in(plan.currency):
        _render(plan, None if conflict is None else printable_model(conflict), console, verbose=verbose)


def _render(plan: Plan, conflict: Conflict | None, console: Console, *, verbose: bool) -> None:
    _headline(plan, console)
    if plan.status == "no_plan":
        bullet(console, "no plan was found before it was stopped; maybe allow more time, or try another method")
    if plan.status == "infeasible":
        _diagnosis(plan, conflict, console)
        _ineligible(plan, console, verbose=verbose)
    if plan.placements:
        _placements(plan, console, verbose=verbose)
        _unserved(plan, console)
        _data(plan, console, verbose=verbose)
        _mechanisms(plan, console)
        render_limits(plan, console, verbose=verbose)
        render_purchases(plan, console, verbose=verbose)
        render_idle(plan, console, verbose=verbose)
        _cost(plan, console)
    render_sovereignty(plan, console, verbose=verbose)
    render_actions(plan, console, verbose=verbose)
    _law(plan, console, verbose=verbose)
    render_missing(plan, console, verbose=verbose)
    render_refused(plan, console, verbose=verbose)
    _quality(plan, console, verbose=verbose)


def _headline(plan: Plan, console: Console) -> None:
    status = plan.status or "plan"
    name = f"{plan.instance_name}: " if plan.instance_name else ""
    told = TERMINATION.get(plan.termination or "", "")
    style = STATUS_STYLE.get(status, "bold")
    asks = conditional(plan)
    console.print(
        Text.assemble(
            (name, "bold"), (status, style), f" ({told})" if told else "", (f", {asks}" if asks else "", "bold yellow")
        )
    )
    table = grid(["", "figure", "note"], right=["figure"])
    table.show_header = False
    rows: list[tuple[str, str, str]] = []
    if plan.objective_usd is not None:
        rows.append(("cost", money(plan.objective_usd), _horizon(plan)))
    if plan.currency is not None:
        of = plan.currency
        day = f"rate of {of.date.isoformat()}" if of.date is not None else "day of the rate not stated"
        rows.append(("currency", f"1 {of.code} = {of.usd_per_unit:g} USD", day))
    if plan.own_cost_usd is not None:
        rows.append(("own cost terms", money(plan.own_cost_usd), "the bound is of the sum"))
    if plan.bound_usd is not None:
        gap = f"gap {percent(plan.gap, 2)}" if plan.gap is not None else ""
        rows.append(("proven bound", money(plan.bound_usd), gap))
    if plan.placements:
        rows += carbon_lines(plan)
        if plan.energy_kwh is not None:
            rows.append(("energy", amount(plan.energy_kwh, "kWh"), ""))
        if plan.water_l is not None:
            rows.append(("water", amount(plan.water_l, "l"), ""))
        if plan.least_carbon is not None:
            rows.append(_second(plan.least_carbon))
        if plan.missing_figures:
            rows.append(missing_line(plan))
        if plan.refused:
            rows.append(refused_line(plan))
        if plan.today is not None:
            rows.extend(today_lines(plan.today))
    if plan.start is not None:
        rows.append(_start(plan.start))
    if plan.cluster is not None:
        rows.append(_cluster(plan.cluster))
    if rows:
        add_rows(table, rows, verbose=True)
        console.print(table)


def _second(second: LeastCarbon) -> tuple[str, str, str]:
    """Return the line on the second solve, for least carbon: its proven bound, and what it saved."""
    if second.status == "not_run":
        return "least carbon", "not run", TERMINATION.get(second.termination, "")
    gap = f"gap {percent(second.gap, 2)}, " if second.gap is not None else ""
    before = f"{amount(second.carbon_before_kg, 'kg')} at least cost" if second.carbon_before_kg is not None else ""
    return "proven carbon bound", amount(second.bound_kg, "kg CO2e"), f"{gap}{before}"


def _start(told: Start) -> tuple[str, str, str]:
    """Return the line on the earlier plan that the solve began from."""
    made = "nothing found" if told.cost_usd is None else money(told.cost_usd)
    return "began with", made, f"{told.kept:,} of {told.placements:,} placements of the earlier plan are possible here"


def _cluster(told: Cluster) -> tuple[str, str, str]:
    """Return the line on what a cluster's workers answered, and how much of it was checked."""
    if told.thrown_out is not None:
        return "cluster", "thrown out", f"a wrong answer of {told.thrown_out}"
    note = f"{told.checked:,} of them solved again here (rate {percent(told.rate)}, seed {told.seed})"
    left = f"; then threads took over: {told.failed}" if told.failed is not None else ""
    return "cluster", f"{told.answers:,} answers", f"{note}{left}"


def _horizon(plan: Plan) -> str:
    if plan.horizon is None:
        return ""
    hours = sum(period.hours for period in plan.horizon.periods)
    count = len(plan.horizon.periods)
    parts = f" in {count} periods" if count > 1 else ""
    return f"over {hours:,.6g} h from {plan.horizon.start.isoformat()}{parts}"


def _placements(plan: Plan, console: Console, *, verbose: bool) -> None:
    """One row per workload and offer, its streams together and its periods summed up."""
    heading(console, "Placements")
    groups: dict[tuple[str, str, str, str], list[Placement]] = defaultdict(list)
    for row in plan.placements:
        offer = row.sku or row.endpoint or ""
        groups[row.workload, row.region_id, offer, row.purchase or ""].append(row)
    seals = {row.region_id: row.seal for row in plan.sovereignty}
    columns = ["workload", "streams", "region", "ms", "offer", "instances", "USD", "kg CO2e", "law, safeguard"]
    columns += ["SEAL (policy)"] if seals else []
    table = grid(columns, right=["ms", "instances", "USD", "kg CO2e"], whole=["workload", "region"])
    before = ""
    rows: list[Sequence[str | Text]] = []
    for (workload, _, offer, purchase), members in sorted(groups.items(), key=lambda item: item[0]):
        region = f"{members[0].region_id} {members[0].country}".strip()
        bought = f"{offer} {purchase}" if purchase not in ("", "on_demand") else offer
        owned = some([name for row in members for name in row.commitments], 3)
        rows.append([
            workload if workload != before else "",
            some([row.stream for row in members if row.stream], 4),
            region,
            _round_trip(members),
            f"{bought} {owned}" if owned else bought,
            _instances(members),
            usd(_total([row.cost_usd for row in members])),
            amount(_total([row.carbon_kg for row in members])),
            _basis(members),
            *([seals.get(members[0].region_id, "")] if seals else []),
        ])  # fmt: skip
        before = workload
    put(console, table, add_rows(table, rows, verbose=verbose))
    _moves(plan, console)
    render_today(plan, console, verbose=verbose)


def _instances(members: Sequence[Placement]) -> str:
    """Instances kept (least to most over the periods), or the endpoint's rate, with the hours of use of a job."""
    if members[0].endpoint:
        return f"{amount(max(sum(r.served_per_s for r in m) for m in _by_period(members)))}/s"
    counts = [sum(row.instances for row in rows) for rows in _by_period(members)]
    low, high = min(counts), max(counts)
    text = f"{high:g}" if high - low < ROUNDING else f"{low:g}-{high:g}"
    worked = [row.instance_hours for row in members if row.work_units is not None and row.instance_hours is not None]
    return f"{text} x {sum(worked) / max(high, 1):,.4g} h" if worked else text


def _round_trip(members: Sequence[Placement]) -> str:
    """Return the round trip nearest to its limit, and the limit: `~23/45` where it is an estimate; else the longest."""
    timed = [(row.rtt_ms, row.max_rtt_ms, row) for row in members if row.rtt_ms is not None]
    if not timed:
        return ""
    limited = [(limit - rtt, row) for rtt, limit, row in timed if limit is not None]
    row = min(limited, key=lambda pair: pair[0])[1] if limited else max(timed, key=lambda one: one[0])[2]
    limit = f"/{row.max_rtt_ms:g}" if row.max_rtt_ms is not None else ""
    return f"{'~' if row.rtt_source == 'estimated' else ''}{row.rtt_ms:.0f}{limit}"


def _by_period(members: Sequence[Placement]) -> list[list[Placement]]:
    periods: dict[str, list[Placement]] = defaultdict(list)
    for row in members:
        periods[row.period].append(row)
    return list(periods.values())


def _total(values: Sequence[float | None]) -> float | None:
    """Return the sum, None if any part is unknown."""
    return None if None in values else sum(value for value in values if value is not None)


def _basis(members: Sequence[Placement]) -> str:
    laws = some([law for row in members for law in row.laws], 2)
    safeguards = some([name for row in members for name in row.mechanisms], 2)
    flags = [flag for row in members for flag in row.flags if flag in ("weak_law", "unreviewed_law")]
    text = f"{laws} with {safeguards}" if safeguards else laws
    return f"{text} ({some(flags)})" if flags else text


def _moves(plan: Plan, console: Console) -> None:
    for move in plan.moves:
        cost = f" for {money(move.cost_usd)}" if move.cost_usd else ""
        bullet(console, f"{move.job} moves from {move.source} to {move.target} before {move.period}{cost}")
    for region in plan.regions:
        if region.standby:
            bullet(console, f"{region.region_id} is kept as a standby for {money(region.fixed_usd)}")


def _unserved(plan: Plan, console: Console) -> None:
    if not plan.unserved:
        return
    heading(console, "Left unserved")
    table = grid(["workload", "stream", "period", "amount", "USD"], right=["amount", "USD"])
    rows = [
        [row.workload, row.stream or "", row.period or "",
         f"{amount(row.per_s)}/s" if row.per_s is not None else amount(row.work_units), usd(row.cost_usd)]
        for row in plan.unserved
    ]  # fmt: skip
    put(console, table, add_rows(table, rows, verbose=False))


def _data(plan: Plan, console: Console, *, verbose: bool) -> None:
    if not plan.copies:
        return
    heading(console, "Data at rest")
    brought = ["brought from"] if any(copy.source for copy in plan.copies) else []
    table = grid(["dataset", "region", "GB", "USD", *brought, "read from elsewhere", "duty, safeguards"],
                 right=["GB", "USD"], whole=["region"])  # fmt: skip
    away: dict[tuple[str, str], list[str]] = defaultdict(list)
    for way in plan.transfers:
        if way.source != way.target and way.gb > 0:
            price = f" ({money(way.cost_usd)})" if way.cost_usd else ""
            away[way.dataset, way.source].append(f"{amount(way.gb, 'GB')} to {way.target}{price}")
    rows = [
        [copy.dataset, f"{copy.region_id} {copy.country}".strip(), amount(copy.size_gb), usd(copy.cost_usd),
         *[copy.source or "" for _ in brought], some(away.get((copy.dataset, copy.region_id), [])),
         some([*copy.duty, *copy.mechanisms])]
        for copy in plan.copies
    ]  # fmt: skip
    put(console, table, add_rows(table, rows, verbose=verbose))


def _mechanisms(plan: Plan, console: Console) -> None:
    if not plan.mechanisms:
        return
    heading(console, "Legal safeguards in force")
    table = grid(["safeguard", "for", "USD", "asked by"], right=["USD"])
    rows = [
        [use.mechanism, "/".join(use.key), "held" if use.held else usd(use.cost_usd), some(use.laws, 4)]
        for use in plan.mechanisms
    ]
    put(console, table, add_rows(table, rows, verbose=False))


def _cost(plan: Plan, console: Console) -> None:
    shown = [(term, value) for term, value in plan.cost_breakdown_usd.items() if value]
    if not shown:
        return
    heading(console, "Cost")
    whole = sum(value for _, value in shown)
    table = grid(["term", "USD", "share"], right=["USD", "share"])
    rows = [[term.replace("_", " "), usd(value), percent(value / whole if whole else None)] for term, value in shown]
    put(console, table, add_rows(table, [*rows, ["total", usd(whole), ""]], verbose=True))


def _law(plan: Plan, console: Console, *, verbose: bool) -> None:
    if plan.legal_register:
        heading(console, "Law")
        table = grid(["law", "decided", "rows", "citation", "flags"], right=["rows"], whole=["law"])
        entries = sorted(plan.legal_register, key=lambda entry: (-entry.placements, entry.law))
        shown = entries if verbose else entries[:15]
        rows = [[e.law, e.decided, str(e.placements), e.citation, ", ".join(e.flags)] for e in shown]
        rest = add_rows(table, rows, verbose=True)
        left = len(entries) - len(shown)
        put(console, table, rest or (f"... and {left} more laws in the plan file" if left else ""))
        for entry in entries:
            for duty in entry.obligations:
                bullet(console, f"obligation under {entry.law}: {duty}")
    for text, names in (
        ("touch this estate and have no effect on the plan yet", plan.unmodelled_laws),
        ("were applied without a reviewed trigger", plan.unreviewed_laws),
    ):
        if names:
            bullet(console, f"{len(names)} laws {text}: {some(names, len(names) if verbose else 6)}")


def _diagnosis(plan: Plan, conflict: Conflict | None, console: Console) -> None:
    if plan.diagnosis:
        heading(console, "Why there is no plan")
        if conflict is not None:
            bullet(console, conflict.sentence, style="bold")
            conflict_members(conflict, console)
        known = [line for line in plan.diagnosis if conflict is None or line != CLASH]
        for line in (*known, *(row.sentence for row in plan.shortfalls)):
            bullet(console, line)


def _ineligible(plan: Plan, console: Console, *, verbose: bool) -> None:
    if not plan.ineligible:
        return
    heading(console, "Options ruled out")
    table = grid(["workload", "stream", "reason", "by", "options", "alone"], right=["options", "alone"])

    def owner(row: Ineligible) -> str:
        return row.workload if row.workload is not None else f"dataset {row.dataset}"

    rows = [
        [owner(row), row.stream or "", row.reason.replace("_", " "), row.rule or "",
         f"{row.options:,}", f"{row.alone:,}"]
        for row in sorted(plan.ineligible, key=lambda row: (owner(row), row.stream or "", -row.options))
    ]
    put(console, table, add_rows(table, rows, verbose=verbose))


def _quality(plan: Plan, console: Console, *, verbose: bool) -> None:
    told = [q for q in plan.data_quality if max(q.cost_share or 0.0, q.carbon_share or 0.0) > QUALITIES_TOLD]
    flags = Counter(flag for row in plan.placements for flag in row.flags)
    unfinished = open_switching(plan)
    if not told and not plan.warnings and not flags and not plan.switching and unfinished is None:
        return
    heading(console, "What this rests on")
    for figure in plan.switching:
        bullet(console, figure.sentence)
    if unfinished is not None:
        bullet(console, unfinished)
    for quality in told:
        cost = percent(quality.cost_share) if quality.cost_share is not None else UNKNOWN
        carbon = percent(quality.carbon_share) if quality.carbon_share is not None else UNKNOWN
        note = f" ({quality.note})" if quality.note else ""
        bullet(console, f"{quality.quality} figures: {cost} of the cost, {carbon} of the carbon{note}")
    shown = plan.warnings if verbose else plan.warnings[:12]
    for warning in shown:
        bullet(console, warning, "yellow")
    if len(shown) < len(plan.warnings):
        console.print(Text(f"... and {len(plan.warnings) - len(shown)} more warnings in the plan file", style="dim"))
