"""Board: show it pictures of each class, train, and try it, on one page."""

import streamlit as st

from pages.shared.board import board
from pages.shared.ui import page

here = page.begin("Board")
st.title("Board", anchor=False)
st.markdown("Show it some pictures of each class, press Train, then try it with the camera.")
board.show(here)
