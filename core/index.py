"""What has been learned of each picture file, kept in SQLite so that a file is decoded once and not at every look.

The folders are the truth: a row is used only while size and time of its file are unchanged, and the whole index can
be rebuilt from the files.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from core.images import PictureFacts

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
    sha256 TEXT, width INTEGER, height INTEGER, signature BLOB, brightness REAL, sharpness REAL, kind TEXT, note TEXT,
    reason TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_content ON files (sha256);
"""
_VERSION = 2
_FACTS = "sha256, width, height, signature, brightness, sharpness, kind, note"
_columns = attrgetter(*_FACTS.split(", "))


@dataclass(frozen=True, slots=True)
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


def ensure(path: Path, schema: str, version: int = 0) -> None:
    """Makes the tables of a database of things that can be computed again; a file that is damaged, or of another
    version, is replaced by an empty one."""
    try:
        with connect(path) as db:
            fresh = not db.execute("SELECT 1 FROM sqlite_master").fetchone()
            if not fresh and db.execute("PRAGMA user_version").fetchone() != (version,):
                raise sqlite3.DatabaseError
            db.executescript(f"{schema}; PRAGMA user_version = {version}")
            if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError
    except sqlite3.OperationalError:
        raise  # the disk is full, or cannot be written to: nothing is wrong with the file
    except sqlite3.DatabaseError:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        with connect(path) as db:
            db.executescript(f"{schema}; PRAGMA user_version = {version}")


class FileIndex:
    """The rows of one project. An index that is damaged, or of another version, is made anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        ensure(path, _SCHEMA, _VERSION)

    def rows(self) -> dict[str, FileRow]:
        """Every row, by path."""
        with connect(self._path) as db:
            found = db.execute(f"SELECT path, bytes, modified_ns, reason, {_FACTS} FROM files")
            return {
                path: FileRow(path, size, modified, PictureFacts(*facts) if facts[0] else None, reason)
                for path, size, modified, reason, *facts in found
            }

    def row(self, path: str) -> FileRow | None:
        """What is known of one file."""
        with connect(self._path) as db:
            found = db.execute(
                f"SELECT bytes, modified_ns, reason, {_FACTS} FROM files WHERE path = ?", (path,)
            ).fetchone()
        if found is None:
            return None
        size, modified, reason, *facts = found
        return FileRow(path, size, modified, PictureFacts(*facts) if facts[0] else None, reason)

    def glance(self, most: int) -> tuple[int, int, list[str]]:
        """(number of usable files, of folders at the top that hold any, paths of up to `most` spread over them)."""
        with connect(self._path) as db:
            (count,) = db.execute("SELECT count(*) FROM files WHERE sha256 IS NOT NULL").fetchone()
            (folders,) = db.execute(
                "SELECT count(DISTINCT substr(path, 1, instr(path, '/'))) FROM files"
                " WHERE sha256 IS NOT NULL AND instr(path, '/') > 0"
            ).fetchone()
            some = db.execute(
                "SELECT path FROM (SELECT path, row_number() OVER (ORDER BY path) AS n FROM files WHERE sha256 IS NOT NULL)"
                " WHERE (n - 1) % ? = 0 LIMIT ?",
                (max(1, -(-count // most)), most),
            ).fetchall()
        return count, folders, [path for (path,) in some]

    def path_of(self, sha256: str) -> str | None:
        """A file with this content, the first by path."""
        with connect(self._path) as db:
            found = db.execute("SELECT path FROM files WHERE sha256 = ? ORDER BY path", (sha256,)).fetchone()
        return found[0] if found else None

    def put(self, rows: Iterable[FileRow]) -> None:
        """Adds or replaces rows, all in one transaction."""
        values = [
            (row.path, row.size, row.modified_ns, row.reason, *(_columns(row.facts) if row.facts else (None,) * 8))
            for row in rows
        ]
        self._write(
            f"REPLACE INTO files (path, bytes, modified_ns, reason, {_FACTS}) VALUES ({', '.join('?' * 12)})", values
        )

    def move(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Says that files were renamed, (from, to) each; a folder stands for all that is in it."""
        # "0" follows "/" in the order of characters: the range is all paths below the folder.
        self._write(
            "UPDATE OR REPLACE files SET path = ? || substr(path, ?) WHERE path = ? OR (path > ? AND path < ?)",
            [(new, len(old) + 1, old, f"{old}/", f"{old}0") for old, new in pairs],
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
