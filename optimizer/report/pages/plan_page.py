"""The page of a plan: its sections in the order in which a reader needs them."""

from __future__ import annotations

from optimizer.explain.options_left import OptionsStep, options_left
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan
from optimizer.report.pages.amounts import carbon_section, cost_section
from optimizer.report.pages.answers import WHY_NONE, Answers, answer_sections
from optimizer.report.pages.basis import annex_section, basis_section, feasible_section
from optimizer.report.pages.context import Context
from optimizer.report.pages.first import about, answer, condition, first_screen, question
from optimizer.report.pages.limits import deciding_section, limits_section
from optimizer.report.pages.settle import actions_section, law_section
from optimizer.report.pages.view import Page, Section, notes, text_of
from optimizer.report.pages.where import where_section
from optimizer.report.parts import amounts_in
from optimizer.report.plain import printable_model

ASK = (
    "Which rules cannot hold together, and which changes would give a plan, was not asked: domicile explain infeasible "
    "--json, whose answer becomes part of this page with --with."
)


def plan_page(
    plan: Plan, instance: Instance | None = None, *, answers: Answers | None = None, author: str = "",
    written: str = "", asked: str = "", borders: bool = False, steps: tuple[OptionsStep, ...] = (),
) -> Page:  # fmt: skip
    """Return the page of a plan.

    `instance`: what the plan is of, for its question, its persons and where its users are. `answers` of other commands
    become part of it. `asked` replaces the question; `written` is the day. `steps`: what the rules leave over
    (`steps_of`).
    """
    plan, answers = printable_model(plan), answers or Answers()
    context = Context(plan, instance, steps, borders)
    with amounts_in(plan.currency):
        sections: list[Section | None] = []
        if plan.held:
            sections += [
                where_section(context), actions_section(context, written), law_section(context),
                limits_section(context, answers.prices), deciding_section(context), cost_section(context),
                carbon_section(context),
            ]  # fmt: skip
        sections += answer_sections(answers)
        if plan.status == "infeasible" and answers.infeasible is None:
            sections.append(Section("conflict", WHY_NONE, "", notes(ASK)))
        sections += [feasible_section(context), basis_section(context), annex_section(context)]
        return Page(
            title=text_of(plan.instance_name or "Plan"), kind="Plan", question=text_of(asked or question(context)),
            answer=text_of(answer(context)), condition=text_of(condition(plan)), about=about(plan, author, written),
            first=first_screen(context, answers.prices), sections=tuple(one for one in sections if one is not None),
        )  # fmt: skip


def steps_of(instance: Instance) -> tuple[OptionsStep, ...]:
    """Return what the rules of an instance leave over of all options, without a solve; nothing where it has none."""
    from optimizer.compile import compile_instance
    from optimizer.errors import InfeasibleError

    try:
        return options_left(compile_instance(instance, instance.folder))
    except InfeasibleError:
        return ()


