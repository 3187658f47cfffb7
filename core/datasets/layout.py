"""Which folders are classes, and which are the parts of a ready-made split: what knows path -> (part, class).

A folder of class folders has no parts. One that is split already has a folder for each part, such as `train`, `val` and
`test` in any spelling, and the class folders lie in those: below `root/train/cat` and `root/seg_test/seg_test/cat`, say.
The spelling alone does not count, since a class may be called train: the parts must have class folders in common.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from core.system.naming import class_key, count

_PARTS = {
    "train": "train training trainings trn learn learning",
    "val": "val vals valid validate validation validating validations dev development eval evaluation",
    "test": "test tests testing tst holdout heldout",
}
_PART_OF = {word: part for part, words in _PARTS.items() for word in words.split()}
_TELLING_NOTHING = """
set sets data dataset datasets image images img imgs picture pictures pic pics photo photos sample samples split splits part
folder dir files seg the my
"""
_FILLERS = frozenset(_TELLING_NOTHING.split())
"""Words beside the name of a part."""
_GLUED = re.compile(r"(?<=.)(datasets?|sets?|data|images?|imgs?|pictures|photos)$")
_DEEPEST = 4
_NAMED = 3
"""So many folders are named in remarks."""


@dataclass(frozen=True)
class Layout:
    """Where the classes of a project lie. `roots`: folder of a part -> "train", "val" or "test", none where nothing is split;
    `classes`: class folder -> class name. Folders are relative to the project, with slashes."""

    roots: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)

    def place(self, path: str) -> tuple[str | None, str]:
        """The part that a file lies in, None for none, and its class folder, "" for none."""
        for root, part in self.roots.items():
            if path.startswith(f"{root}/"):
                folder = path[: path.find("/", len(root) + 1) + 1][:-1]
                return part, folder if folder in self.classes else ""
        folder = path[: path.find("/") + 1][:-1]
        return None, folder if folder in self.classes else ""

    def class_of(self, path: str) -> str | None:
        """The class of a file; None for one that has none."""
        return self.classes.get(self.place(path)[1])

    def root_of(self, part: str | None) -> str:
        """The folder that holds the class folders of a part, or else those of the pictures that are new: "" for the project's
        own."""
        found = [root for root, its in self.roots.items() if its == part]
        return (found or [root for root, its in self.roots.items() if its == "train"] or list(self.roots) or [""])[0]


def layout_of(folders: Iterable[str], roots: Mapping[str, str]) -> Layout:
    """The layout of a project that has these folders. `roots`: what `find_parts` found."""
    folders = sorted(folders)
    there = set(folders)
    roots = {root: part for root, part in sorted(roots.items()) if root in there}
    names: dict[str, str] = {}
    classes: dict[str, str] = {}
    if not roots:
        for folder in folders:
            if "/" not in folder:
                name = unicodedata.normalize("NFC", folder)
                classes[folder] = names.setdefault(class_key(name), name)
        return Layout({}, classes)
    inside: dict[str, list[str]] = defaultdict(list)
    for folder in folders:
        inside[folder.rpartition("/")[0]].append(folder)
    learned = [root for root, part in roots.items() if part == "train"] or list(roots)
    for root in [*learned, *(root for root in roots if root not in learned)]:
        for folder in inside[root]:
            name = unicodedata.normalize("NFC", folder.rpartition("/")[2])
            if root in learned:
                names.setdefault(class_key(name), name)
            if class_key(name) in names:  # what no one learns is a folder of pictures without a class
                classes[folder] = names[class_key(name)]
    return Layout(roots, dict(sorted(classes.items())))


def part_word(name: str) -> tuple[str, str] | None:
    """The part that a folder's name spells, and what else it says, such as a set's name; None where it spells none."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # TrainSet
    words = re.sub(r"hold[\W_]+out", "holdout", re.sub(r"held[\W_]+out", "heldout", spaced.casefold()))
    parts, rest = [], []
    for word in re.split(r"[\W_]+", words):
        bare = _GLUED.sub("", word.rstrip("0123456789"))
        if bare in _PART_OF:
            parts.append(_PART_OF[bare])
        elif word and word not in _FILLERS and not word.isdigit():
            rest.append(word)
    return (parts[0], " ".join(rest)) if len(set(parts)) == 1 else None


def tells_nothing(name: str) -> bool:
    """Whether a folder's name says only that there are pictures in it, or which part they are: no name of a class."""
    return part_word(name) is not None or all(
        w in _FILLERS or w.isdigit() for w in re.split(r"[\W_]+", name.casefold())
    )


def in_parts(parts: Iterable[str | None]) -> str:
    """How many are in which part, in words; "" where none is in any."""
    counts = Counter(parts)
    words = {"train": "to learn from", "val": "to check with", "test": "for the test", None: "in no part"}
    told = [f"{counts[part]:,} {word}" for part, word in words.items() if counts[part]]
    return ", ".join(told) if counts.keys() - {None} else ""


