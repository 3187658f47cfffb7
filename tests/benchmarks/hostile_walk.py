"""Twenty things that mean harm, opened by a person in a browser: `python -m tests.benchmarks.hostile_walk [PART OF A NAME]`.

They are those of tests.hostile_inputs, in a folder beside that of a victim, which they lead to. The real server runs with a
data home of its own, and Chromium visits every page and view of each project, undoes and makes again, tests a picture, and
takes what is a file where a person would. Printed is what each came to; the exit status is 1 where

- the server ended, did not answer, or took more than MEMORY; a page was not still within PATIENCE;
- a page showed a traceback, an error without words, or one that nobody foresaw;
- a page asked another computer for anything, opened a dialog of the browser, or its scripts failed;
- the victim's folder is not as it was (names, bytes, modes, times), or anything lies where nothing was put.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import psutil
from playwright.sync_api import Dialog, Error, Page, sync_playwright

from core import Project, TrainConfig, train
from core.datasets.edit_journal import HIDDEN
from core.datasets.opened import open_project
from tests import hostile_inputs
from tests.conftest import CHROMIUM
from tests.pictures import COLOURS, flat_project, shaded
from tests.serving import ROOT, Server, serving

MEMORY = 1_000_000_000
PATIENCE = 60.0
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
VIEWS = {
    "": ("",),
    "Pictures": ("Browse", "Label what is new", "Problems", "Map"),
    "Configure": ("",),
    "Train": ("",),
    "Evaluate": ("Mistakes", "Numbers", "Sure or not", "Why", "Harder pictures", "Compare"),
    "Test": ("",),
    "Export": ("",),
}
_STILL = """() => {
  const app = document.querySelector("[data-testid=stApp]")
  return app && app.dataset.testScriptState === "notRunning" && !document.querySelector("[data-testid=stSkeleton]")
    && document.querySelector("[data-testid=stHeading], [data-testid=stAlert], [data-testid=stException]")
}"""
_ADDRESS = ("data:", "blob:", "about:", "chrome-error:")


@dataclass
class Told:
    """What an input came to."""

    pages: int = 0
    slowest: float = 0.0
    where: str = ""
    memory: float = 0.0
    wrong: list[str] = field(default_factory=list)


class Walk:
    """A person with a browser before the server."""

    def __init__(self, server: Server, page: Page, log: Path) -> None:
        self.server, self.page, self.log = server, page, log
        self.told, self.at, self.process = Told(), "", psutil.Process(server.pid)
        self.highest, self._said = 0, 0
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda socket: self._asked(socket.url))
        page.on("dialog", self._dismissed)
        page.on("pageerror", lambda error: self.wrong(f"script: {error}"))
        threading.Thread(target=self._watch, daemon=True).start()

    def _dismissed(self, dialog: Dialog) -> None:
        self.wrong(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _watch(self) -> None:
        while psutil.pid_exists(self.server.pid):
            try:
                now = self.process.memory_info().rss
            except psutil.Error:
                return
            self.highest = max(self.highest, now)
            self.told.memory = max(self.told.memory, now)
            time.sleep(0.2)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.server.url, self.server.url.replace("http", "ws"), *_ADDRESS)):
            self.wrong(f"asked for {url}")

    def wrong(self, what: str) -> None:
        """Notes something that should not be, once."""
        if (said := f"{self.at}: {what}") not in self.told.wrong:
            self.told.wrong.append(said)

    def visit(self, name: str, view: str = "", **asked: str) -> None:
        """Opens a page, and looks at it once it is still."""
        query = "&".join(f"{key}={quote(value)}" for key, value in {**asked, "view": view}.items() if value)
        self.at = f"{name or 'Home'} {view}".strip()
        self._timed(lambda: self.page.goto(f"{self.server.url}/{name}?{query}"))
        self.told.pages += 1

    def press(self, name: str | re.Pattern[str], within: str = "body") -> bool:
        """Presses the last button of that name, if it can be pressed; whether there is one."""
        button = self.page.locator(within).get_by_role("button", name=name).last
        if not button.count() or not button.is_enabled():
            return False
        self.at = f"{self.at} > {name if isinstance(name, str) else name.pattern}"
        self._timed(button.click)
        return True

    def put(self, files: list[Path], within: str = "body") -> bool:
        """Gives files to the file chooser of a page or a dialog; whether there is one."""
        chooser = self.page.locator(within).locator("input[type=file]").first
        if not chooser.count():
            return False
        self.at = f"{self.at} > {', '.join(file.name for file in files)[:40]}"
        self._timed(lambda: (chooser.set_input_files(files), self.page.wait_for_timeout(1500)))  # it is sent first
        return True

    def typed(self, label: str, text: str) -> None:
        """Types into a field, and goes on."""
        self.at = f"{self.at} > {Path(text).name}"
        entry = self.page.get_by_label(label)
        self._timed(lambda: (entry.fill(text), entry.press("Enter")))

    def _timed(self, act: object) -> None:
        began = time.monotonic()
        try:
            act()  # type: ignore[operator]
            self.page.wait_for_timeout(300)  # until the server has heard of it
            self.page.wait_for_function(_STILL, timeout=1000 * PATIENCE)
        except Error as error:
            self.wrong(f"not still: {str(error).splitlines()[0][:200]}")
        took = time.monotonic() - began
        if took > self.told.slowest:
            self.told.slowest, self.told.where = took, self.at
        self._look()

    def _look(self) -> None:
        """Says what should not be on the page, or of the server."""
        try:
            text = self.page.locator("body").inner_text(timeout=5000)
            boxes = self.page.locator("[data-testid=stAlert]")
            said = [box.locator("[data-testid=stMarkdownContainer]").all_text_contents() for box in boxes.all()]
            for _ in range(self.page.locator("[data-testid=stException]").count()):
                self.wrong("an exception is shown")
        except Error as error:
            self.wrong(f"cannot be read: {str(error).splitlines()[0]}")
            return
        for line in re.findall(r".*(?:Traceback \(most|Bad message format|nobody foresaw).*", text):
            self.wrong(f"says: {line}")
        for words in (" ".join(box).strip() for box in said):
            if not re.search(r"\w \w", words):  # nothing, or the bare name of an error
                self.wrong(f"an error without words: {words!r}")
        log = self.log.read_text(errors="replace")
        for found in re.findall(r"^Traceback .*\n(?:[ \t].*\n|\n)*(\S.*)", log[self._said :], re.MULTILINE):
            if not found.startswith("core.system.errors."):  # that is a sentence on the page
                self.wrong(f"log of the server: {found[:200]}")
        self._said = len(log)
        if not self.process.is_running() or self.process.status() == psutil.STATUS_ZOMBIE:
            raise SystemExit(f"the server ended: {self.at}")
        urllib.request.urlopen(f"{self.server.url}/_stcore/health", timeout=20).read()
        if self.told.memory > MEMORY:
            self.wrong(f"{self.told.memory / 1e6:.0f} MB")

    def leave(self) -> None:
        """Closes the page, and sees that the server comes to rest."""
        self.at = "left"
        self.page.goto("about:blank")
        until = time.monotonic() + PATIENCE
        while (busy := self.process.cpu_percent(1.0)) > 50 and time.monotonic() < until:
            pass
        if busy > 50:
            self.wrong(f"the server is still busy: {busy:.0f} % of a core")

    def project(self, root: Path) -> None:
        """Every page of a project; of one with several trainings, some for each."""
        for page, views in VIEWS.items():
            for view in views:
                self.visit(page, view, project=str(root))
                if view == "Browse":
                    self.press(re.compile("^Undo"))
                    self.press(re.compile("^Redo"))
                    for key in ("Control+z", "Control+Shift+z"):
                        self.at = f"Browse > {key}"
                        self._timed(lambda key=key: self.page.keyboard.press(key))
                elif page == "Test":
                    self.put([root.parents[1] / "new.png"])
        runs = [path.name for path in sorted(root.glob(f"{HIDDEN}/runs/*")) if path.is_dir()]
        for run in runs[:-1] if not (root / HIDDEN).is_symlink() else []:
            for page, view in (("Train", ""), ("Evaluate", "Numbers"), ("Evaluate", "Compare"), ("Test", "")):
                self.visit(page, view, project=str(root), run=run)

    def home(self, file: Path) -> None:
        """Opens a file on the first page, and what came of it."""
        self.visit("")
        self.put([file])
        if file.name.startswith("trusted"):
            self._timed(self.page.get_by_text("I know who packed it").click)
        if self.press("Begin a project with them") or self.press("Open this project"):
            self.page.wait_for_timeout(1000)
            root = parse_qs(urlsplit(self.page.url).query).get("project")
            if root:
                self.project(Path(root[0]))

    def pictures(self, folder: Path, host: Path) -> None:
        """Adds a folder's files to a project, also by the place of a table among them, and undoes it."""
        places = sorted(path for path in folder.iterdir() if path.suffix in (".csv", ".json"))
        for place in [None, *places]:
            self.visit("Pictures", "Browse", project=str(host))
            self.press("Add pictures")
            if place is None:
                self.put(sorted(path for path in folder.iterdir() if path.is_file()), "[role=dialog]")
            else:
                self._timed(self.page.get_by_text("Folder or zip here").click)
                self.typed("A folder, a zip, or a table of files and labels", str(place))
            if self.press(re.compile(r"Add [\d,]+ picture"), "[role=dialog]"):
                for view in VIEWS["Pictures"]:
                    self.visit("Pictures", view, project=str(host))
                self.visit("Pictures", "Browse", project=str(host))
                self.press(re.compile("^Undo"))

    def model(self, file: Path, host: Path) -> None:
        """Opens a model's file on the Test page, and asks it about a picture."""
        self.visit("Test", project=str(host))
        self.press("Open a model file")
        self.put([file], "[role=dialog]")
        if not self.page.locator("[role=dialog]").count():
            self.put([host.parent / "new.png"])


