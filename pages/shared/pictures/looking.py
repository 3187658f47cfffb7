"""The look at all pictures in the background, as the views that need its result show it."""

from __future__ import annotations

import streamlit as st

from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.quality import analysis
from core.quality.analysis import Analysis
from pages.shared.ui.progress import show_progress
from pages.shared.ui.text import literal


def result(project: Project, catalogue: Catalogue) -> Analysis | None:
    """What the last look found; starts a look when there are pictures that were never
    looked at, and shows the one under way."""
    found, now = analysis.read(project), analysis.task(project).state()
    live = now is not None and not now.ended
    fresh = found is not None and found.fresh(project, catalogue)
    new = found is None or (not fresh and not {picture.id for picture in catalogue.in_use.pictures} <= set(found.ids))
    if not live and new and (now is None or now.state != "failed"):
        analysis.start(project, catalogue)
        live = True
    if live:
        _progress(project)
    elif now is not None and now.state == "failed":
        st.warning(f"{literal(now.message)} {literal(now.hint)}", icon=":material/error:")
    return found


def again(project: Project, catalogue: Catalogue) -> None:
    """Below a view: how fresh what it shows is, and a button for another look."""
    found, now = analysis.read(project), analysis.task(project).state()
    if (now is not None and not now.ended) or (found is not None and found.fresh(project, catalogue)):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Look again", icon=":material/refresh:", key="look again"):
            analysis.start(project, catalogue)
            st.rerun()
        if found is not None:
            st.caption("Pictures, labels or the model have changed since the last look.")


def _progress(project: Project) -> None:
    @st.fragment(run_every=1)
    def strip() -> None:
        now = analysis.task(project).state()
        if now is None or now.ended:
            st.rerun()
        else:
            show_progress(now)

    strip()
