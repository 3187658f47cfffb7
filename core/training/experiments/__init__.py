"""Studies: what many small trainings on the same features tell. Search, cross-validation, learning curve, and the like.

Each is a process of its own with a folder of records, as a training has; here it is started, stopped and read. Pictures
are looked at once, the features are kept, and a study fits heads only, so that one takes seconds; but a search may be of
networks that learn from scratch, which learn from the pictures each time. No TensorFlow.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from filelock import FileLock
from pydantic import Field, ValidationError

from core.config.estimate import require_room
from core.config.training import TrainConfig
from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.runs.lifecycle import forget_killed, freeze, settled
from core.runs.records import RunPlan, RunRecords
from core.runs.result import Shape
from core.system import signing, storage
from core.system.errors import RunError, as_sentence
from core.system.tasks.handle import TaskHandle
from core.system.tasks.records import AGAIN, TaskState

S = TypeVar("S", bound=Shape)
Kind = Literal["search", "learning-rate", "cross-validation", "learning-curve", "mirror", "seeds"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_WORK = "The study", f"{AGAIN} What was found by then is kept."
_SHARED = "a study of several machines"
_WORKER = "core.training.experiments.worker"


class Shared(Shape):
    """How a study takes part in one that several machines share.

    `storage`: its address, without a password; `name`: what the study is called there, and `member` this machine; `leads`:
    whether it was begun here; `patience`: after so many seconds without a word a process counts as dead.
    """

    storage: str
    name: str
    member: str
    leads: bool
    patience: Annotated[float, Field(ge=1, le=86_400)] = 60.0

    def signed(self) -> dict[str, Any]:
        """As it is written: a folder from elsewhere must not say to what address this computer connects."""
        return {"asked": self.model_dump(), "signature": signing.sign(_SHARED, self._content)}

    @property
    def _content(self) -> bytes:
        return json.dumps(self.model_dump(), sort_keys=True).encode()

    @classmethod
    def read(cls, written: Any) -> Shared:
        """From what `signed` gives. Raises RunError for one of another computer, and ValueError if it is damaged."""
        record = written if isinstance(written, dict) else {}
        found = cls.model_validate(record.get("asked"))
        if not signing.is_signed(_SHARED, found._content, record.get("signature")):
            raise RunError(
                "This study is of several machines, and was begun on another computer.",
                f"Join it from the command line, if you know its storage: --join {found.name} --storage WHERE",
            )
        return found


Share = Callable[["Study", RunPlan], Shared]
"""Writes a study into a storage, or compares it with the one that is there. Raises RunError."""


@dataclass(frozen=True)
class Study:
    """One study: its folder, and what its records say at the moment that they are asked."""

    folder: Path

    @property
    def records(self) -> RunRecords:
        """Its plan and its state."""
        return RunRecords(self.folder, _WORK)

    @property
    def kind(self) -> Kind:
        """What it is about. Raises RunError if its record is damaged."""
        return self._asked["kind"]

    def options(self, shape: type[S]) -> S:
        """What was asked for, beside the settings. Raises RunError if its record is damaged."""
        try:
            return shape.model_validate(self._asked["options"])
        except (ValidationError, RecursionError):
            raise _damaged() from None

    @property
    def shared(self) -> Shared | None:
        """How it takes part in one of several machines; None for one of this machine alone. Raises RunError if its record is
        damaged, or was written by another computer."""
        try:
            value = self._asked.get("shared")
            return None if value is None else Shared.read(value)
        except (ValueError, RecursionError):
            raise _damaged() from None

    @property
    def _asked(self) -> dict[str, Any]:
        value = storage.read_json(self.folder / "study.json")
        if not isinstance(value, dict) or value.get("kind") not in KINDS or not isinstance(value.get("options"), dict):
            raise _damaged()
        return value

    @property
    def task(self) -> TaskHandle:
        """The process that does it."""
        return TaskHandle(self.folder, _WORK)

    def state(self) -> TaskState:
        """Where it stands."""
        return self.task.state() or self.records.state()

    def found(self, shape: type[S]) -> S | None:
        """What it has found so far; None before the first, and where its record is damaged."""
        try:
            return shape.model_validate(storage.read_json(self.folder / "found.json"))
        except (ValidationError, RecursionError):
            return None

    def keep(self, found: Shape) -> None:
        """Writes what it has found so far."""
        storage.write_json(self.folder / "found.json", found.model_dump(by_alias=True))

    def stop(self) -> None:
        """Asks it to stop; what it has found by then stays."""
        self.records.ask_to_stop()


@as_sentence(RunError)
def start_study(
    project: Project,
    kind: Kind,
    config: TrainConfig,
    options: Shape | None = None,
    catalogue: Catalogue | None = None,
    share: Share | None = None,
) -> Study:
    """Freezes the list of pictures and starts a process; does not wait. While one of this kind is under way, gives that.

    `share`: for a study of several machines (see core.training.experiments.joint), whose settings are settled already. Raises
    ProjectError if the pictures do not suffice, RunError if one of this kind is under way and another is to be shared.
    """
    home = project.home / "studies"
    storage.make_folder(home)
    with FileLock(home / ".lock", timeout=60):
        last = latest(project, kind)
        if last and not last.state().ended:
            if share:
                raise RunError("A study of this kind is under way in this folder.", "Wait for its end, or stop it.")
            return last
        stem = f"{time.strftime('%Y-%m-%d-%H%M%S')}-{kind}"
        taken = sum(path.name.startswith(stem) for path in home.iterdir())
        study = Study(home / (f"{stem}-{taken + 1}" if taken else stem))
        config = config if share else settled(project, config)
        split, pictures = freeze(catalogue or project.scan(), config)
        require_room(config, len(split.classes))
        plan = RunPlan(study.folder.name, str(project.root), time.time(), config, split.classes, pictures)
        asked: dict[str, Any] = {"kind": kind, "options": options.model_dump() if options else {}}
        if share:  # of several machines that see one folder, another may be at work on an earlier one
            asked["shared"] = share(study, plan).signed()
        else:
            for earlier in home.glob(f"*-{kind}*"):
                Study(earlier).records.forget_pictures()  # it was cut off, and nobody goes on with it now
            forget_killed(project)
        study.folder.mkdir()
        storage.write_json(study.folder / "study.json", asked)
        study.task.start(_WORKER, [str(study.folder)], prepare=lambda: study.records.write_plan(plan))
    return study


@as_sentence(RunError)
def go_on(study: Study) -> None:
    """Starts the process of a study that ended too early again: it goes on with what it has found. Does not wait, and does
    nothing while the study is under way."""
    study.task.start(_WORKER, [str(study.folder)])


def latest(project: Project, kind: Kind) -> Study | None:
    """The newest study of a kind, or None."""
    folders = sorted((project.home / "studies").glob(f"*-{kind}*/study.json"), key=lambda path: path.stat().st_mtime_ns)
    return Study(folders[-1].parent) if folders else None


def wait_for(study: Study, shape: type[S], watch: Callable[[TaskState], None] | None = None) -> S:
    """Waits until a study has ended and gives what it found; an interrupt (Ctrl-C) also stops it. Raises RunError if it
    failed, or was stopped before it found anything."""
    state = study.task.wait(watch) or study.state()
    found = study.found(shape)
    if state.state in ("failed", "interrupted") or found is None:
        raise RunError(state.message or "Nothing was found.", state.hint or "Start it again.")
    return found


def _damaged() -> RunError:
    return RunError("The record of this study is damaged.", "Start it again.")
