"""Which column of which table says what, in tables as people, programs and competitions write them."""

from __future__ import annotations

import json

import pytest

from core.datasets import importing
from core.datasets.importing import ImportChoices
from tests.core.datasets.importing.sources import (
    CLASSES,
    KINDS,
    NUMBERS,
    PICTURES,
    RIGHT,
    csv_text,
    labels,
    planned,
    rows,
)

IDS = [f"{n:02x}a{n}" for n in range(15)]
WIDTHS = [96] * 15
DAYS = [f"2021-05-{n:02}" for n in range(1, 16)]


@pytest.mark.parametrize("title", ["image_path", "img_path", "filepath", "image_id", "file name", "Photo", "xyz", "id"])
def test_the_column_of_files_may_have_any_title(title: str) -> None:
    plan = planned(PICTURES, {"t.csv": rows([title, "width", "height", "label"], PICTURES, WIDTHS, WIDTHS, CLASSES)})
    assert labels(plan) == RIGHT


@pytest.mark.parametrize(
    "wanted",
    [
        "{stem}.jpg", "{stem}", "./{stem}.jpg", ".\\{stem}.jpg", "C:\\data\\{stem}.jpg", "/kaggle/input/x/{stem}.jpg",
        "file:///home/x/{stem}.jpg", "gs://bucket/a/{stem}.jpg", "s3://b/{stem}.jpg", "{upper}.JPG",
        "https://x.example/{stem}.jpg?token=1", "/data/local-files/?d=a/{stem}.jpg", "../images/{stem}.jpg",
    ],
)  # fmt: skip
def test_a_file_is_found_however_its_path_is_spelled(wanted: str) -> None:
    names = [wanted.format(stem=name[:-4], upper=name[:-4].upper()) for name in PICTURES]
    assert labels(planned(PICTURES, {"t.csv": rows(["path", "label"], names, CLASSES)})) == RIGHT


