"""Where everything goes: workloads by country as a table, every placement, data at rest, and the map."""

from __future__ import annotations

from collections import defaultdict

from optimizer.plan.rows import Placement
from optimizer.report.charts.maps import Dot, Flow, world_map
from optimizer.report.pages.context import Context, by_country, doubts, plural, total
from optimizer.report.pages.view import (
    MOST_ON_PAPER,
    OPEN_ROWS,
    Block,
    Cell,
    Figure,
    Fold,
    Notes,
    Section,
    Table,
    cell,
    folded,
    notes,
    table,
)
from optimizer.report.parts import amount, currency_code, money, some, usd

MOST_DOTS, MOST_FLOWS = 60, 60


def where_section(context: Context) -> Section:
    """Return the section on placements."""
    plan = context.plan
    code = currency_code()
    rows = [_workload(context, name, of) for name, of in context.by_workload.items()]
    rows += [[cell(name), cell("not served", tone="warn"), cell(told), cell(cost), cell(""), cell("")]
             for name, told, cost in _unserved(context)]  # fmt: skip
    columns = ["Workload", "Country", "Region", code, "kg CO2e", "Law and safeguards"]
    by_workload = table("Workloads by country", columns, rows, right=[code, "kg CO2e"],
                        filters=["Country"] if len(rows) > 8 else [], key="where")  # fmt: skip
    blocks: list[Block] = [*_summary(context, len(rows)), folded(by_workload, "workloads"), *_map(context)]
    blocks += [*_moves(context), *notes(_tightest_trip(context), _elsewhere(context))]
    machines = _machines(context)
    blocks.append(Fold("Machines by kind", (machines,), len(machines.rows) > MOST_ON_PAPER))
    is_long = len(plan.placements) > MOST_ON_PAPER
    blocks.append(Fold("Every placement: machines, hours, round trips", (_placements(context),), is_long))
    if plan.copies:
        blocks.append(Fold("Data at rest", (_copies(context),)))
    lead = (
        f"{plural(len(context.by_workload), 'workload')} in {plural(len(context.regions), 'region')}, operated by "
        f"{_operators(context)}."
    )
    return Section("where", "Where everything goes", lead, tuple(blocks))


def _summary(context: Context, count: int) -> tuple[Block, ...]:
    """Return what each country holds, where the table of workloads is too long to be read at a glance."""
    if count <= OPEN_ROWS:
        return ()
    code = currency_code()
    rows = []
    for country, one in by_country(context).items():
        own = [row for row in context.plan.placements if row.country == country]
        rows.append([
            cell(context.places.country(country)), f"{len({row.workload for row in own}):,}",
            cell(some({row.region_id: None for row in own}, 3)), usd(one.usd), one.carbon,
        ])  # fmt: skip
    right = ["Workloads", code, "kg CO2e"]
    return (table("Countries", ["Country", "Workloads", "Regions", code, "kg CO2e"], rows, right=right),)


def _operators(context: Context) -> str:
    cost: dict[str, float] = defaultdict(float)
    for row in context.plan.placements:
        cost[row.provider] += row.cost_usd or 0.0
    return some(sorted(cost, key=lambda name: -cost[name]), 6)


def _workload(context: Context, name: str, of: list[Placement]) -> list[Cell]:
    codes = list(dict.fromkeys(row.country for row in of))
    regions = list(dict.fromkeys(f"{row.region_id}" for row in of))
    cities = [context.places.city(region) for region in regions]
    laws = some([law for row in of for law in row.laws], 3)
    safeguards = some([one for row in of for one in row.mechanisms], 3)
    return [
        cell(name), cell(", ".join(context.places.country(code) for code in codes)),
        cell(some(regions, 4), some([city for city in cities if city], 4)),
        cell(usd(total(row.cost_usd for row in of))), cell(amount(total(row.carbon_kg for row in of))),
        cell(laws or "no law bears on it", f"with {safeguards}" if safeguards else ""),
    ]  # fmt: skip


def _unserved(context: Context) -> list[tuple[str, str, str]]:
    found: dict[str, list[float]] = {}
    units: dict[str, str] = {}
    for row in context.plan.unserved:
        sums = found.setdefault(row.workload, [0.0, 0.0])
        sums[0] = max(sums[0], row.per_s) if row.per_s is not None else sums[0] + (row.work_units or 0.0)
        sums[1] += row.cost_usd or 0.0
        units[row.workload] = "units/s" if row.per_s is not None else "units of work"
    return [(name, f"{amount(size)} {units[name]} left out", usd(cost)) for name, (size, cost) in found.items()]


