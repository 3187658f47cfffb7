"""Whole numbers (int8) may cost accuracy: where they cost more than a point on the validation part, they are found from more
pictures, and then the input and output stay floating point. The test part stays a test: nothing is chosen by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.config.export_formats import ExportConfig

POINT = 0.01
"""Of accuracy: where integers cost more than this, another way is tried."""


@dataclass(frozen=True)
class Int8Way:
    """How an integer file is made: from how many pictures (`calibration`), and whether integers are `inside` only; and what is
    to be said of it (`words`)."""

    calibration: int
    inside: bool = False
    words: str = ""


def int8_ways(pictures: int, *, teachable: bool) -> Iterator[Int8Way]:
    """The ways that there are with so many training pictures, the usual one first. `teachable`: the file's own programs expect
    integers at both ends."""
    few, more = ExportConfig().calibration_pictures, ExportConfig().more_pictures
    yield Int8Way(few)
    if pictures > few:
        yield Int8Way(
            more, words=f"Integers from {few} pictures cost more than a point of accuracy, so up to {more:,} were used."
        )
    if not teachable:
        yield Int8Way(
            more,
            inside=True,
            words="Integers throughout cost more than a point of accuracy, so input and output are floating point.",
        )


def keep_best(ways: Iterable[Int8Way], model: Path, convert: Callable[[Int8Way], float], wanted: float) -> str:
    """Lets `convert` write the file `model` in one way after the other until its accuracy on the validation part, 0..1, is what
    is `wanted`; the most accurate one stays. Returns what is to be said of it."""
    best: tuple[float, str, bytes] | None = None
    for way in ways:
        accuracy = convert(way)
        if best is None or accuracy > best[0]:
            best = accuracy, way.words, model.read_bytes()
        if accuracy >= wanted:
            break
    assert best is not None
    model.write_bytes(best[2])
    return best[1]
