"""A folder that is split already is recognised, used as it is, and stays what it is."""

from __future__ import annotations

import shutil
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from core.config.framing import Framing
from core.config.split import PARTS, SplitConfig
from core.datasets import importing, labels, packing
from core.datasets.catalogue import Catalogue
from core.datasets.layout import find_parts, layout_of, part_word, remarks_on, with_those_above
from core.datasets.project import Project, new_project
from core.datasets.splits import READY_MADE, make_split
from core.datasets.validation import find_problems
from core.system.errors import ProjectError
from tests.pictures import noise

CLASSES = ("circle", "cross", "square")


def split_folder(root: Path, tops: dict[str, int], classes: tuple[str, ...] = CLASSES) -> Path:
    """A folder for each part with so many pictures of each class; without classes, pictures that lie loose."""
    number = 0
    for top, each in tops.items():
        for name in classes or ("",):
            for _ in range(each):
                path = root / top / name / f"{number:04}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                noise(number).save(path)
                number += 1
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return split_folder(tmp_path / "shapes", {"train": 8, "val": 2, "test": 3})


def parts(catalogue: Catalogue) -> dict[str | None, dict[str | None, int]]:
    found: dict[str | None, Counter[str | None]] = {}
    for picture in catalogue.pictures:
        found.setdefault(picture.part, Counter())[picture.class_name] += 1
    return {part: dict(counts) for part, counts in found.items()}


def each(number: int) -> dict[str, int]:
    return dict.fromkeys(CLASSES, number)


@pytest.mark.parametrize(
    ("names", "part"),
    [
        ("train Train TRAINING training_set seg_train TrainSet trainset train-images flowers_train train_1", "train"),
        ("val valid Validation VALIDATION_SET validset dev dev-set DevSet eval seg_val", "val"),
        ("test Testing test_set TestSet seg_test holdout hold-out HoldOut held_out test1 flowers_test", "test"),
        ("bus trains contest value testament devil images circle 1 training_and_test", ""),
    ],
)
def test_spellings(names: str, part: str) -> None:
    for name in names.split():
        assert (part_word(name) or ("", ""))[0] == part, name


