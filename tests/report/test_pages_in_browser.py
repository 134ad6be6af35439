"""Pages in a real browser: nothing is fetched, nothing fails, figures are seen, filters work, all can use them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZES = {"phone": (390, 844), "desk": (1280, 900)}
PAPER = 718
"""Width of A4 between the margins that browsers leave."""
EVERY = ("plan", "hostile", "study", "hostile study")


@dataclass
class Seen:
    """A page, and what the browser did for it."""

    page: Page
    told: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Browser, file: Path, size: str = "desk", theme: Any = "light") -> Iterator[Seen]:
    """Open a file at a size and in a theme."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    seen = Seen(page)
    page.on("console", lambda message: seen.told.append(message.text))
    page.on("pageerror", lambda error: seen.told.append(str(error)))
    page.on("dialog", lambda dialog: seen.told.append(dialog.message))
    page.on("request", lambda request: seen.asked.append(request.url))
    page.goto(file.as_uri())
    try:
        yield seen
    finally:
        page.close()


@pytest.mark.parametrize("name", EVERY)
def test_a_page_fetches_nothing_and_fails_nowhere(browser: Browser, pages: dict[str, Path], name: str) -> None:
    """The one request is the page itself; the console stays empty; no text became an element or ran."""
    with opened(browser, pages[name]) as seen:
        assert [url for url in seen.asked if not url.startswith("data:")] == [pages[name].as_uri()]
        assert seen.told == []
        assert seen.page.evaluate("window.hurt") is None
        assert seen.page.locator("img, iframe, object, embed, link[rel=stylesheet]").count() == 0
        assert seen.page.locator("script").count() == 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", EVERY)
def test_nothing_is_wider_than_the_screen(browser: Browser, pages: dict[str, Path], name: str, size: str) -> None:
    """On a phone and on a desk no reader scrolls sideways, whatever texts an instance holds."""
    with opened(browser, pages[name], size) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


@pytest.mark.parametrize(("name", "least"), [("plan", 4), ("study", 6)])
def test_figures_are_seen_with_their_numbers(
    browser: Browser, pages: dict[str, Path], name: str, least: int
) -> None:
    """Each figure shows one drawing for the width at hand, with marks in colour, and has a table with rows."""
    for size, shown, hidden in (("desk", ".wide", ".narrow"), ("phone", ".narrow", ".wide")):
        with opened(browser, pages[name], size) as seen:
            figures = seen.page.locator("figure").all()
            assert len(figures) >= least
            for figure in figures:
                box = figure.locator(f"{shown} svg").bounding_box()
                assert box is not None
                assert box["width"] > 200
                assert box["height"] > 20
                assert figure.locator(f"{hidden} svg").bounding_box() is None
                assert figure.locator(".numbers tbody tr").count() >= 1
            fills = seen.page.evaluate(
                "[...document.querySelectorAll('svg [fill^=var]')].map(e => getComputedStyle(e).fill)"
            )
            assert fills
            assert all(one.startswith("rgb") for one in fills)


def test_rows_are_filtered_by_word_and_by_value(browser: Browser, pages: dict[str, Path]) -> None:
    """A word leaves the rows that hold it, a value those that have it; both together both."""
    with opened(browser, pages["plan"]) as seen:
        form, rows = seen.page.locator("form[data-table=trace]"), seen.page.locator("#table-trace tbody tr")
        assert rows.count() == 4
        form.locator("input").fill("chat")
        assert rows.locator("visible=true").count() >= 1
        assert [row.is_visible() for row in rows.all()] == [True, True, False, False]
        form.locator("select").nth(0).select_option("France")
        assert [row.is_visible() for row in rows.all()] == [False, True, False, False]
        assert form.locator("output").inner_text() == "1 of 4 rows"
        form.locator("input").fill("")
        form.locator("select").nth(0).select_option("")
        assert form.locator("output").inner_text() == "4 rows"


def test_without_scripts_all_rows_are_there_and_no_filter(browser: Browser, pages: dict[str, Path]) -> None:
    """The filters are the one thing that a script adds."""
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(pages["plan"].as_uri())
    assert not page.locator("form.filters").first.is_visible()
    assert all(row.is_visible() for row in page.locator("#table-trace tbody tr").all())
    page.context.close()


def test_both_themes_are_drawn_in_their_colours(browser: Browser, pages: dict[str, Path]) -> None:
    """Paper and ink change places, and the bars take the colour of the theme."""
    seen_in = {}
    for theme in ("light", "dark"):
        with opened(browser, pages["plan"], theme=theme) as seen:
            script = "getComputedStyle(document.body).backgroundColor"
            bar = "getComputedStyle(document.querySelector('svg [fill=\"var(--main)\"]')).fill"
            seen_in[theme] = (seen.page.evaluate(script), seen.page.evaluate(bar))
    assert seen_in["light"] == ("rgb(255, 255, 255)", "rgb(31, 99, 145)")
    assert seen_in["dark"] == ("rgb(20, 25, 31)", "rgb(102, 171, 217)")


def test_on_paper_folds_are_open_and_the_annex_is_left_out(browser: Browser, pages: dict[str, Path]) -> None:
    """What a reader would open on a screen is printed; controls are not; paper is light."""
    with opened(browser, pages["plan"], theme="dark") as seen:
        seen.page.emulate_media(media="print", color_scheme="dark")
        assert seen.page.locator("details.fold table").first.is_visible()
        assert not seen.page.locator("form.filters").first.is_visible()
        assert not seen.page.locator("#annex").is_visible()
        assert not seen.page.locator("nav").is_visible()
        assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("name", ["plan", "study"])
def test_no_figure_of_a_table_is_cut_on_paper(browser: Browser, pages: dict[str, Path], name: str) -> None:
    """Paper does not scroll: every cell ends within its width."""
    with opened(browser, pages[name]) as seen:
        seen.page.set_viewport_size({"width": PAPER, "height": 1000})
        seen.page.emulate_media(media="print")
        right = seen.page.evaluate("Math.max(...[...document.querySelectorAll('td, th')].map("
                                   "one => one.getBoundingClientRect().left + one.scrollWidth))")
        assert right <= PAPER + 1


def test_names_of_stacked_columns_do_not_lie_over_their_values(browser: Browser, pages: dict[str, Path]) -> None:
    """On a phone a row is a list: what is never broken in a column of figures is broken there."""
    with opened(browser, pages["study"], "phone") as seen:
        wrap = "[...document.querySelectorAll('table.stacks td')].map(e => getComputedStyle(e).whiteSpace)"
        assert set(seen.page.evaluate(wrap)) == {"normal"}


@pytest.mark.parametrize(("name", "size", "theme"), [
    ("plan", "desk", "light"), ("plan", "phone", "dark"), ("study", "desk", "dark"), ("study", "phone", "light"),
])  # fmt: skip
def test_axe_finds_nothing_serious(
    browser: Browser, pages: dict[str, Path], name: str, size: str, theme: str
) -> None:
    """The rules of axe-core on contrast, names, structure and keyboard, with every fold open."""
    found = find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("accessibility is not tried: pip install axe-playwright-python")
    axe = (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    with opened(browser, pages[name], size, theme) as seen:
        seen.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        seen.page.evaluate(axe)
        answer = seen.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert answer["passes"] or answer["violations"] == []
    serious = [
        f"{one['id']}: {one['help']} at {one['nodes'][0]['target']}" for one in answer["violations"]
        if one["impact"] in ("serious", "critical")
    ]  # fmt: skip
    assert serious == []
