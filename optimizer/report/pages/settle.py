"""What is to be settled: open actions with owners and dates; and the law, by destination, by workload and by law."""

from __future__ import annotations

from collections import defaultdict

from optimizer.plan.legal_rows import Action, LegalEntry
from optimizer.plan.rows import Placement
from optimizer.report.pages.across import Subjects, across_borders, subjects
from optimizer.report.pages.context import Context, day, plural, short_day
from optimizer.report.pages.view import OPEN_ROWS, Block, Cell, Fold, Section, Table, Tone, cell, folded, notes, table
from optimizer.report.parts import some, usd

WEAK = {"weak", "unreviewed"}
RISK = "residual risk: "
FIRST = 12
"""Actions told where there are too many to be read at a glance."""


def actions_section(context: Context, written: str = "") -> Section:
    """Return the section on what has to be confirmed or done, by whom, by when; `written` is the day of the page."""
    plan = context.plan
    of = sorted(plan.open_actions, key=lambda one: (one.due, one.owner, one.rule))
    rows = [
        [cell(one.sentence, one.evidence), one.owner, _due(one, written),
         cell(some([*one.workloads, *one.datasets], 3)), one.rule]
        for one in of
    ]  # fmt: skip
    lead = "Nothing is left to be settled before this plan stands."
    if of:
        owners = list(dict.fromkeys(one.owner for one in of))
        lead = (f"{plural(len(of), 'action')} to be settled before this plan stands, by "
                f"{plural(len(owners), 'owner')}: {some(owners, 5)}.")  # fmt: skip
    columns = ["What", "Owner", "By", "Concerns", "Under"]
    blocks: list[Block] = []
    if len(of) > OPEN_ROWS:
        blocks.append(table(f"The first {FIRST} of them", columns, rows[:FIRST]))
    if of:
        every = table("Open actions", columns, rows, filters=["Owner"] if len(of) > 8 else [], key="actions")
        blocks.append(folded(every, "actions"))
    accepted = [f"{one.rule} was accepted as it is by {one.accepted_by}" for one in plan.actions if one.accepted_by]
    blocks += notes(*accepted)
    return Section("actions", "What has to be settled, by whom and by when", lead, tuple(blocks))


def _due(one: Action, written: str) -> Cell:
    """Return the day by which an action has to begin; days are told as text, so that they compare as dates do."""
    takes = "" if one.lead_time_days is None else f"takes {plural(one.lead_time_days, 'day')}"
    late = bool(written) and one.due.isoformat() < written
    return cell(short_day(one.due), "; ".join(filter(None, ("past" if late else "", takes))), "warn" if late else "")


def law_section(context: Context) -> Section:
    """Return the section on law."""
    plan = context.plan
    entries = {entry.law: entry for entry in plan.legal_register}
    weak = [name for name, entry in entries.items() if WEAK & set(entry.flags)]
    lead = f"{plural(len(entries), 'law')} {'bears' if len(entries) == 1 else 'bear'} on this plan."
    if weak:
        lead += f" {len(weak)} of them are encoded from general knowledge or were not reviewed."
    lead += " This is a modelling aid with citations, not legal advice."
    blocks: list[Block] = [_by_destination(context, entries), *across_borders(context, subjects(context)),
                           folded(_trace(context, entries), "rows")]  # fmt: skip
    blocks.append(Fold("The laws, with citations and dates", (_laws(context),)))
    kept_out = _kept_out(context)
    if kept_out:
        blocks.append(Fold("What law and coverage alone keep out", (
            table("Options that a rule alone keeps out", ["Rule", "Options", "Of workloads"], kept_out,
                  right=["Options"]),)))  # fmt: skip
    if plan.mechanisms:
        rows = [[one.mechanism, "/".join(one.key), "held already" if one.held else usd(one.cost_usd),
                 some(one.laws, 4)] for one in plan.mechanisms]  # fmt: skip
        blocks.append(Fold("Safeguards in force", (
            table("Safeguards", ["Safeguard", "For", "Cost", "Asked for by"], rows, right=["Cost"]),)))  # fmt: skip
    duties = [f"{entry.law}: {duty}" for entry in plan.legal_register for duty in entry.obligations]
    blocks += notes(*duties)
    blocks += notes(*(text[0].upper() + text[1:] for text in plan.warnings if text.startswith(RISK)), tone="warn")
    return Section("law", "What the law allows, and on what basis", lead, tuple(blocks))


