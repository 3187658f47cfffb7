"""Model files from elsewhere, opened where they can do no harm: a process of its own reads and runs each of them.

A .tflite file is read by an engine in C++ that a crafted one can bring down. In a worker with a limit on memory and time
that costs one sentence, not the app.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from pathlib import Path

import numpy as np

from core.errors import ModelError
from core.intake.archives import MAX_FILE, TOO_LARGE
from core.prediction import Classifier

OPEN_SECONDS = 60.0
ANSWER_SECONDS = 20.0
_MAX_ANSWER = 10_000_000  # bytes; a thousand classes answer in 4 kB
_ROOT = Path(__file__).parents[1]


class ForeignModel(Classifier):
    """A model out of a zip, run by a process of its own; to be used as a Classifier is.

    The zip is one of Fieldguide's exports with a .tflite file in it, or a Teachable Machine one, floating point or quantized.
    `close` ends the process; so does letting go of the object.
    """

    def __init__(self, content: bytes, name: str) -> None:
        """`content`: the zip's bytes. Raises ModelError, in words for the person who chose the file `name`."""
        self._name = name
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "core.foreign_worker"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )
        self.close = weakref.finalize(self, _end, self._process)
        try:
            told = json.loads(self._ask(content, OPEN_SECONDS))
            if "error" in told:
                raise ModelError(f"{name}: {told['error']}", str(told.get("hint", "")))
            self.classes = tuple(str(one) for one in told["classes"])
            self.pixels = int(told["pixels"])
            self.threshold = float(told["threshold"])
        except ModelError:
            self.close()
            raise
        except (ValueError, KeyError, TypeError):
            self.close()
            raise self._broken() from None
        self.spec = {"classes": list(self.classes), "input": {"pixels": self.pixels}}

    @property
    def alive(self) -> bool:
        """Whether it still answers; one that is not has to be opened again."""
        return self.close.alive and self._process.poll() is None

    def probabilities(self, square: np.ndarray) -> np.ndarray:
        """As Classifier's. Raises ModelError if the process breaks down, takes too long or answers nonsense."""
        answer = self._ask(np.ascontiguousarray(square, np.uint8).tobytes(), ANSWER_SECONDS)
        row = np.frombuffer(answer, np.float32) if len(answer) == 4 * len(self.classes) else np.full(1, np.nan)
        if not np.isfinite(row).all():
            self.close()
            raise self._broken()
        return row.copy()

    def _ask(self, frame: bytes, seconds: float) -> bytes:
        """Sends bytes, and waits for what comes back; the process is ended if that takes longer than `seconds`."""
        late, process = threading.Event(), self._process

        def give_up() -> None:  # holds no reference to the model, which would live on with the timer's thread
            late.set()
            process.kill()

        stdin, stdout = process.stdin, process.stdout
        with self._lock:
            timer = threading.Timer(seconds, give_up)
            timer.start()
            try:
                if stdin is None or stdout is None or not self.close.alive:
                    raise self._broken()
                stdin.write(len(frame).to_bytes(4, "big") + frame)
                stdin.flush()
                length = int.from_bytes(_exactly(stdout.read(4), 4), "big")
                if length > _MAX_ANSWER:
                    raise EOFError
                return _exactly(stdout.read(length), length)
            except (OSError, ValueError, EOFError):
                self.close()
                if late.is_set():
                    raise ModelError(
                        f"{self._name} was given up: it did not answer within {seconds:.0f} seconds.",
                        "Is it a model for pictures? Try a smaller one.",
                    ) from None
                raise self._broken() from None
            finally:
                timer.cancel()

    def _broken(self) -> ModelError:
        return ModelError(
            f"{self._name} broke the program that reads it: it is damaged, or not a model for pictures.",
            "Export or download it again.",
        )


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
