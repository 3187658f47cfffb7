"""The features of all pictures as one matrix: an array, or, where memory has no room for it, a file that is read in pieces.

Whoever learns from it takes piece by piece, of which a small array is one: so there is one way to learn, whatever fits.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil

from core.system import storage
from core.system.threads import in_threads, serial_linear_algebra

Result = TypeVar("Result")

PIECE_BYTES = 2**23
"""Of the float32 numbers of a piece: what is worked on stays near the processor, and hardly any time goes into taking turns."""
ONE_PIECE = 4_000_000
"""Numbers of an array that is not worth cutting."""
_THREADS = 16
"""At most: each has a piece, and copies of it."""
_LARGEST = float(np.finfo(np.float16).max)


class FeatureFile:
    """Room for features (N, F) in a file without a name, of which nothing is left when the process ends, however it does.

    They are kept as float16: half the bytes, and as much as a head can tell apart. Numbers that are larger than that holds
    (65,504) become the largest.
    """

    def __init__(self, count: int, width: int, folder: Path) -> None:
        """Raises RunError if the disk of `folder` has no room for it."""
        self.shape = (count, width)
        storage.require_disk(folder, 2 * count * width, f"What the model sees of {count:,} pictures")
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as this does
        weakref.finalize(self, self._file.close)

    def __setitem__(self, row: int, vector: np.ndarray) -> None:
        """Keeps the features (F,) of a picture. Raises OSError, ValueError if they are of another number."""
        half = np.empty(self.shape[1], np.float16)
        half[:] = np.where(np.isfinite(vector), vector.clip(-_LARGEST, _LARGEST), vector)
        self._file.seek(row * half.nbytes)
        self._file.write(half.data)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """float16 (M, F), mapped into memory for as long as somebody holds it."""
        self._file.flush()
        return np.asarray(np.memmap(self._file, np.float16, "r", shape=self.shape)[rows])


class StoredFeatures:
    """Features (N, F), float32 when they are read, of which memory holds none: the rows at `rows` of `blocks`, (M, ...) each,
    side by side, and as `change` makes them of what was read.

    A slice or positions of it are another one; `np.asarray` reads all of it.
    """

    def __init__(
        self,
        blocks: tuple[np.ndarray | FeatureFile, ...],
        rows: range | np.ndarray | None = None,
        change: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self._blocks, self._change = blocks, change
        self._rows = range(blocks[0].shape[0]) if rows is None else rows

    @property
    def shape(self) -> tuple[int, int]:
        """(N, F)."""
        return len(self._rows), sum(block.shape[1] for block in self._blocks)

    @property
    def size(self) -> int:
        """Of how many numbers."""
        return self.shape[0] * self.shape[1]

    @property
    def nbytes(self) -> int:
        """Of the float32 numbers."""
        return 4 * self.size

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: slice | np.ndarray) -> StoredFeatures:
        if isinstance(rows, slice):
            return StoredFeatures(self._blocks, self._rows[rows], self._change)
        positions = np.flatnonzero(rows) if rows.dtype == bool else rows
        return StoredFeatures(self._blocks, np.asarray(self._rows)[positions], self._change)

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        rows = self._rows
        at = slice(rows.start, rows.stop, rows.step) if isinstance(rows, range) else rows
        parts = [block[at] for block in self._blocks]
        read = np.concatenate(parts, axis=1, dtype=np.float32) if len(parts) > 1 else parts[0].astype(np.float32)
        return np.asarray(self._change(read) if self._change else read, dtype)

    def changed(self, change: Callable[[np.ndarray], np.ndarray]) -> StoredFeatures:
        """As `change` makes them, float32 (M, F) -> float32 (M, F), row by row."""
        before = self._change
        return StoredFeatures(self._blocks, self._rows, (lambda piece: change(before(piece))) if before else change)

    def beside(self, other: Features) -> StoredFeatures:
        """With the features (N, G) of another extractor: (N, F + G). Both have all their rows, unchanged."""
        return StoredFeatures((*self._blocks, *(other._blocks if isinstance(other, StoredFeatures) else (other,))))


Features = np.ndarray | StoredFeatures
"""Features (N, F) of pictures."""


def fits(count: int, width: int) -> bool:
    """Whether so many features are for memory: their float32 numbers take an eighth of what the computer has at most, and half
    of what nothing else uses now. Joining, copying and learning may take them several times."""
    memory = psutil.virtual_memory()
    return 4 * count * width <= min(memory.total / 8, memory.available / 2)


def room_for(count: int, width: int, folder: Path) -> np.ndarray | FeatureFile:
    """Room for features (N, F), float32 in memory if it `fits`, else in a file in `folder`. Raises RunError."""
    return np.empty((count, width), np.float32) if fits(count, width) else FeatureFile(count, width, folder)


def filled(room: np.ndarray | FeatureFile, count: int) -> Features:
    """The first rows of what `room_for` gave."""
    return room[:count] if isinstance(room, np.ndarray) else StoredFeatures((room,))[:count]


def side_by_side(parts: list[Features]) -> Features:
    """The features of several extractors, of the same pictures."""
    first, *others = parts
    for other in others:
        if isinstance(first, np.ndarray) and isinstance(other, np.ndarray):
            first = np.concatenate([first, other], axis=1)
        else:
            first = (StoredFeatures((first,)) if isinstance(first, np.ndarray) else first).beside(other)
    return first


def over(features: Features, work: Callable[[slice, np.ndarray], Result]) -> Iterator[Result]:
    """What `work` makes of where a piece lies and of the piece, float32 (B, F), in turn; of one at least.

    A small array is one piece. Of several, each is worked on in a thread, and linear algebra has no threads of its own then.
    """
    count, width = features.shape
    if isinstance(features, np.ndarray) and features.size <= ONE_PIECE:
        yield work(slice(0, count), features)
        return
    step = max(1, PIECE_BYTES // (4 * width))
    where = (slice(start, min(start + step, count)) for start in range(0, max(count, 1), step))
    threads = min(os.cpu_count() or 1, _THREADS)
    with serial_linear_algebra():
        yield from in_threads(lambda rows: work(rows, np.asarray(features[rows])), where, threads, ahead=threads)


def added(parts: Iterator[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    """The sums of what the pieces have, float64 each."""
    sums = [each.astype(np.float64) for each in next(parts)]
    for part in parts:
        for number, each in enumerate(part):
            sums[number] += each
    return sums


def logits(features: Features, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """What a head says of features (N, F): float32 (N, K)."""
    return np.concatenate(list(over(features, lambda _, piece: piece @ kernel + bias)))
