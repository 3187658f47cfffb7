"""Tables that only say it together."""

from __future__ import annotations

import pytest

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

COUNTED = range(len(PICTURES))
NUMBERED = {name: str(number) for name, number in zip(PICTURES, NUMBERS, strict=True)}


@pytest.mark.parametrize(
    "other",
    [
        rows(["", "file"], range(20), [f"test_{n}.jpg" for n in range(20)]),
        rows(["", "file_name"], range(4), [f"test_{n}" for n in range(4)]),
        rows(["id", "image"], range(20), [f"test_{n}.jpg" for n in range(20)]),
        rows(["Unnamed: 0", "remark"], range(20), [f"seen on day {n}" for n in range(20)]),
    ],
)
def test_what_is_no_table_of_classes_names_none(other: str) -> None:
    plan = planned(PICTURES, {"train.csv": rows(["file", "label"], PICTURES, NUMBERS), "test.csv": other})
    assert labels(plan) == NUMBERED
    assert not [note for note in plan.notes if "names of the classes come from" in note]


@pytest.mark.parametrize("titles", [("", "name"), ("", "0"), ("", "class"), ("Unnamed: 0", "breed")])
def test_pandas_numbers_the_classes(titles: tuple[str, str]) -> None:
    names = csv_text([titles, *enumerate(KINDS)])
    plan = planned(PICTURES, {"train.csv": rows(["file", "label"], PICTURES, NUMBERS), "classes.csv": names})
    assert labels(plan) == RIGHT


def test_numbers_of_rows_join_only_tables_of_the_same_rows() -> None:
    files = rows(["", "file"], COUNTED, PICTURES)
    plan = planned(PICTURES, {"files.csv": files, "labels.csv": rows(["", "label"], COUNTED, CLASSES)})
    assert labels(plan) == RIGHT
    other = rows(["", "label"], range(12), CLASSES[:12])
    assert set(labels(planned(PICTURES, {"files.csv": files, "labels.csv": other})).values()) == {None}


def test_a_name_of_a_class_that_ends_as_titles_do_is_none() -> None:
    kinds = ["early disease", "late disease", "healthy"]
    tables = {"train.csv": rows(["file", "label"], PICTURES, NUMBERS), "classes.csv": csv_text(enumerate(kinds))}
    assert labels(planned(PICTURES, dict(tables))) == {name: kinds[int(n)] for name, n in NUMBERED.items()}
    tables["classes.csv"] = csv_text([("class_id", "count"), *((n, 10 * n) for n in range(3))])
    assert labels(planned(PICTURES, dict(tables))) == NUMBERED
