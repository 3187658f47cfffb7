"""Add pictures: from the browser, from a place on this computer, from the webcam; then a report on each file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core.config.framing import Framing
from core.datasets import importing, validation
from core.datasets.catalogue import Catalogue
from core.datasets.groups import BY_CAMERA
from core.datasets.project import Project
from core.system.csv_safety import as_csv, safe_cell
from core.system.errors import FieldguideError
from pages.shared.components.drop.drop import drop
from pages.shared.components.webcam import webcam
from pages.shared.http import arriving
from pages.shared.pictures import browse, preview, starters
from pages.shared.pictures.preview import NO_CLASS
from pages.shared.session import state, tab
from pages.shared.ui import dialogs, folder_picker, page
from pages.shared.ui.text import count, literal

_NEW_CLASS = "new class ..."
_FILES, _PLACE, _CAMERA, _SETS = "Files", "Folder or zip here", "Webcam", "Ready-made sets"
_MOST_ROWS = 500
_CLASSES_NAMED = 12
_TOLD_FIRST = ("split", "layout", "unread", "skipped", "empty")


@dialogs.dialog("Add pictures")
def dialog(project: Project) -> None:
    """The ways to add pictures; what became of them is told on the page afterwards."""
    tab.first("add from", _FILES)
    ways = [_FILES, _PLACE, _CAMERA, _SETS]
    way = st.segmented_control("Where from", ways, required=True, label_visibility="collapsed", key="add from")
    try:
        if way == _FILES:
            _files(project)
        elif way == _PLACE:
            _place(project)
        elif way == _CAMERA:
            _camera(project)
        else:
            starters.offer()
    except FieldguideError as error:
        page.show_error(error)


def ways_to_begin() -> None:
    """What a project without a picture shows instead of the grid."""
    ways = (
        (_FILES, "Drop pictures", "from this computer, or a zip of class folders", ":material/upload_file:"),
        (_CAMERA, "Use the webcam", "hold a button, and turn the thing in front of it", ":material/photo_camera:"),
        (_PLACE, "Take a folder", "copy the pictures of a folder on this computer", ":material/folder_open:"),
    )
    for column, (way, title, sentence, icon) in zip(st.columns(3, gap="medium"), ways, strict=True):
        with column, st.container(border=True):
            if st.button(title, icon=icon, key=f"begin {way}", width="stretch"):
                tab.put("add from", way)
                dialog.open()
            st.caption(sentence)


def _files(project: Project) -> None:
    st.caption(
        "Pictures, films, a folder for each class, or a zip of them. A table of file and label (CSV, JSON Lines) may come "
        "along."
    )
    arrivals = arriving.of_tab()
    dropped = drop(arrivals, key="drop")
    if dropped.clear:
        arriving.forget()
        preview.forget_choices()
        page.rerun_dialog()
    if dropped.sending or not arrivals.count:
        return
    plans, refused = arrivals.look(preview.all_choices())
    _preview_and_take(project, plans, refused, f"{arrivals.token} {arrivals.count}", dropped.missed)


def _place(project: Project) -> None:
    st.caption("The pictures are copied into this project. To work in the folder itself, open it on the first page.")
    typed = st.text_input(
        "A folder, a zip, or a table of files and labels", key="place", placeholder=str(Path.home() / "Pictures")
    )
    folder_picker.beside("place")
    if place := folder_picker.written(typed):
        path = Path(place)
        if path.expanduser().absolute() == project.root:
            st.info("That is the folder of this project: its pictures are here already.")
            return
        plan = preview.look(path)
        _preview_and_take(project, [plan], [], f"{path} {path.expanduser().stat().st_mtime_ns}")


def _camera(project: Project) -> None:
    told = tab.first("webcam", {"saved": "", "error": ""})
    burst = webcam.burst(
        list(state.catalogue_of(project).classes),
        key="burst",
        chosen=browse.chosen_class(),
        whole=project.framing() != Framing(),
        saved=told["saved"],
        error=told["error"],
    )
    if burst is None:
        return
    try:
        pictures = [
            (f"webcam-{burst.token[:8]}-{number:03}.jpg", frame) for number, frame in enumerate(burst.frames, 1)
        ]
        report = importing.take(project, importing.from_pictures(pictures, BY_CAMERA).into(burst.class_name))
        state.look_again(project)
        told.update(saved=burst.token, error="")
        where = literal(burst.class_name or NO_CLASS)
        st.toast(f"{count(report.count('taken'), 'picture')} saved: {where}", icon=":material/check:")
    except FieldguideError as error:
        told.update(saved="", error=str(error))
    page.rerun_dialog()


def _preview_and_take(
    project: Project,
    plans: Sequence[importing.Plan],
    refused: Sequence[importing.Row],
    stamp: str,
    missed: Sequence[importing.Row] = (),
) -> None:
    """What would come in, and the button that takes it; `refused` is said here, `missed` was said already."""
    for plan in plans:
        preview.show(plan, stamp)
    for row in refused:
        st.warning(f"{literal(row.name)}: {literal(row.reason)}", icon=":material/error:")
    preview.reset()
    total = sum(len(plan.entries) for plan in plans)
    if not total:
        return
    to = None
    if any(None in plan.counts for plan in plans):
        to = _choose_class(project)
    every = importing.together(plans)
    if st.button(f"Add {every.in_words}", type="primary", icon=":material/add_photo_alternate:"):
        bar = st.progress(0.0, "Reading the pictures")

        def show(now: int, _: int) -> None:
            bar.progress(now / total, f"Reading: {now:,} of {total:,}")

        report = importing.take(project, every.into(to), show)
        state.look_again(project)
        arriving.forget()
        tab.take("place", None)
        preview.forget_choices()
        keep_report(project, [*missed, *refused, *report.rows])
        dialog.close()
        st.rerun()


def _choose_class(project: Project) -> str | None:
    options = [NO_CLASS, *state.catalogue_of(project).classes, _NEW_CLASS]
    looked_at = browse.chosen_class()
    chosen = st.selectbox(
        "What is on these pictures?",
        options,
        index=options.index(looked_at) if looked_at in options else 0,
        format_func=lambda name: "I will sort them later" if name == NO_CLASS else name,
        key=f"add to {looked_at}",
    )
    if chosen == _NEW_CLASS:
        return st.text_input("Name of the new class", key="add to new").strip() or None
    return None if chosen == NO_CLASS else chosen


def keep_report(project: Project, rows: Sequence[importing.Row]) -> None:
    """What became of each file, to be told on the page of the pictures."""
    tab.put("report", [_since(project), [[row.name, row.outcome, row.reason, row.path] for row in rows]])


def _since(project: Project) -> list[object]:
    """Changes with the project, and once the newest edit is undone or followed by another."""
    return [str(project.root), project.journal.history(1)]


def last_report(project: Project) -> None:
    """What became of the files of the last import of this tab, until it is closed, undone or followed by another edit."""
    since, rows = tab.get("report", (None, []))
    if since is None:
        return
    if since != _since(project):
        tab.take("report")
        return
    counts = {outcome: sum(row[1] == outcome for row in rows) for outcome in ("taken", "skipped", "rejected")}
    words = [f"{count(counts['taken'], 'picture')} added"]
    words += [f"{counts[outcome]:,} {outcome}" for outcome in ("skipped", "rejected") if counts[outcome]]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{', '.join(words)}**")
            st.button("Close", type="tertiary", icon=":material/close:", on_click=lambda: tab.take("report"))
        told = [row for row in rows if row[2]]
        if told:
            with st.expander(f"{count(len(told), 'file')} with a remark"):
                st.dataframe(_table(told[:_MOST_ROWS]), hide_index=True)
                st.download_button(
                    "All files as CSV",
                    as_csv(["file", "what", "why", "now at"], rows).encode("utf-8-sig"),
                    "import.csv",
                    "text/csv",
                    icon=":material/download:",
                    on_click="ignore",
                )


def first_look(catalogue: Catalogue, framing: Framing) -> None:
    """What a folder that was opened for the first time was taken for, where there is more to say than its classes."""
    if not tab.get("first look"):
        return
    told = [problem for problem in validation.find_problems(catalogue, framing) if problem.kind in _TOLD_FIRST]
    if not told:
        tab.take("first look")
        return
    named = [f"{literal(name)} · {number:,}" for name, number in list(catalogue.counts.items())[:_CLASSES_NAMED]]
    more = len(catalogue.counts) - len(named)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Classes:** {', '.join(named)}{f' and {more:,} more' if more else ''}")
            st.button("Understood", type="tertiary", icon=":material/close:", on_click=lambda: tab.take("first look"))
        for problem in told:
            st.caption(literal(problem.sentence))


def _table(rows: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    return [{"file": safe_cell(name), "what": outcome, "why": safe_cell(reason)} for name, outcome, reason, _ in rows]
