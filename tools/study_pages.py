"""Run bundled studies and write their pages: `python -m tools.study_pages NAME ... [--runs FOLDER] [--workers N]`.

For each study of `instances/studies` it writes `docs/studies/NAME.md`, `NAME.svg` and `NAME.csv`, the figures that both
are made from. A run goes on from what lies in FOLDER/NAME (`domicile study run`). `--write-only` makes pages and charts
anew from the figures that are there, without solving anything.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.bundled import bundled_studies
from optimizer.instance.yaml_reader import read_yaml
from optimizer.plan.files import write_whole
from optimizer.report.study_view import finding_runs
from optimizer.study import StudyFolder, load_study, run_study, scenario_rows
from optimizer.study.findings import FindingResult, judged
from optimizer.study.models import BASE, Study
from optimizer.study.solving import served_shares, unpacked_plan

if TYPE_CHECKING:
    from optimizer.plan.models import Plan
    from optimizer.report.charts import Chart

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "studies"
COLUMNS = (
    "base", "name", "rerun", "status", "objective_usd", "bound_usd", "spent_usd", "served_share", "carbon_kg",
    "deferred",
)  # fmt: skip
ALL, LEAST_TOLD = 0.9995, 0.005
Figures = list[dict[str, Any]]


@dataclass(frozen=True)
class Page:
    """What a page has beside its study: a title, its scenarios in words, the chart, and words short enough for it."""

    title: str
    words: Mapping[str, str]
    chart: Callable[[Page, Figures], Chart]
    short: Mapping[str, str]
    grid: tuple[Mapping[str, str], Mapping[str, str]] | None = None
    """Of a study of two axes on one base: rows and columns of the table, the parts of the scenarios' names in words."""

    def mark(self, base: str, name: str) -> str:
        """Return what a scenario of a base is called in the chart."""
        return f"{base}, {self.short[name]}"


def of_study(figures: Figures, rerun: str = "") -> Figures:
    """Return the figures as stated, or of one rerun."""
    return [row for row in figures if row["rerun"] == rerun]


def bases_of(figures: Figures) -> list[str]:
    """Return the bases, in their order."""
    return list(dict.fromkeys(row["base"] for row in figures))


def value_of(figures: Figures, base: str, name: str, figure: str = "objective_usd") -> float | None:
    """Return a figure of a scenario, None where it has none."""
    found = [row[figure] for row in of_study(figures) if (row["base"], row["name"]) == (base, name)]
    return found[0] if found else None


def steps_chart(page: Page, figures: Figures) -> Chart:
    """What is left of the bill when one kind of rule after the other is lifted, in % of the bill without rules."""
    import pandas as pd

    from optimizer.report.charts import waterfall

    first, rows = list(page.words)[-1], []
    for base in bases_of(figures):
        least = value_of(figures, base, first)
        for name in page.words:
            value = value_of(figures, base, name)
            if least and value is not None:
                rows.append({"step": page.mark(base, name), "left": 100.0 * value / least})
    frame = pd.DataFrame(rows)
    return waterfall(frame, "step", "left", title=page.title, unit=f"% of the bill with {page.words[first]}")


def dumbbell_chart(page: Page, figures: Figures) -> Chart:
    """What each scenario spends, in % of the first; where not all is served the name says how much is."""
    import pandas as pd

    from optimizer.report.charts import dumbbell

    first, *then = page.words
    rows = []
    for base in bases_of(figures):
        for name in then:
            before, after = (value_of(figures, base, one, "spent_usd") for one in (first, name))
            share = value_of(figures, base, name, "served_share")
            if before and after is not None and share is not None:
                served = "" if share > ALL else f", {share:.0%}"
                rows.append({"what": page.mark(base, name) + served, "one": 100.0, "two": 100.0 * after / before})
    unit = f"spent, % of {page.words[first]}; behind a name: the share served, if not all"
    return dumbbell(
        pd.DataFrame(rows), "what", "one", "two", title=page.title, unit=unit, names=(page.words[first], "then")
    )  # fmt: skip


