"""The zip that a person takes away: the model and everything that is needed to use it elsewhere."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

_README = """\
This is a picture classifier made with Fieldguide.

It tells apart: {classes}
On {total} test pictures that it had never seen, {right} answers were right ({accuracy:.1%}).

Files
  model.tflite      the model ({kind}); open it with LiteRT (formerly TensorFlow Lite)
  labels.txt        the class names, one a line, in the order of the model's answers
  fieldguide.json   everything a program must know, and the measurements
  predict.py        a short program that uses the model

Try it
  python -m pip install ai-edge-litert numpy pillow
  python predict.py some-picture.jpg

What the model wants
  input: {dtype}, 1 x {pixels} x {pixels} x 3, RGB, 0 to 255 (scaling is done inside)
  crop: {crop}
  output: {output}, one probability for each class, in the order of labels.txt{integer}
"""


def make_zip(model: bytes, spec: dict[str, Any]) -> bytes:
    """Bytes of a flat zip: model.tflite, labels.txt, fieldguide.json, predict.py, README.txt."""
    source, integer = spec["input"], spec["kind"] == "int8"
    readme = _README.format(
        classes=", ".join(spec["classes"]),
        **spec["test"],
        kind=spec["kind"],
        dtype=source["dtype"],
        pixels=source["pixels"],
        crop=source["crop"],
        output=spec["output"]["dtype"],
        integer=" (divide by 256)" if integer else "",
    )
    files = {
        "model.tflite": model,
        "labels.txt": labels_text(spec["classes"]).encode(),
        "fieldguide.json": json.dumps(spec, indent=1, ensure_ascii=False).encode(),
        "predict.py": (Path(__file__).with_name("predict.py")).read_bytes(),
        "README.txt": readme.encode(),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return out.getvalue()


def labels_text(classes: list[str]) -> str:
    """One name a line; a line break inside a folder's name becomes a space, so that lines and classes stay in step."""
    return "".join(" ".join(name.splitlines()) + "\n" for name in classes)
