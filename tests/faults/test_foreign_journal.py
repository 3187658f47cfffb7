"""Row 56 of the fault list: folders that bring a journal from elsewhere, and links in the place of folders."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core import Project
from core.datasets import importing, labels
from core.datasets.adoption import adopt
from core.datasets.edit_journal import _SCHEMA, HIDDEN, STAGING, TRASH
from core.datasets.project_home import QUARANTINE, put_aside
from core.system.confined import Confined, parts_of
from core.system.errors import FieldguideError, ProjectError
from tests.pictures import COLOURS, encoded, flat_project, noise

pytestmark = pytest.mark.skipif(os.name == "nt", reason="makes links as POSIX has them")


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder of someone's that no project has to do with."""
    folder = tmp_path / "victim"
    (folder / "empty").mkdir(parents=True)
    (folder / "diary.txt").write_text("mine")
    return folder


@pytest.fixture
def gift(tmp_path: Path) -> Path:
    return flat_project(tmp_path / "from" / "gift", COLOURS, each=2)


def tree(folder: Path) -> dict[str, str]:
    """Every file and folder below, links as where they lead."""
    found = {}
    for path in sorted(folder.rglob("*")):
        kind = str(path.readlink()) if path.is_symlink() else "folder" if path.is_dir() else ""
        found[str(path.relative_to(folder))] = kind or hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def crafted(root: Path, state: str, steps: Any, schema: str = _SCHEMA, version: int = 2) -> None:
    """Puts an edit into the journal of a folder, as anyone can who knows how it is kept."""
    (root / HIDDEN).mkdir(exist_ok=True)
    with closing(sqlite3.connect(root / HIDDEN / "edits.sqlite")) as db:
        db.executescript(f"{schema}; PRAGMA user_version = {version}")
        db.execute(
            "INSERT INTO edits (at, kind, sentence, steps, state, token) VALUES (1, 'move', 'a gift', ?, ?, ?)",
            (steps if isinstance(steps, str) else json.dumps(steps), state, "../../.."),
        )
        db.commit()


def everything(root: Path) -> None:
    """All that a person can do that has to do with the journal."""
    project = Project.open(root)
    project.journal.next_undo()
    project.journal.history()
    for act in (labels.undo, labels.redo, labels.empty_trash, labels.trash_size):
        act(project)
    labels.move(project, [project.scan().pictures[0]], "green")
    labels.undo(project)
    Project.open(root)


OUTSIDE = [
    ["move", "../../victim/diary.txt", "red/stolen.jpg"],
    ["move", "{victim}/diary.txt", "red/stolen.jpg"],
    ["move", "red/000.png", "../../victim/planted.desktop"],
    ["move", "red/000.png", "{victim}/planted.desktop"],
    ["move", "red/../../../victim/diary.txt", "red/stolen.jpg"],
    ["move", "../../victim", "red/all"],
    ["move", "linked/diary.txt", "red/stolen.jpg"],
    ["move", "red/000.png", "linked/planted.jpg"],
    ["mkdir", "../../victim/made", ""],
    ["rmdir", "../../victim/empty", ""],
    ["mkdir", "linked/made", ""],
    ["rmdir", "linked/empty", ""],
]


@pytest.mark.parametrize("state", ["doing", "undoing", "done", "undone"])
@pytest.mark.parametrize("step", OUTSIDE, ids=" ".join)
def test_no_journal_from_elsewhere_is_carried_out(gift: Path, victim: Path, state: str, step: list[str]) -> None:
    step = [part.format(victim=victim) for part in step]
    turned = {"mkdir": "rmdir", "rmdir": "mkdir"}
    if state in ("undoing", "done"):  # what is undone is turned round
        step = [turned[step[0]], *step[1:]] if step[0] in turned else [step[0], step[2], step[1]]
    crafted(gift, state, [step])
    (gift / "linked").symlink_to(victim)
    before, pictures = tree(victim), tree(gift / "red")
    everything(gift)
    assert tree(victim) == before
    assert tree(gift / "red") | {"000.png": ""} == pictures | {"000.png": ""}
    assert {state for *_, state in Project.open(gift).journal.history()} <= {"foreign", "kept", "dropped", "undone"}


