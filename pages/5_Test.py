"""Test: new pictures, from a file, the webcam, or those kept apart from the sample."""

import streamlit as st

from core.errors import PictureError
from core.images import thumbnail
from core.prediction import Classifier
from pages.shared import charts, frame, state
from pages.shared.evaluate import why
from pages.shared.text import literal, percent

MOST_AT_ONCE = 100
SHOWN_PIXELS = 420

here = frame.begin("Test")
st.title("Test", anchor=False)
run = frame.trained_run(here)


@st.cache_resource(max_entries=4, show_spinner="Opening the model")
def load(path: str, sha256: str) -> Classifier:  # noqa: ARG001 - the digest is part of the key
    """The model of a run, kept open."""
    return Classifier.load(path)


with frame.stopping_at_errors():
    classifier = load(str(run.run.folder), str((run.result or {}).get("model_sha256")))


def answer(name: str, content: bytes) -> None:
    """One picture, large, with what the model says of it."""
    try:
        predictions = classifier.predict([content], [name])
        shown = thumbnail(content, SHOWN_PIXELS)
    except PictureError as error:
        st.error(f"{literal(name)} could not be read: {literal(error.message)}.", icon=":material/broken_image:")
        return
    probabilities = predictions.probabilities[0]
    with st.container(border=True):
        left, right = st.columns([2, 3], gap="medium", vertical_alignment="center")
        with left:
            st.image(shown, width="stretch", alt=f"{name}, cropped as the model sees it")
        with right:
            st.markdown(f"## {literal(predictions.labels[0])}")
            st.markdown(f"{percent(float(probabilities.max()))} sure (confidence) · {literal(name)}")
            figure = charts.answers(classifier.classes, probabilities.tolist())
            told = ", ".join(f"{c} {percent(float(p))}" for c, p in zip(classifier.classes, probabilities, strict=True))
            charts.show(figure, f"answers {name} {hash(content)}", told)
        why.explain_here(here, run, content, f"{name} {hash(content)}")


def known() -> list[tuple[str, bytes]]:
    """Pictures that come with the sample and were kept apart; none for other projects."""
    if set(run.plan.classes) != {folder.name for folder in state.SAMPLE.iterdir() if folder.is_dir()}:
        return []
    return [(path.name, path.read_bytes()) for path in sorted(state.NEW_PICTURES.glob("*.jpg"))]


@st.dialog("What is this?", width="medium")
def try_out(name: str, content: bytes) -> None:
    """One of the pictures kept apart, over the page, so that nothing on it moves."""
    answer(name, content)


left, right = st.columns(2, gap="large")
with left:
    st.subheader("From a file", anchor=False)
    files = st.file_uploader("Drop pictures here, or choose them", accept_multiple_files=True, key="files")
with right:
    st.subheader("From the webcam", anchor=False)
    frame_taken = (
        st.camera_input("Take a picture", label_visibility="collapsed", key="camera")
        if st.toggle("Switch the camera on", key="camera on")
        else None
    )
if frame_taken is not None:
    answer("webcam", frame_taken.getvalue())
for file in (files or [])[:MOST_AT_ONCE]:
    answer(file.name, file.getvalue())
if files and len(files) > MOST_AT_ONCE:
    st.caption(f"Only the first {MOST_AT_ONCE} are shown.")

kept_apart = known()
if kept_apart:
    st.subheader("Kept apart for you", anchor=False)
    st.caption("The model has never seen these leaves.")
    with st.grid("auto", min_column_width=104, gap="xsmall"):
        for name, content in kept_apart:
            with st.container(gap="xxsmall"):
                st.image(thumbnail(content, 160), width="stretch", alt=name)
                if st.button("Try", key=f"try {name}", width="stretch"):
                    try_out(name, content)
st.caption(f"It only knows {literal(', '.join(classifier.classes))}, and must choose one of them whatever it sees.")
st.page_link("pages/6_Export.py", label="Take it away", icon=":material/download:", query_params=state.link_params())
