"""What pages say: figures of plans and studies, where to find them, and that they are those of the plan."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from page_reading import figures, section, tables, texts
from page_toys import (
    CONFLICT,
    FRONTIER,
    INSTANCE,
    PRICES,
    STUDY_COSTS_EUR,
    hostile_answers,
    hostile_plan,
    toy_plan,
)

import domicile
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan
from optimizer.plan.rows import PlanCurrency
from optimizer.report.pages.answers import Answers
from optimizer.report.pages.plan_page import plan_page, steps_of
from optimizer.report.pages.study_page import study_page
from optimizer.report.pages.view import LONGEST_TEXT, Figure, Page, Table
from optimizer.study import StudyFolder

MARK = re.compile(r'aria-label="([^"]+)"[^>]*role="graphics-symbol" aria-roledescription="(?:bar|rect)')


@pytest.fixture(scope="module")
def page() -> Page:
    return plan_page(toy_plan(), author="A. Planner", written="2026-11-30")


def test_the_first_screen_answers_in_a_sentence(page: Page) -> None:
    """Question, answer with cost and proof, what is not served, the condition, who wrote it, on which data."""
    assert page.question == "Where should the 2 workloads of estate and their data live?"
    assert page.answer == (
        "2 workloads can run lawfully in 3 regions of 3 countries (Ireland, Netherlands and France) for 8,000 USD over "
        "one month from 1 January 2027. No plan that obeys the same rules can cost less than 7,996 USD: that is "
        "proven. Not served, at least in part: search (counted at 200.00 USD)."
    )
    assert page.condition.startswith("On condition that 9 open actions come out well; the first is due by 1 December")
    assert dict(page.about)["Author"] == "A. Planner"
    assert dict(page.about)["Hash of the instance"] == "ab" * 8
    facts = {one.name: (one.value, one.note) for block in page.first if block.kind == "facts" for one in block.facts}
    assert facts["Cost"] == ("8,000 USD", "at least 7,996 in any plan")
    assert facts["Carbon"][0] == "60 kg CO2e"
    assert facts["Carbon"][1] == "up to 66 kg at the high estimate; 25.0 % of the machine hours have no figure"
    assert facts["Tightest budget"][0] == "75.0 % used"
    assert facts["To be settled"] == ("9 open actions", "1 of 2 laws from general knowledge or not reviewed")


def test_costs_by_country_add_up_to_the_cost(page: Page) -> None:
    """What belongs to no country has a row of its own, and carbon that is not known in full says so."""
    rows = tables(page)["Where the money goes: cost by country"]
    assert rows == [["Ireland", "4,000", "40"], ["Netherlands", "2,700", "unknown"], ["France", "1,000", "20"],
                    ["tied to no country", "300.00", ""]]  # fmt: skip


def test_limits_have_their_slack_the_tightest_first(page: Page) -> None:
    """Those without room come first; the roomier ones are folded, not left out."""
    found = section(page, "limits")
    assert found.lead == "16 limits bear on this plan; 1 leaves no room: quota of H100 in aws:r0."
    first = tables(found)["Budgets, shares and quotas"]
    assert first[0] == ["quota of H100 in aws:r0", "100 %", "8", "8", "0"]
    assert first[1][0] == "policy cap-aws (at most)"
    assert first[2] == ["budget carbon", "75 %", "60 kg", "80 kg", "20 kg"]
    assert len(first) + len(tables(found)["The other limits"]) == 16


def test_the_law_is_told_by_destination_by_workload_and_by_law(page: Page) -> None:
    """Verdict, safeguards and the weakest law of each destination; every workload in every country; citations."""
    found = tables(section(page, "law"))
    by = {row[0]: row[1:] for row in found["Law by destination"]}
    assert by["France"] == ["not stated", "allowed with safeguards", "SCC_EU", "EU-GDPR-CHV", "partly verified in page"]
    assert by["Netherlands"][-1] == "from general knowledge"
    trace = found["Law trace: every workload in every country"]
    assert [row[:2] for row in trace] == [["chat", "Ireland"], ["chat", "France"], ["train", "Netherlands"],
                                          ["corpus", "Netherlands"]]  # fmt: skip
    assert ["RU-LOCAL", "", "free", "152-FZ", "from general knowledge", ""] in found["Legal register"]
    assert found["Options that a rule alone keeps out"] == [["EU-GDPR-CHV", "5", "chat"]]


def test_operational_and_embodied_carbon_are_apart(page: Page) -> None:
    """By place, and what is not known is not 0."""
    rows = tables(section(page, "carbon"))["Carbon by place: operational and embodied"]
    assert rows == [["aws:eu-west-1 IE", "30", "10"], ["scaleway:fr-par FR", "15", "5"],
                    ["gcp:europe-west4 NL", "unknown", "unknown"]]  # fmt: skip


def test_what_the_plan_rests_on_is_told(page: Page) -> None:
    """Weak figures, assumed conditions, options out for want of a figure, laws without effect."""
    found = section(page, "basis")
    assert found.lead == (
        "1 condition is taken as met. Options out for want of a figure cost at most 40.00 USD (0.5 % of the cost). "
        "Refusing what nobody knows costs at most 80.00 USD (1.0 % of the cost)."
    )
    told = tables(found)
    assert told["Conditions taken as met"] == [["EU-GDPR-CHV: consent"]]
    assert told["Options out for want of a figure"] == [["power", "carbon", "7", "3", "40.00"]]
    texts = [text for block in found.blocks if block.kind == "notes" for text in block.texts]
    assert "Laws that touch this estate and have no effect on the plan yet: EU-DATAACT-29." in texts


def test_figures_all_have_their_numbers(page: Page, study_results: Path) -> None:
    """No figure without rows, in plans and in studies, and no bar or cell in one that is not in its table."""
    for one in (page, study_page(StudyFolder(study_results))):
        found = figures(one)
        assert len(found) >= 4
        assert all(figure.table.rows for figure in found)
        every: list[str] = []
        for figure in found:
            told = " ".join(f"{cell.text} {cell.note}" for row in figure.table.rows for cell in row)
            marks = [unescape(text) for text in MARK.findall(figure.chart.svg())]
            assert not [text for text in marks if text.split(": ")[0].split(", ")[0] not in told], figure.title
            every += marks
        assert len(every) > 8


def test_amounts_are_in_the_currency_of_the_instance() -> None:
    """At the rate of the plan, which is told."""
    page = plan_page(toy_plan(currency=PlanCurrency(code="EUR", usd_per_unit=2.0).model_dump()))
    assert "for 4,000 EUR over one month" in page.answer
    assert dict(page.about)["Currency"] == "1 EUR = 2 USD"
    assert tables(section(page, "cost"))["Cost by term"][-1] == ["total", "4,000", ""]


def test_a_plan_that_holds_nothing_says_why() -> None:
    """Infeasible: the shortfalls are the answer; stopped: nothing is claimed."""
    shortfall = {"basis": "alone", "rule": "budget", "id": "carbon", "direction": "rise", "sentence": "let carbon rise"}
    none = Plan.model_validate({"status": "infeasible", "shortfalls": [shortfall]}, strict=False)
    told = "There is no plan that obeys every rule and limit. What would have to change: let carbon rise."
    assert plan_page(none).answer == told
    assert "not proven" in plan_page(Plan(status="no_plan")).answer


def test_texts_are_printable_and_end() -> None:
    """Nothing that steers a terminal or turns the direction of text, and nothing without end."""
    page = plan_page(hostile_plan(), answers=hostile_answers())
    texts = [text for one in page.sections for rows in tables(one).values() for row in rows for text in row]
    texts += [page.question, page.answer, page.condition, *(text for pair in page.about for text in pair)]
    texts += [text for one in page.sections for text in (one.title, one.lead)]
    assert any("window.hurt" in text for text in texts)
    assert not [text for text in texts if re.search("[\x00-\x1f\u202e]", text) or len(text) > LONGEST_TEXT]


def test_prices_and_frontiers_become_part_of_it(tmp_path: Path) -> None:
    """What explain prices and study frontier print is shown with the plan; any other file is an error."""
    answers = {"prices": PRICES, "frontier": FRONTIER}
    plan = tmp_path / "plan.json"
    toy_plan().write(plan)
    options = []
    for name, answer in answers.items():
        (tmp_path / f"{name}.json").write_text(answer.model_dump_json(), encoding="utf-8")
        options += ["--with", str(tmp_path / f"{name}.json")]
    out = tmp_path / "out.html"
    run = _report(plan, "--html", out, *options)
    assert run.exit_code == 0, run.output
    html = out.read_text(encoding="utf-8")
    assert "What each rule costs: saved without it" in html
    assert ">100.20 USD</span>" in html
    assert "What less carbon costs" in html
    assert ">5.00</span>" in html, "50 USD more for 10 kg less"
    run = _report(plan, "--html", out, "--with", plan)
    assert run.exit_code == 2
    assert "is no answer that a page can show" in run.output


def test_whose_data_cross_a_border_is_told_by_the_streams_served_there() -> None:
    """Of a service for Germany and France the German half is served from Ireland; the French half stays at home."""
    (chat,) = INSTANCE["workloads"]
    streams = [{"origin": "DE", "rate": 40.0}, {"origin": "FR", "rate": 10.0}]
    service = {**chat, "streams": streams, "data": {"categories": ["personal"]}}
    instance = Instance.model_validate({**INSTANCE, "workloads": [service]})
    page = plan_page(toy_plan(), instance)
    found = tables(section(page, "law"))
    assert found["Data of persons that cross a border"] == [
        ["Germany", "Ireland", "chat", "no safeguard asked for", "EU-GDPR-CHV"]]  # fmt: skip
    (law,) = (one for one in section(page, "law").blocks if isinstance(one, Table) and one.caption.startswith("Law by"))
    assert {row[0].text: row[1].note for row in law.rows} == {
        "Ireland": "of Germany", "France": "of France", "Netherlands": ""}  # fmt: skip


def test_what_a_page_does_not_say_it_says_how_to_ask(page: Page) -> None:
    """The tightest round trip; other places; today's set-up; why there is no plan."""
    told = " ".join(texts(section(page, "where")))
    assert "The round trip nearest to its limit: chat, 31 of 45 ms to aws:eu-west-1 (estimated)." in told
    assert "domicile explain why estate WORKLOAD --plan plan.json --region REGION" in told
    assert any("no set-up of today" in text for text in texts(section(page, "cost")))
    none = plan_page(Plan(status="infeasible"))
    assert "domicile explain infeasible" in texts(section(none, "conflict"))[0]


