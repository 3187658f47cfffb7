"""A run's records: a folder that tells everything about one training, written by the worker and read by everyone.

    run.json          what was asked: id, config, classes, how many pictures are in each part
    pictures.json     the frozen list of pictures with their parts, in a file of its own because it may have megabytes
    history.jsonl     one line an epoch
    tried.json        what a search has tried so far
    result.json       how good it is
    predictions.npz   probabilities for the validation and test parts
    film.npz          what was said of some validation pictures after each round (see core.runs.film)
    head.npz or model.keras                        what was learned: the head of frozen backbones, or a whole network
    model.tflite, fieldguide.json                  the trained model, as it is asked
    state.json, stop, worker.log     those of every task (see core.system.tasks.records)

Each file is replaced whole or appended to by lines, so that a process killed at any moment leaves readable records. A
folder of its own, rather than rows in the project's database, lets `--out` put a run anywhere and a copy of it work.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from core.config.split import PARTS
from core.config.training import TrainConfig, make_config
from core.datasets.edit_journal import HIDDEN
from core.runs.result import Attempt, RunResult, is_epoch
from core.system import disk, storage
from core.system.confined import parts_of
from core.system.errors import ConfigError, RunError
from core.system.naming import as_text, is_digest
from core.system.tasks.records import TRAINING, TaskRecords

SCHEMA = 2
"""1: the pictures lay in run.json, too."""
LATEST = 10_000_000_000.0
"""Seconds since 1970 that no training can have begun after: of the year 2286."""
MAX_PLAN = 300_000_000
"""Bytes of a plan: of a million pictures."""
_TEXT = TypeAdapter(str)
_WHOLE: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(strict=True, ge=0, le=2**53)])
_TEXTS = TypeAdapter(list[str])
_ATTEMPTS = TypeAdapter(list[Attempt])


@dataclass(frozen=True, slots=True)  # there may be a million of them
class RunPicture:
    """A picture as it was when the run started: content id, path in the project, position of its class, part of the split, and
    the number of its group: pictures of one belong together. -1 in records of before groups were kept."""

    id: str
    path: str
    label: int
    part: str
    group: int = -1


@dataclass(frozen=True)
class RunHead:
    """What was asked for, but for the list of pictures; never changes after the run is made.

    `created`: seconds since 1970; `counts`: how many pictures are in each part; `remarks`: what to know of the split, in
    sentences.
    """

    id: str
    project: str
    created: float
    config: TrainConfig
    classes: tuple[str, ...]
    counts: Mapping[str, int]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunPlan:
    """What was asked for, with the list of pictures; never changes after the run is made."""

    id: str
    project: str
    created: float
    config: TrainConfig
    classes: tuple[str, ...]
    pictures: tuple[RunPicture, ...]
    remarks: tuple[str, ...] = ()

    def part(self, name: str) -> list[RunPicture]:
        """The pictures of "train", "val" or "test"."""
        return [picture for picture in self.pictures if picture.part == name]

    def file(self, picture: RunPicture) -> Path:
        """Where a picture lies, if it has not been moved since."""
        return Path(self.project) / picture.path

    @property
    def counts(self) -> dict[str, int]:
        """How many pictures are in each part."""
        return {part: len(self.part(part)) for part in PARTS}

    @property
    def head(self) -> RunHead:
        """All but the list of pictures."""
        return RunHead(self.id, self.project, self.created, self.config, self.classes, self.counts, self.remarks)


class RunRecords(TaskRecords):
    """Reads and writes the files of one run folder, or of another that has a plan, whose task does `work`."""

    def __init__(self, folder: Path, work: tuple[str, str] = TRAINING) -> None:
        super().__init__(folder, work)

    def write_plan(self, plan: RunPlan) -> None:
        """Writes pictures.json, then run.json, which makes the run known."""
        storage.write_json(self.folder / "pictures.json", [asdict(picture) for picture in plan.pictures])
        values = asdict(plan.head) | {"config": plan.config.model_dump(), "schema": SCHEMA}
        storage.write_json(self.folder / "run.json", values)

    def head(self) -> RunHead:
        """What run.json says. Raises RunError if it is missing, damaged, or of a newer version."""
        head = _read_head(self.folder, self._stamp())
        return replace(head, project=root) if (root := self._project_now()) else head

    def plan(self) -> RunPlan:
        """What run.json and pictures.json say. Raises RunError if one is missing, damaged, or of a newer version."""
        plan = _read_plan(self.folder, self._stamp(), storage.stamp(self.folder / "pictures.json"))
        return replace(plan, project=root) if (root := self._project_now()) else plan

    def _project_now(self) -> str:
        """Where the project is: one that was moved takes its runs along. "" for a run that lies elsewhere."""
        home = self.folder.parent.parent
        return str(home.parent) if home.name == HIDDEN else ""

    def _stamp(self) -> tuple[int, ...]:
        """That of run.json. Raises RunError if it is missing."""
        found = storage.stamp(self.folder / "run.json")
        if not found:
            raise RunError(f"{self.folder} is not the folder of a training.", "Choose another folder.")
        return found

    def forget_pictures(self) -> None:
        """Removes the decoded pictures, which lie there while the task lasts."""
        for file in self.folder.glob("*.npy"):
            with suppress(OSError):  # Windows keeps what is still mapped into memory: the next start removes it
                disk.remove(file)

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

    def write_result(self, result: RunResult) -> None:
        """Writes result.json."""
        storage.write_json(self.folder / "result.json", result.model_dump(exclude_defaults=True))

    def result(self) -> RunResult | None:
        """How good the model is, or None while that is not known."""
        path = self.folder / "result.json"
        return _read_result(path, stamp) if (stamp := storage.stamp(path)) else None

    def input_pixels(self) -> int:
        """The side of the squares that the model sees, or will, as far as that is known before a search has ended. Raises
        RunError if the plan is missing or damaged."""
        result, config = self.result(), self.head().config
        return result.input_pixels(config) if result else config.input_pixels

    def write_tried(self, attempts: Sequence[Attempt]) -> None:
        """Writes tried.json: what a search has tried so far."""
        storage.write_json(self.folder / "tried.json", [attempt.model_dump() for attempt in attempts])

    def tried(self) -> list[Attempt]:
        """What a search has tried so far; empty for other trainings."""
        try:
            return _ATTEMPTS.validate_python(storage.read_json(self.folder / "tried.json"))
        except (ValidationError, RecursionError):
            return []

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
            raise RunError(f"The training {self.folder.name} has no predictions.", "Train again.")
        return found

    def keep_answers(self, name: str, answers: Mapping[str, np.ndarray]) -> None:
        """Keeps what the model says of some pictures, float32 (K,) each by its id, in the file `name`. Raises OSError."""
        ids, rows = np.array(list(answers)), np.stack(list(answers.values()))
        storage.write_with(self.folder / name, lambda path: np.savez(path, ids=ids, said=rows))

    def answers(self, name: str) -> dict[str, np.ndarray]:
        """What `keep_answers` kept; empty if nothing was, or if it is damaged."""
        try:
            file = storage.read_arrays(self.folder / name)
            ids, said = _TEXTS.validate_python(file["ids"].tolist()), file["said"].astype(np.float32)
        except (OSError, KeyError, ValueError, TypeError):
            return {}
        if said.shape != (len(ids), len(self.head().classes)) or not np.isfinite(said).all():
            return {}
        return dict(zip(ids, said, strict=True))

    @property
    def whole(self) -> Path:
        """The Keras model of a training that changed more than a head."""
        return self.folder / "model.keras"

    @property
    def frozen(self) -> Path:
        """The head that was fitted to frozen backbones, from which their Keras model is built when one is wanted."""
        return self.folder / "head.npz"

    @property
    def model(self) -> Path:
        """What the Keras model comes from: `whole`, or else `frozen`."""
        return self.whole if self.whole.is_file() else self.frozen

    @property
    def tflite(self) -> Path:
        """The float32 .tflite model."""
        return self.folder / "model.tflite"


@lru_cache(maxsize=8)
def _read_result(path: Path, stamp: tuple[int, ...]) -> RunResult | None:  # noqa: ARG001 - the cache's key
    """What result.json holds: of a thousand classes it has two million numbers, and a page asks for it several times."""
    try:
        return RunResult.model_validate(storage.read_json(path))
    except (ValidationError, RecursionError):
        return None


def _values(folder: Path) -> dict[str, Any]:
    """What run.json holds. Raises RunError."""
    values = storage.read_json(folder / "run.json", MAX_PLAN)
    if not isinstance(values, dict):
        raise _damaged(folder)
    schema = values.get("schema")
    if type(schema) is not int or not 1 <= schema <= SCHEMA:
        raise RunError(
            f"The training {folder.name} was made by another version of Fieldguide.", "Open it with that version."
        )
    return values


def _damaged(folder: Path) -> RunError:
    return RunError(f"The record of the training {folder.name} is damaged.", "Choose another one.")


@lru_cache(maxsize=1024)
def _read_head(folder: Path, stamp: tuple[int, ...]) -> RunHead:
    values = _values(folder)
    if values["schema"] == 1:
        return _read_plan(folder, stamp, ()).head
    try:
        head = _head(values, {part: _WHOLE.validate_python(values["counts"][part]) for part in PARTS})
        _check_head(head)
    except (KeyError, TypeError, ValueError, OverflowError, OSError, ConfigError):
        raise _damaged(folder) from None
    return head


@lru_cache(maxsize=64)
def _read_plan(folder: Path, stamp: tuple[int, ...], pictures_stamp: tuple[int, ...]) -> RunPlan:  # noqa: ARG001
    values = _values(folder)
    first = values["schema"] == 1
    listed: Any = values.get("pictures") if first else storage.read_json(folder / "pictures.json", MAX_PLAN)
    try:
        head = _head(values, {})
        pictures = tuple(RunPicture(**picture) for picture in listed)
        plan = RunPlan(head.id, head.project, head.created, head.config, head.classes, pictures, head.remarks)
        _check_head(head)
        _check_pictures(plan)
        if not first and plan.counts != values["counts"]:
            raise ValueError("the pictures of another run")
    except (KeyError, TypeError, ValueError, OverflowError, OSError, ConfigError):
        raise _damaged(folder) from None
    return plan


_BEFORE: Mapping[str, Any] = {"framing": {}, "whitening": False, "expanded": False}
"""What held before there was a choice: the centre square, no whitening, nothing from inside of blocks."""


def _head(values: Mapping[str, Any], counts: Mapping[str, int]) -> RunHead:
    return RunHead(
        id=_TEXT.validate_python(values["id"]),
        project=_TEXT.validate_python(values["project"]),
        created=float(values["created"]),
        config=make_config(_BEFORE | values["config"]),
        classes=tuple(_TEXTS.validate_python(values["classes"])),
        counts=counts,
        remarks=tuple(map(str, values.get("remarks", ()))),
    )


def _check_head(head: RunHead) -> None:
    """Raises ValueError for a plan that no training can have had: it may have been written to do harm."""
    if not 0 <= head.created < LATEST:
        raise ValueError("created")
    if not head.classes or len(set(head.classes)) != len(head.classes):
        raise ValueError("classes")
    if any(as_text(name) != name for name in head.classes):
        raise ValueError("a class whose name is no text")


def _check_pictures(plan: RunPlan) -> None:
    """As `_check_head`, for the list of pictures."""
    for picture in plan.pictures:
        parts_of(picture.path)
        # True and False are whole numbers to Python, but choose rows when they index an array.
        if type(picture.label) is not int or not 0 <= picture.label < len(plan.classes):
            raise ValueError("label")
        if picture.part not in PARTS or type(picture.group) is not int or not is_digest(picture.id):
            raise ValueError("picture")
