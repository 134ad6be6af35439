"""The commands that look into the catalogue: `domicile catalogue ...`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from optimizer.completion import ACCELERATOR, COUNTRY, INSTANCE, PROVIDER, REGION
from optimizer.terminal import Finite


@click.group()
def catalogue() -> None:
    """Look into the bundled catalogue; filters are ANDed, the values of one ORed."""


def listing(
    name: str, what: str, columns: tuple[str, ...], command: str | None = None
) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a `catalogue` command that prints what `list_<name>` of `catalogue.query` or `place_query` returns.

    It is called `command`, else as the list is.
    """
    called = command or name

    def decorate(declare: Callable[..., Any]) -> click.Command:
        def run(as_json: bool, limit: int, instance: Path | None = None, **filters: Any) -> None:
            from optimizer.catalogue import load_catalogue, place_query, query
            from optimizer.lookup_currency import in_currency_of
            from optimizer.terminal import print_table

            asked = {key: value for key, value in filters.items() if value not in ((), None)}
            find = getattr(query, f"list_{name}", None) or getattr(place_query, f"list_{name}")
            rows = find(load_catalogue(), **asked).to_dict("records")
            shown, named = columns, what
            if instance is not None:
                rows, shown, named = in_currency_of(instance, rows, columns, what)
            print_table(rows, shown, named, as_json=as_json, limit=limit)

        run.__doc__ = declare.__doc__
        run.__click_params__ = getattr(declare, "__click_params__", [])  # type: ignore[attr-defined]
        shown = click.option("--json", "as_json", is_flag=True, help="Print JSON.")(run)
        limit = click.option("--limit", type=click.IntRange(min=0), default=50, help="Rows shown (50); 0 is all.")
        money = click.option("--instance", type=INSTANCE, help="Show amounts in the currency of this instance.")
        return catalogue.command(called)(limit(money(shown) if any("usd" in one for one in columns) else shown))

    return decorate


@listing("providers", "providers", ("provider", "name", "hq_country", "control_ownership", "certification", "offers"))
@click.option("--country", type=COUNTRY, multiple=True, help="Headquarters; repeatable.")
@click.option("--control-excludes", multiple=True, help="Drop providers this country controls; repeatable.")
@click.option("--strict", is_flag=True, help="With --control-excludes: any exposure counts, not ownership alone.")
def catalogue_providers() -> None:
    """Operators, who controls them and what they are certified for."""


@listing("regions", "regions", ("region_id", "name", "country", "access", "grid_lifecycle_g_per_kwh", "pue", "offers"))
@click.option("--provider", type=PROVIDER, multiple=True, help="Repeatable.")
@click.option("--country", type=COUNTRY, multiple=True, help="Repeatable.")
@click.option("--access", multiple=True, help="public, government, china, ...; repeatable.")
@click.option("--accelerator", type=ACCELERATOR, multiple=True, help="Only regions that offer it; repeatable.")
def catalogue_regions() -> None:
    """Regions with their grid carbon and PUE."""


@listing(
    "offers",
    "offers",
    ("region_id", "country", "sku", "accelerator", "devices", "purchase", "price_usd_per_hour", "usd_per_device_hour"),
)
@click.option("--provider", type=PROVIDER, multiple=True, help="Repeatable.")
@click.option("--region", type=REGION, multiple=True, help="provider:region; repeatable.")
@click.option("--country", type=COUNTRY, multiple=True, help="Repeatable.")
@click.option("--accelerator", type=ACCELERATOR, multiple=True, help="Repeatable.")
@click.option("--purchase", type=click.Choice(["on_demand", "spot"]))
@click.option("--availability", multiple=True, help="verified, price_meter, unverified, assumed, country_level.")
@click.option("--max-usd-per-device-hour", type=Finite(min=0))
def catalogue_offers() -> None:
    """Priced instances, cheapest per device first."""


@listing(
    "commitments",
    "commitments",
    ("commitment_id", "kind", "term_months", "payment", "usd_per_hour", "upfront_usd", "of_on_demand", "price_date"),
)
@click.option("--provider", type=PROVIDER, multiple=True, help="Repeatable.")
@click.option("--region", type=REGION, multiple=True, help="provider:region; repeatable.")
@click.option("--sku", multiple=True, help="Repeatable.")
@click.option("--term-months", multiple=True, type=Finite(min=0), help="Length of the term; repeatable.")
def catalogue_commitments() -> None:
    """Reserved instances, committed use and savings plans: what a plan may buy if the instance lets it."""


@listing(
    "accelerators",
    "accelerators",
    ("accelerator", "vendor", "software", "memory_gb", "load_kw", "embodied_kg", "release_year", "offers"),
)
@click.option("--software", multiple=True, help="cuda, rocm, neuron, tpu, ...; repeatable.")
@click.option("--min-memory-gb", type=Finite(min=0))
def catalogue_accelerators() -> None:
    """Devices with memory, power and embodied carbon."""


@listing(
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
@click.option("--provider", type=PROVIDER, multiple=True, help="Repeatable.")
@click.option("--model", help="Name, alias or part of a name.")
@click.option("--scope", multiple=True, help="region, data_zone_eu, global, ...; repeatable.")
@click.option("--region", type=REGION, multiple=True, help="provider:region; repeatable.")
def catalogue_endpoints() -> None:
    """Managed model endpoints, cheapest input price first."""


@listing(
    "throughput",
    "figures of speed",
    ("accelerator", "devices", "level", "input_tokens", "output_tokens", "counts_per_s", "low_per_s", "likely_per_s",
     "high_per_s", "requests", "ttft_ms", "tpot_ms", "source"),
)  # fmt: skip
@click.option("--model", required=True, help="Name or alias.")
@click.option("--accelerator", type=ACCELERATOR, multiple=True, help="Repeatable.")
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


@listing(
    "models",
    "throughput profiles",
    ("model", "metric", "unit", "default", "precision", "profile_id", "accelerators"),
)
@click.option("--accelerator", type=ACCELERATOR, multiple=True, help="Repeatable.")
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
@click.argument("instance", type=INSTANCE, required=False)
@click.option("--time-limit", type=Finite(min=0, min_open=True), default=60.0, show_default=True, help="Of each solve.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--limit", type=click.IntRange(min=0), default=20, help="Rows shown of each table (20); 0 is all.")
def catalogue_diff(
    old: str, new: str, instance: Path | None, *, time_limit: float, as_json: bool, limit: int
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
