"""Reports: what a reader must find in them, at 100 columns and in a pipe."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from optimizer.audit import AuditReport, Violation
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan
from optimizer.report import limits_view, render_audit, render_plan, render_validation
from optimizer.report.parts import amount, percent, some, usd

PLAN = {
    "instance_name": "estate",
    "status": "optimal",
    "termination": "gap_reached",
    "objective_usd": 12_345.6,
    "bound_usd": 12_340.0,
    "gap": 0.00045,
    "carbon_kg": 120.5,
    "carbon_unknown_share": 0.25,
    "cost_breakdown_usd": {"compute": 12_000.0, "egress": 345.6, "storage": 0.0},
    "placements": [
        {"workload": "chat", "stream": name, "provider": "aws", "region": "eu-west-1", "country": "IE",
         "sku": "g6.xlarge", "purchase": "on_demand", "period": period, "instances": 1.5, "served_per_s": 10.0,
         "cost_usd": 1000.0, "carbon_kg": 10.0, "laws": ["EU-GDPR-CHV"], "mechanisms": ["SCC_EU"],
         "flags": ["weak_law", "estimated"]}
        for name in ("DE", "FR") for period in ("t0", "t1")
    ] + [
        {"workload": "train", "provider": "gcp", "region": "europe-west4", "country": "NL", "sku": "a3-highgpu-8g",
         "purchase": "spot", "period": "t1", "instances": 4, "instance_hours": 200, "work_units": 1e9, "gangs": 1,
         "cost_usd": 5000.0},
        {"workload": "train", "provider": "azure", "region": "westeurope", "endpoint": "gpt", "period": "t0",
         "served_per_s": 3.25, "cost_usd": 1.0, "carbon_kg": 1.0},
    ],
    "copies": [{"dataset": "corpus", "provider": "gcp", "region": "europe-west4", "country": "NL", "size_gb": 1e4,
                "cost_usd": 200.0, "duty": ["RU-LOCAL"]}],
    "transfers": [{"dataset": "corpus", "source": "gcp:europe-west4", "target": "aws:eu-west-1", "gb": 500,
                   "cost_usd": 43.0}],
    "moves": [{"job": "train", "source": "a:b", "target": "c:d", "period": "t1", "gb": 5, "cost_usd": 2.0}],
    "regions": [{"region_id": "aws:eu-west-3", "fixed_usd": 77.0, "standby": True}],
    "mechanisms": [{"mechanism": "SCC_EU", "key": ["acme", "aws"], "cost_usd": 150.0, "laws": ["EU-GDPR-CHV"]},
                   {"mechanism": "BCR_EU", "key": ["acme"], "cost_usd": 0.0, "held": True}],
    "budgets": [{"id": "carbon", "metric": "carbon_kg", "limit": 120.5, "used": 120.5, "slack": 0.0}],
    "quotas": [{"id": f"devices:H100@aws:r{k}", "period": period, "limit": 8, "used": 8 if k == 0 else 1,
                "slack": 0 if k == 0 else 7} for k in range(12) for period in ("t0", "t1")],
    "shares": [{"id": "cap-aws", "bound": 0.6, "value": 0.6, "sense": "at_most"}],
    "unserved": [{"workload": "chat", "stream": "BR", "period": "t0", "per_s": 2.0, "cost_usd": 9.0}],
    "legal_register": [{"law": "EU-GDPR-CHV", "decided": "required mechanism SCC_EU", "placements": 4,
                        "citation": "Reg (EU) 2016/679 Arts 44-49", "flags": ["weak"]}],
    "unmodelled_laws": ["EU-DATAACT-29"],
    "data_quality": [{"quality": "estimated", "cost_share": 0.1, "carbon_share": 0.5}],
    "warnings": ["3 prices are older than 730 days"],
    "horizon": {"start": "2027-01-01", "periods": [{"id": "t0", "hours": 365}, {"id": "t1", "hours": 365}]},
}  # fmt: skip


def shown(render, *arguments, **options) -> str:
    stream = io.StringIO()
    render(*arguments, Console(file=stream, width=100, no_color=True), **options)
    return stream.getvalue()


@pytest.fixture(scope="module")
def text() -> str:
    return shown(render_plan, Plan.model_validate(PLAN))


def test_headline_has_status_cost_bound_gap_and_carbon(text):
    """The first lines answer how good the plan is and what it costs."""
    head = text.split("Placements")[0]
    for words in ("estate: optimal", "12,346 USD", "12,340 USD", "gap 0.04 %", "120.5 kg", "25.0 % of device-hours",
                  "730 h from 2027-01-01 in 2 periods"):  # fmt: skip
        assert words in head


def test_no_line_is_wider_than_the_terminal(text):
    """At 100 columns nothing runs over."""
    assert max(map(len, text.splitlines())) <= 100


def test_plain_when_piped(text):
    """No escape sequences and no box drawing where nobody looks."""
    assert not re.search(r"\x1b|[\u2500-\u257f]", text)


def test_streams_and_periods_of_one_offer_are_one_row(text):
    """Four placements on one offer are one row: both streams, 3 instances, 4,000 USD."""
    line = next(x for x in text.splitlines() if "g6.xlarge" in x)
    assert line.startswith("chat")
    for words in ("DE, FR", "aws:eu-west-1 IE", " 3 ", "4,000", "EU-GDPR"):
        assert words in line


def test_jobs_show_hours_and_endpoints_their_rate(text):
    """4 instances for 50 h each; 3.25 units/s."""
    assert "4 x 50 h" in text
    assert "3.25/s" in text
    assert "spot" in text


def test_unknown_carbon_is_unknown_and_not_zero(text):
    """A placement without a carbon figure says so."""
    line = next(x for x in text.splitlines() if "4 x 50 h" in x)
    assert "unknown" in line


def test_binding_limits_are_marked(text):
    """The budget, the share and one quota bind; others are only counted."""
    lines = text.splitlines()
    assert next(x for x in lines if "budget carbon" in x).rstrip().endswith("binds")
    assert next(x for x in lines if "share cap-aws" in x).rstrip().endswith("binds")
    assert next(x for x in lines if "H100@aws:r0" in x).rstrip().endswith("binds in 2 periods")
    assert "binds" not in next(x for x in lines if "H100@aws:r1" in x)
    assert "quotas with more room" in text


@pytest.mark.parametrize(("slack", "left"), [(2e-13, "0 kg"), (0.5, "0.5 kg")])
def test_what_rounding_leaves_of_a_limit_is_nothing(slack, left):
    """A budget used to the last digit has 0 left, not 2e-13."""
    assert limits_view._limit("budget b", 820.0 - slack, 820.0, slack, "kg")[3] == left


def test_all_sections_are_there(text):
    """Data, safeguards, unserved demand, law, warnings and what the figures rest on."""
    for words in ("Left unserved", "corpus", "500 GB to aws:eu-west-1", "RU-LOCAL", "acme/aws", "held", "compute",
                  "97.2 %", "Reg (EU) 2016/679", "EU-DATAACT-29", "older than 730 days", "estimated figures: 10.0 %",
                  "train moves from a:b to c:d", "aws:eu-west-3 is kept as a standby"):  # fmt: skip
        assert words in text, words


def test_infeasible_plan_says_why():
    """The diagnosis and the counted reasons take the place of tables."""
    plan = Plan.model_validate({
        "status": "infeasible", "termination": "infeasible", "diagnosis": ["chat/BR has no eligible option"],
        "ineligible": [
            {"workload": "chat", "stream": "BR", "reason": "law_forbids", "rule": "BR-X", "options": 1200},
            {"dataset": "archive", "reason": "law_forbids", "rule": "BR-Y", "options": 77},
        ],
    })  # fmt: skip
    text = shown(render_plan, plan)
    for words in ("infeasible", "chat/BR has no eligible option", "law forbids", "BR-X", "1,200", "dataset archive"):
        assert words in text


def test_verbose_shows_every_quota():
    """With verbose no pool is left out."""
    text = shown(render_plan, Plan.model_validate(PLAN), verbose=True)
    assert all(f"H100@aws:r{k}" in text for k in range(12))


def test_hand_written_plan_renders():
    """Only what is stated is shown."""
    bare = {"placements": [{"workload": "w", "provider": "p", "region": "r", "sku": "s", "period": "t0"}]}
    assert "p:r" in shown(render_plan, Plan.model_validate(bare))


def test_markup_in_names_is_printed_as_it_is():
    """Square brackets of user text are text, not markup."""
    plan = Plan.model_validate({**PLAN, "warnings": ["see workloads[id=chat] [bold]x"]})
    assert "workloads[id=chat] [bold]x" in shown(render_plan, plan)


def test_audit_lists_violations_with_both_values():
    """Kind, place, both values and the rule behind it; nothing else is needed to find the fault."""
    found = Violation(kind="quota", where="devices:H100@aws:x in t0", what="devices in use", expected=8.0, found=9.0,
                      rule="account")  # fmt: skip
    text = shown(render_audit, AuditReport(violations=(found,), recomputed={"objective_usd": 10.0, "carbon_kg": 2.0}))
    for words in ("1 violation", "quota", "devices:H100@aws:x", "8", "9", "account", "10.00 USD", "2 kg"):
        assert words in text


def test_clean_audit_says_so():
    """A clean report names the number of checks and its notes."""
    text = shown(render_audit, AuditReport(checked={"law": 1200, "cost": 3}, notes=("no law was checked",)))
    assert "no violation in 1,203 checks" in text
    assert "no law was checked" in text


def test_validation_summarises_the_instance():
    """A valid instance is described in one table."""
    instance = Instance.model_validate({
        "name": "tiny", "horizon": {"start": "2027-01-01", "hours": 730},
        "workloads": [
            {"id": "s", "kind": "service", "runs": {"model": "m"}, "streams": [{"origin": "DE", "rate": 1}]},
            {"id": "j", "kind": "job", "runs": {"model": "m"}, "work": 5},
        ],
        "budgets": [{"id": "co2", "limit_kg": 5}],
    })  # fmt: skip
    text = shown(render_validation, instance)
    for words in ("tiny: valid", "1 service with 1 stream, 1 job", "co2", "730 h", "offer that no quota covers"):
        assert words in text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "unknown"), (1234.5, "1,234"), (12.345, "12.35"), (0.0, "0.00"), (-5000.0, "-5,000")]
)
def test_money(value, text):
    """Large sums without cents, small ones with."""
    assert usd(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "unknown"), (123456.7, "123,457"), (0.00001, "1.00e-05"), (12.3456, "12.35"), (0, "0")]
)
def test_amounts(value, text):
    """No figure loses its meaning to rounding."""
    assert amount(value) == text


def test_names_are_cut_with_a_count():
    """The first few names and how many more."""
    assert some(["a", "b", "a", "c", "d"], 2) == "a, b +2"
    assert percent(0.123) == "12.3 %"
