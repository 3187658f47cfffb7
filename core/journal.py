"""Every change to a project's folders, written down before it is made: so it can be undone, and a crash leaves no half.

An edit is a list of steps that can each be turned round: a file or folder moved, a folder made or removed, the classes'
settings replaced. Deleting moves to the trash; adding moves from there. The steps are committed to SQLite first, then
made, then marked as done; whoever opens the project next completes an edit that a crash cut off.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import ProjectError
from core.index import connect
from core.steps import Step, carry_out, turned_round

_SCHEMA = """
CREATE TABLE IF NOT EXISTS edits (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL, sentence TEXT NOT NULL,
    steps TEXT NOT NULL, state TEXT NOT NULL, token TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS by_state ON edits (state, id);
CREATE TABLE IF NOT EXISTS origins (picture TEXT PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL) WITHOUT ROWID;
"""
_VERSION = 1
_HALF = ("doing", "undoing")

HIDDEN = ".fieldguide"
"""The folder beside the class folders for all that is not a picture of the person's."""
TRASH = f"{HIDDEN}/trash"


@dataclass(frozen=True)
class Edit:
    """One edit as it was made (or undone): `moved` holds (from, to) of each file or folder, `left` the paths that were not
    where they should be, and which were let be."""

    id: int
    kind: str
    sentence: str
    moved: tuple[tuple[str, str], ...] = ()
    left: tuple[str, ...] = ()


class Journal:
    """The edits of one project. `root` holds the pictures, `home` the journal and the trash."""

    def __init__(self, root: Path, home: Path) -> None:
        self._root = root
        self._home = home
        self._path = home / "edits.sqlite"
        self._held: sqlite3.Connection | None = None

    @cached_property
    def _lock(self) -> FileLock:
        return FileLock(self._home / "edits.lock", timeout=60)

    @contextmanager
    def editing(self) -> Iterator[None]:
        """Held while an edit is planned and made, by one person at a time. Raises ProjectError if others take too long."""
        if not self._home.is_relative_to(self._root):
            raise ProjectError(
                f"The folder {self._root} cannot be written to.", "Copy it to a place of your own, and open the copy."
            )
        if not self._home.is_dir():
            raise ProjectError(f"The folder {self._root} is gone.", "Was it moved, or is it on a stick?")
        try:
            with self._lock:
                self._ensure()
                with connect(self._path) as self._held:  # closing one costs milliseconds
                    self._complete()
                    yield
        except Timeout:
            raise ProjectError(
                "Someone else is changing this project at the moment.", "Try again in a minute."
            ) from None
        finally:
            self._held = None

    @contextmanager
    def staging(self) -> Iterator[str]:
        """A new folder in the trash, by its name, to fill for an edit that follows; it is removed again if none refers to
        it, also after a crash. Raises ProjectError if the project cannot be written to."""
        with self.editing():
            token, mark = new_token(), self._home / "staging"
            mark.mkdir(exist_ok=True)
        lock = FileLock(mark / f"{token}.lock")
        with lock:
            try:
                (self._root / TRASH / token).mkdir(parents=True)
                yield token
            finally:
                self._sweep(token)

    def _sweep(self, token: str) -> None:
        with self._database() as db:
            used = db.execute("SELECT 1 FROM edits WHERE token = ? LIMIT 1", (token,)).fetchone()
        if not used:
            shutil.rmtree(self._root / TRASH / token, ignore_errors=True)
        (self._home / "staging" / f"{token}.lock").unlink(missing_ok=True)

    def _ensure(self) -> None:
        try:
            with self._database() as db:
                version = db.execute("PRAGMA user_version").fetchone()[0]
                if version > _VERSION:
                    raise ProjectError(
                        "This project was changed with a newer version of Fieldguide.", "Install that version to go on."
                    )
                if version < _VERSION:
                    db.executescript(f"{_SCHEMA}; PRAGMA user_version = {_VERSION}")
        except sqlite3.OperationalError:
            raise
        except (
            sqlite3.DatabaseError
        ):  # no undo any more, but the pictures are there; the file is kept for who can read it
            self._path.replace(self._home / f"edits-damaged-{time.time_ns()}.sqlite")
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self._ensure()

    def apply(self, kind: str, sentence: str, steps: Sequence[Step], token: str = "") -> Edit:
        """Makes an edit, whole or not at all; to be called inside `editing`. What could be redone before is given up.

        `token` names the folder in the trash that the edit takes from or puts into. Raises ProjectError if the system
        refuses a step; those made before it are then turned round.
        """
        with self._durable() as db:
            db.execute("UPDATE edits SET state = 'dropped' WHERE state = 'undone'")
            row = db.execute(
                "INSERT INTO edits (at, kind, sentence, steps, state, token) VALUES (?, ?, ?, ?, 'doing', ?)",
                (time.time(), kind, sentence, json.dumps(steps), token),
            )
            number = int(row.lastrowid or 0)
        return self._make(number, kind, sentence, steps, "done", "failed")

    def undo(self) -> Edit | None:
        """Turns the newest edit round. None if there is nothing to undo."""
        with self.editing():
            row = self._newest("done", "DESC")
            if row is None:
                return None
            number, kind, sentence, steps = row
            self._mark(number, "undoing")
            return self._make(number, kind, sentence, turned_round(steps), "undone", "done")

    def redo(self) -> Edit | None:
        """Makes the edit that was undone last once more. None if there is none."""
        with self.editing():
            row = self._newest("undone", "ASC")
            if row is None:
                return None
            number, kind, sentence, steps = row
            self._mark(number, "doing")
            return self._make(number, kind, sentence, steps, "done", "undone")

    def next_undo(self) -> str:
        """The sentence of the edit that `undo` would turn round, or ""."""
        return self._sentence("done", "DESC")

    def next_redo(self) -> str:
        """The sentence of the edit that `redo` would make again, or ""."""
        return self._sentence("undone", "ASC")

    def history(self, most: int = 50) -> list[tuple[float, str, str]]:
        """The newest edits: (seconds since 1970, sentence, state)."""
        if not self._path.exists():
            return []
        with self._database() as db:
            return db.execute("SELECT at, sentence, state FROM edits ORDER BY id DESC LIMIT ?", (most,)).fetchall()

    def note_origins(self, origins: Iterable[tuple[str, str, str]]) -> None:
        """Keeps where pictures came from: (picture id, name it had, source); the first word stands."""
        with self._durable() as db:
            db.executemany("INSERT OR IGNORE INTO origins VALUES (?, ?, ?)", list(origins))

    def origins(self, pictures: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Picture id -> (name it had, source), of those that were added."""
        if not self._path.exists():
            return {}
        found = {}
        with suppress(sqlite3.DatabaseError), self._database() as db:
            for picture in pictures:
                row = db.execute("SELECT name, source FROM origins WHERE picture = ?", (picture,)).fetchone()
                if row:
                    found[picture] = row
        return found

    def forget_all(self) -> None:
        """Gives up undoing everything so far; to be called inside `editing`."""
        with self._durable() as db:
            db.execute("UPDATE edits SET state = 'kept' WHERE state IN ('done', 'undone', 'dropped')")

    def recover(self) -> None:
        """Completes what a crash cut off, and removes what it left aside, if no one is at it now."""
        if not self._path.exists():
            return
        try:
            with self._database() as db:
                half = db.execute("SELECT 1 FROM edits WHERE state IN (?, ?) LIMIT 1", _HALF).fetchone()
        except sqlite3.DatabaseError:
            return  # the next edit puts the file aside
        if half:
            try:
                with self._lock.acquire(timeout=0):
                    self._complete()
            except Timeout:
                return
        for mark in (self._home / "staging").glob("*.lock"):
            with suppress(Timeout, OSError), FileLock(mark, timeout=0):
                self._sweep(mark.stem)

    def _complete(self) -> None:
        with self._database() as db:
            rows = db.execute(
                "SELECT id, kind, sentence, steps, state FROM edits WHERE state IN (?, ?) ORDER BY id", _HALF
            ).fetchall()
        for number, kind, sentence, steps, state in rows:
            known = _read(steps)
            if state == "doing":
                self._make(number, kind, sentence, known, "done", "failed")
            else:
                self._make(number, kind, sentence, turned_round(known), "undone", "done")

    def _make(self, number: int, kind: str, sentence: str, steps: Sequence[Step], state: str, else_state: str) -> Edit:
        try:
            made = carry_out(steps, self._root, self._home)
        except OSError as error:
            self._mark(number, else_state)
            raise ProjectError(
                f"The computer said: {error.strerror or error}. Nothing was changed.",
                "Make space, or allow writing in this folder, then try again.",
            ) from None
        # What was left, or got another name, is not what was planned: the next undo goes by what was made.
        self._mark(number, state, made.steps if state == "done" else turned_round(made.steps))
        moved = tuple((a, b) for name, a, b in made.steps if name == "move")
        return Edit(number, kind, sentence, moved, tuple(made.left))

    def _newest(self, state: str, order: str) -> tuple[int, str, str, list[Step]] | None:
        with self._database() as db:
            row = db.execute(
                f"SELECT id, kind, sentence, steps FROM edits WHERE state = ? ORDER BY id {order} LIMIT 1", (state,)
            ).fetchone()
        return (row[0], row[1], row[2], _read(row[3])) if row else None

    def _sentence(self, state: str, order: str) -> str:
        if not self._path.exists():
            return ""
        try:
            found = self._newest(state, order)
        except sqlite3.DatabaseError:
            return ""
        return found[2] if found else ""

    def _mark(self, number: int, state: str, steps: Sequence[Step] | None = None) -> None:
        with self._durable() as db:
            db.execute("UPDATE edits SET state = ? WHERE id = ?", (state, number))
            if steps is not None:
                db.execute("UPDATE edits SET steps = ? WHERE id = ?", (json.dumps(steps), number))

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        if self._held is not None:
            yield self._held
            return
        with connect(self._path) as db:
            yield db

    @contextmanager
    def _durable(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is on the disk when it ends, even if the power fails then."""
        with self._database() as db:
            db.execute("PRAGMA synchronous = FULL")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")


def new_token() -> str:
    """A name for a folder in the trash."""
    return uuid.uuid4().hex


def _read(steps: str) -> list[Step]:
    return [(name, first, second) for name, first, second in json.loads(steps)]
