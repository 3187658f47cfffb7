"""Trainings: start, stop, wait, look up. Each is a process of its own; here only records are read. No TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from core.config.estimate import require_room
from core.config.split import PARTS
from core.config.training import TrainConfig
from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.datasets.splits import Split, make_split
from core.inference.metrics import Evaluation, evaluate_predictions
from core.runs.pictures import without_left_out
from core.runs.predictions import probabilities
from core.runs.records import RunPicture, RunPlan, RunRecords
from core.runs.result import RunResult
from core.system.errors import RunError, as_sentence
from core.system.tasks.handle import TaskHandle
from core.system.tasks.processes import reap
from core.system.tasks.records import TRAINING, TaskState


@dataclass(frozen=True)
class Run:
    """One training: its folder, and what its records say at the moment that they are asked."""

    folder: Path

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def records(self) -> RunRecords:
        """The files behind it."""
        return RunRecords(self.folder)

    @property
    def task(self) -> TaskHandle:
        """The process that works on it."""
        return TaskHandle(self.folder, TRAINING)

    def snapshot(self) -> RunSnapshot:
        """Everything there is to show of it now. Raises RunError if the run's record is damaged."""
        records = self.records
        reap()
        state = records.state()
        return RunSnapshot(self, records.plan(), state, tuple(records.history()), records.result())

    def stop(self) -> None:
        """Asks the worker to stop; it does so within a few seconds and keeps the best model so far."""
        self.records.ask_to_stop()


@dataclass(frozen=True)
class RunSnapshot:
    """A run at one moment."""

    run: Run
    plan: RunPlan
    state: TaskState
    history: tuple[dict[str, float], ...]
    result: RunResult | None

    @property
    def live(self) -> bool:
        """Whether its process still works on it."""
        return not self.state.ended

    @property
    def has_model(self) -> bool:
        """Whether its model file is there, so that pictures can be tested."""
        return self.run.records.tflite.is_file()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as `python -m core train --json` prints them."""
        result = self.result
        return {
            "run": self.run.id,
            "dir": str(self.run.folder),
            "state": self.state.state,
            "recipe": self.plan.config.recipe,
            "backbone": self.plan.config.backbone,
            "parameters": result and result.parameters,
            "classes": list(self.plan.classes),
            "counts": self.plan.counts,
            "history": list(self.history),
            "val": result and result.val.model_dump(),
            "test": result and result.test.model_dump(),
            "seconds": result and result.seconds,
            "diagnosis": result.diagnosis if result else "",
        }


@as_sentence(RunError)
def start(
    project: Project,
    config: TrainConfig,
    out: Path | None = None,
    catalogue: Catalogue | None = None,
    seen: str | None = None,
) -> Run:
    """Freezes the list of pictures and starts a worker process; does not wait.

    While the project has a run that is under way, that run is returned instead: thirty presses of Train are one run.
    `out`: the run's folder, which must be new or empty; by default one in the project. `catalogue`: a fresh scan, if
    the caller has one. `seen`: the id of the newest run when the person asked, "" for none: one that others have begun since
    is returned instead, even if it is over by now. Raises ProjectError if the pictures do not suffice, RunError if `out` is
    taken.
    """
    (project.home / "runs").mkdir(exist_ok=True)
    with FileLock(project.home / "runs" / ".lock", timeout=60):
        if out is None:
            under_way = live_run(project)
            if under_way:
                return under_way
            ids = [run.id for run in list_runs(project)]
            if seen is not None and ids and ids[0] != seen and seen in ("", *ids):
                return Run(project.runs_dir / ids[0])
        forget_killed(project)
        began = time.time()
        config, catalogue = settled(project, config), catalogue or project.scan()
        scanned = time.time() - began
        split, pictures = freeze(catalogue, config)
        require_room(config, len(split.classes))
        pictures, left_out = without_left_out(pictures, config)
        folder = new_folder(project, config, out)
        run = Run(folder)
        plan = RunPlan(
            folder.name, str(project.root), began, config, split.classes, pictures, (*split.remarks, *left_out)
        )
        begin(run, plan, "core.training.worker", [str(folder), str(scanned)])
    return run


def begin(run: Run, plan: RunPlan, worker: str, arguments: Sequence[str]) -> None:
    """Writes the plan into the empty folder of a run, and starts its process. Raises OSError."""
    run.task.start(worker, arguments, prepare=lambda: run.records.write_plan(plan))


def settled(project: Project, config: TrainConfig) -> TrainConfig:
    """The settings as a training in the project uses them: with the project's split and framing, unless they ask for their
    own."""
    split = {} if config.own_split else {"split": project.division().config}
    return config.model_copy(update=split | {"framing": config.framing or project.framing()})


def freeze(catalogue: Catalogue, config: TrainConfig) -> tuple[Split, tuple[RunPicture, ...]]:
    """The split that settled settings ask for, and its pictures as a run's plan lists them. Raises ProjectError."""
    split = make_split(catalogue, config.split, config.seed)
    position = {name: number for number, name in enumerate(split.classes)}
    return split, tuple(
        RunPicture(p.id, p.path, position[str(p.class_name)], part, split.groups[p.path])
        for part in PARTS
        for p in split.part(part)
    )


