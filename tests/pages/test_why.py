"""Why, as the Evaluate and Test pages show it, by itself."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import Run
from core.datasets.edit_journal import HIDDEN
from core.evaluation import attribution
from core.evaluation.attribution import folder_of, keep
from core.inference.decision import Decision, keep_decision
from core.runs.records import RunRecords
from core.system.tasks.records import TaskState
from pages.shared.ui.text import literal
from tests.pictures import COLOURS, encoded, shaded

NASTY = ("**b** <img src=x>", ":red[x]", "$y$ `z`")


def alone() -> None:
    import streamlit as st

    from core import Project
    from core.runs.lifecycle import open_run
    from pages.shared.evaluate import why
    from pages.shared.ui import page

    project = Project.open(st.session_state["folder"])
    run = open_run(st.session_state["run folder"]).snapshot()
    here = page.Here(project, project.scan(), run)
    if st.session_state["content"]:
        why.explain_here(here, run, st.session_state["content"], "**k**")
    else:
        why.show(here, run)


def opened(folder: Path, run: Path, content: bytes = b"", **kept: str) -> AppTest:
    at = AppTest.from_function(alone, default_timeout=120)
    for key, value in {"folder": str(folder), "run folder": str(run), "content": content, **kept}.items():
        at.session_state[key] = value
    at.run()
    assert not at.exception, at.exception
    return at


def words(at: AppTest) -> str:
    kinds: tuple[Any, ...] = (at.markdown, at.caption, at.error, at.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "").replace("\u2060", "")


@pytest.fixture
def copied(trained: Run, colours: Path, tmp_path: Path) -> tuple[Path, Run]:
    """The colours and their run, with a note that its model cannot be seen into: no process is needed."""
    shutil.copytree(colours, tmp_path / "p", ignore=shutil.ignore_patterns("exports", "explain"))
    run = Run(tmp_path / "p" / HIDDEN / "runs" / trained.id)
    keep(run, None)
    return tmp_path / "p", run


@pytest.mark.slow
def test_a_picture_its_map_its_check_and_what_it_is_like(trained: Run, colours: Path) -> None:
    plan = trained.records.plan()
    one = plan.part("test")[-1]
    at = opened(colours, trained.folder, why_picture=one.id)
    assert attribution.is_ready(trained)
    said = words(at)
    assert f"It is {plan.classes[one.label]}." in said
    assert "Found by: class-activation map (HiResCAM)." in said
    assert "Training pictures that look most alike" in said
    assert "quick recipe" not in said
    assert "Covering the bright part" not in said
    at.toggle[0].set_value(True).run()
    assert "Covering the bright part" in words(at)
    box = at.selectbox[0]
    assert box.options[0].split(" · ")[0] in plan.classes
    box.set_value((box.value + 1) % 3)
    at.slider[0].set_value(0).run()
    assert not at.exception, at.exception
    assert at.session_state["why_picture"] == one.id
    assert at.query_params["why_picture"] in (one.id, [one.id])


def test_a_picture_of_training_says_so_and_one_that_is_gone_too(copied: tuple[Path, Run]) -> None:
    folder, run = copied
    learned = run.records.plan().part("train")[0]
    said = words(opened(folder, run.folder, why_picture=learned.id))
    assert "may know it by heart" in said
    assert "covering one part after the other (occlusion)" in said
    at = AppTest.from_function(alone, default_timeout=120)
    at.query_params["why_picture"] = "0" * 64
    for key, value in {"folder": str(folder), "run folder": str(run.folder), "content": b""}.items():
        at.session_state[key] = value
    at.run()
    assert not at.exception, at.exception
    assert "The picture that was asked for is not there any more." in words(at)
    assert at.session_state["why_picture"] in {picture.id for picture in run.records.plan().part("test")}


def test_the_mistakes_come_first_and_without_pictures_it_says_so(copied: tuple[Path, Run]) -> None:
    folder, run = copied
    plan = run.records.plan()
    test, sure = plan.part("test"), np.full(len(plan.part("test")), 0.9)
    answers = np.zeros((len(test), 3), np.float32)
    for row, picture in enumerate(test):
        answers[row, picture.label if row != 4 else (picture.label + 1) % 3] = sure[row]
    answers += 0.1 / 3
    run.records.write_predictions({"val": run.records.predictions("val"), "test": answers})
    keep_decision(run.folder, Decision(temperature=2.0))
    assert opened(folder, run.folder).session_state["why_picture"] == test[4].id
    for picture in test:
        plan.file(picture).unlink()
    assert "None of the test pictures is there any more" in words(opened(folder, run.folder))


def test_a_failed_start_is_a_sentence_and_parts_are_covered(
    copied: tuple[Path, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, run = copied
    (folder_of(run) / "explain.json").unlink()
    RunRecords(folder_of(run)).write_state(TaskState("running", "loading", pid=2**22 + 1, born=1.0))
    at = opened(folder, run.folder)
    assert "was cut off: its process ended without a word" in words(at)
    assert "occlusion" in words(at)
    asked: list[Run] = []
    monkeypatch.setattr(attribution, "prepare", lambda one: (asked.append(one), keep(one, None)))
    next(button for button in at.button if button.label == "Try again").click()
    at.run()
    assert not at.exception, at.exception
    assert asked == [run]
    assert "was cut off" not in words(at)


def test_nothing_is_computed_before_it_is_opened(copied: tuple[Path, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, run = copied
    opens: list[Run] = []
    real = attribution.Explainer.__init__
    monkeypatch.setattr(attribution.Explainer, "__init__", lambda self, one: (opens.append(one), real(self, one))[1])
    content = encoded(shaded(COLOURS["red"], 999))
    at = opened(folder, run.folder, content)
    assert "It says" not in words(at)
    assert opens == []
    at.session_state["why **k**"] = True
    at.run()
    assert not at.exception, at.exception
    assert "It says **red**" in words(at)
    assert len(opens) == 1
    broken = opened(folder, run.folder, b"no picture")
    broken.session_state["why **k**"] = True
    broken.run()
    assert "This picture could not be read: not a picture" in words(broken)


def test_a_run_whose_model_is_gone_and_a_damaged_one(copied: tuple[Path, Run]) -> None:
    folder, run = copied
    run.records.tflite.write_bytes(b"half a file")
    assert "damaged" in words(opened(folder, run.folder))
    run.records.tflite.unlink()
    assert "cannot be asked why" in words(opened(folder, run.folder))


def test_strange_names_are_shown_as_they_are(copied: tuple[Path, Run]) -> None:
    folder, run = copied
    run.records.write_plan(replace(run.records.plan(), classes=NASTY))
    at = opened(folder, run.folder)
    assert {option.split(" · ")[0] for option in at.selectbox[0].options} == set(NASTY)
    said = "\n".join(str(element.value) for kind in (at.markdown, at.caption) for element in kind)
    assert literal(NASTY[at.selectbox[0].value]) in said
    assert not any(name in said for name in NASTY)
