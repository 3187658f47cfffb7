"""Compare: this training beside others, the table of all of them, and the model card."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st
from pydantic import BaseModel

from core.config.augmentation import AugmentConfig
from core.config.framing import Framing
from core.config.split import SplitConfig
from core.config.training import TrainConfig
from core.datasets.project import Project
from core.evaluation.comparison import Changed, Pair, compare
from core.runs.history import Row, history
from core.runs.lifecycle import RunSnapshot
from core.system.errors import FieldguideError
from pages.shared.evaluate import compare_charts, compare_runs
from pages.shared.session import tab
from pages.shared.ui import charts, gallery, page
from pages.shared.ui.page import Here
from pages.shared.ui.text import count, literal, percent

LETTERS = ("A", "B", "C")
_SHOWN = 24
_GROUPS: dict[str, type[BaseModel]] = {
    "": TrainConfig,
    "augment": AugmentConfig,
    "framing": Framing,
    "split": SplitConfig,
}


def show(here: Here, run: RunSnapshot) -> None:
    """Draws the view."""
    compare_runs.undo_last(here.project)
    rows = history(here.project)
    others = [row for row in rows if row.accuracy is not None and row.id != run.run.id]
    if others:
        _beside(here, run, rows, others)
    else:
        st.markdown(
            "There is nothing to compare with yet. Change something on Configure and train again: then you will see here "
            "which of the two is better, whether that is more than chance, and on which pictures they disagree."
        )
    compare_runs.card_buttons(run)
    compare_runs.table(here, run, rows, opened=not others)


def _beside(here: Here, run: RunSnapshot, rows: list[Row], others: list[Row]) -> None:
    titles = {row.id: compare_runs.starred(row) for row in rows}
    others.sort(key=lambda row: not row.about.star)  # the starred first, each group the newest first
    key = f"beside {run.run.id}"
    if tab.has(key):  # one may have been deleted, here or in another tab
        tab.put(key, [name for name in tab.get(key) if name in titles])
    else:
        tab.put(key, [max(others, key=lambda row: (_alike(row, run), row.created)).id])
    chosen = st.multiselect(
        "Compare with",
        [row.id for row in others],
        format_func=lambda name: titles[name],
        max_selections=len(LETTERS) - 1,
        placeholder="choose one or two",
        key=key,
    )
    beside = [next(row for row in others if row.id == name) for name in chosen]
    if not beside:
        return
    letters = LETTERS[: len(beside) + 1]
    try:
        pairs = compare([run.run, *(row.run for row in beside)], letters)
    except FieldguideError as error:
        page.show_error(error)
        return
    names = dict(zip(letters, [titles.get(run.run.id, run.run.id), *(row.title for row in beside)], strict=True))
    for pair in pairs:
        st.markdown(f"**{literal(pair.sentence)}**")
        if pair.warnings:
            st.caption(f":material/warning: {literal(' '.join(pair.warnings))}")
    _charts(pairs, names)
    _classes_and_settings(pairs)
    _sides(here, pairs)


def _charts(pairs: list[Pair], names: dict[str, str]) -> None:
    sides = [pairs[0].first, *(pair.second for pair in pairs)]
    left, right = st.columns(2, gap="medium")
    with left:
        told = "; ".join(f"{side.title} {names[side.title]}: {side.test.in_words}" for side in sides)
        charts.show(compare_charts.accuracies(sides, names), "compare accuracy", f"Test accuracy: {told}")
    with right:
        histories = {side.title: side.run.records.history() for side in sides}
        figure = compare_charts.curves(histories)
        if figure:
            charts.show(figure, "compare curves", "Validation accuracy by epoch of each training")
        else:
            st.caption("These trainings have no rounds (epochs) to draw.")


def _alike(row: Row, run: RunSnapshot) -> bool:
    """Whether both divided the pictures in the same way, so that they may well have the same test part."""
    mine, other = run.plan.config, row.config
    return other is not None and other.dealing == mine.dealing


def _classes_and_settings(pairs: list[Pair]) -> None:
    parts = [partial(_classes, pair) for pair in pairs if any(recall.delta for recall in pair.recalls)]
    parts.append(partial(_settings, pairs))
    for at in range(0, len(parts), 2):
        for place, draw in zip(st.columns(2, gap="medium"), parts[at : at + 2], strict=False):
            with place:
                draw()


def _classes(pair: Pair) -> None:
    told = ", ".join(f"{recall.name} {100 * recall.delta:+.0f}" for recall in pair.recalls)
    alt = f"Recall by class, {pair.second.title} against {pair.first.title}, in points: {told}"
    charts.show(compare_charts.deltas(pair), f"compare classes {pair.second.title}", alt)


def _settings(pairs: list[Pair]) -> None:
    found: dict[str, dict[str, str]] = {}
    for pair in pairs:
        for difference in pair.differences:
            line = found.setdefault(
                difference.key, {"setting": _setting(difference.key), pair.first.title: str(difference.before)}
            )
            line[pair.second.title] = str(difference.after)
    st.markdown("**Settings that differ**")
    if not found:
        st.caption("None. What differs may be the pictures.")
        return
    letters = [pairs[0].first.title, *(pair.second.title for pair in pairs)]
    lines = [dict.fromkeys(letters, line[letters[0]]) | line for line in found.values()]
    st.dataframe(pd.DataFrame(lines)[["setting", *letters]], hide_index=True, alt="Settings that differ")


def _setting(key: str) -> str:
    """What the form calls a setting."""
    group, _, name = key.rpartition(".")
    settings = _GROUPS.get(group)
    return (settings.model_fields[name].title if settings else None) or key


def _sides(here: Here, pairs: list[Pair]) -> None:
    lists: dict[str, list[Changed]] = {}
    for pair in pairs:
        first, second = pair.first.title, pair.second.title
        lists[f"only {second} is right, not {first}"] = [one for one in pair.changed if one.won]
        lists[f"only {first} is right, not {second}"] = [one for one in pair.changed if not one.won]
    full = [name for name, pictures in lists.items() if pictures]
    if not full:
        return
    st.header("Pictures that changed sides", anchor=False)
    st.caption("Test pictures that one has right and the other wrong, with what each said and how sure it was.")
    key = f"sides {' '.join(pair.second.run.id for pair in pairs)} {pairs[0].first.run.id}"
    if tab.get(key) not in full:
        tab.put(key, full[0])
    chosen = st.pills(
        "Which", full, format_func=lambda name: f"{name} · {len(lists[name])}", required=True,
        label_visibility="collapsed", key=key,
    )  # fmt: skip
    pair = next(pair for pair in pairs if f" {pair.second.title} " in f" {chosen} ".replace(",", " "))
    _gallery(here.project, here, pair, lists[str(chosen)])


def _gallery(project: Project, here: Here, pair: Pair, pictures: list[Changed]) -> None:
    by_id = {picture.id: picture for picture in here.catalogue.pictures}
    there = [one for one in pictures if one.id in by_id]
    framing, other = (side.run.records.head().config.input_framing for side in (pair.first, pair.second))
    if framing != other:
        framing = Framing(fit="letterbox")  # what one of them sees would not tell why the other is right
    gallery.grid(
        project,
        [by_id[one.id] for one in there[:_SHOWN]],
        framing,
        [
            f"{one.truth}: {pair.first.title} said {one.first[0]} ({percent(one.first[1])}), "
            f"{pair.second.title} {one.second[0]} ({percent(one.second[1])})"
            for one in there[:_SHOWN]
        ],
        width=170,
    )
    if len(there) > _SHOWN:
        st.caption(f"The {_SHOWN} surest of {len(there):,}.")
    if len(there) < len(pictures):
        st.caption(f"{count(len(pictures) - len(there), 'picture')} no longer in the folder.")
