"""The process that fetches a set and makes a project of it. `python -m core.datasets.examples NAME DATA_HOME`."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.datasets.examples import STARTERS, Starter, folder_of
from core.datasets.examples.unpack import making_folder, unpack
from core.runs.records import RunRecords, RunState
from core.system import storage
from core.system.download import PAUSES, TIMEOUT, DownloadError, Remote, check, download, forget, size_of
from core.system.errors import FieldguideError, in_words
from core.system.tasks.processes import own_state

ROOM = 3
"""Free space that a set needs, as a multiple of its archive: itself, the pictures, and what is made of them."""

_WRITE_SECONDS = 0.3
_GRACE_SECONDS = 0.5


class Stopped(Exception):  # noqa: N818 - it is a signal, not an error
    """The person asked to stop."""


@dataclass
class Fetching:
    """One set on its way: its records and where it stands. `timeout` and `pauses`: see core.system.download."""

    starter: Starter
    home: Path
    records: RunRecords
    state: RunState
    timeout: float = TIMEOUT
    pauses: Sequence[float] = PAUSES
    stopped: bool = False
    _began: float = 0.0
    _first: int = 0
    _written: float = 0.0

    def work(self) -> None:
        """Everything, one after the other. Raises Stopped and FieldguideError."""
        starter = self.starter
        remote = Remote(starter.url, starter.bytes, starter.sha256)
        archive = self.records.folder / starter.url.rpartition("/")[2]
        part = archive.with_name(f"{archive.name}.part")
        if not archive.is_file():
            self.check_room(size_of(part))
            self.begin("download", size_of(part), starter.bytes)
            download(remote, part, self.progress, timeout=self.timeout, pauses=self.pauses)
            part.replace(archive)
            forget(part)
        self.begin("check", 0, starter.bytes)  # also one that is here from before: a crash may have spoilt it
        check(remote, archive, self.progress)
        self.begin("unpack", 0, starter.pictures)
        self.state.message = unpack(starter, archive, self.home, self.chosen, self.progress)
        archive.unlink()

    def check_room(self, have: int) -> None:
        """Raises DownloadError if the disk has not enough space for the archive and what comes out of it."""
        needed, free = ROOM * self.starter.bytes - have, shutil.disk_usage(self.home).free
        if free < needed:
            raise DownloadError(
                f"There is not enough space on the disk: {needed / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} are free.",
                "Make space, then try again, or choose a smaller set.",
            )

    def chosen(self, project: Path) -> None:
        """Notes where the project will be."""
        storage.write_json(self.records.folder / "project.json", {"path": str(project)})

    def begin(self, phase: str, done: int, total: int) -> None:
        """Begins a phase; the time left is worked out from what comes after `done`. Raises Stopped."""
        if self.stopped:
            raise Stopped
        self.state.phase, self.state.done, self.state.total, self.state.seconds_left = phase, done, total, None
        self._began, self._first = time.monotonic(), done
        self.records.write_state(self.state)

    def progress(self, done: int, total: int) -> None:
        """Says how far the phase is; written a few times a second at most. Raises Stopped where someone asked for it."""
        if self.stopped:
            raise Stopped
        now = time.monotonic()
        if now - self._written < _WRITE_SECONDS:
            return
        self._written = now
        come = done - self._first
        self.state.done, self.state.total = done, total
        self.state.seconds_left = (now - self._began) / come * (total - done) if come > 0 else None
        self.records.write_state(self.state)

    def stop_asked(self) -> bool:
        """Looks whether someone asked to stop, and remembers it: the flag is gone when the next process begins."""
        self.stopped = self.stopped or self.records.stop_asked()
        return self.stopped


def run(fetching: Fetching) -> int:
    """Fetches in a thread, because a silent server cannot be interrupted, and listens for a stop; returns the exit status."""
    failure: list[BaseException] = []

    def target() -> None:
        try:
            fetching.work()
        except BaseException as error:  # noqa: BLE001 - told below
            failure.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    while thread.is_alive() and not fetching.stop_asked():
        thread.join(0.1)
    thread.join(_GRACE_SECONDS)
    error = Stopped() if thread.is_alive() else failure[0] if failure else None
    shutil.rmtree(making_folder(fetching.starter, fetching.home), ignore_errors=True)
    state = fetching.state
    if error is None:
        state.state = "done"
    elif isinstance(error, Stopped):
        state.state, state.message = "stopped", "Stopped. What has arrived is kept."
    elif isinstance(error, FieldguideError):
        state.state, state.message, state.hint = "failed", error.message, error.hint
    elif isinstance(error, OSError):
        words = in_words(error)
        state.state, state.message, state.hint = "failed", words.message, words.hint
    else:
        traceback.print_exception(error)
        state.state, state.message = "failed", f"Fetching failed inside: {type(error).__name__}."
        state.hint = f"Details are in {fetching.records.folder / 'worker.log'}."
    state.phase, state.ended, state.seconds_left = "", True, None
    fetching.records.write_state(state)
    return 0 if state.state in ("done", "stopped") else 1


def main(name: str, home: Path) -> int:
    """Fetches the set of this name; its state was written by who started this process."""
    records = RunRecords(folder_of(name, home))
    return run(Fetching(STARTERS[name], home, records, own_state(records)))


if __name__ == "__main__":
    status = main(sys.argv[1], Path(sys.argv[2]))
    sys.stdout.flush()
    os._exit(status)  # a thread may still be waiting for a silent server
