"""A folder of class folders as it lies on the disk: what is in it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.datasets.catalogue import Rejected
from core.datasets.edit_journal import HIDDEN
from core.datasets.layout import Layout, find_parts, layout_of, may_be_split
from core.imaging import decode
from core.system import storage
from core.system.naming import SYSTEM_NAMES


def ignored(name: str) -> bool:
    """Whether a file or folder of this name is no one's picture: hidden, or left there by a system."""
    return name.startswith(".") or name.casefold() in SYSTEM_NAMES


def is_picture_name(name: str) -> bool:
    """Whether the ending is that of a picture."""
    return name.lower().endswith(decode.SUFFIXES)


_SAYS_NOTHING = re.compile(r"[^.]*|.*\.[^.]*[?&=!@%:_][^.]*|.*[?].*")
"""Names without an ending, or with one that browsers and programs made of an address: photo, photo.jpg?w=200, x.jpg_large."""


def may_be_picture(name: str) -> bool:
    """Whether only its first bytes can tell if a file is a picture, since its name has no ending."""
    return not is_picture_name(name) and _SAYS_NOTHING.fullmatch(name) is not None


def _begins_like_picture(path: str) -> bool:
    try:
        with storage.open_plain(Path(path), decode.MAX_FILE) as file:
            return decode.begins_like_picture(file.read(decode.BEGINNING))
    except OSError:
        return False


@dataclass
class Walk:
    """What lies in a folder of class folders: picture files with (bytes, modified ns), folders, links, which are never
    followed, what cannot be used at all, and the others: no pictures, or hidden."""

    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    unusable: list[Rejected] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def layout(self, known: Mapping[str, str] | None = None) -> Layout:
        """Where the classes lie. `known`: the folders of parts that were found before: what was split stays so, also where
        edits have left too little to tell it by."""
        tops = [folder for folder in self.folders if "/" not in folder]
        found = find_parts(self.folders, self.files) if may_be_split(tops) else {}
        return layout_of(self.folders, {**found, **(known or {})})


def walk_folders(root: Path) -> Walk:
    """Lists a folder of class folders; only files whose names say nothing are opened, to see how they begin."""
    found = Walk()
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
                found.folders.append(relative)
            elif (
                is_picture_name(entry.name) or (may_be_picture(entry.name) and _begins_like_picture(entry.path))
            ) and entry.is_file():
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


def subfolders(root: Path, where: str = "") -> list[str]:
    """The folders in the folder `where` of a project, relative to `root`, but for links and hidden ones; none if it is gone."""
    try:
        entries = _entries(root / where)
    except OSError:
        return []
    return [f"{where}/{e.name}".lstrip("/") for e in entries if e.is_dir() and not e.is_symlink() and _is_text(e.name)]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return sorted((entry for entry in found if not ignored(entry.name)), key=lambda entry: entry.name)


def unwrapped(root: Path) -> Path:
    """The folder that holds the class folders: steps into a folder as long as it holds one folder that holds folders,
    and no picture; but out of no project, of whose classes only one may be left."""
    for _ in range(8):
        if (root / HIDDEN).is_dir():
            break
        entries = _entries(root)
        folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        if len(folders) != 1 or any(is_picture_name(entry.name) for entry in entries):
            break
        try:
            inside = _entries(Path(folders[0].path))
        except OSError:  # not for us to read: it is left out, and said
            break
        if not any(entry.is_dir(follow_symlinks=False) for entry in inside) or any(
            is_picture_name(entry.name) for entry in inside
        ):
            break
        root = Path(folders[0].path)
    return root
