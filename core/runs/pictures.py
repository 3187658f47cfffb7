"""The pictures of a run: where they are now, since they may have been moved, and who of them is held out when."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.config.split import PARTS
from core.config.training import TrainConfig
from core.datasets.catalogue import Catalogue
from core.datasets.folds import GroupedFolds
from core.datasets.project import now_at
from core.datasets.splits import make_split
from core.runs.records import RunPicture, RunPlan
from core.system.errors import PictureError, ProjectError


def find_file(plan: RunPlan, picture: RunPicture) -> Path:
    """The file where it was, or else one of the same content wherever in the project. Raises PictureError if it is gone."""
    planned = plan.file(picture)
    found = planned if planned.is_file() else now_at(planned, picture.id)
    if found is None:
        raise PictureError("the file is gone")
    return found


def changed_since(plan: RunPlan, catalogue: Catalogue) -> bool:
    """Whether a training by the same settings would have other pictures now, or by other classes: one of the plan's has another
    class, is gone or set aside, or one that it had not has come, or has a class now. Not all that there are have a place in a
    plan: what lies between two pieces of a film is left out."""
    now: dict[str, set[str]] = {}
    for picture in catalogue.in_use.pictures:
        if picture.class_name:
            now.setdefault(picture.id, set()).add(picture.class_name)
    then = {picture.id: plan.classes[picture.label] for picture in plan.pictures}
    if any(now.get(id_) != {name} for id_, name in then.items()):
        return True
    new = [p for p in catalogue.in_use.pictures if p.class_name and p.id not in then and len(now[p.id]) == 1]
    if any(picture.modified_ns > plan.created * 1e9 for picture in new):
        return True
    if not new or plan.config.sampling == "under-sampling":
        return False
    try:
        split = make_split(catalogue, plan.config.dealing)
    except ProjectError:  # of a new class with too few pictures
        return True
    return any(picture.id not in then for part in PARTS for picture in split.part(part))


def grouped_folds(pictures: Sequence[RunPicture], seed: int) -> GroupedFolds:
    """Deals the pictures of a plan, which tells their groups; one of which it does not is a group of its own."""
    least = max((picture.group for picture in pictures), default=0) + 1
    groups = [picture.group if picture.group >= 0 else least + row for row, picture in enumerate(pictures)]
    labels = np.array([picture.label for picture in pictures])
    return GroupedFolds(tuple(picture.id for picture in pictures), labels, np.array(groups), seed)


def learned_from(deal: GroupedFolds, rows: np.ndarray, config: TrainConfig) -> np.ndarray:
    """Of the pictures at positions `rows`, which may be learned from, those that are: with under-sampling not all."""
    return deal.balanced(rows) if config.sampling == "under-sampling" else rows


def without_left_out(
    pictures: Sequence[RunPicture], config: TrainConfig
) -> tuple[tuple[RunPicture, ...], tuple[str, ...]]:
    """The pictures of a training's parts without those that its settings leave out, and what is to be said of these."""
    train = np.array([row for row, picture in enumerate(pictures) if picture.part == "train"], int)
    chosen = learned_from(grouped_folds(pictures, config.seed), train, config)
    if len(chosen) == len(train):
        return tuple(pictures), ()
    left_out = set(train.tolist()).difference(chosen.tolist())
    each = len(chosen) // len({pictures[row].label for row in chosen})
    told = (
        f"It learned from {len(chosen)} of the {len(train)} training pictures: {each} of each class, as many as the smallest "
        f"has (under-sampling). The others were left out by chance, with seed {config.seed}."
    )
    return tuple(picture for row, picture in enumerate(pictures) if row not in left_out), (told,)
