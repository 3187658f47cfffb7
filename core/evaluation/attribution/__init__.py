"""Why: which parts of a picture speak for a class, as a run's model sees it. Loads no TensorFlow itself.

A process of its own (`core.evaluation.attribution.worker`) writes, once for each run, a second model file that gives a
class-activation map beside the probabilities; from then on maps are computed here by LiteRT, in milliseconds. Where that
cannot be, a map is found by covering the picture square by square.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from core.evaluation.attribution.maps import METHODS, Check, Explanation, Method, check, occlusion, overlay, scaled
from core.inference.calibration import cooled
from core.inference.decision import decision_of
from core.inference.sandbox import load_model
from core.runs.lifecycle import Run
from core.system import disk, signing, storage
from core.system.errors import ModelError, as_sentence
from core.system.tasks.handle import TaskHandle
from core.system.tasks.records import AGAIN, TaskState

__all__ = [
    "METHODS",
    "Check",
    "Explainer",
    "Explanation",
    "check",
    "is_ready",
    "make",
    "overlay",
    "prepare",
    "stamp",
    "task",
]
VERSION = 1
"""Raised when the graph changes, so that files made before are made again."""


def folder_of(run: Run) -> Path:
    """Where the file that explains lies, and the records of its making."""
    return run.folder / "explain"


def keep(run: Run, model: bytes | None) -> None:
    """Puts the file in its place, then the note that makes it count. None: this model cannot be seen into."""
    digest = ""
    if model is not None:
        digest = hashlib.sha256(model).hexdigest()
        signing.write_signed(folder_of(run) / "explain.tflite", model)
    storage.write_json(folder_of(run) / "explain.json", {"version": VERSION, "of": _model_of(run), "sha256": digest})


def is_ready(run: Run) -> bool:
    """Whether nothing is left to be made: the file is there, or this run can have none."""
    return _note(run) is not None or not signing.made_here(run.records.model)


def stamp(run: Run) -> str:
    """Another text whenever an Explainer of this run would be another: for the keys of caches."""
    note = _note(run)
    return f"{_model_of(run)} {note['sha256'] if note else ''} {decision_of(run.folder).temperature}"


@as_sentence(ModelError)
def prepare(run: Run, *, aside: bool = False) -> None:
    """Starts the process that makes the file; does not wait, and does nothing while one is at work or there is nothing to do.

    `aside`: before anybody asks. It takes nobody's turn then, and computes only where nobody else wants to. Raises ModelError
    if nothing can be written there.
    """
    if not is_ready(run):
        task(run).start(
            "core.evaluation.attribution.worker",
            [str(run.folder), *(["aside"] if aside else [])],
            needed=lambda: not is_ready(run),
            phase="loading",
            queued=not aside,
        )


def task(run: Run) -> TaskHandle:
    """The process that makes the file."""
    return TaskHandle(folder_of(run), ("Getting ready to explain", AGAIN))


def make(run: Run, watch: Callable[[TaskState], None] | None = None) -> None:
    """Makes the file if it is missing, and waits for it. Raises ModelError if that fails."""
    prepare(run)
    now = task(run).wait(watch)
    if not is_ready(run):
        raise ModelError(
            now.message if now and now.message else "Getting ready to explain was cut off.",
            now.hint if now and now.hint else "Try again.",
        )


class Explainer:
    """Explains pictures by the model of a run. Safe to use from several threads; one picture is computed at a time.

    `classes` (K), `pixels` and `framing` are the model's; `method` is how maps are made: by gradient where the run's file is
    ready.
    """

    def __init__(self, run: Run) -> None:
        """Raises ModelError if the run has no model that opens."""
        plan = run.records.plan()
        self.classes, self.pixels = plan.classes, run.records.input_pixels()
        self.framing = plan.config.input_framing
        self._temperature = decision_of(run.folder).temperature
        self._file = _File.of(run)
        self._classifier = None if self._file else load_model(run.folder)

    @property
    def method(self) -> Method:
        """How its maps are made."""
        return "gradient" if self._file else "occlusion"

    def probabilities(self, square: np.ndarray) -> np.ndarray:
        """One picture as the model sees it, uint8 (S, S, 3) -> float32 (K,), sums to 1; as a Classifier."""
        if self._file:
            return cooled(self._file.ask(square, 0)[0], self._temperature)
        assert self._classifier is not None
        return self._classifier.probabilities(square)

    def explain(self, square: np.ndarray, label: int | None = None) -> Explanation:
        """What speaks for a class, by default the likeliest, in a picture as the model sees it, uint8 (S, S, 3)."""
        answers = self.probabilities(square)
        label = int(answers.argmax()) if label is None else label
        evidence = self._file.ask(square, label)[1] if self._file else occlusion(self.probabilities, square, label)
        name, sure = self.classes[label], float(answers[label])
        return Explanation(scaled(evidence), label, name, sure, answers, self.method)

    def check(self, square: np.ndarray, found: Explanation) -> Check:
        """Whether the map of this one picture means something; see core.evaluation.attribution.maps.check."""
        return check(self.probabilities, [(square, found)])


class _File:
    """The run's explaining model file, opened."""

    def __init__(self, model: bytes) -> None:
        self._interpreter = Interpreter(model_content=model)
        self._interpreter.allocate_tensors()
        # The converter keeps no order of inputs and outputs: they differ in the number of their axes.
        inputs = {len(one["shape"]): one for one in self._interpreter.get_input_details()}
        outputs = {len(one["shape"]): one for one in self._interpreter.get_output_details()}
        self._picture, self._class = inputs[4]["index"], inputs[2]["index"]
        self._answers, self._map = outputs[2]["index"], outputs[3]["index"]
        self._classes = int(inputs[2]["shape"][1])
        self._lock = threading.Lock()

    @classmethod
    def of(cls, run: Run) -> _File | None:
        """None if the run has none. One that is damaged is forgotten, so that it is made again."""
        note = _note(run)
        if note is None or not note["sha256"]:
            return None
        try:
            model = (folder_of(run) / "explain.tflite").read_bytes()
            if hashlib.sha256(model).hexdigest() == note["sha256"]:
                return cls(model)
        except (OSError, ValueError, RuntimeError, KeyError):
            pass
        with suppress(OSError):
            disk.remove(folder_of(run) / "explain.json")
        return None

    def ask(self, square: np.ndarray, label: int) -> tuple[np.ndarray, np.ndarray]:
        """uint8 (S, S, 3) -> probabilities float32 (K,), and the map float32 (h, w) of a class: in logits, as the graph
        gives it."""
        chosen = np.zeros((1, self._classes), np.float32)
        chosen[0, label] = 1
        with self._lock:
            self._interpreter.set_tensor(self._picture, square[None].astype(np.float32))
            self._interpreter.set_tensor(self._class, chosen)
            self._interpreter.invoke()
            return self._interpreter.get_tensor(self._answers)[0], self._interpreter.get_tensor(self._map)[0]


def _model_of(run: Run) -> str:
    return result.model_sha256 if (result := run.records.result()) else ""


def _note(run: Run) -> dict[str, Any] | None:
    """What `keep` noted, if it is of this version, of the run's present model, and the file is there as it was made here."""
    note = storage.read_json(folder_of(run) / "explain.json")
    if not isinstance(note, dict) or note.get("version") != VERSION or note.get("of") != _model_of(run):
        return None
    there = not note.get("sha256") or signing.made_here(folder_of(run) / "explain.tflite")
    return note if "sha256" in note and there else None
