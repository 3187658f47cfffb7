"""How a model learned, for its card: where the validation pictures of its film stood after a few of the rounds."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from core.evaluation.model_card.render import Block, Drawn
from core.runs.film import Film
from core.system.naming import count

_MOST_ROUNDS = 5
_MOST_CLASSES = 12
_DOT = 6
_COLUMN = 4 * _DOT
_MOST_ROWS = 20
"""Rows of two dots; where there are more, they lie closer."""


def blocks(film: Film, classes: Sequence[str], kept: int) -> list[Block]:
    """What to look for, and up to five rounds from 0 to the one that is kept, closer together where more is learned: each as a
    small drawing with words for it."""
    shown = columns(film, len(classes))
    order = "in the order of the table above"
    if len(shown) < len(classes):
        order = f"of the {len(shown)} with the most of these pictures; the last column is for all others"
    told = (
        f"Where {count(len(film.pictures), 'validation picture')} stood: a column for each class that it said, {order}. A full "
        "dot is right, a ring wrong."
    )
    places = _places(film, kept)
    rows = min(
        max(-(-len(column) // 2) for at in places for column in _stacks(film, at, shown, len(classes))), _MOST_ROWS
    )
    names = [classes[position] for position in shown] + ["other classes"]
    drawings = (_drawing(_stacks(film, at, shown, len(classes)), names, max(rows, 1)) for at in places)
    return [told, tuple(Drawn(drawing, _words(film, at, kept)) for drawing, at in zip(drawings, places, strict=True))]


def columns(film: Film, classes: int) -> list[int]:
    """The classes that have a column: all if they are few, else those of which the most pictures are shown."""
    if classes <= _MOST_CLASSES:
        return list(range(classes))
    counts = np.bincount(film.labels, minlength=classes)
    return sorted(np.argsort(-counts, kind="stable")[: _MOST_CLASSES - 1].tolist())


def _places(film: Film, kept: int) -> list[int]:
    """Which of the film's rounds are shown, by their places in it."""
    rounds = film.rounds.tolist()
    last = rounds.index(kept) if kept in rounds else len(rounds) - 1
    steps = np.geomspace(1, max(last, 1), _MOST_ROUNDS - 1).round().astype(int).tolist()
    return sorted({0, last, *(step for step in steps if step <= last)})


def _words(film: Film, at: int, kept: int) -> str:
    number = int(film.rounds[at])
    name = "before the first round" if number == 0 else f"round {number}{' (kept)' if number == kept else ''}"
    return f"{name}: {film.right[at]} of {len(film.pictures)} right"


def _stacks(film: Film, at: int, shown: list[int], classes: int) -> list[list[bool]]:
    """For each column whether the pictures in it are right, those first; the last is of other classes, if there are any."""
    said, right = film.said[at], film.said[at] == film.labels
    inside = [said == position for position in shown]
    if len(shown) < classes:
        inside.append(~np.isin(said, shown))
    return [np.sort(right[rows])[::-1].tolist() for rows in inside]


def _drawing(stacks: list[list[bool]], names: Sequence[str], rows: int) -> str:
    """SVG: a column for each class, and in it a dot for each picture, from below; so many rows of two have room."""
    width, height = len(stacks) * _COLUMN, (rows + 1) * _DOT
    parts = []
    for number, (right, name) in enumerate(zip(stacks, names, strict=False)):
        step = min(_DOT, (rows - 1) * _DOT / max(-(-len(right) // 2) - 1, 1))
        dots = "".join(
            f'<circle class="{"right" if good else "wrong"}" cx="{(number + (0.34, 0.66)[place % 2]) * _COLUMN:.1f}" '
            f'cy="{height - _DOT - place // 2 * step:.1f}" r="{_DOT / 2 - 0.75}"/>'
            for place, good in enumerate(right)
        )
        title = f"<title>{html.escape(name)}: {len(right)}, of them {sum(right)} right</title>"
        ground = f'<rect x="{number * _COLUMN + 1}" y="0" width="{_COLUMN - 2}" height="{height}" rx="3"/>'
        parts.append(f"<g>{title}{ground}{dots}</g>")
    return f'<svg viewBox="0 0 {width} {height}" aria-hidden="true">{"".join(parts)}</svg>'
