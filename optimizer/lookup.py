"""The commands that look things up: `domicile laws ...` and `domicile catalogue ...`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from optimizer.terminal import Finite


@click.group()
def laws() -> None:
    """Look into the law pack: what it holds, what it says. Not legal advice."""


DATE = click.DateTime(formats=["%Y-%m-%d"])


@laws.command("list")
@click.option("--jurisdiction", multiple=True, help="ISO country code, or EU; repeatable.")
@click.option("--category", multiple=True, help="Data category; repeatable.")
@click.option("--status", multiple=True, help="in_force, adopted, proposed, ...; repeatable.")
@click.option("--kind", multiple=True, help="Kind of law; repeatable.")
@click.option("--active-on", type=DATE, help="Only laws in force on this day (YYYY-MM-DD).")
@click.option("--reviewed/--unreviewed", default=None, help="Only laws with, or without, a reviewed trigger.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def laws_list(  # noqa: PLR0917  (click passes them by name)
    jurisdiction: tuple[str, ...],
    category: tuple[str, ...],
    status: tuple[str, ...],
    kind: tuple[str, ...],
    active_on: datetime | None,
    reviewed: bool | None,
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
        click.echo(printable(f"remark: {issue}"))


@laws.command("verdict")
@click.option("--category", multiple=True, required=True, help="Data category; repeatable.")
@click.option("--subject", multiple=True, help="Where the persons are (ISO country or subdivision); repeatable.")
@click.option("--to", help="Where the data would go: country, subdivision or group; several by comma. Or --region.")
@click.option("--provider", help="Who would operate it; without, conditions on the importer count as met.")
@click.option("--law", help="Judge by this law alone, its trigger taken as given.")
@click.option("--on", type=DATE, help="Day to judge at (YYYY-MM-DD).  [default: today]")
@click.option("--exporter", help="Country the exporter is established in.")
@click.option("--role", multiple=True, help="Role of the exporter; repeatable.")
@click.option("--sector", multiple=True, help="Sector of the exporter; repeatable.")
@click.option("--flag", multiple=True, help="Fact that a law asks about; repeatable.")
@click.option("--persons", multiple=True, help="How many persons of a place, as DE=120000; repeatable.")
@click.option("--sensitive-persons", multiple=True, help="How many of them with sensitive data, as DE=500; repeatable.")
@click.option("--exporter-hq", help="Country of the exporter's headquarters.")
@click.option("--region", help="A region of the catalogue, as provider:region: its place and its operator.")
@click.option("--retention-hours", type=Finite(min=0), help="How long the data is kept there.")
@click.option("--service", type=click.Choice(["instance", "endpoint", "storage"]), default="instance")
@click.option("--importer-status", multiple=True, help="A list the operator stands on (DPF, UK_BRIDGE, …); repeatable.")
@click.option("--support", help="The terms of support that hold with the operator, by which access is judged.")
@click.option("--guidance", is_flag=True, help="Count guidance of authorities as law.")
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
    from optimizer.laws.query import VERDICT_COLUMNS, asserted, counted, verdict_reports, verdict_row
    from optimizer.laws.text import table_lines, verdict_lines
    from optimizer.terminal import jsonable, print_lines, print_rows

    day = question.pop("on")
    counts = {name: counted(question.pop(name), name) for name in ("persons", "sensitive_persons")}
    renamed = {"category": "categories", "role": "roles", "sector": "sectors", "flag": "flags"}
    arguments = {renamed.get(name, name): value for name, value in question.items()}
    if region is not None:
        to, arguments["provider"] = _region(region, to, arguments["provider"])
    elif to is None:
        raise click.UsageError("names no destination: give --to or --region")
    context = asserted(importer_status, arguments["provider"], support=support, guidance=guidance)
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
    from optimizer.laws.profiles import nearest

    regions = load_catalogue().regions.set_index("region_id", drop=False)
    if region not in regions.index:
        raise InputError(Issue(f"unknown region {region!r}", where="region", maybe=nearest(region, regions.index)))
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
@click.argument("accelerator")
@click.option("--to", required=True, help="Where it would be: country, subdivision or group; several by comma.")
@click.option("--provider", help="Who would operate it.")
@click.option("--tenant-hq", help="Country of the headquarters of the one who would use it.")
@click.option("--on", type=DATE, help="Day to judge at (YYYY-MM-DD).  [default: today]")
@click.option("--observed", is_flag=True, help="It is there already, as the catalogue shows it: it counts as licensed.")
@click.option("--table", "as_table", is_flag=True, help="Print one line per destination.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (a list, for several destinations).")
def laws_chip(accelerator: str, to: str, on: datetime | None, as_table: bool, as_json: bool, **asked: Any) -> None:
    """Say whether an ACCELERATOR of the catalogue may be brought to a place, by export control and local rules."""
    from optimizer.catalogue import load_catalogue
    from optimizer.compile.sites import chip_facts
    from optimizer.errors import InputError, Issue
    from optimizer.laws.chip_query import CHIP_COLUMNS, chip_reports, chip_row
    from optimizer.laws.profiles import nearest
    from optimizer.laws.text import NOTICE, chip_lines
    from optimizer.terminal import jsonable, print_lines, print_rows

    known = load_catalogue().accelerators
    facts = chip_facts(accelerator, known) if accelerator in known.index else None
    if facts is None:
        raise InputError(Issue(f"unknown accelerator {accelerator!r}", maybe=nearest(accelerator, known.index)))
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
@click.argument("law")
@click.option("--on", type=DATE, help="Day to tell it for (YYYY-MM-DD).  [default: as the tables have it]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def laws_explain(law: str, on: datetime | None, as_json: bool) -> None:
    """Tell what a law says, whom it binds, since when, where it is written and how it is encoded."""
    from optimizer.laws.explain import explain_law
    from optimizer.laws.text import law_lines
    from optimizer.terminal import jsonable, print_lines

    page = explain_law(law, on.date() if on else None)
    if as_json:
        click.echo(json.dumps(jsonable(page), indent=2, ensure_ascii=False))
    else:
        print_lines(law_lines(page))


@laws.command("diff")
@click.argument("instance", required=False)
@click.option("--on", "days", type=DATE, multiple=True, required=True, help="A day (YYYY-MM-DD); given twice.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def laws_diff(instance: str | None, days: tuple[datetime, ...], as_json: bool) -> None:
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


@click.group()
def catalogue() -> None:
    """Look into the bundled catalogue; filters are ANDed, the values of one ORed."""


def _listing(name: str, what: str, columns: tuple[str, ...]) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a `catalogue` command that prints what `optimizer.catalogue.query.list_<name>` returns."""

    def decorate(declare: Callable[..., Any]) -> click.Command:
        def run(as_json: bool, limit: int, instance: str | None = None, **filters: Any) -> None:
            from optimizer.catalogue import load_catalogue, query
            from optimizer.lookup_currency import in_currency_of
            from optimizer.terminal import print_table

            asked = {key: value for key, value in filters.items() if value not in ((), None)}
            rows = getattr(query, f"list_{name}")(load_catalogue(), **asked).to_dict("records")
            shown, named = columns, what
            if instance is not None:
                rows, shown, named = in_currency_of(instance, rows, columns, what)
            print_table(rows, shown, named, as_json=as_json, limit=limit)

        run.__doc__ = declare.__doc__
        run.__click_params__ = getattr(declare, "__click_params__", [])  # type: ignore[attr-defined]
        command = click.option("--json", "as_json", is_flag=True, help="Print JSON.")(run)
        limit = click.option("--limit", type=click.IntRange(min=0), default=50, help="Rows shown (50); 0 is all.")
        money = click.option("--instance", help="Show amounts in the currency of this instance.")
        return catalogue.command(name)(limit(money(command) if any("usd" in one for one in columns) else command))

    return decorate


