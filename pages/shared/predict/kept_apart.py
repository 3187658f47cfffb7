"""Pictures that a model has not learned from, to be tried: nothing about one says what it shows before it was tried."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import streamlit as st

from core.datasets.catalogue import Catalogue, Picture
from core.imaging.decode import thumbnail
from core.runs.records import RunPlan
from core.system.errors import FieldguideError
from pages.shared.predict import one
from pages.shared.predict.model import Tested
from pages.shared.session import state
from pages.shared.ui import dialogs, page
from pages.shared.ui.page import Here
from pages.shared.ui.text import literal

MOST = 24
_SMALL = 160


@dataclass(frozen=True)
class KeptApart:
    """One picture. `small`: how the model sees it, as a JPEG; `label`: what it is, as far as that is known, or ""."""

    id: str
    path: Path
    small: bytes
    label: str


@dialogs.dialog("What is this?")
def _try_out(here: Here, tested: Tested, path: str, label: str) -> None:
    """One of them, over the page, so that nothing on it moves."""
    with page.stopping_at_errors():
        try:
            content = Path(path).read_bytes()
        except OSError:
            one.could_not(Path(path).name, "the file is gone")
            return
        one.ask(here, tested, Path(path).name, content)
    if label:
        st.caption(f"Its label: {literal(label)}.")


def show(here: Here, tested: Tested) -> None:
    """Draws them, each with a button; nothing where there are none."""
    found = [*_of_the_sample(tested), *_of_the_test_part(here, tested)][:MOST]
    if found:
        st.header("Kept apart", anchor=False)
        st.caption("It has not learned from these. What do you say, and what does it?")
        with st.grid("auto", min_column_width=104, gap="xsmall"):
            for number, picture in enumerate(found, 1):
                with st.container(gap="xxsmall"):
                    st.image(picture.small, width="stretch", alt=f"Picture {number} to try")
                    if st.button("Try", key=f"try {picture.id}", width="stretch"):
                        _try_out.open(str(picture.path), picture.label)
    _try_out.show(here, tested)


def _of_the_sample(tested: Tested) -> Iterator[KeptApart]:
    """Those that come with the sample, where the model is of its classes, and which the training had not."""
    classifier = tested.classifier
    if tested.run is None or set(classifier.classes) != {each.name for each in state.SAMPLE.iterdir() if each.is_dir()}:
        return
    files = {sha256(path.read_bytes()).hexdigest(): path for path in state.NEW_PICTURES.glob("*.jpg")}
    known = {picture.id for picture in tested.run.plan.pictures}
    for id_, path in sorted((id_, path) for id_, path in files.items() if id_ not in known):
        label = path.stem.rpartition("-")[0]
        yield KeptApart(id_, path, thumbnail(path.read_bytes(), classifier.framing, _SMALL), label)


def _of_the_test_part(here: Here, tested: Tested) -> Iterator[KeptApart]:
    """Those of the test part of the training that are still there."""
    if tested.run is None:
        return
    for picture in chosen(tested.run.plan, here.catalogue):
        try:
            small = here.project.thumbnail(picture.id, tested.classifier.framing)
        except FieldguideError:
            continue
        yield KeptApart(picture.id, here.project.path_of(picture.path), small, picture.class_name or "")


def chosen(plan: RunPlan, catalogue: Catalogue) -> list[Picture]:
    """Pictures of the test part that are still there, no more than MOST, in the order of their ids, which tells nothing."""
    wanted = {picture.id for picture in plan.part("test")}
    there = {picture.id: picture for picture in catalogue.pictures if picture.id in wanted}
    return [there[id_] for id_ in heapq.nsmallest(MOST, there)]
