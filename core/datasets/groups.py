"""Which pictures belong together, so that no part is asked about what another part has learned from.

Pictures that look almost the same, copies of one photo, frames of one film, and what a person says is one group. Looks and
names join pictures of one class only: two classes filmed before one wall are still two classes.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.config.split import SplitConfig
from core.datasets.catalogue import Picture
from core.datasets.layout import Layout
from core.datasets.validation import near_groups

_ENDINGS = "jpe?g|png|webp|bmp|gif|tiff?"
_COPIES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^(.+?)(?:[_.](?:{_ENDINGS}))?\.rf\.[0-9a-z]{{6,}}$",  # Roboflow
        rf"^.*?_original_(.+?)(?:\.(?:{_ENDINGS}))?_[0-9a-f]{{8}}(?:-[0-9a-f]{{4,12}}){{4}}$",  # Augmentor
        r"^(aug(?:mented)?_\d+)_\d+$",  # Keras' ImageDataGenerator
        r"^(.+?)[\s._-]+aug(?:mented|mentation)?[\s._-]*(?!(?:19|20)\d\d$)\d*$",  # with a year it is August
        r"^(.+?)[\s._-]+(?:[hv]?flip(?:ped)?(?:[\s._-]?(?:h|v|lr|ud|horizontal|vertical))?|mirror(?:ed)?)$",
        r"^(.+?)[\s._-]+(?:rotated(?:[\s._-]?\d+)?|rot[\s._-]?(?:90|180|270))$",
        r"^(.+?)[\s._-]+\(?(?:copy|kopie|copie|copia)\)?(?:[\s._-]*\(?\d+\)?)?$",
        r"^copy (?:\(\d+\) )?of (.+)$",
    )
)
"""What names of copies of one photo have in common. Not ` (2)`: systems number any pictures so."""
WEBCAM = re.compile(r"^(webcam-[0-9a-f]{8})-(\d+)(?: \(\d+\))?$")
"""A burst as our own webcam names it."""
BY_CAMERA = "the camera"
"""What such pictures are said to come from."""
_ALONE = r"(?:(?<![^\W\d_])|(?<=video)|(?<=movie)|(?<=film))"
"""Before a word for films: a screenshot, a paperclip and a sunburst are none."""
_FILMS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^(.*?)[\s._-]*{_ALONE}(?:frame|frm)[\s._-]*(\d+)$",
        rf"^(.*{_ALONE}(?:clip|video|vid|movie|film|scene|shot|burst|take|sequence|seq)[\s._-]?\d{{1,4}})[\s._-]+(\d+)$",
        rf"^(.+?)[\s._-]*{_ALONE}burst[\s._-]*(\d{{1,4}})(?:_cover)?$",
        r"^.*?burst(\d{10,})()(?:_cover)?$",
        r"^(.*\d{8}[_-]?\d{6})[_-](\d{1,6})$",  # the second in which a camera began
    )
)
_AGAIN = re.compile(r" \(\d+\)$")
"""What a name gets where films come from several folders into one: which film a frame is of cannot be told any more."""
_LAST_NUMBER = re.compile(r"^(.*?)[\s._-]*\(?\d+\)?$")
_FEWEST_FOLDERS = 5
"""So many folders inside a class, none with more than half of it, are taken for groups."""


@dataclass(frozen=True)
class PictureGroups:
    """What the name of a picture tells: which others it belongs to, by `key`, and whether that is a `film`."""

    key: str
    film: bool


def kin_of(path: str) -> PictureGroups | None:
    """What a picture's name tells of where it comes from; None where it says nothing of others."""
    stem = whole = _stem(path)
    if found := WEBCAM.match(stem):
        return PictureGroups(found[1], True)
    while found := next((match for each in _COPIES if (match := each.match(stem))), None):
        stem = found[1]
    if found := next((match for each in _FILMS if (match := each.match(_AGAIN.sub("", stem)))), None):
        return PictureGroups(f"film {found[1]}", True)
    return PictureGroups(f"photo {stem}", False) if stem != whole else None


def _stem(path: str) -> str:
    return PurePosixPath(path).stem.casefold()


