"""Widgets that ask for what a project keeps: they begin anew where it was changed in another tab, or on the command line."""

from __future__ import annotations

from collections.abc import Callable

from core import Project
from pages.shared.session import tab


def keys(project: Project, what: str, now: object) -> Callable[[str], str]:
    """The key of each widget, by its name, for what is kept `now`."""
    seen, version = tab.get(_seen(project, what), (now, 0))
    if seen != now:
        version += 1
    tab.put(_seen(project, what), (now, version))
    return lambda name: f"{what} {name} {version} {project.root}"


def put(project: Project, what: str, now: object) -> None:
    """Tells that it is kept as the widgets say: they stay as they are."""
    _, version = tab.get(_seen(project, what))
    tab.put(_seen(project, what), (now, version))


def _seen(project: Project, what: str) -> str:
    return f"{what} seen {project.root}"
