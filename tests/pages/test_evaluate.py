"""The views of Evaluate without a browser, on a run whose answers are made up."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import Project, Run, TrainConfig
from core.datasets import negatives
from core.datasets.edit_journal import HIDDEN
from core.evaluation import negative_predictions
from core.export.exports import exports_of
from core.inference import calibration
from core.inference.decision import Decision, decision_of, keep_decision
from core.quality.findings import confirmed
from core.runs.records import RunPicture
from core.runs.result import Voter
from pages.shared.components.grid import grid
from pages.shared.components.matrix.matrix import first_of
from pages.shared.evaluate import again, matrix, parts, sure
from pages.shared.evaluate.matrix import Cell
from pages.shared.session import state
from pages.shared.ui.page import Here
from tests.pages.test_pages import button, visit, words
from tests.pictures import COLOURS, encoded, flat_project, noise
from tests.runs import make_run

SURE, MISTAKES = 0.99, 4


@pytest.fixture
def copy_of_run(trained: Run, colours: Path, tmp_path: Path) -> Run:
    """The colours and their run with its model, to be changed."""
    shutil.copytree(colours, tmp_path / "copy", ignore=shutil.ignore_patterns("exports", "explain"))
    return Run(tmp_path / "copy" / HIDDEN / "runs" / trained.id)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Three classes, 8 test pictures each, too sure: four blue ones are taken for red."""
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=20))
    catalogue = project.scan()
    place = {name: position for position, name in enumerate(catalogue.classes)}
    listed: list[RunPicture] = []
    for name, pictures in catalogue.by_class.items():
        for number, picture in enumerate(pictures):
            part = "test" if number < 8 else "val" if number < 16 else "train"
            listed.append(RunPicture(picture.id, picture.path, place[name], part))
    said = {}
    for part in ("val", "test"):
        rows = np.full((24, 3), (1 - SURE) / 2, np.float32)
        rows[np.arange(24), [picture.label for picture in listed if picture.part == part]] = SURE
        rows[:MISTAKES] = [0.05, 0.05, 0.9]
        said[part] = rows
    return make_run(project, "made-up", classes=catalogue.classes, pictures=listed, rows=said)


def evaluate(run: Run, view: str) -> AppTest:
    return visit("pages/4_Evaluate.py", Path(run.records.plan().project), view=view, run=run.id)


def test_a_cell_holds_what_its_words_say() -> None:
    assert Cell().holds("a", "b")
    assert not Cell().holds("a", "a")
    assert Cell("a").holds("a", "a")
    assert not Cell("a").holds("b", "a")
    assert Cell("a", "b").holds("a", "b")
    assert not Cell("a", "b").holds("a", "a")
    assert Cell(None, "b").words == "All that it calls b"


def test_mistakes_tell_the_pair_and_what_to_do(run: Run) -> None:
    at = evaluate(run, "Mistakes")
    assert "20 of 24 right" in words(at)
    assert "4 of its 4 mistakes are between these two" in words(at).replace("\\", "")
    assert [table for table in at.dataframe if list(table.value["taken for"]) == ["red"] * MISTAKES]


def cards(at: AppTest) -> list[str]:
    """What the cards are called."""
    return [one.value.split("**")[1] for one in at.markdown if one.value.startswith("**") and "**  \n" in one.value]


def test_what_matters_is_a_card_and_the_rest_is_folded(run: Run) -> None:
    at = evaluate(run, "Mistakes")
    assert cards(at) == ["There are few pictures to learn from", "blue and red look alike to it"]
    (rest,) = [one for one in at.expander if "more thing" in one.label]
    assert rest.label == "1 more thing to know"
    at.button(key="advice alike").click().run()
    assert at.session_state["cell to show"] == Cell("blue", "red")
    assert [table for table in at.dataframe if list(table.value["is"]) == ["blue"] * MISTAKES]


def test_a_model_without_faults_has_no_card(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=4))
    at = evaluate(make_run(project, "fine", classes=tuple(COLOURS)), "Numbers")
    assert cards(at) == []
    assert button(at, "Try it live")


