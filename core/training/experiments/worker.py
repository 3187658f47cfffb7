"""The process of a study. `python -m core.training.experiments.worker STUDY_DIR`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from core.system.tasks.job import own_state, work_through
from core.system.tasks.processes import leave
from core.training.experiments import Study
from core.training.job import Job


def run(study: Study) -> int:
    """Does the whole study in this process; returns the exit status."""
    state = own_state(study.records)
    job = Job(study.records, state, {"start": 0.0}, plan=study.records.plan(), quiet=True)

    def work() -> None:
        # Each kind has a module of its name with `run(job, study)`.
        importlib.import_module(f"core.training.experiments.{study.kind.replace('-', '_')}").run(job, study)

    return work_through(
        job, work, what="The study", again="try again", stopped="Stopped; what was found by then is kept."
    )


if __name__ == "__main__":
    leave(run(Study(Path(sys.argv[1]))))
