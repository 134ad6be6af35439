"""`rego`: the law verdicts of a plan as data, and a policy of Open Policy Agent that gates deployments by them.

A workload may be in a region if the law leaves some option open there to each of its streams, in every period, with
safeguards that the plan has. Without the instance only the plan's own places are known, and nothing else is let in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.export.base import LeftOut, Made, Source
from optimizer.export.fallbacks import covered, streams_of
from optimizer.printable import printable

SAFEGUARD = "a safeguard that the plan does not have"
NOT_JUDGED = "offer_kind"
"""The ledger's reason for offers of a kind that the workload does not run on: the law was not asked of them."""
LEGAL = (
    "law_forbids", "law_approval_missing", "law_no_mechanism", "law_unknown", "certificate_unknown", "access_unknown",
    "chip_unknown", "tenant_unknown", "accelerator_export",
)  # fmt: skip
"""Reasons of the ledger that are the law's, or that stand for what is not known of it."""
POLICY = """\
# May a workload be in a region, by the law verdicts of a plan (data.json)? Input: {"workload": ..., "region": ...}.
package domicile_gate

import rego.v1

default allow := false

allow if count(deny) == 0

verdict := data.domicile.verdicts[input.workload][input.region]

deny contains message if {
\tnot verdict
\tmessage := sprintf("no verdict is known of %v in %v", [input.workload, input.region])
}

deny contains message if {
\tverdict.lawful != true
\tsome rule in verdict.excluded_by
\tmessage := sprintf("%v keeps %v out of %v", [rule, input.workload, input.region])
}
"""


def made(source: Source) -> Made:
    """Return data and policy."""
    verdicts = _of_plan(source)
    silent = []
    if source.instance is None:
        silent.append(
            LeftOut("verdicts of places that the plan does not use", "the ledger that knows them needs --instance")
        )
    else:
        for workload, regions in _of_ledger(source).items():
            verdicts[workload] = regions | verdicts.get(workload, {})
    horizon = source.plan.horizon
    told = {
        "instance": source.title,
        "instance_sha256": printable(source.plan.instance_sha256 or ""),
        "from": horizon.start.isoformat() if horizon else None,
        "hours": sum(period.hours for period in horizon.periods) if horizon else None,
        "open_actions": [printable(action.rule) for action in source.plan.open_actions],
        "verdicts": verdicts,
    }
    data = json.dumps({"domicile": told}, indent=2, ensure_ascii=False) + "\n"
    return Made({"data.json": data, "policy.rego": POLICY}, tuple(silent))


def _of_plan(source: Source) -> dict[str, dict[str, Any]]:
    """Return the verdicts of the plan's own places: it was audited, so that they are lawful with its safeguards."""
    found: dict[str, dict[str, Any]] = {}
    for row in source.plan.placements:
        regions = found.setdefault(printable(row.workload), {})
        own = regions.setdefault(
            printable(row.region_id), {"lawful": True, "laws": [], "safeguards": [], "excluded_by": []}
        )
        _add(own["laws"], row.laws)
        _add(own["safeguards"], row.mechanisms)
    return found


def _add(listed: list[str], more: Iterable[str]) -> None:
    listed += [text for text in map(printable, more) if text not in listed]


def _of_ledger(source: Source) -> dict[str, dict[str, Any]]:
    """Return the verdict of every workload in every region in which something is on offer."""
    offers = source.compiled.world.offers
    rows_of = {str(region): np.asarray(rows) for region, rows in offers.groupby("region_id").indices.items()}
    return {workload: _verdicts(source, workload, rows_of) for workload in source.compiled.problem.workload_ids}


def _verdicts(source: Source, workload: str, rows_of: dict[str, NDArray[np.int64]]) -> dict[str, Any]:
    """Return the verdicts of a workload by region: lawful where an offer is open to all its streams."""
    compiled = source.compiled
    size = len(compiled.world.offers)
    shut = np.zeros(size, dtype=bool)
    by_rule: dict[str, NDArray[np.bool_]] = {}
    for stream in streams_of(compiled, workload) or (None,):
        for exclusion in compiled.ledger.exclusions(workload, stream):
            if exclusion.reason in (*LEGAL, NOT_JUDGED):
                shut |= exclusion.offers
            if exclusion.reason in LEGAL:
                rule = exclusion.key.id
                by_rule[rule] = by_rule.get(rule, np.zeros(size, dtype=bool)) | exclusion.offers
    bare = ~covered(source, workload)
    by_rule[SAFEGUARD] = bare & ~shut
    found = {}
    for region, rows in rows_of.items():
        lawful = bool((~(shut | bare))[rows].any())
        excluded_by = [] if lawful else [rule for rule, out in by_rule.items() if out[rows].any()]
        if lawful or excluded_by:
            found[region] = {"lawful": lawful, "excluded_by": excluded_by}
    return found
