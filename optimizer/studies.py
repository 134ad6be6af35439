"""The commands for what-if policy studies: `domicile study ...`."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optimizer.command_inputs import CHANGE, FILE, changed_in, load_changed
from optimizer.completion import INSTANCE, STUDY
from optimizer.errors import InputError, Issue
from optimizer.exit_codes import FAULT, STOPPED
from optimizer.terminal import Finite

if TYPE_CHECKING:
    from rich.text import Text

    from optimizer.plan.models import Plan
    from optimizer.study import StudyProgress



@click.group()
def study() -> None:
    """Solve an instance in many scenarios, stop and resume, and compare what comes out."""


@study.command("run")
@click.argument("file", type=STUDY)
@click.option("--out", type=FILE, required=True, help="Folder for the results; a run resumes the last.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes, one thread each.  [default: all cores]")
@click.option("--cluster", metavar="ADDRESS", help="Dask scheduler (tcp://host:8786) whose workers solve instead.")
@click.option("--samples", type=FILE, help="CSV of values drawn elsewhere, one column for each axis.")
@click.option(
    "--time-limit", type=Finite(min=0, min_open=True),
    help="Seconds for the run; what is left then is for the next one.  [default: none]",
)  # fmt: skip
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("--json", "as_json", is_flag=True, help="Print one row for each scenario as JSON.")
@click.pass_context
def study_run(
    ctx: click.Context, file: Path, out: Path, *, workers: int | None, cluster: str | None, samples: Path | None,
    time_limit: float | None, quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    """Solve every scenario of the study FILE that has no result in the folder yet.

    FILE is a YAML or JSON file, or the name of a bundled study (export-control).

    Ctrl-C and the time limit keep what is finished (exit code 4); a second run goes on from there. A scenario that is
    infeasible or fails is a row of the tables with its reason; where one failed the exit code is 1.
    """
    from optimizer.report import render_study
    from optimizer.study import StudyFolder, load_study, run_study, scenario_rows
    from optimizer.terminal import print_answer, run_interruptible

    if cluster is not None and workers is not None:
        raise click.UsageError("--workers and --cluster exclude each other: a cluster has its own workers")
    require_parquet()
    loaded = load_study(file, samples)
    folder = StudyFolder(out)

    def work(progress: Callable[[StudyProgress], None], cancel: threading.Event) -> StudyProgress:
        return run_study(
            loaded, folder, workers=workers, cluster=cluster, time_limit_seconds=time_limit, progress=progress,
            cancel=cancel,
        )  # fmt: skip

    state: StudyProgress = run_interruptible(work, display=not quiet and sys.stderr.isatty(), line=_line)
    if as_json:
        print_answer(json.dumps(scenario_rows(folder), indent=2, ensure_ascii=False))
    elif not quiet:
        print_answer(partial(render_study, folder))
    ctx.exit(STOPPED if state.left else FAULT if state.failed else 0)


def require_parquet() -> None:
    """Raise InputError where the library that writes the tables is missing: before hours of solving, not after."""
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        what = "the tables of a study need the library pyarrow"
        raise InputError(Issue(what, maybe="pip install 'domicile[parquet]'"))


def _line(progress: StudyProgress, stopping: bool) -> Text:
    from rich.text import Text

    rate = progress.solved_now / progress.elapsed_seconds * 60 if progress.elapsed_seconds else 0.0
    left = progress.left_seconds
    told = f"{progress.done} done  {progress.infeasible} infeasible  {progress.failed} failed  {progress.left} left"
    pace = "" if left is None else f"  {rate:.1f} a minute, {left / 60:.0f} min left"
    end = "  stopping" if stopping else "  Ctrl-C keeps what is finished"
    return Text.assemble((f"{progress.elapsed_seconds:7.1f} s  ", "bold"), told, pace, (end, "dim"), no_wrap=True)


@study.command("status")
@click.argument("folder", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one row for each scenario as JSON.")
def study_status(folder: Path, as_json: bool) -> None:
    """Say how far the study in FOLDER is, and what came of its scenarios."""
    from optimizer.report import render_study
    from optimizer.study import StudyFolder, scenario_rows
    from optimizer.terminal import print_answer

    held = StudyFolder(folder)
    if as_json:
        print_answer(json.dumps(scenario_rows(held), indent=2, ensure_ascii=False))
    else:
        print_answer(partial(render_study, held))


@study.command("compare")
@click.argument("folder", type=FILE)
@click.argument("before")
@click.argument("after")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def study_compare(folder: Path, before: str, after: str, as_json: bool) -> None:
    """Say what differs between the plans of the scenarios BEFORE and AFTER of the study in FOLDER, and why."""
    from optimizer.plan.rows import PlanCurrency
    from optimizer.report import render_diff
    from optimizer.study import StudyFolder, compare
    from optimizer.terminal import print_answer

    held = StudyFolder(folder)
    diff, told = compare(held, before, after), held.currency(before)
    currency = None if told is None else PlanCurrency.model_validate(told)
    print_answer(diff.model_dump_json(indent=2) if as_json else partial(render_diff, diff, currency=currency))


@study.command("regret")
@click.argument("folder", type=FILE)
@click.option("--plan", "plans", multiple=True, metavar="SCENARIO", help="Judge this scenario's plan; several times.")
@click.option("--base", metavar="NAME", help="Of a study of several bases: which one.")
@click.option("--verbose", is_flag=True, help="Print every row.")
@click.option("--json", "as_json", is_flag=True, help="Print plans and cells as JSON.")
def study_regret(folder: Path, plans: tuple[str, ...], base: str | None, verbose: bool, as_json: bool) -> None:
    """Judge the plans of the study in FOLDER in every future, and name the one of least worst regret.

    A future is what the uncertainties come to; a plan is held as it is, with the levers it was chosen with. What it
    breaks there, and what it costs, is the audit's word. Nothing is solved again.
    """
    from optimizer.report import render_regret
    from optimizer.study import StudyFolder, regret
    from optimizer.terminal import print_answer

    table = regret(StudyFolder(folder), plans, base=base)
    print_answer(table.model_dump_json(indent=2) if as_json else partial(render_regret, table, verbose=verbose))


@study.command("discover")
@click.argument("folder", type=FILE)
@click.option("--plan", metavar="SCENARIO", help="Say when the plan of this scenario fails, not when there is none.")
@click.option("--base", metavar="NAME", help="Of a study of several bases: which one.")
@click.option("--json", "as_json", is_flag=True, help="Print the rules as JSON.")
def study_discover(folder: Path, plan: str | None, base: str | None, as_json: bool) -> None:
    """Say by a short rule on the axes when there is no plan in the study in FOLDER, or when one fails.

    Scenario discovery: a scenario fails that is infeasible, or whose plan misses the limit of a metric of the study; a
    plan fails in a future where it breaks a rule or misses one. Needs scikit-learn: pip install 'domicile[study]'.
    """
    from optimizer.report import render_discovery
    from optimizer.study import StudyFolder, discover, regret
    from optimizer.terminal import print_answer

    held = StudyFolder(folder)
    found = discover(held, base=base) if plan is None else discover(held, regret(held, [plan], base=base))
    print_answer(found.model_dump_json(indent=2) if as_json else partial(render_discovery, found))


@study.command("frontier")
@click.argument("file", type=INSTANCE)
@CHANGE
@click.option(
    "--over", type=click.Choice(["carbon", "market_based", "water", "outside", "providers", "waiting"]), required=True,
    help="What is traded.",
)  # fmt: skip
@click.option("--outside", help="With --over outside: the jurisdiction to be outside of (US).")
@click.option("--points", type=click.IntRange(2, 100), default=7, show_default=True, help="At most so many points.")
@click.option("--output", type=FILE, help="Write the plan of each point into this folder: point-1.json, ...")
@click.option("--gap", type=Finite(min=0), default=5e-3, show_default=True, help="Prove each point within this gap.")
@click.option(
    "--time-limit", type=Finite(min=0, min_open=True), default=600.0, show_default=True, help="Seconds for all points."
)
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads the solver may use.  [default: all]")
@click.option("--json", "as_json", is_flag=True, help="Print the points as JSON.")
@click.pass_context
def study_frontier(
    ctx: click.Context, file: Path, changes: tuple[Path, ...], output: Path | None, as_json: bool, **how: Any
) -> None:  # fmt: skip
    """Say what less carbon or water, more work outside a jurisdiction, fewer providers, or jobs that wait less, cost
    the instance FILE.

    Each point is a plan, and a bound: no plan of at most that cost is better. Exit code 4 where time ran out; the
    points found are printed.
    """
    from optimizer.report import render_frontier
    from optimizer.study import Frontier, frontier
    from optimizer.terminal import print_answer, require_writable, run_interruptible

    require_writable(None, output)
    instance = load_changed(file, changes)
    how["time_limit_seconds"] = how.pop("time_limit")

    def work(progress: Callable[[Any], None], cancel: threading.Event) -> tuple[Frontier, tuple[Plan, ...]]:
        return frontier(instance, progress=progress, cancel=cancel, **how)

    with changed_in(file, changes):
        answer, plans = run_interruptible(work, display=sys.stderr.isatty(), currency=instance.currency)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        for number, plan in enumerate(plans, start=1):
            plan.write(output / f"point-{number}.json")
    print_answer(answer.model_dump_json(indent=2) if as_json else partial(render_frontier, answer))
    ctx.exit(0 if answer.complete else STOPPED)


@click.command("diff")
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@click.option("--instance", type=INSTANCE, help="The instance of the second plan: then moves have their reasons.")
@CHANGE
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def plan_difference(
    before: Path, after: Path, instance: Path | None, changes: tuple[Path, ...], as_json: bool
) -> None:
    """Say what differs between two plans (JSON): totals, what moved and, with --instance, the rule that caused it."""
    import domicile
    from optimizer.explain.differences import plan_diff
    from optimizer.explain.why_moved import WhyMoved
    from optimizer.report import render_diff
    from optimizer.terminal import print_answer

    if changes and instance is None:
        raise click.UsageError("--change is for --instance")
    first, second = domicile.Plan.read(before), domicile.Plan.read(after)
    for path, plan in ((before, first), (after, second)):
        if not plan.held:
            raise InputError(Issue(f"holds no plan: it is {plan.status}", file=str(path), maybe="diff plans"))
    why = None
    if instance is not None:
        why = WhyMoved(domicile.compile(load_changed(instance, changes)), (first, second))
    diff = plan_diff(first, second, why)
    print_answer(diff.model_dump_json(indent=2) if as_json else partial(render_diff, diff, currency=second.currency))
