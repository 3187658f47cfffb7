"""Test: new pictures, from files, a folder, the webcam, or those kept apart from the sample."""

import streamlit as st

from core.imaging.decode import thumbnail
from pages.shared.predict import live, many, model, one, pictures
from pages.shared.session import state
from pages.shared.ui import dialogs, page
from pages.shared.ui.text import literal

here = page.begin("Test")
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Test", anchor=False)
    model.offer()
tested = model.choose(here)
classifier = tested.classifier


def known() -> list[tuple[str, bytes]]:
    """Pictures that come with the sample and were kept apart; none for other projects."""
    if set(classifier.classes) != {folder.name for folder in state.SAMPLE.iterdir() if folder.is_dir()}:
        return []
    return [(path.name, path.read_bytes()) for path in sorted(state.NEW_PICTURES.glob("*.jpg"))]


@dialogs.dialog("What is this?")
def try_out(name: str, content: bytes) -> None:
    """One of the pictures kept apart, over the page, so that nothing on it moves."""
    with page.stopping_at_errors():
        one.ask(here, tested, name, content)


left, right = st.columns(2, gap="large")
with left:
    st.header("From files", anchor=False)
    files = st.file_uploader("Drop pictures or a zip of them here", accept_multiple_files=True, key="files")
    typed = st.text_input("Or a folder or zip on this computer", key="test folder").strip()
with right:
    st.header("From the webcam", anchor=False)
    once = st.toggle("Switch the camera on", key="camera on")
    taken = st.camera_input("Take a picture", label_visibility="collapsed", key="camera") if once else None
    if once:
        st.caption(
            "If no picture shows: this computer has no camera, another program holds it, or the browser may not use it."
        )
    moving = st.toggle("Live: watch the answer move", key="live on", disabled=once)
if moving and not once:
    twin = model.integer_twin(tested)
    live.show(here, {"exact": tested} | ({"whole numbers (int8)": twin} if twin else {}))
with page.stopping_at_errors():
    if taken is not None:
        one.ask(here, tested, "webcam", taken.getvalue())
    if files:
        many.show(here, tested, pictures.look_at(tested, *pictures.plans_of(files)), "files")
    if typed:
        plan, key = pictures.place_of(typed)
        many.show(here, tested, pictures.look_at(tested, [plan], [key]), "folder")

kept_apart = known()
if kept_apart:
    st.header("Kept apart for you", anchor=False)
    st.caption("The model has never seen these leaves.")
    with st.grid("auto", min_column_width=104, gap="xsmall"):
        for number, (name, content) in enumerate(kept_apart, 1):
            with st.container(gap="xxsmall"):  # the file is called as the leaf: that would give the answer away
                st.image(thumbnail(content, classifier.framing, 160), width="stretch", alt=f"Leaf {number} to try")
                if st.button("Try", key=f"try {name}", width="stretch"):
                    try_out.open(name, content)
    try_out.show()
st.caption(f"It only knows {literal(', '.join(classifier.classes))}, and must choose one of them whatever it sees.")
if tested.run is not None:
    st.page_link(
        "pages/6_Export.py", label="Download the model", icon=":material/download:", query_params=state.link_params()
    )
