"""The folders that a person has opened on this computer: an address alone opens no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core import store
from core.project import Project

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
    store.update_json(_file(), lambda known: [root, *(one for one in _texts(known) if one != root)][:MOST])


def forget(root: str) -> None:
    """Takes a folder off the list; the folder itself is not touched."""
    store.update_json(_file(), lambda known: [one for one in _texts(known) if one != root])


def opened() -> list[str]:
    """The folders, the latest first; some may be gone."""
    return _texts(store.read_json(_file()))


def _file() -> Path:
    return store.data_home() / "recent.json"


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
