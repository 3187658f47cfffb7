"""What has been learned of each picture file, kept in SQLite so that a file is decoded once and not at every look.

The folders are the truth: a row is used only while size and time of its file are unchanged, and the whole index can
be rebuilt from the files.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from core.imaging.decode import SIGNATURE, PictureFacts
from core.system import disk
from core.system.naming import is_digest

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
    sha256 TEXT, width INTEGER, height INTEGER, signature BLOB, brightness REAL, sharpness REAL, kind TEXT, note TEXT,
    reason TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_content ON files (sha256);
"""
_VERSION = 3
_MAX_VALUE = 100_000_000
"""Bytes; the steps of an edit of a hundred thousand pictures have some 20 million."""
_FACTS = "sha256, width, height, signature, brightness, sharpness, kind, note"
# What is left of a path without the characters, at its end, that are no slash; "" for a file at the top.
_FOLDER = "rtrim(rtrim(path, replace(path, '/', '')), '/')"
_columns = attrgetter(*_FACTS.split(", "))


@dataclass(frozen=True, slots=True)
class FileRow:
    """One picture file: its path relative to the project, and either `facts` or the `reason` why it can't be used."""

    path: str
    size: int
    modified_ns: int
    facts: PictureFacts | None
    reason: str = ""


def _careful(connection: sqlite3.Connection) -> sqlite3.Connection:
    """For a file that may come from elsewhere: runs nothing that is in it, and takes no value that fills the memory."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def connect(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection with write-ahead logging and a 30 s wait for others; commits at the end, or rolls back."""
    connection = _careful(sqlite3.connect(path, timeout=30, isolation_level=None))
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        yield connection
    finally:
        connection.close()


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads, and changes no file. Where there is no room for what write-ahead logging needs, the file
    is read as it was when it was last written back. Raises sqlite3.Error for a missing or damaged one."""
    address = f"file:{quote(str(path))}?mode=ro"
    connection = _careful(sqlite3.connect(address, uri=True, timeout=30, isolation_level=None))
    try:
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            connection = _careful(sqlite3.connect(f"{address}&immutable=1", uri=True, isolation_level=None))
        yield connection
    finally:
        connection.close()


def ensure(path: Path, schema: str, version: int = 0) -> None:
    """Makes the tables of a database of things that can be computed again; a file that is damaged, of another version, or
    has other tables (one from elsewhere may have views that never end), is replaced by an empty one."""
    try:
        with connect(path) as db:
            fresh = not db.execute("SELECT 1 FROM sqlite_master").fetchone()
            if not fresh and not has_shape(db, schema, version):
                raise sqlite3.DatabaseError
            db.executescript(f"{schema}; PRAGMA user_version = {version}")
            if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError
    except sqlite3.OperationalError:
        raise  # the disk is full, or cannot be written to: nothing is wrong with the file
    except sqlite3.DatabaseError:
        for suffix in ("", "-wal", "-shm"):
            disk.remove(path.with_name(path.name + suffix))
        with connect(path) as db:
            db.executescript(f"{schema}; PRAGMA user_version = {version}")


def has_shape(db: sqlite3.Connection, schema: str, version: int) -> bool:
    """Whether a database has this version and the tables of `schema`, and nothing else that could be run."""
    if db.execute("PRAGMA user_version").fetchone() != (version,):
        return False
    return set(db.execute(_SHAPE).fetchall()) == _shape_of(schema)


_SHAPE = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'"


@lru_cache(maxsize=16)
def _shape_of(schema: str) -> set[tuple[str, str, str]]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(schema)
        return set(db.execute(_SHAPE).fetchall())


class FileIndex:
    """The rows of one project. An index that is damaged, or of another version, is made anew. Where it cannot be read, as on
    a full disk, nothing is known, and what cannot be written is not kept: then files are looked at again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with suppress(sqlite3.OperationalError):
            ensure(path, _SCHEMA, _VERSION)

    def rows(self) -> dict[str, FileRow]:
        """Every row, by path."""
        found = self._ask(f"SELECT path, bytes, modified_ns, reason, {_FACTS} FROM files")
        return {row.path: row for values in found if (row := _row(values))}

    def row(self, path: str) -> FileRow | None:
        """What is known of one file."""
        found = self._ask(f"SELECT path, bytes, modified_ns, reason, {_FACTS} FROM files WHERE path = ?", path)
        return _row(found[0]) if found else None

    def folders(self) -> dict[str, int]:
        """The folders that hold usable files, and how many each holds, without those in folders of its own."""
        return {
            str(folder): int(count)
            for folder, count in self._ask(
                f"SELECT {_FOLDER} AS folder, count(*) FROM files WHERE sha256 IS NOT NULL GROUP BY folder"
            )
        }

    def some(self, most: int, folders: Iterable[str]) -> list[str]:
        """Paths of up to `most` usable files in some folders, spread over them."""
        found = self._ask(
            "SELECT path FROM (SELECT path, row_number() OVER (ORDER BY path) AS n, count(*) OVER () AS every FROM files"
            f" WHERE sha256 IS NOT NULL AND {_FOLDER} IN (SELECT value FROM json_each(?)))"
            " WHERE (n - 1) % ((every + ? - 1) / ?) = 0 LIMIT ?",
            json.dumps(list(folders)),
            most,
            most,
            most,
        )
        return [str(path) for (path,) in found]

    def path_of(self, sha256: str) -> str | None:
        """A file with this content, the first by path."""
        found = self._ask("SELECT path FROM files WHERE sha256 = ? ORDER BY path LIMIT 1", sha256)
        return str(found[0][0]) if found else None

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

    def _ask(self, question: str, *values: str | int) -> list[tuple]:
        try:
            with reading(self._path) as db:
                return db.execute(question, values).fetchall()
        except sqlite3.DatabaseError:  # full, gone, or damaged since it was opened
            return []

    def _write(self, statement: str, values: list[tuple]) -> None:
        if not values:
            return
        with suppress(sqlite3.DatabaseError), connect(self._path) as db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(statement, values)
            db.execute("COMMIT")


def _row(values: Sequence[Any]) -> FileRow | None:
    """A row of the table; None for one that no look at a file can have written."""
    path, size, modified, reason, *facts = values
    told = all(isinstance(one, kind) for one, kind in zip(values, (str, int, int, str), strict=False))
    if not told or not isinstance(path, str):
        return None
    if facts[0] is None:
        return FileRow(path, size, modified, None, reason)
    sha256, width, height, signature, brightness, sharpness, kind, note = facts
    whole = (
        all(isinstance(one, str) for one in (sha256, kind, note))
        and is_digest(sha256)
        and isinstance(signature, bytes)
        and len(signature) == SIGNATURE
        and all(isinstance(one, int) and one > 0 for one in (width, height))
        and all(isinstance(one, float | int) for one in (brightness, sharpness))
    )
    return FileRow(path, size, modified, PictureFacts(*facts), reason) if whole else None