TABLES = {
    "dog breeds": rows(["id", "breed"], [name[:-4] for name in PICTURES], CLASSES),
    "numbers of a row first": rows(["", "file", "species"], range(15), PICTURES, CLASSES),
    "shuffled numbers of rows first": rows(["", "file", "label"], [n * 7 % 15 for n in range(15)], PICTURES, CLASSES),
    "numbers of a row written twice": rows(["Unnamed: 0", "", "f", "what"], range(15), range(15), PICTURES, CLASSES),
    "whales": rows(["Image", "Id"], PICTURES, CLASSES),
    "numbers and names of classes": rows(["image", "label", "class_name"], PICTURES, NUMBERS, CLASSES),
    "one-hot": rows(
        ["image_id", *KINDS], [name[:-4] for name in PICTURES], *([int(c == k) for c in CLASSES] for k in KINDS)
    ),
    "one-hot of words": rows(["f", *KINDS], PICTURES, *([str(c == k) for c in CLASSES] for k in KINDS)),
    "one-hot of fractions": rows(["f", *KINDS], PICTURES, *([f"{c == k:.1f}" for c in CLASSES] for k in KINDS)),
    "one-hot with empty cells": rows(["f", *KINDS], PICTURES, *(["1" if c == k else "" for c in CLASSES] for k in KINDS)),
    "lesions": rows(
        ["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"],
        [f"L{n // 2}" for n in range(15)], [name[:-4] for name in PICTURES], CLASSES, ["histo", "cons", "histo"] * 5,
        range(40, 55), ["male", "female", "male"] * 5, ["back", "face", "arm"] * 5,
    ),
    "boxes": rows(
        ["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"],
        PICTURES * 2, WIDTHS * 2, WIDTHS * 2, CLASSES * 2, *[range(30)] * 4,
    ),
    "no known title": rows(["a", "b", "c", "d"], DAYS, PICTURES, [n * 1.5 for n in range(15)], CLASSES),
    "no titles": csv_text(zip(PICTURES, CLASSES, strict=True)),
    "no titles, label first": csv_text(zip(CLASSES, PICTURES, strict=True)),
    "no titles, three columns": csv_text(zip(range(15), CLASSES, PICTURES, strict=True)),
    "separator line": "sep=;\r\n" + csv_text([("label", "file"), *zip(CLASSES, PICTURES, strict=True)], ";"),
    "headings above": "My pictures;\n;\n" + csv_text([("file", "label"), *zip(PICTURES, CLASSES, strict=True)], ";"),
    "one heading above": "My pictures of 2023\n\n" + rows(["image", "kind"], PICTURES, CLASSES),
    "tabs": csv_text([("file", "label"), *zip(PICTURES, CLASSES, strict=True)], "\t"),
    "bars": csv_text([("path", "klasse"), *zip(PICTURES, CLASSES, strict=True)], "|"),
    "dates and measures": rows(["taken", "f", "kg", "w"], DAYS, PICTURES, [n / 7 for n in range(15)], CLASSES),
    "notes that differ": rows(["f", "remark", "kind"], PICTURES, [f"seen at {n} o'clock" for n in range(15)], CLASSES),
    "lists as Python writes them": rows(["file", "labels"], PICTURES, [f"['{c}']" for c in CLASSES]),
    "spaces between": "".join(f"{f} {c}\n" for f, c in RIGHT.items()),
    "spaces around": '"file" , "label"\n' + "".join(f'"{f}" , "{c}"\n' for f, c in RIGHT.items()),
    "diagnoses": rows(
        ["image_name", "patient_id", "sex", "age_approx", "anatom_site", "diagnosis", "target"],
        [name[:-4] for name in PICTURES], [f"IP_{n % 4}" for n in range(15)], ["male", "female", "male"] * 5,
        [45.0, 50.0, 55.0] * 5, ["torso", "head", "arm"] * 5, CLASSES, NUMBERS,
    ),
    "findings": rows(
        ["Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "View Position", "Image[Width"],
        PICTURES, CLASSES, range(15), [n // 3 for n in range(15)], [50] * 15, ["PA", "AP", "PA"] * 5, [2500] * 15,
    ),
    "two annotators": rows(
        ["file", "annotator", "label", "confidence", "at"], PICTURES * 2, ["anna"] * 15 + ["ben"] * 15, CLASSES * 2,
        [0.5, 0.75] * 15, DAYS * 2,
    ),
    "folds": rows(["fname", "labels", "is_valid"], PICTURES, CLASSES, (["True", "False", "False"] * 5)),
    "a constant": rows(["f", "source", "what"], PICTURES, ["web"] * 15, CLASSES),
    "wild cameras": rows(
        ["seq_id", "location", "file_name", "id", "frame_num", "category_id", "category"],
        range(15), [n % 4 for n in range(15)], PICTURES, [f"i{n}" for n in range(15)], [n % 3 for n in range(15)], NUMBERS,
        CLASSES,
    ),
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_columns_are_told_by_their_values(table: str) -> None:
    plan = planned(PICTURES, {"t.csv": table})
    assert labels(plan) == RIGHT
    assert not plan.rows
    assert plan.recognised[0].layout == "table"


@pytest.mark.parametrize("titled", [True, False])
def test_a_column_of_parts(titled: bool) -> None:
    parts = ["TRAIN", "TRAIN", "TEST", "VALIDATION", "UNASSIGNED"] * 3
    table = csv_text(zip(parts, [f"gs://b/{f}" for f in PICTURES], CLASSES, strict=True))
    plan = planned(PICTURES, {"t.csv": ("split,f,label\n" if titled else "") + table})
    assert labels(plan) == RIGHT
    assert [entry.part for entry in plan.entries[:5]] == ["train", "train", "test", "val", None]


@pytest.mark.parametrize("parts", [("train", "test"), ("test", "train"), ("", "test"), ("test", "val")])
def test_of_the_parts_that_lines_give_one_picture_the_test_counts(parts: tuple[str, str]) -> None:
    others = [(name, RIGHT[name], ("train", "val")[n % 2]) for n, name in enumerate(PICTURES) if name != "cat_0.jpg"]
    table = csv_text([("file", "label", "split"), *others, *(("cat_0.jpg", "cat", part) for part in parts)])
    plan = planned(PICTURES, {"labels.csv": table})
    assert {entry.name: entry.part for entry in plan.entries}["cat_0.jpg"] == "test"


@pytest.mark.parametrize("absent", ["NA", "NaN", "nan", "None", "null", "#N/A", ""])
def test_what_programs_write_for_nothing_is_no_group(absent: str) -> None:
    patients = [absent if n % 3 else f"p{n}" for n in range(len(PICTURES))]
    plan = planned(PICTURES, {"labels.csv": rows(["file", "label", "patient_id"], PICTURES, CLASSES, patients)})
    assert {entry.name: entry.group for entry in plan.entries} == {
        name: None if n % 3 else f"p{n}" for n, name in enumerate(PICTURES)
    }


def test_two_tables_called_as_the_parts() -> None:
    half = [n for n in range(15) if n % 2]
    other = [n for n in range(15) if not n % 2]

    def table(numbers: list[int]) -> str:
        return rows(["image", "label"], [PICTURES[n] for n in numbers], [CLASSES[n] for n in numbers])

    plan = planned(PICTURES, {"train.csv": table(half), "test.csv": table(other)})
    assert labels(plan) == RIGHT
    assert {entry.part for entry in plan.entries} == {"train", "test"}
    unlabelled = rows(["image"], [PICTURES[n] for n in other])
    plan = planned(PICTURES, {"train.csv": table(half), "test.csv": unlabelled})
    assert labels(plan) == {PICTURES[n]: CLASSES[n] for n in half}
    assert {row.reason for row in plan.rows} == {"not in the table"}


@pytest.mark.parametrize("names", [
    csv_text([("id", "name"), *enumerate(KINDS)]), csv_text(enumerate(KINDS)),
    csv_text([("class_name", "label_id"), *((kind, n) for n, kind in enumerate(KINDS))]),
])  # fmt: skip
def test_the_names_of_the_classes_are_in_another_table(names: str) -> None:
    plan = planned(PICTURES, {"images.csv": rows(["file", "label_id"], PICTURES, NUMBERS), "labels.csv": names})
    assert labels(plan) == RIGHT
    assert any("names of the classes come from labels.csv" in note for note in plan.notes)
    numbered = json.dumps({str(n): kind for n, kind in enumerate(KINDS)})
    plan = planned(PICTURES, {"train.csv": rows(["image_id", "label"], PICTURES, NUMBERS), "map.json": numbered})
    assert labels(plan) == RIGHT


def test_files_and_labels_are_joined_by_a_key() -> None:
    tables = {
        "images.csv": rows(["id", "file_name", "width"], IDS, PICTURES, WIDTHS),
        "annotations.csv": rows(["image_id", "category"], reversed(IDS), reversed(CLASSES)),
    }
    assert labels(planned(PICTURES, dict(tables))) == RIGHT
    tables["annotations.csv"] = rows(["image_id", "category_id"], IDS, NUMBERS)
    tables["categories.csv"] = csv_text([("id", "name"), *enumerate(KINDS)])
    assert labels(planned(PICTURES, dict(tables))) == RIGHT


def test_four_tables_of_one_set() -> None:
    """As birds are published: paths, classes of pictures, names of classes, and more."""
    tables = {
        "images.csv": rows(["id", "path"], range(1, 16), PICTURES),
        "image_class_labels.csv": rows(["image_id", "class_id"], range(1, 16), [n + 1 for n in NUMBERS]),
        "classes.csv": csv_text([("class_id", "class_name"), *enumerate(KINDS, 1)]),
        "train_test_split.csv": rows(["image_id", "is_training_image"], range(1, 16), [n % 2 for n in range(15)]),
    }
    assert labels(planned(PICTURES, dict(tables))) == RIGHT


@pytest.mark.parametrize("more", ["file,label\n", "Total,15\n", ",\n", "\n"])
def test_lines_that_name_no_picture_do_not_spoil_the_others(more: str) -> None:
    half = csv_text(list(RIGHT.items())[:7]), csv_text(list(RIGHT.items())[7:])
    plan = planned(PICTURES, {"t.csv": f"file,label\n{half[0]}{more}{half[1]}"})
    assert labels(plan) == RIGHT
    assert len(plan.rows) == (more[0] not in ",\n")


@pytest.mark.parametrize(
    "table",
    [
        rows(["id", *KINDS], [name[:-4] for name in PICTURES], *[[0.33] * 15] * 3),
        rows(["file", "Smiling", "Young"], PICTURES, [1, -1, 1] * 5, [-1, -1, 1] * 5),
        rows(["file", "text"], PICTURES, [f"a {c} no. {n}" for n, c in enumerate(CLASSES)]),
        rows(["file"], PICTURES),
    ],
)
def test_columns_that_are_no_labels_are_not_taken_for_them(table: str) -> None:
    plan = planned(PICTURES[:9], {"t.csv": table})
    assert {entry.class_name for entry in plan.entries} <= {None, *KINDS}
    assert any("recognised as the classes" in note for note in plan.notes)


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("title", ["", "Unnamed: 0"])
def test_numbers_of_rows_are_no_labels(title: str, start: int) -> None:
    few = PICTURES[:5]
    plan = planned(few, {"t.csv": rows([title, "file"], range(start, start + 5), few)})
    assert set(labels(plan).values()) == {None}
    plan = planned(few, {"t.csv": rows([title, "file", "label"], range(start, start + 5), few, [2, 2, 0, 0, 0])})
    assert set(labels(plan).values()) == {"2", "0"}
    names = [f"{n:03}.jpg" for n in range(start, start + 5)]
    table = rows([title, "photo no", "what"], range(start, start + 5), range(start + 4, start - 1, -1), [*"aabbb"])
    assert labels(planned(names, {"t.csv": table})) == dict(zip(names, "bbbaa", strict=True))


@pytest.mark.parametrize("first", ["early disease", "rose family", "type", "healthy"])
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("turned", [True, False])
def test_a_label_that_ends_as_titles_do_is_none(first: str, padded: bool, turned: bool) -> None:
    names = [f"{n:04}.jpg" for n in range(1, 9)]
    kinds = [first, "plain"] * 4
    lines = zip((name[:-4] if padded else name[:-4].lstrip("0") for name in names), kinds, strict=True)
    plan = planned(names, {"t.csv": csv_text([line[::-1] for line in lines] if turned else lines)})
    assert labels(plan) == dict(zip(names, kinds, strict=True))
    assert not plan.rows


def test_titles_are_titles_though_a_file_is_called_so() -> None:
    names = ["image.jpg", "id.jpg", "1.jpg", "2020.jpg"]
    stems = [name[:-4] for name in names]
    for titles in (["image", "label"], ["id", "label"]):
        assert labels(planned(names, {"t.csv": rows(titles, stems, [*"abab"])})) == dict(
            zip(names, "abab", strict=True)
        )
    table = rows(["id", "2020", "label"], stems, [1, 5, 6, 7], [*"abab"])
    assert labels(planned(names, {"t.csv": table})) == dict(zip(names, "abab", strict=True))


def test_several_ones_are_more_than_one_label() -> None:
    hot = [[int(c == k) for c in CLASSES] for k in KINDS]
    hot[1][0] = 1
    plan = planned(PICTURES, {"t.csv": rows(["f", *KINDS], PICTURES, *hot)})
    assert len(plan.entries) == 14
    assert [(row.name, row.reason) for row in plan.rows] == [(PICTURES[0], "has more than one label: cat, dog")]


AUTOML = [("TRAIN", f"gs://bucket/{f}", c) for f, c in RIGHT.items()]


@pytest.mark.parametrize(("lines", "refused"), [
    ([(*AUTOML[0], "dog"), *AUTOML[1:]], 1),
    ([(*AUTOML[0], "striped"), *AUTOML[1:]], 1),
    ([(*AUTOML[0], "dog"), (*AUTOML[1], "owl", "dog"), *AUTOML[2:]], 2),
    ([(*AUTOML[0][1:], "dog"), *(line[1:] for line in AUTOML[1:])], 1),
    ([(PICTURES[0], "cat", "dog"), *[*RIGHT.items()][1:]], 1),
    ([(PICTURES[0], "cat", "dog"), (PICTURES[1], "cat", "owl"), *[*RIGHT.items()][2:]], 2),
    ([("file", "label"), (PICTURES[0], "cat", "dog"), *[*RIGHT.items()][1:]], 1),
], ids=["automl", "seen once", "three", "no parts", "plain", "two", "titles"])  # fmt: skip
def test_cells_right_of_the_label_are_more_labels(lines: list[tuple[str, ...]], refused: int) -> None:
    plan = planned(PICTURES, {"t.csv": csv_text(lines)})
    assert [row.name.removeprefix("gs://bucket/") for row in plan.rows] == PICTURES[:refused]
    assert all(row.reason.startswith("has more than one label: cat, ") for row in plan.rows)
    assert labels(plan) == {name: RIGHT[name] for name in PICTURES[refused:]}
    title = plan.recognised[0].choices.label_column
    assert planned(PICTURES, {"t.csv": csv_text(lines)}, ImportChoices(title)).entries == plan.entries


@pytest.mark.parametrize(
    "lines",
    [
        [(f, c, "blurred" if n < 3 else "") for n, (f, c) in enumerate(RIGHT.items())],
        [(*line, "0.1", "0.2", "", "", "0.9", "0.8", "", "") for line in AUTOML],
        [(f, c, n) for n, (f, c) in enumerate(RIGHT.items())],
        [("file", "label", ""), *((f, c, "seen twice" if n < 3 else "") for n, (f, c) in enumerate(RIGHT.items()))],
    ],
    ids=["remark", "boxes", "numbers", "untitled remark"],
)
def test_other_cells_right_of_the_label_are_none(lines: list[tuple[object, ...]]) -> None:
    assert labels(planned(PICTURES, {"t.csv": csv_text(lines)})) == RIGHT


def test_boxes_of_different_classes_are_more_than_one_label() -> None:
    table = rows(["filename", "class"], [*PICTURES, PICTURES[0], PICTURES[1]], [*CLASSES, "dog", "cat"])
    plan = planned(PICTURES, {"t.csv": table})
    assert [(row.name, row.outcome) for row in plan.rows] == [(PICTURES[0], "rejected")]
    assert len(plan.entries) == 14
    assert any("named by several lines" in note for note in plan.notes)


def test_what_programs_write_for_nothing_is_no_class_and_is_said() -> None:
    marked = [*CLASSES[:12], "nan", "NULL", ""]
    plan = planned(PICTURES, {"t.csv": rows(["f", "label"], PICTURES, marked)})
    assert [labels(plan)[name] for name in PICTURES[12:]] == [None] * 3
    assert any("2 lines of t.csv have nan, NULL for a label" in note for note in plan.notes)
    plan = planned(PICTURES, {"t.csv": rows(["f", "label"], PICTURES, [*CLASSES[:10], *["none"] * 5])})
    assert plan.counts["none"] == 5
    numbers = planned(PICTURES, {"t.csv": rows(["f", "label"], PICTURES, [*map(float, NUMBERS[:14]), ""])})
    assert set(numbers.counts) == {"0", "1", "2", None}


def test_where_no_label_is_found_the_titles_are_said() -> None:
    plan = planned(["1.jpg", "2.jpg", *PICTURES], {"t.csv": rows(["f", "width", "day"], PICTURES, WIDTHS, DAYS)})
    assert {entry.class_name for entry in plan.entries} == {None}
    assert any("none of its columns was recognised as the classes: f, width, day" in note for note in plan.notes)
    assert plan.recognised[0].options.label_columns == ("f", "width", "day")


def test_a_choice_of_columns_counts() -> None:
    table = rows(["image", "mask", "label", "sex"], PICTURES, PICTURES[::-1], CLASSES, (["m", "f", "m"] * 5))
    assert labels(planned(PICTURES, {"t.csv": table})) == RIGHT
    plan = planned(PICTURES, {"t.csv": table}, ImportChoices(label_column="sex", file_column="mask"))
    assert plan.counts == {"m": 10, "f": 5}
    assert plan.recognised[0].choices.label_column == "sex"
    plans, [row] = importing.from_files(
        [*((name, b"") for name in PICTURES), ("t.csv", table.encode())], {"files": ImportChoices(label_column="age")}
    )
    assert not plans
    assert row.reason == "t.csv has no column age. Its columns are: image, mask, label, sex."
