"""A project: a folder of class folders, and what Fieldguide keeps about it in a hidden folder beside them."""

from __future__ import annotations

import hashlib
import os
import shutil
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
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
        try:
            root = Path(folder).expanduser().absolute()
            if not root.is_dir():
                raise ProjectError(f"There is no folder {root}.", "Check the spelling, or choose another folder.")
            if root in (Path(root.anchor), Path.home()):
                raise ProjectError(
                    f"{root} is far more than one set of pictures.", "Choose the folder of the class folders."
                )
            root = _unwrapped(root)
        except PermissionError:
            raise ProjectError(f"The folder {folder} cannot be read.", "Ask its owner for permission.") from None
        except (OSError, RuntimeError, ValueError):  # a name that is too long, ~nobody, a NUL
            raise ProjectError(f"{folder} is not the name of a folder.", "Check the spelling.") from None
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
        walk = _walk(self.root)
        files = walk.files
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
        return _catalogue(rows, walk)

    def last_seen(self) -> Catalogue:
        """What the last scan found, without looking at the folders again; empty if there never was one."""
        rows = self._index.rows()
        firsts = {path.partition("/")[0] for path in rows if "/" in path}
        return _catalogue(rows, _Walk(folders={first: unicodedata.normalize("NFC", first) for first in firsts}))

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


@dataclass
class _Walk:
    """What lies in a project's folders: picture files with (bytes, modified ns), class folder -> class name, links, which
    are never followed, and what cannot be used at all."""

    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    unusable: list[Rejected] = field(default_factory=list)


def _walk(root: Path) -> _Walk:
    found = _Walk()
    names: dict[str, str] = {}
    stack = [root]
    while stack:
        folder = stack.pop()
        where = folder.relative_to(root).as_posix()
        try:
            entries = _entries(folder)
        except OSError:
            found.unusable.append(Rejected(where, "this folder cannot be read"))
            continue
        for entry in entries:
            relative = Path(entry.path).relative_to(root).as_posix()
            shown = relative.encode("utf-8", "replace").decode()
            if shown != relative:  # bytes that are no text, as old zips leave them; nothing could keep or show it
                found.unusable.append(Rejected(shown, "its name is not readable text: rename it"))
            elif entry.is_symlink():
                found.links.append(relative)
            elif entry.is_dir():
                stack.append(Path(entry.path))
                if folder == root:
                    name = unicodedata.normalize("NFC", entry.name)
                    found.folders[entry.name] = names.setdefault(class_key(name), name)
            elif _is_picture(entry.name) and entry.is_file():
                try:
                    status = entry.stat()
                except OSError:
                    found.unusable.append(Rejected(relative, "this file cannot be read"))
                    continue
                found.files[relative] = (status.st_size, status.st_mtime_ns)
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return sorted((entry for entry in found if not _ignored(entry.name)), key=lambda entry: entry.name)


def _catalogue(rows: dict[str, FileRow], walk: _Walk) -> Catalogue:
    pictures, rejected = [], list(walk.unusable)
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
                class_name=walk.folders[first] if slash else None,
                width=facts.width,
                height=facts.height,
                size=row.size,
                signature=facts.signature,
                brightness=facts.brightness,
                note=facts.note,
            )
        )
    return Catalogue(
        tuple(pictures), tuple(sorted(set(walk.folders.values()))), tuple(rejected), tuple(sorted(walk.links))
    )


def _unwrapped(root: Path) -> Path:
    """Steps into a folder as long as it holds one folder that holds folders, and no picture."""
    for _ in range(8):
        entries = _entries(root)
        folders = [entry for entry in entries if entry.is_dir() and not entry.is_symlink()]
        if len(folders) != 1 or any(_is_picture(entry.name) for entry in entries):
            break
        inside = _entries(Path(folders[0].path))
        if not any(entry.is_dir() for entry in inside) or any(_is_picture(entry.name) for entry in inside):
            break
        root = Path(folders[0].path)
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
