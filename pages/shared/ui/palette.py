"""The colours of classes: those that a person chose for the project's, the same on every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

PALETTE = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#5b5b5b",
    "#004b76", "#8f6200", "#006147", "#8a3f68", "#9fd4f2", "#8f3f00", "#a89c00", "#b5b5b5",
)  # fmt: skip
COLOURS = (
    "blue", "orange", "green", "pink", "sky blue", "vermilion", "yellow", "grey",
    "dark blue", "brown", "dark green", "purple", "pale blue", "rust", "olive", "silver",
)  # fmt: skip
"""Okabe and Ito 2008, told apart by colour-blind people too, then darker and lighter shades of the same; a name stands beside
a colour everywhere."""


def colour(number: int) -> str:
    """The colour of this number; they begin anew after the last."""
    return PALETTE[number % len(PALETTE)]


def class_colours(names: Sequence[str], chosen: Mapping[str, int]) -> list[str]:
    """A colour for each class, as `chosen` in the project; one that is not of it gets that of its place in the list."""
    return [colour(chosen.get(name, place)) for place, name in enumerate(names)]
