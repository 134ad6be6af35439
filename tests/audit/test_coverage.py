"""Every field of every table of a plan is judged, or named in the audit's own output as not judged."""

from __future__ import annotations

import pytest
from audit_toys import base, instance_of, plan_of, valid_plan

from optimizer.audit import audit
from optimizer.audit.coverage import JUDGED, NOT_JUDGED
from optimizer.plan.lagrangian import Lagrangian
from optimizer.plan.models import (
    Asked,
    Cluster,
    LeastCarbon,
    MarketBased,
    Plan,
    PlanHorizon,
    PlanPeriod,
    Solving,
    Start,
    Today,
)
from optimizer.plan.rows import PlanCurrency, Row
from optimizer.plan.tables import ROWS

TABLES: dict[str, type[Row]] = {
    **ROWS, "plan": Plan, "least_carbon": LeastCarbon, "asked": Asked, "cluster": Cluster, "start": Start,
    "horizon": PlanHorizon, "periods": PlanPeriod, "today": Today,
    "solving": Solving, "currency": PlanCurrency, "market_based": MarketBased, "lagrangian": Lagrangian,
}  # fmt: skip


def every_row_class() -> set[type[Row]]:
    """Return all models that a plan is made of."""
    return set(Row.__subclasses__())


def test_every_table_of_a_plan_is_known():
    """A new part of a plan has to be judged or named."""
    assert set(TABLES.values()) == every_row_class()


@pytest.mark.parametrize("table", TABLES)
def test_every_field_is_judged_or_named(table: str):
    """No field of a table goes unread and unnamed, and no name is of a field that is not there."""
    named = {name.partition(".")[2] for name in NOT_JUDGED if name.partition(".")[0] == table}
    judged = set(JUDGED.get(table, "").split())
    assert judged | named == set(TABLES[table].model_fields)


def test_what_is_not_judged_is_in_the_report():
    """A field that the plan states is named with the reason; one that it does not state is not."""
    plan = valid_plan()
    plan["warnings"] = ["the moon is made of cheese"]
    told = audit(instance_of(base()), plan_of(plan)).not_judged
    assert any(text.startswith("plan.warnings: ") for text in told)
    assert any(text.startswith("plan.bound_usd: ") for text in told)
    assert not any(text.startswith(("plan.status", "plan.method", "shortfalls")) for text in told)


def test_an_infeasibility_is_reported_as_not_judged():
    """That no plan exists takes a solve; the report of such a file says so."""
    plan = plan_of({"status": "infeasible", "termination": "infeasible", "diagnosis": ["no way"]})
    told = audit(instance_of(base()), plan).not_judged
    assert any(text.startswith("plan.status: ") for text in told)
    assert any(text.startswith("plan.diagnosis: ") for text in told)


@pytest.mark.parametrize(
    ("field", "value"),
    [("laws", ["EU-GDPR-CHV"]), ("laws", ["no such law"]), ("mechanisms", ["SCC_EU"]), ("flags", ["unreviewed_law"])],
)
def test_no_row_names_a_law_where_none_binds(field: str, value: list[str]):
    """`laws: {use: none}`: a law, a safeguard or a doubt about one is made up."""
    plan = valid_plan()
    plan["placements"][0][field] = value
    (violation,) = audit(instance_of(base()), plan_of(plan)).violations
    assert (violation.kind, violation.where) == ("law_named", "placements[0]")
    assert violation.found == value[0]