def _by_destination(context: Context, entries: dict[str, LegalEntry]) -> Block:
    of: dict[str, list[Placement]] = defaultdict(list)
    for row in context.plan.placements:
        of[row.country].append(row)
    for copy in context.plan.copies:
        of.setdefault(copy.country, [])
    persons, whose = _persons(context), subjects(context)
    rows = []
    for code in context.countries:
        laws = dict.fromkeys(
            [law for row in of[code] for law in row.laws]
            + [law for copy in context.plan.copies if copy.country == code for law in (*copy.laws, *copy.duty)]
        )
        safeguards = [one for row in of[code] for one in row.mechanisms]
        safeguards += [one for copy in context.plan.copies if copy.country == code for one in copy.mechanisms]
        names = {row.workload for row in of[code]} | {
            copy.dataset for copy in context.plan.copies if copy.country == code}  # fmt: skip
        rows.append([
            cell(context.places.country(code), f"{len(names)} workloads and datasets" if len(names) > 1 else
                 next(iter(names), "")),
            cell(_told_persons([persons.get(name) for name in names]), _whose(context, whose, code)),
            _verdict(context, names, bool(safeguards), bool(laws)),
            cell(some(safeguards, 3)), cell(some(laws, 4)),
            _confidence([entries[law] for law in laws if law in entries]),
        ])  # fmt: skip
    columns = ["Destination", "Persons", "Verdict", "Safeguards", "Laws", "Confidence"]
    return table("Law by destination", columns, rows)


def _persons(context: Context) -> dict[str, int | None]:
    """Return whose data a workload or dataset holds, counted; None where the instance does not say."""
    if context.instance is None:
        return {}
    from optimizer.instance.workloads import Dataset

    found: dict[str, int | None] = {}
    for one in (*context.instance.workloads, *context.instance.datasets):
        data = one if isinstance(one, Dataset) else one.data
        found[one.id] = sum(data.persons.values()) or None
    return found


def _whose(context: Context, whose: Subjects, code: str) -> str:
    """Return where the persons are whose data are in a country; "" where nobody says."""
    own = [(row.workload, row.stream or "") for row in context.plan.placements if row.country == code]
    own += [(copy.dataset, "") for copy in context.plan.copies if copy.country == code]
    found = dict.fromkeys(one for key in own for one in whose.get(key, ()))
    return f"of {context.places.named(found, 4)}" if found else ""


def _told_persons(counts: list[int | None]) -> str:
    known = [count for count in counts if count]
    if not known:
        return "not stated"
    return f"{sum(known):,}" + (" at least" if len(known) < len(counts) else "")


def _verdict(context: Context, names: set[str], safeguards: bool, laws: bool) -> Cell:
    waits = [one for one in context.plan.open_actions if names & {*one.workloads, *one.datasets}]
    told = "allowed with safeguards" if safeguards else "allowed" if laws else "no law bears on it"
    if waits:
        come = "comes" if len(waits) == 1 else "come"
        return cell(told, f"if {plural(len(waits), 'open action')} {come} out well", "warn")
    return cell(told, "", "good")


def _confidence(entries: list[LegalEntry]) -> Cell:
    if not entries:
        return cell("")
    worst = min(entries, key=lambda entry: (not WEAK & set(entry.flags), not entry.confidence.startswith("partly")))
    tone: Tone = "warn" if WEAK & set(worst.flags) else ""
    return cell(worst.confidence, f"weakest of {len(entries)}: {worst.law}" if len(entries) > 1 else "", tone)


