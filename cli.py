"""The `domicile` command: parse, call, print, exit code. Everything heavy is imported inside the command that needs it.

Exit codes: 0 a plan within the asked gap · 1 internal error, or a bound that contradicts the plan, or a proof that is
contradicted (`audit --prove`) · 2 bad input or usage · 3 proven infeasible · 4 stopped by a limit or Ctrl-C (the best
plan found is written with its gap; a proof is left undecided) · 5 the audit found violations · 6 a plan lacks what was
required of it (`audit --require`).
"""

from __future__ import annotations

import gc
import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import domicile
from optimizer.alternatives_command import alternatives
from optimizer.catalogue_lookup import catalogue
from optimizer.command_inputs import CHANGE, FILE, changed_in, load_both, load_changed
from optimizer.completion import INSTANCE, completion
from optimizer.errors import ISSUES_TOLD, InputError
from optimizer.exit_codes import FAULT, INFEASIBLE, REQUIRED, STOPPED, VIOLATIONS, tell_exit_codes
from optimizer.export_command import export_plan
from optimizer.import_command import import_group
from optimizer.init_command import init
from optimizer.lookup_laws import laws
from optimizer.methods import METHODS
from optimizer.printable import printable
from optimizer.questions import explain
from optimizer.report_command import report
from optimizer.schema_command import schema
from optimizer.studies import plan_difference, study
from optimizer.terminal import Finite, Shell

if TYPE_CHECKING:
    from optimizer.explain import Conflict
    from optimizer.plan.models import Plan
    from optimizer.proof import Proof
    from optimizer.solve.solution import Progress

NOTHING_TO_AUDIT = {"infeasible": INFEASIBLE, "no_plan": STOPPED}
NOT_HELD = {"infeasible": "infeasible", "no_plan": "no plan was found before it was stopped"}
CONTRADICTION = """the bound found lies {:,.6g} USD above the cost of the plan, which obeys every rule: a fault of the
solver, so that nothing is proven
Maybe another --method proves a bound; please report the instance"""
LEAST_SECONDS, CONFLICT_SECONDS = 1e-3, 30.0
"""Seconds that solving gets at least, and that the conflict of an infeasible instance may take to be found."""
COLLECT_AFTER = 50_000
"""Objects made since the last garbage collection: imports and tables make hundreds of thousands that all live on."""


