"""What explains a model and writes it to files is made ready while a person looks at the result."""

from __future__ import annotations

from contextlib import suppress

from core.evaluation import attribution
from core.runs.lifecycle import live_run
from core.system.errors import FieldguideError
from core.system.tasks.processes import keep_ready
from pages.shared.ui.page import Here


def look_ahead(here: Here) -> None:
    """For the newest training of the project, once, and not while another one is under way."""
    run = here.run
    if run is None or run.run.id != here.newest or not run.has_model or live_run(here.project):
        return
    keep_ready("core.export.worker")
    if attribution.task(run.run).state() is None:  # what was begun before is tried again only by who asks why
        with suppress(FieldguideError):
            attribution.prepare(run.run, aside=True)
