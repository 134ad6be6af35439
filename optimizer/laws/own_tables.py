"""Groups, mechanisms, certificates and parties that a user's own file of laws brings along, under its key `tables`.

    tables:
      country_groups: [{group_id: PARTNERS, member: DE}, {group_id: PARTNERS, member: IN, valid_from: 2027-01-01}]
      mechanisms: [{id: ADDENDUM, name: our addendum, key: exporter|importer, action: clause, lead_time_days: 30}]
      certificate_holders: [{scheme: Our audit, provider: ovhcloud, service: instance, status: held}]
      parties: [{name: tycoon, lists: US_SDN}, {name: globex, owner: tycoon, percent: 30}]

A row has the columns of the pack's table of that name (mechanisms: of all three); what is left out is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import Issue
from .check import check_groups, check_holder, check_mechanism
from .operators import Operators
from .pack import LawPack
from .patches import tables_of
from .places import Groups
from .rulebook import TABLES, own_files, read_document
from .tables import PARTIES, Rows, Tables, read_groups, read_holders, read_mechanism, read_parties

COLUMNS = {
    "country_groups": ("group_id", "member", "valid_from", "valid_to", "condition", "source", "confidence", "note"),
    "mechanisms": (
        "id", "jurisdiction", "name", "charge_scope", "one_off_or_recurring", "validity", "lead_time", "cost_drivers",
        "coverage_limits", "citation", "confidence", "key", "gate", "covers", "max_retention_hours", "lead_time_days",
        "available_from", "not_in", "assumes", "state", "state_alone", "source", "action",
    ),
    "certificate_holders": (
        "scheme", "level", "provider", "service", "service_name", "region", "held_from", "valid_to", "status",
        "confidence", "source", "note",
    ),
    PARTIES: ("name", "lists", "owner", "percent", "citation"),
}  # fmt: skip
"""What a user's own file may bring along, with the columns of each."""


@dataclass(frozen=True)
class OwnTables:
    """The rows of all own files together."""

    tables: Tables
    file: str = ""

    def added_to(self, world: LawPack, issues: list[Issue]) -> LawPack:
        """Return the world's pack with these beside what it has; nothing of the world's is replaced."""
        own = self.tables
        for what, stated, known in (
            ("country group", own.groups, world.groups.ids),
            ("mechanism", own.mechanisms, world.mechanisms),
        ):
            for name in sorted(set(stated) & set(known)):
                maybe = "give it a name of its own; a group of the world's is changed by patches"
                issues.append(Issue(f"{what} {name!r} is one of the world's", file=self.file, maybe=maybe))
        groups = Groups({**world.groups.mapping(), **own.groups}) if own.groups else world.groups
        operators: Operators = replace(
            world.operators,
            groups=groups,
            holders=(*world.operators.holders, *own.holders),
            schemes=world.operators.schemes | own.schemes,
        )
        mechanisms = MappingProxyType({**world.mechanisms, **own.mechanisms})
        pack = replace(
            world, groups=groups, operators=operators, mechanisms=mechanisms, parties=MappingProxyType(own.parties)
        )
        self._check(pack, issues)
        return pack

    def _check(self, pack: LawPack, issues: list[Issue]) -> None:
        known = tables_of(pack, pack.groups.mapping())
        found = [*check_groups(self.tables.groups)]
        for mechanism in self.tables.mechanisms.values():
            found += check_mechanism(mechanism, known)
        for holder in self.tables.holders:
            found += check_holder(holder, pack.operators.providers)
        for party in self.tables.parties.values():
            unknown = sorted(party.lists - set(pack.vocabulary.party_lists))
            found += [Issue(f"undeclared list of parties {name!r}", where=party.name) for name in unknown]
        issues += [replace(issue, file=self.file) for issue in found]


def read_own_tables(path: Path, issues: list[Issue]) -> OwnTables:
    """Return what a user's own files bring along besides laws."""
    own, names = Tables(), []
    for one in own_files(path):
        name = one.name
        document, _ = read_document(one, name, one.parent, [])
        stated = document.get(TABLES)
        if stated is None:
            continue
        names.append(name)
        if not isinstance(stated, Mapping):
            issues.append(Issue("is no mapping of tables", file=name, where=TABLES))
            continue
        for table in stated:
            if table not in COLUMNS:
                maybe = f"use {', '.join(COLUMNS)}"
                issues.append(Issue(f"unknown table {str(table)!r}", file=name, where=TABLES, maybe=maybe))
        _read(stated, name, own, issues)
    return OwnTables(own, ", ".join(names))


def _read(stated: Mapping[str, Any], name: str, own: Tables, issues: list[Issue]) -> None:
    rows = {table: Rows(f"{name}: {table}", _rows(stated, table, name, issues), issues) for table in COLUMNS}
    read_groups(rows["country_groups"], own)
    for row in rows["mechanisms"].rows("id", "key"):
        action = row["action"] or "clause"
        own.mechanisms[row["id"]] = read_mechanism(rows["mechanisms"], row, rows["mechanisms"], row, action)
    read_holders(rows["certificate_holders"], own)
    read_parties(rows[PARTIES], own)


def _rows(stated: Mapping[str, Any], table: str, name: str, issues: list[Issue]) -> Iterable[dict[str, str]]:
    """The rows of a table as texts, whatever they leave out empty."""
    listed = stated.get(table) or []
    found = []
    for row in listed if isinstance(listed, list) else [listed]:
        if not isinstance(row, Mapping):
            issues.append(Issue(f"{row!r} is no row", file=name, where=table, maybe="write it like {id: ADDENDUM, …}"))
            continue
        for column in row:
            if column not in COLUMNS[table]:
                maybe = f"use {', '.join(COLUMNS[table])}"
                issues.append(Issue(f"unknown column {str(column)!r}", file=name, where=table, maybe=maybe))
        found.append({column: _text(row.get(column)) for column in COLUMNS[table]})
    return found


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "|".join(map(str, value))
    return "" if value is None else str(value)
