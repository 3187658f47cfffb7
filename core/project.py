"""A project: a folder of class folders, and what Fieldguide keeps about it in a hidden folder beside them."""

from __future__ import annotations

import hashlib
import os
import shutil
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core import images, store
from core.errors import PictureError, ProjectError
from core.index import FileIndex, FileRow

HIDDEN = ".fieldguide"
_IGNORED = {"thumbs.db", "desktop.ini", "__macosx"}
_SCAN_BATCH = 64
Progress = Callable[[int, int], None]
"""Called with how many are done and how many there are."""


@dataclass(frozen=True)
class Picture:
    """One usable picture: `id` is the SHA-256 of the file's bytes (hex), `path` is relative to the project, `size` in bytes."""

    id: str
    path: str
    class_name: str | None
    width: int
    height: int
    size: int
    signature: bytes
    brightness: float
    note: str = ""


@dataclass(frozen=True)
class Rejected:
    """A file that looked like a picture and cannot be used; `reason` is short."""

    path: str
    reason: str


@dataclass(frozen=True)
class Catalogue:
    """What a look at the folders found. `classes` also names folders without a usable picture; order is by name."""

    pictures: tuple[Picture, ...]
    classes: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    links: tuple[str, ...]

    @cached_property
    def by_class(self) -> dict[str, list[Picture]]:
        """Class name -> its pictures, by path. Empty classes have an empty list."""
        found: dict[str, list[Picture]] = {name: [] for name in self.classes}
        for picture in self.pictures:
            if picture.class_name is not None:
                found[picture.class_name].append(picture)
        return found

    @property
    def unlabelled(self) -> list[Picture]:
        """Pictures that lie loose at the root."""
        return [picture for picture in self.pictures if picture.class_name is None]

    @property
    def counts(self) -> dict[str, int]:
        """Class name -> number of usable pictures."""
        return {name: len(pictures) for name, pictures in self.by_class.items()}


