"""A look at all pictures of a project with a frozen backbone: likely label errors, a map, look-alikes, suggestions.

The looking is done by a process of its own (`core.quality.worker`), the only one that loads scikit-learn and cleanlab;
here it is started and stopped, and what it found is read. Everything found is keyed by a picture's content, so that a
result stays of use while labels are being changed.
"""

from __future__ import annotations

from collections.abc import Callable

from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.quality.result import FROM_LABELS, Analysis, Suggestions, Suspect, fingerprint, folder_of, read, source_run
from core.system.errors import RunError, as_sentence
from core.system.tasks.handle import TaskHandle
from core.system.tasks.records import AGAIN, TaskState

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
    "task",
]


@as_sentence(RunError)
def start(project: Project, catalogue: Catalogue) -> None:
    """Starts a look at the pictures; does not wait, and does nothing while one is under way or the last result still fits.

    Its phases are "starting", "waiting" (something else computes), "prepare", "features", "compare" and "map". A result
    that was overtaken by an edit is found by `Analysis.fresh`, and cured by another call. Raises RunError if nothing can be
    written.
    """
    task(project).start(
        "core.quality.worker",
        [str(project.root), str(project.home)],
        needed=lambda: not ((last := read(project)) and last.fresh(project, catalogue)),
    )


def look(project: Project, catalogue: Catalogue, watch: Callable[[TaskState], None] | None = None) -> Analysis:
    """A result that fits, waiting for it if need be; an interrupt (Ctrl-C) also stops the looking. `watch` is called a few
    times a second. Raises RunError, with what to do, if it fails or is stopped."""
    start(project, catalogue)
    now, found = task(project).wait(watch), read(project)
    if found is None or (now and now.state != "done"):
        raise RunError(
            now.message if now and now.message else "The pictures were not looked at.",
            now.hint if now else "Try again.",
        )
    return found


def task(project: Project) -> TaskHandle:
    """The process that looks; one that is stopped keeps the features so far."""
    return TaskHandle(folder_of(project), ("Looking at the pictures", AGAIN))
