"""A head on more features than memory is for: time and memory by the number of pictures.

    python -m tests.benchmarks.large_head [--rows 100000 --rows 300000 --rows 1000000] [--width 2024] [--classes 10]
        [--training 100000] [--folder DIR] [--json FILE]

Features are made up: the mean of the class plus noise. Seven of ten rows are learned from, as the recipe Quick does, the others
checked and tested with. They lie in a file without a name in DIR (2 bytes a number; by default the folder of temporary files,
which must be on a disk). Each number of rows has a process of its own; the smallest is learned in memory, too.

Prints seconds by the clock and of all cores, rounds, the most memory that the process had, with the pages of the file, which
the system may take back (VmHWM), and without (RssAnon), and the accuracy. "a row": the seconds of cores for a row, against that
of the smallest number; "a read": the same for each time that a row is read, since of more rows the head may be found in fewer
rounds.

`--training`: then also the whole worker of a training with so many pictures, whose features a project keeps already (SQLite, 4
bytes a number): from reading the list of pictures to the model file. Its pictures are names only, that nobody opens.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from core.config.framing import Framing
from core.config.training import TrainConfig
from core.inference.metrics import evaluate_predictions
from core.models.feature_extractor import prepare, specs_of
from core.runs.records import RunPicture, RunPlan, RunRecords
from core.system.tasks.records import TaskState
from core.training import worker
from core.training.feature_matrix import FeatureFile, Features, StoredFeatures
from core.training.features import FeatureStore, plain_key
from core.training.job import Job
from core.training.linear_probe import feature_folder, learn_head
from tests.benchmarks import measured

Result = TypeVar("Result")

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
        read: list[int] = []

        def noted(piece: np.ndarray) -> np.ndarray:
            read.append(len(piece))
            return piece

        stored = stored.changed(noted)
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
        "rows read": sum(read),
        "VmHWM": memory.all, "RssAnon": memory.anonymous, "kernel": head.kernel,
        "val": scores["val"].accuracy, "test": scores["test"].accuracy,
    }  # fmt: skip


def keep(count: int, classes: int, folder: Path) -> Path:
    """The folder of a training of a project whose `count` pictures were looked at already, though there are none."""
    config, rng = TrainConfig(), np.random.default_rng(0)
    project = folder / "project"
    (project / "class 0").mkdir(parents=True)
    (spec,) = specs_of(config)
    network = prepare(spec)
    assert network is not None
    width = int(Interpreter(model_path=str(network)).get_output_details()[0]["shape"][1])
    means = _APART * rng.standard_normal((classes, width), np.float32)
    kept = FeatureStore(feature_folder(str(project)) / f"{spec.id}.sqlite")
    pictures = []
    for start in range(0, count, _MADE):
        vectors = []
        for number in range(start, min(start + _MADE, count)):
            label, part = number % classes, ("train" if number % 20 < 14 else "val" if number % 20 < 17 else "test")
            digest = hashlib.sha256(str(number).encode()).hexdigest()
            pictures.append(RunPicture(digest, f"class {label}/picture {number:08}.jpg", label, part, number))
            vectors.append((plain_key(digest, Framing()), means[label] + rng.standard_normal(width, np.float32)))
        kept.put(vectors)
    records = RunRecords(folder / "run")
    records.folder.mkdir()
    names = tuple(f"class {number}" for number in range(classes))
    records.write_plan(RunPlan("run", str(project), time.time(), config, names, tuple(pictures)))
    return records.folder


def work(run: Path) -> dict[str, Any]:
    """The worker of a training, in this process: what it took."""
    records = RunRecords(run)
    with Memory() as memory:
        began = time.perf_counter()
        job = Job(records, TaskState("running", "fit"), plan=records.plan())
        worker.finish(job, worker.train(job))
        seconds = time.perf_counter() - began
    result = records.result()
    assert result is not None
    return {
        "training": len(job.plan.pictures), "seconds": seconds, "of it": job.seconds,
        "VmHWM": memory.all, "RssAnon": memory.anonymous, "val": result.val.accuracy, "test": result.test.accuracy,
    }  # fmt: skip


def alone(work: Callable[..., Result], *arguments: object) -> Result:
    """What a process of its own makes of it."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(work, *arguments).result()


@click.command()
@click.option("--rows", multiple=True, type=int, default=(100_000, 300_000, 1_000_000))
@click.option("--width", default=2024)
@click.option("--classes", default=10)
@click.option("--training", type=int, help="Also a whole training of so many pictures.")
@click.option("--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=tempfile.gettempdir())
@measured.to_json
def main(
    rows: tuple[int, ...], width: int, classes: int, training: int | None, folder: Path, file: Path | None
) -> None:
    """Prints a line for each number of rows."""
    told: list[dict[str, Any]] = []
    for number, in_memory in [(min(rows), True), *((each, False) for each in sorted(rows))]:
        one = alone(learn, number, width, classes, folder, in_memory)
        told.append(one)
        base = told[1] if len(told) > 1 else one
        spent = "seconds of cores"
        one["a row"] = one[spent] / number / (base[spent] / base["rows"])
        one["a read"] = 1.0 if in_memory else one[spent] / one["rows read"] / (base[spent] / base["rows read"])
        click.echo(
            f"{number:,} rows, {one['file bytes'] / 1e9:.2f} GB, in {'memory' if in_memory else 'a file'}: "
            f"{one['seconds']:.1f} s ({one[spent]:.1f} s of cores), {one['rounds']} rounds, a row {one['a row']:.2f}, a read "
            f"{one['a read']:.2f}, VmHWM {one['VmHWM'] / 1e6:,.0f} MB, RssAnon {one['RssAnon'] / 1e6:,.0f} MB, "
            f"validation {one['val']:.4f}, test {one['test']:.4f}"
        )
    kernels = [one.pop("kernel") for one in told]
    apart = float(np.abs(kernels[0] - kernels[1]).max() / np.abs(kernels[0]).max())
    click.echo(f"The kernels in memory and from a file differ by {apart:.1e} of the largest weight at most.")
    if training:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            whole = alone(work, alone(keep, training, classes, Path(scratch)))
        told.append(whole)
        click.echo(
            f"The worker of a training with {training:,} pictures: {whole['seconds']:.1f} s, "
            f"VmHWM {whole['VmHWM'] / 1e6:,.0f} MB, RssAnon {whole['RssAnon'] / 1e6:,.0f} MB, "
            f"validation {whole['val']:.4f}, test {whole['test']:.4f}"
        )
    measured.write(file, "large_head", [*told, {"kernels differ": apart}])


if __name__ == "__main__":
    main()
