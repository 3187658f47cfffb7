"""Tasks in processes of their own: one computes at a time, in order; every ending is a sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from core.system.tasks import processes
from core.system.tasks.handle import TaskHandle
from core.system.tasks.job import Stopped, interruptible
from core.system.tasks.processes import birth_of, keep_ready
from core.system.tasks.queue import leave_queue, line_up, turn_lock, wait_for_turn
from core.system.tasks.records import TaskState
from tests.waiting import until

SLEEPER = "tests.core.system.sleeper"


@pytest.fixture
def tasks(tmp_path: Path, own_home: Path) -> Iterator[list[TaskHandle]]:
    own_home.mkdir()
    handles = [TaskHandle(tmp_path / name, ("Sleeping", "Lie down again.")) for name in ("first", "second", "third")]
    yield handles
    for handle in handles:
        handle.stop()
        handle.wait()


def start(handle: TaskHandle, error: str = "") -> bool:
    return handle.start(SLEEPER, [str(handle.folder), *([error] if error else [])])


def state_when(handle: TaskHandle, holds: Callable[[TaskState], bool]) -> TaskState:
    return until(lambda: (now := handle.state()) and holds(now) and now)


def test_they_take_turns_in_the_order_in_which_they_were_asked_for(tasks: list[TaskHandle]) -> None:
    first, second, third = tasks
    assert [start(handle) for handle in tasks] == [True, True, True]
    assert not start(first)  # it is under way
    state_when(first, lambda now: now.phase == "fit")
    assert state_when(second, lambda now: now.phase == "waiting").before == 1
    assert state_when(third, lambda now: now.phase == "waiting").before == 2
    second.stop()
    assert state_when(second, lambda now: now.ended).message == "It woke up."
    assert state_when(third, lambda now: now.before == 1).phase == "waiting"
    first.stop()
    assert state_when(third, lambda now: now.phase == "fit").before == 0
    assert state_when(first, lambda now: now.ended).state == "stopped"


def test_what_a_worker_wrote_for_itself_goes_with_it_however_it_ends(
    tasks: list[TaskHandle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    forgotten = tmp_path / "fieldguide-worker-of-a-killed-server"
    forgotten.mkdir()
    os.utime(forgotten, (0, 0))
    monkeypatch.setattr(processes, "_scratch", [])

    killed, stopped, at_work = tasks
    for handle in tasks:
        start(handle)
    state_when(killed, lambda now: now.phase == "fit")
    assert not forgotten.exists()
    assert len(list(tmp_path.glob("fieldguide-worker-*"))) == 3
    os.kill(now.pid if (now := killed.state()) else 0, signal.SIGKILL)
    stopped.stop()
    assert state_when(stopped, lambda now: now.ended)
    state_when(at_work, lambda now: now.phase == "fit")

    def one_is_left() -> bool:
        processes.reap()
        return len(list(tmp_path.glob("fieldguide-worker-*"))) == 1

    until(one_is_left)


def test_a_process_that_was_kept_ready_takes_the_next_work_and_a_dead_one_is_no_loss(tasks: list[TaskHandle]) -> None:
    first, second, third = tasks
    for _ in range(2):  # one is enough
        keep_ready(SLEEPER)
    ((_, waiting),) = processes._ready.items()
    start(first)
    assert state_when(first, lambda now: now.phase == "fit").pid == waiting.pid
    start(second)  # by a process of its own
    assert state_when(second, lambda now: now.phase == "waiting").pid != waiting.pid
    first.stop()
    second.stop()
    keep_ready(SLEEPER)
    ((_, killed),) = processes._ready.items()
    killed.kill()
    killed.wait()
    start(third)
    third.stop()
    assert state_when(third, lambda now: now.ended).message == "It woke up."


def test_a_process_that_waits_ends_with_the_one_that_started_it() -> None:
    code = (
        f"import time; from core.system.tasks import processes; processes.keep_ready({SLEEPER!r}); "
        "print(*(child.pid for child in processes._ready.values()), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        waiting = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    waiting.wait(30)


def test_a_place_of_a_killed_process_is_free(tasks: list[TaskHandle]) -> None:
    first, second, third = tasks
    for handle in tasks:
        start(handle)
    killed = state_when(first, lambda now: now.phase == "fit")
    os.kill(killed.pid, signal.SIGKILL)
    state_when(second, lambda now: now.phase == "fit")
    now = first.wait()
    assert now is not None
    assert (now.state, now.hint) == ("interrupted", "Lie down again.")
    assert now.message == "Sleeping was cut off: its process ended without a word."
    state_when(third, lambda now: (now.phase, now.before) == ("waiting", 1))


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        ("words", "It is broken.", "Mend it."),
        ("full", "The disk is full.", "Then lie down again."),
        ("database", "The disk is full, or does not answer.", "Then lie down again."),
        ("memory", "Out of memory.", "then lie down again."),
        ("inside", "Sleeping failed inside: ValueError.", "worker.log"),
    ],
)
def test_every_failure_is_a_sentence(tasks: list[TaskHandle], error: str, message: str, hint: str) -> None:
    start(tasks[0], error)
    now = tasks[0].wait()
    assert now is not None
    assert (now.state, now.ended, now.message) == ("failed", True, message)
    assert hint in now.hint
    assert "ValueError: x" in tasks[0].records.log() or error != "inside"


@pytest.mark.parametrize("where", ["prepare", "spawn", "line_up"])
def test_what_cannot_be_started_has_failed_and_can_be_tried_again(
    tasks: list[TaskHandle], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        if where != "prepare":
            patched.setattr(f"core.system.tasks.handle.{where}", full)
        with pytest.raises(OSError, match="No space"):
            tasks[0].start(SLEEPER, [str(tasks[0].folder)], prepare=full if where == "prepare" else lambda: None)
    now = tasks[0].state()
    assert now is not None
    assert (now.state, now.ended, now.message) == ("failed", True, "The disk is full.")
    assert start(tasks[0])
    state_when(tasks[0], lambda now: now.phase == "fit")


def test_what_is_not_needed_any_more_is_not_started(tasks: list[TaskHandle]) -> None:
    assert not tasks[0].start(SLEEPER, [], needed=lambda: False)
    assert tasks[0].state() is None
    assert tasks[0].wait() is None


def test_a_place_is_given_up_with_the_waiting(own_home: Path) -> None:
    own_home.mkdir()
    me, born = os.getpid(), birth_of(os.getpid())
    places: list[int] = []

    def look(before: int) -> None:
        places.append(before)
        raise Stopped

    with turn_lock(), pytest.raises(Stopped):
        wait_for_turn(me, born, look)
    assert places == [1]
    (own_home / ".queue" / "000000007.json").write_text('{"pid": 4194309, "born": 1.0}')  # long dead
    (own_home / ".queue" / "000000008.json").write_text("half a")
    (own_home / ".queue" / "10000000000.json").write_text('{"pid": 4194309, "born": 1.0}')  # more digits than ours
    (own_home / ".queue" / "²").with_suffix(".json").write_text("{}")  # no number of ours: left alone
    wait_for_turn(me, born, look).release()
    line_up(me, born)
    assert {file.name for file in (own_home / ".queue").glob("*.json")} == {"000000001.json", "².json"}
    leave_queue(me)
    assert {file.name for file in (own_home / ".queue").glob("*.json")} == {"².json"}


def test_a_stop_is_heard_while_work_cannot_hear_it() -> None:
    began = time.monotonic()
    with pytest.raises(Stopped):
        interruptible(lambda: time.sleep(30), lambda: time.monotonic() > began + 0.1)
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0, lambda: False)
    assert interruptible(lambda: 7, lambda: False) == 7
