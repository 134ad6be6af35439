"""`oscal`: assessment results of OSCAL 1.2.2: a law is a control, a verdict an observation, the plan the evidence.

A law that decided something is a finding. It is `satisfied` where nothing is open for what it bears on; otherwise it
is `not-satisfied` for the reason `other`, and every open action is a risk. The plan lies beside the results.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import uuid
from typing import Any

from optimizer.export.base import LeftOut, Made, Source
from optimizer.plan.legal_rows import Action, LegalEntry
from optimizer.plan.rows import Copy, Placement
from optimizer.printable import printable, printable_json

VERSION = "1.2.2"
NAMESPACE = uuid.UUID("b1f7b0a2-6b62-5f0e-9d55-6f0a0f6f7d3e")
"""Ids of what is in the results follow from the plan: the same plan gives the same ids."""
RESULTS, PLAN = "assessment-results.json", "plan.json"


class _Ids:
    """Ids by what they are of, the same for the same plan."""

    def __init__(self, evidence: str) -> None:
        self._evidence = evidence

    def of(self, *parts: str) -> str:
        """Return the id of something."""
        return str(uuid.uuid5(NAMESPACE, "\0".join((self._evidence, *parts))))


def made(source: Source) -> Made:
    """Return the results and the plan that they rest on."""
    evidence = printable_json(source.plan.to_json()) + "\n"
    digest = hashlib.sha256(evidence.encode()).hexdigest()
    laws = {entry.law: entry for entry in source.plan.legal_register}
    named = [law for row in _places(source) for law in _laws(row)]
    silent = [
        LeftOut(f"law {law}", "the plan's legal register does not have it, so that nothing can be found of it")
        for law in dict.fromkeys(named)
        if law not in laws
    ]
    if not laws:
        silent.append(
            LeftOut("assessment results", "no law decided anything in the plan: there is no control to assess")
        )
        return Made({}, tuple(silent))
    silent += [
        LeftOut(f"law {law}", "touches the estate and has no effect on the plan yet")
        for law in source.plan.unmodelled_laws
    ]
    content = json.dumps({"assessment-results": _results(source, _Ids(digest), digest)}, indent=2, ensure_ascii=True)
    return Made({RESULTS: content + "\n", PLAN: evidence}, tuple(silent))


def _results(source: Source, ids: _Ids, digest: str) -> dict[str, Any]:
    now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
    plan = ids.of("plan")
    return {
        "uuid": ids.of("results"),
        "metadata": {
            "title": f"Legal assessment of the plan of {source.title}", "last-modified": now,
            "version": source.short_hash, "oscal-version": VERSION,
            "remarks": "Made from a plan: it records what is planned, not what happened, and is not legal advice.",
        },
        "import-ap": {"href": f"#{plan}"},
        "results": [_result(source, ids, now)],
        "back-matter": {
            "resources": [
                {
                    "uuid": plan, "title": "The plan, with the instance and the law pack it rests on by their hashes",
                    "rlinks": [{"href": PLAN, "hashes": [{"algorithm": "SHA-256", "value": digest}]}],
                }
            ]
        },
    }  # fmt: skip


def _result(source: Source, ids: _Ids, now: str) -> dict[str, Any]:
    plan = source.plan
    observations = [
        _observation(row, law, ids, now)
        for row in _places(source)
        for law in _laws(row)
        if any(entry.law == law for entry in plan.legal_register)
    ]
    found: dict[str, Any] = {
        "uuid": ids.of("result"),
        "title": f"Law verdicts of {source.title}",
        "description": _described(source),
        "start": now,
        "local-definitions": {"components": [_component(row, ids) for row in _places(source)]},
        "reviewed-controls": {
            "control-selections": [{"include-controls": [{"control-id": token(e.law)} for e in _entries(source)]}]
        },
        "observations": observations,
        "risks": [_risk(action, ids) for action in plan.open_actions],
        "findings": [_finding(source, entry, ids) for entry in _entries(source)],
    }
    return {key: value for key, value in found.items() if value}


def _described(source: Source) -> str:
    horizon, open_actions = source.plan.horizon, len(source.plan.open_actions)
    when = f" from {horizon.start}" if horizon is not None else ""
    return (
        f"Every placement and copy of the plan{when}, as its audit found it lawful; "
        f"{open_actions} open actions; law pack {printable(source.plan.versions.get('laws', 'of unstated version'))}."
    )


def _entries(source: Source) -> list[LegalEntry]:
    return list({token(entry.law): entry for entry in source.plan.legal_register}.values())


def _places(source: Source) -> list[Placement | Copy]:
    """Return one row for every place of a workload's stream or of a dataset."""
    rows: list[Placement | Copy] = [*source.plan.placements]
    rows += source.plan.copies
    return list({_key(row): row for row in rows}.values())


