"""Names in tables that may be opened in a spreadsheet, and whole tables as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def safe_cell(text: str) -> str:
    """A name for a spreadsheet, where a text that begins like this is run as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def as_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV text with a row of titles; texts are made safe, numbers stay numbers, None becomes an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([safe_cell(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return out.getvalue()
