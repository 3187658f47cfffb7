"""Which model is tested: that of the training that the tab looks at, or one out of a file from anywhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from weakref import WeakValueDictionary

import streamlit as st

from core.export.exports import exports_of
from core.inference.classifier import Classifier
from core.inference.sandbox import ForeignModel, load_model, open_model
from core.runs.lifecycle import RunSnapshot
from core.system.errors import FieldguideError
from pages.shared.session import tab
from pages.shared.ui import dialogs, page
from pages.shared.ui.page import Here
from pages.shared.ui.text import count, literal

_OPENED = "opened model"
"""In the session: (digest, file name, model) of the file that is tested instead of the training's model."""


@dataclass(frozen=True)
class Tested:
    """A model, what tells it apart from all others, and the training that it is of; None for one out of a file."""

    classifier: Classifier
    identity: str
    run: RunSnapshot | None


@st.cache_resource(max_entries=4, show_spinner="Opening the model")
def _load(path: str, identity: str) -> Classifier:  # noqa: ARG001 - the identity is part of the key
    return load_model(path)


@st.cache_resource(max_entries=1)
def _files() -> WeakValueDictionary[str, ForeignModel]:
    """Models out of files that some session tests, by digest: two that open the same file share its process."""
    return WeakValueDictionary()


def offer() -> None:
    """The button that opens a file."""
    if st.button("Open a model file", icon=":material/folder_open:"):
        _DIALOG.open()
    _DIALOG.show()


def choose(here: Here) -> Tested:
    """The model to test. Says which it is if it is out of a file; ends the page while there is none."""
    opened = _from_file()
    if opened:
        return opened
    run = page.trained_run(here)
    with page.stopping_at_errors():
        return of_training(run)


def of_training(run: RunSnapshot) -> Tested:
    """The model of a training that has one. Raises FieldguideError."""
    sha256 = run.result.model_sha256 if run.result else ""
    decision = run.run.folder / "sureness.json"
    stamp = str(decision.stat().st_mtime_ns) if decision.is_file() else ""
    identity = f"{run.run.folder} {sha256} {stamp}"
    return Tested(_load(str(run.run.folder), identity), identity, run)


def integer_twin(tested: Tested) -> Tested | None:
    """The whole-number export of the same training, if there is one."""
    if tested.run is None:
        return None
    made = exports_of(tested.run.run).get("int8")
    if made is None:
        return None
    identity = f"{tested.identity} int8 {made.download.stat().st_mtime_ns}"
    try:
        return Tested(_load(str(made.download), identity), identity, None)
    except FieldguideError:
        return None  # the Export page says what is wrong with it


def ask() -> None:
    """What the dialog holds: takes a file, and makes its model the one that is tested."""
    st.caption(
        "A zip from an Export page, of any project, or from Teachable Machine (TensorFlow Lite, floating point or "
        "quantized). It is opened by a process of its own, so that a bad file does no harm."
    )
    file = st.file_uploader("Model file", label_visibility="collapsed", key="model file")
    if file is None:
        return
    content = file.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    known = _files()
    try:
        with st.spinner("Opening the model"):
            model = known.get(digest) or open_model(content, file.name)
    except FieldguideError as error:
        page.show_error(error)
        return
    known[digest] = model
    if tab.get(_OPENED) != (digest, file.name, model):
        tab.put(_OPENED, (digest, file.name, model))
        _DIALOG.close()
        st.rerun()


_DIALOG = dialogs.dialog("Open a model file")(ask)


def _from_file() -> Tested | None:
    chosen: tuple[str, str, ForeignModel] | None = tab.get(_OPENED)
    if chosen is None:
        return None
    digest, name, model = chosen
    with st.container(horizontal=True, vertical_alignment="center"):
        told = f"It tells {count(len(model.classes), 'class')} apart."
        st.markdown(f"This is a model from a file: **{literal(name)}**. {told}", width="content")
        st.button("Back to this project's model", icon=":material/undo:", on_click=_back)
    return Tested(model, digest, None)


def _back() -> None:
    tab.take(_OPENED, None)
