"""The pictures of a run: where they are now, since they may have been moved, and who of them is held out when."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.datasets.folds import GroupedFolds
from core.datasets.project import now_at
from core.runs.records import RunPicture, RunPlan
from core.system.errors import PictureError


def find_file(plan: RunPlan, picture: RunPicture) -> Path:
    """The file where it was, or else one of the same content wherever in the project. Raises PictureError if it is gone."""
    planned = plan.file(picture)
    found = planned if planned.is_file() else now_at(planned, picture.id)
    if found is None:
        raise PictureError("the file is gone")
    return found


def grouped_folds(pictures: Sequence[RunPicture], seed: int) -> GroupedFolds:
    """Deals the pictures of a plan, which tells their groups; one of which it does not is a group of its own."""
    least = max((picture.group for picture in pictures), default=0) + 1
    groups = [picture.group if picture.group >= 0 else least + row for row, picture in enumerate(pictures)]
    labels = np.array([picture.label for picture in pictures])
    return GroupedFolds(tuple(picture.id for picture in pictures), labels, np.array(groups), seed)
