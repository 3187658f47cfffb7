"""What a person asks of pictures and classes -> an edit of the folders, and a sentence on what became of it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.datasets import labels
from core.datasets.catalogue import Picture
from core.datasets.edit_journal import Edit
from core.datasets.project import Project
from core.system.errors import ProjectError
from pages.shared.components.grid.grid import Op, Outcome
from pages.shared.session import state
from pages.shared.ui import page
from pages.shared.ui.text import count, literal


def carry_out(project: Project, op: Op) -> Outcome:
    """Does an op of the grid. Raises FieldguideError, and then nothing was changed."""
    if op.kind in ("undo", "redo"):
        return turn(project, op.kind)
    pictures = picked(project, op)
    if op.kind == "move":
        return make(project, lambda: labels.move(project, pictures, op.to))
    if op.kind == "copy" and op.to is not None:
        return make(project, lambda: labels.copy(project, pictures, str(op.to)))
    if op.kind == "delete":
        return make(project, lambda: labels.delete(project, pictures))
    raise ProjectError("The page asked for something unknown.", "Reload it.")


def picked(project: Project, op: Op) -> list[Picture]:
    """The pictures that an op is about. Raises ProjectError if none is there."""
    pictures = labels.picked(state.known_catalogue(project), op.paths)
    if not pictures:
        state.look_again(project)
        raise ProjectError("These pictures are not there any more.", "Someone changed them meanwhile: look again.")
    return pictures


def make(project: Project, edit: Callable[[], Edit]) -> Outcome:
    """Makes an edit and says what it was."""
    try:
        made = edit()
    except ProjectError:
        state.look_again(project)  # what the page shows is not what is there
        raise
    state.edited(project, made)
    return _said(made, made.sentence)


def turn(project: Project, way: str) -> Outcome:
    """Undoes the newest edit, or makes again the one undone last. `way`: "undo" or "redo"."""
    made = labels.undo(project) if way == "undo" else labels.redo(project)
    if made is None:
        return Outcome(f"There is nothing to {way}.")
    state.edited(project, made)
    return _said(made, f"{'Undone' if way == 'undo' else 'Done again'}: {made.sentence}")


def undo_button(project: Project) -> None:
    """Undo, where no grid offers it."""
    sentence = project.journal.next_undo()
    if sentence and st.button(f"Undo: {literal(sentence)}", icon=":material/undo:", key="undo last"):
        with page.stopping_at_errors():
            st.toast(literal(turn(project, "undo").said))
        st.rerun()


def _said(edit: Edit, sentence: str) -> Outcome:
    left = f" {count(len(edit.left), 'picture')} had been changed by someone else and stayed." if edit.left else ""
    return Outcome(f"{sentence[:1].upper()}{sentence[1:]}.{left}", edit.moved)