def class_key(name: str) -> str:
    """Two names with the same key are one class: `Cat` and `cat`, composed and decomposed accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _ignored(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _IGNORED


def _is_picture(name: str) -> bool:
    return name.lower().endswith(images.SUFFIXES)


class Project:
    """A folder that is open. Nothing in it is moved, renamed or re-encoded.

    `root` holds the class folders; `home` holds the index, thumbnails, features and runs: `.fieldguide/` beside the
    class folders, or a folder of its own in the data home where the root cannot be written to.
    """

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        self.home = home

    @classmethod
    def open(cls, folder: Path | str) -> Project:
        """Opens a folder of class folders in place.

        A single folder that only wraps the class folders is seen through. Raises ProjectError if there is no such
        folder or it cannot be read.
        """
        root = Path(folder).expanduser().absolute()
        if not root.is_dir():
            raise ProjectError(f"There is no folder {root}.", "Check the spelling, or choose another folder.")
        try:
            root = _unwrapped(root)
        except PermissionError:
            raise ProjectError(f"The folder {root} cannot be read.", "Ask its owner for permission.") from None
        project = cls(root, _home_of(root))
        store.sweep(project.runs_dir)
        return project

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.root.name or str(self.root)

    @property
    def runs_dir(self) -> Path:
        """Where runs are kept unless the caller says otherwise."""
        return self.home / "runs"

    @cached_property
    def _index(self) -> FileIndex:
        return FileIndex(self.home / "index.sqlite")

    def path_of(self, relative: str) -> Path:
        """The file behind a path of the catalogue. Raises ProjectError for one that leads outside of the project."""
        path = (self.root / relative).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise ProjectError(f"{relative} is not inside the project.")
        return path

    def scan(self, progress: Progress | None = None) -> Catalogue:
        """Looks at the folders. Files that are new or changed are decoded once; the others are known from before."""
        if not self.root.is_dir():
            raise ProjectError(
                f"The folder {self.root} is gone.", "Was it moved, renamed, or on a stick that is not plugged in?"
            )
        files, folders, links = _walk(self.root)
        known = self._index.rows()
        fresh = [
            (path, size, modified)
            for path, (size, modified) in files.items()
            if path not in known or (known[path].size, known[path].modified_ns) != (size, modified)
        ]
        self._index.forget(known.keys() - files.keys())
        rows = {path: known[path] for path in files if path in known}
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
            for start in range(0, len(fresh), _SCAN_BATCH):
                batch = list(pool.map(self._look, fresh[start : start + _SCAN_BATCH]))
                self._index.put(batch)
                rows.update((row.path, row) for row in batch)
                if progress:
                    progress(min(start + _SCAN_BATCH, len(fresh)), len(fresh))
        return _catalogue(rows, folders, links)

    def last_seen(self) -> Catalogue:
        """What the last scan found, without looking at the folders again; empty if there never was one."""
        rows = self._index.rows()
        firsts = {path.partition("/")[0] for path in rows if "/" in path}
        return _catalogue(rows, {first: unicodedata.normalize("NFC", first) for first in firsts}, ())

    def _look(self, file: tuple[str, int, int]) -> FileRow:
        path, size, modified = file
        try:
            return FileRow(path, size, modified, images.inspect((self.root / path).read_bytes()))
        except PictureError as error:
            return FileRow(path, size, modified, None, error.message)
        except OSError:
            return FileRow(path, size, modified, None, "this file cannot be read")

    def thumbnail(self, picture: Picture) -> bytes:
        """JPEG bytes of the centre square, made once and then kept. Raises PictureError if the file went bad since."""
        kept = self.home / "thumbnails" / picture.id[:2] / f"{picture.id}.jpg"
        try:
            return kept.read_bytes()
        except OSError:
            content = images.thumbnail(self.path_of(picture.path))
            store.write_bytes(kept, content)
            return content


def _walk(root: Path) -> tuple[dict[str, tuple[int, int]], dict[str, str], tuple[str, ...]]:
    """Picture files with (bytes, modified ns), class folder -> class name, and links, which are never followed."""
    files: dict[str, tuple[int, int]] = {}
    links: list[str] = []
    folders: dict[str, str] = {}
    names: dict[str, str] = {}
    for entry in _entries(root):
        if entry.is_symlink():
            links.append(entry.name)
        elif entry.is_dir():
            name = unicodedata.normalize("NFC", entry.name)
            folders[entry.name] = names.setdefault(class_key(name), name)
    stack = [root]
    while stack:
        folder = stack.pop()
        for entry in _entries(folder):
            relative = Path(entry.path).relative_to(root).as_posix()
            if entry.is_symlink():
                if folder != root:
                    links.append(relative)
            elif entry.is_dir():
                stack.append(Path(entry.path))
            elif entry.is_file() and _is_picture(entry.name):
                status = entry.stat()
                files[relative] = (status.st_size, status.st_mtime_ns)
    return files, folders, tuple(sorted(links))


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from sorted((e for e in found if not _ignored(e.name)), key=lambda e: e.name)
    except PermissionError:
        return


def _catalogue(rows: dict[str, FileRow], folders: dict[str, str], links: tuple[str, ...]) -> Catalogue:
    pictures, rejected = [], []
    for path in sorted(rows):
        row = rows[path]
        first, slash, _ = path.partition("/")
        if row.facts is None:
            rejected.append(Rejected(path, row.reason))
            continue
        facts = row.facts
        pictures.append(
            Picture(
                id=facts.sha256,
                path=path,
                class_name=folders[first] if slash else None,
                width=facts.width,
                height=facts.height,
                size=row.size,
                signature=facts.signature,
                brightness=facts.brightness,
                note=facts.note,
            )
        )
    return Catalogue(tuple(pictures), tuple(sorted(set(folders.values()))), tuple(rejected), links)


def _unwrapped(root: Path) -> Path:
    """Steps into a folder as long as it holds nothing but one folder that holds folders."""
    for _ in range(4):
        entries = list(_entries(root))
        if len(entries) != 1 or not entries[0].is_dir() or entries[0].is_symlink():
            break
        inside = list(_entries(Path(entries[0].path)))
        if not any(entry.is_dir() for entry in inside) or any(_is_picture(entry.name) for entry in inside):
            break
        root = Path(entries[0].path)
    return root


def _home_of(root: Path) -> Path:
    """`.fieldguide` beside the class folders; where that cannot be written, a folder in the data home."""
    beside = root / HIDDEN
    try:
        beside.mkdir(exist_ok=True)
        probe = beside / f"probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        elsewhere = store.data_home() / ".read-only-folders" / hashlib.sha256(str(root).encode()).hexdigest()[:16]
        elsewhere.mkdir(parents=True, exist_ok=True)
        return elsewhere
    else:
        return beside


def copy_sample(source: Path) -> Path:
    """A copy of the sample pictures in the data home, so that nobody's edits change the original.

    Returns the copy's folder; an earlier copy is used again. Raises ProjectError if the sample is not installed.
    """
    target = store.data_home() / source.name.title()
    if target.is_dir():
        return target
    if not source.is_dir():
        raise ProjectError("The sample pictures are not here.", "Open a folder of your own instead.")
    half = target.with_name(f".{target.name}-{os.getpid()}")
    shutil.rmtree(half, ignore_errors=True)
    shutil.copytree(source, half, ignore=shutil.ignore_patterns(HIDDEN))
    try:
        half.rename(target)
    except OSError:  # another tab was quicker
        shutil.rmtree(half, ignore_errors=True)
    return target
