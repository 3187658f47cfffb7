"""Why: which parts of a picture speak for a class, and which training pictures it reminds the model of."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from core.evaluation import attribution
from core.evaluation.attribution import Check, Explainer, Explanation
from core.evaluation.neighbours import Neighbours, places_of
from core.imaging.decode import read_square
from core.quality import analysis
from core.runs.lifecycle import Run, RunSnapshot
from core.system.errors import FieldguideError, ModelError, PictureError
from pages.shared.components._component import component
from pages.shared.evaluate.parts import answers_of
from pages.shared.http import routes
from pages.shared.pictures import looking
from pages.shared.session import tab
from pages.shared.ui import gallery, page
from pages.shared.ui.page import Here
from pages.shared.ui.progress import phase_words
from pages.shared.ui.text import count, literal, percent, short

PICTURE = "why_picture"
"""In the session or the address: the id of the picture to look at. Another view sets it to send a person here."""
_MOST = 120
_SHOWN_PIXELS = 448
_STRIP = component("strip")


def show(here: Here, run: RunSnapshot) -> None:
    """Draws the view."""
    page.wait_for_model(run)
    if not run.has_model:
        st.markdown("The model file of this training is not there, so it cannot be asked why. Train again.")
        return
    page.ask_to_trust(here)
    st.markdown("Choose a picture. What is bright in it speaks for the answer, what is dark counts for little.")
    chosen = _choose(here, run)
    if chosen is None:
        return
    try:
        content = here.project.file_with(chosen).read_bytes()
    except (FieldguideError, OSError):
        st.error("This picture is gone, or cannot be read. Choose another one.", icon=":material/broken_image:")
        return
    known = next((picture for picture in run.plan.pictures if picture.id == chosen), None)
    note = f"It is {literal(run.plan.classes[known.label])}." if known else ""
    if known and known.part == "train":
        note += " It learned from this picture, and may know it by heart."
    _panel(here, run, content, "why", note)


def explain_here(here: Here, run: RunSnapshot, content: bytes, key: str) -> None:
    """An expander "Why?" beneath an answer; nothing is computed before it is opened. `content`: the picture's file."""
    with st.expander("Why?", icon=":material/search:", key=f"why {key}", on_change="rerun") as box:
        if box.open:
            explain(here, run, content, key)


def explain(here: Here, run: RunSnapshot, content: bytes, key: str) -> None:
    """Why it answers so: what speaks for it in the picture, and what it is reminded of. `content`: the picture's file."""
    _panel(here, run, content, f"why of {key}", "")


def _choose(here: Here, run: RunSnapshot) -> str | None:
    """A strip of the test pictures, mistakes first, then the least sure answers; gives the id of the chosen one."""
    with page.stopping_at_errors():
        answers = answers_of(run)
    there, framing = places_of(here.catalogue), run.plan.config.input_framing
    sure, right = answers.probabilities.max(axis=1), answers.right
    order = sorted(range(len(sure)), key=lambda row: (right[row], sure[row] if right[row] else -sure[row]))
    rows = [row for row in order if answers.pictures[row].id in there]
    wanted = tab.get(PICTURE)
    if wanted not in there:
        wanted = st.query_params.get(PICTURE)
    if wanted and wanted not in there:
        st.caption("The picture that was asked for is not there any more.")
    if wanted not in there:
        wanted = answers.pictures[rows[0]].id if rows else None
    if wanted is None:
        st.markdown("None of the test pictures is there any more. Put them back, or train again.")
        return None
    said = [run.plan.classes[position] for position in answers.probabilities.argmax(axis=1)]
    words = {answers.pictures[row].id: said[row] if right[row] else f"said {short(said[row])}" for row in rows[:_MOST]}
    if wanted not in words:
        words = {wanted: "chosen"} | words

    def take() -> None:
        tab.put(PICTURE, tab.get("why strip")["picture"])

    _STRIP(
        key="why strip",
        data={
            "items": [
                {
                    "id": one,
                    "url": routes.picture_url(here.project, one, framing=framing),
                    "alt": there[one],
                    "words": word,
                }
                for one, word in words.items()
            ],
            "chosen": wanted,
            "words": "Test pictures",
        },
        default={"picture": None},
        on_picture_change=take,
        height="content",
    )
    more = f" The first {_MOST} of {len(rows):,} are here." if len(rows) > _MOST else ""
    st.caption(f"Test pictures: mistakes first, then those it was least sure of.{more}")
    st.query_params[PICTURE] = wanted
    tab.put(PICTURE, wanted)
    return str(wanted)


def _panel(here: Here, run: RunSnapshot, content: bytes, key: str, note: str) -> None:
    """The map of a picture, and what it reminds the model of."""
    try:
        explainer = _opened(run.run, key)
    except ModelError as error:
        page.show_error(error)
        return
    digest = hashlib.sha256(content).hexdigest()
    try:
        square, shown = (read_square(content, side, explainer.framing) for side in (explainer.pixels, _SHOWN_PIXELS))
    except PictureError as error:
        st.error(f"This picture could not be read: {literal(error.message)}.", icon=":material/broken_image:")
        return
    _map(explainer, attribution.stamp(run.run), square, shown, digest, key, note)
    _alike(here, run.run, content, digest, key)


