"""How well several processes share the looking at pictures, and that they find the same to the bit.

    python -m tests.benchmarks.cluster FOLDER [--workers 1 --workers 2] [--json FILE]

FOLDER: class folders; it is copied, and stays as it is. First one process with one thread looks at all pictures, then a Dask
cluster of this machine with so many workers, one of which is killed half way in a last turn. Prints for each the seconds from
the first part to the last, without the start of the cluster, and the efficiency: seconds of one process / (workers x seconds).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from core.config.recipes import get_recipe
from core.datasets.project import Project
from core.training import cluster, feature_shards
from core.training.feature_shards import Shard
from tests.benchmarks import measured
from tests.processes import spawned

_CONFIG = get_recipe("quick").config


class Watch:
    """Notes when parts are done; kills a worker when half of them are, if it is asked to."""

    def __init__(self, *, kill: bool) -> None:
        self._kill = kill
        self.ready = self.last = 0.0

    def __call__(self, done: int, of: int) -> None:
        self.last = time.monotonic()
        if not done:
            self.ready = self.last
        if self._kill and done >= of // 2:
            self._kill = False
            spawned()[0].kill()


def _features(folder: Path) -> dict[str, bytes]:
    (file,) = (folder / ".fieldguide" / "features").glob("*.sqlite")
    with sqlite3.connect(file) as db:
        return dict(db.execute("SELECT key, vector FROM features"))


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--workers", multiple=True, type=int, default=(1, 2))
@measured.to_json
def main(folder: Path, workers: tuple[int, ...], file: Path | None) -> None:
    """Prints a line for each way."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        os.environ.setdefault("FIELDGUIDE_HOME", str(Path(scratch) / "home"))

        def fresh(name: str) -> Project:
            shutil.copytree(folder, Path(scratch) / name, ignore=shutil.ignore_patterns(".fieldguide"))
            project = Project.open(Path(scratch) / name)
            project.scan()
            return project

        warm = fresh("warm")
        feature_shards.compute(warm, _CONFIG, Shard(1, 50), lambda *_: None)  # converts the network, if need be
        project = fresh("one")
        began = time.monotonic()
        feature_shards.compute(project, _CONFIG, Shard(1, 1), lambda *_: None, threads=1)
        single = time.monotonic() - began
        feature_shards.join(project, _CONFIG, lambda *_: None)
        expected = _features(project.root)
        click.echo(f"one process, one thread: {single:.1f} s, {len(expected):,} pictures")
        for number, kill in [*((number, False) for number in workers), (max(workers), True)]:
            project = fresh(f"cluster {number} {kill}")
            watch = Watch(kill=kill)
            cluster.compute(project, _CONFIG, f"local:{number}", watch)
            seconds = watch.last - watch.ready
            same = _features(project.root) == expected
            efficiency = single / (number * seconds)
            rows.append({
                "workers": number, "killed": kill, "seconds": seconds, "efficiency": efficiency, "same": same,
            })  # fmt: skip
            words = ", one of them killed half way" if kill else ""
            click.echo(
                f"{number} workers{words}: {seconds:.1f} s, efficiency {efficiency:.2f}, the same to the bit: {same}"
            )
    measured.write(file, "cluster", [{"seconds": single, "pictures": len(expected)}, *rows])


if __name__ == "__main__":
    main()