def bars_chart(of: float) -> Callable[[Page, Figures], Chart]:
    """A bar for each cell of the table: USD for a million units, of which the first row has `of` millions."""

    def chart(page: Page, figures: Figures) -> Chart:
        import pandas as pd

        from optimizer.report.charts import bars

        assert page.grid is not None
        (base,), (down, across), rows = bases_of(figures), page.grid, []
        for row, words in down.items():
            units = of * float(row.partition("=")[2])
            for column in across:
                value = value_of(figures, base, f"{row},{column}")
                if value is not None:
                    rows.append({"what": f"{words}, {page.short[column]}", "usd": value / units})
        return bars(pd.DataFrame(rows), "what", "usd", title=page.title, unit="USD for a million output tokens")

    return chart


def saving_chart(page: Page, figures: Figures) -> Chart:
    """What each scenario saves beside the first."""
    import pandas as pd

    from optimizer.report.charts import bars

    first, *then = page.words
    (base,) = bases_of(figures)
    least = value_of(figures, base, first)
    rows = [
        {"what": f"{page.short[name]} devices", "saved": least - value}
        for name in then if least is not None and (value := value_of(figures, base, name)) is not None
    ]  # fmt: skip
    unit = f"USD a month saved beside {page.words[first]}"
    return bars(pd.DataFrame(rows), "what", "saved", title=page.title, unit=unit)


def costs_chart(page: Page, figures: Figures) -> Chart:
    """What each scenario of one base costs, the price of what is not served included."""
    import pandas as pd

    from optimizer.report.charts import bars

    (base,) = bases_of(figures)
    rows = [{"what": page.short[name], "usd": value_of(figures, base, name)} for name in page.words]
    unit = "USD a month, with the price of what is not served"
    return bars(pd.DataFrame(rows), "what", "usd", title=page.title, unit=unit)


def served_chart(before: str, after: str) -> Callable[[Page, Figures], Chart]:
    """The share of each workload that is served in two scenarios, of those that one of them does not serve in full."""

    def chart(page: Page, figures: Figures) -> Chart:
        import pandas as pd

        from optimizer.report.charts import dumbbell

        left = {row["name"]: dict(_deferred(row)) for row in of_study(figures)}
        names = sorted({*left[before], *left[after]})
        rows = [
            {"what": name.upper(), "one": 100.0 * (1.0 - left[before].get(name, 0.0)),
             "two": 100.0 * (1.0 - left[after].get(name, 0.0))} for name in names
        ]  # fmt: skip
        return dumbbell(
            pd.DataFrame(rows), "what", "one", "two", title=page.title, unit="% of the demand that is served at home",
            names=(page.short[before], page.short[after]), zero=True,
        )  # fmt: skip

    return chart


def deferred_chart(scenario: str) -> Callable[[Page, Figures], Chart]:
    """The share of each workload that a scenario does not serve."""

    def chart(page: Page, figures: Figures) -> Chart:
        import pandas as pd

        from optimizer.report.charts import bars

        rows = [
            {"what": f"{row['base']}, {name}", "share": 100.0 * share}
            for row in of_study(figures) if row["name"] == scenario for name, share in _deferred(row)
        ]  # fmt: skip
        return bars(pd.DataFrame(rows), "what", "share", title=page.title, unit="% of the demand that is deferred")

    return chart


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
        bars_chart(123.5),
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
    "what-to-negotiate": Page(
        "What to negotiate",
        {BASE: "6 devices, as today", "devices=7": "7", "devices=8": "8", "devices=10": "10", "devices=12": "12"},
        saving_chart,
        {"devices=7": "7", "devices=8": "8", "devices=10": "10", "devices=12": "12"},
    ),
    "framework-annulled": Page(
        "The EU-US framework annulled",
        {BASE: "framework in force", "annulled": "framework annulled", "clauses-fail-too": "clauses fail too"},
        dumbbell_chart,
        {"annulled": "annulled", "clauses-fail-too": "no SCC"},
    ),
}


def figures_of(folder: StudyFolder) -> Figures:
    """Return the figures of a study that has been run, one row for each scenario; `deferred` names the workloads that
    are not served in full, with the share that is not.
    """
    keys = {one["id"]: one["key"] for one in folder.manifest()["scenarios"]}
    told = [{name: row.get(name) for name in COLUMNS} for row in scenario_rows(folder)]
    for row, key in zip(told, keys.values(), strict=True):
        row["deferred"] = deferred_in(unpacked_plan(folder.plan(key)))
    return told


