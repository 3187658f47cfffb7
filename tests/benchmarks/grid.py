"""How long the server takes for a page of the grid, and how much memory: `python -m tests.benchmarks.grid FOLDER`.

Draws the Pictures page as a browser's click makes it be drawn (Streamlit's AppTest, which adds some of its own). Prints
milliseconds, the median of seven, for another class, another page, a text filter, another order, and for one label; then
the resident memory of this process, which is that of a web process plus AppTest's copy of the page. FOLDER gets a hidden
folder, and two of its pictures change their class and change back.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import psutil
from streamlit.testing.v1 import AppTest

from core.datasets import labels
from core.datasets.opened import open_project
from pages.shared.components.grid.grid import Op
from pages.shared.pictures import edits
from pages.shared.session import state

ROOT = Path(__file__).parents[2]


def milliseconds(*actions: Callable[[], object]) -> float:
    taken = []
    for action in actions:
        began = time.perf_counter()
        action()
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken)


def main(folder: Path) -> None:
    project = open_project(folder)
    began = time.perf_counter()
    catalogue = project.scan()
    print(f"{len(catalogue.pictures):,} pictures, looked at in {time.perf_counter() - began:.1f} s")
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    at.query_params["project"] = str(folder)
    at.run()
    at.switch_page("pages/1_Pictures.py").run()
    assert not at.exception, at.exception

    def choose(name: str) -> Callable[[], object]:
        box = [box for box in at.selectbox if box.key == "class"]
        return lambda: (box[0] if box else at.button_group(key="class")).set_value(name).run()

    classes = list(catalogue.classes)[:7]
    print(f"another class    {milliseconds(*(choose(name) for name in classes)):7.0f} ms")
    print(f"all classes      {milliseconds(*(choose('all classes') for _ in range(7))):7.0f} ms")
    texts = [f"{number}1" for number in range(7)]
    print(
        f"part of a name   {milliseconds(*(lambda t=t: at.text_input(key='find').set_value(t).run() for t in texts)):7.0f} ms"
    )
    at.text_input(key="find").set_value("").run()
    orders = ["smallest first", "newest first", "darkest first"] * 2
    print(
        f"another order    {milliseconds(*(lambda o=o: at.selectbox(key='sort').set_value(o).run() for o in orders)):7.0f} ms"
    )
    pictures = [p.path for p in catalogue.by_class[classes[0]][:7]]

    def label(path: str) -> None:
        edits.carry_out(project, Op("move", (path,), classes[1]))
        at.run()

    state.catalogue_of(project)
    print(f"one label        {milliseconds(*(lambda p=p: label(p) for p in pictures)):7.0f} ms")
    for _ in pictures:
        labels.undo(project)
    print(f"memory           {psutil.Process().memory_info().rss / 1e6:7.0f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
