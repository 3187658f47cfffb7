"""Ready-made sets of pictures, for who is online: what there is, fetching one, and opening it as a project."""

from __future__ import annotations

import streamlit as st

from core.datasets.examples import STARTERS, Starter, fetch, project_of, task
from core.system.errors import FieldguideError
from core.system.tasks.records import TaskState
from pages.shared.home import home
from pages.shared.ui import page
from pages.shared.ui.progress import stop_button
from pages.shared.ui.text import count, duration, literal


def offer() -> None:
    """The sets as cards. To be drawn in a fragment or a dialog."""
    st.caption(
        "Pictures from the internet to practise with. Each set becomes a project of its own; this one stays as it is. "
        "Only the file at the address shown is fetched, and no picture of yours leaves this computer. The file is "
        "deleted as soon as its pictures are here."
    )
    for starter in STARTERS.values():
        with st.container(border=True):
            _facts(starter)
            now = task(starter.name).state()
            if now and not now.ended:
                st.fragment(_what_next, run_every=1)(starter)
            else:
                _what_next(starter)


def _facts(starter: Starter) -> None:
    st.markdown(f"**{literal(starter.title)}**  \n{literal(starter.sentence)}")
    sizes = (count(starter.classes, "class"), count(starter.pictures, "picture"), f"{_megabytes(starter.bytes)} MB")
    st.caption(
        f"{', '.join(sizes)}. Licence: {literal(starter.licence)}.  \n`{starter.url}`  \n"
        f"checksum (SHA-256) {starter.sha256[:12]}…",
        help=f"A file whose checksum is another one is thrown away. The whole checksum: `{starter.sha256}`",
    )


def _what_next(starter: Starter) -> None:
    """The one button that makes sense now, under how far it is or what went wrong; drawn again while it is fetched."""
    now, project = task(starter.name).state(), project_of(starter.name)
    if now and not now.ended:
        _progress(starter, now)
    elif project:
        with st.container(horizontal=True, vertical_alignment="center"):
            if _button("Open", starter, "arrow_forward", main=True):
                home.enter(project)
            told = now.message if now and now.state == "done" else ""
            st.caption(literal(f"{told} In the folder {project}"))
    elif now and now.state in ("failed", "interrupted"):
        page.show_error(FieldguideError(now.message, now.hint))
        _fetch_button("Try again", starter, "refresh")
    elif now and now.state == "stopped":
        with st.container(horizontal=True, vertical_alignment="center"):
            _fetch_button("Go on", starter, "download")
            st.caption(literal(now.message))
    else:
        _fetch_button("Fetch", starter, "download")


def _progress(starter: Starter, now: TaskState) -> None:
    st.progress(min(now.done / now.total, 1.0) if now.total else 0.0, text=_how_far(now))
    stop_button(task(starter.name), f"starter {starter.name} Stop")


def _how_far(now: TaskState) -> str:
    left = f" · {duration(now.seconds_left)} left" if now.seconds_left is not None else ""
    if now.phase == "download":
        return f"Fetching: {_megabytes(now.done)} of {_megabytes(now.total)} MB{left}"
    if now.phase == "check":
        return "Checking that it is the right file (checksum)"
    return f"Looking at each picture: {now.done:,} of {now.total:,}{left}" if now.done else "Opening the archive"


def _fetch_button(label: str, starter: Starter, icon: str) -> None:
    if not _button(label, starter, icon):
        return
    try:
        fetch(starter.name)
    except OSError as error:
        page.show_error(
            FieldguideError(f"The computer said: {error.strerror or error}.", "Make space, or allow writing.")
        )
        return
    st.rerun(scope="fragment")


def _button(label: str, starter: Starter, icon: str, *, main: bool = False, disabled: bool = False) -> bool:
    return st.button(
        label,
        type="primary" if main else "secondary",
        icon=f":material/{icon}:",
        disabled=disabled,
        key=f"starter {starter.name} {label}",
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f}"
