"""A task for tests: waits for its turn, then until it is asked to stop, or fails as it is told to.

`python -m tests.core.system.sleeper FOLDER [ERROR]`
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from core.system.errors import RunError
from core.system.tasks.job import Stopped, TaskJob, own_state, work_through
from core.system.tasks.processes import leave
from core.system.tasks.records import TaskRecords


def _fill_database() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("PRAGMA max_page_count = 2")
        db.execute("CREATE TABLE t AS SELECT zeroblob(100000) AS x")


def _fail(error: Exception) -> None:
    raise error


ERRORS: dict[str, Callable[[], None]] = {
    "words": partial(_fail, RunError("It is broken.", "Mend it.")),
    "full": partial(_fail, OSError(28, "No space left on device")),
    "database": _fill_database,
    "memory": partial(_fail, MemoryError()),
    "inside": partial(_fail, ValueError("x")),
}


def main(folder: Path, error: str) -> int:
    """Returns the exit status."""
    records = TaskRecords(folder)
    job = TaskJob(records, own_state(records))

    def sleep() -> None:
        job.phase("fit")
        if error:
            ERRORS[error]()
        while not job.should_stop():
            time.sleep(0.02)
        raise Stopped

    return work_through(job, sleep, what="Sleeping", again="lie down again", stopped="It woke up.")


if __name__ == "__main__":
    leave(main(Path(sys.argv[1]), "".join(sys.argv[2:])))
