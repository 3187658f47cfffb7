"""The studies and the ensemble, as the Train page shows them, by themselves."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import Project, Run, TrainConfig
from core.runs.records import RunPlan, RunRecords
from core.runs.result import Voter
from core.system import storage
from core.system.tasks.processes import birth_of
from core.system.tasks.records import TaskState
from core.training.experiments import Study, latest
from core.training.experiments.learning_curve import STEPS
from tests.pictures import COLOURS, flat_project
from tests.waiting import until

NASTY = "**b** <img src=x onerror=alert(1)>"


def alone() -> None:
    import streamlit as st

    from core import Project, TrainConfig
    from core.runs.lifecycle import list_runs
    from pages.shared.train import ensemble, studies

    project = Project.open(st.session_state["folder"])
    config = TrainConfig(epochs=2, minutes=st.session_state["minutes"])
    studies.show(project, project.scan(), config)
    ensemble.show(project)
    for run in list_runs(project):
        if result := run.records.result():  # one that another test has stopped has none
            st.text(ensemble.votes(project, result))


def opened(folder: Path, minutes: float = 0.0) -> AppTest:
    at = AppTest.from_function(alone, default_timeout=120)
    at.session_state["folder"], at.session_state["minutes"] = str(folder), minutes
    at.run()
    assert not at.exception, at.exception
    return at


def words(at: AppTest) -> str:
    kinds: tuple[Any, ...] = (at.markdown, at.caption, at.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "").replace("\u2060", "")


def kept(folder: Path, kind: str, found: dict[str, Any], state: TaskState) -> Study:
    """A study as its process would have left it."""
    project = Project.open(folder)
    study = Study(project.home / "studies" / f"2026-01-01-000000-{kind}")
    storage.make_folder(study.folder.parent)
    study.folder.mkdir()
    storage.write_json(study.folder / "study.json", {"kind": kind, "options": {}})
    study.records.write_plan(RunPlan(study.folder.name, str(folder), 0.0, TrainConfig(), ("a", NASTY), ()))
    study.records.write_state(state)
    storage.write_json(study.folder / "found.json", found)
    return study


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return flat_project(tmp_path / "p", COLOURS, each=5)


def test_before_the_first_all_can_be_started(folder: Path) -> None:
    at = opened(folder)
    assert [expander.label for expander in at.expander] == [
        "How much is chance? (cross-validation)",
        "Would more pictures help? (learning curve)",
        "May pictures be mirrored? (flip check)",
        "Let several models vote (ensemble)",
    ]
    assert [(button.label, button.disabled) for button in at.button] == [
        ("Test five times", False),
        ("Find out", False),
        ("Find out", False),
    ]
    assert "needs two finished trainings" in words(at)


def test_a_long_search_is_not_done_five_times(folder: Path) -> None:
    at = opened(folder, minutes=20)
    assert [button.disabled for button in at.button] == [True, True, False]
    assert words(at).count("choose Quick or Balanced") == 2


def test_what_was_found_is_shown_with_names_as_they_are(folder: Path) -> None:
    done = TaskState("done", "", ended=True)
    step = {"right": 8, "total": 10, "accuracy": 0.8, "interval": [0.5, 0.9], "balanced": 0.8, "log_loss": 0.4}
    steps = [step | {"pictures": 10 * 2.0**n, "recalls": [0.9, 0.7]} for n in range(STEPS)]
    tried = {"class": NASTY, "pictures": 5, "recall": 0.7, "recall_with_fewer": 0.5, "lost": 0.1, "error": 0.01}
    sentence = f"More pictures of {NASTY} would help most."
    found = {"classes": ["a", NASTY], "steps": steps, "tried": [tried], "class": NASTY, "sentence": sentence}
    kept(folder, "learning-curve", found, done)
    folds = [{"accuracy": right / 5, "right": right, "total": 5} for right in (4, 5, 3)]
    pooled = {"right": 12, "total": 15, "mean": 0.8, "deviation": 0.2, "interval": [0.55, 0.93], "note": "Three tests."}
    kept(folder, "cross-validation", {"of": 3, "folds": folds, "classes": []} | pooled, done)
    kept(folder, "mirror", {"kind": "harm", "sentence": "Mirroring does harm here."}, done)
    at = opened(folder)
    said = words(at)
    assert sentence in said
    assert "12 of 15 right: 80 % on average of 3 tests, give or take 20." in said
    assert "55 % to 93 %" in said
    assert "Three tests." in said
    assert "Mirroring does harm here." in said
    assert "Leave Mirror off" in said
    assert at.dataframe[0].value["class"].tolist() == [NASTY]
    assert len(at.get("plotly_chart")) == 2
    assert [button.label for button in at.button] == ["Try again"] * 3
    at.toggle(key="curve for experts").set_value(True).run()
    assert len(at.get("plotly_chart")) == 3


def test_one_that_is_not_done_yet_shows_what_it_has(folder: Path) -> None:
    import os

    now = TaskState("running", "fit", 1, 3, pid=os.getpid(), born=birth_of(os.getpid()))
    fold = {"accuracy": 0.8, "right": 4, "total": 5}
    found = {"of": 3, "folds": [fold], "right": 4, "total": 5, "mean": 0.8, "deviation": 0.0, "interval": [0.4, 0.9]}
    study = kept(folder, "cross-validation", found | {"note": ""}, now)
    at = opened(folder)
    assert "4 of 5 right: 80 % on average of 1 test." in words(at)
    at.button(key="stop cross-validation").click().run()
    assert study.records.stop_asked()
    assert at.button(key="stop cross-validation").disabled


def test_one_that_failed_says_why_and_can_be_tried_again(folder: Path) -> None:
    kept(folder, "mirror", {}, TaskState("failed", "", ended=True, message="Out of memory.", hint="Close something."))
    at = opened(folder)
    assert "Out of memory." in at.error[0].value.replace("\\", "")
    assert at.button(key="start mirror").label == "Try again"


def test_too_few_pictures_are_a_sentence(tmp_path: Path) -> None:
    at = opened(flat_project(tmp_path / "p", COLOURS, each=2))
    at.button(key="start cross-validation").click().run()
    assert not at.exception
    assert "at least 3" in words(at)


@pytest.mark.slow
def test_a_study_is_started_and_its_result_stays(colours: Path) -> None:
    at = opened(colours)
    at.button(key="start mirror").click().run()
    assert not at.exception, at.exception
    study = latest(Project.open(colours), "mirror")
    assert study
    until(lambda: study.state().ended)
    at.run()
    assert not at.exception, at.exception
    assert storage.read_json(study.folder / "found.json")["sentence"] in words(at)
    assert at.button(key="start mirror").label == "Try again"


def test_models_that_fit_can_be_chosen(folder: Path, trained: Run) -> None:
    project = Project.open(folder)
    for name in ("one", "two"):
        shutil.copytree(trained.folder, project.runs_dir / name, ignore=shutil.ignore_patterns("exports"))
    records = RunRecords(project.runs_dir / "one")
    plan = records.plan()
    truth = [picture.label for picture in plan.part("val")]
    sure = np.eye(3, dtype=np.float32)[truth]
    records.write_predictions({"val": sure, "test": records.predictions("test")})
    result = records.result()
    assert result
    voters = [Voter(run="two", weight=0.25), Voter(run="gone", weight=0.75)]
    records.write_result(result.model_copy(update={"ensemble": voters}))
    stacked = [Voter(run="one"), Voter(run="gone")]
    RunRecords(project.runs_dir / "two").write_result(result.model_copy(update={"ensemble": stacked}))
    at = opened(folder)
    assert sorted(at.multiselect[0].value) == ["one", "two"]
    told = " ".join(text.value for text in at.text).replace("\\", "")
    assert "counts 25 %; a training that is gone counts 75 %." in told
    assert "A head learned what to make of these models' answers (stacking): " in told
    at.button_group(key="ensemble method").set_value("stacking")
    next(button for button in at.button if button.label == "Let them vote").click().run()
    assert not at.exception, at.exception
    assert "one alone does as well as all together" in words(at)
    assert len(list(project.runs_dir.glob("*/run.json"))) == 2
    at.multiselect[0].set_value(["one"]).run()
    assert next(button for button in at.button if button.label == "Let them vote").disabled
