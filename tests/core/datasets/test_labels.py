"""Edits of pictures and classes: what is on the disk afterwards, and that every one can be undone and made again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core import Project
from core.datasets import labels
from core.datasets.edit_journal import HIDDEN, Edit
from core.system import confined
from core.system.errors import ProjectError
from tests.pictures import COLOURS, flat_project, shaded


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = flat_project(tmp_path / "p", COLOURS, each=4)
    shaded((90, 90, 90), 1).save(folder / "loose.png")
    return Project.open(folder)


def tree(project: Project) -> dict[str, str]:
    """Every file and folder of the person's, with the content."""
    return {
        path.relative_to(project.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ""
        for path in sorted(project.root.rglob("*"))
        if HIDDEN not in path.parts
    }


def some(project: Project, name: str | None, count: int = 2) -> list:
    catalogue = project.scan()
    return (catalogue.unlabelled if name is None else catalogue.by_class[name])[:count]


EDITS: dict[str, Callable[[Project], Edit]] = {
    "move": lambda p: labels.move(p, some(p, "red"), "blue"),
    "move to a new class": lambda p: labels.move(p, some(p, "red"), "pink"),
    "unlabel": lambda p: labels.move(p, some(p, "red"), None),
    "label": lambda p: labels.move(p, some(p, None), "green"),
    "copy": lambda p: labels.copy(p, some(p, "red"), "blue"),
    "delete": lambda p: labels.delete(p, some(p, "red", 4)),
    "new class": lambda p: labels.new_class(p, "grey"),
    "rename": lambda p: labels.rename_class(p, "red", "rouge"),
    "merge": lambda p: labels.merge_classes(p, ["red", "green"], "blue"),
    "delete class": lambda p: labels.delete_class(p, "red"),
    "aside": lambda p: labels.set_aside(p, "red", aside=True),
    "order": lambda p: labels.set_order(p, ["red", "green", "blue"]),
    "colour": lambda p: labels.set_colour(p, "red", 9),
}


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_is_undone_and_made_again(project: Project, name: str) -> None:
    before, choices = tree(project), project.class_choices()
    edit = EDITS[name](project)
    after, chosen = tree(project), project.class_choices()
    assert (after, chosen) != (before, choices)
    assert project.journal.next_undo() == edit.sentence
    again = Project.open(project.root)  # as after a restart
    assert labels.undo(again) is not None
    assert (tree(again), again.class_choices()) == (before, choices)
    assert again.journal.next_redo() == edit.sentence
    assert labels.redo(again) is not None
    assert (tree(again), again.class_choices()) == (after, chosen)
    assert labels.redo(again) is None
    labels.undo(again)
    assert labels.undo(again) is None


def test_no_content_is_ever_lost(project: Project) -> None:
    def contents() -> set[str]:
        return {hashlib.sha256(p.read_bytes()).hexdigest() for p in project.root.rglob("*.png")}

    before = contents()
    for edit in EDITS.values():
        try:
            edit(project)
        except (ProjectError, KeyError):
            continue  # an edit before it took its class away
    assert before <= contents()


def test_an_edit_does_not_decode_a_picture_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.scan()
    pictures = some(project, "red")
    monkeypatch.setattr("core.imaging.decode.inspect", lambda _: pytest.fail("decoded again"))
    labels.move(project, pictures, "blue")
    labels.rename_class(project, "green", "verde")
    labels.undo(project)
    assert project.scan().counts == {"blue": 6, "green": 4, "red": 2}


def test_the_catalogue_follows_without_a_look(project: Project) -> None:
    catalogue = project.scan()
    edit = labels.move(project, catalogue.by_class["red"][:2], "blue")
    assert catalogue.after(edit.moved) == project.scan()
    edit = labels.delete(project, project.scan().by_class["red"])
    assert project.scan().counts["red"] == 0
    assert labels.undo(project)
    assert project.scan().counts["red"] == 2


def test_a_name_that_is_taken_is_not_written_over(project: Project) -> None:
    labels.move(project, some(project, "red", 4), "blue")
    names = sorted(path.name for path in (project.root / "blue").iterdir())
    assert names == sorted([f"{n:03}.png" for n in range(4)] + [f"{n:03} (2).png" for n in range(4)])


def test_what_someone_changed_meanwhile_is_left_alone(project: Project) -> None:
    seen = some(project, "red", 3)
    (project.root / seen[0].path).unlink()
    shaded((1, 2, 3), 9).save(project.root / seen[1].path)
    edit = labels.move(project, seen, "blue")
    assert set(edit.left) == {seen[0].path, seen[1].path}
    assert [old for old, _ in edit.moved] == [seen[2].path]
    with pytest.raises(ProjectError, match="not there any more"):
        labels.move(project, seen, "green")


def test_a_class_that_someone_else_renamed_or_removed_is_said(project: Project) -> None:
    other = Project.open(project.root)
    seen = some(project, "red")
    labels.rename_class(other, "red", "rouge")
    before = tree(project)
    for edit in (
        lambda: labels.rename_class(project, "red", "scarlet"),
        lambda: labels.merge_classes(project, ["red"], "blue"),
        lambda: labels.delete_class(project, "red"),
        lambda: labels.move(project, seen, "blue"),
    ):
        with pytest.raises(ProjectError, match="not there any more"):
            edit()
    assert tree(project) == before


def test_undo_never_writes_over_what_came_since(project: Project) -> None:
    labels.delete(project, some(project, "red", 1))
    shaded((5, 5, 5), 5).save(project.root / "red" / "000.png")
    mine = hashlib.sha256((project.root / "red" / "000.png").read_bytes()).hexdigest()
    labels.undo(project)
    assert tree(project)["red/000.png"] == mine
    assert "red/000 (2).png" in tree(project)
    labels.redo(project)
    assert tree(project)["red/000.png"] == mine
    assert "red/000 (2).png" not in tree(project)


def test_undo_says_what_is_not_where_it_was(project: Project) -> None:
    edit = labels.move(project, some(project, "red"), "blue")
    (project.root / edit.moved[0][1]).unlink()
    undone = labels.undo(project)
    assert undone
    assert undone.left == (edit.moved[0][1],)
    assert len(undone.moved) == 1


@pytest.mark.parametrize(
    "name",
    [
        "../../x",
        "a/b",
        "a\\b",
        ".hidden",
        "..",
        "",
        "   ",
        "x" * 500,
        "end.",
        "CON",
        "aux.txt",
        "a\0b",
        "a\nb",
        "a\u202eb",
    ],
)
def test_names_that_no_class_can_have(project: Project, name: str) -> None:
    before = tree(project)
    for edit in (
        lambda: labels.new_class(project, name),
        lambda: labels.rename_class(project, "red", name),
        lambda: labels.move(project, some(project, "red"), name),
    ):
        with pytest.raises(ProjectError):
            edit()
    assert tree(project) == before
    assert not (project.root.parent / "x").exists()


@pytest.mark.parametrize("name", ["a\u200cb", "👨\u200d👩\u200d👧", "naïve café", "1", "v1.5", "=1+1"])
def test_names_that_a_class_can_have(project: Project, name: str) -> None:
    labels.new_class(project, name)
    assert name in project.scan().classes


def test_spellings_of_one_class_are_one_folder(project: Project) -> None:
    labels.move(project, some(project, "red"), "BLUE")
    assert project.scan().counts["blue"] == 6
    with pytest.raises(ProjectError, match="already"):
        labels.new_class(project, "Blue")
    labels.rename_class(project, "blue", "Blue")
    assert "Blue" in project.scan().classes


def test_folders_of_one_class_are_merged_when_renamed(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", {"cat": (9, 9, 9), "Cat": (99, 99, 99), "dog": (200, 9, 9)}, each=2)
    project = Project.open(folder)
    assert len(project.scan().by_class["Cat"]) == 4
    labels.rename_class(project, "Cat", "tiger")
    assert project.scan().counts == {"dog": 2, "tiger": 4}
    assert not (folder / "cat").exists()


def test_a_class_that_is_set_aside_is_not_trained_on(project: Project) -> None:
    from core.config.split import SplitConfig
    from core.datasets.splits import make_split
    from core.datasets.validation import why_not_trainable

    labels.set_aside(project, "red", aside=True)
    assert make_split(project.scan(), SplitConfig(), 0).classes == ("blue", "green")
    labels.set_aside(project, "blue", aside=True)
    assert why_not_trainable(project.scan()).startswith("All classes but green are set aside.")
    labels.set_aside(project, "green", aside=True)
    assert why_not_trainable(project.scan()).startswith("All classes with pictures are set aside.")
    labels.set_aside(project, "green", aside=False)
    labels.set_aside(project, "blue", aside=False)
    assert project.scan().aside == {"red"}


def test_order_and_colour_are_kept_through_a_rename(project: Project) -> None:
    labels.set_order(project, ["red", "green", "blue"])
    labels.set_colour(project, "red", 7)
    labels.rename_class(project, "red", "zinnober")
    catalogue = project.scan()
    assert catalogue.classes == ("zinnober", "green", "blue")
    assert catalogue.colours["zinnober"] == 7


@pytest.mark.parametrize("name", ["notes", "Notes"])
def test_a_class_is_not_called_as_a_file_that_lies_there(project: Project, name: str) -> None:
    (project.root / "notes").write_text("mine")
    labels.set_aside(project, "red", aside=True)
    with pytest.raises(ProjectError, match="notes is a file"):
        labels.rename_class(project, "red", name)
    with pytest.raises(ProjectError, match="notes is a file"):
        labels.new_class(project, name)
    assert project.scan().aside == {"red"}
    assert (project.root / "notes").read_text() == "mine"


def test_a_read_only_folder_is_said(project: Project) -> None:
    elsewhere = Project(project.root, project.root.parent / "elsewhere")
    elsewhere.home.mkdir()
    with pytest.raises(ProjectError, match="cannot be written to"):
        labels.new_class(elsewhere, "grey")


def test_a_folder_that_is_gone_is_not_made_again(project: Project) -> None:
    pictures = some(project, "red")
    project.root.rename(project.root.with_name("moved"))
    with pytest.raises(ProjectError, match="is gone"):
        labels.move(project, pictures, "blue")
    assert not project.root.exists()


def test_a_step_that_the_system_refuses_changes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before, pictures = tree(project), some(project, "red", 3)
    rename, calls = os.rename, iter(range(9))

    def full(*where: Any, **folders: Any) -> None:
        if next(calls) == 1:
            raise OSError(28, "No space left on device")
        rename(*where, **folders)

    monkeypatch.setattr(confined.os, "rename", full)
    with pytest.raises(ProjectError, match="The disk is full"):
        labels.move(project, pictures, "blue")
    assert tree(project) == before
    monkeypatch.undo()
    assert labels.undo(project) is None
    assert len(labels.move(project, pictures, "blue").moved) == 3


def test_the_trash_is_counted_and_emptied(project: Project) -> None:
    labels.delete(project, some(project, "red", 3))
    count, size = labels.trash_size(project)
    assert count == 3
    assert size > 100
    labels.empty_trash(project)
    assert labels.trash_size(project) == (0, 0)
    assert labels.undo(project) is None


def test_a_damaged_journal_is_put_aside(project: Project) -> None:
    labels.move(project, some(project, "red"), "blue")
    labels.delete(project, some(project, "red", 1))
    for path in project.home.glob("edits.sqlite*"):
        path.unlink()
    (project.home / "edits.sqlite").write_bytes(b"no database at all" * 100)
    again = Project.open(project.root)
    assert again.journal.next_undo() == ""
    labels.new_class(again, "grey")
    assert again.journal.next_undo() == "new class grey"
    assert list(project.home.glob("edits-damaged-*.sqlite"))
    assert labels.trash_size(again)[0] == 1
    labels.empty_trash(again)
    assert labels.trash_size(again) == (0, 0)


def test_a_new_class_comes_last_and_the_others_keep_place_and_colour(project: Project) -> None:
    before = project.scan()
    labels.move(project, some(project, "red"), "amber")
    after = project.scan()
    assert after.classes == (*before.classes, "amber")
    assert {name: after.colours[name] for name in before.classes} == before.colours
    labels.undo(project)
    assert project.scan().classes == before.classes
