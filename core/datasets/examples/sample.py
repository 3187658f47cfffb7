"""The sample that comes along, as a project of one's own."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from core.datasets.edit_journal import HIDDEN
from core.system import disk, storage
from core.system.errors import ProjectError, as_sentence


@as_sentence(ProjectError)
def copy_sample(source: Path) -> Path:
    """A copy of the sample pictures in the data home, so that nobody's edits change the original.

    Returns the copy's folder; an earlier copy is used again. Raises ProjectError if the sample is not installed.
    """
    target = storage.data_home() / source.name.title()
    if target.is_dir():
        return target
    if not source.is_dir():
        raise ProjectError("The sample pictures are not here.", "Open a folder of your own instead.")
    half = target.with_name(f"{storage.HALF_MADE}{uuid.uuid4().hex}")
    try:
        # Not shutil.copytree, which goes on after each file that a full disk refuses, and does not say that it is full.
        for file in sorted(source.rglob("*")):
            if file.is_file() and HIDDEN not in file.relative_to(source).parts:
                place = half / file.relative_to(source)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, place)
        disk.rename(half, target)
    except OSError:
        if not target.is_dir():  # else another tab was quicker
            raise
    finally:
        disk.remove_tree(half)
    return target
