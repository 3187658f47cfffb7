"""The classes: new, rename, merge, set aside, colour, order, delete; and what was done, to be undone."""

from __future__ import annotations

import time
from collections.abc import Callable

import streamlit as st

from core.datasets import labels
from core.datasets.catalogue import Catalogue
from core.datasets.edit_journal import Edit
from core.datasets.project import Project
from core.system.errors import FieldguideError
from pages.shared.pictures import edits
from pages.shared.session import state, tab
from pages.shared.ui import dialogs, page
from pages.shared.ui.palette import COLOURS, PALETTE
from pages.shared.ui.text import count, literal

_STATES = {"done": "", "undone": " (undone)", "dropped": " (undone)", "failed": " (did not work)", "kept": ""}


@dialogs.dialog("Classes")
def dialog(project: Project) -> None:
    """Everything that can be done with whole classes."""
    catalogue = state.catalogue_of(project)
    said = tab.take("class said", "")
    with (
        st.form("new class", border=False, clear_on_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        name = st.text_input("New class", placeholder="Its name is what the computer will say")
        if st.form_submit_button("Make it", icon=":material/add:"):
            _do(project, lambda: labels.new_class(project, name), name.strip())
    if catalogue.classes:
        _one_class(project, catalogue)
    if said:
        st.caption(literal(said))
    _history(project)


def _one_class(project: Project, catalogue: Catalogue) -> None:
    classes = list(catalogue.classes)
    wanted = tab.take("next class", None) or tab.get("this class")
    tab.put("this class", wanted if wanted in classes else classes[0])

    def words(name: str) -> str:
        return f"{name} · {catalogue.counts[name]:,}{' · set aside' if name in catalogue.aside else ''}"

    chosen = str(st.selectbox("Change a class", classes, format_func=words, key="this class"))
    place = classes.index(chosen)
    with (
        st.form("rename", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        new = st.text_input("Name", value=chosen, key=f"name of {chosen}")
        if st.form_submit_button("Rename") and new.strip() not in ("", chosen):
            _do(project, lambda: labels.rename_class(project, chosen, new), new.strip())
    others = [name for name in classes if name != chosen]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        target = st.selectbox("Merge it into", others, index=None, placeholder="another class", key=f"merge {chosen}")
        if st.button("Merge", disabled=target is None):
            _do(project, lambda: labels.merge_classes(project, [chosen], str(target)), target)
    aside = chosen in catalogue.aside
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button(
            "Use it again" if aside else "Do not use",
            icon=":material/visibility:" if aside else ":material/visibility_off:",
            help="A class that is set aside stays where it is, and is not trained on.",
        ):  # fmt: skip
            _do(project, lambda: labels.set_aside(project, chosen, aside=not aside))
        if st.button("Up", icon=":material/arrow_upward:", disabled=place == 0, help="Its place in every list"):
            _do(project, lambda: labels.set_order(project, _swapped(classes, place, place - 1)))
        if st.button("Down", icon=":material/arrow_downward:", disabled=place == len(classes) - 1):
            _do(project, lambda: labels.set_order(project, _swapped(classes, place, place + 1)))
        with st.popover("Delete", icon=":material/delete:"):
            st.markdown(f"{literal(chosen)} and its {count(catalogue.counts[chosen], 'picture')} go to the bin.")
            if st.button("Delete the class", type="primary"):
                _do(project, lambda: labels.delete_class(project, chosen))
    current = catalogue.colours.get(chosen, 0) % len(PALETTE)
    colour = st.selectbox("Colour", list(COLOURS), index=current, key=f"colour of {chosen} {current}")
    if COLOURS.index(colour) != current:
        _do(project, lambda: labels.set_colour(project, chosen, COLOURS.index(colour)))


def _swapped(names: list[str], one: int, other: int) -> list[str]:
    names = names.copy()
    names[one], names[other] = names[other], names[one]
    return names


def _history(project: Project) -> None:
    with st.expander("History and bin", icon=":material/history:"):
        undo, redo = project.journal.next_undo(), project.journal.next_redo()
        with st.container(horizontal=True):
            if st.button("Undo", icon=":material/undo:", disabled=not undo, help=literal(undo) or None):
                _turn(project, "undo")
            if st.button("Redo", icon=":material/redo:", disabled=not redo, help=literal(redo) or None):
                _turn(project, "redo")
            files, size = labels.trash_size(project)
            with st.popover("Empty the bin", icon=":material/delete_forever:", disabled=not files):
                st.markdown(
                    f"{count(files, 'file')}, {size / 1e6:,.1f} MB, for good. Nothing so far can be undone then."
                )
                if st.button("Delete for good", type="primary"):
                    labels.empty_trash(project)
                    page.rerun_dialog()
        for at, sentence, step in project.journal.history(30):
            st.caption(
                f"{time.strftime('%d %b %H:%M', time.localtime(at))} · {literal(sentence)}{_STATES.get(step, '')}"
            )


def _do(project: Project, edit: Callable[[], Edit], then: str | None = None) -> None:
    """Makes an edit, and shows the class `then` afterwards."""
    try:
        tab.put("class said", edits.make(project, edit).said)
    except FieldguideError as error:
        page.show_error(error)
        return
    if then:
        tab.put("next class", then)
    page.rerun_dialog()


def _turn(project: Project, way: str) -> None:
    try:
        tab.put("class said", edits.turn(project, way).said)
    except FieldguideError as error:
        page.show_error(error)
        return
    page.rerun_dialog()
