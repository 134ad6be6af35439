"""`xlsx`: a workbook of the plan: placements, cost by owner and month, actions, transfer register, assumptions."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from optimizer.errors import InputError, Issue
from optimizer.export.base import LeftOut, Made, Source, defused
from optimizer.export.costs import cost_table
from optimizer.export.register import assertion_rows
from optimizer.export.tables import Cell, Table, joined
from optimizer.export.transfers import COLUMNS, transfer_table, transfers
from optimizer.plan.currency import renamed
from optimizer.plan.rows import Placement

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

CELL_LETTERS, SHEET_ROWS = 32_767, 1_048_576
"""Most letters of a cell and most rows of a sheet that a workbook has."""
CUT = "…"
WIDEST = 60


def made(source: Source) -> Made:
    """Return the workbook."""
    try:
        from openpyxl import Workbook
    except ImportError:
        maybe = "install it: pip install 'domicile[export]'"
        raise InputError(Issue("xlsx needs the package openpyxl", where="to", maybe=maybe)) from None
    book = Workbook()
    book.remove(book.active)
    book.properties.creator, book.properties.title = "domicile", defused(source.title)
    left_out: list[LeftOut] = []
    for table in _tables(source, left_out):
        _fill(book.create_sheet(table.name[:31]), table, left_out)
    out = io.BytesIO()
    book.save(out)
    return Made({"plan.xlsx": out.getvalue()}, tuple(left_out))


def _tables(source: Source, left_out: list[LeftOut]) -> Iterable[Table]:
    yield _summary(source)
    yield _placements(source)
    yield cost_table(source)
    yield _actions(source)
    if source.instance is None:
        left_out.append(LeftOut("transfer register, tags of owners", "the instance is not given, which states them"))
        yield Table("Transfer register", COLUMNS, [], "Not known: export with --instance.")
    else:
        rows, silent = transfers(source)
        left_out += silent
        yield transfer_table(rows)
    yield _assumptions(source)


def _summary(source: Source) -> Table:
    plan, money, code = source.plan, source.money, source.currency
    rows: list[list[Cell]] = [
        ["instance", source.title, ""],
        ["status", plan.status, plan.termination],
        ["open actions", len(plan.open_actions), "the plan stands on condition that they come out well"],
        ["cost over the horizon", money(plan.objective_usd), code],
        ["proven bound", money(plan.bound_usd), code],
        ["gap", plan.gap, ""],
        ["carbon", plan.carbon_kg, "kg CO2e"],
        ["of it operational", plan.operational_kg, "kg CO2e"],
        ["of it embodied", plan.embodied_kg, "kg CO2e"],
        ["share without a carbon figure", plan.carbon_unknown_share, ""],
        ["energy", plan.energy_kwh, "kWh"],
        ["water", plan.water_l, "l"],
        ["start", plan.horizon.start if plan.horizon else None, ""],
        ["hours", sum(p.hours for p in plan.horizon.periods) if plan.horizon else None, "h"],
        ["fingerprint of the instance", plan.instance_sha256, "SHA-256"],
    ]
    if plan.currency is not None:
        rows.append(
            [f"1 {code}", plan.currency.usd_per_unit, f"USD{f' on {plan.currency.date}' if plan.currency.date else ''}"]
        )
    rows += [[f"version of {name}", version, ""] for name, version in plan.versions.items()]
    return Table("Summary", ("what", "value", "unit"), rows, "A plan, made in advance; no invoice and no legal advice.")


def _placements(source: Source) -> Table:
    fields = list(Placement.model_fields)
    names = [renamed(name, source.currency) or name for name in fields]
    rows = []
    for placement in source.plan.placements:
        cells: list[Cell] = []
        for name in fields:
            value: Any = getattr(placement, name)
            if isinstance(value, dict):
                value = joined(f"{key} {number:g}" for key, number in value.items())
            elif isinstance(value, tuple):
                value = joined(value)
            cells.append(source.money(value) if name == "cost_usd" else value)
        rows.append(cells)
    return Table("Placements", tuple(names), rows)


def _actions(source: Source) -> Table:
    ordered = sorted(source.plan.actions, key=lambda a: (a.accepted_by is not None, a.due, a.rule))
    rows: list[list[Cell]] = [
        [a.accepted_by or "open", a.due, a.lead_time_days, a.owner, a.sentence, a.rule, a.before, a.repeats,
         joined((*a.workloads, *a.datasets)), a.evidence]
        for a in ordered
    ]  # fmt: skip
    columns = ("accepted_by", "due", "lead_time_days", "owner", "what", "rule", "before", "repeats", "of", "evidence")
    return Table("Actions", columns, rows, "Open ones first, by the last day on which they can begin.")


def _assumptions(source: Source) -> Table:
    plan = source.plan
    rows: list[list[Cell]] = [["stated", *row] for row in assertion_rows(source)]
    rows += [["warning", "", text] for text in plan.warnings]
    rows += [["law without effect yet", law, ""] for law in plan.unmodelled_laws]
    rows += [["law without a reviewed trigger", law, ""] for law in plan.unreviewed_laws]
    rows += [
        [
            "share that rests on doubtful figures",
            q.quality,
            f"cost {_share(q.cost_share)}, carbon {_share(q.carbon_share)}",
        ]
        for q in plan.data_quality
    ]
    rows += [
        ["out for want of a figure", m.figure, f"{m.options} options, {m.rule or 'every option needs it'}"]
        for m in plan.missing_figures
    ]
    rows += [["figure near to where the plan changes", s.of, s.sentence] for s in plan.switching]
    return Table("Assumptions", ("kind", "of", "what"), rows)


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{100 * value:.1f} %"


def _fill(sheet: Worksheet, table: Table, left_out: list[LeftOut]) -> None:
    """Write a table: a note, a heading that stays in sight, and every cell as text, figure or date, never a formula."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    def cell(value: Cell, *, bold: bool = False) -> WriteOnlyCell:
        if isinstance(value, bool):
            value = "yes" if value else "no"
        if isinstance(value, str):
            value = defused(value)
            if len(value) > CELL_LETTERS:
                left_out.append(
                    LeftOut(f"sheet {table.name}, a cell of {len(value):,} letters", f"cut after {CELL_LETTERS:,}")
                )
                value = value[: CELL_LETTERS - 1] + CUT
        made = WriteOnlyCell(sheet, value)
        if isinstance(value, str):
            made.data_type = "s"
        if isinstance(value, float):
            made.number_format = "#,##0.00" if abs(value) >= 1 or value == 0 else "0.0000"
        if bold:
            made.font = Font(bold=True)
        made.alignment = Alignment(vertical="top", wrap_text=isinstance(value, str) and len(value) > WIDEST)
        return made

    head = [[cell(table.note)]] if table.note else []
    rows = list(table.rows)
    most = SHEET_ROWS - len(head) - 1
    if len(rows) > most:
        left_out.append(LeftOut(f"sheet {table.name}, {len(rows) - most:,} rows", f"a sheet has {SHEET_ROWS:,} rows"))
    for line in (
        *head,
        [cell(name, bold=True) for name in table.columns],
        *([cell(v) for v in row] for row in rows[:most]),
    ):
        sheet.append(line)
    sheet.freeze_panes = f"A{len(head) + 2}"
    for at, name in enumerate(table.columns):
        longest = max([len(name), *(len(str(row[at])) for row in rows[:200] if row[at] is not None)])
        sheet.column_dimensions[get_column_letter(at + 1)].width = min(WIDEST, longest + 2)
