"""Adding pictures: what is planned, what becomes of each file, and that nothing shows before all is there."""

from __future__ import annotations

import io
import itertools
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import Project
from core.datasets import importing, labels
from core.datasets.edit_journal import STAGING
from core.imaging.decode import open_picture
from core.system.errors import ProjectError
from tests.pictures import COLOURS, encoded, flat_project, noise, shaded, zipped


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.open(flat_project(tmp_path / "p", COLOURS, each=2))


def picture(seed: int, kind: str = "PNG") -> bytes:
    return encoded(noise(seed), kind)


PARTS = ("train", "val", "test")


def outcomes(report: importing.Report) -> dict[str, str]:
    return {row.name: row.outcome for row in report.rows}


def test_pictures_go_where_they_are_told(project: Project) -> None:
    plan = importing.from_pictures([("a.png", picture(1)), ("b.jpg", picture(2, "JPEG")), ("bad.jpg", b"x")]).into(
        "red"
    )
    assert plan.counts == {"red": 3}
    seen: list[tuple[int, int]] = []
    report = importing.take(project, plan, lambda done, total: seen.append((done, total)))
    assert outcomes(report) == {"a.png": "taken", "b.jpg": "taken", "bad.jpg": "rejected"}
    assert seen == [(3, 3)]
    assert {row.path for row in report.rows} == {"red/a.png", "red/b.jpg", ""}
    assert project.scan().counts["red"] == 4
    added = project.scan().by_path["red/a.png"].id
    assert project.journal.origins([added, "none"]) == {added: ("a.png", "files")}
    labels.undo(project)
    assert project.scan().counts["red"] == 2
    labels.redo(project)
    assert project.scan().counts["red"] == 4


def test_a_zip_of_class_folders(project: Project) -> None:
    content = zipped(
        {
            "set/oak/1.png": picture(1),
            "set/oak/deep/2.png": picture(2),
            "set/elm/3.png": picture(3),
            "__MACOSX/set/oak/._1.png": b"x",
            "set/.DS_Store": b"x",
            "set/oak/Thumbs.db": b"x",
            "set/readme.txt": b"hello",
            "set/elm/inner.zip": b"x",
        }
    )
    plan = importing.look(content, "set.zip")
    assert plan.counts == {"oak": 2, "elm": 1}
    assert plan.hidden == 4
    assert any("folders in set" in note for note in plan.notes)
    assert any("inside a class folder" in note for note in plan.notes)
    report = importing.take(project, plan)
    assert report.count("taken") == 3
    assert [row.reason for row in report.rows if row.outcome == "rejected"] == ["a zip in a zip: unpack it first"]
    assert project.scan().counts == {"blue": 2, "elm": 1, "green": 2, "oak": 2, "red": 2}


def test_a_tar_and_a_zip_of_loose_pictures(project: Project) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in ("set/oak/1.png", "set/elm/2.png"):
            info = tarfile.TarInfo(name)
            content = picture(len(name))
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    assert importing.take(project, importing.look(out.getvalue(), "set.tgz")).count("taken") == 2
    loose = importing.look(zipped({"1.png": picture(7), "2.png": picture(8)}), "loose.zip")
    assert loose.counts == {None: 2}
    importing.take(project, loose)
    assert len(project.scan().unlabelled) == 2


def test_a_folder_is_copied_and_left_as_it_was(project: Project, tmp_path: Path) -> None:
    source = flat_project(tmp_path / "source" / "wrap", {"x": (1, 99, 200), "y": (200, 1, 99)}, each=3)
    before = sorted((p.name, p.read_bytes()) for p in source.rglob("*.png"))
    report = importing.take(project, importing.look(source.parent))
    assert report.count("taken") == 6
    assert sorted((p.name, p.read_bytes()) for p in source.rglob("*.png")) == before
    assert project.scan().counts["x"] == 3
    assert importing.take(project, importing.look(source)).count("skipped") == 6


