"""How good a model is: confusion matrix and the numbers by class, as two pages show them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.inference.metrics import Evaluation
from core.system.csv_safety import safe_cell
from pages.shared.ui import charts


def class_table(evaluation: Evaluation) -> pd.DataFrame:
    """One row a class: right, of, precision, recall, F1 (0..1)."""
    return pd.DataFrame(
        {
            "class": [safe_cell(score.name) for score in evaluation.classes],
            "right": [score.right for score in evaluation.classes],
            "of": [score.total for score in evaluation.classes],
            "recall": [round(score.recall, 2) for score in evaluation.classes],
            "precision": [round(score.precision, 2) for score in evaluation.classes],
            "F1": [score.f1 for score in evaluation.classes],
        }
    )


def most_shown(evaluation: Evaluation) -> str:
    """Which classes of very many a matrix shows."""
    every, shown = f"{len(evaluation.classes):,}", charts.MOST_SHOWN
    if evaluation.right == evaluation.total:
        return f"Of the {every} classes, the first {shown} are shown; it mixes up none."
    return f"Of the {every} classes, {shown} are shown, those that it mixes up most among them."


def matrix_and_classes(evaluation: Evaluation) -> None:
    """The confusion matrix beside a table of the classes."""
    if len(evaluation.classes) > charts.MANY_CLASSES:
        left, right = st.container(), st.container()
    else:
        left, right = st.columns([5, 6], gap="medium")
    with left:
        st.subheader("What is taken for what", anchor=False)
        st.caption("Each row is what the pictures really are, each column what the model said (confusion matrix).")
        if len(evaluation.classes) > charts.MOST_SHOWN:
            st.caption(most_shown(evaluation))
        charts.show(charts.confusion(evaluation), "confusion", charts.confusion_words(evaluation))
    with right:
        st.subheader("Class by class", anchor=False)
        st.caption(
            "Recall: of the pictures of a class, how many it found. Precision: when it says a class, how often it is right."
        )
        share = st.column_config.NumberColumn(format="percent")
        st.dataframe(
            class_table(evaluation),
            hide_index=True,
            column_config={"recall": share, "precision": share, "F1": st.column_config.NumberColumn(format="%.2f")},
            alt="Right answers, recall, precision and F1 for each class",
        )
