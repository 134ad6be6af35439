"""Verdicts and laws as lines of text: what their JSON says, in an order to read it in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .triggers import DUTIES, in_window

NOTICE = "Not legal advice."
WIDTH = 13
PARTS = (
    ("laws", "laws"),
    ("forbidden by", "forbidden_by"),
    ("free by", "free_by"),
    ("needs", "requirements"),
    ("or free if", "free_if"),
    ("approval missing", "approvals_missing"),
    ("why", "reasons"),
    ("unreviewed", "unreviewed"),
    ("not known", "unknown"),
    ("to confirm", "to_confirm"),
)
"""What stands behind the level of one activity: label and field."""


def verdict_lines(report: Mapping[str, Any]) -> list[str]:
    """Return the lines of a verdict on one destination: the question, each activity, then what goes for all of them."""
    found = [*_block("question", [_question(report["query"])])]
    for activity, part in report["details"].items():
        found += _level(activity, part)
    if report["tenant"] is not None and (report["tenant"]["laws"] or report["tenant"]["unknown"]):
        found += _level("tenant", report["tenant"])
    for passing in report["passing"]:
        found += _level(f"{passing['activity']} {passing['place']}", passing)
    found += _block("duty", [duty_text(duty) for duty in report["duties"]])
    stays = [f"the data stay in {place}: its rules on what leaves it are not asked" for place in report["stays_in"]]
    found += _block("stays", stays)
    found += _block("coverage", [text for known in report["coverage"] for text in known["answers"]])
    found += _block("to confirm", [text for known in report["coverage"] for text in known["unconfirmed"]])
    found += _block("no trigger", [_entry({**one, "reason": one["why"]}) for one in report["not_triggered"]])
    found += _block("before it", [f"{one['law']}: {one['text']}" for one in report["predecessors"]])
    found += _block("decision", [_entry(one) for one in report["decisions"]])
    found += _block("taken as met", report["conditions_assumed"])
    found += _block("not modelled", report["unmodelled"])
    found += _block("risk", report["residual_risks"])
    found += _block("source", [source_text(one) for one in report["citations"]])
    found += _block("law pack", [f"{report['versions']['laws']}, sha256 {report['versions']['laws_sha256']}"])
    return [*found, NOTICE]


def chip_lines(report: Mapping[str, Any]) -> list[str]:
    """Return the lines of an answer on a chip: the question, the figures that rules look at, the level and why."""
    query, figures = report["query"], report["figures"]
    where = " at ".join(filter(None, (query["to"], query["provider"])))
    kind = "in place already" if query["observed"] else "to be delivered"
    tenant = "".join(f", {text}" for text in _tenant(query["tenant"]))
    told = [f"{key.replace('_', ' ')} {_figure(value)}" for key, value in figures.items() if "export" not in key]
    classes = ", ".join(figures["export_class"]) or "none"
    if figures["export_class_not_known"]:
        classes += f" (not known: {', '.join(figures['export_class_not_known'])})"
    found = [*_block("question", [f"{query['chip']}, {kind}, to {where}{tenant}, on {query['on']}"])]
    found += _block("figures", [f"{', '.join(told)}; export class {classes}"])
    found += _level("chip", report)
    found += _block("", filter(None, [report["silent"]]))
    found += _block("coverage", [text for known in report["coverage"] for text in known["answers"]])
    found += _block("taken as met", report["conditions_assumed"])
    found += _block("source", [source_text(one) for one in report["citations"]])
    found += _block("law pack", [f"{report['versions']['laws']}, sha256 {report['versions']['laws_sha256']}"])
    return [*found, NOTICE]


def _figure(value: Any) -> str:
    return "not known" if value is None else f"{value:,g}" if isinstance(value, int | float) else str(value)


def _level(activity: str, part: Mapping[str, Any]) -> Iterator[str]:
    """The level of an activity and what stands behind it."""
    yield f"{activity:{WIDTH - 1}s} {part['verdict']}"
    for label, key in PARTS:
        yield from (f"  {label:{WIDTH + 5}s}{_entry(entry)}" for entry in _said(part, key))


def table_lines(reports: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what stands below a table of verdicts: the question, and what goes for all destinations alike."""
    first = reports[0]
    found = list(_block("question", [_question({**first["query"], "to": "the places above"})]))
    found += _block("duty", [duty_text(duty) for duty in first["duties"]])
    pairs = dict.fromkeys((one["law"], one["why"]) for report in reports for one in report["not_triggered"])
    found += _block("no trigger", [f"{law}: {why}" for law, why in pairs])
    found += _block("law pack", [f"{first['versions']['laws']}; without --table or with --json: reasons and sources"])
    return [*found, NOTICE]


def _said(part: Mapping[str, Any], key: str) -> Sequence[Any]:
    """Return what is said under a key, but for reasons that only repeat what is needed or missing."""
    entries: Sequence[Any] = part.get(key) or ()
    if key != "reasons":
        return entries
    return [one for one in entries if not one["reason"].startswith("needs ") or "only where" in one["reason"]]


def _block(label: str, texts: Iterable[str]) -> Iterator[str]:
    return (f"{label:{WIDTH - 1}s} {text}" for text in texts)


def _tenant(tenant: Mapping[str, Any]) -> Iterator[str]:
    """What is stated of who uses the capacity."""
    if tenant["name"]:
        yield f"used by {tenant['name']}"
    if tenant["headquarters"]:
        yield f"for a tenant with headquarters in {tenant['headquarters']}"
    if tenant["parent"]:
        yield f"parent of the tenant in {tenant['parent']}"
    if tenant["end_use"]:
        yield f"used for {', '.join(tenant['end_use'])}"
    if tenant["customers"]:
        yield f"for customers {', '.join(tenant['customers'])}"


