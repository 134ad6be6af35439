"""The commands that look into the law pack: `domicile laws ...`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from optimizer.completion import ACCELERATOR, INSTANCE, LAW, PROVIDER, REGION
from optimizer.lookup_facts import parties_of, subject_options, subjects_by, tenant_of, tenant_options
from optimizer.terminal import Finite


@click.group()
def laws() -> None:
    """Look into the law pack: what it holds, what it says. Not legal advice."""


DATE = click.DateTime(formats=["%Y-%m-%d"])


def _own_laws(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command ask the bundled laws together with laws of the user's own: its `pack`."""

    def load(_: click.Context, __: click.Parameter, path: Path | None) -> Any:
        from optimizer.laws import load_laws

        return load_laws() if path is None else load_laws(path)

    told = "A file of laws of your own, or a folder of such, beside the bundled ones or in their place."
    return click.option("--laws", "pack", type=click.Path(path_type=Path), callback=load, help=told)(command)


@laws.command("list")
@click.option("--jurisdiction", multiple=True, help="ISO country code, or EU; repeatable.")
@click.option("--category", multiple=True, help="Data category; repeatable.")
@click.option("--status", multiple=True, help="in_force, adopted, proposed, ...; repeatable.")
@click.option("--kind", multiple=True, help="Kind of law; repeatable.")
@click.option("--active-on", type=DATE, help="Only laws in force on this day (YYYY-MM-DD).")
@click.option("--reviewed/--unreviewed", default=None, help="Only laws with, or without, a reviewed trigger.")
@_own_laws
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def laws_list(  # noqa: PLR0917  (click passes them by name)
    jurisdiction: tuple[str, ...],
    category: tuple[str, ...],
    status: tuple[str, ...],
    kind: tuple[str, ...],
    active_on: datetime | None,
    reviewed: bool | None,
    pack: Any,
    as_json: bool,
) -> None:
    """List laws; filters are ANDed, the values of one ORed."""
    from optimizer.laws.query import list_laws
    from optimizer.terminal import print_table

    rows = list_laws(
        jurisdictions=jurisdiction,
        categories=category,
        statuses=status,
        kinds=kind,
        active_on=active_on.date() if active_on else None,
        reviewed=reviewed,
        pack=pack,
    )
    columns = ("law", "jurisdiction", "instrument", "status", "in_force_from", "storage_rule", "processing_rule")
    print_table(rows, columns, "laws", as_json=as_json, limit=0)


@laws.command("lint")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def laws_lint(file: Path, as_json: bool) -> None:
    """Check a law pack of your own: a folder, or a FILE of laws to stand beside the bundled ones.

    What would be refused is an error, with file and line; what a lawyer would ask about is a remark.
    """
    from optimizer.laws.lint import lint
    from optimizer.terminal import printable

    found = lint(file)
    if as_json:
        told = {"laws": [row.id for row in found.laws], "remarks": [vars(issue) for issue in found.remarks]}
        click.echo(json.dumps(told, indent=2))
        return
    click.echo(f"{printable(str(file))}: {len(found.laws)} laws can be read")
    for issue in found.remarks:
        for line in f"remark: {issue}".splitlines():
            click.echo(printable(line))


