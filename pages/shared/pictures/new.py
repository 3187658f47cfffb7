"""Label what is new: unlabelled pictures with a suggestion, the most useful first; look-alikes together where there is none."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core import labels
from core.analysis import FROM_LABELS, Analysis
from core.catalogue import Picture
from pages.shared import frame, grid
from pages.shared.frame import Here
from pages.shared.pictures import edits, looking
from pages.shared.pictures.tiles import Teller
from pages.shared.text import count, literal

_MOST_TILES = 300
_MOST_GROUPS = 24


@dataclass(frozen=True)
class _Suggested:
    """An unlabelled picture with the class that is suggested for it, and its probability."""

    picture: Picture
    name: str
    sure: float


def show(here: Here) -> None:
    """Draws the view."""
    loose = {picture.id: picture for picture in here.catalogue.unlabelled}
    if not loose:
        st.markdown("All pictures have a class. Add new ones without a class, and label them here with some help.")
        frame.next_step("pages/3_Train.py", "Train again with the new labels")
        return
    found = looking.result(here.project, here.catalogue)
    suggested = _suggested(found, loose)
    groups = [[loose[one] for one in group if one in loose] for group in found.groups] if found else []
    groups = [group for group in groups if group]
    way = None
    if suggested and groups:
        options = ["Suggestions", "Look-alikes"]
        way = st.segmented_control(
            "How", options, default=options[0], required=True, label_visibility="collapsed", key="label by"
        )
    if suggested and way != "Look-alikes":
        _suggestions(here, found, suggested)
    elif groups:
        _groups(here, groups)
    else:
        some = list(loose.values())[:_MOST_TILES]
        teller = Teller(here, some)
        _grid(here, [teller.tile(picture) for picture in some])


def _suggested(found: Analysis | None, loose: dict[str, Picture]) -> list[_Suggested]:
    if found is None or found.suggestions is None:
        return []
    best = found.suggestions.probabilities.argmax(axis=1)
    return [
        _Suggested(loose[one], found.suggestions.classes[column], float(row[column]))
        for one, row, column in zip(found.suggestions.ids, found.suggestions.probabilities, best, strict=True)
        if one in loose
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
            with frame.stopping_at_errors():
                st.toast(literal(edits.make(here.project, lambda: labels.move_each(here.project, moves))))
            st.rerun()
    shown = shown[:_MOST_TILES]
    teller = Teller(here, [one.picture for one in shown])
    tiles = [teller.tile(one.picture, suggestion=(one.name, one.sure)) for one in shown]
    _grid(here, tiles, name=f"suggestions {name} {least}", accept=True)


def _groups(here: Here, groups: list[list[Picture]]) -> None:
    st.caption("Pictures that look alike stand together: one click on a class labels the whole group.")
    together = [group for group in groups if len(group) > 1][:_MOST_GROUPS] or groups[:_MOST_GROUPS]
    teller = Teller(here, [picture for group in together for picture in group])
    sections: list[grid.Section] = []
    tiles: list[grid.Tile] = []
    for group in together:
        if len(tiles) >= _MOST_TILES:
            break
        words = f"{count(len(group), 'picture')} that look alike" if len(group) > 1 else "One of its kind"
        sections.append(grid.Section(group[0].id, words, label=True))
        tiles += [teller.tile(picture, section=len(sections) - 1) for picture in group]
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
            name, tiles, sections or (), accept=accept, empty="None are left here.", undo=journal.next_undo(),
            redo=journal.next_redo(),
        ),
        here.catalogue.colours,
        lambda op: edits.carry_out(here.project, op),
        key="new grid",
    )  # fmt: skip