@pytest.mark.parametrize(("over", "title", "column", "amount"), [
    ("water", "What less water costs", "Each l less costs", "50 l of water"),
    ("waiting", "What less waiting of jobs costs", "Each hour less costs", "50 h of waiting"),
    ("market_based", "What less carbon by suppliers' claims costs", "Each kg less costs", "50 kg CO2e"),
    ("providers", "What having fewer providers costs", "One fewer costs", "50 providers"),
    ("carbon", "What less carbon costs", "Each kg less costs", "50 kg CO2e"),
])  # fmt: skip
def test_a_frontier_is_told_in_the_words_of_what_it_is_over(over: str, title: str, column: str, amount: str) -> None:
    """Heading, unit and slope: 50 USD more for 10 less; one point is a sentence and a table, and no figure."""
    answer = FRONTIER.model_copy(update={"over": over})
    found = section(plan_page(toy_plan(), answers=Answers(frontiers=(answer,))), "frontier-1")
    assert found.title == title
    assert f"From 100.00 USD ({amount})" in found.lead
    (figure,) = found.blocks
    assert isinstance(figure, Figure)
    assert figure.table.columns[-1].name == column
    assert figure.table.rows[1][-1].text == "5.00"
    alone = answer.model_copy(update={"points": FRONTIER.points[:1]})
    found = section(plan_page(toy_plan(), answers=Answers(frontiers=(alone,))), "frontier-1")
    assert found.lead.startswith("One plan is best in both")
    assert isinstance(found.blocks[0], Table)


