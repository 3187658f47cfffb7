"""Evaluate: from the numbers to the pictures behind them, and back."""

import streamlit as st

from core.system.statistics import if_few
from pages.shared.evaluate import advice, compare, matrix, numbers, stress, sure, why
from pages.shared.evaluate.parts import answers_of
from pages.shared.session import state, tab
from pages.shared.ui import page
from pages.shared.ui.text import percent

VIEWS = {
    "Mistakes": matrix,
    "Numbers": numbers,
    "Sure or not": sure,
    "Why": why,
    "Harder pictures": stress,
    "Compare": compare,
}

here = page.begin("Evaluate")
run = here.run
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Evaluate", anchor=False)
    if run is None or run.result is None:
        with st.container():
            st.markdown("There is nothing to look at yet: train first.")
            page.next_step("pages/3_Train.py", "Go to Train")
        st.stop()
    page.next_step("pages/5_Test.py", "Next: try new pictures")
with page.stopping_at_errors():
    evaluation = answers_of(run).evaluation
chance = if_few(evaluation.right, evaluation.total)
name = page.run_title(run.run, run.plan)
st.markdown(f"{name}: **{evaluation.in_words}** on the test part, {percent(evaluation.accuracy)}.{chance}")
advice.show(here, run)

asked = st.query_params.get("view")
if asked in VIEWS and asked != tab.get("evaluate view in the address"):  # a link led here
    tab.put("evaluate view", asked)
tab.first("evaluate view", "Mistakes")
view = st.segmented_control(
    "View", list(VIEWS), required=True, label_visibility="collapsed", key="evaluate view", persist_state="session"
)
chosen = view or "Mistakes"
st.query_params["view"] = chosen
tab.put("evaluate view in the address", chosen)
VIEWS[chosen].show(here, run)
state.select_run(run.run)
