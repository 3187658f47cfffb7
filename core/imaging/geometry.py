"""Changes of where things are in a picture: each is a matrix, and all of a picture's are one resampling.

A matrix is float64 (3, 3), a homography in pixels with the origin at the upper left corner of a square of `side` pixels; it
takes a position in the changed picture to the one in the original, as Pillow wants it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np
from PIL import Image

_FAR = 4  # mirror images in each direction, at most; what lies farther out is black
_CORNERS = np.array([(0, 0), (1, 0), (0, 1), (1, 1)], float)


def turn_zoom_shift(side: int, turn: float, zoom: float, shift: tuple[float, float]) -> np.ndarray:
    """Turns (share of a full turn), zooms (positive shows more, as in Keras) and shifts (shares of the side, x then y)."""
    cos, sin = math.cos(2 * math.pi * turn) * (1 + zoom), math.sin(2 * math.pi * turn) * (1 + zoom)
    middle = side / 2
    dx, dy = shift[0] * side, shift[1] * side
    offset_x = middle - cos * (middle + dx) + sin * (middle + dy)
    offset_y = middle - sin * (middle + dx) - cos * (middle + dy)
    return np.array([(cos, -sin, offset_x), (sin, cos, offset_y), (0, 0, 1)])


def crop(side: int, cut: float, at: tuple[float, float]) -> np.ndarray:
    """A window smaller by `cut` (share of the side, below 1), made as large as the whole; `at` 0..1: from left, from top."""
    return np.array([(1 - cut, 0, at[0] * cut * side), (0, 1 - cut, at[1] * cut * side), (0, 0, 1)])


def shear(side: int, along_x: float, along_y: float) -> np.ndarray:
    """Slides rows and columns by shares of their distance from the middle. Keras' RandomShear does so from the corner."""
    middle = side / 2
    return np.array([(1, along_x, -along_x * middle), (along_y, 1, -along_y * middle), (0, 0, 1)])


def perspective(side: int, corners: np.ndarray) -> np.ndarray:
    """The four corners come from positions moved by `corners`, float (4, 2), shares of the side below a quarter, x then y.

    In the order upper left, upper right, lower left, lower right, as in Keras' RandomPerspective.
    """
    to, source = _CORNERS * side, (_CORNERS + corners) * side
    rows = []
    for (x, y), (u, v) in zip(to, source, strict=True):
        rows.append((x, y, 1, 0, 0, 0, -u * x, -u * y))
        rows.append((0, 0, 0, x, y, 1, -v * x, -v * y))
    return np.append(np.linalg.solve(np.array(rows), source.ravel()), 1).reshape(3, 3)


def resample(image: Image.Image, matrices: Sequence[np.ndarray], *, far: bool = True) -> Image.Image:
    """Carries out all changes, the first in `matrices` first, in one bilinear resampling of a square RGB image.

    What comes in from outside is the picture's mirror image (Keras' fill mode reflect). Without `far` that is one image in
    each direction, and black beyond, however far the matrices reach.
    """
    if not matrices:
        return image
    side = image.width
    matrix = reduce(np.matmul, matrices)
    times = _reach(matrix, side) if far else 1
    margin = times * side - 1
    matrix = matrix + margin * np.array([matrix[2], matrix[2], (0, 0, 0)])
    coefficients = (matrix / matrix[2, 2]).ravel()[:8].tolist()
    flat = coefficients[6:] == [0, 0]
    method = Image.Transform.AFFINE if flat else Image.Transform.PERSPECTIVE
    return _surrounded(image, times, margin).transform(
        (side, side), method, coefficients[:6] if flat else coefficients, Image.Resampling.BILINEAR
    )


def _reach(matrix: np.ndarray, side: int) -> int:
    """How many mirror images in each direction the changed picture can show: 1 to _FAR."""
    source = np.column_stack([_CORNERS * side, np.ones(4)]) @ matrix.T
    positions = source[:, :2] / source[:, 2:]
    beyond = max(-positions.min(), positions.max() - side) + 2
    return int(np.clip(math.ceil(beyond / side), 1, _FAR))


def _surrounded(image: Image.Image, times: int, margin: int) -> Image.Image:
    """The image in the middle of its mirror images, `margin` pixels of them on each side."""
    side = image.width
    beside = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    rows = ((image, beside), tuple(i.transpose(Image.Transpose.FLIP_TOP_BOTTOM) for i in (image, beside)))
    wide = Image.new("RGB", (side + 2 * margin, side + 2 * margin))
    for row in range(-times, times + 1):
        for column in range(-times, times + 1):
            wide.paste(rows[row % 2][column % 2], (margin + column * side, margin + row * side))
    return wide