def test_what_binds_has_its_price() -> None:
    """Beside each limit what is saved without it, a default quota by the default's price; the dearest rule first."""
    page = plan_page(toy_plan(), answers=Answers(prices=PRICES))
    found = section(page, "limits")
    limits = {row[0]: row[-1] for row in tables(found)["Budgets, shares and quotas"]}
    assert limits["budget carbon"] == "100.20 USD"
    assert limits["policy cap-aws (at most)"] == "0 USD"
    assert limits["quota of H100 in aws:r0"] == "20 to 60 USD"
    rows = tables(found)["What each rule costs: saved without it"]
    assert rows[0] == ["budget:carbon", "100.20 USD", "no plan (1 %)", "0 USD (1 %)", "+5", "chat"]
    assert rows[1][2] == "at least 5.00 USD (1 under the quota)"
    (figure,) = (one for one in found.blocks if isinstance(one, Figure))
    assert "1 rule without a bar cost nothing" in figure.note
    assert any("300.20 USD would be saved, not the 120 to 160 USD that each alone" in text for text in texts(found))
    facts = {one.name: one for block in page.first if block.kind == "facts" for one in block.facts}
    assert (facts["Dearest rule"].value, facts["Dearest rule"].note) == ("100.20 USD", "saved without budget:carbon")