@pytest.mark.parametrize("state", ["doing", "done"])
@pytest.mark.parametrize(
    "steps",
    ["not json", "null", "[1]", '[["move", 1, 2]]', '[["move", "a"]]', '[["classes", 1, 2]]', '[["move", "\\u0000", "x"]]',
     '[["run", "a", "b"]]', "[" * 100_000, '{"a": 1}', "", '[["move", "' + "a/" * 5000 + 'a", "b"]]'],
    ids=lambda steps: steps[:20],
)  # fmt: skip
def test_damaged_steps_keep_no_folder_from_opening(gift: Path, state: str, steps: str) -> None:
    crafted(gift, state, steps)
    everything(gift)


def test_a_journal_of_the_version_before_is_shown_and_begun_anew(gift: Path) -> None:
    old = _SCHEMA.replace(", seal TEXT NOT NULL DEFAULT ''", "")
    crafted(gift, "done", [["move", "red/000.png", "blue/x.png"]], old, 1)
    crafted(gift, "doing", [["move", "red/000.png", "blue/x.png"]], old, 1)
    project = Project.open(gift)
    assert labels.undo(project) is None
    assert [(sentence, state) for _, sentence, state in project.journal.history()] == [("a gift", "kept")] * 2
    labels.move(project, [project.scan().pictures[0]], "green")
    assert labels.undo(project) is not None
    assert list((gift / HIDDEN).glob("edits-1-*.sqlite"))


def test_a_journal_of_a_newer_version_is_left_alone(gift: Path, victim: Path) -> None:
    crafted(gift, "doing", [["move", "red/000.png", "blue/x.png"]], version=99)
    before = (gift / HIDDEN / "edits.sqlite").read_bytes()
    project = Project.open(gift)
    with pytest.raises(ProjectError, match="newer version"):
        labels.move(project, [project.scan().pictures[0]], "green")
    assert (gift / HIDDEN / "edits.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    "more",
    ["CREATE TRIGGER t AFTER UPDATE ON edits BEGIN UPDATE edits SET state = 'doing'; END",
     "DROP TABLE origins; CREATE VIEW origins AS WITH RECURSIVE n(picture, name, source) AS"
     " (SELECT '', '', '' UNION ALL SELECT '', '', '' FROM n) SELECT * FROM n"],
)  # fmt: skip
def test_a_journal_with_more_in_it_than_rows_is_begun_anew(gift: Path, more: str) -> None:
    crafted(gift, "done", [["move", "red/000.png", "blue/x.png"]], f"{_SCHEMA}; {more}")
    everything(gift)


def test_an_index_that_never_ends_is_begun_anew(gift: Path) -> None:
    project = Project.open(gift)
    project.scan()
    with closing(sqlite3.connect(gift / HIDDEN / "index.sqlite")) as db:
        names = [name for _, name, *_ in db.execute("PRAGMA table_info(files)")]
        columns, nothing = ", ".join(names), ", ".join(["''"] * len(names))
        db.executescript(
            f"DROP TABLE files; CREATE VIEW files AS WITH RECURSIVE n({columns}) AS"
            f" (SELECT {nothing} UNION ALL SELECT {nothing} FROM n) SELECT * FROM n"
        )
    assert len(Project.open(gift).scan().pictures) == 6


@pytest.mark.parametrize("column", ["sha256", "signature", "width", "brightness", "path", "note"])
def test_an_index_of_nonsense_is_not_believed(gift: Path, column: str) -> None:
    before = Project.open(gift).scan()
    with closing(sqlite3.connect(gift / HIDDEN / "index.sqlite")) as db:
        db.execute(f"UPDATE OR REPLACE files SET {column} = ?", (b"\xff",))
        db.commit()
    assert Project.open(gift).scan() == before


def test_what_is_copied_from_here_can_be_undone_here(gift: Path, tmp_path: Path) -> None:
    project = Project.open(gift)
    before = tree(gift / "red")
    labels.move(project, project.scan().by_class["red"], "blue")
    shutil.copytree(gift, tmp_path / "copy")
    copy = Project.open(tmp_path / "copy")
    assert labels.undo(copy) is not None
    assert tree(copy.root / "red") == before


