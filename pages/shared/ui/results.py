"""How good a model is, class by class, in few numbers."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.inference.metrics import Evaluation
from core.system.csv_safety import safe_cell


def by_class(evaluation: Evaluation) -> None:
    """A table of the classes, its terms in words."""
    st.caption(
        "Recall: of the pictures of a class, how many it found. Precision: when it says a class, how often it is right."
    )
    table = pd.DataFrame(
        {
            "class": [safe_cell(score.name) for score in evaluation.classes],
            "right": [score.right for score in evaluation.classes],
            "of": [score.total for score in evaluation.classes],
            # Nothing is said where nothing was asked: of a class without pictures, or that it never said.
            "recall": [round(score.recall, 2) if score.total else None for score in evaluation.classes],
            "precision": [
                round(score.precision, 2) if score.right + score.false_positives else None
                for score in evaluation.classes
            ],
        }
    )
    share = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        table,
        hide_index=True,
        column_config={"recall": share, "precision": share},
        alt="Right answers, recall and precision for each class",
    )
