"""Changes to all rules of a kind at once, for studies of instances whose rules have different names."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from optimizer.changes.base import Change
from optimizer.changes.edit import Edit
from optimizer.changes.limits import DEFAULTS
from optimizer.instance.base import Positive
from optimizer.instance.rules import QUOTA_KINDS

Kind = Literal["law", "policy", "budget"]


class LiftAll(Change):
    """Lift every rule of some kinds: no law is checked, policies and budgets are taken out."""

    op: Literal["lift_all"]
    kinds: Annotated[tuple[Kind, ...], Field(strict=False, min_length=1)]

    def apply(self, edit: Edit) -> None:
        """Lift them, kind by kind; a kind of which the instance has no rule is a problem."""
        for kind in self.kinds:
            if kind == "law":
                self._laws(edit)
            else:
                self._stated(edit, "policies" if kind == "policy" else "budgets")

    def _laws(self, edit: Edit) -> None:
        if edit.instance.laws.use == "none":
            edit.fail("kinds", "no law is checked in this instance", "leave out law")
        edit.put(edit.edited(edit.instance.laws, "kinds", use="none", patches=()), "laws")

    def _stated(self, edit: Edit, name: str) -> None:
        if not edit.value(name):
            edit.fail("kinds", f"this instance has no {name}", "leave the kind out")
        edit.keep((), name)


class ScaleQuotas(Change):
    """Multiply every quota, defaults included; what is unlimited or not stated stays as it is."""

    op: Literal["scale_quotas"]
    factor: Positive

    def apply(self, edit: Edit) -> None:
        """Scale them; an instance without a figure to scale is a problem."""
        quotas = edit.instance.quotas
        defaults = self._scaled(quotas, DEFAULTS)
        limits = [self._scaled(one, QUOTA_KINDS) for one in quotas.limits]
        if not defaults and not any(limits):
            edit.fail("factor", "no quota of this instance has a figure")
        for at, figures in enumerate(limits):
            edit.put(edit.edited(quotas.limits[at], "factor", **figures), "quotas", "limits", at)
        edit.put(edit.edited(edit.instance.quotas, "factor", **defaults), "quotas")

    def _scaled(self, owner: object, names: tuple[str, ...]) -> dict[str, float]:
        stated = {name: getattr(owner, name) for name in names}
        return {name: value * self.factor for name, value in stated.items() if isinstance(value, int | float)}
