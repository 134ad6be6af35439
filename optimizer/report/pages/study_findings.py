"""What a study claims, and whether its results bear it out; and its total over several instances."""

from __future__ import annotations

from optimizer.report.pages.context import plural
from optimizer.report.pages.study_data import StudyData
from optimizer.report.pages.view import Section, Tone, cell, notes, table
from optimizer.report.parts import currency_code, usd
from optimizer.report.study_view import finding_runs
from optimizer.study import StudyFolder
from optimizer.study.findings import judge_findings, weighted_totals

TONES: dict[str, Tone] = {"holds": "good", "withdrawn": "warn"}


def findings_section(data: StudyData, folder: StudyFolder) -> Section | None:
    """Return every finding with its verdict and the figures behind it, as stated and in each rerun."""
    results = judge_findings(folder)
    if not results:
        return None
    holding = sum(one.verdict == "holds" for one in results)
    rows = [
        [cell(one.says, one.id), cell(one.verdict, tone=TONES.get(one.verdict, "")), finding_runs(one),
         *([one.base] if data.has_several else [])]
        for one in results
    ]  # fmt: skip
    columns = ["Finding", "Verdict", "Figure", *(["Instance"] if data.has_several else [])]
    lead = f"{holding:,} of {plural(len(results), 'finding')} {'holds' if holding == 1 else 'hold'}."
    told = notes("A finding holds if it does in every rerun; it is withdrawn where one says no.") if data.reruns else ()
    return Section("findings", "What the study finds", lead, (table("Findings", columns, rows), *told))


def totals_section(data: StudyData, folder: StudyFolder) -> Section | None:
    """Return the cost over all instances, each as often as its weight says; None without weights."""
    totals = [row for row in weighted_totals(folder) if not row["rerun"]]
    if not totals:
        return None
    code, study = currency_code(), data.study
    rows = [[row["scenario"], "no plan for all" if row["usd"] is None else usd(row["usd"])] for row in totals]
    weights = ", ".join(f"{weight:g} × {name}" for name, weight in study["weights"].items())
    total = table("Total", ["Scenario", code], rows, right=[code])
    told = notes(f"Weights: {weights} ({study['weights_are']}).")
    return Section("totals", "All instances together", "", (total, *told))
