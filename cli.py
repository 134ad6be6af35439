"""The `domicile` command: parse, call, print, exit code. Everything heavy is imported inside the command that needs it.

Exit codes: 0 a plan within the asked gap · 1 internal error · 2 bad input or usage · 3 proven infeasible · 4 stopped by
a limit (the best plan found is written with its gap) · 5 the audit found violations.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import optimizer
from optimizer.errors import DomicileError, InfeasibleError, InputError, Issue

if TYPE_CHECKING:
    from optimizer.plan.models import Plan

INTERNAL_ERROR, BAD_INPUT, INFEASIBLE, STOPPED, VIOLATIONS = 1, 2, 3, 4, 5


class Domicile(click.Group):
    """Turns every error into a short message on stderr and its exit code; a traceback only with --debug."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command chosen."""
        debug = bool(ctx.params.get("debug"))
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            _silence_stdout()
            ctx.exit(0)
        except DomicileError as error:
            if debug:
                raise
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except Exception as error:
            if debug:
                raise
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            click.echo(f"Internal error: {what}\nMaybe run it again with --debug and report the traceback", err=True)
            ctx.exit(INTERNAL_ERROR)


def _silence_stdout() -> None:
    """Let the interpreter's last flush go nowhere: whoever read the output has gone."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (lives until the process ends)


class _Finite(click.FloatRange):
    """A number in a range; NaN and infinity are not numbers here."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


FILE = click.Path(path_type=Path)


@click.group(cls=Domicile, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(optimizer.__version__, prog_name="domicile")
@click.option("--debug", is_flag=True, help="Show tracebacks and log messages.")
def main(debug: bool) -> None:
    """Decide where AI workloads and their data should live: lawful, within carbon budgets, at proven least cost."""
    if debug:
        logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(name)s %(levelname)s %(message)s")


@main.command()
@click.argument("file", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def validate(file: Path, as_json: bool) -> None:
    """Check an instance FILE and its tables; report every problem with file and line."""
    from optimizer.instance.summary import summarise

    try:
        instance = optimizer.load(file)
    except InputError as error:
        if as_json:
            click.echo(json.dumps({"valid": False, "issues": [vars(issue) for issue in error.issues]}, indent=2))
        raise
    if as_json:
        click.echo(json.dumps({"valid": True, "issues": [], "sha256": optimizer.instance_sha256(instance)}, indent=2))
    else:
        click.echo(f"{file}: valid\n{summarise(instance)}")


@main.command()
@click.argument("file", type=FILE)
@click.option("--output", type=FILE, help="Write the plan to this JSON file.")
@click.option("--tables", type=FILE, help="Write every table of the plan as CSV into this folder.")
@click.option("--gap", type=_Finite(min=0), default=1e-3, show_default=True, help="Stop within this relative gap.")
@click.option("--time-limit", type=_Finite(min=0, min_open=True), default=300.0, show_default=True, help="Seconds.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads the solver may use.  [default: all]")
@click.option("--method", default="auto", show_default=True, help="How to solve; auto chooses by size.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@click.pass_context
def solve(  # noqa: PLR0917  (click passes them by name)
    ctx: click.Context,
    file: Path,
    output: Path | None,
    tables: Path | None,
    gap: float,
    time_limit: float,
    threads: int | None,
    method: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the least-cost plan for an instance FILE that obeys every law, budget and quota; prove how good it is.

    Ctrl-C and the time limit keep the best plan found (exit code 4).
    """
    from optimizer.terminal import run_interruptible

    _require_writable(output, tables)
    instance = optimizer.load(file)
    options: dict[str, Any] = {"gap": gap, "time_limit_seconds": time_limit, "threads": threads, "method": method}
    try:
        plan = run_interruptible(
            lambda progress, cancel: optimizer.solve(instance, progress=progress, cancel=cancel, **options),
            display=not quiet and sys.stderr.isatty(),
        )
    except InfeasibleError as error:
        plan = getattr(error, "plan", None)
        if plan is None:
            raise
    _write(plan, output, tables)
    code = exit_code(plan, gap)
    try:
        _print_plan(plan, as_json=as_json, quiet=quiet)
    except BrokenPipeError:
        _silence_stdout()
    if quiet and code == INFEASIBLE:
        click.echo(f"Error: {file}: infeasible", err=True)
    ctx.exit(code)


def exit_code(plan: Plan, gap: float) -> int:
    """Return 0 for a plan within the asked gap, 3 for proven infeasible, 4 for anything a limit cut short."""
    if plan.status == "infeasible":
        return INFEASIBLE
    within = plan.gap is not None and plan.gap <= gap * (1 + 1e-9)
    return 0 if plan.status == "optimal" or (plan.status == "feasible" and within) else STOPPED


def _print_plan(plan: Plan, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        click.echo(plan.to_json())
    elif not quiet:
        from optimizer.report import render_plan
        from optimizer.terminal import console

        render_plan(plan, console())
    sys.stdout.flush()


def _require_writable(output: Path | None, tables: Path | None) -> None:
    """Fail before the work, not after it."""
    if output is not None:
        if output.is_dir():
            raise click.BadParameter(f"{output} is a folder.", param_hint="--output")
        if not output.parent.is_dir():
            raise click.BadParameter(f"folder {output.parent} does not exist.", param_hint="--output")
        if not os.access(output.parent, os.W_OK):
            raise click.BadParameter(f"folder {output.parent} is not writable.", param_hint="--output")
    if tables is not None and tables.exists() and not tables.is_dir():
        raise click.BadParameter(f"{tables} is not a folder.", param_hint="--tables")


def _write(plan: Plan, output: Path | None, tables: Path | None) -> None:
    if output is not None:
        plan.write(output)
    if tables is not None:
        tables.mkdir(parents=True, exist_ok=True)
        for name, table in plan.tables().items():
            table.to_csv(tables / f"{name}.csv", index=False)


@main.command()
@click.argument("file", type=FILE)
@click.option("--plan", "plan_file", type=FILE, required=True, help="The plan to judge, as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def audit(ctx: click.Context, file: Path, plan_file: Path, as_json: bool) -> None:
    """Recompute a plan from the instance FILE alone and list what it violates (exit code 5)."""
    from optimizer.plan.models import Plan
    from optimizer.report import render_audit
    from optimizer.terminal import console

    issues: list[Issue] = []
    instance = plan = None
    try:
        instance = optimizer.load(file)
    except InputError as error:
        issues += error.issues
    try:
        plan = Plan.read(plan_file)
    except InputError as error:
        issues += error.issues
    if instance is None or plan is None:
        raise InputError(issues)
    report = optimizer.audit(instance, plan)
    code = 0 if report.ok else VIOLATIONS
    try:
        if as_json:
            click.echo(report.model_dump_json(indent=2))
        else:
            render_audit(report, console())
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
    ctx.exit(code)


@main.group()
def schema() -> None:
    """Print JSON Schemas."""


@schema.command("instance")
def schema_instance() -> None:
    """JSON Schema of instance files."""
    from optimizer.instance.schema import instance_schema

    click.echo(json.dumps(instance_schema(), indent=2))


@schema.command("plan")
def schema_plan() -> None:
    """JSON Schema of plans."""
    from optimizer.instance.schema import plan_schema

    click.echo(json.dumps(plan_schema(), indent=2))


if __name__ == "__main__":
    main()