def test_an_edit_of_another_computer_is_undone_once_it_is_trusted(
    gift: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELDGUIDE_HOME", str(tmp_path / "theirs"))
    project = Project.open(gift)
    labels.move(project, project.scan().by_class["red"], "blue")
    monkeypatch.setenv("FIELDGUIDE_HOME", str(tmp_path / "ours"))
    here = Project.open(gift)
    assert labels.undo(here) is None
    assert here.journal.next_undo() == ""
    adopt(here)
    assert here.journal.next_undo() == "2 pictures into blue"
    assert labels.undo(here) is not None


def test_trust_does_not_reach_what_leads_elsewhere(gift: Path, victim: Path) -> None:
    crafted(gift, "done", [["move", "red/stolen.jpg", "../../victim/diary.txt"]])
    before = tree(victim)
    adopt(Project.open(gift))
    everything(gift)
    assert tree(victim) == before


def test_a_class_that_is_a_link_gets_no_picture(gift: Path, victim: Path) -> None:
    (gift / "Pie").symlink_to(victim)
    project = Project.open(gift)
    pictures, before = list(project.scan().by_class["red"]), tree(victim)
    for put in (labels.move, labels.copy):
        with pytest.raises(ProjectError, match="is a link"):
            put(project, pictures, "pie")
    with pytest.raises(ProjectError, match="is a link"):
        importing.take(project, importing.from_pictures([("a.png", encoded(noise(1)))]).into("pie"))
    assert tree(victim) == before
    assert len(project.scan().by_class["red"]) == 2


@pytest.mark.parametrize("what", [TRASH, STAGING, f"{HIDDEN}/runs", f"{HIDDEN}/index.sqlite", f"{HIDDEN}/thumbnails",
                                  f"{HIDDEN}/edits.lock", f"{HIDDEN}/draft.json", f"{HIDDEN}/{QUARANTINE}x"])  # fmt: skip
def test_a_link_in_the_hidden_folder_is_put_aside(gift: Path, victim: Path, what: str) -> None:
    (gift / HIDDEN).mkdir()
    (gift / what).symlink_to(victim if "." not in what.rpartition("/")[2] else victim / "diary.txt")
    before = tree(victim)
    project = Project.open(gift)
    labels.delete(project, [project.scan().pictures[0]])
    project.thumbnail(project.scan().pictures[0].id)
    labels.empty_trash(project)
    assert tree(victim) == before
    assert not (gift / what).is_symlink()
    assert put_aside(project.home) == 1


def test_a_link_that_comes_later_is_not_followed_either(gift: Path, victim: Path) -> None:
    project = Project.open(gift)
    labels.delete(project, [project.scan().pictures[0]])
    shutil.move(gift / TRASH, gift.parent / "trash")
    (gift / TRASH).symlink_to(victim)
    before = tree(victim)
    for act in (lambda: labels.delete(project, [project.scan().pictures[0]]), lambda: labels.empty_trash(project)):
        with pytest.raises(FieldguideError, match="link"):
            act()
    assert tree(victim) == before
    assert len(project.scan().pictures) == 5


def test_where_the_hidden_folder_is_a_link_nothing_is_changed(gift: Path, victim: Path) -> None:
    (gift / HIDDEN).symlink_to(victim)
    before = tree(victim)
    project = Project.open(gift)
    with pytest.raises(ProjectError, match="is a link"):
        labels.delete(project, [project.scan().pictures[0]])
    assert tree(victim) == before
    assert not project.home.is_relative_to(gift)


def test_pipes_and_devices_in_the_hidden_folder_are_passed_over(gift: Path) -> None:
    (gift / HIDDEN / "runs" / "x").mkdir(parents=True)
    for name in ("draft.json", "edits.sqlite", "runs/x/run.json"):
        os.mkfifo(gift / HIDDEN / name)
    project = Project.open(gift)
    assert len(project.scan().pictures) == 6
    assert labels.delete(project, [project.scan().pictures[0]]).moved


@pytest.mark.parametrize("name", ["", "/a", "a/../b", "..", ".", "a//b", "a/", "\0", 5, None, "a" * 5000])
def test_names_that_lead_elsewhere(name: object) -> None:
    with pytest.raises(ValueError, match="path"):
        parts_of(name)


def test_nothing_is_done_through_a_link(tmp_path: Path, victim: Path) -> None:
    root = tmp_path / "root"
    (root / "real").mkdir(parents=True)
    (root / "real" / "a").write_text("a")
    (root / "link").symlink_to(victim)
    folder, before = Confined(root), tree(victim)
    for act in (
        lambda: folder.move("link/diary.txt", "real/b"),
        lambda: folder.move("real/a", "link/b"),
        lambda: folder.make_folder("link/b"),
        lambda: folder.make_folder("link"),
        lambda: folder.remove_folder("link/empty"),
        lambda: folder.delete("link/diary.txt"),
    ):
        with pytest.raises(OSError, match="link"):
            act()
    assert tree(victim) == before
    assert folder.move("real/a", "new/place/a") == "new/place/a"
    assert folder.move("link", "new/link") == "new/link"  # the link itself is moved, not what it leads to
    folder.delete("new/link")
    assert tree(victim) == before
