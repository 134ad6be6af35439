"""Changes to rules, by the id that plans and `Model.why` name them by (`budget:carbon`, `law:EU-GDPR-CHV`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from optimizer.changes.base import Change, DemandScope, stated
from optimizer.changes.edit import Edit
from optimizer.changes.limits import Bound, bounds_of
from optimizer.changes.scoping import chosen_workloads
from optimizer.instance.base import Date, NonNegative, Positive, Unlimited
from optimizer.instance.rules import Acceptance

WIDEST: dict[str, object] = {
    "providers": (),
    "regions": (),
    "runs.via": ("instance", "endpoint"),
    "runs.purchase": ("on_demand", "spot", "committed", "reserved"),
    "runs.accelerators": (),
    "runs.software": (),
    "runs.arch": None,
    "runs.burstable": True,
    "runs.min_device_memory_gb": 0.0,
    "runs.ttft_ms": None,
    "runs.tpot_ms": None,
    "runs.endpoint_scopes": (),
    "indivisible": False,
    "min_regions": 1,
    "max_regions": None,
    "survival": None,
    "deadline_hours": None,
}
"""Fields of a workload that restrict it, and the value with which they no longer do."""

OPEN: dict[str, object] = {
    "providers": ("all",),
    "exclude_providers": (),
    "regions": (),
    "exclude_regions": (),
    "countries": (),
    "exclude_countries": (),
    "exclude_offers": (),
    "access": ("public", "government", "china", "disaster_recovery", "dedicated", "limited"),
    "availability": ("verified", "price_meter", "unverified", "assumed", "country_level"),
    "unspecified_endpoint_scope": "global",
}
"""Settings of `catalogue` that close offers for every workload, and the value with which none of them does."""


class RuleChange(Change):
    """Base of the changes to one rule. `scope`: of a latency limit or field, the workloads and streams meant."""

    rule: str = Field(pattern=r"^[a-z]+:.+$")
    scope: DemandScope = DemandScope()

    @property
    def kind(self) -> str:
        """The kind of the rule."""
        return self.rule.partition(":")[0]

    @property
    def name(self) -> str:
        """The rule's name among those of its kind."""
        return self.rule.partition(":")[2]

    def unscoped(self, edit: Edit) -> None:
        """Refuse a scope where the rule has one of its own."""
        if stated(self.scope) and self.kind not in ("latency", "field"):
            edit.fail("scope", f"has no meaning for {self.rule}: it is of latency limits and fields of workloads")


class Lift(RuleChange):
    """Lift a restriction: what that is for each kind of rule stands in `docs/changes.md`. Of a law, `from` a day on."""

    op: Literal["lift"]
    start: Date | None = Field(default=None, alias="from")

    model_config = {"validate_by_name": True, "validate_by_alias": True, "serialize_by_alias": True}

    def apply(self, edit: Edit) -> None:
        """Lift it, by its kind."""
        self.unscoped(edit)
        if self.start is not None and self.kind != "law":
            edit.fail("from", "is of laws; other rules hold for the whole horizon")
        lifters: dict[str, Callable[[Edit], None]] = {
            "law": self._law, "policy": self._stated, "budget": self._stated, "quota": self._bounds,
            "latency": self._bounds, "field": self._field, "closed": self._closed, "coverage": self._unknown,
            "access": self._unknown, "certificate": self._unknown, "seal": self._unknown, "chip": self._unknown,
            "tenant": self._unknown,
        }  # fmt: skip
        if self.kind in lifters:
            lifters[self.kind](edit)
        elif self.kind in NOT_LIFTED:
            what, maybe = NOT_LIFTED[self.kind]
            edit.fail("rule", f"{self.rule} cannot be lifted: {what}", maybe)
        else:
            edit.unknown("rule", "kind of rule", self.kind, (*lifters, *NOT_LIFTED))

    def _law(self, edit: Edit) -> None:
        from optimizer.changes.laws import Deactivate

        pack = edit.laws
        if pack is not None and self.name not in pack.laws:
            edit.unknown("rule", "law", self.name, tuple(pack.laws))
        if pack is not None:
            row = pack.law(self.name)
            if row.effect == "context":
                maybe = "a permission ends with withdraw or remove_member"
                edit.fail("rule", f"{self.rule} restricts nothing: it is {row.kind}", maybe)
            if row.in_force_from is None:
                edit.fail("rule", f"{self.rule} is not in force: there is nothing to lift")
        edit.patch(Deactivate.model_validate({"op": "deactivate", "law": self.name, "from": self.start}))

    def _stated(self, edit: Edit) -> None:
        part = "policies" if self.kind == "policy" else "budgets"
        at = edit.find("rule", self.kind, self.name, getattr(edit.instance, part), lambda one: str(one.id))
        edit.drop(part, at)

    def _bounds(self, edit: Edit) -> None:
        for bound in bounds_of(self, edit):
            bound.lift()

    def _field(self, edit: Edit) -> None:
        if self.name not in WIDEST:
            if self.name == "carbon.price_usd_per_tonne":
                edit.put(0.0, "carbon", "price_usd_per_tonne")
                return
            edit.unknown("rule", "field that restricts a workload", self.name, WIDEST)
        changed = 0
        for w in chosen_workloads(self.scope, edit):
            workload = edit.instance.workloads[w]
            first, _, second = self.name.partition(".")
            owner = getattr(workload, first) if second else workload
            widest = WIDEST[self.name]
            if self.name == "runs.purchase" and not getattr(workload, "interruptible", False):
                widest = ("on_demand", "committed", "reserved")
            if getattr(owner, second or first, widest) == widest:
                continue
            value = {**owner.model_dump(), second: widest} if second else widest
            edit.put(edit.edited(workload, "rule", **{first: value}), "workloads", w)
            changed += 1
        if not changed:
            edit.fail("rule", f"{self.rule} restricts none of the workloads selected")

    def _unknown(self, edit: Edit) -> None:
        """Accept, for good, what is not known under the rule."""
        pack = edit.laws
        if any(one.rule == self.rule and one.expires == date.max for one in edit.instance.legal_assertions.accepts):
            edit.fail("rule", f"{self.rule} is accepted: there is nothing to lift")
        if self.kind == "coverage" and pack is not None and self.name not in pack.coverage.rows:
            edit.unknown("rule", "jurisdiction", self.name, tuple(pack.coverage.rows))
        accepted = Acceptance(rule=self.rule, author="change", basis="lifted", expires=date.max)
        edit.append(accepted, "legal_assertions", "accepts")

    def _closed(self, edit: Edit) -> None:
        name = self.name.removeprefix("catalogue.")
        if name not in OPEN:
            edit.unknown("rule", "setting that closes offers", name, tuple(f"catalogue.{one}" for one in OPEN))
        if getattr(edit.instance.catalogue, name) == OPEN[name]:
            edit.fail("rule", f"{self.rule} closes nothing")
        edit.put(OPEN[name], "catalogue", name)