@pytest.mark.parametrize(
    ("paths", "roots"),
    [
        ("Training_Set/A/1 Training_Set/B/1 HOLDOUT/a/1 HOLDOUT/b/1", {"Training_Set": "train", "HOLDOUT": "test"}),
        (
            "seg_train/seg_train/a/1 seg_train/seg_train/b/1 seg_test/seg_test/a/1 seg_test/seg_test/b/1 seg_pred/seg_pred/1",
            {"seg_train/seg_train": "train", "seg_test/seg_test": "test"},
        ),
        ("train/a/1 train/b/1 test/1 test/2", {"train": "train", "test": "test"}),
        ("train/a/1 train/b/1 test/images/1", {"train": "train", "test/images": "test"}),
        ("train/images/a/1 train/images/b/1 valid/images/a/1", {"train/images": "train", "valid/images": "val"}),
        ("train/a/1 val/a/1", {"train": "train", "val": "val"}),
        ("x_train/a/1 x_train/b/1 x_dev/a/1 x_dev/b/1", {"x_train": "train", "x_dev": "val"}),
        ("train/1 bus/1", {}),
        ("train/steam/1 train/diesel/1 bus/red/1 bus/blue/1", {}),
        ("train/1 test/1 val/1", {}),
        ("train/steam/1 train/diesel/1 test/1 bus/1", {}),
        ("train/a/1 train/b/1 test/c/1 test/d/1 other/1", {}),
        ("cat/1 dog/1", {}),
        ("train/cat/1 train/dog/1", {}),
    ],
)
def test_what_is_a_split_and_what_are_classes(paths: str, roots: dict[str, str]) -> None:
    files = paths.split()
    folders = {above for path in files for above in with_those_above(path.rpartition("/")[0])}
    assert find_parts(folders, files) == roots
    layout = layout_of(folders, roots)
    if not roots:
        assert set(layout.classes.values()) == {path.split("/")[0] for path in files}


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        (
            "cat/train/1 cat/test/1 dog/train/1 dog/test/1",
            "The folders test and train inside the classes are not used as parts.",
        ),
        (
            "images/train/a/1 images/val/a/1",
            "The folders train and val inside the classes are not used as parts. To use them, choose",
        ),
        ("cat/Train/1 cat/VAL/1 dog/Train/1 dog/VAL/x/1", "The folders Train and VAL inside the classes are not used"),
        ("train/1 val/1 test/1", "test, train and val are taken for classes, though they are called as the parts"),
        ("trainA/1 trainB/1 testA/1 testB/1 a/1", ""),
        (
            "train/a/1 train/b/1 test/a/1 test/c/1 test/c/2",
            "What lies in test/c has no class (2 pictures): the training part has",
        ),
        ("train/a/1 train/b/1 test/a/1 old/a/1", "What lies in old has no class (1 picture): it is none of the parts."),
        ("train/a/1 train/b/1 test/a/1 1", ""),
        ("train/a/1 train/b/1 test/1 test/2", ""),
        ("train/a/1 train/b/1 test/unknown/1", ""),
        ("train/steam/1 train/diesel/1 bus/red/1 bus/test/1", ""),
        ("train/1 bus/1 test/1", ""),
        ("cat/train/1 cat/test/2 cat/3 cat/4 cat/5 dog/1", ""),
        ("cat/training/1 dog/training/1", ""),
        ("cat/1 dog/2", ""),
    ],
)
def test_what_may_not_be_expected_is_said(paths: str, told: str) -> None:
    files = paths.split()
    folders = {above for path in files for above in with_those_above(path.rpartition("/")[0])}
    remarks = remarks_on(layout_of(folders, find_parts(folders, files)), files)
    assert len(remarks) == bool(told)
    assert not told or remarks[0].startswith(told)


def test_parts_inside_the_classes_are_said_to_be_none_in_place_and_by_import(tmp_path: Path, own_home: Path) -> None:
    folder = split_folder(tmp_path / "p", {"cat": 4, "dog": 4}, ("train", "test"))
    said = "The folders test and train inside the classes are not used as parts."
    assert [p.kind for p in find_problems(Project.open(folder).scan(), Framing()) if p.sentence.startswith(said)] == [
        "layout"
    ]
    assert any(note.startswith(said) for note in importing.look(folder).notes)


def test_it_is_opened_in_place(folder: Path) -> None:
    for root in (folder, folder.parent):  # wrapped once
        catalogue = Project.open(root).scan()
        assert catalogue.classes == CLASSES
        assert parts(catalogue) == {"train": each(8), "val": each(2), "test": each(3)}
    told = {problem.kind: problem.sentence for problem in find_problems(catalogue, Framing())}
    assert told["split"] == "The pictures came split already: 24 to learn from, 6 to check with, 9 for the test."
    split = make_split(catalogue, SplitConfig())
    for part in PARTS:
        assert {picture.path for picture in split.part(part)} == {p.path for p in catalogue.pictures if p.part == part}


def test_a_class_that_is_set_aside_is_not_counted_in_the_parts(folder: Path) -> None:
    project = Project.open(folder)
    labels.set_aside(project, "cross", aside=True)
    told = {problem.kind: problem.sentence for problem in find_problems(project.scan(), Framing())}
    assert told["split"] == "The pictures came split already: 16 to learn from, 4 to check with, 6 for the test."


def test_the_parts_are_dealt_anew_where_a_person_says_so(folder: Path) -> None:
    catalogue = Project.open(folder).scan()
    split = make_split(catalogue, SplitConfig(ready_made="anew"))
    assert [len(split.part(part)) for part in PARTS] == [27, 6, 6]
    assert {picture.part for picture in split.test} > {"test"}


