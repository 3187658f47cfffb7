"""Which column of a table is what. Its values decide: files that are there, words that repeat as labels do, names of parts.
Titles only decide where values leave it open."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from core.datasets.importing.choices import ImportChoices
from core.datasets.importing.finder import Finder
from core.datasets.importing.label_files import as_cell
from core.datasets.importing.tables import Table, is_title, with_titles
from core.datasets.importing.titles import FILE_TITLES, GROUP_TITLES, PART_TITLES, label_rank, rank
from core.datasets.layout import part_word
from core.datasets.scanner import is_picture_name
from core.system.errors import ProjectError
from core.system.naming import as_text

ABSENT = frozenset(["nan", "NaN", "None", "NULL", "null", "NA", "N/A", "#N/A", "<NA>", "NaT"])
"""How programs write that there is no value."""
_TRUE, _FALSE = frozenset(("1", "1.0", "true", "yes")), frozenset(("0", "0.0", "false", "no", ""))
_LOOKED_AT = 400  # rows by which columns are told apart
_FEW = 10  # rows up to which labels need not repeat
_MOST_PARTS = 12  # spellings of parts in one column
_MOST_LABELS = 1000
_MEASURE = re.compile(
    r"[-+]?\d*[.,]\d+(e[-+]?\d+)?|[-+]?\d+e[-+]?\d+|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|\d+:\d+.*", re.IGNORECASE
)
WHOLE = re.compile(r"-?\d+\.0")
"""How pandas writes whole numbers in a column where some are missing."""
_MOST_LABELS = 20
"""Of one picture, each in a cell of its own."""
_UNTITLED = re.compile(r"(column|Unnamed:) \d+")
"""How `tables.distinct` and pandas call a column without a title."""
_MEASURED = frozenset(
    [
        "x",
        "y",
        "w",
        "h",
        "width",
        "height",
        "size",
        "xmin",
        "ymin",
        "xmax",
        "ymax",
        "age",
        "year",
        "month",
        "day",
        "hour",
        "index",
    ]
)
"""Titles of numbers that are no labels, however often they repeat."""


@dataclass(frozen=True)
class Columns:
    """Numbers of columns; None for one that there is not. `one_hot`: those that have a 1 where their title is the label."""

    file: int
    label: int | None = None
    one_hot: tuple[int, ...] = ()
    part: int | None = None
    group: int | None = None


@dataclass(frozen=True)
class _Column:
    """One column as far as it is looked at: its title, all values that are none of ABSENT, and how many different ones."""

    number: int
    title: str
    values: Sequence[str]
    different: frozenset[str] = field(default_factory=frozenset)

    @property
    def repeats(self) -> bool:
        """Whether the values come several times each, on the whole, as labels do."""
        total = len(self.values)
        return 0 < len(self.different) <= (total if total <= _FEW else min(_MOST_LABELS, total - total // 10))

    @property
    def measures(self) -> bool:
        """Whether the values are measures, dates or times rather than names."""
        return not all(map(WHOLE.fullmatch, self.different)) and all(map(_MEASURE.fullmatch, self.different))

    @property
    def numbers(self) -> bool:
        """Whether all values are whole numbers."""
        return all(value.lstrip("-").isdigit() or WHOLE.fullmatch(value) for value in self.different)


def decide(table: Table, finder: Finder, choices: ImportChoices, folder: str = "") -> tuple[Table, Columns]:
    """The table with its titles, and which of its columns is what. `folder`: where the table lies among the files.

    Raises ProjectError, with the titles, where no column names files, or none is called as the choices say.
    """
    table = _titled(table, finder, folder)
    file = _chosen(table, choices.file_column)
    if file is None:
        file = _file_column(table, finder, folder)
    if file is None:
        raise ProjectError(
            f"No column of {table.name} names pictures: {listed(table.titles)}.", "One of them must name the files."
        )
    table = _in_one_column(table, file)
    columns = [_column(table, n) for n in range(table.width) if n != file and not numbers_rows(table, n)]
    label = _chosen(table, choices.label_column)
    part = next((c.number for c in columns if c.number != label and _is_part(c)), None)
    group = next((c.number for c in columns if rank(c.title, GROUP_TITLES) is not None and c.repeats), None)
    rest = [column for column in columns if column.number != part]
    one_hot: tuple[int, ...] = ()
    if label is None:
        label = _titled_label(rest, table)
    if label is None:
        one_hot = _one_hot(rest, table)
    if label is None and not one_hot:
        label = _only_label([c for c in rest if c.number != group], alone=len(columns) == 1)
    return table, Columns(file, label, one_hot, part, None if group == label else group)


def listed(titles: Iterable[str], most: int = 20) -> str:
    """Titles as a sentence names them."""
    titles = list(titles)
    more = f" and {len(titles) - most} more" if len(titles) > most else ""
    return as_text(f"{', '.join(titles[:most])}{more}")


def _chosen(table: Table, title: str | None) -> int | None:
    if title is None:
        return None
    if title not in table.titles:
        raise ProjectError(f"{table.name} has no column {title}.", f"Its columns are: {listed(table.titles)}.")
    return table.titles.index(title)


def _column(table: Table, number: int) -> _Column:
    values = [cell for cell in table.column(number) if cell and cell not in ABSENT]
    return _Column(number, table.titles[number], values, frozenset(values))


def numbers_rows(table: Table, number: int) -> bool:
    """Whether a column only numbers the rows, as pandas writes it: whole numbers, all different, under no title where others
    have one."""
    if not _UNTITLED.fullmatch(table.titles[number]) or all(map(_UNTITLED.fullmatch, table.titles)):
        return False
    column = _column(table, number)
    return column.numbers and len(column.different) == len(table.rows)


def _titled(table: Table, finder: Finder, folder: str) -> Table:
    if table.titles:
        return table
    first, rest = table.rows[0], table.rows[1 : _LOOKED_AT + 1]
    if any(found.certainty > 2 for cell in first if "." in cell and (found := finder.find(cell, folder))):
        return with_titles(table, headed=False)
    if not rest:
        return with_titles(table, headed=False)
    below = Counter(number for row in rest for number, cell in enumerate(row) if finder.find(cell, folder))
    file = max(below, key=lambda number: (below[number], -number), default=None)
    # A label may end as titles do, such as `early disease`, but what stands above files and is one is no title.
    if file is not None and rank(first[file], FILE_TITLES) is None and finder.find(first[file], folder):
        return with_titles(table, headed=False)
    if any(map(is_title, first)):
        return with_titles(table, headed=True)
    headed = bool(below) and not any(
        is_picture_name(first[number]) or finder.find(first[number], folder) for number in below
    )
    if file is None:  # nothing is there of what it names
        headed = not any(map(is_picture_name, first))
    return with_titles(table, headed)


def _in_one_column(table: Table, file: int) -> Table:
    """A table in which several labels of one picture each have a cell of their own, as AutoML writes them, with all in one
    cell: what lies right of a label in some rows, under no title, and is a label itself."""
    if all(row[-1] for row in table.rows):  # each row is as long as the longest
        return table
    untitled = [_UNTITLED.fullmatch(title) is not None for title in table.titles]
    for first in range(max(file + 1, table.width - _MOST_LABELS), table.width - 1):
        if not all(untitled[first + 1 :]) or not (untitled[first] or label_rank(table.titles[first]) is not None):
            continue
        ends = [row[first:] for row in table.rows]
        known = {end[0] for end in ends}
        more = {cell for end in ends for cell in end[1:] if cell}
        filled_up = all(a or not b for end in ends for a, b in pairwise(end))
        words = not any(_MEASURE.fullmatch(cell) or cell.isdigit() or part_word(cell) for cell in known | more)
        by_automl = any(row[file].startswith("gs://") for row in table.rows)
        if filled_up and words and (by_automl or known & more):
            rows = [[*row[:first], as_cell(cell for cell in row[first:] if cell)] for row in table.rows]
            return replace(table, titles=table.titles[: first + 1], rows=rows)
    return table


def _sample(rows: Sequence[list[str]]) -> Sequence[list[str]]:
    return rows[:: max(1, len(rows) // _LOOKED_AT)]


def _file_column(table: Table, finder: Finder, folder: str) -> int | None:
    rows = _sample(table.rows)

    def found(number: int) -> float:
        certainty: dict[str, int] = {}
        for row in rows:
            if hit := finder.find(row[number], folder):
                certainty[hit.name] = max(hit.certainty, certainty.get(hit.name, 0))
        return sum(certainty.values())

    ranks = {number: rank(title, FILE_TITLES) for number, title in enumerate(table.titles)}
    scores = {number: found(number) for number in range(table.width)}
    best = max(scores.values())
    if best > 0:
        near = [number for number, score in scores.items() if score >= 0.98 * best]
        return min(near, key=lambda number: (numbers_rows(table, number), _late(ranks[number]), number))
    titled = [number for number, place in ranks.items() if place is not None]
    if titled:
        return min(titled, key=lambda number: (_late(ranks[number]), number))
    named = {number: sum(is_picture_name(row[number]) for row in rows) for number in range(table.width)}
    most = max(named, key=lambda number: named[number])
    return most if named[most] else None


def _late(place: int | None) -> int:
    return 10_000 if place is None else place


def _is_part(column: _Column) -> bool:
    """Whether the values spell parts; where the title does not say so, there must be two of them at least."""
    if not 0 < len(column.different) <= _MOST_PARTS:
        return False
    words = {value: part_word(value) for value in column.different if value.casefold() != "unassigned"}
    if not words or any(word is None or word[1] for word in words.values()):
        return False
    parts = {word[0] for word in words.values() if word}
    return rank(column.title, PART_TITLES) is not None or (len(parts) > 1 and label_rank(column.title) is None)


def part_of(cell: str) -> str | None:
    """The part that a cell spells."""
    word = part_word(cell)
    return word[0] if word else None


def group_of(cell: str) -> str | None:
    """The group that a cell names; None where it says that there is none."""
    return None if cell in ABSENT else as_text(cell) or None


def _titled_label(columns: Sequence[_Column], table: Table) -> int | None:
    """The column that is called as labels are. Of numbers and names that say the same, the names."""
    titled = {c.number: place for c in columns if (place := label_rank(c.title)) is not None and c.repeats}
    usable = [c for c in columns if c.number in titled and not (c.measures and len(c.values) > _FEW)]
    if not usable:
        return None
    best = min(usable, key=lambda column: (titled[column.number], column.number))
    if best.numbers:
        names = [c for c in columns if not c.numbers and not c.measures and _says_the_same(table, best, c)]
        surely = len(table.rows) > _FEW  # what agrees in a few rows only may do so by chance
        named = [c for c in names if surely or c.number in titled or plain_name(c.title)]
        return min(named, key=lambda c: _late(titled.get(c.number))).number if named else best.number
    return best.number


def plain_name(title: str) -> bool:
    """Whether a title ends as those of names do: `class_name`, `label name`, `text`."""
    return title.casefold().endswith(("name", "text", "title", "description"))


def _says_the_same(table: Table, one: _Column, other: _Column) -> bool:
    pairs = {(row[one.number], row[other.number]) for row in table.rows}
    return len(pairs) == len(one.different) == len(other.different)


def _one_hot(columns: Sequence[_Column], table: Table) -> tuple[int, ...]:
    """The columns of 0 and 1 of which most rows have a single 1."""
    marked = [c.number for c in columns if c.different and all(v.casefold() in _TRUE | _FALSE for v in c.different)]
    ones = [sum(is_marked(row[number]) for number in marked) for row in table.rows]
    return tuple(marked) if len(marked) > 1 and 2 * ones.count(1) >= len(ones) else ()


def is_marked(cell: str) -> bool:
    """Whether a cell of a column of 0 and 1 is a 1."""
    return cell.casefold() in _TRUE


def _only_label(columns: Sequence[_Column], *, alone: bool) -> int | None:
    """The only column left that repeats as labels do; it need not in a few rows if it is `alone` with the files."""
    if alone and columns:
        [only] = columns
        return None if len(only.values) > _FEW and (only.measures or not only.repeats) else only.number
    able = [c for c in columns if c.repeats and not c.measures and not (c.numbers and c.title.casefold() in _MEASURED)]
    words = [c for c in able if not c.numbers and len(c.different) > 1]
    if len(words) == 1:
        return words[0].number
    numbers = [c for c in able if c.numbers and 1 < len(c.different) <= max(2, len(c.values) // 3)]
    return numbers[0].number if not words and len(numbers) == 1 else None
