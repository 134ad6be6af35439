"""Data of persons that cross a border: from where, to where, on which ground, under which laws."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from optimizer.instance.identity import stream_ids
from optimizer.instance.workloads import Dataset, Service
from optimizer.report.pages.context import Context
from optimizer.report.pages.view import Block, cell, folded, table
from optimizer.report.parts import some

Subjects = dict[tuple[str, str], list[str]]
"""By workload or dataset and stream ("": all of it) where the persons are whose data it holds."""


def subjects(context: Context) -> Subjects:
    """Return by dataset, job, and stream of a service with data of persons the countries where these are."""
    found: Subjects = {}
    for one in (*context.instance.workloads, *context.instance.datasets) if context.instance is not None else ():
        data = one if isinstance(one, Dataset) else one.data
        stated = list(data.subjects or data.persons)
        if all(name == "non_personal" for name in data.categories):
            continue
        found[one.id, ""] = stated
        if isinstance(one, Service):
            origins = [stream.origin.partition(":")[0] for stream in one.streams]
            found[one.id, ""] = stated or list(dict.fromkeys(origins))
            found |= {(one.id, name): stated or [origin]
                      for name, origin in zip(stream_ids(one), origins, strict=True)}  # fmt: skip
    return found


def across_borders(context: Context, whose: Subjects) -> tuple[Block, ...]:
    """Return a row for each pair of countries, one of persons and another where their data are; none if none is."""
    held: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    laws: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    grounds: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for name, stream, country, of_law, of_ground in _rows(context):
        for origin in whose.get((name, stream), ()):
            if origin != country:
                held[origin, country][name] = None
                laws[origin, country] |= dict.fromkeys(of_law)
                grounds[origin, country] |= dict.fromkeys(of_ground)
    named = context.places.country
    rows = [
        [named(origin), named(country), some(held[origin, country], 3),
         cell(some(grounds[origin, country], 4) or "no safeguard asked for"), some(laws[origin, country], 4)]
        for origin, country in sorted(held, key=lambda pair: (named(pair[0]), named(pair[1])))
    ]  # fmt: skip
    if not rows:
        return ()
    columns = ["Persons in", "Data in", "Of", "Ground", "Laws"]
    filters = ["Persons in", "Data in"] if len(rows) > 8 else []
    told = table("Data of persons that cross a border", columns, rows, filters=filters, key="across")
    return (folded(told, "pairs of countries"),)


def _rows(context: Context) -> Iterable[tuple[str, str, str, Iterable[str], Iterable[str]]]:
    for row in context.plan.placements:
        yield row.workload, row.stream or "", row.country, row.laws, row.mechanisms
    for copy in context.plan.copies:
        yield copy.dataset, "", copy.country, (*copy.laws, *copy.duty), copy.mechanisms
