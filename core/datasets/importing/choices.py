"""What a person may decide about an import, and what was recognised where nobody did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

ClassesFrom = Literal["folders", "table", "names"]
LayoutKind = Literal["folders", "parts", "table", "names", "loose"]


@dataclass(frozen=True)
class ImportChoices:
    """None: it is recognised. `label_column` and `file_column`: titles of the table's columns; `encoding`: that of the table
    and of the names in a zip; `classes_from`: what says the class of a picture."""

    label_column: str | None = None
    file_column: str | None = None
    encoding: str | None = None
    classes_from: ClassesFrom | None = None


@dataclass(frozen=True)
class ImportOptions:
    """What can be chosen of a source; empty where there is nothing to choose."""

    label_columns: tuple[str, ...] = ()
    file_columns: tuple[str, ...] = ()
    encodings: tuple[str, ...] = ()
    classes_from: tuple[ClassesFrom, ...] = ()


@dataclass(frozen=True)
class Recognised:
    """What a source was taken for: class folders, a split of them, a table, names that begin alike, or loose pictures; a
    sentence that says so; the choices that this comes to, and those that there are."""

    source: str
    layout: LayoutKind
    sentence: str
    choices: ImportChoices = field(default_factory=ImportChoices)
    options: ImportOptions = field(default_factory=ImportOptions)
