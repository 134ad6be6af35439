"""What an audit says: violations, what was checked, and the figures it recomputed."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from optimizer.plan.models import Today
from optimizer.plan.rows import PlanCurrency

RELATIVE = 1e-6
ABSOLUTE = 1e-6

Value = float | int | str | None

KINDS: dict[str, str] = {
    # the plan as a document
    "instance_hash": "the plan was made for another instance",
    "data_version": "the plan was made with another catalogue or law pack",
    "status": "status, objective, bound and gap contradict each other or the plan",
    "second_solve": "what is said of the second solve, for least carbon, contradicts the plan",
    "horizon": "the plan's horizon is not the instance's",
    "unknown_id": "names something that does not exist",
    "left_out": "rows are left out of a list that is stated",
    "duplicate": "the same row is stated twice",
    "statement": "a stated detail is not what the catalogue or the instance says",
    "assertions": "the legal assertions repeated are not the instance's",
    # eligibility, the words of the ledger
    "unknown_offer": "no such offer in the catalogue",
    "not_allowed_provider": "the provider is not among those allowed",
    "not_allowed_region": "the region is not among those allowed",
    "not_allowed_offer": "the offer is excluded",
    "partition_not_opted_in": "the partition needs an opt-in",
    "availability_not_opted_in": "availability is not verified and was not opted into",
    "offer_kind": "this kind of offer is not allowed for the workload",
    "purchase": "this purchase option is not allowed for the workload",
    "accelerator": "the accelerator is not among those named",
    "software": "the software stack is not among those named",
    "arch": "the processors are of another architecture, or of one that is not known",
    "burstable": "a burstable machine, which the workload does not ask for",
    "device_memory": "device memory is too small or unknown",
    "no_throughput": "no throughput figure",
    "service_objective": "a replica does not keep the time to the first token, or per output token, that is asked for",
    "missing_interruption": "the share of a service's spot instances that is taken back in a month is not known",
    "missing_latency": "the endpoint's time to the first token and per output token is not known",
    "endpoint_model": "the endpoint serves another model",
    "endpoint_scope": "the endpoint's residency scope is not among those named",
    "endpoint_scope_unspecified": "the endpoint does not say where it processes",
    "endpoint_retired": "the endpoint retires before the horizon ends",
    "rtt": "the round trip is longer than allowed",
    "rtt_unknown": "no round-trip figure",
    "law_named": "laws, safeguards or legal flags named are not those that bear on it",
    "register": "the legal register is not what the law pack and the plan's rows come to",
    "law_forbids": "a law forbids it",
    "law_approval_missing": "a law asks for an approval that was not granted",
    "law_no_mechanism": "a law asks for a mechanism that is not available",
    "law_unknown": "what the law of a place says is not known, and the instance does not let that pass",
    "certificate_unknown": "whether a certificate that a law requires is held is not known, which is refused",
    "access_unknown": "from where the operator's staff see the data is not known, and the instance refuses that",
    "action": "the list of actions is not what the plan leaves open",
    "chip_unknown": "figures of the accelerator that an export rule asks for are not known",
    "tenant_unknown": "who uses the capacity, or for what, is not stated, which is refused",
    "accelerator_export": "an export rule forbids the accelerator there",
    "certification": "a required certification is not held by the service in that region",
    "sovereignty": "the provider's services are below the level of sovereignty that a policy asks for",
    "sovereignty_unknown": "whether the level of sovereignty asked for is reached is not known, which is refused",
    "sovereignty_stated": "what a plan says of sovereignty is not what is known",
    "control": "an excluded jurisdiction can compel the operator",
    "control_unknown": "who controls the operator is not known",
    "places": "a policy keeps the workload or the data out of the country",
    "missing_price": "no price",
    "missing_storage_price": "no storage price",
    "missing_egress_price": "no egress price",
    "missing_power": "no power figure, though a limit or quota needs it",
    "missing_pue": "no PUE, though a limit needs it",
    "missing_grid": "no grid intensity, though a limit needs it",
    "missing_wue": "no water figure, though a limit needs it",
    "missing_embodied": "no embodied carbon figure, though a limit needs it",
    "no_quota": "no quota covers the offer",
    # what a plan must do
    "demand": "a stream's demand is not served",
    "unserved": "demand is left that the instance does not allow to be left, or the row is wrong",
    "capacity": "instances cannot serve what they are said to serve",
    "integrality": "instances or gangs are not a whole number",
    "quota": "a pool gives more than it has",
    "commitment": "a placement draws on a commitment that does not give it what it holds",
    "purchase_cover": "what runs on a commitment to buy is not bought, or more is bought than there is",
    "regions": "a workload sits in too few or too many regions",
    "job_work": "a job's work is not done",
    "job_window": "a job runs outside its window",
    "job_gang": "a gang is not whole, or too many run",
    "job_place": "a job runs on several offers at once, or moves though it may not",
    "job_contiguity": "a job that cannot be interrupted has a gap",
    "job_hours": "a job works more hours than its gangs hold",
    "move": "a move is missing, or is not one",
    "relocation": "workloads move that may not, or are said to move and do not",
    "places_in_use": "too few or too many places are in use",
    "mechanism_missing": "a safeguard that a law asks for is not in the plan",
    "mechanism_unavailable": "the plan relies on a safeguard that is neither held nor priced",
    "copies": "a dataset has too few copies, or one where it may not be",
    "copy_countries": "a dataset's copies sit in too few countries",
    "copy_duty": "a law asks for a copy in a place that has none",
    "reads": "what is read of a dataset is not what transfers bring",
    "route": "a dataset is read from where no copy is",
    "budget": "a budget is exceeded",
    "share": "a share policy is broken",
    "serves_nothing": "a copy, safeguard, move, spare or open region can go, all else as it is, at no higher cost",
    "survival": "a failure would leave demand unserved",
    # figures
    "cost": "a stated cost is not what it comes to",
    "carbon": "a stated carbon figure is not what it comes to",
    "energy": "a stated energy figure is not what it comes to",
    "water": "a stated water figure is not what it comes to",
    "hours": "stated instance-hours are not what they come to",
    "objective": "the objective is not the sum of what the plan costs",
    "breakdown": "the cost breakdown is not what the plan's parts come to",
    "bound": "the proven bound lies above the objective",
    "gap": "the gap is not what objective and bound make it",
    "use": "a stated use of a budget, quota or share is not what it comes to",
}
"""Every kind of violation and what it means."""

RULED_OUT = frozenset({
    "not_allowed_provider", "not_allowed_region", "not_allowed_offer", "partition_not_opted_in",
    "availability_not_opted_in", "offer_kind",
    "purchase", "accelerator", "software", "arch", "burstable", "device_memory",
    "no_throughput", "service_objective", "missing_latency", "missing_interruption",
    "endpoint_model", "endpoint_scope",
    "endpoint_scope_unspecified", "endpoint_region_unknown", "endpoint_outside_scope", "endpoint_retired", "gang",
    "rtt", "rtt_unknown", "law_forbids", "law_approval_missing", "law_no_mechanism", "law_unknown",
    "access_unknown", "certificate_unknown", "chip_unknown", "tenant_unknown", "accelerator_export",
    "certification", "sovereignty", "sovereignty_unknown", "control", "control_unknown",
    "places", "missing_price", "missing_storage_price",
    "missing_egress_price", "missing_power", "missing_pue", "missing_grid", "missing_wue", "missing_embodied",
    "no_quota", "deadline", "dominated",
})  # fmt: skip
"""Words for why an option is ruled out."""

OF_STATEMENTS = frozenset({
    "instance_hash", "data_version", "status", "second_solve", "horizon", "left_out",
    "duplicate", "law_named", "register", "action", "sovereignty_stated",
    "statement", "assertions", "cost", "carbon", "energy", "water", "hours", "objective", "breakdown", "bound", "gap",
    "use",
})  # fmt: skip
"""Kinds that tell a plan's words wrong, not what it does."""


