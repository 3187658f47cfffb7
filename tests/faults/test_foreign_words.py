"""Names that someone else chose, where a terminal or a page shows them, and models that tell more than can be shown."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core import Project, TrainConfig
from core.__main__ import _harmless
from core.config.framing import Framing
from core.datasets import negatives
from core.evaluation import negative_predictions, training_predictions
from core.export.exports import exports_folder, failure_of
from core.inference.sandbox import ForeignModel
from core.quality import label_suggestions
from core.quality.unique_pictures import Contents
from core.runs.result import Attempt
from core.system import storage
from core.system.errors import ModelError
from core.system.tasks.records import TaskState
from pages.shared.ui.progress import show_progress
from tests.pages.test_pages import visit, words
from tests.pictures import COLOURS, encoded, flat_project, shaded
from tests.runs import make_run


def written(text: str) -> str:
    kept = io.BytesIO()
    stream = _harmless(io.TextIOWrapper(kept, encoding="latin-1"))
    stream.write(text)
    stream.flush()
    return kept.getvalue().decode()


def test_no_name_commands_the_terminal() -> None:
    assert written("gr\u00fcn \u732b\r\n\t\U0001f408\n").splitlines() == ["gr\u00fcn \u732b", "\t\U0001f408"]
    evil = "\x1b[2J\x1b]0;title\x07\x9b31m\x08"
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in written(evil))
    told = json.dumps({evil: evil}, ensure_ascii=False)
    assert json.loads(written(told)) == {evil: evil}
    assert written("\ud800") == "\\ud800"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"classes": [str(n) for n in range(10_001)]}, "too large"),
        ({"pixels": 5000}, "too large"),
        ({"framing": {"region": [0, 0, 9, 9]}}, "broke"),
        ({"pixels": float("inf")}, "broke"),
        ({"classes": 5}, "broke"),
    ],
)
def test_a_model_that_tells_more_than_can_be_shown_is_refused(
    told: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {"classes": ["a", "x" * 1_000_000], "pixels": 224, "framing": {}, "threshold": 0.0}
    closed = []

    def start(model: ForeignModel) -> dict[str, Any]:
        model._worker = SimpleNamespace(close=lambda: closed.append(1))  # type: ignore[assignment]
        return whole

    monkeypatch.setattr(ForeignModel, "_start", start)
    model = ForeignModel(b"", "gift.zip")
    assert len(model.classes[1]) == 300
    assert not closed
    whole |= told
    with pytest.raises(ModelError, match=says):
        ForeignModel(b"", "gift.zip")
    assert closed


@pytest.mark.parametrize("words", [{"a": 1}, [1, 2], ["a"], "abc", ["a", "b", "c"], 5])
def test_why_an_export_failed_is_two_sentences_or_nothing(tmp_path: Path, words: Any) -> None:
    root = flat_project(tmp_path / "p", {name: COLOURS[name] for name in ("blue", "red")}, each=2)
    run = make_run(Project.open(root), "gift", classes=("blue", "red"))
    folder = exports_folder(run, "float32")
    folder.mkdir(parents=True)
    storage.write_json(folder / "failed.json", ["It failed.", "Try again."])
    failure = failure_of(run, "float32")
    assert failure is not None
    assert (failure.message, failure.hint) == ("It failed.", "Try again.")
    storage.write_json(folder / "failed.json", words)
    assert failure_of(run, "float32") is None


PICTURE = "![](http://elsewhere.test/seen.png)"


def test_no_word_of_a_record_is_markdown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = flat_project(tmp_path / "p", {name: COLOURS[name] for name in ("blue", "red")}, each=2)
    config = TrainConfig(minutes=1)
    run = make_run(
        Project.open(root),
        "gift",
        classes=("blue", "red"),
        config=config,
        why_stopped=PICTURE,
        left_out=[PICTURE],
        diagnosis=PICTURE,
    )
    run.records.write_tried([Attempt(what="x", val_accuracy=0.5, val_log_loss=1.0, seconds=1.0)])
    said = words(visit("pages/3_Train.py", root))
    assert "Why it ended" in said
    assert "elsewhere" in said
    assert PICTURE not in said
    shown = []
    monkeypatch.setattr("pages.shared.ui.page.st.progress", lambda _, text: shown.append(text))
    show_progress(TaskState("running", PICTURE))
    show_progress(TaskState("running", "fit"))
    assert PICTURE not in shown[0]
    assert shown[1] == "Learning (epochs)"


@pytest.mark.parametrize("odd", ["lists", "text", "nothing"])
def test_what_a_model_said_of_its_own_pictures_is_numbers_by_picture(tmp_path: Path, odd: str) -> None:
    root = flat_project(tmp_path / "p", {name: COLOURS[name] for name in ("blue", "red")}, each=2)
    records = make_run(Project.open(root), "gift", classes=("blue", "red")).records
    ids = np.array([picture.id for picture in records.plan().part("train")])
    said = np.full((len(ids), 2), 0.5, np.float32)
    np.savez(records.folder / "recall.npz", ids=ids, said=said)
    assert training_predictions.answers(records) is not None
    wrong = {"lists": (ids[:, None], said), "text": (ids, np.full(said.shape, "x")), "nothing": (ids, said * np.nan)}
    np.savez(records.folder / "recall.npz", ids=wrong[odd][0], said=wrong[odd][1])
    assert training_predictions.answers(records) is None


class Breaking:
    """A model that breaks down over every picture."""

    def __init__(self, classes: int = 2) -> None:
        self.classes, self.pixels, self.asked = tuple(map(str, range(classes))), 32, 0
        self.framing = Framing()

    def probabilities(self, square: np.ndarray) -> np.ndarray:
        self.asked += 1
        raise ModelError("It did not answer within 20 seconds.", "Try a smaller one.")


def test_a_model_that_breaks_down_is_not_asked_about_every_other_thing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = flat_project(tmp_path / "p", {name: COLOURS[name] for name in ("blue", "red")}, each=2)
    project = Project.open(root)
    run = make_run(project, "gift", classes=("blue", "red"))
    negatives.add(project, [(str(n), encoded(shaded((n, 90, 30), n))) for n in range(3)])
    negatives.folder_of(project).joinpath("damaged.picture").write_bytes(b"x")
    model = Breaking()
    monkeypatch.setattr(negative_predictions, "load_model", lambda _: model)
    with pytest.raises(ModelError, match="20 seconds"):
        negative_predictions.answers(project, run.records, lambda *_: None)
    assert model.asked == 1
    monkeypatch.setattr(negative_predictions, "load_model", lambda _: Breaking(3))
    with pytest.raises(ModelError, match="not the one"):
        negative_predictions.answers(project, run.records, lambda *_: None)


def test_a_model_that_breaks_down_takes_no_look_at_the_pictures_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = flat_project(tmp_path / "p", {name: COLOURS[name] for name in ("blue", "red")}, each=2)
    (root / "new.png").write_bytes(encoded(shaded((9, 90, 30), 9)))
    project = Project.open(root)
    run = make_run(project, "gift", classes=("blue", "red"))
    monkeypatch.setattr(label_suggestions, "load_model", lambda _: Breaking())
    job = SimpleNamespace(should_stop=lambda: False, progress=lambda *_: None)
    contents = Contents.of(project.scan())
    assert len(contents.unlabelled) == 1
    assert label_suggestions.from_run(job, project, run, contents) is None  # type: ignore[arg-type]
