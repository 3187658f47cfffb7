"""Pictures of other things, kept apart in a project: how many of them does a model turn away as "not sure"?

A model must choose one of its classes whatever it sees. Pictures that belong to none of them tell honestly what happens
then; they are never trained on.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from core.datasets.project import Project
from core.imaging import decode
from core.inference.sandbox import load_model
from core.runs.records import RunRecords
from core.system import storage
from core.system.errors import FieldguideError, ModelError, PictureError, ProjectError, as_sentence

MOST = 500
"""Pictures that are kept; more tell hardly more."""

_FILE = "unknown.npz"


def folder_of(project: Project) -> Path:
    """Where they lie; it may not exist."""
    return project.home / "unknown"


def pictures(project: Project) -> list[Path]:
    """The files, named by their content."""
    folder = folder_of(project)
    return sorted(path for path in folder.iterdir() if path.suffix == ".picture") if folder.is_dir() else []


@as_sentence(FieldguideError)
def add(project: Project, files: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """Keeps pictures, (name, content) each, as they are; returns (name, reason) for those that are not taken.

    Raises FieldguideError if they cannot be written.
    """
    refused = []
    number = len(pictures(project))
    for name, content in files:
        target = folder_of(project) / f"{hashlib.sha256(content).hexdigest()}.picture"
        try:
            decode.open_picture(content, at_least=32)
        except FieldguideError as error:
            refused.append((name, error.message))
            continue
        if target.exists():
            refused.append((name, "it is there already"))
        elif number >= MOST:
            refused.append((name, f"there are {MOST} already"))
        else:
            storage.write_bytes(target, content)
            number += 1
    return refused


def forget(project: Project) -> None:
    """Deletes them all, readable or not: they are copies. Raises ProjectError where one cannot be deleted."""
    try:
        shutil.rmtree(folder_of(project))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ProjectError(
            f"They cannot be deleted: {error.strerror}.", f"Allow writing in {folder_of(project)}, then try again."
        ) from None


def answers(project: Project, records: RunRecords, progress: Callable[[int, int], None]) -> np.ndarray:
    """What a run's model, as it came out of training, says of them: float32 (N, K), in the order of `pictures`.

    Each is asked about once and the answer kept; a damaged file is left out. Raises ModelError if there is no model, or if
    it breaks down: others are not asked about then, since each may take long.
    """
    known = _known(records)
    files = [path for path in pictures(project) if path.stem not in known]
    if files:
        classifier = load_model(records.tflite)
        if len(classifier.classes) != len(records.plan().classes):
            raise ModelError("The model of this training is not the one that its record tells of.", "Train again.")
        for number, path in enumerate(files):
            progress(number, len(files))
            try:
                known[path.stem] = classifier.probabilities(decode.read_square(path, classifier.pixels))
            except PictureError:
                continue
        if known:
            storage.write_with(
                records.folder / _FILE,
                lambda target: np.savez(target, ids=np.array(list(known)), said=np.stack(list(known.values()))),
            )
    rows = [known[path.stem] for path in pictures(project) if path.stem in known]
    return np.stack(rows) if rows else np.empty((0, len(records.plan().classes)), np.float32)


def _known(records: RunRecords) -> dict[str, np.ndarray]:
    try:
        file = storage.read_arrays(records.folder / _FILE)
        said = file["said"].astype(np.float32)
        if said.ndim != 2 or said.shape[1] != len(records.plan().classes) or not np.isfinite(said).all():
            return {}
        return dict(zip(file["ids"].tolist(), said, strict=True))
    except (OSError, KeyError, ValueError, TypeError):
        return {}