def _trace(context: Context, entries: dict[str, LegalEntry]) -> Table:
    """Return a row for each workload in each country: which laws bear on it, and what it relies on."""
    of: dict[tuple[str, str], list[Placement]] = defaultdict(list)
    for row in context.plan.placements:
        of[row.workload, row.country].append(row)
    rows, held = [], _data(context)
    for (name, code), members in of.items():
        laws = list(dict.fromkeys(law for row in members for law in row.laws))
        safeguards = list(dict.fromkeys(one for row in members for one in row.mechanisms))
        flags = sorted({flag for law in laws if law in entries for flag in entries[law].flags})
        rows.append([
            cell(name, held.get(name, "")),
            cell(context.places.country(code), some([row.region_id for row in members], 3)),
            cell(", ".join(laws) or "none"), cell(", ".join(safeguards) or "none"),
            cell(", ".join(flags) or "none", tone="warn" if WEAK & set(flags) else ""),
        ])  # fmt: skip
    for copy in context.plan.copies:
        rows.append([
            cell(copy.dataset, "; ".join(filter(None, ("dataset", held.get(copy.dataset, ""))))),
            cell(context.places.country(copy.country), copy.region_id),
            cell(", ".join(dict.fromkeys((*copy.laws, *copy.duty))) or "none"),
            cell(", ".join(copy.mechanisms) or "none"), cell("none"),
        ])  # fmt: skip
    columns = ["Workload or dataset", "Country", "Laws", "Safeguards", "Doubts"]
    return table("Law trace: every workload in every country", columns, rows,
                 filters=["Country", "Laws", "Safeguards"], key="trace")  # fmt: skip


def _data(context: Context) -> dict[str, str]:
    """Return in words which data a workload or dataset holds, whose, who exports them, and how long they are kept."""
    from optimizer.instance.workloads import Dataset

    found, whose = {}, subjects(context)
    for one in (*context.instance.workloads, *context.instance.datasets) if context.instance is not None else ():
        data = one if isinstance(one, Dataset) else one.data
        told = [" and ".join(name.replace("_", "-") for name in data.categories) or "no category stated"]
        if whose.get((one.id, "")):
            told.append(f"of persons in {context.places.named(whose[one.id, ''], 4)}")
        told += [f"exporter {data.exporter}"] if data.exporter else []
        hours = 0.0 if isinstance(one, Dataset) else one.data.retention_hours
        told += [f"kept {hours:g} h"] if hours else []
        found[one.id] = ", ".join(told)
    return found


def _laws(context: Context) -> Block:
    rows = [
        [cell(entry.law, entry.jurisdiction.replace("|", ", ")), cell(entry.instrument, entry.provision),
         cell(entry.decided, f"bears on {plural(entry.placements, 'row')}"), cell(entry.citation),
         cell(entry.confidence, ", ".join(entry.flags), "warn" if WEAK & set(entry.flags) else ""),
         cell("" if entry.in_force_from is None else short_day(entry.in_force_from),
              "" if entry.review_by is None else f"to be reviewed by {day(entry.review_by)}")]
        for entry in sorted(context.plan.legal_register, key=lambda one: (-one.placements, one.law))
    ]  # fmt: skip
    return table("Legal register", ["Law", "Instrument", "Decided", "Citation", "Confidence", "In force from"], rows)


def _kept_out(context: Context) -> list[list[Cell]]:
    alone: dict[str, int] = defaultdict(int)
    whose: dict[str, dict[str, None]] = defaultdict(dict)
    for row in context.plan.ineligible:
        if row.reason.startswith(("law_", "access_", "certificate_", "chip_", "control", "sovereignty")) and row.alone:
            name = row.rule or row.reason
            alone[name] += row.alone
            whose[name][row.workload or row.dataset or ""] = None
    order = sorted(alone, key=lambda name: -alone[name])
    return [[cell(name), cell(f"{alone[name]:,}"), cell(some(whose[name], 4))] for name in order]
