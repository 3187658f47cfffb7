"""Every change to a project's folders, written down before it is made: so it can be undone, and a crash leaves no half.

An edit is a list of steps that can each be turned round: a file or folder moved, a folder made or removed, the classes'
settings replaced. Deleting moves to the bin; adding moves from there. The steps are committed to SQLite first, then
made, then marked as done; whoever opens the project next completes an edit that a crash cut off.

A folder may come from elsewhere, and its journal with it. Each row is signed when it is written: what this computer did not
write is shown, but never made, undone or redone.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from filelock import FileLock, Timeout

from core.datasets.edit_signatures import FOREIGN, keep_unsigned, newest_own, own_steps, seal, told, unsigned
from core.datasets.file_index import connect, has_shape, reading
from core.datasets.file_operations import Move, Step, carry_out, read_steps, turned_round, write_steps
from core.system import disk
from core.system.confined import Confined
from core.system.errors import FieldguideError, ProjectError, as_sentence, in_words

_SCHEMA = """
CREATE TABLE IF NOT EXISTS edits (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL, sentence TEXT NOT NULL,
    steps TEXT NOT NULL, state TEXT NOT NULL, token TEXT NOT NULL DEFAULT '', seal TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS by_state ON edits (state, id);
CREATE TABLE IF NOT EXISTS origins (picture TEXT PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL) WITHOUT ROWID;
"""
_VERSION = 2
_BEFORE = _SCHEMA.replace(", seal TEXT NOT NULL DEFAULT ''", "")
"""The tables of version 1."""
_HALF = ("doing", "undoing")

HIDDEN = ".fieldguide"
"""The folder beside the class folders for all that is not a picture of the person's."""
TRASH = f"{HIDDEN}/trash"
STAGING = f"{HIDDEN}/staging"
"""Where an import puts its pictures until all are ready; what is in there is no one's yet."""


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
    """The edits of one project. `root` holds the pictures, `home` the journal and the bin."""

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
        """Held while an edit is planned and made, by one person at a time. Raises ProjectError if others take too long, or if
        the system refuses what is done meanwhile."""
        if not self._home.is_relative_to(self._root):
            raise ProjectError(*_why_not(self._root))
        if not self._home.is_dir():
            raise ProjectError(f"The folder {self._root} is gone.", "Was it moved, or is it on a stick?")
        try:
            with as_sentence(ProjectError), self._lock:
                self._ensure()
                with connect(self._path) as self._held:  # closing one costs milliseconds
                    self._complete()
                    yield
        finally:
            self._held = None

    @contextmanager
    def staging(self) -> Iterator[str]:
        """A new folder in STAGING, by its name, to fill for an edit that follows and takes it over by `take_over`; it is
        removed again if none does, also after a crash. Raises ProjectError if the project cannot be written to."""
        token, folder = new_token(), Confined(self._root)
        with self.editing():
            folder.make_folder(STAGING)
        with FileLock(self._root / STAGING / f"{token}.lock"):
            try:
                with self.editing():
                    folder.make_folder(f"{STAGING}/{token}")
                yield token
            finally:
                self._sweep(token)

    def take_over(self, token: str) -> None:
        """Makes a folder of STAGING one of the bin, for the edit that is made next and takes from it; to be called inside
        `editing`, so that nobody empties the bin between the two."""
        folder = Confined(self._root)
        folder.make_folder(TRASH)
        folder.move(f"{STAGING}/{token}", f"{TRASH}/{token}")

    def _sweep(self, token: str) -> None:
        with self._database() as db:
            used = db.execute("SELECT 1 FROM edits WHERE token = ? LIMIT 1", (token,)).fetchone()
        folder = Confined(self._root)
        for place in (f"{STAGING}/{token}", *(() if used else (f"{TRASH}/{token}",))):
            folder.delete(place)
        with suppress(PermissionError):  # Windows keeps it while it is held, and its lock removes it when it is let go
            (self._root / STAGING / f"{token}.lock").unlink(missing_ok=True)

    def _ensure(self) -> None:
        """Makes the tables. A journal of an older version, or one that is damaged, is put aside and begun anew; the file is
        kept for who can read it, and what an older one tells stays in sight."""
        before: list[tuple] = []
        if self._path.exists():
            with suppress(sqlite3.Error), reading(self._path) as db:  # which changes nothing in it
                if db.execute("PRAGMA user_version").fetchone()[0] > _VERSION:
                    raise ProjectError(
                        "This project was changed with a newer version of Fieldguide.", "Install that version to go on."
                    )
                if has_shape(db, _SCHEMA, _VERSION):
                    return
        try:
            with self._database() as db:
                version = db.execute("PRAGMA user_version").fetchone()[0]
                if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
                    db.executescript(f"{_SCHEMA}; PRAGMA user_version = {_VERSION}")
                    return
                before = unsigned(db) if has_shape(db, _BEFORE, 1) else []
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            version = 0
        disk.replace(self._path, self._home / f"edits-{version or 'damaged'}-{time.time_ns()}.sqlite")
        for suffix in ("-wal", "-shm"):
            disk.remove(self._path.with_name(self._path.name + suffix))
        self._ensure()
        with self._durable() as db:
            keep_unsigned(db, before)

    def apply(self, kind: str, sentence: str, steps: Sequence[Step], token: str = "") -> Edit:
        """Makes an edit, whole or not at all; to be called inside `editing`. What could be redone before is given up.

        `token` names the folder in the bin that the edit takes from or puts into. Raises ProjectError if the system
        refuses a step; those made before it are then turned round.
        """
        with self._durable() as db:
            db.execute("UPDATE edits SET state = 'dropped' WHERE state = 'undone'")
            row = db.execute(
                "INSERT INTO edits (at, kind, sentence, steps, state, token) VALUES (?, ?, ?, '', 'doing', ?)",
                (time.time(), kind, sentence, token),
            )
            number = int(row.lastrowid or 0)
            seal(db, number, "doing", write_steps(steps))
        return self._make(number, kind, sentence, steps, "done", "failed")

    def undo(self) -> Edit | None:
        """Turns the newest edit round. None if there is nothing to undo."""
        return self._again("done", "DESC", "undoing", "undone")

    def redo(self) -> Edit | None:
        """Makes the edit that was undone last once more. None if there is none."""
        return self._again("undone", "ASC", "doing", "done")

    def _again(self, state: str, order: str, meanwhile: str, then: str) -> Edit | None:
        """Turns the first edit in a state round, or makes it once more; where that fails it is in that state as before."""
        with self.editing():
            row = self._newest(state, order)
            if row is None:
                return None
            number, kind, sentence, steps = row
            self._mark(number, meanwhile)
            return self._make(number, kind, sentence, turned_round(steps) if then == "undone" else steps, then, state)

    def next_undo(self) -> str:
        """The sentence of the edit that `undo` would turn round, or ""."""
        return self._sentence("done", "DESC")

    def next_redo(self) -> str:
        """The sentence of the edit that `redo` would make again, or ""."""
        return self._sentence("undone", "ASC")

    def history(self, most: int = 50) -> list[tuple[float, str, str]]:
        """The newest edits: (seconds since 1970, sentence, state); "foreign" are those from another computer."""
        if not self._path.exists():
            return []
        try:
            with self._reading() as db:
                return told(db, most)
        except sqlite3.Error:
            return []

    def note_origins(self, origins: Iterable[tuple[str, str, str]]) -> None:
        """Keeps where pictures came from: (picture id, name it had, source); the first word stands."""
        with self._durable() as db:
            db.executemany("INSERT OR IGNORE INTO origins VALUES (?, ?, ?)", list(origins))

    def origins(self, pictures: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Picture id -> (name it had, source), of those that were added."""
        if not self._path.exists():
            return {}
        found = {}
        with suppress(sqlite3.Error), self._reading() as db:
            for picture in pictures:
                row = db.execute("SELECT name, source FROM origins WHERE picture = ?", (picture,)).fetchone()
                if row:
                    found[picture] = row
        return found

    def empty_trash(self) -> None:
        """Deletes for good what edits put into the bin, which cannot be undone any more; to be called inside `editing`."""
        with self._durable() as db:
            db.execute("UPDATE edits SET state = 'kept' WHERE state IN ('done', 'undone', 'dropped')")
        folder = Confined(self._root)
        for path in (self._root / TRASH).glob("*"):  # that of a journal that was damaged, too
            with suppress(ValueError):  # a name that is no path
                folder.delete(f"{TRASH}/{path.name}")

    def adopt(self) -> None:
        """Signs the edits that came from elsewhere and can be undone or made again, as a person trusts who made them; to be
        called inside `editing`. Those with steps that lead out of the project stay as they are."""
        with self._durable() as db:
            rows = db.execute("SELECT id, steps, state FROM edits WHERE state IN ('done', 'undone')").fetchall()
            for number, steps, state in rows:
                with suppress(ValueError, TypeError):
                    read_steps(steps)
                    seal(db, number, state, steps)

    def recover(self) -> None:
        """Completes what a crash cut off, and removes what it left aside, if no one is at it now. What cannot be completed,
        and what this computer did not write, is left: a folder opens whatever its journal says."""
        with suppress(FieldguideError, OSError, sqlite3.Error, Timeout):
            if self._is_half():
                with self._lock.acquire(timeout=0):
                    self._complete()
        for mark in (self._root / STAGING).glob("*.lock"):
            with suppress(Timeout, OSError, ValueError, sqlite3.Error), FileLock(mark, timeout=0):
                self._sweep(mark.stem)

    def _is_half(self) -> bool:
        if not self._path.exists():
            return False
        with self._reading() as db:
            return bool(db.execute("SELECT 1 FROM edits WHERE state IN (?, ?) LIMIT 1", _HALF).fetchone())

    def _complete(self) -> None:
        with self._database() as db:
            rows = db.execute(
                "SELECT id, kind, sentence, steps, state, seal FROM edits WHERE state IN (?, ?) ORDER BY id", _HALF
            ).fetchall()
        for number, kind, sentence, text, state, signature in rows:
            known = own_steps(number, state, text, signature)
            if known is None:
                self._mark(number, FOREIGN)
            elif state == "doing":
                self._make(number, kind, sentence, known, "done", "failed")
            else:
                self._make(number, kind, sentence, turned_round(known), "undone", "done")

    def _make(self, number: int, kind: str, sentence: str, steps: Sequence[Step], state: str, else_state: str) -> Edit:
        try:
            made = carry_out(steps, self._root, self._home)
        except OSError as error:
            self._mark(number, else_state)
            words = in_words(error)
            raise ProjectError(f"{words.message} Nothing was changed.", words.hint) from None
        # What was left, or got another name, is not what was planned: the next undo goes by what was made.
        self._mark(number, state, made.steps if state == "done" else turned_round(made.steps))
        moved = tuple((step.source, step.target) for step in made.steps if isinstance(step, Move))
        return Edit(number, kind, sentence, moved, tuple(made.left))

    def _newest(self, state: str, order: str) -> tuple[int, str, str, list[Step]] | None:
        """The first edit of our own in a state."""
        with self._reading() if self._held is None else self._database() as db:
            return newest_own(db, state, order)

    def _sentence(self, state: str, order: str) -> str:
        if not self._path.exists():
            return ""
        try:
            found = self._newest(state, order)
        except sqlite3.Error:
            return ""
        return found[2] if found else ""

    def _mark(self, number: int, state: str, steps: Sequence[Step] | None = None) -> None:
        """Writes down another state, and other steps. A row from elsewhere stays one: it is not signed."""
        with self._durable() as db:
            if state == FOREIGN:
                db.execute("UPDATE edits SET state = ? WHERE id = ?", (state, number))
                return
            (text,) = db.execute("SELECT steps FROM edits WHERE id = ?", (number,)).fetchone()
            seal(db, number, state, text if steps is None else write_steps(steps))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Raises sqlite3.Error for a journal that is missing, damaged, or has other tables: views in it may never end."""
        with reading(self._path) as db:
            if not has_shape(db, _SCHEMA, _VERSION):
                raise sqlite3.DatabaseError("not the tables of a journal")
            yield db

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
    """A name for a folder in the bin."""
    return uuid.uuid4().hex


def _why_not(root: Path) -> tuple[str, str]:
    """Why a folder's notes are kept elsewhere, and nothing in it is changed."""
    if (root / HIDDEN).is_symlink():
        return f"The folder {HIDDEN} in {root} is a link, and nothing is put where a link leads.", "Remove the link."
    return f"The folder {root} cannot be written to.", "Copy it to a place of your own, and open the copy."
