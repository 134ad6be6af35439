"""More manipulations, of a cheat who keeps the rest of the plan in step, or who leaves out what does not suit.

`left_out` empties fields of one row and of all rows; `SCHEMES` are worked out by hand. Each is (field, what, edit), as
in `manipulations`; an edit raises LookupError where a plan has nothing to do it to.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

from manipulations import TABLES, Edit, Fields, Manipulation, at

from optimizer.laws import load_laws

EMPTY: Fields = {
    "cost_usd": None, "carbon_kg": None, "energy_kwh": None, "instance_hours": None, "accelerator": None,
    "purchase": None, "country": "", "laws": [], "mechanisms": [], "flags": [], "work_units": None, "gangs": None,
    "size_gb": None, "source": None, "duty": [], "fixed_usd": None, "key": [], "commitments": {}, "stream": None,
    "obligations": [], "citation": "", "cost_share": None, "carbon_share": None, "rule": None, "per_s": None,
}  # fmt: skip
"""What a field holds that says nothing."""
IDENTITY = {("transfers", "source"), ("moves", "source"), ("speeds", "accelerator"), ("speeds", "source")}
"""Fields that a row cannot be without."""


def left_out(plan: Fields) -> Iterator[Manipulation]:
    """Yield every field that can be empty, emptied in one of several rows that state it, and in all."""
    for table in TABLES:
        for field in plan[table][0] if plan[table] else ():
            if field in EMPTY and (table, field) not in IDENTITY:
                yield f"{table}.{field}", "left out of one row", _emptied(table, field, alone=True)
                yield f"{table}.{field}", "left out of all rows", _emptied(table, field)


def _emptied(table: str, field: str, *, alone: bool = False) -> Edit:
    def edit(plan: Fields) -> None:
        rows = [row for row in plan[table] if row[field] not in (None, "", [], {})]
        for row in _some(rows[1:])[:1] if alone else _some(rows):
            row[field] = copy.deepcopy(EMPTY[field])

    return edit


def _some(rows: list[Fields]) -> list[Fields]:
    if not rows:
        raise LookupError("no row to do it to")
    return rows


def row_of(plan: Fields, table: str, test: Callable[[Fields], Any] = bool) -> Fields:
    """Return the first row of a table that passes a test."""
    return _some([row for row in plan[table] if test(row)])[0]


def costs(plan: Fields, usd: float) -> None:
    """Let the plan cost so much more, bound and gap in step."""
    plan["objective_usd"] += usd
    plan["bound_usd"] = min(plan["bound_usd"], plan["objective_usd"])
    plan["gap"] = (plan["objective_usd"] - plan["bound_usd"]) / plan["objective_usd"]


def _shifted(field: str, part: float, *same: str) -> Edit:
    """Take a part of a figure from one placement and give it to another, so that the sum stays."""

    def edit(plan: Fields) -> None:
        rows = [row for row in plan["placements"] if row[field]]
        pairs = [(a, b) for a in rows for b in rows if a is not b and all(a[name] == b[name] for name in same)]
        first, second = _some(pairs)[0]  # type: ignore[arg-type, misc]
        moved = first[field] * part
        first[field], second[field] = first[field] - moved, second[field] + moved

    return edit


def _wider(table: str) -> Edit:
    """Raise a limit by half, with the slack in step."""

    def edit(plan: Fields) -> None:
        row = row_of(plan, table)
        row["limit"] *= 1.5
        row["slack"] = row["limit"] - row["used"]

    return edit


def _half_used(table: str) -> Edit:
    """Halve a use, with the slack in step."""

    def edit(plan: Fields) -> None:
        row = row_of(plan, table, lambda row: row["used"] > 0)
        row["used"] /= 2
        row["slack"] = row["limit"] - row["used"]

    return edit


def _owed_to_us(plan: Fields) -> None:
    row = row_of(plan, "placements", lambda row: row["stream"])
    left = {"workload": row["workload"], "stream": row["stream"], "period": row["period"]}
    plan["unserved"].append({**left, "per_s": -1.0, "cost_usd": -100.0})
    plan["cost_breakdown_usd"]["unserved"] = plan["cost_breakdown_usd"].get("unserved", 0.0) - 100.0
    costs(plan, -100.0)


def _rebate(plan: Fields) -> None:
    plan["cost_breakdown_usd"]["compute"] += 50.0
    plan["cost_breakdown_usd"]["rebate"] = -50.0


def _paid_back(plan: Fields) -> None:
    plan["mechanisms"].append({"mechanism": "SCC_EU", "key": ["us", "you"], "cost_usd": -500.0, "laws": []})
    plan["cost_breakdown_usd"]["mechanisms"] = plan["cost_breakdown_usd"].get("mechanisms", 0.0) - 500.0
    costs(plan, -500.0)


def _held_free(plan: Fields) -> None:
    row = row_of(plan, "mechanisms", lambda row: row["cost_usd"])
    plan["cost_breakdown_usd"]["mechanisms"] -= row["cost_usd"]
    costs(plan, -row["cost_usd"])
    row.update(cost_usd=0.0, held=True)


def _stored_free(plan: Fields) -> None:
    row = row_of(plan, "copies", lambda row: row["cost_usd"])
    plan["cost_breakdown_usd"]["storage"] -= row["cost_usd"]
    costs(plan, -row["cost_usd"])
    row["cost_usd"] = 0.0


def _negative_pair(field: str, *same: str) -> Edit:
    """Let one placement hold less than nothing and another as much more."""

    def edit(plan: Fields) -> None:
        rows = [row for row in plan["placements"] if row[field]]
        pairs = [(a, b) for a in rows for b in rows if a is not b and all(a[name] == b[name] for name in same)]
        first, second = _some(pairs)[0]  # type: ignore[arg-type, misc]
        moved = second[field] * 1.5
        first[field], second[field] = first[field] + moved, second[field] - moved

    return edit


def _decorated(plan: Fields) -> None:
    """Add a true entry of a law that decided nothing to the register."""
    pack, listed = load_laws("world").laws, {entry["law"] for entry in plan["legal_register"]}
    row = next(pack[name] for name in pack if name not in listed)
    marks = {"weak": row.confidence.startswith("from general knowledge"), "unreviewed": not row.trigger.reviewed,
             "advisory": row.status.startswith("guidance")}  # fmt: skip
    plan["legal_register"].append({
        "law": row.id, "jurisdiction": "|".join(row.jurisdictions), "instrument": row.instrument,
        "provision": row.provision, "citation": row.citation, "confidence": row.confidence, "status": row.status,
        "in_force_from": row.in_force_from.isoformat() if row.in_force_from else None,
        "review_by": row.review_by.isoformat() if row.review_by else None, "decided": "free",
        "placements": 0, "flags": [name for name, holds in marks.items() if holds],
    })  # fmt: skip


def _forbade_more(plan: Fields) -> None:
    """Let a law rule out a thousand options more, the register in step."""
    row = row_of(plan, "ineligible", lambda row: row["reason"] == "law_forbids")
    row["options"] += 1000
    word = "closed" if row["dataset"] else "forbade"
    for entry in plan["legal_register"]:
        if entry["law"] == row["rule"]:
            more = rf"{word} (\d+)", lambda found: f"{word} {int(found[1]) + 1000}"
            entry["decided"] = re.sub(*more, entry["decided"])


def _lawless(plan: Fields) -> None:
    """Take all law out of the plan."""
    for table, names in (("placements", ("laws", "mechanisms")), ("copies", ("laws", "mechanisms", "duty")),
                         ("mechanisms", ("laws",))):  # fmt: skip
        for row in plan[table]:
            row.update({name: [] for name in names})
    for row in plan["placements"]:
        row["flags"] = [flag for flag in row["flags"] if not flag.endswith("_law")]
    plan.update(legal_register=[], laws_sha256=None, unreviewed_laws=[], unmodelled_laws=[])


def _halves(plan: Fields) -> None:
    row = plan["placements"][0]
    for name in ("instances", "instance_hours", "served_per_s", "work_units", "gangs", "cost_usd", "carbon_kg",
                 "energy_kwh"):  # fmt: skip
        if row[name]:
            row[name] /= 2
    plan["placements"].append(copy.deepcopy(row))


def _nothing_more(plan: Fields) -> None:
    """Add a placement of nothing, the register in step."""
    row = copy.deepcopy(row_of(plan, "placements", lambda row: row["stream"]))
    for name in ("instances", "instance_hours", "served_per_s", "cost_usd", "carbon_kg", "energy_kwh"):
        row[name] = row[name] and 0.0
    plan["placements"].append(row)
    for entry in plan["legal_register"]:
        entry["placements"] += entry["law"] in row["laws"]


def _of_endpoint(**fields: Any) -> Edit:
    return lambda plan: row_of(plan, "placements", lambda row: row["endpoint"]).update(fields)


def _changed(table: str, field: str, change: Callable[[Any], Any]) -> Edit:
    """Change a field of the first row that states it."""

    def edit(plan: Fields) -> None:
        row = row_of(plan, table, lambda row: row[field] not in (None, "", []))
        row[field] = change(row[field])

    return edit


def _of_quality(share: float | None) -> Edit:
    def edit(plan: Fields) -> None:
        for row in plan["data_quality"]:
            row.update(cost_share=share, carbon_share=share)

    return edit


def _no_energy(plan: Fields) -> None:
    for row in plan["placements"]:
        row["energy_kwh"] = row["energy_kwh"] and 0.0
    plan["energy_kwh"] = 0.0


def _moved_nowhere(plan: Fields) -> None:
    row = row_of(plan, "placements", lambda row: row["work_units"])
    here = {"source": row["region_id"], "target": row["region_id"], "period": row["period"]}
    plan["moves"].append({"job": row["workload"], **here, "gb": 0.0})


SCHEMES: tuple[Manipulation, ...] = (
    ("placements.cost_usd", "cost moved to another row", _shifted("cost_usd", 0.3)),
    ("placements.carbon_kg", "carbon moved to another row", _shifted("carbon_kg", 0.3)),
    ("placements.energy_kwh", "energy moved to another row", _shifted("energy_kwh", 0.3)),
    ("placements.instance_hours", "hours moved to another row", _shifted("instance_hours", 0.2)),
    ("placements.served_per_s", "flow moved to another region", _shifted("served_per_s", 0.5, "workload", "stream")),
    ("placements.served_per_s", "less than nothing served", _negative_pair("served_per_s", "workload", "stream")),
    ("placements.instances", "less than nothing held", _negative_pair("instances", "workload")),
    ("placements.energy_kwh", "no energy anywhere", _no_energy),
    ("placements.work_units", "half as much work again", _changed("placements", "work_units", lambda x: x * 1.5)),
    ("placements.gangs", "a gang more", _changed("placements", "gangs", lambda x: x + 1)),
    ("placements.workload", "a row in halves", _halves),
    ("placements.workload", "a row of nothing", _nothing_more),
    ("placements.instance_hours", "hours of an endpoint", _of_endpoint(instance_hours=10.0)),
    ("placements.instances", "instances of an endpoint", _of_endpoint(instances=3.0)),
    ("placements.accelerator", "accelerator of an endpoint", _of_endpoint(accelerator="H100")),
    ("placements.country", "small letters", _changed("placements", "country", str.lower)),
    ("placements.provider", "capital letters", _changed("placements", "provider", str.upper)),
    ("placements.region", "a blank", _changed("placements", "region", lambda x: f"{x} ")),
    ("placements.laws", "a law twice", _changed("placements", "laws", lambda x: [*x, x[0]])),
    ("placements.mechanisms", "a safeguard twice", _changed("placements", "mechanisms", lambda x: x * 2)),
    ("placements.commitments", "a commitment of a friend", at("placements", commitments={"friend": 1.0})),
    ("copies.size_gb", "twice as large", _changed("copies", "size_gb", lambda x: 2 * x)),
    ("copies.cost_usd", "stored for nothing throughout", _stored_free),
    ("copies.source", "brought from elsewhere", lambda p: row_of(p, "copies").update(
        source=p["placements"][0]["region_id"])),
    ("copies.duty", "a duty made up", lambda p: row_of(p, "copies").update(duty=["DE-SGBV-393"])),
    ("transfers.source", "read the other way round", lambda p: row_of(p, "transfers", lambda r: r[
        "source"] != r["target"]).update(source=p["transfers"][0]["target"])),
    ("transfers.gb", "less than nothing read", _changed("transfers", "gb", lambda x: -x)),
    ("mechanisms.held", "said to be held throughout", _held_free),
    ("mechanisms.cost_usd", "a safeguard that pays back", _paid_back),
    ("mechanisms.key", "the key the other way round", lambda p: row_of(p, "mechanisms", lambda r: len(
        r["key"]) > 1)["key"].reverse()),
    ("unserved.per_s", "less than nothing left", _owed_to_us),
    ("unserved.per_s", "nothing left", lambda p: row_of(p, "unserved", lambda r: r["per_s"]) and p["unserved"].append(
        {**row_of(p, "unserved", lambda r: r["per_s"]), "per_s": 0.0, "cost_usd": 0.0})),
    ("plan.cost_breakdown_usd", "a rebate", _rebate),
    ("plan.carbon_kg", "called unknown", lambda p: p.update(carbon_kg=None, carbon_unknown_share=1.0)),
    ("budgets.limit", "a budget half as large again", _wider("budgets")),
    ("budgets.used", "half of it used", _half_used("budgets")),
    ("quotas.limit", "a quota half as large again", _wider("quotas")),
    ("quotas.used", "half of it used", _half_used("quotas")),
    ("quotas.id", "a quota made up", lambda p: p["quotas"].append(
        {"id": "mine", "period": p["quotas"][0]["period"], "limit": 10.0, "used": 0.0, "slack": 10.0})),
    ("quotas.period", "in no period", at("quotas", period="t99")),
    ("regions.region_id", "a region without a fixed cost", lambda p: p["regions"].append(
        {"region_id": p["placements"][0]["region_id"], "fixed_usd": 0.0})),
    ("shares.bound", "a looser bound", lambda p: row_of(p, "shares").update(bound=0.99)),
    ("legal_register.law", "a law that decided nothing", _decorated),
    ("legal_register.decided", "a thousand options more forbidden throughout", _forbade_more),
    ("legal_register.citation", "no citation", at("legal_register", citation="", provision="", instrument="")),
    ("legal_register.obligations", "nothing to delete", _changed("legal_register", "obligations", lambda x: x[1:])),
    ("plan.legal_register", "all law dropped", _lawless),
    ("plan.unmodelled_laws", "a law that has an effect", lambda p: p["unmodelled_laws"].append("EU-GDPR-CHV")),
    ("data_quality.cost_share", "all is verified", _of_quality(0.0)),
    ("data_quality.cost_share", "no share stated", _of_quality(None)),
    ("ineligible.options", "fewer than none", at("ineligible", options=-5)),
    ("ineligible.reason", "bad weather", at("ineligible", reason="bad_weather")),
    ("ineligible.stream", "a stream from nowhere", _changed("ineligible", "stream", lambda _: "ATLANTIS")),
    ("ineligible.options", "a row twice", lambda p: p["ineligible"].append(p["ineligible"][0])),
    ("plan.versions", "another catalogue", lambda p: p["versions"].update(catalogue="1999-01-01")),
    ("plan.versions", "a blessing", lambda p: p["versions"].update(blessing="papal")),
    ("asked.gap", "a gap asked for that hides a bad bound", lambda p: (p["asked"].update(gap=0.5), p.update(
        bound_usd=p["objective_usd"] * 0.6, gap=0.4))),
    ("asked.time_limit_seconds", "more patience", lambda p: p["asked"].update(time_limit_seconds=1e6)),
    ("plan.gap", "less than none", lambda p: p.update(gap=-0.1)),
    ("plan.termination", "a contradiction", lambda p: p.update(
        status="feasible", termination="contradiction", bound_usd=None, gap=None, bound_excess_usd=99.0)),
    ("plan.instance_name", "capital letters", lambda p: p.update(instance_name=p["instance_name"].upper())),
    ("plan.horizon", "a period short", lambda p: p["horizon"]["periods"].pop()),
    ("plan.assertions", "one left out", lambda p: p["assertions"].pop(next(iter(p["assertions"])))),
    ("moves.job", "a move to where it is", _moved_nowhere),
)  # fmt: skip
"""What somebody would try who knows how the audit works."""
