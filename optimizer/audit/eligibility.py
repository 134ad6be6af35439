"""May this offer serve this workload at all? Catalogue switches, hardware, speed, distance, prices, user policies."""

from __future__ import annotations

from optimizer.audit.findings import Findings
from optimizer.audit.lines import Figures, Ledger, Line
from optimizer.audit.replicas import most_tokens_per_s, replica_shortage
from optimizer.audit.scopes import Scopes
from optimizer.audit.world import World
from optimizer.errors import InputError
from optimizer.instance.rules import Budget
from optimizer.instance.workloads import Job, Runs, Service


def check_eligibility(ledger: Ledger, scopes: Scopes, findings: Findings) -> None:
    """Check every line against catalogue options, the workload's wishes and the figures that limits need."""
    world = ledger.world
    for line, figures in ledger.pairs():
        findings.checked["eligibility"] += 1
        _check_places(world, line, findings)
        if line.offer.endpoint:
            _check_endpoint(world, line, findings)
        else:
            _check_hardware(world, line, findings)
        _check_round_trip(world, line, findings)
        _check_distance(world, line, findings)
        _check_figures(world, line, figures, scopes, findings)


def _check_places(world: World, line: Line, findings: Findings) -> None:
    use, region, where = world.instance.catalogue, line.region, line.where
    for names, rule in ((world.providers, "catalogue.providers"), (line.workload.providers, "workload.providers")):
        if names and region.provider not in names:
            findings.add("not_allowed_provider", where, "not among the providers allowed", expected=", ".join(names),
                         found=region.provider, rule=rule)  # fmt: skip
    if region.provider in use.exclude_providers:
        findings.add("not_allowed_provider", where, "the provider is excluded", found=region.provider,
                     rule="catalogue.exclude_providers")  # fmt: skip
    for names, rule in ((use.regions, "catalogue.regions"), (line.workload.regions, "workload.regions")):
        if names and not _names(names, line):
            findings.add("not_allowed_region", where, "not among the regions allowed", found=region.id, rule=rule)
    if use.exclude_regions and _names(use.exclude_regions, line):
        findings.add("not_allowed_region", where, "the region is excluded", found=region.id,
                     rule="catalogue.exclude_regions")  # fmt: skip
    if not line.offer.ids.isdisjoint(use.exclude_offers):
        findings.add("not_allowed_offer", where, "the offer is excluded", rule="catalogue.exclude_offers")
    if use.countries and region.country not in use.countries:
        findings.add("not_allowed_region", where, "not among the countries allowed", found=region.country,
                     rule="catalogue.countries")  # fmt: skip
    if region.country in use.exclude_countries:
        findings.add("not_allowed_region", where, "the country is excluded", found=region.country,
                     rule="catalogue.exclude_countries")  # fmt: skip
    if region.access not in use.access:
        findings.add("partition_not_opted_in", where, "the instance does not opt into the partition",
                     found=region.access, rule="catalogue.access")  # fmt: skip
    if region.country_level and "country_level" not in use.availability:
        findings.add("availability_not_opted_in", where, "placed in a country, not in a region", found=region.id,
                     rule="catalogue.availability")  # fmt: skip


def _names(names: tuple[str, ...], line: Line) -> bool:
    return line.region.id in names or f"{line.region.provider}:{line.region.id}" in names