@pytest.mark.parametrize(
    ("name", "table"),
    [
        (
            "t.csv",
            "file,label\n1.png,oak\nsub/2.png,elm\n3.png,\nnone.png,oak\nhttps://x.example/9.png,oak\n4.png,../../x\n",
        ),
        ("t.csv", "1.png;oak\nsub/2.png;elm\n3.png;\nnone.png;oak\nhttps://x.example/9.png;oak\n4.png;../../x\n"),
        (
            "t.jsonl",
            '{"file": "1.png", "label": "oak"}\n{"image": "2.png", "class": "elm"}\n{"file": "3.png"}\n'
            '{"file": "none.png", "label": "oak"}\n{"file": "https://x.example/9.png", "label": "oak"}\n'
            '{"file": "4.png", "label": "../../x"}\n',
        ),
    ],
)
def test_a_table_of_files_and_labels(project: Project, tmp_path: Path, name: str, table: str) -> None:
    folder = tmp_path / "t"
    (folder / "sub").mkdir(parents=True)
    for number, path in enumerate(("1.png", "sub/2.png", "3.png", "4.png", "5.png")):
        (folder / path).write_bytes(picture(number))
    (folder / name).write_text(table)
    plan = importing.look(folder / name)
    assert plan.counts == {"oak": 1, "elm": 1, None: 1}
    reasons = {row.name: row.reason for row in plan.rows}
    assert reasons["none.png"] == "no such file here"
    assert "internet" in reasons["https://x.example/9.png"]
    assert "slashes" in reasons["4.png"] or "cannot be the name" in reasons["4.png"]
    assert reasons["5.png"] == "not in the table"
    assert importing.take(project, plan).count("taken") == 3


def test_label_studio_exports_with_their_pictures(project: Project) -> None:
    tasks = [
        {
            "data": {"image": "/data/upload/3/0a1b2c3d-one.png"},
            "annotations": [
                {"result": [{"type": "choices", "value": {"choices": ["oak"]}}]},
                {"was_cancelled": True, "result": [{"value": {"choices": ["elm"]}}]},
            ],
        },
        {
            "data": {"image": "/data/upload/3/two.png"},
            "annotations": [{"result": [{"value": {"choices": ["a", "b"]}}]}],
        },
        {"data": {"image": "/data/upload/3/three.png"}, "annotations": []},
    ]
    pictures = {f"images/{n}.png": picture(i) for i, n in enumerate(("one", "two", "three"))}
    plan = importing.look(zipped({"result.json": json.dumps(tasks).encode(), **pictures}), "export.zip")
    assert plan.counts == {"oak": 1, None: 1}
    assert "more than one label" in {row.name: row.reason for row in plan.rows}["/data/upload/3/two.png"]
    least = [{"image": "images/one.png", "choice": "oak"}, {"image": "images/two.png", "choice": "elm"}]
    assert importing.look(zipped({"min.json": json.dumps(least).encode(), **pictures}), "x.zip").counts == {
        "oak": 1,
        "elm": 1,
    }


def test_teachable_machine_samples(project: Project) -> None:
    content = zipped(
        {"manifest.json": b"{}", "Class 1-samples/0.jpg": picture(1, "JPEG"), "Oak-samples/0.jpg": picture(2, "JPEG")}
    )
    assert importing.look(content, "project.tm").counts == {"Class 1": 1, "Oak": 1}


def test_a_table_labels_what_lies_in_the_project_without_a_class(project: Project) -> None:
    (project.root / "new.png").write_bytes(picture(5))
    (project.root / "labels.csv").write_text("file,label\nnew.png,red\n")
    report = importing.take(project, importing.look(project.root / "labels.csv"))
    assert [(row.outcome, row.path) for row in report.rows if row.name == "new.png"] == [("taken", "red/new.png")]
    catalogue = project.scan()
    assert not catalogue.unlabelled
    assert catalogue.counts["red"] == 3


def test_the_same_picture_twice_and_in_two_classes(project: Project) -> None:
    one = picture(1)
    report = importing.take(project, importing.from_pictures([("a.png", one), ("b.png", one)]).into("red"))
    assert [row.outcome for row in report.rows] == ["taken", "skipped"]
    assert "red/a.png" in report.rows[1].reason
    report = importing.take(project, importing.from_pictures([("c.png", one)]).into("blue"))
    assert report.rows[0].outcome == "taken"
    assert "also in red" in report.rows[0].reason
    assert importing.take(project, importing.from_pictures([("d.png", one)])).rows[0].outcome == "skipped"


