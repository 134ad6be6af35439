"""`domicile import`: files of other tools as parts of an instance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from optimizer.command_inputs import FILE
from optimizer.printable import printable
from optimizer.terminal import Finite

if TYPE_CHECKING:
    from optimizer.importing.imported import Imported

TOLD = 20
"""Most of what was not read that is listed before the rest is counted (all with --json)."""


@click.group("import")
def import_group() -> None:
    """Read files of other tools as parts of an instance, and list what could not be read."""


OUTPUT = click.option("--output", type=FILE, help="Write the part to this YAML file.  [default: print it]")
JSON = click.option("--json", "as_json", is_flag=True, help="Print the part and what was not read as JSON.")


@import_group.command("focus")
@click.argument("file", type=FILE)
@click.option(
    "--usd-per-unit", type=Finite(min=0, min_open=True), help="What 1 of the currency billed is worth in USD."
)
@OUTPUT
@JSON
def import_focus(file: Path, usd_per_unit: float | None, output: Path | None, as_json: bool) -> None:
    """Read a FOCUS FILE (CSV) of cost and usage: unit prices that one pays, and what one has committed to."""
    from optimizer.importing import import_from

    _tell(import_from("focus", [file], usd_per_unit=usd_per_unit), output, as_json)


@import_group.command("skypilot")
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option(
    "--cluster", "clusters", multiple=True, metavar="REGION=NAME",
    help="In which region a Kubernetes cluster is that tasks name; may be repeated.",
)  # fmt: skip
@OUTPUT
@JSON
def import_skypilot(files: tuple[Path, ...], clusters: tuple[str, ...], output: Path | None, as_json: bool) -> None:
    """Read SkyPilot task FILES: where they run today, and workloads to complete."""
    from optimizer.export_command import named_clusters
    from optimizer.importing import import_from

    _tell(import_from("skypilot", files, clusters=named_clusters(clusters)), output, as_json)


@import_group.command("plan")
@click.argument("file", metavar="CSV", type=FILE)
@OUTPUT
@JSON
def import_plan(file: Path, output: Path | None, as_json: bool) -> None:
    """Read a CSV of where things run today."""
    from optimizer.importing import import_from

    _tell(import_from("plan", [file]), output, as_json)


def _tell(found: Imported, output: Path | None, as_json: bool) -> None:
    """Write the part, and what was not read: beside the part, never in it."""
    from optimizer.plan.files import write_whole
    from optimizer.terminal import print_answer

    text = found.to_yaml()
    if output is not None:
        write_whole(output, lambda stream: stream.write(text))
    if as_json:
        print_answer(found.model_dump_json(indent=2))
        return
    print_answer(f"{found.source}: written to {printable(str(output))}" if output is not None else text.rstrip("\n"))
    click.echo(_unread(found), err=True)


def _unread(found: Imported) -> str:
    if not found.not_read:
        return "Everything was read."
    lines = ["Not read:", *(f"  {printable(one.what)}: {printable(one.why)}" for one in found.not_read[:TOLD])]
    if len(found.not_read) > TOLD:
        lines.append(f"  ... and {len(found.not_read) - TOLD} more, listed by --json")
    if found.read_cost is not None and found.not_read_cost is not None:
        lines.append(f"{found.read_cost:,.2f} of the bill was read, {found.not_read_cost:,.2f} was not.")
    return "\n".join(lines)
