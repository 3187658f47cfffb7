"""The part of Configure that finds good settings: what may change, the search as it goes on, and what it found."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.config.training import TrainConfig
from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.quality import analysis
from core.system.errors import FieldguideError
from core.system.tasks.records import TaskState
from core.training.experiments import Study, go_on, latest, start_study
from core.training.experiments.found import Before, BestTry, SearchFound, SearchOptions, Try
from core.training.experiments.ranges import Range, ranges_of, title_of, usual_choice
from core.training.experiments.space import (
    MOST_MINUTES,
    MOST_TRIALS,
    best_config,
    options_for,
    points_in,
    space_for,
    space_of,
    tried,
)
from pages.shared.configure import learning_rate, search_charts
from pages.shared.session import tab
from pages.shared.ui import charts, page
from pages.shared.ui.progress import show_progress, stop_button
from pages.shared.ui.text import literal, percent

_METHODS = {
    "bayesian": (
        "Learn from each try (Bayesian)",
        "Each next try is near what did well so far. Needs the fewest tries.",
    ),
    "random": ("Try at random", "Each try is drawn by chance. Simple, and hard to beat with many settings."),
    "grid": ("Try all (grid)", "A few values of each setting, in every combination. For one to three settings."),
}


_RULE = (
    "Each try trains the whole network, for as many rounds as a training; what does worse than most is cut short. Where the "
    "number of blocks or the filters may change, each block has twice the filters of the one before it, at most 512. The side "
    "of the filters is the same in all blocks, and dense units are those of one layer, 0: none. All else stays as it is above."
)
"""How the layers of a network are varied: see core.config.network.Variation."""


def show(project: Project, catalogue: Catalogue, config: TrainConfig) -> TrainConfig | None:
    """Draws the search and the learning-rate finder; returns settings that the person wants to use, else None.

    `config`: the settings as they are now, from which both start.
    """
    opened = f"search open {project.root}"
    study = _latest(project, "search")
    live = study is not None and not study.state().ended
    if live:
        tab.put(opened, True)
    with st.expander(
        "Find good settings (hyper-parameter search)",
        expanded=tab.get(opened, False),
        icon=":material/manage_search:",
    ):
        st.caption(
            "Tries many trainings, each with other settings, and sees how well each does on the pictures it checks "
            "with (validation part). The pictures for the test stay apart."
        )
        st.fragment(_search, run_every=1 if live else None)(project, catalogue, config, live)
        st.divider()
        learning_rate.show(project, catalogue, config)
    return _wanted(project, config)


def _wanted(project: Project, config: TrainConfig) -> TrainConfig | None:
    """What a button inside asked for, before the whole page was drawn again."""
    rate = tab.take(learning_rate.WANTED, None)
    if rate is not None:
        return tried(config, {"learning_rate": rate})
    study = _latest(project, "search") if tab.take("search wanted", False) else None
    if study is None:
        return None
    with page.stopping_at_errors():
        return best_config(study, config)


def _search(project: Project, catalogue: Catalogue, config: TrainConfig, live: bool) -> None:
    """The form, or the search under way, and what the last one found. The live part of the page."""
    study = _latest(project, "search")
    now = study.state() if study else None
    if live and (now is None or now.ended):
        st.rerun()
    if study is None or now is None or not live:
        _form(project, catalogue, config)
    else:
        _under_way(study, now)
    if study and now:
        _found(study, now)


def _form(project: Project, catalogue: Catalogue, config: TrainConfig) -> None:
    def key(name: str) -> str:
        return f"search {name} {project.root}"

    method = st.radio(
        "How to search",
        list(_METHODS),
        format_func=lambda name: _METHODS[name][0],
        captions=[sentence for _, sentence in _METHODS.values()],
        key=key("method"),
        persist_state="session",
    )
    known = ranges_of(config)
    names = st.multiselect(
        "What may change",
        list(known),
        default=usual_choice(config),
        format_func=title_of,
        key=key(
            f"vary {config.pretrained} {config.solved}"
        ),  # so that the choice is the usual one where a recipe changes it
        persist_state="session",
    )
    if not config.pretrained:
        st.caption(_RULE)
    wanted = _ends(names, known, method, key)
    left, right = st.columns(2)
    trials = left.number_input(
        "At most so many tries (trials)",
        0,
        MOST_TRIALS,
        20,
        help="0: no limit." if method != "grid" else _all_of(names, config),
        key=key("trials"),
        persist_state="session",
    )
    minutes = right.number_input(
        "At most so many minutes",
        0.0,
        float(MOST_MINUTES),
        5.0,
        step=1.0,
        format="%g",
        help="0: no limit. Whichever is over first ends the search.",
        key=key("minutes"),
        persist_state="session",
    )
    if st.button("Start", key=key("start"), icon=":material/play_arrow:"):
        try:
            options = options_for(method, wanted, trials, minutes, config=config)
            analysis.task(project).stop()  # a look at the pictures would make it wait
            start_study(project, "search", config, options, catalogue)
        except FieldguideError as error:
            page.show_error(error)
            return
        st.rerun()


def _all_of(names: list[str], config: TrainConfig) -> str:
    try:
        return f"0: all {points_in(space_for(names, config)):,} combinations."
    except FieldguideError:  # said when it is started
        return "0: all combinations."


def _ends(names: list[str], known: Mapping[str, Range], method: str, key: Any) -> list[str]:
    """The settings that may change, as options_for takes them: with other ends where someone wants others."""
    numbers = [name for name in names if not known[name].choices]
    if not numbers or method == "grid":
        return names
    wanted = []
    with st.popover("From where to where", icon=":material/straighten:"):
        for name in numbers:
            usual = known[name]
            left, right = st.columns(2)
            ends = [
                column.number_input(
                    f"{_short(name)}, {word}",
                    value=end,
                    format="%g",
                    step=end / 10 or usual.high / 10,
                    key=key(f"{name} {word}"),
                    persist_state="session",
                )
                for column, word, end in ((left, "from", usual.low), (right, "to", usual.high))
            ]
            wanted.append(name if ends == [usual.low, usual.high] else f"{name}={ends[0]!r}..{ends[1]!r}")
    return [*wanted, *(name for name in names if name not in numbers)]


def _under_way(study: Study, now: TaskState) -> None:
    show_progress(now)
    stop_button(study.task, "search stop")


def _found(study: Study, now: TaskState) -> None:
    found = study.found(SearchFound) or SearchFound(trials=[], best=None)
    rows = found.trials
    if now.state == "failed":
        st.error(f"**{literal(now.message)}** {literal(now.hint)}", icon=":material/error:")
    elif now.state in ("stopped", "interrupted") and found.left != 0:
        with st.container(horizontal=True, vertical_alignment="center"):
            words = "You stopped it." if now.state == "stopped" else "It was cut off: its process ended without a word."
            st.caption(f"{words} {len(rows)} {'try' if len(rows) == 1 else 'tries'} kept.")
            if st.button("Go on", key="search go on", icon=":material/resume:"):
                go_on(study)
                st.rerun()
    if found.best:
        _best(found.best, found.before, ended=now.ended)
    if rows:
        try:
            space = space_of(study.options(SearchOptions))
        except FieldguideError as error:
            page.show_error(error)
            return
        rows = [row for row in rows if all(space[name].has_place_for(row.values.get(name)) for name in space)]
        ranked = sorted(rows, key=lambda row: (row.state != "done", _loss(row)))
        names = {name: _short(name) for name in space}
        charts.show(search_charts.parallel(ranked, space, names), "search lines", _in_words(ranked, names))
        _table(ranked, names)


def _loss(row: Try) -> float:
    loss = row.val_log_loss
    return math.inf if loss is None else float(loss)  # 0 is a loss, too: the best


def _best(best: BestTry, before: Before | None, *, ended: bool) -> None:
    values = ", ".join(f"{_short(name)} {search_charts.word(value)}" for name, value in best.values.items())
    was = f" Your settings then: {percent(before.val_accuracy)}, {before.val_log_loss:.3f}." if before else ""
    title = f"{'Best' if ended else 'Best so far'}: {percent(best.val_accuracy)} right"
    st.markdown(f"**{title}** (log-loss {best.val_log_loss:.3f}) with {literal(values)}.{was}")
    if before and best.val_log_loss >= before.val_log_loss:
        st.caption("No try did better than your settings.")
    if ended and st.button("Use these settings", key="search use", icon=":material/check:"):
        tab.put("search wanted", True)
        st.rerun()
    if ended:
        st.caption(
            "Best is the lowest log-loss: among few pictures, how sure it was of what is right tells more than how many were "
            "right. It was chosen by these pictures, so expect a little less of new ones: the test after the training tells."
        )


def _table(rows: list[Try], names: dict[str, str]) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "Try": row.number + 1,
                "Right": row.val_accuracy,
                "Log-loss": row.val_log_loss,
                **{title: search_charts.word(row.values.get(name, "")) for name, title in names.items()},
                "Seconds": row.seconds,
                "Ended": row.state,
            }
            for row in rows
        ),
        hide_index=True,
        height=250,
        placeholder="",
        key="search table",
        alt="The tries, the best first",
        column_config={
            "Right": st.column_config.NumberColumn(format="percent", help="Of the validation part (accuracy)."),
            "Log-loss": st.column_config.NumberColumn(
                format="%.3f", help="Smaller is better; by this the tries are sorted. Also tells how sure it was."
            ),
            "Ended": st.column_config.TextColumn(
                help="cut short: it did worse than most by then (pruned). failed: its steps were too large, or the network for "
                "the memory."
            ),
        },
    )


def _in_words(rows: list[Try], names: dict[str, str]) -> str:
    """The chart for someone who cannot see it."""
    tops = [
        f"{percent(row.val_accuracy)} right with "
        + ", ".join(f"{names[name]} {search_charts.word(value)}" for name, value in row.values.items())
        for row in rows[:3]
        if row.val_accuracy is not None
    ]
    return f"Parallel coordinates of {len(rows)} tries; the best: {'; '.join(tops) or 'none yet'}."


def _short(name: str) -> str:
    """The term for a setting, without the plain words before it."""
    title = title_of(name)
    found = re.search(r"\(([^()]*)\)$", title)
    return found[1] if found else title


def _latest(project: Project, kind: Any) -> Study | None:
    """The newest one, unless its record is damaged."""
    study = latest(project, kind)
    try:
        return study if study and study.kind == kind and study.records.plan() else None
    except FieldguideError:
        return None
