"""Whatever a spreadsheet or a program writes as a table of files and labels is read as it was meant, or refused."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from core.datasets.importing.tables import SUFFIXES, columns_of, read_table
from core.system.errors import ProjectError
from tests.sentences import must_tell

DELIMITERS = ",;\t|"
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
TROUBLE = st.sampled_from(["a, b", "cat;dog", "it's", 'a "b" c', "1|2", "O'Brien's", '"', "'", "x.jpg", "3,5", "a b"])
CELLS = (WORDS | TROUBLE).map(str.strip).filter(bool)
FILES = st.builds(lambda stem, ending: f"{stem}{ending}", CELLS, st.sampled_from([".jpg", ".png", ""]))
LABELS = (CELLS | st.just("")).filter(lambda label: not label.startswith("{"))  # which is Label Studio's JSON
PAIRS = st.lists(st.tuples(FILES, LABELS), min_size=1, max_size=8)
HEADERS = st.sampled_from([("file", "label"), ("Filename", "Class"), ("image", "category"), ("path", "tag")])
QUOTING = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])


def written(
    rows: list[Any], delimiter: str, quoting: int = csv.QUOTE_MINIMAL, end: str = "\r\n", quote: str = '"'
) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end, quotechar=quote).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue()


def meant(pairs: list[tuple[str, str]]) -> list[tuple[str, tuple[str, ...]]]:
    return [(file, (label,) if label else ()) for file, label in pairs]


@given(
    PAIRS, HEADERS, st.sampled_from(DELIMITERS), QUOTING, st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from("\"'"),
    st.sampled_from(["utf-8", "utf-8-sig"]), st.sampled_from([".csv", ".tsv"]),
)  # fmt: skip
def test_a_table_with_titles_gives_its_pairs_back(
    pairs: list[tuple[str, str]], titles: tuple[str, str], delimiter: str, quoting: int, end: str, quote: str,
    encoding: str, suffix: str,
) -> None:  # fmt: skip
    assume(quote == '"' or quoting != csv.QUOTE_MINIMAL)  # else nobody can tell which of the two quotes
    content = written([titles, *pairs], delimiter, quoting, end, quote).encode(encoding)
    assert read_table(content, suffix) == meant(pairs)


@given(PAIRS, st.sampled_from(DELIMITERS), QUOTING, st.integers(0, 3))
def test_columns_in_any_order_are_found_by_their_titles(
    pairs: list[tuple[str, str]], delimiter: str, quoting: int, more: int
) -> None:
    rows = [[*["note"] * more, "label", "file"], *([*["", "x, y; z", "1"][:more], b, a] for a, b in pairs)]
    assert read_table(written(rows, delimiter, quoting).encode(), ".csv") == meant(pairs)


@given(PAIRS, st.sampled_from(DELIMITERS), QUOTING)
def test_a_table_without_titles_gives_its_pairs_back(
    pairs: list[tuple[str, str]], delimiter: str, quoting: int
) -> None:
    """Where only one delimiter can be meant."""
    assume(not any(c in cell for row in pairs for cell in row for c in DELIMITERS.replace(delimiter, "")))
    assume(not any(cell.casefold() in ("file", "image", "name", "path", "img") for cell in pairs[0]))
    assert read_table(written(pairs, delimiter, quoting).encode(), ".csv") == meant(pairs)


@given(st.lists(st.tuples(FILES, CELLS), min_size=1, max_size=8), st.sampled_from(DELIMITERS))
def test_columns_are_read_by_their_titles(pairs: list[tuple[str, str]], delimiter: str) -> None:
    content = written([("file", "group"), *pairs], delimiter).encode()
    assert columns_of(content, ".csv") == [{"file": file, "group": group} for file, group in pairs]


@given(PAIRS, st.booleans())
@example([("a\u2028b.jpg", "cat")], False)
def test_json_lines_give_their_pairs_back(pairs: list[tuple[str, str]], ascii_only: bool) -> None:
    lines = [json.dumps({"file": file, "label": label}, ensure_ascii=ascii_only) for file, label in pairs]
    assert read_table("\n".join(lines).encode(), ".jsonl") == meant(pairs)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["file", "label", "data", "annotations", "result", "value", "choices"]), inner, max_size=4
        )
    ),
)


@given(
    st.binary(max_size=60)
    | st.text(max_size=60).map(lambda t: t.encode("utf-8", "replace"))
    | JSON.map(json.dumps).map(str.encode),
    st.sampled_from(SUFFIXES),
)
def test_anything_is_a_table_or_is_refused_with_a_sentence(content: bytes, suffix: str) -> None:
    for read in (read_table, columns_of):
        try:
            rows = read(content, suffix)
        except ProjectError as error:
            must_tell(error)
        else:
            assert rows
            json.dumps(rows, ensure_ascii=False).encode()


@pytest.mark.parametrize("end", ["\n", "\r"])
def test_a_row_far_down_is_read_as_the_first(end: str) -> None:
    pairs = [(f"{number}.jpg", "it's, or not") for number in range(5000)]
    assert read_table(written([("file", "label"), *pairs], ";", end=end).encode(), ".csv") == meant(pairs)