@laws.command("verdict")
@click.option("--category", multiple=True, required=True, help="Data category; repeatable.")
@click.option("--subject", multiple=True, help="Where the persons are (ISO country or subdivision); repeatable.")
@subject_options
@click.option("--to", help="Where the data would go: country, subdivision or group; several by comma. Or --region.")
@click.option("--via", multiple=True, help="A place that the data pass on their way; repeatable.")
@click.option("--onward", multiple=True, help="A place to which they are sent on from there; repeatable.")
@click.option("--provider", type=PROVIDER, help="Who would operate it; else conditions on the importer count as met.")
@click.option("--law", help="Judge by this law alone, its trigger taken as given.")
@click.option("--on", type=DATE, help="Day to judge at (YYYY-MM-DD).  [default: today]")
@click.option("--exporter", help="Country the exporter is established in.")
@click.option("--role", multiple=True, help="Role of the exporter; repeatable.")
@click.option("--sector", multiple=True, help="Sector of the exporter; repeatable.")
@click.option("--flag", multiple=True, help="Fact that a law asks about; repeatable.")
@click.option("--state", multiple=True, help="How the data are protected: encrypted, keys_exporter, …; repeatable.")
@click.option("--persons", multiple=True, help="How many persons of a place, as DE=120000; repeatable.")
@click.option("--sensitive-persons", multiple=True, help="How many of them with sensitive data, as DE=500; repeatable.")
@click.option("--count", multiple=True, help="A number of the exporter, as daily_users:TR=5000000:day; repeatable.")
@click.option("--exporter-hq", help="Country of the exporter's headquarters.")
@tenant_options
@click.option("--region", type=REGION, help="A region, as provider:region: its place and its operator.")
@click.option("--retention-hours", type=Finite(min=0), help="How long the data is kept there.")
@click.option("--service", type=click.Choice(["instance", "endpoint", "storage"]), default="instance")
@click.option("--importer-status", multiple=True, help="A list the operator stands on (DPF, UK_BRIDGE, …); repeatable.")
@click.option("--support", help="The terms of support that hold with the operator, by which access is judged.")
@click.option("--guidance", is_flag=True, help="Count guidance of authorities as law.")
@_own_laws
@click.option("--table", "as_table", is_flag=True, help="Print one line per destination.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (a list, for several destinations).")
def laws_verdict(  # noqa: PLR0917  (click passes them by name)
    to: str | None,
    region: str | None,
    importer_status: tuple[str, ...],
    support: str | None,
    guidance: bool,
    as_table: bool,
    as_json: bool,
    **question: Any,
) -> None:
    """Say whether data may be stored, processed and looked at in a place, on what conditions, and by which laws.

    What is not stated is not guessed: persons that are not counted count as many, an operator that is not named counts
    as meeting what laws ask of it, and both are listed under "taken as met".
    """
    from optimizer.laws.query import VERDICT_COLUMNS, verdict_reports, verdict_row
    from optimizer.laws.stated import asserted, counted, stated_counts
    from optimizer.laws.text import table_lines, verdict_lines
    from optimizer.terminal import jsonable, print_lines, print_rows

    day = question.pop("on")
    question["counts"] = stated_counts(question.pop("count"))
    counts = {name: counted(question.pop(name), name) for name in ("persons", "sensitive_persons")}
    renamed = {"category": "categories", "role": "roles", "sector": "sectors", "flag": "flags"}
    tenant, parties, bases = tenant_of(question), parties_of(question), subjects_by(question)
    arguments = {renamed.get(name, name): value for name, value in question.items()} | {
        "tenant": tenant,
        "subjects_by": bases,
    }
    if region is not None:
        to, arguments["provider"] = _region(region, to, arguments["provider"])
    elif to is None:
        raise click.UsageError("names no destination: give --to or --region")
    context = asserted(importer_status, arguments["provider"], support=support, guidance=guidance, parties=parties)
    on = day.date() if day else None
    reports = verdict_reports(to.split(","), on=on, region=region, context=context, **counts, **arguments)
    if as_json:
        told = reports if len(reports) > 1 else reports[0]
        click.echo(json.dumps(jsonable(told), indent=2, ensure_ascii=False))
    elif as_table:
        print_rows([verdict_row(report) for report in reports], VERDICT_COLUMNS, f"{len(reports)} destinations")
        print_lines(table_lines(reports))
    else:
        for k, report in enumerate(reports):
            print_lines([*([""] if k else []), *verdict_lines(report)])


def _region(region: str, to: str | None, provider: str | None) -> tuple[str, str]:
    """Return the place and the operator of a region of the catalogue; what else is stated must agree.

    Raises:
        InputError: no such region, or another place or operator than its own.
    """
    from optimizer.catalogue import load_catalogue
    from optimizer.errors import InputError, Issue
    from optimizer.laws.codes import check_place
    from optimizer.suggest import unknown_name

    regions = load_catalogue().regions.set_index("region_id", drop=False)
    if region not in regions.index:
        raise InputError(unknown_name(f"unknown region {region!r}", region, regions.index, where="region"))
    row = regions.loc[region]
    coded = isinstance(row.subdivision, str) and row.subdivision and check_place(row.subdivision, "to") is None
    place = row.subdivision if coded else row.country
    issues = []
    if to is not None and to not in (row.country, place):
        issues.append(Issue(f"{region} is in {place}, not in {to}", where="to", maybe="leave --to out"))
    if provider is not None and provider != row.provider:
        issues.append(Issue(f"{region} is operated by {row.provider}, not by {provider}", where="provider"))
    if issues:
        raise InputError(issues)
    return str(place), str(row.provider)


