"""How far a task is, in words and as a bar, and the button that stops it: the same on every page."""

from __future__ import annotations

import streamlit as st

from core.system.tasks.handle import TaskHandle
from core.system.tasks.records import TaskState
from pages.shared.ui.text import duration, literal

PHASES = {
    "starting": "starting ...",
    "waiting": "waiting for its turn",
    "download": "fetching the model's weights (only the first time)",
    "prepare": "getting the model ready (only the first time, about 10 s)",
    "loading": "starting the engine, a few seconds",
    "reading": "reading the pictures",
    "features": "looking at each picture (features)",
    "activations": "looking at each picture, half way through the network (activations)",
    "fit": "learning (epochs)",
    "building": "building the network",
    "compare": "comparing",
    "search": "trying settings",
    "map": "drawing the map",
    "fine-tune": "training the network itself (fine-tuning)",
    "evaluate": "taking the test",
    "save": "writing the model file, a few seconds",
    "looking inside": "finding out where it looks",
    "browser": "fetching what runs a model in a browser (only the first time)",
    "converting": "converting",
    "checking": "checking that it answers the same",
}
"""What a task does, by the phase that it names."""


def phase_words(now: TaskState) -> str:
    """What a task does, in words, escaped for Markdown."""
    words = PHASES.get(now.phase) or literal(now.phase)
    if now.phase == "waiting":
        words += ", next" if now.before <= 1 else f", {now.before} come first"
    return f"{words[:1].upper()}{words[1:]}"


def show_progress(now: TaskState, what: str = "") -> None:
    """One line and one bar: the phase, how far it is, and the time left; the space is the same in every phase. `what`: what
    of several things it is at, escaped for Markdown."""
    share = now.done / now.total if now.total else 0.0
    left = f" · {duration(now.seconds_left)} left" if now.seconds_left is not None else ""
    st.progress(min(share, 1.0), text=f"{what and f'{what}: '}{phase_words(now)}{left}")


def stop_button(task: TaskHandle, key: str, *, main: bool = False) -> None:
    """Asks the task to stop; says so until it has."""
    asked = task.records.stop_asked()
    st.button(
        "Stopping…" if asked else "Stop",
        key=key,
        type="primary" if main else "secondary",
        icon=":material/stop:",
        disabled=asked,
        on_click=task.stop,
    )
