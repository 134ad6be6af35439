"""Strings of plans, instances and messages on their way to a terminal: control characters are shown, not sent."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from optimizer.audit import AuditReport, Violation
from optimizer.errors import InputError, Issue
from optimizer.plan.models import Plan
from optimizer.printable import printable
from optimizer.report import render_audit, render_plan
from optimizer.report.plain import printable_model

CLEAR = "\x1b[2J\x1b[31mall is well\x1b]0;title\x07"
EVIL = [CLEAR, "\x9b31m", "\x00", "\x7f", "a\rb", "a\x08b", "\u202etxt.exe", "\u2066x", "a\nno violation"]


def shown(render, model, **options) -> str:
    """Return what a terminal with colours would be sent, without the escapes that rich itself sends."""
    out = io.StringIO()
    render(model, Console(file=out, width=300, no_color=True, color_system=None), **options)
    return out.getvalue()


@pytest.mark.parametrize("text", EVIL)
def test_a_plan_cannot_steer_the_terminal(text: str):
    """Whatever string of a plan holds it: names, warnings, laws, flags, keys."""
    row = {"workload": text, "provider": text, "region": text, "sku": text, "period": "t0", "country": text,
           "instances": 1, "laws": [text], "flags": [text], "commitments": {text: 1.0}}  # fmt: skip
    plan = Plan.model_validate({
        "status": "feasible", "placements": [row], "warnings": [text], "instance_name": text,
        "unmodelled_laws": [text], "diagnosis": [text], "legal_register": [{"law": text, "citation": text}],
        "budgets": [{"id": text, "metric": "carbon_kg", "limit": 1, "used": 1, "slack": 0}],
    })  # fmt: skip
    told = shown(render_plan, plan, verbose=True)
    assert not any(mark in told for mark in "\x1b\x9b\x00\x7f\r\x08\x07\u202e\u2066")
    assert "\nno violation" not in told


@pytest.mark.parametrize("text", EVIL)
def test_a_finding_cannot_steer_the_terminal(text: str):
    """Findings repeat what the plan says."""
    found = Violation(kind="unknown_id", where=text, what=text, expected=text, found=text, rule=text)
    told = shown(render_audit, AuditReport(violations=(found,), notes=(text,), not_judged=(text,)), verbose=True)
    assert not any(mark in told for mark in "\x1b\x9b\x00\x7f\r\x08\x07\u202e\u2066")
    assert "\nno violation" not in told


def test_a_message_cannot_steer_the_terminal():
    """File names, places and values of errors are written out; the line of advice stays a line."""
    error = InputError(Issue(f"is {CLEAR}", file="a\x1bb", where="x\x9b", maybe="do\x1bthis"))
    assert str(error) == "a\\x1bb: x\\x9b: is \\x1b[2J\\x1b[31mall is well\\x1b]0;title\\x07\nMaybe do\\x1bthis"


def test_markup_is_not_taken_for_style():
    """Square brackets are text."""
    plan = Plan.model_validate({"status": "feasible", "warnings": ["[bold red]x[/]"], "instance_name": "[link=y]z[/]"})
    told = shown(render_plan, plan)
    assert "[bold red]x[/]" in told
    assert "[link=y]z[/]" in told


def test_what_is_printable_is_left_alone():
    """Letters of all languages pass, and a model without anything else is the same object."""
    assert printable("Zürich, 東京, naïve – ok") == "Zürich, 東京, naïve – ok"
    plan = Plan(warnings=("東京",), versions={"a": "b"})
    assert printable_model(plan) is plan
