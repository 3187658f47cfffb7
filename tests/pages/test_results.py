"""The table of the classes says nothing where nothing was asked."""

from __future__ import annotations

import numpy as np
from streamlit.testing.v1 import AppTest


def table() -> None:
    import streamlit as st

    from core.inference.metrics import evaluate_predictions
    from pages.shared.ui import results

    rows, truth = st.session_state["answers"]
    results.by_class(evaluate_predictions(rows, truth, ("a", "b", "c")))


def test_a_class_without_pictures_or_answers_has_no_share() -> None:
    at = AppTest.from_function(table)
    at.session_state["answers"] = np.eye(3)[[0, 1, 1]], np.array([0, 0, 0])
    at.run()
    assert not at.exception, at.exception
    shown = at.dataframe[0].value.set_index("class")
    assert (shown.loc["a", "recall"], shown.loc["a", "precision"]) == (0.33, 1)
    assert shown.loc["b"].isna().to_dict() == {
        "right": False,
        "of": False,
        "recall": True,
        "precision": False,
    }
    assert shown.loc["c"].isna().to_dict() == {
        "right": False,
        "of": False,
        "recall": True,
        "precision": True,
    }
