"""Ways of Windows and of Macs, as far as Linux can be given them: what a system refuses there, it refuses here."""

from __future__ import annotations

import ctypes
import io
import os
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.system import confined, disk
from core.system.naming import class_key


def as_windows(patch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """From now on the program takes this for Windows; gives the attributes that it sets, (path, bits) each."""
    marked: list[tuple[str, int]] = []
    kernel = SimpleNamespace(SetFileAttributesW=lambda path, bits: marked.append((path, bits)))
    patch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    patch.setattr(disk, "WINDOWS", True)
    return marked


def windows(patch: pytest.MonkeyPatch, patience: float = 0.2) -> None:
    """From now on nothing is renamed, replaced or deleted that some process has open or mapped into memory, nor a folder that
    holds such a file, and no rename puts anything in the place of something: as on Windows."""
    as_windows(patch)
    patch.setattr(disk, "_PATIENCE", patience)
    patch.setattr(confined, "_BY_HANDLE", False)
    for name in ("unlink", "remove", "rename", "replace"):
        patch.setattr(os, name, _refusing(getattr(os, name), name))


def _refusing(act: Callable[..., Any], name: str) -> Callable[..., Any]:
    @wraps(act)
    def refusing(*paths: Any, **options: Any) -> Any:
        for path in paths:
            whole = str(Path.cwd() / path)
            if any(each == whole or each.startswith(f"{whole}/") for each in _open()):
                refusal = PermissionError(13, "The process cannot access the file: it is used by another process", path)
                refusal.winerror = 32  # type: ignore[attr-defined]
                raise refusal
        if name == "rename" and os.path.lexists(paths[1]):
            raise FileExistsError(17, "File exists", paths[1])
        return act(*paths, **options)

    return refusing


def _open() -> Iterator[str]:
    """Files, but no folders, that some process has open, or this one mapped into memory."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if not link.is_dir():
                yield str(link.readlink())
        except OSError:
            continue
    yield from (
        line.split(None, 5)[-1].rstrip("\n") for line in Path("/proc/self/maps").read_text("utf-8").splitlines()
    )


def one_case(patch: pytest.MonkeyPatch, root: Path) -> None:
    """From now on names below `root` that differ in case, or in how accents are written, are one, and each keeps the spelling
    in which it was made: as on Windows and on Macs."""
    patch.setattr(confined, "_BY_HANDLE", False)
    listed, moved = os.listdir, os.rename

    def spelt(path: Any) -> Any:
        if not isinstance(path, str | Path) or not Path(path).is_relative_to(root):
            return path
        found = str(root)
        for part in Path(path).relative_to(root).parts:
            try:
                names = listed(found)
            except OSError:
                names = []
            alike = (each for each in names if class_key(each) == class_key(part))
            found = f"{found}/{part if part in names else next(alike, part)}"
        return found

    def renamed(source: Any, target: Any) -> None:
        source, wanted = spelt(source), spelt(target)
        moved(source, f"{Path(wanted).parent}/{Path(target).name}" if source == wanted else wanted)

    for module, names in ((os, "stat lstat open mkdir rmdir unlink scandir listdir"), (io, "open")):
        for name in names.split():
            patch.setattr(module, name, _spelt_first(getattr(module, name), spelt))
    patch.setattr(os, "rename", renamed)
    patch.setattr(os, "replace", renamed)


def _spelt_first(act: Callable[..., Any], spelt: Callable[[Any], Any]) -> Callable[..., Any]:
    @wraps(act)
    def folded(path: Any = ".", *rest: Any, **options: Any) -> Any:
        return act(spelt(path), *rest, **options)

    return folded
