"""`xlsx`: what a planner's workbook holds; no cell is a formula; the sums are the plan's."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from export_toys import hostile_plan, instance, plan

from optimizer.errors import InputError
from optimizer.export.base import Source
from optimizer.export.costs import cost_table, months
from optimizer.export.workbook import made

openpyxl = pytest.importorskip("openpyxl")


def book(source: Source) -> Any:
    return openpyxl.load_workbook(io.BytesIO(made(source).files["plan.xlsx"]))


def table(source: Source, name: str) -> list[dict[str, Any]]:
    rows = list(book(source)[name].values)
    head = next(k for k, row in enumerate(rows) if row.count(None) == 0)
    return [dict(zip(rows[head], row, strict=True)) for row in rows[head + 1 :]]


def test_the_sheets_and_the_placements_in_the_currency():
    """1.5 instances for 48 h at 10 USD are 720 USD, 576 EUR."""
    found = Source(plan(), instance())
    assert book(found).sheetnames == [
        "Summary",
        "Placements",
        "Cost by owner and month",
        "Actions",
        "Transfer register",
        "Assumptions",
    ]
    first = table(found, "Placements")[0]
    assert (first["workload"], first["stream"], first["cost_eur"]) == ("chat", "DE", pytest.approx(576.0))
    assert "cost_usd" not in first


def test_cost_by_owner_and_month_adds_up_to_the_plan():
    """Of the first period 24 of 48 h are in January; the penalty is no bill; what no row states (80 USD) is told."""
    source = Source(plan(), instance())
    assert months(source.plan) == {"p0": {"2027-01": 0.5, "2027-02": 0.5}, "p1": {"2027-02": 1.0}}
    found = cost_table(source)
    rows = {tuple(row[:3]): row[3:] for row in found.rows}
    assert found.columns[3:] == ("2027-01 EUR", "2027-02 EUR", "whole horizon EUR", "total EUR")
    chat = rows["team-a", "chat", "p5.4xlarge in aws:eu-north-1, on_demand"]
    assert chat == pytest.approx([480 / 1.25, (480 + 720) / 1.25, 0.0, 1680 / 1.25])
    assert rows["(shared)", "", "safeguard SCC_EU for acme, aws"][-1] == pytest.approx(120.0)
    assert rows["(no tags stated)", "weather", "H100-1-80G in scaleway:fr-par, on_demand"][1] == pytest.approx(960.0)
    assert rows["total", "", ""][-1] == pytest.approx(4100.0 / 1.25)
    assert rows["total without penalties", "", ""][-1] == pytest.approx(4080.0 / 1.25)
    rest = rows["(shared)", "", "cost that no row of the plan states"]
    assert rest[-1] == pytest.approx((4100 - 1680 - 960 - 1200 - 10 - 150 - 20) / 1.25)


def test_without_horizon_or_instance_nothing_is_made_up():
    """Amounts stand in no month, owners have no tags."""
    found = cost_table(Source(plan(horizon=None, currency=None)))
    assert found.columns[3:] == ("whole horizon USD", "total USD")
    assert {row[0] for row in found.rows} >= {"(no tags stated)", "total"}
    assert not {"team-a", "team-b"} & {row[0] for row in found.rows}


def test_open_actions_come_first_by_day():
    assert [row["rule"] for row in table(Source(plan()), "Actions")] == ["mechanism:SCC_EU", "access:aws"]


def test_no_cell_is_a_formula_and_long_ones_are_cut():
    """Text as text; a cell of 40,000 letters is cut, and said so."""
    found = Source(hostile_plan('=HYPERLINK("http://x","y")'))
    cells = [cell for sheet in book(found) for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert '\'=HYPERLINK("http://x","y")' in {cell.value for cell in cells}
    cut = made(Source(hostile_plan("a" * 40_000)))
    assert "sheet Placements, a cell of 40,000 letters: cut after 32,767" in map(str, cut.left_out)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(InputError, match=r"domicile\[export\]"):
        made(Source(plan()))
