"""A task's records: a folder in which the process that does it says where it stands, read by everyone.

    state.json     where it stands: state, phase, progress, process, error
    stop           there if someone asked to stop
    worker.log     what the process printed
    reserve        room on the disk for its last word

Each file is replaced whole, so that a process killed at any moment leaves readable records.
"""

from __future__ import annotations

import errno
import os
import time
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.system import disk, storage
from core.system.tasks.processes import is_alive

_RESERVE, _RESERVED = "reserve", 32_768
_MAX_LOG, _END_OF_LOG = 100_000_000, 4000
_FULL = os.strerror(errno.ENOSPC)
_COMPUTER = "The computer may have been switched off or run out of memory."
AGAIN = f"{_COMPUTER} Try again."
"""What to do when a task was cut off."""
TRAINING = "The training", f"{_COMPUTER} Train again; if it happens again, try a smaller batch or fewer pictures."
"""What a task does, as the beginning of a sentence, and what to do when it was cut off."""


@dataclass
class TaskState:
    """Where a task stands. `state`: queued, running, done, stopped, failed or interrupted; `ended`: nothing more will be
    written. `before`: while it waits for its turn, how many others come first. `subject`: what of several things it is at, by
    its name, "" where there is one only.

    `seconds_left` is an estimate for the phase; None where there is nothing to go by.
    """

    state: str = "queued"
    phase: str = "starting"
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    pid: int = 0
    born: float = 0.0
    ended: bool = False
    message: str = ""
    hint: str = ""
    updated: float = field(default_factory=time.time)
    before: int = 0
    subject: str = ""


_Whole = Annotated[int, Field(ge=0, le=2**53)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Written(BaseModel):
    """What state.json must look like to be believed: it may be damaged, of another version, or from elsewhere."""

    model_config = ConfigDict(strict=True)

    state: Literal["queued", "running", "done", "stopped", "failed", "interrupted"]
    phase: str
    done: _Whole
    total: _Whole
    seconds_left: _Finite | None
    pid: int
    born: _Finite
    ended: bool
    message: str
    hint: str
    updated: _Finite
    before: _Whole = 0
    subject: str = ""


@lru_cache(maxsize=4096)
def _read_state(path: Path, stamp: tuple[int, ...]) -> TaskState:  # noqa: ARG001 - the cache's key
    """What state.json says: a page asks for that of hundreds of tasks, nearly all of which ended long ago."""
    try:
        return TaskState(**_Written.model_validate(storage.read_json(path)).model_dump())
    except (ValidationError, RecursionError):
        return TaskState(state="failed", phase="", ended=True, message="The record of this run is damaged.")


class TaskRecords:
    """Reads and writes the records in a folder; `work`: what the task does and what to do when it was cut off, as AGAIN."""

    def __init__(self, folder: Path, work: tuple[str, str] = ("The work", AGAIN)) -> None:
        self.folder, self._work = folder, work

    @property
    def exist(self) -> bool:
        """Whether the task was ever begun."""
        return (self.folder / "state.json").is_file()

    def write_state(self, state: TaskState) -> None:
        """Writes state.json; the last one also where the disk has become full."""
        state.updated = time.time()
        if state.ended:
            disk.remove(self.folder / _RESERVE)
        storage.write_json(self.folder / "state.json", asdict(state))

    def reserve(self) -> None:
        """Keeps room on the disk for the last word of a worker."""
        (self.folder / _RESERVE).write_bytes(bytes(_RESERVED))

    def state(self) -> TaskState:
        """What state.json says, corrected by what is true: a run whose process is gone without an end was interrupted."""
        state = self._written_state()
        if state.ended or is_alive(state.pid, state.born):
            return state
        state = self._written_state()  # it may have ended well between the look at the record and that at the process
        if not state.ended and not is_alive(state.pid, state.born):
            unsaved = state.phase == "save"
            state.ended, state.state, state.phase = True, "interrupted", ""
            what = "after the test, before its model was saved" if unsaved else "its process ended without a word"
            work, state.hint = self._work
            if _FULL in self.log():
                what, state.hint = (
                    "the disk is full",
                    "Make room on it: empty the bin, or delete a training. Try again.",
                )
            state.message = f"{work} was cut off: {what}."
        return state

    def log(self) -> str:
        """The end of what the process printed, "" if there is none."""
        try:
            content = storage.read_bytes(self.folder / "worker.log", _MAX_LOG)
        except OSError:
            return ""
        return content[-_END_OF_LOG:].decode("utf-8", "replace")

    def _written_state(self) -> TaskState:
        return replace(_read_state(self.folder / "state.json", storage.stamp(self.folder / "state.json")))

    def ask_to_stop(self) -> None:
        """Leaves the flag that the worker looks for."""
        (self.folder / "stop").touch()

    def stop_asked(self) -> bool:
        """Whether someone asked to stop."""
        return (self.folder / "stop").exists()
