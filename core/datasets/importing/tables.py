"""Lists of files and labels: CSV, JSON Lines, and the exports of Label Studio -> pairs of (file, label).

Label Studio's layouts: https://labelstud.io/guide/export ("JSON", "JSON_MIN" and "CSV").
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from core.system.errors import ProjectError
from core.system.naming import as_text

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")
MAX_ROWS = 200_000
_FILE_KEYS = ("file", "filename", "file_name", "image", "path", "picture", "img", "name")
_LABEL_KEYS = ("label", "class", "choice", "category", "class_name", "tag")
_LOOKED_AT = 100  # lines of a table by which its delimiter is chosen
_UPLOAD_PREFIX = 9  # Label Studio puts eight hex digits and a dash before the name of an uploaded file

Pair = tuple[str, tuple[str, ...]]
"""A file as the table names it, and the labels it gives: none, one, or several."""


def read_table(content: bytes, suffix: str) -> list[Pair]:
    """The rows of a table, in its order. Raises ProjectError where there is no table of files and labels in it."""
    text = _text(content)
    if suffix in (".csv", ".tsv"):
        pairs = _rows(text)
    else:
        pairs = [pair for item in _items(text, suffix) if (pair := _pair(item)) is not None]
    if not pairs:
        raise ProjectError(
            "There are no rows of a file and its label in this table.",
            "It needs two columns, file and label, or for JSON one object with these keys for each picture.",
        )
    if len(pairs) > MAX_ROWS:
        raise ProjectError(f"This table has more than {MAX_ROWS:,} rows.", "Split it into several.")
    return [(as_text(file), labels) for file, labels in pairs]


def columns_of(content: bytes, suffix: str) -> list[dict[str, str]]:
    """The rows of a table by its titles: CSV, or JSON Lines of objects. Raises ProjectError for what is no such table."""
    text = _text(content)
    if suffix in (".csv", ".tsv"):
        header, *rows = _sheet(text) or [[]]
        found = [dict(zip((title.strip() for title in header), row, strict=False)) for row in rows]
    else:
        items = [item for item in _items(text, suffix) if isinstance(item, Mapping)]
        found = [{as_text(str(key)): as_text(str(value)) for key, value in item.items()} for item in items]
    if not found or len(found) > MAX_ROWS:
        raise ProjectError(f"This table has no rows, or more than {MAX_ROWS:,}.", "Its first line must be its titles.")
    return found


def file_column(titles: Iterable[str]) -> str | None:
    """The title of the column that names files, or None."""
    known = {title.casefold(): title for title in titles}
    return next((known[key] for key in _FILE_KEYS if key in known), None)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _sheet(text: str) -> list[list[str]]:
    """The lines of a CSV that have anything in them, cell by cell."""
    csv.field_size_limit(1_000_000)
    delimiter, quote = max(itertools.product("\t,;|", "\"'"), key=lambda pair: _fits(text, *pair))
    try:
        return [row for row in _lines(text, delimiter, quote) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ProjectError(f"This table cannot be read: {error}.", "Save it again as CSV.") from None


def _lines(text: str, delimiter: str, quote: str) -> Iterable[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote, skipinitialspace=True)


def _fits(text: str, delimiter: str, quote: str) -> tuple[bool, bool, float]:
    """How well a table is told by a delimiter: whether its first line has the title of a file column, whether it has
    several cells, and the share of lines that have as many. csv.Sniffer counts characters also inside quotes instead, and
    takes a `;` in a few labels for the delimiter."""
    try:
        rows = [row for row in itertools.islice(_lines(text, delimiter, quote), _LOOKED_AT) if row]
    except csv.Error:
        rows = []
    if not rows:
        return False, False, 0.0
    titles = [cell.strip().casefold() for cell in rows[0]]
    alike = sum(len(row) == len(titles) for row in rows) / len(rows)
    return _column(titles, _FILE_KEYS) is not None, len(titles) > 1, alike


def _rows(text: str) -> list[Pair]:
    rows = _sheet(text)
    if not rows:
        return []
    header = [cell.strip().casefold() for cell in rows[0]]
    file_column, label_column = _column(header, _FILE_KEYS), _column(header, _LABEL_KEYS)
    if file_column is None:
        file_column, label_column = 0, 1
    else:
        rows = rows[1:]
    return [
        (
            row[file_column].strip(),
            _labels(row[label_column]) if label_column is not None and label_column < len(row) else (),
        )
        for row in rows
        if len(row) > file_column and row[file_column].strip()
    ]


def _column(header: list[str], keys: Iterable[str]) -> int | None:
    return next((header.index(key) for key in keys if key in header), None)


def _items(text: str, suffix: str) -> list[Any]:
    try:
        if suffix in (".jsonl", ".ndjson"):
            return [json.loads(line) for line in text.split("\n") if line.strip()]  # a label may hold other breaks
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ProjectError("This file is not JSON.", "Save it again, or use CSV.") from None
    if isinstance(value, Mapping):  # {"cat.jpg": "cat"}
        return [{"file": name, "label": label} for name, label in value.items() if isinstance(label, str)]
    return value if isinstance(value, list) else []


def _pair(item: Any) -> Pair | None:
    if not isinstance(item, Mapping):
        return None
    if isinstance(item.get("data"), Mapping):  # a task of Label Studio
        file = _first_text(item["data"], _FILE_KEYS)
        return (file, _annotated(item)) if file else None
    file = _first_text(item, _FILE_KEYS)
    label = next((item[key] for key in _LABEL_KEYS if item.get(key) is not None), None)
    return (file, _labels(label)) if file else None


def _first_text(item: Mapping[str, Any], keys: Iterable[str]) -> str:
    return next((value for key in keys if isinstance(value := item.get(key), str) and value), "")


def _annotated(task: Mapping[str, Any]) -> tuple[str, ...]:
    """The choices of a task's newest annotation that was not cancelled."""
    for annotation in reversed(_list(task.get("annotations")) or _list(task.get("completions"))):
        if isinstance(annotation, Mapping) and not annotation.get("was_cancelled"):
            found = [
                str(choice)
                for result in _list(annotation.get("result"))
                if isinstance(result, Mapping) and isinstance(result.get("value"), Mapping)
                for choice in _list(result["value"].get("choices"))
            ]
            return tuple(dict.fromkeys(found))
    return ()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _labels(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        if value.strip().startswith("{"):  # Label Studio writes several choices as JSON in a cell
            try:
                value = json.loads(value)
            except ValueError:
                return (value.strip(),)
        else:
            return (value.strip(),) if value.strip() else ()
    if isinstance(value, Mapping):
        value = value.get("choices")
    if isinstance(value, list):
        return tuple(str(choice).strip() for choice in value)
    return (str(value),) if isinstance(value, int | float) else ()


class Finder:
    """Finds the file that a table means among those that are there: by its path, else by its name if only one has it."""

    def __init__(self, names: Iterable[str]) -> None:
        self._paths: set[str] = set()
        self._by_name: dict[str, list[str]] = {}
        for name in names:
            self._paths.add(name)
            self._by_name.setdefault(PurePosixPath(name).name, []).append(name)

    def find(self, wanted: str) -> str | None:
        """A name as it was given, or None if there is no such file or several could be meant."""
        path = wanted.replace("\\", "/").removeprefix("./")
        if path in self._paths:
            return path
        name = PurePosixPath(path).name
        for candidate in (name, name[_UPLOAD_PREFIX:] if name[8:9] == "-" else ""):
            found = self._by_name.get(candidate, [])
            if len(found) == 1:
                return found[0]
        return None
