"""The board: a card for each class, Train, and the camera, on one page."""

from __future__ import annotations

import heapq

import streamlit as st

from core.config.framing import Framing
from core.datasets import validation
from core.datasets.catalogue import Catalogue, Picture
from core.runs.lifecycle import RunSnapshot
from core.runs.pictures import changed_since
from core.system.errors import FieldguideError
from pages.shared.board import blanks, ops
from pages.shared.components.board import board
from pages.shared.components.film import film
from pages.shared.evaluate import after
from pages.shared.http import arriving, routes
from pages.shared.predict import live, model, one
from pages.shared.session import state, tab
from pages.shared.ui import dialogs, page
from pages.shared.ui.page import Here
from pages.shared.ui.palette import colour
from pages.shared.ui.progress import phase_words
from pages.shared.ui.text import percent

WITH_CAMERA = "board camera"
"""In the session: whether the camera is switched on at once."""
_THUMBNAILS = 12
_KEY, _PAGE, _FILM = "board", "pages/0_Board.py", "film-below"


def show(here: Here) -> None:
    """Draws the board, and what it leads to."""
    if going := tab.take(ops.GO, None):
        target, more = going
        st.switch_page(target, query_params=state.link_params() | more)
    training = here.run is not None and here.run.live and not here.run.state.ended

    tab.take(ops.CHANGED)

    @st.fragment(run_every=1 if training else None)
    def draw() -> None:
        run = here.run.run.snapshot() if here.run else None
        if tab.take(ops.CHANGED) or (training and run and run.state.ended):
            st.rerun()
        _draw(here, run)
        if run and (run.history or (run.live and not run.plan.config.minutes)):
            with st.container(key=_FILM):
                st.header("How it learned" if run.result else "How it learns", anchor=False)
                film.show(here.project, run, "film on the board")

    draw()
    if frozen := tab.take(ops.FROZEN, None):
        _explain.open(*frozen)
    if here.run and here.run.has_model:
        _explain.show(here, here.run)
    ops.look_ahead(here.project)


def _draw(here: Here, run: RunSnapshot | None) -> None:
    project, catalogue = here.project, here.catalogue
    with page.stopping_at_errors():
        tested = model.of_training(run) if run and run.has_model else None
        arrivals = arriving.of_tab(ops.PLACE)
        trainer = _trainer(catalogue, run)
    board.show(
        _cards(here),
        trainer,
        live.data_of(here, {"": tested} if tested else {}),
        arrivals,
        lambda op: ops.carry_out(project, op, here.newest),
        whole=project.framing() != Framing(),
        camera=bool(tab.get(WITH_CAMERA)),
        undo=project.journal.next_undo() or "",
        redo=project.journal.next_redo() or "",
        key=_KEY,
    )


def _cards(here: Here) -> list[board.Card]:
    catalogue = here.catalogue
    names = blanks.with_blanks(list(catalogue.classes))
    new = (name for name in names if name not in catalogue.classes)
    numbers = dict(catalogue.colours) | {name: place for place, name in enumerate(new, len(catalogue.classes))}
    return [
        board.Card(
            name,
            made=name in catalogue.classes,
            colour=colour(numbers[name]),
            count=catalogue.counts.get(name, 0),
            aside=name in catalogue.aside,
            thumbnails=tuple(
                routes.picture_url(here.project, picture.id)
                for picture in heapq.nlargest(_THUMBNAILS, catalogue.by_class.get(name, ()), key=_newest)
            ),
        )
        for name in names
    ]


def _newest(picture: Picture) -> tuple[int, str]:
    return picture.modified_ns, picture.path


def _trainer(catalogue: Catalogue, run: RunSnapshot | None) -> board.Trainer:
    why = validation.why_not_trainable(catalogue)
    if run is None:
        return board.Trainer("Train", why)
    now, result = run.state, run.result
    if run.live and not now.ended and result is None:
        share = now.done / now.total if now.total else 0.0
        return board.Trainer("Train", why, min(share, 1.0), phase_words(now))
    if result is None:
        return board.Trainer("Train again", why, score="No model", note=f"{now.message} {now.hint}".strip())
    test, step = result.test, after.step_of(run)
    told = (
        f"{percent(test.accuracy)} of pictures that it had never seen.",
        "Pictures or classes were changed since: train again to use that." * changed_since(run.plan, catalogue),
        step.why,
        result.diagnosis,
    )
    target = after.PAGES[step.kind]
    mistakes = (after.PAGES["mistakes"], "See its mistakes" if test.right < test.total else "See its answers")
    return board.Trainer(
        "Train again",
        why,
        score=f"{test.right} of {test.total} right",
        note=" ".join(filter(None, told)),
        ways=(
            *([] if target in (_PAGE, mistakes[0]) else [(target, step.label)]),  # what is done here, the note says
            mistakes,
            *([(f"#{_FILM}", "See how it learned")] if run.history else []),
            ("pages/6_Export.py", "Download the model"),
        ),
    )


@dialogs.dialog("Why?")
def _explain(here: Here, run: RunSnapshot, name: str, content: bytes) -> None:
    """One picture of the camera, with what the model says of it and why."""
    try:
        one.ask(here, model.of_training(run), name, content, reason=True)
    except FieldguideError as error:
        page.show_error(error)
