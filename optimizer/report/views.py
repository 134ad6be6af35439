"""Audits and validated instances for people."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from optimizer.audit.findings import AuditReport, shown
from optimizer.instance.models import Instance
from optimizer.instance.workloads import Service
from optimizer.instance.world import Currency
from optimizer.printable import printable
from optimizer.report.parts import add_rows, amount, amounts_in, bullet, grid, heading, money, put
from optimizer.report.plain import printable_model

if TYPE_CHECKING:
    from optimizer.proof import Proof


def render_audit(report: AuditReport, console: Console, *, verbose: bool = False) -> None:
    """Print what an audit found, violations first; `verbose` shows all. Control characters are written out."""
    report = printable_model(report)
    if report.ok and not report.held:
        console.print(Text("nothing to audit", style="bold yellow"))
    elif report.ok:
        checks = sum(report.checked.values())
        console.print(Text.assemble(("no violation", "bold green"), f" in {checks:,} checks"))
    else:
        count = len(report.violations)
        console.print(Text(f"{count} violation{'s' if count != 1 else ''}", style="bold red"))
        table = grid(["kind", "where", "what", "expected", "found", "rule"], right=["expected", "found"],
                     whole=["kind"])  # fmt: skip
        rows: list[list[str | Text]] = [
            [Text(v.kind, style="red"), v.where, v.what, _value(v.expected), _value(v.found), v.rule or ""]
            for v in report.violations
        ]
        put(console, table, add_rows(table, rows, verbose=verbose))
        kinds = Counter(v.kind for v in report.violations)
        if len(kinds) > 1:
            console.print(Text("by kind: " + ", ".join(f"{k} {n}" for k, n in kinds.most_common()), style="dim"))
    of = report.currency
    own = () if of is None else (f"objective_{of.code.lower()}", f"cost_{of.code.lower()}.")
    figures = [(name, value) for name, value in report.recomputed.items()
               if value is not None and not (own and name.startswith(own))]  # fmt: skip
    if figures:
        heading(console, "Recomputed from instance and plan")
        table = grid(["figure", "value"], right=["value"])
        with amounts_in(of):
            rows = [[name.removesuffix("_usd"), _figure(name, value)] for name, value in figures if value or verbose]
        add_rows(table, rows, verbose=True)
        console.print(table)
        if of is not None:
            day = f", {of.date}" if of.date else ""
            bullet(console, f"1 {of.code} = {of.usd_per_unit:g} USD{day}")
    if verbose:
        heading(console, "Checks")
        table = grid(["subject", "checks"], right=["checks"])
        add_rows(table, [[name, f"{n:,}"] for name, n in sorted(report.checked.items())], verbose=True)
        console.print(table)
    for note in report.notes:
        bullet(console, note)
    if report.open_actions:
        bullet(console, f"{len(report.open_actions)} open actions: {', '.join(report.open_actions)}")
    if report.not_judged:
        heading(console, "Not judged")
        for left_out in report.not_judged:
            bullet(console, left_out)


def render_proof(proof: Proof, console: Console) -> None:
    """Print what came of solving once more for what a plan states."""
    proof = printable_model(proof.model_copy(update={"better": None}))
    heading(console, "Proof")
    colour = {"proven": "green", "contradicted": "red"}.get(proof.verdict, "yellow")
    console.print(Text.assemble((proof.verdict.replace("_", " "), f"bold {colour}"), f": {proof.finding}"))
    bullet(console, f"the plan states: {proof.claim}")
    own = f"the plan names {proof.stated_method}" if proof.stated_method else "the plan names none"
    same = " (the same: another run, not another method)" if proof.stated_method == proof.method else ""
    bullet(console, f"method: {proof.method} in {proof.seconds:.1f} s; {own}{same}")
    for text in proof.not_proven:
        bullet(console, f"not proven: {text}")


def _value(value: float | int | str | None) -> str:
    return "" if value is None else shown(value)


def _figure(name: str, value: float) -> str:
    for suffix, unit in (("_kg", "kg"), ("_kwh", "kWh"), ("_l", "l")):
        if name.endswith(suffix):
            return amount(value, unit)
    return money(value)


def render_validation(instance: Instance, console: Console) -> None:
    """Print that an instance is valid and what is in it."""
    description, instance = instance.description, printable_model(instance)
    services = [w for w in instance.workloads if isinstance(w, Service)]
    streams = sum(len(s.streams) for s in services)
    jobs = len(instance.workloads) - len(services)
    periods = instance.horizon.resolved()
    hours = sum(period.hours for period in periods)
    console.print(Text.assemble((f"{instance.name}: ", "bold"), ("valid", "bold green")))
    if description:
        console.print(Text(printable(description.strip(), lines=True), overflow="fold"))
    table = grid(["", "what"])
    table.show_header = False
    span = f"{hours:,.6g} h from {instance.horizon.start.isoformat()}"
    held = len(instance.legal_assertions.mechanisms_held)
    about = [
        ["horizon", span + (f" in {len(periods)} periods" if len(periods) > 1 else "")],
        *([["currency", _currency(instance.currency)]] if instance.currency is not None else []),
        ["workloads", f"{_count(len(services), 'service')} with {_count(streams, 'stream')}, {_count(jobs, 'job')}"],
        ["datasets", str(len(instance.datasets))],
        ["budgets", ", ".join(b.id for b in instance.budgets) or "none"],
        ["policies", ", ".join(p.id for p in instance.policies) or "none"],
        ["quotas", f"{len(instance.quotas.limits)} stated, default {_default(instance)}"],
        ["catalogue", instance.catalogue.use + _chosen(instance)],
        ["laws", "not checked" if instance.laws.use == "none" else _laws(instance)],
        ["safeguards", f"{held} held, {len(instance.mechanism_costs)} with a price"],
        ["carbon", f"{instance.carbon.basis.replace('_', ' ')}, embodied {instance.carbon.embodied}"],
    ]
    add_rows(table, about, verbose=True)
    console.print(table)


def _currency(of: Currency) -> str:
    day = f" ({of.date.isoformat()})" if of.date is not None else ""
    return f"{of.code}, {of.usd_per_unit:g} USD each{day}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _default(instance: Instance) -> str:
    """Return the default quotas in words."""
    quotas = instance.quotas
    stated = (
        (quotas.default_devices, "devices", "per accelerator and region"),
        (quotas.default_vcpus, "vCPUs", "per region"),
        (quotas.default_endpoint_units_per_s, "work units/s", "per endpoint"),
    )
    told = [
        f"unlimited {unit}" if limit == "unlimited" else f"{limit:g} {unit} {per}"
        for limit, unit, per in stated
        if limit is not None
    ]
    return ", ".join(told) or "none: an offer that no quota covers is ineligible"


def _chosen(instance: Instance) -> str:
    providers = instance.catalogue.providers
    return f", providers {', '.join(providers)}" if providers else ""


def _laws(instance: Instance) -> str:
    laws = instance.laws
    known = f", known as of {laws.as_of.isoformat()}" if laws.as_of else ""
    return laws.use + known + (f", {len(laws.patches)} scenario patches" if laws.patches else "")
