"""A training under way: what it was asked, where it stands, how it hears that it should stop. Loads no TensorFlow."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from filelock import FileLock, Timeout

from core.config.training import TrainConfig
from core.runs.lifecycle import queue_lock
from core.runs.records import RunPlan, RunRecords, RunState
from core.system.errors import FieldguideError, in_words
from core.system.tasks.processes import load
from core.training.features import Stopped

if TYPE_CHECKING:
    import keras

T = TypeVar("T")
_WRITE_SECONDS = 0.2


@dataclass
class Job:
    """One training under way: its plan, its records, where it stands, and what it has cost so far."""

    records: RunRecords
    plan: RunPlan
    state: RunState
    seconds: dict[str, float] = field(default_factory=dict)
    quiet: bool = False  # while a search tries heads, whose epochs nobody wants to see
    turn: FileLock | None = None  # kept here because a lock that nobody holds on to lets go
    _phase_began: float = 0.0
    _written: float = 0.0

    @property
    def config(self) -> TrainConfig:
        """The plan's settings."""
        return self.plan.config

    def phase(self, name: str, total: int = 0) -> None:
        """Begins a phase of the work."""
        self.state.phase, self.state.done, self.state.total, self.state.seconds_left = name, 0, total, None
        self._phase_began = time.perf_counter()
        self.records.write_state(self.state)

    def progress(self, done: int, total: int) -> None:
        """Says how far the phase is; written a few times a second at most."""
        now = time.perf_counter()
        if now - self._written < _WRITE_SECONDS and done < total:
            return
        self._written = now
        self.state.done, self.state.total = done, total
        self.state.seconds_left = (now - self._phase_began) / done * (total - done) if done else None
        self.records.write_state(self.state)

    def should_stop(self) -> bool:
        """Whether someone asked to stop."""
        return self.records.stop_asked()

    def epoch(self, values: dict[str, float]) -> None:
        """Records the numbers of an epoch."""
        if not self.quiet:
            self.records.append_epoch(values)

    def spend(self, on: str, seconds: float) -> None:
        """Adds to what one kind of work has cost, in seconds of wall-clock time."""
        self.seconds[on] = self.seconds.get(on, 0.0) + seconds

    def labels(self, part: str) -> np.ndarray:
        """int (N,): positions of the classes of a part's pictures."""
        return np.array([picture.label for picture in self.plan.part(part)])

    def waiting_for(self, work: Callable[[], T]) -> T:
        """Does work that can't be interrupted in a thread, so that a stop is heard while it lasts. Raises Stopped."""
        outcome: list[T] = []
        failure: list[BaseException] = []

        def target() -> None:
            try:
                outcome.append(work())
            except BaseException as error:  # noqa: BLE001 - raised again in the main thread
                failure.append(error)

        thread = threading.Thread(target=target, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
            if self.should_stop():
                raise Stopped
        if failure:
            raise failure[0]
        return outcome[0]

    def until_loaded(self, loading: threading.Thread) -> None:
        """Waits for a module that loads in a thread; the time counts as part of the start."""
        self.phase("loading")
        before = time.perf_counter()
        self.waiting_for(loading.join)
        self.seconds["start"] += time.perf_counter() - before


def load_in_background(module: str) -> threading.Thread:
    """Imports a module in a thread, while something else is done."""
    thread = threading.Thread(target=load, args=(module,), daemon=True)
    thread.start()
    return thread


@dataclass
class Trained:
    """What a training leaves: how to predict a part, the epoch it comes from, and how to make the whole model."""

    predict: Callable[[str], np.ndarray]
    best_epoch: int
    stopped: bool
    parameters: int
    join: Callable[[], keras.Model]
    told: dict[str, Any] = field(default_factory=dict)  # joins the result: what a search tried, say


def wait_for_turn(job: Job) -> FileLock:
    """Waits for the lock that lets one training compute at a time. The system lets go of it when this process ends."""
    lock = queue_lock()
    began = time.time()
    while True:
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            if job.should_stop():
                raise Stopped from None
            if job.state.phase != "waiting":
                job.phase("waiting")
            continue
        job.phase("starting")
        job.seconds["queued"] = time.time() - began
        return lock


def work_through(job: Job, work: Callable[[], None], *, what: str, again: str, stopped: str) -> int:
    """Waits for the job's turn, does the work, and writes how it ended; returns the exit status of the process.

    Every failure becomes a sentence in the state: `what` failed ("The training"), what to do before one does it `again`
    ("train again"). Where `work` ends without an error and has not said otherwise, the state is "done".
    """
    state = job.state

    def failed(message: str, hint: str) -> None:
        state.state, state.message, state.hint = "failed", message, hint

    try:
        job.turn = wait_for_turn(job)
        state.state = "running"
        work()
        state.state = "done" if state.state == "running" else state.state
    except Stopped:
        state.state, state.message = "stopped", stopped
    except FieldguideError as error:
        failed(error.message, error.hint)
    except OSError as error:
        words = in_words(error)
        failed(words.message, f"{words.hint} Then {again}.")
    except MemoryError:
        failed("Out of memory.", f"Try a smaller batch or picture size, or close other programs, then {again}.")
    except BaseException as error:  # noqa: BLE001 - the person must hear of whatever it was; the log keeps the details
        traceback.print_exc()
        if "ResourceExhausted" in type(error).__name__:
            failed("Out of memory.", f"Try a smaller batch or picture size, or close other programs, then {again}.")
        else:
            failed(
                f"{what} failed inside: {type(error).__name__}.",
                f"Details are in {job.records.folder / 'worker.log'}.",
            )
    state.phase, state.ended, state.seconds_left = "", True, None
    job.records.write_state(state)
    return 0 if state.state in ("done", "stopped") else 1


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities from logits (N, K), rows sum to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
