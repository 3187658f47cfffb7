"""What is made ready before anybody asks: for the newest training with a model, once, and not while another one learns."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import Run
from core.evaluation import attribution
from core.system.tasks.records import TaskState
from pages.shared.evaluate import ahead
from pages.shared.evaluate.ahead import look_ahead
from pages.shared.ui.page import Here
from tests.runs import copy_with


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was made ready."""
    told: list[str] = []
    monkeypatch.setattr(ahead, "keep_ready", told.append)
    monkeypatch.setattr(attribution, "prepare", lambda run, *, aside: told.append(f"{run.id} {aside}"))
    return told


@pytest.fixture
def here(trained: Run, tmp_path: Path) -> Here:
    project = copy_with(trained, tmp_path / "p")
    return Here(project, project.scan(), Run(project.runs_dir / trained.id).snapshot(), trained.id)


def test_the_newest_is_made_ready(here: Here, begun: list[str]) -> None:
    look_ahead(here)
    assert begun == ["core.export.worker", f"{here.newest} True"]


def test_what_was_begun_before_is_not_begun_again(here: Here, begun: list[str]) -> None:
    assert here.run
    task = attribution.task(here.run.run)
    task.folder.mkdir()
    task.records.reserve()
    task.records.write_state(TaskState("failed", "", ended=True, message="It failed."))
    look_ahead(here)
    assert begun == ["core.export.worker"]


def test_nothing_is_done_for_others(here: Here, begun: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert here.run
    look_ahead(Here(here.project, here.catalogue, None))
    look_ahead(Here(here.project, here.catalogue, here.run, "a newer one"))
    with monkeypatch.context() as patched:
        patched.setattr(ahead, "live_run", lambda project: here.run)
        look_ahead(here)
    here.run.run.records.tflite.unlink()
    look_ahead(here)
    assert begun == []
