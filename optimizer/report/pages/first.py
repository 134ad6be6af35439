"""The first screen of a plan: what was asked, the answer in a sentence, what it stands on condition of, key figures."""

from __future__ import annotations

import pandas as pd

from optimizer.explain.rows import PricesAnswer
from optimizer.plan.models import Plan
from optimizer.report.charts import bars
from optimizer.report.pages.context import Context, by_country, day, plural
from optimizer.report.pages.prices import dearest
from optimizer.report.pages.view import Block, Fact, Facts, Figure, table, text_of
from optimizer.report.parts import amount, currency_code, in_currency, money, percent, usd

SMALL, MOST_COUNTRIES = 1e-6, 11


def question(context: Context) -> str:
    """Return what the plan answers, in the instance's words where it has some."""
    if context.instance is not None and context.instance.description.strip():
        return context.instance.description.strip()
    count = len(context.by_workload)
    what = f"the {plural(count, 'workload')}" if count else "the workloads"
    return f"Where should {what} of {context.plan.instance_name or 'this estate'} and their data live?"


def answer(context: Context) -> str:
    """Return the answer in a sentence or two."""
    plan = context.plan
    if plan.status == "infeasible":
        told = "; ".join(row.sentence for row in plan.shortfalls[:3]) or "; ".join(plan.diagnosis[:3])
        remedy = f" What would have to change: {told}." if told else ""
        return f"There is no plan that obeys every rule and limit.{remedy}"
    if plan.status == "no_plan":
        return "No plan was found in the time given; that none exists is not proven."
    where = f"{plural(len(context.regions), 'region')} of {_countries(context)}"
    cost = "" if plan.objective_usd is None else f" for {money(plan.objective_usd)} {context.span()}"
    first = f"{plural(len(context.by_workload), 'workload')} can run lawfully in {where}{cost}."
    return " ".join(filter(None, (first, _proof(plan), _unserved(plan))))


def _countries(context: Context) -> str:
    codes = list(dict.fromkeys(code for code in context.countries if any(
        row.country == code for row in context.plan.placements)))  # fmt: skip
    count = "one country" if len(codes) == 1 else f"{len(codes)} countries"
    return f"{count} ({context.places.named(codes)})"


def _proof(plan: Plan) -> str:
    if plan.bound_usd is None:
        return "How near that is to the least possible cost was not proven."
    gap = plan.gap or 0.0
    if gap < SMALL:
        return "No plan that obeys the same rules costs less: that is proven."
    return f"No plan that obeys the same rules can cost less than {money(plan.bound_usd)}: that is proven."


def _unserved(plan: Plan) -> str:
    names = list(dict.fromkeys(row.workload for row in plan.unserved))
    if not names:
        return ""
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    cost = sum(row.cost_usd or 0.0 for row in plan.unserved)
    return f"Not served, at least in part: {shown} (counted at {money(cost)})."


def condition(plan: Plan) -> str:
    """Return what the plan stands on condition of; "" if of nothing."""
    actions = plan.open_actions
    if not actions:
        return ""
    certificates = dict.fromkeys(
        one.subject.partition("/")[2] for one in actions if one.kind == "confirm_certificate"
    )
    first = min(actions, key=lambda one: one.due)
    told = f" Certificates still to be confirmed: {', '.join(certificates)}." if certificates else ""
    return (
        f"On condition that {plural(len(actions), 'open action')} {'comes' if len(actions) == 1 else 'come'} out well; "
        f"the first is due by {day(first.due)} ({first.owner}).{told}"
    )


def about(plan: Plan, author: str, written: str) -> tuple[tuple[str, str], ...]:
    """Return who wrote the page and when, which data the plan rests on, and the hash of its instance."""
    versions = plan.versions
    data = "; ".join(f"{name} {versions[key]}" for key, name in (
        ("catalogue", "catalogue"), ("laws", "law pack")) if key in versions)  # fmt: skip
    rows = [
        ("Instance", plan.instance_name or ""), ("Written", written), ("Author", author), ("Data", data),
        ("Hash of the instance", (plan.instance_sha256 or "")[:16]),
        ("Currency", _rate(plan)),
    ]  # fmt: skip
    return tuple((name, text_of(value)) for name, value in rows if value)


