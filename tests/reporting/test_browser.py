"""The page in a browser: quiet console, rows and headings there, sorting and filtering."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from l4f_bench.reporting.page import PAGE_FILE
from tests.records import FOUND, record, samples
from tests.reporting.test_page import page_of

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as tools:
        found = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def test_a_page_opens_quietly_and_is_whole_without_its_script(browser: Any, tmp_path: Path) -> None:
    strange = record(FOUND, method="x", method_title="<script>document.title = 'hacked'</script>")
    page_of(tmp_path, samples(), strange)
    said: list[str] = []
    for scripts in (True, False):
        tab = browser.new_context(java_script_enabled=scripts).new_page()
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: said.append(request.url))
        tab.goto((tmp_path / PAGE_FILE).as_uri())
        assert tab.title() == "l4f-bench report"
        assert tab.get_by_role("heading", name="Shapes: scores of masks").count() == 1
        assert tab.get_by_role("columnheader", name="mIOU").count() >= 1
        assert tab.get_by_role("rowheader", name="<script>").count() == 1
        assert tab.get_by_role("button").count() == (7 if scripts else 0)
    assert said == [(tmp_path / PAGE_FILE).as_uri()] * 2


def test_rows_are_sorted_and_filtered_by_keyboard(browser: Any, tmp_path: Path) -> None:
    page_of(tmp_path, samples(FOUND, truncation=1.0), samples())
    tab = browser.new_page(viewport={"width": 390, "height": 800})
    tab.goto((tmp_path / PAGE_FILE).as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390  # of a phone
    tab.set_viewport_size({"width": 1400, "height": 800})
    names = "tbody .name small:first-of-type"
    assert ["psi 0.7" in text for text in tab.locator(names).all_inner_texts()] == [True, False]
    tab.get_by_role("button", name="mIOU").focus()
    tab.keyboard.press("Enter")
    assert ["psi 0.7" in text for text in tab.locator(names).all_inner_texts()] == [False, True]
    assert tab.locator("th[aria-sort='descending']").inner_text().startswith("mIOU")
    tab.get_by_label("Filter rows").fill("psi 0.7")
    assert tab.locator("tbody .name").locator("visible=true").count() == 1


def test_a_link_opens_what_it_leads_to(browser: Any, tmp_path: Path) -> None:
    page_of(tmp_path, samples(provenance={"revision": "abcdef"}))
    tab = browser.new_page()
    tab.goto((tmp_path / PAGE_FILE).as_uri())
    revision = tab.get_by_text("abcdef", exact=True)
    assert not revision.is_visible()
    tab.get_by_role("link", name="examples and provenance").click()
    assert revision.is_visible()
