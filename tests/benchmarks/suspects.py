"""How many wrong labels are found: `python -m tests.benchmarks.suspects FOLDER [--seeds 0,1,2] [--share 0.05] [--json FILE]`.

On a copy of the folder, a share of the pictures is moved to another class by chance; the real worker looks at it. Prints,
for each seed, the share of the moved ones among the first 5 % and 10 % of the suspects, how many pictures are called
likely wrong and how many of these were moved (a data set's own mistakes count against that), and seconds.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from core import Project
from core.datasets.catalogue import Picture
from core.datasets.edit_journal import HIDDEN
from core.quality import analysis
from tests.benchmarks import measured

NAMES = ("in first 5 %", "in first 10 %", "called likely", "share called likely", "of these moved", "seconds")


def looked_at(project: Project) -> analysis.Analysis:
    """A fresh analysis of the project, by the worker."""
    analysis.start(project, project.scan())
    while (state := analysis.task(project).state()) and not state.ended:
        time.sleep(0.1)
    found = analysis.read(project)
    assert state is not None
    assert state.state == "done", state
    assert found is not None
    return found


def move(project: Project, pictures: list[Picture], share: float, seed: int) -> dict[Path, Path]:
    """Moves a share of the pictures to another class; returns where each moved one lay before."""
    rng = np.random.default_rng(seed)
    classes = sorted({str(picture.class_name) for picture in pictures})
    moved = {}
    for row in rng.choice(len(pictures), round(share * len(pictures)), replace=False):
        picture = pictures[row]
        others = [name for name in classes if name != picture.class_name]
        before = project.root / picture.path
        after = project.root / str(rng.choice(others)) / f"moved-{row}{before.suffix}"
        moved[before.rename(after)] = before
    return moved


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--seeds", default="0,1,2", help="Numbers with commas between them.")
@click.option("--share", default=0.05)
@measured.to_json
def main(folder: Path, seeds: str, share: float, file: Path | None) -> None:
    """Prints one line for each seed, and the means."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / folder.name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(HIDDEN))
        project = Project.open(copy)
        once = {picture.id: picture for picture in project.scan().pictures if picture.class_name}
        pictures = sorted(once.values(), key=lambda picture: picture.path)
        rows = []
        for seed in map(int, seeds.split(",")):
            moved = move(project, pictures, share, seed)
            wrong = {p.id for p in project.scan().pictures if project.root / p.path in moved}
            began = time.perf_counter()
            suspects = looked_at(project).suspects
            seconds = time.perf_counter() - began
            first = [{s.id for s in suspects[: round(part * len(suspects))]} for part in (0.05, 0.1)]
            likely = {suspect.id for suspect in suspects if suspect.likely}
            found = [len(ids & wrong) / len(wrong) for ids in (*first, likely)]
            rows.append((*found, len(likely) / len(suspects), len(likely & wrong) / max(1, len(likely)), seconds))
            click.echo(f"seed {seed}: {_told(rows[-1])}")
            for after, before in moved.items():
                after.rename(before)
        click.echo(f"mean of {len(rows)}, {len(pictures)} pictures: {_told(np.mean(rows, axis=0).tolist())}")
    columns = {name: list(column) for name, column in zip(NAMES, zip(*rows, strict=True), strict=True)}
    measured.write(
        file, "suspects", [{"folder": folder.name, "pictures": len(pictures), "share": share, "seeds": seeds} | columns]
    )


def _told(row: tuple[float, ...] | list[float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in zip(NAMES, row, strict=True))


if __name__ == "__main__":
    main()
