"""Pictures of other things, kept apart in a project: how many of them does a model turn away as "not sure"?

A model must choose one of its classes whatever it sees. Pictures that belong to none of them tell honestly what happens
then; they are never trained on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from core.datasets.project import Project
from core.imaging import decode
from core.system import disk, storage
from core.system.errors import FieldguideError, ProjectError, as_sentence

MOST = 500
"""Pictures that are kept; more tell hardly more."""


def folder_of(project: Project) -> Path:
    """Where they lie; it may not exist."""
    return project.home / "unknown"


def pictures(project: Project) -> list[Path]:
    """The files, named by their content."""
    folder = folder_of(project)
    return sorted(path for path in folder.iterdir() if path.suffix == ".picture") if folder.is_dir() else []


@as_sentence(FieldguideError)
def add(project: Project, files: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """Keeps pictures, (name, content) each, as they are; returns (name, reason) for those that are not taken.

    Raises FieldguideError if they cannot be written.
    """
    refused = []
    number = len(pictures(project))
    for name, content in files:
        target = folder_of(project) / f"{hashlib.sha256(content).hexdigest()}.picture"
        try:
            decode.open_picture(content, at_least=32)
        except FieldguideError as error:
            refused.append((name, error.message))
            continue
        if target.exists():
            refused.append((name, "it is there already"))
        elif number >= MOST:
            refused.append((name, f"there are {MOST} already"))
        else:
            storage.write_bytes(target, content)
            number += 1
    return refused


def forget(project: Project) -> None:
    """Deletes them all, readable or not: they are copies. Raises ProjectError where one cannot be deleted."""
    disk.remove_tree(folder_of(project))
    if folder_of(project).exists():
        raise ProjectError(
            "Some of them cannot be deleted.",
            f"Close the programs that show them, or allow writing in {folder_of(project)}. Then try again.",
        )
