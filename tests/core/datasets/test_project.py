from __future__ import annotations

import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from core.config.framing import Framing
from core.datasets import labels
from core.datasets.edit_journal import HIDDEN
from core.datasets.project import Project
from core.imaging import decode
from core.system import storage
from core.system.errors import ProjectError
from tests.pictures import COLOURS, flat_project, shaded


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return flat_project(tmp_path / "project", COLOURS, each=4)


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file() and HIDDEN not in p.parts}


def test_class_folders_decide_and_nothing_is_touched(folder: Path) -> None:
    shaded((9, 9, 9), 1).save(folder / "loose.png")
    before = snapshot(folder)
    catalogue = Project.open(folder).scan()
    assert catalogue.counts == {"blue": 4, "green": 4, "red": 4}
    assert [p.path for p in catalogue.unlabelled] == ["loose.png"]
    assert {p.class_name for p in catalogue.by_class["red"]} == {"red"}
    assert snapshot(folder) == before


def test_a_picture_is_decoded_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = decode.inspect
    monkeypatch.setattr(decode, "inspect", lambda content: seen.append(1) or real(content))
    Project.open(folder).scan()
    assert len(seen) == 12
    assert len(Project.open(folder).scan().pictures) == 12
    assert len(seen) == 12
    shaded((1, 200, 100), 77).save(folder / "red" / "000.png")
    Project.open(folder).scan()
    assert len(seen) == 13


def test_changes_by_hand_are_seen(folder: Path) -> None:
    project = Project.open(folder)
    project.scan()
    (folder / "red" / "000.png").unlink()
    shutil.move(folder / "blue" / "000.png", folder / "green" / "moved.png")
    (folder / "empty").mkdir()
    catalogue = project.scan()
    assert catalogue.counts == {"blue": 3, "empty": 0, "green": 5, "red": 3}
    count, folders, some = Project.open(project.root).glance()
    assert (count, folders, len(some)) == (11, 3, 4)
    assert len({path.parent for path in some}) == 3


def test_a_glance_counts_only_what_is_in_use(folder: Path) -> None:
    project = Project.open(folder)
    (folder / "red" / "000.png").rename(folder / "loose.png")
    project.scan()
    assert project.glance()[:2] == (12, 3)
    labels.set_aside(project, "red", aside=True)
    count, folders, some = project.glance()
    assert (count, folders) == (9, 2)
    assert all(path.parent.name != "red" for path in some)


def test_bad_files_are_listed_and_the_rest_is_taken(folder: Path) -> None:
    (folder / "red" / "text.jpg").write_text("hello")
    (folder / "red" / "half.png").write_bytes((folder / "red" / "000.png").read_bytes()[:2000])
    catalogue = Project.open(folder).scan()
    assert {r.path for r in catalogue.rejected} == {"red/half.png", "red/text.jpg"}
    assert len(catalogue.pictures) == 12


def test_junk_is_never_a_class(folder: Path) -> None:
    for name in (".git", "__MACOSX", ".hidden"):
        (folder / name).mkdir()
        shaded((1, 2, 3), 1).save(folder / name / "a.png")
    for name in (".DS_Store", "Thumbs.db", "._000.png"):
        (folder / "red" / name).write_bytes(b"junk")
    catalogue = Project.open(folder).scan()
    assert catalogue.classes == ("blue", "green", "red")
    assert not catalogue.rejected


def test_links_are_named_and_never_followed(folder: Path, tmp_path: Path) -> None:
    outside = flat_project(tmp_path / "outside", {"secret": (1, 1, 1)}, each=3)
    (folder / "linked").symlink_to(outside / "secret")
    (folder / "red" / "loop").symlink_to(folder)
    (folder / "red" / "one.png").symlink_to(outside / "secret" / "000.png")
    catalogue = Project.open(folder).scan()
    assert catalogue.counts == {"blue": 4, "green": 4, "red": 4}
    assert catalogue.links == ("linked", "red/loop", "red/one.png")


