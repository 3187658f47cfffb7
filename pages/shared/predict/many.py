"""Many pictures at once: a table of answers that can be sorted and taken away, and one of them large beneath."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.inference.classifier import Predictions
from core.inference.decision import NOT_SURE
from core.system.csv_safety import as_csv, safe_cell
from core.system.errors import FieldguideError
from pages.shared.predict import one, own_test
from pages.shared.predict.model import Tested
from pages.shared.predict.pictures import MOST, Looked
from pages.shared.ui import page
from pages.shared.ui.page import Here
from pages.shared.ui.text import count, literal

_MOST_BAD = 5


def show(here: Here, tested: Tested, looked: Looked, key: str) -> None:
    """Draws what became of them: a single good one large, several as a table."""
    for row in looked.bad[:_MOST_BAD]:
        if row.name in row.reason:
            st.error(literal(row.reason), icon=":material/broken_image:")
        else:
            one.could_not(row.name, row.reason)
    if len(looked.bad) > _MOST_BAD:
        st.caption(f"{len(looked.bad) - _MOST_BAD:,} more could not be read either.")
    if looked.left_out:
        st.caption(f"Only the first {MOST:,} were looked at; left out: {looked.left_out:,}.")
    if len(looked.good) == 1:
        _large(here, tested, looked, 0)
    elif looked.good:
        looked = own_test.show(tested, looked, key)
        chosen = _table(looked, looked.predictions(tested), key)
        if chosen is not None and chosen < len(looked.good):
            _large(here, tested, looked, chosen)


def _large(here: Here, tested: Tested, looked: Looked, number: int) -> None:
    look = looked.good[number]
    predictions = looked.predictions(tested)
    picked = Predictions(
        (look.name,), predictions.probabilities[number : number + 1], predictions.classes, predictions.threshold
    )
    try:
        content = looked.content(look)
    except (FieldguideError, OSError) as error:
        one.could_not(look.name, getattr(error, "message", "the file is gone"))
        return
    with page.stopping_at_errors():
        one.show(here, tested, picked, content)


def _table(looked: Looked, predictions: Predictions, key: str) -> int | None:
    """The table; returns the number of the chosen picture."""
    highest = predictions.probabilities.max(axis=1)
    answers = [label if sure else NOT_SURE for label, sure in zip(predictions.labels, predictions.sure, strict=True)]
    doubts = [label if not sure else "" for label, sure in zip(predictions.labels, predictions.sure, strict=True)]
    columns = {
        "picture": [look.shown for look in looked.good],
        "file": [safe_cell(look.name) for look in looked.good],
        "is": [safe_cell(looked.truth(look) or "") for look in looked.good],
        "answer": [safe_cell(answer) for answer in answers],
        "perhaps": [safe_cell(doubt) for doubt in doubts],
        "how sure": highest.astype(float) * 100,
    }
    for empty in ("is", "perhaps"):
        if not any(columns[empty]):
            columns.pop(empty)
    tally = pd.Series(answers).value_counts()
    parts = ", ".join(f"{literal(str(name))} {number:,}" for name, number in tally.head(8).items())
    more = f" and {len(tally) - 8} more" if len(tally) > 8 else ""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{count(len(answers), 'picture')}**: {parts}{more}", width="content")
        rows = zip(
            predictions.ids, answers, doubts, highest.astype(float), predictions.probabilities.tolist(), strict=True
        )
        st.download_button(
            "All answers as CSV",
            as_csv(
                ["file", "answer", "perhaps", "confidence", *(f"p({name})" for name in predictions.classes)],
                [[name, answer, doubt, sure, *shares] for name, answer, doubt, sure, shares in rows],
            ).encode("utf-8-sig"),
            "answers.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=f"csv {key}",
        )
    event = st.dataframe(
        pd.DataFrame(columns),
        hide_index=True,
        row_height=64,
        height=min(64 * len(answers) + 40, 560),
        column_config={
            "picture": st.column_config.ImageColumn("picture", width=72),
            "file": st.column_config.TextColumn("file"),
            "how sure": st.column_config.ProgressColumn(
                "how sure (confidence)", min_value=0, max_value=100, format="%.0f %%"
            ),
        },
        on_select="rerun",
        selection_mode="single-row",
        key=f"answers {key}",
        alt="Each picture with the model's answer",
    )
    st.caption("A click on a title sorts. A click at the left of a row shows that picture large.")
    chosen = event["selection"]["rows"]
    return int(chosen[0]) if chosen else None