def remarks_on(layout: Layout, paths: Iterable[str]) -> list[str]:
    """What may not be expected of the pictures at `paths`, in sentences: parts that are not used, folders without a class."""
    inside: Counter[str] = Counter()
    classes: dict[str, None] = {}
    lost: Counter[str] = Counter()
    total = 0
    for path in paths:
        part, folder = layout.place(path)
        total += 1
        if folder:
            classes[layout.classes[folder]] = None
            inside[path.removeprefix(f"{folder}/").rpartition("/")[0].partition("/")[0]] += 1
        elif layout.roots:
            root = next((root for root in layout.roots if path.startswith(f"{root}/")), "")
            if lies := path[len(root) :].lstrip("/").rpartition("/")[0]:
                lost[f"{root}/{lies.partition('/')[0]}" if part else lies.partition("/")[0]] += 1
    found = []
    named = [name for name in inside if part_word(name)]
    if may_be_split(named) and 2 * sum(inside[name] for name in named) > total:
        first, name = next(iter(classes)), sorted(named)[-1]
        turned = (
            f"turn them round: {name}/{first}, not {first}/{name}" if len(classes) > 1 else f"choose the folder {first}"
        )
        found.append(f"The folders {_listed(named)} inside the classes are not used as parts. To use them, {turned}.")
    if may_be_split(classes) and all(map(part_word, classes)):
        found.append(
            f"{_listed(classes)} are taken for classes, though they are called as the parts of a split are. To use them as "
            "parts, put a folder for each class into each of them."
        )
    for folder, number in list(lost.items())[:_NAMED]:
        why = "the training part has no such folder" if layout.place(f"{folder}/")[0] else "it is none of the parts"
        found.append(f"What lies in {folder} has no class ({count(number, 'picture')}): {why}.")
    if len(lost) > _NAMED:
        found.append(f"The same is true of {count(len(lost) - _NAMED, 'more folder')}.")
    return found


def _listed(names: Iterable[str]) -> str:
    *others, last = sorted(names)
    return f"{', '.join(others)} and {last}"


def may_be_split(names: Iterable[str]) -> bool:
    """Whether the names of the folders at the top spell parts, so that it is worth to look into them."""
    return len({word[0] for name in names if (word := part_word(name))}) > 1


def find_parts(folders: Iterable[str], files: Iterable[str]) -> dict[str, str]:
    """The folders that hold the class folders of a part -> "train", "val" or "test"; empty where nothing is split.

    `folders` and the picture `files` are paths relative to the project.
    """
    tree = _Tree(folders, files)
    spelled: dict[str, dict[str, str]] = defaultdict(dict)
    for name in tree.inside("", pictures=False):
        if word := part_word(name):
            spelled[word[1]][name] = word[0]
    for tops in spelled.values():
        if found := _agreeing(tree, tops):
            return found
    return {}


def _agreeing(tree: _Tree, tops: Mapping[str, str]) -> dict[str, str]:
    """The roots in folders that spell parts, if they agree on their classes."""
    learned = next((top for top in tops if tops[top] == "train"), next(iter(tops)))
    if len(set(tops.values())) < 2 or not (root := tree.classy(learned)):
        return {}
    classes = tree.names(root)
    roots, agree = {}, False
    for top, part in tops.items():
        here = max(tree.chain(top), key=lambda folder: (len(tree.names(folder) & classes), len(folder)))
        shared = len(tree.names(here) & classes)
        if shared and 2 * shared < min(len(tree.names(here)), len(classes)):
            return {}  # they are classes with folders of their own
        agree |= top != learned and shared > 0
        roots[top if not shared and len(tree.names(here)) else here] = part
    others = {name for name in tree.inside("", pictures=True) if name not in tops}
    # Loose pictures in `test` beside classes in `train` are a split, but not where other folders lie beside them.
    return roots if agree or not others else {}


class _Tree:
    """Folders and which of them hold pictures."""

    def __init__(self, folders: Iterable[str], files: Iterable[str]) -> None:
        self._inside: dict[str, list[str]] = defaultdict(list)
        for folder in sorted(folders):
            above, _, name = folder.rpartition("/")
            self._inside[above].append(name)
        self._loose = {path.rpartition("/")[0] for path in files}
        self._full = {above for folder in self._loose for above in with_those_above(folder)}

    def inside(self, folder: str, *, pictures: bool) -> list[str]:
        """The folders in a folder; `pictures`: only those that hold any, however deep."""
        names = self._inside[folder]
        return [name for name in names if not pictures or f"{folder}/{name}".lstrip("/") in self._full]

    def names(self, folder: str) -> set[str]:
        """The folders in a folder as classes are told apart."""
        return {class_key(name) for name in self._inside[folder]}

    def chain(self, folder: str) -> list[str]:
        """A folder, the only one in it, and so on, as long as no picture lies beside."""
        found = [folder]
        while len(found) < _DEEPEST and folder not in self._loose and len(self._inside[folder]) == 1:
            folder = f"{folder}/{self._inside[folder][0]}"
            found.append(folder)
        return found

    def classy(self, folder: str) -> str:
        """The first folder of a chain that holds class folders: several, or one with pictures in it. "" if none does."""
        for each in self.chain(folder):
            names = self._inside[each]
            if len(names) > 1 or (names and f"{each}/{names[0]}" in self._loose):
                return each
        return ""


def with_those_above(folder: str) -> Iterator[str]:
    """A folder and all above it."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
