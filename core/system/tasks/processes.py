"""Worker processes: started so that they outlive the server, and told apart from dead ones by number and birth."""

from __future__ import annotations

import gc
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from core.runs.records import RunRecords, RunState, birth_of
from core.system import storage

ROOT = Path(__file__).parents[3]
_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "KERAS_BACKEND": "tensorflow",
    "PYTHONUNBUFFERED": "1",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # else the first worker takes a card's whole memory
}
_AUTOGRAPH = "__autograph_generated_file"
"""How its modules, and their files, are called."""
_children: list[subprocess.Popen[bytes]] = []


def spawn(module: str, arguments: Sequence[str], log: Path | None = None) -> subprocess.Popen[bytes]:
    """Runs `python -m module ...` in a session of its own; what it prints goes to the end of `log`, or nowhere."""
    reap()
    with (log or Path(os.devnull)).open("ab") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ
            | _ENVIRONMENT
            | {"FIELDGUIDE_HOME": str(storage.data_home())},  # absolute: the child is elsewhere
            start_new_session=True,
        )
    _children.append(child)
    return child


def start_worker(module: str, arguments: Sequence[str], records: RunRecords, state: RunState) -> None:
    """Spawns a worker that keeps `records`, and writes its first state with the process' number in it."""
    records.reserve()
    child = spawn(module, arguments, records.folder / "worker.log")
    state.pid, state.born = child.pid, birth_of(child.pid)
    records.write_state(state)


def own_state(records: RunRecords) -> RunState:
    """In a worker: the state that names this process; whoever started us writes it just after the start."""
    for _ in range(100):
        state = records.state()
        if state.pid == os.getpid():
            return state
        time.sleep(0.05)
    return RunState(pid=os.getpid(), born=birth_of(os.getpid()))


def load(module: str) -> ModuleType:
    """Imports a module that brings TensorFlow along: without the search for garbage, in three quarters of the time."""
    if module in sys.modules:
        return sys.modules[module]
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.freeze()  # what was loaded stays, and need not be looked through ever again
        gc.enable()


def leave(status: int) -> NoReturn:
    """Ends this process at once, whatever its threads still do: one may be loading TensorFlow, or computing for someone who
    asked to stop. Python's own end would wait for them; of what that does for the others, only the removal of the files is
    left to do here that AutoGraph has written for each function."""
    for name, module in list(sys.modules.items()):
        if name.startswith(_AUTOGRAPH) and module.__file__:
            with suppress(OSError):
                Path(module.__file__).unlink()
    sys.stdout.flush()
    os._exit(status)


def reap() -> None:
    """Takes note of children that have ended; until then they stay in the process table."""
    _children[:] = [child for child in _children if child.poll() is None]