def test_without_prices_the_page_says_how_to_ask(page: Page) -> None:
    """No price is shown that nobody asked for."""
    assert "domicile report --prices SECONDS" in texts(section(page, "limits"))[0]
    assert "Dearest rule" not in {one.name for block in page.first if block.kind == "facts" for one in block.facts}


def test_the_command_asks_for_prices(tmp_path: Path, toy_instance: Path) -> None:
    """Solved here: four devices at half the price are all that the work needs, so that no rule costs anything."""
    plan = domicile.solve(domicile.load(toy_instance), switching=0)
    plan.write(tmp_path / "plan.json")
    out = tmp_path / "out.html"
    run = _report(tmp_path / "plan.json", "--html", out, "--instance", toy_instance, "--prices", 30)
    assert run.exit_code == 0, run.output
    assert "Without it saves" in out.read_text(encoding="utf-8")
    assert "name it by --instance" in _report(tmp_path / "plan.json", "--html", out, "--prices", 30).output


def test_why_there_is_no_plan_becomes_part_of_it() -> None:
    """The conflict with what each rule costs, the repairs, and the demand that is left where it was found out."""
    none = Plan(status="infeasible")
    for waterfall, count in ((CONFLICT.waterfall, 1), (CONFLICT.waterfall[:1], 0)):
        answer = CONFLICT.model_copy(update={"waterfall": waterfall})
        found = section(plan_page(none, answers=Answers(infeasible=answer)), "conflict")
        assert sum(isinstance(block, Figure) for block in found.blocks) == count
    told = tables(found)
    assert told["Conflict 1: 80 kg is too little"] == [["budget:carbon", "80 kg", "", "100.00 USD"]]
    assert told["What would give it a plan"] == [["set budget carbon to 90", "120.00", "unknown"]]


def _report(*arguments: object):  # type: ignore[no-untyped-def]
    from domicile.cli import main

    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_the_instance_adds_its_words_its_map_and_the_waterfall(tmp_path: Path, toy_instance: Path) -> None:
    """Solved here: the description is the question, inline regions are on the map, options are counted."""
    instance = domicile.load(toy_instance)
    plan = domicile.solve(instance, switching=0)
    page = plan_page(plan, instance, steps=steps_of(instance))
    assert page.question == INSTANCE["description"]
    found = tables(section(page, "where"))
    assert found["Places on the map"] == [["p:north", "Germany", "1", "400.00"]]
    assert found["Machines"] == [["X", "g1", "4", "400", "400.00"]]
    assert found["Data flows"] == [["Germany", "p:north (p:north)", "people served", "40 units/s at peak"]]
    assert tables(section(page, "feasible"))["Options left after each rule"][0][:2] == [
        "all options", "2"]  # fmt: skip
    trace = next(block for block in section(page, "law").blocks if isinstance(block, Table) and block.key == "trace")
    assert trace.rows[0][0].note == "non-personal"
    file = tmp_path / "plan.json"
    plan.write(file)
    run = _report(file, "--instance", toy_instance, "--figures", tmp_path / "figures", "--borders")
    assert run.exit_code == 0, run.output
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert "02-where-it-runs-and-between-which-places-data-flow.svg" in names
    assert len([name for name in names if name.endswith(".png")]) == len(names) / 2


