"""Features of a project's pictures ahead of a training, in shards that several processes or machines compute, each a part.

A shard is kept in a folder of its own, so that no two machines write into one file; once they are joined, a training finds
them as if it had computed them itself. Loads no TensorFlow, unless a backbone is to be converted first.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.config.training import TrainConfig
from core.datasets.project import Project
from core.models.feature_extractor import ExtractorSpec, prepare, specs_of
from core.models.frozen import exact
from core.models.weights_store import is_here
from core.runs.lifecycle import freeze, settled
from core.system.errors import ConfigError, ModelError
from core.system.storage import make_folder
from core.training.features import FeatureExtractor, FeatureStore, PictureView, features_of, key_of
from core.training.linear_probe import copies, feature_folder

MOST = 10_000
"""Shards at most."""
_READ = 1000  # features that are copied at once


@dataclass(frozen=True)
class Shard:
    """The `number`th of `of` parts, from 1; which part a picture is in follows from its content alone."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """As "3/8" says it. Raises ConfigError."""
        found = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text)
        shard = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 1 <= shard.number <= shard.of <= MOST:
            raise ConfigError(f"{text} is not a shard.", f"For instance: 3/8, the third of eight; at most {MOST}.")
        return shard

    def holds(self, content: str) -> bool:
        """`content`: the id of a picture."""
        return int(content[:15], 16) % self.of == self.number - 1


Progress = Callable[[int, int], None]


def compute(
    project: Project, config: TrainConfig, shard: Shard, progress: Progress, threads: int | None = None
) -> None:
    """Computes the features of one shard that are not there yet, with so many threads, by default one for each core. What was
    computed is kept if it is cut off. Raises ConfigError, ModelError, PictureError."""
    for work in works(project, config, [shard])[0]:
        carry_out(project, config, work, progress, threads)


@dataclass(frozen=True)
class Work:
    """What of a shard is looked at through one extractor."""

    shard: Shard
    spec: ExtractorSpec
    views: list[PictureView]


def works(project: Project, config: TrainConfig, shards: Sequence[Shard]) -> list[list[Work]]:
    """What is to be done for each of some shards. Raises ConfigError."""
    wanted = list(_wanted(project, config))
    return [
        [Work(shard, spec, [view for view in views if shard.holds(view.id)]) for spec, views in wanted]
        for shard in shards
    ]


def carry_out(
    project: Project, config: TrainConfig, work: Work, progress: Progress, threads: int | None = None
) -> None:
    """Computes what is not there yet. Raises ModelError, PictureError."""
    _look(work.spec, work.views, _of_shard(project, work.shard, work.spec), config, progress, threads)


def join(project: Project, config: TrainConfig, progress: Progress) -> int:
    """Takes over what all shards have, and computes what is in none of them; returns how many features of pictures came from
    shards. Raises ConfigError, ModelError, PictureError."""
    taken = 0
    for spec, views in _wanted(project, config):
        kept = FeatureStore(_place(project, spec))
        marks = [key_of(view, config.augment, config.seed) for view in views]
        for file in sorted(_shards(project).glob(f"*/{spec.id}.sqlite")):
            taken += _copy(file, kept, marks)
        _look(spec, views, kept, config, progress, None)
    return taken


def _copy(file: Path, kept: FeatureStore, marks: Sequence[str]) -> int:
    """Nothing of a file that is damaged, or of another length than others: that part is computed here."""
    taken = 0
    try:
        source = FeatureStore(file)
        for start in range(0, len(marks), _READ):
            some = marks[start : start + _READ]
            there = kept.get(some)
            found = source.get([mark for mark in some if mark not in there])
            if len({len(vector) for vector in (*there.values(), *found.values())}) > 1:
                break
            kept.put(found.items())
            taken += len(found)
    except sqlite3.DatabaseError:
        return taken
    return taken


def _look(
    spec: ExtractorSpec,
    views: Sequence[PictureView],
    kept: FeatureStore,
    config: TrainConfig,
    progress: Progress,
    threads: int | None,
) -> None:
    marks = [key_of(view, config.augment, config.seed) for view in views]
    known = _known(kept, marks)
    missing = [view for view, mark in zip(views, marks, strict=True) if mark not in known]
    if not missing:
        progress(len(views), len(views))
        return
    if not is_here(spec.backbone):
        raise ModelError(
            f"The weights of {spec.backbone.title} are not on this computer.", "Train with it once while it is online."
        )
    file = prepare(spec)
    if file is None:
        raise ModelError(
            f"{spec.backbone.title} cannot be made into a feature extractor of its own.",
            "Train as it is, or choose another model.",
        )
    done = len(views) - len(missing)
    extractor = _extractor(file, spec.pixels, threads)
    for start in range(0, len(missing), _READ):  # not all at once: a shard may be larger than the memory
        some = missing[start : start + _READ]

        def said(now: int, _: int, before: int = done + start) -> None:
            progress(before + now, len(views))

        features_of(some, extractor, kept, config.augment, config.seed, said, lambda: False)


@lru_cache(maxsize=2)
def _extractor(file: Path, pixels: int, threads: int | None) -> FeatureExtractor:
    return FeatureExtractor(file, pixels, threads)  # a process that looks at one shard after the other opens it once


def _known(kept: FeatureStore, marks: Sequence[str]) -> set[str]:
    return {mark for start in range(0, len(marks), _READ) for mark in kept.get(marks[start : start + _READ])}


def _wanted(project: Project, config: TrainConfig) -> Iterator[tuple[ExtractorSpec, list[PictureView]]]:
    """What a training with these settings looks at, and through which extractors."""
    if not config.pretrained or config.minutes:
        raise ConfigError(
            f"The recipe {config.recipe} does not look through one or two frozen networks.",
            "Choose quick or balanced, say.",
        )
    config = settled(project, config)
    _, pictures = freeze(project.scan(), config)

    def view(number: int, draw: int = 0) -> PictureView:
        picture = pictures[number]
        return PictureView(picture.id, project.path_of(picture.path), config.input_framing, draw)

    plain = [view(number) for number in range(len(pictures))]
    learned = [number for number, picture in enumerate(pictures) if picture.part == "train"]
    changed = [view(number, draw) for draw in range(1, copies(config)) for number in learned]
    for spec in specs_of(config):
        yield spec, plain + changed
        if spec.integer:
            held_out = [one for one, picture in zip(plain, pictures, strict=True) if picture.part != "train"]
            yield exact([spec])[0], held_out


def _place(project: Project, spec: ExtractorSpec) -> Path:
    return feature_folder(str(project.root)) / f"{spec.id}.sqlite"


def _of_shard(project: Project, shard: Shard, spec: ExtractorSpec) -> FeatureStore:
    shards = _shards(project)
    for folder in (shards.parent, shards):
        make_folder(folder)
    return FeatureStore(shards / f"{shard.number}-of-{shard.of}" / f"{spec.id}.sqlite")


def _shards(project: Project) -> Path:
    return feature_folder(str(project.root)) / "shards"
