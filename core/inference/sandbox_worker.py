"""The process that runs one model file from elsewhere: `python -m core.inference.sandbox_worker`, spoken to through its pipes.

Each message is four bytes that tell its length, most significant first, and then its content. The first one is the zip,
and is answered by JSON: {classes, pixels, framing, threshold} or {error, hint}. Each later one is a picture, uint8 (S, S, 3),
answered by float32 (K,).
"""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np

from core.datasets.importing.archives import MAX_FILE, open_archive
from core.inference.classifier import SPEC_NAME, Classifier
from core.system.errors import FieldguideError, ModelError
from core.system.naming import as_text

MEMORY = 4_000_000_000
"""Bytes of address space; several times what the largest model here needs."""
TEACHABLE_PIXELS = 224
_NO_MODEL = "There is no model in it that can be opened here."
_HINT = "Choose a zip from an Export page with a .tflite file in it, or one from Teachable Machine (TensorFlow Lite)."
_NUMBERED = re.compile(r"\s*(\d+)[:\s]\s*(.*)")


def limit_memory() -> None:
    """Where the system allows it, a file that asks for endless memory ends this process, not the computer."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def read_bundle(content: bytes) -> tuple[bytes, dict[str, Any]]:
    """Model file and spec of a zip. Raises FieldguideError for one that holds none."""
    with open_archive(content) as members:
        files = {member.name.rpartition("/")[2]: member for member in reversed(members) if not member.refused}
        if SPEC_NAME in files:
            spec = json.loads(files[SPEC_NAME].read())
            name = str(spec["model"])
        else:
            name = next((name for name in ("model_unquant.tflite", "model.tflite") if name in files), "")
            if not name or "labels.txt" not in files:
                raise ModelError(_NO_MODEL, _HINT)
            spec = teachable_spec(files["labels.txt"].read().decode("utf-8-sig", "replace"))
        if name not in files or not name.endswith(".tflite"):
            raise ModelError(_NO_MODEL, _HINT)
        return files[name].read(), spec


def teachable_spec(labels: str) -> dict[str, Any]:
    """What is known of a Teachable Machine model: its `labels.txt` ("0 dog"), 224 pixels, -1 to 1 unless it takes bytes."""
    lines = [line.strip() for line in labels.splitlines() if line.strip()]
    found = [_NUMBERED.fullmatch(line) for line in lines]
    numbered = [match[1] if match else "" for match in found] == [str(number) for number in range(len(lines))]
    names = [match[2] if numbered and match else line for match, line in zip(found, lines, strict=True)]
    return {"classes": names, "input": {"pixels": TEACHABLE_PIXELS, "range": [-1, 1]}}


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Answers until the other side hangs up."""
    model, told = _opened(_receive(source))
    _send(target, json.dumps(told).encode())
    while model is not None:
        frame = _receive(source)
        square = np.frombuffer(frame, np.uint8).reshape(model.pixels, model.pixels, 3)
        _send(target, model.probabilities(square).astype(np.float32).tobytes())


def _opened(content: bytes) -> tuple[Classifier | None, dict[str, Any]]:
    try:
        model = Classifier(*read_bundle(content))
        classes = [as_text(name) for name in model.classes]
    except FieldguideError as error:
        return None, {"error": error.message, "hint": error.hint}
    except Exception:  # noqa: BLE001 - which one damaged content raises depends on what is damaged
        return None, {"error": "This model is damaged, or not one for pictures.", "hint": _HINT}
    return model, {
        "classes": classes,
        "pixels": model.pixels,
        "framing": model.framing.model_dump(),
        "threshold": model.threshold,
    }


def _receive(source: BinaryIO) -> bytes:
    head = source.read(4)
    length = int.from_bytes(head, "big")
    if len(head) < 4 or length > MAX_FILE:
        sys.exit(0)
    content = source.read(length)
    if len(content) < length:
        sys.exit(0)
    return content


def _send(target: BinaryIO, content: bytes) -> None:
    target.write(len(content).to_bytes(4, "big") + content)
    target.flush()


def main() -> None:
    """Keeps the pipes for itself: what a library prints must not get among the answers."""
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    limit_memory()
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, target)


if __name__ == "__main__":
    main()
