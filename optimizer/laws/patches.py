"""Scenario patches: an ordered list of changes to laws and groups; the base tables stay as they are.

Operations: activate, deactivate, set, add_member, remove_member, set_date, grant, add_law. A `from` (of the patch or of
the scenario around it) dates the change; without it the change holds for all dates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import InputError, Issue
from .check import check_law
from .codes import check_place
from .places import Groups
from .rows import GroupMember, LawRow
from .tables import Tables, law_row
from .triggers import Trigger, read_trigger

if TYPE_CHECKING:
    from .pack import LawPack

_TEXT_FIELDS = (
    "status", "kind", "storage_rule", "processing_rule", "instrument", "provision", "citation", "note", "threshold",
    "confidence", "source_url",
)  # fmt: skip
DEEPEST = 64
"""Levels of patches inside patches."""
Patched = tuple[dict[str, LawRow], dict[str, tuple[tuple[date, LawRow], ...]], Groups, frozenset[tuple[str, str]]]


@dataclass
class _State:
    """Tables under change."""

    laws: dict[str, LawRow]
    amendments: dict[str, tuple[tuple[date, LawRow], ...]]
    groups: dict[str, tuple[GroupMember, ...]]
    granted: set[tuple[str, str]]
    pack: LawPack
    issues: list[Issue] = field(default_factory=list)
    where: str = ""

    def problem(self, what: str, maybe: str | None = None) -> None:
        self.issues.append(Issue(what, where=self.where, maybe=maybe))

    def change(self, law_id: str, start: date | None, change: Callable[[LawRow], LawRow]) -> None:
        """Change a law for all dates, or from a date on (later amendments included)."""
        amendments = self.amendments.get(law_id, ())
        if start is None:
            self.laws[law_id] = change(self.laws[law_id])
            self.amendments[law_id] = tuple((day, change(row)) for day, row in amendments)
            return
        before = [pair for pair in amendments if pair[0] < start]
        after = [(day, change(row)) for day, row in amendments if day > start]
        current = self.laws[law_id]
        for day, row in amendments:
            if day <= start:
                current = row
        self.amendments[law_id] = (*before, (start, change(current)), *after)


def apply_patches(pack: LawPack, patches: Sequence[Mapping[str, object]]) -> Patched:
    """The tables after all patches.

    Raises:
        InputError: unknown operation, law, group, mechanism, field or value; all together.
    """
    state = _State(dict(pack.laws), dict(pack.amendments), pack.groups.mapping(), set(pack.granted), pack)
    for index, patch in enumerate(patches):
        _apply(state, patch, f"patches[{index}]", None, 0)
    if not state.issues:
        _check(state)
    if state.issues:
        raise InputError(state.issues)
    return state.laws, state.amendments, Groups(state.groups), frozenset(state.granted)


def _apply(state: _State, patch: object, where: str, start: date | None, depth: int) -> None:
    state.where = where
    if not isinstance(patch, Mapping):
        state.problem(f"is {patch!r}; should be a mapping such as {{op: activate, law: DPDPA}}")
        return
    start = _day(state, patch, "from") or start
    if "patches" in patch:
        state.where = f"{where}.patches"
        inner = patch["patches"]
        if not isinstance(inner, list | tuple):
            state.problem(f"is {inner!r}; should be a list of operations")
        elif depth >= DEEPEST:
            state.problem(f"is nested more than {DEEPEST} levels deep")
        else:
            for index, below in enumerate(inner):
                _apply(state, below, f"{where}.patches[{index}]", start, depth + 1)
        return
    name = patch.get("op")
    operation = _OPERATIONS.get(name) if isinstance(name, str) else None
    if operation is None:
        state.problem(f"unknown operation {patch.get('op')!r}", f"use one of {', '.join(_OPERATIONS)}")
        return
    allowed, function = operation
    for key in patch:
        if key not in {"op", "from", "note", *allowed}:
            state.problem(f"{patch['op']} has no field {key!r}", f"its fields are {', '.join(sorted(allowed))}")
    function(state, patch, start)


def _day(state: _State, patch: Mapping[str, Any], key: str) -> date | None:
    value = patch.get(key)
    if isinstance(value, datetime):
        value = value.isoformat().removesuffix("T00:00:00")
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        state.problem(f"{key} is {value!r}, no date", "write it like 2027-01-01")
        return None


def _before(day: date) -> date:
    """Return the day before; the first of all days has none."""
    return day - timedelta(days=1) if day > date.min else day


def _law(state: _State, patch: Mapping[str, Any]) -> str | None:
    law_id = patch.get("law")
    if not isinstance(law_id, str) or law_id not in state.laws:
        state.problem(f"unknown law {law_id!r}")
        return None
    return law_id


def _group(state: _State, patch: Mapping[str, Any]) -> str | None:
    group = patch.get("group")
    if not isinstance(group, str) or group not in state.groups:
        state.problem(f"unknown group {group!r}")
        return None
    problem = check_place(str(patch.get("member")), state.where)
    if problem:
        state.problem(problem.what, problem.maybe)
        return None
    return group


def _activate(state: _State, patch: Mapping[str, Any], start: date | None) -> None:
    law_id = _law(state, patch)
    if law_id is None:
        return
    row = state.laws[law_id]
    begins = start or row.in_force_from
    if begins is None:
        state.problem(f"{law_id} has no date in force", "give the patch a from")
        return
    # Amendments that an earlier patch dated stay; the row itself is in force from the given day on.
    state.change(
        law_id,
        None,
        lambda r: replace(r, status="in_force", in_force_from=begins, in_force_to=_day(state, patch, "to")),
    )


def _deactivate(state: _State, patch: Mapping[str, Any], start: date | None) -> None:
    law_id = _law(state, patch)
    if law_id is None:
        return
    if start is None:
        state.change(law_id, None, lambda r: replace(r, in_force_from=None))
    else:
        last = _before(start)
        state.change(law_id, None, lambda r: replace(r, in_force_to=min(r.in_force_to or last, last)))


def _set(state: _State, patch: Mapping[str, Any], start: date | None) -> None:
    law_id = _law(state, patch)
    name, value = patch.get("field"), patch.get("value")
    if name == "trigger" and isinstance(value, Mapping) and law_id:
        trigger = _trigger(state, law_id, value)
        state.change(law_id, start, lambda r: replace(r, trigger=trigger))
        return
    if name == "mechanisms" and isinstance(value, str) and law_id:
        state.change(law_id, start, lambda r: replace(r, mechanisms=tuple(value.split("|"))))
        return
    if name not in _TEXT_FIELDS or not isinstance(value, str):
        state.problem(
            f"set cannot write {value!r} to field {name!r}",
            f"fields are {', '.join((*_TEXT_FIELDS, 'mechanisms', 'trigger'))}; dates go through set_date",
        )
        return
    if law_id is not None:
        change: dict[str, Any] = {str(name): value}
        state.change(law_id, start, lambda r: replace(r, **change))


def _trigger(state: _State, law_id: str, value: object) -> Trigger:
    """Read a trigger; its problems stand where the patch does."""
    found: list[Issue] = []
    trigger = read_trigger(law_id, value, "", found)
    state.issues += [replace(issue, file=None, where=state.where, what=f"trigger: {issue.what}") for issue in found]
    return trigger


def _set_date(state: _State, patch: Mapping[str, Any], start: date | None) -> None:
    name = str(patch.get("field"))
    value = _day(state, patch, "value")
    if "group" in patch:
        group = _group(state, patch)
        if name not in ("valid_from", "valid_to"):
            state.problem(f"a group member has no date {name!r}", "use valid_from or valid_to")
        elif group is not None:
            change_member: dict[str, Any] = {name: value}
            _members(state, group, str(patch["member"]), lambda m: replace(m, **change_member))
        return
    law_id = _law(state, patch)
    if name not in ("in_force_from", "in_force_to"):
        state.problem(f"a law has no date {name!r}", "use in_force_from or in_force_to")
    elif law_id is not None:
        change: dict[str, Any] = {name: value}
        state.change(law_id, None, lambda r: replace(r, **change))


def _members(state: _State, group: str, member: str, change: Callable[[GroupMember], GroupMember | None]) -> None:
    if not any(m.member == member for m in state.groups[group]):
        state.problem(f"{member} is no member of {group}")
        return
    changed = (change(m) if m.member == member else m for m in state.groups[group])
    state.groups[group] = tuple(m for m in changed if m is not None)


def _remove_member(state: _State, patch: Mapping[str, Any], start: date | None) -> None:
    group = _group(state, patch)
    if group is None:
        return
    if start is None:
        _members(state, group, str(patch["member"]), lambda _: None)
        return
    last = _before(start)

    def end(row: GroupMember) -> GroupMember | None:
        if row.valid_from is not None and row.valid_from > last:
            return None
        return replace(row, valid_to=min(row.valid_to or last, last))

    _members(state, group, str(patch["member"]), end)


def _add_member(state: _State, patch: Mapping[str, Any], start: date | None) -> None:
    group = _group(state, patch)
    if group is None:
        return
    row = GroupMember(
        group=group,
        member=str(patch["member"]),
        valid_from=start,
        valid_to=_day(state, patch, "to"),
        condition=str(patch.get("condition") or ""),
        source="scenario",
        confidence="assumption of the scenario",
        note=str(patch.get("note") or ""),
    )
    state.groups[group] = (*state.groups[group], row)


def _grant(state: _State, patch: Mapping[str, Any], start: date | None) -> None:
    law_id = _law(state, patch)
    mechanism = patch.get("mechanism", "*")
    if mechanism != "*" and (not isinstance(mechanism, str) or mechanism not in state.pack.mechanisms):
        state.problem(f"unknown mechanism {mechanism!r}")
    elif start is not None:
        state.problem("a grant cannot be dated", "grant it in the scenario that starts on that date")
    elif law_id is not None:
        state.granted.add((law_id, str(mechanism)))


def _add_law(state: _State, patch: Mapping[str, Any], start: date | None) -> None:
    data = patch.get("law")
    if not isinstance(data, Mapping) or not data.get("id"):
        state.problem("add_law needs a law: a mapping with id, jurisdiction, kind and rules")
        return
    law_id = str(data["id"])
    if law_id in state.laws:
        state.problem(f"law {law_id!r} exists already", "change it with set")
        return
    columns = {str(k): "" if v is None else str(v) for k, v in data.items() if k != "trigger"}
    unknown = set(columns) - set(LawRow.__dataclass_fields__) - {"jurisdiction", "trigger_text"}
    for name in sorted(unknown):
        state.problem(f"a law has no column {name!r}")
    if start is not None:
        columns.setdefault("in_force_from", start.isoformat())
    trigger = None
    if data.get("trigger") is not None:
        trigger = _trigger(state, law_id, data["trigger"])
    try:
        state.laws[law_id] = law_row(columns, trigger)
    except ValueError as error:
        state.problem(f"law {law_id!r}: {error}")


_OPERATIONS: dict[str, tuple[set[str], Callable[[_State, Mapping[str, Any], date | None], None]]] = {
    "activate": ({"law", "to"}, _activate),
    "deactivate": ({"law"}, _deactivate),
    "set": ({"law", "field", "value"}, _set),
    "add_member": ({"group", "member", "condition", "to"}, _add_member),
    "remove_member": ({"group", "member"}, _remove_member),
    "set_date": ({"law", "group", "member", "field", "value"}, _set_date),
    "grant": ({"law", "mechanism"}, _grant),
    "add_law": ({"law"}, _add_law),
}


def _check(state: _State) -> None:
    """The same cross-checks the shipped tables pass, on the laws that changed."""
    pack = state.pack
    words = pack.vocabulary
    tables = Tables(
        groups=state.groups,
        mechanisms=dict(pack.mechanisms),
        schemes=pack.operators.schemes,
        vocabulary={
            "categories": dict(words.categories),
            "roles": dict(words.roles),
            "sectors": dict(words.sectors),
            "flags": dict(words.flags),
        },
    )
    rows = [row for law_id, row in state.laws.items() if pack.laws.get(law_id) is not row]
    rows += [row for versions in state.amendments.values() for _, row in versions]
    for row in rows:
        for issue in check_law(row, tables):
            state.issues.append(Issue(issue.what, where=f"patched law {row.id}", maybe=issue.maybe))
