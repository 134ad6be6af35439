"""Amounts in the instance's currency in text, JSON and tables, with rate and day; read back only if they agree."""

from __future__ import annotations

import copy
import json
from io import StringIO
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

import domicile
from domicile.cli import main
from optimizer.errors import InputError
from optimizer.plan.models import Plan
from optimizer.report import render_audit, render_plan, render_validation
from optimizer.solve.solution import Progress
from optimizer.terminal import _line

EURO = {"code": "EUR", "usd_per_unit": 1.25, "date": "2026-11-20"}
ESTATE: dict[str, Any] = {
    "name": "in-euros",
    "horizon": {"start": "2027-01-01", "hours": 100},
    "currency": EURO,
    "catalogue": {
        "use": "inline",
        "inline": {
            "regions": [{"id": "r0", "country": "DE"}],
            "offers": [{"sku": "g", "region": "r0", "accelerator": "X", "eur_per_hour": 8.0}],
        },
    },
    "laws": {"use": "none"},
    "target_utilisation": 1.0,
    "workloads": [{"id": "w", "kind": "service", "runs": {"throughput": {"X": 10}},
                   "streams": [{"origin": "DE", "rate": 20, "unit": "tokens/s"}]}],
    "budgets": [{"id": "purse", "limit_eur": 4000}],
    "quotas": {"default_devices": 8},
}  # fmt: skip


@pytest.fixture(scope="module")
def instance() -> Any:
    return domicile.load(copy.deepcopy(ESTATE))


@pytest.fixture(scope="module")
def plan(instance: Any) -> Plan:
    found = domicile.solve(instance)
    assert not domicile.audit(instance, found).violations
    return found


def test_text_is_in_euros_with_the_rate_and_its_day(plan: Plan) -> None:
    """Two instances for 100 h at 8 EUR: 1,600 EUR, 2,000 USD."""
    out = StringIO()
    render_plan(plan, Console(file=out, width=160))
    text = out.getvalue()
    assert "1,600 EUR" in text
    assert "1 EUR = 1.25 USD" in text
    assert "rate of 2026-11-20" in text
    assert "2,000" not in text
    assert text.count("USD") == 1
    assert "4000 EUR" in text.replace(",", "")
    assert plan.summary().startswith("optimal · 1,600.00 EUR")


def test_json_and_tables_have_both(plan: Plan) -> None:
    """Each amount in USD has one in euros beside it; so have a money budget's figures, and no other budget's."""
    data = json.loads(plan.to_json())
    assert data["currency"] == EURO
    assert (data["objective_usd"], data["objective_eur"]) == (pytest.approx(2000.0), pytest.approx(1600.0))
    assert data["cost_breakdown_eur"]["compute"] == pytest.approx(1600.0)
    assert data["placements"][0]["cost_eur"] == pytest.approx(1600.0)
    assert data["budgets"][0]["limit_eur"] == pytest.approx(4000.0)
    assert "usd_per_unit" in data["currency"]
    assert "eur_per_unit" not in data["currency"]
    tables = plan.tables()
    assert tables["placements"].cost_eur.tolist() == pytest.approx([1600.0])
    assert tables["budgets"].used_eur.tolist() == pytest.approx([1600.0])
    assert tables["cost_breakdown"].cost_eur.tolist() == pytest.approx([1600.0])
    columns = list(tables["placements"].columns)
    assert columns.index("cost_eur") == columns.index("cost_usd") + 1


def test_what_is_written_is_read_back(plan: Plan, tmp_path: Any) -> None:
    """The same plan comes back; an amount that was changed alone is refused with its place."""
    path = tmp_path / "plan.json"
    plan.write(path)
    assert Plan.read(path) == plan
    data = json.loads(path.read_text())
    data["placements"][0]["cost_eur"] = 1.0
    path.write_text(json.dumps(data))
    with pytest.raises(InputError) as caught:
        Plan.read(path)
    assert "placements.0.cost_eur" in str(caught.value)
    del data["placements"][0]["cost_eur"]
    path.write_text(json.dumps(data))
    assert Plan.read(path) == plan


def test_the_audit_holds_the_rate_against_the_instance(plan: Plan, instance: Any) -> None:
    """Another rate, day or currency is a finding; a plan without one is fine."""
    assert plan.currency is not None
    for change in ({"usd_per_unit": 1.2}, {"code": "CHF"}, {"date": None}):
        wrong = plan.model_copy(update={"currency": plan.currency.model_copy(update=change)})
        assert {one.where for one in domicile.audit(instance, wrong).violations} == {"currency"}
    assert not domicile.audit(instance, plan.model_copy(update={"currency": None})).violations


def test_a_validated_instance_says_its_currency(instance: Any) -> None:
    """`domicile validate` prints code, rate and day."""
    out = StringIO()
    render_validation(instance, Console(file=out, width=120))
    assert "EUR, 1.25 USD each (2026-11-20)" in out.getvalue()


def test_without_a_currency_nothing_changes() -> None:
    """Amounts are in USD alone."""
    data = copy.deepcopy(ESTATE)
    del data["currency"]
    data["budgets"] = []
    offer = data["catalogue"]["inline"]["offers"][0]
    offer["usd_per_hour"] = 1.25 * offer.pop("eur_per_hour")
    found = domicile.solve(domicile.load(data))
    assert found.currency is None
    assert "_eur" not in found.to_json()
    out = StringIO()
    render_plan(found, Console(file=out, width=160))
    assert "2,000 USD" in out.getvalue()


def test_the_audit_recomputes_in_euros_beside_dollars(instance: Any, plan: Plan) -> None:
    """2,000 USD are 1,600 EUR, in the report as in text, where no amount is in USD."""
    report = domicile.audit(instance, plan)
    assert report.recomputed["objective_usd"] == pytest.approx(2000.0)
    assert report.recomputed["objective_eur"] == pytest.approx(1600.0)
    assert report.recomputed["cost_eur.compute"] == pytest.approx(1600.0)
    out = StringIO()
    render_audit(report, Console(file=out, width=160))
    assert "1,600 EUR" in out.getvalue()
    assert "2,000" not in out.getvalue()
    assert "1 EUR = 1.25 USD, 2026-11-20" in out.getvalue()


def test_the_line_of_progress_is_in_euros(instance: Any) -> None:
    line = _line(Progress("solve", 2000.0, 1000.0, 0.5, 1.0), stopping=False, currency=instance.currency)
    assert "incumbent 1,600.00 EUR  bound 800.00 EUR" in str(line)


def test_look_ups_show_amounts_in_the_currency_of_an_instance(tmp_path: Any) -> None:
    """Prices of one machine: those in USD over 1.25, with the rate."""
    path = tmp_path / "euro.json"
    path.write_text(json.dumps(ESTATE))
    asked = ["catalogue", "offers", "--region", "aws:eu-central-1", "--accelerator", "L40S", "--instance", str(path)]
    rows = json.loads(CliRunner().invoke(main, [*asked, "--json"]).stdout)
    assert rows
    assert all(row["price_eur_per_hour"] == pytest.approx(row["price_usd_per_hour"] / 1.25) for row in rows)
    text = CliRunner().invoke(main, asked).stdout
    assert "price_eur_per_hour" in text
    assert "1 EUR = 1.25 USD on 2026-11-20" in text
