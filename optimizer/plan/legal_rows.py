"""The rows of a plan's tables on law: what decided, what somebody has to do, and what is known of sovereignty."""

from __future__ import annotations

import datetime
from typing import Literal

from optimizer.plan.rows import Row


class LegalEntry(Row):
    """A law that decided something: what, where it is written, how sure its encoding is.

    `obligations`: what must be done for the plan to stay lawful under it (data deleted abroad within so many hours),
    and what the law asks for besides.
    `review_by`: the day by which its row is to be looked at again. `flags`: weak, unreviewed, overridden, advisory,
    overdue, own (a law of the user's own).
    """

    law: str
    jurisdiction: str = ""
    instrument: str = ""
    provision: str = ""
    citation: str = ""
    confidence: str = ""
    status: str = ""
    in_force_from: datetime.date | None = None
    review_by: datetime.date | None = None
    decided: str = ""
    placements: int = 0
    obligations: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


ActionKind = Literal[
    "confirm_law", "confirm_access", "confirm_certificate", "confirm_seal", "confirm_chip", "confirm_tenant",
    "confirm_party", "confirm_route",
    "sign_clause", "make_assessment", "get_licence", "file_notification", "get_consent", "get_certificate",
    "delete_data", "keep_at_home", "ask_quota",
]  # fmt: skip


Moment = Literal["collection", "transfer"] | None
Rhythm = Literal["real_time", "daily", "yearly"] | None


class Action(Row):
    """Something to find out, confirm or do before the plan stands.

    `rule` asks for it (`coverage:GB`, `access:aws`, `certificate:aws/BSI C5 type 2`, `chip:L4`, `mechanism:SCC_EU`,
    `duty:RU-152FZ-18/primary`, `quota:devices:H100@aws:us-east-1`); `owner` is a role, `due` the last day on which it
    can begin. It takes `lead_time_days`, absent where nobody knows; then it is due at once, but for what a law asks to
    be done by a moment (`before` data are collected, or transferred): that is due on its day. `repeats` says how often
    it is to be done again, `on_request` that only an authority's request sets it off. `evidence` says what it rests on.
    `accepted_by` names who accepted it as it is, by the instance's `legal_assertions.accepts`; absent while it is open.
    """

    rule: str
    kind: ActionKind
    subject: str
    sentence: str
    owner: str
    due: datetime.date
    lead_time_days: int | None = None
    before: Moment = None
    repeats: Rhythm = None
    on_request: bool = False
    evidence: str = ""
    workloads: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    accepted_by: str | None = None


class RefusedUnknown(Row):
    """Options that are refused only because nobody knows: of the law, access, a certificate, sovereignty or a chip.

    `reason` and `rule` as in the rows of `ineligible`. `options` are offers `of` workloads and streams, or regions for
    the `copies` of datasets; whatever else shuts them is not known either, and `alone` are shut by this rule only.
    """

    reason: str
    rule: str | None = None
    of: Literal["workloads", "copies"] = "workloads"
    options: int
    alone: int = 0


class SovereigntyUse(Row):
    """What is known of the sovereignty of a region's provider, where a policy of the user's own asks; it is no law.

    `seal` is the lowest of the eight levels, from which to which it may be (`2-4`); `levels` the same of each
    objective; `score` in per cent only where all eight are known.
    """

    policy: str
    provider: str
    region_id: str
    seal: str
    score: float | None = None
    levels: tuple[str, ...] = ()
    evidence: str = ""
