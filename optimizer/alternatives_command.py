"""`domicile alternatives`: other plans that cost little more."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optimizer.command_inputs import CHANGE, FILE, changed_in, load_changed
from optimizer.completion import INSTANCE
from optimizer.exit_codes import STOPPED
from optimizer.terminal import Finite, Share

if TYPE_CHECKING:
    from optimizer.explain import AlternativesAnswer
    from optimizer.plan.models import Plan
    from optimizer.solve.solution import Progress



@click.command()
@click.argument("file", type=INSTANCE)
@CHANGE
@click.option("--plan", "plan_file", type=FILE, help="The plan at hand, as JSON.  [default: the instance is solved]")
@click.option(
    "--within", type=Share(min=0), default="2%", show_default=True, help="How much above the bound a plan may cost."
)
@click.option("--count", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many other plans.")
@click.option(
    "--vary", default="", help="What to be best in, by commas: carbon, providers, moves, outside, law, different."
    "  [default: all that can be asked]",
)  # fmt: skip
@click.option("--from", "from_file", type=FILE, help="Count moves from this plan.  [default: from what runs today]")
@click.option("--outside", help="The jurisdiction to be outside of (US, DE).")
@click.option("--gap", type=Finite(min=0), default=1e-3, show_default=True, help="Prove each measure within this gap.")
@click.option(
    "--time-limit", type=Finite(min=0, min_open=True), default=300.0, show_default=True, help="Seconds for all solves."
)
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads the solver may use.  [default: all]")
@click.option("--output", type=FILE, help="Write each plan into this folder: plan-1.json, plan-2.json, ...")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.pass_context
def alternatives(  # noqa: PLR0917  (click passes them by name)
    ctx: click.Context,
    file: Path,
    changes: tuple[Path, ...],
    plan_file: Path | None,
    within: float,
    count: int,
    vary: str,
    from_file: Path | None,
    outside: str | None,
    gap: float,
    time_limit: float,
    threads: int | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Find other compliant plans of the instance FILE that cost little more and really differ.

    The best in each measure at hand, and then plans as different as possible; each is audited. Exit code 4 where time
    ran out before a measure was proven (the best plans found are printed).
    """
    from optimizer.explain import alternatives as found_in
    from optimizer.plan.models import Plan
    from optimizer.report import render_alternatives
    from optimizer.terminal import print_answer, run_interruptible

    instance = load_changed(file, changes)
    plan, earlier = (None if path is None else Plan.read(path) for path in (plan_file, from_file))
    asked = tuple(name.strip() for name in vary.split(",") if name.strip())

    def work(progress: Callable[[Progress], None], cancel: threading.Event) -> AlternativesAnswer:
        return found_in(
            instance, plan, within=within, count=count, vary=asked, moved_from=earlier, outside=outside, gap=gap,
            time_limit_seconds=time_limit, threads=threads, progress=progress, cancel=cancel,
        )  # fmt: skip

    with changed_in(file, changes):
        answer: AlternativesAnswer = run_interruptible(work, display=sys.stderr.isatty(), currency=instance.currency)
    if output is not None:
        _write(tuple(row.plan for row in answer.plans), output)
    print_answer(answer.model_dump_json(indent=2) if as_json else partial(render_alternatives, answer))
    ctx.exit(0 if answer.complete else STOPPED)


def _write(plans: tuple[Plan, ...], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for k, plan in enumerate(plans, start=1):
        plan.write(folder / f"plan-{k}.json")