def new_folder(project: Project, config: TrainConfig, out: Path | None) -> Path:
    """Makes the folder of a new run: `out`, which must be new or empty, or one in the project. Raises RunError."""
    if out is not None:
        folder = out.expanduser().absolute()
        if folder.is_relative_to(project.root) and not folder.is_relative_to(project.home):
            raise RunError(
                f"{folder} is inside the project, where it would become a class.", "Choose a folder elsewhere."
            )
        if folder.is_dir() and any(folder.iterdir()):
            raise RunError(f"The folder {folder} is not empty.", "Choose a new one for the run.")
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    stem = f"{time.strftime('%Y-%m-%d-%H%M%S')}-{config.recipe}"
    for number in range(1, 1000):
        folder = project.runs_dir / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise RunError("Too many trainings were started at once.", "Wait a second and try again.")


def list_runs(project: Project) -> list[Run]:
    """The project's runs, the newest first, those with a damaged record among them."""
    found = []
    for path in project.runs_dir.glob("*/run.json"):
        with suppress(OSError):  # it was moved meanwhile
            found.append((path.stat().st_mtime_ns, path.parent))
    return [Run(folder) for _, folder in sorted(found, reverse=True)]


_DAY = 24 * 3600.0


def forget_killed(project: Project) -> None:
    """Removes the decoded pictures of the project's trainings whose process was killed, and so could not do it: gigabytes. Not
    what was at work within the last day: it may be on another computer that sees the folder."""
    for folder in {file.parent for file in project.runs_dir.glob("*/*.npy")}:
        records = RunRecords(folder)
        state = records.state()
        if state.ended and time.time() - state.updated > _DAY:
            records.forget_pictures()


def live_run(project: Project) -> Run | None:
    """The project's run that is under way or waits for its turn, if there is one."""
    for run in list_runs(project):
        state = run.records.state()
        if not state.ended and state.state in ("queued", "running"):
            return run
    return None


def open_run(folder: Path | str) -> Run:
    """The run in a folder. Raises RunError if there is none or its record is damaged."""
    run = Run(Path(folder).expanduser().absolute())
    run.records.plan()
    return run


def wait(run: Run, watch: Callable[[RunSnapshot], None] | None = None, poll: float = 0.2) -> RunSnapshot:
    """Waits until the run's process has ended; `watch` is called with a snapshot at every look, `poll` seconds apart."""
    while True:
        snapshot = run.snapshot()
        if watch:
            watch(snapshot)
        if not snapshot.live:
            return snapshot
        time.sleep(poll)


def train(
    project: Project,
    config: TrainConfig | None = None,
    out: Path | None = None,
    watch: Callable[[RunSnapshot], None] | None = None,
) -> Run:
    """Trains and waits for the end; an interrupt (Ctrl-C) also stops the training.

    Raises RunError, with what to do, if the training fails, or if another one of the project is under way.
    """
    config = settled(project, config or TrainConfig())
    run = start(project, config, out)
    if run.records.plan().config != config:
        raise RunError(
            "Another training of this project is under way.", "Wait for its end, or stop it on the Train page."
        )
    try:
        snapshot = wait(run, watch)
    except KeyboardInterrupt:
        run.stop()
        raise
    if snapshot.state.state in ("failed", "interrupted"):
        raise RunError(snapshot.state.message, snapshot.state.hint)
    return run


def evaluate(run: Run, part: str = "test") -> Evaluation:
    """How the run's model, as it is used (see core.inference.decision), does on its "val" or "test" part.

    Raises RunError if it has no predictions yet.
    """
    plan = run.records.plan()
    truth = np.array([picture.label for picture in plan.part(part)])
    return evaluate_predictions(probabilities(run.records, part), truth, plan.classes)
