"""The command `domicile report`: a plan or a study as one HTML file, and its figures as pictures."""

from __future__ import annotations

import datetime
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optimizer.command_inputs import CHANGE, FILE, load_changed
from optimizer.completion import INSTANCE
from optimizer.errors import InputError, Issue
from optimizer.terminal import Finite

if TYPE_CHECKING:
    from optimizer.explain import PricesAnswer
    from optimizer.instance.models import Instance
    from optimizer.plan.models import Plan
    from optimizer.report.pages.view import Block, Figure, Page
    from optimizer.solve.solution import Progress


@click.command("report")
@click.argument("file", metavar="PLAN_OR_STUDY", type=FILE)
@click.option("--html", "html", type=FILE, help="Write the report to this one HTML file.")
@click.option("--figures", type=FILE, help="Write each figure into this folder, as SVG and as PNG.")
@click.option(
    "--instance", "instance_file", type=INSTANCE, help="What the plan is of.  [default: the bundled one that it names]"
)
@CHANGE
@click.option(
    "--with", "answers", type=FILE, multiple=True,
    help="An answer (JSON) to become part of it: explain prices, explain infeasible, study frontier, study regret, "
    "study discover; may be repeated.",
)  # fmt: skip
@click.option(
    "--prices", "seconds", type=Finite(min=0, min_open=True), metavar="SECONDS",
    help="Of a plan: ask as well what each rule costs (explain prices), for at most so long.",
)  # fmt: skip
@click.option("--question", default="", help="What was asked.  [default: in the instance's or study's words]")
@click.option("--author", default="", help="Who answers for it.")
@click.option("--borders", is_flag=True, help="Draw the borders of countries, as held in fact (Natural Earth).")
@click.option("--scenarios", default="", help="Of a study: the scenarios to set beside the base, by id: a,b.")
def report(
    file: Path, *, html: Path | None, figures: Path | None, instance_file: Path | None, changes: tuple[Path, ...],
    answers: tuple[Path, ...], seconds: float | None, question: str, author: str, borders: bool, scenarios: str,
) -> None:  # fmt: skip
    """Write a plan (JSON) or the folder of a study as one HTML file that works offline, on a phone and on paper.

    The instance of a plan is found where it is a bundled one; else --instance names it, and without it the report
    leaves out what the plan does not say.
    """
    from optimizer.plan.files import require_fillable, write_whole
    from optimizer.report.charts import require_charts
    from optimizer.report.pages.write import page_html

    if html is None and figures is None:
        raise click.UsageError("say what to write: --html FILE, --figures FOLDER or both")
    if changes and instance_file is None:
        raise click.UsageError("--change is for --instance")
    require_charts()
    if html is not None:
        try:
            require_fillable(html)
        except OSError as error:
            raise click.BadParameter(f"{html} cannot be written: {error.strerror}.", param_hint="--html") from None
    told = {"asked": question, "author": author, "written": datetime.date.today().isoformat(), "borders": borders}
    if file.is_dir():
        if seconds is not None:
            raise click.UsageError("--prices is for a plan; of a study's base: explain prices, and --with its answer")
        page = _study(file, instance_file, answers, scenarios, told)
    else:
        if scenarios:
            raise click.UsageError("--scenarios is for the folder of a study")
        page = _plan(file, (instance_file, changes), answers, seconds, told)
    if html is not None:
        text = page_html(page)
        write_whole(html, lambda stream: stream.write(text))
    if figures is not None:
        write_figures(page, figures)


def _plan(
    file: Path, of: tuple[Path | None, tuple[Path, ...]], answers: Sequence[Path], seconds: float | None,
    told: dict[str, object],
) -> Page:  # fmt: skip
    from optimizer.plan.models import Plan
    from optimizer.report.pages.answers import read_answers
    from optimizer.report.pages.plan_page import plan_page, steps_of

    plan = Plan.read(file)
    instance = _instance(plan, *of)
    steps = () if instance is None else steps_of(instance)
    read = read_answers(answers)
    if read.regrets or read.discoveries:
        raise click.UsageError("study regret and study discover are of a study: name its folder, not a plan")
    if seconds is not None:
        read = replace(read, prices=_prices(plan, instance, seconds))
    return plan_page(plan, instance, answers=read, steps=steps, **told)  # type: ignore[arg-type]


def _prices(plan: Plan, instance: Instance | None, seconds: float) -> PricesAnswer:
    from optimizer.explain import prices
    from optimizer.terminal import run_interruptible

    if instance is None:
        raise click.UsageError("--prices solves the instance again: name it by --instance")
    if not plan.held:
        raise click.UsageError("--prices is for a plan that holds something")

    def work(progress: Callable[[Progress], None], cancel: threading.Event) -> PricesAnswer:
        return prices(instance, plan, time_limit_seconds=seconds, progress=progress, cancel=cancel)

    answer: PricesAnswer = run_interruptible(work, display=sys.stderr.isatty(), currency=instance.currency)
    return answer


def _instance(plan: Plan, file: Path | None, changes: tuple[Path, ...]) -> Instance | None:
    """Return the instance of a plan: the one named, or the bundled one of its name if it is the same; else None."""
    from optimizer.bundled import bundled_instances
    from optimizer.instance.identity import instance_sha256
    from optimizer.instance.load import load

    if file is not None:
        instance = load_changed(file, changes)
        if plan.instance_sha256 is not None and instance_sha256(instance) != plan.instance_sha256:
            what = "is not the instance of the plan: it has another hash"
            raise InputError(Issue(what, file=str(file), maybe="name the one it was solved for, with its --change"))
        return instance
    if plan.instance_sha256 is None or plan.instance_name not in bundled_instances():
        return None
    instance = load(plan.instance_name)
    return instance if instance_sha256(instance) == plan.instance_sha256 else None


def write_figures(page: Page, folder: Path) -> None:
    """Write every figure of a page into a folder, as SVG and as PNG, numbered and called by its title."""
    folder.mkdir(parents=True, exist_ok=True)
    blocks = [*page.first, *(block for one in page.sections for block in one.blocks)]
    for number, figure in enumerate(_figures(blocks), start=1):
        name = re.sub(r"[^a-z0-9]+", "-", figure.chart.title.lower()).strip("-")[:50]
        for ending in ("svg", "png"):
            figure.chart.write(folder / f"{number:02d}-{name}.{ending}")


def _figures(blocks: Sequence[Block]) -> Iterator[Figure]:
    for block in blocks:
        if block.kind == "figure":
            yield block
        elif block.kind == "fold":
            yield from _figures(block.blocks)


def _study(
    file: Path, instance_file: Path | None, answers: Sequence[Path], scenarios: str, told: dict[str, object]
) -> Page:
    from optimizer.report.pages.answers import read_answers
    from optimizer.report.pages.study_page import study_page
    from optimizer.study import StudyFolder

    if instance_file is not None:
        raise click.UsageError("--instance is for a plan: a study's folder holds its own")
    chosen = tuple(name.strip() for name in scenarios.split(",") if name.strip())
    return study_page(StudyFolder(file), answers=read_answers(answers), compared=chosen, **told)  # type: ignore[arg-type]
