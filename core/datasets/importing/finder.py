"""Which file a table means, among those that are there, however it spells the path."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

from core.datasets.layout import with_those_above
from core.system.naming import class_key

_UPLOAD_PREFIX = 9  # Label Studio puts eight hex digits and a dash before the name of an uploaded file
_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+://[^/]*/?|^file:/*")
_LEVELS: tuple[Callable[[str], str], ...] = (str, lambda name: unicodedata.normalize("NFC", name), class_key)
"""Ways to compare names, the strictest first."""


@dataclass(frozen=True)
class Found:
    """A file that is meant: `certainty` is 4 for its whole path, 3 for its name, 2 for its name without the ending, 1 for its
    number; `shared`: how many parts of the path agree, counted from the end."""

    name: str
    certainty: int
    shared: int


class Finder:
    """Finds files by their paths, else by the longest end of a path that only one file has."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        self._there = set(self.names)
        self._known: dict[tuple[int, bool], dict[str, list[str]]] = {}
        self._asked: dict[tuple[str, str], Found | None] = {}

    def folder_of(self, table: str) -> str:
        """Where the pictures of a table are to be looked for first: in the folder beside it that is called as it is, as `train`
        for train.csv, else in its own."""
        same = _stem(table)
        return same if same in self._folders else table.rpartition("/")[0]

    @cached_property
    def _folders(self) -> set[str]:
        return {above for name in self.names for above in with_those_above(name.rpartition("/")[0])}

    def find(self, wanted: str, folder: str = "") -> Found | None:
        """The file of which a table in `folder` says `wanted`; None if there is no such file or several could be meant."""
        if (wanted, folder) not in self._asked:
            self._asked[wanted, folder] = self._find(wanted, folder)
        return self._asked[wanted, folder]

    def _find(self, wanted: str, folder: str) -> Found | None:
        path = _plain(wanted)
        if not path:
            return None
        beside = f"{folder}/{path}" if folder else path
        asked = re.split(r"[?#]", path)[0]  # of an address, without what it asks for
        spellings = list(dict.fromkeys([beside, path, unquote(path), _not_uploaded(path), asked]))
        for each in spellings:
            if each in self._there:
                return Found(each, 4, each.count("/") + 1)
        return next((found for each in spellings if each and (found := self._alike(each, folder))), None)

    def _alike(self, path: str, folder: str) -> Found | None:
        parts = path.split("/")
        for level, key in enumerate(_LEVELS):
            wanted = [key(part) for part in parts]
            for certainty, stem in ((3, False), (2, True)):
                candidates = self._called(level, stem).get(wanted[-1], [])
                if found := _nearest(candidates, wanted, key, _stem if stem else str, folder):
                    return Found(found[0], certainty, found[1])
        if parts[-1].isascii() and parts[-1].isdigit():
            candidates = self._numbered.get(parts[-1].lstrip("0"), [])
            if len(candidates) == 1:
                return Found(candidates[0], 1, 1)
        return None

    def _called(self, level: int, stem: bool) -> dict[str, list[str]]:
        """Name, or name without ending, -> paths, made when it is first asked for."""
        if (level, stem) not in self._known:
            found: dict[str, list[str]] = {}
            for path in self.names:
                name = path.rpartition("/")[2]
                found.setdefault(_LEVELS[level](_stem(name) if stem else name), []).append(path)
            self._known[level, stem] = found
        return self._known[level, stem]

    @cached_property
    def _numbered(self) -> dict[str, list[str]]:
        """What a spreadsheet makes of 0001.jpg -> paths."""
        found: dict[str, list[str]] = {}
        for path in self.names:
            stem = _stem(path.rpartition("/")[2])
            if stem.isascii() and stem.isdigit():
                found.setdefault(stem.lstrip("0"), []).append(path)
        return found


def _stem(path: str) -> str:
    above, dot, ending = path.rpartition(".")
    return above if dot and "/" not in ending and above.rpartition("/")[2] else path


def _nearest(
    candidates: list[str], wanted: list[str], key: Callable[[str], str], whole: Callable[[str], str], folder: str
) -> tuple[str, int] | None:
    """The candidate that shares the longest end with a path, and how many parts; of several, the one below `folder`."""
    if not candidates:
        return None
    scored = [(_shared([key(part) for part in whole(name).split("/")], wanted), name) for name in candidates]
    most = max(shared for shared, _ in scored)
    best = [name for shared, name in scored if shared == most]
    if len(best) > 1:
        best = [name for name in best if name.startswith(f"{folder}/") and most == len(wanted)] if folder else []
    return (best[0], most) if len(best) == 1 else None


def _shared(a: list[str], b: list[str]) -> int:
    number = 0
    for one, other in zip(reversed(a), reversed(b), strict=False):
        if one != other:
            break
        number += 1
    return number


def _plain(wanted: str) -> str:
    """A path with slashes, without what stands before its first folder."""
    path = wanted.strip().replace("\\", "/")
    bare = _SCHEME.sub("", path)
    if "?d=" in bare:  # Label Studio's local files
        bare = bare.partition("?d=")[2]
    elif bare != path:
        bare = bare.partition("?")[0]
    return "/".join(part for part in bare.split("/") if part not in ("", ".", ".."))


def _not_uploaded(path: str) -> str:
    above, _, name = path.rpartition("/")
    short = name[_UPLOAD_PREFIX:] if name[8:9] == "-" else ""
    return f"{above}/{short}".lstrip("/") if short else ""
