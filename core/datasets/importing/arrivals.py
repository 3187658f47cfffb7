"""Files that arrive one by one, as a browser sends them: kept in a folder of the data home until they are imported."""

from __future__ import annotations

import errno
import re
import secrets
import threading
import unicodedata
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.datasets.importing import archives
from core.datasets.importing.choices import ImportChoices
from core.datasets.importing.films import is_film
from core.datasets.importing.look import look
from core.datasets.importing.plan import Plan, Row
from core.system import disk, storage
from core.system.errors import ProjectError
from core.system.naming import as_text

MAX_TOTAL = 20_000_000_000
"""Bytes of all files that wait together."""
_FOLDER = ".arriving"
_DAY = 24 * 3600.0
_MAX_PATH, _MAX_PART = 1000, 255  # bytes: of the whole, and of the name of each file or folder in it
_WINDOWS_KEEPS = re.compile(r'[:*?"<>|]|[ .](/|$)|(^|/)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|/|$)', re.IGNORECASE)
_NAMES = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL)
_Write = Callable[[bytes], object]


class NameTakenError(ProjectError):
    """There is a file at that path, or in the way."""

    def __init__(self) -> None:
        super().__init__("another file of this name came along")


def sweep(seconds: float = _DAY) -> None:
    """Removes what nobody has imported, and nothing was added to for so long."""
    storage.sweep(storage.data_home() / _FOLDER, "*", seconds)


def most_bytes(path: str) -> int:
    """Bytes that a file may have: archives and films may be larger."""
    return archives.MAX_BYTES if is_loose_archive(path) or is_film(path) else archives.MAX_FILE


def is_loose_archive(path: str) -> bool:
    """Whether a file is an archive in no folder, and so looked into."""
    return "/" not in path and path.lower().endswith(archives.SUFFIXES)


class NoRoomError(ProjectError):
    """No more is taken before what is here is imported."""

    def __init__(self, most: str) -> None:
        super().__init__(f"More than {most} at once are not taken.", "Add those that are here, then drop the others.")


class Arrivals:
    """Files that a person dropped together, each whole or not there; several may come at the same time.

    What lies loose is called "files", as the folder that it is kept in; archives that lie loose are kept beside it, since each
    is a source of its own.
    """

    def __init__(self) -> None:
        """Makes a folder with a name that nobody can guess. Raises OSError."""
        sweep()
        self.token = secrets.token_urlsafe(18)
        self.folder = storage.data_home() / _FOLDER / self.token
        self._loose, self._archives, self._coming = (self.folder / name for name in ("files", "archives", "coming"))
        for each in (self._loose, self._archives, self._coming):
            each.mkdir(parents=True)
        self._lock = threading.Lock()
        self._bytes = self._expected = 0
        self.count = 0
        """Files that are here, whole."""

    @property
    def begun(self) -> int:
        """Files that are here, or on their way."""
        return self._expected

    @contextmanager
    def receiving(self, path: str, size: int) -> Iterator[_Write]:
        """Takes the pieces of a file of `size` bytes, by its path as it was dropped, with slashes. It is there once the block
        ends without an error, else nothing of it.

        Raises NameTakenError; ProjectError for another path or size that is not taken, and where it did not come whole;
        NoRoomError or OSError where nothing more can be taken.
        """
        place = self._place_of(path)
        with self._room_for(path, size):
            temporary = self._coming / uuid.uuid4().hex
            try:
                with temporary.open("xb") as file:
                    yield file.write
                    if file.tell() != size:
                        raise ProjectError("It did not come whole.")
                with self._lock:
                    _put(temporary, place)
                    self.count += 1
            finally:
                disk.remove(temporary)

    def _place_of(self, path: str) -> Path:
        if reason := _why_not(path):
            raise ProjectError(reason)
        place = (self._archives if is_loose_archive(path) else self._loose) / path
        if place.exists():
            raise NameTakenError
        return place

    @contextmanager
    def _room_for(self, path: str, size: int) -> Iterator[None]:
        """Counts a file among those that were taken, unless the block fails."""
        if size > most_bytes(path):
            raise ProjectError(f"larger than {most_bytes(path) // 10**6:,} MB")
        with self._lock:
            if self._expected >= archives.MAX_ENTRIES:
                raise NoRoomError(f"{archives.MAX_ENTRIES:,} files")
            if self._bytes + size > MAX_TOTAL:
                raise NoRoomError(f"{MAX_TOTAL // 10**9} GB")
            self._expected += 1
            self._bytes += size
        try:
            yield
        except BaseException:
            with self._lock:
                self._expected -= 1
                self._bytes -= size
            raise

    def look(self, choices: Mapping[str, ImportChoices], *, named: bool = False) -> tuple[list[Plan], list[Row]]:
        """What an import of them would do: of each archive for itself, and of all others as of one folder; a folder that came
        alone is looked at itself. `choices`: source of a plan -> what a person decided; `named`: whether a folder of pictures
        is a class also where it came alone. Also returns a row for each file or source of which nothing can be taken."""
        plans: list[Plan] = []
        rows: list[Row] = []
        for source in (*self._folder_of_others(named=named), *sorted(self._archives.glob("*"))):
            try:
                plans.append(look(source, choices=choices.get(as_text(source.name))))
            except ProjectError as error:
                rows += self._refused(source, error)
        return plans, rows

    def _folder_of_others(self, *, named: bool) -> list[Path]:
        tops = list(self._loose.glob("*"))
        if not tops:
            return []
        alone = (
            len(tops) == 1 and tops[0].is_dir() and not (named and any(each.is_file() for each in tops[0].glob("*")))
        )
        return tops if alone else [self._loose]

    def _refused(self, source: Path, error: ProjectError) -> list[Row]:
        """One row for a source; of files that lie loose one for each."""
        files = sorted(source.glob("*")) if source == self._loose else []
        if not files or any(file.is_dir() for file in files):
            return [Row(as_text(source.name), "rejected", str(error))]
        rows = []
        for file in files:
            try:
                look(b"", file.name)
            except ProjectError as of_file:
                rows.append(Row(file.name, "rejected", str(of_file)))
        return rows or [Row(as_text(source.name), "rejected", str(error))]

    def remove(self) -> None:
        """Removes all of them; what is still on its way does not arrive."""
        disk.remove_tree(self.folder)


def _why_not(path: str) -> str:
    """Why nothing can be kept at a path, or ""."""
    parts = path.split("/")
    if len(as_text(path).encode()) > _MAX_PATH or any(len(as_text(part).encode()) > _MAX_PART for part in parts):
        return "its path is too long"
    if "\\" in path or any(part in ("", ".", "..") for part in parts):
        return "its path leads out of the folder"
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in path):
        return "its name is not readable text: rename it"
    if disk.WINDOWS and _WINDOWS_KEEPS.search(path):
        return "Windows cannot keep a file of this name: rename it"
    return ""


def _put(file: Path, place: Path) -> None:
    """Moves a file to a place where there is none. Raises NameTakenError, also where a file is in the way of a folder;
    ProjectError for a name that the disk does not keep; OSError."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            raise NameTakenError
        disk.rename(file, place)
    except (FileExistsError, NotADirectoryError):
        raise NameTakenError from None
    except OSError as error:
        if error.errno in _NAMES:
            raise ProjectError("the disk cannot keep a file of this name: rename it") from None
        raise
