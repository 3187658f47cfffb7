"""Evaluate: from the numbers to the pictures behind them, and back."""

import time

import streamlit as st

from core.evaluation.report import diagnosis_of
from core.system.statistics import if_few
from pages.shared.evaluate import advice, after, ahead, compare, matrix, numbers, parts, stress, sure, why
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
LATE_SECONDS = 5
OF_A_PART = ("Mistakes", "Numbers")  # the part of the split is chosen for these

here = page.begin("Evaluate")
run = here.run
if run is None or run.result is None:
    st.title("Evaluate", anchor=False)
    st.markdown("There is nothing to look at yet: train first.")
    page.next_step("pages/3_Train.py", "Go to Train")
    st.stop()
with page.stopping_at_errors():
    evaluation = parts.answers_of(run).evaluation
    found = diagnosis_of(run, evaluation)
told = f"**{evaluation.in_words}** on the test part, {percent(evaluation.accuracy)}."
with page.header("Evaluate", told) as below:
    below.caption(f"{page.run_title(run.run, run.plan)}.{if_few(evaluation.right, evaluation.total)}")
    after.offer(run, "pages/4_Evaluate.py")

advice.show_cards(here, run, found)

asked = st.query_params.get("view")
address, before, since = tab.get("evaluate address", (None, None, 0.0))
late = asked == before and time.monotonic() - since < LATE_SECONDS  # asked before the browser heard of the new address
if asked in VIEWS and asked != address and not late:  # a link led here
    tab.put("evaluate view", asked)
tab.first("evaluate view", "Mistakes")
with st.container(horizontal=True):
    with st.container(key="one-row-of-views"):
        view = st.segmented_control(
            "View",
            list(VIEWS),
            required=True,
            label_visibility="collapsed",
            key="evaluate view",
            persist_state="session",
        )
    chosen = view or "Mistakes"
    if chosen in OF_A_PART:
        parts.choose_part()
st.query_params["view"] = chosen
if chosen != address:
    tab.put("evaluate address", (chosen, address, time.monotonic()))
VIEWS[chosen].show(here, run)
advice.show_rest(found)
ahead.look_ahead(here)
state.select_run(run.run)
