"""Files and folders put in place, renamed and deleted, on every system.

Windows refuses all three for what someone has open at that moment: a virus scanner, an indexer, another tab. They let go of it
within moments, so it is tried again for a second. It also keeps what is marked read-only, as pictures from a camera's card
are, and takes no path of more than 259 characters.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

WINDOWS = os.name == "nt"
LONGEST = 259
"""Characters of a path that every Windows takes: https://learn.microsoft.com/windows/win32/fileio/maximum-file-path-limitation"""
_PATIENCE, _PAUSE = 1.0, 0.02  # seconds
_SHORTEST = 8
_HIDDEN = 0x2  # FILE_ATTRIBUTE_HIDDEN


def patiently(act: Callable[[], T]) -> T:
    """Does what Windows may refuse because someone has a file open; raises PermissionError where that lasts for a second.
    The others do not refuse it, so there it is done once."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return act()
        except PermissionError:
            if not WINDOWS or time.monotonic() >= end:
                raise
        time.sleep(_PAUSE)


def replace(source: Path, target: Path) -> None:
    """Puts a file in the place of another, or a folder where there is none, in one step. Raises OSError."""
    patiently(lambda: source.replace(target))


def rename(source: Path, target: Path) -> None:
    """Gives a file or folder a name that nothing has. Raises OSError."""
    patiently(lambda: source.rename(target))


def remove(file: Path) -> None:
    """Deletes a file or link; one that is missing is none too many. Raises OSError."""

    def act() -> None:
        try:
            file.unlink(missing_ok=True)
        except PermissionError:
            if WINDOWS:
                file.chmod(stat.S_IWRITE)
            raise

    patiently(act)


def remove_tree(folder: Path) -> None:
    """Deletes a folder with all that is in it, as far as the system lets go of it; links are deleted, not followed."""
    end = time.monotonic() + _PATIENCE  # for all of it: there may be many files

    def again(function: Callable[[str], Any], path: str, _: object) -> None:
        while WINDOWS and function in (os.unlink, os.rmdir):
            with suppress(OSError):
                Path(path).chmod(stat.S_IWRITE)
                function(path)
                return
            if time.monotonic() >= end or not os.path.lexists(path):
                return
            time.sleep(_PAUSE)

    if sys.version_info >= (3, 12):
        shutil.rmtree(folder, onexc=again)
    else:
        shutil.rmtree(folder, onerror=again)


def hide(folder: Path) -> None:
    """Marks a folder as hidden on Windows, to which a dot at the beginning of its name says nothing."""
    if WINDOWS:
        kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - there is none elsewhere
        kernel.SetFileAttributesW(str(folder), _HIDDEN)


def fitting(folder: Path, stem: str, suffix: str) -> str:
    """As much of a new file's `stem` as Windows has room for in a folder, 8 characters at least; elsewhere all of it."""
    room = LONGEST - len(str(folder)) - len(f"/ (999){suffix}")
    return stem[: max(_SHORTEST, room)].rstrip(" .") if WINDOWS else stem


def too_long(error: OSError) -> bool:
    """Whether a name or path is longer than the system takes; Windows says of those that nothing is there."""
    names = [name for name in (error.filename, error.filename2) if isinstance(name, str)]
    return WINDOWS and isinstance(error, FileNotFoundError) and any(len(name) > LONGEST for name in names)
