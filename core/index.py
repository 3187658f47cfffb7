"""What has been learned of each picture file, kept in SQLite so that a file is decoded once and not at every look.

The folders are the truth: a row is used only while size and time of its file are unchanged, and the whole index can
be rebuilt from the files.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.images import PictureFacts

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
    sha256 TEXT, width INTEGER, height INTEGER, signature BLOB, brightness REAL, note TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""


@dataclass(frozen=True)
class FileRow:
    """One picture file: its path relative to the project, and either `facts` or the `reason` why it can't be used."""

    path: str
    size: int
    modified_ns: int
    facts: PictureFacts | None
    reason: str = ""


@contextmanager
def connect(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection with write-ahead logging and a 30 s wait for others; commits at the end, or rolls back."""
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        yield connection
    finally:
        connection.close()


def ensure(path: Path, schema: str) -> None:
    """Makes the tables of a database of things that can be computed again; a damaged file is replaced by an empty one."""
    try:
        with connect(path) as db:
            db.executescript(schema)
            if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError
    except sqlite3.OperationalError:
        raise  # the disk is full, or cannot be written to: nothing is wrong with the file
    except sqlite3.DatabaseError:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        with connect(path) as db:
            db.executescript(schema)


class FileIndex:
    """The rows of one project. An index that is damaged, or of another version, is made anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        ensure(path, _SCHEMA)

    def rows(self) -> dict[str, FileRow]:
        """Every row, by path."""
        with connect(self._path) as db:
            found = db.execute(
                "SELECT path, bytes, modified_ns, reason, sha256, width, height, signature, brightness, note FROM files"
            ).fetchall()
        return {
            path: FileRow(path, size, modified, PictureFacts(*facts) if facts[0] else None, reason)
            for path, size, modified, reason, *facts in found
        }

    def put(self, rows: Iterable[FileRow]) -> None:
        """Adds or replaces rows, all in one transaction."""
        values = []
        for row in rows:
            facts = row.facts
            known = (
                (facts.sha256, facts.width, facts.height, facts.signature, facts.brightness, facts.note)
                if facts
                else (None, None, None, None, None, "")
            )
            values.append((row.path, row.size, row.modified_ns, row.reason, *known))
        self._write(
            "REPLACE INTO files (path, bytes, modified_ns, reason, sha256, width, height, signature, brightness, note)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )

    def forget(self, paths: Iterable[str]) -> None:
        """Removes the rows of files that are gone."""
        self._write("DELETE FROM files WHERE path = ?", [(path,) for path in paths])

    def _write(self, statement: str, values: list[tuple]) -> None:
        if not values:
            return
        with connect(self._path) as db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(statement, values)
            db.execute("COMMIT")
