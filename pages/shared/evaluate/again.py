"""Labels that were changed since a training, and the way to train again with them."""

from __future__ import annotations

import streamlit as st

from core.runs.lifecycle import RunSnapshot
from core.system.errors import FieldguideError
from pages.shared.session import state
from pages.shared.ui import page
from pages.shared.ui.page import Here
from pages.shared.ui.text import count


def changed(here: Here, run: RunSnapshot) -> int:
    """How many of the run's pictures have another class now, or none; those that are gone do not count."""
    classes = run.plan.classes
    now: dict[str, set[str | None]] = {}
    for picture in here.catalogue.pictures:
        now.setdefault(picture.id, set()).add(picture.class_name)
    return sum(1 for p in run.plan.pictures if p.id in now and classes[p.label] not in now[p.id])


def offer(here: Here, run: RunSnapshot) -> None:
    """One line and a button, where labels were changed."""
    number = changed(here, run)
    if not number:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{count(number, 'label')} changed since this training.")
        if st.button("Train again with them", icon=":material/replay:", key="train again"):
            several = run.result is not None and bool(run.result.ensemble)  # has no settings of its own
            config = state.draft_of(here.project) if several else run.plan.config
            try:
                state.train(here.project, config, here.catalogue, seen=here.newest)
            except FieldguideError as error:
                page.show_error(error)
            else:
                st.switch_page("pages/3_Train.py", query_params=state.link_params())
