"""A task under way, in its own process: where it stands, how it hears that it should stop, and how it ended."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from filelock import FileLock

from core.system.errors import FieldguideError, in_words
from core.system.tasks.processes import birth_of, load
from core.system.tasks.queue import leave_queue, wait_for_turn
from core.system.tasks.records import TaskRecords, TaskState

T = TypeVar("T")
_WRITE_SECONDS = 0.2
_LOOK_SECONDS = 0.1


class Stopped(Exception):  # noqa: N818 - it is a signal, not an error
    """The person asked to stop."""


def interruptible(work: Callable[[], T], should_stop: Callable[[], bool], grace: float = 0.0) -> T:
    """Does work that cannot be interrupted in a thread, so that a stop is heard while it lasts.

    Raises Stopped if `should_stop` says so; the thread then goes on by itself, and is given `grace` seconds to end.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def target() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by the one who waits
            failure.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_LOOK_SECONDS)
        if should_stop():
            thread.join(grace)
            raise Stopped
    if failure:
        raise failure[0]
    return outcome[0]


@dataclass
class TaskJob:
    """One task under way: its records, where it stands, and what it has cost so far in seconds."""

    records: TaskRecords
    state: TaskState
    seconds: dict[str, float] = field(default_factory=dict)
    turn: FileLock | None = None  # kept here because a lock that nobody holds on to lets go
    _phase_began: float = 0.0
    _first: int = 0
    _written: float = 0.0

    def phase(self, name: str, total: int = 0, done: int = 0, subject: str = "") -> None:
        """Begins a phase of the work, of which `done` are there from before. `subject`: see TaskState."""
        self.state.phase, self.state.subject = name, subject
        self.state.done, self.state.total, self.state.seconds_left = done, total, None
        self._phase_began, self._first = time.perf_counter(), done
        self.records.write_state(self.state)

    def progress(self, done: int, total: int) -> None:
        """Says how far the phase is; written a few times a second at most."""
        now = time.perf_counter()
        if now - self._written < _WRITE_SECONDS and done < total:
            return
        self._written = now
        self.state.done, self.state.total = done, total
        come = done - self._first
        self.state.seconds_left = (now - self._phase_began) / come * (total - done) if come > 0 else None
        self.records.write_state(self.state)

    def stop_asked(self) -> bool:
        """Whether someone asked to stop."""
        return self.records.stop_asked()

    def should_stop(self) -> bool:
        """Whether the work should end early: because someone asked for that, or for what a kind of task adds to it."""
        return self.stop_asked()

    def spend(self, on: str, seconds: float) -> None:
        """Adds to what one kind of work has cost, in seconds of wall-clock time."""
        self.seconds[on] = self.seconds.get(on, 0.0) + seconds

    def waiting_for(self, work: Callable[[], T]) -> T:
        """Does work that can't be interrupted in a thread, so that a stop is heard while it lasts. Raises Stopped."""
        return interruptible(work, self.should_stop)

    def until_loaded(self, loading: threading.Thread) -> None:
        """Waits for a module that loads in a thread; the time counts as part of the start."""
        self.phase("loading")
        before = time.perf_counter()
        self.waiting_for(loading.join)
        self.spend("start", time.perf_counter() - before)

    def wait_for_turn(self) -> None:
        """Waits until nobody who asked earlier computes or waits (see core.system.tasks.queue). Raises Stopped."""

        def look(before: int) -> None:
            if self.should_stop():
                raise Stopped
            if (self.state.phase, self.state.before) != ("waiting", before):
                self.state.before = before
                self.phase("waiting")

        began = time.time()
        self.turn = wait_for_turn(self.state.pid, self.state.born, look)
        self.state.before = 0
        self.phase("starting")
        self.seconds["queued"] = time.time() - began

    def end_turn(self) -> None:
        """Lets the next one compute; a process that ends does so by itself."""
        if self.turn:
            self.turn.release()
            leave_queue(self.state.pid)
            self.turn = None


def load_in_background(module: str) -> threading.Thread:
    """Imports a module in a thread, while something else is done."""
    thread = threading.Thread(target=load, args=(module,), daemon=True)
    thread.start()
    return thread


def own_state(records: TaskRecords) -> TaskState:
    """In a task's process: the state that names this process; whoever started us writes it just after the start."""
    mine = os.getpid()
    for _ in range(100):
        state = records.state()
        if state.pid == mine:
            return state
        time.sleep(0.05)
    return TaskState(pid=mine, born=birth_of(mine))


def work_through(
    job: TaskJob, work: Callable[[], None], *, what: str, again: str, stopped: str, queued: bool = True
) -> int:
    """Waits for the job's turn, does the work, and writes how it ended; returns the exit status of the process.

    Every failure becomes a sentence in the state: `what` failed ("The training"), what to do before one does it `again`
    ("train again"). Where `work` ends without an error and has not said otherwise, the state is "done". `queued`: False for
    what does not compute, as a download.
    """
    state = job.state
    try:
        if queued:
            job.wait_for_turn()
        state.state = "running"
        work()
        state.state = "done" if state.state == "running" else state.state
    except Stopped:
        state.state, state.message = "stopped", stopped
    except BaseException as error:  # noqa: BLE001 - the person must hear of whatever it was; the log keeps the details
        if not isinstance(error, FieldguideError | OSError | MemoryError):
            traceback.print_exc()
        state.state, (state.message, state.hint) = "failed", words_for(error, what, job.records, again)
    job.end_turn()
    state.phase, state.ended, state.seconds_left = "", True, None
    job.records.write_state(state)
    return 0 if state.state in ("done", "stopped") else 1


def words_for(error: BaseException, what: str, records: TaskRecords, again: str = "try again") -> tuple[str, str]:
    """What happened when `what` was done ("The training"), and what to do before one does it `again`; the log keeps the
    details."""
    if isinstance(error, FieldguideError):
        return error.message, error.hint
    if isinstance(error, OSError | sqlite3.Error):
        words = in_words(error)
        return words.message, f"{words.hint} Then {again}."
    if isinstance(error, MemoryError) or "ResourceExhausted" in type(error).__name__:
        return "Out of memory.", f"Try a smaller batch or picture size, or close other programs, then {again}."
    return f"{what} failed inside: {type(error).__name__}.", f"Details are in {records.folder / 'worker.log'}."
