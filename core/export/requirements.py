"""What must be installed to open a file that was taken away, read out of the file itself. Loads no TensorFlow."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from ai_edge_litert import schema_py_generated as schema

from core.config.export_formats import Kind

_OLDEST = (2, 5)
"""The oldest TensorFlow Lite that our files were tried on; what a file asks for may be older still."""
_OLDER = "For older programs take h5, saved-model, or float32."


def needs_of(kind: Kind, model: Path) -> tuple[str, str]:
    """(what pip must install for predict.py, one sentence with the versions that open the file `model`)."""
    if kind.litert:
        oldest = max(_OLDEST, runtime_of(model.read_bytes()))
        return kind.needs, f"LiteRT, or TensorFlow Lite {'.'.join(map(str, oldest))} or later."
    if kind.name in _TOLD_BY_THE_FILE:
        return _TOLD_BY_THE_FILE[kind.name](kind, model)
    return kind.needs, kind.opened_by


def _keras(_: Kind, model: Path) -> tuple[str, str]:
    with zipfile.ZipFile(model) as parts:
        written = json.loads(parts.read("metadata.json"))["keras_version"]
    return f'tensorflow "keras>={written}"', f"Keras {written} or later. {_OLDER}"


def _saved_model(kind: Kind, _: Path) -> tuple[str, str]:
    return kind.needs, f"TensorFlow 2; it was written by {version('tensorflow')}."


def _onnx(kind: Kind, model: Path) -> tuple[str, str]:
    opset = _opset(model)
    return kind.needs, f"A program that reads ONNX{f', operators of version (opset) {opset}' if opset else ''}."


_TOLD_BY_THE_FILE: dict[str, Callable[[Kind, Path], tuple[str, str]]] = {
    "keras": _keras,
    "saved-model": _saved_model,
    "onnx": _onnx,
}
"""The kinds whose files know what they need; of others their entry says it."""


def runtime_of(model: bytes) -> tuple[int, ...]:
    """The oldest (major, minor) of TensorFlow Lite whose operations are those of a .tflite file, as its converter found; (0,)
    where it does not say."""
    root = schema.Model.GetRootAs(model, 0)
    for position in range(root.MetadataLength()):
        entry = root.Metadata(position)
        if entry.Name() == b"min_runtime_version":
            words = root.Buffers(entry.Buffer()).DataAsNumpy().tobytes().rstrip(b"\0").decode()
            return tuple(int(part) for part in words.split(".")[:2])
    return (0,)


def _opset(model: Path) -> int:
    """The version of ONNX' own operators in a file, 0 where what reads it is not installed."""
    if not find_spec("onnx"):
        return 0
    import onnx  # type: ignore[import-not-found, unused-ignore]

    found = onnx.load(str(model), load_external_data=False)
    return next((int(one.version) for one in found.opset_import if one.domain in ("", "ai.onnx")), 0)
