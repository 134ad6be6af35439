"""Changes to the law: the operations of the law pack, typed. `laws.patches` of an instance is a list of them.

A `from` (of an operation, or of the scenario around it) dates it; without one it holds for all dates. What each does to
the pack stands in `optimizer.laws.patches`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from optimizer.changes.base import Change
from optimizer.instance.base import Date, Id, Model

if TYPE_CHECKING:
    from optimizer.changes.edit import Edit


class LawModel(Change):
    """Base of the operations on the law pack; `from` is Python's word, so that the attribute is called `start`."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    start: Date | None = Field(default=None, alias="from")
    note: str = ""

    def apply(self, edit: Edit) -> None:
        """Append it to the patches of the instance."""
        edit.patch(self)


class Activate(LawModel):
    """Bring a law into force, from the day given or its own; `to` ends it."""

    op: Literal["activate"]
    law: str
    to: Date | None = None


class Deactivate(LawModel):
    """Take a law out of force, for all dates or from a day on."""

    op: Literal["deactivate"]
    law: str


LawField = Literal[
    "status", "kind", "storage_rule", "processing_rule", "access_rule", "transit_rule",
    "instrument", "provision", "citation", "note",
    "threshold", "confidence", "source_url", "mechanisms", "trigger",
]  # fmt: skip


class SetField(LawModel):
    """Rewrite a field of a law: a rule (or one by category), mechanisms (`A|B`), a trigger (a mapping), a text."""

    op: Literal["set"]
    law: str
    field: LawField
    value: str | dict[str, Any]

    @model_validator(mode="after")
    def _fits(self) -> SetField:
        takes = dict if self.field == "trigger" else (str, dict) if self.field.endswith("_rule") else str
        if not isinstance(self.value, takes):
            raise ValueError(f"field {self.field} takes {'a mapping' if self.field == 'trigger' else 'text'}")
        return self


class AddMember(LawModel):
    """Add a country to a group; of a group of adequate countries, a permission."""

    op: Literal["add_member"]
    group: str
    member: str
    condition: str = ""
    to: Date | None = None


class RemoveMember(LawModel):
    """Take a country out of a group; of a group of adequate countries, the end of a permission: it tightens."""

    op: Literal["remove_member"]
    group: str
    member: str


class SetDate(LawModel):
    """Move a date of a law (`in_force_from`, `in_force_to`) or of a group member (`valid_from`, `valid_to`)."""

    op: Literal["set_date"]
    law: str | None = None
    group: str | None = None
    member: str | None = None
    field: Literal["in_force_from", "in_force_to", "valid_from", "valid_to"]
    value: Date | None

    @model_validator(mode="after")
    def _of_one(self) -> SetDate:
        of_group = self.group is not None and self.member is not None and self.law is None
        of_law = self.law is not None and self.group is None and self.member is None
        if not (of_group or of_law):
            raise ValueError("names either a law, or a group and a member")
        if self.field.startswith("valid") != of_group:
            fields = "in_force_from or in_force_to" if of_law else "valid_from or valid_to"
            raise ValueError(f"{'a law' if of_law else 'a group member'} has no {self.field}; it has {fields}")
        return self


class Grant(LawModel):
    """A regulator's approval for a law, by one mechanism or by any (`*`): a permission."""

    op: Literal["grant"]
    law: str
    mechanism: str = "*"


Words = str | Annotated[tuple[str, ...], Field(strict=False)]
"""A list of words, or a text that separates them."""


Rule = str | dict[str, str]
"""A rule, or one by category of data (`*`: all other)."""


class NewLaw(Model):
    """A law in the fields of an entry of a pack's `rules/*.yaml`, and its id. Lists of words may be texts (`A|B`)."""

    id: Id
    kind: str
    jurisdiction: Words = ""
    subdivision: str | None = None
    instrument: str | None = None
    provision: str | None = None
    status: str | None = None
    in_force_from: Date | None = None
    in_force_to: Date | None = None
    data_categories: Words | None = None
    applies_to: str | None = None
    event: str | None = None
    rule: Rule | None = None
    storage_rule: Rule | None = None
    processing_rule: Rule | None = None
    access_rule: Rule | None = None
    transit_rule: Rule | None = None
    mechanisms: Words | None = None
    cost_drivers: str | None = None
    threshold: str | None = None
    citation: str | None = None
    source_url: str | None = None
    confidence: str | None = None
    note: str | None = None
    trigger: dict[str, Any] | None = None


class AddLaw(LawModel):
    """Add a law; without a trigger it binds wherever category and jurisdiction match, and counts as unreviewed."""

    op: Literal["add_law"]
    law: NewLaw


class LawScenario(LawModel):
    """Operations under a name and, if it states one, a common `from`."""

    name: str = ""
    patches: Annotated[tuple[LawPatch, ...], Field(strict=False)]


def _tag(patch: Any) -> str | None:
    """Return which member of the union a patch is: its operation, or the scenario it holds."""
    if isinstance(patch, Mapping):
        op = patch.get("op")
        return "scenario" if op is None and "patches" in patch else op if isinstance(op, str) else None
    return getattr(patch, "op", "scenario") if isinstance(patch, LawModel) else None


OPERATIONS = (Activate, Deactivate, SetField, AddMember, RemoveMember, SetDate, Grant, AddLaw)
LawChange = Activate | Deactivate | SetField | AddMember | RemoveMember | SetDate | Grant | AddLaw


LawPatch = Annotated[
    Annotated[Activate, Tag("activate")]
    | Annotated[Deactivate, Tag("deactivate")]
    | Annotated[SetField, Tag("set")]
    | Annotated[AddMember, Tag("add_member")]
    | Annotated[RemoveMember, Tag("remove_member")]
    | Annotated[SetDate, Tag("set_date")]
    | Annotated[Grant, Tag("grant")]
    | Annotated[AddLaw, Tag("add_law")]
    | Annotated[LawScenario, Tag("scenario")],
    Discriminator(_tag),
]
"""An operation on the law pack, or a scenario of several."""
LawPatches = Annotated[tuple[LawPatch, ...], Field(strict=False)]
LawScenario.model_rebuild()


class LawsUnderPatches(Model):
    """Patches by themselves, as a mapping of fields."""

    patches: LawPatches
