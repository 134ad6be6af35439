"""Manipulations of a plan's JSON: every field of every table changed, and directed ones that a cheat would try.

`field_changes` changes each field that a plan states, in the first and the last row of its table, to something of the
same type that is not the same; `DIRECTED` are worked out by hand. Each is (field, what, edit).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

Fields = dict[str, Any]
Edit = Callable[[Fields], Any]
Manipulation = tuple[str, str, Edit]

TABLES = ("placements", "speeds", "copies", "transfers", "moves", "regions", "mechanisms", "budgets", "quotas",
          "commitments", "shares", "unserved", "legal_register", "data_quality", "ineligible",
          "shortfalls")  # fmt: skip
PARTS = ("asked", "least_carbon", "horizon")
WORDS = {
    "status": "feasible", "termination": "time_limit", "metric": "energy_kwh", "sense": "at_least",
    "level": "transferred", "counts": "operational", "estimate": "high",
    "start": "2031-01-01", "in_force_from": "1999-01-01",
}  # fmt: skip
"""Another word where only some words are read at all."""
GAP = "asked.gap"
OTHER_WORDS = {"level": "estimated"}
"""Where the plan has that word already."""
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def changed(name: str, value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 1.25 + 0.1
    if isinstance(value, list):
        return value[1:] if value else ["EU-GDPR-CHV"]
    if isinstance(value, dict):
        first = next(iter(value))
        return {**value, first: changed(first, value[first])}
    if isinstance(value, str) and DAY.fullmatch(value):
        return str(date.fromisoformat(value) + timedelta(days=1))
    return WORDS.get(name, f"{value}x") if WORDS.get(name) != value else OTHER_WORDS.get(name, "x")


def field_changes(plan: Fields) -> Iterator[Manipulation]:
    """Yield a change of every field that a plan states."""
    for name, value in plan.items():
        if name in TABLES:
            if value:
                yield f"plan.{name}", "all rows dropped", lambda p, name=name: p.update({name: []})
            for which, row in (("first", 0), ("last", -1)) if value else ():
                for field in value[row]:
                    yield from _of_row(name, field, which, row, value[row])
        elif name in PARTS:
            for field in value or ():
                yield from _of_part(name, field, value)
        elif value not in (None, {}, []):
            yield f"plan.{name}", "changed", lambda p, name=name: p.update({name: changed(name, p[name])})
            yield f"plan.{name}", "dropped", lambda p, name=name: p.pop(name)


def _of_row(table: str, field: str, which: str, row: int, fields: Fields) -> Iterator[Manipulation]:
    value = fields[field]
    if value is not None and value != {}:
        new = changed(field, value)
        yield f"{table}.{field}", f"{which} row changed", lambda p: p[table][row].update({field: new})


def _of_part(part: str, field: str, fields: Fields) -> Iterator[Manipulation]:
    value = fields[field]
    if field == "periods":
        for inner in ("id", "hours"):
            new = changed(inner, value[0][inner])
            yield f"periods.{inner}", "changed", lambda p, inner=inner, new=new: p[part][field][0].update({inner: new})
    elif value is not None:
        new = 0.0 if field == "gap" else -1 if isinstance(value, int | float) else changed(field, value)
        yield f"{part}.{field}", "changed", lambda p: p[part].update({field: new})


def at(table: str, row: int = 0, **fields: Any) -> Edit:
    """Change fields of one row."""
    return lambda p: p[table][row].update(fields)


def _scaled(table: str, name: str, factor: float) -> Edit:
    def edit(plan: Fields) -> None:
        for row in plan[table]:
            if row[name] is not None:
                row[name] *= factor

    return edit


def _swapped(table: str, *names: str) -> Edit:
    """Swap fields of the first row and the last one in which they differ."""

    def edit(plan: Fields) -> None:
        first = plan[table][0]
        last = [row for row in plan[table] if row[names[0]] != first[names[0]]][-1]
        for name in names:
            first[name], last[name] = last[name], first[name]

    return edit


def _cheaper(plan: Fields) -> None:
    """Say throughout that all compute costs 1 % less."""
    saved = 0.01 * plan["cost_breakdown_usd"]["compute"]
    plan["cost_breakdown_usd"]["compute"] -= saved
    plan["objective_usd"] -= saved
    plan["bound_usd"] = min(plan["bound_usd"], plan["objective_usd"])
    plan["gap"] = (plan["objective_usd"] - plan["bound_usd"]) / plan["objective_usd"]


def _proven(plan: Fields) -> None:
    """Raise the bound above the objective, and say that the gap is closed."""
    plan.update(bound_usd=plan["objective_usd"] * 1.01, gap=0.0)


def _less_served(plan: Fields) -> None:
    row = next(row for row in plan["placements"] if row["served_per_s"])
    row["served_per_s"] *= 0.99


def _every_law(plan: Fields, laws: list[str]) -> None:
    for row in plan["placements"]:
        row["laws"] = laws


DIRECTED: tuple[Manipulation, ...] = (
    ("plan.objective_usd", "compute said to cost 1 % less throughout", _cheaper),
    ("plan.bound_usd", "bound above the cost", _proven),
    ("plan.status", "infeasible placements kept", lambda p: p.update(status="infeasible", termination="infeasible")),
    ("plan.status", "no plan placements kept", lambda p: p.update(status="no_plan", termination="time_limit")),
    ("plan.gap", "gap of nothing", lambda p: p.update(gap=0.0, bound_usd=p["objective_usd"] * 0.9)),
    ("asked.gap", "a tighter gap asked for", lambda p: (p["asked"].update(gap=1e-9), p.update(
        bound_usd=p["objective_usd"] * 0.999, gap=1e-3))),
    ("asked.then", "a second solve asked for", lambda p: p["asked"].update(then="carbon")),
    ("least_carbon.status", "a second solve made up", lambda p: p.update(least_carbon={
        "status": "optimal", "termination": "gap_reached", "cost_cap_usd": p["objective_usd"] * 0.9})),
    ("placements.region", "label of another region", _swapped("placements", "region", "country")),
    ("placements.region_id", "id of another region", _swapped("placements", "region_id")),
    ("placements.region", "moved to another region all names",
     _swapped("placements", "region", "region_id", "country")),
    ("placements.stream", "stream without a name", at("placements", stream="")),
    ("placements.period", "another period", at("placements", period="t99")),
    ("placements.instances", "all instances a tenth less", _scaled("placements", "instances", 0.9)),
    ("placements.served_per_s", "one stream served 1 % less", _less_served),
    ("placements.carbon_kg", "carbon halved", _scaled("placements", "carbon_kg", 0.5)),
    ("placements.cost_usd", "cost of every row halved", _scaled("placements", "cost_usd", 0.5)),
    ("placements.laws", "no laws anywhere", lambda p: _every_law(p, [])),
    ("placements.laws", "a law that does not bear on them", lambda p: _every_law(p, ["CN-PIPL-38"])),
    ("placements.mechanisms", "a safeguard of another law", at("placements", mechanisms=["RU_NOTIFY"])),
    ("placements.flags", "praise", at("placements", flags=["verified"])),
    ("placements.purchase", "spot", at("placements", purchase="spot")),
    ("placements.workload", "a row dropped", lambda p: p["placements"].pop()),
    ("placements.workload", "a row twice", lambda p: p["placements"].append(p["placements"][0])),
    ("mechanisms.mechanism", "a safeguard of nothing", lambda p: p["mechanisms"].append(
        {"mechanism": "KR_CERT", "key": ["nobody"], "cost_usd": 0.0})),
    ("mechanisms.held", "a safeguard said to be held", lambda p: p["mechanisms"].append(
        {"mechanism": "SCC_EU", "key": ["a", "b"], "cost_usd": 0.0, "held": True})),
    ("copies.dataset", "a copy of nothing", lambda p: p["copies"].append(
        {"dataset": "x", "provider": "aws", "region": "eu-central-1"})),
    ("transfers.gb", "a read of nothing", lambda p: p["transfers"].append(
        {"dataset": "x", "source": "aws:eu-central-1", "target": "aws:eu-west-1", "gb": 1.0})),
    ("moves.job", "a move of nothing", lambda p: p["moves"].append(
        {"job": "x", "source": "aws:eu-central-1", "target": "aws:eu-west-1", "period": "t0"})),
    ("regions.region_id", "a standby for nothing", lambda p: p["regions"].append(
        {"region_id": "aws:eu-central-1", "fixed_usd": 0.0, "standby": True})),
    ("budgets.id", "a budget made up", lambda p: p["budgets"].append({**p["budgets"][0], "id": "mine"})),
    ("budgets.id", "a budget twice", lambda p: p["budgets"].append(p["budgets"][0])),
    ("quotas.id", "a quota twice", lambda p: p["quotas"].append(p["quotas"][0])),
    ("quotas.id", "a quota dropped", lambda p: p["quotas"].pop()),
    ("commitments.id", "a commitment made up", lambda p: p["commitments"].append(
        {"id": "x", "region_id": "aws:eu-central-1", "sku": "x", "instances": 1, "used": 0, "idle": 1})),
    ("shares.id", "a share made up", lambda p: p["shares"].append({"id": "x", "bound": 0.5, "value": 0.1})),
    ("unserved.per_s", "demand left unserved", lambda p: p["unserved"].append(
        {"workload": p["placements"][0]["workload"], "stream": p["placements"][0]["stream"], "period": "t0",
         "per_s": 1.0, "cost_usd": 0.0})),
    ("legal_register.law", "an entry dropped", lambda p: p["legal_register"].pop()),
    ("legal_register.law", "an entry twice", lambda p: p["legal_register"].append(p["legal_register"][0])),
    ("legal_register.confidence", "verified", at("legal_register", confidence="verified")),
    ("legal_register.flags", "a flag more", at("legal_register", flags=["weak", "advisory", "x"])),
    ("legal_register.obligations", "a duty made up", at("legal_register", obligations=["x: deleted within 1 h"])),
    ("data_quality.quality", "a quality dropped", lambda p: p["data_quality"].pop()),
    ("plan.unmodelled_laws", "a law made up", lambda p: p.update(unmodelled_laws=["EU-NOTHING"])),
    ("plan.unreviewed_laws", "a law made up", lambda p: p.update(unreviewed_laws=["EU-NOTHING"])),
    ("plan.assertions", "an assertion made up", lambda p: p["assertions"].update(by_decree=True)),
    ("plan.shortfalls", "a shortfall of a plan that is held", lambda p: p.update(diagnosis=["no way"])),
    ("plan.bound_excess_usd", "a bound above the cost that is not", lambda p: p.update(
        bound_excess_usd=1.0, bound_usd=p["objective_usd"] * 0.999, gap=1e-3)),
    ("plan.carbon_kg", "carbon halved", lambda p: p.update(carbon_kg=p["carbon_kg"] / 2)),
    ("plan.carbon_unknown_share", "carbon called unknown", lambda p: p.update(carbon_unknown_share=0.5)),
    ("plan.versions", "other laws", lambda p: p["versions"].update(laws="1999-01-01")),
    ("plan.warnings", "all is well", lambda p: p.update(warnings=["all is well"])),
)
"""What a cheat would try, or a slip of another tool."""


def manipulated(plan: Fields, edit: Edit) -> Fields:
    """Return an edited copy of a plan."""
    other = copy.deepcopy(plan)
    edit(other)
    return other
