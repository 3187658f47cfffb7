"""Sources of an import that only have to be looked at: the pictures in them are empty files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from core.datasets import importing
from core.datasets.importing import ImportChoices, Plan


def csv_text(rows: Iterable[Sequence[Any]], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return out.getvalue()


KINDS = ("cat", "dog", "owl")
PICTURES = [f"{kind}_{n}.jpg" for kind in KINDS for n in range(5)]
RIGHT = {name: name.partition("_")[0] for name in PICTURES}
CLASSES = list(RIGHT.values())
NUMBERS = [KINDS.index(kind) for kind in CLASSES]


def rows(titles: Sequence[str], *cells: Iterable[object]) -> str:
    """A CSV by its columns."""
    return csv_text([titles, *zip(*cells, strict=True)])


def planned(pictures: Iterable[str], tables: dict[str, str | bytes], choices: ImportChoices | None = None) -> Plan:
    """The plan of pictures that came along with tables."""
    files = [(name, b"") for name in pictures]
    files += [(name, text.encode() if isinstance(text, str) else text) for name, text in tables.items()]
    plans, rows = importing.from_files(files, {"files": choices} if choices else None)
    assert not rows, rows
    [plan] = plans
    return plan


def labels(plan: Plan) -> dict[str, str | None]:
    """Picture -> class."""
    return {entry.name: entry.class_name for entry in plan.entries}


def in_folders(root: Path, table: str | None, folders: dict[str, str]) -> Path:
    for name, folder in folders.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / name).write_bytes(b"")
    if table:
        (root / "labels.csv").write_text(table)
    return root
