"""Screenshots of a page of `report --format html`: wide, on a phone, dark.

    python benchmarks/screenshots.py report/report.html --out reports/page

It needs playwright from the extra `browser` and an installed Chromium, and prints what the browser
said on its console: nothing, if all is well.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Width and height in CSS pixels, colours, whether the first row's details are opened.
SHOTS = {
    "wide": (1400, 1000, "light", True),
    "phone": (390, 844, "light", False),
    "dark": (1400, 1000, "dark", False),
}
LONGEST = 3200  # pixels of a screenshot


def shoot(browser: Browser, page: Path, name: str, out: Path) -> list[str]:
    """Save one screenshot; returns what was said on the console."""
    width, height, scheme, opened = SHOTS[name]
    tab = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(page.absolute().as_uri())
    if opened:
        tab.locator("details summary").first.click()
    length = min(tab.evaluate("document.documentElement.scrollHeight"), LONGEST)
    clip = {"x": 0, "y": 0, "width": width, "height": length}
    tab.screenshot(path=out / f"{name}.png", full_page=True, clip=clip)
    tab.close()
    return said


def main() -> None:
    """Take all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in SHOTS:
            print(name, shoot(browser, arguments.page, name, arguments.out))
        browser.close()


if __name__ == "__main__":
    main()
