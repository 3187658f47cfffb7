"""The process that fetches a set and makes a project of it. `python -m core.datasets.examples NAME DATA_HOME`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.datasets.examples import STARTERS, Starter, folder_of
from core.datasets.examples.unpack import making_folder, unpack
from core.system import disk, storage
from core.system.download import PAUSES, TIMEOUT, DownloadError, Remote, check, download, forget, size_of
from core.system.tasks.job import Stopped, TaskJob, interruptible, own_state, work_through
from core.system.tasks.processes import leave
from core.system.tasks.records import TaskRecords

ROOM = 3
"""Free space that a set needs, as a multiple of its archive: itself, the pictures, and what is made of them."""

_GRACE_SECONDS = 0.5


@dataclass
class Fetching(TaskJob):
    """One set on its way. `timeout` and `pauses`: see core.system.download."""

    starter: Starter = field(kw_only=True)
    home: Path = field(kw_only=True)
    timeout: float = field(default=TIMEOUT, kw_only=True)
    pauses: Sequence[float] = field(default=PAUSES, kw_only=True)
    stopped: bool = field(default=False, kw_only=True)

    def work(self) -> None:
        """Everything, one after the other. Raises Stopped and FieldguideError."""
        starter = self.starter
        remote = Remote(starter.url, starter.bytes, starter.sha256)
        archive = self.records.folder / starter.url.rpartition("/")[2]
        part = archive.with_name(f"{archive.name}.part")
        if not archive.is_file():
            self.check_room(size_of(part))
            self.phase("download", starter.bytes, size_of(part))
            download(remote, part, self.progress, timeout=self.timeout, pauses=self.pauses)
            disk.replace(part, archive)
            forget(part)
        self.phase("check", starter.bytes)  # also one that is here from before: a crash may have spoilt it
        check(remote, archive, self.progress)
        self.phase("unpack", starter.pictures)
        self.state.message = unpack(starter, archive, self.home, self.chosen, self.progress)
        disk.remove(archive)

    def check_room(self, have: int) -> None:
        """Raises DownloadError if the disk has not enough space for the archive and what comes out of it."""
        needed, free = ROOM * self.starter.bytes - have, shutil.disk_usage(self.home).free
        if free < needed:
            raise DownloadError(
                f"There is not enough space on the disk: {needed / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} are free.",
                "Make space, then try again, or choose a smaller set.",
            )

    def chosen(self, project: Path) -> None:
        """Notes where the project will be."""
        storage.write_json(self.records.folder / "project.json", {"path": str(project)})

    def phase(self, name: str, total: int = 0, done: int = 0, subject: str = "") -> None:
        """Begins a phase. Raises Stopped."""
        self._leave_if_stopped()
        super().phase(name, total, done, subject)

    def progress(self, done: int, total: int) -> None:
        """Says how far the phase is. Raises Stopped where someone asked for it."""
        self._leave_if_stopped()
        super().progress(done, total)

    def should_stop(self) -> bool:
        """Looks whether someone asked to stop, and remembers it: the flag is gone when the next process begins."""
        self.stopped = self.stopped or super().should_stop()
        return self.stopped

    def _leave_if_stopped(self) -> None:
        if self.stopped:
            raise Stopped


def run(fetching: Fetching) -> int:
    """Fetches in a thread, because a silent server cannot be interrupted, and listens for a stop; returns the exit status."""

    def work() -> None:
        try:
            interruptible(fetching.work, fetching.should_stop, _GRACE_SECONDS)
        finally:
            disk.remove_tree(making_folder(fetching.starter, fetching.home))

    return work_through(
        fetching,
        work,
        what="Fetching",
        again="try again",
        stopped="Stopped. What has arrived is kept.",
        queued=False,
    )


def main(name: str, home: Path) -> int:
    """Fetches the set of this name; its state was written by who started this process."""
    records = TaskRecords(folder_of(name, home))
    return run(Fetching(records, own_state(records), starter=STARTERS[name], home=home))


if __name__ == "__main__":
    leave(main(sys.argv[1], Path(sys.argv[2])))  # a thread may still be waiting for a silent server
