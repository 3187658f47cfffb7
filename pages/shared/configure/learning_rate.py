"""The learning-rate finder, as a part of the search: a button, its curve, and what it suggests."""

from __future__ import annotations

import streamlit as st

from core.config.training import TrainConfig
from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.quality import analysis
from core.system.errors import FieldguideError
from core.training.experiments import Study, latest, start_study
from core.training.experiments.found import RatesFound
from pages.shared.configure import search_charts
from pages.shared.session import tab
from pages.shared.ui import charts, page
from pages.shared.ui.progress import show_progress, stop_button
from pages.shared.ui.text import literal

WANTED = "learning rate wanted"
"""Where the session keeps the rate that someone wants to use, until the page is drawn again."""


def show(project: Project, catalogue: Catalogue, config: TrainConfig) -> None:
    """Draws it; a rate that is wanted is left at WANTED."""
    study = latest(project, "learning-rate")
    live = study is not None and not study.state().ended
    st.fragment(_finder, run_every=1 if live else None)(project, catalogue, config, live)


def _finder(project: Project, catalogue: Catalogue, config: TrainConfig, live: bool) -> None:
    study = latest(project, "learning-rate")
    now = study.state() if study else None
    if live and (now is None or now.ended):
        st.rerun()
    st.markdown("**How far should each step go (learning-rate finder)?**")
    st.caption("Takes larger and larger steps, 300 at most, and sees where they help most. " + _of(config))
    if study and now and live:
        show_progress(now)
        stop_button(study.task, "rate stop")
        return
    if st.button("Find a learning rate", icon=":material/trending_down:"):
        try:
            analysis.task(project).stop()  # a look at the pictures would make it wait
            start_study(project, "learning-rate", config, catalogue=catalogue)
        except FieldguideError as error:
            page.show_error(error)
            return
        st.rerun()
    if study is None or now is None:
        return
    if now.state in ("failed", "interrupted"):
        message = now.message if now.state == "failed" else "It was cut off: its process ended without a word."
        st.error(f"**{literal(message)}** {literal(now.hint if now.state == 'failed' else 'Try again.')}")
    found = study.found(RatesFound)
    if not found or not _alike(study, config):
        return
    rate = found.suggestion
    told = (
        f"The loss falls most steeply at {rate:g}."
        if rate
        else "The loss fell at no rate by more than chance. More pictures may help."
    )
    charts.show(search_charts.rates(found), "learning rates", f"Loss by learning rate. {told}")
    st.caption(told)
    if rate and st.button(f"Use this rate: {rate:g}", key="use the rate", icon=":material/check:"):
        tab.put(WANTED, rate)
        st.rerun()


def _of(config: TrainConfig) -> str:
    """What learns, and how long that takes."""
    if not config.pretrained:
        return "The whole network learns: seconds for a small one, minutes for a large one."
    solved = " Now the head is solved at once (lbfgs), without steps; with a rate it learns by adam." * config.solved
    return f"A few seconds, once the pictures are known.{solved}"


def _alike(study: Study, config: TrainConfig) -> bool:
    """Whether it is of the network that is chosen now, and of steps of that kind: of another it would tell nothing."""
    try:
        then = study.records.plan().config
    except FieldguideError:  # its record is damaged
        return False
    return _kind(then) == _kind(config)


def _kind(config: TrainConfig) -> tuple[object, ...]:
    layers = None if config.pretrained else config.architecture
    return config.backbones, layers, "adam" if config.solved else config.optimizer
