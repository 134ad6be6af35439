"""`domicile init`: a first instance to edit."""

from __future__ import annotations

import json
from pathlib import Path

import click

from optimizer.command_inputs import FILE
from optimizer.first.sources import SOURCES
from optimizer.printable import printable
from optimizer.terminal import Finite

TOLD = 20
"""Most of what was not read that is listed before the rest is counted (all in the file and with --json)."""


@click.command("init")
@click.argument("files", type=FILE, nargs=-1)
@click.option(
    "--from", "source", type=click.Choice(list(SOURCES)),
    help="Begin with what FILES say: a bill (FOCUS), SkyPilot tasks, or a CSV of where things run today.",
)  # fmt: skip
@click.option("--output", type=FILE, default=Path("instance.yaml"), show_default=True, help="The file to write.")
@click.option(
    "--usd-per-unit", type=Finite(min=0, min_open=True), help="With --from focus: what 1 of its currency is in USD."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written and what was not read as JSON.")
def init(
    files: tuple[Path, ...], source: str | None, output: Path, usd_per_unit: float | None, as_json: bool
) -> None:
    """Write a commented instance to edit: valid as it is, with a plan. No file is ever overwritten.

    Beside it lies the JSON Schema by which editors complete and check it. With --from, what the FILES say is in it;
    what they do not say is an example and marked, and what could not be read is listed at its end.
    """
    from optimizer.first.around import first_instance
    from optimizer.first.writing import write_new
    from optimizer.importing import import_from
    from optimizer.terminal import print_answer

    if bool(files) != bool(source):
        raise click.UsageError("--from says what FILES are: give both, or neither")
    if usd_per_unit is not None and source != "focus":
        raise click.UsageError("--usd-per-unit is for --from focus")
    found = None if source is None else import_from(SOURCES[source], files, usd_per_unit=usd_per_unit)
    first = first_instance(source, found)
    written = write_new(output, first.text)
    not_read = [{"what": one.what, "why": one.why} for one in first.not_read]
    if as_json:
        told = {"written": [str(path) for path in written], "not_read": not_read}
        print_answer(json.dumps(told, indent=2, ensure_ascii=False))
        return
    name = printable(str(output))
    lines = [f"written: {', '.join(printable(str(path)) for path in written)}", "Edit it, then:"]
    lines += [f"  domicile validate {name}", f"  domicile solve {name} --output plan.json"]
    lines += ["  domicile report plan.json --instance " + name + " --html report.html"]
    click.echo("\n".join(lines))
    if not_read:
        rest = [f"  ... and {len(not_read) - TOLD} more, listed in the file"] if len(not_read) > TOLD else []
        some = [f"  {printable(one['what'])}: {printable(one['why'])}" for one in not_read[:TOLD]]
        click.echo("\n".join(["Not read:", *some, *rest]), err=True)
