"""Model files from elsewhere, opened where they can do no harm: a process of its own reads and runs each of them.

A .tflite file is read by an engine in C++ that a crafted one can bring down. In a worker with a limit on memory and time
that costs one sentence, not the app.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import threading
import time
import weakref
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from core.config.framing import Framing
from core.datasets.importing.archives import MAX_FILE, TOO_LARGE
from core.inference.calibration import cooled
from core.inference.classifier import SPEC_NAME, Classifier, spec_beside
from core.inference.decision import Decision, decision_of
from core.system import signing, storage
from core.system.errors import ModelError
from core.system.tasks.processes import ROOT, apart, program

OPEN_SECONDS = 60.0
ANSWER_SECONDS = 20.0
MOST = 3
"""Processes at once, not counting those that are answering; the one that was not asked for longest is ended."""
_MOST_CLASSES, _MOST_PIXELS, _LONGEST = 10_000, 2048, 300
"""What a page can show, and what a picture is scaled to here; characters of a label."""
_OTHERWISE = "Try another picture. If that goes wrong too, export or download the model again."
_MAX_ANSWER = 10_000_000  # bytes; a thousand classes answer in 4 kB


class ForeignModel(Classifier):
    """A model out of a zip, run by a process of its own; to be used as a Classifier is.

    The zip is one of Fieldguide's exports with a .tflite file in it, or a Teachable Machine one, floating point or quantized.
    A process that ended, by itself or because others were asked since, is started again by the next question.
    `close` ends it; so does letting go of the object. Two labels of one name are told apart by a number.
    """

    def __init__(self, content: bytes, name: str, decision: Decision | None = None) -> None:
        """`content`: the zip's bytes; `decision`: what was chosen for a run's own file, which has none inside. Raises
        ModelError, in words for the person who chose the file `name`."""
        self._content, self._name = content, name
        self._temperature = decision.temperature if decision else 1.0
        self._lock = threading.Lock()
        self.asked = time.monotonic()
        told = self._start()
        try:
            self.classes = _unique(str(one)[:_LONGEST] for one in told["classes"])
            self.pixels = int(told["pixels"])
            self.framing = Framing.model_validate(told["framing"])
            if len(self.classes) > _MOST_CLASSES or self.pixels > _MOST_PIXELS:
                raise ModelError(
                    f"{name} is too large: at most {_MOST_CLASSES:,} classes and pictures of {_MOST_PIXELS} pixels are "
                    "supported.",
                    "Choose another model.",
                )
            self.threshold = decision.threshold if decision and decision.threshold else float(told["threshold"])
        except ModelError:
            self.close()
            raise
        except (ValueError, KeyError, TypeError, OverflowError):
            self.close()
            raise self._broken() from None
        self.spec = {
            "classes": list(self.classes),
            "input": {"pixels": self.pixels, "framing": self.framing.model_dump()},
        }

    @property
    def alive(self) -> bool:
        """Whether its process runs; if it does not, the next question takes a second longer."""
        return self._worker.alive

    def close(self) -> None:
        """Ends the process, once the question that it may be at is answered."""
        with self._lock:
            self._worker.close()

    def probabilities(self, square: np.ndarray) -> np.ndarray:
        """As Classifier's. A process that ended, even over this picture, is started again, once. Raises ModelError if that
        one ends too, or if it takes too long or answers nonsense."""
        frame = np.ascontiguousarray(square, np.uint8).tobytes()
        with self._lock:
            self.asked = time.monotonic()
            if self.alive:
                with suppress(EOFError):
                    return self._row(frame)
            self._start()
            try:
                return self._row(frame)
            except EOFError:
                raise ModelError(
                    f"The program that runs {self._name} ended while it looked at this picture.", _OTHERWISE
                ) from None

    def _row(self, frame: bytes) -> np.ndarray:
        answer = self._ask(frame, ANSWER_SECONDS)
        row = np.frombuffer(answer, np.float32) if len(answer) == 4 * len(self.classes) else np.full(1, np.nan)
        if not np.isfinite(row).all():
            self._worker.close()
            raise ModelError(f"{self._name} gave an answer without meaning to this picture.", _OTHERWISE)
        return cooled(row.copy(), self._temperature)

    def _start(self) -> dict[str, Any]:
        """Starts the process, opens the model in it, and returns what that tells. Raises ModelError."""
        self._worker = _Worker()
        try:
            told = dict(json.loads(self._ask(self._content, OPEN_SECONDS)))
            if "error" in told:
                self._worker.close()
                raise ModelError(f"{self._name}: {told['error']}", str(told.get("hint", "")))
        except (EOFError, ValueError, TypeError):
            self._worker.close()
            raise self._broken() from None
        _make_room(self)
        return told

    def _ask(self, frame: bytes, seconds: float) -> bytes:
        try:
            return self._worker.ask(frame, seconds)
        except TimeoutError:
            raise ModelError(
                f"{self._name} was given up: it did not answer within {seconds:.0f} seconds.",
                "Is it a model for pictures? Try a smaller one.",
            ) from None

    def _broken(self) -> ModelError:
        return ModelError(
            f"{self._name} broke the program that reads it: it is damaged, or not a model for pictures.",
            "Export or download it again.",
        )


class _Worker:
    """One process of `core.inference.sandbox_worker`; `close` ends it, and so does letting go of this object."""

    def __init__(self) -> None:
        command, needed = program("core.inference.sandbox_worker")
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | needed,
            **apart(),
        )
        self.close = weakref.finalize(self, _end, self.process)

    @property
    def alive(self) -> bool:
        return self.close.alive and self.process.poll() is None

    def ask(self, frame: bytes, seconds: float) -> bytes:
        """Sends bytes, and returns what comes back. Raises TimeoutError if that takes longer than `seconds`, EOFError if the
        process ends; it is ended by both."""
        late, process = threading.Event(), self.process

        def give_up() -> None:  # holds no reference to this object, which would live on with the timer's thread
            late.set()
            process.kill()

        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None
        timer = threading.Timer(seconds, give_up)
        timer.start()
        try:
            stdin.write(len(frame).to_bytes(4, "big") + frame)
            stdin.flush()
            length = int.from_bytes(_exactly(stdout.read(4), 4), "big")
            if length > _MAX_ANSWER:
                raise EOFError
            return _exactly(stdout.read(length), length)
        except (OSError, ValueError, EOFError):
            self.close()
            raise (TimeoutError if late.is_set() else EOFError) from None
        finally:
            timer.cancel()


_running: weakref.WeakSet[ForeignModel] = weakref.WeakSet()
_listing = threading.Lock()


def _make_room(newest: ForeignModel) -> None:
    """Ends the processes of all but the MOST models that were asked last. One that is answering is left alone."""
    with _listing:
        _running.add(newest)
        running = sorted((model for model in _running if model.alive), key=lambda model: model.asked)
    for model in running[:-MOST]:
        if model._lock.acquire(blocking=False):
            try:
                model._worker.close()
            finally:
                model._lock.release()


def _unique(labels: Iterable[str]) -> tuple[str, ...]:
    """The labels; one that was there before gets a number, as `cat (2)`. Capitals tell two apart: a model may read letters."""
    numbers: dict[str, int] = {}
    for label in labels:
        name = label
        while name in numbers:
            numbers[label] += 1
            name = f"{label} ({numbers[label]})"
        numbers[name] = 1
    return tuple(numbers)


def load_model(path: Path | str) -> Classifier:
    """A run folder or a .tflite file with its fieldguide.json, or any exported zip, also one from Teachable Machine. What was
    not made on this computer is read by a process of its own. Raises ModelError."""
    path = Path(path).expanduser()
    file = path / "model.tflite" if path.is_dir() else path
    if signing.made_here(file):
        return Classifier.load(path)
    if path.suffix.lower() == ".zip":
        return open_model(path)
    content = _bundled(file)
    decision = decision_of(path)
    return ForeignModel(content, file.name, decision)


def _bundled(file: Path) -> bytes:
    """A .tflite file and what tells of it, as a zip has them. Raises ModelError."""
    if not file.is_file():
        raise ModelError(f"There is no file {file}.", "Choose a run folder, a zip from an Export page, or a .tflite.")
    out = io.BytesIO()
    try:
        with file.open("rb") as opened:
            if opened.read(2) == b"PK":  # a .tflite file may end in a zip of its labels, but begins with none
                return storage.read_bytes(file, MAX_FILE)
        spec = json.loads(storage.read_bytes(spec_beside(file), storage.MAX_JSON))
        with zipfile.ZipFile(out, "w") as bundle:
            bundle.writestr("model.tflite", storage.read_bytes(file, MAX_FILE))
            bundle.writestr(SPEC_NAME, json.dumps(dict(spec) | {"model": "model.tflite"}))
    except FileNotFoundError as error:
        raise ModelError(f"There is no file {error.filename}.", "A model needs fieldguide.json beside it.") from None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ModelError(f"{file.name} cannot be read: {error}.", "Export it again.") from None
    return out.getvalue()


def open_model(source: Path | bytes, name: str = "") -> ForeignModel:
    """The model in an exported zip, from here or elsewhere. Raises ModelError for a file that is none, or a bad one."""
    if isinstance(source, Path):
        name = name or source.name
        try:
            size = source.stat().st_size
            content = source.read_bytes() if size <= MAX_FILE else b""
        except OSError as error:
            raise ModelError(f"{source} cannot be read: {error.strerror or error}.", "Choose another file.") from None
    else:
        content, size = source, len(source)
    if size > MAX_FILE:
        raise ModelError(f"{name} is {TOO_LARGE}.", "Choose a zip from an Export page, or from Teachable Machine.")
    return ForeignModel(content, name)


def _exactly(content: bytes, length: int) -> bytes:
    if len(content) != length:
        raise EOFError
    return content


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):  # what was not sent any more
            if pipe:
                pipe.close()