def _laws(row: Placement | Copy) -> tuple[str, ...]:
    """Return the laws that bear on a row, those whose duty a copy fulfils among them."""
    return tuple(dict.fromkeys((*row.laws, *row.duty) if isinstance(row, Copy) else row.laws))


def _key(row: Placement | Copy) -> tuple[str, ...]:
    if isinstance(row, Copy):
        return ("copy", row.dataset, row.region_id)
    return ("placement", row.workload, row.stream or "", row.region_id)


def _what(row: Placement | Copy) -> str:
    if isinstance(row, Copy):
        return printable(f"copy of {row.dataset} in {row.region_id}")
    stream = f", stream {row.stream}" if row.stream is not None else ""
    return printable(f"{row.workload}{stream} in {row.region_id}")


def _component(row: Placement | Copy, ids: _Ids) -> dict[str, Any]:
    where = row.country or "country not stated"
    return {
        "uuid": ids.of(*_key(row)), "type": "service", "title": _what(row),
        "description": printable(f"{_what(row)} ({where}), run by {row.provider}"),
        "status": {"state": "under-development"},
    }  # fmt: skip


def _observation(row: Placement | Copy, law: str, ids: _Ids, now: str) -> dict[str, Any]:
    needs = f"with {', '.join(row.mechanisms)}" if row.mechanisms else "without a safeguard"
    return {
        "uuid": ids.of("observation", law, *_key(row)),
        "description": printable(f"{law}: {_what(row)} is lawful {needs}"),
        "methods": ["TEST"],
        "subjects": [{"subject-uuid": ids.of(*_key(row)), "type": "component"}],
        "relevant-evidence": [{"href": f"#{ids.of('plan')}", "description": "The plan, as audited."}],
        "collected": now,
    }


def _risk(action: Action, ids: _Ids) -> dict[str, Any]:
    return {
        "uuid": ids.of("risk", action.rule),
        "title": printable(action.rule),
        "description": printable(action.sentence) or "An open action.",
        "statement": f"Open until settled by {printable(action.owner) or 'its owner'}, to begin by {action.due}.",
        "status": "open",
        "deadline": f"{action.due}T00:00:00Z",
    }


def _finding(source: Source, entry: LegalEntry, ids: _Ids) -> dict[str, Any]:
    places = [row for row in _places(source) if entry.law in _laws(row)]
    of = {row.dataset if isinstance(row, Copy) else row.workload for row in places}
    open_actions = [a for a in source.plan.open_actions if of & {*a.workloads, *a.datasets} and a.kind != "ask_quota"]
    state = {"state": "not-satisfied", "reason": "other"} if open_actions else {"state": "satisfied", "reason": "pass"}
    found: dict[str, Any] = {
        "uuid": ids.of("finding", entry.law),
        "title": printable(entry.citation or entry.law) or "law",
        "description": printable(f"{entry.law}: {entry.decided or 'decided nothing'}"),
        "target": {"type": "objective-id", "target-id": f"{token(entry.law)}_obj", "status": state},
        "related-observations": [{"observation-uuid": ids.of("observation", entry.law, *_key(row))} for row in places],
        "related-risks": [{"risk-uuid": ids.of("risk", action.rule)} for action in open_actions],
    }
    if open_actions:
        found["remarks"] = f"{len(open_actions)} actions are open for what it bears on."
    return {key: value for key, value in found.items() if value}


def token(law: str) -> str:
    """Return the id of a law as an OSCAL token: lower case, no blanks, beginning with a letter."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", law.lower()).strip("-.")[:200]
    return plain if plain[:1].isalpha() else f"law-{plain}".strip("-")
