"""Whatever a spreadsheet or a program writes as a table of files and labels is read as it was meant, or refused."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from core.datasets import importing
from core.datasets.importing.tables import SUFFIXES, Table, read_table, with_titles
from core.system.errors import ProjectError
from tests.core.datasets.importing.sources import labels, planned
from tests.sentences import must_tell

DELIMITERS = ",;\t|"
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
TROUBLE = st.sampled_from(["a, b", "cat;dog", "it's", 'a "b" c', "1|2", "O'Brien's", '"', "'", "x.jpg", "3,5", "a b"])
CELLS = (WORDS | TROUBLE).map(str.strip).filter(bool)
FILES = st.builds(lambda stem, ending: f"{stem}{ending}", CELLS, st.sampled_from([".jpg", ".png", ""]))
PAIRS = st.lists(st.tuples(FILES, CELLS | st.just("")), min_size=1, max_size=8)
HEADERS = st.sampled_from([("file", "label"), ("Filename", "Class"), ("image", "category"), ("path", "tag")])
QUOTING = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])


def written(
    rows: list[Any], delimiter: str, quoting: int = csv.QUOTE_MINIMAL, end: str = "\r\n", quote: str = '"'
) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end, quotechar=quote).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue()


def titled(content: bytes, name: str) -> Table:
    table = read_table(content, name)
    return table if table.titles else with_titles(table, headed=True)


@given(
    PAIRS, HEADERS, st.sampled_from(DELIMITERS), QUOTING, st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from("\"'"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.sampled_from([".csv", ".tsv"]),
)  # fmt: skip
def test_a_table_with_titles_gives_its_rows_back(
    pairs: list[tuple[str, str]], titles: tuple[str, str], delimiter: str, quoting: int, end: str, quote: str,
    encoding: str, suffix: str,
) -> None:  # fmt: skip
    assume(quote == '"' or quoting != csv.QUOTE_MINIMAL)  # else nobody can tell which of the two quotes
    content = written([titles, *pairs], delimiter, quoting, end, quote).encode(encoding)
    table = titled(content, f"t{suffix}")
    assert table.titles == titles
    assert table.rows == [list(pair) for pair in pairs]


@given(PAIRS, st.sampled_from(DELIMITERS), QUOTING)
def test_a_table_without_titles_gives_its_rows_back(pairs: list[tuple[str, str]], delimiter: str, quoting: int) -> None:
    """Where only one delimiter can be meant."""
    assume(not any(c in cell for row in pairs for cell in row for c in DELIMITERS.replace(delimiter, "")))
    assume(not pairs[0][0].casefold().startswith("sep="))
    assert read_table(written(pairs, delimiter, quoting).encode(), ".csv").rows == [list(pair) for pair in pairs]


@given(PAIRS, st.booleans())
@example([("a\u2028b.jpg", "cat")], False)
def test_json_lines_give_their_rows_back(pairs: list[tuple[str, str]], ascii_only: bool) -> None:
    lines = [json.dumps({"file": file, "label": label}, ensure_ascii=ascii_only) for file, label in pairs]
    table = read_table("\n".join(lines).encode(), ".jsonl")
    assert (table.titles, table.rows) == (("file", "label"), [list(pair) for pair in pairs])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "file",
                    "label",
                    "labels",
                    "classes",
                    "data",
                    "columns",
                    "annotations",
                    "result",
                    "value",
                    "choices",
                    "images",
                    "categories",
                    "assets",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(
    st.binary(max_size=60)
    | st.text(max_size=60).map(lambda t: t.encode("utf-8", "replace"))
    | JSON.map(json.dumps).map(str.encode),
    st.sampled_from(SUFFIXES),
)
@settings(max_examples=400)
def test_anything_is_a_table_or_is_refused_with_a_sentence(content: bytes, suffix: str) -> None:
    try:
        table = read_table(content, f"t{suffix}")
    except ProjectError as error:
        must_tell(error)
    else:
        assert table.rows
        assert {len(row) for row in table.rows} == {table.width}
    plans, rows = importing.from_files([("a.png", b""), (f"t{suffix}", content)])
    for each in (*(row for plan in plans for row in plan.rows), *rows):
        assert each.reason
        each.name.encode()
    json.dumps([[plan.notes, plan.recognised[0].sentence] for plan in plans], ensure_ascii=False).encode()


@pytest.mark.parametrize("end", ["\n", "\r"])
def test_a_row_far_down_is_read_as_the_first(end: str) -> None:
    pairs = [[f"{number}.jpg", "it's, or not"] for number in range(5000)]
    assert titled(written([("file", "label"), *pairs], ";", end=end).encode(), ".csv").rows == pairs


def test_the_delimiter_of_a_table_is_not_one_of_its_labels() -> None:
    """csv.Sniffer took these for tables of one column, or of another."""
    rows = [["...png", ""], ["0", ""], ["0.png", "cat;dog"]]
    assert titled(b'path;tag\r\n...png;\r\n0;\r\n0.png;"cat;dog"\r\n', ".csv").rows == rows
    assert titled(b'label|file\n0|"|.jpg"\n0|0.jpg\n', ".csv").rows == [["0", "|.jpg"], ["0", "0.jpg"]]
    assert titled(b"file,label\ra.jpg,cat\r", ".csv").rows == [["a.jpg", "cat"]]  # as old Macs end lines


# A table as a whole: whatever it is called, however it is written, whatever else is in it.

BEFORE = st.sampled_from(["", "img_", "Gänse ", "é", "IMG", "a1b2", "photo (", "x.y.", "it's, "])
AFTER = st.sampled_from(["", "a", ")", "_left", ".crop", " ß"])
KINDS = st.lists(
    st.sampled_from(["cat", "dog", "Röschen", "forêt, dense", "it's", "a;b", "3", "7", "no", "x|y", "São", "10 %"]),
    min_size=2, max_size=4, unique=True,
)  # fmt: skip
MORE = {
    "width": lambda n: 96 + n % 3, "taken": lambda n: f"2021-0{n % 9 + 1}-11", "uuid": lambda n: f"u-{n:05}-q",
    "remark": lambda n: f"no. {n}, seen", "score": lambda n: n / 7, "empty": lambda n: None, "site": lambda n: "here",
}  # fmt: skip
FILE_TITLES = st.sampled_from(["file", "image_path", "Bild", "ID", "xyz", "image id", "nombre de archivo", ""])
LABEL_TITLES = st.sampled_from(["label", "Class", "species", "what", "dog_breed", "Art"])


@st.composite
def frames(draw: st.DrawFn) -> tuple[pd.DataFrame, dict[str, str]]:
    kinds, before, after = draw(KINDS), draw(BEFORE), draw(AFTER)
    first, digits, total = draw(st.integers(0, 200)), draw(st.sampled_from([1, 5])), draw(st.integers(12, 30))
    stems = [f"{before}{n:0{digits}}{after}" for n in range(first, first + total)]
    right = {f"{stem}.jpg": kinds[n % len(kinds)] for n, stem in enumerate(stems)}
    ending, above = (
        draw(st.sampled_from(["", ".jpg"])),
        draw(st.sampled_from(["", "images/", "C:\\x\\", "/a/b/", "./"])),
    )
    columns: dict[str, Any] = {
        draw(FILE_TITLES): [f"{above}{name[:-4]}{ending}" for name in right],
        draw(LABEL_TITLES): list(right.values()),
    }
    for title in draw(st.lists(st.sampled_from(sorted(MORE)), max_size=4, unique=True)):
        columns[title] = [MORE[title](n) for n in range(len(right))]
    order = draw(st.permutations(list(columns)))
    return pd.DataFrame({title: columns[title] for title in order}), right


@given(
    frames(), st.sampled_from(DELIMITERS), QUOTING, st.booleans(),
    st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
)  # fmt: skip
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_pandas_writes_gives_its_labels_back_or_says_why_not(
    frame: tuple[pd.DataFrame, dict[str, str]], delimiter: str, quoting: int, index: bool, encoding: str
) -> None:
    table, right = frame
    content = table.to_csv(sep=delimiter, quoting=quoting, index=index, lineterminator="\n").encode(encoding)
    plan = planned(right, {"t.csv": content})
    if plan.recognised[0].layout == "table" and any(entry.class_name for entry in plan.entries):
        assert labels(plan) == right
    else:
        assert any("recognised as the classes" in note for note in plan.notes), plan.notes


@given(frames(), st.sampled_from(["utf-16 tabs", "sep", "cp1252 semicolons", "utf-8 of today"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_excel_writes_gives_its_labels_back(frame: tuple[pd.DataFrame, dict[str, str]], way: str) -> None:
    table, right = frame
    tabs = table.to_csv(sep="\t", index=False, lineterminator="\r\n")
    semicolons = table.to_csv(sep=";", index=False, lineterminator="\r\n")
    content = {
        "utf-16 tabs": tabs.encode("utf-16"),
        "sep": f"sep=;\r\n{semicolons}".encode("utf-8-sig"),
        "cp1252 semicolons": semicolons.encode("cp1252"),
        "utf-8 of today": semicolons.encode("utf-8-sig"),
    }[way]
    assert labels(planned(right, {"t.csv": content})) == right