@_listing("providers", "providers", ("provider", "name", "hq_country", "control_ownership", "certification", "offers"))
@click.option("--country", multiple=True, help="Headquarters; repeatable.")
@click.option("--control-excludes", multiple=True, help="Drop providers this country controls; repeatable.")
@click.option("--strict", is_flag=True, help="With --control-excludes: any exposure counts, not ownership alone.")
def catalogue_providers() -> None:
    """Operators, who controls them and what they are certified for."""


@_listing("regions", "regions", ("region_id", "name", "country", "access", "grid_lifecycle_g_per_kwh", "pue", "offers"))
@click.option("--provider", multiple=True, help="Repeatable.")
@click.option("--country", multiple=True, help="Repeatable.")
@click.option("--access", multiple=True, help="public, government, china, ...; repeatable.")
@click.option("--accelerator", multiple=True, help="Only regions that offer it; repeatable.")
def catalogue_regions() -> None:
    """Regions with their grid carbon and PUE."""


@_listing(
    "offers",
    "offers",
    ("region_id", "country", "sku", "accelerator", "devices", "purchase", "price_usd_per_hour", "usd_per_device_hour"),
)
@click.option("--provider", multiple=True, help="Repeatable.")
@click.option("--region", multiple=True, help="provider:region; repeatable.")
@click.option("--country", multiple=True, help="Repeatable.")
@click.option("--accelerator", multiple=True, help="Repeatable.")
@click.option("--purchase", type=click.Choice(["on_demand", "spot"]))
@click.option("--availability", multiple=True, help="verified, price_meter, unverified, assumed, country_level.")
@click.option("--max-usd-per-device-hour", type=Finite(min=0))
def catalogue_offers() -> None:
    """Priced instances, cheapest per device first."""