def _check_hardware(world: World, line: Line, findings: Findings) -> None:
    offer, runs, where = line.offer, line.workload.runs, line.where
    if "instance" not in runs.via:
        findings.add("offer_kind", where, "instances are not allowed", expected=", ".join(runs.via), found="instance")
    purchase = offer.purchase or "on_demand"
    if purchase not in runs.purchase:
        findings.add("purchase", where, "the purchase option is not allowed", expected=", ".join(runs.purchase),
                     found=purchase)  # fmt: skip
    if purchase == "spot" and isinstance(line.workload, Job) and not line.workload.interruptible:
        findings.add("purchase", where, "of jobs spot is for interruptible ones only", found=purchase)
    if purchase == "spot" and isinstance(line.workload, Service) and offer.interruption_share is None:
        findings.add("missing_interruption", where, "nobody has the share that is taken back in a month",
                     found=offer.label, rule="runs.purchase")  # fmt: skip
    _check_interruption(line, offer.interruption_share if purchase == "spot" else None, findings)
    if offer.availability not in world.instance.catalogue.availability:
        findings.add("availability_not_opted_in", where, "the instance does not opt into this availability",
                     found=offer.availability, rule="catalogue.availability")  # fmt: skip
    if runs.accelerators and offer.accelerator not in runs.accelerators:
        findings.add("accelerator", where, "not among the accelerators named", expected=", ".join(runs.accelerators),
                     found=offer.accelerator)  # fmt: skip
    software = {name.lower() for name in runs.software}
    if software and offer.software not in software:
        findings.add("software", where, "not among the software stacks named", expected=", ".join(sorted(software)),
                     found=offer.software or None)  # fmt: skip
    if runs.arch is not None and offer.arch != runs.arch:
        findings.add("arch", where, "processors of another architecture", expected=runs.arch, found=offer.arch or None,
                     rule="runs.arch")  # fmt: skip
    if offer.burstable and not runs.burstable:
        findings.add("burstable", where, "a burstable machine", found=offer.label, rule="runs.burstable")
    least = runs.min_device_memory_gb
    if least > 0 and (offer.device_memory_gb is None or offer.device_memory_gb < least * (1 - 1e-9)):
        findings.add("device_memory", where, "device memory is too small or unknown", expected=least,
                     found=offer.device_memory_gb)  # fmt: skip
    short = replica_shortage(world, line.workload, offer)
    if short is not None:
        findings.add("device_memory", where, "one replica of the model takes more than the machine has",
                     expected=short[0], found=short[1])  # fmt: skip
    speed = world.units_per_s(line.workload, offer)
    if not speed:
        asked = ", ".join(f"{name} {value:g}" for name, value in objectives_of(runs).items())
        kind = "service_objective" if asked else "no_throughput"
        what = "no figure of a replica on it that keeps the objectives" if asked else "no throughput figure"
        findings.add(kind, where, f"{what} for this offer", expected=asked or None, found=offer.label)
    most = None if runs.throughput else most_tokens_per_s(world, line.workload, offer)
    if speed and most is not None and speed > most:
        findings.add("no_throughput", where, "the figure is more than the devices can compute", expected=most,
                     found=speed)  # fmt: skip
    if offer.usd_per_hour is None:
        findings.add("missing_price", where, "the offer has no price", found=offer.label)


def _check_interruption(line: Line, taken_back: float | None, findings: Findings) -> None:
    """Check the share of instances that is taken back within a month; only spot has one."""
    found = line.row.interruption_share
    if taken_back is not None:
        findings.stated("statement", line.where, "interruption share", expected=taken_back, found=found,
                        cell="placements.interruption_share")  # fmt: skip
    elif found is not None:
        findings.add("statement", line.where, "an interruption share that nobody has", found=found)


def objectives_of(runs: Runs) -> dict[str, float]:
    """Return the service objectives that are stated, in ms."""
    return {name: value for name in ("ttft_ms", "tpot_ms") if (value := getattr(runs, name)) is not None}


def _check_endpoint(world: World, line: Line, findings: Findings) -> None:
    offer, runs, where = line.offer, line.workload.runs, line.where
    _check_interruption(line, None, findings)
    if "endpoint" not in runs.via or isinstance(line.workload, Job):
        findings.add("offer_kind", where, "endpoints are not allowed", expected=", ".join(runs.via), found="endpoint")
    wanted = world.model_names(line.workload)
    if not wanted & set(offer.model_names):
        findings.add("endpoint_model", where, "serves another model", expected=", ".join(sorted(wanted)),
                     found=offer.model)  # fmt: skip
    if runs.endpoint_scopes and offer.scope not in runs.endpoint_scopes:
        findings.add("endpoint_scope", where, "not among the scopes named", expected=", ".join(runs.endpoint_scopes),
                     found=offer.scope)  # fmt: skip
    for name in objectives_of(runs):
        findings.add("missing_latency", where, "nobody has its time to the first token or per output token",
                     found=offer.label, rule=f"runs.{name}")  # fmt: skip
    if offer.scope_countries is None:
        findings.add("endpoint_scope_unspecified", where, "nobody says where it processes", found=offer.scope,
                     rule="catalogue.unspecified_endpoint_scope")  # fmt: skip
    if offer.retired_on is not None and offer.retired_on < world.calendar.last_day:
        findings.add("endpoint_retired", where, "retires before the horizon ends", found=offer.retired_on.isoformat())
    if world.endpoint_usd_per_unit(offer, line.workload) is None:
        findings.add("missing_price", where, "no price per work unit (or the request shape is not stated)",
                     found=offer.label)  # fmt: skip


