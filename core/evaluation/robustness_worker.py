"""The process that asks a model about changed copies of its test pictures.

`python -m core.evaluation.robustness_worker RUN_DIR`
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from core.evaluation.corruptions import CHANGES, COVERED
from core.evaluation.robustness import Outcome, Robustness, chosen, task, write
from core.imaging.decode import read_square
from core.inference.classifier import Classifier
from core.inference.sandbox import load_model
from core.runs.lifecycle import Run, open_run
from core.runs.pictures import find_file
from core.runs.records import RunPicture, RunPlan
from core.system.errors import FieldguideError, PictureError, RunError
from core.system.tasks.job import Stopped, TaskJob, own_state, work_through
from core.system.tasks.processes import leave


def try_harder(job: TaskJob, run: Run) -> Robustness:
    """Asks about everything. Pictures that are gone or went bad are left out. Raises Stopped, RunError if none is left."""
    plan = run.records.plan()
    classifier = load_model(run.folder)
    pictures = chosen(plan)
    job.phase("trying harder pictures", len(pictures))
    right = []
    for number, picture in enumerate(pictures):
        if job.should_stop():
            raise Stopped
        square = _square(plan, picture, classifier)
        if square is not None:
            copies = [square, *(change.of(square, picture.id) for change in (*CHANGES, COVERED))]
            right.append([int(classifier.probabilities(copy).argmax()) == picture.label for copy in copies])
        job.progress(number + 1, len(pictures))
    if not right:
        raise RunError("None of the test pictures is there any more.", "Put them back, or train again.")
    plain, *others, covered = np.array(right, bool).T
    outcomes = tuple(
        Outcome(change, int(now.sum()), int((plain & ~now).sum()), int((now & ~plain).sum()))
        for change, now in zip(CHANGES, others, strict=True)
    )
    return Robustness(len(right), len(plan.part("test")), int(plain.sum()), outcomes, int(covered.sum()))


def _square(plan: RunPlan, picture: RunPicture, classifier: Classifier) -> np.ndarray | None:
    """The picture as the model sees it; where it was moved since, it is found by its content."""
    try:
        return read_square(find_file(plan, picture), classifier.pixels, classifier.framing)
    except (FieldguideError, PictureError):
        return None


def main(folder: Path) -> int:
    """Does the whole work in this process; returns the exit status."""
    run = open_run(folder)
    records = task(run).records
    job = TaskJob(records, own_state(records))
    return work_through(
        job,
        lambda: write(run, try_harder(job, run)),
        what="Trying harder pictures",
        again="try again",
        stopped="Stopped before all pictures were tried.",
    )


if __name__ == "__main__":
    leave(main(Path(sys.argv[1])))
