"""Tables that only say it together: files here and labels there, or numbers here and the names of the classes there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.datasets.importing.columns import numbers_rows, plain_name
from core.datasets.importing.tables import Table, is_title, with_titles
from core.datasets.importing.titles import FILE_TITLES, label_rank, plain_title, rank
from core.datasets.scanner import is_picture_name

_KEYS = ("id", "image_id", "img_id", "picture_id", "photo_id", "file_id", "key", "uuid")


def readings(table: Table) -> Iterator[Table]:
    """A table with its titles; in both ways where its first row may be titles or not."""
    if table.titles:
        yield table
        return
    several = len(table.rows) > 1
    if several:
        yield with_titles(table, headed=True)
    first = table.rows[0]
    by_pandas = not first[0] or first[0].startswith("Unnamed: ")  # the title of its numbers of the rows
    if not (several and (by_pandas or (not first[0].isdigit() and any(map(is_title, first))))):
        yield with_titles(table, headed=False)


def names_of(labels: set[str], label_title: str, other: Table) -> dict[str, str]:
    """Label -> name of its class, where a table has a row for each of the labels; empty where it has not."""
    if not labels or not (_are_keys(labels) or plain_title(label_title).endswith(("id", "code", "no", "index"))):
        return {}
    for table in readings(other):
        columns = [list(table.column(number)) for number in range(table.width)]
        for number, keys in enumerate(columns):
            if len(set(keys)) != len(keys) or not labels <= set(keys):
                continue
            if numbers_rows(table, number) and 2 * len(labels) < len(keys):
                continue  # these are no classes, but any rows
            others = [n for n in range(table.width) if n != number and not _are_files(table.titles[n], columns[n])]
            names = [n for n in others if all(columns[n]) and not _all_numbers(columns[n])]
            named = [n for n in names if plain_name(table.titles[n]) or label_rank(table.titles[n]) is not None]
            if named or len(names) == 1:
                return dict(zip(keys, columns[(named or names)[0]], strict=True))
    return {}


def with_labels_of(table: Table, other: Table) -> Table | None:
    """A table of files with the columns of another one, which has a row or several for each of its rows by a key that both
    have; None where they have none in common."""
    for right in readings(other):
        for key, there in _common_keys(table, right):
            rows_of: dict[str, list[list[str]]] = {}
            for row in right.rows:
                rows_of.setdefault(row[there], []).append(row)
            blank = [[""] * right.width]
            rows = [[*row, *more] for row in table.rows for more in rows_of.get(row[key], blank)]
            titles = (
                *table.titles,
                *(f"{right.name}: {title}" if title in table.titles else title for title in right.titles),
            )
            return Table(table.name, titles, rows, table.encoding, table.guessed or right.guessed, table.above)
    return None


def _common_keys(table: Table, right: Table) -> Iterator[tuple[int, int]]:
    for key, title in enumerate(table.titles):
        cells = list(table.column(key))
        here = set(cells)
        if len(here) != len(cells):
            continue
        for there, other in enumerate(right.titles):
            values = list(right.column(there))
            if numbers_rows(table, key) and here != set(values):
                continue  # each counts its own rows
            same = plain_title(title) == plain_title(other) or {plain_title(title), plain_title(other)} <= {*_KEYS}
            named = rank(title, FILE_TITLES) is not None and rank(other, FILE_TITLES) is not None
            if (same or named or not _all_numbers(values)) and 2 * sum(value in here for value in values) >= len(
                values
            ):
                yield key, there


def _are_files(title: str, cells: Sequence[str]) -> bool:
    """Whether a column has files, which are no names of classes."""
    called = rank(title, FILE_TITLES) is not None and label_rank(title) is None and plain_title(title) != "name"
    return called or any(map(is_picture_name, cells))


def _are_keys(labels: set[str]) -> bool:
    return all(any(c.isdigit() for c in label) for label in labels)


def _all_numbers(cells: Sequence[str]) -> bool:
    return all(cell.replace(".", "", 1).lstrip("-").isdigit() for cell in cells if cell)
