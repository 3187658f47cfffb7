"""How long the server takes for each view of Evaluate, with 10,000 test pictures and 60 classes.

`python -m tests.benchmarks.evaluate` draws the pictures (a minute), makes up the answers, and draws the page as a browser's
click makes it be drawn (Streamlit's AppTest, which adds some of its own). Prints milliseconds: the first time in a process,
and the median of five after that.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from streamlit.testing.v1 import AppTest

from core.datasets.opened import open_project
from core.runs.records import RunPicture
from tests.pictures import shaded
from tests.runs import make_run

ROOT = Path(__file__).parents[2]
VIEWS = ("Mistakes", "Numbers", "Sure or not", "Why", "Harder pictures", "Compare")
CLASSES, EACH = 60, 168  # 10,080: 10,000 for the test, the rest for training and validation


def timed(at: AppTest) -> float:
    began = time.perf_counter()
    at.run()
    assert not at.exception, at.exception
    return (time.perf_counter() - began) * 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FIELDGUIDE_HOME"] = str(Path(folder) / "home")
        root = Path(folder) / "many"
        rng = np.random.default_rng(0)
        for label in range(CLASSES):
            (root / f"class {label:02}").mkdir(parents=True)
            colour = tuple(int(c) for c in rng.integers(30, 220, 3))
            for number in range(EACH):
                shaded(colour, number, (40, 40)).save(root / f"class {label:02}" / f"{number:03}.png")
        project = open_project(root)
        catalogue = project.scan()
        place = {name: position for position, name in enumerate(catalogue.classes)}
        pictures = list(catalogue.pictures)
        rng.shuffle(pictures)
        parts = {"test": pictures[:10_000], "val": pictures[10_000:10_040], "train": pictures[10_040:]}
        said = {}
        for part in ("test", "val"):
            truth = np.array([place[str(picture.class_name)] for picture in parts[part]])
            scores = rng.normal(0, 1, (len(truth), CLASSES))
            scores[np.arange(len(truth)), truth] += 4
            said[part] = (np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)).astype(np.float32)
        listed = [
            RunPicture(p.id, p.path, place[str(p.class_name)], part) for part, found in parts.items() for p in found
        ]
        make_run(project, "many", classes=catalogue.classes, pictures=listed, rows=said)
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
        at.query_params["project"] = str(root)
        at.run()
        at.switch_page("pages/4_Evaluate.py")
        print(f"{'opening the page':18}{timed(at):7.0f} ms, then {median(timed(at) for _ in range(5)):5.0f} ms")
        for view in VIEWS:
            at.session_state["evaluate view"] = view
            print(f"{view:18}{timed(at):7.0f} ms, then {median(timed(at) for _ in range(5)):5.0f} ms", flush=True)


if __name__ == "__main__":
    main()
