"""Test: what the model says of the camera, of files and folders, and of pictures that it has not learned from."""

import streamlit as st

from pages.shared.predict import kept_apart, live, many, model, one, pictures
from pages.shared.session import state, tab
from pages.shared.ui import folder_picker, page
from pages.shared.ui.text import literal

here = page.begin("Test")
with page.header("Test"):
    model.offer()
tested = model.choose(here)

st.header("Live: watch the answer move", anchor=False)
once = tab.get("camera on", False)
if once:
    taken = st.camera_input("Take a picture", label_visibility="collapsed", key="camera")
    st.caption(
        "If no picture shows: this computer has no camera, another program holds it, or the browser may not use it."
    )
else:
    taken = None
    twin = model.integer_twin(tested)
    live.show(here, {"exact": tested} | ({"whole numbers (int8)": twin} if twin else {}))
st.toggle("Take one picture, and ask why", key="camera on")
with page.stopping_at_errors():
    if taken is not None:
        one.ask(here, tested, "webcam", taken.getvalue())

st.header("From files", anchor=False)
left, right = st.columns(2, gap="large")
with left:
    files = st.file_uploader("Drop pictures or a zip of them here", accept_multiple_files=True, key="files")
with right:
    typed = folder_picker.written(st.text_input("Or a folder or zip on this computer", key="test folder"))
    folder_picker.beside("test folder")
with page.stopping_at_errors():
    if files:
        many.show(here, tested, pictures.look_at(tested, *pictures.plans_of(files)), "files")
    if typed:
        plan, key = pictures.place_of(typed)
        many.show(here, tested, pictures.look_at(tested, [plan], [key]), "folder")

kept_apart.show(here, tested)
st.caption(
    f"It only knows {literal(', '.join(tested.classifier.classes))}, and must choose one of them whatever it sees."
)
if tested.run is not None:
    st.page_link(
        "pages/6_Export.py", label="Download the model", icon=":material/download:", query_params=state.link_params()
    )
