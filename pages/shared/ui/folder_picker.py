"""Looking for a folder by clicking, since a browser does not tell a page where a folder lies."""

from __future__ import annotations

from pathlib import Path

import psutil
import streamlit as st

from core.system import disk
from pages.shared.session import tab
from pages.shared.ui import dialogs
from pages.shared.ui.text import literal

CHOSEN = "chosen_folder"
"""In the session: what was taken in the dialog."""
_MOST = 200


def written(text: str) -> str:
    """A path as a person typed or pasted it, without the marks that Windows puts around one that it copies."""
    text = text.strip()
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] == '"' else text


def _folders_in(folder: Path) -> list[Path]:
    """Those that can be stepped into; in the topmost one on Windows the other drives come first."""
    top = disk.WINDOWS and folder == folder.parent
    drives = [Path(each.mountpoint) for each in psutil.disk_partitions(all=True)] if top else []
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith(".") and path.is_dir()]
    except OSError:
        found = []
    drives = [drive for drive in drives if drive != folder]
    return drives + sorted(found, key=lambda path: path.name.casefold())[:_MOST]


def _go(folder: Path) -> None:
    tab.put("looking_in", str(folder))


def browse(target: str, label: str = "Take this folder") -> None:
    """Steps through the folders of this computer; the one taken is put into the session as `target`, the key of a text field
    perhaps."""
    here = Path(tab.get("looking_in") or Path.home())
    st.caption(literal(str(here)))
    with st.container(horizontal=True):
        st.button(
            "Parent folder", icon=":material/arrow_upward:", on_click=_go, args=(here.parent,), key=f"up for {target}"
        )
        st.button(label, type="primary", key=f"take for {target}", on_click=tab.put, args=(target, str(here)))
    with st.container(height=320):
        for folder in _folders_in(here):
            st.button(
                literal(folder.name or str(folder)),
                key=f"for {target} into {folder}",
                icon=":material/folder:",
                type="tertiary",
                on_click=_go,
                args=(folder,),
            )


def beside(target: str) -> None:
    """A button that opens the same, for the text field with the key `target`, which is drawn before it."""
    with st.popover("Look for it by clicking", icon=":material/search:", type="tertiary"):
        browse(target)


@dialogs.dialog("Look for the folder")
def choose() -> None:
    """The folder taken is left in the session as `chosen_folder`."""
    browse(CHOSEN, "Open this folder")
    if tab.has(CHOSEN):
        choose.close()
        st.rerun()
