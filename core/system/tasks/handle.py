"""A task as the others see it: started, stopped, waited for, and asked where it stands. A process of its own does the work."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from core.system import disk
from core.system.errors import in_words
from core.system.tasks.processes import birth_of, reap, spawn
from core.system.tasks.queue import line_up
from core.system.tasks.records import AGAIN, TaskRecords, TaskState

_WAIT_SECONDS = 0.1


@dataclass(frozen=True)
class TaskHandle:
    """The task whose records lie in `folder`; `work`: what it does, as the beginning of a sentence, and what to do when it was
    cut off."""

    folder: Path
    work: tuple[str, str] = ("The work", AGAIN)

    @property
    def records(self) -> TaskRecords:
        """The files behind it."""
        return TaskRecords(self.folder, self.work)

    def state(self) -> TaskState | None:
        """Where it stands (queued, running, done, stopped, failed, interrupted), or None if it never was begun."""
        records = self.records
        if not records.exist:
            return None
        reap()
        return records.state()

    @property
    def under_way(self) -> bool:
        """Whether its process works, or waits for its turn."""
        now = self.state()
        return now is not None and not now.ended

    def start(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        needed: Callable[[], bool] = lambda: True,
        phase: str = "starting",
        queued: bool = True,
        prepare: Callable[[], None] = lambda: None,
    ) -> bool:
        """Runs `python -m module ...` unless it is under way, or is not `needed` any more once the others have been asked;
        does not wait. Says whether it was started. The folder is made if need be. Raises OSError if nothing can be written.

        `queued`: whether it computes, and so takes its place behind those that do already. `prepare`: writes what the process
        reads, once it is sure that one is started.
        """
        self.folder.mkdir(exist_ok=True)
        with FileLock(self.folder / ".lock", timeout=60):
            if self.under_way or not needed():
                return False
            records = self.records
            disk.remove(self.folder / "stop")
            records.reserve()
            records.write_state(TaskState(pid=os.getpid(), born=birth_of(os.getpid())))  # it is never without one
            child = None
            try:
                prepare()
                child = spawn(module, arguments, self.folder / "worker.log")
                born = birth_of(child.pid)
                if queued:
                    line_up(child.pid, born)
                records.write_state(TaskState("queued" if queued else "running", phase, pid=child.pid, born=born))
            except BaseException as error:  # else it would be under way for as long as this process lives
                if child is not None:
                    child.kill()
                words = in_words(error)
                with suppress(OSError):
                    records.write_state(TaskState("failed", "", ended=True, message=words.message, hint=words.hint))
                raise
        return True

    def stop(self) -> None:
        """Asks it to stop, if it is under way; it does so within a few seconds and keeps what it has."""
        if self.under_way:
            self.records.ask_to_stop()

    def wait(self, watch: Callable[[TaskState], None] | None = None) -> TaskState | None:
        """Waits until it has ended and gives its last state; an interrupt (Ctrl-C) also stops it. `watch` is called several
        times a second. None if it never was begun."""
        try:
            while (now := self.state()) and not now.ended:
                if watch:
                    watch(now)
                time.sleep(_WAIT_SECONDS)
        except KeyboardInterrupt:
            self.stop()
            raise
        return now
