"""The part of Configure about what the model sees of a picture: the project's own, for all its trainings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw
from streamlit.delta_generator import DeltaGenerator

from core.config.framing import FITS, LEAST, Framing
from core.datasets.catalogue import Catalogue, Picture
from core.datasets.project import Project
from core.datasets.validation import cut_off
from core.imaging.decode import open_picture, square
from core.system.errors import PictureError
from pages.shared.session import kept, tab
from pages.shared.ui.text import literal

_SHOWN = 224
_WIDEST = 480
_TURN = "framing picture"
_WORDS = {
    "crop": "Centre square",
    "letterbox": "Whole picture, with borders",
    "squeeze": "Whole picture, squeezed",
}


def choose(project: Project, catalogue: Catalogue) -> None:
    """Asks for the project's framing with one of its pictures under each, and keeps what is chosen. Raises ProjectError if it
    cannot be kept."""
    before = project.framing()
    problems = cut_off(catalogue, before)
    key_of = kept.keys(project, "framing", before)

    for problem in problems:
        st.warning(problem.sentence, icon=":material/crop:")
    opened = tab.first(f"framing open {project.root}", bool(problems) or before != Framing())
    with st.expander(
        f"What the model sees of a picture: {before.words}", opened, key=key_of("box"), icon=":material/crop:"
    ):
        fit = st.radio(
            "What the model sees of a picture",
            list(FITS),
            list(FITS).index(before.fit),
            format_func=_WORDS.__getitem__,
            horizontal=True,
            label_visibility="collapsed",
            key=key_of("fit"),
            persist_state="session",
        )
        fits = st.container()
        part = st.toggle(
            "Only a part of the picture (region)",
            not before.whole,
            help="For a camera that stands still: what lies outside is never looked at.",
            key=key_of("part"),
            persist_state="session",
        )
        region = _region(before, key_of) if part else Framing().region
        after = Framing(fit=fit, region=region)
        _show(project, catalogue.in_use, after, fits, outlined=part)
    if after != before:
        project.keep_framing(after)
        kept.put(project, "framing", after)
        st.rerun()  # what stands above, and the pictures below, tell of it


def _region(before: Framing, key_of: Callable[[str], str]) -> tuple[float, float, float, float]:
    """Asks for the part of the picture; one that is too small is not taken."""
    left, top, right, bottom = (round(100 * edge) for edge in before.region)
    across = st.slider(
        "From left to right", 0, 100, (left, right), 1, "%d %%", key=key_of("across"), persist_state="session"
    )
    down = st.slider(
        "From top to bottom", 0, 100, (top, bottom), 1, "%d %%", key=key_of("down"), persist_state="session"
    )
    if min(across[1] - across[0], down[1] - down[0]) < 100 * LEAST:
        st.caption(
            f":material/error: At least {LEAST:.0%} of the width and of the height are needed: this is not used."
        )
        return before.region
    return across[0] / 100, down[0] / 100, across[1] / 100, down[1] / 100


def _show(project: Project, catalogue: Catalogue, chosen: Framing, fits: DeltaGenerator, *, outlined: bool) -> None:
    """One of the project's pictures under each fit, in `fits`, and where the region lies on it."""
    pictures = sorted(catalogue.pictures, key=_elongation)
    picture = pictures[(len(pictures) // 2 + 7 * tab.first(_TURN, 0)) % len(pictures)]  # first one of a usual shape
    try:
        image = open_picture(project.path_of(picture.path), at_least=chosen.at_least(_SHOWN))
    except PictureError as error:
        st.caption(f"{literal(picture.path)}: {literal(error.message)}.")
    else:
        with fits, st.grid(len(FITS), min_column_width=92, gap="xsmall"):
            for fit, words in _WORDS.items():
                one = chosen.model_copy(update={"fit": fit})
                caption = f":material/check: **{words}**" if fit == chosen.fit else words
                st.image(
                    square(image, _SHOWN, one), width="stretch", caption=caption, alt=f"{picture.path}: {one.words}"
                )
        if outlined:
            st.image(_outlined(image, chosen), caption="Dark is not looked at", alt=f"{picture.path}: {chosen.words}")
    st.button("Another picture", icon=":material/refresh:", type="tertiary", key=f"{_TURN} button", on_click=_turn_over)


def _elongation(picture: Picture) -> float:
    return max(picture.width, picture.height) / min(picture.width, picture.height)


def _turn_over() -> None:
    tab.count(_TURN)


def _outlined(image: Image.Image, framing: Framing) -> np.ndarray:
    """The picture, darker outside of the region: uint8 (h, w, 3)."""
    small = image.copy()
    small.thumbnail((_WIDEST, _WIDEST))
    left, top, right, bottom = Framing(fit="squeeze", region=framing.region).place(*small.size, _SHOWN).box
    shown = Image.eval(small, lambda byte: byte // 3)
    shown.paste(small.crop((left, top, right, bottom)), (left, top))
    ImageDraw.Draw(shown).rectangle((left, top, right - 1, bottom - 1), outline="white", width=2)
    return np.asarray(shown)