@pytest.mark.parametrize(("given", "lacking"), [("test", "val"), ("val", "test")])
def test_a_part_that_is_missing_is_dealt_from_training(tmp_path: Path, given: str, lacking: str) -> None:
    catalogue = Project.open(split_folder(tmp_path / "p", {"train": 20, given: 4})).scan()
    split = make_split(catalogue, SplitConfig())
    assert {picture.path for picture in split.part(given)} == {p.path for p in catalogue.pictures if p.part == given}
    assert len(split.part(lacking)) == 9
    assert {picture.part for picture in split.part(lacking)} == {"train"}


def test_parts_without_one_to_learn_from_are_dealt_anew_and_it_is_told(tmp_path: Path) -> None:
    catalogue = Project.open(split_folder(tmp_path / "p", {"val": 8, "test": 8})).scan()
    assert make_split(catalogue, SplitConfig()).remarks == (
        "The pictures came split already, but none of them is to learn from: all are dealt anew.",
    )
    assert not make_split(catalogue, SplitConfig(ready_made="anew")).remarks


def test_loose_test_pictures_have_no_class(tmp_path: Path) -> None:
    folder = split_folder(tmp_path / "p", {"train": 8})
    split_folder(folder, {"test": 5}, ())
    catalogue = Project.open(folder).scan()
    assert parts(catalogue) == {"train": each(8), "test": {None: 5}}
    assert [len(make_split(catalogue, SplitConfig()).part(part)) for part in PARTS] == [18, 3, 3]


def test_a_copy_in_training_and_test_is_for_the_test(folder: Path) -> None:
    copied = sorted((folder / "test" / "cross").iterdir())[0]
    shutil.copy(copied, folder / "train" / "cross" / "copy.png")
    split = make_split(Project.open(folder).scan(), SplitConfig())
    assert "test/cross/" + copied.name in {picture.path for picture in split.test}
    assert "train/cross/copy.png" not in {picture.path for picture in split.train}


def test_a_test_of_copies_is_told(tmp_path: Path) -> None:
    folder = split_folder(tmp_path / "p", {"train": 8, "val": 2, "test": 4})
    assert make_split(Project.open(folder).scan(), SplitConfig()).remarks == (READY_MADE,)
    for part in ("train", "test"):
        noise(5000 + len(part)).save(folder / part / "cross" / f"photo_jpg.rf.{part.encode().hex()}0123.png")
    _, remark = make_split(Project.open(folder).scan(), SplitConfig()).remarks
    assert remark.startswith("1 of 13 test pictures is of a film, photo or group")
    assert remark.endswith("Let the parts be dealt anew.")


def test_a_training_part_without_a_class_is_told(folder: Path) -> None:
    for path in (folder / "train" / "cross").iterdir():
        path.unlink()
    with pytest.raises(ProjectError, match='training part has too few pictures of "cross"'):
        make_split(Project.open(folder).scan(), SplitConfig())
    assert make_split(Project.open(folder).scan(), SplitConfig(ready_made="anew")).train


def test_it_stays_what_it_is_through_every_edit(folder: Path) -> None:
    project = Project.open(folder)
    before = project.scan()

    def take(path: str) -> list:
        return labels.picked(project.scan(), [next(p.path for p in project.scan().pictures if p.path.startswith(path))])

    edit = labels.move(project, take("test/cross"), "square")
    assert parts(project.scan())["test"] == {"circle": 3, "cross": 2, "square": 4}
    assert before.after(edit.moved) == project.scan()
    edit = labels.move(project, take("test/square"), None)
    assert parts(project.scan())["test"] == {"circle": 3, "cross": 2, "square": 3, None: 1}
    labels.rename_class(project, "circle", "disc")
    assert {p.name for p in folder.glob("*/disc")} == {"disc"}
    assert sorted(p.parent.name for p in folder.glob("*/disc")) == ["test", "train", "val"]
    assert project.scan().classes == ("cross", "disc", "square")
    labels.move(project, take("test/"), "star")  # a new class is one also where no picture of it is learned from yet
    assert project.scan().counts["star"] == 1
    labels.new_class(project, "moon")
    assert (folder / "train" / "moon").is_dir()
    labels.merge_classes(project, ["disc", "star"], "square")
    assert set(project.scan().classes) == {"cross", "moon", "square"}
    labels.delete_class(project, "moon")
    labels.delete_class(project, "cross")
    labels.copy(project, take("val/square"), "moon")
    assert project.scan().counts["moon"] == 1
    assert project.scan().layout.roots == {"test": "test", "train": "train", "val": "val"}
    while labels.undo(project):
        assert "train" not in project.scan().classes
    assert parts(project.scan()) == parts(before)
    while labels.redo(project):
        assert "train" not in project.scan().classes


