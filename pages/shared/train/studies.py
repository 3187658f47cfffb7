"""What many small trainings tell: how much is chance, whether more pictures would help, and whether they may be mirrored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.config.recipes import title_of
from core.config.training import TrainConfig
from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.runs.notes import usual_title
from core.runs.result import Shape
from core.system.csv_safety import safe_cell
from core.system.errors import FieldguideError
from core.system.tasks.records import TaskState
from core.training.experiments import Kind, Study, cross_validation, latest, learning_curve, mirror
from core.training.experiments.found import CurveFound, FoldsFound, MirrorFound
from core.training.experiments.preconditions import why_not
from pages.shared.train import figures
from pages.shared.ui import charts, page
from pages.shared.ui.progress import show_progress, stop_button
from pages.shared.ui.text import literal, percent


@dataclass(frozen=True)
class _Part:
    """One study as the page shows it. `head`: whether it fits heads with the chosen settings, which not all allow."""

    kind: Kind
    title: str
    icon: str
    words: str
    button: str
    start: Callable[[Project, TrainConfig, Catalogue], Study]
    found: type[Shape]
    draw: Callable[[Any], None]
    head: bool = True


def show(project: Project, catalogue: Catalogue, config: TrainConfig) -> None:
    """An expander for each study; `config`: the settings that a new one is about."""
    for part in _PARTS:
        with st.expander(part.title, icon=part.icon, key=f"study {part.kind}"):
            _part(part, project, catalogue, config)


def _part(part: _Part, project: Project, catalogue: Catalogue, config: TrainConfig) -> None:
    study = latest(project, part.kind)
    live = study is not None and not study.state().ended

    @st.fragment(run_every=1 if live else None)
    def watch() -> None:
        now = study.state() if study else None
        if live and now and now.ended:
            st.rerun()
        st.markdown(part.words)
        if live and study and now:
            stop_button(study.task, f"stop {part.kind}")
            show_progress(now)
        else:
            _start(part, project, catalogue, config, again=study is not None)
            _said(now)
        found = study.found(part.found) if study else None
        if study and found:
            part.draw(found)
            _about(study)

    watch()


def _start(part: _Part, project: Project, catalogue: Catalogue, config: TrainConfig, *, again: bool) -> None:
    reason = why_not(config) if part.head else ""
    if st.button(
        "Try again" if again else part.button,
        key=f"start {part.kind}",
        icon=":material/replay:" if again else ":material/science:",
        disabled=bool(reason),
    ):
        try:
            part.start(project, config, catalogue)
        except FieldguideError as error:
            page.show_error(error)
        else:
            st.rerun()
    if reason:
        st.caption(reason)


def _said(now: TaskState | None) -> None:
    """How the last one ended, where it did not simply end well."""
    if now and now.state in ("failed", "interrupted"):
        page.show_error(FieldguideError(now.message, now.hint))
    elif now and now.state == "stopped":
        st.caption(literal(now.message))


def _about(study: Study) -> None:
    """Of which settings and pictures the result is."""
    try:
        plan = study.records.plan()
    except FieldguideError:
        return
    st.caption(
        f"With the settings of {literal(usual_title(title_of(plan.config.recipe), plan.created))}, on the pictures of then."
    )


def _draw_cross_validation(found: FoldsFound) -> None:
    st.markdown(f"**{literal(cross_validation.in_words(found))}**")
    each = ", ".join(percent(fold.accuracy) for fold in found.folds)
    low, high = (percent(share) for share in found.interval)
    told = f"Accuracy of each test: {each}. Mean {percent(found.mean)}, interval {low} to {high}."
    charts.show(figures.folds(found), "folds", told)
    st.caption(
        "Each dot is one test, the line is their mean, and in the shaded range lies the true share with 95 % confidence. "
        f"{literal(found.note)}"
    )


def _draw_learning_curve(found: CurveFound) -> None:
    steps = found.steps
    if not steps:
        return
    st.markdown(f"**{literal(found.sentence)}**" if found.sentence else "The answer comes at the end.")
    told = ", ".join(f"{percent(step.accuracy)} with {step.pictures:,.0f}" for step in steps)
    figure = figures.learning(found, "accuracy", "How many are right (accuracy)")
    charts.show(figure, "curve accuracy", f"Accuracy by pictures to learn from: {told}")
    if st.toggle("For experts", key="curve for experts", persist_state="session"):
        told = ", ".join(f"{step.log_loss:.2f} with {step.pictures:,.0f}" for step in steps)
        figure = figures.learning(found, "log_loss", "How far off (log-loss)")
        charts.show(figure, "curve log-loss", f"Log-loss by pictures to learn from: {told}")
    if found.tried:
        st.caption(
            "How many pictures of a class are recognised (recall), and how many if it learns from a third fewer of them:"
        )
        share = st.column_config.NumberColumn(format="percent")
        st.dataframe(
            pd.DataFrame(
                {
                    "class": [safe_cell(row.class_name) for row in found.tried],
                    "pictures": [row.pictures for row in found.tried],
                    "recall": [round(row.recall, 2) for row in found.tried],
                    "with fewer": [round(row.recall_with_fewer, 2) for row in found.tried],
                }
            ),
            hide_index=True,
            column_config={"recall": share, "with fewer": share},
            alt="Recall of each class with all its pictures and with a third fewer",
        )


def _draw_mirror(found: MirrorFound) -> None:
    st.markdown(f"**{literal(found.sentence)}**")
    if found.kind == "harm":
        st.caption("Leave Mirror off on Configure, among the changed copies (augmentation).")


_PARTS = (
    _Part(
        "cross-validation",
        "How much is chance? (cross-validation)",
        ":material/casino:",
        "Another handful of test pictures would give another number. Here the test is done five times, so that each of "
        "your pictures, those of the test part too, is a test picture once.",
        "Test five times",
        lambda project, config, catalogue: cross_validation.start(project, config, catalogue=catalogue),
        FoldsFound,
        _draw_cross_validation,
    ),
    _Part(
        "learning-curve",
        "Would more pictures help? (learning curve)",
        ":material/show_chart:",
        "It learns from a few of your pictures, then from twice as many, up to all. If the curve still climbs at its end, "
        "more would help. Then it tries for each class what is lost without a third of it.",
        "Find out",
        lambda project, config, catalogue: learning_curve.start(project, config, catalogue=catalogue),
        CurveFound,
        _draw_learning_curve,
    ),
    _Part(
        "mirror",
        "May pictures be mirrored? (flip check)",
        ":material/flip:",
        "A mirrored leaf is still a leaf, but a mirrored b is a d. It learns with and without mirror images and compares.",
        "Find out",
        mirror.start,
        MirrorFound,
        _draw_mirror,
        head=False,
    ),
)
