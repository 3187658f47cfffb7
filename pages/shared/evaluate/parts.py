"""What a run's model says of a part of its split, as all views of Evaluate see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.config.framing import Framing
from core.evaluation import training_predictions
from core.inference.calibration import cooled
from core.inference.decision import decision_of
from core.inference.metrics import Evaluation, evaluate_predictions
from core.runs.lifecycle import RunSnapshot
from core.runs.records import RunPicture, RunRecords
from core.system.errors import RunError
from pages.shared.session import tab
from pages.shared.ui import page
from pages.shared.ui.text import count

PARTS = {"test": "Test", "val": "Validation", "train": "Training"}
_PART = "evaluate part"
_NOTES = {
    "val": "It did not learn from these, but rounds and settings are chosen by them: the number may be a little too good.",
    "train": "It learned from these: the number says what it remembers, not what it can do.",
}


@dataclass(frozen=True)
class Answers:
    """The pictures of one part (N), the probabilities, float32 (N, K), as the model is used, what they are worth, and what
    the model sees of each."""

    run: str
    part: str
    classes: tuple[str, ...]
    pictures: tuple[RunPicture, ...]
    probabilities: np.ndarray
    evaluation: Evaluation
    framing: Framing

    @property
    def truth(self) -> np.ndarray:
        """int (N,): positions of the true classes."""
        return np.array([picture.label for picture in self.pictures])

    @property
    def right(self) -> np.ndarray:
        """bool (N,): whether each answer is the true class."""
        return self.probabilities.argmax(axis=1) == self.truth


def answers_of(run: RunSnapshot, part: str = "test") -> Answers:
    """Raises RunError if there are none."""
    return _answers(str(run.run.folder), part, decision_of(run.run.folder).temperature)


@lru_cache(maxsize=6)
def _answers(folder: str, part: str, temperature: float) -> Answers:
    records = RunRecords(Path(folder))
    plan = records.plan()
    if part == "train":
        found = training_predictions.answers(records)
        if found is None:
            raise RunError("It was not asked about its training pictures yet.", "Ask it.")
        pictures, raw = found
    else:
        pictures, raw = tuple(plan.part(part)), records.predictions(part)
    probabilities = cooled(raw, temperature)
    truth = np.array([picture.label for picture in pictures])
    evaluation = evaluate_predictions(probabilities, truth, plan.classes)
    return Answers(plan.id, part, plan.classes, pictures, probabilities, evaluation, plan.config.input_framing)


def choose_part() -> None:
    """Lets a person choose a part."""
    st.segmented_control(
        "Which pictures", list(PARTS), format_func=PARTS.__getitem__, default="test", required=True, key=_PART,
        label_visibility="collapsed", persist_state="session",
    )  # fmt: skip


def answers_of_part(run: RunSnapshot) -> Answers | None:
    """Those of the part that is chosen; says what its number means. None, with a sentence, where there are no answers."""
    part = tab.get(_PART) or "test"
    try:
        answers = answers_of(run, part)
    except RunError:
        _ask(run)
        return None
    if part in _NOTES:
        st.caption(_NOTES[part])
    return answers


def _ask(run: RunSnapshot) -> None:
    number = len(run.plan.part("train"))
    st.markdown("It was not asked about its training pictures yet.")
    if st.button(f"Ask it about {count(number, 'picture')}", icon=":material/quiz:", disabled=not run.has_model):
        bar = st.empty()
        with page.stopping_at_errors():
            training_predictions.ask(run.run.records, lambda done, total: said(bar, done, total))
        st.rerun()


def said(bar: DeltaGenerator, done: int, total: int) -> None:
    """Shows how many pictures it was asked about."""
    bar.progress(done / total, text=f"Asking about each picture: {done:,} of {total:,}")
