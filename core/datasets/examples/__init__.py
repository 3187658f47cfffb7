"""Ready-made sets of pictures from the internet: fetched by a process of their own, each into a project of its own.

    downloads/NAME/state.json, stop, worker.log     where it stands, as for every task (see core.system.tasks.records)
    downloads/NAME/ARCHIVE.part, ARCHIVE            half a file, and a whole one; gone when the project is there
    downloads/NAME/project.json                     where the finished project lies

Only the addresses of the table are ever asked.
"""

from __future__ import annotations

from pathlib import Path

from core.datasets.examples.table import STARTERS, Starter
from core.system import storage
from core.system.errors import ConfigError
from core.system.tasks.handle import TaskHandle

__all__ = ["STARTERS", "Starter", "fetch", "folder_of", "project_of", "task"]

_WORKER = "core.datasets.examples"


def fetch(name: str) -> None:
    """Starts fetching a set; does not wait, and does nothing while it is on its way or its project is there.

    The phases are "download" (done and total in bytes), "check" (bytes) and "unpack" (pictures). Raises ConfigError for a
    name that is not in the table, OSError if nothing can be written.
    """
    folder = folder_of(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    arguments = [name, str(storage.data_home())]
    task(name).start(_WORKER, arguments, needed=lambda: not project_of(name), phase="download", queued=False)


def task(name: str) -> TaskHandle:
    """The process that fetches a set. What has come when it is stopped is kept, so that `fetch` goes on from there."""
    return TaskHandle(folder_of(name), ("Fetching", "Try again; what has arrived is kept."))


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
