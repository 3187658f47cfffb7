"""Pictures: bring them in, look them over, label them."""

import streamlit as st

from core import checks
from pages.shared import frame
from pages.shared.pictures import add, browse, classes
from pages.shared.text import count, literal

here = frame.begin("Pictures")
catalogue = here.catalogue
missing = checks.why_not_trainable(catalogue)
filled = [name for name, number in catalogue.in_use.counts.items() if number]

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Pictures", anchor=False)
    with st.container(horizontal=True, width="content"):
        if st.button("Add pictures", icon=":material/add_photo_alternate:", type="primary" if missing else "secondary"):
            add.dialog(here.project)
        if st.button("Classes", icon=":material/label:"):
            classes.dialog(here.project)
        if not missing:
            frame.next_step("pages/2_Configure.py", "Next: choose how to train")
add.last_report()
st.markdown(f"{count(len(catalogue.pictures), 'picture')} in {count(len(filled), 'class')}. {literal(missing)}")
browse.show(here)
