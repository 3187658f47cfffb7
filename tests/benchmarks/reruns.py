"""What a rerun of Configure and of Train costs the server, with 10,000 pictures and 200 trainings.

    python -m tests.benchmarks.reruns [--pictures 10000] [--runs 200]

The pages run as a browser would have them run, but without one; the first run of each, which looks at the folders, is not
counted. Printed: the median and the worst of ten, in milliseconds.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

import click

from core import Project
from core.datasets.opened import remember
from tests.pages.test_pages import visit
from tests.pictures import COLOURS, encoded, shaded
from tests.runs import make_run, picture


def project_of(root: Path, pictures: int, runs: int) -> Project:
    """A project of so many pictures, each file another one, and of so many trainings, each with all of them in its list."""
    for number, (name, colour) in enumerate(COLOURS.items()):
        (root / name).mkdir(parents=True)
        content = encoded(shaded(colour, number))
        for at in range(pictures // len(COLOURS)):
            (root / name / f"{at:05}.png").write_bytes(content + str((number, at)).encode())
    project = Project.open(root)
    remember(project)
    project.scan()
    parts = ["train"] * 7 + ["val"] * 1 + ["test"] * 2
    listed = [picture(n, n % 3, parts[n % 10], list(COLOURS)) for n in range(pictures)]
    for number in range(runs):
        make_run(project, f"run-{number:03}", classes=list(COLOURS), pictures=listed)
    return project


@click.command()
@click.option("--pictures", default=10_000, show_default=True)
@click.option("--runs", default=200, show_default=True)
def main(pictures: int, runs: int) -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["FIELDGUIDE_HOME"] = str(Path(scratch) / "home")
        project = project_of(Path(scratch) / "project", pictures, runs)
        for name in ("1_Pictures", "2_Configure", "3_Train", "4_Evaluate", "5_Test", "6_Export"):
            at = visit(f"pages/{name}.py", project.root)
            spent = []
            for _ in range(10):
                began = time.perf_counter()
                at.run()
                spent.append((time.perf_counter() - began) * 1000)
            assert not at.exception, at.exception
            click.echo(f"{name:12} median {statistics.median(spent):6.0f} ms, worst {max(spent):6.0f} ms")


if __name__ == "__main__":
    main()