@click.group(cls=Shell, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(domicile.__version__, prog_name="domicile")
@click.option("--debug", is_flag=True, help="Show tracebacks and log messages.")
def main(debug: bool) -> None:
    """Decide where AI workloads and their data should live: lawful, within carbon budgets, at proven least cost.

    An instance FILE is a YAML or JSON file, or the name of a bundled instance (quickstart).
    """
    gc.set_threshold(COLLECT_AFTER)
    if debug:
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
        logging.getLogger("optimizer").setLevel(logging.DEBUG)


@main.command()
@click.argument("file", type=INSTANCE)
@CHANGE
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def validate(file: Path, changes: tuple[Path, ...], as_json: bool) -> None:
    """Check an instance FILE and its tables; report every problem with file and line.

    What `solve` would refuse is refused. Warnings name figures outside their plausible range, and what touches nothing.
    """
    from optimizer.instance.summary import summarise
    from optimizer.validation import warnings_on

    try:
        instance = load_changed(file, changes)
        with changed_in(file, changes):
            warnings = warnings_on(instance)
    except InputError as error:
        if as_json:
            issues = [vars(issue) for issue in error.issues[:ISSUES_TOLD]]
            more = len(error.issues) - len(issues)
            click.echo(json.dumps({"valid": False, "issues": issues, "more_issues": more, "warnings": []}, indent=2))
        raise
    if as_json:
        told = {"valid": True, "issues": [], "warnings": warnings, "sha256": domicile.instance_sha256(instance)}
        click.echo(json.dumps(told, indent=2))
    else:
        lines = [f"{printable(str(file))}: valid", summarise(instance)]
        click.echo("\n".join([*lines, *(f"warning: {printable(text)}" for text in warnings)]))


@main.command()
@click.argument("file", type=INSTANCE)
@CHANGE
@click.option("--output", type=FILE, help="Write the plan to this JSON file.")
@click.option("--tables", type=FILE, help="Write every table of the plan as CSV into this folder.")
@click.option("--gap", type=Finite(min=0), default=1e-3, show_default=True, help="Stop within this relative gap.")
@click.option("--time-limit", type=Finite(min=0, min_open=True), default=300.0, show_default=True, help="Seconds.")
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads the solver may use.  [default: all]")
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="auto",
    help="By default, structure and size decide.",
)
@click.option(
    "--then",
    type=click.Choice(["carbon"]),
    help="Then solve again in the time left: least carbon at no higher cost.",
)
@click.option("--start", "start_file", type=FILE, help="An earlier plan (JSON) to begin from: a hint, not a rule.")
@click.option(
    "--switching",
    type=click.IntRange(0, 20),
    default=3,
    show_default=True,
    help="How many figures to name whose error would change the plan, each with the value at which it does.",
)
@click.option("--parameters", type=FILE, help="Numbers of the solver (TOML) that are not to be the default.")
@click.option(
    "--workers",
    metavar="threads|ADDRESS",
    default="threads",
    show_default=True,
    help="Who solves the small programs of a large estate; ADDRESS of a Dask scheduler: tcp://host:8786, or "
    "tls://host:8786 with certificates. The cluster must be trusted: its workers see the numbers of the programs, and "
    "a bound that one of them states wrongly counts unless --check-rate comes upon it. They can neither run anything "
    "here nor bring a plan that breaks a rule.",
)
@click.option(
    "--check-rate",
    type=Finite(min=0, max=1),
    default=0.1,
    show_default=True,
    help="Share of a cluster's answers solved again here, at random; with 1, no bound rests on a worker's word. One "
    "wrong answer throws out all.",
)
@click.option(
    "--check-seed",
    type=click.IntRange(0, 2**32 - 1),
    help="Seed of that draw.  [default: a new one, told in the plan]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@click.pass_context
def solve(  # noqa: PLR0917  (click passes them by name)
    ctx: click.Context,
    file: Path,
    changes: tuple[Path, ...],
    output: Path | None,
    tables: Path | None,
    gap: float,
    time_limit: float,
    threads: int | None,
    method: str,
    then: str | None,
    start_file: Path | None,
    switching: int,
    parameters: Path | None,
    workers: str,
    check_rate: float,
    check_seed: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the least-cost plan for an instance FILE that obeys every law, budget and quota; prove how good it is.

    Ctrl-C and the time limit keep the best plan found (exit code 4); the limit counts from the start of the command.
    Infeasible (3) or without any plan in time (4), what is written holds no placements and says why.
    """
    from optimizer.terminal import print_answer, require_writable, run_interruptible, write_outputs

    begun = time.perf_counter()
    require_writable(output, tables)
    instance, start = load_both(file, changes, start_file) if start_file else (load_changed(file, changes), None)
    options: dict[str, Any] = {"gap": gap, "threads": threads, "method": method, "then": then, "start": start}
    options |= {"base_dir": instance.folder, "workers": workers, "switching": switching}
    options |= {"check_rate": check_rate, "check_seed": check_seed, "parameters": parameters}
    options["time_limit_seconds"] = max(LEAST_SECONDS, time_limit - (time.perf_counter() - begun))

    def work(progress: Callable[[Progress], None], cancel: threading.Event) -> Plan:
        plan = domicile.solve(instance, progress=progress, cancel=cancel, **options)
        unwritten.extend(write_outputs(plan, output, tables))  # here, where Ctrl-C does not keep it from being written
        left = min(CONFLICT_SECONDS, time_limit - (time.perf_counter() - begun))
        if plan.status == "infeasible" and left > 0 and not as_json and not quiet:
            found = domicile.explain.first_conflict(instance, time_limit_seconds=left, cancel=cancel)
            conflicts.extend([] if found is None else [found])
        return plan

    unwritten: list[str] = []
    conflicts: list[Conflict] = []
    with changed_in(file, changes):
        plan = run_interruptible(work, display=not quiet and sys.stderr.isatty(), currency=instance.currency)
    for what in unwritten:
        click.echo(f"Error: {what}; the plan follows on standard output", err=True)
    if as_json or unwritten:
        print_answer(plan.to_json())
    elif not quiet:
        from optimizer.report import render_plan

        print_answer(partial(render_plan, plan, conflict=conflicts[0] if conflicts else None))
        if plan.status == "infeasible":
            given = "".join(f" --change {path}" for path in changes)
            click.echo(printable(f"what would give it a plan: domicile explain infeasible {file}{given}"))
    if quiet and not plan.held:
        click.echo(f"Error: {file}: {NOT_HELD[plan.status or '']}", err=True)
    if plan.termination == "contradiction":
        click.echo(f"Error: {file}: {CONTRADICTION.format(plan.bound_excess_usd)}", err=True)
    ctx.exit(FAULT if unwritten else exit_code(plan))


def exit_code(plan: Plan) -> int:
    """Return 0 for a plan within the gap asked, 3 for proven infeasible, 4 for anything a limit cut short.

    1 for a plan that the bound found contradicts.
    """
    if plan.termination == "contradiction":
        return FAULT
    return {"optimal": 0, "infeasible": INFEASIBLE}.get(plan.status or "", STOPPED)


@main.command()
@click.argument("file", type=INSTANCE)
@CHANGE
@click.option("--plan", "plan_file", type=FILE, required=True, help="The plan to judge, as JSON.")
@click.option("--prove", is_flag=True, help="Also solve again, by another method, for what is stated as proven.")
@click.option(
    "--method",
    type=click.Choice(METHODS),
    help="With --prove: who solves.  [default: the one with least in common with the plan's own]",
)
@click.option("--gap", type=Finite(min=0), help="With --prove: the gap to prove.  [default: the plan's]")
@click.option(
    "--time-limit",
    "time_limit_seconds",
    type=Finite(min=0, min_open=True),
    help="With --prove: seconds to solve.  [default: 300]",
)
@click.option("--threads", type=click.IntRange(1, 1024), help="With --prove: threads to solve with.  [default: all]")
@click.option("--require", type=click.Choice(["no-open-actions"]), help="Exit with 6 unless this holds as well.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def audit(
    ctx: click.Context, file: Path, changes: tuple[Path, ...], plan_file: Path, *, prove: bool, require: str | None,
    as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Recompute a plan from the instance FILE alone and list what it violates (exit code 5).

    A plan file that holds no plan (infeasible, or none found in time) leaves nothing to audit (exit code 3 or 4).
    With --prove, what the plan states of its proof is solved for once more: exit code 1 where it is contradicted, 4
    where that was left undecided, if there are no violations. With --require no-open-actions, exit code 6 where
    something is left to find out or confirm that nobody accepted.
    """
    from optimizer.report import render_audit, render_proof
    from optimizer.terminal import print_answer, run_interruptible

    settings = {name: value for name, value in options.items() if value is not None}
    if settings and not prove:
        raise click.UsageError(f"--{next(iter(settings)).removesuffix('_seconds').replace('_', '-')} is for --prove")
    instance, plan = load_both(file, changes, plan_file)
    proof: Proof | None = None
    with changed_in(file, changes):
        report = domicile.audit(instance, plan, base_dir=instance.folder)
        if prove:
            proof = run_interruptible(
                lambda progress, cancel: domicile.prove(
                    instance, plan, progress=progress, cancel=cancel, base_dir=instance.folder, **settings
                ),
                display=sys.stderr.isatty(), currency=instance.currency,
            )
    if as_json:
        told = {} if proof is None else {"proof": proof.model_dump(mode="json")}
        print_answer(json.dumps({**report.model_dump(mode="json"), **told}, indent=2, ensure_ascii=False))
    else:
        print_answer(partial(render_audit, report))
        if proof is not None:
            print_answer(partial(render_proof, proof))
    if not plan.held:
        click.echo(f"Error: {plan_file}: {NOT_HELD[plan.status or '']}; nothing to audit", err=True)
    if proof is not None and proof.verdict == "contradicted":
        click.echo(f"Error: {plan_file}: contradicted: {proof.finding}", err=True)
    code = 0 if plan.held else NOTHING_TO_AUDIT[plan.status or '']
    if proof is not None:
        code = {"contradicted": FAULT, "undecided": STOPPED}.get(proof.verdict, code)
    if require is not None and report.open_actions and code == 0:
        click.echo(f"Error: {plan_file}: open actions: {', '.join(report.open_actions)}", err=True)
        code = REQUIRED
    ctx.exit(code if report.ok else VIOLATIONS)


main.add_command(laws)
main.add_command(catalogue)
main.add_command(explain)
main.add_command(study)
main.add_command(plan_difference)
main.add_command(alternatives)
main.add_command(import_group)
main.add_command(export_plan)
main.add_command(report)
main.add_command(completion)
main.add_command(init)
main.add_command(schema)
tell_exit_codes(main)


if __name__ == "__main__":
    main()
elif __name__ == "cli":  # found in the folder of a checkout: a second copy of the module `domicile.cli`
    raise ImportError("the command line is the module domicile.cli", name=__name__)
