"""Permissions: what opens options and would close them if it went. They are no rules: `withdraw` tightens.

A permission is named by its kind and what it is about (`adequacy:EU_ADEQUATE/US`, `mechanism:SCC_EU`).
"""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from optimizer.changes.base import Change
from optimizer.changes.edit import Edit
from optimizer.changes.laws import AddMember, Grant, RemoveMember
from optimizer.instance.base import Date
from optimizer.instance.rules import HeldMechanism, MechanismCost
from optimizer.instance.world import Access, Availability

PERMISSIONS = {
    "adequacy": "a country's membership in a group of the law pack: GROUP/COUNTRY",
    "approval": "a regulator's approval for a law: the law, or LAW/MECHANISM to permit one mechanism",
    "exemption": "a law set aside by legal_assertions.overrides: the law",
    "mechanism": "a mechanism held or with a stated cost: its id",
    "group_member": "a provider inside the own corporate group: the provider",
    "importer_status": "a provider's standing on an importers' list: PROVIDER/LIST",
    "opt_in": "a partition of catalogue.access, or an availability of catalogue.availability: the word",
    "fallback": "a family of second-best figures: its name",
}


class PermissionChange(Change):
    """Base of `withdraw` and `permit`. An adequacy decision may end or begin on a day (`from`)."""

    permission: str = Field(pattern=r"^[a-z_]+:.+$")
    start: Date | None = Field(default=None, alias="from")

    model_config = {"validate_by_name": True, "validate_by_alias": True, "serialize_by_alias": True}

    def parts(self, edit: Edit) -> tuple[str, str, str]:
        """Return kind, name and what follows a slash."""
        kind, _, name = self.permission.partition(":")
        if kind not in PERMISSIONS:
            edit.unknown("permission", "kind of permission", kind, PERMISSIONS)
        if self.start is not None and kind != "adequacy":
            edit.fail("from", f"is of adequacy decisions; {self.permission} holds for the whole horizon")
        first, _, second = name.partition("/")
        if kind in ("adequacy", "importer_status") and not second:
            edit.fail("permission", f"is {self.permission}; it names {PERMISSIONS[kind]}")
        return kind, first, second


class Withdraw(PermissionChange):
    """Withdraw a permission: fewer options, never more."""

    op: Literal["withdraw"]

    def apply(self, edit: Edit) -> None:
        """Withdraw it; one that is not there is a problem."""
        kind, name, second = self.parts(edit)
        said = edit.instance.legal_assertions
        if kind == "adequacy":
            stated = {"op": "remove_member", "group": name, "member": second, "from": self.start}
            edit.patch(RemoveMember.model_validate(stated))
        elif kind == "mechanism":
            self._mechanism(edit, name)
        elif kind == "approval":
            self._approval(edit, name)
        elif kind == "exemption":
            self._from_list(edit, name, "law", ("legal_assertions", "overrides"))
        elif kind == "importer_status":
            lists = said.importer_status.get(name, ())
            if second not in lists:
                known = [f"{who}/{one}" for who, ones in said.importer_status.items() for one in ones]
                edit.unknown("permission", "importer status", f"{name}/{second}", known)
            kept = {**said.importer_status, name: tuple(one for one in lists if one != second)}
            edit.put(kept, "legal_assertions", "importer_status")
        else:
            path = _words_at(edit, kind, name)
            words = edit.value(*path)
            if name not in words:
                edit.unknown("permission", kind, name, words)
            left = tuple(word for word in words if word != name)
            if not left and path[-1] in ("access", "availability"):
                edit.fail("permission", f"is the last of catalogue.{path[-1]}: nothing would be open")
            edit.put(left, *path)

    def _mechanism(self, edit: Edit, name: str) -> None:
        costs = edit.instance.mechanism_costs
        held = edit.instance.legal_assertions.mechanisms_held
        known = {*(one.id for one in costs), *(one.id for one in held)}
        if name not in known:
            edit.unknown("permission", "mechanism", name, known)
        for k in reversed([k for k, one in enumerate(costs) if one.id == name]):
            edit.drop("mechanism_costs", k)
        for k in reversed([k for k, one in enumerate(held) if one.id == name]):
            edit.drop("legal_assertions", "mechanisms_held", k)

    def _approval(self, edit: Edit, law: str) -> None:
        granted = [k for k, one in enumerate(edit.instance.laws.patches) if isinstance(one, Grant) and one.law == law]
        for k in reversed(granted):
            edit.drop("laws", "patches", k)
        if not granted or any(one.law == law for one in edit.instance.legal_assertions.approvals):
            self._from_list(edit, law, "law", ("legal_assertions", "approvals"))

    def _from_list(self, edit: Edit, name: str, field: str, path: tuple[str, ...]) -> None:
        items = edit.value(*path)
        if not any(getattr(one, field) == name for one in items):
            edit.unknown("permission", self.permission.partition(":")[0], name, [getattr(one, field) for one in items])
        for k in reversed([k for k, one in enumerate(items) if getattr(one, field) == name]):
            edit.drop(*path, k)


class Permit(PermissionChange):
    """Give a permission: more options, never fewer. A mechanism is priced by `add_mechanism`."""

    op: Literal["permit"]

    def apply(self, edit: Edit) -> None:
        """Give it; one that is there already is a problem."""
        kind, name, second = self.parts(edit)
        if kind == "adequacy":
            told = {"op": "add_member", "group": name, "member": second, "from": self.start}
            edit.patch(AddMember.model_validate(told))
        elif kind == "approval":
            edit.patch(Grant(op="grant", law=name, mechanism=second or "*"))
        elif kind in ("exemption", "mechanism"):
            instead = "add_mechanism states its cost" if kind == "mechanism" else "state legal_assertions.overrides"
            edit.fail("permission", f"a permission of kind {kind} has more to it than a name", instead)
        elif kind == "importer_status":
            stated = edit.instance.legal_assertions.importer_status
            if second in stated.get(name, ()):
                edit.fail("permission", f"{self.permission} is given already")
            edit.put({**stated, name: (*stated.get(name, ()), second)}, "legal_assertions", "importer_status")
        else:
            path = _words_at(edit, kind, name)
            words = edit.value(*path)
            if name in words:
                edit.fail("permission", f"{self.permission} is given already")
            edit.put((*words, name), *path)


def _words_at(edit: Edit, kind: str, name: str) -> tuple[str, ...]:
    """Return where the words of a kind of permission stand."""
    if kind == "group_member":
        return ("legal_assertions", "group_members")
    if kind == "fallback":
        return ("catalogue", "fallbacks")
    if name in get_args(Access):
        return ("catalogue", "access")
    if name not in get_args(Availability):
        edit.unknown("permission", "opt-in", name, (*get_args(Access), *get_args(Availability)))
    return ("catalogue", "availability")


class AddMechanism(Change):
    """Price a transfer mechanism, so that it can be bought, or (`held`) state that it is held already."""

    op: Literal["add_mechanism"]
    cost: MechanismCost | None = None
    held: HeldMechanism | None = None

    def apply(self, edit: Edit) -> None:
        """Append it; a cost takes the place of the one stated."""
        if (self.cost is None) == (self.held is None):
            edit.fail("cost", "states neither or both of cost and held", "state one of them")
        if self.held is not None:
            edit.append(self.held, "legal_assertions", "mechanisms_held")
            return
        costs = edit.instance.mechanism_costs
        there = [k for k, one in enumerate(costs) if one.id == self.cost.id]  # type: ignore[union-attr]
        if there:
            edit.put(self.cost, "mechanism_costs", there[0])
        else:
            edit.append(self.cost, "mechanism_costs")
