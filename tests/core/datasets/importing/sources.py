"""Sources of an import that only have to be looked at: the pictures in them are empty files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from core.datasets import importing
from core.datasets.importing import ImportChoices, Plan


def csv_text(rows: Iterable[Sequence[Any]], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return out.getvalue()


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
