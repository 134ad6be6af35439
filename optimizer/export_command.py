"""`domicile export`: a plan as files of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from optimizer.command_inputs import CHANGE, FILE, load_both
from optimizer.completion import INSTANCE
from optimizer.export.formats import FORMATS
from optimizer.printable import printable

if TYPE_CHECKING:
    from optimizer.export.exported import Exported

TOLD = 20
"""Most things left out that are listed by name before the rest is counted (all with --json)."""


@click.command("export")
@click.argument("plan_file", metavar="PLAN", type=FILE)
@click.option("--to", type=click.Choice(list(FORMATS)), required=True, help="The format; see `docs/export.md`.")
@click.option("--folder", type=FILE, required=True, help="Write the files into this folder, and nowhere else.")
@click.option("--instance", "file", type=INSTANCE, help="The instance of the plan: some formats tell what it states.")
@CHANGE
@click.option(
    "--cluster", "clusters", multiple=True, metavar="REGION=NAME",
    help="The name of your Kubernetes cluster in a region of the plan; may be repeated.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the files and what was left out as JSON.")
def export_plan(  # noqa: PLR0917  (click passes them by name)
    plan_file: Path, to: str, folder: Path, file: Path | None, changes: tuple[Path, ...], clusters: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Write a PLAN (JSON) as files of another tool, and list what of it the format cannot say."""
    from optimizer.export import export
    from optimizer.plan.models import Plan
    from optimizer.terminal import print_answer

    if changes and file is None:
        raise click.UsageError("--change is for --instance")
    instance = None
    if file is None:
        plan = Plan.read(plan_file)
    else:
        instance, plan = load_both(file, changes, plan_file)
    found = export(plan, to=to, folder=folder, instance=instance, clusters=named_clusters(clusters))
    print_answer(found.model_dump_json(indent=2) if as_json else _told(found))


def named_clusters(clusters: tuple[str, ...]) -> dict[str, str]:
    """Return names of clusters by region."""
    named = {}
    for text in clusters:
        region, sign, name = text.partition("=")
        if not sign or not region or not name:
            raise click.BadParameter(f"{text!r} is not REGION=NAME", param_hint="--cluster")
        named[region] = name
    return named


def _told(found: Exported) -> str:
    """Return what was written and what was not, as a person reads it."""
    count = f"{len(found.files)} file{'' if len(found.files) == 1 else 's'}"
    lines = [f"{found.to}: {count} in {printable(found.folder)}", *(f"  {name}" for name in found.files)]
    if found.left_out:
        lines.append("Not exported:")
        lines += [f"  {printable(one.what)}: {printable(one.why)}" for one in found.left_out[:TOLD]]
        if len(found.left_out) > TOLD:
            lines.append(f"  ... and {len(found.left_out) - TOLD} more, listed by --json")
    if found.others:
        some = ", ".join(printable(name) for name in found.others[:5])
        more = f" and {len(found.others) - 5} more" if len(found.others) > 5 else ""
        lines.append(f"In the folder, but not of this export: {some}{more}")
    return "\n".join(lines)
