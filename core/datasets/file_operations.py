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

Step = tuple[str, Any, Any]
"""("move", from, to) | ("mkdir", folder, "") | ("rmdir", folder, "") | ("classes", before, after); paths are relative."""


def read_steps(text: str) -> list[Step]:
    """Steps out of JSON, each checked. Raises ValueError for what is no list of steps, or leads out of the project."""
    try:
        return [_checked(step) for step in json.loads(text)]
    except (TypeError, RecursionError):
        raise ValueError("not a list of steps") from None


def _checked(step: Any) -> Step:
    name, first, second = step
    if name == "classes":
        if not (isinstance(first, dict) and isinstance(second, dict)):
            raise ValueError("not the settings of classes")
    elif name in ("move", "mkdir", "rmdir"):
        for path in (first, second) if name == "move" else (first,):
            parts_of(path)
    else:
        raise ValueError(f"no step is called {name!r:.80}")
    return name, first, second


@dataclass
class Made:
    """The steps that were made, with the names that were free, and the paths that were not where they should be."""

    steps: list[Step] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def carry_out(steps: Sequence[Step], root: Path, home: Path) -> Made:
    """Makes steps in a project's folder `root`; the classes' settings lie in `home`. What a crash had let be made before is
    passed over. Raises OSError if the system refuses one, or a link is on its way; those made before it are then turned
    round. Raises ValueError for a step that leads out of the project, before any is made."""
    for step in steps:
        _checked(step)
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
    opposite = {"mkdir": "rmdir", "rmdir": "mkdir"}
    return [
        (opposite[name], first, second) if name in opposite else (name, second, first)
        for name, first, second in reversed(steps)
    ]


def _one(step: Step, folder: Confined, home: Path, made: Made) -> None:
    name, first, second = step
    if name == "move":
        arrived = folder.move(first, second)
        if arrived is None:
            made.left.append(first)
            return
        step = (name, first, arrived)
    elif name == "mkdir":
        folder.make_folder(first)
    elif name == "rmdir":
        try:
            folder.remove_folder(first)
        except OSError:
            return  # someone put something there: the folder stays
    elif name == "classes":
        storage.write_json(home / "classes.json", second)
    made.steps.append(step)
