"""Browse: the grid of all pictures, filtered and sorted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.datasets.catalogue import Catalogue, Picture
from core.quality import analysis
from core.quality.findings import Finding
from pages.shared.components.grid import grid
from pages.shared.pictures import edits
from pages.shared.pictures.tiles import PARTS, Opinions, Teller, opinions_of
from pages.shared.session import state, tab
from pages.shared.ui.page import Here
from pages.shared.ui.text import all_short, literal

PAGE = 240
_ALL, _NONE = "all classes", "without a class"
_PILLS = 15
_LOW = 0.7
_ONLY = {
    "train": "used for training",
    "val": "used for validation",
    "test": "used for the test",
    "unused": "not used yet",
    "problem": "with a problem",
    "low": f"model under {_LOW:.0%} sure",
    "wrong": "model says another class",
}
_SORT: dict[str, Callable[[Picture, Opinions], object]] = {
    "name": lambda picture, _: picture.path,
    "newest first": lambda picture, _: -picture.modified_ns,
    "least sure first": lambda picture, opinions: opinions.answers.get(picture.id, ("", 2.0))[1],
    "smallest first": lambda picture, _: picture.width * picture.height,
    "darkest first": lambda picture, _: picture.brightness,
    "most blurred first": lambda picture, _: picture.sharpness,
}


def show(here: Here) -> None:
    """Draws the view."""
    catalogue, opinions = here.catalogue, opinions_of(here.run)
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="one-row-class"
    ):
        chosen = _choose_class(catalogue)
        text, only, sort = _filters()
    found = state.findings_of(here.project, catalogue, analysis.read(here.project)) if only == "problem" else []
    pictures = _filtered(catalogue, opinions, chosen, only, text, found)
    if sort != "name":
        pictures.sort(key=lambda picture: _SORT[sort](picture, opinions))  # type: ignore[arg-type, return-value]
    pages = -(-len(pictures) // PAGE)
    name = f"{chosen}/{only}/{sort}/{text}"
    number = st.pagination(pages, key=f"page of {name}") if pages > 1 else 1
    shown = pictures[(number - 1) * PAGE : number * PAGE]
    teller = Teller(here, shown)
    tiles = [teller.tile(picture, flag=_flag(catalogue, picture)) for picture in shown]
    journal = here.project.journal
    grid.show(
        grid.View(
            f"{name}/{number}", tiles, tags=chosen in (_ALL,), undo=journal.next_undo(), redo=journal.next_redo(),
            empty=_why_empty(chosen, filtered=bool(only or text)),
        ),
        catalogue.colours,
        lambda op: edits.carry_out(here.project, op),
        key="grid",
    )  # fmt: skip


def chosen_class() -> str:
    """The class that is looked at; "" for all of them, and for those without one."""
    chosen = str(tab.get("class", ""))
    return "" if chosen in (_ALL, _NONE) else chosen


def _filters() -> tuple[str, str | None, str]:
    """What to find, what to show only, and how to sort."""
    on = tab.get("find") or tab.get("only") or tab.get("sort", "name") != "name"
    with st.popover("Filter and sort" + (" (on)" if on else ""), icon=":material/filter_list:"):
        text = st.text_input("Part of the file's name", key="find", persist_state="session")
        only = st.selectbox(
            "Show only", list(_ONLY), format_func=_ONLY.__getitem__, index=None, placeholder="everything", key="only",
            persist_state="session",
        )  # fmt: skip
        sort = st.selectbox("Sort by", list(_SORT), key="sort", persist_state="session")
    return text.strip().casefold(), only, sort


def _choose_class(catalogue: Catalogue) -> str:
    counts = {_ALL: len(catalogue.in_use.pictures), **catalogue.counts}
    if catalogue.unlabelled or tab.get("class") == _NONE:
        counts[_NONE] = len(catalogue.unlabelled)

    told = dict(zip(counts, all_short(list(counts)), strict=True))

    def words(name: str) -> str:
        aside = ", set aside" if name in catalogue.aside else ""
        return f"{told[name]}{aside} · {counts[name]:,}"

    if tab.get("class") not in counts:
        most = _NONE if len(catalogue.unlabelled) > len(catalogue.in_use.pictures) / 2 else _ALL
        asked = st.query_params.get("class")
        tab.put("class", asked if asked in counts else most)
    quiet: Any = {"key": "class", "persist_state": "session", "label_visibility": "collapsed"}
    if len(counts) > _PILLS:
        chosen = st.selectbox("Class", list(counts), format_func=words, **quiet)
    else:
        chosen = st.pills("Class", list(counts), format_func=lambda name: literal(words(name)), required=True, **quiet)
    st.query_params["class"] = str(chosen)  # a reload shows the same
    return str(chosen)


def _filtered(
    catalogue: Catalogue, opinions: Opinions, chosen: str, only: str | None, text: str, found: list[Finding]
) -> list[Picture]:
    if chosen == _ALL:
        pictures = list(catalogue.in_use.pictures)
    elif chosen == _NONE:
        pictures = list(catalogue.unlabelled)
    else:
        pictures = list(catalogue.by_class[chosen])
    if text:
        pictures = [picture for picture in pictures if text in picture.path.casefold()]
    if only in PARTS:
        pictures = [picture for picture in pictures if opinions.parts.get(picture.id) == only]
    elif only == "unused":
        pictures = [picture for picture in pictures if picture.id not in opinions.parts]
    elif only == "problem":
        paths = {picture.path for finding in found for picture in finding.pictures}
        pictures = [picture for picture in pictures if picture.path in paths]
    elif only == "low":
        pictures = [picture for picture in pictures if opinions.answers.get(picture.id, ("", 1.0))[1] < _LOW]
    elif only == "wrong":
        pictures = [p for p in pictures if opinions.answers.get(p.id, (p.class_name, 1.0))[0] != p.class_name]
    return pictures


def _flag(catalogue: Catalogue, picture: Picture) -> str:
    return "set aside" if picture.class_name in catalogue.aside else ""


def _why_empty(chosen: str, *, filtered: bool) -> str:
    if filtered:
        return "No picture fits. Take a filter away."
    return "All pictures have a class." if chosen == _NONE else "No pictures here yet: add some, or move some here."
