"""The next step after a training, as a button: the same on every page."""

from __future__ import annotations

from core.evaluation import next_step
from core.evaluation.next_step import NextStep
from core.evaluation.report import diagnosis_of
from core.runs.lifecycle import RunSnapshot
from pages.shared.evaluate.parts import answers_of
from pages.shared.ui import page
from pages.shared.ui.text import literal

PAGES = {
    "live": "pages/5_Test.py",
    "settings": "pages/2_Configure.py",
    "class": "pages/0_Board.py",
    "pictures": "pages/0_Board.py",
    "mistakes": "pages/4_Evaluate.py",
}
"""Where each kind of step is taken."""


def step_of(run: RunSnapshot) -> NextStep:
    """What to do next with a finished training. Raises RunError if it has no predictions."""
    test = answers_of(run).evaluation
    return next_step.next_step(test, diagnosis_of(run, test))


def offer(run: RunSnapshot, here: str = "") -> None:
    """The button; `here`: the page it is on, which leads on where that is the step. Raises RunError."""
    step = step_of(run)
    if PAGES[step.kind] == here:
        page.next_step(PAGES["live"], "Try it live")
    else:
        page.next_step(PAGES[step.kind], literal(step.label))
