"""Pictures -> features with a frozen backbone, by LiteRT, each computed once and kept. Loads no TensorFlow."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from core.config.augmentation import AugmentConfig
from core.config.framing import Framing
from core.datasets.file_index import connect, ensure
from core.datasets.project import now_at
from core.imaging.augment import augment, generator
from core.imaging.decode import read_square
from core.system.errors import PictureError
from core.system.storage import make_folder
from core.system.tasks.job import Stopped
from core.system.threads import chunks, in_threads
from core.training.feature_matrix import FeatureFile, Features, filled, room_for

CHUNK = 64
"""Pictures between two looks at the stop flag: about a quarter of a second on two cores."""
_LOOKS, _MOMENT = 6, 0.1  # seconds
_READ = 1000  # kept features that are read at once


@dataclass(frozen=True, slots=True)  # there may be a million of them
class PictureView:
    """One thing to compute features of: a picture file, framed, plain (`draw` 0) or one of its random changes (1, 2, ...), or
    the mirror image of that."""

    id: str
    path: Path
    framing: Framing
    draw: int = 0
    mirror: bool = False

    def pixels(self, side: int, config: AugmentConfig, seed: int) -> np.ndarray:
        """What is to be looked at: uint8 (side, side, 3). Raises PictureError if the file went bad."""
        picture = read_named(self.path, side, self.framing, self.id)
        if self.draw:
            picture = augment(picture, config, generator(seed, self.id, self.draw))
        return np.ascontiguousarray(picture[:, ::-1]) if self.mirror else picture


class Views(Sequence[PictureView]):
    """What `make` makes of each of `looks`, whenever somebody asks: of a million pictures they would fill the memory."""

    def __init__(self, make: Callable[[Any], PictureView], looks: Sequence[Any]) -> None:
        self._make, self._looks = make, looks

    def __len__(self) -> int:
        return len(self._looks)

    @overload
    def __getitem__(self, at: int) -> PictureView: ...

    @overload
    def __getitem__(self, at: slice) -> Views: ...

    def __getitem__(self, at: int | slice) -> PictureView | Views:
        return Views(self._make, self._looks[at]) if isinstance(at, slice) else self._make(self._looks[at])


@dataclass
class Spent:
    """Seconds of wall-clock time, divided between reading pictures and the backbone."""

    decode: float = 0.0
    features: float = 0.0
    pictures: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, decode: float, features: float, pictures: int = 1) -> None:
        """Adds some pictures' seconds, from any thread."""
        with self._lock:
            self.pictures += pictures
            self.decode += decode
            self.features += features


class FeatureStore:
    """Features on disk: one SQLite file for each extractor, rows (key, float32 vector)."""

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self._path, self.folder = path, path.parent
        ensure(path, "CREATE TABLE IF NOT EXISTS features (key TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID")

    def get(self, keys: Sequence[str]) -> dict[str, np.ndarray]:
        """The vectors that are there, float32 (F,) each."""
        found: dict[str, np.ndarray] = {}
        with connect(self._path) as db:
            for start in range(0, len(keys), 500):
                some = keys[start : start + 500]
                marks = ",".join("?" * len(some))
                for key, vector in db.execute(f"SELECT key, vector FROM features WHERE key IN ({marks})", some):
                    if isinstance(vector, bytes) and len(vector) % 4 == 0:  # the file may come from elsewhere
                        found[key] = np.frombuffer(vector, np.float32)
        return found

    @contextmanager
    def open(self) -> Iterator[None]:
        """While it lasts the file stays open: whoever closes it last writes all back into it, and waits for the disk."""
        with connect(self._path):
            yield

    def put(self, vectors: Iterable[tuple[str, np.ndarray]]) -> None:
        """Adds vectors in one transaction; those that are there already stay."""
        with connect(self._path) as db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT OR IGNORE INTO features VALUES (?, ?)", [(k, v.tobytes()) for k, v in vectors])
            db.execute("COMMIT")


class Extractor(Protocol):
    """What computes features of pictures."""

    spent: Spent

    def compute(self, sights: Iterable[PictureView], config: AugmentConfig, seed: int) -> Iterator[np.ndarray]:
        """Features of the sights, in their order: float32 (F,) each. Raises PictureError if a file went bad since it was
        checked."""


