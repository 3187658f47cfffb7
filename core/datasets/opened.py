"""The folders that a person has opened on this computer: an address alone opens no other."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from core.datasets.project import Project
from core.system import storage

_here: dict[str, None] = {}
"""Those that were opened by this process, the latest last."""
MOST = 1000
"""Folders that are remembered; the one that was opened longest ago is forgotten first."""


def open_project(folder: Path | str) -> Project:
    """Opens a folder as a person asked for it, and remembers that. Raises ProjectError."""
    project = Project.open(folder)
    remember(project)
    return project


def remember(project: Project) -> None:
    """Puts a project first in the list."""
    root = str(project.root)
    _here.update({root: None})
    with suppress(OSError):  # a full disk keeps no folder from opening
        _keep(root)


def _keep(root: str) -> None:
    storage.update_json(_file(), lambda known: [root, *(one for one in _texts(known) if one != root)][:MOST])


def forget(root: str) -> None:
    """Takes a folder off the list; the folder itself is not touched."""
    _here.pop(root, None)
    storage.update_json(_file(), lambda known: [one for one in _texts(known) if one != root])


def opened() -> list[str]:
    """The folders, the latest first; some may be gone."""
    known = _texts(storage.read_json(_file()))
    return [*known, *(root for root in reversed(_here) if root not in known)]


def _file() -> Path:
    return storage.data_home() / "recent.json"


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