@laws.command("chip")
@click.argument("accelerator", type=ACCELERATOR)
@click.option("--to", required=True, help="Where it would be: country, subdivision or group; several by comma.")
@click.option("--provider", type=PROVIDER, help="Who would operate it.")
@tenant_options
@click.option("--on", type=DATE, help="Day to judge at (YYYY-MM-DD).  [default: today]")
@click.option("--observed", is_flag=True, help="It is there already, as the catalogue shows it: it counts as licensed.")
@_own_laws
@click.option("--table", "as_table", is_flag=True, help="Print one line per destination.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (a list, for several destinations).")
def laws_chip(accelerator: str, to: str, on: datetime | None, as_table: bool, as_json: bool, **asked: Any) -> None:
    """Say whether an ACCELERATOR of the catalogue may be brought to a place, by export control and local rules."""
    from optimizer.catalogue import load_catalogue
    from optimizer.compile.sites import chip_facts
    from optimizer.errors import InputError
    from optimizer.laws.chip_query import CHIP_COLUMNS, chip_reports, chip_row
    from optimizer.laws.stated import asserted
    from optimizer.laws.text import NOTICE, chip_lines
    from optimizer.suggest import unknown_name
    from optimizer.terminal import jsonable, print_lines, print_rows

    known = load_catalogue().accelerators
    facts = chip_facts(accelerator, known) if accelerator in known.index else None
    if facts is None:
        raise InputError(unknown_name(f"unknown accelerator {accelerator!r}", accelerator, known.index))
    asked |= {"tenant": tenant_of(asked), "context": asserted((), None, parties=parties_of(asked))}
    reports = chip_reports(facts, to.split(","), on=on.date() if on else None, **asked)
    if as_json:
        told = reports if len(reports) > 1 else reports[0]
        click.echo(json.dumps(jsonable(told), indent=2, ensure_ascii=False))
    elif as_table:
        print_rows([chip_row(report) for report in reports], CHIP_COLUMNS, f"{len(reports)} destinations")
        print_lines([NOTICE])
    else:
        for k, report in enumerate(reports):
            print_lines([*([""] if k else []), *chip_lines(report)])


@laws.command("explain")
@click.argument("law", type=LAW)
@click.option("--on", type=DATE, help="Day to tell it for (YYYY-MM-DD).  [default: as the tables have it]")
@_own_laws
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def laws_explain(law: str, on: datetime | None, pack: Any, as_json: bool) -> None:
    """Tell what a law says, whom it binds, since when, where it is written and how it is encoded."""
    from optimizer.laws.explain import explain_law
    from optimizer.laws.text import law_lines
    from optimizer.terminal import jsonable, print_lines

    page = explain_law(law, on.date() if on else None, pack)
    if as_json:
        click.echo(json.dumps(jsonable(page), indent=2, ensure_ascii=False))
    else:
        print_lines(law_lines(page))


@laws.command("diff")
@click.argument("instance", type=INSTANCE, required=False)
@click.option("--on", "days", type=DATE, multiple=True, required=True, help="A day (YYYY-MM-DD); given twice.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def laws_diff(instance: Path | None, days: tuple[datetime, ...], as_json: bool) -> None:
    """Say what changes by law between two days: for the data of an INSTANCE, or which rules begin and end at all."""
    from optimizer.instance.load import load
    from optimizer.laws.diff_text import diff_lines
    from optimizer.legal_diff import legal_diff, rules_diff
    from optimizer.terminal import jsonable, print_lines

    if len(days) != 2:
        raise click.UsageError("compares two days: --on 2026-12-31 --on 2027-12-31")
    first, last = (day.date() for day in days)
    report = rules_diff(first, last) if instance is None else legal_diff(load(instance), first, last)
    if as_json:
        click.echo(json.dumps(jsonable(report), indent=2, ensure_ascii=False))
    else:
        print_lines(diff_lines(report))
