"""What the operations on the law pack do (`optimizer.changes.laws`); the base tables stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import InputError, Issue
from .check import check_law
from .codes import check_place
from .places import Groups
from .profiles import nearest
from .rows import GroupMember, LawRow
from .rulebook import read_law, rules_text
from .tables import Tables
from .trigger_reader import read_trigger
from .triggers import Trigger

if TYPE_CHECKING:
    from ..changes import laws as ops
    from .pack import LawPack

DEEPEST = 64
"""Levels of scenarios inside scenarios."""
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

    def has_law(self, law: str) -> bool:
        """Return True if there is such a law; none is a problem."""
        if law not in self.laws:
            self.problem(f"unknown law {law!r}", nearest(law, self.laws))
        return law in self.laws

    def has_group(self, group: str, member: str) -> bool:
        """Return True if there is such a group, and the member is a place; what is wrong is a problem."""
        if group not in self.groups:
            self.problem(f"unknown group {group!r}", nearest(group, self.groups))
            return False
        wrong = check_place(member, self.where)
        if wrong:
            self.problem(wrong.what, wrong.maybe)
        return wrong is None

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


def read_patches(patches: Sequence[object]) -> tuple[ops.LawPatch, ...]:
    """Return patches, typed or as mappings, as typed ones.

    Raises:
        InputError: what is no operation, and every wrong field, each with its place.
    """
    from ..changes.laws import LawModel, LawsUnderPatches
    from ..instance.place import to_issues
    from ..instance.validate import read_as

    if all(isinstance(patch, LawModel) for patch in patches):
        return tuple(patches)  # type: ignore[arg-type]
    _require_shallow(patches)
    data: dict[str, Any] = {"patches": list(patches)}
    read, findings = read_as(LawsUnderPatches, data)
    if read is None:
        raise InputError(to_issues(findings, None, data))
    return read.patches


def _require_shallow(patches: Sequence[object]) -> None:
    """Refuse scenarios nested without end before they are walked through."""
    below: list[object] = list(patches)
    for _ in range(DEEPEST + 1):
        inner = [one["patches"] for one in below if isinstance(one, Mapping) and isinstance(one.get("patches"), list)]
        below = [item for items in inner for item in items]
        if not below:
            return
    raise InputError(Issue(f"is nested more than {DEEPEST} levels deep", where="patches"))


def apply_patches(pack: LawPack, patches: Sequence[ops.LawPatch]) -> Patched:
    """The tables after all patches.

    Raises:
        InputError: unknown law, group, mechanism or value; all together.
    """
    state = _State(dict(pack.laws), dict(pack.amendments), pack.groups.mapping(), set(pack.granted), pack)
    for index, patch in enumerate(patches):
        _apply(state, patch, f"patches[{index}]", None)
    if not state.issues:
        _check(state)
    if state.issues:
        raise InputError(state.issues)
    groups = pack.groups if state.groups == pack.groups.mapping() else Groups(state.groups)
    return state.laws, state.amendments, groups, frozenset(state.granted)


def _apply(state: _State, patch: ops.LawPatch, where: str, start: date | None) -> None:
    start = patch.start or start
    op = getattr(patch, "op", None)
    if op is None:
        for index, below in enumerate(patch.patches):  # type: ignore[union-attr]
            _apply(state, below, f"{where}.patches[{index}]", start)
        return
    state.where = where
    _OPERATIONS[op](state, patch, start)


def _before(day: date) -> date:
    """Return the day before; the first of all days has none."""
    return day - timedelta(days=1) if day > date.min else day


def _activate(state: _State, patch: ops.Activate, start: date | None) -> None:
    if not state.has_law(patch.law):
        return
    begins = start or state.laws[patch.law].in_force_from
    if begins is None:
        state.problem(f"{patch.law} has no date in force", "give the patch a from")
        return
    # Amendments that an earlier patch dated stay; the row itself is in force from the given day on.
    state.change(patch.law, None, lambda r: replace(r, status="in_force", in_force_from=begins, in_force_to=patch.to))


def _deactivate(state: _State, patch: ops.Deactivate, start: date | None) -> None:
    if not state.has_law(patch.law):
        return
    if start is None:
        state.change(patch.law, None, lambda r: replace(r, in_force_from=None))
    else:
        last = _before(start)
        state.change(patch.law, None, lambda r: replace(r, in_force_to=min(r.in_force_to or last, last)))


def _set(state: _State, patch: ops.SetField, start: date | None) -> None:
    if not state.has_law(patch.law):
        return
    value: Any = patch.value
    if patch.field == "trigger":
        value = _trigger(state, patch.law, value)
    elif isinstance(value, dict):
        value = rules_text(value, state.problem)
    elif patch.field == "mechanisms":
        value = tuple(value.split("|"))
    state.change(patch.law, start, lambda r: replace(r, **{patch.field: value}))


def _trigger(state: _State, law_id: str, value: object) -> Trigger:
    """Read a trigger; its problems stand where the patch does."""
    found: list[Issue] = []
    trigger = read_trigger(law_id, value, "", found)
    state.issues += [replace(issue, file=None, where=state.where, what=f"trigger: {issue.what}") for issue in found]
    return trigger


def _set_date(state: _State, patch: ops.SetDate, start: date | None) -> None:
    change: dict[str, Any] = {patch.field: patch.value}
    if patch.group is not None and patch.member is not None:
        if state.has_group(patch.group, patch.member):
            _members(state, patch.group, patch.member, lambda m: replace(m, **change))
    elif patch.law is not None and state.has_law(patch.law):
        state.change(patch.law, None, lambda r: replace(r, **change))


def _members(state: _State, group: str, member: str, change: Callable[[GroupMember], GroupMember | None]) -> None:
    members = {m.member for m in state.groups[group]}
    if member not in members:
        state.problem(f"{member} is no member of {group}", nearest(member, members))
        return
    changed = (change(m) if m.member == member else m for m in state.groups[group])
    state.groups[group] = tuple(m for m in changed if m is not None)


def _remove_member(state: _State, patch: ops.RemoveMember, start: date | None) -> None:
    if not state.has_group(patch.group, patch.member):
        return
    if start is None:
        _members(state, patch.group, patch.member, lambda _: None)
        return
    last = _before(start)

    def end(row: GroupMember) -> GroupMember | None:
        if row.valid_from is not None and row.valid_from > last:
            return None
        return replace(row, valid_to=min(row.valid_to or last, last))

    _members(state, patch.group, patch.member, end)


def _add_member(state: _State, patch: ops.AddMember, start: date | None) -> None:
    if not state.has_group(patch.group, patch.member):
        return
    row = GroupMember(
        group=patch.group,
        member=patch.member,
        valid_from=start,
        valid_to=patch.to,
        condition=patch.condition,
        source="scenario",
        confidence="assumption of the scenario",
        note=patch.note,
    )
    state.groups[patch.group] = (*state.groups[patch.group], row)


def _grant(state: _State, patch: ops.Grant, start: date | None) -> None:
    if patch.mechanism != "*" and patch.mechanism not in state.pack.mechanisms:
        state.problem(f"unknown mechanism {patch.mechanism!r}", nearest(patch.mechanism, state.pack.mechanisms))
    elif start is not None:
        state.problem("a grant cannot be dated", "grant it in the scenario that starts on that date")
    elif state.has_law(patch.law):
        state.granted.add((patch.law, patch.mechanism))


def _add_law(state: _State, patch: ops.AddLaw, start: date | None) -> None:
    law = patch.law
    if law.id in state.laws:
        state.problem(f"law {law.id!r} exists already", "change it with set")
        return
    entry = law.model_dump(mode="json", exclude_none=True, exclude={"id"})
    if start is not None:
        entry.setdefault("in_force_from", start.isoformat())
    found: list[Issue] = []
    row = read_law(law.id, entry, found)
    state.issues += [replace(issue, where=f"{state.where}: {issue.where}") for issue in found]
    if row is not None:
        state.laws[law.id] = row


_OPERATIONS: dict[str, Callable[[_State, Any, date | None], None]] = {
    "activate": _activate,
    "deactivate": _deactivate,
    "set": _set,
    "add_member": _add_member,
    "remove_member": _remove_member,
    "set_date": _set_date,
    "grant": _grant,
    "add_law": _add_law,
}


def _check(state: _State) -> None:
    """The same cross-checks the shipped tables pass, on the laws that changed."""
    pack, tables = state.pack, tables_of(state.pack, state.groups)
    rows = [row for law_id, row in state.laws.items() if pack.laws.get(law_id) is not row]
    rows += [row for versions in state.amendments.values() for _, row in versions]
    for row in rows:
        for issue in check_law(row, tables):
            state.issues.append(Issue(issue.what, where=f"patched law {row.id}", maybe=issue.maybe))


def tables_of(pack: LawPack, groups: dict[str, tuple[GroupMember, ...]]) -> Tables:
    """The tables that a law of a pack may name things of, with these groups."""
    words = pack.vocabulary
    return Tables(
        groups=groups,
        mechanisms=dict(pack.mechanisms),
        levels={scheme: dict(ladder) for scheme, ladder in pack.operators.levels.items()},
        schemes=pack.operators.schemes,
        vocabulary={
            "categories": dict(words.categories),
            "end_uses": dict(words.end_uses),
            "states": dict(words.states),
            "roles": dict(words.roles),
            "sectors": dict(words.sectors),
            "flags": dict(words.flags),
            "units": dict(words.units),
            "party_lists": dict(words.party_lists),
        },
    )
