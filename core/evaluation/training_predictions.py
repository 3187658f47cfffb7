"""What a model says of the pictures that it learned from: asked for when someone wants to know, and then kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from core.datasets.project import Project
from core.imaging.decode import read_square
from core.inference.sandbox import load_model
from core.runs.records import RunPicture, RunRecords
from core.system import storage
from core.system.errors import FieldguideError, RunError

_FILE = "recall.npz"
_TEXTS = TypeAdapter(list[str])


def ask(records: RunRecords, progress: Callable[[int, int], None]) -> None:
    """Asks the run's .tflite about its training pictures, wherever in the project they lie now; milliseconds for each.

    Those that are gone or damaged are left out. Raises ModelError if there is no model, RunError if no picture is left.
    """
    plan = records.plan()
    classifier = load_model(records.tflite)
    project = Project.open(plan.project, again=True)
    pictures, ids, rows = plan.part("train"), [], []
    for number, picture in enumerate(pictures):
        progress(number, len(pictures))
        try:
            square = read_square(_file(project, plan.file(picture), picture), classifier.pixels)
        except FieldguideError:
            continue
        ids.append(picture.id)
        rows.append(classifier.probabilities(square))
    if not rows:
        raise RunError("None of the training pictures is there any more.", "Put them back, or train again.")
    storage.write_with(records.folder / _FILE, lambda path: np.savez(path, ids=np.array(ids), said=np.stack(rows)))


def answers(records: RunRecords) -> tuple[tuple[RunPicture, ...], np.ndarray] | None:
    """The training pictures (N) that were asked about, and float32 (N, K); None if nobody asked yet."""
    plan = records.plan()
    try:
        file = storage.read_arrays(records.folder / _FILE)
        ids, said = _TEXTS.validate_python(file["ids"].tolist()), file["said"].astype(np.float32)
    except (OSError, KeyError, ValueError, TypeError):
        return None
    known = {picture.id: picture for picture in plan.part("train")}
    if said.shape != (len(ids), len(plan.classes)) or not set(ids) <= set(known) or not np.isfinite(said).all():
        return None
    return tuple(known[one] for one in ids), said


def _file(project: Project, planned: Path, picture: RunPicture) -> Path:
    return planned if planned.is_file() else project.file_with(picture.id)
