"""What there is to look at, and its features."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from core.config.split import SplitConfig
from core.datasets.catalogue import Catalogue, Picture
from core.datasets.groups import groups_of, in_time, joined, kin_of
from core.datasets.layout import Layout
from core.datasets.project import Project
from core.datasets.validation import near_groups
from core.imaging.decode import open_picture
from core.models.feature_extractor import specs_of
from core.system.errors import PictureError
from core.training.features import FeatureStore, PictureView, plain_key
from core.training.job import Job
from core.training.linear_probe import look

_PIECES = 5
"""A film is cut into so many, which is what a class needs in order to be judged."""


@dataclass(frozen=True)
class Contents:
    """Each content once, in the order of the ids; `classes` are the names of those that it lies in, sorted."""

    pictures: tuple[Picture, ...]
    classes: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, catalogue: Catalogue) -> Contents:
        """Everything in the catalogue."""
        first: dict[str, Picture] = {}
        classes: dict[str, set[str]] = defaultdict(set)
        for picture in catalogue.pictures:
            first.setdefault(picture.id, picture)
            classes[picture.id] |= {picture.class_name} if picture.class_name is not None else set()
        ids = sorted(first)
        return cls(tuple(first[name] for name in ids), tuple(tuple(sorted(classes[name])) for name in ids))

    def only(self, good: list[bool]) -> Contents:
        """Those that are marked True."""
        stays = [row for row, fine in enumerate(good) if fine]
        return Contents(tuple(self.pictures[row] for row in stays), tuple(self.classes[row] for row in stays))

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Their ids, sorted."""
        return tuple(picture.id for picture in self.pictures)

    @cached_property
    def groups(self) -> list[int]:
        """For each a number, shared by near-duplicates, of whatever class, and by what belongs together by its name: of such a
        group none may be judged by the label of another. A film is a few groups, in time, so that one can be judged by what
        was learned from the others where a class has no more."""
        looks, names = defaultdict(list), defaultdict(list)
        for row, number in enumerate(near_groups(self.pictures)):
            looks[number].append(row)
        for row, number in enumerate(groups_of(self.pictures, SplitConfig(), Layout())):
            names[number].append(row)
        together = list(looks.values())
        for rows in names.values():
            kin = kin_of(self.pictures[rows[0]].path)
            pieces = min(_PIECES, len(rows)) if kin and kin.film else 1
            place = {picture.path: at for at, picture in enumerate(in_time(self.pictures[row] for row in rows))}
            pieces_of: dict[int, list[int]] = defaultdict(list)
            for row in rows:
                pieces_of[place[self.pictures[row].path] * pieces // len(rows)].append(row)
            together += pieces_of.values()
        return joined(len(self.pictures), together)

    @cached_property
    def certain(self) -> list[str | None]:
        """The class of each that lies in exactly one."""
        return [names[0] if len(names) == 1 else None for names in self.classes]

    @cached_property
    def unlabelled(self) -> np.ndarray:
        """int (U,): positions of those that lie in no class."""
        return np.array([row for row, names in enumerate(self.classes) if not names], int)


def with_features(job: Job, project: Project, contents: Contents) -> tuple[Contents, np.ndarray]:
    """Those that can still be read, and their features float32 (N, F), from the same store as the trainings.

    Raises Stopped.
    """
    (spec,), folder, framing = specs_of(job.config), project.home / "features", job.config.input_framing
    while contents.pictures:
        sights = [PictureView(picture.id, project.root / picture.path, framing) for picture in contents.pictures]
        try:
            vectors = np.asarray(look(job, [spec], sights, folder=folder))
        except PictureError:
            known = FeatureStore(folder / f"{spec.id}.sqlite").get(
                [plain_key(content, framing) for content in contents.ids]
            )
            good = [plain_key(sight.id, framing) in known or _opens(sight.path) for sight in sights]
            if all(good):
                raise
            contents = contents.only(good)
        else:
            return contents, vectors
    return contents, np.empty((0, 1), np.float32)


def _opens(path: Path) -> bool:
    try:
        open_picture(path, at_least=32)
    except PictureError:
        return False
    return True
