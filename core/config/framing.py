"""Which part of a picture a model sees, and how that becomes a square. Numbers only: `core.imaging.decode` carries it out.

The programs in `core/export` do the same in languages of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from core.system.settings import Settings

BORDER = (124, 116, 104)
"""RGB of the borders of a whole picture: the mean of ImageNet, which the backbones learned from. Measured on drawn shapes and
on leaves (cross-validated, as `quick`): up to three points better than black, and no worse than grey and white."""

LEAST = 0.1
"""Share of the width, and of the height, that a region must have."""

FITS = {
    "crop": "the centre square",
    "letterbox": "the whole picture, with borders",
    "squeeze": "the whole picture, squeezed into a square",
}
"""What a model sees with each `Framing.fit`, in words."""

_WHOLE = (0.0, 0.0, 1.0, 1.0)
_Edge = Annotated[float, Field(ge=0, le=1), AfterValidator(lambda edge: round(edge, 3))]


@dataclass(frozen=True)
class Placement:
    """`box`: left, top, right, bottom of what is taken out of a picture, in its pixels; `size`: width and height that it is
    scaled to; `offset`: where its upper left corner then lies in the square. What is left of the square is BORDER."""

    box: tuple[int, int, int, int]
    size: tuple[int, int]
    offset: tuple[int, int]


class Framing(Settings):
    """How an upright picture of any shape becomes the square that a model sees: first the region, then the fit."""

    fit: Literal["crop", "letterbox", "squeeze"] = Field(
        "crop",
        title="What the model sees of a picture (fit)",
        description="crop: the centre square; letterbox: the whole picture, with borders; squeeze: the whole picture, squeezed "
        "into a square.",
    )
    region: tuple[_Edge, _Edge, _Edge, _Edge] = Field(
        _WHOLE,
        title="Only a part of the picture (region)",
        description="Left, top, right and bottom edge as shares of the picture: 0,0,1,1 is all of it.",
    )

    @field_validator("region", mode="before")
    @classmethod
    def _four_edges(cls, region: object) -> object:
        edges = region if isinstance(region, (list, tuple)) else ()
        if len(edges) != len(_WHOLE) or not all(isinstance(edge, (int, float)) for edge in edges):
            raise ValueError("give its left, top, right and bottom edge, as in 0.1,0,0.9,1")
        return region

    @field_validator("region")
    @classmethod
    def _large_enough(cls, region: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        left, top, right, bottom = region
        if round(min(right - left, bottom - top), 3) < LEAST:
            raise ValueError(f"it must be at least {LEAST:.0%} of the picture wide and high, as in 0.1,0,0.9,1")
        return region

    @property
    def whole(self) -> bool:
        """Whether the fit is of the whole picture, rather than of a region."""
        return self.region == _WHOLE

    @property
    def mark(self) -> str:
        """Tells what was made with one framing from others, in file names and keys: "" for the usual one, so that what was
        made before there was a choice is still found."""
        return "" if self == Framing() else "-".join([self.fit, *(f"{edge:g}" for edge in self.region)])

    @property
    def words(self) -> str:
        """What the model sees, for within a sentence."""
        if self.whole:
            return FITS[self.fit]
        left, top, right, bottom = (f"{edge:.4g}" for edge in (100 * edge for edge in self.region))
        part = f"the part from {left} to {right} % across and {top} to {bottom} % down"
        return {
            "crop": f"the centre square of {part}",
            "letterbox": f"{part}, with borders",
            "squeeze": f"{part}, squeezed into a square",
        }[self.fit]

    def at_least(self, pixels: int) -> int:
        """How long the shorter side of a whole picture must be for its region to have `pixels`."""
        left, top, right, bottom = self.region
        return math.ceil(pixels / min(right - left, bottom - top))

    def place(self, width: int, height: int, pixels: int) -> Placement:
        """What is taken out of a picture of so many pixels, and where it lies in a square of `pixels`."""
        left, right = _edges(width, self.region[0], self.region[2])
        top, bottom = _edges(height, self.region[1], self.region[3])
        across, down = right - left, bottom - top
        if self.fit == "crop":
            side = min(across, down)
            left, top = left + (across - side) // 2, top + (down - side) // 2
            return Placement((left, top, left + side, top + side), (pixels, pixels), (0, 0))
        box = (left, top, right, bottom)
        if self.fit == "squeeze":
            return Placement(box, (pixels, pixels), (0, 0))
        longer = max(across, down)
        wide, high = (max(1, (2 * length * pixels + longer) // (2 * longer)) for length in (across, down))
        return Placement(box, (wide, high), ((pixels - wide) // 2, (pixels - high) // 2))


def _edges(length: int, low: float, high: float) -> tuple[int, int]:
    """Shares of a side in whole pixels, half ones upwards, with at least one pixel between them."""
    first = min(int(length * low + 0.5), length - 1)
    return first, max(first + 1, int(length * high + 0.5))
