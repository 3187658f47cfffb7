"""Imports and edits without end, each told when it is done: to be killed at any moment.

`python -m tests.faults.crasher PROJECT`, with a seed for each process on standard input.
"""

from __future__ import annotations

import hashlib
import random
import sys
from pathlib import Path

from core import Project
from core.datasets import importing, labels
from core.datasets.edit_journal import HIDDEN, Edit
from core.system.errors import FieldguideError
from tests.faults import nursery
from tests.pictures import encoded, shaded


def state_of(root: Path) -> str:
    """A digest of all that a person sees: class folders, and names and contents of the pictures."""
    found = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if HIDDEN not in path.relative_to(root).parts:
            content = path.read_bytes() if path.is_file() else b"folder"
            found.update(f"{path.relative_to(root)} {hashlib.sha256(content).hexdigest()}\n".encode())
    return found.hexdigest()


def one_edit(project: Project, chance: random.Random, turn: str) -> Edit | None:
    catalogue = project.scan()
    pictures, classes = list(catalogue.pictures), list(catalogue.classes)
    kind = chance.choice(["import", "move", "move", "move", "delete", "copy", "rename", "merge", "undo", "redo"])
    if kind == "import" or len(pictures) < 12:
        new = [(f"{turn}-{n}.png", encoded(shaded((n * 20, 90, 140), hash(turn) % 10**6 + n))) for n in range(6)]
        return importing.take(project, importing.from_pictures(new).into(chance.choice("abc"))).edit
    if kind == "move":
        return labels.move(project, chance.sample(pictures, 5), chance.choice("abcd"))
    if kind == "delete":
        return labels.delete(project, chance.sample(pictures, 2))
    if kind == "copy":
        return labels.copy(project, chance.sample(pictures, 3), chance.choice("abcd"))
    if kind == "rename":
        return labels.rename_class(project, chance.choice(classes), chance.choice("efgh"))
    if kind == "merge":
        return labels.merge_classes(project, [chance.choice(classes)], chance.choice(classes))
    return labels.undo(project) if kind == "undo" else labels.redo(project)


def main(root: Path, seed: int) -> None:
    chance = random.Random(seed)
    project = Project.open(root)
    print("ready", state_of(root), flush=True)
    for turn in range(10_000):
        try:
            edit = one_edit(project, chance, f"{seed}-{turn}")
        except FieldguideError:
            continue
        if edit:
            print("done", state_of(root), flush=True)


if __name__ == "__main__":
    nursery.serve(lambda seed: main(Path(sys.argv[1]), int(seed)))
