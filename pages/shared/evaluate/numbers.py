"""Numbers: how good the model is in all and class by class, in words, as a table, and as curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.inference import curves
from core.inference.metrics import TOP, ClassScore, Evaluation
from core.runs.lifecycle import RunSnapshot
from core.system.csv_safety import as_csv, safe_cell
from pages.shared.evaluate.parts import Answers, answers_of_part
from pages.shared.ui import charts
from pages.shared.ui.page import Here
from pages.shared.ui.text import count, literal, percent

_COLUMNS = {
    "class": "class",
    "right": "found (TP)",
    "false_negatives": "missed (FN)",
    "false_positives": "false alarms (FP)",
    "recall": "recall",
    "precision": "precision",
    "f1": "F1",
    "true_negatives": "rightly not (TN)",
    "roc_auc": "ROC AUC",
    "average_precision": "mean precision",
}
_EVERYBODY = 6  # columns; the others are for experts


def show(here: Here, run: RunSnapshot) -> None:  # noqa: ARG001 - all views are called alike
    """Draws the view."""
    answers = answers_of_part(run)
    if answers is None:
        return
    evaluation = answers.evaluation
    _headline(evaluation)
    table = class_table(evaluation)
    shares = {name: st.column_config.NumberColumn(format="percent") for name in ("recall", "precision")}
    plain = [*table.columns[:_EVERYBODY]]
    st.dataframe(
        table[plain].round(2),
        hide_index=True,
        column_config=shares,
        alt="Right and wrong answers, recall and precision for each class",
    )
    with st.expander("For experts"):
        _metrics(
            ("F1", f"{evaluation.macro_f1:.3f}", "Macro F1: the mean of the classes' F1, 0 to 1."),
            ("Log-loss", f"{evaluation.log_loss:.3f}", "0 is best; sure mistakes cost most."),
        )
        places = {name: st.column_config.NumberColumn(format="%.3f") for name in ("F1", "ROC AUC", "mean precision")}
        st.dataframe(
            table.drop(columns=plain[1:]),
            hide_index=True,
            column_config=places,
            alt="F1, true negatives and the areas under both curves for each class",
        )
    st.download_button(
        "Download as CSV", as_csv(list(table.columns), table.itertuples(index=False, name=None)).encode("utf-8-sig"),
        file_name=f"{answers.run}-{answers.part}-classes.csv", mime="text/csv", icon=":material/download:",
        on_click="ignore",
    )  # fmt: skip
    _one_class(answers)


def class_table(evaluation: Evaluation) -> pd.DataFrame:
    """One row a class, the columns in words."""
    rows = [
        vars(one) | {"class": safe_cell(one.name), "false_negatives": one.false_negatives} for one in evaluation.classes
    ]
    return pd.DataFrame({title: [row[key] for row in rows] for key, title in _COLUMNS.items()})


def _headline(evaluation: Evaluation) -> None:
    low, high = (percent(share) for share in evaluation.interval)
    between = f"On many more such pictures {low} to {high}, with 95 % confidence."
    _metrics(
        ("Right (accuracy)", percent(evaluation.accuracy), between),
        (
            "Each class counts the same",
            percent(evaluation.balanced_accuracy),
            "Balanced accuracy: the mean of the recalls.",
        ),
        *(
            [(f"Among its first {TOP} guesses", percent(evaluation.top3), f"Top-{TOP} accuracy.")]
            if len(evaluation.classes) > TOP
            else []
        ),
    )


def _metrics(*numbers: tuple[str, str, str]) -> None:
    """`numbers`: (title, value, note) each."""
    with st.grid("auto", min_column_width=240, gap="small"):
        for title, value, note in numbers:
            st.metric(title, value, help=note)


def _one_class(answers: Answers) -> None:
    scores = {score.name: score for score in answers.evaluation.classes}
    worst = min(scores.values(), key=lambda score: score.f1)
    names = list(scores)
    chosen = st.selectbox(
        "One class in words and curves",
        names,
        index=names.index(worst.name),
        key="numbers class",
        persist_state="session",
    )
    st.markdown(in_words(scores[chosen], answers.evaluation.total))
    score, positive = answers.probabilities[:, names.index(chosen)], answers.truth == names.index(chosen)
    if scores[chosen].roc_auc is None:
        st.caption("No curves: they need pictures of this class, and of others.")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        figure = _curve(
            *curves.thinned(*curves.roc(score, positive)),
            "Found, against false alarms (ROC)", "false alarms, of all others", "found (recall)", chance=True,
        )  # fmt: skip
        area = scores[chosen].roc_auc or 0.0
        charts.show(figure, "roc", f"ROC curve of {chosen}; the area under it is {area:.3f}")
        st.caption(f"Area {area:.3f}: 1 is perfect, 0.5 is guessing.")
    with right:
        figure = _curve(
            *curves.thinned(*curves.precision_recall(score, positive)),
            "How often right, against how many found", "found (recall)", "right when it says so (precision)",
        )  # fmt: skip
        area = scores[chosen].average_precision or 0.0
        charts.show(figure, "precision-recall", f"Precision-recall curve of {chosen}; average precision {area:.3f}")
        st.caption(f"Average precision {area:.3f}: 1 is perfect, {positive.mean():.2f} is guessing.")


def in_words(score: ClassScore, total: int) -> str:
    """The four counts of one class, for someone who has never seen them."""
    name = literal(score.name)
    if not score.total:
        return f"There is no picture of {name} here. {count(score.false_positives, 'other')} taken for it."
    return (
        f"Of {count(score.total, 'picture')} of {name} it found **{score.right}** (true positives) and missed "
        f"**{score.false_negatives}** (false negatives). Of {count(total - score.total, 'other')} it called "
        f"**{score.false_positives}** {name} by mistake (false positives) and left out **{score.true_negatives:,}** rightly "
        "(true negatives)."
    )


def _curve(x: np.ndarray, y: np.ndarray, title: str, below: str, beside: str, *, chance: bool = False) -> go.Figure:
    figure = charts.blank(
        320, title={"text": title, "font": {"size": 15}, "x": 0, "xref": "container", "pad": {"l": 8}}
    )
    strong, quiet = charts.ink()
    if chance:
        figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": quiet, "dash": "dot"}, hoverinfo="skip")
    hover = f"{below} %{{x:.0%}}<br>{beside} %{{y:.0%}}<extra></extra>"
    shape = {"color": strong, "width": 2.5, "shape": "hv" if chance else "vh"}
    figure.add_scatter(x=x, y=y, mode="lines", line=shape, hovertemplate=hover)
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".0%", title=below)
    figure.update_yaxes(range=[-0.02, 1.06], tickformat=".0%", title=beside)
    return figure