def test_a_label_that_was_changed_offers_another_training(run: Run) -> None:
    project = Project.open(run.records.plan().project)
    (project.root / "blue" / "000.png").rename(project.root / "red" / "moved.png")
    at = evaluate(run, "Mistakes")
    assert "1 label changed since this training" in words(at)
    button(at, "Train again with them")
    (project.root / "red" / "moved.png").unlink()  # gone is not changed
    assert again.changed(Here(project, project.scan(), None), run.snapshot()) == 0


def test_the_pictures_of_a_cell_are_set_aside_or_called_right(run: Run) -> None:
    project = Project.open(run.records.plan().project)
    first, second = project.scan().by_class["blue"][:2]
    said = matrix.carry_out(project, grid.Op("act", (first.path,), action="right")).said
    assert said == "Noted for 1 picture: the label is right."
    assert confirmed(project) == {(first.id, "blue")}
    matrix.carry_out(project, grid.Op("act", (second.path,), action="aside"))
    assert [picture.id for picture in project.scan().unlabelled] == [second.id]
    matrix.carry_out(project, grid.Op("undo"))
    assert not project.scan().unlabelled


def test_the_numbers_stand_in_words_and_can_be_taken_along(run: Run) -> None:
    at = evaluate(run, "Numbers")
    metrics = {metric.label: metric.value for metric in at.metric}
    assert metrics["Right (accuracy)"] == "83 %"
    assert "Of 8 pictures of blue it found **4** (true positives) and missed **4** (false negatives)" in words(at)
    assert "it called **0** blue by mistake (false positives) and left out **16** rightly" in words(at)
    table = at.dataframe[0].value
    assert list(table["missed (FN)"]) == [4, 0, 0]
    assert list(table["false alarms (FP)"]) == [0, 0, 4]


def test_too_sure_is_said_cured_and_used_everywhere(run: Run) -> None:
    at = evaluate(run, "Sure or not")
    assert "It is too sure.** On average it is 98 % sure" in words(at)
    toggle = at.toggle[0]
    toggle.set_value(True).run()
    assert not at.exception
    assert decision_of(run.folder).temperature > 1.3
    assert "On average it is 89 % sure, and 83 % of its answers are right." in words(at)
    toggle.set_value(False).run()
    assert decision_of(run.folder).temperature == 1


def test_a_threshold_is_kept_and_its_price_told(run: Run) -> None:
    at = evaluate(run, "Sure or not")
    at.slider[0].set_value(95).run()
    assert decision_of(run.folder).threshold == 0.95
    assert (
        "It answers **20 of 24** test pictures (83 %, coverage) and is wrong on **0** of them, instead of 4"
        in words(at)
    )
    at.slider[0].set_value(0).run()
    assert "It answers all 24 test pictures and is wrong on 4." in words(at)
    button(at, "Suggest one: 98 % right").click().run()
    assert decision_of(run.folder).threshold == 0.99


def test_pictures_of_other_things_are_turned_away_or_not(trained: Run) -> None:
    project = Project.open(trained.records.plan().project)
    refused = negatives.add(project, [(f"{n}.png", encoded(noise(n))) for n in range(5)] + [("bad.jpg", b"nothing")])
    assert [name for name, _ in refused] == ["bad.jpg"]
    assert negatives.add(project, [("again.png", encoded(noise(0)))]) == [("again.png", "it is there already")]
    try:
        keep_decision(trained.folder, Decision(1, 0.99))
        at = visit("pages/4_Evaluate.py", Path(project.root), view="Sure or not", run=trained.id)
        sure = negative_predictions.answers(project, trained.records, lambda *_: None).max(axis=1)
        assert len(sure) == 5
        assert f"Of 5 pictures of other things it turns **{(sure < 0.99).sum()}** away" in words(at)
        keep_decision(trained.folder, Decision())
        at = visit("pages/4_Evaluate.py", Path(project.root), view="Sure or not", run=trained.id)
        assert "it turns **0** away (0 %). Each of them got a name that is wrong." in words(at)
    finally:
        negatives.forget(project)
        keep_decision(trained.folder, Decision())
    assert negatives.pictures(project) == []