def test_another_instance_than_the_plans_is_refused(tmp_path: Path, toy_instance: Path) -> None:
    """A page that mixes two estates would be worse than none."""
    toy_plan().write(tmp_path / "plan.json")
    run = _report(tmp_path / "plan.json", "--html", tmp_path / "out.html", "--instance", toy_instance)
    assert run.exit_code == 2
    assert "is not the instance of the plan" in run.output
    assert not (tmp_path / "out.html").exists()


def test_the_command_asks_for_something_to_write(tmp_path: Path) -> None:
    """Without --html and --figures there is nothing to do."""
    assert "--html FILE, --figures FOLDER" in _report(tmp_path / "plan.json").output


def test_a_study_is_told_with_what_its_scenarios_cost(study_results: Path) -> None:
    """Cost of each scenario by hand; the lever and the uncertainty apart; who has no plan, and why."""
    page = study_page(StudyFolder(study_results))
    assert page.question == "How many devices should we ask for?"
    rows = {row[0]: row for row in tables(section(page, "scenarios"))["All scenarios"]}
    costs = {name: f"{cost:,.2f}" if cost is not None else "" for name, cost in STUDY_COSTS_EUR.items()}
    assert {name: row[4] for name, row in rows.items()} == costs
    assert page.answer.startswith("5 of 6 scenarios have a plan; 1 scenario has no plan. Cost lies between 400.00 EUR")
    assert "devices = 4 costs least: 550.00 EUR in the middle" in page.answer
    lever = tables(section(page, "decide"))["Cost by devices: least, middle and most of its scenarios"]
    assert [row[:5] for row in lever] == [["0", "2 of 2", "600.00", "750.00", "900.00"],
                                          ["4", "2 of 2", "400.00", "550.00", "700.00"]]  # fmt: skip
    closed = next(block for block in section(page, "scenarios").blocks if isinstance(block, Table)).rows[-1][0]
    assert closed.note == "close regions, scope providers q; scale demand, factor 2.0"
    how = tables(section(page, "annex"))["How it was solved"]
    assert ["axis devices", "lever: set limit quota:north, to $value"] in how
    tags = tables(section(page, "tags"))["Price tags: cost beside the base"]
    assert tags[0][:4] == ["devices=0,demand=1.5", "900.00", "+500", "+125.0 %"]
    homes = tables(section(page, "homes"))["Main country of each workload in each scenario"]
    assert ["devices=0,demand=1", "France"] in homes
    assert ["devices=4,demand=1", "Germany"] in homes


def test_several_instances_are_each_held_against_their_own_base(two_results: Path) -> None:
    """Another instance of twice the price: without devices both cost half as much again; totals by weight, findings."""
    page = study_page(StudyFolder(two_results))
    assert page.answer.startswith("4 of 4 scenarios have a plan. 2 instances are each held against their own base.")
    rows = tables(page)["Cost beside the base, in per cent: least, middle and most of the instances"]
    assert rows == [["none", "2", "+50.0 %", "+50.0 %", "+50.0 %"]]
    found = section(page, "findings")
    assert found.lead == "2 of 3 findings hold."
    assert [(row[0], row[1], row[3]) for row in tables(found)["Findings"]] == [
        ("Without devices it costs half as much again", "holds", "toy"),
        ("Without devices it costs half as much again", "holds", "dear"),
        ("Without devices it costs twice as much", "withdrawn", "toy"),
    ]
    told = tables(section(page, "totals"))["Total"]
    assert told == [["base", "2,000"], ["none", "3,000"]], "400 EUR once and 800 EUR twice; 600 and 1,200"


