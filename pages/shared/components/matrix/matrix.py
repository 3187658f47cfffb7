"""The confusion matrix as a table of buttons, each for the pictures behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from core.evaluation.class_order import confused_together
from core.inference.metrics import Evaluation
from pages.shared.components._component import component
from pages.shared.session import tab
from pages.shared.ui.text import all_short

MOST_SHOWN = 60
"""Classes of which a matrix can still be read."""
AS_LISTED = 8
"""So many classes stand in their usual order, in which they are found at once; more stand with those that they are taken
for."""
_COMPONENT = component("matrix")


@dataclass(frozen=True)
class Cell:
    """Which pictures: those that are `truth` and were called `said`; None is any. Both None: all mistakes."""

    truth: str | None = None
    said: str | None = None

    @property
    def words(self) -> str:
        """What the pictures have in common."""
        if self.truth is None and self.said is None:
            return "All mistakes"
        if self.said is None:
            return f"All pictures of {self.truth}"
        if self.truth is None:
            return f"All that it calls {self.said}"
        return f"{self.truth}, recognised" if self.truth == self.said else f"{self.truth}, taken for {self.said}"

    def holds(self, truth: str, said: str) -> bool:
        """Whether a picture of `truth` that was called `said` belongs here."""
        if self.truth is None and self.said is None:
            return truth != said
        return self.truth in (None, truth) and self.said in (None, said)


def first_of(evaluation: Evaluation, wanted: Cell | None) -> Cell:
    """The cell that was asked for, if it is one of these classes; else that of all mistakes."""
    known = {None, *(one.name for one in evaluation.classes)}
    return wanted if wanted and {wanted.truth, wanted.said} <= known else Cell()


def show(evaluation: Evaluation, key: str, *, shares: bool = False, at_first: Cell | None = None) -> Cell:
    """Draws the matrix and gives the cell that is chosen in it. `key`: under which the tab remembers it; `shares`: percent of
    a row instead of pictures; `at_first`: chosen until a person chooses, if its classes are among those."""
    confusion = evaluation.confusion
    order = order_of(evaluation)
    names = [evaluation.classes[position].name for position in order]
    chosen = (tab.get(key) or {}).get("cell")
    now = first_of(evaluation, at_first) if chosen is None else _cell(chosen, names)
    unit = "percent of the row" if shares else "pictures"
    caption = f"Rows: what the pictures are. Columns: what it said (confusion matrix), in {unit}."
    if len(order) < len(evaluation.classes):
        caption += " " + most_shown(evaluation)
    result = _COMPONENT(
        key=key,
        data={
            "names": names,
            "short": all_short(names, 20),
            "counts": confusion[np.ix_(order, order)].tolist(),
            "totals": confusion.sum(axis=1)[order].tolist(),
            "called": confusion.sum(axis=0)[order].tolist(),
            "shares": shares,
            "caption": caption,
            "hint": "Click a number, or a name, to see the pictures behind it.",
            "truth": now.truth,
            "said": now.said,
        },
        default={"cell": None},
        on_cell_change=lambda: None,
        height="content",
    )
    st.caption(caption)
    return now if result.cell is None else _cell(result.cell, names)


def _cell(value: Any, names: Sequence[str]) -> Cell:
    """What the browser sent; a class that is not there is any."""
    known = {key: value.get(key) for key in ("truth", "said")} if isinstance(value, dict) else {}
    return Cell(**{key: name for key, name in known.items() if name in names})


def order_of(evaluation: Evaluation) -> np.ndarray:
    """Positions of the classes that a matrix shows, int (N,), as they stand in it."""
    shown = np.array(most_confused(evaluation))
    if len(shown) <= AS_LISTED:
        return shown
    return shown[confused_together(evaluation.confusion[np.ix_(shown, shown)])]


def most_confused(evaluation: Evaluation) -> list[int]:
    """Positions of the classes that a matrix can show: all, or of very many those with the largest confusions, in order."""
    if len(evaluation.classes) <= MOST_SHOWN:
        return list(range(len(evaluation.classes)))
    apart = evaluation.confusion.copy()
    np.fill_diagonal(apart, 0)
    largest = np.argsort(-apart, axis=None, kind="stable")[: MOST_SHOWN**2]
    pairs = np.stack(np.unravel_index(largest, apart.shape), axis=1)
    found = dict.fromkeys(pairs[apart.ravel()[largest] > 0].ravel().tolist())
    return sorted([*found, *(n for n in range(MOST_SHOWN) if n not in found)][:MOST_SHOWN])


def most_shown(evaluation: Evaluation) -> str:
    """Which classes of very many a matrix shows."""
    every = f"{len(evaluation.classes):,}"
    if evaluation.right == evaluation.total:
        return f"Of the {every} classes, the first {MOST_SHOWN} are shown; it mixes up none."
    return f"Of the {every} classes, {MOST_SHOWN} are shown, those that it mixes up most among them."
