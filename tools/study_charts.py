"""The charts on the pages of bundled studies: each from the figures that stand beside the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.study_figures import ALL, Figures, bases_of, deferred, of_study, points_of, value_of

if TYPE_CHECKING:
    from optimizer.report.charts import Chart


@dataclass(frozen=True)
class Page:
    """What a page has beside its study: a title, its scenarios in words, the chart, and words short enough for it."""

    title: str
    words: Mapping[str, str]
    chart: Callable[[Page, Figures], Chart]
    short: Mapping[str, str]
    grid: tuple[Mapping[str, str], Mapping[str, str]] | None = None
    """Of a study of two axes on one base: rows and columns of the table, the parts of the scenarios' names in words."""
    frontier: str = ""
    """Of a study of a frontier: its id; the table tells its ends and its knee."""

    def mark(self, base: str, name: str) -> str:
        """Return what a scenario of a base is called in the chart."""
        return f"{base}, {self.short[name]}"


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


def crossover_chart(
    millions: float, per_s: float, own: str, bought: str
) -> Callable[[Page, Figures], Chart]:  # fmt: skip
    """What a million units cost by how many there are, a line for each column of the table; of the first row there are
    `millions`, at `per_s`. Named is the first amount at which the column `own` costs less than `bought`.
    """

    def chart(page: Page, figures: Figures) -> Chart:
        import pandas as pd

        from optimizer.report.charts import lines

        assert page.grid is not None
        (base,), (down, across), rows, crossed = bases_of(figures), page.grid, [], False
        for row in down:
            times = float(row.partition("=")[2])
            usd = {column: value_of(figures, base, f"{row},{column}") for column in across}
            below = usd[own] is not None and usd[bought] is not None and usd[own] < usd[bought]  # type: ignore[operator]
            for column, value in usd.items():
                if value is not None:
                    told = f"{page.short[own]} costs less" if column == bought and below and not crossed else ""
                    rows.append({"per_s": per_s * times, "usd": value / (millions * times),
                                 "way": across[column], "label": told})  # fmt: skip
            crossed |= below
        return lines(
            pd.DataFrame(rows), "per_s", "usd", "way", title=page.title, x_unit="output tokens a second",
            y_unit="USD for a million output tokens", label="label", log=True,
        )  # fmt: skip

    return chart


def saving_chart(page: Page, figures: Figures) -> Chart:
    """What each scenario saves beside the first, in % of what that costs."""
    import pandas as pd

    from optimizer.report.charts import bars

    first, *then = page.words
    rows = []
    for base in bases_of(figures):
        least = value_of(figures, base, first)
        rows += [
            {"what": page.mark(base, name), "saved": 100.0 * (least - value) / least}
            for name in then if least and (value := value_of(figures, base, name)) is not None
        ]  # fmt: skip
    unit = f"% of the bill saved beside {page.words[first]}"
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

        left = {row["name"]: dict(deferred(row)) for row in of_study(figures)}
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


def lost_chart(without: str, survives: str) -> Callable[[Page, Figures], Chart]:
    """The share that is served when the region is lost whose loss takes most, in two scenarios; behind a name what the
    second costs more than the first, or that it has no plan.
    """

    def chart(page: Page, figures: Figures) -> Chart:
        import pandas as pd

        from optimizer.report.charts import dumbbell

        rows = []
        for base in bases_of(figures):
            shares = [value_of(figures, base, name, "served_if_region_lost") for name in (without, survives)]
            costs = [value_of(figures, base, name) for name in (without, survives)]
            if shares[0] is not None and costs[0]:
                one = 100.0 * shares[0]
                two = one if shares[1] is None else 100.0 * shares[1]
                more = "no plan" if costs[1] is None else f"{100.0 * (costs[1] / costs[0] - 1.0):+.0f} %"
                rows.append({"what": f"{base}, {more}", "one": one, "two": two})
        unit = "% of the peak demand that is served without that region; behind a name: what survival costs"
        return dumbbell(pd.DataFrame(rows), "what", "one", "two", title=page.title, unit=unit, zero=True,
                        names=(page.short[without], page.short[survives]))  # fmt: skip

    return chart


def deferred_chart(scenario: str) -> Callable[[Page, Figures], Chart]:
    """The share of each workload that a scenario does not serve."""

    def chart(page: Page, figures: Figures) -> Chart:
        import pandas as pd

        from optimizer.report.charts import bars

        rows = [
            {"what": f"{row['base']}, {name}", "share": 100.0 * share}
            for row in of_study(figures) if row["name"] == scenario for name, share in deferred(row)
        ]  # fmt: skip
        return bars(pd.DataFrame(rows), "what", "share", title=page.title, unit="% of the demand that is deferred")

    return chart


def frontier_chart(y_unit: str, *, of_first: bool) -> Callable[[Page, Figures], Chart]:
    """A line for each base: what the points cost more than the first, and their amounts, in % (`of_first`: of the first
    point's). The knee of each line is named.
    """

    def chart(page: Page, figures: Figures) -> Chart:
        import pandas as pd

        from optimizer.report.charts import lines

        rows = []
        for base in bases_of(figures):
            points = points_of(figures, base, page.frontier)
            for one in points:
                unit = points[0]["amount"] if of_first else 1.0
                rows.append({
                    "what": base, "more": 100.0 * (one["cost_usd"] / points[0]["cost_usd"] - 1.0),
                    "amount": 100.0 * one["amount"] / unit if unit else 0.0, "label": "knee" if one["is_knee"] else "",
                })  # fmt: skip
        return lines(pd.DataFrame(rows), "more", "amount", "what", title=page.title, y_unit=y_unit, label="label",
                     x_unit="% more than the least cost")  # fmt: skip

    return chart
