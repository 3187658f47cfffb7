"""What a look at the pictures found, on disk and in memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from core.config.framing import Framing
from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.inference.decision import decision_of
from core.runs.lifecycle import Run, list_runs
from core.system import storage
from core.system.errors import RunError

_VERSION = 1
_NAME = "analysis.npz"
FROM_LABELS = "labels"


@dataclass(frozen=True)
class Suspect:
    """A labelled picture and what a model that never saw it thinks of its label.

    `quality` is the probability of the `given` class, 0..1: low is suspicious (cleanlab's self-confidence). `suggested`
    is the likeliest other class. `likely`: cleanlab's find_label_issues calls the label wrong, or `quality` is below 0.05.
    """

    id: str
    given: str
    suggested: str
    quality: float
    likely: bool


@dataclass(frozen=True)
class Suggestions:
    """A class for each unlabelled picture: `ids` (U), the most useful to label first, `probabilities` float32 (U, K) over
    `classes` (K), rows sum to 1. `source` is the id of the run whose model was asked, or "labels"."""

    source: str
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    probabilities: np.ndarray


@dataclass(frozen=True)
class Analysis:
    """One look at all pictures that could be read. Each content is named once, by its id (see Picture.id).

    `labels` (N): the class of each at that time, None where it had none; a content that lay in several classes has the
    first by name, and is not judged. `xy` float32 (N, 2) in 0..1: places on a map where look-alikes lie close, made by
    `map_method` ("t-SNE" or "PCA"). `suspects`: all labelled pictures that could be judged, the most suspicious first.
    `groups`: every unlabelled picture in exactly one; the large and close ones first, single pictures last; the most
    typical of each group first. `judged`: id -> (likeliest class, its probability), by a model that did not learn from
    that picture; also for unlabelled ones that have suggestions. `framing`: the mark of what was seen of each picture.
    """

    ids: tuple[str, ...]
    labels: tuple[str | None, ...]
    xy: np.ndarray
    map_method: str
    suspects: tuple[Suspect, ...]
    groups: tuple[tuple[str, ...], ...]
    suggestions: Suggestions | None
    judged: dict[str, tuple[str, float]]
    fingerprint: str
    framing: str = ""

    def fresh(self, project: Project, catalogue: Catalogue) -> bool:
        """Whether another look would find the same: same pictures, same labels, same model to ask."""
        run = source_run(project, catalogue)
        return self.fingerprint == fingerprint(catalogue, asked(run), project.framing())


_TEXTS = TypeAdapter(tuple[str, ...])
_LABELS = TypeAdapter(tuple[str | None, ...])
_SUSPECTS = TypeAdapter(tuple[Suspect, ...])
_GROUPS = TypeAdapter(tuple[tuple[str, ...], ...])
_JUDGED = TypeAdapter(dict[str, tuple[str, float]])


def asked(run: Run | None) -> str | None:
    """What tells the answers of a run, as they are used now, from others."""
    return f"{run.id} {decision_of(run.folder).temperature:g}" if run else None


def fingerprint(catalogue: Catalogue, run: str | None, framing: Framing) -> str:
    """A hex digest of what a look depends on: which contents lie in which classes in use, the run (see `asked`), and what is
    seen of a picture."""
    rows = sorted({(picture.id, picture.class_name or "") for picture in catalogue.in_use.pictures})
    framed = [framing.mark] if framing.mark else []
    return hashlib.sha256(json.dumps([run, rows, *framed]).encode()).hexdigest()[:16]


def source_run(project: Project, catalogue: Catalogue) -> Run | None:
    """The newest run that has a model, if there is one whose classes are exactly those that have pictures now."""
    classes = {name for name, count in catalogue.in_use.counts.items() if count}
    for run in list_runs(project):
        try:
            if set(run.records.plan().classes) == classes and run.records.tflite.is_file():
                return run
        except RunError:
            continue
    return None


def folder_of(project: Project) -> Path:
    """Where the records of looks lie."""
    return project.home / "analysis"


def write(project: Project, analysis: Analysis) -> None:
    """Replaces the last result, whole or not at all."""
    values = asdict(analysis) | {"version": _VERSION}
    arrays = {"xy": values.pop("xy")}
    if values["suggestions"]:
        arrays["probabilities"] = values["suggestions"].pop("probabilities")
    arrays["values"] = np.frombuffer(json.dumps(values).encode(), np.uint8)
    storage.write_with(folder_of(project) / _NAME, lambda path: np.savez(path, **arrays))


def read(project: Project) -> Analysis | None:
    """The last result, fitting or not; None if there is none, it is damaged, or another version wrote it.

    It is read once and then shared by all callers, for as long as the file is unchanged: treat it as read-only.
    """
    path = folder_of(project) / _NAME
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=4)
def _read(path: Path, modified_ns: int) -> Analysis | None:  # noqa: ARG001 - the time is part of the cache's key
    try:
        file = storage.read_arrays(path)
        values, xy = json.loads(file["values"].tobytes()), file["xy"]
        if values.pop("version") != _VERSION or xy.shape != (len(values["ids"]), 2):
            return None
        if len(values["labels"]) != len(xy) or not np.isfinite(xy.astype(np.float32)).all():
            return None
        if values["suggestions"]:
            values["suggestions"] = _suggestions(values["suggestions"], file["probabilities"])
        xy.setflags(write=False)
        return Analysis(
            **values
            | {
                "xy": xy,
                "ids": _TEXTS.validate_python(values["ids"]),
                "labels": _LABELS.validate_python(values["labels"]),
                "suspects": _SUSPECTS.validate_python(values["suspects"]),
                "groups": _GROUPS.validate_python(values["groups"]),
                "judged": _JUDGED.validate_python(values["judged"]),
            }
        )
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return None


def _suggestions(values: dict, probabilities: np.ndarray) -> Suggestions:
    if probabilities.shape != (len(values["ids"]), len(values["classes"])):
        raise ValueError(probabilities.shape)
    probabilities = probabilities.astype(np.float32)
    probabilities.setflags(write=False)
    classes, ids = (_TEXTS.validate_python(values[name]) for name in ("classes", "ids"))
    return Suggestions(str(values["source"]), classes, ids, probabilities)