def beginning_of(path: str) -> str:
    """A picture's name without the last number in it."""
    found = _LAST_NUMBER.match(_stem(path))
    return found[1] if found else _stem(path)


def in_time(pictures: Iterable[Picture]) -> list[Picture]:
    """In the order of their names, with numbers as people count."""
    return sorted(pictures, key=lambda picture: _counted(picture.path))


def _counted(path: str) -> list[tuple[int, int, str]]:
    return [(0, int(each), "") if each.isdecimal() else (1, 0, each) for each in re.split(r"(\d{1,18})", path)]


def groups_of(pictures: Sequence[Picture], config: SplitConfig, layout: Layout) -> list[int]:
    """For each picture the number of its group, from 0 in order of first appearance, as `config.together` says."""
    keys: dict[Hashable, list[int]] = defaultdict(list)
    by_class: dict[str | None, list[int]] = defaultdict(list)
    for row, picture in enumerate(pictures):
        by_class[picture.class_name].append(row)
        for key in said_of(picture, config):
            keys[key].append(row)
    for name, rows in by_class.items():
        mine = [pictures[row] for row in rows]
        told: list[Sequence[Hashable]] = [
            near_groups(mine),
            _folders(mine, config, layout),
            _names(mine, config, layout),
        ]
        for kind, values in enumerate(told):
            for row, value in zip(rows, values, strict=True):
                if value is not None:
                    keys[name, kind, value].append(row)
    return joined(len(pictures), keys.values())


def joined(count: int, sets: Iterable[Sequence[int]]) -> list[int]:
    """The number of each of `count` things, where all in one of `sets` share one; numbered in order of first appearance."""
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for rows in sets:
        for row in rows[1:]:
            a, b = sorted((root(rows[0]), root(row)))
            parent[b] = a
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(row), len(numbers)) for row in range(count)]


def said_of(picture: Picture, config: SplitConfig) -> list[Hashable]:
    """The groups of a picture by a person's own pattern or table; they may span classes."""
    if config.together == "pattern" and config.pattern:
        found = re.search(config.pattern, picture.path[-255:])
        # Of alternatives, as in plant(\d+)|tree(\d+), each has a bracket of its own, and those of the others are empty.
        return [next(filter(None, found.groups()), found[0])] if found and found[0] else []
    return [picture.group] if config.together == "table" and picture.group else []


def _names(pictures: list[Picture], config: SplitConfig, layout: Layout) -> list[Hashable]:
    """For each picture of a class what its name has in common with others of its photo or film."""
    if config.together == "off":
        return [None] * len(pictures)
    if config.together == "beginnings":
        return [beginning_of(picture.path) for picture in pictures]
    told = [kin_of(picture.path) for picture in pictures]
    # An original has no mark: it belongs to the copies beside it, or the frames, that are called after it.
    marked = {(_folder(p), kin.key): kin for p, kin in zip(pictures, told, strict=True) if kin}
    found: list[Hashable] = []
    for picture, own in zip(pictures, told, strict=True):
        copies = (marked.get((_folder(picture), f"{kind} {_stem(picture.path)}")) for kind in ("photo", "film"))
        kin = own or next(filter(None, copies), None)
        # Of a film that is called frame_0001 and so on, only the folder inside the class tells which one it is.
        nameless = kin is not None and kin.film and not re.search(r"\d", kin.key)
        inside = _folder(picture).removeprefix(layout.place(picture.path)[1]) if nameless else ""
        found.append((kin.key, inside) if kin else None)
    return found


def _folder(picture: Picture) -> str:
    return picture.path.rpartition("/")[0]


def _folders(pictures: list[Picture], config: SplitConfig, layout: Layout) -> list[str | None]:
    """For each picture of a class the folder inside the class that it lies in; None where it, or such folders, are no group."""
    inside: list[str | None] = []
    for picture in pictures:
        folder = layout.place(picture.path)[1]
        first, slash, _ = picture.path.removeprefix(f"{folder}/").partition("/")
        inside.append(first if folder and slash else None)
    counts = Counter(filter(None, inside))
    many = len(counts) >= _FEWEST_FOLDERS and max(counts.values()) <= len(pictures) / 2
    asked = config.together == "folders" or (many and config.together == "names")
    return inside if asked else [None] * len(pictures)
