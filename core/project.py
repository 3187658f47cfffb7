"""A project: a folder of class folders, and what Fieldguide keeps about it in a hidden folder beside them."""

from __future__ import annotations

import hashlib
import os
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from core import images, store
from core.errors import PictureError, ProjectError
from core.index import FileIndex, FileRow
from core.journal import HIDDEN, Edit, Journal, Step
from core.names import class_key, class_name

_IGNORED = {"thumbs.db", "desktop.ini", "__macosx"}
_SCAN_BATCH = 64
Progress = Callable[[int, int], None]
"""Called with how many are done and how many there are."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One usable picture: `id` is the SHA-256 of the file's bytes (hex), `path` is relative to the project, `size` in bytes,
    `kind` Pillow's name of the format; the others are those of `images.PictureFacts`."""

    id: str
    path: str
    class_name: str | None
    width: int
    height: int
    size: int
    signature: bytes
    brightness: float
    sharpness: float = 1.0
    kind: str = ""
    note: str = ""
    modified_ns: int = 0


@dataclass(frozen=True)
class ClassChoices:
    """The order that a person gave to the classes, which of them are set aside, and class -> number in the palette."""

    order: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    colours: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Rejected:
    """A file that looked like a picture and cannot be used; `reason` is short."""

    path: str
    reason: str


@dataclass(frozen=True)
class Catalogue:
    """What a look at the folders found. `classes` also names folders without a usable picture, in the order that the
    person chose, else by name; those in `aside` are not trained on; `colours` are numbers of a palette."""

    pictures: tuple[Picture, ...]
    classes: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    links: tuple[str, ...]
    skipped: int = 0
    aside: frozenset[str] = frozenset()
    colours: dict[str, int] = field(default_factory=dict)

    @cached_property
    def by_class(self) -> dict[str, list[Picture]]:
        """Class name -> its pictures, by path. Empty classes have an empty list."""
        found: dict[str, list[Picture]] = {name: [] for name in self.classes}
        for picture in self.pictures:
            if picture.class_name is not None:
                found[picture.class_name].append(picture)
        return found

    @cached_property
    def unlabelled(self) -> list[Picture]:
        """Pictures that lie loose at the root."""
        return [picture for picture in self.pictures if picture.class_name is None]

    @cached_property
    def by_path(self) -> dict[str, Picture]:
        """Path -> picture."""
        return {picture.path: picture for picture in self.pictures}

    @cached_property
    def in_use(self) -> Catalogue:
        """The same without the classes that are set aside: what is trained on and checked."""
        if not self.aside:
            return self
        kept = tuple(picture for picture in self.pictures if picture.class_name not in self.aside)
        classes = tuple(name for name in self.classes if name not in self.aside)
        return replace(self, pictures=kept, classes=classes, aside=frozenset())

    def after(self, moved: Iterable[tuple[str, str]]) -> Catalogue | None:
        """The catalogue once pictures were moved, (from, to) each, without another look at the folders.

        None where that takes a look: a move of a folder, from outside, or into a folder that was no class.
        """
        folders = {
            picture.path.partition("/")[0]: picture.class_name for picture in self.pictures if picture.class_name
        }
        folders = {name: name for name in self.classes} | folders
        pictures = dict(self.by_path)
        for old, new in moved:
            picture = pictures.pop(old, None)
            first, slash, _ = new.partition("/")
            if picture is None or (slash and first not in folders and first != HIDDEN):
                return None
            if first != HIDDEN:
                pictures[new] = replace(picture, path=new, class_name=folders[first] if slash else None)
        return replace(self, pictures=tuple(pictures[path] for path in sorted(pictures)))

    @property
    def counts(self) -> dict[str, int]:
        """Class name -> number of usable pictures."""
        return {name: len(pictures) for name, pictures in self.by_class.items()}


def ignored(name: str) -> bool:
    """Whether a file or folder of this name is no one's picture: hidden, or left there by a system."""
    return name.startswith(".") or name.casefold() in _IGNORED


