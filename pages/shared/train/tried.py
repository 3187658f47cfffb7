"""What a search has tried so far, what each gained, and why it ended."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from core.runs.lifecycle import RunSnapshot
from core.system.naming import count
from pages.shared.ui.text import literal

_NOT_THE_MOST = (
    "What is kept is not what was right most often when checked: that goes by luck, too. How sure a model is of what is right "
    "(log-loss) counts as well, and how many are right by cross-validation, where that is told."
)


def show(snapshot: RunSnapshot) -> None:
    """A table with a row for each attempt, in the order of trying; nothing for trainings that do not search."""
    if not snapshot.plan.config.minutes:
        return
    attempts = snapshot.run.records.tried()
    if not attempts:
        if snapshot.live:
            st.caption("The first attempt takes a minute or two; each one is listed here.")
        return
    result = snapshot.result
    st.markdown("**What was tried**")
    table = pd.DataFrame(
        {
            "": ["kept" if result and attempt.what == result.chosen else "" for attempt in attempts],
            "Right": _percent(attempt.val_accuracy for attempt in attempts),
            "Gained": _percent(attempt.gained for attempt in attempts),
            "Network": [attempt.what for attempt in attempts],
            "By cross-validation": _percent(attempt.cross_validated for attempt in attempts),
            "Log-loss": [attempt.val_log_loss for attempt in attempts],
            "Seconds": [attempt.seconds for attempt in attempts],
        }
    )
    experts = st.toggle("For experts", key="tried for experts", persist_state="session")
    st.dataframe(
        table if experts else table.drop(columns="Log-loss"),
        hide_index=True,
        placeholder="",
        column_config={
            "": st.column_config.TextColumn(width=56),
            "Right": st.column_config.NumberColumn(
                format="%.1f %%", width=76, help="Of a hundred pictures to check with (validation accuracy)."
            ),
            "By cross-validation": st.column_config.NumberColumn(
                format="%.1f %%",
                help="Right over all pictures but the test, each judged by a head that did not see it.",
            ),
            "Gained": st.column_config.NumberColumn(
                format="%+.1f",
                width=76,
                help="So many more of a hundred pictures are right than before it: by cross-validation where that is told, "
                "else of those to check with.",
            ),
            "Log-loss": st.column_config.NumberColumn(
                format="%.3f", help="Smaller is better: wrong and sure costs most."
            ),
            "Seconds": st.column_config.NumberColumn(format="%.0f"),
        },
        alt="Each attempt with its validation accuracy, what it gained, and seconds",
    )
    if not result:
        return
    kept = [attempt.val_accuracy for attempt in attempts if attempt.what == result.chosen]
    if kept and max(attempt.val_accuracy for attempt in attempts) > kept[0]:
        st.caption(_NOT_THE_MOST)
    if result.why_stopped:
        st.caption(f"Why it ended: {literal(result.why_stopped)}")
    if result.left_out:
        with st.expander(
            f"{count(len(result.left_out), 'thing')} not tried, or not to the end", icon=":material/schedule:"
        ):
            st.markdown("\n".join(f"- {literal(sentence)}" for sentence in result.left_out))


def _percent(shares: Iterable[float | None]) -> list[float | None]:
    return [None if share is None else 100 * share for share in shares]