@pytest.mark.parametrize("loose", ["x.png", "y.jpg"])
def test_a_picture_without_a_class_goes_into_one_class_and_a_copy_into_each_other(project: Project, loose: str) -> None:
    one = picture(1, "PNG" if loose == "x.png" else "JPEG")
    (project.root / loose).write_bytes(one)
    names = ["cat/1.png", "dog/1.png", "owl/1.png"]
    report = importing.take(project, importing.look(zipped(dict.fromkeys(names, one)), "z.zip"))
    assert report.count("taken") == 3
    assert [Path(row.path).parent.name for row in report.rows] == ["cat", "dog", "owl"]
    assert all((project.root / row.path).is_file() for row in report.rows)
    assert [loose in row.reason for row in report.rows] == [True, False, False]
    assert "also in cat" in report.rows[1].reason
    counts = project.scan().counts
    assert counts["cat"] == counts["dog"] == counts["owl"] == 1
    assert not project.scan().unlabelled


@pytest.mark.parametrize("turned", [False, True])
def test_of_a_picture_that_comes_with_and_without_a_class_the_one_with_it_is_taken(
    project: Project, turned: bool
) -> None:
    names = ["1.png", "cat/1.png", "dog/2.png"]
    files = {name: picture(2 if name == "dog/2.png" else 1) for name in (reversed(names) if turned else names)}
    report = importing.take(project, importing.look(zipped(files), "z.zip"))
    assert outcomes(report) == {"1.png": "skipped", "cat/1.png": "taken", "dog/2.png": "taken"}
    assert [row.name for row in report.rows] == list(files)
    assert {row.path for row in report.rows} == {"", "cat/1.png", "dog/2.png"}
    assert "cat/1.png" in next(row.reason for row in report.rows if row.name == "1.png")
    assert project.journal.history(1)[0][1] == "2 pictures added from z.zip"
    assert not project.scan().unlabelled


SPLIT = {
    f"{part}/{kind}/{part}.png": picture(n) for n, (part, kind) in enumerate(itertools.product(PARTS, ("oak", "elm")))
}


@pytest.mark.parametrize(
    ("first", "then", "wins"), [("test", "train", "test"), ("train", "test", "test"), ("val", "train", "val")]
)
def test_a_picture_in_two_parts_belongs_to_the_test_before_all_else(
    project: Project, first: str, then: str, wins: str
) -> None:
    files = SPLIT | {f"{first}/oak/x.png": picture(50), f"{then}/oak/x.png": picture(50)}
    importing.take(
        project, importing.look(zipped(dict(sorted(files.items(), key=lambda p: not p[0].startswith(first)))), "z.zip")
    )
    [one] = [each for each in project.scan().pictures if each.path == "oak/x.png"]
    assert project.division().parts[one.id] == wins


def test_a_picture_in_two_parts_lies_where_the_test_is(tmp_path: Path) -> None:
    for name, content in SPLIT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    project = Project.open(tmp_path)
    files = SPLIT | {"train/oak/x.png": picture(50), "test/oak/x.png": picture(50)}
    importing.take(project, importing.look(zipped(files), "z.zip"))
    assert "test/oak/x.png" in project.scan().by_path
    assert "train/oak/x.png" not in project.scan().by_path


def test_the_trash_is_emptied_meanwhile_and_every_picture_arrives(project: Project) -> None:
    other, before = Project.open(project.root), len(project.scan().pictures)
    labels.delete(other, [other.scan().pictures[0]])
    plan = importing.from_pictures([(f"{n}.png", picture(n + 1000)) for n in range(40)]).into("red")
    report = importing.take(project, plan, lambda *_: labels.empty_trash(other))
    assert report.count("taken") == 40
    assert len(project.scan().pictures) == before - 1 + 40
    assert all((project.root / row.path).is_file() for row in report.rows)
    assert project.journal.history(1)[0][1] == "40 pictures added from files"


def test_a_picture_that_goes_missing_on_its_way_is_told_and_not_counted(project: Project) -> None:
    def lose(done: int, total: int) -> None:
        if done == total:
            next((project.root / STAGING).glob("*/4-0.png")).unlink()

    report = importing.take(project, importing.from_pictures([(f"{n}.png", picture(n + 2000)) for n in range(6)]), lose)
    assert report.count("taken") == 5
    assert [(row.name, row.outcome) for row in report.rows if "went missing" in row.reason] == [("3.png", "rejected")]
    assert project.journal.history(1)[0][1] == "5 pictures added from files"


