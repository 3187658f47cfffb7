"""A table that says which pictures belong together: the group of each is a cell of one of its columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.datasets.importing.choices import ImportChoices
from core.datasets.importing.columns import Columns, decide, group_of, listed
from core.datasets.importing.finder import Finder
from core.datasets.importing.tables import Table, read_table
from core.datasets.project import Project
from core.system.errors import ProjectError


def group_columns(project: Project, content: bytes, name: str) -> list[str]:
    """The titles of a table's columns that could be groups. Raises ProjectError for what is no table of files."""
    table, columns = _read(Finder(project.scan().by_path), content, name)
    return _others(table, columns)


def assign_groups(project: Project, table: Path | bytes, column: str, name: str = "table.csv") -> int:
    """Gives each picture of a project that a table names the group in its `column`; returns how many. What an earlier table
    said is forgotten. `name`: that of a table which is given by its content. Raises ProjectError for what is no table, a
    column that it does not have, or if it names no picture."""
    if isinstance(table, bytes):
        content = table
    else:
        try:
            content, name = table.expanduser().read_bytes(), table.name
        except OSError:
            raise ProjectError(f"The table {table} cannot be read.", "Check its name.") from None
    catalogue = project.scan()
    finder = Finder(catalogue.by_path)
    read, columns = _read(finder, content, name)
    titles = _others(read, columns)
    if column not in titles:
        raise ProjectError(f"The table has no column {column}.", f"Its columns are: {listed(titles)}.")
    groups: dict[str, str] = {}
    named = False
    for wanted, cell in zip(read.column(columns.file), read.column(read.titles.index(column)), strict=True):
        found, group = finder.find(wanted), group_of(cell)
        named = named or found is not None
        if found and group:
            groups[catalogue.by_path[found.name].id] = group
    if named and not groups:
        raise ProjectError(f"No picture of this project has a group in the column {column}.", "Choose another column.")
    if not groups:
        raise ProjectError("The table names no picture of this project.", "Its files must be called as they are here.")
    project.divide(lambda before: replace(before, groups=groups))
    return len(groups)


def _others(table: Table, columns: Columns) -> list[str]:
    return [title for number, title in enumerate(table.titles) if number != columns.file]


def _read(finder: Finder, content: bytes, name: str) -> tuple[Table, Columns]:
    return decide(read_table(content, name), finder, ImportChoices())
