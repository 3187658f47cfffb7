"""Does the exported file behave as the model did? Measured with the real LiteRT interpreter on the test part."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from core.images import read_square
from core.prediction import Classifier

_TIMED_CALLS = 20


@dataclass(frozen=True)
class Parity:
    """`agreement`: share of pictures with the same first answer as the Keras model; `max_difference`: the largest
    difference of a probability; `accuracy`: of the exported file; all on the test part, 0..1. `milliseconds`: median of
    one picture on one core. `differ`: ids of the pictures whose first answer changed.
    """

    agreement: float
    max_difference: float
    accuracy: float
    milliseconds: float
    differ: tuple[str, ...]


def measure(
    classifier: Classifier,
    pictures: Sequence[tuple[str, Path, int]],
    reference: np.ndarray,
    progress: Callable[[int, int], None],
) -> Parity:
    """`pictures`: (id, path, true class) of the test part; `reference`: the Keras model's probabilities (N, K)."""
    rows = np.empty_like(reference)
    seconds: list[float] = []
    for number, (_, path, _) in enumerate(pictures):
        square = read_square(path, classifier.pixels)
        began = time.perf_counter()
        rows[number] = classifier.probabilities(square)
        seconds.append(time.perf_counter() - began)
        progress(number + 1, len(pictures))
    while len(seconds) < _TIMED_CALLS:  # a small test part: the last picture again, for a steadier time
        began = time.perf_counter()
        classifier.probabilities(square)
        seconds.append(time.perf_counter() - began)
    same = rows.argmax(axis=1) == reference.argmax(axis=1)
    truth = np.array([label for _, _, label in pictures])
    return Parity(
        agreement=float(same.mean()),
        max_difference=float(np.abs(rows - reference).max()),
        accuracy=float((rows.argmax(axis=1) == truth).mean()),
        milliseconds=float(np.median(seconds) * 1000),
        differ=tuple(id_ for (id_, _, _), equal in zip(pictures, same, strict=True) if not equal),
    )


def opens(model: bytes) -> bool:
    """Whether the interpreter can load a file: one that was cut short cannot be."""
    try:
        Interpreter(model_content=model).allocate_tensors()
    except (ValueError, RuntimeError):
        return False
    return True


def is_integer_only(model: bytes) -> bool:
    """Whether no tensor of the file is a float: a file may be called full-integer only then."""
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    return not any(np.issubdtype(tensor["dtype"], np.floating) for tensor in interpreter.get_tensor_details())
