"""The files that may hold tables, and how much of them is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from core.datasets.importing.tables import Table, read_table
from core.system.errors import ProjectError

_MOST = 1000
"""As many as there are classes, where each has a table of its own."""
_MOST_JSON = 40
"""Programs write one for each picture, and those are no tables."""
_MOST_ROWS = 1_000_000
"""Of all tables together."""


@dataclass(frozen=True)
class Sheet:
    """A file that may hold a table: its path among the pictures, and how to read it."""

    path: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Reading:
    """What was read of some files: their tables, why others hold none, in sentences, and those that are too many."""

    tables: list[tuple[Sheet, Table]]
    problems: list[str]
    unread: tuple[Sheet, ...] = ()


def read_sheets(sheets: Sequence[Sheet], encoding: str = "") -> Reading:
    """The tables in files, those that lie in the fewest folders first. Raises ProjectError for an encoding that is asked for
    and that there is not."""
    wanted = list(_up_to_the_most(sorted(sheets, key=lambda sheet: sheet.path.count("/"))))
    tables: list[tuple[Sheet, Table]] = []
    problems = []
    looked_at = rows = 0
    for sheet in wanted:
        if rows > _MOST_ROWS:
            break
        looked_at += 1
        try:
            table = read_table(sheet.read(), sheet.path.rpartition("/")[2], encoding)
        except ProjectError as error:
            if "no encoding" in error.message:
                raise
            problems.append(f"{sheet.path}: {error.message}")
            continue
        tables.append((sheet, table))
        rows += len(table.rows)
    read = {id(sheet) for sheet in wanted[:looked_at]}  # two of one path may lie in folders that only wrap others
    return Reading(tables, problems, tuple(sheet for sheet in sheets if id(sheet) not in read))


def _up_to_the_most(sheets: Sequence[Sheet]) -> Iterator[Sheet]:
    left = {True: _MOST_JSON, False: _MOST}
    for sheet in sheets:
        is_json = sheet.path.lower().endswith(".json")
        if left[is_json]:
            left[is_json] -= 1
            yield sheet
