"""What the rules found, the most telling first, each with the next click."""

from __future__ import annotations

import streamlit as st

from core.evaluation.report import diagnosis_of
from core.runs.diagnosis import Diagnosis
from core.runs.lifecycle import RunSnapshot
from pages.shared.evaluate.parts import answers_of
from pages.shared.session import state, tab
from pages.shared.ui.page import Here
from pages.shared.ui.text import count, literal

_PAGES = {
    "pictures": ("pages/1_Pictures.py", "To the pictures"),
    "configure": ("pages/2_Configure.py", "To the settings"),
    "train": ("pages/3_Train.py", "To Train"),
    "test": ("pages/5_Test.py", "Try new pictures"),
}
_VIEWS = {"mistakes": "Mistakes", "stress": "Harder pictures"}


def show(here: Here, run: RunSnapshot) -> None:  # noqa: ARG001 - as the views are called
    """The first finding as a sentence; the others fold away."""
    first, *others = diagnosis_of(run, answers_of(run).evaluation)
    st.markdown(literal(first.sentence))
    if others:
        with st.expander(f"{count(len(others), 'more thing')} to know", icon=":material/lightbulb:"):
            for number, one in enumerate(others):
                with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                    with st.container():
                        st.markdown(literal(one.sentence))
                        if one.evidence:
                            st.caption(literal(one.evidence))
                    _go(one, number)


def _go(one: Diagnosis, number: int) -> None:
    if one.step in _PAGES:
        page, label = _PAGES[one.step]
        st.page_link(page, label=label, icon=":material/arrow_forward:", query_params=state.link_params())
    else:
        st.button(
            "Show them",
            key=f"advice {number}",
            type="tertiary",
            icon=":material/arrow_forward:",
            on_click=_open,
            args=(one,),
        )


def _open(one: Diagnosis) -> None:
    tab.put("evaluate view", _VIEWS[one.step])
