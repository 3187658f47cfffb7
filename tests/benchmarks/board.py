"""How long it is from the press of Train on the board to the answer on the page, by the page's own clock.

    python -m tests.benchmarks.board [--pictures 30] [--times 5] [--json FILE]

Records three classes by a camera that sees one still room (tests/browser/room.py), waits until the pictures were looked at, as
they are by the time that a person presses the button, and presses Train. Prints the seconds of each press, the first included,
and their median.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import click
from playwright.sync_api import Page, sync_playwright

from core import Project
from core.quality import analysis
from tests.benchmarks import measured
from tests.browser import room
from tests.browser.conftest import ARGUMENTS
from tests.conftest import CHROMIUM
from tests.serving import ROOT, serving
from tests.waiting import until

_WATCH = """() => new Promise((done) => {
    const host = [...document.querySelectorAll("*")].find((one) => one.shadowRoot?.querySelector("#score"));
    const at = (host?.shadowRoot ?? document);
    const began = performance.now();
    at.querySelector("#train").click();
    const look = () => {
        const words = at.querySelector("#score").textContent;
        if (words.includes("right")) done((performance.now() - began) / 1000);
        else setTimeout(look, 5);
    };
    setTimeout(look, 5);
})"""


def record(page: Page, pictures: int) -> None:
    """Three classes, some pictures each."""
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Switch off").wait_for()
    for number, scene in enumerate(room.SCENES, 1):
        room.show(page, scene)
        if number == 3:
            page.get_by_role("button", name="+ Add a class").click()
        card = page.get_by_role("article", name=f"Class {number}", exact=True)
        card.get_by_role("button", name=f"Hold to record Class {number}").hover()
        page.mouse.down()
        enough = rf"Recording: ({'|'.join(str(count) for count in range(pictures, pictures + 60))}) pictures"
        card.get_by_text(re.compile(enough)).wait_for()  # not one number alone: it may have gone by between two looks
        page.mouse.up()
        card.locator(".number").filter(has_text=re.compile("^[1-9]")).wait_for()


@click.command()
@click.option("--pictures", default=30)
@click.option("--times", default=5)
@measured.to_json
def main(pictures: int, times: int, file: Path | None) -> None:
    """Prints a line for each press of Train."""
    seconds: list[float] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        os.environ["FIELDGUIDE_HOME"] = folder
        command = [sys.executable, "-m", "streamlit", "run", "app.py"]
        with serving(command, cwd=ROOT) as server:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(120_000)
            room.furnish(page)
            page.goto(server.url)
            record(page, pictures)
            project = Project.open(Path(folder) / "My project")
            for _ in range(times):
                until(lambda: (now := analysis.task(project).state()) is None or now.ended)
                time.sleep(3)  # a worker gets ready meanwhile
                seconds.append(page.evaluate(_WATCH))
                print(f"{seconds[-1]:.2f} s")
                page.get_by_role("button", name="Train again").wait_for()
            browser.close()
    print(f"median {median(seconds):.2f} s")
    measured.write(file, "board", [{"pictures": pictures, "seconds": seconds}])


if __name__ == "__main__":
    main()