def is_picture_name(name: str) -> bool:
    """Whether the ending is that of a picture."""
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
            root = unwrapped(root)
        except PermissionError:
            raise ProjectError(f"The folder {folder} cannot be read.", "Ask its owner for permission.") from None
        except (OSError, RuntimeError, ValueError):  # a name that is too long, ~nobody, a NUL
            raise ProjectError(f"{folder} is not the name of a folder.", "Check the spelling.") from None
        project = cls(root, _home_of(root))
        store.sweep(project.runs_dir)
        project.journal.recover()
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

    @cached_property
    def journal(self) -> Journal:
        """The edits made to the folders."""
        return Journal(self.root, self.home)

    def edit(self, kind: str, sentence: str, steps: Sequence[Step], token: str = "") -> Edit:
        """Makes an edit; to be called inside `journal.editing()`. Raises ProjectError, and then nothing was changed."""
        if not steps:
            return Edit(0, kind, sentence)
        return self.noted(self.journal.apply(kind, sentence, steps, token))

    def noted(self, edit: Edit) -> Edit:
        """Tells the index of what an edit moved, so that no picture is decoded again for having another name."""
        self._index.move(edit.moved)
        return edit

    def know(self, rows: Iterable[FileRow]) -> None:
        """Tells the index of files that were just written, so that they are not decoded again."""
        self._index.put(rows)

    def class_choices(self) -> ClassChoices:
        """What the person chose for the classes; may name classes that are gone."""
        try:
            return ClassChoices(**store.read_json(self.home / "classes.json"))
        except TypeError:  # missing, damaged, or of another version
            return ClassChoices()

    def path_of(self, relative: str) -> Path:
        """The file behind a path of the catalogue. Raises ProjectError for one that leads outside of the project."""
        path = (self.root / relative).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise ProjectError(f"{relative} is not inside the project.")
        return path

    def scan(self, progress: Progress | None = None) -> Catalogue:
        """Looks at the folders. Files that are new or changed are decoded once; the others are known from before.

        Raises ProjectError if the folder is gone.
        """
        if not self.root.is_dir():
            raise ProjectError(
                f"The folder {self.root} is gone.", "Was it moved, renamed, or on a stick that is not plugged in?"
            )
        walk = walk_folders(self.root)
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
        return _catalogue(rows, walk, self.class_choices())

    def glance(self, most: int = 4) -> tuple[int, int, list[Path]]:
        """(pictures, class folders, files of up to `most` pictures) as the last scan found them, without looking again."""
        pictures, folders, some = self._index.glance(most)
        return pictures, folders, [self.root / path for path in some]

    def _look(self, file: tuple[str, int, int]) -> FileRow:
        path, size, modified = file
        try:
            return FileRow(path, size, modified, images.inspect((self.root / path).read_bytes()))
        except PictureError as error:
            return FileRow(path, size, modified, None, error.message)
        except OSError:
            return FileRow(path, size, modified, None, "this file cannot be read")

    def file_with(self, content: str) -> Path:
        """A file of the project that has this content, by the id of its picture. Raises PictureError if there is none."""
        path = self._index.path_of(content)
        if path is None:
            raise PictureError("the file is gone")
        return self.path_of(path)

    def thumbnail(self, content: str) -> bytes:
        """JPEG bytes of the centre square of a picture, by its id, made once and then kept.

        Raises PictureError if the file is gone or went bad since.
        """
        kept = self.home / "thumbnails" / content[:2] / f"{content}.jpg"
        with suppress(OSError):
            made = kept.read_bytes()
            if made:
                return made
        made = images.thumbnail(self.file_with(content))
        store.write_bytes(kept, made, durable=False)
        return made


@dataclass
class Walk:
    """What lies in a folder of class folders: picture files with (bytes, modified ns), class folder -> class name, links,
    which are never followed, what cannot be used at all, and the others: no pictures, or hidden."""

    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    unusable: list[Rejected] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def walk_folders(root: Path) -> Walk:
    """Lists a folder of class folders, without opening a file."""
    found = Walk()
    names: dict[str, str] = {}
    stack = [""]
    while stack:
        where = stack.pop()
        try:
            with os.scandir(root / where) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            found.unusable.append(Rejected(where or ".", "this folder cannot be read"))
            continue
        for entry in entries:
            relative = f"{where}/{entry.name}" if where else entry.name
            if ignored(entry.name):
                if entry.name != HIDDEN:
                    found.others.append(relative)
                continue
            if not _is_text(relative):  # bytes that are no text, as old zips leave them; nothing could keep or show it
                shown = relative.encode("utf-8", "replace").decode()
                found.unusable.append(Rejected(shown, "its name is not readable text: rename it"))
            elif entry.is_symlink():
                found.links.append(relative)
            elif entry.is_dir():
                stack.append(relative)
                if not where:
                    name = unicodedata.normalize("NFC", entry.name)
                    found.folders[entry.name] = names.setdefault(class_key(name), name)
            elif is_picture_name(entry.name) and entry.is_file():
                try:
                    status = entry.stat()
                except OSError:
                    found.unusable.append(Rejected(relative, "this file cannot be read"))
                    continue
                found.files[relative] = (status.st_size, status.st_mtime_ns)
            else:
                found.others.append(relative)
    return found


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _catalogue(rows: dict[str, FileRow], walk: Walk, chosen: ClassChoices) -> Catalogue:
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
                sharpness=facts.sharpness,
                kind=facts.kind,
                note=facts.note,
                modified_ns=row.modified_ns,
            )
        )
    place = {name: number for number, name in enumerate(chosen.order)}
    classes = sorted(set(walk.folders.values()), key=lambda name: (place.get(name, len(place)), name))
    return Catalogue(
        tuple(pictures),
        tuple(classes),
        tuple(rejected),
        tuple(sorted(walk.links)),
        len(walk.others),
        frozenset(chosen.aside).intersection(classes),
        {name: chosen.colours.get(name, number) for number, name in enumerate(classes)},
    )


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return sorted((entry for entry in found if not ignored(entry.name)), key=lambda entry: entry.name)


def unwrapped(root: Path) -> Path:
    """The folder that holds the class folders: steps into a folder as long as it holds one folder that holds folders,
    and no picture."""
    for _ in range(8):
        entries = _entries(root)
        folders = [entry for entry in entries if entry.is_dir() and not entry.is_symlink()]
        if len(folders) != 1 or any(is_picture_name(entry.name) for entry in entries):
            break
        inside = _entries(Path(folders[0].path))
        if not any(entry.is_dir() for entry in inside) or any(is_picture_name(entry.name) for entry in inside):
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


def new_project(name: str) -> Project:
    """An empty project in the data home. Raises ProjectError for a name that no folder can have, or that is taken."""
    root = store.data_home() / class_name(name)
    try:
        root.mkdir()
    except FileExistsError:
        raise ProjectError(
            f"There is a project {root.name} already.", "Open it below, or choose another name."
        ) from None
    return Project.open(root)


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
