"""Names in tables that may be opened in a spreadsheet, and whole tables as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from core.system.naming import as_text


def safe_cell(text: str) -> str:
    """A name for a table: as text that can be written (see naming.as_text), and not as a formula, which a spreadsheet
    would run where a text begins like this."""
    text = as_text(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def as_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV text with a row of titles; texts are made safe, numbers stay numbers, None becomes an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([safe_cell(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return out.getvalue()
