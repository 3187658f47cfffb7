"""Export: the model as a file, measured before it is handed over."""

import pandas as pd
import streamlit as st

from core.export import KINDS, export_state, exports_of, start_exports
from pages.shared import frame
from pages.shared.text import count, literal

PLACES = {
    "On a computer, with Python": "float32",
    "On a phone": "float16",
    "On a Raspberry Pi": "int8",
    "On a Coral board": "int8",
}
KIND_WORDS = {
    "float32": "exact (float32)",
    "float16": "half the size (float16)",
    "dynamic": "a quarter of the size (dynamic range)",
    "int8": "whole numbers only (int8)",
}

here = frame.begin("Export")
st.title("Export", anchor=False)
run = frame.trained_run(here)

st.markdown("Where will it run?")
place = st.pills(
    "Where will it run?", list(PLACES), default=next(iter(PLACES)), required=True, label_visibility="collapsed"
)
kind = PLACES[place or next(iter(PLACES))]
if place == "On a Coral board":
    st.caption("A Coral needs one more step: run Google's `edgetpu_compiler` on the file.")
before = export_state(run.run)
working = before is not None and not before.ended


@st.fragment(run_every=1 if working else None)
def making() -> None:
    """The live part: what the export process is at."""
    now = export_state(run.run)
    if now is None:
        return
    made = len(exports_of(run.run))
    if working and (now.ended or made > len(ready)):
        st.rerun()
    if working:
        share = now.done / now.total if now.total else 0.0
        words = f"{made} of {len(KINDS)} made · {now.phase}"
        st.progress(min((made + share) / len(KINDS), 1.0), text=words)
    elif now.state != "done":
        message = now.message if now.state == "failed" else "The export was cut off."
        st.error(f"**{literal(message)}** {literal(now.hint or 'Try again.')}", icon=":material/error:")


ready = exports_of(run.run)
if kind in ready:
    made = ready[kind]
    with made.zip.open("rb") as file:
        st.download_button(
            f"Download ({made.zip.stat().st_size / 1e6:.1f} MB)",
            file,
            file_name=made.zip.name,
            mime="application/zip",
            type="primary",
            icon=":material/download:",
            on_click="ignore",
        )
    total = made.pictures
    same = round(made.agreement * total)
    if made.good:
        st.success(
            f"Measured: this file gave the trained model's answer on {same} of {count(total, 'test picture')}.",
            icon=":material/verified:",
        )
    else:
        st.error(
            f"This file answers differently from the trained model: the same answer only {same} of {total} times. "
            "Take another kind, or add pictures and train again.",
            icon=":material/error:",
        )
else:
    if st.button("Make the files", type="primary", icon=":material/build:", disabled=working):
        with frame.stopping_at_errors():
            start_exports(run.run, [kind, *(other for other in KINDS if other != kind)])
        st.rerun()
    st.caption("Four kinds are made, and each is measured on the test pictures: about half a minute.")
making()

if ready:
    st.subheader("All kinds", anchor=False)
    rows = [ready[name] for name in KINDS if name in ready]
    st.dataframe(
        pd.DataFrame(
            {
                "kind": [KIND_WORDS[row.kind] for row in rows],
                "as trained": ["yes" if row.good else "no" for row in rows],
                "same answers": [round(row.agreement, 3) for row in rows],
                "model (MB)": [row.bytes / 1e6 for row in rows],
                "right (accuracy)": [round(row.accuracy, 3) for row in rows],
                "largest difference": [row.max_difference for row in rows],
                "ms a picture": [row.milliseconds for row in rows],
            }
        ),
        hide_index=True,
        column_config={
            "kind": st.column_config.TextColumn(width=240),
            "model (MB)": st.column_config.NumberColumn(format="%.1f"),
            "same answers": st.column_config.NumberColumn(format="percent"),
            "right (accuracy)": st.column_config.NumberColumn(format="percent"),
            "largest difference": st.column_config.NumberColumn(format="%.2g"),
            "ms a picture": st.column_config.NumberColumn(format="%.1f"),
        },
        alt="Size, agreement, accuracy and speed of each kind of file",
    )
    for row in rows:
        if row.differ and not row.good:
            st.caption(f"{KIND_WORDS[row.kind]}: {count(len(row.differ), 'picture')} answered differently")
    st.caption(
        "Same answers: how often the file says what the trained model says, on the test part. Milliseconds are of this "
        "machine, on one core. The zip holds the model, its labels, and a short program that uses it."
    )
