"""The commands that ask for reasons: `domicile explain ...`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optimizer.command_inputs import CHANGE, FILE, changed_in, load_both, load_changed
from optimizer.completion import INSTANCE, REGION
from optimizer.exit_codes import STOPPED
from optimizer.terminal import Finite, Share

if TYPE_CHECKING:
    from optimizer.explain import InfeasibleAnswer, PricesAnswer, WhyAnswer
    from optimizer.solve.solution import Progress



@click.group()
def explain() -> None:
    """Ask for the reasons behind a plan, and for what another one would take."""


@explain.command("why")
@click.argument("file", type=INSTANCE)
@click.argument("workload")
@CHANGE
@click.option("--plan", "plan_file", type=FILE, required=True, help="The plan in question, as JSON.")
@click.option("--stream", help="One stream of a service.  [default: all of them]")
@click.option("--region", type=REGION, help="A region to put it in instead, by its id (aws:eu-west-1).")
@click.option("--offer", help="An offer to put it on instead, by its offer_id.")
@click.option("--share", type=Share(min=0, min_open=True, max=1), default=1.0, help="Only so much of it there: 30%.")
@click.option("--gap", type=Finite(min=0), default=1e-3, show_default=True, help="Prove costs within this gap.")
@click.option(
    "--time-limit", type=Finite(min=0, min_open=True), default=60.0, show_default=True,
    help="Seconds for the solves; what is proven until then is told.",
)  # fmt: skip
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads the solver may use.  [default: all]")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.pass_context
def explain_why(  # noqa: PLR0917  (click passes them by name)
    ctx: click.Context,
    file: Path,
    workload: str,
    changes: tuple[Path, ...],
    plan_file: Path,
    stream: str | None,
    region: str | None,
    offer: str | None,
    share: float,
    gap: float,
    time_limit: float,
    threads: int | None,
    as_json: bool,
) -> None:
    """Say why WORKLOAD is where a plan of the instance FILE puts it: costs, laws, limits, and the next best place.

    With --region or --offer, also why it is not there: every rule against it with its evidence and the least change
    that opens it, or what it costs more, as an interval that solves prove. Exit code 4 where time ran out on one of
    them (the best answer is printed).
    """
    from optimizer.explain import why
    from optimizer.report import render_why
    from optimizer.terminal import print_answer, run_interruptible

    instance, plan = load_both(file, changes, plan_file)

    def work(progress: Callable[[Progress], None], cancel: threading.Event) -> WhyAnswer:
        return why(
            instance, plan, workload, stream=stream, region=region, offer=offer, share=share, gap=gap,
            time_limit_seconds=time_limit, threads=threads, progress=progress, cancel=cancel,
        )  # fmt: skip

    with changed_in(file, changes):
        answer: WhyAnswer = run_interruptible(work, display=sys.stderr.isatty(), currency=instance.currency)
    print_answer(answer.model_dump_json(indent=2) if as_json else partial(render_why, answer))
    asked = [one for one in (answer.instead, answer.runner_up) if one is not None]
    ctx.exit(0 if all(one.complete for one in asked) else STOPPED)


@explain.command("prices")
@click.argument("file", type=INSTANCE)
@CHANGE
@click.option("--plan", "plan_file", type=FILE, help="A plan of the instance, as JSON.  [default: it is solved]")
@click.option("--rules", default="", help="Ids or kinds, by commas (law,budget:carbon).  [default: all]")
@click.option("--steps/--no-steps", default=True, help="Also one step tighter and looser.  [default: --steps]")
@click.option("--missing", is_flag=True, help="Also what missing figures cost.")
@click.option("--attribute", is_flag=True, help="Also split the cost of compliance over laws (Shapley).")
@click.option(
    "--samples", type=click.IntRange(2, 100_000), default=30, show_default=True, help="Orders drawn if laws are many."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of that draw.")
@click.option("--gap", type=Finite(min=0), default=1e-3, show_default=True, help="Prove costs within this gap.")
@click.option(
    "--time-limit", type=Finite(min=0, min_open=True), default=300.0, show_default=True, help="Seconds for all solves."
)
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads the solver may use.  [default: all]")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.pass_context
def explain_prices(  # noqa: PLR0917  (click passes them by name)
    ctx: click.Context,
    file: Path,
    changes: tuple[Path, ...],
    plan_file: Path | None,
    rules: str,
    steps: bool,
    missing: bool,
    attribute: bool,
    samples: int,
    seed: int,
    gap: float,
    time_limit: float,
    threads: int | None,
    as_json: bool,
) -> None:
    """Say what each law, budget, quota, policy and latency limit of the instance FILE costs, beside a plan of it.

    Each is lifted alone, all are lifted together, and each is made one step tighter and looser; what that costs is an
    interval that the solves prove.
    Exit code 4 where time ran out on one of them (the best answer is printed).
    """
    from optimizer.explain import prices
    from optimizer.report import render_prices
    from optimizer.terminal import print_answer, run_interruptible

    instance, plan = (load_changed(file, changes), None) if plan_file is None else load_both(file, changes, plan_file)
    asked = tuple(name.strip() for name in rules.split(",") if name.strip())

    def work(progress: Callable[[Progress], None], cancel: threading.Event) -> PricesAnswer:
        return prices(
            instance, plan, asked, steps=steps, missing=missing, attribute=attribute, samples=samples, seed=seed,
            gap=gap, time_limit_seconds=time_limit, threads=threads, progress=progress, cancel=cancel,
        )  # fmt: skip

    with changed_in(file, changes):
        answer: PricesAnswer = run_interruptible(work, display=sys.stderr.isatty(), currency=instance.currency)
    print_answer(answer.model_dump_json(indent=2) if as_json else partial(render_prices, answer))
    ctx.exit(0 if answer.complete else STOPPED)


@explain.command("infeasible")
@click.argument("file", type=INSTANCE)
@CHANGE
@click.option("--gap", type=Finite(min=0), default=1e-2, show_default=True, help="Solve plans of repairs to this gap.")
@click.option(
    "--time-limit", type=Finite(min=0, min_open=True), default=120.0, show_default=True, help="Seconds for all of it."
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.pass_context
def explain_infeasible(
    ctx: click.Context, file: Path, changes: tuple[Path, ...], *, gap: float, time_limit: float, as_json: bool
) -> None:
    """Say why the instance FILE has no plan: rules that cannot hold together, and what would give it one.

    Conflicts are minimal sets of laws, budgets, quotas, policies, limits and workloads; each repair was solved and
    audited. Exit code 0 once that is settled, also where a plan exists; 4 where time ran out (the best answer until
    then is printed).
    """
    from optimizer.explain import infeasible
    from optimizer.report import render_infeasible
    from optimizer.terminal import print_answer, run_interruptible

    instance = load_changed(file, changes)

    def work(progress: Callable[[Progress], None], cancel: threading.Event) -> InfeasibleAnswer:
        return infeasible(instance, gap=gap, time_limit_seconds=time_limit, progress=progress, cancel=cancel)

    with changed_in(file, changes):
        answer: InfeasibleAnswer = run_interruptible(
            work, display=sys.stderr.isatty(), currency=instance.currency
        )
    print_answer(answer.model_dump_json(indent=2) if as_json else partial(render_infeasible, answer))
    ctx.exit(0 if answer.complete else STOPPED)