@_listing(
    "commitments",
    "commitments",
    ("commitment_id", "kind", "term_months", "payment", "usd_per_hour", "upfront_usd", "of_on_demand", "price_date"),
)
@click.option("--provider", multiple=True, help="Repeatable.")
@click.option("--region", multiple=True, help="provider:region; repeatable.")
@click.option("--sku", multiple=True, help="Repeatable.")
@click.option("--term-months", multiple=True, type=Finite(min=0), help="Length of the term; repeatable.")
def catalogue_commitments() -> None:
    """Reserved instances, committed use and savings plans: what a plan may buy if the instance lets it."""


@_listing(
    "accelerators",
    "accelerators",
    ("accelerator", "vendor", "software", "memory_gb", "load_kw", "embodied_kg", "release_year", "offers"),
)
@click.option("--software", multiple=True, help="cuda, rocm, neuron, tpu, ...; repeatable.")
@click.option("--min-memory-gb", type=Finite(min=0))
def catalogue_accelerators() -> None:
    """Devices with memory, power and embodied carbon."""


@_listing(
    "endpoints",
    "endpoints",
    (
        "provider",
        "model",
        "scope",
        "resource",
        "processing",
        "price_usd_per_million_input_tokens",
        "price_usd_per_million_output_tokens",
    ),
)
@click.option("--provider", multiple=True, help="Repeatable.")
@click.option("--model", help="Name, alias or part of a name.")
@click.option("--scope", multiple=True, help="region, data_zone_eu, global, ...; repeatable.")
@click.option("--region", multiple=True, help="provider:region; repeatable.")
def catalogue_endpoints() -> None:
    """Managed model endpoints, cheapest input price first."""


@_listing(
    "throughput",
    "figures of speed",
    ("accelerator", "devices", "level", "input_tokens", "output_tokens", "counts_per_s", "low_per_s", "likely_per_s",
     "high_per_s", "requests", "ttft_ms", "tpot_ms", "source"),
)  # fmt: skip
@click.option("--model", required=True, help="Name or alias.")
@click.option("--accelerator", multiple=True, help="Repeatable.")
@click.option("--precision", help="bf16, fp8, 4-bit, ...; the model's own unless given.")
@click.option("--input-tokens", type=click.IntRange(min=1), help="Of one request.")
@click.option("--output-tokens", type=click.IntRange(min=1), help="Of one request.")
@click.option("--concurrency", type=click.IntRange(min=1), help="Requests in flight on one replica.")
@click.option("--ttft-ms", type=Finite(min=0), help="Time to the first token, at most.")
@click.option("--tpot-ms", type=Finite(min=0), help="Time per output token after it, at most.")
def catalogue_throughput() -> None:
    """How fast a model serves, by system: level, range, operating point and source; what misses the objectives; then
    the curves and points measured, then what is quarantined.

    A plan counts `counts_per_s`: the measured or transferred figure, of an estimate its cautious end. Without
    objectives a replica is saturated: as many requests in flight as memory holds, 1,024 at most.
    """