class Violation(BaseModel):
    """A promise the plan breaks: where, what, both values; `rule` is the law, budget, quota or policy behind it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    where: str
    what: str
    expected: Value = None
    found: Value = None
    rule: str | None = None

    def __str__(self) -> str:
        text = f"{self.kind}: {self.where}: {self.what}"
        if self.expected is not None or self.found is not None:
            text += f" (expected {shown(self.expected)}, found {shown(self.found)})"
        return f"{text} [{self.rule}]" if self.rule else text


class AuditReport(BaseModel):
    """The verdict on a plan.

    `checked` counts what was looked at, by subject; `recomputed` holds the audit's own figures (objective_usd,
    carbon_kg, one `cost.<term>` per cost term, ...); `notes` say what could not be judged; `not_judged` which fields
    that the plan states are not, or not wholly, and what the search for items that serve nothing leaves out. `held` is
    False for a file that holds no plan (infeasible, no_plan): then nothing but the document was looked at. `today` sets
    the plan beside what runs today, where the instance says what does. `open_actions` are the rules under which
    something has to be found out or confirmed that nobody accepted. With a `currency` amounts stand in `recomputed` in
    it as well (`objective_eur`, `cost_eur.<term>`), and text shows them in it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    violations: tuple[Violation, ...] = ()
    checked: dict[str, int] = {}
    recomputed: dict[str, float | None] = {}
    notes: tuple[str, ...] = ()
    not_judged: tuple[str, ...] = ()
    held: bool = True
    today: Today | None = None
    open_actions: tuple[str, ...] = ()
    currency: PlanCurrency | None = None

    @property
    def ok(self) -> bool:
        """True if nothing is wrong with the plan."""
        return not self.violations

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from optimizer.report.as_html import as_html
        from optimizer.report.views import render_audit

        return as_html(render_audit, self)


