"""Run bundled studies and write their pages: `python -m tools.study_pages NAME ... [--runs FOLDER] [--workers N]`.

For each study of `instances/studies` it writes `docs/studies/NAME.md`, `NAME.svg` and `NAME.csv`, the figures that both
are made from. A run goes on from what lies in FOLDER/NAME (`domicile study run`). `--write-only` makes pages and charts
anew from the figures that are there, without solving anything.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from optimizer.bundled import bundled_studies
from optimizer.instance.yaml_reader import read_yaml
from optimizer.plan.files import write_whole
from optimizer.report.study_view import finding_runs
from optimizer.study import StudyFolder, load_study, run_study
from optimizer.study.findings import FindingResult, answer_of
from optimizer.study.models import BASE, Study
from tools.study_charts import (
    Page,
    costs_chart,
    crossover_chart,
    deferred_chart,
    dumbbell_chart,
    frontier_chart,
    lost_chart,
    saving_chart,
    served_chart,
    steps_chart,
)
from tools.study_figures import (
    ALL,
    Figures,
    bases_of,
    deferred,
    figures_of,
    of_study,
    points_of,
    read_figures,
    results_of,
    scenarios_in,
    written,
)

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "studies"
PAGES = {
    "cost-of-compliance": Page(
        "What compliance costs, by sector",
        {BASE: "laws, policies, carbon budget", "laws-and-policies": "laws and policies", "laws": "laws",
         "no-rules": "no rule"},
        steps_chart,
        {BASE: "all of these", "laws-and-policies": "laws, policies", "laws": "laws", "no-rules": "none"},
    ),
    "india-localization": Page(
        "India's localization tightened",
        {BASE: "laws of January 2027", "no-window": "payments at home only",
         "all-personal": "all personal data at home only"},
        dumbbell_chart,
        {"no-window": "payments", "all-personal": "all data"},
    ),
    "open-weights": Page(
        "Lock-in, or open weights anywhere",
        {},
        crossover_chart(123.5, 47.0, "way=own-machines", "way=one-provider"),
        {"way=proprietary": "closed", "way=one-provider": "open, Azure", "way=own-machines": "own",
         "way=anywhere": "anywhere"},
        (
            {"tokens=1": "47/s", "tokens=10": "470/s", "tokens=100": "4,700/s", "tokens=400": "18,800/s",
             "tokens=1000": "47,000/s"},
            {"way=proprietary": "proprietary, AWS", "way=one-provider": "open weights, Azure's endpoint",
             "way=own-machines": "open weights, own machines", "way=anywhere": "open weights, anywhere"},
        ),
    ),
    "budget-cut": Page(
        "A budget cut by a tenth",
        {BASE: "as stated", "cut": "a tenth less money"},
        deferred_chart("cut"),
        {},
    ),
    "export-control": Page(
        "Accelerators under export control",
        {BASE: "no control", "controlled": "large ones controlled", "controlled-b": "dense small ones too"},
        served_chart(BASE, "controlled-b"),
        {BASE: "no control", "controlled-b": "controlled"},
    ),
    "served-from-abroad": Page(
        "Served from abroad",
        {BASE: "limits as stated", "new-region": "a region in Chile", "farther": "round trips twice as long"},
        costs_chart,
        {BASE: "limits as stated", "new-region": "region in Chile", "farther": "twice as far"},
    ),
    "carbon-budget": Page(
        "A carbon budget, down to the least possible",
        {},
        frontier_chart("% of the emissions of the cheapest plan", of_first=True),
        {},
        frontier="carbon",
    ),
    "outside-control": Page(
        "Cost against the share outside foreign control",
        {},
        frontier_chart("% of the work outside the control of the United States", of_first=False),
        {},
        frontier="outside-us",
    ),
    "region-lost": Page(
        "A region lost for a month",
        {BASE: "as stated", "survives": "any one region may fail"},
        lost_chart(BASE, "survives"),
        {BASE: "as stated", "survives": "with survival"},
    ),
    "what-to-negotiate": Page(
        "What to negotiate",
        {BASE: "as granted", "one-device": "one device more of each kind in each region", "eight-devices": "eight more",
         "committed-year": "committed for a year"},
        saving_chart,
        {"one-device": "1 more", "eight-devices": "8 more", "committed-year": "a year"},
    ),
    "framework-annulled": Page(
        "The EU-US framework annulled",
        {BASE: "framework in force", "annulled": "framework annulled", "clauses-fail-too": "clauses fail too"},
        dumbbell_chart,
        {"annulled": "annulled", "clauses-fail-too": "no SCC"},
    ),
}


def page_text(name: str, study: Study, figures: Figures) -> str:
    """Return the page of a study."""
    page, results = PAGES[name], results_of(study, figures)
    parts = [
        f"# {page.title}", f"*{study.question}*", f"**{answer_of(study, results)}**", f"![{page.title}]({name}.svg)",
        "\n".join(_table(page, figures)), "## What held, and what did not", _told(study, results),
        "## Assumptions", _listed(study.assumptions), "## What the data cannot say", _listed(study.cannot_say),
        "## Run it again",
        f"`domicile study run {name} --out FOLDER` solves the {_solved(figures)} and prints what held;\n"
        f"`python -m tools.study_pages {name}` writes this page, its chart and\n"
        f"[the figures of every scenario]({name}.csv) anew. The study:\n"
        f"[{name}.yaml](../../instances/studies/{name}.yaml); its instances: {_instances(study)}.",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _solved(figures: Figures) -> str:
    """Return how much a study solves."""
    every, walks = scenarios_in(figures), scenarios_in(row for row in figures if row.get("over"))
    told = f"{len(every) - len(walks)} scenarios"
    return f"{told} and {len(walks)} frontiers" if walks else told


def _instances(study: Study) -> str:
    named = study.bases or (study.base or "",)
    if all(name.startswith("archetypes/") for name in named):
        return "of [the panel of archetypes](../archetypes.md)"
    return ", ".join(f"[{name}](../../instances/{name}.yaml)" for name in named)


def _told(study: Study, results: Sequence[FindingResult]) -> str:
    if not results:
        return "The study states no finding."
    runs = ", ".join(one.id for one in study.reruns)
    head = f"Judged as stated and in the reruns {runs}; what one does not bear out is withdrawn.\n\n" if runs else ""
    told = []
    for finding in study.findings:
        own = [one for one in results if one.id == finding.id]
        told.append(f"* {finding.says}")
        told += [f"  * {one.base}: {one.verdict} ({finding_runs(one)})" for one in own]
    return head + "\n".join(told)


def _listed(items: Iterable[str]) -> str:
    return "\n".join(f"* {item}" for item in items)


def _frontier_table(page: Page, figures: Figures) -> list[str]:
    """Return the table of a frontier: of each base its ends and its knee, with the mean intensity of the grids used."""
    rows = ["| | at the least cost | at the knee | at the end |", "|---|---:|---:|---:|"]
    for base in bases_of(figures):
        points = points_of(figures, base, page.frontier)
        knee = next((one for one in points if one["is_knee"]), None)
        cells = [_point(one, points) for one in (points[0], knee, points[-1] if len(points) > 1 else None)]
        if len(points) == 1:
            cells[-1] = "nothing better at any price" if points[0]["status"] == "optimal" else "not found in time"
        rows.append(f"| {base} | {' | '.join(cells)} |")
    return rows


def _point(point: Mapping[str, Any] | None, points: Figures) -> str:
    """Return a point of a frontier in a cell: the first as it is, the others beside it."""
    if point is None:
        return ""
    first, is_first = points[0], point is points[0]
    cost = f"{point['cost_usd']:,.0f} USD" if is_first else f"{point['cost_usd'] / first['cost_usd'] - 1.0:+.1%} USD"
    if point["over"] == "outside":
        return f"{cost}: {point['amount']:.0%}"
    amount = f"{point['amount']:,.0f} kg" if is_first else f"{point['amount'] / first['amount'] - 1.0:+.0%} kg"
    grid = 1000.0 * point["operational_kg"] / point["energy_kwh"] if point["energy_kwh"] else 0.0
    return f"{cost}: {amount}, {grid:,.0f} g/kWh"


def _table(page: Page, figures: Figures) -> list[str]:
    """Return the table of costs, a row for each base and a column for each scenario; less than all served is told."""
    if page.frontier:
        return _frontier_table(page, figures)
    if page.grid is not None:
        (base,), (down, across) = bases_of(figures), page.grid
        rows = [f"| USD a month | {' | '.join(across.values())} |", f"|---|{'---:|' * len(across)}"]
        return rows + [
            f"| {words} | {' | '.join(_cell(figures, base, f'{row},{column}') for column in across)} |"
            for row, words in down.items()
        ]
    names = list(page.words)
    rows = [f"| USD a month | {' | '.join(page.words.values())} |", f"|---|{'---:|' * len(names)}"]
    for base in bases_of(figures):
        rows.append(f"| {base} | {' | '.join(_cell(figures, base, name) for name in names)} |")
    return rows


def _cell(figures: Figures, base: str, name: str) -> str:
    row = next((one for one in of_study(figures) if (one["base"], one["name"]) == (base, name)), None)
    if row is None:
        return ""
    if row["objective_usd"] is None:
        return str(row["status"]).replace("_", " ")
    share = row["served_share"]
    part = f" ({share:.0%} served)" if share is not None and share <= ALL else ""
    part += f"; deferred: {', '.join(f'{name} {gone:.0%}' for name, gone in deferred(row))}" if part else ""
    lost = row.get("served_if_region_lost")
    part += "" if lost is None else f"; {lost:.0%} served if a region is lost"
    return f"{row['spent_usd']:,.0f}{part}"


def study_of(name: str) -> Study:
    """Return a bundled study without its instances."""
    path = bundled_studies()[name]
    return Study.model_validate(read_yaml(path.read_text(encoding="utf-8"), str(path))[0])


def write_page(name: str, figures: Figures) -> None:
    """Write page, chart and figures of a study."""
    FOLDER.mkdir(exist_ok=True)
    write_whole(FOLDER / f"{name}.csv", lambda stream: stream.write(written(figures)))
    figures = read_figures(FOLDER / f"{name}.csv")
    PAGES[name].chart(PAGES[name], figures).write(FOLDER / f"{name}.svg")
    write_whole(FOLDER / f"{name}.md", lambda stream: stream.write(page_text(name, study_of(name), figures)))


def main() -> None:
    """Run the studies named and write their pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="+", choices=sorted(PAGES), metavar="NAME")
    parser.add_argument("--runs", type=Path, default=Path("study-runs"), help="folder of the runs (study-runs)")
    parser.add_argument("--workers", type=int, help="processes, one thread each (all cores)")
    parser.add_argument("--write-only", action="store_true", help="solve nothing, use the figures that are there")
    asked = parser.parse_args()
    for name in asked.names:
        if asked.write_only:
            write_page(name, read_figures(FOLDER / f"{name}.csv"))
            continue
        folder = StudyFolder(asked.runs / name)
        left = run_study(load_study(name), folder, workers=asked.workers).left
        if left:
            raise SystemExit(f"{name}: {left} scenarios have no result; run it again")
        write_page(name, figures_of(folder))
        print(f"{name}: {FOLDER / name}.md")


if __name__ == "__main__":
    main()
