"""The table of all trainings, what a person adds to one, deleting one, and the model card."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict

import pandas as pd
import streamlit as st

from core.datasets.project import Project
from core.evaluation import model_card
from core.export.exports import exports_of
from core.runs.history import Row, as_csv, delete, why_not_deleted
from core.runs.lifecycle import RunSnapshot
from core.runs.notes import MAX_NAME, MAX_NOTES, About, about, change
from core.system.csv_safety import safe_cell
from core.system.errors import FieldguideError
from pages.shared.pictures import edits
from pages.shared.session import state, tab
from pages.shared.ui import page
from pages.shared.ui.page import Here
from pages.shared.ui.text import count, literal

_STAR = "★ "
_FULL = 6


def starred(row: Row) -> str:
    """A training's title for a list, which takes text as it is; a star before those that have one."""
    return f"{_STAR if row.about.star else ''}{row.title}"


def undo_last(project: Project) -> None:
    """Offers to bring back the training that this tab deleted last, while nothing else was done since."""
    sentence = tab.get("deleted run")
    if sentence and sentence == project.journal.next_undo():
        edits.undo_button(project)


def card_buttons(run: RunSnapshot) -> None:
    """Downloads of the model card; it is written at the click."""
    with st.popover("Model card", icon=":material/description:"):
        st.markdown("One page for whoever uses the model: what it knows, how good it is, and what it is not for.")
        for name, suffix, mime, writer in (
            ("As a web page (HTML)", "html", "text/html", model_card.html),
            ("As text (Markdown)", "md", "text/markdown", model_card.markdown),
        ):
            st.download_button(
                name,
                lambda writer=writer: writer(run.run).encode(),  # type: ignore[misc]
                f"model-card-{run.run.id}.{suffix}",
                mime,
                icon=":material/download:",
                on_click="ignore",
                key=f"card {suffix}",
            )


def table(here: Here, run: RunSnapshot, rows: list[Row], *, opened: bool) -> None:
    """All trainings in a table; below it one can be named, starred, opened or deleted."""
    with st.expander(f"All trainings: {len(rows)}", icon=":material/history:", expanded=opened, key="all trainings"):
        frame = _frame(rows, run.run.id)
        if not st.toggle("For experts", key="trainings for experts", persist_state="session"):
            frame = frame.drop(columns=["F1", "Log-loss"])
        st.dataframe(
            frame,
            hide_index=True,
            height="auto" if len(rows) <= _FULL else 36 * (_FULL + 1),
            placeholder="",
            column_config={
                "": st.column_config.TextColumn(width="small"),
                "Training": st.column_config.TextColumn(width="medium"),
                "When": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm"),
                "Right in the test": st.column_config.NumberColumn(format="percent", help="Test accuracy."),
                "at least": st.column_config.NumberColumn(format="percent", help="Lower end of the 95 % interval."),
                "at most": st.column_config.NumberColumn(format="percent", help="Upper end of the 95 % interval."),
                "When checked": st.column_config.NumberColumn(format="percent", help="Validation accuracy."),
                "F1": st.column_config.NumberColumn(format="%.2f", help="Mean of the classes' F1 (macro F1)."),
                "Log-loss": st.column_config.NumberColumn(format="%.3f", help="Smaller is better."),
                "Seconds": st.column_config.NumberColumn(format="%.0f"),
            },
            alt="All trainings with their numbers",
        )
        st.download_button(
            "All as a table (CSV)", lambda: as_csv(rows).encode("utf-8-sig"), f"{here.project.name}-trainings.csv",
            "text/csv", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        _one(here, run, rows)


def _frame(rows: list[Row], current: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "": [f"{_STAR if row.about.star else ''}{'this' if row.id == current else ''}" for row in rows],
            "Training": [safe_cell(row.title) for row in rows],
            "Right in the test": _shares(row.accuracy for row in rows),
            "at least": _shares(row.low for row in rows),
            "at most": _shares(row.high for row in rows),
            "When checked": _shares(row.val_accuracy for row in rows),
            "F1": [row.macro_f1 for row in rows],
            "Log-loss": [row.log_loss for row in rows],
            "Recipe": [safe_cell(row.recipe) for row in rows],
            "Network": [row.backbone for row in rows],
            "Own settings": ["; ".join(map(str, row.differs)) for row in rows],
            "Pictures": [row.pictures or None for row in rows],
            "Classes": [row.classes or None for row in rows],
            "Seconds": [row.seconds for row in rows],
            "When": [pd.Timestamp(*time.localtime(row.created)[:6]) if row.created else None for row in rows],
            "State": [row.problem or row.state for row in rows],
            "Notes": [safe_cell(row.about.notes) for row in rows],
        }
    )


def _shares(values: Iterable[float | None]) -> list[float | None]:
    return [None if value is None else round(value, 3) for value in values]


def _one(here: Here, run: RunSnapshot, rows: list[Row]) -> None:
    titles = {row.id: starred(row) for row in rows}
    if not titles:
        return
    key = f"chosen training {run.run.id}"
    if tab.get(key) not in titles:
        tab.put(key, run.run.id if run.run.id in titles else rows[0].id)
    name = st.selectbox("Name, star or delete one", list(titles), format_func=lambda one: titles[one], key=key)
    row = next(row for row in rows if row.id == name)
    if not row.problem:
        _about(row)
    with st.container(horizontal=True):
        if row.id != run.run.id and st.button("Look at this one", icon=":material/visibility:", key="open training"):
            state.select_run(row.run)
            st.rerun()
        _delete(here.project, row)


def _about(row: Row) -> None:
    """The form. What was seen is kept until it is saved: a change made in another tab meanwhile is noticed, not undone."""
    kept, theirs = f"seen {row.id}", f"theirs {row.id}"
    seen = About(**tab.first(kept, asdict(row.about)))
    stamp = f"{row.id} {hash(seen)}"
    with st.form(f"about {row.id}", border=False):
        name = st.text_input("Name", seen.name, MAX_NAME, placeholder=row.title, key=f"name {stamp}")
        notes = st.text_area("Notes", seen.notes, max_chars=MAX_NOTES, height=90, key=f"notes {stamp}")
        star = st.toggle("Star", seen.star, key=f"star {stamp}", help="Starred trainings come first in lists.")
        saved = st.form_submit_button("Keep", icon=":material/check:")
    if not saved:
        return
    before = About(**tab.take(theirs, asdict(seen)))
    try:
        change(row.run, before, name=name, notes=notes, star=star)
    except FieldguideError as error:
        page.show_error(error)
        now = about(row.run)
        if now != before:
            tab.put(theirs, asdict(now))
            st.caption(
                f"It is now: {literal(now.name or row.title)}. {literal(now.notes)} Press Keep again to put yours in its place."
            )
        return
    tab.take(kept)
    st.rerun()


def _delete(project: Project, row: Row) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        reason = why_not_deleted(project, row.run)
        if reason:
            st.markdown(literal(reason))
            return
        files = len(exports_of(row.run))
        more = f", {count(files, 'exported file')}" if files else ""
        st.markdown(f"{literal(row.title)} goes to the bin, with its model, its numbers{more} and its notes.")
        if st.button("Delete the training", type="primary", key=f"delete {row.id}"):
            try:
                made = delete(project, row.run)
            except FieldguideError as error:
                page.show_error(error)
                return
            tab.put("deleted run", made.sentence)
            if tab.get("run") == row.id:
                tab.take("run")
                st.query_params.pop("run", None)
            st.toast(literal(f"{made.sentence[:1].upper()}{made.sentence[1:]}."), icon=":material/delete:")
            st.rerun()
