"""A first instance around what other tools say: a bill, task files, a table of where things run today.

What the files do not say and an instance needs is an example, and is marked as one. What the files say and an instance
cannot take in is listed.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.errors import InputError
from optimizer.first.example import EXAMPLE, HEAD
from optimizer.first.text import comment, flow, rows
from optimizer.importing.imported import Imported, NotRead
from optimizer.laws.codes import COUNTRIES

MODEL, DEVICES, RATE, WORK = "meta-llama/Llama-3.1-8B-Instruct", 64, 100.0, 1e8
"""Examples where nobody says: the model, a quota, a rate in tokens/s, work in tokens."""
TIMES_MENDED = 100
_PARTS = re.compile(r"(current\.placements|catalogue\.overlay|commitments)\[(?:id=)?([^\]]+)\]")
_MODEL = re.compile(r"workloads\[(?:id=)?([^\]]+)\]\.runs")


@dataclass(frozen=True)
class First:
    """The text of an instance, and what of the files is not in it."""

    text: str
    not_read: tuple[NotRead, ...] = ()


def first_instance(source: str | None = None, found: Imported | None = None) -> First:
    """Return a first instance: the example, or one around what an import found.

    Raises:
        InputError: what is found makes no valid instance, whatever is left out of it.
    """
    if source is None or found is None:
        return First(EXAMPLE)
    part = copy.deepcopy(found.part)
    left_out = [one for one in found.not_read if not one.why.startswith("an instance needs it")]
    home = _home(part)
    for _ in range(TIMES_MENDED):
        text = _text(source, found, part, home)
        problems = _problems(text)
        if not problems:
            told = [f"{one.what}: {one.why}" for one in left_out]
            closing = comment(["", "Not read from the files:", *(f"  {line}" for line in told)][1:]) if told else ""
            return First(text + (f"\n{closing}" if closing else ""), tuple(left_out))
        gone = _left_out(part, problems)
        if not gone:
            raise InputError(problems[0].what if len(problems) == 1 else "\n".join(str(one) for one in problems))
        left_out += gone
    raise InputError("the files hold too much that no instance can take in")


def _problems(text: str) -> list[Any]:
    """Return what `load` finds wrong with a text."""
    from optimizer.instance.load import load
    from optimizer.instance.yaml_reader import read_yaml

    try:
        load(read_yaml(text, "instance")[0])
    except InputError as error:
        return list(error.issues)
    return []


def _left_out(part: dict[str, Any], problems: Sequence[Any]) -> list[NotRead]:
    """Take out of a part what is wrong with it; return what was taken out, and why."""
    gone: dict[tuple[str, int], str] = {}
    for issue in problems:
        at = _PARTS.match(issue.where or "")
        if at:
            ids = [row.get("id") for row in _rows(part, at[1])]
            gone.setdefault((at[1], ids.index(at[2]) if at[2] in ids else int(at[2])), issue.what)
    told = []
    for (name, position), why in sorted(gone.items(), reverse=True):
        rows_of = _rows(part, name)
        told.append(NotRead(what=f"{name}: {flow(rows_of[position])}", why=why))
        del rows_of[position]
    for issue in problems:
        at = _MODEL.match(issue.where or "")
        for workload in part.get("workloads", []):
            if at and workload["id"] == at[1] and workload.get("runs"):
                told.append(NotRead(what=f"{at[1]}, runs: {flow(workload['runs'])}", why=issue.what))
                del workload["runs"]
    return told


def _rows(part: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of a part by its path: `current.placements`."""
    above, _, key = name.rpartition(".")
    found: list[dict[str, Any]] = (part[above] if above else part)[key]
    return found


def _home(part: Mapping[str, Any]) -> str:
    """Return the country in which most of what runs today is; DE where that is not known."""
    from optimizer.catalogue import load_catalogue

    regions = load_catalogue().regions.country
    found = [regions.get(str(row["region"])) for row in part.get("current", {}).get("placements", [])]
    known = [country for country in found if country is not None]
    return max(known, key=known.count) if known else "DE"


def _providers(part: Mapping[str, Any]) -> list[str]:
    named = [str(row["region"]).partition(":")[0] for row in part.get("current", {}).get("placements", [])]
    named += [str(row["region"]).partition(":")[0] for row in part.get("commitments", [])]
    named += [str(row["id"]).partition(":")[0] for row in part.get("catalogue", {}).get("overlay", [])]
    return list(dict.fromkeys(named))