def _opened(run: Run, key: str) -> Explainer:
    """What explains, made ready now if this is the first time; where that fails, one that covers parts. Raises ModelError."""
    task, trouble = attribution.task(run), ""
    before = task.state()
    if not attribution.is_ready(run) and not (before and before.state in ("failed", "interrupted")):
        place = st.empty()
        try:
            attribution.prepare(run)
        except ModelError as error:
            trouble = str(error)
        # Something else may compute for an hour: nobody waits for its turn here.
        while (now := task.state()) and not now.ended and now.phase != "waiting":
            place.caption(f"Getting ready to explain, some ten seconds, only the first time: {phase_words(now)}")
            time.sleep(0.2)
        place.empty()
    if not attribution.is_ready(run):
        now = task.state()
        if now and not now.ended:
            st.info(f"{phase_words(now)}. Until then, parts of the picture are covered.", icon=":material/hourglass:")
            st.button("Look again", key=f"{key} again")
        else:
            said = f"{now.message} {now.hint}" if now else trouble
            st.warning(f"{literal(said)} Until then, parts of the picture are covered.", icon=":material/error:")
            st.button("Try again", key=f"{key} again", on_click=_again, args=(run,))
    return _explainer(str(run.folder), attribution.stamp(run))


def _again(run: Run) -> None:
    with suppress(ModelError):  # what is wrong is said when the page waits for it
        attribution.prepare(run)


@st.cache_resource(max_entries=3, show_spinner="Opening the model")
def _explainer(folder: str, stamp: str) -> Explainer:  # noqa: ARG001 - the stamp is part of the key
    return Explainer(Run(Path(folder)))


@st.cache_data(max_entries=128, show_spinner="Asking the model about parts of the picture")
def _explained(mark: str, label: int, _explainer: Explainer, _square: np.ndarray) -> Explanation:  # noqa: ARG001
    return _explainer.explain(_square, label)


@st.cache_data(max_entries=128, show_spinner="Covering parts of the picture")
def _checked(mark: str, label: int, _explainer: Explainer, _square: np.ndarray, _found: Explanation) -> Check:  # noqa: ARG001
    return _explainer.check(_square, _found)


@st.fragment
def _map(*asked: Any) -> None:
    """As `_draw_map`; a model that breaks down is told, and what stands below the map is drawn all the same."""
    try:
        _draw_map(*asked)
    except ModelError as error:
        page.show_error(error)


def _draw_map(
    explainer: Explainer, stamp: str, square: np.ndarray, shown: np.ndarray, digest: str, key: str, note: str
) -> None:
    """Picture and map side by side, with what can be chosen. `square` is for the model, `shown` for people."""
    answers = explainer.probabilities(square)
    ranked = [int(position) for position in np.argsort(-answers, kind="stable")]

    def words(position: int) -> str:
        return f"{short(explainer.classes[position])} · {percent(float(answers[position]))}"

    left, right = st.columns([3, 2], gap="medium")
    with right:
        st.markdown(
            f"It says **{literal(explainer.classes[ranked[0]])}**, {percent(float(answers[ranked[0]]))} sure. {note}"
        )
        label = st.selectbox("What speaks for ...", ranked, format_func=words, key=f"{key} class {digest[:16]}")
        opacity = st.slider("How strong the colours are (opacity)", 0, 100, 55, 5, "%d %%", key=f"{key} opacity")
        found = _explained(f"{stamp} {digest}", label, explainer, square)
        if st.toggle("Put the map to the test", key=f"{key} test"):
            st.markdown(_checked(f"{stamp} {digest}", label, explainer, square, found).sentence)
        st.caption(f"Found by: {attribution.METHODS[found.method]}.")
    name = found.class_name
    with left, st.grid(2, min_column_width=110, gap="small"):
        st.image(
            gallery.jpeg(shown), width="stretch", caption="What the model sees", alt="The picture, as the model sees it"
        )
        st.image(
            gallery.jpeg(attribution.overlay(shown, found.map, opacity / 100)),
            width="stretch",
            caption=f"What speaks for {literal(name)}",
            alt=f"The same, bright where it speaks for {name}",
        )


@st.cache_resource(max_entries=2, show_spinner="Remembering the training pictures")
def _memory(folder: str, stamp: str) -> Neighbours:  # noqa: ARG001 - the stamp is part of the key
    return Neighbours(Run(Path(folder)))


def _alike(here: Here, run: Run, content: bytes, digest: str, key: str) -> None:
    """The training pictures that are most like it."""
    st.header("It reminds me of these", anchor=False)
    looked = analysis.read(here.project)
    try:
        memory = _memory(str(run.folder), looked.fingerprint if looked else "")
    except FieldguideError:
        now = analysis.task(here.project).state()
        st.caption("For this, Fieldguide must have looked at all pictures with the network of the quick recipe.")
        if (now and not now.ended) or st.button("Look at all pictures once", key=f"{key} look"):
            looking.result(here.project, here.catalogue)
        return
    found = memory.like(content, places_of(here.catalogue), but=digest)
    if not found:
        st.caption("None of the training pictures is there any more.")
        return
    gallery.grid(
        here.project,
        [here.catalogue.by_path[one.path] for one in found],
        run.records.plan().config.input_framing,
        [f"{one.class_name} · {one.similarity:.2f}" for one in found],
    )
    by = (
        "" if memory.own else " Compared by the network of the quick recipe: this training kept no features of its own."
    )
    few = f" {count(memory.missing, 'training picture')} could not be compared." if memory.missing else ""
    st.caption(
        "Training pictures that look most alike to the network, and the class that it learned for each. 1.00 is the "
        f"same, 0 has nothing in common (cosine similarity).{by}{few}"
    )
