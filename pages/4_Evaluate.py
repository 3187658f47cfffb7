"""Evaluate: the numbers, and the pictures that it got wrong."""

import streamlit as st

from core.intervals import FEW, in_words
from core.runs import evaluate
from pages.shared import frame, gallery, results, state
from pages.shared.text import literal, percent, safe_cell

MOST_SHOWN = 60

here = frame.begin("Evaluate")
st.title("Evaluate", anchor=False)
run = here.run
if run is None or run.result is None:
    st.markdown("There is nothing to look at yet: train first.")
    frame.next_step("pages/3_Train.py", "Go to Train")
    st.stop()

with frame.stopping_at_errors():
    evaluation = evaluate(run.run)
    probabilities = run.run.records.predictions("test")
total = evaluation.total
chance = f" (on many more such pictures {in_words(evaluation.right, total)})" if total < FEW else ""
st.markdown(
    f"**{evaluation.in_words}** on the test part, {percent(evaluation.accuracy)}{chance}. "
    f"{literal(run.result['diagnosis'])}"
)
frame.next_step("pages/5_Test.py", "Next: try new pictures")

mistakes_tab, classes_tab = st.tabs(["Mistakes", "Classes"])
with mistakes_tab:
    truth = [picture.label for picture in run.plan.part("test")]
    wrong = [
        (float(row.max()), picture, int(row.argmax()))
        for picture, row in zip(run.plan.part("test"), probabilities, strict=True)
        if int(row.argmax()) != picture.label
    ]
    if not wrong:
        st.markdown("No mistakes on the test part.")
    else:
        st.caption("The surest mistakes first. Is the picture unclear, in the wrong folder, or the model wrong?")
        by_id = {picture.id: picture for picture in here.catalogue.pictures}
        found = [item for item in sorted(wrong, key=lambda item: -item[0])[:MOST_SHOWN] if item[1].id in by_id]
        gallery.grid(
            here.project,
            [by_id[picture.id] for _, picture, _ in found],
            [
                f"{run.plan.classes[picture.label]}, taken for {run.plan.classes[said]} ({percent(sure)})"
                for sure, picture, said in found
            ],
            width=190,
        )
        gone = len(wrong) - len(found)
        if gone and len(wrong) <= MOST_SHOWN:
            st.caption(f"{gone} more are no longer in the folder.")
        with st.expander("Their files"):
            st.dataframe(
                {
                    "file": [safe_cell(p.path) for _, p, _ in found],
                    "is": [safe_cell(run.plan.classes[p.label]) for _, p, _ in found],
                    "taken for": [safe_cell(run.plan.classes[said]) for _, _, said in found],
                },
                hide_index=True,
            )
with classes_tab:
    results.matrix_and_classes(evaluation)
if len(evaluation.classes) and evaluation.total < 200:
    st.caption(
        f"With {evaluation.total} test pictures the number may be off by several points: more pictures tell more."
    )
state.select_run(run.run)
