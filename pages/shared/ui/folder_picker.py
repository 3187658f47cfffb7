"""Looking for a folder by clicking, since a browser does not tell a page where a folder lies."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.shared.session import tab
from pages.shared.ui import dialogs
from pages.shared.ui.text import literal

_MOST = 200


def _folders_in(folder: Path) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith(".") and path.is_dir()]
    except OSError:
        return []
    return sorted(found, key=lambda path: path.name.casefold())[:_MOST]


def _go(folder: Path) -> None:
    tab.put("looking_in", str(folder))


@dialogs.dialog("Look for the folder")
def choose() -> None:
    """Steps through the folders of this computer; the chosen one is left in the session as `chosen_folder`."""
    here = Path(tab.get("looking_in") or Path.home())
    st.caption(literal(str(here)))
    with st.container(horizontal=True):
        st.button("Parent folder", icon=":material/arrow_upward:", on_click=_go, args=(here.parent,), key="up")
        if st.button("Open this folder", type="primary", key="take"):
            tab.put("chosen_folder", str(here))
            choose.close()
            st.rerun()
    with st.container(height=320):
        for folder in _folders_in(here):
            st.button(
                literal(folder.name),
                key=f"into {folder}",
                icon=":material/folder:",
                type="tertiary",
                on_click=_go,
                args=(folder,),
            )
