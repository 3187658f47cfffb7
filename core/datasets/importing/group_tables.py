"""A table that says which pictures belong together: the group of each is a cell of one of its columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.datasets.importing import tables
from core.datasets.project import Project
from core.system.errors import ProjectError


def group_columns(content: bytes, suffix: str) -> list[str]:
    """The titles of a table's columns that could be groups. Raises ProjectError for what is no table with a file column."""
    titles = list(tables.columns_of(content, suffix)[0])
    named = tables.file_column(titles)
    if named is None:
        raise ProjectError("No column of this table is called file, filename, image or path.", "Give one that title.")
    return [title for title in titles if title != named]


def assign_groups(project: Project, table: Path | bytes, column: str, suffix: str = ".csv") -> int:
    """Gives each picture of a project that a table names the group in its `column`; returns how many. What an earlier table
    said is forgotten. `suffix`: the kind of a table that is given by its content. Raises ProjectError for what is no table, a
    column that it does not have, or if it names no picture."""
    if isinstance(table, bytes):
        content = table
    else:
        try:
            content, suffix = table.expanduser().read_bytes(), table.suffix.lower()
        except OSError:
            raise ProjectError(f"The table {table} cannot be read.", "Check its name.") from None
    columns = group_columns(content, suffix)
    if column not in columns:
        raise ProjectError(f"The table has no column {column}.", f"Its columns are: {', '.join(columns)}.")
    rows = tables.columns_of(content, suffix)
    named = tables.file_column(rows[0])
    catalogue = project.scan()
    finder = tables.Finder(catalogue.by_path)
    groups: dict[str, str] = {}
    for row in rows:
        found = finder.find(row.get(str(named), "").strip())
        group = row.get(column, "").strip()
        if found and group:
            groups[catalogue.by_path[found].id] = group
    if not groups:
        raise ProjectError("The table names no picture of this project.", "Its files must be called as they are here.")
    project.divide(lambda before: replace(before, groups=groups))
    return len(groups)
