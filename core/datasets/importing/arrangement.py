"""Classes by where the pictures lie, or by how their names begin."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

from core.datasets.importing.plan import Entry
from core.datasets.layout import Layout, in_parts, may_be_split, part_word, remarks_on, tells_nothing
from core.system.naming import class_key, safe_class_name

_SAMPLES = "-samples"  # Teachable Machine calls the folder or zip of a class "oak-samples"
_BEGINNING = re.compile(r"(?P<word>.*?[^\W\d_])[\W_]*\d*[\W_]*")
_ALIKE = 3
_PROPOSED = range(2, 51)
_CAMERAS = """
img image images dsc dscn dscf dscs pxl photo picture pic pict frame scan screenshot screen_shot whatsapp_image
webcam file untitled bild foto imagen mvi gopr sam mg cam capture snap snapshot video still p imag unnamed download n
"""
_BY_CAMERAS = frozenset(_CAMERAS.split())


def by_folders(
    paths: Sequence[str], layout: Layout, class_of: Callable[[str], str | None] | None = None
) -> tuple[list[Entry], list[str]]:
    """An entry for each path, its key the place in the list, and notes: on classes whose name had to change, on folders
    inside them, and on parts."""
    entries, notes, renamed = [], [], {}
    for key, path in enumerate(paths):
        given = class_of(path) if class_of else layout.class_of(path)
        if given is not None and given not in renamed:
            renamed[given] = safe_class_name(given.removesuffix(_SAMPLES) or given)
        entries.append(Entry(path, renamed[given] if given is not None else None, key, layout.place(path)[0]))
    if layout.roots and (told := in_parts(entry.part for entry in entries)):
        notes.append(f"It is split already: {told}.")
    notes += remarks_on(layout, paths) if class_of is None else []
    notes += [f"The folder {old} becomes the class {new}." for old, new in renamed.items() if old != new]
    if any("/" in path.removeprefix(f"{layout.place(path)[1]}/") for path in paths if layout.place(path)[1]):
        notes.append("Folders inside a class folder belong to that class.")
    if any(entry.class_name is None for entry in entries):
        notes.append("Pictures outside of the class folders come in without a class.")
    return one_spelling(entries), notes


def by_names(paths: Sequence[str]) -> list[Entry]:
    """An entry for each path, in the class that its name begins with: `cat` for cat_001.jpg, cat (2).jpg and cat.3.jpg."""
    entries = []
    for key, path in enumerate(paths):
        word = beginning(path)
        entries.append(Entry(path, safe_class_name(word) if word else None, key))
    return one_spelling(entries)


def with_parts(entries: Sequence[Entry], paths: Sequence[str], layout: Layout) -> tuple[list[Entry], list[str]]:
    """Entries with the parts of the folders that they lie in, where nothing else has said their part, and a note on it.
    `paths`: of all pictures that came."""
    part_in = {path: layout.place(path)[0] for path in paths} if layout.roots else _parts_at_the_top(paths)
    found = [replace(entry, part=entry.part or part_in.get(entry.name)) for entry in entries]
    if found == list(entries) or len({entry.part for entry in found} - {None}) < 2:  # one part alone splits nothing
        return list(entries), []
    return found, [f"It is split already: {in_parts(entry.part for entry in found)}."]


def _parts_at_the_top(paths: Sequence[str]) -> dict[str, str]:
    """Path -> the part that the first folder on it spells; empty where those folders do not look like the parts of one set."""
    words = {top: word for path in paths if (word := part_word(top := path.partition("/")[0])) and top != path}
    if not may_be_split(words) or len({rest for _, rest in words.values()}) > 1:
        return {}
    return {path: words[top][0] for path in paths if (top := path.partition("/")[0]) in words}


def beginning(path: str) -> str:
    """What a file's name says before its number; "" for a name that is only a number, or that a camera gave."""
    match = _BEGINNING.fullmatch(path.rpartition("/")[2].rpartition(".")[0])
    word = match["word"].strip(" _-.([") if match else ""
    return "" if re.sub(r"[\W_]+", "_", word.casefold()) in _BY_CAMERAS else word


def names_tell(paths: Iterable[str]) -> bool:
    """Whether the names of pictures look like those of classes: all begin with a word, and these are 2 to 50, each of at
    least three pictures."""
    counts = Counter(class_key(beginning(path)) for path in paths)
    return "" not in counts and len(counts) in _PROPOSED and min(counts.values()) >= _ALIKE


def names_may_tell(paths: Iterable[str]) -> bool:
    """Whether classes by the names are worth an offer: two words at least that three pictures or more begin with."""
    counts = Counter(class_key(beginning(path)) for path in paths)
    return sum(number >= _ALIKE for word, number in counts.items() if word) >= _PROPOSED.start


def folders_tell(layout: Layout, paths: Iterable[str]) -> bool:
    """Whether there are class folders: several, which are called neither `images` nor as the parts of a split."""
    names = {name for path in paths if (name := layout.class_of(path)) is not None}
    return len(names) > 1 and not all(map(tells_nothing, names))


def one_spelling(entries: Iterable[Entry]) -> list[Entry]:
    """`Cat` and `cat` are one class, by the name that comes first."""
    first: dict[str, str] = {}
    return [
        replace(entry, class_name=first.setdefault(class_key(entry.class_name), entry.class_name))
        if entry.class_name is not None
        else entry
        for entry in entries
    ]


def stripped(paths: Sequence[str]) -> tuple[list[str], int]:
    """The paths without the folders that only wrap class folders, and how many those are."""
    folders = [path.split("/")[:-2] for path in paths]
    ends = zip(min(folders, default=[]), max(folders, default=[]), strict=False)
    depth = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    return [path.split("/", depth)[depth] for path in paths], depth
