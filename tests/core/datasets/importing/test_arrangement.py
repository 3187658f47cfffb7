"""Class folders, tables beside them, and names that begin alike: which of them counts."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from core import Project
from core.datasets import importing
from core.datasets.importing import ImportChoices
from core.system.errors import ProjectError
from tests.core.datasets.importing.sources import (
    CLASSES,
    KINDS,
    PICTURES,
    RIGHT,
    in_folders,
    labels,
    planned,
    rows,
)
from tests.pictures import COLOURS, encoded, flat_project, noise, zipped

IDS = [f"{n:02x}a{n}" for n in range(15)]


def test_a_table_beside_class_folders(tmp_path: Path) -> None:
    others = {name: "ab"[n % 2] for n, name in enumerate(PICTURES)}
    source = in_folders(tmp_path / "a", rows(["file", "label"], PICTURES, CLASSES), others)
    plan = importing.look(source)
    assert plan.counts == dict.fromkeys(KINDS, 5)
    assert any("The table counts, not the class folders" in note for note in plan.notes)
    assert importing.look(source, choices=ImportChoices(classes_from="folders")).counts == {"a": 8, "b": 7}
    source = in_folders(tmp_path / "b", rows(["file", "label"], PICTURES[:3], CLASSES[:3]), others)
    plan = importing.look(source)
    assert plan.counts == {"a": 8, "b": 7}
    assert any("names only 3 pictures: the class folders count" in note for note in plan.notes)
    plan = importing.look(source, choices=ImportChoices(classes_from="table"))
    assert len(plan.entries) == 3
    assert [row.reason for row in plan.rows] == ["not in the table"] * 12


def test_folders_that_are_called_as_the_parts_are_no_classes_beside_a_table(tmp_path: Path) -> None:
    """As of a competition: the labels of what is in train, and a list of what is in test with an even chance for each."""
    folders = {f"{name}.jpg": "train" if n < 7 else "test" for n, name in enumerate(IDS)}
    source = in_folders(tmp_path / "k", rows(["id", "breed"], IDS[:7], CLASSES[:7]), folders)
    (source / "sample_submission.csv").write_text(rows(["id", *KINDS], IDS[7:], *[[0.33] * 8] * 3))
    plan = importing.look(source)
    assert plan.counts == {"cat": 5, "dog": 2}
    assert len(plan.rows) >= 8


def test_a_table_in_each_part(tmp_path: Path) -> None:
    """The same names in each, as they are counted anew."""
    for part in ("train", "valid"):
        folder = in_folders(tmp_path / part, None, dict.fromkeys(["1.jpg", "2.jpg"], ""))
        (folder / "_classes.csv").write_text("filename, cat, dog\n1.jpg, 1, 0\n2.jpg, 0, 1\n")
    plan = importing.look(tmp_path)
    assert {(e.name, e.class_name, e.part) for e in plan.entries} == {
        ("train/1.jpg", "cat", "train"), ("train/2.jpg", "dog", "train"),
        ("valid/1.jpg", "cat", "val"), ("valid/2.jpg", "dog", "val"),
    }  # fmt: skip


def in_archive(paths: list[str], tables: dict[str, str], choices: ImportChoices | None = None) -> importing.Plan:
    files = dict.fromkeys(paths, b"") | {name: text.encode() for name, text in tables.items()}
    return importing.look(zipped(files), "set.zip", choices=choices)


def parts_of(plan: importing.Plan) -> dict[str, str | None]:
    return {entry.name: entry.part for entry in plan.entries}


@pytest.mark.parametrize("flat", [True, False], ids=["flat", "class-folders"])
@pytest.mark.parametrize("spelled", [("train", "val", "test"), ("Training_Set", "Validation_Set", "Test_Set")])
def test_parts_that_are_folders_stay_where_a_table_says_the_classes(flat: bool, spelled: tuple[str, ...]) -> None:
    part_of = dict(zip(spelled, ("train", "val", "test"), strict=True))
    paths = [
        f"{part}/{'' if flat else kind + '/'}{kind}{part[:2]}{n}.jpg"
        for part in spelled
        for kind in KINDS
        for n in "123"
    ]
    table = rows(
        ["filename", "label"], [path.rpartition("/")[2] for path in paths], [KINDS[n // 3 % 3] for n in range(27)]
    )
    plan = in_archive(paths, {"labels.csv": table})
    assert plan.recognised[0].layout == "table"
    assert plan.counts == dict.fromkeys(KINDS, 9)
    assert parts_of(plan) == {path: part_of[path.partition("/")[0]] for path in paths}
    assert "It is split already: 9 to learn from, 9 to check with, 9 for the test." in plan.notes


def test_a_column_of_parts_comes_before_the_folders() -> None:
    paths = [f"{part}/{n}{part}.jpg" for part in ("train", "test") for n in range(4)]
    said = ["test", "train", "train", ""] * 2
    plan = in_archive(paths, {"labels.csv": rows(["filename", "label", "split"], paths, ["cat", "dog"] * 4, said)})
    assert list(parts_of(plan).values()) == ["test", "train", "train", "train", "test", "train", "train", "test"]


def test_parts_that_are_folders_stay_where_the_names_say_the_classes() -> None:
    paths = [f"{part}/{kind}.{n}.jpg" for part in ("train", "test") for kind in ("cat", "dog") for n in range(3)]
    plan = in_archive(paths, {})
    assert plan.recognised[0].layout == "names"
    assert parts_of(plan) == {path: path.partition("/")[0] for path in paths}


def test_folders_that_are_no_parts_of_one_set_are_none() -> None:
    for tops in (("training shoes", "test tubes"), ("train", "station")):
        paths = [f"{top}/{kind}.{n}.jpg" for top in tops for kind in ("cat", "dog") for n in range(3)]
        plan = in_archive(paths, {}, ImportChoices(classes_from="names"))
        assert set(parts_of(plan).values()) == {None}


def test_one_part_alone_is_no_split() -> None:
    """The pictures of the test have no labels: those that come are to be split."""
    paths = [f"train/{n}.jpg" for n in range(6)] + [f"test/{n}.jpg" for n in range(6, 9)]
    plan = in_archive(paths, {"train.csv": rows(["id", "label"], range(6), ["cat", "dog"] * 3)})
    assert parts_of(plan) == dict.fromkeys(paths[:6])


def test_a_path_that_is_missing_does_not_take_the_label_of_another(tmp_path: Path) -> None:
    source = in_folders(tmp_path, "file,label\na/1.jpg,cat\nb/1.jpg,dog\n", {"1.jpg": "x/a"})
    plan = importing.look(source / "labels.csv")
    assert labels(plan) == {"x/a/1.jpg": "cat"}
    assert [(row.name, row.reason) for row in plan.rows] == [("b/1.jpg", "no such file here")]


def test_a_table_that_names_nothing_here_says_what_it_looked_for(tmp_path: Path) -> None:
    source = in_folders(tmp_path, "file,label\nx.jpg,cat\ny.jpg,dog\n", {"1.jpg": "a"})
    with pytest.raises(ProjectError) as told:
        importing.look(source / "labels.csv")
    assert told.value.message == "None of the 2 files that labels.csv names is among the 1 picture here: x.jpg, y.jpg."


NAMED = [f"cat_{n:03}.jpg" for n in range(3)] + ["dog.1.jpg", "dog.2.jpg", "dog (3).jpg", "Dog-4.jpg"]


def test_names_that_begin_alike_are_classes_where_nothing_else_says_it() -> None:
    plan = planned(NAMED, {})
    assert plan.counts == {"cat": 3, "dog": 4}
    assert (
        plan.recognised[0].sentence
        == "The names of the pictures begin with their classes, such as cat for cat_000.jpg."
    )
    assert plan.recognised[0].options.classes_from == ("folders", "names")
    assert planned(NAMED, {}, ImportChoices(classes_from="folders")).counts == {None: 7}


@pytest.mark.parametrize(
    "names",
    [
        [f"IMG_{n}.jpg" for n in range(5)] + [f"DSC_{n}.jpg" for n in range(5)],
        [f"{n}.jpg" for n in range(9)],
        [*NAMED, "owl_1.jpg"],
        [f"cat_{n}.jpg" for n in range(9)],
        [f"{n:02}f{n}a.jpg" for n in range(20)],
    ],
)
def test_names_that_do_not_tell_classes_are_left(names: list[str]) -> None:
    assert planned(names, {}).counts == {None: len(names)}


def test_classes_from_names_are_offered_beside_folders(tmp_path: Path) -> None:
    source = in_folders(tmp_path, None, {name: "ab"[n % 2] for n, name in enumerate(PICTURES)})
    plan = importing.look(source)
    assert plan.counts == {"a": 8, "b": 7}
    assert plan.recognised[0].options.classes_from == ("folders", "names")
    assert importing.look(source, choices=ImportChoices(classes_from="names")).counts == dict.fromkeys(KINDS, 5)


def test_what_is_not_read_is_counted_by_its_kind(tmp_path: Path) -> None:
    source = in_folders(tmp_path, None, {**dict.fromkeys(["1.jpg"], "a"), **{f"{n}.jxl": "b" for n in range(36)}})
    assert any("36 JPEG XL pictures are not read" in note for note in importing.look(source).notes)
    (source / "a" / "1.jpg").unlink()
    with pytest.raises(ProjectError, match="36 JPEG XL pictures"):
        importing.look(source)


def test_of_two_tables_of_the_same_pictures_one_is_used(tmp_path: Path) -> None:
    other = [kind.upper() for kind in CLASSES]
    other_table = rows(["file", "label"], PICTURES[:9], other[:9])
    plan = planned(PICTURES, {"old.csv": other_table, "new.csv": rows(["file", "label"], PICTURES, CLASSES)})
    assert labels(plan) == RIGHT
    assert "old.csv names the same pictures again, and is not used." in plan.notes
    source = in_folders(tmp_path, rows(["file", "label"], PICTURES, CLASSES), dict.fromkeys(PICTURES, ""))
    (source / "old.csv").write_text(other_table)
    assert labels(importing.look(source / "labels.csv")) == RIGHT
    assert importing.look(source / "old.csv").counts == {"CAT": 5, "DOG": 4}


def test_a_table_called_as_a_folder_is_of_the_pictures_in_it(tmp_path: Path) -> None:
    for part in ("train", "test"):
        in_folders(tmp_path, None, dict.fromkeys(PICTURES, part))
        (tmp_path / part / PICTURES[0]).rename(tmp_path / part / f"only in {part}.jpg")
        names = [f"only in {part}.jpg", *PICTURES[1:]]
        (tmp_path / f"{part}.csv").write_text(rows(["image", "label"], names, CLASSES))
    for plan in (importing.look(tmp_path), importing.look(tmp_path / "test.csv")):
        assert {entry.name.partition("/")[0] for entry in plan.entries if entry.part == "test"} <= {"test"}
        assert all(entry.class_name in entry.name for entry in plan.entries if "only" not in entry.name)
    assert importing.look(tmp_path).counts == dict.fromkeys(KINDS, 10)


def test_many_tables_that_name_nothing_are_told_in_a_few_words(tmp_path: Path) -> None:
    source = in_folders(tmp_path, None, dict.fromkeys([f"{n}.jpg" for n in range(9)], ""))
    for number in range(9):
        (source / f"{number}.jpg.json").write_text('{"label": "cat"}')
    notes = importing.look(source).notes
    assert len(notes) == 4
    assert notes[-1] == "So it is with 6 more tables."


NAMELESS = ["photo", "photo.jpg?w=200", "x.jpg_large", "a.jpg!d", "image&id=3", "f.php?f=1.2"]


def test_pictures_whose_names_do_not_say_so_are_known_by_their_beginning(tmp_path: Path) -> None:
    for kind, name in zip(("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF"), NAMELESS, strict=True):
        (tmp_path / "set" / kind).mkdir(parents=True)
        for number, content in enumerate((encoded(noise(1), kind), b"MIT License", b"")):
            (tmp_path / "set" / kind / f"{number}{name}").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in sorted((tmp_path / "set").rglob("*")):
            archive.write(file, file.relative_to(tmp_path))
    files = [(file.name, file.read_bytes()) for file in sorted((tmp_path / "set").rglob("*")) if file.is_file()]
    [loose], _ = importing.from_files(files)
    for plan in (importing.look(tmp_path / "set"), importing.look(tmp_path / "set.zip"), loose):
        assert sorted(entry.name.rpartition("/")[2] for entry in plan.entries) == sorted(
            f"0{name}" for name in NAMELESS
        )
    project = Project.open(tmp_path / "set")
    assert project.scan().counts == dict.fromkeys(("AVIF", "GIF", "JPEG", "PNG", "TIFF", "WEBP"), 1)
    copy = Project.open(flat_project(tmp_path / "p", COLOURS, each=1))
    report = importing.take(copy, importing.look(tmp_path / "set.zip"))
    assert (report.count("taken"), report.count("rejected")) == (6, 0)
    assert {Path(row.path).suffix for row in report.rows if row.path} == {".jpg", ".png", ".webp"}