def test_nothing_is_added_if_it_is_broken_off(project: Project) -> None:
    class CancelledError(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        raise CancelledError

    before = project.scan()
    plan = importing.from_pictures([(f"{n}.png", picture(n)) for n in range(40)]).into("red")
    with pytest.raises(CancelledError):
        importing.take(project, plan, cancel)
    assert project.scan() == before
    assert not list((project.root / STAGING).iterdir())
    assert not list((project.home / "staging").iterdir())


def test_bytes_are_kept_but_for_what_they_tell(project: Project) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "maker"
    exif.get_ifd(0x8825)[2] = (51.0, 30.0, 0.0)
    image = shaded((90, 120, 30), 3, (64, 96))
    for kind, name in (("JPEG", "a.jpg"), ("PNG", "b.png"), ("WEBP", "c.webp")):
        content = encoded(image, kind, exif=exif.tobytes(), **({"comment": b"private"} if kind == "JPEG" else {}))
        assert b"maker" in content
        report = importing.take(project, importing.from_pictures([(name, content)]).into("new"))
        stored = (project.root / report.rows[0].path).read_bytes()
        assert b"maker" not in stored
        assert b"private" not in stored
        with Image.open(io.BytesIO(stored)) as again:
            assert dict(again.getexif()) == {0x0112: 6}
        np.testing.assert_array_equal(np.asarray(open_picture(stored)), np.asarray(open_picture(content)))
        same = importing.take(project, importing.from_pictures([(f"again {name}", content)]).into("new"))
        assert same.count("skipped") == 1


def test_what_is_not_stored_as_it_is(project: Project) -> None:
    frames = [shaded((40 * n, 90, 30), n) for n in range(3)]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    report = importing.take(
        project, importing.from_pictures([("m.gif", moving), ("b.bmp", picture(4, "BMP"))]).into("new")
    )
    assert [row.path for row in report.rows] == ["new/m.png", "new/b.png"]
    assert "first frame" in report.rows[0].reason
    assert importing.take(project, importing.from_pictures([("m.gif", moving)]).into("new")).count("skipped") == 1


def test_a_folder_that_cannot_be_written_to_is_said_first(project: Project) -> None:
    elsewhere = Project(project.root, project.root.parent / "elsewhere")
    elsewhere.home.mkdir()
    with pytest.raises(ProjectError, match="cannot be written to"):
        importing.take(elsewhere, importing.from_pictures([("a.png", picture(1))]))


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"x", "notes.txt", "neither pictures"),
        (b"x", "a.zip", "not a whole zip"),
        (zipped({"readme.txt": b"x"}), "a.zip", "no pictures"),
        (b"file,label\n", "a.csv", "no pictures in it"),
    ],
)
def test_sources_that_hold_nothing(content: bytes, name: str, says: str) -> None:
    with pytest.raises(ProjectError, match=says):
        importing.look(content, name)


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no file or folder"):
        importing.look(tmp_path / "none")


def test_several_sources_are_one_edit(project: Project) -> None:
    files = [
        ("set.zip", zipped({"oak/1.png": picture(1), "elm/2.png": picture(2)})),
        ("loose.png", picture(3)),
        ("notes.txt", b"x"),
    ]
    plans, refused = importing.from_files(files)
    assert [row.name for row in refused] == ["notes.txt"]
    plan = importing.together(plans).into("red")
    assert plan.counts == {"red": 1, "oak": 1, "elm": 1}
    before = project.scan()
    assert importing.take(project, plan).count("taken") == 3
    assert project.scan().counts["oak"] == 1
    labels.undo(project)
    assert project.scan() == before


def test_pictures_with_a_table_beside_them(project: Project) -> None:
    files = [("a.png", picture(1)), ("b.png", picture(2)), ("labels.csv", b"file,label\na.png,oak\nb.png,elm\n")]
    plans, refused = importing.from_files(files)
    assert not refused
    assert [plan.counts for plan in plans] == [{"oak": 1, "elm": 1}]
