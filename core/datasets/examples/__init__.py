"""Ready-made sets of pictures from the internet: fetched by a process of their own, each into a project of its own.

    downloads/NAME/state.json, stop, worker.log     where it stands, as for a run (see core.runs.records)
    downloads/NAME/ARCHIVE.part, ARCHIVE            half a file, and a whole one; gone when the project is there
    downloads/NAME/project.json                     where the finished project lies

Only the addresses of the table are ever asked.
"""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock

from core.datasets.examples.table import STARTERS, Starter
from core.runs.records import RunRecords, RunState
from core.system import storage
from core.system.errors import ConfigError
from core.system.tasks.processes import reap, start_worker

__all__ = ["STARTERS", "Starter", "fetch", "folder_of", "project_of", "state", "stop"]

_WORKER = "core.datasets.examples"


def fetch(name: str) -> None:
    """Starts fetching a set; does not wait, and does nothing while it is on its way or its project is there.

    The phases are "download" (done and total in bytes), "check" (bytes) and "unpack" (pictures). Raises ConfigError for a
    name that is not in the table, OSError if nothing can be written.
    """
    folder = folder_of(name)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock", timeout=60):
        now = state(name)
        if project_of(name) or (now and not now.ended):
            return
        records = RunRecords(folder)
        (folder / "stop").unlink(missing_ok=True)
        start_worker(_WORKER, [name, str(storage.data_home())], records, RunState("running", "download"))


def stop(name: str) -> None:
    """Asks to stop fetching a set; heard within a second. What has come is kept, so that `fetch` goes on from there."""
    now = state(name)
    if now and not now.ended:
        RunRecords(folder_of(name)).ask_to_stop()


def state(name: str) -> RunState | None:
    """Where fetching a set stands (running, done, stopped, failed, interrupted), or None if it never was begun."""
    records = RunRecords(folder_of(name), ("Fetching", "Try again; what has arrived is kept."))
    if not (records.folder / "state.json").is_file():
        return None
    reap()
    return records.state()


def project_of(name: str) -> Path | None:
    """The folder of the project that a set became; None if there is none yet, or it is not there any more."""
    found = storage.read_json(folder_of(name) / "project.json")
    path = found.get("path") if isinstance(found, dict) else None
    return Path(path) if isinstance(path, str) and Path(path).is_dir() else None


def folder_of(name: str, home: Path | None = None) -> Path:
    """Where a set's records and its archive lie, in `home` or the data home. Raises ConfigError for an unknown name."""
    if name not in STARTERS:
        raise ConfigError(f"There is no set {name!r}.", f"Choose one of: {', '.join(STARTERS)}.")
    return (home or storage.data_home()) / "downloads" / name
