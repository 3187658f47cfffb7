"""The steps that an edit of the folders is made of: each can be turned round, and none writes over what is there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core import store
from core.names import free_name

Step = tuple[str, Any, Any]
"""("move", from, to) | ("mkdir", folder, "") | ("rmdir", folder, "") | ("classes", before, after); paths are relative."""


@dataclass
class Made:
    """The steps that were made, with the names that were free, and the paths that were not where they should be."""

    steps: list[Step] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def carry_out(steps: Sequence[Step], root: Path, home: Path) -> Made:
    """Makes steps in a project's folder `root`; the classes' settings lie in `home`. What a crash had let be made before is
    passed over. Raises OSError if the system refuses one; those made before it are then turned round."""
    made = Made()
    try:
        for step in steps:
            _one(step, root, home, made)
    except OSError:
        for step in turned_round(made.steps):
            with suppress(OSError):
                _one(step, root, home, Made())
        raise
    return made


def turned_round(steps: Sequence[Step]) -> list[Step]:
    """The steps that undo others."""
    opposite = {"mkdir": "rmdir", "rmdir": "mkdir"}
    return [
        (opposite[name], first, second) if name in opposite else (name, second, first)
        for name, first, second in reversed(steps)
    ]


def _one(step: Step, root: Path, home: Path, made: Made) -> None:
    name, first, second = step
    if name == "move":
        arrived = _move(root / first, root / second)
        if arrived is None:
            made.left.append(first)
            return
        step = (name, first, arrived.relative_to(root).as_posix())
    elif name == "mkdir":
        (root / first).mkdir(parents=True, exist_ok=True)
    elif name == "rmdir":
        try:
            (root / first).rmdir()
        except OSError:
            return  # someone put something there: the folder stays
    elif name == "classes":
        store.write_json(home / "classes.json", second)
    made.steps.append(step)


def _move(source: Path, target: Path) -> Path | None:
    """Moves, and says where it came to lie: beside `target` if that is taken. None if there was nothing to move."""
    if not _exists(source):
        return target if _exists(target) else None
    target.parent.mkdir(parents=True, exist_ok=True)
    if _exists(target):
        taken = {path.name.casefold() for path in target.parent.iterdir()}
        target = target.with_name(free_name(target.stem, target.suffix, taken))
    return source.rename(target)


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()
