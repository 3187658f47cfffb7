"""One picture, large, with what the model says of it, why, and a way to put it right."""

from __future__ import annotations

import hashlib
from pathlib import PurePath

import streamlit as st

from core.datasets import importing, labels
from core.datasets.catalogue import Picture
from core.datasets.groups import WEBCAM
from core.datasets.importing.stored import storable
from core.datasets.project import Project
from core.datasets.validation import MAX_CLASSES
from core.imaging.decode import thumbnail
from core.inference.classifier import Predictions
from core.system.errors import FieldguideError, PictureError
from core.system.naming import class_key
from pages.shared.evaluate import why
from pages.shared.pictures import edits
from pages.shared.predict.model import Tested
from pages.shared.session import state, tab
from pages.shared.ui import charts, page
from pages.shared.ui.page import Here
from pages.shared.ui.palette import class_colours
from pages.shared.ui.text import literal, percent

SHOWN_PIXELS = 420
_MOST_PILLS = 12
_PUT_RIGHT, _REFUSED = "put right in the test", "not put right in the test"
"""In the session: [key of the picture put right last, what became of it, what `_since` said then]."""


def ask(here: Here, tested: Tested, name: str, content: bytes, *, reason: bool = False) -> None:
    """Asks the model about a picture, and shows the answer; `reason`: why it says so comes first, and need not be asked for."""
    try:
        predictions = tested.classifier.predict([content], [name])
    except PictureError as error:
        could_not(name, error.message)
        return
    show(here, tested, predictions, content, reason=reason)


def could_not(name: str, reason: str) -> None:
    """A file that cannot be asked about."""
    st.error(f"{literal(name)} could not be read: {literal(reason.rstrip('.'))}.", icon=":material/broken_image:")


def show(here: Here, tested: Tested, predictions: Predictions, content: bytes, *, reason: bool = False) -> None:
    """`predictions` of one picture, `content`; `reason`: see `ask`."""
    (name,), (label,), (sure,) = predictions.ids, predictions.labels, predictions.sure
    classes, row = predictions.classes, predictions.probabilities[0]
    key = f"{name} {hashlib.sha256(content).hexdigest()[:16]}"
    framing = tested.classifier.framing

    def say() -> None:
        st.markdown(f"## {literal(label) if sure else 'Not sure'}")
        perhaps = "" if sure else f"Perhaps **{literal(label)}**: "
        called = "" if WEBCAM.match(PurePath(name).stem) else f" · {literal(name)}"  # nobody gave it that name
        st.markdown(f"{perhaps}{percent(float(row.max()))} sure (confidence){called}")

    def say_all() -> None:
        told = ", ".join(f"{c} {percent(float(p))}" for c, p in zip(classes, row, strict=True))
        colours = class_colours(classes, here.catalogue.colours)
        charts.show(charts.answers(classes, row.tolist(), colours), f"answers {key}", told)
        _put_right(here, name, content, key)

    if reason and tested.run is not None:
        if not sure:  # the reason begins with what it says
            say()
        why.explain(here, tested.run, content, key)
        say_all()
        return
    with st.container(border=True):
        left, right = st.columns([2, 3], gap="medium")
        with left:
            st.image(thumbnail(content, framing, SHOWN_PIXELS), width="stretch", alt=f"{name}, as the model sees it")
        with right:
            say()
            say_all()
        if tested.run is not None:
            why.explain_here(here, tested.run, content, key)


def _put_right(here: Here, name: str, content: bytes, key: str) -> None:
    """One click puts the picture into the training pictures, with its right label."""
    last, said, newest = tab.get(_PUT_RIGHT, ["", "", []])
    if last == key and newest == _since(here):
        st.markdown(said)
        edits.undo_button(here.project)
        return
    refused, *why = tab.take(_REFUSED, [""])
    if refused == key:
        page.show_error(FieldguideError(*why))
    classes = list(here.catalogue.in_use.classes)
    words = "Is that wrong? Say what it is, and the picture goes into your class folders"

    def take(widget: str) -> None:
        chosen = tab.get(widget)
        if isinstance(chosen, str) and chosen.strip():
            try:
                became = _put_into(here.project, name, content, chosen.strip())
            except FieldguideError as error:  # told where the page is drawn: a callback has no place on it
                tab.put(_REFUSED, [key, error.message, error.hint])
                return
            if became:
                aside = class_key(chosen) in map(class_key, here.catalogue.aside)
                then = (
                    "That class is set aside: take it back in to train on it."
                    if aside
                    else "Train again to learn from it."
                )
                tab.put(_PUT_RIGHT, [key, f"{became} {then}", _since(here)])

    if 0 < len(classes) <= _MOST_PILLS:
        st.pills(words, classes, format_func=literal, key=f"right {key}", on_change=take, args=(f"right {key}",))
    with st.popover("A new class", icon=":material/edit:") if 0 < len(classes) <= _MOST_PILLS else st.container():
        if len(classes) > _MOST_PILLS:
            st.selectbox(
                words, classes, index=None, key=f"one of {key}", on_change=take, args=(f"one of {key}",),
                placeholder="its class",
            )  # fmt: skip
        if len(classes) < MAX_CLASSES:
            st.text_input("Name of a new class", key=f"new {key}", on_change=take, args=(f"new {key}",))


def _since(here: Here) -> list[object]:
    """Changes once the newest edit is undone or followed by another, and with a training."""
    return [here.project.journal.history(1), here.run.run.id if here.run else ""]


def _put_into(project: Project, name: str, content: bytes, class_name: str) -> str:
    """Adds a picture to a class, or moves it there from the class that it is in: one edit that can be undone.

    Returns what became of it, or "" after saying why nothing was changed. Raises FieldguideError.
    """
    elsewhere = [p for p in _copies(project, content) if class_key(p.class_name or "") != class_key(class_name)]
    if elsewhere:
        edits.make(project, lambda: labels.move(project, elsewhere, class_name))
        left = ", ".join(sorted({f"**{literal(p.class_name)}**" for p in elsewhere if p.class_name}))
        return f"It was here already: moved{f' from {left}' if left else ''} to **{literal(class_name)}**."
    plan = importing.from_pictures([(name, content)], "the Test page").into(class_name)
    row = importing.take(project, plan).rows[0]
    state.look_again(project)
    if row.outcome == "taken":
        return f"Added to **{literal(class_name)}**."
    st.toast(f"Not added: {literal(row.reason)}.", icon=":material/info:")
    return ""


def _copies(project: Project, content: bytes) -> list[Picture]:
    """The project's pictures of this content: as it is, or as it was stored when it was added. Raises PictureError."""
    ids = {hashlib.sha256(each).hexdigest() for each in (content, storable(content)[0])}
    return [picture for picture in state.known_catalogue(project).pictures if picture.id in ids]
