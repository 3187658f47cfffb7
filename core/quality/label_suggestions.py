"""A class for each unlabelled picture, by the project's newest model, or by what can be told from the labels so far."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest

import numpy as np

from core.datasets.catalogue import Picture
from core.datasets.project import Project
from core.imaging.decode import read_square
from core.inference.calibration import cooled
from core.inference.decision import decision_of
from core.inference.sandbox import load_model
from core.quality.result import Suggestions, folder_of
from core.quality.unique_pictures import Contents
from core.runs.lifecycle import Run
from core.system.errors import ModelError, PictureError
from core.system.tasks.job import Stopped
from core.system.threads import chunks, in_threads
from core.training.features import CHUNK, FeatureStore
from core.training.job import Job


def from_run(job: Job, project: Project, run: Run, contents: Contents) -> Suggestions | None:
    """The answers of the run's model, kept on disk so that each picture is asked about once.

    None if there is nobody to answer, or it breaks down, or nothing to ask. Raises Stopped.
    """
    asked = {f"{run.id} {contents.ids[row]}": contents.pictures[row] for row in contents.unlabelled}
    try:
        model = load_model(run.records.tflite)  # what is kept must not change with the temperature
    except ModelError:
        return None
    kept = FeatureStore(folder_of(project) / "answers.sqlite")
    answers = {mark: row for mark, row in kept.get(list(asked)).items() if len(row) == len(model.classes)}
    missing, done = [mark for mark in asked if mark not in answers], 0

    def answer(mark: str) -> np.ndarray | None:
        try:
            return model.probabilities(read_square(project.root / asked[mark].path, model.pixels, model.framing))
        except PictureError:
            return None

    # One picture is computed at a time, but others are decoded meanwhile.
    try:
        for chunk in chunks(zip(missing, in_threads(answer, missing), strict=True), CHUNK):
            if job.should_stop():
                raise Stopped
            fresh = [(mark, row) for mark, row in chunk if row is not None]
            kept.put(fresh)
            answers.update(fresh)
            done += len(chunk)
            job.progress(done, len(missing))
    except ModelError:  # of a model from elsewhere, which must not take the rest of the look away
        return None
    answered: list[tuple[Picture, np.ndarray]] = [(asked[mark], answers[mark]) for mark in asked if mark in answers]
    if not answered:
        return None
    rows = cooled(np.stack([row for _, row in answered]), decision_of(run.folder).temperature)
    return Suggestions(run.id, model.classes, tuple(picture.id for picture, _ in answered), rows)


def most_useful(found: Suggestions, alike: tuple[tuple[str, ...], ...]) -> Suggestions:
    """The same, sorted: the least sure first, but one from each group of look-alikes in turn.

    Sure is a wide margin between the two likeliest classes (Scheffer et al. 2001). Taking turns keeps copies of one
    puzzling picture from filling the front.
    """
    best = np.sort(found.probabilities, axis=1)
    margin = dict(zip(found.ids, (best[:, -1] - best[:, -2]).tolist(), strict=True))
    queues = [sorted((name for name in group if name in margin), key=margin.__getitem__) for group in alike]
    order = [
        name
        for turn in zip_longest(*queues)
        for name in sorted((name for name in turn if name is not None), key=lambda name: (margin[name], name))
    ]
    row_of = {name: row for row, name in enumerate(found.ids)}
    return replace(found, ids=tuple(order), probabilities=found.probabilities[[row_of[name] for name in order]])
