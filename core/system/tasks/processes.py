"""Worker processes: started so that they outlive the server, and told apart from dead ones by number and birth."""

from __future__ import annotations

import gc
import importlib
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import psutil

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


def birth_of(pid: int) -> float:
    """When a process was started, in seconds: on Linux since the computer was, elsewhere since 1970. Raises psutil.Error.

    Setting the clock must not move it: Linux keeps the former only, and psutil adds what the clock says now.
    """
    return float(psutil.Process(pid).create_time() - (psutil.boot_time() if psutil.LINUX else 0.0))


def is_alive(pid: int, born: float) -> bool:
    """Whether the process that was started at `born` (see `birth_of`) still runs, and runs Python; its number may be used
    again."""
    try:
        if abs(birth_of(pid) - born) >= 2:
            return False
        process = psutil.Process(pid)
        # A record from elsewhere may name a process that every computer has, such as the first one, and never end.
        return process.status() != psutil.STATUS_ZOMBIE and "python" in Path(process.exe()).name.lower()
    except (psutil.Error, ValueError, TypeError, OverflowError):
        return False


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
