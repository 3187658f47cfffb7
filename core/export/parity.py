"""Does the exported model behave as the trained one did? Asked of the program that goes along with it, in a process of its
own, on the whole test part."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from core.imaging.decode import MAX_PIXELS
from core.imaging.mending import mended
from core.system.errors import ModelError

_TIMED_CALLS = 20


@dataclass(frozen=True)
class Parity:
    """`agreement`: share of pictures with the same first answer as the trained model; `max_difference`: the largest
    difference of a probability; `accuracy`: of the exported model; all on the test part, 0..1. `milliseconds`: median of
    one picture with one thread, `milliseconds_all` with `threads`, all that this computer has. `differ`: ids of the
    pictures whose first answer changed, and `said`: what it is now.
    """

    agreement: float
    max_difference: float
    accuracy: float
    milliseconds: float
    milliseconds_all: float
    threads: int
    differ: tuple[str, ...]
    said: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """`parity`, and what the program says of each of the examples."""

    parity: Parity
    examples: list[dict[str, Any]]


def measure(
    folder: Path,
    classes: Sequence[str],
    pictures: Sequence[tuple[str, Path, int]],
    reference: np.ndarray,
    progress: Callable[[int, int], None],
    examples: Sequence[Path] = (),
) -> Measured:
    """`folder`: holds the model, fieldguide.json and predict.py; `pictures`: (id, path, true class) of the test part;
    `reference`: the trained model's probabilities (N, K). Raises ModelError if the program does not answer for each of them,
    and of `examples`."""
    files = [path for _, path, _ in pictures]
    everything = ask(folder, [*files, *examples], 1, progress)
    answers = everything[: len(files)]
    rows = np.array([answer["probabilities"] for answer in answers])
    threads = os.cpu_count() or 1
    some = (files * -(-_TIMED_CALLS // len(files)))[:_TIMED_CALLS]
    all_threads = ask(folder, some, threads) if threads > 1 else answers
    said, truth = rows.argmax(axis=1), np.array([label for _, _, label in pictures])
    same = said == reference.argmax(axis=1)
    changed = [(id_, classes[now]) for (id_, _, _), now, equal in zip(pictures, said, same, strict=True) if not equal]
    parity = Parity(
        agreement=float(same.mean()),
        max_difference=float(np.abs(rows - reference).max()),
        accuracy=float((said == truth).mean()),
        milliseconds=_median(answers),
        milliseconds_all=_median(all_threads),
        threads=threads,
        differ=tuple(id_ for id_, _ in changed),
        said=tuple(now for _, now in changed),
    )
    return Measured(parity, everything[len(files) :])


def ask(
    folder: Path, files: Sequence[Path], threads: int, progress: Callable[[int, int], None] = lambda *_: None
) -> list[dict[str, Any]]:
    """What `folder`/predict.py says of each of `files`, one by one; of one that opens only once it is mended, as the app does
    that on the way, it is asked about a mended copy. Raises ModelError if it does not answer."""
    answers, why = _asked(folder, files, threads, progress)
    if missing := [number for number, answer in enumerate(answers) if answer is None]:
        with tempfile.TemporaryDirectory() as place:
            copies = {
                number: copy for number in missing if (copy := _mended_copy(files[number], Path(place, f"{number}")))
            }
            more, _ = _asked(folder, list(copies.values()), threads, lambda *_: None)
        for number, answer in zip(copies, more, strict=True):
            answers[number] = answer
    told = [answer for answer in answers if answer is not None]
    if len(told) != len(files):
        raise ModelError(f"The program that goes with the file did not answer: {why[:300]}", "Try another kind.")
    return told


def _mended_copy(file: Path, target: Path) -> Path | None:
    try:
        better = mended(file.read_bytes(), MAX_PIXELS)
    except OSError:
        return None
    if better is None:
        return None
    target.write_bytes(better)
    return target


def _asked(
    folder: Path, files: Sequence[Path], threads: int, progress: Callable[[int, int], None]
) -> tuple[list[dict[str, Any] | None], str]:
    """What the program says of each file, None of one that it cannot open; and its last words on what went wrong."""
    command = [sys.executable, str(folder / "predict.py"), "--threads", str(threads), "-"]
    answers: list[dict[str, Any]] = []
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as program:
            assert program.stdin is not None
            assert program.stdout is not None
            # It reads all names before it answers, so neither side waits for the other.
            with suppress(OSError), program.stdin as names:  # it may have ended already: then it says why
                names.write(b"\0".join(os.fsencode(file) for file in files) + b"\0")
            for line in program.stdout:
                if line.startswith(b"{"):  # what libraries print beside it does no harm
                    answers.append(json.loads(line))
                    progress(len(answers), len(files))
        errors.seek(0)
        lines = errors.read().decode("utf-8", "replace").split("\n")
    rest = deque(answers)  # in the order of the files, without those that it cannot open
    each = [rest.popleft() if rest and rest[0]["file"] == str(file) else None for file in files]
    return each, next((line for line in reversed(lines) if line.strip()), "it ended without a word")


def _median(answers: Sequence[dict[str, Any]]) -> float:
    """Milliseconds of one picture; the first, which makes things ready, does not count."""
    return float(np.median([answer["milliseconds"] for answer in answers[1:] or answers]))


def opens(model: bytes) -> bool:
    """Whether the interpreter can load a file: one that was cut short cannot be."""
    try:
        Interpreter(model_content=model).allocate_tensors()
    except (ValueError, RuntimeError):
        return False
    return True


def input_type(model: bytes) -> str:
    """The type of the numbers that a .tflite file takes: "float32", "uint8" or "int8"."""
    return np.dtype(Interpreter(model_content=model).get_input_details()[0]["dtype"]).name


def is_integer_only(model: bytes) -> bool:
    """Whether no tensor of the file is a float: a file may be called full-integer only then."""
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    return not any(np.issubdtype(tensor["dtype"], np.floating) for tensor in interpreter.get_tensor_details())
