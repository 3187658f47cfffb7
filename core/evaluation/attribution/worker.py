"""The process that makes a run's explaining model file. `python -m core.evaluation.attribution.worker RUN_DIR [aside]`."""

from __future__ import annotations

import sys
from pathlib import Path

from core.evaluation.attribution import keep, task
from core.models.saved import load_model
from core.runs.lifecycle import Run, open_run
from core.system.tasks.job import TaskJob, own_state, work_through
from core.system.tasks.processes import leave, step_aside


def build(job: TaskJob, run: Run) -> None:
    """Loads the run's model, converts it, and puts the file in its place. Raises ModelError."""
    job.phase("loading")
    model = load_model(run.records.model)
    job.phase("looking inside")
    from core.evaluation.attribution.graph import to_explaining_tflite
    from core.models.litert_conversion import Refused

    try:
        made = to_explaining_tflite(model)
    except Refused as refusal:
        print(refusal)  # the log keeps it; the page covers parts of the picture instead
        made = None
    keep(run, made)


def main(folder: Path, *, aside: bool = False) -> int:
    """Makes the file; returns the exit status. `aside`: out of turn, where nobody else wants to compute."""
    if aside:
        step_aside()
    run = open_run(folder)
    records = task(run).records
    job = TaskJob(records, own_state(records))
    return work_through(
        job,
        lambda: build(job, run),
        what="Getting ready to explain",
        again="try again",
        stopped="It was stopped.",
        queued=not aside,
    )


if __name__ == "__main__":
    leave(main(Path(sys.argv[1]), aside="aside" in sys.argv[2:]))