def test_many_workloads_have_a_row_each_and_none_a_column(
    study_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table as wide as an estate fits no page: all of the base, of other scenarios what differs."""
    monkeypatch.setattr("optimizer.report.pages.study_sections.MOST_BESIDE", 0)
    found = tables(section(study_page(StudyFolder(study_results)), "homes"))
    rows = found["Main country of each workload in each scenario: all of the base, of others what differs"]
    assert rows == [["base", "chat", "Germany"], ["devices=4,demand=1.5", "chat", "Germany, France"],
                    ["devices=0,demand=1", "chat", "France"], ["devices=0,demand=1.5", "chat", "France"]]  # fmt: skip


def test_where_nobody_moves_there_is_no_map_of_moves(two_results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One country in all scenarios is a sentence and a row for each workload."""
    monkeypatch.setattr("optimizer.report.pages.study_data._homes", lambda plan: {"chat": ("DE",)})
    found = section(study_page(StudyFolder(two_results)), "homes")
    assert found.lead == "Every workload has the same main country in every scenario."
    assert tables(found)["Where workloads live"] == [["chat", "Germany"], ["chat", "Germany"]]


def test_scenarios_are_set_side_by_side_with_the_reason(study_results: Path) -> None:
    """Those asked for; else those in which most moved. One without a plan is an error where it was asked for."""
    page = study_page(StudyFolder(study_results), compared=("devices=0,demand=1",))
    told = tables(section(page, "diffs"))
    costs = told["From the base to devices=0,demand=1: change in cost by term"]
    assert costs[-1] == ["total", "400.00", "600.00", "+200"]
    (moved,) = told["What moves in devices=0,demand=1"]
    assert moved[:4] == ["chat", "p:north", "q:east", "+200"]
    assert "quota:north" in moved[4]
    with pytest.raises(domicile.InputError, match="has no plan"):
        study_page(StudyFolder(study_results), compared=("closed",))


def test_a_study_is_written_by_the_command(study_results: Path, tmp_path: Path) -> None:
    """One file, from the folder; a folder of no study is an error."""
    run = _report(study_results, "--html", tmp_path / "out.html")
    assert run.exit_code == 0, run.output
    assert "<h1>How many devices should we ask for?</h1>" in (tmp_path / "out.html").read_text(encoding="utf-8")
    assert _report(tmp_path, "--html", tmp_path / "none.html").exit_code == 2


class _Elements(HTMLParser):
    """Which elements a page has, and which attributes any of them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.parametrize("name", ["plan", "study"])
def test_hostile_texts_add_no_element_and_no_attribute(pages: dict[str, Path], name: str) -> None:
    """A page of hostile texts in every place that takes one has only what a harmless page is made of, and a limit."""
    plain, hostile = _Elements(), _Elements()
    for file, seen in ((pages["plan"], plain), (pages["study"], plain)):
        seen.feed(file.read_text(encoding="utf-8"))
    file = pages["hostile" if name == "plan" else "hostile study"]
    hostile.feed(file.read_text(encoding="utf-8"))
    assert hostile.tags <= plain.tags
    assert hostile.attributes <= plain.attributes
    assert file.stat().st_size < 3e6


def test_a_page_names_nothing_elsewhere(pages: dict[str, Path]) -> None:
    """No address in an attribute that a browser would follow by itself, and a policy that forbids it."""
    for file in pages.values():
        html = file.read_text(encoding="utf-8")
        assert not re.findall(r'(?:src|xlink:href|data|poster|srcset)="(?!data:,|#)[^"]*"', html)
        assert "default-src 'none'" in html
        assert "url(http" not in html


def test_plans_of_bundled_instances_find_their_instance(tmp_path: Path) -> None:
    """By name and hash; one changed since is not taken for it."""
    from optimizer.report_command import _instance

    instance = domicile.load("quickstart")
    same = Plan(instance_name="quickstart", instance_sha256=domicile.instance_sha256(instance))
    assert _instance(same, None, ()) == instance
    assert _instance(same.model_copy(update={"instance_sha256": "0" * 64}), None, ()) is None


def test_the_figures_of_a_plan_are_no_secret_to_json() -> None:
    """Pages are made from the plan's JSON as it is written and read again."""
    plan = toy_plan()
    assert plan_page(Plan.model_validate(json.loads(plan.to_json()), strict=False)).answer == plan_page(plan).answer
