"""What a model says of the pictures of other things that a project keeps (core.datasets.negatives)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.datasets.negatives import pictures
from core.datasets.project import Project
from core.imaging import decode
from core.inference.sandbox import load_model
from core.runs.records import RunRecords
from core.system.errors import ModelError, PictureError

_FILE = "unknown.npz"


def answers(project: Project, records: RunRecords, progress: Callable[[int, int], None]) -> np.ndarray:
    """What a run's model, as it came out of training, says of them: float32 (N, K), in the order of `pictures`.

    Each is asked about once and the answer kept; a damaged file is left out. Raises ModelError if there is no model, or if
    it breaks down: others are not asked about then, since each may take long.
    """
    known = records.answers(_FILE)
    files = [path for path in pictures(project) if path.stem not in known]
    if files:
        classifier = load_model(records.tflite)
        if len(classifier.classes) != len(records.plan().classes):
            raise ModelError("The model of this training is not the one that its record tells of.", "Train again.")
        for number, path in enumerate(files):
            progress(number, len(files))
            try:
                square = decode.read_square(path, classifier.pixels, classifier.framing)
                known[path.stem] = classifier.probabilities(square)
            except PictureError:
                continue
        if known:
            records.keep_answers(_FILE, known)
    rows = [known[path.stem] for path in pictures(project) if path.stem in known]
    return np.stack(rows) if rows else np.empty((0, len(records.plan().classes)), np.float32)