class FeatureExtractor:
    """A converted backbone on all cores: one single-threaded interpreter a thread, which also decodes.

    Faster than one interpreter with many threads, because decoding and computing overlap.
    """

    def __init__(self, model: Path | bytes, pixels: int, threads: int | None = None) -> None:
        # LiteRT reads a path in the code page of Windows.
        self._model = model.read_bytes() if isinstance(model, Path) else model
        self._pixels = pixels
        self._threads = threads or os.cpu_count() or 1
        self._local = threading.local()
        self.spent = Spent()

    def compute(self, sights: Iterable[PictureView], config: AugmentConfig, seed: int) -> Iterator[np.ndarray]:
        """Features of the sights, in their order: float32 (F,) each. Raises PictureError if a file went bad since it was
        checked."""
        return in_threads(lambda sight: self._one(sight, config, seed), sights, self._threads)

    def _one(self, sight: PictureView, config: AugmentConfig, seed: int) -> np.ndarray:
        started = time.perf_counter()
        picture = sight.pixels(self._pixels, config, seed)
        decoded = time.perf_counter()
        interpreter = self._interpreter()
        interpreter.set_tensor(self._local.input, picture[None].astype(np.float32))
        interpreter.invoke()
        features = interpreter.get_tensor(self._local.output)[0]
        self.spent.add((decoded - started) / self._threads, (time.perf_counter() - decoded) / self._threads)
        return features

    def _interpreter(self) -> Interpreter:
        if not hasattr(self._local, "interpreter"):
            interpreter = Interpreter(model_content=self._model, num_threads=1)
            interpreter.allocate_tensors()
            self._local.interpreter = interpreter
            self._local.input = interpreter.get_input_details()[0]["index"]
            self._local.output = interpreter.get_output_details()[0]["index"]
        return self._local.interpreter


def features_of(
    sights: Sequence[PictureView],
    extractor: Extractor,
    kept: FeatureStore,
    augmentation: AugmentConfig,
    seed: int,
    progress: Callable[[int, int], None],
    should_stop: Callable[[], bool],
) -> Features:
    """Features of all sights, in their order: float32 (N, F), or StoredFeatures where memory has no room for them; those kept
    from before are not computed again.

    `progress` is called with (done, total) after every chunk. Raises Stopped when `should_stop` says so; what was
    computed until then is kept. Raises RunError, OSError if there is no room on the disk either.
    """
    total, missing = len(sights), []
    vectors: np.ndarray | FeatureFile | None = None  # made when the first features say how many there are to a picture

    def mark(row: int) -> str:
        return key_of(sights[row], augmentation, seed)

    def place(row: int, vector: np.ndarray) -> None:
        nonlocal vectors
        if vectors is None:
            vectors = room_for(total, len(vector), kept.folder)
        vectors[row] = vector

    for start in range(0, total, _READ):
        marks = [mark(row) for row in range(start, min(start + _READ, total))]
        found = kept.get(marks)
        for row, key in enumerate(marks, start):
            if key in found:
                place(row, found[key])
            else:
                missing.append(row)
        progress(min(start + _READ, total) - len(missing), total)
    done = total - len(missing)
    computed = extractor.compute((sights[row] for row in missing), augmentation, seed)
    with kept.open() if missing else nullcontext():
        for chunk in chunks(zip(missing, computed, strict=True), CHUNK):
            _keep(kept, [(mark(row), vector) for row, vector in chunk])
            for row, vector in chunk:
                place(row, vector)
            done += len(chunk)
            progress(done, total)
            if done < total and should_stop():
                raise Stopped
    return np.empty((0, 1), np.float32) if vectors is None else filled(vectors, total)


def _keep(kept: FeatureStore, fresh: list[tuple[str, np.ndarray]]) -> None:
    """A cache that cannot be written to (disk full, say) makes the next run slower, and is no reason to end this one."""
    try:
        kept.put(fresh)
    except sqlite3.OperationalError:
        return


def read_named(path: Path, pixels: int, framing: Framing, content: str = "") -> np.ndarray:
    """As read_square, uint8 (pixels, pixels, 3), but the error names the file: it went bad since the project was checked.

    `content`: the picture's id; one that was put into another class meanwhile is then found where it lies now.
    """
    for turn in range(_LOOKS):
        try:
            return read_square(path, pixels, framing)
        except PictureError as error:
            if turn == _LOOKS - 1 or not content or path.exists():
                raise PictureError(
                    f"{path.name}: {error.message}.", "Replace it or remove it, then train again."
                ) from None
        time.sleep(turn * _MOMENT)  # whoever moves it tells the index just afterwards
        path = now_at(path, content) or path
    raise AssertionError


def key_of(sight: PictureView, config: AugmentConfig, seed: int) -> str:
    """What identifies a sight's features within one extractor's store."""
    seen, mirror = plain_key(sight.id, sight.framing), " mirror" if sight.mirror else ""
    if not sight.draw:
        return f"{seen}{mirror}"
    return f"{seen} {sight.draw} {seed} {config.mark}{mirror}"


def plain_key(content: str, framing: Framing) -> str:
    """The key of a picture, by its id, without any change."""
    return f"{content} {framing.mark}".rstrip()
