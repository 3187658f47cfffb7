"""Which rows of a journal this computer wrote: each is signed with its number, state and steps as they are now."""

from __future__ import annotations

import json
import sqlite3

from core.datasets.file_operations import Step, read_steps
from core.system import signing

FOREIGN = "foreign"
"""The state of an edit that this computer did not write."""
_ACTING = ("doing", "undoing", "done", "undone")
"""The states of edits that are made, undone or redone."""
_LOOKED_AT = 200
"""Rows from elsewhere that are passed over in search of one of our own."""


def seal(db: sqlite3.Connection, number: int, state: str, steps: str) -> None:
    """Writes state and steps (JSON) of a row with the signature of this computer. Raises OSError if there is no key."""
    made = signing.sign("edit", _content(number, state, steps))
    db.execute("UPDATE edits SET state = ?, steps = ?, seal = ? WHERE id = ?", (state, steps, made, number))


def own_steps(number: int, state: str, steps: str, signature: str) -> list[Step] | None:
    """The steps of a row that this computer wrote; None for any other."""
    if not _is_own(number, state, steps, signature):
        return None
    try:
        return read_steps(steps)
    except ValueError:
        return None


def newest_own(db: sqlite3.Connection, state: str, order: str) -> tuple[int, str, str, list[Step]] | None:
    """The first edit of our own in a state: (number, kind, sentence, steps). `order`: "ASC" or "DESC" by number."""
    rows = db.execute(
        f"SELECT id, kind, sentence, steps, seal FROM edits WHERE state = ? ORDER BY id {order} LIMIT ?",
        (state, _LOOKED_AT),
    )
    for number, kind, sentence, text, signature in rows:
        steps = own_steps(number, state, text, signature)
        if steps is not None:
            return number, kind, sentence, steps
    return None


def told(db: sqlite3.Connection, most: int) -> list[tuple[float, str, str]]:
    """The newest edits: (seconds since 1970, sentence, state), those of others as FOREIGN."""
    rows = db.execute("SELECT id, at, sentence, state, steps, seal FROM edits ORDER BY id DESC LIMIT ?", (most,))
    return [
        (
            float(at) if isinstance(at, int | float) else 0.0,
            str(sentence),
            FOREIGN if state in _ACTING and not _is_own(number, state, steps, signature) else str(state),
        )
        for number, at, sentence, state, steps, signature in rows
    ]


def unsigned(db: sqlite3.Connection) -> list[tuple]:
    """What the newest edits in a journal of before there were signatures tell: (at, kind, sentence, token)."""
    return db.execute("SELECT at, kind, sentence, token FROM edits ORDER BY id DESC LIMIT 1000").fetchall()


def keep_unsigned(db: sqlite3.Connection, rows: list[tuple]) -> None:
    """Takes them over, to be shown, but never undone."""
    db.executemany(
        "INSERT INTO edits (at, kind, sentence, steps, state, token) VALUES (?, ?, ?, '[]', 'kept', ?)", rows[::-1]
    )


def _content(number: int, state: str, steps: str) -> bytes:
    return json.dumps([number, state, steps]).encode()


def _is_own(number: object, state: object, steps: object, signature: object) -> bool:
    """Whether this computer wrote a row as it is now."""
    if not (isinstance(number, int) and isinstance(state, str) and isinstance(steps, str)):
        return False
    return signing.is_signed("edit", _content(number, state, steps), signature)
