"""A project as one file: packed, opened elsewhere, gone on with; and files that mean harm."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core import Project, Run, evaluate, list_runs
from core.config.framing import Framing
from core.datasets import labels
from core.datasets.edit_journal import HIDDEN
from core.datasets.importing import archives
from core.datasets.packing import Contents, pack, peek, place_of, sweep, unpack
from core.datasets.validation import MAX_CLASSES
from core.runs.film import read_film
from core.system import storage
from core.system.errors import FieldguideError, ProjectError
from core.system.tasks.records import TaskState
from tests.pictures import COLOURS, encoded, flat_project, noise
from tests.runs import make_run
from tests.serving import ROOT

EVIL = "pictures/../../evil.jpg"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Three classes, one of them empty; a loose picture, one in the bin, two runs of which one is under way, and caches."""
    root = flat_project(tmp_path / "own" / "p", {name: COLOURS[name] for name in ("blue", "red")}, each=4)
    (root / "later").mkdir()
    shutil.copy(root / "red" / "000.png", root / "loose é.png")
    project = Project.open(root)
    done = make_run(project, "done", [0, 1] * 4 + [1, 0])
    (done.folder / "model.keras").write_bytes(b"keras" * 10)
    np.savez(done.folder / "head.npz", kernel=np.zeros((3, 2)))
    (done.folder / "model.tflite").write_bytes(b"lite" * 10)
    storage.write_json(done.folder / "about.json", {"name": "mine", "notes": "", "star": True})
    for made_again in ("exports", "explain"):
        (done.folder / made_again).mkdir()
        (done.folder / made_again / "x.json").write_text("{}")
    make_run(project, "going").records.write_state(TaskState("running", "fit", pid=1, ended=False))
    storage.write_json(project.home / "draft.json", {"epochs": 7})
    project.keep_framing(Framing(fit="letterbox"))
    catalogue = project.scan()
    project.thumbnail(catalogue.pictures[0].id)
    labels.delete(project, labels.picked(catalogue, ["red/003.png"]))
    return project


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run "going" has a process."""
    monkeypatch.setattr("core.system.tasks.records.is_alive", lambda pid, born: pid == 1)


@pytest.fixture
def packed(project: Project, alive: None, tmp_path: Path) -> Path:
    return pack(project, tmp_path / "p.fieldguide.zip")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_goes_on_elsewhere(project: Project, packed: Path, own_home: Path) -> None:
    assert peek(packed) == Contents("p", 8, 3, 1)
    told: list[tuple[int, int]] = []
    shutil.move(project.root, project.root.with_name("gone"))
    there, rows = unpack(packed, progress=lambda done, total: told.append((done, total)), models=True)
    assert there.root == own_home / "p"
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]
    assert {row.outcome for row in rows} == {"taken"}
    catalogue = there.scan()
    assert list(catalogue.classes) == ["blue", "later", "red"]
    assert [picture.path for picture in catalogue.unlabelled] == ["loose é.png"]
    (run,) = list_runs(there)
    assert evaluate(run).in_words == "8 of 10 right"
    assert run.records.plan().project == str(there.root)
    assert (run.folder / "about.json").is_file()
    assert run.snapshot().has_model
    assert storage.read_json(there.home / "draft.json") == {"epochs": 7}
    assert there.framing() == Framing(fit="letterbox")
    labels.undo(there)
    assert (there.root / "red" / "003.png").is_file()


def test_what_can_be_made_again_stays_behind(packed: Path) -> None:
    names = zipfile.ZipFile(packed).namelist()
    assert not [name for name in names if any(word in name for word in ("exports", "explain", "thumbnails", "index"))]
    assert not [name for name in names if "going" in name]


def test_of_a_stranger_no_model_and_no_edit_is_taken(packed: Path, own_home: Path) -> None:
    there, _ = unpack(packed)
    (run,) = list_runs(there)
    assert not run.snapshot().has_model
    assert not run.records.model.exists()
    assert evaluate(run).total == 10
    assert {path.suffix for path in (there.home / "runs").rglob("*") if path.is_file()} <= {".json", ".jsonl", ".npz"}
    assert labels.undo(there) is None
    assert len(there.scan().pictures) == 8


def test_two_of_one_name_are_both_kept(packed: Path, own_home: Path) -> None:
    assert [unpack(packed)[0].root.name, unpack(packed)[0].root.name] == ["p", "p (2)"]
    with pytest.raises(ProjectError, match="already"):
        unpack(packed, own_home / "p")


@pytest.mark.parametrize("at", [5, 16], ids=["writing", "looking"])
def test_of_half_a_project_nothing_is_left(packed: Path, own_home: Path, at: int) -> None:
    def stop(done: int, total: int) -> None:
        if done == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(packed, progress=stop)
    assert list(own_home.iterdir()) == []


LEFT_ALONE = """
import os, sys
from core import Project
from core.datasets import packing
from pathlib import Path

