"""A head on more features than memory is for: time and memory by the number of pictures.

    python -m tests.benchmarks.large_head [--rows 100000 --rows 300000 --rows 1000000] [--width 2024] [--classes 10]
        [--folder DIR] [--json FILE]

Features are made up: the mean of the class plus noise. Seven of ten rows are learned from, as the recipe Quick does, the others
checked and tested with. They lie in a file without a name in DIR (2 bytes a number; by default where temporary files lie, which
must be a disk). Each number of rows has a process of its own; the smallest is learned in memory, too. Prints seconds of wall-clock
time and of all cores, rounds, the most memory that the process had, with the pages of the file that the system may take back
(VmHWM) and without (RssAnon), and the accuracy. "linear" is the time per row against that of the smallest number.
"""

from __future__ import annotations

import re
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import numpy as np

from core.config.training import TrainConfig
from core.inference.metrics import evaluate_predictions
from core.runs.records import RunPlan, RunRecords
from core.system.tasks.records import TaskState
from core.training.feature_matrix import FeatureFile, Features, StoredFeatures
from core.training.job import Job
from core.training.linear_probe import learn_head
from tests.benchmarks import measured

_APART = 0.06
"""How far the means of classes lie from each other, in deviations of the noise: most rows can be told apart, not all."""
_MADE = 2048
_EVERY = 0.02  # seconds


class Memory:
    """The most memory that this process has, in bytes, by the system's own books."""

    def __init__(self) -> None:
        self.anonymous, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.all = _of_process("VmHWM")

    def _watch(self) -> None:
        while not self._over.wait(_EVERY):
            self.anonymous = max(self.anonymous, _of_process("RssAnon"))


def _of_process(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return 1024 * int(found[1])


def made_up(rows: int, width: int, classes: int, folder: Path) -> tuple[StoredFeatures, np.ndarray]:
    """Features (N, F) in a file, and int (N,): their classes."""
    rng = np.random.default_rng(0)
    means = _APART * rng.standard_normal((classes, width), np.float32)
    labels, room = rng.integers(0, classes, rows), FeatureFile(rows, width, folder)
    for start in range(0, rows, _MADE):
        some = labels[start : start + _MADE]
        made = means[some] + rng.standard_normal((len(some), width), np.float32)
        for row, vector in enumerate(made, start):
            room[row] = vector
    return StoredFeatures((room,)), labels


def learn(rows: int, width: int, classes: int, folder: Path, in_memory: bool) -> dict[str, Any]:
    """A head and what it says of the held-out parts, in this process: what that took, and the kernel."""
    config = TrainConfig()
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        stored, labels = made_up(rows, width, classes, folder)
        features: Features = np.asarray(stored) if in_memory else stored
        ends = [0, round(0.7 * rows), round(0.85 * rows), rows]
        where = {part: slice(*ends[at : at + 2]) for at, part in enumerate(("train", "val", "test"))}
        parts = {part: features[at] for part, at in where.items()}
        truth = {part: labels[at] for part, at in where.items()}
        names = tuple(f"class {number}" for number in range(classes))
        plan = RunPlan("run", scratch, 0.0, config, names, ())
        job = Job(RunRecords(Path(scratch)), TaskState("running", "fit"), plan=plan, quiet=True)
        with Memory() as memory:
            began, of_cores = time.perf_counter(), time.process_time()
            head = learn_head(job, config, parts, truth)
            learned = time.perf_counter() - began
            said = {part: head.probabilities(parts[part]) for part in ("val", "test")}
            scores = {part: evaluate_predictions(said[part], truth[part], names) for part in said}
            job.records.write_predictions(said)
            seconds, of_cores = time.perf_counter() - began, time.process_time() - of_cores
    return {
        "rows": rows, "width": width, "classes": classes, "in memory": in_memory, "file bytes": 2 * rows * width,
        "seconds": seconds, "learning": learned, "seconds of cores": of_cores, "rounds": head.best_epoch,
        "VmHWM": memory.all, "RssAnon": memory.anonymous, "kernel": head.kernel,
        "val": scores["val"].accuracy, "test": scores["test"].accuracy,
    }  # fmt: skip


@click.command()
@click.option("--rows", multiple=True, type=int, default=(100_000, 300_000, 1_000_000))
@click.option("--width", default=2024)
@click.option("--classes", default=10)
@click.option("--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=tempfile.gettempdir())
@measured.to_json
def main(rows: tuple[int, ...], width: int, classes: int, folder: Path, file: Path | None) -> None:
    """Prints a line for each number of rows."""
    told: list[dict[str, Any]] = []
    for number, in_memory in [(min(rows), True), *((each, False) for each in sorted(rows))]:
        with ProcessPoolExecutor(1, get_context("spawn")) as alone:
            one = alone.submit(learn, number, width, classes, folder, in_memory).result()
        told.append(one)
        base = told[1] if len(told) > 1 else one
        one["linear"] = one["seconds"] / number / (base["seconds"] / base["rows"])
        one["linear by cores"] = one["seconds of cores"] / number / (base["seconds of cores"] / base["rows"])
        click.echo(
            f"{number:,} rows, {one['file bytes'] / 1e9:.2f} GB, in {'memory' if in_memory else 'a file'}: "
            f"{one['seconds']:.1f} s ({one['seconds of cores']:.1f} s of cores), {one['rounds']} rounds, "
            f"linear {one['linear']:.2f} ({one['linear by cores']:.2f} by cores), VmHWM {one['VmHWM'] / 1e6:,.0f} MB, "
            f"RssAnon {one['RssAnon'] / 1e6:,.0f} MB, validation {one['val']:.4f}, test {one['test']:.4f}"
        )
    kernels = [one.pop("kernel") for one in told]
    apart = float(np.abs(kernels[0] - kernels[1]).max() / np.abs(kernels[0]).max())
    click.echo(f"The kernels in memory and from a file differ by {apart:.1e} of the largest weight at most.")
    measured.write(file, "large_head", [*told, {"kernels differ": apart}])


if __name__ == "__main__":
    main()
