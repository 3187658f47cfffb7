"""A .tflite file and its labels -> predictions, by LiteRT. Loads no TensorFlow."""

from __future__ import annotations

import json
import threading
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from core.config.framing import Framing
from core.imaging.decode import read_square
from core.inference.calibration import cooled
from core.inference.decision import decision_of
from core.system import storage
from core.system.errors import ModelError

SPEC_NAME = "fieldguide.json"
SPEC_VERSION = 1
MAX_MODEL_BYTES = 1_000_000_000
_INPUTS = (np.float32, np.uint8, np.int8)


@dataclass(frozen=True)
class Predictions:
    """`ids` (N,) in the order given, and `probabilities` float32 (N, K), rows sum to 1, columns are `classes`.

    `threshold`: the confidence, 0..1, from which on an answer counts.
    """

    ids: tuple[str, ...]
    probabilities: np.ndarray
    classes: tuple[str, ...]
    threshold: float = 0.0

    @property
    def labels(self) -> list[str]:
        """The most likely class of each."""
        return [self.classes[i] for i in self.probabilities.argmax(axis=1)]

    @property
    def sure(self) -> list[bool]:
        """Whether each is sure enough to count as an answer."""
        return [bool(highest >= self.threshold) for highest in self.probabilities.max(axis=1)]

    def as_dicts(self) -> list[dict[str, Any]]:
        """One {file, label, sure, probability, probabilities} for each, for JSON."""
        return [
            {
                "file": name,
                "label": self.classes[int(row.argmax())],
                "sure": sure,
                "probability": float(row.max()),
                "probabilities": dict(zip(self.classes, row.tolist(), strict=True)),
            }
            for name, row, sure in zip(self.ids, self.probabilities, self.sure, strict=True)
        ]


class Classifier:
    """A loaded model. Safe to use from several threads; one picture is computed at a time.

    It takes squares of `pixels`, which `framing` makes of pictures; a file that does not tell of it takes the centre square.
    `temperature` is applied to what the file answers; a file that was taken away has it inside. `threshold`: the
    confidence, 0..1, below which it is not sure.
    """

    def __init__(self, model: bytes, spec: dict[str, Any], temperature: float = 1.0) -> None:
        try:
            self.classes = tuple(str(name) for name in spec["classes"])
            self.pixels = int(spec["input"]["pixels"])
            self.framing = Framing.model_validate(spec["input"].get("framing", {}))
            self.threshold = float(spec.get("not_sure_below", 0.0))
            self._low, high = (float(end) for end in spec["input"].get("range", (0, 255)))
            self._step = (high - self._low) / 255
            self._interpreter = Interpreter(model_content=model)
            self._interpreter.allocate_tensors()
            self._input = self._interpreter.get_input_details()[0]
            self._output = self._interpreter.get_output_details()[0]
        except (KeyError, IndexError, TypeError, ValueError, OverflowError, RuntimeError) as error:
            raise ModelError("This model file is damaged, or not one of Fieldguide's.", "Export it again.") from error
        if tuple(self._input["shape"]) != (1, self.pixels, self.pixels, 3) or self._input["dtype"] not in _INPUTS:
            raise ModelError("This model does not take the pictures that its description tells of.", "Export it again.")
        if tuple(self._output["shape"]) != (1, len(self.classes)):
            raise ModelError("The model and its labels do not fit together.", "Export it again.")
        self.spec = spec
        self._temperature = temperature
        self._lock = threading.Lock()

    @classmethod
    def load(cls, path: Path | str) -> Classifier:
        """From a run folder, an exported zip, or a .tflite file with fieldguide.json beside it. Raises ModelError."""
        path = Path(path).expanduser()
        try:
            decision = decision_of(path)
            if path.is_dir():
                path = path / "model.tflite"
            with path.open("rb") as file:
                zipped = file.read(2) == b"PK"  # a .tflite file may end in a zip of its labels
            if zipped:
                return cls._from_zip(path)
            model = storage.read_bytes(path, MAX_MODEL_BYTES)
            spec = json.loads(storage.read_bytes(spec_beside(path), storage.MAX_JSON))
        except FileNotFoundError as error:
            raise ModelError(
                f"There is no file {error.filename}.", "A model needs fieldguide.json beside it."
            ) from None
        except (OSError, ValueError) as error:
            raise ModelError(f"{path.name} cannot be read: {error}.", "Export it again.") from None
        if decision.threshold and isinstance(spec, dict):
            spec["not_sure_below"] = decision.threshold
        return cls(model, spec, decision.temperature)

    @classmethod
    def _from_zip(cls, path: Path) -> Classifier:
        try:
            with zipfile.ZipFile(path) as bundle:
                spec = json.loads(cls._read(bundle, SPEC_NAME))
                if not str(spec["model"]).endswith(".tflite"):
                    raise ModelError(
                        f"The model in {path.name} is not a .tflite file, and only those are opened here.",
                        "Use the predict.py inside the zip, or export another kind.",
                    )
                return cls(cls._read(bundle, spec["model"]), spec)
        except (KeyError, TypeError, ValueError, RuntimeError, OSError, EOFError, zipfile.BadZipFile, zlib.error):
            raise ModelError(
                f"{path.name} holds no model of Fieldguide's.", "Choose a zip from the Export page."
            ) from None

    @staticmethod
    def _read(bundle: zipfile.ZipFile, name: str) -> bytes:
        if bundle.getinfo(name).file_size > MAX_MODEL_BYTES:
            raise ModelError(f"{name} in the zip is too large.", "At most 1 GB is opened.")
        return bundle.read(name)

    def _entered(self, square: np.ndarray) -> np.ndarray:
        """The bytes (uint8), the bytes less 128 (int8), or the bytes within the model's range (float32)."""
        if self._input["dtype"] == np.int8:
            return (square.astype(np.int16) - 128).astype(np.int8)
        if self._input["dtype"] == np.uint8:
            return square
        return square.astype(np.float32) * np.float32(self._step) + np.float32(self._low)

    def probabilities(self, square: np.ndarray) -> np.ndarray:
        """One picture as the model sees it, uint8 (S, S, 3) -> float32 (K,), sums to 1 (within 1/256 a class for integers)."""
        with self._lock:
            self._interpreter.set_tensor(self._input["index"], self._entered(square)[None])
            self._interpreter.invoke()
            row = self._interpreter.get_tensor(self._output["index"])[0]
        scale, zero = self._output["quantization"]
        return cooled((row.astype(np.float32) - zero) * scale if scale else row, self._temperature)

    def predict(self, pictures: Sequence[Path | str | bytes], names: Sequence[str] | None = None) -> Predictions:
        """Decodes and classifies; `names` become the ids (by default the paths). Raises PictureError for a bad picture."""
        ids = tuple(names) if names else tuple(str(picture) for picture in pictures)
        sources = [Path(picture) if isinstance(picture, str) else picture for picture in pictures]
        rows = [self.probabilities(read_square(source, self.pixels, self.framing)) for source in sources]
        probabilities = np.stack(rows) if rows else np.empty((0, len(self.classes)), np.float32)
        return Predictions(ids, probabilities, self.classes, self.threshold)


def spec_beside(model: Path) -> Path:
    """Where what tells of a .tflite file lies: `name.json` for an export that was given a name of its own, else
    fieldguide.json."""
    named = model.with_suffix(".json")
    return named if named.is_file() else model.parent / SPEC_NAME
