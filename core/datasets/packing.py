"""A whole project as one file, to go on with on another computer: pictures, classes, edits, settings, trainings.

The file is a zip: `fieldguide-project.json`, the pictures under `pictures/`, and under `kept/` what lies in the project's
hidden folder and cannot be made again. Nothing in it is packed a second time: pictures and models are packed already.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.datasets.adoption import adopt
from core.datasets.edit_journal import HIDDEN
from core.datasets.importing import Row, archives
from core.datasets.layout import Layout, with_those_above
from core.datasets.project import Progress, Project
from core.datasets.scanner import Walk, ignored, is_picture_name, may_be_picture, walk_folders
from core.datasets.validation import MAX_CLASSES
from core.imaging import decode
from core.system import disk, storage
from core.system.errors import PictureError, ProjectError, as_sentence
from core.system.naming import as_text, class_key, free_name, kept_name, safe_class_name
from core.system.tasks.records import TaskRecords

SUFFIX = ".fieldguide.zip"
_VERSION = 1
_ABOUT = "fieldguide-project.json"
_PICTURES, _KEPT = "pictures/", "kept/"
_EDITS = "edits.sqlite"
_TRAVELS = (
    "classes.json",
    "split.json",
    "imports.json",
    "draft.json",
    "framing.json",
    "dismissed.json",
    "runs",
    "studies",
    "trash",
    "unknown",
)
_TRAININGS = ("runs", "studies")
_MADE_AGAIN = ("exports", "explain", "robustness", "worker.log", "stop", "signatures.json")
"""What is not kept of a training."""
_HARMLESS = (".json", ".jsonl", ".npz", ".picture")
"""What only holds numbers, words and pictures. Models and databases may come from someone who means harm."""
_HEAD = "head.npz"
"""What a training has learned: a model, though it is only numbers (it names the network that is to be loaded)."""
_MAX_ABOUT = 2_000_000  # bytes: 1,000 classes with the longest names that folders have
_MAX_NAME = 255  # characters: no folder has a longer name, and a longer one takes long to be made safe
_DEEPEST = 6
"""Folders of a path to a class folder; a class has one in at most as many ready-made parts."""
_PACKED = "Packed projects"


@dataclass(frozen=True)
class Contents:
    """What a project file says of itself: its name, and how many pictures, classes and trainings are in it."""

    name: str
    pictures: int
    classes: int
    runs: int


def place_of(project: Project) -> Path:
    """Where the data home has room for the packed project: a file of its name, in a folder that no other project has. The
    folder is made if it is missing; raises OSError if that fails."""
    folder = storage.data_home() / _PACKED / hashlib.sha256(os.fsencode(project.root)).hexdigest()[:8]
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{project.name}{SUFFIX}"


def sweep() -> None:
    """Removes what packing and unpacking left in the data home when they were cut off, unless it may still be in use."""
    storage.sweep(storage.data_home() / _PACKED)
    storage.sweep(storage.data_home(), f"{storage.HALF_MADE}*")


def pack(project: Project, target: Path | str, progress: Progress | None = None) -> Path:
    """Writes the whole project to one file, and gives its path; a training under way is left out.

    Edits wait meanwhile. `progress` is called with (files done, files). Raises ProjectError for a project beyond what is
    opened again (see core.datasets.importing.archives), or if it cannot be read or written.
    """
    target = Path(target).expanduser().absolute()
    if not target.parent.is_dir():
        raise ProjectError(f"There is no folder {target.parent}.", "Choose another place.")
    if target.is_relative_to(project.root):
        raise ProjectError("The file cannot lie inside the project that it holds.", "Choose another place.")
    with as_sentence(ProjectError), project.journal.editing():
        walk = walk_folders(project.root)
        files = [(project.root / path, _PICTURES + path) for path in sorted(walk.files)]
        files += [(path, f"{_KEPT}{path.relative_to(project.home).as_posix()}") for path in _kept(project)]
        _must_fit([file for file, _ in files], len(set(_layout(project, walk).classes.values())))

        def write(path: Path) -> None:
            with zipfile.ZipFile(path, "w", strict_timestamps=False) as packed:
                packed.writestr(_ABOUT, json.dumps(_about(project, walk, files), ensure_ascii=False))
                packed.writestr(_KEPT + _EDITS, _snapshot(project.home / _EDITS))
                for done, (file, name) in enumerate(files, 1):
                    packed.write(file, name)
                    if progress:
                        progress(done, len(files))

        storage.write_with(target, write)
    return target


def peek(source: Path | bytes) -> Contents | None:
    """What is in a project file; None if it is another kind of zip. Raises ProjectError for a bad one."""
    with archives.open_archive(source) as members:
        found = _contents(members)
    return found[0] if found else None


def unpack(
    source: Path | bytes, folder: Path | str | None = None, progress: Progress | None = None, *, models: bool = False
) -> tuple[Project, list[Row]]:
    """Makes a project of a project file, in `folder`, which must be new, by default one in the data home; opens it.

    Also returns what became of each picture in the file: one that cannot be decoded is "rejected" with the reason, and not
    in the project. `progress` is called with (steps done, steps). `models`: whether models and the history of edits come
    too. They can hold code, or steps that touch other files: only for a file from someone you trust. Raises ProjectError,
    and then nothing was made.
    """
    with as_sentence(ProjectError), archives.open_archive(source) as members:
        found = _contents(members)
        if found is None:
            raise ProjectError("This is not a project file.", "Make one with Save as one file on the first page.")
        contents, classes = found
        home = storage.data_home()
        taken = {class_key(path.name) for path in home.iterdir()}
        target = Path(folder).expanduser().absolute() if folder else home / free_name(contents.name, "", taken)
        if target.exists():
            raise ProjectError(f"There is a folder {target} already.", "Choose another one.")
        half = target.with_name(f"{storage.HALF_MADE}{uuid.uuid4().hex[:12]}")
        half.mkdir()
        try:
            rows = _fill(half, members, classes, progress, models=models)
            disk.rename(half, target)
        finally:
            disk.remove_tree(half)
    project = Project.open(target)
    if models:
        adopt(project)
    return project, rows


def _fill(
    root: Path, members: list[archives.Member], classes: list[str], progress: Progress | None, *, models: bool
) -> list[Row]:
    """Writes what is wanted of a project file into the folder `root`; says what became of each picture."""
    wanted = [(member, place) for member in members if (place := _place(root, member.name, models=models))]
    for member, place in wanted:
        if member.refused or not place.resolve().is_relative_to(root.resolve()):
            raise ProjectError(f"This file is not opened: {as_text(member.name)} is no part of a project.", _ASK)
    pictures = [pair for pair in wanted if pair[0].name.startswith(_PICTURES)]
    kept = [pair for pair in wanted if not pair[0].name.startswith(_PICTURES)]

    def after(steps: int) -> Progress:
        total = 2 * len(pictures) + len(kept)  # each picture is written, and looked at
        return lambda done, _: progress(steps + done, total) if progress else None

    _write(pictures, after(0))
    full = {above for member, _ in pictures for above in with_those_above(_above(member.name.removeprefix(_PICTURES)))}
    for folder in classes:
        if folder not in full:  # its folder is there, under that very name, though it may not be a safe one
            safe = [safe_class_name(name[:_MAX_NAME]) for name in folder.split("/")[:_DEEPEST]]
            root.joinpath(*safe).mkdir(parents=True, exist_ok=True)
    (root / HIDDEN).mkdir()
    rows = _looked_at(Project(root, root / HIDDEN), after(len(pictures)))
    _write(kept, after(2 * len(pictures)))
    return rows


def _write(wanted: list[tuple[archives.Member, Path]], progress: Progress) -> None:
    for done, (member, place) in enumerate(wanted, 1):
        content = member.read()
        if _is_what_it_says(place, content):
            place.parent.mkdir(parents=True, exist_ok=True)
            if member.name.startswith(_PICTURES) and place.exists():  # Windows and Macs take `A.jpg` for `a.jpg`
                taken = {class_key(each.name) for each in place.parent.iterdir()}
                place = place.with_name(free_name(place.stem, place.suffix, taken))  # noqa: PLW2901
            place.write_bytes(content)
        progress(done, len(wanted))


def _is_what_it_says(place: Path, content: bytes) -> bool:
    """Whether a kept file can be read as what its ending says; what cannot is left out. Raises ProjectError for a bomb."""
    try:
        if place.suffix == ".npz":
            with archives.open_archive(content):  # numbers can be a bomb, too
                pass
        elif place.suffix == ".picture":
            decode.open_picture(content, at_least=32)
        elif place.suffix == ".json":
            json.loads(content)
    except (PictureError, ValueError, RecursionError):
        return False
    return True


def _looked_at(project: Project, progress: Progress) -> list[Row]:
    """Decodes each picture of a new project, so that the first look at it need not, and removes those that cannot be."""
    found = project.scan(progress)
    for bad in found.rejected:
        disk.remove(project.path_of(bad.path))
    rows = [Row(bad.path, "rejected", bad.reason) for bad in found.rejected]
    return rows + [Row(picture.path, "taken", picture.note, picture.path) for picture in found.pictures]


_ASK = "Ask who made it to pack the project again."


def _place(root: Path, name: str, *, models: bool) -> Path | None:
    """Where an entry goes; None for what is left out."""
    if name.startswith(_PICTURES):
        inside = name.removeprefix(_PICTURES)
        parts = inside.split("/")
        named = is_picture_name(inside) or may_be_picture(parts[-1])
        return root / "/".join(map(kept_name, parts)) if named and not any(map(_hidden, parts)) else None
    inside = name.removeprefix(_KEPT)
    first, *rest = inside.split("/")
    if (
        inside == name
        or not (first in _TRAVELS or inside == _EDITS)
        or (first.endswith(".json") and rest)  # a folder in the place of a file that is written again and again
        or any(map(_hidden, rest))
        or _made_again(inside)
    ):
        return None
    harmless = inside.endswith(_HARMLESS) and first != "trash" and [name.casefold() for name in rest[-1:]] != [_HEAD]
    return root / HIDDEN / inside if harmless or models else None


def _hidden(part: str) -> bool:
    return ignored(part) and part != ".."  # that is not hidden but evil, and is said


def _made_again(inside: str) -> bool:
    """Whether a path in the hidden folder leads to what does not travel."""
    first, *rest = inside.split("/")
    # Macs and Windows take `Exports.` for the same folder.
    return first in _TRAININGS and any(part.rstrip(" .").casefold() in _MADE_AGAIN for part in rest)


def _contents(members: list[archives.Member]) -> tuple[Contents, list[str]] | None:
    """What a project file says of itself, and the names of its class folders; None if it is another kind of zip."""
    about = next((member for member in members if member.name == _ABOUT and not member.refused), None)
    if about is None:
        return None
    try:
        if about.size > _MAX_ABOUT:
            raise ValueError
        said = json.loads(about.read())
        version, name, classes = int(said["version"]), str(said["name"])[:_MAX_NAME], said["classes"]
        if not isinstance(classes, list) or not all(isinstance(each, str) for each in classes):
            raise TypeError
        different = {folder.rpartition("/")[2] for folder in classes}  # of a split folder each part may have the class
        found = Contents(safe_class_name(name), int(said["pictures"]), len(different), int(said["runs"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise ProjectError("This project file is damaged.", _ASK) from None
    if version > _VERSION:
        raise ProjectError("This project file was made by a newer version of Fieldguide.", "Install that version.")
    if len(different) > MAX_CLASSES or len(classes) > MAX_CLASSES * _DEEPEST:
        raise ProjectError(
            f"This project file has {len(different):,} classes; at most {MAX_CLASSES:,} are supported.",
            "Ask who made it to put several into one.",
        )
    return found, classes


def _layout(project: Project, walk: Walk) -> Layout:
    return walk.layout(project.division().roots)


def _above(path: str) -> str:
    return path.rpartition("/")[0]


def _about(project: Project, walk: Walk, files: list[tuple[Path, str]]) -> dict[str, object]:
    runs = sum(name.startswith(f"{_KEPT}runs/") and name.endswith("/run.json") for _, name in files)
    return {
        "version": _VERSION,
        "name": project.name,
        "made": time.time(),
        "pictures": len(walk.files),
        "classes": sorted(_layout(project, walk).classes),
        "runs": runs,
    }


def _kept(project: Project) -> Iterator[Path]:
    """The files of the hidden folder that travel."""
    for name in _TRAVELS:
        top = project.home / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            parts = path.relative_to(project.home).parts
            if path.is_symlink() or not path.is_file() or any(part.startswith(".") for part in parts):
                continue
            if _made_again("/".join(parts)):
                continue
            if name not in _TRAININGS or TaskRecords(top / parts[1]).state().ended:
                yield path


def _must_fit(files: list[Path], classes: int) -> None:
    """Raises ProjectError where the file would not be opened again."""
    sizes = [path.stat().st_size for path in files]
    reason = ""
    if len(sizes) > archives.MAX_ENTRIES - 2:
        reason = f"it has more than {archives.MAX_ENTRIES:,} files"
    elif sum(sizes) > archives.MAX_BYTES * 0.99:
        reason = f"it is larger than {archives.MAX_BYTES // 10**9} GB"
    elif max(sizes, default=0) > archives.MAX_FILE:
        reason = f"a file in it is {archives.TOO_LARGE}"
    elif classes > MAX_CLASSES:
        reason = f"it has more than {MAX_CLASSES:,} classes"
    if reason:
        raise ProjectError(
            f"This project is too large for one file: {reason}.",
            f"Copy its folder instead, with the hidden {HIDDEN} in it: it opens anywhere as it is.",
        )


def _snapshot(database: Path) -> bytes:
    """A database as it is now, whatever else is being written to it."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(":memory:")) as copy:
        source.backup(copy)
        return copy.serialize()
