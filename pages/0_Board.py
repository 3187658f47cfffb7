"""Board: show it pictures of each class, train, and try it, on one page."""

import streamlit as st

from pages.shared.board import board
from pages.shared.pictures import add
from pages.shared.session import state
from pages.shared.ui import page
from pages.shared.ui.text import count

here = page.begin("Board")
told = "Show it some pictures of each class, press Train, then try it with the camera."
with page.header("Board", f"{told} Drop several folders, and each becomes a class."):
    pass
add.last_report(here.project)
add.first_look(here.catalogue, here.project.framing())
if loose := len(here.catalogue.unlabelled):
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"{count(loose, 'picture')} without a class {'is' if loose == 1 else 'are'} not here.", width="content"
        )
        st.page_link(
            "pages/1_Pictures.py",
            label="Sort them",
            icon=":material/label:",
            query_params=state.link_params() | {"view": "Label what is new"},
        )
board.show(here)