def end(done, total):
    if done == 3:
        os._exit(9)

if sys.argv[1] == "pack":
    project = Project.open(sys.argv[2])
    packing.pack(project, packing.place_of(project), end)
else:
    packing.unpack(Path(sys.argv[2]), progress=end)
"""


@pytest.mark.parametrize("what", ["pack", "unpack"])
def test_what_a_crash_left_is_swept_once_no_one_can_be_at_it(
    project: Project, packed: Path, own_home: Path, what: str
) -> None:
    subject = project.root if what == "pack" else packed
    ended = subprocess.run([sys.executable, "-c", LEFT_ALONE, what, str(subject)], cwd=ROOT, check=False)
    assert ended.returncode == 9
    left = files(own_home)
    assert left
    sweep()
    assert files(own_home) == left
    for path in own_home.rglob("*"):
        os.utime(path, (time.time() - 4000, time.time() - 4000))
    kept = pack(project, place_of(project))
    sweep()
    assert [path for path in own_home.rglob("*") if path.is_file()] == [kept]


def test_what_is_being_unpacked_for_long_is_not_swept(own_home: Path) -> None:
    half = own_home / ".unpacking-0123456789ab"
    (half / "oak").mkdir(parents=True)
    (half / "oak" / "1.png").write_bytes(b"x")
    for path in (half / "oak", half):
        os.utime(path, (time.time() - 4000, time.time() - 4000))
    sweep()
    assert (half / "oak" / "1.png").is_file()


def test_two_projects_of_one_name_are_packed_to_two_places(tmp_path: Path, own_home: Path) -> None:
    a, b = (Project.open(flat_project(tmp_path / letter / "birds", COLOURS, each=1)) for letter in "ab")
    places = [place_of(a), place_of(b), place_of(a)]
    assert {place.name for place in places} == {"birds.fieldguide.zip"}
    assert places[0] != places[1]
    assert places[0] == places[2]


def test_more_classes_than_are_opened_again_are_not_packed(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("core.datasets.packing.MAX_CLASSES", 2)
    with pytest.raises(ProjectError, match="more than 2 classes"):
        pack(project, tmp_path / "p.zip")


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

    there, _ = unpack(altered(packed, add))
    assert {Path(name).name for name in extra}.isdisjoint(path.name for path in there.root.rglob("*"))


def manifest(content: object) -> bytes:
    return project_file(json.dumps(content))


def project_file(about: str, pictures: dict[str, bytes] | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("fieldguide-project.json", about)
        for name, content in (pictures or {}).items():
            archive.writestr(f"pictures/{name}", content)
    return out.getvalue()


def about(**changed: object) -> dict[str, object]:
    return {"version": 1, "name": "x", "pictures": 1, "classes": [], "runs": 0} | changed


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (b"hello", "not a whole zip"),
        (manifest([]), "damaged"),
        (manifest({"version": 1, "name": "x", "pictures": "many", "classes": [], "runs": 0}), "damaged"),
        (manifest({"version": 9, "name": "x", "pictures": 1, "classes": [], "runs": 0}), "newer version"),
        *(
            (project_file(json.dumps(about()).replace(f'"{key}": ', f'"{key}": {infinite}, "was": ')), "damaged")
            for key in ("version", "pictures", "runs")
            for infinite in ("1e999", "-Infinity", "NaN")
        ),
        *(
            (manifest(about(classes=classes)), "damaged")
            for classes in ("oak", {"oak": 1}, 5, None, [5], [None], [["oak"]], ["oak", {}])
        ),
        (manifest(about(classes=[str(number) for number in range(MAX_CLASSES + 1)])), "at most 1,000"),
        (manifest(about(classes=[str(number) for number in range(100_000)])), "at most 1,000"),
        (manifest(about(name="x" * 3_000_000)), "damaged"),
    ],
)
def test_a_bad_file_is_explained(source: bytes, says: str, own_home: Path) -> None:
    with pytest.raises(FieldguideError, match=says):
        peek(source)
    with pytest.raises(FieldguideError, match=says):
        unpack(source)
    assert files(own_home) == {}


ODD = ["etc.", "con", "oak ", "cafe\u0301", "x" * 120, "a:b"]


def test_each_class_comes_back_under_its_own_name_and_no_other(tmp_path: Path, own_home: Path) -> None:
    root = flat_project(tmp_path / "own" / "p", dict.fromkeys(ODD, (200, 0, 0)), each=1)
    (root / "empty").mkdir()
    there, _ = unpack(pack(Project.open(root), tmp_path / "p.zip"))
    assert sorted(path.name for path in there.root.iterdir() if path.name != HIDDEN) == sorted([*ODD, "empty"])
    assert there.scan().counts["empty"] == 0
    assert not [name for name, count in there.scan().counts.items() if count == 0 and name != "empty"]


def test_what_is_no_whole_picture_reaches_no_class(own_home: Path) -> None:
    good = encoded(noise(1), "JPEG")
    inside = {"oak/good.jpg": good, "oak/page.jpg": b"<html>", "etc./cut.jpg": good[:-400], "loose.png": b"GIF89a"}
    there, rows = unpack(project_file(json.dumps(about(pictures=4, classes=["etc.", "oak"])), inside))
    assert [path.relative_to(there.root).as_posix() for path in there.root.rglob("*.[jp]*g")] == ["oak/good.jpg"]
    assert {row.name: row.outcome for row in rows} == {
        "oak/good.jpg": "taken", "oak/page.jpg": "rejected", "etc./cut.jpg": "rejected", "loose.png": "rejected",
    }  # fmt: skip
    reasons = {row.name: row.reason for row in rows}
    assert "not a picture" in reasons["oak/page.jpg"]
    assert "incomplete" in reasons["etc./cut.jpg"]
    assert sorted(path.name for path in there.root.iterdir() if path.name != HIDDEN) == ["etc.", "oak"]


def test_the_first_look_at_it_decodes_nothing_again(
    packed: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, _ = unpack(packed)
    monkeypatch.setattr("core.imaging.decode.inspect", lambda content: pytest.fail("it was decoded before"))
    assert len(there.scan().pictures) == 8


@pytest.mark.parametrize("models", [False, True])
def test_what_can_be_made_again_is_not_taken_from_a_file_either(packed: Path, own_home: Path, models: bool) -> None:
    extra = ("runs/done/exports/x.json", "runs/done/Explain./y.json", "studies/s/robustness/z.npz", "runs/done/stop")

    def add(archive: zipfile.ZipFile) -> None:
        for name in extra:
            archive.writestr(f"kept/{name}", b"{}")

    there, _ = unpack(altered(packed, add), models=models)
    assert not [name for name in extra if (there.home / name).exists()]


def test_a_deleted_class_of_any_name_comes_along(tmp_path: Path, own_home: Path) -> None:
    project = Project.open(flat_project(tmp_path / "own" / "signs", {"stop": (200, 0, 0), "go": (0, 200, 0)}, each=2))
    labels.delete_class(project, "stop")
    there, _ = unpack(pack(project, tmp_path / "p.zip"), models=True)
    labels.undo(there)
    assert len(there.scan().by_class["stop"]) == 2


def test_another_zip_is_not_taken_for_a_project(own_home: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("oak/1.png", b"x")
    assert peek(out.getvalue()) is None
    with pytest.raises(ProjectError, match="not a project file"):
        unpack(out.getvalue())


def test_a_name_that_no_folder_can_have_becomes_one_that_it_can(own_home: Path) -> None:
    content = manifest({"version": 1, "name": "../../up", "pictures": 0, "classes": ["../../evil", "a/b"], "runs": 0})
    there, _ = unpack(content)
    assert there.root.parent == own_home
    assert sorted(path.name for path in there.root.iterdir() if path.name != HIDDEN) == sorted(there.scan().classes)
    assert len(there.scan().classes) == 2


def test_the_trained_run_answers_as_before(trained: Run, tmp_path: Path, own_home: Path) -> None:
    from core.inference.classifier import Classifier

    project = Project.open(trained.records.plan().project)
    there, _ = unpack(pack(project, tmp_path / "p.zip"), models=True)
    run = next(run for run in list_runs(there) if run.id == trained.id)
    picture = next(iter((there.root / "red").iterdir()))
    assert Classifier.load(run.folder).predict([picture]).labels == ["red"]
    films = [read_film(one.records) for one in (trained, run)]
    assert films[0] is not None
    assert films[1] is not None
    assert films[0].said.tolist() == films[1].said.tolist()