def test_spellings_of_one_name_are_one_class(folder: Path) -> None:
    for number, name in enumerate(
        ("Cat", "cat", unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café"))
    ):
        (folder / name).mkdir(exist_ok=True)
        shaded((9, 40 * number, 9), number).save(folder / name / f"{number}.png")
    counts = Project.open(folder).scan().counts
    assert counts["Cat"] == 2
    assert counts[unicodedata.normalize("NFC", "café")] == 2
    assert len(counts) == 5


def test_a_wrapping_folder_is_seen_through(folder: Path, tmp_path: Path) -> None:
    wrapped = tmp_path / "download" / "data"
    wrapped.parent.mkdir()
    shutil.move(folder, wrapped)
    project = Project.open(tmp_path / "download")
    assert project.root == wrapped
    assert project.scan().counts == {"blue": 4, "green": 4, "red": 4}


def test_a_project_whose_last_class_holds_folders_stays_itself(tmp_path: Path) -> None:
    for path in ("cat/red", "cat/blue", "dog/red", "dog/blue"):
        (tmp_path / "p" / path).mkdir(parents=True)
        shaded((9, 99, 9), len(path)).save(tmp_path / "p" / path / "x.png")
    project = Project.open(tmp_path / "p")
    labels.delete_class(project, "dog")
    again = Project.open(tmp_path / "p", again=True)
    assert (again.root, again.scan().counts) == (project.root, {"cat": 2})
    labels.undo(again)
    assert again.scan().counts == {"cat": 2, "dog": 2}


def test_a_nested_folder_belongs_to_the_first(folder: Path) -> None:
    (folder / "red" / "dark" / "deep").mkdir(parents=True)
    shaded((60, 0, 0), 5).save(folder / "red" / "dark" / "deep" / "x.png")
    assert Project.open(folder).scan().counts["red"] == 5


def test_a_name_that_is_no_text_is_listed(folder: Path) -> None:
    strange = os.fsencode(folder / "red") + b"/caf\xe9.png"
    with open(strange, "wb") as file:  # noqa: PTH123 - a Path would refuse it too
        file.write((folder / "red" / "000.png").read_bytes())
    catalogue = Project.open(folder).scan()
    assert [r.reason for r in catalogue.rejected] == ["its name is not readable text: rename it"]
    assert len(catalogue.pictures) == 12


def test_a_damaged_index_is_made_anew(folder: Path) -> None:
    project = Project.open(folder)
    project.scan()
    for path in project.home.glob("index.sqlite*"):
        path.write_bytes(os.urandom(4096))
    assert len(Project.open(folder).scan().pictures) == 12


def test_missing_folders_are_sentences(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no folder"):
        Project.open(tmp_path / "nowhere")
    with pytest.raises(ProjectError, match=r"b\?rds has damaged characters"):
        Project.open(tmp_path / "b\udcffrds")  # a name in another encoding, as Python reads it
    project = Project.open(folder)
    shutil.rmtree(folder)
    with pytest.raises(ProjectError, match="gone"):
        project.scan()
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_to_is_used_all_the_same(
    folder: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.mkdir

    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        if self == folder / HIDDEN:
            raise PermissionError(13, "read-only")
        real(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", refuse)
    project = Project.open(folder)
    assert project.home.is_relative_to(own_home)
    assert len(project.scan().pictures) == 12
    assert not (folder / HIDDEN).exists()


def test_a_path_never_leads_out_of_the_project(folder: Path) -> None:
    with pytest.raises(ProjectError):
        Project.open(folder).path_of("../other/file.png")


def test_thumbnails_are_kept(folder: Path) -> None:
    project = Project.open(folder)
    picture = project.scan().pictures[0]
    first = project.thumbnail(picture.id)
    project.path_of(picture.path).unlink()
    assert project.thumbnail(picture.id) == first


def test_what_models_see_is_kept_and_thumbnails_follow(folder: Path) -> None:
    project = Project.open(folder)
    picture = project.scan().pictures[0]
    assert project.framing() == Framing()
    usual, whole = project.thumbnail(picture.id), Framing(fit="letterbox")
    project.keep_framing(whole)
    assert Project.open(folder).framing() == whole
    assert project.thumbnail(picture.id) == project.thumbnail(picture.id, whole) != usual
    assert project.thumbnail(picture.id, Framing()) == usual


@pytest.mark.parametrize("content", ["", "[]", '{"fit": "stretch"}', '{"region": [0, 0, 0, 0]}', '{"new": 1}'])
def test_a_damaged_note_of_what_models_see_is_the_centre_square(folder: Path, content: str) -> None:
    project = Project.open(folder)
    (project.home / "framing.json").write_text(content)
    assert project.framing() == Framing()


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    storage.write_json(file, {"a": 1})

    def half(path: Path) -> None:
        path.write_bytes(b"{")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="space"):
        storage.write_with(file, half)
    assert storage.read_json(file) == {"a": 1}
    assert list(tmp_path.iterdir()) == [file]


def test_an_earlier_catalogue_spares_the_index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.open(folder)
    before = project.scan()
    shaded((1, 2, 200), 77).save(folder / "red" / "new.png")
    (folder / "blue" / "000.png").unlink()
    (folder / "green").rename(folder / "Verde")
    monkeypatch.setattr("core.datasets.file_index.FileIndex.rows", lambda self: pytest.fail("the whole index was read"))
    after = project.scan(previous=before)
    monkeypatch.undo()
    assert after == Project.open(folder).scan()
    assert after.by_path["red/000.png"] is before.by_path["red/000.png"]
    assert {"red/new.png", "Verde/000.png"} <= after.by_path.keys()
    assert "blue/000.png" not in after.by_path


@pytest.mark.parametrize("damaged", ['{"order": 5}', '{"colours": [1]}', '{"aside": {"a": 1}, "x": 2}', "[", "null"])
def test_choices_that_are_damaged_are_forgotten(folder: Path, damaged: str) -> None:
    project = Project.open(folder)
    classes = project.scan().classes
    (project.home / "classes.json").write_text(damaged)
    assert project.scan().classes == classes