def tree(folder: Path) -> dict[str, tuple[object, ...]]:
    """Every name below a folder with what it holds, its mode and its time."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        what = str(path.readlink()) if path.is_symlink() else ""
        what = what or (hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder")
        found[str(path.relative_to(folder))] = (what, status.st_mode, status.st_mtime_ns)
    return found


def make_victim(folder: Path) -> Path:
    """A folder of someone's that no project has to do with."""
    (folder / "empty").mkdir(parents=True)
    (folder / "notes").mkdir()
    (folder / "diary.txt").write_text("mine")
    (folder / "secret.png").write_bytes(hostile_inputs.odd_pictures()["deep.png"])
    (folder / "secret.png").chmod(0o600)
    (folder / "notes" / "draft.json").write_text("{}")
    (folder / "link").symlink_to("diary.txt")
    return folder


@contextmanager
def walking(scratch: Path) -> Iterator[Walk]:
    """The server and the browser."""
    log = scratch / "server.log"
    command = [
        "sh",
        "-c",
        f'exec "$@" >{log} 2>&1',
        "sh",
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--logger.enableRich=false",
    ]
    with serving(command, cwd=ROOT) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(1000 * PATIENCE)
        yield Walk(server, page, log)
        browser.close()


def main(part: str) -> int:
    """Opens them all, prints a line for each, and says whether anything was wrong."""
    chosen = [one for one in hostile_inputs.INPUTS if part in one.name]
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        scratch = Path(name)
        os.environ["FIELDGUIDE_HOME"] = str(scratch / "home")
        host = flat_project(scratch / "host", COLOURS, each=12)
        train(open_project(host), TrainConfig(epochs=3))
        Project.open(host).scan()
        victim = make_victim(scratch / "victim")
        for place in (scratch, scratch / "given"):
            place.mkdir(exist_ok=True)
            shaded(COLOURS["red"], 5).save(place / "new.png")
        folders = {one.name: scratch / "given" / f"{number:02}" for number, one in enumerate(chosen)}
        for one in chosen:
            hostile_inputs.make(one, folders[one.name], victim, host)
        known = [str(folders[one.name]) for one in chosen if one.way == "project"]
        (scratch / "home" / "recent.json").write_text(json.dumps([str(host), *known]))
        before, lies = tree(victim), {str(path) for path in [*scratch.iterdir(), *(scratch / "given").iterdir()]}
        every: dict[str, Told] = {}
        with walking(scratch) as walk:
            for one in chosen:
                walk.told = every[one.name] = Told()
                folder = folders[one.name]
                if one.way == "project":
                    walk.project(folder)
                elif one.way == "pictures":
                    for each in sorted(folder.iterdir()):
                        walk.pictures(each, host)
                else:
                    for file in sorted(folder.iterdir()):
                        walk.home(file) if one.way == "home" else walk.model(file, host)
                walk.leave()
                if tree(victim) != before:
                    walk.wrong("the victim's folder was changed")
                    before = tree(victim)
                told = walk.told
                print(f"{one.name:55} {told.pages:4} pages, at most {told.slowest:5.1f} s ({told.where}), "
                      f"{told.memory / 1e6:4.0f} MB, {len(told.wrong) or 'nothing'} wrong", flush=True)  # fmt: skip
                for wrong in told.wrong:
                    print(f"    {wrong!r}", flush=True)
            highest = walk.highest
        here = {str(path) for path in [*scratch.iterdir(), *(scratch / "given").iterdir()]}
        planted = sorted(here - lies - {str(scratch / "server.log")})
        pages = sum(told.pages for told in every.values())
        print(f"{len(chosen)} inputs, {pages} pages, at most {highest / 1e6:.0f} MB; planted: {planted or 'nothing'}")
        return int(bool(planted) or any(told.wrong for told in every.values()))


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
