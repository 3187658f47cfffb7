"""Tables of any make: CSV of whatever encoding and delimiter, JSON Lines, the JSON of labelling tools -> titles and rows."""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.datasets.importing import label_files
from core.datasets.importing.readings import read_text
from core.datasets.importing.titles import FILE_TITLES, label_rank, rank
from core.system.errors import ProjectError
from core.system.naming import as_text

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")
MAX_ROWS = 200_000
_LOOKED_AT = 100  # lines of a table by which its delimiter is chosen
_LATEST_TITLES = 20  # lines that may stand before the titles


@dataclass(frozen=True)
class Table:
    """`rows`: lists of cells, all as long as the first. `titles`: none where nothing says yet whether the first row is one of
    them. `encoding` and whether it was `guessed`; `above`: how many lines before the titles were passed over."""

    name: str
    titles: tuple[str, ...]
    rows: list[list[str]]
    encoding: str = "utf-8"
    guessed: bool = False
    above: int = 0

    def column(self, number: int) -> Iterator[str]:
        """The cells of a column, from the top."""
        return (row[number] for row in self.rows)

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.titles) or len(self.rows[0])


def read_table(content: bytes, name: str, encoding: str = "") -> Table:
    """The table in a file. Raises ProjectError where there is none, or more than 200,000 rows."""
    read = read_text(content, encoding)
    titles: tuple[str, ...] = ()
    above = 0
    if name.lower().endswith((".csv", ".tsv")):
        rows, above = _sheet(read.text)
    else:
        titles, rows = label_files.read_json(read.text, lines=name.lower().endswith((".jsonl", ".ndjson")))
    if len(rows) > MAX_ROWS + 1 - bool(titles):
        raise ProjectError(f"This table has more than {MAX_ROWS:,} rows.", "Split it into several.")
    if not rows:
        raise ProjectError(
            "There are no rows of a file and its label in this table.",
            "It needs two columns, file and label, or for JSON one object with these keys for each picture.",
        )
    width = max(map(len, (titles, *rows)))
    padded = [[cell.strip() for cell in row] + [""] * (width - len(row)) for row in rows]
    return Table(name, distinct(titles), padded, read.encoding, read.guessed, above)


def with_titles(table: Table, headed: bool) -> Table:
    """A table of which it was found out whether its first row are titles; without, the columns are numbered."""
    if headed:
        return Table(table.name, distinct(table.rows[0]), table.rows[1:], table.encoding, table.guessed, table.above)
    titles = distinct([""] * table.width)
    return Table(table.name, titles, table.rows, table.encoding, table.guessed, table.above)


def distinct(titles: Iterable[str]) -> tuple[str, ...]:
    """Titles by which columns can be told apart: those without one are called by their number."""
    found: dict[str, None] = {}
    for number, title in enumerate(titles, 1):
        name = as_text(title.strip()) or f"column {number}"
        while name in found:
            name += f" ({number})"
        found[name] = None
    return tuple(found)


def is_title(cell: str) -> bool:
    """Whether this is how people call a column of files or labels."""
    return rank(cell, FILE_TITLES) is not None or label_rank(cell) is not None


def _sheet(text: str) -> tuple[list[list[str]], int]:
    """The lines of a CSV that have anything in them, cell by cell, and how many before its titles were passed over."""
    csv.field_size_limit(1_000_000)
    given = ""
    first, _, rest = text.partition("\n")
    if first.strip().casefold().startswith("sep=") and len(first.strip()) == 5:
        given, text = first.strip()[4], rest
    elif first.rstrip("\r").casefold() == "sep=\t":
        given, text = "\t", rest
    pairs = itertools.product(given or "\t,;|", "\"'")
    delimiter, quote = max(pairs, key=lambda pair: _fits(text, *pair))
    if not given and not _fits(text, delimiter, quote)[1] and _fits(text, " ", quote)[1:] == (True, 1.0):
        delimiter = " "
    try:
        rows = [row for row in _lines(text, delimiter, quote) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ProjectError(f"This table cannot be read: {error}.", "Save it again as CSV.") from None
    above = _before_titles(rows)
    return rows[above:], above


def _lines(text: str, delimiter: str, quote: str) -> Iterable[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote, skipinitialspace=True)


def _fits(text: str, delimiter: str, quote: str) -> tuple[bool, bool, float]:
    """How well a table is told by a delimiter: whether its first line has the title of a column of files or labels, whether
    it has several cells, and the share of lines that have as many. csv.Sniffer counts characters also inside quotes
    instead, and takes a `;` in a few labels for the delimiter."""
    try:
        rows = [row for row in itertools.islice(_lines(text, delimiter, quote), _LOOKED_AT) if any(row)]
    except csv.Error:
        rows = []
    above = _before_titles(rows)
    rows = rows[above:]
    if not rows:
        return False, False, 0.0
    alike = sum(len(row) == len(rows[0]) for row in rows) / len(rows) - (0.05 if above else 0)
    bare = [cell for cell in rows[0] if cell == cell.strip("\"'")]
    return any(map(is_title, bare)), len(rows[0]) > 1, alike


def _before_titles(rows: list[list[str]]) -> int:
    """How many lines stand before the titles: a heading has one cell, where all that follow have several."""
    usual = Counter(len(row) for row in rows[:_LOOKED_AT]).most_common(1)
    for number, row in enumerate(rows[:_LATEST_TITLES]):
        full = [cell for cell in row if cell.strip()]
        if len(full) > 1 or usual[0][0] < 2:
            titled = sum(map(is_title, full)) > 0
            return number if titled or all(len(each) == 1 for each in rows[:number]) else 0
    return 0
