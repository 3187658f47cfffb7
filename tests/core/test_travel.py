"""A project as one file: packed, opened elsewhere, gone on with; and files that mean harm."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core import Project, Run, evaluate, labels, list_runs, store
from core.errors import FieldguideError, ProjectError
from core.intake import archives
from core.journal import HIDDEN
from core.records import RunState
from core.travel import Contents, pack, peek, unpack
from tests.pictures import COLOURS, flat_project
from tests.runs import make_run

EVIL = "pictures/../../evil.jpg"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Three classes, one of them empty; a loose picture, one in the trash, two runs of which one is under way, and caches."""
    root = flat_project(tmp_path / "own" / "p", {name: COLOURS[name] for name in ("blue", "red")}, each=4)
    (root / "later").mkdir()
    shutil.copy(root / "red" / "000.png", root / "loose é.png")
    project = Project.open(root)
    done = make_run(project, "done", [0, 1] * 4 + [1, 0])
    (done.folder / "model.keras").write_bytes(b"keras" * 10)
    (done.folder / "model.tflite").write_bytes(b"lite" * 10)
    store.write_json(done.folder / "about.json", {"name": "mine", "notes": "", "star": True})
    for made_again in ("exports", "explain"):
        (done.folder / made_again).mkdir()
        (done.folder / made_again / "x.json").write_text("{}")
    make_run(project, "going").records.write_state(RunState("running", "fit", pid=1, ended=False))
    store.write_json(project.home / "draft.json", {"epochs": 7})
    catalogue = project.scan()
    project.thumbnail(catalogue.pictures[0].id)
    labels.delete(project, labels.picked(catalogue, ["red/003.png"]))
    return project


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run "going" has a process."""
    monkeypatch.setattr("core.records.is_alive", lambda pid, born: pid == 1)


@pytest.fixture
def packed(project: Project, alive: None, tmp_path: Path) -> Path:
    return pack(project, tmp_path / "p.fieldguide.zip")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_goes_on_elsewhere(project: Project, packed: Path, own_home: Path) -> None:
    assert peek(packed) == Contents("p", 8, 3, 1)
    told: list[tuple[int, int]] = []
    shutil.move(project.root, project.root.with_name("gone"))
    there = unpack(packed, progress=lambda done, total: told.append((done, total)), models=True)
    assert there.root == own_home / "p"
    assert told[-1][0] == told[-1][1] == len(told)
    catalogue = there.scan()
    assert list(catalogue.classes) == ["blue", "later", "red"]
    assert [picture.path for picture in catalogue.unlabelled] == ["loose é.png"]
    (run,) = list_runs(there)
    assert evaluate(run).in_words == "8 of 10 right"
    assert run.records.plan().project == str(there.root)
    assert (run.folder / "about.json").is_file()
    assert run.snapshot().has_model
    assert store.read_json(there.home / "draft.json") == {"epochs": 7}
    labels.undo(there)
    assert (there.root / "red" / "003.png").is_file()


def test_what_can_be_made_again_stays_behind(packed: Path) -> None:
    names = zipfile.ZipFile(packed).namelist()
    assert not [name for name in names if any(word in name for word in ("exports", "explain", "thumbnails", "index"))]
    assert not [name for name in names if "going" in name]


def test_of_a_stranger_no_model_and_no_edit_is_taken(packed: Path, own_home: Path) -> None:
    there = unpack(packed)
    (run,) = list_runs(there)
    assert not run.snapshot().has_model
    assert evaluate(run).total == 10
    assert {path.suffix for path in (there.home / "runs").rglob("*") if path.is_file()} <= {".json", ".jsonl", ".npz"}
    assert labels.undo(there) is None
    assert len(there.scan().pictures) == 8


def test_two_of_one_name_are_both_kept(packed: Path, own_home: Path) -> None:
    assert [unpack(packed).root.name, unpack(packed).root.name] == ["p", "p (2)"]
    with pytest.raises(ProjectError, match="already"):
        unpack(packed, own_home / "p")


def test_of_half_a_project_nothing_is_left(packed: Path, own_home: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(packed, progress=stop)
    assert list(own_home.iterdir()) == []


@pytest.mark.parametrize("limit", ["MAX_ENTRIES", "MAX_BYTES", "MAX_FILE"])
def test_what_could_not_be_opened_again_is_not_packed(
    project: Project, limit: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(archives, limit, 5)
    with pytest.raises(ProjectError, match="too large") as caught:
        pack(project, tmp_path / "p.zip")
    assert "Copy its folder" in caught.value.hint
    assert not (tmp_path / "p.zip").exists()


def test_the_file_lies_outside_of_the_project(project: Project) -> None:
    with pytest.raises(ProjectError, match="inside"):
        pack(project, project.root / "red" / "p.zip")
    with pytest.raises(ProjectError, match="no folder"):
        pack(project, project.root.parent / "nowhere" / "p.zip")


def altered(packed: Path, change: Callable[[zipfile.ZipFile], None]) -> bytes:
    out = io.BytesIO(packed.read_bytes())
    with zipfile.ZipFile(out, "a") as archive:
        change(archive)
    return out.getvalue()


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("pictures/oak/link.jpg")
    info.external_attr = 0o120777 << 16
    return info


def bomb() -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, test=np.zeros((2000, 2000)))
    return out.getvalue()


@pytest.mark.parametrize("models", [False, True])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        (EVIL, b"x"),
        ("pictures//tmp/evil.jpg", b"x"),
        ("kept/runs/../../../../evil.json", b"{}"),
        ("kept/runs/C:/../../../../evil.json", b"{}"),
        (link(), b"/etc/passwd"),
        ("kept/runs/r/predictions.npz", bomb()),
    ],
    ids=["out", "absolute", "run", "drive", "link", "bomb"],
)
def test_row_16_an_evil_file_leaves_nothing(
    packed: Path, own_home: Path, name: str | zipfile.ZipInfo, content: bytes, models: bool
) -> None:
    evil = altered(packed, lambda archive: archive.writestr(name, content))
    before = files(own_home.parent)
    with pytest.raises(ProjectError):
        unpack(evil, models=models)
    assert files(own_home.parent) == before


def test_what_is_no_part_of_a_project_is_left_out(packed: Path, own_home: Path) -> None:
    extra = ("pictures/.fieldguide/edits.png", "pictures/oak/run.exe", "kept/other.json", "kept/runs/r/m.pkl", "x.json")

    def add(archive: zipfile.ZipFile) -> None:
        for name in extra:
            archive.writestr(name, b"x")

    there = unpack(altered(packed, add))
    assert {Path(name).name for name in extra}.isdisjoint(path.name for path in there.root.rglob("*"))


def manifest(content: object) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("fieldguide-project.json", json.dumps(content))
    return out.getvalue()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (b"hello", "not a whole zip"),
        (manifest([]), "damaged"),
        (manifest({"version": 1, "name": "x", "pictures": "many", "classes": [], "runs": 0}), "damaged"),
        (manifest({"version": 9, "name": "x", "pictures": 1, "classes": [], "runs": 0}), "newer version"),
    ],
)
def test_a_bad_file_is_explained(source: bytes, says: str, own_home: Path) -> None:
    with pytest.raises(FieldguideError, match=says):
        unpack(source)
    assert files(own_home) == {}


def test_another_zip_is_not_taken_for_a_project(own_home: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("oak/1.png", b"x")
    assert peek(out.getvalue()) is None
    with pytest.raises(ProjectError, match="not a project file"):
        unpack(out.getvalue())


def test_a_name_that_no_folder_can_have_becomes_one_that_it_can(own_home: Path) -> None:
    content = manifest({"version": 1, "name": "../../up", "pictures": 0, "classes": ["../../evil", "a/b"], "runs": 0})
    there = unpack(content)
    assert there.root.parent == own_home
    assert sorted(path.name for path in there.root.iterdir() if path.name != HIDDEN) == sorted(there.scan().classes)
    assert len(there.scan().classes) == 2


def test_the_trained_run_answers_as_before(trained: Run, tmp_path: Path, own_home: Path) -> None:
    from core.prediction import Classifier

    project = Project.open(trained.records.plan().project)
    there = unpack(pack(project, tmp_path / "p.zip"), models=True)
    run = next(run for run in list_runs(there) if run.id == trained.id)
    picture = next(iter((there.root / "red").iterdir()))
    assert Classifier.load(run.folder).predict([picture]).labels == ["red"]
