"""The kinds of file that a model can be taken away as, and what each is for. Loads no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from core.config.training import ExportFormat

TEACHABLE_PIXELS = 224
"""Side of the square that every program for Teachable Machine's files feeds."""
TINY = 1_000_000
"""Bytes below which a model may fit a microcontroller."""


@dataclass(frozen=True)
class Kind:
    """`title` is for people, with the proper term in brackets; `purpose` completes "for ..."; `file` is the model's name in
    the zip; `input` the type of its input tensor; `bar` the share of answers, 0..1, that must be those of the trained
    model; `needs` what `predict.py` must find installed."""

    name: ExportFormat
    title: str
    purpose: str
    file: str = "model.tflite"
    input: str = "float32"
    bar: float = 0.99
    needs: str = "ai-edge-litert"

    @property
    def litert(self) -> bool:
        """Whether LiteRT runs it."""
        return self.file.endswith(".tflite")

    @property
    def teachable(self) -> bool:
        """Whether it is laid out as Teachable Machine's files are."""
        return self.name.startswith("teachable-machine")

    @property
    def integer(self) -> bool:
        """Whether it takes, computes and answers in whole numbers."""
        return self.input != "float32"


_ALL = (
    Kind("float32", "exact (float32)", "a computer with Python, or a web page"),
    Kind("float16", "half the size (float16)", "a phone"),
    Kind("dynamic", "a quarter of the size (dynamic range)", "a small download", bar=0.95),
    Kind("int8", "whole numbers, signed (int8)", "a Raspberry Pi or a microcontroller", input="int8", bar=0.95),
    Kind("uint8", "whole numbers, unsigned (uint8)", "a Coral board, or an old phone", input="uint8", bar=0.95),
    Kind(
        "teachable-machine",
        "Teachable Machine (float)",
        "a Teachable Machine project",
        file="model_unquant.tflite",
    ),
    Kind(
        "teachable-machine-quantized",
        "Teachable Machine (quantized)",
        "a Teachable Machine project on a Coral board or a small phone",
        input="uint8",
        bar=0.95,
    ),
    Kind("keras", "Keras", "going on in Python with Keras", file="model.keras", needs="tensorflow keras"),
    Kind("saved-model", "SavedModel", "a server with TensorFlow", file="saved_model", needs="tensorflow"),
    Kind("onnx", "ONNX", "programs that read ONNX, as of Windows", file="model.onnx", needs="onnxruntime"),
)
ALL: dict[str, Kind] = {kind.name: kind for kind in _ALL}
"""Every kind, by name, the usual ones first."""


def can_be_made(name: str) -> bool:
    """Whether what makes this kind is installed: ONNX is an extra."""
    return name != "onnx" or all(find_spec(module) for module in ("tf2onnx", "onnxruntime"))