def _question(query: Mapping[str, Any]) -> str:
    """The question as a line: the data, who sends them, where to, and the day."""
    parts = [", ".join(query["categories"])]
    for words, name in (
        ("persons in", "subjects"), ("roles", "roles"), ("sectors", "sectors"), ("facts", "flags"),
        ("data are", "state"),
        ("operator on the list", "importer_status"),
    ):  # fmt: skip
        if query[name]:
            parts.append(f"{words} {', '.join(query[name])}")
    parts += [f"by {basis} {', '.join(places)}" for basis, places in query["subjects_by"].items()]
    for words, name in (("persons", "persons"), ("sensitive persons", "sensitive_persons")):
        if query[name]:
            parts.append(f"{words} {', '.join(f'{place} {count:,}' for place, count in query[name].items())}")
    parts += [f"{one['what'].replace('_', ' ')} of {one['of']} {one['number']:,}{in_window(one['window'])}"
              for one in query["counts"]]  # fmt: skip
    for words, name in (
        ("exporter in", "exporter"), ("headquarters in", "exporter_hq"), ("kept for hours:", "retention_hours"),
        ("terms of support:", "support"), ("by law", "law"),
    ):  # fmt: skip
        if query[name] is not None:
            parts.append(f"{words} {query[name]}")
    parts += _tenant(query["tenant"])
    parts += ["guidance counted"] if query["guidance"] else []
    where = " at ".join(filter(None, (query["to"], query["region"] or query["provider"])))
    return f"{'; '.join(parts)}; to {where} ({query['service']}), on {query['on']}"


def duty_text(duty: Mapping[str, Any]) -> str:
    """A duty as a sentence with the law behind it."""
    return f"{duty['law']}: {duty['terms'] or DUTIES[duty['kind']].format(' or '.join(duty['countries']))}"


def source_text(citation: Mapping[str, Any]) -> str:
    """Where a law is written, whether it is in force and how sure its row is, in one line."""
    instrument = ", ".join(filter(None, (citation["instrument"], citation["provision"])))
    dates = f"from {citation['in_force_from'] or 'no date'}"
    dates += f" to {citation['in_force_to']}" if citation["in_force_to"] else ""
    where = " ".join(filter(None, (citation["citation"], citation["source_url"])))
    status = citation["status"].replace("_", " ")
    return f"{citation['law']}: {instrument} ({status}, {dates}; {_sureness(citation)}): {where}"


def _sureness(citation: Mapping[str, Any]) -> str:
    """How a row was checked, when, and until when that is to be looked at again."""
    marks = ["a law of your own"] if citation["own"] else []
    marks += [citation["confidence"]] if citation["confidence"] else []
    marks += ["trigger not reviewed"] if not citation["reviewed"] else []
    marks += ["weak"] if citation["weak"] else []
    marks += [f"reviewed {citation['reviewed_on']}"] if citation["reviewed_on"] else []
    late = ", which is past" if citation["overdue"] else ""
    marks += [f"to be reviewed by {citation['review_by']}{late}"] if citation["review_by"] else []
    return ", ".join(marks)


def law_lines(page: Mapping[str, Any]) -> list[str]:
    """Return the lines of a law's page, section by section."""
    encoded = page["encoded"]
    source = [page["citation"], page["source_url"], _sureness(page)]
    stated = [name for name in ("storage", "processing", "access", "transit") if encoded[f"{name}_rule"]]
    rules = [f"{activity} {encoded[f'{activity}_rule']}" for activity in stated]
    rules += [encoded["effect"], encoded["stands_in"]]
    found = [f"{page['law']}: {page['instrument']}, {page['provision']} ({page['jurisdiction']})"]
    for label, texts in (
        ("what", page["what"]), ("whom", page["whom"]), ("when", [*page["when"], *page["kin"]]), ("source", source),
        ("encoded as", rules), ("binds if", encoded["binds_if"]), ("unless", encoded["unless"]),
        ("requires", encoded["requires"]), ("by volume", encoded["volumes"]),
        ("duties", encoded["duties"]), ("decided", encoded["review"]),
        ("ways", [_way(one) for one in page["mechanisms"]]), ("cases", page["cases"]), ("coverage", page["coverage"]),
        ("notes", page["notes"]),
    ):  # fmt: skip
        found += [f"{label if k == 0 else '':12s}{text}" for k, text in enumerate(filter(None, texts))]
    return [*found, NOTICE]


def _way(mechanism: Mapping[str, Any]) -> str:
    days = mechanism["lead_time_days"]
    lead = "lead time not known" if days is None else f"lead time {days} days"
    charged = f"charged per {' and '.join(mechanism['charged_per']) or 'organisation'}"
    charged = "nothing else is asked of such data" if mechanism["state_alone"] else charged
    state = f"the data are {mechanism['state']}; " if mechanism["state"] else ""
    return f"{mechanism['mechanism']}: {mechanism['name']} ({state}{lead}, {charged})"


def _entry(entry: Any) -> str:
    """Write one law, requirement or remark on a line."""
    if not isinstance(entry, Mapping):
        return str(entry)
    who = entry.get("law") or entry["rule"]
    names = _names(entry)
    return f"{who}: {names}" if names else f"{who}: {entry.get('reason', '')}"


def _names(entry: Mapping[str, Any]) -> str:
    """The mechanisms of a requirement or an approval, each with what one purchase covers."""
    keys = {item["mechanism"]: item.get("key", ()) for item in entry.get("any_of") or (entry,) if "mechanism" in item}
    return " or ".join(f"{name} ({', '.join(key)})" if key else str(name) for name, key in keys.items())