def _text(source: str, found: Imported, part: Mapping[str, Any], home: str) -> str:
    """Return the instance around a part."""
    overlay, owned = part.get("catalogue", {}).get("overlay", []), part.get("commitments", [])
    placements, workloads = part.get("current", {}).get("placements", []), _workloads(part)
    files = ", ".join(Path(file).name for file in found.files)
    head = [f"Written from {source}: {files}", "What is marked EXAMPLE is in no file: put your own there."]
    text = HEAD + comment(head)
    text += "name: first  # an id of your own\n"
    text += "horizon: {start: 2027-01-01, hours: 730}  # from 00:00 UTC of that day; 730 hours are a month\n"
    text += "catalogue:\n  use: world  # the regions, prices, speeds and carbon that come with domicile\n"
    providers = _providers(part) or ["aws", "gcp", "scaleway"]
    text += f"  providers: {flow(providers)}  # who may be used: domicile catalogue providers\n"
    if overlay:
        text += "  overlay:  # your own unit prices, USD per hour of one machine, in the place of list prices\n"
        text += rows(overlay, 4)
    text += "laws: {use: world, as_of: 2026-11-22}  # the laws that come with it, as known on that day\n"
    seat = {"headquarters": home, "parent": home, "end_use": ["inference"]}
    text += f"tenant: {flow(seat)}  # EXAMPLE: who uses the capacity; export rules ask\n\nworkloads:\n"
    text += "".join(_workload(workload, home, placements) for workload in workloads)
    text += f"\nquotas:\n  default_devices: {DEVICES}  # EXAMPLE: accelerators of a kind that a region grants you\n"
    if owned:
        text += "\ncommitments:  # machines that are paid for already, and what an hour of one costs\n" + rows(owned, 2)
    if placements:
        text += "\ncurrent:  # what runs today: the plan says what moves from here, and what that costs\n"
        text += "  placements:\n" + rows(placements, 4)
    return text


def _workloads(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the workloads that are named: by tasks, else by what runs today, else one example."""
    stated = {one["id"]: dict(one) for one in part.get("workloads", [])}
    for row in part.get("current", {}).get("placements", []):
        kind = "job" if row.get("work_units") else "service"
        stated.setdefault(row["workload"], {"id": row["workload"], "kind": kind})
    return list(stated.values()) or [{"id": "chat", "kind": "service"}]


def _workload(workload: Mapping[str, Any], home: str, placements: Sequence[Mapping[str, Any]]) -> str:
    """Return a workload: what is known of it, and examples of the rest."""
    own = [row for row in placements if row["workload"] == workload["id"]]
    runs = dict(workload.get("runs", {}))
    shape = "" if "model" in runs else "  # EXAMPLE: which model, and the tokens of one request"
    runs = {"model": MODEL, **runs, "input_tokens": 1024, "output_tokens": 256}
    text = f"  - id: {flow(workload['id'])}\n    kind: {workload['kind']}\n"
    text += f"    runs: {flow(runs)}{shape or '  # EXAMPLE: the tokens of one request'}\n"
    data = {"categories": ["personal"], "exporter": home, "retention_hours": 0}
    if workload["kind"] == "job":
        data["subjects"] = [home]
    text += f"    data: {flow(data)}  # EXAMPLE: categories of data, and the country of who answers for them\n"
    if workload["kind"] == "job":
        work = sum(float(row.get("work_units") or 0.0) for row in own)
        mark = "" if work else "EXAMPLE: "
        return text + f"    work: {work or WORK!r}  # {mark}over the horizon\n    unit: tokens\n"
    text += "    streams:\n"
    rates: dict[str, float] = {}
    for row in own:
        name = str(row.get("stream") or home)
        rates[name] = rates.get(name, 0.0) + float(row.get("served_per_s") or 0.0)
    for name, rate in (rates or {home: 0.0}).items():
        stream = {"id": name, "origin": name if name in COUNTRIES else home, "rate": rate or RATE, "unit": "tokens/s"}
        text += f"      - {flow(stream)}  # {'' if rate else 'EXAMPLE: '}users, and tokens written at the peak\n"
    return text
