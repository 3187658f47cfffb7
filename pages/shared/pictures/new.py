"""Label what is new: unlabelled pictures with a suggestion, the most useful first; look-alikes together where there is none."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import streamlit as st

from core.datasets import labels
from core.datasets.catalogue import Picture
from core.quality.analysis import FROM_LABELS, Analysis
from pages.shared.components.grid import grid
from pages.shared.pictures import edits, looking
from pages.shared.pictures.tiles import Teller
from pages.shared.session import state, tab
from pages.shared.ui import page
from pages.shared.ui.page import Here
from pages.shared.ui.text import count, literal

_MOST_TILES = 300
_MOST_GROUPS = 24
_SUGGESTIONS, _GROUPS = "Suggestions", "Look-alikes"


@dataclass(frozen=True)
class _Suggested:
    """An unlabelled picture with the class that is suggested for it, and its probability."""

    picture: Picture
    name: str
    sure: float


def show(here: Here) -> None:
    """Draws the view."""
    catalogue = here.catalogue
    loose = {picture.id: picture for picture in catalogue.unlabelled}
    kept = _kept_groups(here)
    if not loose and not kept:
        st.markdown("All pictures have a class. Add new ones without a class, and label them here with some help.")
        edits.undo_button(here.project)
        if here.run and st.button("Train again with the new labels", icon=":material/model_training:"):
            st.switch_page("pages/3_Train.py", query_params=state.link_params())
        return
    found = looking.result(here.project, catalogue)
    suggested = _suggested(found, loose, catalogue.in_use.classes)
    way = None
    if suggested and found and (kept or found.groups):
        options = [_SUGGESTIONS, _GROUPS]
        way = st.segmented_control(
            "How", options, default=options[0], required=True, label_visibility="collapsed", key="label by"
        )
    if suggested and way != _GROUPS:
        _suggestions(here, found, suggested)
    elif groups := kept or _new_groups(here, found, loose):
        _groups(here, groups, loose)
    else:
        some = list(loose.values())[:_MOST_TILES]
        teller = Teller(here, some)
        _grid(here, [teller.tile(picture) for picture in some])


def _kept_groups(here: Here) -> list[list[Picture]]:
    """The look-alikes that are shown now: they stay in their places once labelled, so that one can put right what did not
    belong, until the person asks for the next ones or nothing of them is left to label."""
    ids: list[list[str]] = tab.get("groups shown") or []
    by_id = {picture.id: picture for picture in here.catalogue.pictures}
    groups = [[by_id[one] for one in group if one in by_id] for group in ids]
    if tab.get("groups of") != str(here.project.root):
        return []
    return [group for group in groups if group]


def _new_groups(here: Here, found: Analysis | None, loose: dict[str, Picture]) -> list[list[Picture]]:
    groups = [[loose[one] for one in group if one in loose] for group in found.groups] if found else []
    together = [group for group in groups if len(group) > 1] or [group for group in groups if group]
    shown: list[list[Picture]] = []
    for group in together[:_MOST_GROUPS]:
        if sum(map(len, shown)) < _MOST_TILES:
            shown.append(group)
    tab.put("groups shown", [[picture.id for picture in group] for group in shown])
    tab.put("groups of", str(here.project.root))
    return shown


def _suggested(found: Analysis | None, loose: dict[str, Picture], in_use: Container[str]) -> list[_Suggested]:
    if found is None or found.suggestions is None:
        return []
    best = found.suggestions.probabilities.argmax(axis=1)
    return [
        _Suggested(loose[one], found.suggestions.classes[column], float(row[column]))
        for one, row, column in zip(found.suggestions.ids, found.suggestions.probabilities, best, strict=True)
        if one in loose and found.suggestions.classes[column] in in_use  # it may have been set aside since the look
    ]


def _suggestions(here: Here, found: Analysis | None, suggested: list[_Suggested]) -> None:
    from_labels = found is not None and found.suggestions is not None and found.suggestions.source == FROM_LABELS
    source = "what you labelled so far" if from_labels else "your trained model"
    st.caption(f"Suggested by {source}; the most useful to look at come first. A accepts, a number says otherwise.")
    names = list(dict.fromkeys(one.name for one in sorted(suggested, key=lambda one: one.name)))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Show", names, index=None, placeholder="all suggestions", key="suggested", width=220)
        least = st.slider("At least this sure", 0, 100, 0, 5, format="%d %%", key="at least", width=260)
        shown = [one for one in suggested if one.name == (name or one.name) and one.sure >= least / 100]
        if st.button(
            f"Accept {count(len(shown), 'suggestion')}", icon=":material/done_all:", disabled=not shown or not (name or least),
            help="Choose a class or how sure first" if not (name or least) else None,
        ):  # fmt: skip
            moves = [(one.picture, one.name) for one in shown]
            with page.stopping_at_errors():
                st.toast(literal(edits.make(here.project, lambda: labels.move_each(here.project, moves)).said))
            st.rerun()
    shown = shown[:_MOST_TILES]
    teller = Teller(here, [one.picture for one in shown])
    tiles = [teller.tile(one.picture, suggestion=(one.name, one.sure)) for one in shown]
    _grid(here, tiles, name=f"suggestions {name} {least}", accept=True)


def _groups(here: Here, groups: list[list[Picture]], loose: dict[str, Picture]) -> None:
    how = (
        "one click on a class labels the whole group"
        if here.catalogue.classes
        else "give a group the name of its class"
    )
    left = sum(picture.class_name is None for group in groups for picture in group)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(
            f"Pictures that look alike stand together: {how}. Select those that do not belong, to label them apart."
        )
        if (
            left < sum(map(len, groups))
            and (not left or len(loose) > left)
            and st.button(
                "Next look-alikes" if loose else "Done",
                icon=":material/arrow_forward:",
                type="secondary" if left else "primary",
            )
        ):
            tab.take("groups shown")
            st.rerun()
    teller = Teller(here, [picture for group in groups for picture in group])
    sections: list[grid.Section] = []
    tiles: list[grid.Tile] = []
    for number, group in enumerate(groups):
        open_ones = sum(picture.class_name is None for picture in group)
        words = f"{count(len(group), 'picture')} that look alike" if len(group) > 1 else "One of its kind"
        note = "" if open_ones == len(group) else f"{open_ones} without a class" if open_ones else "labelled"
        sections.append(grid.Section(group[0].id, words, note, label=True))
        tiles += [teller.tile(picture, section=number) for picture in group]
    _grid(here, tiles, sections, name="groups")


def _grid(
    here: Here,
    tiles: list[grid.Tile],
    sections: list[grid.Section] | None = None,
    *,
    name: str = "new",
    accept: bool = False,
) -> None:
    journal = here.project.journal
    grid.show(
        grid.View(
            name, tiles, sections or (), tags=True, accept=accept, empty="None are left here.", undo=journal.next_undo(),
            redo=journal.next_redo(),
        ),
        here.catalogue.colours,
        lambda op: edits.carry_out(here.project, op),
        key="new grid",
    )  # fmt: skip