NOT_LIFTED = {
    "commitment": ("it is what is paid for", "add_commitment pays for more, set_limit for another number"),
    "catalogue": ("it is a fact of the catalogue", "set_figure states a figure that nobody has"),
    "dominance": ("it is no rule of anybody's", "options that another dominates come back when the other is shut"),
}
"""Kinds of rules that are no restriction which anybody could lift: why, and what to do."""


class SetLimit(RuleChange):
    """Set the figure of a rule: `to` a value, or to what it is `times` a factor, `plus` an amount."""

    op: Literal["set_limit"]
    to: NonNegative | Unlimited | None = None
    times: NonNegative | None = None
    plus: float | None = None

    @model_validator(mode="after")
    def _one_way(self) -> SetLimit:
        if sum(value is not None for value in (self.to, self.times, self.plus)) != 1:
            raise ValueError("states one of to, times and plus")
        return self

    def apply(self, edit: Edit) -> None:
        """Set it wherever it is stated."""
        self.unscoped(edit)
        for bound in bounds_of(self, edit):
            if self.to is not None:
                bound.write(self.to)
                continue
            value = bound.figure(edit)
            bound.write(value * self.times if self.times is not None else value + (self.plus or 0.0))


@dataclass(frozen=True)
class _Step:
    """How far a limit moves: a share of it, or an amount; towards stricter (1) or looser (-1)."""

    share: float | None
    amount: float | None
    sign: int

    def of(self, value: float, bound: Bound) -> float:
        """Return the value moved, never below 0, nor beyond the largest there is."""
        step = value * self.share if self.share is not None else float(self.amount or 0.0)
        moved = value - self.sign * step if bound.at_most else value + self.sign * step
        return min(max(moved, bound.least), bound.most)


class StepChange(RuleChange):
    """Base of `tighten` and `loosen`: by a `share` of the limit (0.01), or an `amount` in its unit (1 node, 1 ms)."""

    share: Positive | None = None
    amount: Positive | None = None

    @model_validator(mode="after")
    def _one_step(self) -> StepChange:
        if (self.share is None) == (self.amount is None):
            raise ValueError("states either share or amount")
        return self

    def move(self, edit: Edit, sign: int) -> None:
        """Move every figure of the rule a step, stricter or looser."""
        self.unscoped(edit)
        step = _Step(self.share, self.amount, sign)
        for bound in bounds_of(self, edit):
            bound.write(step.of(bound.figure(edit), bound))


class Tighten(StepChange):
    """Make a limit stricter, whichever way that is: a lower cap, a higher least share."""

    op: Literal["tighten"]

    def apply(self, edit: Edit) -> None:
        """Move it towards stricter."""
        self.move(edit, 1)


class Loosen(StepChange):
    """Make a limit looser, whichever way that is: a higher cap, a lower least share."""

    op: Literal["loosen"]

    def apply(self, edit: Edit) -> None:
        """Move it towards looser."""
        self.move(edit, -1)
