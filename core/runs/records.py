"""A run's records: a folder that tells everything about one training, written by the worker and read by everyone.

    run.json          what was asked: id, config, classes, and the frozen list of pictures with their parts
    history.jsonl     one line an epoch
    tried.json        what a search has tried so far
    result.json       how good it is
    predictions.npz   probabilities for the validation and test parts
    model.keras, model.tflite, fieldguide.json     the trained model
    state.json, stop, worker.log     those of every task (see core.system.tasks.records)

Each file is replaced whole or appended to by lines, so that a process killed at any moment leaves readable records. A
folder of its own, rather than rows in the project's database, lets `--out` put a run anywhere and a copy of it work.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from core.config.split import PARTS
from core.config.training import TrainConfig, make_config
from core.datasets.edit_journal import HIDDEN
from core.runs.record_shapes import is_attempt, is_epoch, is_result
from core.system import storage
from core.system.confined import parts_of
from core.system.errors import ConfigError, RunError
from core.system.naming import as_text, is_digest
from core.system.tasks.records import TRAINING, TaskRecords

SCHEMA = 1
LATEST = 10_000_000_000.0
"""Seconds since 1970 that no training can have begun after: of the year 2286."""
MAX_PLAN = 300_000_000
"""Bytes of a plan: of a million pictures."""
_TEXT = TypeAdapter(str)
_TEXTS = TypeAdapter(list[str])


@dataclass(frozen=True)
class RunPicture:
    """A picture as it was when the run started: content id, path in the project, position of its class, part of the split, and
    the number of its group: pictures of one belong together. -1 in records of before groups were kept."""

    id: str
    path: str
    label: int
    part: str
    group: int = -1


@dataclass(frozen=True)
class RunPlan:
    """What was asked for; never changes after the run is made."""

    id: str
    project: str
    created: float
    config: TrainConfig
    classes: tuple[str, ...]
    pictures: tuple[RunPicture, ...]
    remarks: tuple[str, ...] = ()
    """What to know of the split, in sentences."""

    def part(self, name: str) -> list[RunPicture]:
        """The pictures of "train", "val" or "test"."""
        return [picture for picture in self.pictures if picture.part == name]

    def file(self, picture: RunPicture) -> Path:
        """Where a picture lies, if it has not been moved since."""
        return Path(self.project) / picture.path

    @property
    def counts(self) -> dict[str, int]:
        """How many pictures are in each part."""
        return {part: len(self.part(part)) for part in ("train", "val", "test")}


class RunRecords(TaskRecords):
    """Reads and writes the files of one run folder, or of another that has a plan, whose task does `work`."""

    def __init__(self, folder: Path, work: tuple[str, str] = TRAINING) -> None:
        super().__init__(folder, work)

    def write_plan(self, plan: RunPlan) -> None:
        """Writes run.json."""
        values = asdict(plan) | {"config": plan.config.model_dump(), "schema": SCHEMA}
        storage.write_json(self.folder / "run.json", values)

    def plan(self) -> RunPlan:
        """What run.json says. Raises RunError if it is missing, damaged, or of another version."""
        path = self.folder / "run.json"
        try:
            plan = _read_plan(path, path.stat().st_mtime_ns)
        except OSError:
            raise RunError(f"{self.folder} is not a run.", "Choose another folder.") from None
        # A project that was moved takes its runs along: they find the pictures where the project is now.
        home = self.folder.parent.parent
        return replace(plan, project=str(home.parent)) if home.name == HIDDEN else plan

    def append_epoch(self, epoch: dict[str, float]) -> None:
        """Adds a line to history.jsonl."""
        with (self.folder / "history.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(epoch) + "\n")

    def history(self) -> list[dict[str, float]]:
        """All whole lines of history.jsonl."""
        try:
            lines = storage.read_bytes(self.folder / "history.jsonl", storage.MAX_JSON).splitlines()
        except OSError:
            return []
        epochs = []
        for line in lines:
            try:
                epoch = json.loads(line)
            except (ValueError, RecursionError):
                break  # half a line: the worker was killed while it wrote it
            if not is_epoch(epoch):
                break
            epochs.append(epoch)
        return epochs

    def write_result(self, result: dict[str, Any]) -> None:
        """Writes result.json."""
        storage.write_json(self.folder / "result.json", result)

    def result(self) -> dict[str, Any] | None:
        """How good the model is, or None while that is not known."""
        path = self.folder / "result.json"
        try:
            status = path.stat()
        except OSError:
            return None
        return _read_result(path, status.st_mtime_ns, status.st_size)

    def write_tried(self, attempts: list[dict[str, Any]]) -> None:
        """Writes tried.json: what a search has tried so far."""
        storage.write_json(self.folder / "tried.json", attempts)

    def tried(self) -> list[dict[str, Any]]:
        """What a search has tried so far; empty for other trainings."""
        found = storage.read_json(self.folder / "tried.json")
        return found if isinstance(found, list) and all(map(is_attempt, found)) else []

    def write_predictions(self, probabilities: dict[str, np.ndarray]) -> None:
        """`probabilities`: part -> float32 (N, K), in the order of the plan's pictures of that part."""
        storage.write_with(self.folder / "predictions.npz", lambda path: np.savez(path, **probabilities))  # type: ignore[arg-type]

    def predictions(self, part: str) -> np.ndarray:
        """float32 (N, K) for "val" or "test". Raises RunError if there are none."""
        try:
            found = storage.read_arrays(self.folder / "predictions.npz")[part].astype(np.float32)
        except (OSError, KeyError, ValueError, TypeError):
            found = np.empty(0, np.float32)
        plan = self.plan()
        if found.shape != (len(plan.part(part)), len(plan.classes)) or not ((found >= 0) & (found <= 1.001)).all():
            raise RunError(f"The run {self.folder.name} has no predictions.", "Train again.")
        return found

    @property
    def model(self) -> Path:
        """The Keras model."""
        return self.folder / "model.keras"

    @property
    def tflite(self) -> Path:
        """The float32 .tflite model."""
        return self.folder / "model.tflite"