def _rate(plan: Plan) -> str:
    if plan.currency is None:
        return ""
    of = plan.currency
    return f"1 {of.code} = {of.usd_per_unit:g} USD" + (f" on {day(of.date)}" if of.date is not None else "")


def first_screen(context: Context, prices: PricesAnswer | None = None) -> tuple[Block, ...]:
    """Return the key figures, and where the money goes as one chart."""
    plan = context.plan
    if not plan.held:
        return ()
    facts = [*_cost(plan), *_carbon(plan), *_tightest(plan), *dearest(prices), _risk(plan)]
    return (Facts(tuple(facts)), *_by_country(context))


def _cost(plan: Plan) -> list[Fact]:
    found = []
    if plan.objective_usd is not None:
        note = "" if plan.bound_usd is None else f"at least {usd(plan.bound_usd)} in any plan"
        found.append(Fact("Cost", money(plan.objective_usd), note))
    today = plan.today
    if today is not None and today.saving_usd is not None and today.today_usd is not None:
        share = percent(today.saving_usd / today.today_usd if today.today_usd else None)
        word = "Saved against today" if today.saving_usd >= 0 else "More than today"
        found.append(Fact(word, money(abs(today.saving_usd)), f"{share} of {money(today.today_usd)}; "
                          f"{plural(today.moved, 'workload')} of {today.running:,} move"))  # fmt: skip
    return found


def _carbon(plan: Plan) -> list[Fact]:
    if plan.carbon_kg is None:
        return [Fact("Carbon", "not known", "nothing in the plan has a figure", "warn")]
    high = plan.carbon_high_kg or 0.0
    told = [f"up to {amount(high, 'kg')} at the high estimate"] if high > plan.carbon_kg * (1 + SMALL) else []
    if plan.carbon_unknown_share:
        told.append(f"{percent(plan.carbon_unknown_share)} of the machine hours have no figure")
    return [Fact("Carbon", amount(plan.carbon_kg, "kg CO2e"), "; ".join(told))]


def _tightest(plan: Plan) -> list[Fact]:
    """Return the budget with the least room."""
    of = [row for row in plan.budgets if row.limit > 0]
    if not of:
        return []
    row = max(of, key=lambda one: one.used / one.limit)
    high = row.holds_high is False
    note = f"budget {row.id}" + ("; exceeded at the high estimate" if high else "")
    return [Fact("Tightest budget", f"{percent(row.used / row.limit)} used", note, "warn" if high else "")]


def _risk(plan: Plan) -> Fact:
    weak = sum(bool({"weak", "unreviewed"} & set(entry.flags)) for entry in plan.legal_register)
    count = len(plan.open_actions)
    note = f"{weak} of {plural(len(plan.legal_register), 'law')} from general knowledge or not reviewed" if weak else ""
    return Fact("To be settled", plural(count, "open action"), note, "warn" if count else "good")


def _by_country(context: Context) -> tuple[Block, ...]:
    """Return the cost by country, with what belongs to no place, so that it adds up."""
    plan, found = context.plan, by_country(context)
    if not found:
        return ()
    rows = [(context.places.country(code), one.usd, one.carbon) for code, one in found.items()]
    rows, rest = rows[:MOST_COUNTRIES], rows[MOST_COUNTRIES:]
    if rest:
        more = "1 more country" if len(rest) == 1 else f"{len(rest)} more countries"
        rows.append((more, sum(row[1] for row in rest), ""))
    whole = plan.objective_usd or sum(one.usd for one in found.values()) or 1.0
    other = whole - sum(one.usd for one in found.values())
    if other > SMALL * whole:
        penalty = plan.cost_breakdown_usd.get("unserved", 0.0)
        rows.append(("left unserved" if penalty >= (1 - SMALL) * other else "tied to no country", other, ""))
    frame = pd.DataFrame({
        "country": [name for name, _, _ in rows], "cost": [in_currency(usd_) for _, usd_, _ in rows],
        "told": [f"{usd(usd_)} ({percent(usd_ / whole, 0)})" for _, usd_, _ in rows],
    })  # fmt: skip
    title = "Where the money goes: cost by country"
    chart = bars(frame, "country", "cost", label="told", title=title, unit=currency_code())
    right = [currency_code(), "kg CO2e"]
    numbers = table(title, ["Country", *right], [[name, usd(usd_), kg] for name, usd_, kg in rows], right=right)
    return (Figure(chart, numbers),)
