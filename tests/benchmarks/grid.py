"""How long the server takes for a page of the grid, and how much memory.

    python -m tests.benchmarks.grid FOLDER [--json FILE]

Draws the Pictures page as a browser's click makes it be drawn (Streamlit's AppTest, which adds some of its own). Prints
milliseconds, the median of seven, for another class, another page, a text filter, another order, and for one label; then
the resident memory of this process, which is that of a web process plus AppTest's copy of the page. FOLDER gets a hidden
folder, and two of its pictures change their class and change back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import click
import psutil
from streamlit.testing.v1 import AppTest

from core.datasets import labels
from core.datasets.opened import open_project
from pages.shared.components.grid.grid import Op
from pages.shared.pictures import edits
from pages.shared.session import state
from tests.benchmarks import measured

ROOT = Path(__file__).parents[2]


def milliseconds(*actions: Callable[[], object]) -> float:
    taken = []
    for action in actions:
        began = time.perf_counter()
        action()
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken)


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@measured.to_json
def main(folder: Path, file: Path | None) -> None:
    """Prints a line for each thing that a person does."""
    told: dict[str, float] = {}

    def tell(name: str, *actions: Callable[[], object]) -> None:
        told[name] = milliseconds(*actions)
        print(f"{name:16} {told[name]:7.0f} ms")

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
    tell("another class", *(choose(name) for name in classes))
    tell("all classes", *(choose("all classes") for _ in range(7)))
    texts = [f"{number}1" for number in range(7)]
    tell("part of a name", *(lambda t=t: at.text_input(key="find").set_value(t).run() for t in texts))
    at.text_input(key="find").set_value("").run()
    orders = ["smallest first", "newest first", "darkest first"] * 2
    tell("another order", *(lambda o=o: at.selectbox(key="sort").set_value(o).run() for o in orders))
    pictures = [p.path for p in catalogue.by_class[classes[0]][:7]]

    def label(path: str) -> None:
        edits.carry_out(project, Op("move", (path,), classes[1]))
        at.run()

    state.catalogue_of(project)
    tell("one label", *(lambda p=p: label(p) for p in pictures))
    for _ in pictures:
        labels.undo(project)
    megabytes = psutil.Process().memory_info().rss / 1e6
    print(f"{'memory':16} {megabytes:7.0f} MB")
    count = len(catalogue.pictures)
    measured.write(file, "grid", [{"pictures": count, "milliseconds": told, "megabytes": megabytes}])


if __name__ == "__main__":
    main()