@lru_cache(maxsize=8)
def _read_result(path: Path, modified_ns: int, size: int) -> dict[str, Any] | None:  # noqa: ARG001 - the cache's key
    """What result.json holds: of a thousand classes it has two million numbers, and a page asks for it several times."""
    value = storage.read_json(path)
    return value if is_result(value) else None


@lru_cache(maxsize=64)
def _read_plan(path: Path, modified_ns: int) -> RunPlan:  # noqa: ARG001 - the time is part of the cache's key
    values = storage.read_json(path, MAX_PLAN)
    name = path.parent.name
    if not isinstance(values, dict):
        raise RunError(f"The record of run {name} is damaged.", "Choose another run.")
    if values.get("schema") != SCHEMA:
        raise RunError(f"The run {name} was made by another version of Fieldguide.", "Open it with that version.")
    try:
        plan = RunPlan(
            id=_TEXT.validate_python(values["id"]),
            project=_TEXT.validate_python(values["project"]),
            created=float(values["created"]),
            config=make_config(values["config"]),
            classes=tuple(_TEXTS.validate_python(values["classes"])),
            pictures=tuple(RunPicture(**picture) for picture in values["pictures"]),
            remarks=tuple(map(str, values.get("remarks", ()))),
        )
        _check(plan)
    except (KeyError, TypeError, ValueError, OverflowError, OSError, ConfigError):
        raise RunError(f"The record of run {name} is damaged.", "Choose another run.") from None
    return plan


def _check(plan: RunPlan) -> None:
    """Raises ValueError for a plan that no training can have had: it may have been written to do harm."""
    if not 0 <= plan.created < LATEST:
        raise ValueError("created")
    if not plan.classes or len(set(plan.classes)) != len(plan.classes):
        raise ValueError("classes")
    if any(as_text(name) != name for name in plan.classes):
        raise ValueError("a class whose name is no text")
    for picture in plan.pictures:
        parts_of(picture.path)
        # True and False are whole numbers to Python, but choose rows when they index an array.
        if type(picture.label) is not int or not 0 <= picture.label < len(plan.classes):
            raise ValueError("label")
        if picture.part not in PARTS or type(picture.group) is not int or not is_digest(picture.id):
            raise ValueError("picture")
