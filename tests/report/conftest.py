"""What tests of pages share: pages of toys as files, and one browser for all of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from page_toys import (
    HOSTILE,
    PRICES,
    hostile_answers,
    hostile_plan,
    one_thread,
    toy_plan,
    write_hostile,
    write_instance,
    write_risks,
    write_study,
    write_two,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def study_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the toy study, solved."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("optimizer.study.runner._opened", lambda workers, cluster: one_thread)
        return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def risks_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the toy study of two uncertainties, solved."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("optimizer.study.runner._opened", lambda workers, cluster: one_thread)
        return write_risks(tmp_path_factory.mktemp("risks"))


@pytest.fixture(scope="session")
def two_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the toy study of two instances, solved."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("optimizer.study.runner._opened", lambda workers, cluster: one_thread)
        return write_two(tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="session")
def toy_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the toy instance."""
    return write_instance(tmp_path_factory.mktemp("instance"))


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory, study_results: Path) -> dict[str, Path]:
    """The files of four pages: of a plan and of a study, and of both with hostile texts."""
    from optimizer.report.pages.answers import Answers
    from optimizer.report.pages.plan_page import plan_page
    from optimizer.report.pages.study_page import study_page
    from optimizer.report.pages.write import page_html
    from optimizer.study import StudyFolder

    folder = tmp_path_factory.mktemp("pages")
    made = {
        "plan": plan_page(toy_plan(), author="A. Planner", written="2026-11-30", answers=Answers(prices=PRICES)),
        "hostile": plan_page(hostile_plan(), author=HOSTILE, asked=HOSTILE * 9, answers=hostile_answers()),
        "study": study_page(StudyFolder(study_results)),
        "hostile study": study_page(StudyFolder(write_hostile(study_results, folder))),
    }
    for name, page in made.items():
        (folder / f"{name}.html").write_text(page_html(page), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window, driven by Playwright, which brings no browser of its own."""
    api = pytest.importorskip("playwright.sync_api", reason="pages are not tried: pip install playwright")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        if os.environ.get("DOMICILE_BROWSER") == "required":
            pytest.fail("no Chromium found; .ci/run installs it: apt-get install chromium")
        pytest.skip("pages are not tried in a browser: install Chromium (apt-get install chromium)")
    with api.sync_playwright() as running:
        found = running.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()