def test_other_things_that_cannot_be_read_are_said_and_can_be_forgotten(copy_of_run: Run) -> None:
    project = Project.open(copy_of_run.records.plan().project)
    negatives.add(project, [(f"{n}.png", encoded(noise(n))) for n in range(100, 103)])
    for path in negatives.pictures(project):
        path.write_bytes(b"damaged since")
    at = evaluate(copy_of_run, "Sure or not")
    assert "3 pictures of other things cannot be read." in words(at)
    button(at, "Forget these 3").click().run()
    assert not at.exception, at.exception
    assert negatives.pictures(project) == []
    negatives.forget(project)  # there is nothing any more


def test_the_training_pictures_are_asked_about_on_request(trained: Run) -> None:
    (trained.folder / "recall.npz").unlink(missing_ok=True)
    at = visit("pages/4_Evaluate.py", Path(trained.records.plan().project), view="Numbers", run=trained.id)
    at.button_group(key="evaluate part").set_value("train").run()
    count = len(trained.records.plan().part("train"))
    button(at, f"Ask it about {count} pictures").click().run()
    assert not at.exception
    assert "It learned from these" in words(at)
    assert int(at.dataframe[0].value["found (TP)"].sum()) == count


@pytest.mark.parametrize("damage", ["", "{", '{"temperature": 99}', '{"temperature": "x"}', "[]"])
def test_a_damaged_choice_is_as_good_as_none(run: Run, damage: str) -> None:
    (run.folder / "sureness.json").write_text(damage)
    assert decision_of(run.folder) == Decision()
    assert exports_of(run) == {}


def test_a_cell_that_was_chosen_for_another_training_is_forgotten(run: Run) -> None:
    evaluation = parts.answers_of(run.snapshot()).evaluation
    assert first_of(evaluation, Cell("blue", "red")) == Cell("blue", "red")
    assert first_of(evaluation, Cell(None, "red")) == Cell(None, "red")
    assert first_of(evaluation, Cell("oak", "red")) == Cell()
    assert first_of(evaluation, None) == Cell()


def test_mistakes_that_are_gone_are_not_called_none(run: Run) -> None:
    project = Project.open(run.records.plan().project)
    for picture in project.scan().by_class["blue"]:
        (project.root / picture.path).unlink()
    at = evaluate(run, "Mistakes")
    assert f"{MISTAKES} pictures of it cannot be shown" in words(at)
    assert matrix._nothing(Cell(), MISTAKES) == "None of these pictures is in the folder any more."
    assert matrix._nothing(Cell(), 0) == "No mistakes here."
    assert matrix._nothing(Cell("oak", "maple"), 0) == "oak, taken for maple: none."


def test_an_ensemble_is_trained_again_by_the_settings_of_the_project(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.open(run.records.plan().project)
    result = run.records.result()
    assert result
    run.records.write_result(result.model_copy(update={"ensemble": [Voter(run="one", weight=1.0)]}))
    state.keep_draft(project, TrainConfig(seed=77))
    (project.root / "blue" / "000.png").rename(project.root / "red" / "moved.png")
    asked: list[TrainConfig] = []
    monkeypatch.setattr(state, "train", lambda _, config, *__, **___: asked.append(config))
    button(evaluate(run, "Mistakes"), "Train again with them").click().run()
    assert [config.seed for config in asked] == [77]


def test_mistakes_of_sureness_that_even_out_are_told() -> None:
    right = np.arange(200) % 4 > 0
    apart = np.where(np.arange(200) < 100, 0.95, 0.55)

    def said(sureness: np.ndarray) -> str:
        return sure._in_words(calibration.reliability(sureness, right), sureness, right)

    assert said(apart).startswith("**It is too sure of some answers, and too modest about others.**")
    assert said(np.full(200, 0.75)).startswith("**It knows how sure it may be.**")
    assert said(np.full(200, 0.95)).startswith("**It is too sure.**")
    assert said(np.full(200, 0.55)).startswith("**It is too modest.**")


@pytest.mark.parametrize("seed", range(20))
def test_few_answers_of_a_model_that_knows_how_sure_it_may_be_are_not_blamed(seed: int) -> None:
    random = np.random.default_rng(seed)
    apart = random.uniform(0.5, 1, 35)
    right = random.uniform(size=35) < apart
    told = sure._in_words(calibration.reliability(apart, right), apart, right)
    assert "too sure of some" not in told
    if abs(apart.mean() - right.mean()) < 0.1:
        assert told.startswith(("**35 answers cannot tell", "**It knows"))
