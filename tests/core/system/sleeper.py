"""A task for tests: waits for its turn, then until it is asked to stop, or fails as it is told to.

`python -m tests.core.system.sleeper FOLDER [ERROR]`
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from core.system.errors import RunError
from core.system.tasks.job import Stopped, TaskJob, own_state, work_through
from core.system.tasks.processes import leave
from core.system.tasks.records import TaskRecords

ERRORS: dict[str, Exception] = {
    "words": RunError("It is broken.", "Mend it."),
    "full": OSError(28, "No space left on device"),
    "memory": MemoryError(),
    "inside": ValueError("x"),
}


def main(folder: Path, error: str) -> int:
    """Returns the exit status."""
    records = TaskRecords(folder)
    job = TaskJob(records, own_state(records))

    def sleep() -> None:
        job.phase("fit")
        if error:
            raise ERRORS[error]
        while not job.should_stop():
            time.sleep(0.02)
        raise Stopped

    return work_through(job, sleep, what="Sleeping", again="lie down again", stopped="It woke up.")


if __name__ == "__main__":
    leave(main(Path(sys.argv[1]), "".join(sys.argv[2:])))