@_listing(
    "models",
    "throughput profiles",
    ("model", "metric", "unit", "default", "precision", "profile_id", "accelerators"),
)
@click.option("--accelerator", multiple=True, help="Repeatable.")
def catalogue_models() -> None:
    """Models with measured throughput, one row per comparable profile."""


@catalogue.command("aiconfigurator")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--input-tokens", type=click.IntRange(min=1), required=True, help="Of one request.")
@click.option("--output-tokens", type=click.IntRange(min=1), required=True, help="Of one request.")
@click.option("--ttft-ms", type=Finite(min=0, min_open=True), help="Time to the first token, at most.")
@click.option("--tpot-ms", type=Finite(min=0, min_open=True), help="Time per output token after it, at most.")
def catalogue_aiconfigurator(
    file: Path, *, input_tokens: int, output_tokens: int, ttft_ms: float | None, tpot_ms: float | None
) -> None:
    """Print the speeds of a table of AIConfigurator (silicon_sample.csv, or a run's agg/best_config_topn.csv or
    pareto.csv) as rows for `catalogue.overlay`: of every model and accelerator the fastest point within the objectives.
    """
    from optimizer.catalogue import Objectives, load_catalogue
    from optimizer.catalogue.aiconfigurator import overlay_rows, read_points

    points = read_points(file)
    rows = overlay_rows(load_catalogue(), points, (input_tokens, output_tokens), Objectives(ttft_ms, tpot_ms))
    click.echo(json.dumps({"overlay": rows}, indent=2, ensure_ascii=False))


@catalogue.command("diff")
@click.argument("old")
@click.argument("new")
@click.argument("instance", required=False)
@click.option("--time-limit", type=Finite(min=0, min_open=True), default=60.0, show_default=True, help="Of each solve.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--limit", type=click.IntRange(min=0), default=20, help="Rows shown of each table (20); 0 is all.")
def catalogue_diff(
    old: str, new: str, instance: str | None, *, time_limit: float, as_json: bool, limit: int
) -> None:
    """Say what changed from catalogue OLD to NEW (world, or folders), and what an INSTANCE decides otherwise."""
    from optimizer.catalogue import load_catalogue
    from optimizer.catalogue.diff import differences
    from optimizer.instance.load import load
    from optimizer.releases import decisions
    from optimizer.terminal import jsonable, print_table

    first, second = load_catalogue(old), load_catalogue(new)
    found = differences(first, second)
    decided = None
    if instance is not None:
        decided = decisions(load(instance), old, new, time_limit_seconds=time_limit)
    if as_json:
        told: dict[str, Any] = {"old": first.version, "new": second.version, "changed": [asdict(one) for one in found]}
        if decided is not None:
            told["old_usd"], told["new_usd"] = decided.old.objective_usd, decided.new.objective_usd
            told["decisions"] = [asdict(one) for one in decided.changed]
        click.echo(json.dumps(jsonable(told), indent=2, ensure_ascii=False))
        return
    click.echo(f"from {first.name} {first.version} to {second.name} {second.version}")
    counts = Counter((one.table, one.kind, one.column) for one in found)
    rows = [{"table": t, "what": k, "column": c, "rows": n} for (t, k, c), n in counts.most_common()]
    print_table(rows, ("table", "what", "column", "rows"), "kinds of change", as_json=False, limit=limit)
    cells = [asdict(one) for one in found if one.kind == "changed"]
    print_table(cells, ("table", "key", "column", "old", "new"), "cells changed", as_json=False, limit=limit)
    if decided is not None:
        cost = [f"{plan.objective_usd:,.2f} USD" if plan.objective_usd is not None else str(plan.status)
                for plan in (decided.old, decided.new)]  # fmt: skip
        click.echo(f"{decided.old.instance_name}: {cost[0]} with the old data, {cost[1]} with the new")
        changes = [asdict(one) for one in decided.changed]
        print_table(changes, ("kind", "of", "old", "new"), "decisions changed", as_json=False, limit=limit)