def _check_round_trip(world: World, line: Line, findings: Findings) -> None:
    """Check what a row says of the round trip of its stream: figure, how it was had, and limit."""
    row, stream = line.row, line.stream
    if stream is None:
        if (row.rtt_ms, row.max_rtt_ms, row.rtt_source) != (None, None, None):
            findings.add("statement", line.where, "a round trip, though the row has no stream", found=row.rtt_ms)
        return
    try:
        rtt = world.rtt_ms(stream.origin, line.region)
    except InputError:  # an origin that only laws and prices know
        rtt = None
    how = None if rtt is None else "estimated" if world.estimates_rtt(stream.origin, line.region) else "stated"
    for name, mine in (("rtt_ms", rtt), ("max_rtt_ms", stream.max_rtt_ms)):
        told = getattr(row, name)
        if mine is None:
            if told is not None:
                findings.add("statement", line.where, f"{name} is stated, and there is none", found=told)
        else:
            findings.stated("statement", line.where, name, expected=mine, found=told, cell=f"placements.{name}")
    if how is not None:
        findings.cell("placements.rtt_source", line.where, row.rtt_source is not None)
    if row.rtt_source is not None and row.rtt_source != how:
        findings.add("statement", line.where, "how the round trip was had", expected=how, found=row.rtt_source)


def _check_distance(world: World, line: Line, findings: Findings) -> None:
    stream = line.stream
    if stream is None or stream.max_rtt_ms is None or line.row.served_per_s <= 0:
        return
    findings.checked["rtt"] += 1
    rtt = world.rtt_at_most_ms(stream.origin, line.region)
    if rtt is None:
        findings.add("rtt_unknown", line.where, f"no round trip from {stream.origin} to {line.region.id} is known",
                     rule="max_rtt_ms")  # fmt: skip
    elif rtt > stream.max_rtt_ms * (1 + 1e-9):
        findings.add("rtt", line.where, f"round trip from {stream.origin} to {line.region.id} in ms",
                     expected=stream.max_rtt_ms, found=rtt, rule="max_rtt_ms")  # fmt: skip


NEEDED = {
    "carbon_kg": ("missing_power", "missing_pue", "missing_grid", "missing_embodied"),
    "operational_kg": ("missing_power", "missing_pue", "missing_grid"),
    "energy_kwh": ("missing_power", "missing_pue"),
    "water_l": ("missing_power", "missing_pue", "missing_wue"),
}
"""Figures that a metric needs."""


def budget_metric(budget: Budget) -> tuple[str, float]:
    """Return the metric a budget caps and its limit."""
    for metric, limit in (
        ("carbon_kg", budget.limit_kg),
        ("water_l", budget.limit_l),
        ("energy_kwh", budget.limit_kwh),
        ("spend_usd", budget.limit_usd),
    ):
        if limit is not None:
            return metric, limit
    raise AssertionError(f"budget {budget.id} has no limit")


def _check_figures(world: World, line: Line, figures: Figures, scopes: Scopes, findings: Findings) -> None:
    """A figure that a limit or a carbon price needs must exist; where none needs it, unknown is allowed."""
    needs: dict[str, str] = {}
    if world.instance.carbon.price_usd_per_tonne > 0:
        needs["carbon_kg"] = "carbon.price_usd_per_tonne"
    for budget in world.instance.budgets:
        metric, _ = budget_metric(budget)
        metric = "operational_kg" if metric == "carbon_kg" and budget.counts == "operational" else metric
        if metric in NEEDED and scopes.selects(budget.scope, line.workload, line.region, line.period):
            needs.setdefault(metric, budget.id)
    for metric, rule in needs.items():
        if getattr(figures, metric) is not None:
            continue
        for code in NEEDED[metric]:
            if code in figures.missing:
                findings.add(code, line.where, f"needed for {metric} of {line.offer.label}", rule=rule)
    if figures.egress_usd is None:
        findings.add("missing_egress_price", line.where, f"no egress price from {line.region.id}")
    if figures.network_usd is None:
        findings.add("missing_price", line.where, f"no network price from {line.row.stream} to {line.region.id}")
