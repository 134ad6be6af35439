"""`register`: the register of transfers of each exporter with an annex for its impact assessment, as HTML and CSV."""

from __future__ import annotations

from collections.abc import Iterable

from optimizer.export.base import Made, Names, Source
from optimizer.export.tables import Cell, Table, csv_text, escaped, html_table, joined
from optimizer.export.transfers import TransferRow, transfer_table, transfers

STYLE = """body{font:15px/1.45 sans-serif;margin:2rem;max-width:none;color:#111;background:#fff}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}caption{text-align:left;font-weight:600}
th,td{border:1px solid #767676;padding:.3rem .5rem;text-align:left;vertical-align:top}
td{min-width:6em}.figure{text-align:right;min-width:0}@media print{body{margin:0;font-size:11px}}"""
OF_THE_ANNEX = ("exporter", "exporter_country", "in_force_from", "review_by", "confidence")
NOT_HERE = (
    "purposes and legal basis of the processing",
    "contacts of controller, representative and data-protection officer",
    "technical and organisational measures beyond what `state` says",
    "time limits for erasure beyond the retention stated",
)
"""What a register has to say that no plan knows."""


def made(source: Source) -> Made:
    """Return one page and one table for each exporter of the plan."""
    rows, left_out = transfers(source)
    names, files = Names(), {}
    for exporter in dict.fromkeys(row.exporter for row in rows):
        own = [row for row in rows if row.exporter == exporter]
        name = names.of("register", exporter)
        files[f"{name}.csv"] = csv_text(transfer_table(own))
        files[f"{name}.html"] = _page(source, exporter, own)
    return Made(files, left_out)


def _page(source: Source, exporter: str, rows: list[TransferRow]) -> str:
    title = f"Register of transfers: {exporter}"
    tables = (_shown(transfer_table(rows)), *_annex(source, rows), _stated(source, exporter))
    body = "\n".join(html_table(table) for table in tables)
    missing = "\n".join(f"<li>{escaped(text)}</li>" for text in NOT_HERE)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{escaped(title)}</title><style>{STYLE}</style></head>
<body><h1>{escaped(title)}</h1>
<p>{escaped(_standing(source))}</p>
{body}
<h2>To be filled in</h2>
<p>A register also says the following, which a plan does not know:</p>
<ul>
{missing}
</ul>
</body></html>
"""


def _shown(table: Table) -> Table:
    """Return the columns that a reader needs on the page, without empty ones: the annex tells the rest of a law."""
    kept = [
        k
        for k, name in enumerate(table.columns)
        if name not in OF_THE_ANNEX and any(row[k] not in (None, "") for row in table.rows)
    ]
    columns = tuple(table.columns[k].replace("_", " ") for k in kept)
    note = "Dates are those of the plan's horizon; what was not stated is empty. The CSV has every column."
    return Table(table.name, columns, [[row[k] for k in kept] for row in table.rows], note)


def _standing(source: Source) -> str:
    """Return what the register is of: a plan, not what happened, and not legal advice."""
    plan, instance = source.plan, source.instance
    assert instance is not None
    as_of = instance.laws.as_of
    open_actions = len(plan.open_actions)
    parts = [
        f"Made from the plan of {source.title} ({source.short_hash}), which is {plan.status or 'of unstated status'}",
        f"law as known on {as_of}" if as_of else "law as known at the start of the horizon",
        f"conditional on {open_actions} open actions" if open_actions else "no open actions",
    ]
    return (
        f"{'; '.join(parts)}. It records what is planned, not what happened, and is not legal advice: have it reviewed."
    )


def _annex(source: Source, rows: list[TransferRow]) -> Iterable[Table]:
    """Yield the annex: laws, safeguards, what is to be done, risks and conditions, what is not modelled."""
    plan = source.plan
    laws = {law for row in rows for law in row.laws.split("; ") if law}
    of = {row.of for row in rows}
    held = {name for row in rows for name in row.safeguards.split("; ") if name}
    entries: list[list[Cell]] = [
        [e.law, e.jurisdiction, e.citation, e.status, e.in_force_from, e.review_by, e.confidence, e.decided,
         joined(e.obligations), joined(e.flags)]
        for e in plan.legal_register if e.law in laws
    ]  # fmt: skip
    columns = ("law", "jurisdiction", "citation", "status", "in_force_from", "review_by", "confidence", "decided",
               "obligations", "flags")  # fmt: skip
    yield Table("Annex 1: laws", columns, entries)
    used: list[list[Cell]] = [
        [m.mechanism, joined(m.key), "held" if m.held else "to be put in place", joined(m.laws)]
        for m in plan.mechanisms if m.mechanism in held
    ]  # fmt: skip
    yield Table("Annex 2: safeguards", ("safeguard", "for", "standing", "laws"), used)
    actions: list[list[Cell]] = [
        [a.rule, a.sentence, a.owner, a.due, a.lead_time_days, a.accepted_by or "open", a.evidence]
        for a in plan.actions
        if a.kind != "ask_quota" and (of & {*a.workloads, *a.datasets})
    ]
    of_action = ("rule", "what", "owner", "due", "lead_time_days", "accepted_by", "evidence")
    yield Table("Annex 3: to find out, confirm or do", of_action, actions)
    told = [text for text in plan.warnings if text.startswith(("residual risk", "condition taken as met"))]
    risks: list[list[Cell]] = [list(text.partition(": ")[::2]) for text in told]
    note = "Of the whole plan: they are not told apart by exporter."
    yield Table("Annex 4: residual risks, and conditions taken as met", ("kind", "what"), risks, note)
    silent: list[list[Cell]] = [
        [law, "touches the estate and has no effect on the plan yet"] for law in plan.unmodelled_laws
    ]
    silent += [[law, "has no reviewed trigger"] for law in plan.unreviewed_laws]
    yield Table("Annex 5: laws that were not decided", ("law", "why"), silent)


def _stated(source: Source, exporter: str) -> Table:
    """Return what somebody stated of an exporter and its partners, on which the verdicts rest."""
    return Table("Annex 6: what was stated", ("what", "value"), assertion_rows(source, exporter))


def assertion_rows(source: Source, exporter: str | None = None) -> list[list[Cell]]:
    """Return the assertions of a plan, one a row; of one exporter, those that are not about another one."""
    found: list[list[Cell]] = []
    for what, value in source.plan.assertions.items():
        many = (
            value
            if isinstance(value, list)
            else [{k: v} for k, v in value.items()]
            if isinstance(value, dict)
            else [value]
        )
        for one in many:
            of = one.get("id" if what == "exporters" else "exporter") if isinstance(one, dict) else None
            if exporter is None or of in (None, exporter):
                found.append([what, _said(one)])
    return found


def _said(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_said(one)}" for key, one in value.items() if one not in (None, [], {}, ""))
    return ", ".join(_said(one) for one in value) if isinstance(value, list) else str(value)
