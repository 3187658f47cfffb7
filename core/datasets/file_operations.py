"""The steps that an edit of the folders is made of: each can be turned round, none writes over what is there, and none leads
out of the project."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.system import storage
from core.system.confined import Confined, parts_of


@dataclass(frozen=True)
class Move:
    """A file or folder goes from one place to another; both are paths relative to the project. Raises ValueError for one that
    leads out of it, as the other steps do."""

    source: str
    target: str

    def __post_init__(self) -> None:
        parts_of(self.source)
        parts_of(self.target)


@dataclass(frozen=True)
class MakeFolder:
    """A folder appears."""

    path: str

    def __post_init__(self) -> None:
        parts_of(self.path)


@dataclass(frozen=True)
class RemoveFolder:
    """An empty folder goes."""

    path: str

    def __post_init__(self) -> None:
        parts_of(self.path)


@dataclass(frozen=True)
class ChangeClasses:
    """The settings of the classes are replaced, as classes.json holds them."""

    before: dict[str, Any]
    after: dict[str, Any]

    def __post_init__(self) -> None:
        if not (isinstance(self.before, dict) and isinstance(self.after, dict)):
            raise ValueError("not the settings of classes")  # noqa: TRY004 - as for every step


Step = Move | MakeFolder | RemoveFolder | ChangeClasses


def write_steps(steps: Sequence[Step]) -> str:
    """Steps as JSON: ["move", from, to], ["mkdir", folder, ""], ["rmdir", folder, ""] or ["classes", before, after] each."""
    return json.dumps([_plain(step) for step in steps])


def _plain(step: Step) -> tuple[str, Any, Any]:
    match step:
        case Move(source, target):
            return "move", source, target
        case MakeFolder(path):
            return "mkdir", path, ""
        case RemoveFolder(path):
            return "rmdir", path, ""
        case ChangeClasses(before, after):
            return "classes", before, after


def read_steps(text: str) -> list[Step]:
    """Steps out of JSON, each checked. Raises ValueError for what is no list of steps, or leads out of the project."""
    try:
        return [_step(*step) for step in json.loads(text)]
    except (TypeError, RecursionError):
        raise ValueError("not a list of steps") from None


def _step(name: str, first: Any, second: Any) -> Step:
    match name:
        case "move":
            return Move(first, second)
        case "mkdir":
            return MakeFolder(first)
        case "rmdir":
            return RemoveFolder(first)
        case "classes":
            return ChangeClasses(first, second)
    raise ValueError(f"no step is called {name!r:.80}")


@dataclass
class Made:
    """The steps that were made, with the names that were free, and the paths that were not where they should be."""

    steps: list[Step] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def carry_out(steps: Sequence[Step], root: Path, home: Path) -> Made:
    """Makes steps in a project's folder `root`; the classes' settings lie in `home`. What a crash had let be made before is
    passed over. Raises OSError if the system refuses one, or a link is on its way; those made before it are then turned
    round."""
    made, folder = Made(), Confined(root)
    try:
        for step in steps:
            _one(step, folder, home, made)
    except OSError:
        for step in turned_round(made.steps):
            with suppress(OSError):
                _one(step, folder, home, Made())
        raise
    return made


def turned_round(steps: Sequence[Step]) -> list[Step]:
    """The steps that undo others."""
    return [_opposite(step) for step in reversed(steps)]


def _opposite(step: Step) -> Step:
    match step:
        case Move(source, target):
            return Move(target, source)
        case MakeFolder(path):
            return RemoveFolder(path)
        case RemoveFolder(path):
            return MakeFolder(path)
        case ChangeClasses(before, after):
            return ChangeClasses(after, before)


def _one(step: Step, folder: Confined, home: Path, made: Made) -> None:
    match step:
        case Move(source, target):
            arrived = folder.move(source, target)
            if arrived is None:
                made.left.append(source)
                return
            step = Move(source, arrived)
        case MakeFolder(path):
            folder.make_folder(path)
        case RemoveFolder(path):
            try:
                folder.remove_folder(path)
            except OSError:
                return  # someone put something there: the folder stays
        case ChangeClasses(_, after):
            storage.write_json(home / "classes.json", after)
    made.steps.append(step)