def shown(value: Value) -> str:
    """Return a value as a person reads it."""
    if value is None:
        return "none"
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def close(a: float, b: float, scale: float = 0.0) -> bool:
    """Return True if two figures agree within the audit's tolerance (relative 1e-6 of the larger, or of `scale`)."""
    return abs(a - b) <= ABSOLUTE + RELATIVE * max(abs(a), abs(b), abs(scale))


def exceeds(value: float, limit: float, scale: float = 0.0) -> bool:
    """Return True if `value` lies above `limit` by more than the tolerance."""
    return value > limit + ABSOLUTE + RELATIVE * max(abs(limit), abs(scale))


def known(value: float | None) -> bool:
    """Return True if a figure is there."""
    return value is not None and not math.isnan(value)


@dataclass
class Findings:
    """Collects violations, counts and notes while the audit runs.

    `cells` tells of fields that have a value by the audit's own reckoning whether a row states them: (field, row, is it
    stated).
    """

    violations: list[Violation] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    notes: dict[str, None] = field(default_factory=dict)
    cells: list[tuple[str, str, bool]] = field(default_factory=list)

    def add(
        self, kind: str, where: str, what: str, *, expected: Value = None, found: Value = None, rule: str | None = None
    ) -> None:
        """Record a violation.

        Raises:
            KeyError: the kind is not in the audit's vocabulary.
        """
        if kind not in KINDS:
            raise KeyError(f"violation kind {kind!r} is not in the audit's vocabulary")
        self.violations.append(Violation(kind=kind, where=where, what=what, expected=expected, found=found, rule=rule))

    def note(self, text: str) -> None:
        """Record, once, what could not be judged."""
        self.notes[text] = None

    def cell(self, name: str, where: str, is_stated: bool) -> None:
        """Note whether a row states a field (`table.field`) that has a value."""
        self.cells.append((name, where, is_stated))

    def stated(
        self, kind: str, where: str, what: str, *, expected: float, found: float | None, scale: float = 0.0,
        cell: str | None = None,
    ) -> None:  # fmt: skip
        """Compare a stated figure with the recomputed one; an absent figure is not judged, but noted as `cell`."""
        if cell is not None:
            self.cell(cell, where, found is not None)
        if found is None:
            return
        self.checked[kind] += 1
        if not close(expected, found, scale):
            self.add(kind, where, what, expected=expected, found=found)
