"""Errors that a person can cause or cure. Pages and the command line show them as plain sentences, without a traceback."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from core.system import disk


class FieldguideError(Exception):
    """Something a person can put right.

    `message` says what happened, `hint` what to do next; both are whole sentences.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class PictureError(FieldguideError):
    """A picture that cannot be used; `message` is the reason, short enough for a list ("incomplete file")."""


class ProjectError(FieldguideError):
    """A folder that cannot be used as a project."""


class ConfigError(FieldguideError):
    """A setting outside what is allowed, or a name that does not exist."""


class RunError(FieldguideError):
    """A training run that is missing, damaged, stopped or failed."""


class ModelError(FieldguideError):
    """A model file or bundle that cannot be used."""


_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_IN_USE = (5, 32, 33)
"""Of Windows: access denied, as for a folder in which a file is open; sharing violation; lock violation."""
_NOTHING_LOST = "Nothing that was there before is lost."


def in_words(error: BaseException) -> FieldguideError:
    """The same error in words for a person: what happened, and what to do. One that nobody foresaw is named by its kind."""
    if isinstance(error, FieldguideError):
        return error
    if isinstance(error, MemoryError):
        return FieldguideError("There is not enough memory for this.", "Close other programs, then try again.")
    if isinstance(error, sqlite3.Error):
        return _database_in_words(error)
    if isinstance(error, TimeoutError):  # also of a lock that others hold
        return FieldguideError("This is being changed by someone else at the moment.", "Try again in a minute.")
    if isinstance(error, OSError):
        return _system_in_words(error)
    return FieldguideError(
        f"Something went wrong that nobody foresaw ({type(error).__name__}).",
        f"Reload the page. {_NOTHING_LOST} What happened stands in the window in which Fieldguide was started.",
    )


@contextmanager
def as_sentence(kind: type[FieldguideError] = FieldguideError) -> Iterator[None]:
    """Around a door that reads or writes, also as a decorator: what the system refuses is raised as `kind`, in words."""
    try:
        yield
    except FieldguideError:
        raise
    except (OSError, sqlite3.Error, MemoryError) as error:
        words = in_words(error)
        raise kind(words.message, words.hint) from None


def _system_in_words(error: OSError) -> FieldguideError:
    place = f" {error.filename}" if isinstance(error.filename, str) else ""
    if error.errno in _FULL:
        return FieldguideError(
            "The disk is full.", f"Make room on it: empty the bin, or delete a training. {_NOTHING_LOST}"
        )
    if error.errno == errno.ENAMETOOLONG or disk.too_long(error):
        return FieldguideError(
            f"A name or path is longer than this computer can keep:{place}.",
            "Use shorter names, or move the folder nearer to the top of the disk.",
        )
    if getattr(error, "winerror", None) in _IN_USE:
        return FieldguideError(
            f"{place.strip() or 'A file'} is open in another program, or may not be changed.",
            f"Close what shows it, such as a picture viewer, then try again. {_NOTHING_LOST}",
        )
    if error.errno == errno.EROFS:
        return FieldguideError("This disk can only be read.", "Copy the folder to another place, and open the copy.")
    if isinstance(error, PermissionError):
        return FieldguideError(
            f"It is not allowed to read or write{place or ' there'}.", "Allow it, or choose another place."
        )
    if isinstance(error, FileNotFoundError):
        return FieldguideError(
            f"{place.strip() or 'A file'} is not there any more.", "Was it moved, or is it on a stick? Reload the page."
        )
    return FieldguideError(
        f"The computer said: {error.strerror or error}{f' ({place.strip()})' if place else ''}.",
        f"Try again. {_NOTHING_LOST}",
    )


def _database_in_words(error: sqlite3.Error) -> FieldguideError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):  # a full disk shows itself as either
        return FieldguideError(
            "The disk is full, or does not answer.",
            f"Make room on it: empty the bin, or delete a training. {_NOTHING_LOST}",
        )
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return FieldguideError(
            "What Fieldguide knows of this folder cannot be read or written.",
            "Is the folder still there, is the disk full, or may it only be read? Make room, or allow writing.",
        )
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return FieldguideError("This is being changed by someone else at the moment.", "Try again in a minute.")
    return FieldguideError("A file of what Fieldguide knows of this folder is damaged.", "Reload the page.")
