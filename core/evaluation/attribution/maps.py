"""Maps of pictures: made by covering part after part, drawn over the picture, and put to the test. No TensorFlow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from core.system.naming import count

Method = Literal["gradient", "occlusion"]
Ask = Callable[[np.ndarray], np.ndarray]
"""A model: uint8 (S, S, 3) -> probabilities float32 (K,)."""

METHODS: dict[Method, str] = {
    "gradient": "class-activation map (HiResCAM)",
    "occlusion": "covering one part after the other (occlusion)",
}
SHARE = 1 / 9
"""Of the picture's area: what the check covers."""
_CELLS = 10
_DRAWS = 8
_SURE = 1e-6
# Ten colours of "inferno" (van der Walt and Smith 2015, CC0): lightness grows evenly, for colour-blind people too.
_COLOURS = "000004 1b0c41 4a0c6b 781c6d a52c60 cf4446 ed6925 fb9b06 f7d13d fcffa4"
_TABLE = np.array([list(bytes.fromhex(one)) for one in _COLOURS.split()], np.float32)


@dataclass(frozen=True)
class Explanation:
    """What speaks for a class in a picture.

    `map` float32 (h, w) in 0..1: 1 where the most speaks for the class, 0 wherever no more does than in the middle
    (median) of the places of this picture. `label` is the position of `class_name`, `probability` (0..1) its own.
    `answers` float32 (K,) are all probabilities.
    """

    map: np.ndarray
    label: int
    class_name: str
    probability: float
    answers: np.ndarray
    method: Method


@dataclass(frozen=True)
class Check:
    """Whether maps mean something: by how much the probability of the class falls (0..1, negative where it grows) when the
    brightest `SHARE` of a picture is covered with its mean colour, and when as large a part by chance is; means over
    `pictures`. `better`: the share of pictures where the brightest part counts for more."""

    bright: float
    random: float
    better: float
    pictures: int

    @property
    def sentence(self) -> str:
        """Both in one sentence."""
        if max(abs(self.bright), abs(self.random)) < 0.005:
            return (
                "Covering the bright part hardly changes the confidence, nor does covering a random part of the same size: "
                "other places tell as much."
            )
        return (
            f"Covering the bright part {_points(self.bright)} of confidence, covering a random part of the same size "
            f"{_points(self.random)}."
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"sentence": self.sentence}


def _points(fall: float) -> str:
    number = round(abs(fall) * 100)
    way = "takes away" if fall >= 0 else "adds"
    return f"{way} {count(number, 'point')}" if number else f"{way} less than 1 point"


def scaled(evidence: np.ndarray) -> np.ndarray:
    """How much each place speaks for the class, of any unit (h, w) -> float32 (h, w) in 0..1, as `Explanation.map`."""
    above = (evidence - np.median(evidence)).clip(0)
    most = above.max()
    return (above / most if most > 0 else above).astype(np.float32)


def occlusion(ask: Ask, square: np.ndarray, label: int) -> np.ndarray:
    """How much each place of a picture, uint8 (S, S, 3), speaks for a class, found by covering (Zeiler and Fergus 2014).

    float32 (10, 10): by how much the log-odds of the class fall, the mean over the covers (a fifth of the side, in the
    picture's mean colour) that hide the place. Asks the model 82 times.
    """
    edges = np.linspace(0, len(square), _CELLS + 1).round().astype(int)
    colour = _mean_colour(square)
    before = _log_odds(ask(square)[label])
    falls, times = np.zeros((_CELLS, _CELLS)), np.zeros((_CELLS, _CELLS))
    for row in range(_CELLS - 1):
        for column in range(_CELLS - 1):
            covered = square.copy()
            covered[edges[row] : edges[row + 2], edges[column] : edges[column + 2]] = colour
            falls[row : row + 2, column : column + 2] += before - _log_odds(ask(covered)[label])
            times[row : row + 2, column : column + 2] += 1
    return (falls / times).astype(np.float32)


def _log_odds(probability: float) -> float:
    sure = min(max(float(probability), _SURE), 1 - _SURE)
    return float(np.log(sure / (1 - sure)))


def _mean_colour(square: np.ndarray) -> np.ndarray:
    return square.mean(axis=(0, 1)).round().astype(np.uint8)


def enlarged(values: np.ndarray, side: int) -> np.ndarray:
    """A map float32 (h, w), smoothly drawn larger: (side, side)."""
    return np.asarray(Image.fromarray(values).resize((side, side), Image.Resampling.BILINEAR))


def overlay(square: np.ndarray, values: np.ndarray, opacity: float = 0.55) -> np.ndarray:
    """A map float32 (h, w) in 0..1 laid over a picture uint8 (S, S, 3): uint8 (S, S, 3). `opacity` 0..1.

    Dark is 0, then violet, red, yellow; bright is 1.
    """
    place = enlarged(values, len(square)).clip(0, 1) * (len(_TABLE) - 1)
    lower = np.minimum(place.astype(int), len(_TABLE) - 2)
    between = (place - lower)[..., None]
    colours = _TABLE[lower] * (1 - between) + _TABLE[lower + 1] * between
    return (square * (1 - opacity) + colours * opacity).round().astype(np.uint8)


def brightest(values: np.ndarray, side: int) -> tuple[int, int, int]:
    """The square of `SHARE` of a picture's area that holds the most of a map (h, w): top, left, length in pixels of `side`."""
    length = round(side * SHARE**0.5)
    sums = np.pad(enlarged(values, side).astype(np.float64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    inside = sums[length:, length:] - sums[:-length, length:] - sums[length:, :-length] + sums[:-length, :-length]
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(top), int(left), length


def check(ask: Ask, pictures: Sequence[tuple[np.ndarray, Explanation]]) -> Check:
    """Covers the brightest part of each picture, uint8 (S, S, 3), and eight parts by chance (always the same of a picture).

    Asks the model nine times a picture. Raises ValueError without a picture.
    """
    if not pictures:
        raise ValueError("there is nothing to check")
    rows = []
    for square, found in pictures:
        top, left, length = brightest(found.map, len(square))
        rng = np.random.default_rng(list(hashlib.sha256(square.tobytes()).digest()[:8]))
        places = rng.integers(0, len(square) - length + 1, size=(_DRAWS, 2)).tolist()
        falls = [_fall(ask, square, found, y, x, length) for y, x in places]
        rows.append((_fall(ask, square, found, top, left, length), float(np.mean(falls))))
    bright, random = np.array(rows).T
    return Check(float(bright.mean()), float(random.mean()), float((bright > random).mean()), len(rows))


def _fall(ask: Ask, square: np.ndarray, found: Explanation, top: int, left: int, length: int) -> float:
    covered = square.copy()
    covered[top : top + length, left : left + length] = _mean_colour(square)
    return found.probability - float(ask(covered)[found.label])
