"""What a person, or anybody who forges it, asks of the board."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from core import Project
from core.datasets import importing, labels
from core.runs.lifecycle import list_runs, wait
from core.system.errors import FieldguideError, ProjectError
from pages.shared.board import blanks, board, ops
from pages.shared.components import _outbox
from pages.shared.components.board.board import Op
from pages.shared.http import arriving
from pages.shared.session import tab
from tests.pictures import COLOURS, encoded, flat_project, noise
from tests.runs import make_run, picture


@pytest.fixture(autouse=True)
def _own_tab(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(st, "session_state", {})
    yield
    arriving.forget(ops.PLACE)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.open(flat_project(tmp_path / "p", COLOURS, each=4))


def op(kind: str, card: str = "", to: str = "", token: str = "") -> Op:
    return Op(kind, card, to, token)


def arrive(*paths: str) -> str:
    """Puts pictures where those for a card arrive; returns their token."""
    arrivals = arriving.of_tab(ops.PLACE)
    for number, path in enumerate(paths):
        content = encoded(noise(100 + number)) if path.endswith(".png") else b"x"
        with arrivals.receiving(path, len(content)) as write:
            write(content)
    return arrivals.token


def test_all_that_arrived_comes_into_the_class_of_its_card_by_one_edit(project: Project) -> None:
    token = arrive("green/a.png", "green/b.png", "c.png", "notes.txt")
    said = ops.carry_out(project, op("take", "red", token=token), "")
    assert said.startswith("3 pictures saved in red.")
    assert "notes.txt" in said
    assert project.scan().counts == {"red": 7, "green": 4, "blue": 4}
    assert arriving.of_tab(ops.PLACE).token != token  # the next ones go elsewhere
    with pytest.raises(ProjectError, match="taken already"):
        ops.carry_out(project, op("take", "red", token=token), "")
    assert "Undone" in ops.carry_out(project, op("undo"), "")
    assert project.scan().counts == {"red": 4, "green": 4, "blue": 4}


def test_folders_beside_the_cards_are_classes(project: Project) -> None:
    said = ops.carry_out(project, op("take", token=arrive("more/green/a.png", "more/pink/b.png")), "")
    assert said == "2 pictures saved."
    assert project.scan().counts == {"red": 4, "green": 5, "blue": 4, "pink": 1}


def test_one_folder_that_is_dropped_beside_the_cards_is_a_class(project: Project) -> None:
    assert ops.carry_out(project, op("take", token=arrive("oak/a.png", "oak/b.png")), "") == "2 pictures saved."
    assert project.scan().counts == {"red": 4, "green": 4, "blue": 4, "oak": 2}
    ops.carry_out(project, op("take", token=arrive("set/oak/c.png", "set/elm/d.png")), "")
    assert project.scan().counts == {"red": 4, "green": 4, "blue": 4, "oak": 2, "elm": 1}
    ops.carry_out(project, op("take", "red", token=arrive("any/e.png", "any/f.png")), "")
    assert project.scan().counts["red"] == 6


def test_what_cannot_be_taken_stays_where_it_arrived(project: Project) -> None:
    token = arrive("a.png")
    with pytest.raises(FieldguideError):
        ops.carry_out(project, op("take", "../elsewhere", token=token), "")
    assert arriving.of_tab(ops.PLACE).token == token
    assert ops.carry_out(project, op("take", "red", token=token), "") == "1 picture saved in red."
    assert not (project.root.parent / "elsewhere").exists()


def test_what_could_not_be_saved_is_tried_again_when_the_person_comes_back(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise FieldguideError("The disk is full.", "Make room on it: empty the bin.")

    token = arrive("webcam-0a1b2c3d-001.png")
    with monkeypatch.context() as patched:
        patched.setattr(importing, "take", full)
        for kind in ("take", "fresh"):  # the board was left for the bin, which was not emptied yet
            with pytest.raises(FieldguideError, match="full"):
                ops.carry_out(project, op(kind, "red" if kind == "take" else "", token=token), "")
    assert ops.carry_out(project, op("fresh", token=token), "") == "1 picture saved in red."
    assert project.scan().counts["red"] == 5


def test_what_a_board_was_still_sending_when_it_was_left_goes_into_no_class_of_the_next(project: Project) -> None:
    before = project.scan().counts
    token = arrive("cat.png")
    assert arriving.of_tab(ops.PLACE).begun == 1
    assert "not saved" in ops.carry_out(project, op("fresh", token=token), "")
    assert arriving.of_tab(ops.PLACE).begun == 0
    token = arrive("dog.png")
    ops.carry_out(project, op("fresh", token="of another board"), "")
    ops.carry_out(project, op("take", "red", token=token), "")
    assert project.scan().counts == before | {"red": before["red"] + 1}


def test_a_card_becomes_a_class_with_its_first_picture_or_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    project = Project.open(tmp_path / "empty")

    def cards() -> list[str]:
        return blanks.with_blanks(list(project.scan().classes))

    assert cards() == ["Class 1", "Class 2"]
    assert not project.scan().classes  # nothing is written for a look
    ops.carry_out(project, op("take", "Class 2", token=arrive("a.png")), "")
    assert cards() == ["Class 1", "Class 2"]
    ops.carry_out(project, op("rename", "Class 1", "zebra"), "")
    assert cards() == ["zebra", "Class 2"]  # each stays in its place
    ops.carry_out(project, op("new", to="Class 3"), "")
    ops.carry_out(project, op("rename", "Class 2", "ant"), "")
    assert cards() == ["zebra", "ant", "Class 3"]
    ops.carry_out(project, op("delete", "Class 3"), "")
    assert cards() == ["zebra", "ant"]
    ops.carry_out(project, op("new", to="bee"), "")
    ops.carry_out(project, op("take", "bee", token=arrive("b.png", "c.png")), "")
    assert cards() == ["zebra", "ant", "bee"]
    labels.set_order(project, ["bee", "zebra", "ant"])  # on another page
    assert cards() == ["bee", "zebra", "ant"]


@pytest.mark.parametrize(
    "asked",
    [
        op("rename", "red", "green"),
        op("rename", "red", "a/b"),
        op("rename", "nothing", "x"),
        op("delete", "nothing"),
        op("aside", "nothing"),
        op("steal", "red"),
        op("new", to=".."),
        op("take", "red", token="guessed"),
        op("why", token="guessed"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_changes_nothing(project: Project, asked: Op) -> None:
    with pytest.raises(FieldguideError):
        ops.carry_out(project, asked, "")
    assert project.scan().counts == {"red": 4, "green": 4, "blue": 4}
    assert not project.scan().aside


def test_a_class_is_set_aside_and_taken_back(project: Project) -> None:
    ops.carry_out(project, op("aside", "red"), "")
    assert project.scan().aside == {"red"}
    ops.carry_out(project, op("back", "red"), "")
    assert not project.scan().aside


@pytest.mark.slow
def test_a_press_of_train_is_one_training_and_what_was_seen_counts(project: Project) -> None:
    assert ops.carry_out(project, op("train"), "") == ""
    (run,) = list_runs(project)
    assert wait(run).result
    assert ops.carry_out(project, op("train"), "") == ""  # of a page that had seen none
    assert list_runs(project) == [run]


def test_each_op_of_an_outbox_is_done_once_in_its_turn_and_trouble_is_told() -> None:
    done = _outbox.answers("some")
    heard: list[int] = []

    def carry_out(raw: object) -> None:
        assert isinstance(raw, dict)
        heard.append(raw["n"])
        if raw["kind"] == "bad":
            raise ProjectError("It is gone.", "Look again.")
        if raw["kind"] == "broken":
            raise KeyError("x")
        done["said"] = raw["kind"]

    _outbox.answer({"mount": "a", "ops": [{"n": 1, "kind": "x"}, {"n": 2, "kind": "bad"}]}, done, carry_out)
    assert (done["n"], done["said"], done["trouble"]) == (2, "It is gone. Look again.", True)
    _outbox.answer({"mount": "a", "ops": [{"n": 2, "kind": "bad"}, {"n": 3, "kind": "fine"}]}, done, carry_out)
    assert (heard, done["said"], done["trouble"]) == ([1, 2, 3], "fine", False)
    _outbox.answer({"mount": "b", "ops": [{"n": 1, "kind": "broken"}, "nonsense", {"n": "1"}]}, done, carry_out)
    assert (heard, done["trouble"]) == ([1, 2, 3, 1], True)
    for forged in (None, 3, {"ops": 3}, {"mount": "b", "ops": [None]}):
        _outbox.answer(forged, done, carry_out)
    assert heard == [1, 2, 3, 1]
    assert tab.get("some done") is done


def test_what_is_done_next_stands_first_and_what_is_done_here_is_said(project: Project) -> None:
    names = ("red", "green", "blue")
    train = [picture(number, number % 3, "train", names) for number in range(90)]
    test = [picture(100 + number, number % 3, "test", names) for number in range(30)]
    pictures = [*train, *test, picture(200, 0, "val", names)]
    truth = [each.label for each in test]

    def trained(name: str, said: list[int]) -> list[str]:
        run = make_run(project, name, said, classes=names, pictures=pictures)
        trainer = board._trainer(project.scan(), run.snapshot())
        return [trainer.note, *(label for _, label in trainer.ways)]

    assert trained("fine", truth)[1:] == ["Try it live", "See its answers", "See how it learned", "Download the model"]
    assert trained("some", [1, *truth[1:]])[1:] == ["See its mistakes", "See how it learned", "Download the model"]
    failing = [0 if label == 1 else label for label in truth]
    note, *ways = trained("one class", failing)
    assert ways == ["See its mistakes", "See how it learned", "Download the model"]
    assert note.startswith("67 % of pictures that it had never seen.")