def deferred_in(plan: Plan | None) -> str:
    """Return which workloads a plan does not serve in full, and the share it does not: `coding 0.1172|tuning 1`."""
    shares = {} if plan is None else served_shares(plan)
    return "|".join(f"{name} {1.0 - share:.4g}" for name, share in sorted(shares.items()) if share <= ALL)


def read_figures(path: Path) -> Figures:
    """Return the figures that were written beside a page."""
    text = {"base", "name", "rerun", "status", "deferred"}
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            {key: value if key in text else float(value) if value else None for key, value in row.items()}
            for row in csv.DictReader(stream)
        ]


def written(figures: Figures) -> str:
    """Return figures as CSV; the sixth digit is beyond any gap."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in figures:
        table.writerow([f"{row[key]:.6g}" if isinstance(row[key], float) else row[key] for key in COLUMNS])
    return out.getvalue()


def results_of(study: Study, figures: Figures) -> tuple[FindingResult, ...]:
    """Return what came of the study's findings, by the figures written beside its page."""
    records = {(row["base"], row["rerun"], row["name"]): row for row in figures}
    return judged(study, bases_of(figures), records)


def page_text(name: str, study: Study, figures: Figures) -> str:
    """Return the page of a study."""
    page, results = PAGES[name], results_of(study, figures)
    parts = [
        f"# {page.title}", f"*{study.question}*", *_answer(results), f"![{page.title}]({name}.svg)",
        "\n".join(_table(page, figures)), "## What held, and what did not", _told(study, results),
        "## Assumptions", _listed(study.assumptions), "## What the data cannot say", _listed(study.cannot_say),
        "## Run it again",
        f"`domicile study run {name} --out FOLDER` solves the {len(figures)} scenarios and prints what held;\n"
        f"`python -m tools.study_pages {name}` writes this page, its chart and\n"
        f"[the figures of every scenario]({name}.csv) anew. The study:\n"
        f"[{name}.yaml](../../instances/studies/{name}.yaml); its instances: {_instances(study)}.",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _instances(study: Study) -> str:
    named = study.bases or (study.base or "",)
    if all(name.startswith("archetypes/") for name in named):
        return "of [the panel of archetypes](../archetypes.md)"
    return ", ".join(f"[{name}](../../instances/{name}.yaml)" for name in named)


def _answer(results: Sequence[FindingResult]) -> list[str]:
    """Return the answer: the findings that hold, each with the bases in which it does."""
    held: dict[str, list[str]] = {}
    for one in results:
        if one.verdict == "holds":
            held.setdefault(one.says, []).append(one.base)
    if not held:
        return ["**No statement of the study held in every rerun.**"]
    several = len({one.base for one in results}) > 1
    return [f"**{says}**{_of(bases) if several else ''}" for says, bases in held.items()]


def _of(bases: Sequence[str]) -> str:
    return f" ({', '.join(bases)})"


def _told(study: Study, results: Sequence[FindingResult]) -> str:
    if not results:
        return "The study states no finding."
    runs = ", ".join(one.id for one in study.reruns)
    head = f"Judged as stated and in the reruns {runs}; what one does not bear out is withdrawn.\n\n" if runs else ""
    rows = [f"| {one.base} | {one.says} | {one.verdict} | {finding_runs(one)} |" for one in results]
    return head + "\n".join(["| instance | statement | verdict | figure |", "|---|---|---|---|", *rows])


def _listed(items: Iterable[str]) -> str:
    return "\n".join(f"* {item}" for item in items)


def _table(page: Page, figures: Figures) -> list[str]:
    """Return the table of costs, a row for each base and a column for each scenario; less than all served is told."""
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


def _deferred(row: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return the workloads that a row says are deferred, and the share of each."""
    pairs = (item.rpartition(" ") for item in row["deferred"].split("|") if item)
    return [(name, float(share)) for name, _, share in pairs if float(share) > LEAST_TOLD]


def _cell(figures: Figures, base: str, name: str) -> str:
    row = next((one for one in of_study(figures) if (one["base"], one["name"]) == (base, name)), None)
    if row is None:
        return ""
    if row["objective_usd"] is None:
        return str(row["status"]).replace("_", " ")
    share = row["served_share"]
    part = f" ({share:.0%} served)" if share is not None and share <= ALL else ""
    part += f"; deferred: {', '.join(f'{name} {gone:.0%}' for name, gone in _deferred(row))}" if part else ""
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
