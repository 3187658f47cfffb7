"""Putting pictures into classes, and classes in order: each call is one edit, journalled, that can be undone.

The folders are the truth: a label is the folder that a picture lies in. Pictures that are not any more where the caller
saw them are left alone and named in the edit's `left`.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from core.datasets.catalogue import Catalogue, ClassChoices, Picture, class_order
from core.datasets.edit_journal import STAGING, TRASH, Edit, new_token
from core.datasets.file_operations import ChangeClasses, MakeFolder, Move, RemoveFolder, Step
from core.datasets.project import Project
from core.system import disk, storage
from core.system.errors import ProjectError
from core.system.naming import class_key, class_name, count, free_name

PALETTE = 16
"""Class colours are numbers below this."""


def move(project: Project, pictures: Sequence[Picture], to: str | None) -> Edit:
    """Moves pictures into the class `to`, which is made if there is none, or out of all classes (None).

    Raises ProjectError for a name that no class can have, or if none of the pictures is where it was seen.
    """
    with project.journal.editing():
        present, gone = _present(project, pictures)
        folders = ClassFolders(project)
        steps: list[Step] = []
        for picture in present:
            made, target = folders.of(to, beside=picture.path)
            steps += made
            here = folders.layout.place(picture.path)[1]
            if here != target and (here or to is not None):
                steps.append(Move(picture.path, folders.place(target, picture.path)))
        where = f"into {to}" if to is not None else "out of their class"
        return _noted(project.edit("move", f"{count(len(present), 'picture')} {where}", steps), gone)


def move_each(project: Project, moves: Sequence[tuple[Picture, str]]) -> Edit:
    """Moves each picture into a class of its own, as one edit. Raises ProjectError as `move` does."""
    with project.journal.editing():
        present, gone = _present(project, [picture for picture, _ in moves])
        wanted = {picture.path: to for picture, to in moves}
        folders = ClassFolders(project)
        steps: list[Step] = []
        for picture in present:
            made, target = folders.of(wanted[picture.path], beside=picture.path)
            steps += [*made, Move(picture.path, folders.place(target, picture.path))]
        return _noted(
            project.edit("move", f"{count(len(present), 'picture')} put into the class suggested", steps), gone
        )


def copy(project: Project, pictures: Sequence[Picture], to: str) -> Edit:
    """Puts copies of pictures into another class. Raises ProjectError as `move` does."""
    with project.journal.staging() as token, project.journal.editing():
        present, gone = _present(project, pictures)
        folders = ClassFolders(project)
        steps: list[Step] = []
        for number, picture in enumerate(present):
            made, target = folders.of(to, beside=picture.path)
            steps += made
            name = f"{token}/{number}{Path(picture.path).suffix}"
            storage.write_bytes(project.root / STAGING / name, project.path_of(picture.path).read_bytes())
            steps.append(Move(f"{TRASH}/{name}", folders.place(target, picture.path)))
        project.journal.take_over(token)
        return _noted(project.edit("copy", f"{count(len(present), 'picture')} copied into {to}", steps, token), gone)


def delete(project: Project, pictures: Sequence[Picture]) -> Edit:
    """Moves pictures to the bin. Raises ProjectError if none of them is where it was seen."""
    with project.journal.editing():
        present, gone = _present(project, pictures)
        token = new_token()
        steps: list[Step] = [
            Move(p.path, f"{TRASH}/{token}/{number}{Path(p.path).suffix}") for number, p in enumerate(present)
        ]
        return _noted(project.edit("delete", f"{count(len(present), 'picture')} to the bin", steps, token), gone)


def new_class(project: Project, name: str) -> Edit:
    """Makes an empty class. Raises ProjectError if there is one of that name, or for a name that no class can have."""
    with project.journal.editing():
        folders = ClassFolders(project)
        folders.must_be_free(name)
        steps, _ = folders.of(name)
        return project.edit("new class", f"new class {class_name(name)}", steps)


def rename_class(project: Project, old: str, new: str) -> Edit:
    """Gives a class another name; its colour, its place and whether it is set aside stay.

    Raises ProjectError if it is gone, or if another class has the name (merge them instead).
    """
    new = class_name(new)
    with project.journal.editing():
        folders = ClassFolders(project)
        found = folders.existing(old)
        if class_key(old) != class_key(new):
            folders.must_be_free(new)
        # A class has a folder in each ready-made part, and may be spread over folders that differ in case or accents;
        # those of one part become one.
        steps, same, token = list[Step](), class_key(old) == class_key(new), new_token()
        for number, (root, (first, *others)) in enumerate(folders.by_root(found).items()):
            into = f"{root}/{new}".lstrip("/")
            folders.must_have_room(root, new)
            # Windows and Macs take `cat` for `Cat`, as if that name were taken: by way of the bin it is free everywhere.
            by = f"{TRASH}/{token}/{number}" if same and first != into else into
            steps += [Move(first, by)] if first != by else []
            taken = _names_in(project.root / first)
            for other in others:
                steps += _emptied(project, other, by, taken)
            steps += [Move(by, into)] if by != into else []
        choices = project.class_choices()
        renamed = ClassChoices(
            [new if name == old else name for name in choices.order],
            [new if name == old else name for name in choices.aside],
            {new if name == old else name: number for name, number in choices.colours.items()},
        )
        return project.edit("rename", f"{old} renamed to {new}", [*steps, _choices(choices, renamed)], token)


def merge_classes(project: Project, sources: Iterable[str], target: str) -> Edit:
    """Moves all pictures of classes into another one and removes the emptied classes. Raises ProjectError if one is gone."""
    with project.journal.editing():
        folders = ClassFolders(project)
        into = {root: first for root, (first, *_) in folders.by_root(folders.existing(target)).items()}
        taken = {folder: _names_in(project.root / folder) for folder in into.values()}
        merged = [name for name in sources if class_key(name) != class_key(target)]
        steps: list[Step] = []
        for name in merged:
            for root, found in folders.by_root(folders.existing(name)).items():
                if root not in into:  # the target has no folder in this part yet
                    made, into[root] = folders.of(target, root=root)
                    steps, taken[into[root]] = [*steps, *made], set()
                for folder in found:
                    steps += _emptied(project, folder, into[root], taken[into[root]])
        if not steps:
            raise ProjectError("There is nothing to merge.", "Choose another class.")
        return project.edit("merge", f"{', '.join(merged)} merged into {target}", steps)


def delete_class(project: Project, name: str) -> Edit:
    """Moves a class with all that is in its folder to the bin. Raises ProjectError if it is gone."""
    with project.journal.editing():
        token = new_token()
        steps: list[Step] = [
            Move(folder, f"{TRASH}/{token}/{folder}") for folder in ClassFolders(project).existing(name)
        ]
        return project.edit("delete class", f"{name} and all in it to the bin", steps, token)


def set_aside(project: Project, name: str, *, aside: bool) -> Edit:
    """Leaves a class out of training and checks, or takes it back in; its pictures stay where they are."""
    with project.journal.editing():
        ClassFolders(project).existing(name)
        choices = project.class_choices()
        kept = [other for other in choices.aside if other != name] + ([name] if aside else [])
        sentence = f"{name} set aside" if aside else f"{name} taken back in"
        return project.edit("aside", sentence, [_choices(choices, replace(choices, aside=kept))])


def set_order(project: Project, names: Sequence[str]) -> Edit:
    """Sets the order of the classes on every page and in new models; classes that are not named come after, by name."""
    with project.journal.editing():
        choices = project.class_choices()
        return project.edit("order", "order of the classes", [_choices(choices, replace(choices, order=list(names)))])


def set_colour(project: Project, name: str, colour: int) -> Edit:
    """Sets the colour of a class: a number of the palette, 0 to 15. Raises ProjectError for any other."""
    if not 0 <= colour < PALETTE:
        raise ProjectError(f"There is no colour {colour}.", f"Choose a number from 0 to {PALETTE - 1}.")
    with project.journal.editing():
        ClassFolders(project).existing(name)
        choices = project.class_choices()
        changed = replace(choices, colours=choices.colours | {name: colour})
        return project.edit("colour", f"colour of {name}", [_choices(choices, changed)])


def undo(project: Project) -> Edit | None:
    """Turns the newest edit round, whoever made it. None if there is nothing to undo."""
    edit = project.journal.undo()
    return project.noted(edit) if edit else None


def redo(project: Project) -> Edit | None:
    """Makes the edit that was undone last once more. None if there is none."""
    edit = project.journal.redo()
    return project.noted(edit) if edit else None


def trash_size(project: Project) -> tuple[int, int]:
    """(files, bytes) in the bin."""
    sizes = []
    for folder, _, names in os.walk(project.root / TRASH):
        for name in names:
            with suppress(OSError):  # it went meanwhile
                sizes.append(Path(folder, name).lstat().st_size)
    return len(sizes), sum(sizes)


def empty_trash(project: Project) -> None:
    """Deletes what edits put into the bin for good; what was done before cannot be undone any more."""
    with project.journal.editing():
        project.journal.empty_trash()


class ClassFolders:
    """The class folders as they are now, and the names taken in those that are written to."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.layout = project.layout()
        self._by_key: dict[str, list[str]] = {}
        for folder, name in self.layout.classes.items():
            self._by_key.setdefault(class_key(name), []).append(folder)
        self._made: list[str] = []
        self._taken: dict[str, set[str]] = {}
        self._choices = project.class_choices()

    def existing(self, name: str) -> list[str]:
        """The folders of a class that must be there."""
        found = self._by_key.get(class_key(name))
        if not found:
            raise ProjectError(
                f"The class {name} is not there any more.", "Someone changed it meanwhile: look again, then repeat."
            )
        return found

    def must_be_free(self, name: str) -> None:
        """Refuses a name that a class has already."""
        if class_key(class_name(name)) in self._by_key:
            raise ProjectError(f"There is a class {name} already.", "Choose another name, or merge the two.")

    def by_root(self, folders: Iterable[str]) -> dict[str, list[str]]:
        """Class folders by the folder that they lie in: "" for the project's own, or that of a ready-made part."""
        found: dict[str, list[str]] = {}
        for folder in folders:
            found.setdefault(folder.rpartition("/")[0], []).append(folder)
        return found

    def of(
        self, name: str | None, part: str | None = None, *, beside: str = "", root: str | None = None
    ) -> tuple[list[Step], str]:
        """The steps that make the folder of a class, if it is missing, and the folder; for no class that of loose pictures.

        Where the project is split already there is one in each part: `beside` a picture, of a `part`, or in the folder
        `root`; else where new pictures belong.
        """
        if root is None:
            root = next((each for each in self.layout.roots if beside.startswith(f"{each}/")), None)
        if root is None:
            root = self.layout.root_of(part)
        if name is None:
            return [], root
        everywhere = self._by_key.get(class_key(name), [])
        found = [folder for folder in everywhere if folder.rpartition("/")[0] == root]
        wanted = f"{root}/{unicodedata.normalize('NFC', name)}".lstrip("/")
        if found:
            return [], wanted if wanted in found else found[0]
        called = self.layout.classes.get(everywhere[0], name) if everywhere else class_name(name)
        # What is not in the training part would be no class: see core.datasets.layout.
        homes = [root] if everywhere else list(dict.fromkeys((self.layout.root_of("train"), root)))
        for home in homes:
            self.must_have_room(home, called)
        steps: list[Step] = [MakeFolder(f"{home}/{called}".lstrip("/")) for home in homes]
        if self._by_key and not everywhere:  # the others keep their places, keys and colours
            before = self._choices
            known = class_order(set(self.layout.classes.values()) | set(self._made), before)
            self._choices = replace(before, order=[*known, called])
            steps.append(_choices(before, self._choices))
        self._made.append(called)
        self._by_key.setdefault(class_key(called), []).extend(f"{home}/{called}".lstrip("/") for home in homes)
        return steps, f"{root}/{called}".lstrip("/")

    def must_have_room(self, home: str, name: str) -> None:
        """Refuses a class for which a link or a file lies where its folder would be."""
        for other in (self._project.root / home).iterdir():
            if class_key(other.name) == class_key(name) and (other.is_symlink() or not other.is_dir()):
                raise ProjectError(
                    f"{other.name} is a {'link' if other.is_symlink() else 'file'} where the folder of that class would be.",
                    "Choose another name, or take it away.",
                )

    def place(self, folder: str, path: str) -> str:
        """A free path in `folder`, "" for the project's own, for the file now at `path`; no other call gets the same."""
        taken = self._taken.setdefault(folder, _names_in(self._project.root / folder))
        stem, suffix = Path(path).stem, Path(path).suffix
        name = free_name(disk.fitting(self._project.root / folder, stem, suffix), suffix, taken)
        taken.add(class_key(name))
        return f"{folder}/{name}" if folder else name


