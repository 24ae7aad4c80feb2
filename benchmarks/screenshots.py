"""Screenshots of a report: its page wide, on a phone and dark, and its tables on two terminals.

    python benchmarks/screenshots.py reports/shapes/records --out reports/shapes/page

It needs playwright from the extra `browser` and an installed Chromium. For each picture it prints
what the browser said on its console: nothing, if all is well.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, FloatRect, ViewportSize, sync_playwright
from rich.console import Console

from l4f_bench.reporting.page import PAGE_FILE, write_page
from l4f_bench.reporting.reading import read_all
from l4f_bench.reporting.report import Report, build_report
from l4f_bench.reporting.terminal import print_report

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Width and height in CSS pixels, whether it is dark, whether the first row's details are opened.
SHOTS = {
    "wide": (1400, 1000, False, True),
    "phone": (390, 844, False, False),
    "dark": (1400, 1000, True, False),
}
LONGEST = 3200  # pixels of a screenshot
TERMINALS = (80, 160)


def shoot(browser: Browser, page: Path, name: str, out: Path) -> list[str]:
    """Save one picture of the page; returns what was said on the console."""
    width, height, dark, opened = SHOTS[name]
    size = ViewportSize(width=width, height=height)
    tab = browser.new_page(viewport=size, color_scheme="dark" if dark else "light")
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(page.absolute().as_uri())
    if opened:
        tab.locator("details summary").first.click()
    length = min(tab.evaluate("document.documentElement.scrollHeight"), LONGEST)
    clip = FloatRect(x=0, y=0, width=width, height=length)
    save(tab.screenshot(full_page=True, clip=clip), out / f"{name}.webp")
    tab.close()
    return said


def shoot_terminal(browser: Browser, report: Report, width: int, out: Path) -> None:
    """Save what a terminal of so many columns shows first."""
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True)
    print_report(report, console)
    tab = browser.new_page(viewport={"width": 12 * width + 40, "height": 1400})
    tab.set_content(console.export_svg(title=f"l4f-bench report, {width} columns"))
    save(tab.screenshot(), out / f"terminal-{width}.webp")
    tab.close()


def save(png: bytes, path: Path) -> None:
    """Save a picture in a tenth of its size."""
    Image.open(io.BytesIO(png)).convert("RGB").save(path, format="webp", quality=75)


def main() -> None:
    """Take all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    found = read_all([arguments.records])
    report = build_report(
        [record for _, record in found.records],
        edits=[record for _, record in found.edits],
        analyses=[record for _, record in found.analyses],
    )
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as tools, tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / PAGE_FILE
        write_page(page, report, found)
        print(f"{page.stat().st_size:,} bytes")
        browser = tools.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in SHOTS:
            print(name, shoot(browser, page, name, arguments.out))
        for width in TERMINALS:
            shoot_terminal(browser, report, width, arguments.out)
        browser.close()


if __name__ == "__main__":
    main()