def _placements(context: Context) -> Block:
    code = currency_code()
    rows = [
        [row.workload, row.stream or "", cell(row.region_id, context.places.country(row.country)),
         cell(row.sku or row.endpoint, row.purchase if row.purchase not in (None, "on_demand") else ""),
         row.period, amount(row.instances) if row.sku else f"{amount(row.served_per_s)}/s",
         "" if row.instance_hours is None else amount(row.instance_hours), _trip(row), usd(row.cost_usd),
         amount(row.carbon_kg), ", ".join(doubts([row]))]
        for row in context.plan.placements
    ]  # fmt: skip
    right = ["Instances", "Hours", "Round trip, ms", code, "kg CO2e"]
    columns = ["Workload", "Stream", "Region", "Machine", "Period", *right, "Rests on"]
    filters = ["Period"] if len({row.period for row in context.plan.placements}) > 1 else []
    return table("Placements", columns, rows, right=right, key="placements", filters=filters)


def _machines(context: Context) -> Table:
    """Return how many machines of a kind are kept at most at once, and their hours; endpoints by what they serve."""
    at_once: dict[tuple[str, str, str], dict[str, float]] = {}
    hours: dict[tuple[str, str, str], float] = defaultdict(float)
    cost: dict[tuple[str, str, str], float] = defaultdict(float)
    for row in context.plan.placements:
        key = (row.accelerator or "", row.sku or row.endpoint or "", row.purchase or "")
        count = at_once.setdefault(key, defaultdict(float))
        count[row.period] += row.instances if row.sku else row.served_per_s
        hours[key] += row.instance_hours or 0.0
        cost[key] += row.cost_usd or 0.0
    right = ["At most at once", "Hours", currency_code()]
    rows = [
        [cell(key[0] or "endpoint"), cell(key[1], key[2].replace("_", " ")),
         amount(max(at_once[key].values())) + ("" if key[0] or hours[key] else "/s"),
         amount(hours[key]) if hours[key] else "", usd(cost[key])]
        for key in sorted(cost, key=lambda one: -cost[one])
    ]  # fmt: skip
    return table("Machines", ["Accelerator", "Machine", *right], rows, right=right)


def _tightest_trip(context: Context) -> str:
    """Return the placement whose round trip is nearest to its limit, in a sentence; "" where none has a limit."""
    known = [(row, row.rtt_ms / row.max_rtt_ms) for row in context.plan.placements if row.rtt_ms and row.max_rtt_ms]
    if not known:
        return ""
    row, _ = max(known, key=lambda pair: pair[1])
    how = "estimated" if row.rtt_source == "estimated" else "measured"
    return (f"The round trip nearest to its limit: {row.workload}, {row.rtt_ms:.0f} of {row.max_rtt_ms:g} ms to "
            f"{row.region_id} ({how}).")  # fmt: skip


def _elsewhere(context: Context) -> str:
    """Return how to ask what another place, or one country for everything, would cost."""
    name = context.plan.instance_name or "FILE"
    return (
        f"Why something is not in another place, and what it would cost there, this page does not say: domicile "
        f"explain why {name} WORKLOAD --plan plan.json --region REGION. What it costs to keep all work out of a "
        f"jurisdiction: domicile study frontier {name} --over outside --outside US --json, added with --with."
    )


def _trip(row: Placement) -> str:
    if row.rtt_ms is None:
        return ""
    about = "~" if row.rtt_source == "estimated" else ""
    return f"{about}{row.rtt_ms:.0f}" + (f" of {row.max_rtt_ms:g}" if row.max_rtt_ms is not None else "")


def _copies(context: Context) -> Block:
    code = currency_code()
    rows = [
        [copy.dataset, cell(copy.region_id, context.places.country(copy.country)), amount(copy.size_gb),
         usd(copy.cost_usd), copy.source or "", some([*copy.laws], 3), some([*copy.duty, *copy.mechanisms], 3)]
        for copy in context.plan.copies
    ]  # fmt: skip
    columns = ["Dataset", "Region", "GB", code, "Brought from", "Law", "Duty, safeguards"]
    return table("Copies of datasets", columns, rows, right=["GB", code])


def _moves(context: Context) -> tuple[Notes, ...]:
    plan = context.plan
    told = [f"{one.job} moves from {one.source} to {one.target} before {one.period}" for one in plan.moves[:20]]
    for row in plan.relocations[:30]:
        cost = f" for {money(row.cost_usd)}" if row.cost_usd else ""
        left = f" and leaves {some(row.left)}" if row.left else ""
        told.append(f"{row.workload} moves to {some(row.entered)}{left}{cost}")
    more = len(plan.relocations) - 30
    return notes(*told, f"… and {more} more workloads move" if more > 0 else "")