def _emptied(project: Project, folder: str, into: str, taken: set[str]) -> list[Step]:
    """Steps that move every file below one class folder into another, flat, and remove what is left empty."""
    steps: list[Step] = []
    root = project.root / folder
    for path in sorted(path for path in root.rglob("*") if path.is_symlink() or path.is_file()):
        name = free_name(path.stem, path.suffix, taken)
        taken.add(class_key(name))
        steps.append(Move(path.relative_to(project.root).as_posix(), f"{into}/{name}"))
    below = sorted((path for path in root.rglob("*") if not path.is_symlink() and path.is_dir()), reverse=True)
    return steps + [RemoveFolder(path.relative_to(project.root).as_posix()) for path in (*below, root)]


def _present(project: Project, pictures: Sequence[Picture]) -> tuple[list[Picture], list[str]]:
    """Those that are still where they were seen, each once, and the paths of the others."""
    here: dict[str, Picture] = {}
    gone = []
    for picture in pictures:
        try:
            status = project.path_of(picture.path).lstat()
        except OSError:
            gone.append(picture.path)
            continue
        if status.st_size == picture.size and status.st_mtime_ns == picture.modified_ns:
            here[picture.path] = picture
        else:
            gone.append(picture.path)
    if not here:
        raise ProjectError(
            "These pictures are not there any more.", "Someone changed them meanwhile: look again, then repeat."
        )
    return list(here.values()), gone


def picked(catalogue: Catalogue, paths: Iterable[str]) -> list[Picture]:
    """The pictures at some paths; paths that the catalogue does not know are left out."""
    return [catalogue.by_path[path] for path in paths if path in catalogue.by_path]


def _noted(edit: Edit, gone: list[str]) -> Edit:
    return replace(edit, left=(*edit.left, *gone))


def _choices(before: ClassChoices, after: ClassChoices) -> Step:
    return ChangeClasses(asdict(before), asdict(after))


def _names_in(folder: Path) -> set[str]:
    return {class_key(path.name) for path in folder.iterdir()} if folder.is_dir() else set()