def test_what_was_split_stays_so_when_little_is_left(folder: Path) -> None:
    project = Project.open(folder)
    project.scan()
    for name in ("circle", "cross"):
        labels.delete_class(project, name)
    shutil.rmtree(folder / "test")
    shutil.rmtree(folder / "val" / "square")
    assert Project.open(folder).scan().classes == ("square",)


def test_new_pictures_are_to_learn_from(folder: Path) -> None:
    project = Project.open(folder)
    source = folder.parent / "new.png"
    noise(9999).save(source)
    report = importing.take(project, importing.look(source).into("cross"))
    assert [row.path for row in report.rows] == ["train/cross/new.png"]


def zipped(folder: Path, target: Path, top: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as file:
        for path in sorted(folder.rglob("*.png")):
            file.write(path, f"{top}{path.relative_to(folder).as_posix()}")
    return target


@pytest.mark.parametrize("kind", ["folder", "zip", "wrapped zip"])
def test_it_is_imported(folder: Path, tmp_path: Path, own_home: Path, kind: str) -> None:
    source = (
        folder if kind == "folder" else zipped(folder, tmp_path / "s.zip", "data/" if kind == "wrapped zip" else "")
    )
    plan = importing.look(source)
    assert plan.counts == each(13)
    assert "It is split already: 24 to learn from, 6 to check with, 9 for the test." in plan.notes
    project = new_project("Imported")
    importing.take(project, plan)
    assert sorted(path.name for path in project.root.iterdir() if not path.name.startswith(".")) == list(CLASSES)
    assert parts(project.scan()) == {"train": each(8), "val": each(2), "test": each(3)}
    labels.rename_class(project, "cross", "plus")
    assert parts(project.scan())["test"] == {"circle": 3, "plus": 3, "square": 3}


def test_it_is_imported_into_one_that_is_split_in_place(folder: Path, tmp_path: Path) -> None:
    project = Project.open(folder)
    other = split_folder(tmp_path / "other", {"Training": 3, "Testing": 2}, ("cross", "star"))
    for number, path in enumerate(sorted(other.rglob("*.png"))):
        noise(7000 + number).save(path)
    importing.take(project, importing.look(other))
    found = parts(project.scan())
    assert found["train"] == {"circle": 8, "cross": 11, "square": 8, "star": 3}
    assert found["test"] == {"circle": 3, "cross": 5, "square": 3, "star": 2}


def test_it_travels(folder: Path, tmp_path: Path, own_home: Path) -> None:
    project = Project.open(folder)
    labels.new_class(project, "moon")
    file = packing.pack(project, tmp_path / "p.fieldguide.zip")
    again, _ = packing.unpack(file, tmp_path / "again")
    assert again.scan().counts == project.scan().counts
    assert parts(again.scan()) == parts(project.scan())
    peeked = packing.peek(file)
    assert peeked
    assert peeked.classes == 4


def test_the_first_page_counts_classes(folder: Path) -> None:
    project = Project.open(folder)
    project.scan()
    assert project.glance()[:2] == (39, 3)
