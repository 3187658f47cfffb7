"""Finding good settings, by itself."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from streamlit.testing.v1 import AppTest

from core import Project
from core.system.tasks.queue import turn_lock
from core.training.experiments import latest
from core.training.experiments.found import RatesFound, SearchFound, SearchOptions, Try
from core.training.experiments.ranges import OF_HEADS, OF_NETWORKS, Range
from tests.pictures import COLOURS, flat_project
from tests.waiting import until

slow = pytest.mark.slow


def alone() -> None:
    import streamlit as st

    from core import Project, TrainConfig
    from pages.shared.configure import search

    project = Project.open(st.session_state["root"])
    config = TrainConfig(
        optimizer="adam", epochs=4, backbone=st.session_state["backbone"], seed=st.session_state["seed"]
    )
    chosen = search.show(project, project.scan(), config)
    st.session_state["chosen"] = chosen.model_dump() if chosen else None


def opened(root: Path, backbone: str = "efficientnet-lite0") -> AppTest:
    at = AppTest.from_function(alone, default_timeout=60)
    at.session_state["root"] = str(root)
    at.session_state["backbone"], at.session_state["seed"] = backbone, 0
    return drawn(at)


def drawn(at: AppTest) -> AppTest:
    at.run()
    assert not at.exception, at.exception
    return at


def said(at: AppTest) -> str:
    kinds: tuple[Any, ...] = (at.markdown, at.caption, at.error)
    return " ".join(str(element.value) for kind in kinds for element in kind).replace("\\", "")


def buttons(at: AppTest) -> dict[str, Any]:
    return {button.label: button for button in at.button}


def press(at: AppTest, label: str) -> AppTest:
    buttons(at)[label].click()
    return drawn(at)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return flat_project(tmp_path / "p", COLOURS, each=8)


def test_what_cannot_be_is_said(root: Path) -> None:
    at = opened(root)
    assert set(buttons(at)) == {"Start", "Find a learning rate"}
    at.multiselect[0].set_value([])
    assert "Nothing may change" in said(press(at, "Start"))
    at.multiselect[0].set_value(list(OF_HEADS))
    at.radio[0].set_value("grid")
    assert "The grid would have" in said(press(at, "Start"))
    scratch = opened(root, "tutorial-cnn")
    assert scratch.multiselect[0].value == ["blocks", "filters", "learning_rate"]
    assert "each block has twice the filters of the one before it" in said(scratch)
    assert "The whole network learns" in said(scratch)
    scratch.multiselect[0].set_value(list(OF_NETWORKS))
    scratch.radio[0].set_value("grid")
    assert "The grid would have" in said(press(scratch, "Start"))
    assert not (root / ".fieldguide" / "studies").exists()


def test_few_pictures_are_said(tmp_path: Path) -> None:
    at = opened(flat_project(tmp_path / "p", {"red": (200, 0, 0)}, each=5))
    assert "class" in said(press(at, "Start"))
    assert at.error


@slow
def test_a_search_from_start_to_use(root: Path) -> None:
    project = Project.open(root)
    at = opened(root)
    at.number_input(key=f"search trials {root}").set_value(3)
    at.number_input(key=f"search learning_rate to {root}").set_value(0.01)
    with turn_lock():
        press(at, "Start")
        assert set(buttons(at)) == {"Stop", "Find a learning rate"}
        study = latest(project, "search")
        assert study is not None
        assert study.options(SearchOptions).space["learning_rate"]["high"] == 0.01
        press(at, "Stop")
        until(lambda: study.state().ended)
        drawn(at)
        assert "You stopped it. 0 tries kept." in said(at)
        press(at, "Go on")
        state = study.state()
        os.kill(state.pid, signal.SIGKILL)
        psutil.Process(state.pid).wait(30)
        drawn(at)
        assert "It was cut off" in said(at)
        press(at, "Go on")
    until(lambda: study.state().ended)
    drawn(at)
    found = study.found(SearchFound)
    assert found
    best = found.best
    assert best
    assert "Best: " in said(at)
    assert f"log-loss {best.val_log_loss:.3f}" in said(at)
    assert len(at.dataframe[0].value) == 3
    assert list(at.dataframe[0].value["Log-loss"]) == sorted(trial.val_log_loss or 0.0 for trial in found.trials)
    assert at.session_state["chosen"] is None
    at.session_state["seed"] = 7  # the settings were changed since
    drawn(at)
    press(at, "Use these settings")
    chosen = at.session_state["chosen"]
    assert {name: chosen[name] for name in best.values} == best.values
    assert chosen["seed"] == 7
    assert drawn(at).session_state["chosen"] is None  # once
    (study.folder / "study.json").write_text("{}")
    assert "Best" not in said(opened(root))


@slow
def test_the_finder_can_be_stopped(root: Path) -> None:
    at = opened(root, "tutorial-cnn")
    press(at, "Find a learning rate")
    assert set(buttons(at)) == {"Start", "Stop"}
    press(at, "Stop")
    finder = latest(Project.open(root), "learning-rate")
    assert finder is not None
    until(lambda: finder.state().ended)
    assert finder.state().state == "stopped"
    assert set(buttons(drawn(at))) == {"Start", "Find a learning rate"}
    assert not at.error
    assert not list(finder.folder.glob("*.npy"))


@slow
@pytest.mark.parametrize("backbone", ["efficientnet-lite0", pytest.param("small-cnn", marks=pytest.mark.thorough)])
def test_the_rate_that_was_found_is_used(root: Path, backbone: str) -> None:
    project = Project.open(root)
    at = opened(root, backbone)
    at.session_state["seed"] = 7
    press(at, "Find a learning rate")
    finder = latest(project, "learning-rate")
    assert finder is not None
    until(lambda: finder.state().ended)
    rates = finder.found(RatesFound)
    assert rates
    rate = rates.suggestion
    press(drawn(at), f"Use this rate: {rate:g}")
    assert at.session_state["chosen"]["learning_rate"] == rate
    assert at.session_state["chosen"]["seed"] == 7
    other = opened(root, "tutorial-cnn")  # a rate for another network is none for this
    assert "falls most steeply" in said(drawn(at))
    assert "falls most steeply" not in said(other)


def test_the_lines_say_what_was_tried_literally() -> None:
    from pages.shared.configure import search_charts

    name = "hub:https://example.org/<b>bold</b>"
    space = {"backbone": Range(choices=("efficientnet-lite0", name)), "learning_rate": OF_HEADS["learning_rate"]}
    rows = [
        Try(
            number=n,
            state="done",
            values={"backbone": name, "learning_rate": 0.001},
            val_accuracy=a,
            val_log_loss=0.1,
            seconds=1.0,
        )
        for n, a in enumerate([0.9, 0.8, None])
    ]
    figure = search_charts.parallel(rows, space, {"backbone": "backbone", "learning_rate": "learning rate"})
    lines = [trace for trace in figure.data if trace.mode == "lines+markers"]
    assert len(lines) == 2
    best = lines[-1]
    assert list(best.y) == pytest.approx([1.0, 0.4037, 1.0], abs=0.01)
    assert "&lt;b&gt;bold" in best.text[0]
    assert "<b>" not in str(figure.to_json())
    assert search_charts.height(0.3, Range(0.0, 0.6)) == 0.5
