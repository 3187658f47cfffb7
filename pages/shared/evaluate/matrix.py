"""What is taken for what: the confusion matrix, and the pictures behind each of its cells, to be put right there."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.datasets import labels
from core.datasets.catalogue import Picture
from core.datasets.project import Project
from core.quality import findings
from core.runs.lifecycle import RunSnapshot
from core.runs.records import RunPicture
from pages.shared.components.grid import grid
from pages.shared.components.matrix import matrix
from pages.shared.components.matrix.matrix import Cell
from pages.shared.evaluate import again, why
from pages.shared.evaluate.parts import Answers, answers_of_part
from pages.shared.pictures import edits
from pages.shared.pictures.tiles import Teller
from pages.shared.session import tab
from pages.shared.ui.page import Here
from pages.shared.ui.text import count, percent

_MOST = 240
_WIDE = 6
_CELL, _TURN = "cell to show", "how often a cell was to be shown"
"""In the session: the cell that another page or a finding led to, and how often that was."""


def show(here: Here, run: RunSnapshot) -> None:
    """Draws the view."""
    answers = answers_of_part(run)
    if answers is None:
        return
    evaluation = answers.evaluation
    if len(evaluation.classes) > _WIDE:
        left, right = st.container(), st.container()
    else:
        left, right = st.columns(2, gap="medium")
    with left:
        place = st.container()
        with st.container(horizontal=True, vertical_alignment="center"):
            shares = st.toggle("In percent", key="matrix in percent", persist_state="session")
            again.offer(here, run)  # last of all: what comes and goes moves nothing else
    with place:
        cell = matrix.show(evaluation, f"matrix {tab.get(_TURN, 0)}", shares=shares, at_first=tab.get(_CELL))
    with right:
        _pictures(here, answers, cell)


def lead_to(cell: Cell) -> None:
    """Makes Evaluate show the pictures of a cell. To be called before its views are drawn, or in a callback."""
    tab.put(_CELL, cell)
    tab.count(_TURN)
    tab.put("evaluate view", "Mistakes")


def _pictures(here: Here, answers: Answers, cell: Cell) -> None:
    """The pictures of a cell, the surest answers first, to be looked at and put right."""
    classes, probabilities = answers.classes, answers.probabilities
    truth = [classes[picture.label] for picture in answers.pictures]
    said = [classes[position] for position in probabilities.argmax(axis=1)]
    sure = probabilities.max(axis=1)
    inside = [number for number in range(len(truth)) if cell.holds(truth[number], said[number])]
    inside.sort(key=lambda number: -sure[number])
    at = where_now(here, [answers.pictures[number] for number in inside[: 2 * _MOST]])
    found = [(number, at[answers.pictures[number].id]) for number in inside if answers.pictures[number].id in at]
    shown = found[:_MOST]
    teller = Teller(here, [picture for _, picture in shown], answers.framing)
    right = findings.confirmed(here.project)
    tiles = []
    for number, picture in shown:
        moved = picture.class_name != truth[number]
        confirmed = (picture.id, picture.class_name) in right
        flag = "label changed" if moved else "label is right" if confirmed else ""
        answer = (said[number], float(sure[number]))
        wrong = said[number] != truth[number] and not moved
        tiles.append(teller.tile(picture, suggestion=answer if wrong else None, said=answer, flag=flag))
    more = f" The first {len(shown)} are shown." if len(found) > len(shown) else ""
    note = "The surest answers first. Is the label wrong, the picture unclear, or the model wrong?" + more
    section = grid.Section(
        f"{cell.truth}/{cell.said}",
        f"{cell.words} · {len(inside):,}",
        note,
        actions=(("why", "Why?"), ("right", "Keep my label"), ("aside", "Do not use")),
    )
    journal = here.project.journal
    grid.show(
        grid.View(
            f"{answers.run}/{answers.part}/{section.id}",
            tiles,
            [section] if tiles else [],
            accept=any(tile.suggestion for tile in tiles),
            empty=_nothing(cell, len(inside)),
            undo=journal.next_undo(),
            redo=journal.next_redo(),
        ),
        here.catalogue.colours,
        lambda op: carry_out(here.project, op),
        key="mistakes",
    )
    gone = len(inside) - len(found)
    if gone > 0 and len(inside) <= 2 * _MOST:
        st.caption(f"{count(gone, 'picture')} of it cannot be shown: no longer in the folder.")
    if shown:
        _as_table(answers, [number for number, _ in shown], truth, said)


def _nothing(cell: Cell, inside: int) -> str:
    """Why no picture of a cell is shown, where so many are in it."""
    if inside:
        return "None of these pictures is in the folder any more."
    return "No mistakes here." if cell == Cell() else f"{cell.words}: none."


def where_now(here: Here, pictures: Sequence[RunPicture]) -> dict[str, Picture]:
    """Where pictures are now, by their ids: under their old path if they are still there."""
    wanted = {picture.id: picture.path for picture in pictures}
    found: dict[str, Picture] = {}
    for picture in here.catalogue.pictures:
        if picture.id in wanted and (picture.id not in found or picture.path == wanted[picture.id]):
            found[picture.id] = picture
    return found


def carry_out(project: Project, op: grid.Op) -> grid.Outcome:
    """Does what was asked for some pictures of a cell. Raises FieldguideError, and then nothing was changed."""
    if op.kind != "act":
        return edits.carry_out(project, op)
    pictures = edits.picked(project, op)
    if op.action == "why":
        tab.put(why.PICTURE, pictures[0].id)
        tab.put("evaluate view", "Why")
        return grid.Outcome("")
    if op.action == "aside":
        return edits.make(project, lambda: labels.move(project, pictures, None))
    findings.confirm(project, pictures)
    return grid.Outcome(f"Noted for {count(len(pictures), 'picture')}: the label is right.")


def _as_table(answers: Answers, numbers: Sequence[int], truth: Sequence[str], said: Sequence[str]) -> None:
    with st.expander("As a table"):
        st.dataframe(
            {
                "file": [answers.pictures[number].path for number in numbers],
                "is": [truth[number] for number in numbers],
                "taken for": [said[number] for number in numbers],
                "sure": [percent(float(answers.probabilities[number].max())) for number in numbers],
            },
            hide_index=True,
        )
