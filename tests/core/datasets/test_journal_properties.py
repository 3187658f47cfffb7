"""Whatever edits follow one another: no picture is ever lost or made, and undoing all of them leads back to the beginning."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from core import Project
from core.datasets import labels
from core.datasets.catalogue import Picture
from core.datasets.edit_journal import HIDDEN, Edit
from core.system.errors import ProjectError
from tests.pictures import encoded, noise
from tests.sentences import must_tell

CLASSES = ["red", "Red", "blue", "caf\u00e9", "cafe\u0301", "new"]
LAID_OUT = {  # names that are one name, or nearly, where they meet
    "red/a.png": 0, "red/a (2).png": 1, "Red/A.png": 2, "blue/a.png": 3, "blue/inner/a.png": 4,
    "caf\u00e9/\u00e9.png": 5, "cafe\u0301/e\u0301.png": 6, "a.png": 7, "empty/": 0,
}  # fmt: skip
SPLIT = {"train/red/a.png": 0, "train/blue/a.png": 1, "test/red/a.png": 2, "test/blue/A.png": 3, "val/blue/a.png": 4}
PICTURES = [encoded(noise(number, (16, 16))) for number in range(8)]
Change = tuple[str, Any, Any]
CHANGES = st.one_of(
    st.tuples(st.just("move"), st.integers(0, 255), st.sampled_from([*CLASSES, None])),
    st.tuples(st.just("move each"), st.integers(0, 255), st.sampled_from(CLASSES)),
    st.tuples(st.just("rename"), st.sampled_from(CLASSES), st.sampled_from(CLASSES)),
    st.tuples(st.just("merge"), st.sampled_from(CLASSES), st.sampled_from(CLASSES)),
    st.tuples(st.just("set aside"), st.sampled_from(CLASSES), st.booleans()),
    st.tuples(st.just("order"), st.permutations(CLASSES), st.none()),
    st.tuples(st.just("colour"), st.sampled_from(CLASSES), st.integers(0, 15)),
    st.tuples(st.just("new class"), st.sampled_from(CLASSES), st.none()),
    st.tuples(st.just("delete"), st.integers(0, 255), st.none()),
    st.tuples(st.just("delete class"), st.sampled_from(CLASSES), st.none()),
    st.tuples(st.just("undo"), st.none(), st.none()),
    st.tuples(st.just("undo"), st.none(), st.none()),
    st.tuples(st.just("redo"), st.none(), st.none()),
)


@contextmanager
def laid_out(files: dict[str, int]) -> Iterator[Project]:
    """A project with these files, in a folder of its own."""
    with tempfile.TemporaryDirectory() as place:
        for name, number in files.items():
            path = Path(place, "p", name)
            (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
            if not name.endswith("/"):
                path.write_bytes(PICTURES[number])
        yield Project.open(Path(place, "p"))


def contents(project: Project) -> Counter[str]:
    """How often each picture is there, be it in the bin."""
    return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in project.root.rglob("*.png"))


def tree(project: Project) -> tuple[dict[str, bytes], Any]:
    """Every file and folder of the person's with its content, and what was chosen for the classes."""
    found = [path for path in project.root.rglob("*") if HIDDEN not in path.parts]
    return {
        path.relative_to(project.root).as_posix(): path.read_bytes() if path.is_file() else b"" for path in found
    }, project.class_choices()


def some(project: Project, bits: int) -> list[Picture]:
    return [picture for at, picture in enumerate(project.scan().pictures) if bits >> at & 1]


MAKE: dict[str, Callable[[Project, Any, Any], Edit | None]] = {
    "move": lambda p, bits, to: labels.move(p, some(p, bits), to),
    "move each": lambda p, bits, to: labels.move_each(
        p, [(picture, to if at % 2 else "blue") for at, picture in enumerate(some(p, bits))]
    ),
    "rename": labels.rename_class,
    "merge": lambda p, source, target: labels.merge_classes(p, [source], target),
    "set aside": lambda p, name, aside: labels.set_aside(p, name, aside=aside),
    "order": lambda p, names, _: labels.set_order(p, names),
    "colour": labels.set_colour,
    "new class": lambda p, name, _: labels.new_class(p, name),
    "delete": lambda p, bits, _: labels.delete(p, some(p, bits)),
    "delete class": lambda p, name, _: labels.delete_class(p, name),
    "undo": lambda p, *_: labels.undo(p),
    "redo": lambda p, *_: labels.redo(p),
}


def make(project: Project, change: Change) -> bool:
    """Whether an edit was made, undone or made again; one that is refused must change nothing."""
    name, first, second = change
    before = tree(project)
    try:
        edit = MAKE[name](project, first, second)
    except ProjectError as error:
        must_tell(error)
        assert tree(project) == before
        return False
    return edit is not None and edit.id > 0  # 0 where there was nothing to change


@settings(max_examples=20)
@given(st.sampled_from([LAID_OUT, SPLIT]), st.lists(CHANGES, min_size=1, max_size=7))
@example(LAID_OUT, [("merge", "Red", "blue"), ("rename", "blue", "Red"), ("undo", None, None), ("redo", None, None)])
def test_edits_keep_every_picture_and_can_all_be_undone(files: dict[str, int], changes: list[Change]) -> None:
    with laid_out(files) as project:
        beginning, every = tree(project), contents(project)
        undone: list[Any] = []
        for change in changes:
            before = tree(project)
            made = make(project, change)
            assert contents(project) == every
            if change[0] == "undo" and made:
                undone.append(before)
            elif change[0] == "redo" and made:
                assert tree(project) == undone.pop()
            elif made:
                undone.clear()
        again = Project.open(project.root)  # as after a restart
        while labels.undo(again):
            assert contents(again) == every
        assert tree(again) == beginning
