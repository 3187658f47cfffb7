"""One task computes at a time: the others wait in the order in which they were asked for, and each knows its place.

    .training.lock       held by the one that computes; the system lets go of it when that process dies
    .queue/NUMBER.json   the process of a task that waits or computes; those of dead ones are taken away

Both lie in the data home, so that the tasks of all projects of a person take turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from core.system import disk, storage
from core.system.tasks.processes import is_alive

_LOOK_SECONDS = 0.2


def turn_lock() -> FileLock:
    """Held by the one task that computes."""
    return FileLock(storage.data_home() / ".training.lock")


def line_up(pid: int, born: float) -> None:
    """Puts a process at the end of the queue, unless it stands there already. Raises OSError."""
    folder = _folder()
    storage.make_folder(folder)
    with FileLock(folder / ".lock", timeout=60):
        tickets = _tickets()
        if not any(ticket.pid == pid for ticket in tickets):
            number = max((int(ticket.file.stem) for ticket in tickets), default=0) + 1
            storage.write_json(folder / f"{number:09}.json", {"pid": pid, "born": born})


def wait_for_turn(pid: int, born: float, look: Callable[[int], None]) -> FileLock:
    """Waits until the process is first and nobody computes; returns the lock, which is to be kept. `look` is called several
    times a second with the number of those that come first; what it raises ends the waiting, and the place is given up."""
    line_up(pid, born)
    lock = turn_lock()
    try:
        while True:
            earlier = _before(pid)
            if not earlier:
                with suppress(Timeout):
                    lock.acquire(timeout=_LOOK_SECONDS)
                    return lock
            look(max(1, earlier))  # one that computes without a place comes first, too
            if earlier:
                time.sleep(_LOOK_SECONDS)
    except BaseException:
        leave_queue(pid)
        raise


def leave_queue(pid: int) -> None:
    """Gives up the place of a process, whether it waits or computes."""
    for ticket in _tickets():
        if ticket.pid == pid:
            disk.remove(ticket.file)


@dataclass(frozen=True)
class _Ticket:
    file: Path
    pid: int


def _folder() -> Path:
    return storage.data_home() / ".queue"


def _tickets() -> list[_Ticket]:
    """The places of processes that live, the first first."""
    tickets = []
    numbered = [file for file in _folder().glob("*.json") if file.stem.isdecimal()]
    for file in sorted(numbered, key=lambda file: int(file.stem)):
        value = storage.read_json(file)
        pid, born = (value.get("pid"), value.get("born")) if isinstance(value, dict) else (None, None)
        if isinstance(pid, int) and isinstance(born, float) and is_alive(pid, born):
            tickets.append(_Ticket(file, pid))
        else:
            disk.remove(file)
    return tickets


def _before(pid: int) -> int:
    """How many come before a process."""
    return next((number for number, ticket in enumerate(_tickets()) if ticket.pid == pid), 0)
