"""A look at all pictures of a project with a frozen backbone: likely label errors, a map, look-alikes, suggestions.

The looking is done by a process of its own (`core.quality.worker`), the only one that loads scikit-learn and cleanlab;
here it is started and stopped, and what it found is read. Everything found is keyed by a picture's content, so that a
result stays of use while labels are being changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from filelock import FileLock

from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.quality.result import FROM_LABELS, Analysis, Suggestions, Suspect, fingerprint, folder_of, read, source_run
from core.runs.records import AGAIN, RunRecords, RunState
from core.system.errors import RunError, as_sentence
from core.system.tasks.processes import reap, start_worker

__all__ = [
    "FROM_LABELS",
    "Analysis",
    "Suggestions",
    "Suspect",
    "fingerprint",
    "look",
    "read",
    "source_run",
    "start",
    "state",
    "stop",
]


@as_sentence(RunError)
def start(project: Project, catalogue: Catalogue) -> None:
    """Starts a look at the pictures; does not wait, and does nothing while one is under way or the last result still fits.

    Its phases are "starting", "waiting" (something else computes), "prepare", "features", "compare" and "map". A result
    that was overtaken by an edit is found by `Analysis.fresh`, and cured by another call. Raises RunError if nothing can be
    written.
    """
    folder = folder_of(project)
    folder.mkdir(exist_ok=True)
    with FileLock(folder / ".lock", timeout=60):
        now, last = state(project), read(project)
        if (now and not now.ended) or (last and last.fresh(project, catalogue)):
            return
        (folder / "stop").unlink(missing_ok=True)
        arguments = [str(project.root), str(project.home)]
        start_worker("core.quality.worker", arguments, RunRecords(folder), RunState())


def look(project: Project, catalogue: Catalogue, watch: Callable[[RunState], None] | None = None) -> Analysis:
    """A result that fits, waiting for it if need be; an interrupt (Ctrl-C) also stops the looking. `watch` is called a few
    times a second. Raises RunError, with what to do, if it fails or is stopped."""
    start(project, catalogue)
    try:
        while (now := state(project)) and not now.ended:
            if watch:
                watch(now)
            time.sleep(0.2)
    except KeyboardInterrupt:
        stop(project)
        raise
    found = read(project)
    if found is None or (now and now.state != "done"):
        raise RunError(
            now.message if now and now.message else "The pictures were not looked at.",
            now.hint if now else "Try again.",
        )
    return found


def stop(project: Project) -> None:
    """Asks the look that is under way to stop; it does so within a second or two and keeps the features so far."""
    now = state(project)
    if now and not now.ended:
        RunRecords(folder_of(project)).ask_to_stop()


def state(project: Project) -> RunState | None:
    """Where the last look stands (done, stopped, failed, interrupted, or under way), or None if there never was one."""
    records = RunRecords(folder_of(project), ("Looking at the pictures", AGAIN))
    if not (records.folder / "state.json").is_file():
        return None
    reap()
    return records.state()