def _map(context: Context) -> tuple[Block, ...]:
    """Return the map with its numbers; nothing where no region's coordinates are known."""
    of: dict[str, list[float]] = {}
    who: dict[str, dict[str, None]] = defaultdict(dict)
    for row in context.plan.placements:
        of.setdefault(row.region_id, [0.0])[0] += row.cost_usd or 0.0
        who[row.region_id][row.workload] = None
    for copy in context.plan.copies:
        of.setdefault(copy.region_id, [0.0])[0] += copy.cost_usd or 0.0
        who[copy.region_id][copy.dataset] = None
    known = [name for name in sorted(of, key=lambda one: -of[one][0]) if name in context.places.regions][:MOST_DOTS]
    if not known:
        return ()
    dots = [Dot(name, context.places.regions[name].name, context.places.regions[name].lat,
                context.places.regions[name].lon, of[name][0]) for name in known]  # fmt: skip
    flows, told = _flows(context, set(known))
    title = "Where it runs, and between which places data flow"
    chart = world_map(dots, flows, title=title, borders=context.borders)
    code = currency_code()
    country = {row.region_id: row.country for row in context.plan.placements}
    country |= {copy.region_id: copy.country for copy in context.plan.copies}
    rows = [[cell(name, context.places.city(name)), context.places.country(country[name]),
             cell(len(who[name]), some(who[name], 3)), usd(of[name][0])] for name in known]  # fmt: skip
    numbers = table("Places on the map", ["Region", "Country", "Holds", code], rows, right=[code])
    ways = table("Data flows", ["From", "To", "What", "Amount"], told, right=["Amount"])
    note = ("Dots are regions, larger where more is spent; lines join people to where they are served, and data to "
            "where they are read. Land: Natural Earth. " + (
                "Borders are drawn as they are held in fact (Natural Earth), which states no position on any claim."
                if context.borders else "No borders are drawn."))  # fmt: skip
    missing = len(of) - len(known)
    more = notes(f"{plural(missing, 'region')} not on the map: nobody knows where they are, or they are too many."
                 if missing else "")  # fmt: skip
    as_table = (Fold("Data flows as a table", (ways,), len(told) > MOST_ON_PAPER),) if told else ()
    return (Figure(chart, numbers, note), *as_table, *more)


def _flows(context: Context, shown: set[str]) -> tuple[list[Flow], list[list[str]]]:
    """Return the flows to draw, the largest of each kind first, and all of them as rows."""
    regions, origins = context.places.regions, context.places.origins
    served: dict[tuple[str, str], float] = defaultdict(float)
    from_of = _origins(context)
    for row in context.plan.placements:
        origin = from_of.get((row.workload, row.stream or ""), row.stream or "")
        if row.served_per_s > 0 and row.region_id in shown and origin in origins:
            served[origin, row.region_id] += row.served_per_s
    read: dict[tuple[str, str], float] = defaultdict(float)
    for way in context.plan.transfers:
        if way.source != way.target and {way.source, way.target} <= shown:
            read[way.source, way.target] += way.gb
    flows, rows = [], []
    for (origin, region), size in sorted(served.items(), key=lambda item: -item[1]):
        a, b = origins[origin], regions[region]
        flows.append(Flow(a.name, a.lat, a.lon, b.name, b.lat, b.lon, "people served"))
        rows.append([a.name, f"{region} ({b.name})", "people served", f"{amount(size)} units/s at peak"])
    for (source, target), size in sorted(read.items(), key=lambda item: -item[1]):
        a, b = regions[source], regions[target]
        flows.append(Flow(a.name, a.lat, a.lon, b.name, b.lat, b.lon, "data read"))
        rows.append([f"{source} ({a.name})", f"{target} ({b.name})", "data read", amount(size, "GB")])
    for move in context.plan.moves:
        if {move.source, move.target} <= shown:
            a, b = regions[move.source], regions[move.target]
            flows.append(Flow(a.name, a.lat, a.lon, b.name, b.lat, b.lon, "job moves"))
            rows.append([move.source, move.target, f"{move.job} moves", amount(move.gb, "GB")])
    return flows[:MOST_FLOWS], rows


def _origins(context: Context) -> dict[tuple[str, str], str]:
    """Return where the users of each stream are, where the instance is at hand."""
    from optimizer.instance.identity import stream_ids
    from optimizer.instance.workloads import Service

    if context.instance is None:
        return {}
    return {
        (one.id, name): stream.origin
        for one in context.instance.workloads if isinstance(one, Service)
        for name, stream in zip(stream_ids(one), one.streams, strict=True)
    }  # fmt: skip
