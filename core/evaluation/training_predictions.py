"""What a model says of the pictures that it learned from: asked for when someone wants to know, and then kept."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.imaging.decode import read_square
from core.inference.sandbox import load_model
from core.runs.pictures import find_file
from core.runs.records import RunPicture, RunRecords
from core.system.errors import FieldguideError, RunError

_FILE = "recall.npz"


def ask(records: RunRecords, progress: Callable[[int, int], None]) -> None:
    """Asks the run's .tflite about its training pictures, wherever in the project they lie now; milliseconds for each.

    Those that are gone or damaged are left out. Raises ModelError if there is no model, RunError if no picture is left.
    """
    plan = records.plan()
    classifier = load_model(records.tflite)
    pictures, ids, rows = plan.part("train"), [], []
    for number, picture in enumerate(pictures):
        progress(number, len(pictures))
        try:
            square = read_square(find_file(plan, picture), classifier.pixels, classifier.framing)
        except FieldguideError:
            continue
        ids.append(picture.id)
        rows.append(classifier.probabilities(square))
    if not rows:
        raise RunError("None of the training pictures is there any more.", "Put them back, or train again.")
    records.keep_answers(_FILE, dict(zip(ids, rows, strict=True)))


def answers(records: RunRecords) -> tuple[tuple[RunPicture, ...], np.ndarray] | None:
    """The training pictures (N) that were asked about, and float32 (N, K); None if nobody asked yet."""
    known = {picture.id: picture for picture in records.plan().part("train")}
    kept = records.answers(_FILE)
    if not kept or not kept.keys() <= known.keys():
        return None
    return tuple(known[one] for one in kept), np.stack(list(kept.values()))
