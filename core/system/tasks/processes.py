"""Worker processes: started so that they outlive the server, and told apart from dead ones by number and birth."""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import IO, Any, NoReturn

import psutil

from core.system import disk, storage

ROOT = Path(__file__).parents[3]
_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "KERAS_BACKEND": "tensorflow",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",  # else a log on Windows takes the letters of one language only
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # else the first worker takes a card's whole memory
}
_SCRATCH = "fieldguide-worker-"
"""How the temporary folder of each worker begins: one that is killed cannot clear away what its libraries wrote there."""
_WEEK = 7 * 24 * 3600
_scratch: list[tuple[subprocess.Popen[bytes], Path]] = []
"""Children that have not been seen to end, with their temporary folders."""
_children: list[subprocess.Popen[bytes]] = []
_ready: dict[tuple[str, str], subprocess.Popen[bytes]] = {}
"""(module, data home) -> a process that waits for work."""
_ready_lock = threading.Lock()


def spawn(module: str, arguments: Sequence[str], log: Path | None = None) -> subprocess.Popen[bytes]:
    """Runs `python -m module ...` in a session of its own; what it prints goes to the end of `log`, or nowhere. One that is
    kept ready is used."""
    reap()
    log = log or Path(os.devnull)
    child = _give_work(module, arguments, log)
    if child is None:
        with log.open("ab") as out:
            child = _started([module, *arguments], subprocess.DEVNULL, out)
    _children.append(child)
    return child


def keep_ready(module: str) -> None:
    """Starts a process for the next `spawn` of a module, unless one waits already: it has loaded then what takes a second.
    It ends with this process, or when no work comes for ten minutes."""
    with _ready_lock:
        waiting = _ready.get(_key(module))
        if waiting is None or waiting.poll() is not None:
            _ready[_key(module)] = _started(["core.system.tasks.standby", module], subprocess.PIPE, subprocess.DEVNULL)


def _give_work(module: str, arguments: Sequence[str], log: Path) -> subprocess.Popen[bytes] | None:
    """The process that was kept ready, and is at work now; None if there is none."""
    with _ready_lock:
        child = _ready.pop(_key(module), None)
    if child is None or child.stdin is None:
        return None
    order = json.dumps({"arguments": list(arguments), "log": str(log.absolute())})
    try:
        with child.stdin as work:
            work.write(order.encode() + b"\n")
    except OSError:  # it has ended meanwhile
        return None
    return child if child.poll() is None else None


def _key(module: str) -> tuple[str, str]:
    return module, str(storage.data_home())


def program(module: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """The command that runs `python -m module ...` in one process, with the number by which others know it; and what its
    environment needs for that.

    In a virtual environment on Windows python.exe only starts another, which has another number; as multiprocessing does, that
    one is started, and told which environment is its own.
    """
    python, needed = sys.executable, {}
    if disk.WINDOWS and (base := getattr(sys, "_base_executable", python)) != python:
        python, needed = base, {"__PYVENV_LAUNCHER__": python}
    return [python, "-m", module, *arguments], needed


def apart() -> dict[str, Any]:
    """How Popen starts a child that hears neither Ctrl-C nor the end of the window in which this process runs."""
    if disk.WINDOWS:
        return {"creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0x08000000)}  # a console of its own, unseen
    return {"start_new_session": True}


def _started(command: Sequence[str], work: int, out: IO[bytes] | int) -> subprocess.Popen[bytes]:
    if not _scratch:  # those whose parent was killed, too
        storage.sweep(Path(tempfile.gettempdir()), f"{_SCRATCH}*", _WEEK)
    scratch = tempfile.mkdtemp(prefix=_SCRATCH)
    command, needed = program(*command)
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=work,
        stdout=out,
        stderr=subprocess.STDOUT,
        env=os.environ
        | _ENVIRONMENT
        | needed
        | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), scratch)
        | {"FIELDGUIDE_HOME": str(storage.data_home())},  # absolute: the child is elsewhere
        **apart(),
    )
    _scratch.append((child, Path(scratch)))
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


def step_aside() -> None:
    """Lets this process compute only where nobody else wants to: for what nobody has asked for yet."""
    psutil.Process().nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", 10))  # Windows has classes


def load(module: str) -> ModuleType:
    """Imports a module that brings TensorFlow along: without the search for garbage, and without scikit-learn, which Keras
    would load for wrappers that nothing here uses, in two thirds of the time."""
    if module in sys.modules:
        return sys.modules[module]
    hidden = "sklearn" not in sys.modules
    if hidden:
        sys.modules["sklearn"] = None  # type: ignore[assignment]
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        if hidden:
            del sys.modules["sklearn"]
        gc.freeze()  # what was loaded stays, and need not be looked through ever again
        gc.enable()


def leave(status: int) -> NoReturn:
    """Ends this process at once, whatever its threads still do: one may be loading TensorFlow, or computing for someone who
    asked to stop. Python's own end would wait for them; of what that does for the others, only the removal of temporary
    files is left to do here."""
    own = Path(tempfile.gettempdir())
    if own.name.startswith(_SCRATCH):
        disk.remove_tree(own)
    sys.stdout.flush()
    os._exit(status)


def reap() -> None:
    """Takes note of children that have ended, and clears away what they left; until then they stay in the process table."""
    _children[:] = [child for child in _children if child.poll() is None]
    for ended in [each for each in _scratch if each[0].poll() is not None]:
        disk.remove_tree(ended[1])
        with suppress(ValueError):  # another thread was here
            _scratch.remove(ended)
