"""The film of a training: what the model said of some validation pictures after each of its rounds, from before the first.

It lies in film.npz of the run, and is small whatever the training is: at most 200 pictures and 64 rounds, and of each answer
only the class that was said, its probability and that of the true class (float16), so some 80 kB also of a thousand classes.
It can be read while the training goes on. numpy only.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from core.runs.records import RunPicture, RunPlan, RunRecords
from core.system import storage
from core.system.errors import RunError

MOST_PICTURES = 200
MOST_ROUNDS = 64
"""There is one more where the round that is kept is none of the evenly thinned ones."""
_FILE = "film.npz"
_MAX_BYTES = 1_000_000
_WRITE_SECONDS = 0.3
_LAST = 2**31


@dataclass(frozen=True)
class Film:
    """`rounds` int (R,): ascending; 0 is before anything was learned. `pictures`: N of the validation part. `said` int (R, N):
    positions of the classes that were said; `sure` and `own` float32 (R, N), 0..1: the probabilities of these, and of the true
    ones, without any temperature."""

    rounds: np.ndarray
    pictures: tuple[RunPicture, ...]
    said: np.ndarray
    sure: np.ndarray
    own: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """int (N,): positions of the true classes."""
        return np.array([picture.label for picture in self.pictures])

    @property
    def right(self) -> np.ndarray:
        """int (R,): of how many pictures each round was right."""
        return (self.said == self.labels).sum(axis=1)

    @property
    def losses(self) -> np.ndarray:
        """float (R,): the mean cross-entropy of each round, on these pictures."""
        return -np.log(self.own.astype(float).clip(1e-7)).mean(axis=1)


def shown_pictures(plan: RunPlan) -> tuple[RunPicture, ...]:
    """The validation pictures that the film of a training shows: all, or as many as it takes, evenly over the part, whose
    pictures are in the order of their classes."""
    part = plan.part("val")
    return tuple(part[row] for row in _rows(len(part)))


def _rows(count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, MOST_PICTURES)).round().astype(int))


class FilmRecorder:
    """Keeps what a model says after its rounds, and writes it now and then. Of many rounds every second is given up, again and
    again: those that are left lie evenly."""

    def __init__(self, records: RunRecords, plan: RunPlan) -> None:
        part = plan.part("val")
        self.rows = _rows(len(part))
        self._labels = np.array([part[row].label for row in self.rows], int)
        self._file, self._seed = records.folder / _FILE, plan.config.seed
        self._answers: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._step, self._written = 1, 0.0

    def wants(self, number: int) -> bool:
        """Whether what is said after this round would be kept: a later one than those before, and none that is thinned out."""
        return len(self.rows) > 0 and number % self._step == 0 and number > max(self._answers, default=-1)

    def add(self, number: int, probabilities: np.ndarray) -> None:
        """What the model says after a round of the pictures `rows` of the validation part: float32 (N, K). Raises OSError."""
        self._answers[number] = self._answer(number, probabilities)
        if len(self._answers) > MOST_ROUNDS:
            self._step *= 2
            self._answers = {each: kept for each, kept in self._answers.items() if each % self._step == 0}
        if time.monotonic() - self._written >= _WRITE_SECONDS:
            self._write(durable=False)
            self._written = time.monotonic()

    def close(self, kept: int, probabilities: np.ndarray) -> None:
        """Ends the film. `kept`: the round that the model is as after, 0 for none; `probabilities` float32 (M, K): what it says
        of the whole validation part. Nothing is written of a training that kept no round. Raises OSError."""
        if not self._answers:
            return
        if kept:
            self._answers[kept] = self._answer(kept, probabilities[self.rows])
        self._write(durable=True)

    def _answer(self, number: int, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What was said (N,), how likely that was, and the true class. What is equally likely is dealt by chance: whoever knows
        nothing guesses."""
        sure = probabilities.max(axis=1)
        chance = np.random.default_rng([self._seed, number]).random(probabilities.shape)
        said = np.where(probabilities == sure[:, None], chance, -1).argmax(axis=1)
        own = probabilities[np.arange(len(said)), self._labels]
        return said.astype(np.min_scalar_type(probabilities.shape[1])), sure.astype(np.float16), own.astype(np.float16)

    def _write(self, *, durable: bool) -> None:
        rounds = sorted(self._answers)
        said, sure, own = (np.stack(kept) for kept in zip(*(self._answers[each] for each in rounds), strict=True))
        arrays = {"rounds": np.array(rounds), "rows": self.rows, "said": said, "sure": sure, "own": own}
        storage.write_with(self._file, lambda path: np.savez(path, **arrays), durable=durable)  # type: ignore[arg-type]


def read_film(records: RunRecords) -> Film | None:
    """The film of a run, so far as it goes; None where there is none, as of older versions, or where it is damaged."""
    folder = records.folder
    stamps = (storage.stamp(folder / name) for name in (_FILE, "run.json", "pictures.json"))
    return _read(folder, *stamps)


@lru_cache(maxsize=8)
def _read(folder: Path, *stamps: tuple[int, ...]) -> Film | None:  # noqa: ARG001 - the cache's key
    try:
        kept = storage.read_arrays(folder / _FILE, _MAX_BYTES)
        rounds, rows, said, sure, own = (kept[name] for name in ("rounds", "rows", "said", "sure", "own"))
        plan = RunRecords(folder).plan()
    except (OSError, KeyError, RunError):
        return None
    part = plan.part("val")
    shares = all(_shares(values, said.shape) for values in (sure, own))
    if not shares or not _possible(rounds, rows, said, len(plan.classes), len(part)):
        return None
    pictures = tuple(part[row] for row in rows)
    return Film(rounds.astype(int), pictures, said.astype(int), sure.astype(np.float32), own.astype(np.float32))


def _possible(rounds: np.ndarray, rows: np.ndarray, said: np.ndarray, classes: int, count: int) -> bool:
    """Whether these can be the rounds, pictures and answers of a training of so many classes and validation pictures."""
    if any(each.dtype.kind not in "iu" or not each.size for each in (rounds, rows, said)):
        return False
    return (
        _ascends(rounds, MOST_ROUNDS + 1, _LAST)
        and _ascends(rows, MOST_PICTURES, count)
        and said.shape == (len(rounds), len(rows))
        and 0 <= int(said.min()) <= int(said.max()) < classes
    )


def _ascends(numbers: np.ndarray, most: int, end: int) -> bool:
    """Whether these are at most so many whole numbers from 0 up to before `end`, each larger than the one before."""
    if numbers.ndim != 1 or len(numbers) > most:
        return False
    plain: Sequence[int] = numbers.tolist()
    return plain[0] >= 0 and plain[-1] < end and all(one < other for one, other in pairwise(plain))


def _shares(values: np.ndarray, shape: tuple[int, ...]) -> bool:
    return values.dtype.kind == "f" and values.shape == shape and bool(((values >= 0) & (values <= 1.001)).all())
